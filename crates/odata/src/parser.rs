//! `$filter` from text, its names resolved.

use super::entity::{EntityType, Kind, find};
use super::filter::{Filter, Function, Literal, Operator, Path};
use super::lexer::{Token, Tokens};
use super::{Property, QueryError};

const FILTER: &str = "$filter";
/// Deepest nesting.
const MAX_DEPTH: usize = 16;
/// Most conditions and values.
const MAX_TERMS: usize = 200;

/// Reads a `$filter`.
pub(super) fn filter(text: &str, entity: &'static EntityType) -> Result<Filter, QueryError> {
    let mut parser = Parser {
        tokens: Tokens::of(FILTER, text)?,
        entity,
        variables: Vec::new(),
        terms: 0,
    };
    let filter = parser.or(0)?;
    parser.tokens.need_end()?;
    Ok(filter)
}

struct Parser {
    tokens: Tokens,
    entity: &'static EntityType,
    /// The items that are named here, the innermost last.
    variables: Vec<(String, Kind)>,
    terms: usize,
}

impl Parser {
    fn or(&mut self, depth: usize) -> Result<Filter, QueryError> {
        let mut all = vec![self.and(depth)?];
        while self.tokens.take_word("or") {
            all.push(self.and(depth)?);
        }
        Ok(several(all, Filter::Or))
    }

    fn and(&mut self, depth: usize) -> Result<Filter, QueryError> {
        let mut all = vec![self.not(depth)?];
        while self.tokens.take_word("and") {
            all.push(self.not(depth)?);
        }
        Ok(several(all, Filter::And))
    }

    fn not(&mut self, depth: usize) -> Result<Filter, QueryError> {
        if depth > MAX_DEPTH {
            return Err(QueryError::TooComplex(FILTER));
        }
        if self.tokens.take_word("not") {
            return Ok(Filter::Not(Box::new(self.not(depth + 1)?)));
        }
        if self.tokens.take_sign('(') {
            let inner = self.or(depth + 1)?;
            self.tokens.need_sign(')', "')'")?;
            return Ok(inner);
        }
        self.count()?;
        if self.tokens.peek_second() == Some(&Token::Sign('(')) {
            return self.function();
        }
        self.condition(depth)
    }

    /// `startsWith(path,'text')`.
    fn function(&mut self) -> Result<Filter, QueryError> {
        let function = [
            ("startsWith", Function::StartsWith),
            ("endsWith", Function::EndsWith),
            ("contains", Function::Contains),
        ]
        .into_iter()
        .find(|(name, _)| self.tokens.take_word(name));
        let Some((_, function)) = function else {
            return Err(self.tokens.expected("startsWith, endsWith or contains"));
        };
        self.tokens.need_sign('(', "'('")?;
        let (path, kind) = self.path()?;
        self.tokens.need_sign(',', "','")?;
        let Some(Token::Text(text)) = self.tokens.peek().cloned() else {
            return Err(self.tokens.expected("a text in quotes"));
        };
        self.tokens.take();
        self.tokens.need_sign(')', "')'")?;
        if kind != Kind::Text {
            return Err(wrong(&path));
        }
        let holds = Filter::Text {
            path,
            function,
            text: text.into(),
        };
        // As libraries write it: `startsWith(…) eq true`.
        if !self.tokens.take_word("eq") {
            return Ok(holds);
        }
        if self.tokens.take_word("true") {
            Ok(holds)
        } else if self.tokens.take_word("false") {
            Ok(Filter::Not(Box::new(holds)))
        } else {
            Err(self.tokens.expected("true or false"))
        }
    }

    fn condition(&mut self, depth: usize) -> Result<Filter, QueryError> {
        let (path, kind) = self.path()?;
        if self.tokens.take_word("any") {
            return self.any(path, kind, depth);
        }
        if self.tokens.take_word("in") {
            return self.within(path, kind);
        }
        let operator = self.operator()?;
        let value = self.literal(&path, kind)?;
        let fits = match operator {
            Operator::Eq | Operator::Ne => true,
            Operator::Has => matches!(value, Literal::Text(_)),
            Operator::Ge | Operator::Le if matches!(value, Literal::Text(_)) => self.is_ordered(&path),
            Operator::Gt | Operator::Ge | Operator::Lt | Operator::Le => {
                matches!(value, Literal::Number(_) | Literal::Instant(_))
            }
        };
        if fits {
            Ok(Filter::Compare { path, operator, value })
        } else {
            Err(wrong(&path))
        }
    }

    /// Whether a path leads to a text of the entity itself that has an order.
    fn is_ordered(&self, path: &Path) -> bool {
        let [member] = path.members[..] else { return false };
        path.variable.is_none() && self.entity.find(member).is_some_and(|property| property.is_ordered)
    }

    fn operator(&mut self) -> Result<Operator, QueryError> {
        [
            Operator::Eq,
            Operator::Ne,
            Operator::Gt,
            Operator::Ge,
            Operator::Lt,
            Operator::Le,
            Operator::Has,
        ]
        .into_iter()
        .find(|operator| self.tokens.take_word(&operator.to_string()))
        .ok_or_else(|| self.tokens.expected("an operator"))
    }

