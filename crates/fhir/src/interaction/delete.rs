//! delete, which keeps the history. <http://hl7.org/fhir/R4/http.html#delete>

use hygie_access::Interaction as Permitted;
use hygie_fhir_model::{Id, ResourceType};

use super::{Answer, Error, IfMatch, write};
use crate::repo::{Method, Resources, Write};
use crate::service::Mandate;

/// A resource that is to be deleted.
pub struct Delete {
    kind: ResourceType,
    id: Id,
    if_match: Option<IfMatch>,
}

impl Delete {
    /// A deletion.
    pub fn prepare(mandate: &Mandate, (kind, id): (ResourceType, Id), if_match: Option<&str>) -> Result<Self, Error> {
        mandate.check(Permitted::Delete, kind)?;
        let if_match = if_match.map(str::parse).transpose()?;
        Ok(Self { kind, id, if_match })
    }

    /// Deletes it; what is not there is deleted already.
    pub async fn run(&self, resources: &mut Resources<'_, '_>) -> Result<Answer, Error> {
        let current = resources.find(self.kind, &self.id).await?;
        if let Some(if_match) = self.if_match {
            if_match.check(current.as_ref())?;
        }
        let current = match current {
            Some(current) if current.method != Method::Delete => current,
            nothing => return Ok(Answer::Absent(nothing)),
        };
        let named = (self.kind, &self.id);
        Ok(Answer::Deleted(
            write(resources, named, Write::Delete, Some(&current)).await?,
        ))
    }
}
