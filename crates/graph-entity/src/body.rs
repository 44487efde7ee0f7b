//! Bodies of requests as what they change: strict, each refusal with its place.

mod application;
mod claims;
mod settings;

use hygie_policy::ReadError;
use hygie_policy::json::{At, Wrong};
use serde_json::Value;

pub use application::{ApplicationBody, nothing, read_application, read_key, read_keys};

/// Whether a member is known.
#[derive(PartialEq, Eq)]
enum Known {
    Yes,
    No,
}

/// Gives each member of an object to `read`, with `None` for `null`; one that it does not know is refused.
fn each<'v>(
    value: &'v Value,
    at: &At<'_>,
    mut read: impl FnMut(&str, Option<&'v Value>, &At<'_>) -> Result<Known, ReadError>,
) -> Result<(), ReadError> {
    let Some(all) = value.as_object() else {
        return Err(at.refuse(Wrong::NotA("an object")));
    };
    for (name, value) in all.iter().filter(|(name, _)| !name.contains("@odata.")) {
        let at = At::Member(at, name);
        if read(name, (!value.is_null()).then_some(value), &at)? == Known::No {
            return Err(at.refuse(Wrong::UnknownMember));
        }
    }
    Ok(())
}

/// The items of a list; `null` is none.
fn items<T>(
    found: Option<&Value>,
    at: &At<'_>,
    read: impl Fn(&Value, &At<'_>) -> Result<T, ReadError>,
) -> Result<Vec<T>, ReadError> {
    let Some(found) = found else { return Ok(Vec::new()) };
    let Some(list) = found.as_array() else {
        return Err(at.refuse(Wrong::NotA("a list")));
    };
    list.iter()
        .enumerate()
        .map(|(n, item)| read(item, &At::Item(at, n)))
        .collect()
}
