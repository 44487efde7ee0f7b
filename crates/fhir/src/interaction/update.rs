//! update, which may create. <http://hl7.org/fhir/R4/http.html#update>

use std::str::FromStr;

use hygie_access::Interaction as Permitted;
use hygie_fhir_model::{Id, Name, ResourceType};

use super::{Answer, Body, Error, write};
use crate::repo::{Content, Method, Resources, Version, Write};
use crate::service::{Fhir, Mandate};

/// A resource that is to be written under a known id.
pub struct Update {
    kind: ResourceType,
    id: Id,
    content: Content,
    if_match: Option<IfMatch>,
}

/// The version that a write goes on top of: `W/"3"`. <http://hl7.org/fhir/R4/http.html#concurrency>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IfMatch(Option<u32>);

impl FromStr for IfMatch {
    type Err = Error;

    /// Any well-formed tag is read; one that is none of ours matches nothing.
    fn from_str(text: &str) -> Result<Self, Error> {
        let tag = text.trim();
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        let opaque = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
        let opaque = opaque.filter(|opaque| !opaque.contains('"'));
        let opaque = opaque.ok_or(Error::Header("If-Match"))?;
        Ok(Self(opaque.parse().ok()))
    }
}

impl IfMatch {
    /// Whether `current` is the version meant. Where there never was one, nothing is found, as in Azure.
    pub fn check(self, current: Option<&Version>) -> Result<(), Error> {
        let current = current.ok_or(Error::NotFound)?;
        if self.0 == Some(current.number) {
            Ok(())
        } else {
            Err(Error::VersionConflict)
        }
    }
}

impl Update {
    /// An update to `body`, which must have the id of the address.
    pub fn prepare(
        fhir: &Fhir,
        mandate: &Mandate,
        (kind, id): (ResourceType, Id),
        body: Body,
        if_match: Option<&str>,
    ) -> Result<Self, Error> {
        mandate.check(Permitted::Update, kind)?;
        let if_match = if_match.map(str::parse).transpose()?;
        let document = body.parse(fhir, kind)?;
        match document.root().get_text(Name::ID) {
            None => return Err(Error::MissingId),
            Some(own) if own != id.as_str() => return Err(Error::OtherId),
            Some(_) => {}
        }
        Ok(Self {
            kind,
            id,
            content: fhir.settings().repository.content(kind, document),
            if_match,
        })
    }

    /// Writes it.
    pub async fn run(&self, resources: &mut Resources<'_, '_>) -> Result<Answer, Error> {
        let current = resources.find(self.kind, &self.id).await?;
        if let Some(if_match) = self.if_match {
            if_match.check(current.as_ref())?;
        }
        let named = (self.kind, &self.id);
        let version = write(resources, named, Write::Update(&self.content), current.as_ref()).await?;
        let was_there = current.is_some_and(|current| current.method != Method::Delete);
        Ok(if was_there {
            Answer::Updated(version)
        } else {
            Answer::Created(version)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags() {
        for (text, expected) in [
            ("W/\"3\"", Some(Some(3))),
            ("\"3\"", Some(Some(3))),
            (" W/\"3\" ", Some(Some(3))),
            ("W/\"abc\"", Some(None)),
            ("W/\"\"", Some(None)),
            ("W/\"-1\"", Some(None)),
            ("3", None),
            ("*", None),
            ("W/3", None),
            ("\"", None),
            ("\"1\",\"2\"", None),
            ("", None),
        ] {
            assert_eq!(text.parse::<IfMatch>().ok().map(|tag| tag.0), expected, "{text:?}");
        }
    }
}
