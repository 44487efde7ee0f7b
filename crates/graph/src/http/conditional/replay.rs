//! `POST /identity/conditionalAccess/replay` [ours]: what a draft of a policy would have done to recorded sign-ins, for each the
//! outcome before and after, and how many went from which to which.
//!
//! Which sign-ins says `$filter`, as at `/auditLogs/signIns`; `$top` is how many are told one by one. Groups, roles, means of
//! identification and accepted terms are those of now. A sign-in that policies were not asked about, and one of somebody who
//! is gone, is left out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use axum::extract::State;
use axum::response::Response;
use hygie_core::{Cx, ObjectId};
use hygie_directory::logs::{LogEntry, LogQuery};
use hygie_directory::{Membership, SignInEntry, SignInProtocol, suite_of};
use hygie_policy::check::Broken;
use hygie_policy::client::{Entry, client_app, logged, platform};
use hygie_policy::policy::{ClientAppType, TransferMethod};
use hygie_policy::replay::{Replayed, Request, replay};
use hygie_policy::signin::{Application, Identity, Session, SignIn, SignInConditions, Target, User};
use hygie_store::StoreError;
use hygie_web::audit::Note;
use hygie_web::error::GraphError;
use serde_json::{Map, Value, json};

use super::super::authority::READ_LOGS;
use super::super::caller::Caller;
use super::super::document::Document;
use super::super::logs::way;
use super::{READ, object};
use crate::entity::SIGN_IN;
use crate::{Graph, GraphFault};
use hygie_odata::{Query, QueryError};

/// Entries of the log that are read at once, and looked at.
const CHUNK: u32 = 500;
const MAX_LOOKED: usize = 20_000;
/// People whose groups and means are read.
const MAX_PEOPLE: usize = 1_000;

/// What is known of somebody now.
#[derive(Clone)]
struct Person {
    user: User,
    session: Session,
}

/// What was found so far.
#[derive(Default)]
struct Found {
    items: Vec<Value>,
    /// How many went from which outcome to which.
    counts: BTreeMap<(&'static str, &'static str), u64>,
    replayed: u64,
    skipped: u64,
    is_truncated: bool,
}

pub async fn post(
    State(graph): State<Graph>,
    caller: Caller,
    Document(document): Document,
) -> Result<Response, GraphError> {
    caller.may_read_policies(&graph, READ).await?;
    caller.may(&graph, &READ_LOGS).await?;
    let query = asked(&caller)?;
    let request = Request::from_json(&document).map_err(GraphFault::from)?;
    request.policy.check().map_err(refuse)?;
    let found = graph.replayed(&caller.cx, &query, &request).await?;
    let counts = found
        .counts
        .iter()
        .map(|((before, after), count)| json!({ "before": before, "after": after, "signIns": count }));
    let members = json!({
        "signIns": found.replayed, "skipped": found.skipped, "isTruncated": found.is_truncated,
        "counts": counts.collect::<Vec<_>>(), "value": found.items,
    });
    let note = Note::new("graph.replay", "policy".to_owned());
    Ok(graph.told("hygie.conditionalAccessReplay", object(members), note))
}

/// The query options that make sense here.
fn asked(caller: &Caller) -> Result<Query, GraphFault> {
    let is_other = |name: &str| {
        let name = name.trim_start_matches('$').to_ascii_lowercase();
        !matches!(&*name, "filter" | "top")
    };
    match caller.options.iter().find(|(name, _)| is_other(name)) {
        Some((name, _)) => Err(QueryError::Option(name.clone()).into()),
        None => caller.query_of_log(&SIGN_IN),
    }
}

fn refuse(broken: Broken) -> GraphError {
    hygie_directory::ConditionalError::from(broken).into()
}

impl Graph {
    async fn replayed(&self, cx: &Cx, query: &Query, request: &Request) -> Result<Found, GraphFault> {
        let kept = self.directory().read_access_rules(cx).await?;
        let rules = kept.rules();
        let (drafted, place) = request.among(rules.policies);
        let (mut found, mut people) = (Found::default(), HashMap::new());
        let mut way = LogQuery {
            limit: CHUNK,
            ..way::<SignInEntry>(query)
        };
        let mut looked = 0;
        loop {
            let entries: Vec<SignInEntry> = self.directory().list_log(cx, way.clone()).await?;
            for entry in &entries {
                let is_asked_for = query
                    .filter
                    .as_ref()
                    .is_none_or(|filter| filter.matches(&Value::Object(entry.shown())));
                if !is_asked_for {
                    continue;
                }
                let Some(person) = self.person(cx, entry.user, &mut people).await? else {
                    found.skipped += 1;
                    continue;
                };
                let Some(sign_in) = sign_in(entry, person) else {
                    found.skipped += 1;
                    continue;
                };
                found.tell(entry, replay(&rules, (&drafted, place), &sign_in), query.top as usize);
            }
            looked += entries.len();
            let Some(last) = entries.last().filter(|_| entries.len() == CHUNK as usize) else {
                return Ok(found);
            };
            if looked >= MAX_LOOKED || people.len() >= MAX_PEOPLE {
                found.is_truncated = true;
                return Ok(found);
            }
            way.after = Some(last.id);
        }
    }

