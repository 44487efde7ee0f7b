//! Words of `$filter`, `$orderby`, `$expand` and `$search`.

use super::QueryError;

/// Longest option.
const MAX_TEXT: usize = 8 * 1024;

/// A word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A name, an operator, a number, an instant, an id.
    Word(String),
    /// `'text'`, its quotes undoubled.
    Text(String),
    /// `"text"`, as `$search` has them.
    Quoted(String),
    /// `( ) , / : ; =`
    Sign(char),
}

/// The words of an option, each with its position.
pub(super) struct Tokens {
    option: &'static str,
    all: Vec<(usize, Token)>,
    next: usize,
    end: usize,
}

impl Tokens {
    /// Cuts a text into words.
    pub fn of(option: &'static str, text: &str) -> Result<Self, QueryError> {
        if text.len() > MAX_TEXT {
            return Err(QueryError::TooComplex(option));
        }
        let chars: Vec<char> = text.chars().collect();
        let mut all = Vec::new();
        let mut at = 0;
        while let Some(&first) = chars.get(at) {
            let (token, end) = match first {
                ' ' | '\t' => {
                    at += 1;
                    continue;
                }
                '(' | ')' | ',' | '/' | ':' | ';' | '=' => (Token::Sign(first), at + 1),
                '\'' => {
                    let (text, end) = quoted(&chars, at, option)?;
                    (Token::Text(text), end)
                }
                '"' => {
                    let (text, end) = escaped(&chars, at, option)?;
                    (Token::Quoted(text), end)
                }
                _ => word(&chars, at, option)?,
            };
            all.push((at, token));
            at = end;
        }
        Ok(Self {
            option,
            all,
            next: 0,
            end: chars.len(),
        })
    }

    /// The next word.
    pub fn peek(&self) -> Option<&Token> {
        self.all.get(self.next).map(|(_, token)| token)
    }

    /// The one after it.
    pub fn peek_second(&self) -> Option<&Token> {
        self.all.get(self.next + 1).map(|(_, token)| token)
    }

    /// Takes the next word.
    pub fn take(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.next += 1;
        token
    }

    /// Takes the next word if it is this one, whatever its case.
    pub fn take_word(&mut self, expected: &str) -> bool {
        let is_it = matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(expected));
        self.next += usize::from(is_it);
        is_it
    }

    /// Takes the next word if it is this sign.
    pub fn take_sign(&mut self, expected: char) -> bool {
        let is_it = self.peek() == Some(&Token::Sign(expected));
        self.next += usize::from(is_it);
        is_it
    }

    /// Takes this sign, or refuses.
    pub fn need_sign(&mut self, expected: char, name: &'static str) -> Result<(), QueryError> {
        if self.take_sign(expected) {
            Ok(())
        } else {
            Err(self.expected(name))
        }
    }

    /// Takes a word, or refuses.
    pub fn need_word(&mut self, name: &'static str) -> Result<String, QueryError> {
        match self.peek() {
            Some(Token::Word(word)) => {
                let word = word.clone();
                self.next += 1;
                Ok(word)
            }
            _ => Err(self.expected(name)),
        }
    }

    /// Refuses when something is left.
    pub fn need_end(&self) -> Result<(), QueryError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.expected("the end")),
        }
    }

    /// The refusal at the next word.
    pub fn expected(&self, expected: &'static str) -> QueryError {
        QueryError::Syntax {
            option: self.option,
            expected,
            at: self.all.get(self.next).map_or(self.end, |(at, _)| *at),
        }
    }

    /// The option that is read.
    pub fn option(&self) -> &'static str {
        self.option
    }
}

/// What stands between single quotes; a quote in it is doubled (OData ABNF, `string`).
fn quoted(chars: &[char], at: usize, option: &'static str) -> Result<(String, usize), QueryError> {
    let mut text = String::new();
    let mut here = at + 1;
    while let Some(&c) = chars.get(here) {
        if c != '\'' {
            text.push(c);
            here += 1;
        } else if chars.get(here + 1) == Some(&'\'') {
            text.push('\'');
            here += 2;
        } else {
            return Ok((text, here + 1));
        }
    }
    Err(unclosed(option, at))
}

/// What stands between double quotes, with `\` before a quote or a `\` in it.
fn escaped(chars: &[char], at: usize, option: &'static str) -> Result<(String, usize), QueryError> {
    let mut text = String::new();
    let mut here = at + 1;
    while let Some(&c) = chars.get(here) {
        match c {
            '"' => return Ok((text, here + 1)),
            '\\' if matches!(chars.get(here + 1), Some('"' | '\\')) => {
                text.push(chars[here + 1]);
                here += 2;
            }
            _ => {
                text.push(c);
                here += 1;
            }
        }
    }
    Err(unclosed(option, at))
}

fn unclosed(option: &'static str, at: usize) -> QueryError {
    QueryError::Syntax {
        option,
        expected: "the end of the text that begins here",
        at,
    }
}

/// A name or a bare value. An instant has colons, the variable of an `any` is followed by one: what begins with a digit
/// is no variable.
fn word(chars: &[char], at: usize, option: &'static str) -> Result<(Token, usize), QueryError> {
    let is_value = chars[at].is_ascii_digit() || chars[at] == '-';
    let belongs = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '@' | '$' | '-') || (is_value && matches!(c, ':' | '+'))
    };
    let length = chars[at..].iter().take_while(|c| belongs(**c)).count();
    if length == 0 {
        return Err(QueryError::Syntax {
            option,
            expected: "a name or a value",
            at,
        });
    }
    Ok((Token::Word(chars[at..at + length].iter().collect()), at + length))
}
