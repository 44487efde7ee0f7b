//! One entry of a bundle: what it asks for. <http://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.request>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hygie_core::Timestamp;
use hygie_fhir_model::json::{Document, Json, Kind};
use hygie_fhir_model::{DateTime, Id, Name, ResourceType};
use hygie_fhir_store::search::Handling;
use hygie_web::audit::Note;

use super::{BundleError, member, split};
use crate::interaction::{
    Body, Condition, Create, Delete, Error, History, Instructions, Interaction, Of, Patch, Read, Search, Subject,
    Unless, Update, Vread, pairs,
};
use crate::service::{Fhir, Mandate};

/// Methods in the order in which they are processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    Delete,
    Post,
    Put,
    Patch,
    Get,
}

/// What an entry's address names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `Patient`, `Patient?name=…`
    Type(ResourceType, Option<String>),
    /// `Patient/1`
    Instance(ResourceType, Id),
    /// `Patient/1/_history`, `Patient/_history`, `_history`
    History(Of, Option<String>),
    /// `Patient/1/_history/2`
    Version(ResourceType, Id, String),
}

/// One entry.
#[derive(Clone)]
pub struct Entry {
    pub full_url: Option<String>,
    pub verb: Verb,
    pub address: Address,
    pub if_none_exist: Option<String>,
    /// Taken when the entry becomes an interaction.
    pub resource: Option<Document>,
    pub if_match: Option<String>,
    pub unless: Unless,
    /// What became of the condition in its address, which names the resource then.
    pub decided: Option<Decided>,
}

/// What became of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// A resource meets it.
    Met,
    /// None does.
    Unmet,
}

