//! `/admin/trust` — the trust store: the infrastructures of keys, whose authorities vouch for cards, whether their
//! revocation lists count, and what would happen to a card now.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get as read_by;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hygie_web::ui::{Field, Input, Link, Notice, Page, Tone, View};
use serde_json::{Value, json};

use super::sign_ins::details;
use super::{Fields, Section, Visit, Wrong, authority, back_to, done, refusal};
use crate::Console;
use crate::api::{Api, ApiError, segment};
use crate::parts::{Choose, Part, Select};
use crate::pem;
use crate::sheet::{Block, Fact, Kind, List, Row, Sheet};
use crate::upload::Upload;
use crate::wire::{Authority, Object, RevocationList, Trial};

const HERE: &str = "/admin/trust";
const PKIS: &str = "/directory/publicKeyInfrastructure/certificateBasedAuthConfigurations";
const TRY: &str = "/directory/publicKeyInfrastructure/tryCertificate";

/// The name that would be typed before the card is asked for.
const TYPED: &str = "userPrincipalName";

pub fn routes() -> Router<Console> {
    Router::new()
        .route(HERE, read_by(get).post(post))
        .route(&format!("{HERE}/try"), back_to(HERE).post(attempt))
        .route(&format!("{HERE}/{{pki}}"), read_by(pki).post(post_pki))
        .route(
            &format!("{HERE}/{{pki}}/{{id}}"),
            read_by(authority::get).post(authority::post),
        )
}

/// The authorities of an infrastructure.
pub fn authorities_of(pki: &str) -> String {
    format!("{PKIS}/{}/certificateAuthorities", segment(pki))
}

async fn get(visit: Visit) -> Result<Response, Wrong> {
    let page = visit.page();
    show(&visit, page, None, None).await
}

/// Makes an infrastructure.
async fn post(visit: Visit, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    let page = visit.page();
    match visit
        .api()
        .post(PKIS, &json!({ "displayName": fields.get("name") }))
        .await
    {
        Ok(made) => {
            let id = made["id"].as_str().unwrap_or_default();
            Ok(done(&format!("{HERE}/{}", segment(id)), "trust-made"))
        }
        Err(error) => {
            let notice = refusal(&page, error)?;
            let mut sheet = sheet(&visit, page, Some(notice), None).await?;
            sheet.keep(&fields);
            Ok(View(sheet).into_response())
        }
    }
}

/// What would happen to a card.
async fn attempt(visit: Visit, upload: Upload) -> Result<Response, Wrong> {
    visit.check(&upload.fields)?;
    let page = visit.page();
    let der = upload
        .file("certificate")
        .and_then(|file| pem::der(&file.content, "CERTIFICATE"));
    let Some(der) = der else {
        let notice = Notice::new(&page, Tone::Danger, page.t("trust-no-certificate"));
        return show(&visit, page, Some(notice), None).await;
    };
    let mut body = json!({ "certificate": STANDARD.encode(der) });
    let name = upload.fields.get(TYPED);
    if !name.is_empty() {
        body[TYPED] = Value::from(name);
    }
    match visit.api().post(TRY, &body).await {
        Ok(answer) => {
            let trial = serde_json::from_value(answer).map_err(ApiError::Unreadable)?;
            let mut sheet = sheet(&visit, page, None, Some(trial)).await?;
            sheet.keep(&upload.fields);
            Ok(View(sheet).into_response())
        }
        Err(error) => {
            let notice = refusal(&page, error)?;
            show(&visit, page, Some(notice), None).await
        }
    }
}

async fn show(visit: &Visit, page: Page, wrong: Option<Notice>, trial: Option<Trial>) -> Result<Response, Wrong> {
    Ok(View(sheet(visit, page, wrong, trial).await?).into_response())
}

