//! `/admin/trust/{pki}/{authority}` — an authority that the establishment trusts, and its revocation list: where it is,
//! whether it counts, fetched now or given as a file.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hygie_web::ui::{Field, Form, Identifier, Input, Link, Notice, Page, Tone, View};
use serde_json::{Value, json};

use super::trust::authorities_of;
use super::{Section, Visit, Wrong, done, refusal};
use crate::api::{Api, ApiError, segment};
use crate::parts::{Boxes, Choose, Part};
use crate::pem;
use crate::sheet::{Block, Fact, Kind, Sheet};
use crate::upload::Upload;
use crate::wire::{Authority, RevocationList};

/// Whether browsers are told of an authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marked {
    Yes,
    No,
}

/// The box for it.
pub fn hint(page: &Page, marked: Marked) -> Part {
    Part::Boxes(Boxes {
        name: "hint",
        legend: page.t("trust-hints"),
        options: vec![("yes".to_owned(), page.t("trust-hint"), marked == Marked::Yes)],
    })
}

/// What is said of the revocation list of an authority.
pub fn state_of(page: &Page, authority: &Authority, list: Option<&RevocationList>) -> (Tone, String) {
    let has_address = authority.certificate_revocation_list_url.is_some();
    match list {
        None => (Tone::Warning, page.t("trust-list-unknown")),
        Some(list) if list.is_current => (Tone::Success, page.t("trust-list-current")),
        // What is left of the last one counts no longer; the next card fetches another.
        Some(list) if list.source.is_some() && has_address => (Tone::Warning, page.t("trust-list-fetched-anew")),
        Some(list) if list.source.is_some() => (Tone::Danger, page.t("trust-list-ended")),
        // Fetched when the first card comes.
        Some(_) if has_address => (Tone::Information, page.t("trust-list-not-yet")),
        Some(_) => (Tone::Warning, page.t("trust-list-none")),
    }
}

pub async fn get(visit: Visit, Path((pki, id)): Path<(String, String)>) -> Result<Response, Wrong> {
    let page = visit.page();
    show(&visit, page, (&pki, &id), None).await
}

pub async fn post(visit: Visit, Path((pki, id)): Path<(String, String)>, upload: Upload) -> Result<Response, Wrong> {
    visit.check(&upload.fields)?;
    let page = visit.page();
    let here = format!("/admin/trust/{}/{}", segment(&pki), segment(&id));
    let authority = format!("{}/{}", authorities_of(&pki), segment(&id));
    let notice = match act(&visit.api(), &authority, &upload).await {
        Ok(Done::Word("trust-authority-deleted")) => {
            return Ok(done(
                &format!("/admin/trust/{}", segment(&pki)),
                "trust-authority-deleted",
            ));
        }
        Ok(Done::Word(word)) => return Ok(done(&here, word)),
        Ok(Done::Problem(problem)) => {
            let text = page.t1("trust-fetch-failed", "reason", &problem);
            Notice::new(&page, Tone::Danger, text)
        }
        Ok(Done::NoFile) => Notice::new(&page, Tone::Danger, page.t("trust-no-list")),
        Err(error) => refusal(&page, error)?,
    };
    show(&visit, page, (&pki, &id), Some(notice)).await
}

