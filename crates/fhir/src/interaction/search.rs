//! search of one type. <http://hl7.org/fhir/R4/http.html#search>

use hygie_access::Interaction as Permitted;
use hygie_fhir_model::ResourceType;
use hygie_fhir_store::repo::Resources;
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
        let before = (resources.reads(), resources.tx().cx().clock.now());
        let Asking { query, after, text } = &self.asking;
        let page = search::page(resources, query, after.as_ref()).await?;
        let included = search::included(resources, query, &page.matches).await?;
        let this = after.as_ref().map(Continuation::encode);
        let rest = included.rest.as_ref().map(|rest| {
            let of = with(text, CONTINUATION, this.as_deref());
            let rest = with(&of, CONTINUATION_OF_INCLUDES, Some(&rest.encode()));
            ("related", format!("{}/$includes{rest}", self.kind))
        });
        let mut warnings = query.warnings.clone();
        if included.is_cut {
            warnings.push("more resources would come with this page than may come with one".to_owned());
        }
        let explained = page.explained.map(|plan| {
            let took = resources.tx().cx().clock.now().millis() - before.1.millis();
            let (reads, first) = (resources.reads(), before.0);
            format!(
                "{plan}. Read: {} ranges of the index with {} keys, {} resources; {took} ms",
                reads.ranges - first.ranges,
                reads.keys - first.keys,
                reads.versions - first.versions,
            )
        });
        let part = match &query.shown {
            Shown::Part(subset) => Some(subset.clone()),
            Shown::Whole | Shown::Count => None,
        };
        Ok(Answer::List(List {
            kind: ListKind::Search,
            total: page.total,
            versions: page.matches,
            included: included.versions,
            part,
            link: format!("{}{text}", self.kind),
            parameter: CONTINUATION,
            this,
            next: page.next.as_ref().map(Continuation::encode),
            others: rest.into_iter().collect(),
            warnings,
            explained,
        }))
    }
}
