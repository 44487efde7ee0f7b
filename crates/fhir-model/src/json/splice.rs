//! One change of a document: the new text, in which all else stays byte for byte as it was.

use super::document::{Document, Json, Kind};
use super::edit::Edit;

impl Json<'_> {
    /// The text of the document with `json` in the place of this value.
    pub fn replaced_by(self, json: &str) -> String {
        spliced(self.document(), (self.offset(), self.end()), json)
    }

    /// The text of the document in which this object has the member `key`: in place when it has it, else after
    /// `resourceType` or as its first.
    pub fn with_member(self, key: &str, json: &str) -> String {
        let mut edit = Edit::new(self.document());
        edit.set(self, key, json);
        edit.finish()
    }

    /// The text of the document in which this array has `json` before its item at `index`, or as its last when it has
    /// just so many; `None` when it has fewer, or when it is no array.
    pub fn with_item(self, index: usize, json: &str) -> Option<String> {
        if self.kind() != Kind::Array {
            return None;
        }
        let items: Vec<_> = self.items().collect();
        let (at, text) = match (items.get(index), items.last()) {
            (Some(after), _) => (after.offset(), format!("{json},")),
            (None, Some(last)) if index == items.len() => (last.end(), format!(",{json}")),
            (None, None) if index == 0 => (self.offset() + 1, json.to_owned()),
            _ => return None,
        };
        Some(spliced(self.document(), (at, at), &text))
    }

    /// The text of the document without this value: without its member, or its item of an array. `None` for the
    /// outermost.
    pub fn removed(self) -> Option<String> {
        let parent = self.document().parent(self)?;
        let siblings: Vec<_> = match parent.kind() {
            Kind::Object => parent.members().collect(),
            _ => parent.items().collect(),
        };
        let start = |value: Json<'_>| match parent.kind() {
            Kind::Object => value.key_offset(),
            _ => value.offset(),
        };
        let at = siblings.iter().position(|sibling| sibling.index == self.index)?;
        let range = match (at.checked_sub(1), siblings.get(at + 1)) {
            (Some(before), _) => (siblings[before].end(), self.end()),
            (None, Some(after)) => (start(self), start(*after)),
            (None, None) => (start(self), self.end()),
        };
        Some(spliced(self.document(), range, ""))
    }
}

impl Document {
    /// The object or array in which `value` stands.
    fn parent(&self, value: Json<'_>) -> Option<Json<'_>> {
        let mut parent = self.root();
        loop {
            let has = |child: &Json<'_>| child.index <= value.index && value.index < child.node().next;
            let child = match parent.kind() {
                Kind::Object => parent.members().find(has),
                _ => parent.items().find(has),
            }?;
            if child.index == value.index {
                return Some(parent);
            }
            parent = child;
        }
    }
}

fn spliced(document: &Document, (start, end): (usize, usize), new: &str) -> String {
    let source = document.source();
    [&source[..start], new, &source[end..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Limits;

    fn parse(source: &str) -> Document {
        Document::parse(source, &Limits::default()).unwrap()
    }

    #[test]
    fn what_is_removed_takes_one_comma_with_it() {
        for (source, key, expected) in [
            (r#"{ "a" : 1.0 , "b":2 }"#, "a", r#"{ "b":2 }"#),
            (r#"{ "a" : 1.0 , "b":2 }"#, "b", r#"{ "a" : 1.0 }"#),
            (r#"{"a":1,"b":[2],"c":3}"#, "b", r#"{"a":1,"c":3}"#),
            (r#"{"a":1}"#, "a", "{}"),
        ] {
            let document = parse(source);
            let text = document.root().find(key).unwrap().removed();
            assert_eq!(text.as_deref(), Some(expected), "{source}");
        }
        assert_eq!(parse("[1]").root().removed(), None);
    }

    #[test]
    fn items_come_and_go() {
        let list = parse(r#"{"l":[ 1.00 , [2] ]}"#);
        let array = list.root().find("l").unwrap();
        for (index, expected) in [
            (0, Some(r#"{"l":[ 0,1.00 , [2] ]}"#)),
            (1, Some(r#"{"l":[ 1.00 , 0,[2] ]}"#)),
            (2, Some(r#"{"l":[ 1.00 , [2],0 ]}"#)),
            (3, None),
        ] {
            assert_eq!(array.with_item(index, "0").as_deref(), expected, "{index}");
        }
        let without: Vec<_> = array.items().map(|item| item.removed().unwrap()).collect();
        assert_eq!(without, [r#"{"l":[ [2] ]}"#, r#"{"l":[ 1.00 ]}"#]);
        let inner = array.items().nth(1).unwrap().items().next().unwrap();
        assert_eq!(inner.removed().unwrap(), r#"{"l":[ 1.00 , [] ]}"#);
        let empty = parse("[ ]");
        assert_eq!(empty.root().with_item(0, "7").as_deref(), Some("[7 ]"));
        assert_eq!(parse("{}").root().with_item(0, "7"), None);
    }
}