async fn sheet(visit: &Visit, page: Page, wrong: Option<Notice>, trial: Option<Trial>) -> Result<Sheet, Wrong> {
    let api = visit.api();
    let pkis: Vec<Object> = api.all(PKIS, &[]).await?;
    let mut lists = Vec::new();
    for pki in &pkis {
        lists.push(authorities(&api, &page, pki).await?);
    }
    let mut frame = visit.frame(&page, Section::Trust);
    frame.notices.extend(wrong);
    if pkis.is_empty() {
        frame
            .notices
            .push(Notice::new(&page, Tone::Information, page.t("trust-none")));
    }
    let mut sheet = Sheet::new(&page, frame, page.t("admin-trust"));
    if let Some(trial) = &trial {
        sheet.frame.notices.push(verdict(&page, trial));
        sheet.facts = facts(&page, trial);
    }
    sheet.lead = page.t("trust-lead");
    sheet.lists = lists;
    let choose = Part::Choose(Choose {
        id: "certificate".to_owned(),
        name: "certificate",
        label: page.t("trust-certificate"),
        hint: page.t("trust-certificate-hint"),
        accept: ".cer,.crt,.der,.pem",
        is_required: true,
    });
    let typed = Field::new(&page, Input::Name, TYPED, page.t("trust-typed")).hint(page.t("trust-typed-hint"));
    let form = visit.form(format!("{HERE}/try"));
    sheet.blocks.push(Block {
        lead: page.t("trust-try-lead"),
        parts: vec![choose, Part::Field(typed.autocomplete("off").optional())],
        is_upload: true,
        ..Block::new("try", page.t("trust-try"), form, ("try", page.t("trust-try-do")))
    });
    let name = Field::text(&page, "name", page.t("trust-name")).hint(page.t("trust-name-hint"));
    sheet.blocks.push(Block {
        parts: vec![Part::Field(name)],
        ..Block::new(
            "new",
            page.t("trust-new"),
            visit.form(HERE),
            ("create", page.t("trust-create")),
        )
    });
    Ok(sheet)
}

/// What a trial came to, in a sentence.
fn verdict(page: &Page, trial: &Trial) -> Notice {
    match (&trial.user, &trial.reason) {
        (Some(user), _) => {
            let text = page.t1("trust-would", "person", &user.display_name);
            Notice::new(page, Tone::Success, text)
        }
        (None, Some(reason)) => {
            let words = page.find(&format!("trust-{reason}"));
            let words = words.unwrap_or_else(|| trial.message.clone().unwrap_or_default());
            Notice::new(page, Tone::Danger, page.t1("trust-would-not", "reason", &words))
        }
        (None, None) => Notice::new(page, Tone::Warning, page.t("trust-would-not-known")),
    }
}

fn facts(page: &Page, trial: &Trial) -> Vec<(String, Fact)> {
    let text = |text: &str| Fact::Text(text.to_owned());
    let mut facts = Vec::new();
    if let Some(subject) = &trial.subject {
        facts.push((page.t("trust-subject"), text(subject)));
    }
    if let Some(issuer) = &trial.issuer {
        facts.push((page.t("trust-issuer"), text(issuer)));
    }
    if let Some(end) = &trial.expiration_date_time {
        facts.push((page.t("trust-until"), Fact::At(end.clone())));
    }
    let chain: Vec<&str> = trial.chain.iter().map(|one| one.display_name.as_str()).collect();
    let chain = if chain.is_empty() {
        page.t("trust-no-chain")
    } else {
        chain.join(" → ")
    };
    facts.push((page.t("trust-chain"), Fact::Text(chain)));
    if let Some(user) = &trial.user {
        let name = user.user_principal_name.clone().unwrap_or_default();
        facts.push((page.t("trust-person"), Fact::Text(name)));
    }
    if let Some(mode) = &trial.authentication_mode {
        let words = page.find(&format!("trust-{mode}")).unwrap_or_else(|| mode.clone());
        facts.push((page.t("trust-worth"), Fact::Text(words)));
    }
    // As the log of a sign-in would tell it; its subject is told above.
    let told = details(page, &trial.authentication_processing_details);
    let is_new = |value: &str| trial.subject.as_deref() != Some(value);
    facts.extend(
        told.into_iter()
            .filter(|(_, value)| is_new(value))
            .map(|(name, value)| (name, Fact::Text(value))),
    );
    facts
}

/// The authorities of an infrastructure, with whether their lists count.
async fn authorities(api: &Api<'_>, page: &Page, pki: &Object) -> Result<List, ApiError> {
    let path = authorities_of(&pki.id);
    let all: Vec<Authority> = api.all(&path, &[]).await?;
    let lists: Vec<String> = all
        .iter()
        .map(|one| format!("{path}/{}/certificateRevocationList", one.id))
        .collect();
    let states: Vec<Option<RevocationList>> = api.get_each(&lists).await?;
    let rows = all.iter().zip(states).map(|(one, state)| Row {
        title: one.display_name.clone(),
        href: Some(format!("{HERE}/{}/{}", segment(&pki.id), segment(&one.id))),
        detail: page.t(&format!("trust-kind-{}", one.certificate_authority_type)),
        tag: Some(authority::state_of(page, one, state.as_ref())),
        ..Row::default()
    });
    Ok(List {
        heading: pki.display_name.clone(),
        href: Some(format!("{HERE}/{}", segment(&pki.id))),
        ..List::new(format!("of-{}", pki.id), page.t("trust-no-authority"), rows.collect())
    })
}

