//! JSON text, written straight to bytes: no tree is built, so that speed is that of copying. <https://www.rfc-editor.org/rfc/rfc8259>

use std::io::Write as _;

use uuid::Uuid;

use super::moment::{Moment, write_date};
use super::reference::Reference;

/// LOINC.
pub const LOINC: &str = "http://loinc.org";
/// UCUM.
pub const UCUM: &str = "http://unitsofmeasure.org";

/// A quantity as it is measured: digits, and how many of them stand behind the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    pub digits: u32,
    pub places: u32,
}

impl Decimal {
    pub const fn new(digits: u32, places: u32) -> Self {
        Self { digits, places }
    }
}

/// A unit as a person reads it, and in UCUM.
pub type Unit = (&'static str, &'static str);

/// A code of a system with its label.
#[derive(Clone, Copy, Debug)]
pub struct Coding<'a> {
    pub system: &'a str,
    pub code: &'a str,
    pub label: &'a str,
}

impl<'a> Coding<'a> {
    pub const fn new(system: &'a str, code: &'a str, label: &'a str) -> Self {
        Self { system, code, label }
    }
}

/// The members of an object that is being written.
pub struct Object<'w>(&'w mut Vec<u8>);

/// Writes an object.
pub fn object(out: &mut Vec<u8>, members: impl FnOnce(&mut Object)) {
    out.push(b'{');
    members(&mut Object(out));
    out.push(b'}');
}

impl Object<'_> {
    fn name(&mut self, name: &str) {
        self.comma();
        self.0.push(b'"');
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    /// Between two members or items: what was opened a moment ago has none yet. A value never ends with these bytes.
    fn comma(&mut self) {
        if !matches!(self.0.last(), Some(b'{' | b'[') | None) {
            self.0.push(b',');
        }
    }

    pub fn text(&mut self, name: &str, text: &str) {
        self.name(name);
        string(self.0, text);
    }

    pub fn texts(&mut self, name: &str, texts: &[&str]) {
        self.list(name, |list| {
            for text in texts {
                list.comma();
                string(list.0, text);
            }
        });
    }

    pub fn flag(&mut self, name: &str, value: bool) {
        self.name(name);
        self.0
            .extend_from_slice(if value { b"true".as_slice() } else { b"false" });
    }

    pub fn count(&mut self, name: &str, value: u32) {
        self.number(name, Decimal::new(value, 0));
    }

    pub fn number(&mut self, name: &str, value: Decimal) {
        self.name(name);
        decimal(self.0, value);
    }

    pub fn id(&mut self, id: Uuid) {
        self.name("id");
        self.0.push(b'"');
        uuid(self.0, id);
        self.0.push(b'"');
    }

    pub fn date(&mut self, name: &str, day: time::Date) {
        self.name(name);
        self.0.push(b'"');
        write_date(self.0, day);
        self.0.push(b'"');
    }

    pub fn moment(&mut self, name: &str, at: Moment) {
        self.name(name);
        self.0.push(b'"');
        at.write(self.0);
        self.0.push(b'"');
    }

    pub fn period(&mut self, name: &str, start: Moment, end: Moment) {
        self.object(name, |period| {
            period.moment("start", start);
            period.moment("end", end);
        });
    }

    pub fn object(&mut self, name: &str, members: impl FnOnce(&mut Object)) {
        self.name(name);
        object(self.0, members);
    }

    /// An array; its items are written by [`Object::item`] of what the closure is given.
    pub fn list(&mut self, name: &str, items: impl FnOnce(&mut Object)) {
        self.name(name);
        self.0.push(b'[');
        items(self);
        self.0.push(b']');
    }

    /// One object of the array that is being written.
    pub fn item(&mut self, members: impl FnOnce(&mut Object)) {
        self.comma();
        object(self.0, members);
    }

    /// An array with one object.
    pub fn one(&mut self, name: &str, members: impl FnOnce(&mut Object)) {
        self.list(name, |list| list.item(members));
    }

    pub fn coding(&mut self, name: &str, coding: Coding) {
        self.object(name, |object| object.coding_members(coding));
    }

    fn coding_members(&mut self, coding: Coding) {
        self.text("system", coding.system);
        self.text("code", coding.code);
        if !coding.label.is_empty() {
            self.text("display", coding.label);
        }
    }

    /// A `CodeableConcept`.
    pub fn concept(&mut self, name: &str, coding: Coding) {
        self.object(name, |concept| concept.concept_members(coding));
    }

    /// An array with one `CodeableConcept`.
    pub fn concepts(&mut self, name: &str, coding: Coding) {
        self.one(name, |concept| concept.concept_members(coding));
    }

    fn concept_members(&mut self, coding: Coding) {
        self.one("coding", |object| object.coding_members(coding));
        if !coding.label.is_empty() {
            self.text("text", coding.label);
        }
    }

    pub fn quantity(&mut self, name: &str, value: Decimal, (unit, ucum): Unit) {
        self.object(name, |quantity| {
            quantity.number("value", value);
            quantity.text("unit", unit);
            quantity.text("system", UCUM);
            quantity.text("code", ucum);
        });
    }

    /// Euros, in cents.
    pub fn money(&mut self, name: &str, cents: u32) {
        self.object(name, |money| {
            money.number("value", Decimal::new(cents, 2));
            money.text("currency", "EUR");
        });
    }

    pub fn reference(&mut self, name: &str, to: Reference) {
        self.object(name, |object| object.reference_members(to));
    }

    /// An array of references.
    pub fn references<'a>(&mut self, name: &str, to: impl IntoIterator<Item = Reference<'a>>) {
        self.list(name, |list| {
            for one in to {
                list.item(|object| object.reference_members(one));
            }
        });
    }

    /// `Type/id` alone.
    pub fn target(&mut self, name: &str, to: Reference) {
        self.name(name);
        self.0.push(b'"');
        to.write(self.0);
        self.0.push(b'"');
    }

    fn reference_members(&mut self, to: Reference) {
        self.target("reference", to);
        if !to.display.is_empty() {
            self.text("display", to.display);
        }
    }
}

