//! history of a resource, of a type, of everything. <http://hl7.org/fhir/R4/http.html#history>
//!
//! # Deviations
//! - `_before` and `_sort` (`_lastUpdated`, `-_lastUpdated`), as in Azure.
//! - `_at`: the versions that were written in that period, as in Azure; R4 asks for those that were current in it.
//! - A version is found under the instant at which its request began. One that is committed after another with a later
//!   instant stands before that, so who follows a history by `_since` must go back by as long as a request may take.

use hygie_access::Interaction as Permitted;
use hygie_fhir_model::{DateTime, Id, ResourceType};
use hygie_fhir_store::repo::{Moment, Resources, Version, Window};
use hygie_store::Order;
use url::form_urlencoded::Serializer;

use super::{Answer, CONTINUATION, Error, List, ListKind};
use crate::service::Mandate;

/// Versions of a page, unless the client asks otherwise (as in Azure).
const DEFAULT_COUNT: usize = 10;

/// And at most.
const MAX_COUNT: usize = 1000;

/// A page of a history.
pub struct History {
    of: Of,
    asked: Asked,
    link: String,
}

/// Whose history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Of {
    /// `{type}/{id}/_history`
    Instance(ResourceType, Id),
    /// `{type}/_history`
    Type(ResourceType),
    /// `_history`
    System,
}

/// What its parameters say.
#[derive(Default)]
struct Asked {
    count: Option<usize>,
    is_count_only: bool,
    is_ascending: bool,
    /// Versions not before this millisecond…
    from: Option<i64>,
    /// … and before this one.
    to: Option<i64>,
    /// The place of the last version of the page before, as it was given.
    after: Option<String>,
}

impl Of {
    fn check(&self, mandate: &Mandate) -> Result<(), Error> {
        match self {
            Self::Instance(kind, _) => Ok(mandate.check(Permitted::HistoryInstance, *kind)?),
            Self::Type(kind) => Ok(mandate.check(Permitted::HistoryType, *kind)?),
            Self::System => {
                let permitted = mandate.permissions.check(Permitted::HistorySystem.everywhere());
                Ok(permitted.map_err(hygie_access::Refusal::from)?)
            }
        }
    }

    fn path(&self) -> String {
        match self {
            Self::Instance(kind, id) => format!("{kind}/{id}/_history"),
            Self::Type(kind) => format!("{kind}/_history"),
            Self::System => "_history".to_owned(),
        }
    }
}

