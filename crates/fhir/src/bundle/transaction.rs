//! transaction: all entries or none, in one transaction of the store. <http://hl7.org/fhir/R4/http.html#transaction>
//!
//! What conditions find decides ids, ids decide bodies, and bodies are made ready outside of the store's writer. So the
//! conditions are looked at in a snapshot first, everything is prepared on what they found, and the write transaction
//! begins by looking again: when another write came between, all is prepared anew.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use hygie_access::Interaction as Permitted;
use hygie_fhir_model::json::Document;
use hygie_fhir_model::{Id, ResourceType, Target};
use hygie_fhir_store::repo::Resources;
use hygie_fhir_store::search::Handling;

use super::entry::{Address, Decided, Entry, Verb};
use super::references::{Names, conditional, rewritten, unresolved};
use super::{BundleError, LARGE};
use crate::interaction::{Allowance, Answer, Condition, Error, Interaction, Match, new_id};
use crate::service::{Fhir, Mandate, Work, beside};

/// How often a transaction whose conditions move is prepared.
const ATTEMPTS: usize = 4;

/// Characters of a reference that are shown to the client.
const MAX_SHOWN: usize = 100;

/// Runs the entries; their answers in the order of the bundle.
pub async fn run(
    fhir: &Fhir,
    mandate: &Mandate,
    entries: Vec<Entry>,
    handling: Handling,
) -> Result<Vec<Answer>, Error> {
    let is_large = entries.len() > LARGE;
    let conditions = Arc::new(Conditions::of(fhir, mandate, &entries)?);
    let entries = Arc::new(entries);
    for _ in 0..ATTEMPTS {
        let found = conditions.look(fhir, mandate).await?;
        let (taken, by, conditions, entries) = (fhir.clone(), mandate.clone(), conditions.clone(), entries.clone());
        let mut plan = beside(is_large, move || {
            Plan::make(&taken, &by, &entries, (conditions, found), handling)
        })
        .await?;
        plan.make_patches_ready(fhir, mandate).await?;
        match fhir.run(&mandate.cx, plan).await {
            Err(Error::Moved) => {}
            outcome => return outcome,
        }
    }
    Err(Error::Moved)
}

/// What a condition found.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    None,
    One(Id),
    Several,
}

/// The conditions of a transaction, each once: searches that decide on ids.
struct Conditions {
    list: Vec<Condition>,
    /// Positions in the list, by type and query.
    positions: HashMap<(ResourceType, String), usize>,
}

impl Conditions {
    fn of(fhir: &Fhir, mandate: &Mandate, entries: &[Entry]) -> Result<Self, Error> {
        let mut conditions = Self {
            list: Vec::new(),
            positions: HashMap::new(),
        };
        for (index, entry) in entries.iter().enumerate() {
            conditions
                .take(fhir, mandate, entry)
                .map_err(|error| BundleError::entry(index, error))?;
        }
        Ok(conditions)
    }

    fn take(&mut self, fhir: &Fhir, mandate: &Mandate, entry: &Entry) -> Result<(), Error> {
        if let Some((kind, query)) = entry.condition() {
            let asked = match entry.verb {
                Verb::Put => Permitted::ConditionalUpdate,
                Verb::Patch => Permitted::ConditionalPatch,
                Verb::Delete => Permitted::ConditionalDelete,
                Verb::Post | Verb::Get => Permitted::ConditionalCreate,
            };
            mandate.check(asked, kind)?;
            self.add(fhir, mandate, kind, query)?;
        }
        for text in entry.resource.iter().flat_map(conditional) {
            if let Target::Conditional { kind, query } = Target::parse(&text) {
                mandate.check(Permitted::SearchType, kind)?;
                self.add(fhir, mandate, kind, query)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, fhir: &Fhir, mandate: &Mandate, kind: ResourceType, query: &str) -> Result<(), Error> {
        let key = (kind, query.to_owned());
        if !self.positions.contains_key(&key) {
            self.list.push(Condition::parse(fhir, mandate, kind, query)?);
            self.positions.insert(key, self.list.len() - 1);
        }
        Ok(())
    }

    /// What they find in a snapshot.
    async fn look(self: &Arc<Self>, fhir: &Fhir, mandate: &Mandate) -> Result<Vec<Found>, Error> {
        if self.list.is_empty() {
            return Ok(Vec::new());
        }
        fhir.run(&mandate.cx, Look(self.clone())).await
    }

    async fn find(&self, resources: &mut Resources<'_, '_>) -> Result<Vec<Found>, Error> {
        let mut found = Vec::with_capacity(self.list.len());
        for condition in &self.list {
            found.push(match condition.find(resources).await? {
                Match::None => Found::None,
                Match::One(version) => Found::One(version.id),
                Match::Several => Found::Several,
            });
        }
        Ok(found)
    }

    /// What the conditional references become that name exactly one resource.
    fn names(&self, found: &[Found]) -> Names {
        let mut names = Names::with_capacity(self.list.len());
        for ((kind, query), at) in &self.positions {
            if let Some(Found::One(id)) = found.get(*at) {
                names.insert(format!("{kind}?{query}"), format!("{kind}/{id}"));
            }
        }
        names
    }

    fn found<'f>(&self, found: &'f [Found], kind: ResourceType, query: &str) -> Option<&'f Found> {
        self.positions
            .get(&(kind, query.to_owned()))
            .and_then(|at| found.get(*at))
    }
}

