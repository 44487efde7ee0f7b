//! `$includes`: what comes with a page of a search beyond the first thousand. An operation of Azure, named by the link
//! `related` of such a page.

use hygie_access::Interaction as Permitted;
use hygie_fhir_model::ResourceType;
use hygie_fhir_store::repo::Resources;
use hygie_fhir_store::search::{self, Continuation, Handling, Query, Rest, Shown};

use super::search::{Asking, with};
use super::{Answer, CONTINUATION, Error, List, ListKind};
use crate::service::{Fhir, Mandate};

/// Where what comes with a page goes on, named as in Azure.
pub const CONTINUATION_OF_INCLUDES: &str = "includesCt";

/// A page of what comes with a page.
pub struct Includes {
    kind: ResourceType,
    query: Query,
    /// The query as it was understood.
    text: String,
    /// The page of the search, by its `ct`.
    of: Option<Continuation>,
    rest: Option<Rest>,
}

impl Includes {
    /// A page, by the pairs of the search and of its link `related`. Without `includesCt` it is the first.
    pub fn prepare(
        fhir: &Fhir,
        mandate: &Mandate,
        kind: ResourceType,
        pairs: Vec<(String, String)>,
        handling: Handling,
    ) -> Result<Self, Error> {
        mandate.check(Permitted::Includes, kind)?;
        let (own, pairs): (Vec<_>, Vec<_>) = pairs
            .into_iter()
            .partition(|(name, _)| name == CONTINUATION_OF_INCLUDES);
        let rest = own.first().map(|(_, text)| Rest::decode(text)).transpose()?;
        let Asking { query, after, text } = Asking::read(fhir, mandate, kind, pairs, handling)?;
        Ok(Self {
            kind,
            query,
            text,
            of: after,
            rest,
        })
    }

    /// Gathers it.
    pub async fn run(&self, resources: &mut Resources<'_, '_>) -> Result<Answer, Error> {
        let included = if let Some(rest) = &self.rest {
            rest.page(resources, &self.query).await?
        } else {
            let page = search::page(resources, &self.query, self.of.as_ref()).await?;
            search::lowest(resources, &self.query, &page.matches, 0).await?
        };
        let of = self.of.as_ref().map(Continuation::encode);
        let search = with(&self.text, CONTINUATION, of.as_deref());
        let part = match &self.query.shown {
            Shown::Part(subset) => Some(subset.clone()),
            Shown::Whole | Shown::Count => None,
        };
        Ok(Answer::List(List {
            kind: ListKind::Search,
            total: None,
            versions: Vec::new(),
            included: included.versions,
            part,
            link: format!("{}/$includes{search}", self.kind),
            parameter: CONTINUATION_OF_INCLUDES,
            this: self.rest.as_ref().map(Rest::encode),
            next: included.rest.as_ref().map(Rest::encode),
            others: vec![("original", format!("{}{search}", self.kind))],
            warnings: self.query.warnings.clone(),
            explained: None,
        }))
    }
}