impl Entry {
    /// Reads one item of `Bundle.entry`.
    pub fn read(fhir: &Fhir, item: Json<'_>) -> Result<Self, Error> {
        let request = item.find("request").ok_or(BundleError::Request)?;
        let verb = match member(request, "method").ok_or(BundleError::Request)?.as_ref() {
            "DELETE" => Verb::Delete,
            "POST" => Verb::Post,
            "PUT" => Verb::Put,
            "PATCH" => Verb::Patch,
            "GET" | "HEAD" => Verb::Get,
            _ => return Err(BundleError::Method.into()),
        };
        let url = member(request, "url").ok_or(BundleError::Request)?;
        let text = |key: &'static str| match request.find(key) {
            Some(value) => value
                .text()
                .map(|text| Some(text.into_owned()))
                .ok_or(Error::Header(key)),
            None => Ok(None),
        };
        let since = text("ifModifiedSince")?;
        let since = since.map(|since| DateTime::parse(&since).ok_or(Error::Header("ifModifiedSince")));
        let resource = item.find("resource").filter(|resource| resource.kind() != Kind::Null);
        let resource = resource.map(|resource| Document::parse(resource.raw(), &fhir.limits().json()));
        Ok(Self {
            full_url: member(item, "fullUrl").map(std::borrow::Cow::into_owned),
            verb,
            address: Address::parse(&url, fhir.base())?,
            if_none_exist: text("ifNoneExist")?,
            resource: resource.transpose()?,
            if_match: text("ifMatch")?,
            unless: Unless {
                none_match: text("ifNoneMatch")?,
                modified_since: since
                    .transpose()?
                    .map(|since| Timestamp::from_millis(since.interval().low)),
            },
            decided: None,
        })
    }

    /// What the audit trail says of it when it wrote nothing.
    pub fn note(&self) -> Note {
        match (self.verb, &self.address) {
            (Verb::Post, Address::Type(kind, _)) => Note::new("fhir.create", kind.name()),
            (Verb::Put, Address::Instance(kind, id)) => Note::new("fhir.update", format!("{kind}/{id}")),
            (Verb::Patch, Address::Instance(kind, id)) => Note::new("fhir.patch", format!("{kind}/{id}")),
            (Verb::Delete, Address::Instance(kind, id)) => Note::new("fhir.delete", format!("{kind}/{id}")),
            (Verb::Put, Address::Type(kind, _)) => Note::new("fhir.update", kind.name()),
            (Verb::Patch, Address::Type(kind, _)) => Note::new("fhir.patch", kind.name()),
            (Verb::Delete, Address::Type(kind, _)) => Note::new("fhir.delete", kind.name()),
            (Verb::Get, Address::Instance(kind, id)) => Note::new("fhir.read", format!("{kind}/{id}")),
            (Verb::Get, Address::History(of, _)) => match of {
                Of::Instance(kind, id) => Note::new("fhir.history-instance", format!("{kind}/{id}")),
                Of::Type(kind) => Note::new("fhir.history-type", kind.name()),
                Of::System => Note::new("fhir.history-system", ""),
            },
            (Verb::Get, Address::Version(kind, id, _)) => Note::new("fhir.vread", format!("{kind}/{id}/_history")),
            (Verb::Get, Address::Type(kind, _)) => Note::new("fhir.search-type", kind.name()),
            _ => Note::new("fhir.bundle-entry", ""),
        }
    }

    /// The condition on which it writes, and the type that is searched.
    pub fn condition(&self) -> Option<(ResourceType, &str)> {
        match (self.verb, &self.address) {
            (Verb::Post, Address::Type(kind, None)) => Some((*kind, self.if_none_exist.as_deref()?)),
            (Verb::Put | Verb::Patch | Verb::Delete, Address::Type(kind, Some(query))) => Some((*kind, query)),
            _ => None,
        }
    }

    /// The id of its resource.
    pub fn own_id(&self) -> Option<Id> {
        self.resource.as_ref()?.root().get_text(Name::ID)?.parse().ok()
    }

    /// The interaction that it asks for. `new_id` is the id of what it creates.
    pub fn prepare(self, fhir: &Fhir, mandate: &Mandate, handling: Handling, new_id: Id) -> Result<Interaction, Error> {
        if matches!(self.verb, Verb::Put | Verb::Patch | Verb::Delete) {
            return self.prepare_change(fhir, mandate, new_id);
        }
        let body = self.resource.map(Body::Tree).ok_or(BundleError::NoResource);
        Ok(match (self.verb, self.address) {
            (Verb::Post, Address::Type(kind, None)) => {
                let condition = self.if_none_exist.as_deref();
                Interaction::Create(Create::prepare(fhir, mandate, (kind, new_id), body?, condition)?)
            }
            (Verb::Get, Address::Instance(kind, id)) => {
                Interaction::Read(Read::prepare(mandate, (kind, id), self.unless)?)
            }
            (Verb::Get, Address::History(of, query)) => {
                let pairs = pairs(query.as_deref().unwrap_or_default());
                Interaction::History(History::prepare(mandate, of, &pairs)?)
            }
            (Verb::Get, Address::Version(kind, id, number)) => {
                Interaction::Vread(Vread::prepare(mandate, (kind, id), &number)?)
            }
            (Verb::Get, Address::Type(kind, query)) => {
                let pairs = pairs(query.as_deref().unwrap_or_default());
                Interaction::Search(Search::prepare(fhir, mandate, kind, pairs, handling)?)
            }
            _ => return Err(Error::NotSupported("this request in a bundle")),
        })
    }

    /// The same of what changes a resource that its address names, or a condition in it.
    fn prepare_change(self, fhir: &Fhir, mandate: &Mandate, new_id: Id) -> Result<Interaction, Error> {
        let if_match = self.if_match.as_deref();
        let (kind, subject) = match self.address {
            Address::Instance(kind, id) => match self.decided {
                Some(Decided::Met) => (kind, Subject::Met(id)),
                Some(Decided::Unmet) => (kind, Subject::Unmet(id)),
                None => (kind, Subject::Named(id)),
            },
            Address::Type(kind, Some(query)) if self.verb == Verb::Delete => {
                let delete = Delete::conditional(fhir, mandate, kind, pairs(&query), if_match)?;
                return Ok(Interaction::Delete(delete));
            }
            Address::Type(kind, Some(query)) => {
                let condition = Condition::parse(fhir, mandate, kind, &query)?;
                (kind, Subject::Meeting(condition, new_id))
            }
            _ => return Err(Error::NotSupported("this request in a bundle")),
        };
        let resource = self.resource.ok_or(BundleError::NoResource);
        Ok(match (self.verb, subject) {
            (Verb::Delete, Subject::Named(id) | Subject::Met(id)) => {
                Interaction::Delete(Delete::prepare(mandate, (kind, id), if_match)?)
            }
            (Verb::Patch, subject) => {
                let instructions = instructions(resource?)?;
                Interaction::Patch(Patch::prepare(fhir, mandate, (kind, subject), instructions, if_match)?)
            }
            (_, subject) => {
                let body = Body::Tree(resource?);
                Interaction::Update(Update::prepare(fhir, mandate, (kind, subject), body, if_match)?)
            }
        })
    }
}

