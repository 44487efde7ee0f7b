//! The part of FHIRPath that the R4 search parameters use, read into steps. <http://hl7.org/fhirpath/N1/>

use std::iter::Peekable;
use std::str::CharIndices;

use crate::resource_type::ResourceType;

/// One branch of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path<'e> {
    pub steps: Vec<Step<'e>>,
    /// `P.exists() and P != false`: true or false, for a resource as a whole.
    pub is_presence: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step<'e> {
    /// An element, or at the start a type.
    Child(&'e str),
    /// Only the first item of what the last step found.
    First,
    /// `as(T)`, `ofType(T)`, `… as T`
    As(&'e str),
    /// `where(resolve() is T)`
    ResolvesTo(ResourceType),
    /// `where(element = 'text')`
    Where(&'e str, &'e str),
    /// `%resource`: from the resource, not from the current element.
    Resource,
}

/// An expression that is outside the part that is supported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ExpressionError {
    #[error("unexpected {0:?} in the expression")]
    Unexpected(String),
    #[error("the expression is too long")]
    TooLong,
    #[error("the expression ends too early")]
    End,
    #[error("{0} has no element {1}")]
    NoElement(String, String),
    #[error("a {kind} parameter cannot be taken from {path}")]
    NoValue { kind: &'static str, path: String },
}

/// Longest expression; parentheses nest no deeper.
const MAX_TOKENS: usize = 500;

/// Reads the branches of a union.
pub(super) fn parse(expression: &str) -> Result<Vec<Path<'_>>, ExpressionError> {
    let tokens = tokens(expression)?;
    if tokens.len() > MAX_TOKENS {
        return Err(ExpressionError::TooLong);
    }
    let mut parser = Parser {
        tokens: tokens.into_iter().peekable(),
    };
    let mut branches = vec![parser.branch()?];
    while parser.take(Token::Symbol('|')) {
        branches.push(parser.branch()?);
    }
    match parser.tokens.next() {
        None => Ok(branches),
        Some(token) => Err(unexpected(token)),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'e> {
    Word(&'e str),
    Text(&'e str),
    Symbol(char),
    NotEqual,
}

fn unexpected(token: Token<'_>) -> ExpressionError {
    ExpressionError::Unexpected(match token {
        Token::Word(text) | Token::Text(text) => text.to_owned(),
        Token::Symbol(symbol) => symbol.to_string(),
        Token::NotEqual => "!=".to_owned(),
    })
}

fn tokens(expression: &str) -> Result<Vec<Token<'_>>, ExpressionError> {
    let mut found = Vec::new();
    let mut chars = expression.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            ' ' => {}
            '\'' => {
                let end = chars.find(|(_, c)| *c == '\'').ok_or(ExpressionError::End)?.0;
                found.push(Token::Text(&expression[at + 1..end]));
            }
            '!' if chars.next_if(|(_, c)| *c == '=').is_some() => found.push(Token::NotEqual),
            '.' | '|' | '(' | ')' | '[' | ']' | '=' | '%' => found.push(Token::Symbol(c)),
            c if c.is_ascii_alphanumeric() => {
                let end = word_end(&mut chars, expression);
                found.push(Token::Word(&expression[at..end]));
            }
            c => return Err(ExpressionError::Unexpected(c.to_string())),
        }
    }
    Ok(found)
}

fn word_end(chars: &mut Peekable<CharIndices<'_>>, expression: &str) -> usize {
    while chars.next_if(|(_, c)| c.is_ascii_alphanumeric()).is_some() {}
    chars.peek().map_or(expression.len(), |(at, _)| *at)
}

struct Parser<'e> {
    tokens: Peekable<std::vec::IntoIter<Token<'e>>>,
}

impl<'e> Parser<'e> {
    fn take(&mut self, token: Token<'_>) -> bool {
        self.tokens.next_if(|next| *next == token).is_some()
    }

    fn expect(&mut self, token: Token<'_>) -> Result<(), ExpressionError> {
        match self.tokens.next() {
            Some(next) if next == token => Ok(()),
            Some(next) => Err(unexpected(next)),
            None => Err(ExpressionError::End),
        }
    }

