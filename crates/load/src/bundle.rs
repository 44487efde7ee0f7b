//! Bundles made repeatable: entries that `POST` under `urn:uuid:` become `PUT` with an id derived from that name, and the
//! references between them follow (FHIR R4, [Bundle](http://hl7.org/fhir/R4/http.html#trules)). Resources are spliced as
//! text, never re-serialized, so that decimals keep their digits.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use aws_lc_rs::digest;
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use uuid::Uuid;

/// Whether entries are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// A second load changes nothing but versions.
    Repeatable,
    /// Sent as they are.
    AsIs,
}

/// Why a document cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Not JSON, or not the shape of a resource.
    #[error("is not a FHIR resource in JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// An entry of a bundle to be taken apart has no resource.
    #[error("entry {0} of the bundle has no resource")]
    NoResource(usize),
}

/// Members in the order of their names, each as its text.
type Members = BTreeMap<String, Box<RawValue>>;

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(rename = "resourceType")]
    resource_type: String,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Request {
    method: String,
    #[serde(default)]
    url: String,
    #[serde(rename = "ifNoneExist")]
    if_none_exist: Option<String>,
    #[serde(rename = "ifMatch")]
    if_match: Option<String>,
    #[serde(rename = "ifNoneMatch")]
    if_none_match: Option<String>,
}

/// The bundle to send for a document: a transaction or batch, made repeatable if asked; another bundle taken apart into
/// a batch of its resources; a lone resource as a batch of one. With the number of its entries.
pub fn of_document(text: &str, handling: Handling) -> Result<(Vec<u8>, usize), BundleError> {
    let head: Head<'_> = serde_json::from_str(text)?;
    if head.resource_type != "Bundle" {
        return Ok((batch(&[entry_of_resource(text, handling)?]), 1));
    }
    let (mut bundle, kind, entries) = parts(text)?;
    let count = entries.len();
    match kind.as_str() {
        "transaction" | "batch" if handling == Handling::AsIs => Ok((text.as_bytes().to_vec(), count)),
        "transaction" | "batch" => {
            bundle.insert("entry".to_owned(), to_raw_value(&repeatable(entries)?)?);
            Ok((serde_json::to_vec(&bundle)?, count))
        }
        _ => {
            let entries = entries.iter().enumerate().map(|(at, entry)| {
                let resource = entry.get("resource").ok_or(BundleError::NoResource(at + 1))?;
                entry_of_resource(resource.get(), handling)
            });
            Ok((batch(&entries.collect::<Result<Vec<_>, _>>()?), count))
        }
    }
}

/// The entry of a batch that writes one resource: `PUT` under its id, or under an id derived from its content when it
/// has none and the load is to be repeatable.
pub fn entry_of_resource(text: &str, handling: Handling) -> Result<String, BundleError> {
    let (resource, identity) = identified(text, handling)?;
    let kind = identity.kind;
    let (method, url) = match identity.id {
        Some(id) => ("PUT", format!("{kind}/{id}")),
        None => ("POST", kind),
    };
    let url = serde_json::to_string(&url)?;
    Ok(format!(
        r#"{{"resource":{resource},"request":{{"method":"{method}","url":{url}}}}}"#
    ))
}

/// Type and id of a resource.
pub struct Identity {
    kind: String,
    id: Option<String>,
}

impl Identity {
    /// Whether `TYPE/ID` is its address.
    fn is_at(&self, url: &str) -> bool {
        let id = self.id.as_deref();
        url.split_once('/')
            .is_some_and(|(kind, named)| kind == self.kind && Some(named) == id)
    }
}

/// A resource with its id, or with one that is derived from its content when it has none and the load is to be repeatable.
pub fn identified(text: &str, handling: Handling) -> Result<(Cow<'_, str>, Identity), BundleError> {
    let head: Head<'_> = serde_json::from_str(text)?;
    let id: Option<String> = head.id.map(|id| serde_json::from_str(id.get())).transpose()?;
    let kind = head.resource_type;
    Ok(match (id, handling) {
        (None, Handling::Repeatable) => {
            let id = named_uuid(text).to_string();
            (with_id(text, None, &id).into(), Identity { kind, id: Some(id) })
        }
        (id, _) => (text.into(), Identity { kind, id }),
    })
}

