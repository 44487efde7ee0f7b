//! What `$filter` asks (OData 4.01 part 2, §5.1.1).

use std::fmt;

use hygie_core::Timestamp;

/// A condition on an entity.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// Each of them.
    And(Vec<Self>),
    /// One of them.
    Or(Vec<Self>),
    /// Not this one.
    Not(Box<Self>),
    /// A property compared with a value.
    Compare {
        /// The property.
        path: Path,
        /// How.
        operator: Operator,
        /// With what.
        value: Literal,
    },
    /// A property is one of these.
    In {
        /// The property.
        path: Path,
        /// The values.
        values: Vec<Literal>,
    },
    /// A text begins with, ends with or has another in it.
    Text {
        /// The property.
        path: Path,
        /// How.
        function: Function,
        /// The other text.
        text: Folded,
    },
    /// An item of a list; every one when there is no condition.
    Any {
        /// The list.
        path: Path,
        /// The name of an item and what is asked of it.
        holds: Option<(String, Box<Self>)>,
    },
}

/// The way to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The variable of an `any` that it begins with.
    pub variable: Option<String>,
    /// The properties, one in the other.
    pub members: Vec<&'static str>,
    /// Whether it is the number of items (`/$count`).
    pub is_count: bool,
}

/// How a property is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// The same.
    Eq,
    /// Another.
    Ne,
    /// More.
    Gt,
    /// More or the same.
    Ge,
    /// Less.
    Lt,
    /// Less or the same.
    Le,
    /// These flags, among others.
    Has,
}

/// A function of a text and another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// Begins with it.
    StartsWith,
    /// Ends with it.
    EndsWith,
    /// Has it in it.
    Contains,
}

/// A text, as it was given and as it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    /// As given.
    pub given: String,
    /// Without case.
    pub folded: String,
}

impl From<String> for Folded {
    fn from(given: String) -> Self {
        Self {
            folded: given.to_lowercase(),
            given,
        }
    }
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// An instant.
    Instant(Timestamp),
    /// A text.
    Text(Folded),
}

/// What every entity that a filter finds has in a property: an index can be asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pin<'a> {
    /// One of these texts, without case.
    OneOf(Vec<&'a str>),
    /// This beginning, without case.
    StartsWith(&'a str),
}

impl Filter {
    /// What it demands of a property of the entity itself, if that is a text or a beginning.
    pub fn pin(&self, property: &str) -> Option<Pin<'_>> {
        let is_it = |path: &Path| path.variable.is_none() && !path.is_count && path.members == [property];
        match self {
            Self::And(all) => all.iter().find_map(|one| one.pin(property)),
            Self::Compare {
                path,
                operator: Operator::Eq,
                value: Literal::Text(text),
            } if is_it(path) => Some(Pin::OneOf(vec![&text.folded])),
            Self::In { path, values } if is_it(path) => {
                let texts = values.iter().map(|value| match value {
                    Literal::Text(text) => Some(text.folded.as_str()),
                    _ => None,
                });
                Some(Pin::OneOf(texts.collect::<Option<_>>()?))
            }
            Self::Text {
                path,
                function: Function::StartsWith,
                text,
            } if is_it(path) => Some(Pin::StartsWith(&text.folded)),
            _ => None,
        }
    }

    /// Whether it asks anything of this property.
    pub fn asks(&self, property: &str) -> bool {
        let is_of = |path: &Path| path.variable.is_none() && path.members.first() == Some(&property);
        match self {
            Self::And(all) | Self::Or(all) => all.iter().any(|one| one.asks(property)),
            Self::Not(one) => one.asks(property),
            Self::Compare { path, .. } | Self::In { path, .. } | Self::Text { path, .. } => is_of(path),
            Self::Any { path, holds } => is_of(path) || holds.as_ref().is_some_and(|(_, one)| one.asks(property)),
        }
    }

    /// The certificate user ids of which every user that it finds has one:
    /// `authorizationInfo/certificateUserIds/any(x:x eq '…')`. They are looked up as they were given, with case.
    pub fn certificate_user_ids(&self) -> Option<Vec<&str>> {
        match self {
            Self::And(all) => all.iter().find_map(Self::certificate_user_ids),
            Self::Any {
                path,
                holds: Some((_, inner)),
            } if path.variable.is_none() && path.members == ["authorizationInfo", "certificateUserIds"] => {
                match &**inner {
                    Self::Compare {
                        path,
                        operator: Operator::Eq,
                        value: Literal::Text(text),
                    } if path.members.is_empty() && !path.is_count => Some(vec![&text.given]),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// What of it Entra ID answers to advanced queries only.
    pub fn advanced(&self) -> Option<&'static str> {
        match self {
            Self::And(all) | Self::Or(all) => all.iter().find_map(Self::advanced),
            Self::Not(_) => Some("'not'"),
            Self::Compare { path, operator, .. } => match operator {
                Operator::Ne => Some("'ne'"),
                _ if path.is_count => Some("'$count' in $filter"),
                _ => None,
            },
            Self::Text {
                function: Function::EndsWith,
                ..
            } => Some("'endsWith'"),
            Self::Any { holds, .. } => holds.as_ref().and_then(|(_, inner)| inner.advanced()),
            Self::In { .. } | Self::Text { .. } => None,
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(all) => joined(f, all, " and "),
            Self::Or(all) => joined(f, all, " or "),
            Self::Not(inner) => write!(f, "not ({inner})"),
            Self::Compare { path, operator, value } => write!(f, "{path} {operator} {value}"),
            Self::In { path, values } => {
                write!(f, "{path} in (")?;
                for (n, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if n == 0 { "" } else { "," })?;
                }
                f.write_str(")")
            }
            Self::Text { path, function, text } => write!(f, "{function}({path},{})", Quoted(&text.given)),
            Self::Any { path, holds: None } => write!(f, "{path}/any()"),
            Self::Any {
                path,
                holds: Some((variable, inner)),
            } => write!(f, "{path}/any({variable}:{inner})"),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, all: &[Filter], by: &str) -> fmt::Result {
    for (n, one) in all.iter().enumerate() {
        write!(f, "{}({one})", if n == 0 { "" } else { by })?;
    }
    Ok(())
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.variable.as_deref().into_iter().chain(self.members.iter().copied());
        for (n, name) in names.chain(self.is_count.then_some("$count")).enumerate() {
            write!(f, "{}{name}", if n == 0 { "" } else { "/" })?;
        }
        Ok(())
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
            Self::Has => "has",
        })
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StartsWith => "startsWith",
            Self::EndsWith => "endsWith",
            Self::Contains => "contains",
        })
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Instant(at) => f.write_str(&at.to_rfc3339()),
            Self::Text(text) => write!(f, "{}", Quoted(&text.given)),
        }
    }
}

struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0.replace('\'', "''"))
    }
}
