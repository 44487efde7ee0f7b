//! delete, which keeps the history; conditional delete. <http://hl7.org/fhir/R4/http.html#delete>
//!
//! With `_count` a condition deletes up to so many, as in Azure; that is a bulk deletion, which not every writer may do.

use hygie_access::Interaction as Permitted;
use hygie_fhir_model::{Id, ResourceType};
use hygie_fhir_store::repo::{Resources, Version, Write};

use super::{Answer, Condition, Error, IfMatch, write};
use crate::service::{Fhir, Mandate};

/// Most that are deleted at once, as in Azure.
const MAX_COUNT: usize = 100;

/// A resource that is to be deleted, or several.
pub struct Delete {
    kind: ResourceType,
    which: Which,
    if_match: Option<IfMatch>,
}

enum Which {
    Named(Id),
    /// The one that meets it.
    Meeting(Condition),
    /// Those that meet it, up to a number.
    Several(Condition, usize),
}

impl Delete {
    /// A deletion.
    pub fn prepare(mandate: &Mandate, (kind, id): (ResourceType, Id), if_match: Option<&str>) -> Result<Self, Error> {
        mandate.check(Permitted::Delete, kind)?;
        let if_match = if_match.map(str::parse).transpose()?;
        Ok(Self {
            kind,
            which: Which::Named(id),
            if_match,
        })
    }

    /// A deletion of what meets a condition.
    pub fn conditional(
        fhir: &Fhir,
        mandate: &Mandate,
        kind: ResourceType,
        pairs: Vec<(String, String)>,
        if_match: Option<&str>,
    ) -> Result<Self, Error> {
        mandate.check(Permitted::ConditionalDelete, kind)?;
        let if_match: Option<IfMatch> = if_match.map(str::parse).transpose()?;
        let (count, pairs): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(name, _)| name == "_count");
        let count = count.first().map(|(_, text)| count_of(text)).transpose()?;
        if count.is_some() {
            mandate.check(Permitted::BulkDelete, kind)?;
            // One version cannot be that of several.
            if if_match.is_some() {
                return Err(Error::Header("If-Match"));
            }
        }
        let condition = Condition::of(fhir, mandate, kind, &pairs)?;
        let which = match count {
            Some(count) => Which::Several(condition, count),
            None => Which::Meeting(condition),
        };
        Ok(Self { kind, which, if_match })
    }

    /// Deletes it; what is not there is deleted already.
    pub async fn run(&self, resources: &mut Resources<'_, '_>) -> Result<Answer, Error> {
        let found = match &self.which {
            Which::Named(id) => resources.find(self.kind, id).await?.into_iter().collect(),
            Which::Meeting(condition) => condition.list(resources, 2).await?,
            Which::Several(condition, count) => condition.list(resources, *count).await?,
        };
        if let Which::Several(..) = self.which {
            let mut deleted = 0;
            for version in &found {
                self.delete(resources, version).await?;
                deleted += 1;
            }
            return Ok(Answer::DeletedSeveral(deleted));
        }
        if found.len() > 1 {
            return Err(Error::MultipleMatches);
        }
        let current = found.into_iter().next();
        if let Some(if_match) = self.if_match {
            if_match.check(current.as_ref())?;
        }
        match current {
            Some(current) if current.is_there() => self.delete(resources, &current).await.map(Answer::Deleted),
            nothing => Ok(Answer::Absent(nothing)),
        }
    }

    async fn delete(&self, resources: &mut Resources<'_, '_>, current: &Version) -> Result<Version, Error> {
        write(resources, (self.kind, &current.id), Write::Delete, Some(current)).await
    }
}

fn count_of(text: &str) -> Result<usize, Error> {
    let count = text.parse().ok().filter(|count| (1..=MAX_COUNT).contains(count));
    count.ok_or(Error::Parameter("_count"))
}
