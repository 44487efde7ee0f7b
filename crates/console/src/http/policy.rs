//! `/admin/policies/{id}` — one policy: its sentence, a form where one can hold it, the document of Graph in any case;
//! and `/admin/policies/new`, which makes one, report-only unless somebody says otherwise.

use askama::Template;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use hygie_policy::policy::Policy;
use hygie_web::ui::{Field, Form, Identifier, Input, Link, Notice, Page, Tone, View};
use serde_json::{Value, json};

use super::effect::Effect;
use super::policies::tone;
use super::problem::{Problem, find_all, told};
use super::shown::VERSION;
use super::{Fields, Frame, Section, Visit, Wrong, done, refusal};
use crate::api::{Api, ApiError, segment};
use crate::parts::{Area, Boxes};
use crate::policy_form::{Draft, Who};
use crate::sentence::{Names, Writer};
use crate::wire::{Object, User};

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
    /// Whether the form has what was typed, and not what is there.
    is_typed: bool,
    document: String,
    /// Whether the document is what was typed.
    is_document_typed: bool,
    /// What it would have changed, where somebody asked.
    effect: Option<Effect>,
}

#[derive(Template)]
#[template(path = "policy-new.html")]
struct New {
    page: Page,
    frame: Frame,
    edit: Edit,
    effect: Option<Effect>,
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
    count: Field,
    rule: Area,
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
    contexts: Vec<Object>,
    states: Vec<(&'static str, String)>,
}

/// What was typed: the form, and the names of whom it is for and not for, one a line.
type Typed = (Draft, String, String);

/// What a page tells beside the policy.
#[derive(Default)]
struct Told {
    notice: Option<Notice>,
    /// What was typed, where it was not saved.
    typed: Option<Typed>,
    /// The document that was typed, where it was not saved.
    document: Option<String>,
    /// The version that was typed over; else it is what is shown now.
    version: Option<String>,
    /// What it would have changed.
    effect: Option<Effect>,
}

impl Told {
    /// What was typed in which form, over what.
    fn typed(fields: &Fields) -> Self {
        let step = fields.get("step");
        Self {
            typed: ["save", "try"].contains(&step).then(|| typed(fields)),
            document: (step == "document").then(|| fields.get("document").to_owned()),
            version: Some(fields.get(VERSION).to_owned()),
            ..Self::default()
        }
    }

