//! `/admin/users/{id}` — one person: who it is, what they belong to, how they sign in, and what may be done about it.

use std::iter;

use askama::Template;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use hygie_web::ui::{Field, Form, Identifier, Notice, Page, Tone, View};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::users::{ONCE, once};
use super::{Fields, Frame, Section, Visit, Wrong, done, refusal};
use crate::api::{Api, ApiError, Listed, quoted, segment};
use crate::parts::{Area, Check};
use crate::wire::{Method, Object, SignIn, USER, User};

/// Sign-ins that are shown.
const SIGN_INS: &str = "5";

#[derive(Template)]
#[template(path = "user.html")]
struct Shown {
    page: Page,
    frame: Frame,
    user: User,
    id: Identifier,
    /// `None` where the person may not see them.
    roles: Option<Vec<Role>>,
    groups: Vec<Object>,
    /// `None` where the person may not see them.
    methods: Option<Vec<Means>>,
    sign_ins: Option<Vec<SignIn>>,
    form: Form,
    profile: Vec<Field>,
    cards: Area,
    /// Whether a new password is good for one sign-in.
    once: Check,
    /// The form that was not taken.
    open: String,
    /// A value that is shown this once.
    secret: Option<(String, Identifier)>,
}

/// A directory role of the list.
struct Role {
    id: String,
    name: String,
    /// The group that has it, where the person has it by being in there.
    by: Option<Object>,
}

/// A means of identification of the list.
struct Means {
    /// Its collection, in the address of the API.
    collection: &'static str,
    id: String,
    name: String,
    detail: Option<String>,
    created_at: Option<String>,
    is_removable: bool,
}

pub async fn get(visit: Visit, Path(id): Path<String>) -> Result<Response, Wrong> {
    let page = visit.page();
    show(&visit, page, &id, None).await
}

pub async fn post(visit: Visit, Path(id): Path<String>, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    let (page, api) = (visit.page(), visit.api());
    let here = format!("/admin/users/{}", segment(&id));
    match act(&api, &id, &fields).await {
        Ok(Done::Word("user-deleted")) => Ok(done("/admin/users", "user-deleted")),
        Ok(Done::Word(word)) => Ok(done(&here, word)),
        Ok(Done::Secret(key, value)) => {
            let shown = (page.t(key), Identifier::new(&page, value, page.t("user-secret-what")));
            show(&visit, page, &id, Some(Told::Secret(shown))).await
        }
        Err(error) => {
            let notice = refusal(&page, error)?;
            show(&visit, page, &id, Some(Told::Refused(notice, fields))).await
        }
    }
}

