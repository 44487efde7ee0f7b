//! What a filter demands of every entity that it finds, as the logs are walked by: instants, and values that entries are found by.

use hygie_core::Timestamp;

use super::filter::{Filter, Literal, Operator, Path};

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

    /// The values, without case, of which every entity has one among those of this list: `list/any(x: x eq 'a' or x eq 'b')`.
    pub fn values_in(&self, list: &str) -> Option<Vec<String>> {
        match self {
            Self::And(all) => all.iter().find_map(|one| one.values_in(list)),
            Self::Or(all) => all
                .iter()
                .map(|one| one.values_in(list))
                .collect::<Option<Vec<_>>>()
                .map(|all| all.concat()),
            Self::Any {
                path,
                holds: Some((variable, inner)),
            } if path.variable.is_none() && path.members == [list] => inner.values_of(variable),
            _ => None,
        }
    }

    fn values_of(&self, variable: &str) -> Option<Vec<String>> {
        match self {
            Self::Or(all) => {
                let all = all.iter().map(|one| one.values_of(variable));
                all.collect::<Option<Vec<_>>>().map(|all| all.concat())
            }
            Self::Compare {
                path,
                operator: Operator::Eq,
                value,
            } if path.variable.as_deref() == Some(variable) && path.members.is_empty() => {
                text(value).map(|one| vec![one])
            }
            _ => None,
        }
    }

    /// Whether it asks about this property, in whatever way.
    pub fn asks_about(&self, property: &str) -> bool {
        let is_it = |path: &Path| path.variable.is_none() && path.members.first().is_some_and(|one| *one == property);
        match self {
            Self::And(all) | Self::Or(all) => all.iter().any(|one| one.asks_about(property)),
            Self::Not(one) => one.asks_about(property),
            Self::Compare { path, .. } | Self::In { path, .. } | Self::Text { path, .. } => is_it(path),
            Self::Any { path, holds } => {
                is_it(path) || holds.as_ref().is_some_and(|(_, inner)| inner.asks_about(property))
            }
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
