//! JSON whose objects have each member once. Of two with one name the one that a reviewer or a filter reads need not be the
//! one that counts (RFC 8259 §4), so neither does.

use std::cell::RefCell;
use std::fmt;

use hygie_policy::ReadError;
use hygie_policy::json::{At, Wrong};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::GraphFault;

/// The JSON in these bytes.
pub fn parse(bytes: &[u8]) -> Result<Value, GraphFault> {
    let refused = RefCell::new(None);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let place = Place {
        at: &At::Root,
        refused: &refused,
    };
    let found = place
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value));
    found.map_err(|_| refused.take().map_or(GraphFault::NotJson, GraphFault::Body))
}

/// A value, at its place.
#[derive(Clone, Copy)]
struct Place<'a> {
    at: &'a At<'a>,
    refused: &'a RefCell<Option<ReadError>>,
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        loop {
            let at = At::Item(self.at, list.len());
            match from.next_element_seed(Place { at: &at, ..self })? {
                Some(item) => list.push(item),
                None => return Ok(Value::Array(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = from.next_key::<String>()? {
            let at = At::Member(self.at, &name);
            if members.contains_key(&name) {
                let shown: String = name.chars().take(64).collect();
                let twice = At::Member(self.at, &shown).refuse(Wrong::NotA("given once"));
                self.refused.replace(Some(twice));
                return Err(A::Error::custom("a member is given twice"));
            }
            let value = from.next_value_seed(Place { at: &at, ..self })?;
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_read_as_it_stands() {
        for text in [
            r#"{"a":[1,-2,2.5,null,true,"x",{"b":{}}],"c":18446744073709551615}"#,
            "[]",
            r#""é\u0000""#,
        ] {
            let expected: Value = serde_json::from_str(text).expect("JSON");
            assert_eq!(parse(text.as_bytes()).expect("it is read"), expected);
        }
        for wrong in ["", "{", "[1,]", "{}{}", r#"{"a":1 "b":2}"#, "nul", "1e999"] {
            assert!(matches!(parse(wrong.as_bytes()), Err(GraphFault::NotJson)), "{wrong}");
        }
    }

    #[test]
    fn a_member_stands_once() {
        for (text, place) in [
            (r#"{"a":1,"b":2,"a":1}"#, "a: must be given once"),
            (r#"{"a":[{},{"b":1,"\u0062":2}]}"#, "a[1].b: must be given once"),
        ] {
            match parse(text.as_bytes()) {
                Err(GraphFault::Body(refused)) => assert_eq!(refused.to_string(), place),
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
