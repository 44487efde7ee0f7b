//! search of one type. <http://hl7.org/fhir/R4/http.html#search>

use hygie_access::Interaction as Permitted;
use hygie_fhir_model::ResourceType;
use url::form_urlencoded::Serializer;

use super::{Answer, CONTINUATION, Error, List, ListKind};
use crate::repo::Resources;
use crate::search::{self, Asked, Continuation, Handling, Query, Shown};
use crate::service::{Fhir, Mandate};

/// A page of a search.
pub struct Search {
    query: Query,
    after: Option<Continuation>,
    link: String,
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
        let link = match text.as_str() {
            "" => kind.name().to_owned(),
            text => format!("{kind}?{text}"),
        };
        Ok(Self { query, after, link })
    }

    /// Searches.
    pub async fn run(&self, resources: &mut Resources<'_, '_>) -> Result<Answer, Error> {
        let before = (resources.reads(), resources.tx().cx().clock.now());
        let page = search::page(resources, &self.query, self.after.as_ref()).await?;
        let included = search::included(resources, &self.query, &page.matches).await?;
        let mut warnings = self.query.warnings.clone();
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
        let part = match &self.query.shown {
            Shown::Part(subset) => Some(subset.clone()),
            Shown::Whole | Shown::Count => None,
        };
        Ok(Answer::List(List {
            kind: ListKind::Search,
            total: page.total,
            versions: page.matches,
            included: included.versions,
            part,
            link: self.link.clone(),
            this: self.after.as_ref().map(Continuation::encode),
            next: page.next.as_ref().map(Continuation::encode),
            warnings,
            explained,
        }))
    }
}