    /// `any()` or `any(x:…)`, after the list.
    fn any(&mut self, path: Path, kind: Kind, depth: usize) -> Result<Filter, QueryError> {
        let Kind::List(item) = kind else {
            return Err(wrong(&path));
        };
        self.tokens.need_sign('(', "'('")?;
        if self.tokens.take_sign(')') {
            return Ok(Filter::Any { path, holds: None });
        }
        let variable = self.tokens.need_word("the name of an item")?;
        self.tokens.need_sign(':', "':'")?;
        self.variables.push((variable.clone(), *item));
        let inner = self.or(depth + 1);
        self.variables.pop();
        let inner = inner?;
        self.tokens.need_sign(')', "')'")?;
        Ok(Filter::Any {
            path,
            holds: Some((variable, Box::new(inner))),
        })
    }

    /// `in ('a','b')`, after the property.
    fn within(&mut self, path: Path, kind: Kind) -> Result<Filter, QueryError> {
        self.tokens.need_sign('(', "'('")?;
        let mut values = vec![self.literal(&path, kind)?];
        while self.tokens.take_sign(',') {
            self.count()?;
            values.push(self.literal(&path, kind)?);
        }
        self.tokens.need_sign(')', "')'")?;
        Ok(Filter::In { path, values })
    }

    /// The way to a value, up to an `any` that follows; and what is there.
    fn path(&mut self) -> Result<(Path, Kind), QueryError> {
        let first = self.tokens.need_word("a property")?;
        let mut path = Path {
            variable: None,
            members: Vec::new(),
            is_count: false,
        };
        let variable = self.variables.iter().rev().find(|(name, _)| *name == first);
        let mut kind = if let Some((_, kind)) = variable {
            path.variable = Some(first);
            *kind
        } else {
            let property = self.entity.find(&first).ok_or_else(|| self.unknown(first))?;
            path.members.push(property.name);
            property.kind
        };
        while self.tokens.peek() == Some(&Token::Sign('/')) {
            if matches!(self.tokens.peek_second(), Some(Token::Word(word)) if word.eq_ignore_ascii_case("any")) {
                self.tokens.take();
                break;
            }
            self.tokens.take();
            let name = self.tokens.need_word("a property")?;
            match (name.as_str(), kind) {
                ("$count", Kind::List(_)) => {
                    path.is_count = true;
                    return Ok((path, Kind::Number));
                }
                (_, Kind::Complex(members)) => {
                    let property: &Property = find(members, &name).ok_or_else(|| self.unknown(name))?;
                    path.members.push(property.name);
                    kind = property.kind;
                }
                _ => return Err(self.unknown(name)),
            }
        }
        Ok((path, kind))
    }

    /// A value for a property of this kind.
    fn literal(&mut self, path: &Path, kind: Kind) -> Result<Literal, QueryError> {
        // A value of an enumeration may say which: `microsoft.graph.riskLevel'high'`.
        if kind == Kind::Text
            && matches!(self.tokens.peek(), Some(Token::Word(word)) if is_enumeration(word))
            && matches!(self.tokens.peek_second(), Some(Token::Text(_)))
        {
            self.tokens.take();
        }
        let literal = match (self.tokens.peek(), kind) {
            (Some(Token::Word(word)), _) if word == "null" => Some(Literal::Null),
            (Some(Token::Word(word)), Kind::Flag) => word.to_ascii_lowercase().parse().ok().map(Literal::Flag),
            (Some(Token::Word(word)), Kind::Number) => word.parse().ok().map(Literal::Number),
            (Some(Token::Word(word)), Kind::Instant) => instant(word).map(Literal::Instant),
            // An id needs no quotes.
            (Some(Token::Word(word) | Token::Text(word)), Kind::Text) => Some(Literal::Text(word.clone().into())),
            (Some(Token::Word(_) | Token::Text(_)), _) => None,
            _ => return Err(self.tokens.expected("a value")),
        };
        self.tokens.take();
        literal.ok_or_else(|| wrong(path))
    }

    fn count(&mut self) -> Result<(), QueryError> {
        self.terms += 1;
        if self.terms > MAX_TERMS {
            Err(QueryError::TooComplex(self.tokens.option()))
        } else {
            Ok(())
        }
    }

    fn unknown(&self, name: String) -> QueryError {
        QueryError::Unknown {
            name,
            entity: self.entity.name,
        }
    }
}

fn several(mut all: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    match (all.len(), all.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            all.extend(last);
            join(all)
        }
    }
}

/// The name of a type of Graph.
fn is_enumeration(word: &str) -> bool {
    let name = word.strip_prefix("microsoft.graph.");
    name.is_some_and(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn wrong(path: &Path) -> QueryError {
    QueryError::Kind { name: path.to_string() }
}

/// An instant, or a day, which begins at midnight.
fn instant(text: &str) -> Option<hygie_core::Timestamp> {
    text.parse().or_else(|_| format!("{text}T00:00:00Z").parse()).ok()
}