async fn pki(visit: Visit, Path(id): Path<String>) -> Result<Response, Wrong> {
    let page = visit.page();
    show_pki(&visit, page, &id, (None, None)).await
}

async fn post_pki(visit: Visit, Path(id): Path<String>, upload: Upload) -> Result<Response, Wrong> {
    visit.check(&upload.fields)?;
    let (page, here) = (visit.page(), format!("{HERE}/{}", segment(&id)));
    match act(&visit.api(), &id, &upload).await {
        Ok("trust-deleted") => Ok(done(HERE, "trust-deleted")),
        Ok(word) => Ok(done(&here, word)),
        Err(None) => {
            let notice = Notice::new(&page, Tone::Danger, page.t("trust-no-certificate"));
            show_pki(&visit, page, &id, (Some(notice), Some(&upload.fields))).await
        }
        Err(Some(error)) => {
            let notice = refusal(&page, error)?;
            show_pki(&visit, page, &id, (Some(notice), Some(&upload.fields))).await
        }
    }
}

/// Does what a form asks for; an error without one is a file that is no certificate.
async fn act(api: &Api<'_>, id: &str, upload: &Upload) -> Result<&'static str, Option<ApiError>> {
    let pki = format!("{PKIS}/{}", segment(id));
    let fields = &upload.fields;
    match fields.get("step") {
        "rename" => {
            let name = json!({ "displayName": fields.get("name") });
            api.patch(&pki, &name).await?;
            Ok("trust-changed")
        }
        "add" => {
            let file = upload.file("certificate").ok_or(None)?;
            let der = pem::der(&file.content, "CERTIFICATE").ok_or(None)?;
            let mut new = json!({
                "certificate": STANDARD.encode(der),
                "certificateAuthorityType": fields.get("kind"),
                "isIssuerHintEnabled": fields.get("hint") == "yes",
            });
            if !fields.get("list").is_empty() {
                new["certificateRevocationListUrl"] = Value::from(fields.get("list"));
            }
            api.post(&authorities_of(id), &new).await?;
            Ok("trust-authority-added")
        }
        "delete" if fields.get("sure") == "yes" => {
            api.delete(&pki).await?;
            Ok("trust-deleted")
        }
        _ => Err(Some(ApiError::NotFound)),
    }
}

async fn show_pki(
    visit: &Visit,
    page: Page,
    id: &str,
    (wrong, typed): (Option<Notice>, Option<&Fields>),
) -> Result<Response, Wrong> {
    let api = visit.api();
    let pki: Object = api.get(&format!("{PKIS}/{}", segment(id)), &[]).await?;
    let mut frame = visit.frame(&page, Section::Trust);
    frame.notices.extend(wrong);
    let form = || visit.form(format!("{HERE}/{}", segment(&pki.id)));
    let mut sheet = Sheet::new(&page, frame, pki.display_name.clone());
    sheet.back = Some(Link::new(HERE, page.t("admin-trust")));
    sheet.lists.push(List {
        heading: page.t("trust-authorities"),
        href: None,
        ..authorities(&api, &page, &pki).await?
    });
    let kinds = ["root", "intermediate"].map(|kind| (kind.to_owned(), page.t(&format!("trust-kind-{kind}"))));
    let choose = Choose {
        id: "certificate".to_owned(),
        name: "certificate",
        label: page.t("trust-authority-certificate"),
        hint: page.t("trust-certificate-hint"),
        accept: ".cer,.crt,.der,.pem",
        is_required: true,
    };
    let list = Field::text(&page, "list", page.t("trust-list-url"));
    sheet.blocks.push(Block {
        parts: vec![
            Part::Choose(choose),
            Part::Select(Select::new("kind", page.t("trust-kind"), kinds.to_vec())),
            Part::Field(list.hint(page.t("trust-list-url-hint")).optional()),
            authority::hint(&page, authority::Marked::No),
        ],
        kind: Kind::Primary,
        is_upload: true,
        lead: page.t("trust-add-lead"),
        ..Block::new("add", page.t("trust-add"), form(), ("add", page.t("trust-add-do")))
    });
    let name = Field::text(&page, "name", page.t("trust-name")).value(&*pki.display_name);
    sheet.blocks.push(Block {
        parts: vec![Part::Field(name)],
        is_upload: true,
        kind: Kind::Folded,
        ..Block::new(
            "rename",
            page.t("trust-rename"),
            form(),
            ("rename", page.t("policy-save")),
        )
    });
    sheet.blocks.push(Block {
        is_upload: true,
        ..Block::danger(&page, form(), page.t("trust-delete-sure"), page.t("trust-delete"))
    });
    if let Some(typed) = typed {
        sheet.keep(typed);
    }
    Ok(View(sheet).into_response())
}
