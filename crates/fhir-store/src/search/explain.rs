//! How a search was answered, in words for the person who asked it. It names what the search itself says, and numbers.

use hygie_fhir_model::ResourceType;

use super::candidate::Asked;
use super::continuation::Plan;
use super::criteria::Test;
use super::dates;
use super::query::{Query, SortBy};
use super::rest::Place;

/// Of a page.
pub fn page(query: &Query, asked: &[Asked], plan: Plan) -> String {
    let kind = query.kind;
    let at = |at: u8| asked.get(usize::from(at));
    let (walk, driver) = match plan {
        Plan::List(filter) => ("all matches of one filter, then sorted:", at(filter)),
        Plan::Along(filter) => ("along the index of one filter, in its order:", at(filter)),
        Plan::Through(filter) => ("through what one filter leads to, one after the other:", at(filter)),
        Plan::Updates => ("along the last updates of the type", None),
        Plan::Sorted => ("along the index of the sort parameter", None),
        Plan::Unsorted => ("along the last updates, for what has no value to sort by", None),
        Plan::Whole => ("all matches, sorted by several keys", None),
    };
    let order = match query.sort.by {
        SortBy::Any => "in no order",
        _ if query.sort.descending => "descending",
        _ => "ascending",
    };
    let driving = driver.map_or_else(String::new, |driver| format!(" {}", ranged(driver)));
    let others = asked
        .iter()
        .filter(|one| !driver.is_some_and(|driver| std::ptr::eq(*one, driver)));
    let others: Vec<_> = others.map(|one| tested(one, kind)).collect();
    let others = match &others[..] {
        [] => String::new(),
        some => format!("; each candidate is asked: {}", some.join(", ")),
    };
    format!("{kind}: {walk}{driving}, {order}{others}")
}

/// Of a search for the number of matches alone.
pub fn counted(asked: &[Asked]) -> String {
    let filters: Vec<_> = asked.iter().map(ranged).collect();
    format!("counted; filters: {}", filters.join(", "))
}

/// Of a page of what comes with so many matches.
pub fn rest(query: &Query, place: &Place, matches: usize) -> String {
    let from = match place {
        Place::Referred(_) => "what they refer to, then what refers to them".to_owned(),
        Place::Referring { at, .. } => format!("what refers to them, from the one with number {} on", at + 1),
    };
    format!("{}: what comes with {matches} matches: {from}", query.kind)
}

/// A filter by its ranges.
fn ranged(asked: &Asked) -> String {
    let name = name(asked);
    match &asked.ranges {
        None => format!("{name} (not in ranges)"),
        Some(found) => {
            let exact = if found.exact {
                "each key a match"
            } else {
                "each key a candidate"
            };
            format!("{name} ({} ranges, {exact})", found.ranges.len())
        }
    }
}

/// A filter by how a candidate is asked.
fn tested(asked: &Asked, kind: ResourceType) -> String {
    let how = if asked.can_be_probed() {
        "one look-up in the index"
    } else if dates::is_principal(&asked.filter, kind) {
        "its date in the index, and the resource where that leaves it open"
    } else if asked.inner.is_empty() {
        "the resource is read"
    } else {
        "the search inside of it is followed"
    };
    format!("{} ({how})", name(asked))
}

fn name(asked: &Asked) -> String {
    let code = asked.filter.parameter.code;
    match &asked.filter.test {
        Test::Any(_) => code.to_owned(),
        Test::None(_) => format!("{code}:not"),
        Test::Missing(_) => format!("{code}:missing"),
        Test::Refers(_) => format!("{code}, chained"),
        Test::ReferredBy(inner) => format!("_has:{}:{code}", inner.kind),
    }
}
