//! Where the server's own values go in a body: `id`, `meta.versionId` and `meta.lastUpdated`. Found once, when the body
//! is written, so that showing a resource copies bytes and parses nothing. <http://hl7.org/fhir/R4/resource.html#Meta>

use hygie_fhir_model::Name;
use hygie_fhir_model::json::{Document, Json, Kind};

use super::record::{Version, number, take, take_number};

/// The seams of a body, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seams(Vec<Seam>);

/// A place at which something of the server is put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seam {
    at: usize,
    /// Bytes of the body that it takes the place of.
    len: usize,
    stamp: Stamp,
    joint: Joint,
}

/// What is put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stamp {
    Id,
    VersionId,
    LastUpdated,
    /// The whole of `meta`, where the body has none.
    Meta,
}

/// How it is joined to what stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Joint {
    /// In the place of a value.
    Value,
    /// A member after another.
    After,
    /// A member before another.
    Before,
}

const STAMPS: [Stamp; 4] = [Stamp::Id, Stamp::VersionId, Stamp::LastUpdated, Stamp::Meta];
const JOINTS: [Joint; 3] = [Joint::Value, Joint::After, Joint::Before];

impl Seams {
    /// Of a resource: an object with a `resourceType` at least.
    pub fn of(resource: &Document) -> Self {
        let root = resource.root();
        let mut seams = vec![Seam::of(root, Stamp::Id)];
        match root.get(Name::META) {
            // A `meta` that is empty, or no object, is replaced as a whole.
            Some(meta) if meta.kind() == Kind::Object && meta.members().next().is_some() => {
                seams.extend([Stamp::VersionId, Stamp::LastUpdated].map(|stamp| Seam::of(meta, stamp)));
            }
            _ => seams.push(Seam::of(root, Stamp::Meta)),
        }
        // Stable: what is put in at one place stays in the order above.
        seams.sort_by_key(|seam| seam.at);
        Self(seams)
    }

    /// Writes them: count, then for each the bytes since the one before, the bytes replaced, and what is joined how.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        number(out, self.0.len() as i64);
        let mut end = 0;
        for seam in &self.0 {
            number(out, (seam.at - end) as i64);
            number(out, seam.len as i64);
            out.push(seam.stamp as u8 | (seam.joint as u8) << 4);
            end = seam.at + seam.len;
        }
    }

    /// Reads them back.
    pub(super) fn decode(rest: &mut &[u8]) -> Option<Self> {
        let mut seams = Vec::new();
        let mut end = 0_usize;
        for _ in 0..take_number(rest)? {
            let at = end.checked_add(take_number(rest)?.try_into().ok()?)?;
            let len = take_number(rest)?.try_into().ok()?;
            let form = *take(rest, 1)?.first()?;
            end = at.checked_add(len)?;
            seams.push(Seam {
                at,
                len,
                stamp: *STAMPS.get(usize::from(form & 0xf))?,
                joint: *JOINTS.get(usize::from(form >> 4))?,
            });
        }
        Some(Self(seams))
    }

    /// Whether they can be places of `body`.
    pub(super) fn fit(&self, body: &str) -> bool {
        self.0
            .iter()
            .all(|seam| body.get(seam.at..seam.at + seam.len).is_some())
    }
}

impl Seam {
    fn of(object: Json<'_>, stamp: Stamp) -> Self {
        let seam = |at, len, joint| Self { at, len, stamp, joint };
        if let Some(member) = object.find(stamp.key()) {
            return seam(member.offset(), member.raw().len(), Joint::Value);
        }
        match object.members().next() {
            Some(first) if first.key() == "resourceType" => seam(first.offset() + first.raw().len(), 0, Joint::After),
            Some(first) => seam(first.key_offset(), 0, Joint::Before),
            None => seam(object.offset() + 1, 0, Joint::Before),
        }
    }
}

