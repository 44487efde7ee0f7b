//! `/admin/applications/new` registers an application; `/admin/registrations/{id}` is what its owner says of it:
//! addresses, who may use it, secrets and certificates.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get as read_by;
use hygie_core::Timestamp;
use hygie_web::ui::{Field, Form, Identifier, Link, Notice, Page, Tone, View};
use serde_json::{Value, json};

use super::{Fields, Section, Visit, Wrong, credentials, done, refusal};
use crate::Console;
use crate::api::{Api, ApiError, segment};
use crate::parts::{Area, Boxes, Part, Select};
use crate::sheet::{Block, Fact, Kind, List, Row, Sheet};
use crate::wire::{Credential, Redirects, Registration};

const NEW: &str = "/admin/applications/new";
const HERE: &str = "/admin/registrations";
/// Where an application may send people back to, by its kind.
const KINDS: [&str; 3] = ["web", "spa", "publicClient"];
const AUDIENCES: [&str; 2] = ["AzureADMyOrg", "AzureADMultipleOrgs"];
/// Ways to a token that are closed unless the application is let.
const GRANTS: [&str; 3] = [
    "isFallbackPublicClient",
    "isBackchannelAuthenticationEnabled",
    "isPasswordGrantEnabled",
];
/// Days that a secret may be good for.
const LIVES: [u64; 4] = [90, 180, 365, 730];

pub fn routes() -> Router<Console> {
    Router::new()
        .route(NEW, read_by(new).post(create))
        .route(&format!("{HERE}/{{id}}"), read_by(get).post(post))
        .route(
            &format!("{HERE}/{{id}}/credentials"),
            read_by(credentials::get).post(credentials::post),
        )
}

/// The page of the registration of an application.
pub fn address(id: &str) -> String {
    format!("{HERE}/{}", segment(id))
}

async fn new(visit: Visit) -> Result<Response, Wrong> {
    let page = visit.page();
    Ok(blank(&visit, &page, &Fields(Vec::new()), None))
}

async fn create(visit: Visit, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    let (page, api) = (visit.page(), visit.api());
    if fields.get("step") == "present" {
        return add(&visit, &page, &fields).await;
    }
    match register(&api, &fields).await {
        Ok(id) => Ok(done(&address(&id), "registration-made")),
        Err(error) => {
            let notice = refusal(&page, error)?;
            Ok(blank(&visit, &page, &fields, Some(notice)))
        }
    }
}

/// Makes an application of another establishment present in this one.
async fn add(visit: &Visit, page: &Page, fields: &Fields) -> Result<Response, Wrong> {
    let body = json!({ "appId": fields.get("client") });
    let notice = match visit.api().post("/servicePrincipals", &body).await {
        Ok(made) => {
            let id = segment(made["id"].as_str().unwrap_or_default());
            return Ok(done(&format!("/admin/applications/{id}"), "application-present"));
        }
        Err(ApiError::NotFound) => Notice::new(page, Tone::Danger, page.t("registration-unknown")),
        Err(error) => refusal(page, error)?,
    };
    Ok(blank(visit, page, fields, Some(notice)))
}

/// An application, and its presence in this establishment.
async fn register(api: &Api<'_>, fields: &Fields) -> Result<String, ApiError> {
    let kind = KINDS
        .into_iter()
        .find(|kind| *kind == fields.get("kind"))
        .unwrap_or(KINDS[0]);
    let mut new = json!({
        "displayName": fields.get("name"),
        "signInAudience": fields.get("audience"),
    });
    new[kind] = json!({ "redirectUris": fields.lines("addresses").collect::<Vec<_>>() });
    let made = api.post("/applications", &new).await?;
    let text = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
    api.post("/servicePrincipals", &json!({ "appId": text("appId") }))
        .await?;
    Ok(text("id"))
}