/// What a document holds.
pub enum Entries {
    /// One resource, itself.
    Alone,
    /// The entries of a bundle, and whether it is all or nothing.
    Of(Vec<Taken>, bool),
}

/// An entry of a bundle.
pub struct Taken {
    /// Its resource, with its id and with the references that follow from those of the others.
    pub resource: Option<String>,
    request: Option<Request>,
}

impl Taken {
    /// What it asks for besides that its resource is there under its id.
    pub fn beyond(&self, resource: &Identity) -> Option<&'static str> {
        let request = self.request.as_ref()?;
        if request.if_match.is_some() || request.if_none_match.is_some() {
            return Some("what has a condition");
        }
        match request.method.as_str() {
            "POST" if request.if_none_exist.is_some() => Some("a conditional create"),
            // Others may refer to it by an address that it will not have.
            "POST" => Some("a create whose fullUrl is no urn:uuid"),
            "PUT" if request.url.contains('?') => Some("a conditional update"),
            "PUT" if !resource.is_at(&request.url) => Some("an update of another address than its resource's"),
            "PUT" => None,
            _ => Some("what is neither create nor update"),
        }
    }
}

/// The entries of a document; those of a transaction or batch made repeatable.
pub fn taken_apart(text: &str) -> Result<Entries, BundleError> {
    let head: Head<'_> = serde_json::from_str(text)?;
    if head.resource_type != "Bundle" {
        return Ok(Entries::Alone);
    }
    let (_, kind, entries) = parts(text)?;
    let entries = match kind.as_str() {
        "transaction" | "batch" => repeatable(entries)?,
        _ => entries,
    };
    let is_whole = kind == "transaction";
    let taken = entries.iter().map(|entry| {
        let request = entry.get("request").map(|request| serde_json::from_str(request.get()));
        Ok(Taken {
            resource: entry.get("resource").map(|resource| resource.get().to_owned()),
            request: request.transpose()?,
        })
    });
    Ok(Entries::Of(taken.collect::<Result<_, BundleError>>()?, is_whole))
}

/// The members of a bundle, its type and its entries.
fn parts(text: &str) -> Result<(Members, String, Vec<Members>), BundleError> {
    let bundle: Members = serde_json::from_str(text)?;
    let entries = match bundle.get("entry") {
        Some(entries) => serde_json::from_str(entries.get())?,
        None => Vec::new(),
    };
    let kind = bundle
        .get("type")
        .map_or(Ok(String::new()), |kind| serde_json::from_str(kind.get()))?;
    Ok((bundle, kind, entries))
}

/// A batch of entries.
pub fn batch<S: AsRef<str>>(entries: &[S]) -> Vec<u8> {
    let mut body = br#"{"resourceType":"Bundle","type":"batch","entry":["#.to_vec();
    for (at, entry) in entries.iter().enumerate() {
        if at > 0 {
            body.push(b',');
        }
        body.extend_from_slice(entry.as_ref().as_bytes());
    }
    body.extend_from_slice(b"]}");
    body
}

fn repeatable(mut entries: Vec<Members>) -> Result<Vec<Members>, BundleError> {
    let mut targets: HashMap<String, String> = HashMap::new();
    for entry in &mut entries {
        let Some(name) = posted_name(entry)? else { continue };
        let Some(resource) = entry.get("resource") else {
            continue;
        };
        let head: Head<'_> = serde_json::from_str(resource.get())?;
        let id = derived_id(&name);
        let target = format!("{}/{id}", head.resource_type);
        let spliced = with_id(resource.get(), head.id, &id);
        entry.insert("resource".to_owned(), RawValue::from_string(spliced)?);
        let request = serde_json::json!({ "method": "PUT", "url": target });
        entry.insert("request".to_owned(), to_raw_value(&request)?);
        targets.insert(name, target);
    }
    for entry in &mut entries {
        if let Some(resource) = entry.get_mut("resource")
            && let Some(text) = with_references(resource.get(), &targets)
        {
            *resource = RawValue::from_string(text)?;
        }
    }
    Ok(entries)
}

