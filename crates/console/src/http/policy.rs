//! `/admin/policies/{id}` — one policy: its sentence, a form where one can hold it, the document of Graph in any case;
//! and `/admin/policies/new`, which makes one, report-only unless somebody says otherwise.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use hygie_policy::policy::Policy;
use hygie_web::ui::{Field, Form, Identifier, Input, Link, Notice, Page, Tone, View};
use serde_json::{Value, json};

use super::policies::tone;
use super::{Fields, Frame, Section, Visit, Wrong, done, refusal};
use crate::api::{Api, ApiError, Listed, quoted, segment};
use crate::policy_form::{Draft, Who};
use crate::sentence::{Names, Writer};
use crate::wire::{Object, Replay, User};

const POLICIES: &str = "/identity/conditionalAccess/policies";
/// Members that the service gives: they are no part of a change.
const GIVEN: [&str; 6] = [
    "id",
    "createdDateTime",
    "modifiedDateTime",
    "deletedDateTime",
    "templateId",
    "@odata.context",
];

#[derive(Template)]
#[template(path = "policy.html")]
struct Shown {
    page: Page,
    frame: Frame,
    name: String,
    sentence: String,
    state: (&'static str, String),
    /// The other states, and their words.
    states: Vec<(&'static str, String)>,
    id: Identifier,
    form: Form,
    edit: Option<Edit>,
    document: String,
    /// What it would have changed, where somebody asked.
    effect: Option<Effect>,
}

/// What the policy would have changed for recorded sign-ins.
struct Effect {
    evaluated: String,
    is_truncated: bool,
    /// Outcome without it, with it, and for how many.
    changed: Vec<(String, String, u64)>,
}

#[derive(Template)]
#[template(path = "policy-new.html")]
struct New {
    page: Page,
    frame: Frame,
    edit: Edit,
}

/// The form of a policy.
#[derive(Template)]
#[template(path = "policy-form.html")]
struct Edit {
    page: Page,
    form: Form,
    draft: Draft,
    name: Field,
    people: String,
    except: String,
    hours: Field,
    choices: Choices,
    submit: String,
}

impl askama::filters::HtmlSafe for Edit {}

/// What may be chosen.
#[derive(Default)]
struct Choices {
    applications: Vec<Object>,
    locations: Vec<Object>,
    strengths: Vec<Object>,
    terms: Vec<Object>,
    states: Vec<(&'static str, String)>,
}

const STATES: [&str; 3] = ["enabledForReportingButNotEnforced", "enabled", "disabled"];

pub async fn get(visit: Visit, Path(id): Path<String>) -> Result<Response, Wrong> {
    let page = visit.page();
    show(&visit, page, &id, None).await
}

pub async fn post(visit: Visit, Path(id): Path<String>, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    let page = visit.page();
    match act(&visit.api(), &id, &fields).await {
        Ok("policy-deleted") => Ok(done("/admin/policies", "policy-deleted")),
        Ok(word) => Ok(done(&format!("/admin/policies/{}", segment(&id)), word)),
        Err(error) => {
            let notice = told(&page, error)?;
            show(&visit, page, &id, Some(notice)).await
        }
    }
}

pub async fn new(visit: Visit) -> Result<Response, Wrong> {
    let page = visit.page();
    let draft = Draft {
        state: STATES[0].to_owned(),
        is_for_all_applications: true,
        needs_mfa: true,
        is_any: true,
        ..Draft::default()
    };
    blank(&visit, page, (draft, String::new(), String::new()), None).await
}

pub async fn create(visit: Visit, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    let (page, api) = (visit.page(), visit.api());
    let made = match resolved(&api, &fields).await {
        Ok(draft) => api.post(POLICIES, &draft.document()).await.map_err(Problem::Api),
        Err(problem) => Err(problem),
    };
    match made {
        Ok(policy) => {
            let id = policy["id"].as_str().unwrap_or_default();
            Ok(done(&format!("/admin/policies/{id}"), "policy-created"))
        }
        Err(problem) => {
            let notice = told(&page, problem)?;
            let typed = (
                Draft::typed(&fields),
                fields.get("people").to_owned(),
                fields.get("except").to_owned(),
            );
            blank(&visit, page, typed, Some(notice)).await
        }
    }
}

/// Why a form was not taken.
pub enum Problem {
    Api(ApiError),
    /// Nobody and nothing has this name.
    Unknown(String),
    /// The document is no JSON.
    Document,
}

impl From<ApiError> for Problem {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

pub fn told(page: &Page, problem: Problem) -> Result<Notice, Wrong> {
    match problem {
        Problem::Api(error) => refusal(page, error),
        Problem::Unknown(name) => {
            let text = page.t1("policy-unknown-name", "name", &name);
            Ok(Notice::new(page, Tone::Danger, text))
        }
        Problem::Document => Ok(Notice::new(page, Tone::Danger, page.t("policy-not-json"))),
    }
}

async fn act(api: &Api<'_>, id: &str, fields: &Fields) -> Result<&'static str, Problem> {
    let policy = format!("{POLICIES}/{}", segment(id));
    match fields.get("step") {
        "state" => {
            api.patch(&policy, &json!({ "state": fields.get("state") })).await?;
            Ok("policy-changed")
        }
        "save" => {
            let draft = resolved(api, fields).await?;
            api.patch(&policy, &draft.document()).await?;
            Ok("policy-changed")
        }
        "document" => {
            let document: Value = serde_json::from_str(fields.get("document")).map_err(|_| Problem::Document)?;
            api.patch(&policy, &changeable(document)).await?;
            Ok("policy-changed")
        }
        "delete" if fields.get("sure") == "yes" => {
            api.delete(&policy).await?;
            Ok("policy-deleted")
        }
        _ => Err(ApiError::NotFound.into()),
    }
}

/// The draft with the ids of the people, groups and roles that were typed, one a line.
async fn resolved(api: &Api<'_>, fields: &Fields) -> Result<Draft, Problem> {
    let mut draft = Draft::typed(fields);
    draft.people = find_all(api, fields.get("people")).await?;
    draft.except = find_all(api, fields.get("except")).await?;
    Ok(draft)
}

/// The people, groups and roles of these lines.
pub async fn find_all(api: &Api<'_>, lines: &str) -> Result<Who, Problem> {
    let mut who = Who::default();
    let names: BTreeSet<&str> = lines.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    for name in names {
        if name.contains('@') {
            let user: Result<User, _> = api
                .get(&format!("/users/{}", segment(name)), &[("$select", "id")])
                .await;
            match user {
                Ok(user) => who.users.insert(user.id),
                Err(ApiError::NotFound) => return Err(Problem::Unknown(name.to_owned())),
                Err(error) => return Err(error.into()),
            };
            continue;
        }
        let filter = format!("displayName eq {}", quoted(name));
        let groups: Listed<Object> = api.get("/groups", &[("$filter", &filter), ("$select", "id")]).await?;
        if let [group] = &groups.value[..] {
            who.groups.insert(group.id.clone());
            continue;
        }
        let roles: Vec<Object> = api.all("/directoryRoleTemplates", &[]).await?;
        let role = roles.into_iter().find(|role| role.display_name == name);
        who.roles
            .insert(role.ok_or_else(|| Problem::Unknown(name.to_owned()))?.id);
    }
    Ok(who)
}

/// A document without what the service gives. Of a strength a policy takes the id alone.
fn changeable(mut document: Value) -> Value {
    if let Some(members) = document.as_object_mut() {
        members.retain(|name, _| !GIVEN.contains(&name.as_str()));
    }
    if let Some(strength) = document.pointer_mut("/grantControls/authenticationStrength")
        && let Some(id) = strength.get("id").cloned()
    {
        *strength = json!({ "id": id });
    }
    document
}

async fn show(visit: &Visit, page: Page, id: &str, wrong: Option<Notice>) -> Result<Response, Wrong> {
    let api = visit.api();
    let document: Value = api.get(&format!("{POLICIES}/{}", segment(id)), &[]).await?;
    let policy = Policy::from_json(&document).map_err(|_| ApiError::NotFound)?;
    let policies = [policy];
    let names = Names::of(&api, &policies).await?;
    let [policy] = policies;
    let writer = Writer {
        page: &page,
        names: &names,
    };
    let sentence = writer.sentence(&policy);
    let form = visit.form(format!("/admin/policies/{}", segment(id)));
    let edit = match Draft::of(&policy) {
        Some(draft) => {
            let typed = (
                lines(&api, &names, &draft.people).await?,
                lines(&api, &names, &draft.except).await?,
            );
            let submit = page.t("policy-save");
            Some(edit(&api, &page, (draft, typed.0, typed.1), (form.clone(), submit)).await?)
        }
        None => None,
    };
    let mut frame = visit.frame(&page, Section::Policies);
    frame.notices.extend(wrong);
    let mut effect = None;
    if !visit.option("effect").is_empty() {
        match self::effect(&api, &page, &policy).await {
            Ok(found) => effect = Some(found),
            Err(error) => frame.notices.push(refusal(&page, error)?),
        }
    }
    let state = policy.state.as_str();
    Ok(View(Shown {
        frame,
        name: policy.display_name.clone(),
        sentence,
        state: (tone(state).class(), page.t(&format!("policy-state-{state}"))),
        states: states(&page).into_iter().filter(|(other, _)| *other != state).collect(),
        id: Identifier::new(&page, id, page.t("policy-id")),
        form,
        edit,
        effect,
        document: serde_json::to_string_pretty(&changeable(document)).map_err(ApiError::Unreadable)?,
        page,
    })
    .into_response())
}

async fn blank(
    visit: &Visit,
    page: Page,
    typed: (Draft, String, String),
    wrong: Option<Notice>,
) -> Result<Response, Wrong> {
    let mut frame = visit.frame(&page, Section::Policies);
    frame.notices.extend(wrong);
    let submit = page.t("policies-create");
    let edit = edit(&visit.api(), &page, typed, (visit.form("/admin/policies/new"), submit)).await?;
    Ok(View(New { page, frame, edit }).into_response())
}

async fn edit(
    api: &Api<'_>,
    page: &Page,
    (draft, people, except): (Draft, String, String),
    (form, submit): (Form, String),
) -> Result<Edit, ApiError> {
    let hours = draft.hours.map(|hours| hours.to_string()).unwrap_or_default();
    Ok(Edit {
        name: Field::text(page, "name", page.t("policy-name")).value(&*draft.name),
        hours: Field::new(page, Input::Digits, "hours", page.t("policy-hours"))
            .hint(page.t("policy-hours-hint"))
            .value(hours)
            .optional(),
        choices: choices(api, page).await?,
        page: page.clone(),
        form,
        draft,
        people,
        except,
        submit,
    })
}

async fn choices(api: &Api<'_>, page: &Page) -> Result<Choices, ApiError> {
    let applications = api
        .all("/servicePrincipals", &[("$select", "id,appId,displayName")])
        .await?;
    Ok(Choices {
        applications,
        locations: api.all("/identity/conditionalAccess/namedLocations", &[]).await?,
        strengths: api.all("/policies/authenticationStrengthPolicies", &[]).await?,
        terms: match api.all("/identityGovernance/termsOfUse/agreements", &[]).await {
            Err(ApiError::Denied) => Vec::new(),
            found => found?,
        },
        states: states(page),
    })
}

fn states(page: &Page) -> Vec<(&'static str, String)> {
    STATES
        .iter()
        .map(|state| (*state, page.t(&format!("policy-state-{state}"))))
        .collect()
}

/// The policy, enforced, against the sign-ins that are kept.
async fn effect(api: &Api<'_>, page: &Page, policy: &Policy) -> Result<Effect, ApiError> {
    let mut draft = policy.to_json();
    draft["state"] = "enabled".into();
    let question = json!({ "policy": draft });
    let answer = api.post("/identity/conditionalAccess/replay?$top=1", &question).await?;
    let replay: Replay = serde_json::from_value(answer).map_err(ApiError::Unreadable)?;
    let words = |outcome: &str| {
        page.find(&format!("outcome-{outcome}"))
            .unwrap_or_else(|| outcome.to_owned())
    };
    let changed = replay.counts.iter().filter(|count| count.before != count.after);
    Ok(Effect {
        evaluated: page.tn(
            "policy-effect-count",
            "count",
            usize::try_from(replay.sign_ins).unwrap_or_default(),
        ),
        is_truncated: replay.is_truncated,
        changed: changed
            .map(|count| (words(&count.before), words(&count.after), count.sign_ins))
            .collect(),
    })
}

/// The names of people, groups and roles, one a line, as they are typed.
async fn lines(api: &Api<'_>, names: &Names, who: &Who) -> Result<String, ApiError> {
    let paths: Vec<String> = who
        .users
        .iter()
        .map(|id| format!("/users/{id}?$select=id,userPrincipalName"))
        .collect();
    let users: Vec<Option<User>> = api.get_each(&paths).await?;
    let users = users
        .into_iter()
        .zip(&who.users)
        .map(|(user, id)| user.map_or_else(|| id.clone(), |user| user.user_principal_name));
    let others = who.groups.iter().chain(&who.roles).map(|id| names.find(id));
    Ok(users.chain(others).collect::<Vec<_>>().join("\n"))
}

impl Choices {
    const fn id_of(object: &Object) -> &str {
        match &object.app_id {
            Some(app) => app.as_str(),
            None => object.id.as_str(),
        }
    }
}

/// A link back to all policies.
impl Shown {
    fn back(&self) -> Link {
        Link::new("/admin/policies", self.page.t("admin-policies"))
    }
}
