//! create, conditional create. <http://hl7.org/fhir/R4/http.html#create>, <http://hl7.org/fhir/R4/http.html#ccreate>

use hygie_access::Interaction as Permitted;
use hygie_core::{Cx, random_array};
use hygie_fhir_model::{Id, ResourceType};
use hygie_fhir_store::repo::{Content, Resources, Version, Write};

use super::{Answer, Body, Condition, Error, Match, content, write};
use crate::service::{Fhir, Mandate};

/// A resource that is to be created.
pub struct Create {
    kind: ResourceType,
    id: Id,
    content: Content,
    condition: Option<Condition>,
}

/// A new id: UUID version 7 (RFC 9562 §5.7), so that what is written together stands together.
pub fn new_id(cx: &Cx) -> Id {
    let millis = u64::try_from(cx.now.millis()).unwrap_or(0);
    let uuid = uuid::Builder::from_unix_timestamp_millis(millis, &random_array(&*cx.random)).into_uuid();
    let text = uuid.as_hyphenated().to_string();
    text.parse().expect("a UUID has the form of an id")
}

impl Create {
    /// A create of `body` under `id`, which is new. An id in the body is ignored.
    pub fn prepare(
        fhir: &Fhir,
        mandate: &Mandate,
        (kind, id): (ResourceType, Id),
        body: Body,
        if_none_exist: Option<&str>,
    ) -> Result<Self, Error> {
        let asked = match if_none_exist {
            Some(_) => Permitted::ConditionalCreate,
            None => Permitted::Create,
        };
        mandate.check(asked, kind)?;
        let condition = if_none_exist
            .map(|query| Condition::parse(fhir, mandate, kind, query))
            .transpose()?;
        let parsed = body.parse(fhir, kind)?;
        Ok(Self {
            kind,
            id,
            content: content(fhir, kind, parsed),
            condition,
        })
    }

    /// The resource that meets the condition.
    pub async fn find(&self, resources: &mut Resources<'_, '_>) -> Result<Option<Version>, Error> {
        match &self.condition {
            None => Ok(None),
            Some(condition) => match condition.find(resources).await? {
                Match::None => Ok(None),
                Match::One(version) => Ok(Some(version)),
                Match::Several => Err(Error::MultipleMatches),
            },
        }
    }

    /// Writes it, unless a resource meets the condition.
    pub async fn run(&self, resources: &mut Resources<'_, '_>) -> Result<Answer, Error> {
        if let Some(version) = self.find(resources).await? {
            return Ok(Answer::Matched(version));
        }
        let version = write(resources, (self.kind, &self.id), Write::Create(&self.content), None).await?;
        Ok(Answer::Created(version))
    }
}