/// How an entry says how to patch: a JSON Patch in a Binary, or a FHIRPath Patch as it is.
/// <http://hl7.org/fhir/R4/http.html#patch>
fn instructions(resource: Document) -> Result<Instructions, Error> {
    let root = resource.root();
    if root.get_text(Name::RESOURCE_TYPE).as_deref() != Some("Binary") {
        return Ok(Instructions::Tree(resource));
    }
    let is_json_patch = member(root, "contentType").as_deref() == Some("application/json-patch+json");
    let data = member(root, "data").filter(|_| is_json_patch);
    let bytes = data.and_then(|data| STANDARD.decode(data.as_bytes()).ok());
    Ok(Instructions::Json(bytes.ok_or(BundleError::PatchData)?))
}

impl Address {
    /// Reads a relative address, or one under `base`.
    fn parse(url: &str, base: &str) -> Result<Self, Error> {
        let relative = url.strip_prefix(base).unwrap_or(url);
        let (path, query) = split(relative.trim_start_matches('/'), '?');
        let query = query.map(str::to_owned);
        let segments: Vec<_> = path.split('/').collect();
        if segments.iter().any(|segment| segment.starts_with('$')) || path.is_empty() {
            return Err(Error::NotSupported("this operation in a bundle"));
        }
        if segments == ["_history"] {
            return Ok(Self::History(Of::System, query));
        }
        let kind = segments[0].parse()?;
        Ok(match segments[1..] {
            [] => Self::Type(kind, query),
            ["_history"] => Self::History(Of::Type(kind), query),
            [id] => Self::Instance(kind, id.parse()?),
            [id, "_history"] => Self::History(Of::Instance(kind, id.parse()?), query),
            [id, "_history", number] => Self::Version(kind, id.parse()?, number.to_owned()),
            _ => return Err(Error::NotSupported("this operation in a bundle")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let patient: ResourceType = "Patient".parse().expect("a type");
        let id: Id = "1".parse().expect("an id");
        for (url, expected) in [
            ("Patient", Some(Address::Type(patient, None))),
            (
                "Patient?name=x",
                Some(Address::Type(patient, Some("name=x".to_owned()))),
            ),
            ("Patient/1", Some(Address::Instance(patient, id.clone()))),
            ("/Patient/1", Some(Address::Instance(patient, id.clone()))),
            ("https://h/fhir/Patient/1", Some(Address::Instance(patient, id.clone()))),
            (
                "Patient/1/_history",
                Some(Address::History(Of::Instance(patient, id.clone()), None)),
            ),
            ("Patient/_history", Some(Address::History(Of::Type(patient), None))),
            (
                "_history?_count=1",
                Some(Address::History(Of::System, Some("_count=1".to_owned()))),
            ),
            (
                "Patient/1/_history/3",
                Some(Address::Version(patient, id, "3".to_owned())),
            ),
            ("https://elsewhere/Patient/1", None),
            ("Patient/$everything", None),
            ("$export", None),
            ("Patiént", None),
            ("Patient/a b", None),
            ("", None),
        ] {
            assert_eq!(Address::parse(url, "https://h/fhir").ok(), expected, "{url}");
        }
    }
}