/// What the conditions find, by themselves.
struct Look(Arc<Conditions>);

impl Work for Look {
    type Outcome = Vec<Found>;

    fn is_write(&self) -> bool {
        false
    }

    fn run<'r>(&'r self, resources: &'r mut Resources<'_, '_>) -> BoxFuture<'r, Result<Vec<Found>, Error>> {
        Box::pin(self.0.find(resources))
    }
}

/// The resource that an entry writes.
enum Role {
    /// A new one.
    New(Id),
    /// None: this one meets the condition of the create.
    Matched(Id),
    /// The one that meets the condition of its address.
    Met(Id),
    /// The one of its address, or none.
    Addressed,
}

/// The roles of all entries, and what the names in their resources become.
struct Assigned {
    roles: Vec<Role>,
    names: Names,
}

impl Assigned {
    fn of(entries: &[Entry], mandate: &Mandate, conditions: &Conditions, found: &[Found]) -> Result<Self, Error> {
        let mut assigned = Self {
            roles: Vec::with_capacity(entries.len()),
            names: conditions.names(found),
        };
        let mut written = HashSet::new();
        let mut met = HashSet::new();
        for (index, entry) in entries.iter().enumerate() {
            let of_entry = |error| BundleError::entry(index, error);
            let role = role(entry, mandate, conditions, found).map_err(of_entry)?;
            if let (Address::Type(kind, _), Some(query)) = (&entry.address, &entry.if_none_exist)
                && !met.insert((*kind, query))
            {
                return Err(of_entry(BundleError::Duplicate.into()));
            }
            let subject = match (&role, entry.verb, &entry.address) {
                (Role::New(id) | Role::Matched(id) | Role::Met(id), _, Address::Type(kind, _))
                | (_, Verb::Put | Verb::Patch | Verb::Delete, Address::Instance(kind, id)) => Some((*kind, id.clone())),
                _ => None,
            };
            if let Some((kind, id)) = subject {
                assigned.name(entry, &format!("{kind}/{id}")).map_err(of_entry)?;
                if !matches!(role, Role::Matched(_)) && !written.insert((kind, id)) {
                    return Err(of_entry(BundleError::Duplicate.into()));
                }
            }
            assigned.roles.push(role);
        }
        Ok(assigned)
    }

    fn name(&mut self, entry: &Entry, relative: &str) -> Result<(), Error> {
        let Some(url) = entry.full_url.as_ref().filter(|_| entry.verb != Verb::Delete) else {
            return Ok(());
        };
        match self.names.insert(url.clone(), relative.to_owned()) {
            None => Ok(()),
            Some(_) => Err(BundleError::FullUrl.into()),
        }
    }
}

fn role(entry: &Entry, mandate: &Mandate, conditions: &Conditions, found: &[Found]) -> Result<Role, Error> {
    let condition = entry.condition();
    let found = condition.and_then(|(kind, query)| conditions.found(found, kind, query));
    Ok(match (entry.verb, &entry.address, found) {
        (Verb::Get, ..) => Role::Addressed,
        (_, _, Some(Found::Several)) => return Err(Error::MultipleMatches),
        (Verb::Post, _, Some(Found::One(id))) => Role::Matched(id.clone()),
        (_, _, Some(Found::One(id))) => Role::Met(id.clone()),
        (Verb::Post, Address::Type(_, None), _) => Role::New(new_id(&mandate.cx)),
        (Verb::Put, _, Some(Found::None)) => Role::New(entry.own_id().unwrap_or_else(|| new_id(&mandate.cx))),
        (Verb::Patch, _, Some(Found::None)) => return Err(Error::NotFound),
        _ => Role::Addressed,
    })
}

/// What is done for an entry.
enum Step {
    /// This.
    Run(Box<Interaction>),
    /// Nothing: a resource meets the condition of the create.
    Matched(ResourceType, Id),
}

/// Everything that is to be done, on what the conditions found.
struct Plan {
    conditions: Arc<Conditions>,
    found: Vec<Found>,
    /// With their positions in the bundle, in the order of processing.
    steps: Vec<(usize, Step)>,
}