    fn word(&mut self) -> Result<&'e str, ExpressionError> {
        match self.tokens.next() {
            Some(Token::Word(word)) => Ok(word),
            Some(next) => Err(unexpected(next)),
            None => Err(ExpressionError::End),
        }
    }

    fn branch(&mut self) -> Result<Path<'e>, ExpressionError> {
        let mut steps = Vec::new();
        self.term(&mut steps)?;
        if self.take(Token::Word("as")) {
            steps.push(Step::As(self.word()?));
        }
        if self.take(Token::Word("and")) {
            return self.presence(&steps);
        }
        Ok(Path {
            steps,
            is_presence: false,
        })
    }

    /// `P.exists() and P != false`, whose first half is read.
    fn presence(&mut self, steps: &[Step<'e>]) -> Result<Path<'e>, ExpressionError> {
        let mut again = Vec::new();
        self.term(&mut again)?;
        self.expect(Token::NotEqual)?;
        self.expect(Token::Word("false"))?;
        let Some((Step::Child("exists()"), first)) = steps.split_last() else {
            return Err(ExpressionError::Unexpected("and".to_owned()));
        };
        if first != again {
            return Err(ExpressionError::Unexpected("!=".to_owned()));
        }
        Ok(Path {
            steps: again,
            is_presence: true,
        })
    }

    /// A path, or one in parentheses with more steps after it.
    fn term(&mut self, steps: &mut Vec<Step<'e>>) -> Result<(), ExpressionError> {
        if self.take(Token::Symbol('(')) {
            let inner = self.branch()?;
            self.expect(Token::Symbol(')'))?;
            steps.extend(inner.steps);
        } else if self.take(Token::Symbol('%')) {
            self.expect(Token::Word("resource"))?;
            steps.push(Step::Resource);
        } else {
            self.step(steps)?;
        }
        loop {
            if self.take(Token::Symbol('.')) {
                self.step(steps)?;
            } else if self.take(Token::Symbol('[')) {
                self.expect(Token::Word("0"))?;
                self.expect(Token::Symbol(']'))?;
                steps.push(Step::First);
            } else {
                return Ok(());
            }
        }
    }

    fn step(&mut self, steps: &mut Vec<Step<'e>>) -> Result<(), ExpressionError> {
        let word = self.word()?;
        if !self.take(Token::Symbol('(')) {
            steps.push(Step::Child(word));
            return Ok(());
        }
        match word {
            "as" | "ofType" => steps.push(Step::As(self.word()?)),
            "where" => steps.push(self.condition()?),
            "exists" => steps.push(Step::Child("exists()")),
            "extension" => {
                let Some(Token::Text(url)) = self.tokens.next() else {
                    return Err(ExpressionError::End);
                };
                steps.extend([Step::Child("extension"), Step::Where("url", url)]);
            }
            other => return Err(ExpressionError::Unexpected(other.to_owned())),
        }
        self.expect(Token::Symbol(')'))
    }

    fn condition(&mut self) -> Result<Step<'e>, ExpressionError> {
        let word = self.word()?;
        if word == "resolve" {
            self.expect(Token::Symbol('('))?;
            self.expect(Token::Symbol(')'))?;
            self.expect(Token::Word("is"))?;
            let name = self.word()?;
            let kind = ResourceType::find(name).ok_or_else(|| ExpressionError::Unexpected(name.to_owned()))?;
            return Ok(Step::ResolvesTo(kind));
        }
        self.expect(Token::Symbol('='))?;
        match self.tokens.next() {
            Some(Token::Text(text)) => Ok(Step::Where(word, text)),
            Some(next) => Err(unexpected(next)),
            None => Err(ExpressionError::End),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn forms_of_the_specification() {
        use Step::*;
        let patient = ResourceType::find("Patient").unwrap();
        let cases: &[(&str, &[Step<'_>])] = &[
            ("Patient.name", &[Child("Patient"), Child("name")]),
            ("(A.value as Quantity)", &[Child("A"), Child("value"), As("Quantity")]),
            (
                "(A.value as B).text",
                &[Child("A"), Child("value"), As("B"), Child("text")],
            ),
            ("A.value.as(Range)", &[Child("A"), Child("value"), As("Range")]),
            ("A.b as C", &[Child("A"), Child("b"), As("C")]),
            (
                "A.subject.where(resolve() is Patient)",
                &[Child("A"), Child("subject"), ResolvesTo(patient)],
            ),
            (
                "A.t.where(system='email')",
                &[Child("A"), Child("t"), Where("system", "email")],
            ),
            (
                "Bundle.entry[0].resource",
                &[Child("Bundle"), Child("entry"), First, Child("resource")],
            ),
            (
                "A.extension('http://x/y').value",
                &[
                    Child("A"),
                    Child("extension"),
                    Where("url", "http://x/y"),
                    Child("value"),
                ],
            ),
            ("%resource.a", &[Resource, Child("a")]),
        ];
        for (text, steps) in cases {
            let expected = vec![Path {
                steps: steps.to_vec(),
                is_presence: false,
            }];
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
        assert_eq!(parse("A.b | A.c").unwrap().len(), 2);
        let presence = parse("P.deceased.exists() and P.deceased != false").unwrap();
        assert_eq!(
            presence,
            [Path {
                steps: vec![Child("P"), Child("deceased")],
                is_presence: true
            }]
        );
    }

    #[test]
    fn what_is_outside_is_refused() {
        for bad in [
            "",
            "A.",
            "A.b.first()",
            "A.b[1]",
            "A.where(x)",
            "A.b = 'c'",
            "A.b and A.c",
            "(A",
            "A.x('",
            "A.é",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "[A-Za-z.()|'=\\[\\]0% ]{0,40}") {
            let _ = parse(&text);
        }
    }
}
