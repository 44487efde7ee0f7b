//! JSON Patch. <https://www.rfc-editor.org/rfc/rfc6902>

use std::borrow::Cow;

use super::error::Why;
use super::pointer::{Pointer, position};
use crate::decimal::is_same_number;
use crate::json::{Document, Json, Kind, Limits};

/// One operation (§4).
#[derive(Debug)]
pub(super) enum Operation {
    Add(Pointer, String),
    Remove(Pointer),
    Replace(Pointer, String),
    Move(Pointer, Pointer),
    Copy(Pointer, Pointer),
    Test(Pointer, Box<Document>),
}

impl Operation {
    /// Reads one; members that the operation does not have are ignored.
    pub fn read(item: Json<'_>, limits: &Limits) -> Result<Self, Why> {
        let pointer = |key| {
            let text = item.find(key).and_then(Json::text).ok_or(Why::Missing(key))?;
            Pointer::parse(&text).ok_or(Why::Pointer(key))
        };
        let value = || item.find("value").map(Json::raw).ok_or(Why::Missing("value"));
        let op = item.find("op").and_then(Json::text).ok_or(Why::Missing("op"))?;
        Ok(match op.as_ref() {
            "add" => Self::Add(pointer("path")?, value()?.to_owned()),
            "remove" => Self::Remove(pointer("path")?),
            "replace" => Self::Replace(pointer("path")?, value()?.to_owned()),
            "move" => Self::Move(pointer("from")?, pointer("path")?),
            "copy" => Self::Copy(pointer("from")?, pointer("path")?),
            "test" => Self::Test(
                pointer("path")?,
                Box::new(Document::parse(value()?, limits).map_err(Why::Text)?),
            ),
            _ => return Err(Why::Unknown("op")),
        })
    }

    /// The texts that the document becomes one after the other; none when nothing changes.
    pub fn apply(&self, document: &Document, limits: &Limits) -> Result<Option<String>, Why> {
        let root = document.root();
        let find = |pointer: &Pointer| pointer.find(root).ok_or(Why::Nowhere);
        Ok(match self {
            Self::Add(path, value) => Some(add(root, path, value)?),
            Self::Remove(path) => Some(find(path)?.removed().ok_or(Why::Whole)?),
            Self::Replace(path, value) => Some(find(path)?.replaced_by(value)),
            Self::Move(from, path) if from == path => find(from).map(|_| None)?,
            Self::Move(from, path) => {
                if from.is_around(path) {
                    return Err(Why::Inside);
                }
                let moved = find(from)?;
                let left = moved.removed().ok_or(Why::Whole)?;
                let left = Document::parse(left, limits).map_err(Why::Text)?;
                Some(add(left.root(), path, moved.raw())?)
            }
            Self::Copy(from, path) => Some(add(root, path, find(from)?.raw())?),
            Self::Test(path, value) if is_equal(find(path)?, value.root()) => None,
            Self::Test(..) => return Err(Why::Test),
        })
    }
}

/// §4.1: a member is set, an item comes before the one that stands there, `-` is after the last.
fn add(root: Json<'_>, path: &Pointer, value: &str) -> Result<String, Why> {
    let Some((around, last)) = path.split() else {
        return Ok(root.replaced_by(value));
    };
    let around = around.find(root).ok_or(Why::Nowhere)?;
    match around.kind() {
        Kind::Object => Ok(around.with_member(last, value)),
        Kind::Array => {
            let at = match last {
                "-" => around.items().count(),
                digits => position(digits).ok_or(Why::Index)?,
            };
            around.with_item(at, value).ok_or(Why::Index)
        }
        _ => Err(Why::Nowhere),
    }
}

/// §4.6: numbers by value, objects whatever the order of their members.
fn is_equal(a: Json<'_>, b: Json<'_>) -> bool {
    if a.kind() != b.kind() {
        return false;
    }
    match a.kind() {
        Kind::Null => true,
        Kind::Boolean => a.boolean() == b.boolean(),
        Kind::String => a.text() == b.text(),
        Kind::Number => is_same_number(a.raw(), b.raw()),
        Kind::Array => a.items().count() == b.items().count() && a.items().zip(b.items()).all(|(a, b)| is_equal(a, b)),
        Kind::Object => is_equal_object(a, b),
    }
}

/// The members of an object in the order of their keys.
fn sorted(object: Json<'_>) -> Vec<(Cow<'_, str>, Json<'_>)> {
    let mut members: Vec<_> = object.members().map(|member| (member.key(), member)).collect();
    members.sort_by(|(a, _), (b, _)| a.cmp(b));
    members
}

fn is_equal_object(a: Json<'_>, b: Json<'_>) -> bool {
    let (a, b) = (sorted(a), sorted(b));
    a.len() == b.len()
        && a.iter()
            .zip(&b)
            .all(|((key, a), (other, b))| key == other && is_equal(*a, *b))
}