fn blank(visit: &Visit, page: &Page, typed: &Fields, wrong: Option<Notice>) -> Response {
    let mut frame = visit.frame(page, Section::Applications);
    frame.notices.extend(wrong);
    let mut sheet = Sheet::new(page, frame, page.t("registration-new"));
    sheet.back = Some(Link::new("/admin/applications", page.t("admin-applications")));
    sheet.lead = page.t("registration-new-lead");
    let kinds = KINDS.map(|kind| (kind.to_owned(), page.t(&format!("registration-kind-{kind}"))));
    let addresses = Area {
        hint: page.t("registration-addresses-hint"),
        value: typed.lines("addresses").collect::<Vec<_>>().join("\n"),
        ..addresses(page, "addresses", "registration-addresses", &[])
    };
    sheet.blocks.push(Block {
        parts: vec![
            Part::Field(Field::text(page, "name", page.t("application-name")).value(typed.get("name"))),
            Part::Select(
                Select::new("kind", page.t("registration-kind"), kinds.to_vec())
                    .chosen(typed.get("kind"))
                    .hint(page.t("registration-kind-hint")),
            ),
            Part::Area(addresses),
            audience(page, typed.get("audience")),
        ],
        kind: Kind::Primary,
        ..Block::new(
            "new",
            String::new(),
            visit.form(NEW),
            ("create", page.t("registration-create")),
        )
    });
    let client = Field::text(page, "client", page.t("application-client-id")).hint(page.t("registration-present-hint"));
    sheet.blocks.push(Block {
        parts: vec![Part::Field(client.value(typed.get("client")))],
        lead: page.t("registration-present-lead"),
        ..Block::new(
            "present",
            page.t("registration-present"),
            visit.form(NEW),
            ("present", page.t("registration-present-do")),
        )
    });
    View(sheet).into_response()
}

fn audience(page: &Page, chosen: &str) -> Part {
    let audiences = AUDIENCES.map(|one| (one.to_owned(), page.t(&format!("registration-{one}"))));
    Part::Select(Select::new("audience", page.t("registration-audience"), audiences.to_vec()).chosen(chosen))
}

fn addresses(page: &Page, name: &'static str, key: &str, uris: &[String]) -> Area {
    Area::new(name, page.t(key), page.t("registration-one-a-line"), uris.join("\n"))
}

async fn get(visit: Visit, Path(id): Path<String>) -> Result<Response, Wrong> {
    let page = visit.page();
    show(&visit, page, &id, Told::Nothing).await
}

async fn post(visit: Visit, Path(id): Path<String>, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    let page = visit.page();
    match act(&visit, &id, &fields).await {
        Ok(Done::Word("registration-deleted")) => Ok(done("/admin/applications", "registration-deleted")),
        Ok(Done::Word(word)) => Ok(done(&address(&id), word)),
        Ok(Done::Secret(secret)) => show(&visit, page, &id, Told::Secret(secret)).await,
        Err(error) => {
            let notice = refusal(&page, error)?;
            show(&visit, page, &id, Told::Refused(notice, fields)).await
        }
    }
}

