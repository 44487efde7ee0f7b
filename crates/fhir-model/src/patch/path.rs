//! The part of FHIRPath that patches use: the way to elements, with filters. <http://hl7.org/fhir/R4/fhirpatch.html>,
//! <http://hl7.org/fhirpath/N1/>

use super::error::Why;
use crate::decimal::Decimal;

/// The way to elements.
pub(super) type Path = Vec<Step>;

/// One step of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// The elements of this name; at the beginning the type of the resource too.
    Child(String),
    /// `[1]`
    At(usize),
    /// `first()`, `take(1)`
    Take(usize),
    /// `skip(1)`, `tail()`
    Skip(usize),
    /// `last()`
    Last,
    /// `single()`: an error when there are several.
    Single,
    /// `as(T)`, `ofType(T)`
    As(String),
    /// `where(…)`
    Where(Condition),
}

/// What a filter asks.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    Or(Vec<Condition>),
    And(Vec<Condition>),
    Not(Box<Condition>),
    /// `=` and `!=`
    Equal(Operand, Operand),
    /// A path that finds something.
    Exists(Path),
    /// A path that finds a text of this form.
    Like(Path, Form, String),
    /// A path that finds `true`.
    True(Path),
}

/// How often going this way goes through what it begins at: once, and once for each filter. Some steps that only choose
/// among what was found cost as much as a filter.
pub(super) fn weight(path: &[Step]) -> usize {
    let filters = path.iter().map(|step| match step {
        Step::Where(condition) => condition.weight(),
        _ => 0,
    });
    1 + path.len() / 8 + filters.sum::<usize>()
}

impl Condition {
    fn weight(&self) -> usize {
        match self {
            Self::Or(conditions) | Self::And(conditions) => conditions.iter().map(Self::weight).sum(),
            Self::Not(condition) => condition.weight(),
            Self::Equal(left, right) => left.weight() + right.weight(),
            Self::Exists(path) | Self::Like(path, ..) | Self::True(path) => weight(path),
        }
    }
}

impl Operand {
    fn weight(&self) -> usize {
        match self {
            Self::Path(path) => weight(path),
            _ => 0,
        }
    }
}

/// How a text is looked for in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Start,
    End,
    Part,
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    Text(String),
    Number(Decimal),
    Boolean(bool),
    Path(Path),
}

/// Longest expression.
const MAX_BYTES: usize = 2000;

/// Filters and parentheses inside each other.
const MAX_DEPTH: usize = 12;

