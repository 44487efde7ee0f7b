//! Editing by splicing: what is not named stays byte for byte as it was received.

use std::collections::BTreeMap;
use std::ops::Range;

use super::document::{Document, Json};
use super::text::quote;

/// Changes to a document, applied together by [`Edit::finish`]. A change inside a value that is replaced or removed
/// as a whole is dropped.
#[derive(Debug)]
pub struct Edit<'d> {
    document: &'d Document,
    replaced: Vec<(u32, String)>,
    objects: BTreeMap<u32, ObjectEdit>,
}

/// What happens to the members of one object.
#[derive(Debug, Default)]
struct ObjectEdit {
    removed: Vec<u32>,
    added: Vec<String>,
}

impl<'d> Edit<'d> {
    /// No changes yet.
    pub fn new(document: &'d Document) -> Self {
        Self {
            document,
            replaced: Vec::new(),
            objects: BTreeMap::new(),
        }
    }

    /// Puts `json`, a JSON text, in the place of `value`.
    pub fn replace(&mut self, value: Json<'d>, json: impl Into<String>) -> &mut Self {
        self.replaced.push((value.index, json.into()));
        self
    }

    /// Gives `object` the member `key` with the value `json`: in place when it has it, else after `resourceType` or
    /// as its first.
    pub fn set(&mut self, object: Json<'d>, key: &str, json: impl AsRef<str>) -> &mut Self {
        if let Some(member) = object.find(key) {
            return self.replace(member, json.as_ref());
        }
        let added = format!("{}:{}", quote(key), json.as_ref());
        self.objects.entry(object.index).or_default().added.push(added);
        self
    }

    /// Takes the member `key` out of `object`, when it is there.
    pub fn remove(&mut self, object: Json<'d>, key: &str) -> &mut Self {
        if let Some(member) = object.find(key) {
            self.objects.entry(object.index).or_default().removed.push(member.index);
        }
        self
    }

    /// The new text.
    pub fn finish(self) -> String {
        let mut splices = Vec::new();
        for (index, json) in self.replaced {
            let node = &self.document.nodes[index as usize];
            splices.push((node.start as usize..node.end as usize, json));
        }
        for (index, edit) in &self.objects {
            object_splices(self.document, *index, edit, &mut splices);
        }
        // Longer first where two begin together, but an insertion (empty) comes before what stands there.
        splices.sort_by_key(|(range, _)| (range.start, !range.is_empty(), std::cmp::Reverse(range.end)));
        apply(self.document.source(), &splices)
    }
}

fn apply(source: &str, splices: &[(Range<usize>, String)]) -> String {
    let mut text = String::with_capacity(source.len() + splices.iter().map(|(_, new)| new.len()).sum::<usize>());
    let mut at = 0;
    for (range, new) in splices {
        if range.start < at {
            continue;
        }
        text.push_str(&source[at..range.start]);
        text.push_str(new);
        at = range.end;
    }
    text.push_str(&source[at..]);
    text
}