/// What was done.
enum Done {
    Word(&'static str),
    /// A secret, to be shown once.
    Secret(String),
}

/// What the page tells beside the application.
enum Told {
    Nothing,
    /// Why what was typed was not taken.
    Refused(Notice, Fields),
    Secret(String),
}

async fn act(visit: &Visit, id: &str, fields: &Fields) -> Result<Done, ApiError> {
    let api = visit.api();
    let application = format!("/applications/{}", segment(id));
    match fields.get("step") {
        "save" => {
            let mut change = json!({ "displayName": fields.get("name"), "signInAudience": fields.get("audience") });
            for kind in KINDS {
                change[kind] = json!({ "redirectUris": fields.lines(kind).collect::<Vec<_>>() });
            }
            change["identifierUris"] = fields.lines("uris").collect::<Vec<_>>().into();
            api.patch(&application, &change).await?;
            Ok(Done::Word("registration-changed"))
        }
        "grants" => {
            let is = |name: &str| fields.all("grant").any(|value| value == name);
            let change: serde_json::Map<String, Value> = GRANTS
                .iter()
                .map(|name| ((*name).to_owned(), is(name).into()))
                .collect();
            api.patch(&application, &change.into()).await?;
            Ok(Done::Word("registration-changed"))
        }
        "secret" => {
            let end = end_of(visit.asked.now(), fields.get("days"));
            let mut credential = json!({ "displayName": fields.get("secret-name") });
            if let Some(end) = end {
                credential["endDateTime"] = Value::from(end.to_rfc3339());
            }
            let body = json!({ "passwordCredential": credential });
            let made = api.post(&format!("{application}/addPassword"), &body).await?;
            Ok(Done::Secret(made["secretText"].as_str().unwrap_or_default().to_owned()))
        }
        "remove-secret" => {
            let body = json!({ "keyId": fields.get("item") });
            api.post(&format!("{application}/removePassword"), &body).await?;
            Ok(Done::Word("registration-secret-removed"))
        }
        "delete" if fields.get("sure") == "yes" => {
            api.delete(&application).await?;
            Ok(Done::Word("registration-deleted"))
        }
        _ => Err(ApiError::NotFound),
    }
}

/// When a secret of so many days ends; of another number the directory says.
fn end_of(now: Timestamp, days: &str) -> Option<Timestamp> {
    let days: u64 = days.parse().ok()?;
    let days = LIVES.into_iter().find(|known| *known == days)?;
    Some(now + std::time::Duration::from_hours(24 * days))
}

/// What was typed takes the place of what is there: nothing has to be typed twice.
fn retype(registration: &mut Registration, fields: &Fields) {
    let lines = |name: &str| fields.lines(name).map(str::to_owned).collect::<Vec<_>>();
    fields.get("name").clone_into(&mut registration.display_name);
    registration.sign_in_audience = Some(fields.get("audience").to_owned());
    registration.web.redirect_uris = lines("web");
    registration.spa.redirect_uris = lines("spa");
    registration.public_client.redirect_uris = lines("publicClient");
    registration.identifier_uris = lines("uris");
}

async fn show(visit: &Visit, page: Page, id: &str, told: Told) -> Result<Response, Wrong> {
    let api = visit.api();
    let mut registration: Registration = api.get(&format!("/applications/{}", segment(id)), &[]).await?;
    let mut sheet = Sheet::new(
        &page,
        visit.frame(&page, Section::Applications),
        registration.display_name.clone(),
    );
    sheet.back = Some(Link::new("/admin/applications", page.t("admin-applications")));
    sheet.lead = page.t("registration-lead");
    sheet.facts.push((
        page.t("application-client-id"),
        Fact::Id(Identifier::new(
            &page,
            registration.app_id.clone(),
            page.t("application-client-id"),
        )),
    ));
    match told {
        Told::Nothing => {}
        Told::Refused(notice, fields) => {
            sheet.frame.notices.push(notice);
            if fields.get("step") == "save" {
                retype(&mut registration, &fields);
            }
        }
        Told::Secret(secret) => {
            let notice = Notice::new(&page, Tone::Success, page.t("registration-secret-once"));
            sheet.frame.notices.push(notice);
            let what = page.t("registration-secret");
            sheet
                .facts
                .push((what.clone(), Fact::Id(Identifier::new(&page, secret, what))));
        }
    }
    if registration.is_password_grant_enabled {
        let notice = Notice::new(&page, Tone::Warning, page.t("registration-passwords-on"));
        sheet.frame.notices.push(notice);
    }
    let more = format!("{}/credentials", address(id));
    sheet.links.push(Link::new(more, page.t("credentials")));
    let form = visit.form(address(id));
    sheet.lists.push(secrets(&page, &registration, form.clone()));
    sheet.blocks = blocks(&page, &registration, &form);
    Ok(View(sheet).into_response())
}

/// Secrets and certificates; of a secret only its first signs are known.
fn secrets(page: &Page, registration: &Registration, form: Form) -> List {
    let hint = |one: &Credential| {
        page.t1(
            "registration-credential",
            "hint",
            one.hint.as_deref().unwrap_or_default(),
        )
    };
    let title = |one: &Credential| one.display_name.clone().unwrap_or_else(|| one.key_id.clone());
    let secrets = registration.password_credentials.iter().map(|one| Row {
        title: title(one),
        detail: hint(one),
        at: one.end_date_time.clone(),
        button: Some(("remove-secret", one.key_id.clone(), page.t("admin-remove"))),
        ..Row::default()
    });
    let certificates = registration.key_credentials.iter().map(|one| Row {
        title: title(one),
        href: Some(format!("{}/credentials", address(&registration.id))),
        detail: page.t("registration-certificate-until"),
        at: one.end_date_time.clone(),
        ..Row::default()
    });
    List {
        heading: page.t("registration-secrets"),
        lead: page.t("registration-secrets-lead"),
        form: Some(form),
        ..List::new(
            "secrets",
            page.t("registration-secrets-none"),
            secrets.chain(certificates).collect(),
        )
    }
}

fn blocks(page: &Page, registration: &Registration, form: &Form) -> Vec<Block> {
    let lives = LIVES.map(|days| {
        let days = usize::try_from(days).unwrap_or_default();
        (days.to_string(), page.tn("registration-days", "count", days))
    });
    let name = Field::text(page, "secret-name", page.t("registration-secret-name"));
    let uris = |kind: &'static str, redirects: &Redirects| {
        let key = format!("registration-addresses-{kind}");
        Part::Area(addresses(page, kind, &key, &redirects.redirect_uris))
    };
    vec![
        Block {
            parts: vec![
                Part::Field(name.hint(page.t("registration-secret-name-hint"))),
                Part::Select(Select::new("days", page.t("registration-life"), lives.to_vec()).chosen("180")),
            ],
            ..Block::new(
                "new-secret",
                page.t("registration-secret-new"),
                form.clone(),
                ("secret", page.t("registration-secret-make")),
            )
        },
        Block {
            parts: vec![
                Part::Field(Field::text(page, "name", page.t("application-name")).value(&*registration.display_name)),
                uris("web", &registration.web),
                uris("spa", &registration.spa),
                uris("publicClient", &registration.public_client),
                Part::Area(addresses(
                    page,
                    "uris",
                    "registration-uris",
                    &registration.identifier_uris,
                )),
                audience(page, registration.sign_in_audience.as_deref().unwrap_or_default()),
            ],
            lead: page.t("registration-edit-lead"),
            ..Block::new(
                "edit",
                page.t("policy-edit"),
                form.clone(),
                ("save", page.t("policy-save")),
            )
        },
        grants(page, registration, form.clone()),
        Block::danger(
            page,
            form.clone(),
            page.t("registration-delete-sure"),
            page.t("registration-delete"),
        ),
    ]
}

/// The ways to a token that are closed at first, each with what opening it means.
fn grants(page: &Page, registration: &Registration, form: Form) -> Block {
    let is_open = [
        registration.is_fallback_public_client,
        registration.is_backchannel_authentication_enabled,
        registration.is_password_grant_enabled,
    ];
    let options = GRANTS.iter().zip(is_open);
    let options = options.map(|(name, is)| ((*name).to_owned(), page.t(&format!("registration-{name}")), is));
    Block {
        lead: page.t("registration-grants-lead"),
        parts: vec![Part::Boxes(Boxes {
            name: "grant",
            legend: page.t("registration-grants"),
            options: options.collect(),
        })],
        kind: Kind::Folded,
        ..Block::new(
            "grants",
            page.t("registration-grants"),
            form,
            ("grants", page.t("policy-save")),
        )
    }
}