impl Asked {
    /// Reads a parameter; whether it belongs to the links of all pages.
    fn read(&mut self, name: &str, value: &str) -> Result<bool, Error> {
        let instant = |title| {
            let read = DateTime::parse(value).ok_or(Error::Parameter(title));
            read.map(|date| date.interval())
        };
        match name {
            "_count" => self.count = Some(value.parse().map_err(|_| Error::Parameter("_count"))?),
            "_since" => self.from = Some(instant("_since")?.low),
            "_before" => self.to = Some(instant("_before")?.low),
            "_at" => {
                let interval = instant("_at")?;
                self.from = Some(interval.low);
                self.to = Some(interval.high.saturating_add(1));
            }
            "_sort" => {
                self.is_ascending = match value {
                    "_lastUpdated" => true,
                    "-_lastUpdated" => false,
                    _ => return Err(Error::Parameter("_sort")),
                }
            }
            "_summary" => match value {
                "count" => self.is_count_only = true,
                "false" => {}
                _ => return Err(Error::NotSupported("this _summary of a history")),
            },
            CONTINUATION => {
                self.after = Some(value.to_owned());
                return Ok(false);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Versions of a page.
    fn count(&self) -> usize {
        match self.count {
            _ if self.is_count_only => 0,
            count => count.unwrap_or(DEFAULT_COUNT).min(MAX_COUNT),
        }
    }

    fn order(&self) -> Order {
        if self.is_ascending {
            Order::Ascending
        } else {
            Order::Descending
        }
    }
}

impl History {
    /// A page, by its parameters and the `ct` of the page before. Other parameters are ignored.
    pub fn prepare(mandate: &Mandate, of: Of, pairs: &[(String, String)]) -> Result<Self, Error> {
        of.check(mandate)?;
        let has = |wanted: &str| pairs.iter().any(|(name, _)| name == wanted);
        if has("_at") && (has("_since") || has("_before")) {
            return Err(Error::Parameter("_at beside _since or _before"));
        }
        let mut asked = Asked::default();
        let mut used = Serializer::new(String::new());
        for (name, value) in pairs {
            if asked.read(name, value)? {
                used.append_pair(name, value);
            }
        }
        let used = used.finish();
        let mut link = of.path();
        if !used.is_empty() {
            link = format!("{link}?{used}");
        }
        Ok(Self { of, asked, link })
    }

    /// Reads it, newest version first unless asked otherwise.
    pub async fn run(&self, resources: &mut Resources<'_, '_>) -> Result<Answer, Error> {
        match &self.of {
            Of::Instance(kind, id) => self.instance(resources, (*kind, id)).await,
            Of::Type(kind) => self.timeline(resources, Some(*kind)).await,
            Of::System => self.timeline(resources, None).await,
        }
    }

    /// Of one resource: its versions are numbered from 1 without gaps, in the order of time.
    async fn instance(
        &self,
        resources: &mut Resources<'_, '_>,
        (kind, id): (ResourceType, &Id),
    ) -> Result<Answer, Error> {
        let current = resources.find(kind, id).await?.ok_or(Error::NotFound)?;
        let mut first = match self.asked.from {
            Some(from) => resources.versions_before(&current, from).await? + 1,
            None => 1,
        };
        let mut last = match self.asked.to {
            Some(to) => resources.versions_before(&current, to).await?,
            None => current.number,
        };
        let total = (last + 1).saturating_sub(first);
        if let Some(text) = &self.asked.after {
            let after: u32 = text.parse().map_err(|_| Error::Parameter(CONTINUATION))?;
            match self.asked.order() {
                Order::Ascending => first = first.max(after.saturating_add(1)),
                Order::Descending => last = last.min(after.saturating_sub(1)),
            }
        }
        let limit = self.asked.count() + 1;
        let versions = resources
            .list_versions(&current, (first, last), (self.asked.order(), limit))
            .await?;
        Ok(self.page(Some(total.into()), versions, |version| version.number.to_string()))
    }

    async fn timeline(&self, resources: &mut Resources<'_, '_>, of: Option<ResourceType>) -> Result<Answer, Error> {
        let after = self.asked.after.as_deref().map(read_moment);
        let window = Window {
            from: self.asked.from,
            to: self.asked.to,
            order: self.asked.order(),
            after: after
                .map(|after| after.ok_or(Error::Parameter(CONTINUATION)))
                .transpose()?,
        };
        if self.asked.count() == 0 {
            let total = resources.count_timeline(of, &window).await?;
            return Ok(self.page(Some(total), Vec::new(), |_| String::new()));
        }
        let found = resources.timeline(of, &window, self.asked.count() + 1).await?;
        let (moments, versions): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        let of_version = |version: &Version| {
            let moment = moments.iter().find(|moment| moment.seq == version.seq);
            moment.map_or_else(String::new, write_moment)
        };
        Ok(self.page(None, versions, of_version))
    }

    /// A page of versions, of which there may be one more than it has.
    fn page(&self, total: Option<u64>, mut versions: Vec<Version>, place: impl Fn(&Version) -> String) -> Answer {
        let count = self.asked.count();
        let has_more = versions.len() > count;
        versions.truncate(count);
        let last = versions.last().filter(|_| has_more);
        Answer::List(List {
            kind: ListKind::History,
            total,
            next: last.map(place),
            this: self.asked.after.clone(),
            versions,
            included: Vec::new(),
            part: None,
            link: self.link.clone(),
            parameter: CONTINUATION,
            others: Vec::new(),
            warnings: Vec::new(),
            explained: None,
        })
    }
}

/// A place as it stands in a link: `1795000000000.12.1.44`.
fn write_moment(moment: &Moment) -> String {
    let is_current = u8::from(moment.is_current);
    format!("{}.{}.{is_current}.{}", moment.millis, moment.rid, moment.seq)
}

fn read_moment(text: &str) -> Option<Moment> {
    let parts: Vec<i64> = text.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    match parts[..] {
        [millis, rid, is_current @ 0..=1, seq] if rid >= 0 && seq >= 0 => Some(Moment {
            millis,
            rid,
            is_current: is_current == 1,
            seq,
        }),
        _ => None,
    }
}
