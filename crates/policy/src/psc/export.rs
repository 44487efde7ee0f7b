//! Exports of policies: what the script of the guide writes, and what Graph answers.
//!
//! The script serializes objects of the PowerShell module to a depth of three: members begin with a capital, an object
//! whose members are all null stands for none, a list of one policy is that policy, dates have a form of their own, and
//! what lies deeper is the text of a type name. Members that are not known here are passed over and told: an export of a
//! newer module must still be judged, but not as if they said nothing.

use hygie_core::{ErrorKind, Fault};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::json::{Wrong, read};
use crate::lifetime::SessionLifetime;
use crate::policy::Policy;
use crate::strength::AuthenticationStrength;
use crate::token_lifetime::TokenLifetimePolicy;

/// Bytes of an export: a tenant has 195 policies, of some kilobytes each.
pub const MAX_EXPORT: usize = 16 * 1024 * 1024;
/// Members of one policy that may be passed over.
const MAX_PASSED_OVER: usize = 100;
/// Given by the service, and of no matter here: the script writes them in two forms.
const DATES: [&str; 3] = ["createdDateTime", "modifiedDateTime", "deletedDateTime"];
/// What stands where the depth of an export ends.
const CUT: [&str; 4] = ["Microsoft.Graph.PowerShell", "System.Object[]", "System.String[]", "@{"];

/// A file that is no export.
#[derive(Debug, Error)]
pub enum NotAnExport {
    /// It is too large.
    #[error("the file has more than {MAX_EXPORT} bytes")]
    TooLarge,
    /// It is no text.
    #[error("the file is neither UTF-8 nor UTF-16")]
    NotText,
    /// It is no JSON.
    #[error("the file is not JSON")]
    NotJson(#[source] serde_json::Error),
    /// It holds something else.
    #[error("the file holds no conditional access policy")]
    NoPolicy,
}

impl Fault for NotAnExport {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }

    fn code(&self) -> &'static str {
        "BadRequest"
    }

    fn public(&self) -> String {
        self.to_string()
    }
}

/// Where an export comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The script of the guide, which leaves strengths out.
    Script,
    /// Graph itself.
    Graph,
}

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Where it comes from.
    pub origin: Origin,
    /// The policies.
    pub policies: Vec<Policy>,
    /// The strengths that came with them.
    pub strengths: Vec<AuthenticationStrength>,
    /// How long sessions live, where the export tells it [ours].
    pub lifetime: Option<SessionLifetime>,
    /// How long tokens live, where the export tells it.
    pub token_lifetimes: Vec<TokenLifetimePolicy>,
    /// Places that say something which was not understood.
    pub passed_over: Vec<String>,
}

impl Export {
    /// Reads a file: one policy, a list, a collection of Graph, or an object with `policies` and `strengths`.
    pub fn read(file: &[u8]) -> Result<Self, NotAnExport> {
        if file.len() > MAX_EXPORT {
            return Err(NotAnExport::TooLarge);
        }
        let text = decode(file).ok_or(NotAnExport::NotText)?;
        let document: Value = serde_json::from_str(&text).map_err(NotAnExport::NotJson)?;
        let mut export = Self {
            origin: Origin::Graph,
            policies: Vec::new(),
            strengths: Vec::new(),
            lifetime: None,
            token_lifetimes: Vec::new(),
            passed_over: Vec::new(),
        };
        for item in items(document) {
            export.add(item);
        }
        let is_empty = export.policies.is_empty() && export.strengths.is_empty() && export.passed_over.is_empty();
        if is_empty {
            Err(NotAnExport::NoPolicy)
        } else {
            Ok(export)
        }
    }

    fn add(&mut self, mut item: Value) {
        let name = |item: &Value| {
            item.get("displayName")
                .and_then(Value::as_str)
                .unwrap_or("?")
                .to_owned()
        };
        if item.get("Conditions").is_some() || item.get("AllowedCombinations").is_some() {
            self.origin = Origin::Script;
            let mut cut = Vec::new();
            item = of_script(item, "", &mut cut);
            let name = name(&item);
            self.passed_over
                .extend(cut.iter().map(|place| format!("{name}: {place}")));
        }
        let name = name(&item);
        if item.get("maximumLifetimeInMinutes").is_some() {
            self.keep("sessionLifetimePolicy", item, |export, lifetime| {
                export.lifetime = Some(lifetime);
            });
        } else if item.get("definition").is_some() {
            self.keep(&name, item, |export, policy| export.token_lifetimes.push(policy));
        } else if item.get("allowedCombinations").is_some() {
            self.keep(&name, item, |export, strength| export.strengths.push(strength));
        } else if item.get("conditions").is_some() {
            self.keep(&name, item, |export, policy| export.policies.push(policy));
        }
    }

