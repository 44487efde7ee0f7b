//! search of one type. <http://hl7.org/fhir/R4/http.html#search>

use hygie_access::Interaction as Permitted;
use hygie_core::Timestamp;
use hygie_fhir_model::ResourceType;
use hygie_fhir_store::repo::{Reads, Resources};
use hygie_fhir_store::search::{self, Asked, Continuation, Handling, Query, Shown};
use url::form_urlencoded::Serializer;

use super::includes::CONTINUATION_OF_INCLUDES;
use super::{Answer, CONTINUATION, Error, List, ListKind};
use crate::service::{Fhir, Mandate};

/// A page of a search.
pub struct Search {
    kind: ResourceType,
    asking: Asking,
}

/// What a search asks for.
pub struct Asking {
    /// The search.
    pub query: Query,
    /// Where its page begins.
    pub after: Option<Continuation>,
    /// The query as it was understood, with its mark.
    pub text: String,
}

impl Asking {
    /// From search parameters and the `ct` of the page before.
    pub fn read(
        fhir: &Fhir,
        mandate: &Mandate,
        kind: ResourceType,
        pairs: Vec<(String, String)>,
        handling: Handling,
    ) -> Result<Self, Error> {
        let (continuation, pairs): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(name, _)| name == CONTINUATION);
        let after = continuation.first().map(|(_, text)| Continuation::decode(text));
        let after = after.transpose()?;
        let query = search::parse(&Asked {
            kind,
            pairs: &pairs,
            handling,
            base: fhir.base(),
            now: mandate.cx.now,
            permitted: &|kind| mandate.check(Permitted::SearchType, kind),
        })?;
        let text = Serializer::new(String::new()).extend_pairs(&query.used).finish();
        let text = if text.is_empty() { text } else { format!("?{text}") };
        Ok(Self { query, after, text })
    }
}

impl Asking {
    /// A page of what was asked, with nothing in it yet.
    pub fn list(&self) -> List {
        let part = match &self.query.shown {
            Shown::Part(subset) => Some(subset.clone()),
            Shown::Whole | Shown::Count => None,
        };
        List {
            kind: ListKind::Search,
            total: None,
            versions: Vec::new(),
            included: Vec::new(),
            part,
            link: String::new(),
            parameter: CONTINUATION,
            this: None,
            next: None,
            others: Vec::new(),
            warnings: self.query.warnings.clone(),
            explained: None,
        }
    }
}

/// What was read when a search began.
pub struct Before {
    reads: Reads,
    at: Timestamp,
}

impl Before {
    /// Now.
    pub fn now(resources: &mut Resources<'_, '_>) -> Self {
        Self {
            reads: resources.reads(),
            at: resources.tx().cx().clock.now(),
        }
    }

    /// A plan, with what was read since then.
    pub fn explain(&self, plan: &str, resources: &mut Resources<'_, '_>) -> String {
        let took = resources.tx().cx().clock.now().millis() - self.at.millis();
        let (reads, first) = (resources.reads(), self.reads);
        format!(
            "{plan}. Read: {} ranges of the index with {} keys, {} resources; {took} ms",
            reads.ranges - first.ranges,
            reads.keys - first.keys,
            reads.versions - first.versions,
        )
    }
}

/// A query with one more parameter, if it has a value.
pub fn with(query: &str, name: &str, value: Option<&str>) -> String {
    match value {
        Some(value) if query.is_empty() => format!("?{name}={value}"),
        Some(value) => format!("{query}&{name}={value}"),
        None => query.to_owned(),
    }
}

impl Search {
    /// A page, by search parameters and the `ct` of the page before.
    pub fn prepare(
        fhir: &Fhir,
        mandate: &Mandate,
        kind: ResourceType,
        pairs: Vec<(String, String)>,
        handling: Handling,
    ) -> Result<Self, Error> {
        mandate.check(Permitted::SearchType, kind)?;
        let asking = Asking::read(fhir, mandate, kind, pairs, handling)?;
        Ok(Self { kind, asking })
    }

    /// Searches.
    pub async fn run(&self, resources: &mut Resources<'_, '_>) -> Result<Answer, Error> {
        let before = Before::now(resources);
        let Asking { query, after, text } = &self.asking;
        let page = search::page(resources, query, after.as_ref()).await?;
        let included = search::included(resources, query, &page.matches).await?;
        let this = after.as_ref().map(Continuation::encode);
        let rest = included.rest.as_ref().map(|rest| {
            let of = with(text, CONTINUATION, this.as_deref());
            let rest = with(&of, CONTINUATION_OF_INCLUDES, Some(&rest.encode()));
            ("related", format!("{}/$includes{rest}", self.kind))
        });
        let mut list = self.asking.list();
        if included.is_cut {
            let more = "more resources would come with this page than may come with one";
            list.warnings.push(more.to_owned());
        }
        Ok(Answer::List(List {
            total: page.total,
            versions: page.matches,
            included: included.versions,
            link: format!("{}{text}", self.kind),
            this,
            next: page.next.as_ref().map(Continuation::encode),
            others: rest.into_iter().collect(),
            explained: page.explained.map(|plan| before.explain(&plan, resources)),
            ..list
        }))
    }
}