impl Stamp {
    const fn key(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::VersionId => "versionId",
            Self::LastUpdated => "lastUpdated",
            Self::Meta => "meta",
        }
    }

    /// Its value as JSON; neither ids nor numbers nor instants have signs that need an escape.
    fn write(self, version: &Version, out: &mut String) {
        match self {
            Self::Id => quoted(version.id.as_str(), out),
            Self::VersionId => quoted(&version.number.to_string(), out),
            Self::LastUpdated => quoted(&version.updated.to_rfc3339(), out),
            Self::Meta => {
                out.push_str(r#"{"versionId":"#);
                Self::VersionId.write(version, out);
                out.push_str(r#","lastUpdated":"#);
                Self::LastUpdated.write(version, out);
                out.push('}');
            }
        }
    }
}

fn quoted(text: &str, out: &mut String) {
    out.push('"');
    out.push_str(text);
    out.push('"');
}

impl Version {
    /// The resource as it is shown: the received bytes with what the server says of it in them, and nothing else changed.
    pub fn stamped(&self) -> String {
        let mut text = String::with_capacity(self.body.len() + 160);
        let mut at = 0;
        for seam in &self.seams.0 {
            text.push_str(&self.body[at..seam.at]);
            if seam.joint == Joint::After {
                text.push(',');
            }
            if seam.joint != Joint::Value {
                quoted(seam.stamp.key(), &mut text);
                text.push(':');
            }
            seam.stamp.write(self, &mut text);
            if seam.joint == Joint::Before {
                text.push(',');
            }
            at = seam.at + seam.len;
        }
        text.push_str(&self.body[at..]);
        text
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hygie_core::Timestamp;
    use hygie_fhir_model::ResourceType;
    use hygie_fhir_model::json::Limits;
    use proptest::prelude::*;

    use super::*;
    use crate::repo::record::Method;

    fn version(body: &str) -> Version {
        let document = Document::parse(body, &Limits::default()).expect("JSON");
        Version {
            kind: ResourceType::find("Patient").expect("a type"),
            id: "p1".parse().expect("an id"),
            rid: 1,
            number: 3,
            seq: 1,
            previous: 0,
            updated: Timestamp::from_millis(0),
            method: Method::Create,
            body: Arc::new(body.to_owned()),
            seams: Seams::of(&document),
            large: None,
        }
    }

    #[test]
    fn only_what_the_server_says_changes() {
        let (id, number) = (r#""id":"p1""#, r#""versionId":"3""#);
        let updated = r#""lastUpdated":"1970-01-01T00:00:00.000Z""#;
        let meta = format!(r#""meta":{{{number},{updated}}}"#);
        for (body, expected) in [
            (
                r#"{"resourceType":"Patient"}"#,
                format!(r#"{{"resourceType":"Patient",{id},{meta}}}"#),
            ),
            (
                r#" { "resourceType" : "Patient" , "id" : "other" , "é" : 1.00 } "#,
                format!(r#" {{ "resourceType" : "Patient",{meta} , "id" : "p1" , "é" : 1.00 }} "#),
            ),
            (
                r#"{ "active":true,"resourceType":"Patient"}"#,
                format!(r#"{{ {id},{meta},"active":true,"resourceType":"Patient"}}"#),
            ),
            (
                r#"{"resourceType":"Patient","meta":{}}"#,
                format!(r#"{{"resourceType":"Patient",{id},{meta}}}"#),
            ),
            (
                r#"{"resourceType":"Patient","meta":{"profile":["x"]},"id":"x"}"#,
                format!(r#"{{"resourceType":"Patient","meta":{{{number},{updated},"profile":["x"]}},"id":"p1"}}"#),
            ),
            (
                r#"{"meta":{"lastUpdated":"then","profile":["x"]},"id":"x","resourceType":"Patient"}"#,
                format!(r#"{{"meta":{{{number},{updated},"profile":["x"]}},{id},"resourceType":"Patient"}}"#),
            ),
            (
                r#"{"resourceType":"Patient","meta":{"lastUpdated":"then","versionId":"9"}}"#,
                format!(r#"{{"resourceType":"Patient",{id},"meta":{{{updated},{number}}}}}"#),
            ),
        ] {
            assert_eq!(version(body).stamped(), expected, "{body}");
        }
    }

    prop_compose! {
        fn objects(keys: &'static [&'static str])(
            chosen in prop::sample::subsequence(keys, 0..=keys.len()).prop_shuffle(),
            text in "[a-zé \"\\\\]{0,6}",
        ) -> serde_json::Map<String, serde_json::Value> {
            chosen.into_iter().map(|key| (key.to_owned(), text.clone().into())).collect()
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_the_body_with_three_values(
            mut resource in objects(&["resourceType", "id", "active", "_id", "a\\b"]),
            meta in prop::option::of(objects(&["versionId", "lastUpdated", "source", "_versionId"])),
        ) {
            resource.entry("resourceType").or_insert_with(|| "Patient".into());
            if let Some(meta) = meta {
                resource.insert("meta".to_owned(), meta.into());
            }
            let version = version(&serde_json::to_string(&resource).expect("JSON"));
            let shown: serde_json::Value = serde_json::from_str(&version.stamped()).expect("JSON");
            resource.insert("id".to_owned(), "p1".into());
            let meta = resource.entry("meta").or_insert_with(|| serde_json::json!({}));
            meta["versionId"] = "3".into();
            meta["lastUpdated"] = "1970-01-01T00:00:00.000Z".into();
            prop_assert_eq!(shown, serde_json::Value::from(resource));
        }

        #[test]
        fn seams_come_back(resource in objects(&["resourceType", "id", "meta", "active"])) {
            let body = serde_json::to_string(&resource).expect("JSON");
            let seams = version(&body).seams;
            let mut out = Vec::new();
            seams.encode(&mut out);
            prop_assert!(seams.fit(&body));
            prop_assert_eq!(Seams::decode(&mut out.as_slice()), Some(seams));
        }
    }
}
