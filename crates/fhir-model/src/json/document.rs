//! The parsed document and the views into it.

use std::borrow::Cow;

use super::parse::{self, Limits, ParseError};
use super::text;
use crate::names::Name;

/// What a JSON value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean,
    /// A number
    Number,
    /// A string
    String,
    /// `[…]`
    Array,
    /// `{…}`
    Object,
}

/// The value (or the key) contains an escape sequence and cannot be borrowed as it stands.
pub(super) const ESCAPED: u8 = 1;
pub(super) const KEY_ESCAPED: u8 = 2;
/// The key begins with `_`: it carries the id and extensions of the primitive of that name.
pub(super) const UNDERSCORE: u8 = 4;

/// One value in document order. `next` is the index after its last descendant, so a subtree is skipped in one step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub start: u32,
    pub end: u32,
    pub next: u32,
    /// Where the text of the key begins, after its quote; unused outside objects.
    pub key: u32,
    pub key_len: u16,
    pub name: Name,
    pub kind: Kind,
    pub flags: u8,
}

/// A parsed JSON text, with its bytes.
#[derive(Clone, Debug)]
pub struct Document {
    source: String,
    pub(super) nodes: Vec<Node>,
}

impl Document {
    /// Parses a whole JSON text: UTF-8, one value, no duplicate keys, nothing after it, within `limits`.
    pub fn parse(source: impl Into<Vec<u8>>, limits: &Limits) -> Result<Self, ParseError> {
        let (source, nodes) = parse::parse(source.into(), limits)?;
        Ok(Self { source, nodes })
    }

    /// The bytes it was parsed from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The bytes it was parsed from, given back.
    pub fn into_source(self) -> String {
        self.source
    }

    /// The outermost value.
    pub fn root(&self) -> Json<'_> {
        Json {
            document: self,
            index: 0,
        }
    }

    pub(super) fn at(&self, index: u32) -> Json<'_> {
        Json { document: self, index }
    }

    pub(super) fn slice(&self, start: u32, end: u32) -> &str {
        self.source.get(start as usize..end as usize).unwrap_or_default()
    }
}

/// A value in a [`Document`]; small and freely copied.
#[derive(Clone, Copy, Debug)]
pub struct Json<'d> {
    document: &'d Document,
    pub(super) index: u32,
}

impl<'d> Json<'d> {
    pub(super) fn node(self) -> &'d Node {
        &self.document.nodes[self.index as usize]
    }

    pub(super) fn document(self) -> &'d Document {
        self.document
    }

    /// What it is.
    pub fn kind(self) -> Kind {
        self.node().kind
    }

    /// Its bytes in the source.
    pub fn raw(self) -> &'d str {
        self.document.slice(self.node().start, self.node().end)
    }

    /// Where it begins in the source.
    pub fn offset(self) -> usize {
        self.node().start as usize
    }

    /// Where it ends in the source.
    pub fn end(self) -> usize {
        self.node().end as usize
    }

    /// The text of a string, without its escapes.
    pub fn text(self) -> Option<Cow<'d, str>> {
        let node = self.node();
        if node.kind != Kind::String {
            return None;
        }
        let inner = self.document.slice(node.start + 1, node.end - 1);
        Some(if node.flags & ESCAPED == 0 {
            Cow::Borrowed(inner)
        } else {
            Cow::Owned(text::unescape(inner))
        })
    }

    /// The digits of a number, as written.
    pub fn number(self) -> Option<&'d str> {
        (self.kind() == Kind::Number).then(|| self.raw())
    }

    /// The value of a boolean.
    pub fn boolean(self) -> Option<bool> {
        (self.kind() == Kind::Boolean).then(|| self.raw() == "true")
    }

    /// The key under which it stands in its object; empty elsewhere.
    pub fn key(self) -> Cow<'d, str> {
        let node = self.node();
        let key = self.document.slice(node.key, node.key + u32::from(node.key_len));
        if node.flags & KEY_ESCAPED == 0 {
            Cow::Borrowed(key)
        } else {
            Cow::Owned(text::unescape(key))
        }
    }

    /// Where its key begins in the source, with the quote; only for members of objects.
    pub fn key_offset(self) -> usize {
        (self.node().key as usize).saturating_sub(1)
    }

    /// The interned name of its key, without a leading `_`; [`Name::UNKNOWN`] when no R4 element is called so.
    pub fn name(self) -> Name {
        self.node().name
    }

    /// Whether its key begins with `_`: the id and extensions of a primitive.
    pub fn is_primitive_extension(self) -> bool {
        self.node().flags & UNDERSCORE != 0
    }

    /// The members of an object; none for any other value.
    pub fn members(self) -> Members<'d> {
        Members(self.children(Kind::Object))
    }

    /// The items of an array; none for any other value.
    pub fn items(self) -> Items<'d> {
        Items(self.children(Kind::Array))
    }

    /// The items of an array, or the value itself when it is something else.
    pub fn each(self) -> Items<'d> {
        if self.kind() == Kind::Array {
            return self.items();
        }
        Items(Children {
            document: self.document,
            at: self.index,
            end: self.node().next,
        })
    }

    /// The member with this name.
    pub fn get(self, name: Name) -> Option<Json<'d>> {
        self.members()
            .find(|member| member.name() == name && !member.is_primitive_extension())
    }

    /// The member with this key, also when no R4 element is called so.
    pub fn find(self, key: &str) -> Option<Json<'d>> {
        self.members().find(|member| member.key() == key)
    }

    /// The text of the member with this name.
    pub fn get_text(self, name: Name) -> Option<Cow<'d, str>> {
        self.get(name)?.text()
    }

    fn children(self, of: Kind) -> Children<'d> {
        let node = self.node();
        let end = if node.kind == of { node.next } else { self.index + 1 };
        Children {
            document: self.document,
            at: self.index + 1,
            end,
        }
    }
}

#[derive(Clone, Debug)]
struct Children<'d> {
    document: &'d Document,
    at: u32,
    end: u32,
}

impl<'d> Iterator for Children<'d> {
    type Item = Json<'d>;

    fn next(&mut self) -> Option<Json<'d>> {
        if self.at >= self.end {
            return None;
        }
        let found = Json {
            document: self.document,
            index: self.at,
        };
        self.at = found.node().next;
        Some(found)
    }
}

/// The members of an object, in order.
#[derive(Clone, Debug)]
pub struct Members<'d>(Children<'d>);

impl<'d> Iterator for Members<'d> {
    type Item = Json<'d>;

    fn next(&mut self) -> Option<Json<'d>> {
        self.0.next()
    }
}

/// The items of an array, in order.
#[derive(Clone, Debug)]
pub struct Items<'d>(Children<'d>);

impl<'d> Iterator for Items<'d> {
    type Item = Json<'d>;

    fn next(&mut self) -> Option<Json<'d>> {
        self.0.next()
    }
}
