//! What a filter demands of every entity that it finds, as the logs are walked by: instants, and values that entries are found by.

use hygie_core::Timestamp;

use super::filter::{Filter, Literal, Operator};

/// Instants that lie between two: from the first on, before the second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// The first.
    pub from: Option<Timestamp>,
    /// The first that is too late.
    pub until: Option<Timestamp>,
}

impl Filter {
    /// The instants that a property may have.
    pub fn period(&self, property: &str) -> Period {
        match self {
            Self::And(all) => {
                let all: Vec<Period> = all.iter().map(|one| one.period(property)).collect();
                Period {
                    from: all.iter().filter_map(|one| one.from).max(),
                    until: all.iter().filter_map(|one| one.until).min(),
                }
            }
            Self::Compare {
                path,
                operator,
                value: Literal::Instant(at),
            } if path.variable.is_none() && !path.is_count && path.members == [property] => {
                let next = Timestamp::from_millis(at.millis().saturating_add(1));
                let (from, until) = match operator {
                    Operator::Eq => (Some(*at), Some(next)),
                    Operator::Ge => (Some(*at), None),
                    Operator::Gt => (Some(next), None),
                    Operator::Le => (None, Some(next)),
                    Operator::Lt => (None, Some(*at)),
                    Operator::Ne | Operator::Has => (None, None),
                };
                Period { from, until }
            }
            _ => Period::default(),
        }
    }

    /// The one value, without case, that every entity has at this path; a path into a list asks for one item that has it
    /// (`targetResources/any(t:t/id eq '…')`).
    pub fn value_at(&self, path: &[&str]) -> Option<String> {
        match self {
            Self::And(all) => all.iter().find_map(|one| one.value_at(path)),
            Self::Compare {
                path: found,
                operator: Operator::Eq,
                value,
            } if found.variable.is_none() && !found.is_count && found.members == path => text(value),
            Self::Any {
                path: list,
                holds: Some((variable, inner)),
            } if list.variable.is_none() => {
                let rest = path.strip_prefix(&list.members[..])?;
                match &**inner {
                    Self::Compare {
                        path: found,
                        operator: Operator::Eq,
                        value,
                    } if found.variable.as_ref() == Some(variable) && !found.is_count && found.members == rest => {
                        text(value)
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

fn text(value: &Literal) -> Option<String> {
    match value {
        Literal::Text(text) => Some(text.folded.clone()),
        Literal::Number(number) => Some(number.to_string()),
        Literal::Null | Literal::Flag(_) | Literal::Instant(_) => None,
    }
}