impl Plan {
    fn make(
        fhir: &Fhir,
        mandate: &Mandate,
        entries: &[Entry],
        (conditions, found): (Arc<Conditions>, Vec<Found>),
        handling: Handling,
    ) -> Result<Self, Error> {
        let assigned = Assigned::of(entries, mandate, &conditions, &found)?;
        let mut steps = Vec::with_capacity(entries.len());
        for (index, (entry, role)) in entries.iter().zip(assigned.roles).enumerate() {
            let of_entry = |error| BundleError::entry(index, error);
            let mut decided = None;
            let id = match (role, &entry.address) {
                (Role::Matched(id), Address::Type(kind, _)) => {
                    steps.push((index, Step::Matched(*kind, id)));
                    continue;
                }
                (Role::Met(id), Address::Type(kind, _)) => {
                    decided = Some((Decided::Met, *kind, id));
                    new_id(&mandate.cx)
                }
                // Not looked for again: what the transaction itself creates may meet the condition.
                (Role::New(id), Address::Type(kind, _)) if entry.verb == Verb::Put => {
                    decided = Some((Decided::Unmet, *kind, id));
                    new_id(&mandate.cx)
                }
                (Role::New(id) | Role::Matched(id) | Role::Met(id), _) => id,
                (Role::Addressed, _) => new_id(&mandate.cx),
            };
            let mut entry = resolved(entry, fhir, &assigned.names).map_err(of_entry)?;
            if let Some((what, kind, id)) = decided {
                entry.address = Address::Instance(kind, id);
                entry.decided = Some(what);
            }
            let interaction = entry.prepare(fhir, mandate, handling, id).map_err(of_entry)?;
            steps.push((index, Step::Run(Box::new(interaction))));
        }
        steps.sort_by_key(|(index, _)| (entries[*index].verb, *index));
        Ok(Self {
            conditions,
            found,
            steps,
        })
    }
}

impl Plan {
    /// Applies the patches to what is there, which takes its time outside of the store's writer. All together go through as
    /// much as one alone may.
    async fn make_patches_ready(&mut self, fhir: &Fhir, mandate: &Mandate) -> Result<(), Error> {
        let allowed = Allowance::default();
        for (index, step) in &mut self.steps {
            if let Step::Run(interaction) = step
                && let Interaction::Patch(patch) = &mut **interaction
            {
                let made = patch.make_ready(fhir, mandate, &allowed).await;
                made.map_err(|error| BundleError::entry(*index, error))?;
            }
        }
        Ok(())
    }
}

impl Work for Plan {
    type Outcome = Vec<Answer>;

    fn is_write(&self) -> bool {
        let writes = |(_, step): &(usize, Step)| matches!(step, Step::Run(interaction) if interaction.is_write());
        self.steps.iter().any(writes)
    }

    fn run<'r>(&'r self, resources: &'r mut Resources<'_, '_>) -> BoxFuture<'r, Result<Vec<Answer>, Error>> {
        Box::pin(async move {
            if self.conditions.find(resources).await? != self.found {
                return Err(Error::Moved);
            }
            let mut answers = Vec::with_capacity(self.steps.len());
            for (index, step) in &self.steps {
                let answer = step.run(resources).await.map_err(|error| match error {
                    Error::Moved => Error::Moved,
                    error => BundleError::entry(*index, error),
                });
                answers.push((*index, answer?));
            }
            answers.sort_by_key(|(index, _)| *index);
            Ok(answers.into_iter().map(|(_, answer)| answer).collect())
        })
    }
}

impl Step {
    async fn run(&self, resources: &mut Resources<'_, '_>) -> Result<Answer, Error> {
        match self {
            Self::Run(interaction) => interaction.run(resources).await,
            Self::Matched(kind, id) => {
                let version = resources.find(*kind, id).await?;
                version.map(Answer::Matched).ok_or(Error::Moved)
            }
        }
    }
}

/// An entry whose resource names the others as they will be called, and whose condition is looked at already.
fn resolved(entry: &Entry, fhir: &Fhir, names: &Names) -> Result<Entry, Error> {
    let resource = match &entry.resource {
        Some(document) => {
            if conditional(document).iter().any(|text| !names.contains_key(text)) {
                return Err(BundleError::Reference.into());
            }
            if let Some(text) = unresolved(document, names) {
                return Err(BundleError::Unresolved(text.chars().take(MAX_SHOWN).collect()).into());
            }
            Some(match rewritten(document, entry.full_url.as_deref(), names) {
                Some(text) => Document::parse(text, &fhir.limits().json())?,
                None => document.clone(),
            })
        }
        None => None,
    };
    Ok(Entry {
        resource,
        if_none_exist: None,
        ..entry.clone()
    })
}