/// What was done: a word of the messages, or a value to show once.
enum Done {
    Word(&'static str),
    Secret(&'static str, String),
}

/// What the page tells beside the person.
enum Told {
    /// Why what was typed was not taken.
    Refused(Notice, Fields),
    Secret((String, Identifier)),
}

/// Does what a button of the page asks for.
async fn act(api: &Api<'_>, id: &str, fields: &Fields) -> Result<Done, ApiError> {
    let user = format!("/users/{}", segment(id));
    match fields.get("step") {
        step @ ("enable" | "disable") => {
            let is_enabled = step == "enable";
            api.patch(&user, &json!({ "accountEnabled": is_enabled })).await?;
            Ok(Done::Word(if is_enabled { "user-enabled" } else { "user-disabled" }))
        }
        "revoke" => {
            api.post(&format!("{user}/revokeSignInSessions"), &json!({})).await?;
            Ok(Done::Word("user-revoked"))
        }
        "pass" => {
            let made = api
                .post(&format!("{user}/authentication/temporaryAccessPassMethods"), &json!({}))
                .await?;
            let value = made["temporaryAccessPass"].as_str().unwrap_or_default();
            Ok(Done::Secret("user-pass-made", value.to_owned()))
        }
        "password" => {
            let is_once = fields.get(ONCE) == Check::TICKED;
            let profile = json!({ "password": fields.password("password"), "forceChangePasswordNextSignIn": is_once });
            api.patch(&user, &json!({ "passwordProfile": profile })).await?;
            let word = if is_once { "user-password" } else { "user-password-kept" };
            Ok(Done::Word(word))
        }
        "profile" => {
            let before: User = api.get(&user, &[("$select", USER)]).await?;
            api.patch(&user, &changes(&before, fields)).await?;
            Ok(Done::Word("user-changed"))
        }
        "cards" => {
            let bound = json!({ "certificateUserIds": fields.lines("cards").collect::<Vec<_>>() });
            api.patch(&user, &json!({ "authorizationInfo": bound })).await?;
            Ok(Done::Word("user-bound"))
        }
        "remove-means" => {
            let collection = COLLECTIONS
                .iter()
                .find(|(_, name, _)| *name == fields.get("collection"));
            let (_, collection, _) = collection.ok_or(ApiError::NotFound)?;
            let method = segment(fields.get("method"));
            api.delete(&format!("{user}/authentication/{collection}/{method}"))
                .await?;
            Ok(Done::Word("user-means-removed"))
        }
        // The box says that it is meant.
        "delete" if fields.get("sure") == "yes" => {
            api.delete(&user).await?;
            Ok(Done::Word("user-deleted"))
        }
        _ => Err(ApiError::NotFound),
    }
}

/// What of a profile was typed anew. What is the same is not sent: another role may be needed for it.
fn changes(before: &User, fields: &Fields) -> Value {
    let mut change = Map::new();
    for (name, value) in profile(before) {
        let typed = fields.get(name);
        if typed != value.unwrap_or_default() {
            let typed = Some(typed).filter(|typed| !typed.is_empty());
            change.insert(name.to_owned(), typed.into());
        }
    }
    Value::Object(change)
}

/// What of a profile is changed by the form.
fn profile(user: &User) -> [(&'static str, Option<&str>); 6] {
    [
        ("displayName", Some(&user.display_name)),
        ("givenName", user.given_name.as_deref()),
        ("surname", user.surname.as_deref()),
        ("mail", user.mail.as_deref()),
        ("jobTitle", user.job_title.as_deref()),
        ("department", user.department.as_deref()),
    ]
}

/// The form of a profile, and the field of cards: with what was typed in it and not taken, or what is there.
fn parts(page: &Page, user: &User, typed: Option<&Fields>) -> (Vec<Field>, Area) {
    let typed_in = |step: &str| typed.filter(|fields| fields.get("step") == step);
    let fields = profile(user).into_iter().map(|(name, value)| {
        let label = page.t(match name {
            "givenName" => "user-given-name",
            "surname" => "user-surname",
            "mail" => "user-mail",
            "jobTitle" => "user-job",
            "department" => "user-department",
            _ => "user-display-name",
        });
        let field = Field::text(page, name, label)
            .value(typed_in("profile").map_or(value.unwrap_or_default(), |fields| fields.get(name)))
            .autocomplete("off");
        if name == "displayName" { field } else { field.optional() }
    });
    let cards = Area::new(
        "cards",
        page.t("user-certificates"),
        page.t("user-cards-hint"),
        typed_in("cards").map_or_else(
            || user.authorization_info.certificate_user_ids.join("\n"),
            |fields| fields.get("cards").to_owned(),
        ),
    );
    (fields.collect(), cards)
}

async fn show(visit: &Visit, page: Page, id: &str, told: Option<Told>) -> Result<Response, Wrong> {
    let api = visit.api();
    let path = format!("/users/{}", segment(id));
    let user: User = api.get(&path, &[("$select", USER)]).await?;
    let belongs: Vec<Object> = api.all(&format!("{path}/memberOf"), &[]).await?;
    let groups: Vec<Object> = belongs.into_iter().filter(Object::is_group).collect();
    let roles = roles(&api, &page, &user.id, &groups).await?;
    let methods = allowed(api.all::<Method>(&format!("{path}/authentication/methods"), &[]).await)?;
    let mut frame = visit.frame(&page, Section::Users);
    let (mut secret, mut typed) = (None, None);
    match told {
        Some(Told::Refused(notice, fields)) => {
            frame.notices.push(notice);
            typed = Some(fields);
        }
        Some(Told::Secret(shown)) => {
            frame
                .notices
                .push(Notice::new(&page, Tone::Success, page.t("user-secret-once")));
            secret = Some(shown);
        }
        None => {}
    }
    let sign_ins = recent(&api, &user.id).await?;
    let (profile, cards) = parts(&page, &user, typed.as_ref());
    let refused = typed.as_ref().filter(|fields| fields.get("step") == "password");
    let is_once = refused.is_none_or(|fields| fields.get(ONCE) == Check::TICKED);
    Ok(View(Shown {
        frame,
        once: once(&page, is_once),
        profile,
        cards,
        open: typed.as_ref().map_or("", |fields| fields.get("step")).to_owned(),
        id: Identifier::new(&page, user.id.clone(), page.t("user-id")),
        roles,
        groups,
        methods: methods.map(|methods| methods.into_iter().map(|method| means(&page, method)).collect()),
        sign_ins,
        form: visit.form(format!("/admin/users/{}", segment(&user.id))),
        secret,
        user,
        page,
    })
    .into_response())
}

/// A role of the directory that somebody has.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Given {
    role_definition_id: String,
}

/// The directory roles of a person: their own, and those of the groups that they are in.
async fn roles(api: &Api<'_>, page: &Page, user: &str, groups: &[Object]) -> Result<Option<Vec<Role>>, ApiError> {
    let mut all = Vec::new();
    // No group is in a group with roles: those that people are in themselves are all that count.
    let having = groups.iter().filter(|group| group.is_assignable_to_role == Some(true));
    let principals = having.map(|group| (group.id.as_str(), Some(group)));
    for (principal, by) in iter::once((user, None)).chain(principals) {
        let filter = format!("principalId eq {}", quoted(principal));
        let path = "/roleManagement/directory/roleAssignments";
        let Some(given) = allowed(api.all::<Given>(path, &[("$filter", &filter)]).await)? else {
            return Ok(None);
        };
        all.extend(given.into_iter().map(|one| {
            let words = page.find(&format!("role-{}", one.role_definition_id));
            Role {
                name: words.unwrap_or_else(|| one.role_definition_id.clone()),
                id: one.role_definition_id,
                by: by.cloned(),
            }
        }));
    }
    Ok(Some(all))
}

/// The latest sign-ins of a person; `None` where who asks may not read the log.
async fn recent(api: &Api<'_>, user: &str) -> Result<Option<Vec<SignIn>>, ApiError> {
    let filter = format!("userId eq {}", quoted(user));
    let query = [("$filter", filter.as_str()), ("$top", SIGN_INS)];
    let listed = allowed(api.get::<Listed<SignIn>>("/auditLogs/signIns", &query).await)?;
    Ok(listed.map(|listed| listed.value))
}

/// `None` for what the person may not see.
fn allowed<T>(found: Result<T, ApiError>) -> Result<Option<T>, ApiError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(ApiError::Denied) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The kinds of means: their type in Graph, their collection, whether they are removed one by one.
const COLLECTIONS: [(&str, &str, bool); 5] = [
    ("passwordAuthenticationMethod", "passwordMethods", false),
    ("fido2AuthenticationMethod", "fido2Methods", true),
    ("softwareOathAuthenticationMethod", "softwareOathMethods", true),
    (
        "temporaryAccessPassAuthenticationMethod",
        "temporaryAccessPassMethods",
        true,
    ),
    ("x509CertificateAuthenticationMethod", "x509CertificateMethods", false),
];

fn means(page: &Page, method: Method) -> Means {
    let kind = method.kind.rsplit('.').next().unwrap_or_default();
    let found = COLLECTIONS.iter().find(|(name, _, _)| *name == kind);
    let (collection, is_removable) = found.map_or(("", false), |(_, collection, removable)| (*collection, *removable));
    let name = page.find(&format!("means-{kind}")).unwrap_or_else(|| kind.to_owned());
    Means {
        collection,
        id: method.id,
        name,
        detail: method.display_name.or(method.model).filter(|text| !text.is_empty()),
        created_at: method.created_date_time,
        is_removable,
    }
}
