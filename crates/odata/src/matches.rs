//! Whether an entity, as JSON, is what a filter asks for.

use hygie_core::Timestamp;
use serde_json::Value;

use super::filter::{Filter, Function, Literal, Operator, Path};

/// Items by the names that an `any` gave them, the innermost last.
type Items<'f, 'v> = Vec<(&'f str, &'v Value)>;

impl Filter {
    /// Whether this entity is one.
    pub fn matches(&self, entity: &Value) -> bool {
        holds(self, entity, &mut Vec::new())
    }
}

fn holds<'f, 'v>(filter: &'f Filter, entity: &'v Value, items: &mut Items<'f, 'v>) -> bool {
    match filter {
        Filter::And(all) => all.iter().all(|one| holds(one, entity, items)),
        Filter::Or(all) => all.iter().any(|one| holds(one, entity, items)),
        Filter::Not(inner) => !holds(inner, entity, items),
        Filter::Compare { path, operator, value } if path.is_count => {
            let count = list(path, entity, items).len();
            let count = Value::from(count);
            compares(Some(&count), *operator, value)
        }
        Filter::Compare { path, operator, value } => compares(reach(path, entity, items), *operator, value),
        Filter::In { path, values } => {
            let found = reach(path, entity, items);
            values.iter().any(|value| compares(found, Operator::Eq, value))
        }
        Filter::Text { path, function, text } => {
            let found = reach(path, entity, items)
                .and_then(Value::as_str)
                .map(str::to_lowercase);
            found.is_some_and(|found| match function {
                Function::StartsWith => found.starts_with(&text.folded),
                Function::EndsWith => found.ends_with(&text.folded),
                Function::Contains => found.contains(&text.folded),
            })
        }
        Filter::Any { path, holds: None } => !list(path, entity, items).is_empty(),
        Filter::Any {
            path,
            holds: Some((variable, inner)),
        } => list(path, entity, items).iter().any(|item| {
            items.push((variable, item));
            let found = holds(inner, entity, items);
            items.pop();
            found
        }),
    }
}

/// What a path leads to; nothing where there is `null`.
fn reach<'v>(path: &Path, entity: &'v Value, items: &Items<'_, 'v>) -> Option<&'v Value> {
    let root = match &path.variable {
        None => entity,
        Some(name) => items.iter().rev().find(|(known, _)| known == name)?.1,
    };
    let found = path.members.iter().try_fold(root, |value, name| value.get(name))?;
    (!found.is_null()).then_some(found)
}

fn list<'v>(path: &Path, entity: &'v Value, items: &Items<'_, 'v>) -> &'v [Value] {
    reach(path, entity, items)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn compares(found: Option<&Value>, operator: Operator, value: &Literal) -> bool {
    let order = found.and_then(|found| match value {
        Literal::Number(number) => found.as_i64().map(|found| found.cmp(number)),
        Literal::Instant(at) => found.as_str()?.parse::<Timestamp>().ok().map(|found| found.cmp(at)),
        Literal::Text(text) => found.as_str().map(|found| found.to_lowercase().cmp(&text.folded)),
        Literal::Null | Literal::Flag(_) => None,
    });
    match operator {
        Operator::Eq => is_same(found, value),
        Operator::Ne => !is_same(found, value),
        Operator::Gt => order.is_some_and(std::cmp::Ordering::is_gt),
        Operator::Ge => order.is_some_and(std::cmp::Ordering::is_ge),
        Operator::Lt => order.is_some_and(std::cmp::Ordering::is_lt),
        Operator::Le => order.is_some_and(std::cmp::Ordering::is_le),
        Operator::Has => found.and_then(Value::as_str).is_some_and(|found| has(found, value)),
    }
}

fn is_same(found: Option<&Value>, value: &Literal) -> bool {
    match (value, found) {
        (Literal::Null, found) => found.is_none(),
        (_, None) => false,
        (Literal::Flag(flag), Some(found)) => found.as_bool() == Some(*flag),
        (Literal::Number(number), Some(found)) => found.as_i64() == Some(*number),
        (Literal::Instant(at), Some(found)) => found.as_str().and_then(|found| found.parse().ok()) == Some(*at),
        (Literal::Text(text), Some(found)) => found.as_str().is_some_and(|found| found.to_lowercase() == text.folded),
    }
}

/// Whether flags, written as a list of words, are all among those found.
fn has(found: &str, value: &Literal) -> bool {
    let Literal::Text(wanted) = value else { return false };
    let found = found.to_lowercase();
    let found: Vec<&str> = flags(&found).collect();
    flags(&wanted.folded).all(|flag| found.contains(&flag))
}

fn flags(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|flag| !flag.is_empty())
}