/// The splices of one object. Removed members go with one comma each; added ones come after the member
/// `resourceType` where it stays first, else before all.
fn object_splices(document: &Document, object: u32, edit: &ObjectEdit, splices: &mut Vec<(Range<usize>, String)>) {
    let object = document.at(object);
    let members: Vec<_> = object.members().collect();
    let is_removed = |member: &Json<'_>| edit.removed.contains(&member.index);
    let key_start = |member: &Json<'_>| member.key_offset();
    let end = |member: &Json<'_>| member.node().end as usize;
    let kept: Vec<_> = members.iter().filter(|m| !is_removed(m)).collect();

    let mut i = 0;
    while i < members.len() {
        let run = members[i..].iter().take_while(|m| is_removed(m)).count();
        if run > 0 {
            let last = &members[i + run - 1];
            let range = match (i.checked_sub(1), members.get(i + run)) {
                (Some(before), _) => end(&members[before])..end(last),
                (None, Some(after)) => key_start(&members[0])..key_start(after),
                (None, None) => key_start(&members[0])..end(last),
            };
            splices.push((range, String::new()));
        }
        i += run + 1;
    }

    if edit.added.is_empty() {
        return;
    }
    let added = edit.added.join(",");
    let (at, added) = match kept.first() {
        Some(first) if first.key() == "resourceType" => (end(first), format!(",{added}")),
        Some(first) => (key_start(first), format!("{added},")),
        None => (object.offset() + 1, added),
    };
    splices.push((at..at, added));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Limits;

    /// Applies a list of `+key`, `-key` and `=key` (set, remove, replace its value by 0) to the root.
    fn edited(source: &str, changes: &[&str]) -> String {
        let document = Document::parse(source, &Limits::default()).unwrap();
        let mut edit = Edit::new(&document);
        let root = document.root();
        for change in changes {
            let (what, key) = change.split_at(1);
            match what {
                "+" => edit.set(root, key, "0"),
                "-" => edit.remove(root, key),
                _ => edit.replace(root.find(key).unwrap(), "0"),
            };
        }
        edit.finish()
    }

    #[test]
    fn only_what_is_named_changes() {
        let cases: &[(&str, &[&str], &str)] = &[
            (r#" {"a" : 1.00 , "b":[ 2 ]} "#, &[], r#" {"a" : 1.00 , "b":[ 2 ]} "#),
            (r#"{"a" : 1.00 , "b":[ 2 ]}"#, &["=b"], r#"{"a" : 1.00 , "b":0}"#),
            (r#"{"a" : 1.00 }"#, &["+a"], r#"{"a" : 0 }"#),
            (r#"{"a":1}"#, &["+b"], r#"{"b":0,"a":1}"#),
            (
                r#"{"resourceType":"X","a":1}"#,
                &["+b", "+c"],
                r#"{"resourceType":"X","b":0,"c":0,"a":1}"#,
            ),
            (r#"{"resourceType":"X"}"#, &["+b"], r#"{"resourceType":"X","b":0}"#),
            ("{ }", &["+b"], r#"{"b":0 }"#),
            (r#"{"a":1,"b":2,"c":3}"#, &["-a"], r#"{"b":2,"c":3}"#),
            (r#"{"a":1,"b":2,"c":3}"#, &["-b"], r#"{"a":1,"c":3}"#),
            (r#"{"a":1,"b":2,"c":3}"#, &["-c"], r#"{"a":1,"b":2}"#),
            (r#"{"a":1,"b":2,"c":3}"#, &["-a", "-b"], r#"{"c":3}"#),
            (r#"{"a":1,"b":2,"c":3}"#, &["-b", "-c"], r#"{"a":1}"#),
            (r#"{"a":1,"b":2,"c":3}"#, &["-a", "-c"], r#"{"b":2}"#),
            (r#"{"a":1,"b":2,"c":3}"#, &["-a", "-b", "-c"], "{}"),
            (r#"{"a":1,"b":2}"#, &["-a", "-b", "+d"], r#"{"d":0}"#),
            (r#"{"a":1,"b":2}"#, &["-a", "+d"], r#"{"d":0,"b":2}"#),
            (
                r#"{"resourceType":"X","a":1}"#,
                &["-a", "+d"],
                r#"{"resourceType":"X","d":0}"#,
            ),
            (r#"{"a":1}"#, &["-z"], r#"{"a":1}"#),
        ];
        for (source, changes, expected) in cases {
            assert_eq!(edited(source, changes), *expected, "{source} {changes:?}");
        }
    }

    #[test]
    fn a_change_inside_a_replaced_value_is_dropped() {
        let document = Document::parse(r#"{"a":{"b":1},"c":2}"#, &Limits::default()).unwrap();
        let a = document.root().find("a").unwrap();
        let mut edit = Edit::new(&document);
        edit.replace(a.find("b").unwrap(), "5").replace(a, r#""é""#);
        assert_eq!(edit.finish(), r#"{"a":"é","c":2}"#);
    }
}
