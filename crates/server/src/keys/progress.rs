//! A rotation shown on standard error: a bar on a terminal, a line for each instance otherwise.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressStyle};
use parking_lot::Mutex;

use super::request::{Rotation, State};

/// What is shown.
pub struct Shown {
    bar: Option<ProgressBar>,
    last: Mutex<String>,
}

impl Shown {
    /// Nothing yet.
    pub fn new() -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            let style = ProgressStyle::with_template("{msg}  {bar:40} {percent:>3} %  {eta} left");
            bar.set_style(style.expect("the template is well formed"));
            bar
        });
        Self {
            bar,
            last: Mutex::new(String::new()),
        }
    }

    /// How far it is.
    pub fn show(&self, rotation: &Rotation) {
        let what = match rotation.state {
            State::Requested => "waiting for the live process".to_owned(),
            State::Running if rotation.total > 0 && rotation.done + 1 >= rotation.total => {
                format!("{}: copied, waiting to switch", rotation.what)
            }
            State::Running => rotation.what.clone(),
            State::Done | State::Failed => return,
        };
        if let Some(bar) = &self.bar {
            bar.set_length(rotation.total);
            bar.set_position(rotation.done);
            bar.set_message(what);
        } else if rotation.total == 0 && *self.last.lock() != what {
            eprintln!("{what}");
            *self.last.lock() = what;
        }
    }

    /// Takes the bar away, so that the summary stands alone.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