/// The `urn:uuid:` under which an entry is posted. Conditional creates are repeatable by themselves and stay.
fn posted_name(entry: &Members) -> Result<Option<String>, BundleError> {
    let (Some(name), Some(request)) = (entry.get("fullUrl"), entry.get("request")) else {
        return Ok(None);
    };
    let name: String = serde_json::from_str(name.get())?;
    let request: Request = serde_json::from_str(request.get())?;
    let is_posted = request.method == "POST" && request.if_none_exist.is_none() && name.starts_with("urn:uuid:");
    Ok(is_posted.then_some(name))
}

/// The UUID of the name itself, so that a resource is found again under the id that its author gave it.
fn derived_id(name: &str) -> String {
    let uuid = name
        .strip_prefix("urn:uuid:")
        .and_then(|text| Uuid::try_parse(text).ok());
    uuid.unwrap_or_else(|| named_uuid(name)).as_hyphenated().to_string()
}

/// A UUID that follows from a text, in the custom form of RFC 9562 §5.8 over SHA-256.
fn named_uuid(text: &str) -> Uuid {
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    let bytes = digest.as_ref().first_chunk().expect("SHA-256 gives 32 bytes");
    uuid::Builder::from_custom_bytes(*bytes).into_uuid()
}

/// The resource with this id in place of the one it has, if any.
fn with_id(resource: &str, current: Option<&RawValue>, id: &str) -> String {
    let value = format!("\"{id}\"");
    if let Some(current) = current {
        // The current value is a slice of the resource's text.
        let start = current.get().as_ptr().addr() - resource.as_ptr().addr();
        let end = start + current.get().len();
        return [&resource[..start], &value, &resource[end..]].concat();
    }
    let open = resource.find('{').map_or(0, |at| at + 1);
    let comma = if resource[open..].trim_start().starts_with('}') {
        ""
    } else {
        ","
    };
    [&resource[..open], "\"id\":", &value, comma, &resource[open..]].concat()
}

/// The resource with the values of its `reference` members replaced; `None` when nothing changes.
fn with_references(resource: &str, targets: &HashMap<String, String>) -> Option<String> {
    let mut rewritten = String::new();
    let mut copied = 0;
    let mut is_reference = false;
    let mut at = 0;
    while let Some(open) = resource[at..].find('"').map(|found| at + found) {
        let close = open + 1 + end_of_string(&resource[open + 1..])?;
        let content = &resource[open + 1..close];
        at = close + 1;
        if is_reference && let Some(target) = targets.get(content) {
            rewritten.push_str(&resource[copied..=open]);
            rewritten.push_str(target);
            copied = close;
        }
        // A string before a colon is a member's name; anything but a string after it clears the mark at the next one.
        let rest = resource[at..].trim_start();
        is_reference = content == "reference" && rest.starts_with(':') && rest[1..].trim_start().starts_with('"');
    }
    if copied == 0 {
        return None;
    }
    rewritten.push_str(&resource[copied..]);
    Some(rewritten)
}