/// Reads a path.
pub(super) fn parse(text: &str) -> Result<Path, Why> {
    if text.len() > MAX_BYTES {
        return Err(Why::Path(MAX_BYTES));
    }
    let mut parser = Parser { text, at: 0, depth: 0 };
    match parser.whole() {
        Some(path) => Ok(path),
        None => Err(Why::Path(text[..parser.at.min(text.len())].chars().count())),
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

/// What was read: more of a path, or what makes it a condition, which ends it.
enum End {
    Path,
    Condition(Condition),
}

/// Every reader gives `None` at the place that it does not understand.
impl Parser<'_> {
    fn whole(&mut self) -> Option<Path> {
        let mut path = Path::new();
        match self.path(&mut path)? {
            End::Path => {}
            End::Condition(_) => return None,
        }
        self.space();
        (self.at == self.text.len() && !path.is_empty()).then_some(path)
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    fn take(&mut self, symbol: &str) -> bool {
        self.space();
        let is_there = self.rest().starts_with(symbol);
        self.at += if is_there { symbol.len() } else { 0 };
        is_there
    }

    /// A keyword: not the beginning of a longer name.
    fn word(&mut self, word: &str) -> bool {
        let before = self.at;
        if self.name().as_deref() == Some(word) {
            return true;
        }
        self.at = before;
        false
    }

    fn name(&mut self) -> Option<String> {
        self.space();
        if let Some(quoted) = self.rest().strip_prefix('`') {
            let name = quoted.split_once('`')?.0.to_owned();
            self.at += name.len() + 2;
            return Some(name);
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let len = self.rest().find(|c| !is_name(c)).unwrap_or(self.rest().len());
        let name = self.rest()[..len].to_owned();
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        self.at += len;
        Some(name)
    }

    fn number(&mut self) -> Option<usize> {
        self.space();
        let rest = self.rest();
        let len = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number = rest[..len].parse().ok()?;
        self.at += len;
        Some(number)
    }

    /// `'…'` with the escapes of FHIRPath §4.1.2.
    fn string(&mut self) -> Option<String> {
        self.space();
        let mut text = String::new();
        let mut chars = self.rest().strip_prefix('\'')?.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\'' => {
                    self.at += at + 2;
                    return Some(text);
                }
                '\\' => text.push(match chars.next()?.1 {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'f' => '\u{c}',
                    'u' => {
                        let digits: String = (0..4).filter_map(|_| chars.next()).map(|(_, c)| c).collect();
                        char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
                    }
                    c @ ('\'' | '"' | '`' | '\\' | '/') => c,
                    _ => return None,
                }),
                c => text.push(c),
            }
        }
        None
    }

    /// A path to its end; `steps` are those of it.
    fn path(&mut self, steps: &mut Path) -> Option<End> {
        // The element that is looked at, from which every path begins.
        let is_this = self.take("$this");
        if is_this && !self.take(".") {
            return Some(End::Path);
        }
        loop {
            let before = self.at;
            let name = self.name()?;
            if self.take("(") {
                if let End::Condition(condition) = self.function(&name, steps, before)? {
                    return Some(End::Condition(condition));
                }
            } else {
                steps.push(Step::Child(name));
            }
            while self.take("[") {
                steps.push(Step::At(self.number()?));
                self.close("]")?;
            }
            if !self.take(".") {
                return Some(End::Path);
            }
        }
    }

    fn close(&mut self, symbol: &str) -> Option<()> {
        self.take(symbol).then_some(())
    }

    /// A function after its parenthesis: steps, or a condition that ends the path.
    fn function(&mut self, name: &str, steps: &mut Path, before: usize) -> Option<End> {
        match name {
            "where" => {
                let condition = self.condition()?;
                steps.push(Step::Where(condition));
            }
            "first" => steps.push(Step::Take(1)),
            "last" => steps.push(Step::Last),
            "tail" => steps.push(Step::Skip(1)),
            "single" => steps.push(Step::Single),
            "take" => steps.push(Step::Take(self.number()?)),
            "skip" => steps.push(Step::Skip(self.number()?)),
            "as" | "ofType" => steps.push(Step::As(self.name()?)),
            "extension" => {
                let url = Operand::Text(self.string()?);
                steps.push(Step::Child("extension".to_owned()));
                let of = Operand::Path(vec![Step::Child("url".to_owned())]);
                steps.push(Step::Where(Condition::Equal(of, url)));
            }
            "exists" | "empty" | "startsWith" | "endsWith" | "contains" => {
                return self.question(name, steps).map(End::Condition);
            }
            _ => {
                self.at = before;
                return None;
            }
        }
        self.close(")").map(|()| End::Path)
    }

    /// A function that asks something of what the path found.
    fn question(&mut self, name: &str, steps: &mut Path) -> Option<Condition> {
        let mut path = std::mem::take(steps);
        let mut text = |form, path| Some(Condition::Like(path, form, self.string()?));
        let asked = match name {
            "startsWith" => text(Form::Start, path)?,
            "endsWith" => text(Form::End, path)?,
            "contains" => text(Form::Part, path)?,
            "empty" => Condition::Not(Box::new(Condition::Exists(path))),
            _ => {
                self.space();
                if !self.rest().starts_with(')') {
                    path.push(Step::Where(self.condition()?));
                }
                Condition::Exists(path)
            }
        };
        self.close(")")?;
        self.negated(asked)
    }

    /// `….not()`
    fn negated(&mut self, condition: Condition) -> Option<Condition> {
        if !self.take(".") {
            return Some(condition);
        }
        let is_not = self.word("not") && self.take("(");
        (is_not && self.take(")")).then(|| Condition::Not(Box::new(condition)))
    }

    fn condition(&mut self) -> Option<Condition> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let mut any = vec![self.all()?];
        while self.word("or") {
            any.push(self.all()?);
        }
        self.depth -= 1;
        Some(match any.len() {
            1 => any.remove(0),
            _ => Condition::Or(any),
        })
    }

    fn all(&mut self) -> Option<Condition> {
        let mut all = vec![self.one()?];
        while self.word("and") {
            all.push(self.one()?);
        }
        Some(match all.len() {
            1 => all.remove(0),
            _ => Condition::And(all),
        })
    }

    fn one(&mut self) -> Option<Condition> {
        if self.take("(") {
            let inner = self.condition()?;
            self.close(")")?;
            return self.negated(inner);
        }
        let left = match self.operand()? {
            Ok(operand) => operand,
            Err(condition) => return Some(condition),
        };
        let is_negated = self.take("!=");
        if is_negated || self.take("=") {
            let equal = Condition::Equal(left, self.operand()?.ok()?);
            return Some(if is_negated {
                Condition::Not(Box::new(equal))
            } else {
                equal
            });
        }
        match left {
            Operand::Path(path) => Some(Condition::True(path)),
            _ => None,
        }
    }

    /// A literal or a path; or the condition that a path ended in.
    fn operand(&mut self) -> Option<Result<Operand, Condition>> {
        self.space();
        let literal = match self.rest().chars().next()? {
            '\'' => Operand::Text(self.string()?),
            '@' => {
                let is_date = |c: char| c.is_ascii_digit() || "-:.TZ+".contains(c);
                let rest = &self.rest()[1..];
                let text = rest[..rest.find(|c| !is_date(c)).unwrap_or(rest.len())].to_owned();
                self.at += 1 + text.len();
                Operand::Text(text)
            }
            '-' | '0'..='9' => {
                let is_number = |c: char| c.is_ascii_digit() || "-.".contains(c);
                let rest = self.rest();
                let text = &rest[..rest.find(|c| !is_number(c)).unwrap_or(rest.len())];
                let (number, len) = (Decimal::parse(text)?, text.len());
                self.at += len;
                Operand::Number(number)
            }
            _ if self.word("true") => Operand::Boolean(true),
            _ if self.word("false") => Operand::Boolean(false),
            _ => {
                let mut path = Path::new();
                match self.path(&mut path)? {
                    End::Path => Operand::Path(path),
                    End::Condition(condition) => return Some(Err(condition)),
                }
            }
        };
        Some(Ok(literal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn child(name: &str) -> Step {
        Step::Child(name.to_owned())
    }

    #[test]
    fn forms() {
        let path = |name: &str| Operand::Path(vec![child(name)]);
        let text = |text: &str| Operand::Text(text.to_owned());
        for (source, expected) in [
            ("Patient", vec![child("Patient")]),
            (
                "Patient.name[1].given",
                vec![child("Patient"), child("name"), Step::At(1), child("given")],
            ),
            (" name . first ( ) ", vec![child("name"), Step::Take(1)]),
            ("`div`.skip(2).last()", vec![child("div"), Step::Skip(2), Step::Last]),
            (
                "value.ofType(Quantity)",
                vec![child("value"), Step::As("Quantity".to_owned())],
            ),
            (
                "id.where(system = 'a\\'b' and use != 'old')",
                vec![
                    child("id"),
                    Step::Where(Condition::And(vec![
                        Condition::Equal(path("system"), text("a'b")),
                        Condition::Not(Box::new(Condition::Equal(path("use"), text("old")))),
                    ])),
                ],
            ),
            (
                "a.where(b.exists().not() or (c or $this = 1.0))",
                vec![
                    child("a"),
                    Step::Where(Condition::Or(vec![
                        Condition::Not(Box::new(Condition::Exists(vec![child("b")]))),
                        Condition::Or(vec![
                            Condition::True(vec![child("c")]),
                            Condition::Equal(
                                Operand::Path(Vec::new()),
                                Operand::Number(Decimal::parse("1.0").unwrap()),
                            ),
                        ]),
                    ])),
                ],
            ),
            (
                "a.extension('u').value",
                vec![
                    child("a"),
                    child("extension"),
                    Step::Where(Condition::Equal(path("url"), text("u"))),
                    child("value"),
                ],
            ),
        ] {
            assert_eq!(parse(source).ok(), Some(expected), "{source}");
        }
    }

    #[test]
    fn what_is_outside_is_refused() {
        let deep = "a.where(".repeat(20);
        for bad in [
            "",
            ".",
            "a.",
            "a[",
            "a[x]",
            "a.b.resolve()",
            "a.where()",
            "a.where(b = )",
            "a.where('x')",
            "a | b",
            "a = b",
            "a.exists()",
            "é",
            "a.where(b = 'x",
            "1",
            "a b",
            &deep,
            &"a".repeat(2001),
        ] {
            assert!(matches!(parse(bad), Err(Why::Path(_))), "{bad}");
        }
    }
}
