//! update, which may create; conditional update. <http://hl7.org/fhir/R4/http.html#update>,
//! <http://hl7.org/fhir/R4/http.html#cond-update>
//!
//! # Deviations
//! - A conditional update that nothing meets, with the id of a resource that is there, is a conflict, as in R5: R4 would
//!   write over a resource that does not meet the condition.

use std::str::FromStr;

use hygie_access::Interaction as Permitted;
use hygie_fhir_model::{Id, Name, ResourceType};
use hygie_fhir_store::repo::{Content, Resources, Version, Write};

use super::{Answer, Body, Error, Subject, content, write};
use crate::service::{Fhir, Mandate};

/// A resource that is to be written over another, or in its place.
pub struct Update {
    kind: ResourceType,
    subject: Subject,
    /// The id in the body.
    own: Option<Id>,
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
    /// An update to `body`, which must have the id of the address, or with a condition that of what meets it or none.
    pub fn prepare(
        fhir: &Fhir,
        mandate: &Mandate,
        (kind, subject): (ResourceType, Subject),
        body: Body,
        if_match: Option<&str>,
    ) -> Result<Self, Error> {
        let asked = subject.permitted((Permitted::Update, Permitted::ConditionalUpdate));
        mandate.check(asked, kind)?;
        let if_match = if_match.map(str::parse).transpose()?;
        let (document, large) = body.parse(fhir, kind)?;
        let own = document.root().get_text(Name::ID);
        let own = own.map(|id| id.parse().map_err(|_| Error::OtherId)).transpose()?;
        match (&subject, &own) {
            (Subject::Named(_), None) => return Err(Error::MissingId),
            (Subject::Named(id) | Subject::Met(id), Some(own)) if own != id => return Err(Error::OtherId),
            _ => {}
        }
        Ok(Self {
            kind,
            subject,
            own,
            content: content(fhir, kind, (document, large)),
            if_match,
        })
    }

    /// What it is written over, if the condition of `If-Match` holds.
    pub async fn find(&self, resources: &mut Resources<'_, '_>) -> Result<Option<Version>, Error> {
        let found = self.subject.find(self.kind, resources).await?;
        if let Some(if_match) = self.if_match {
            if_match.check(found.as_ref())?;
        }
        Ok(found)
    }

    /// Writes it.
    pub async fn run(&self, resources: &mut Resources<'_, '_>) -> Result<Answer, Error> {
        let found = self.find(resources).await?;
        let (id, current) = match (&self.subject, found, &self.own) {
            (Subject::Named(id) | Subject::Met(id), current, _) => (id.clone(), current),
            (Subject::Meeting(..), Some(met), own) => {
                if own.as_ref().is_some_and(|own| *own != met.id) {
                    return Err(Error::OtherId);
                }
                (met.id.clone(), Some(met))
            }
            (Subject::Meeting(_, new) | Subject::Unmet(new), _, None) => return self.create(resources, new).await,
            (Subject::Meeting(..) | Subject::Unmet(_), _, Some(own)) => {
                let there = resources.find(self.kind, own).await?;
                if there.as_ref().is_some_and(Version::is_there) {
                    return Err(Error::Taken);
                }
                (own.clone(), there)
            }
        };
        let version = write(
            resources,
            (self.kind, &id),
            Write::Update(&self.content),
            current.as_ref(),
        )
        .await?;
        Ok(if current.is_some_and(|current| current.is_there()) {
            Answer::Updated(version)
        } else {
            Answer::Created(version)
        })
    }

    async fn create(&self, resources: &mut Resources<'_, '_>, id: &Id) -> Result<Answer, Error> {
        let version = write(resources, (self.kind, id), Write::Create(&self.content), None).await?;
        Ok(Answer::Created(version))
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