    /// Why what was typed was not taken. Who was told of a change of somebody else may save over it.
    fn refused(page: &Page, problem: Problem, fields: &Fields) -> Result<Self, Wrong> {
        let typed = Self::typed(fields);
        let is_changed = matches!(problem, Problem::Api(ApiError::Changed));
        Ok(Self {
            notice: Some(if is_changed {
                Notice::new(page, Tone::Warning, page.t("policy-changed-meanwhile"))
            } else {
                told(page, problem)?
            }),
            version: typed.version.filter(|_| !is_changed),
            ..typed
        })
    }
}

fn typed(fields: &Fields) -> Typed {
    let text = |name: &str| fields.get(name).to_owned();
    (Draft::typed(fields), text("people"), text("except"))
}

const STATES: [&str; 3] = ["enabledForReportingButNotEnforced", "enabled", "disabled"];

pub async fn get(visit: Visit, Path(id): Path<String>) -> Result<Response, Wrong> {
    let page = visit.page();
    show(&visit, page, &id, Told::default()).await
}

pub async fn post(visit: Visit, Path(id): Path<String>, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    let page = visit.page();
    if fields.get("step") == "try" {
        let told = tried(&visit, &page, Some(&id), &fields).await?;
        return show(&visit, page, &id, told).await;
    }
    match act(&visit.api(), &page, &id, &fields).await {
        Ok("policy-deleted") => Ok(done("/admin/policies", "policy-deleted")),
        Ok(word) => Ok(done(&format!("/admin/policies/{}", segment(&id)), word)),
        Err(problem) => {
            let told = Told::refused(&page, problem, &fields)?;
            show(&visit, page, &id, told).await
        }
    }
}

/// What a draft would have changed; nothing of it is kept. One of a policy that is there takes its place.
async fn tried(visit: &Visit, page: &Page, id: Option<&str>, fields: &Fields) -> Result<Told, Wrong> {
    let api = visit.api();
    let draft = resolved(&api, page, fields).await;
    let effect = match draft {
        Ok(draft) => {
            let mut document = draft.document();
            if let Some(id) = id {
                document["id"] = id.into();
            }
            Effect::of(&api, page, document).await.map_err(Problem::Api)
        }
        Err(problem) => Err(problem),
    };
    Ok(match effect {
        Ok(effect) => Told {
            effect: Some(effect),
            ..Told::typed(fields)
        },
        Err(problem) => Told::refused(page, problem, fields)?,
    })
}

pub async fn new(visit: Visit) -> Result<Response, Wrong> {
    let page = visit.page();
    let draft = Draft {
        state: STATES[0].to_owned(),
        what: "all".to_owned(),
        needs_mfa: true,
        ..Draft::default()
    };
    let nothing = Told {
        typed: Some((draft, String::new(), String::new())),
        ..Told::default()
    };
    blank(&visit, page, nothing).await
}

pub async fn create(visit: Visit, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    let (page, api) = (visit.page(), visit.api());
    if fields.get("step") == "try" {
        let told = tried(&visit, &page, None, &fields).await?;
        return blank(&visit, page, told).await;
    }
    let made = match resolved(&api, &page, &fields).await {
        Ok(draft) => api.post(POLICIES, &draft.document()).await.map_err(Problem::Api),
        Err(problem) => Err(problem),
    };
    match made {
        Ok(policy) => {
            let id = policy["id"].as_str().unwrap_or_default();
            Ok(done(&format!("/admin/policies/{id}"), "policy-created"))
        }
        Err(problem) => {
            let told = Told::refused(&page, problem, &fields)?;
            blank(&visit, page, told).await
        }
    }
}

async fn act(api: &Api<'_>, page: &Page, id: &str, fields: &Fields) -> Result<&'static str, Problem> {
    let policy = format!("{POLICIES}/{}", segment(id));
    let version = fields.get(VERSION);
    match fields.get("step") {
        "state" => {
            let change = json!({ "state": fields.get("state") });
            api.patch_version(&policy, &change, version).await?;
            Ok("policy-changed")
        }
        "save" => {
            let draft = resolved(api, page, fields).await?;
            api.patch_version(&policy, &draft.document(), version).await?;
            Ok("policy-changed")
        }
        "document" => {
            let document: Value =
                serde_json::from_str(fields.get("document")).map_err(|_| Problem::Said("policy-not-json"))?;
            api.patch_version(&policy, &changeable(document), version).await?;
            Ok("policy-changed")
        }
        "delete" if fields.get("sure") == "yes" => {
            api.delete_version(&policy, version).await?;
            Ok("policy-deleted")
        }
        _ => Err(ApiError::NotFound.into()),
    }
}

/// The draft with the ids of the people, groups and roles that were typed, one a line.
async fn resolved(api: &Api<'_>, page: &Page, fields: &Fields) -> Result<Draft, Problem> {
    let mut draft = Draft::typed(fields);
    draft.people = find_all(api, page, fields.get("people")).await?;
    draft.except = find_all(api, page, fields.get("except")).await?;
    Ok(draft)
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

async fn show(visit: &Visit, page: Page, id: &str, told: Told) -> Result<Response, Wrong> {
    let api = visit.api();
    let (document, version): (Value, String) = api.get_version(&format!("{POLICIES}/{}", segment(id))).await?;
    let policy = Policy::from_json(&document).map_err(|_| ApiError::NotFound)?;
    let policies = [policy];
    let names = Names::of(&api, &policies).await?;
    let [policy] = policies;
    let writer = Writer {
        page: &page,
        names: &names,
    };
    let sentence = writer.sentence(&policy);
    let over = told.version.unwrap_or(version);
    let form = visit
        .form(format!("/admin/policies/{}", segment(id)))
        .carry(VERSION, over);
    let is_typed = told.typed.is_some();
    let typed = match (told.typed, Draft::of(&policy)) {
        (Some(typed), _) => Some(typed),
        (None, Some(draft)) => Some((
            draft.clone(),
            lines(&api, &page, &names, &draft.people).await?,
            lines(&api, &page, &names, &draft.except).await?,
        )),
        (None, None) => None,
    };
    let edit = match typed {
        Some(typed) => Some(edit(&api, &page, typed, (form.clone(), page.t("policy-save"))).await?),
        None => None,
    };
    let mut frame = visit.frame(&page, Section::Policies);
    frame.notices.extend(told.notice);
    let mut effect = told.effect;
    if !visit.option("effect").is_empty() && !is_typed {
        match Effect::of(&api, &page, policy.to_json()).await {
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
        is_typed,
        effect,
        is_document_typed: told.document.is_some(),
        document: match told.document {
            Some(typed) => typed,
            None => serde_json::to_string_pretty(&changeable(document)).map_err(ApiError::Unreadable)?,
        },
        page,
    })
    .into_response())
}

async fn blank(visit: &Visit, page: Page, told: Told) -> Result<Response, Wrong> {
    let mut frame = visit.frame(&page, Section::Policies);
    frame.notices.extend(told.notice);
    let submit = page.t("policies-create");
    let typed = told.typed.unwrap_or_default();
    let edit = edit(&visit.api(), &page, typed, (visit.form("/admin/policies/new"), submit)).await?;
    Ok(View(New {
        page,
        frame,
        edit,
        effect: told.effect,
    })
    .into_response())
}

async fn edit(
    api: &Api<'_>,
    page: &Page,
    (draft, people, except): Typed,
    (form, submit): (Form, String),
) -> Result<Edit, ApiError> {
    let mut choices = choices(api, page).await?;
    // What is chosen stands first: the list may be long.
    choices.applications.sort_by_key(|one| {
        let id = Choices::id_of(one);
        !(draft.applications.contains(id) || draft.except_applications.contains(id))
    });
    let count = draft.count.map(|count| count.to_string()).unwrap_or_default();
    let rule = draft
        .filter
        .as_ref()
        .map(|filter| filter.rule.clone())
        .unwrap_or_default();
    Ok(Edit {
        name: Field::text(page, "name", page.t("policy-name")).value(&*draft.name),
        count: Field::new(page, Input::Digits, "count", page.t("policy-count"))
            .hint(page.t("policy-count-hint"))
            .value(count)
            .optional(),
        rule: Area::new("filter-rule", page.t("policy-rule"), page.t("policy-rule-hint"), rule),
        choices,
        page: page.clone(),
        form,
        draft,
        people,
        except,
        submit,
    })
}

async fn choices(api: &Api<'_>, page: &Page) -> Result<Choices, ApiError> {
    let select = [("$select", "id,appId,displayName")];
    let mut applications: Vec<Object> = api.all("/servicePrincipals", &select).await?;
    applications.sort_by_key(|one| one.display_name.to_lowercase());
    Ok(Choices {
        applications,
        locations: api.all("/identity/conditionalAccess/namedLocations", &[]).await?,
        strengths: strengths(api, page).await?,
        terms: readable(api, "/identityGovernance/termsOfUse/agreements").await?,
        contexts: readable(api, "/identity/conditionalAccess/authenticationContextClassReferences").await?,
        states: states(page),
    })
}

/// A collection that who changes policies need not read.
async fn readable(api: &Api<'_>, path: &str) -> Result<Vec<Object>, ApiError> {
    match api.all(path, &[]).await {
        Err(ApiError::Denied) => Ok(Vec::new()),
        found => found,
    }
}

/// The strengths; those that are there from the beginning have a name in each language.
async fn strengths(api: &Api<'_>, page: &Page) -> Result<Vec<Object>, ApiError> {
    let mut all: Vec<Object> = api.all("/policies/authenticationStrengthPolicies", &[]).await?;
    for one in &mut all {
        if let Some(words) = page.find(&format!("strength-{}", one.id)) {
            one.display_name = words;
        }
    }
    Ok(all)
}

fn states(page: &Page) -> Vec<(&'static str, String)> {
    STATES
        .iter()
        .map(|state| (*state, page.t(&format!("policy-state-{state}"))))
        .collect()
}

/// The names of people, groups and roles, one a line, as they are typed.
async fn lines(api: &Api<'_>, page: &Page, names: &Names, who: &Who) -> Result<String, ApiError> {
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
    let roles = who.roles.iter().map(|id| {
        let words = page.find(&format!("role-{id}"));
        words.unwrap_or_else(|| names.find(id))
    });
    let others = who.groups.iter().map(|id| names.find(id)).chain(roles);
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

impl Edit {
    fn boxes(&self, list: &'static str) -> Boxes {
        self.draft.picked.boxes(&self.page, list, &self.choices.contexts)
    }

    fn is_excluding(&self) -> bool {
        let filter = self.draft.filter.as_ref();
        filter.is_some_and(|filter| filter.mode == "exclude")
    }

    /// What a choice of the session is called; the empty one asks for nothing.
    fn of(&self, kind: &str, choice: &str) -> String {
        let choice = if choice.is_empty() { "unset" } else { choice };
        self.page.t(&format!("policy-{kind}-{choice}"))
    }
}

/// A link back to all policies.
impl Shown {
    fn back(&self) -> Link {
        Link::new("/admin/policies", self.page.t("admin-policies"))
    }
}