    fn keep<T: crate::json::Member>(&mut self, name: &str, mut item: Value, keep: fn(&mut Self, T)) {
        for _ in 0..=MAX_PASSED_OVER {
            match read::<T>(&item) {
                Ok(read) => return keep(self, read),
                Err(error) => {
                    let is_unknown = error.wrong == Wrong::UnknownMember;
                    let removed = if is_unknown {
                        remove(&mut item, &error.path)
                    } else {
                        None
                    };
                    if !matches!(&removed, Some(value) if is_unset(value)) {
                        self.passed_over.push(format!("{name}: {error}"));
                    }
                    if removed.is_none() {
                        return;
                    }
                }
            }
        }
    }
}

/// UTF-8, or UTF-16 with its mark: `Out-File` writes either.
fn decode(file: &[u8]) -> Option<String> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        String::from_utf16(&units).ok()
    };
    match file {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8(rest.to_vec()).ok(),
        all => String::from_utf8(all.to_vec()).ok(),
    }
}

/// What an export is made of.
fn items(document: Value) -> Vec<Value> {
    match document {
        Value::Array(items) => items,
        Value::Object(mut members) => {
            if let Some(value) = members.remove("value") {
                return items(value);
            }
            let parts = [
                "policies",
                "strengths",
                "sessionLifetimePolicy",
                "tokenLifetimePolicies",
            ]
            .map(|name| members.remove(name));
            if parts.iter().all(Option::is_none) {
                return vec![Value::Object(members)];
            }
            // A collection inside is a list or an object with `value`, and no deeper.
            parts.into_iter().flatten().flat_map(collection).collect()
        }
        _ => Vec::new(),
    }
}

fn collection(part: Value) -> Vec<Value> {
    match part {
        Value::Array(items) => items,
        Value::Object(mut members) => match members.remove("value") {
            Some(Value::Array(items)) => items,
            // One object by itself: how long sessions live.
            None if members.contains_key("maximumLifetimeInMinutes") => vec![Value::Object(members)],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// What the script writes, as Graph would have. The depth of a document is bounded by the parser.
fn of_script(value: Value, place: &str, cut: &mut Vec<String>) -> Value {
    match value {
        Value::Object(members) => {
            let before = cut.len();
            let read = members.into_iter().map(|(name, value)| (member(&name), value));
            // Of strengths, configurations narrow what is allowed; the module has them without their type.
            let is_of_matter = |name: &str| {
                !DATES.contains(&name) && !["additionalProperties", "combinationConfigurations"].contains(&name)
            };
            let read = read.filter(|(name, _)| is_of_matter(name)).map(|(name, value)| {
                let place = if place.is_empty() {
                    name.clone()
                } else {
                    format!("{place}.{name}")
                };
                let value = of_script(value, &place, cut);
                (name, value)
            });
            let read: Map<String, Value> = read.collect();
            if read.values().all(Value::is_null) {
                // An object that is not set has objects that are not either, and of these the depth cuts off the type.
                cut.truncate(before);
                return Value::Null;
            }
            Value::Object(read)
        }
        Value::Array(items) => {
            let place = format!("{place}[]");
            items.into_iter().map(|item| of_script(item, &place, cut)).collect()
        }
        Value::String(text) if CUT.iter().any(|mark| text.starts_with(mark)) => {
            cut.push(place.to_owned());
            Value::Null
        }
        Value::String(text) if is_list(place) => text.split_whitespace().map(Value::from).collect(),
        other => other,
    }
}

/// The name of a member in Graph.
fn member(name: &str) -> String {
    if name == "PolicyName" {
        return "displayName".to_owned();
    }
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

/// Whether a text at this place was a list of texts, which the end of the depth has joined.
fn is_list(place: &str) -> bool {
    let name = place.rsplit('.').next().unwrap_or(place);
    // An item of a list, or an object that was cut.
    let is_none = name.ends_with("[]") || name.ends_with("GuestsOrExternalUsers");
    let is_side = name.starts_with("include") || name.starts_with("exclude");
    (is_side && !is_none) || ["clientAppTypes", "builtInControls", "termsOfUse", "allowedCombinations"].contains(&name)
}

/// Whether a value says nothing.
fn is_unset(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.values().all(is_unset),
        Value::String(text) => text.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Takes out what is at a place as [`crate::json::At`] writes it.
fn remove(document: &mut Value, path: &str) -> Option<Value> {
    let (parents, name) = path.rsplit_once('.').unwrap_or(("", path));
    let mut place = document;
    for step in parents.split('.').filter(|step| !step.is_empty()) {
        let (member, index) = match step.split_once('[') {
            Some((member, index)) => (member, Some(index.strip_suffix(']')?.parse::<usize>().ok()?)),
            None => (step, None),
        };
        place = place.get_mut(member)?;
        if let Some(index) = index {
            place = place.get_mut(index)?;
        }
    }
    place.as_object_mut()?.remove(name)
}
