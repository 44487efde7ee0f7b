//! `$includes`: what comes with a page of a search beyond the first thousand. An operation of Azure, named by the link
//! `related` of such a page.

use hygie_access::Interaction as Permitted;
use hygie_fhir_model::ResourceType;
use hygie_fhir_store::repo::Resources;
use hygie_fhir_store::search::{self, Continuation, Handling, Rest};

use super::search::{Asking, Before, with};
use super::{Answer, CONTINUATION, Error, List};
use crate::service::{Fhir, Mandate};

/// Where what comes with a page goes on, named as in Azure.
pub const CONTINUATION_OF_INCLUDES: &str = "includesCt";

/// A page of what comes with a page.
pub struct Includes {
    kind: ResourceType,
    /// The search, with the `ct` of its page.
    asking: Asking,
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
        let asking = Asking::read(fhir, mandate, kind, pairs, handling)?;
        Ok(Self { kind, asking, rest })
    }

    /// Gathers it.
    pub async fn run(&self, resources: &mut Resources<'_, '_>) -> Result<Answer, Error> {
        let before = Before::now(resources);
        let Asking { query, after, text } = &self.asking;
        let (included, plan) = if let Some(rest) = &self.rest {
            rest.page(resources, query).await?
        } else {
            let page = search::page(resources, query, after.as_ref()).await?;
            (search::brought(resources, query, &page.matches).await?, page.explained)
        };
        let of = after.as_ref().map(Continuation::encode);
        let search = with(text, CONTINUATION, of.as_deref());
        Ok(Answer::List(List {
            included: included.versions,
            link: format!("{}/$includes{search}", self.kind),
            parameter: CONTINUATION_OF_INCLUDES,
            this: self.rest.as_ref().map(Rest::encode),
            next: included.rest.as_ref().map(Rest::encode),
            others: vec![("original", format!("{}{search}", self.kind))],
            explained: plan.map(|plan| before.explain(&plan, resources)),
            ..self.asking.list()
        }))
    }
}