/// What came of a form.
enum Done {
    Word(&'static str),
    /// A list was not fetched.
    Problem(String),
    NoFile,
}

async fn act(api: &Api<'_>, authority: &str, upload: &Upload) -> Result<Done, ApiError> {
    let list = format!("{authority}/certificateRevocationList");
    let fields = &upload.fields;
    match fields.get("step") {
        "refresh" => {
            let answer = api.post(&format!("{list}/refresh"), &json!({})).await?;
            let state: RevocationList = serde_json::from_value(answer).map_err(ApiError::Unreadable)?;
            let problem = state.problem.or(state.delta_problem);
            Ok(problem.map_or(Done::Word("trust-list-fetched"), Done::Problem))
        }
        "upload" => {
            let file = upload.file("list");
            let Some(der) = file.and_then(|file| pem::der(&file.content, "X509 CRL")) else {
                return Ok(Done::NoFile);
            };
            api.put(&list, &json!({ "content": STANDARD.encode(der) })).await?;
            Ok(Done::Word("trust-list-given"))
        }
        "address" => {
            let url = Some(fields.get("url")).filter(|url| !url.is_empty());
            let delta = Some(fields.get("delta")).filter(|url| !url.is_empty());
            let change = json!({ "certificateRevocationListUrl": url, "deltaCertificateRevocationListUrl": delta });
            api.patch(authority, &change).await?;
            Ok(Done::Word("trust-changed"))
        }
        "hint" => {
            let change = json!({ "isIssuerHintEnabled": fields.get("hint") == "yes" });
            api.patch(authority, &change).await?;
            Ok(Done::Word("trust-changed"))
        }
        "grace" => {
            // What is no number is refused by the directory, with its place.
            let hours = fields.get("hours");
            let hours = hours.parse::<u32>().map_or_else(|_| Value::from(hours), Value::from);
            api.patch(&list, &json!({ "graceInHours": hours })).await?;
            Ok(Done::Word("trust-changed"))
        }
        "delete" if fields.get("sure") == "yes" => {
            api.delete(authority).await?;
            Ok(Done::Word("trust-authority-deleted"))
        }
        _ => Err(ApiError::NotFound),
    }
}

async fn show(visit: &Visit, page: Page, (pki, id): (&str, &str), wrong: Option<Notice>) -> Result<Response, Wrong> {
    let api = visit.api();
    let path = format!("{}/{}", authorities_of(pki), segment(id));
    let authority: Authority = api.get(&path, &[]).await?;
    let list: RevocationList = api.get(&format!("{path}/certificateRevocationList"), &[]).await?;
    let mut frame = visit.frame(&page, Section::Trust);
    frame.notices.extend(wrong);
    let mut sheet = Sheet::new(&page, frame, authority.display_name.clone());
    sheet.back = Some(Link::new(
        format!("/admin/trust/{}", segment(pki)),
        page.t("trust-authorities"),
    ));
    sheet.tag = Some(state_of(&page, &authority, Some(&list)));
    sheet.facts = facts(&page, &authority, &list);
    let form = visit.form(format!("/admin/trust/{}/{}", segment(pki), segment(id)));
    sheet.blocks = blocks(&page, &form, &authority, &list);
    Ok(View(sheet).into_response())
}

fn blocks(page: &Page, form: &Form, authority: &Authority, list: &RevocationList) -> Vec<Block> {
    let mut blocks = Vec::new();
    if authority.certificate_revocation_list_url.is_some() {
        blocks.push(Block {
            lead: page.t("trust-refresh-lead"),
            is_upload: true,
            kind: Kind::Primary,
            ..Block::new(
                "refresh",
                page.t("trust-refresh"),
                form.clone(),
                ("refresh", page.t("trust-refresh-do")),
            )
        });
    }
    let marked = if authority.is_issuer_hint_enabled {
        Marked::Yes
    } else {
        Marked::No
    };
    let grace = Field::new(page, Input::Digits, "hours", page.t("trust-grace")).hint(page.t("trust-grace-hint"));
    let file = Choose {
        id: "list".to_owned(),
        name: "list",
        label: page.t("trust-list-file"),
        hint: page.t("trust-list-file-hint"),
        accept: ".crl,.der,.pem",
        is_required: true,
    };
    let folded = |id, key: &str, step, parts| Block {
        parts,
        is_upload: true,
        kind: Kind::Folded,
        ..Block::new(id, page.t(key), form.clone(), (step, page.t("policy-save")))
    };
    blocks.extend([
        folded("upload", "trust-list-give", "upload", vec![Part::Choose(file)]),
        folded("address", "trust-list-change", "address", addresses(page, authority)),
        folded("hint", "trust-hint-change", "hint", vec![hint(page, marked)]),
        folded(
            "grace",
            "trust-grace-change",
            "grace",
            vec![Part::Field(grace.value(list.grace_in_hours.to_string()))],
        ),
        Block {
            is_upload: true,
            ..Block::danger(
                page,
                form.clone(),
                page.t("trust-authority-sure"),
                page.t("trust-authority-delete"),
            )
        },
    ]);
    blocks
}

/// Where the lists of an authority are.
fn addresses(page: &Page, authority: &Authority) -> Vec<Part> {
    let field = |name: &'static str, key: &str, url: &Option<String>| {
        let field = Field::text(page, name, page.t(key)).hint(page.t(&format!("{key}-hint")));
        Part::Field(field.value(url.clone().unwrap_or_default()).optional())
    };
    vec![
        field("url", "trust-list-url", &authority.certificate_revocation_list_url),
        field(
            "delta",
            "trust-delta-url",
            &authority.delta_certificate_revocation_list_url,
        ),
    ]
}

fn facts(page: &Page, authority: &Authority, list: &RevocationList) -> Vec<(String, Fact)> {
    let mut facts = vec![
        (
            page.t("trust-kind"),
            Fact::Text(page.t(&format!("trust-kind-{}", authority.certificate_authority_type))),
        ),
        (page.t("trust-issuer"), Fact::Text(authority.issuer.clone())),
        (
            page.t("trust-thumbprint"),
            Fact::Id(Identifier::new(
                page,
                authority.thumbprint.clone(),
                page.t("trust-thumbprint"),
            )),
        ),
        (page.t("trust-until"), Fact::At(authority.expiration_date_time.clone())),
    ];
    if let Some(key) = &authority.issuer_subject_key_identifier {
        facts.push((page.t("trust-key"), Fact::Codes(vec![key.clone()])));
    }
    if let Some(url) = &authority.certificate_revocation_list_url {
        facts.push((page.t("trust-list-url"), Fact::Codes(vec![url.clone()])));
    }
    if let Some(url) = &authority.delta_certificate_revocation_list_url {
        facts.push((page.t("trust-delta-url"), Fact::Codes(vec![url.clone()])));
    }
    if authority.is_issuer_hint_enabled {
        facts.push((page.t("trust-hints"), Fact::Text(page.t("trust-hinted"))));
    }
    if let Some(source) = &list.source {
        facts.push((
            page.t("trust-list-from"),
            Fact::Text(page.t(&format!("trust-source-{source}"))),
        ));
    }
    for (key, at) in [
        ("trust-list-this", &list.this_update_date_time),
        ("trust-list-next", &list.next_update_date_time),
    ] {
        facts.extend(at.clone().map(|at| (page.t(key), Fact::At(at))));
    }
    if let Some(count) = list.revoked_count {
        facts.push((page.t("trust-list-revoked"), Fact::Text(count.to_string())));
    }
    if let Some(delta) = &list.delta {
        for (key, at) in [
            ("trust-delta-this", &delta.this_update_date_time),
            ("trust-delta-next", &delta.next_update_date_time),
        ] {
            facts.extend(at.clone().map(|at| (page.t(key), Fact::At(at))));
        }
        let count = delta.revoked_count.unwrap_or_default();
        facts.push((page.t("trust-delta-revoked"), Fact::Text(count.to_string())));
    }
    facts
}
