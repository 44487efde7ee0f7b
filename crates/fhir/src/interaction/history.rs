//! history of a resource. <http://hl7.org/fhir/R4/http.html#history>

use hygie_access::Interaction as Permitted;
use hygie_core::Timestamp;
use hygie_fhir_model::{DateTime, Id, ResourceType};
use url::form_urlencoded::Serializer;

use super::{Answer, CONTINUATION, Error, List, ListKind};
use crate::repo::Resources;
use crate::service::Mandate;

/// Versions of a page, unless the client asks otherwise (as in Azure).
const DEFAULT_COUNT: usize = 10;

/// And at most.
const MAX_COUNT: usize = 1000;

/// A page of a resource's history.
pub struct History {
    kind: ResourceType,
    id: Id,
    count: usize,
    since: Option<Timestamp>,
    /// The page holds versions before this one.
    before: Option<u32>,
    link: String,
}

impl History {
    /// A page, by `_count`, `_since` and the `ct` of the page before. Other parameters are ignored.
    pub fn prepare(
        mandate: &Mandate,
        (kind, id): (ResourceType, Id),
        pairs: &[(String, String)],
    ) -> Result<Self, Error> {
        mandate.check(Permitted::HistoryInstance, kind)?;
        let mut history = Self {
            link: format!("{kind}/{id}/_history"),
            kind,
            id,
            count: DEFAULT_COUNT,
            since: None,
            before: None,
        };
        let mut used = Serializer::new(String::new());
        for (name, value) in pairs {
            match name.as_str() {
                "_count" => {
                    let count: usize = value.parse().map_err(|_| Error::Parameter("_count"))?;
                    history.count = count.min(MAX_COUNT);
                }
                "_since" => {
                    let since = DateTime::parse(value).ok_or(Error::Parameter("_since"))?;
                    history.since = Some(Timestamp::from_millis(since.interval().low));
                }
                CONTINUATION => {
                    history.before = Some(value.parse().map_err(|_| Error::Parameter(CONTINUATION))?);
                    continue;
                }
                "_at" => return Err(Error::NotSupported("_at")),
                _ => continue,
            }
            used.append_pair(name, value);
        }
        let used = used.finish();
        if !used.is_empty() {
            history.link = format!("{}?{used}", history.link);
        }
        Ok(history)
    }

    /// Reads it, newest version first.
    pub async fn run(&self, resources: &mut Resources<'_, '_>) -> Result<Answer, Error> {
        let current = resources.find(self.kind, &self.id).await?.ok_or(Error::NotFound)?;
        let before = self.before.unwrap_or(u32::MAX);
        let mut versions = resources
            .list_versions(self.kind, &self.id, before, self.count + 1)
            .await?;
        if let Some(since) = self.since {
            versions.truncate(versions.partition_point(|version| version.updated >= since));
        }
        let has_more = versions.len() > self.count;
        versions.truncate(self.count);
        let last = versions.last().filter(|_| has_more);
        Ok(Answer::List(List {
            kind: ListKind::History,
            // Versions are numbered from 1 without gaps.
            total: self.since.is_none().then_some(u64::from(current.number)),
            next: last.map(|version| version.number.to_string()),
            this: self.before.map(|before| before.to_string()),
            versions,
            included: Vec::new(),
            part: None,
            link: self.link.clone(),
            warnings: Vec::new(),
        }))
    }
}