/// A string with what must be escaped escaped.
pub fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)) {
        out.extend_from_slice(&rest[..at]);
        // Writing to a Vec cannot fail.
        let _ = match rest[at] {
            byte @ (b'"' | b'\\') => out.write_all(&[b'\\', byte]),
            byte => write!(out, "\\u{byte:04x}"),
        };
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// The number with its places: 12.50 keeps its zero, since precision is part of a FHIR decimal.
fn decimal(out: &mut Vec<u8>, value: Decimal) {
    let scale = 10_u32.pow(value.places);
    let _ = write!(out, "{}", value.digits / scale);
    if value.places > 0 {
        let width = value.places as usize;
        let _ = write!(out, ".{:0width$}", value.digits % scale);
    }
}

pub fn uuid(out: &mut Vec<u8>, id: Uuid) {
    let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
    out.extend_from_slice(id.hyphenated().encode_lower(&mut text).as_bytes());
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let mut out = Vec::new();
        object(&mut out, |o| {
            o.text("plain", "é [{");
            o.text("odd", "a\"b\\c\nd");
            o.texts("many", &["{", "["]);
            o.flag("yes", true);
            o.list("none", |_| {});
            o.list("two", |list| {
                list.item(|item| item.count("n", 1));
                list.item(|item| item.number("n", Decimal::new(1205, 2)));
            });
            o.money("paid", 7);
        });
        let text = String::from_utf8(out).expect("text");
        let read: Value = serde_json::from_str(&text).expect("JSON");
        let expected = json!({ "plain": "é [{", "odd": "a\"b\\c\nd", "many": ["{", "["], "yes": true, "none": [],
            "two": [{ "n": 1 }, { "n": 12.05 }], "paid": { "value": 0.07, "currency": "EUR" } });
        assert_eq!(read, expected, "{text}");
    }

    #[test]
    fn decimals_keep_their_places() {
        for (digits, places, expected) in [(7, 0, "7"), (70, 1, "7.0"), (5, 2, "0.05"), (12345, 3, "12.345")] {
            let mut out = Vec::new();
            decimal(&mut out, Decimal::new(digits, places));
            assert_eq!(String::from_utf8(out).expect("text"), expected);
        }
    }
}