/// Where the quote that ends a string is.
fn end_of_string(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn document(text: &str, handling: Handling) -> Value {
        let (body, _) = of_document(text, handling).expect("a bundle");
        serde_json::from_slice(&body).expect("JSON")
    }

    const A: &str = "urn:uuid:0f0a1b9c-5a5e-4a52-9a36-0d1f3c4b5a69";

    fn transaction() -> String {
        format!(
            r#"{{"resourceType":"Bundle","type":"transaction","entry":[
              {{"fullUrl":"{A}","resource":{{"resourceType":"Patient","id":"old","identifier":[{{"value":"{A}"}}]}},
                "request":{{"method":"POST","url":"Patient"}}}},
              {{"fullUrl":"urn:uuid:not-a-uuid","resource":{{"resourceType":"Observation","subject":{{"reference" : "{A}"}},
                "valueQuantity":{{"value":1.50}}}},"request":{{"method":"POST","url":"Observation"}}}},
              {{"fullUrl":"urn:uuid:kept","resource":{{"resourceType":"Organization"}},
                "request":{{"method":"POST","url":"Organization","ifNoneExist":"identifier=1"}}}}]}}"#
        )
    }

    #[test]
    fn posts_become_puts_and_references_follow() {
        let bundle = document(&transaction(), Handling::Repeatable);
        let entry = |at: usize| &bundle["entry"][at];
        let id = &A["urn:uuid:".len()..];
        assert_eq!(
            entry(0)["request"],
            json!({ "method": "PUT", "url": format!("Patient/{id}") })
        );
        assert_eq!(entry(0)["resource"]["id"], *id);
        assert_eq!(
            entry(0)["resource"]["identifier"][0]["value"],
            A,
            "an identifier is no reference"
        );
        assert_eq!(entry(1)["resource"]["subject"]["reference"], format!("Patient/{id}"));
        let derived = entry(1)["resource"]["id"].as_str().expect("an id");
        assert_eq!(entry(1)["request"]["url"], format!("Observation/{derived}"));
        assert_eq!(entry(2)["request"]["method"], "POST", "a conditional create stays");
        assert_eq!(
            document(&transaction(), Handling::Repeatable),
            bundle,
            "the same every time"
        );
        let (body, count) = of_document(&transaction(), Handling::Repeatable).expect("a bundle");
        assert_eq!(count, 3);
        assert!(
            String::from_utf8(body).expect("text").contains(r#""value":1.50"#),
            "decimals keep their digits"
        );
    }

    #[test]
    fn as_is_means_unchanged() {
        let (body, _) = of_document(&transaction(), Handling::AsIs).expect("a bundle");
        assert_eq!(body, transaction().as_bytes());
    }

    #[test]
    fn a_resource_or_a_collection_becomes_a_batch() {
        let lone = document(r#"{ "resourceType":"Patient", "id":"p1"}"#, Handling::Repeatable);
        assert_eq!(
            lone["entry"][0]["request"],
            json!({ "method": "PUT", "url": "Patient/p1" })
        );
        let collection =
            r#"{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Basic"}}]}"#;
        let repeatable = document(collection, Handling::Repeatable);
        assert_eq!(repeatable["type"], "batch");
        assert_eq!(repeatable["entry"][0]["request"]["method"], "PUT");
        assert_eq!(
            document(collection, Handling::AsIs)["entry"][0]["request"]["method"],
            "POST"
        );
    }

    #[test]
    fn what_is_no_resource_is_refused() {
        let cases = [
            "",
            "[1,2]",
            "{\"a\":1}",
            "{\"resourceType\":\"Patient\"",
            "{\"resourceType\":\"Patient\",\"id\":7}",
        ];
        for text in cases {
            assert!(of_document(text, Handling::Repeatable).is_err(), "{text}");
        }
        let hollow = r#"{"resourceType":"Bundle","type":"collection","entry":[{}]}"#;
        assert!(matches!(
            of_document(hollow, Handling::AsIs),
            Err(BundleError::NoResource(1))
        ));
    }

    #[test]
    fn escapes_do_not_confuse_the_search_for_references() {
        let targets = HashMap::from([("urn:uuid:x".to_owned(), "Patient/1".to_owned())]);
        let cases = [
            (r#"{"a":"\"reference\":\"urn:uuid:x\""}"#, None),
            (r#"{"reference":"urn:uuid:y"}"#, None),
            (r#"{"display":"reference","b":"urn:uuid:x"}"#, None),
            (r#"["reference","urn:uuid:x"]"#, None),
            (
                r#"{"s":"\\","reference":"urn:uuid:x"}"#,
                Some(r#"{"s":"\\","reference":"Patient/1"}"#),
            ),
            (
                r#"{"reference":{"reference":"urn:uuid:x"}}"#,
                Some(r#"{"reference":{"reference":"Patient/1"}}"#),
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(with_references(text, &targets).as_deref(), expected, "{text}");
        }
    }
}
