//! `/admin/registrations/{id}/credentials` — by what an application proves itself without a secret: certificates, and
//! tokens of another issuer (federated identity credentials).

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hygie_web::ui::{Field, Form, Link, Notice, Page, Tone, View};
use serde::Deserialize;
use serde_json::{Value, json};

use super::registration::address;
use super::{Fields, Section, Visit, Wrong, done, refusal};
use crate::api::{Api, ApiError, segment};
use crate::parts::{Choose, Part};
use crate::pem;
use crate::sheet::{Block, Kind, List, Row, Sheet};
use crate::upload::Upload;
use crate::wire::{Credential, Registration};

/// Whom the token of another issuer is for, where nothing else is agreed.
const AUDIENCE: &str = "api://AzureADTokenExchange";

/// Whose token of which issuer proves the application.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Federated {
    id: String,
    name: String,
    issuer: String,
    subject: String,
}

pub async fn get(visit: Visit, Path(id): Path<String>) -> Result<Response, Wrong> {
    show(&visit, &id, (Fields(Vec::new()), None)).await
}

pub async fn post(visit: Visit, Path(id): Path<String>, upload: Upload) -> Result<Response, Wrong> {
    visit.check(&upload.fields)?;
    let page = visit.page();
    let notice = match act(&visit.api(), &id, &upload).await {
        Ok(Some(word)) => return Ok(done(&format!("{}/credentials", address(&id)), word)),
        Ok(None) => Notice::new(&page, Tone::Danger, page.t("trust-no-certificate")),
        Err(error) => refusal(&page, error)?,
    };
    show(&visit, &id, (upload.fields, Some(notice))).await
}

/// Does what a form asks for; nothing for a file that is no certificate.
async fn act(api: &Api<'_>, id: &str, upload: &Upload) -> Result<Option<&'static str>, ApiError> {
    let application = format!("/applications/{}", segment(id));
    let federated = format!("{application}/federatedIdentityCredentials");
    let fields = &upload.fields;
    match fields.get("step") {
        "certificate" => {
            let file = upload.file("certificate");
            let Some(der) = file.and_then(|file| pem::der(&file.content, "CERTIFICATE")) else {
                return Ok(None);
            };
            let mut new = json!({ "type": "AsymmetricX509Cert", "usage": "Verify", "key": STANDARD.encode(der) });
            if !fields.get("certificate-name").is_empty() {
                new["displayName"] = fields.get("certificate-name").into();
            }
            let mut keys = kept(api, &application, "").await?;
            keys.push(new);
            api.patch(&application, &json!({ "keyCredentials": keys })).await?;
            Ok(Some("credentials-certificate"))
        }
        "remove-certificate" => {
            let keys = kept(api, &application, fields.get("item")).await?;
            api.patch(&application, &json!({ "keyCredentials": keys })).await?;
            Ok(Some("credentials-certificate-removed"))
        }
        "federated" => {
            let text = |name: &str| fields.get(name).to_owned();
            let new = json!({
                "name": text("name"), "issuer": text("issuer"), "subject": text("subject"),
                "audiences": [text("audience")],
            });
            api.post(&federated, &new).await?;
            Ok(Some("credentials-federated"))
        }
        "remove-federated" => {
            let item = segment(fields.get("item"));
            api.delete(&format!("{federated}/{item}")).await?;
            Ok(Some("credentials-federated-removed"))
        }
        _ => Err(ApiError::NotFound),
    }
}

/// The certificates that stay, by their ids; all but this one.
async fn kept(api: &Api<'_>, application: &str, without: &str) -> Result<Vec<Value>, ApiError> {
    let before: Registration = api.get(application, &[]).await?;
    let stays = |key: &&Credential| key.key_id != without;
    let keys = before.key_credentials.iter().filter(stays);
    Ok(keys.map(|key| json!({ "keyId": key.key_id })).collect())
}

async fn show(visit: &Visit, id: &str, (typed, wrong): (Fields, Option<Notice>)) -> Result<Response, Wrong> {
    let (page, api) = (visit.page(), visit.api());
    let path = format!("/applications/{}", segment(id));
    let registration: Registration = api.get(&path, &[]).await?;
    let federated: Vec<Federated> = api.all(&format!("{path}/federatedIdentityCredentials"), &[]).await?;
    let mut frame = visit.frame(&page, Section::Applications);
    frame.notices.extend(wrong);
    let mut sheet = Sheet::new(&page, frame, page.t("credentials"));
    sheet.back = Some(Link::new(address(id), registration.display_name.clone()));
    sheet.lead = page.t("credentials-lead");
    let form = visit.form(format!("{}/credentials", address(id)));
    sheet.lists = vec![
        certificates(&page, &registration.key_credentials, form.clone()),
        tokens(&page, &federated, form.clone()),
    ];
    sheet.blocks = blocks(&page, &typed, &form);
    Ok(View(sheet).into_response())
}

fn certificates(page: &Page, keys: &[Credential], form: Form) -> List {
    let rows = keys.iter().map(|key| Row {
        title: key.display_name.clone().unwrap_or_else(|| key.key_id.clone()),
        detail: page.t("credentials-until"),
        at: key.end_date_time.clone(),
        button: Some(("remove-certificate", key.key_id.clone(), page.t("admin-remove"))),
        ..Row::default()
    });
    List {
        heading: page.t("credentials-certificates"),
        form: Some(form),
        ..List::new("certificates", page.t("credentials-certificates-none"), rows.collect())
    }
}

fn tokens(page: &Page, federated: &[Federated], form: Form) -> List {
    let rows = federated.iter().map(|one| Row {
        title: one.name.clone(),
        detail: format!("{} · {}", one.issuer, one.subject),
        button: Some(("remove-federated", one.id.clone(), page.t("admin-remove"))),
        ..Row::default()
    });
    List {
        heading: page.t("credentials-federated"),
        lead: page.t("credentials-federated-lead"),
        form: Some(form),
        ..List::new("federated", page.t("credentials-federated-none"), rows.collect())
    }
}

fn blocks(page: &Page, typed: &Fields, form: &Form) -> Vec<Block> {
    let choose = Choose {
        id: "certificate".to_owned(),
        name: "certificate",
        label: page.t("registration-certificate"),
        hint: page.t("credentials-certificate-hint"),
        accept: ".cer,.crt,.der,.pem",
        is_required: true,
    };
    let field = |name: &'static str, key: &str| {
        let field = Field::text(page, name, page.t(key)).hint(page.t(&format!("{key}-hint")));
        field.value(typed.get(name)).autocomplete("off")
    };
    let audience = match typed.get("audience") {
        "" => AUDIENCE,
        audience => audience,
    };
    vec![
        Block {
            parts: vec![
                Part::Choose(choose),
                Part::Field(field("certificate-name", "credentials-certificate-name").optional()),
            ],
            is_upload: true,
            ..Block::new(
                "new-certificate",
                page.t("credentials-certificate-new"),
                form.clone(),
                ("certificate", page.t("credentials-add")),
            )
        },
        Block {
            lead: page.t("credentials-exactly"),
            parts: vec![
                Part::Field(field("name", "credentials-name")),
                Part::Field(field("issuer", "credentials-issuer")),
                Part::Field(field("subject", "credentials-subject")),
                Part::Field(field("audience", "credentials-audience").value(audience)),
            ],
            is_upload: true,
            kind: Kind::Plain,
            ..Block::new(
                "new-federated",
                page.t("credentials-federated-new"),
                form.clone(),
                ("federated", page.t("credentials-add")),
            )
        },
    ]
}
