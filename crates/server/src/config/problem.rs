//! What is wrong with a configuration, where, and what to do about it.

use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;

use serde::Serialize;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Line of the file, from 1; `None` when it is about the whole.
    pub line: Option<usize>,
    /// What is wrong and what to do.
    pub message: String,
}

/// Everything that is wrong, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one error that reading as TOML gives.
    pub fn of_syntax(text: &str, error: &toml::de::Error) -> Self {
        Self(vec![Problem {
            line: error.span().map(|span| line_of(text, &span)),
            message: plain(&error.message().replace('\n', "; ")),
        }])
    }

    /// Adds one at this place of the text.
    pub fn add(&mut self, text: &str, span: &Range<usize>, message: &str) {
        self.0.push(Problem {
            line: Some(line_of(text, span)),
            message: plain(message),
        });
    }

    /// The first one, and how many more there are.
    pub fn in_one_line(&self, path: &Path) -> String {
        let mut line = self.lines(path).next().unwrap_or_default();
        if self.0.len() > 1 {
            write!(line, " (and {} more: see hygie check-config)", self.0.len() - 1).expect("writing to a string");
        }
        line
    }

    /// `file:line: message`, each.
    pub fn lines<'a>(&'a self, path: &'a Path) -> impl Iterator<Item = String> + 'a {
        self.0.iter().map(move |problem| match problem.line {
            Some(line) => format!("{}:{line}: {}", path.display(), problem.message),
            None => format!("{}: {}", path.display(), problem.message),
        })
    }
}

/// Control characters, which a name of the file may hold, would break the line or reach the terminal.
fn plain(message: &str) -> String {
    let mut plain = String::with_capacity(message.len());
    for c in message.chars() {
        if c.is_control() {
            plain.extend(c.escape_default());
        } else {
            plain.push(c);
        }
    }
    plain
}

fn line_of(text: &str, span: &Range<usize>) -> usize {
    let before = text.get(..span.start).unwrap_or(text);
    before.bytes().filter(|byte| *byte == b'\n').count() + 1
}