    /// What is known of somebody now; nothing of who is gone.
    async fn person(
        &self,
        cx: &Cx,
        id: ObjectId,
        known: &mut HashMap<ObjectId, Option<Person>>,
    ) -> Result<Option<Person>, GraphFault> {
        if let Some(person) = known.get(&id) {
            return Ok(person.clone());
        }
        let person = self.read_person(cx, id).await?;
        known.insert(id, person.clone());
        Ok(person)
    }

    async fn read_person(&self, cx: &Cx, id: ObjectId) -> Result<Option<Person>, GraphFault> {
        let directory = self.directory();
        if directory.find_user_by_id(cx, id).await?.is_none() {
            return Ok(None);
        }
        let groups = directory.groups_of(cx, id, Membership::Transitive).await?;
        let methods = self.means().methods_of(cx, id).await;
        let methods = methods.map_err(|_| GraphFault::Store(StoreError::Unavailable(None)))?;
        Ok(Some(Person {
            user: User {
                id,
                groups: groups.into_iter().map(|group| group.id).collect(),
                roles: directory.roles_of(cx, id).await?,
                guest: None,
            },
            session: Session {
                registered: methods.registered,
                registrable: methods.registrable,
                accepted: directory.accepted_agreements(cx, id).await?,
                ..Session::default()
            },
        }))
    }
}

impl Found {
    fn tell(&mut self, entry: &SignInEntry, replayed: Replayed, most: usize) {
        self.replayed += 1;
        *self.counts.entry((replayed.before, replayed.after)).or_default() += 1;
        if self.items.len() < most {
            self.items.push(Value::Object(item(entry, replayed)));
        }
    }
}

fn item(entry: &SignInEntry, replayed: Replayed) -> Map<String, Value> {
    object(json!({
        "id": entry.id.to_string(), "createdDateTime": entry.at.to_rfc3339(), "userId": entry.user.to_string(),
        "userPrincipalName": entry.user_principal_name, "appId": entry.app.to_string(),
        "appDisplayName": entry.app_display_name, "ipAddress": entry.address.map(|address| address.to_string()),
        "errorCode": entry.error_code, "conditionalAccessStatus": entry.status,
        "before": replayed.before, "after": replayed.after, "result": replayed.result.as_str(),
    }))
}

/// The sign-in as policies are asked; none where they were not.
fn sign_in(entry: &SignInEntry, person: Person) -> Option<SignIn> {
    if entry.targets.is_empty() {
        return None;
    }
    let contexts = entry.contexts.iter().map(|context| context.parse().ok());
    let contexts: BTreeSet<_> = contexts.collect::<Option<_>>()?;
    let by_name = [
        ClientAppType::Browser,
        ClientAppType::MobileAppsAndDesktopClients,
        ClientAppType::ExchangeActiveSync,
    ];
    let kind = by_name.into_iter().find(|kind| logged(*kind) == entry.client_app);
    let goes_elsewhere = entry.is_by_device_code || entry.protocol == SignInProtocol::Ciba;
    let (sign_in_risk, user_risk) = entry.risks();
    Some(SignIn {
        identity: Identity::User(person.user),
        target: Target::Resources {
            applications: entry
                .targets
                .iter()
                .map(|id| Application {
                    id: *id,
                    suite: suite_of(*id),
                })
                .collect(),
            contexts,
        },
        conditions: SignInConditions {
            whereabouts: entry.whereabouts(),
            sign_in_risk: Some(sign_in_risk),
            user_risk: Some(user_risk),
            platform: entry.user_agent.as_deref().and_then(platform),
            client_app: Some(kind.unwrap_or_else(|| client_app(Entry::Legacy))),
            transfer: goes_elsewhere.then_some(TransferMethod::DeviceCodeFlow),
            ..SignInConditions::default()
        },
        session: Session {
            used: entry.used.used().to_vec(),
            primary_at: entry.used.primary_at(),
            secondary_at: entry.used.secondary_at(),
            ..person.session
        },
        now: entry.at,
    })
}
