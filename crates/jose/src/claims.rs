//! The claims of a JWT — RFC 7519 §4.

use std::time::Duration;

use hygie_core::Timestamp;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::JoseError;

/// The registered claims by type, the others as they came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Claims {
    /// `iss`: who says it.
    pub issuer: Option<String>,
    /// `sub`: about whom.
    pub subject: Option<String>,
    /// `aud`: for whom; written as one text when it is one.
    pub audience: Vec<String>,
    /// `exp`: until when.
    pub expires_at: Option<Timestamp>,
    /// `nbf`: from when.
    pub not_before: Option<Timestamp>,
    /// `iat`: since when.
    pub issued_at: Option<Timestamp>,
    /// `jti`: which token.
    pub id: Option<String>,
    /// Every other claim.
    pub members: Map<String, Value>,
}

impl Claims {
    /// The claims of a JSON object; an error when a registered claim has another type than its specification says.
    pub fn from_map(mut members: Map<String, Value>) -> Result<Self, JoseError> {
        Ok(Self {
            issuer: take(&mut members, "iss", text)?,
            subject: take(&mut members, "sub", text)?,
            audience: take(&mut members, "aud", texts)?.unwrap_or_default(),
            expires_at: take(&mut members, "exp", instant)?,
            not_before: take(&mut members, "nbf", instant)?,
            issued_at: take(&mut members, "iat", instant)?,
            id: take(&mut members, "jti", text)?,
            members,
        })
    }

    /// An unregistered claim that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name)?.as_str()
    }

    /// An unregistered claim that is a list of texts (or one text); empty when absent.
    pub fn texts<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let value = self.members.get(name);
        let list = value.and_then(Value::as_array).map(Vec::as_slice);
        list.or(value.map(std::slice::from_ref))
            .unwrap_or_default()
            .iter()
            .filter_map(Value::as_str)
    }

    /// Whether the token is alive at `now`, clocks being apart by at most `leeway`. A token without `exp` is not.
    pub fn check_instants(&self, now: Timestamp, leeway: Duration) -> Result<(), JoseError> {
        if self.expires_at.is_none_or(|at| at + leeway <= now) {
            return Err(JoseError::Expired);
        }
        let future = |at: Option<Timestamp>| at.is_some_and(|at| at > now + leeway);
        if future(self.not_before) {
            return Err(JoseError::NotYetValid);
        }
        Ok(())
    }
}

fn take<T>(members: &mut Map<String, Value>, name: &str, read: fn(Value) -> Option<T>) -> Result<Option<T>, JoseError> {
    members
        .remove(name)
        .map(|value| read(value).ok_or(JoseError::Malformed("registered claim")))
        .transpose()
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

fn texts(value: Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(list) => list.into_iter().map(text).collect(),
        _ => None,
    }
}

/// A `NumericDate` (§2) may have a fraction, of which we keep the milliseconds.
fn instant(value: Value) -> Option<Timestamp> {
    let Value::Number(number) = value else { return None };
    number
        .as_i64()
        .map(Timestamp::from_secs)
        .or_else(|| Some(Timestamp::from_millis((number.as_f64()? * 1000.0) as i64)))
}

impl Serialize for Claims {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self.audience.as_slice() {
            [] => {}
            [one] => map.serialize_entry("aud", one)?,
            several => map.serialize_entry("aud", several)?,
        }
        let texts = [("iss", &self.issuer), ("sub", &self.subject), ("jti", &self.id)];
        for (name, text) in texts {
            if let Some(text) = text {
                map.serialize_entry(name, text)?;
            }
        }
        let instants = [
            ("iat", self.issued_at),
            ("nbf", self.not_before),
            ("exp", self.expires_at),
        ];
        for (name, at) in instants {
            if let Some(at) = at {
                map.serialize_entry(name, &at.secs())?;
            }
        }
        for (name, value) in &self.members {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_map(Map::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(value: Value) -> Result<Claims, JoseError> {
        match value {
            Value::Object(map) => Claims::from_map(map),
            _ => panic!("the test gives an object"),
        }
    }

    #[test]
    fn round_trip() {
        let value = json!({"aud": "a", "iss": "i", "sub": "s", "jti": "j", "iat": 1, "nbf": 2, "exp": 3, "tid": "t"});
        let read = claims(value.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), value);
        assert_eq!(read.text("tid"), Some("t"));
    }

    #[test]
    fn registered_claims_have_their_types() {
        for wrong in [
            json!({"iss": 1}),
            json!({"aud": [1]}),
            json!({"exp": "soon"}),
            json!({"aud": null}),
        ] {
            assert!(claims(wrong.clone()).is_err(), "{wrong}");
        }
        assert_eq!(claims(json!({"aud": ["a", "b"]})).unwrap().audience, ["a", "b"]);
        assert_eq!(
            claims(json!({"exp": 1.5})).unwrap().expires_at,
            Some(Timestamp::from_millis(1500))
        );
        // Beyond the range of an instant: saturates, does not wrap into the past.
        assert_eq!(
            claims(json!({"exp": 1e300})).unwrap().expires_at,
            Some(Timestamp::from_millis(i64::MAX))
        );
    }

    #[test]
    fn lists_of_texts() {
        let read = claims(json!({"roles": ["x", 1, "y"], "scp": "z", "none": {}})).unwrap();
        assert_eq!(read.texts("roles").collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(read.texts("scp").collect::<Vec<_>>(), ["z"]);
        assert_eq!(read.texts("none").count() + read.texts("absent").count(), 0);
    }

    #[test]
    fn instants() {
        let leeway = Duration::from_mins(1);
        let token = claims(json!({"nbf": 1000, "exp": 2000})).unwrap();
        for (now, outcome) in [
            (939, Err(JoseError::NotYetValid)),
            (940, Ok(())),
            (2059, Ok(())),
            (2060, Err(JoseError::Expired)),
        ] {
            assert_eq!(
                token.check_instants(Timestamp::from_secs(now), leeway),
                outcome,
                "at {now}"
            );
        }
        let eternal = claims(json!({"nbf": 0})).unwrap();
        assert_eq!(
            eternal.check_instants(Timestamp::from_secs(1), leeway),
            Err(JoseError::Expired)
        );
    }
}
