//! `/admin/strengths` — authentication strengths: which means together are enough, and what narrows them to models of
//! passkeys or to issuers and policies of certificates.

use std::collections::BTreeSet;

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get as read_by;
use hygie_web::ui::{Field, Form, Link, Notice, Page, Tone, View};
use serde_json::{Value, json};

use super::shown::VERSION;
use super::{Fields, Section, Visit, Wrong, done, refusal};
use crate::Console;
use crate::api::{Api, ApiError, segment};
use crate::parts::{Area, Boxes, Part, Select};
use crate::sheet::{Block, Kind, List, Row, Sheet};
use crate::wire::{Narrowed, Strength};

const HERE: &str = "/admin/strengths";
const STRENGTHS: &str = "/policies/authenticationStrengthPolicies";
/// Combinations that the form offers; others that a strength has stay in it.
const COMBINATIONS: [&str; 9] = [
    "windowsHelloForBusiness",
    "fido2",
    "x509CertificateMultiFactor",
    "temporaryAccessPassOneTime",
    "temporaryAccessPassMultiUse",
    "password,softwareOath",
    "password,x509CertificateSingleFactor",
    "x509CertificateSingleFactor",
    "password",
];
/// What may be narrowed, to what, in which member.
const NARROWED: [(&str, &str, &str, &str); 5] = [
    ("models", "fido2", "fido2CombinationConfiguration", "allowedAAGUIDs"),
    (
        "issuers-multi",
        "x509CertificateMultiFactor",
        "x509CertificateCombinationConfiguration",
        "allowedIssuerSkis",
    ),
    (
        "policies-multi",
        "x509CertificateMultiFactor",
        "x509CertificateCombinationConfiguration",
        "allowedPolicyOIDs",
    ),
    (
        "issuers-single",
        "x509CertificateSingleFactor",
        "x509CertificateCombinationConfiguration",
        "allowedIssuerSkis",
    ),
    (
        "policies-single",
        "x509CertificateSingleFactor",
        "x509CertificateCombinationConfiguration",
        "allowedPolicyOIDs",
    ),
];

pub fn routes() -> Router<Console> {
    Router::new()
        .route(HERE, read_by(list))
        .route(&format!("{HERE}/new"), read_by(new).post(create))
        .route(&format!("{HERE}/{{id}}"), read_by(get).post(post))
}

/// Its name; those that are there from the beginning have one in each language.
fn name(page: &Page, strength: &Strength) -> String {
    let words = page.find(&format!("strength-{}", strength.id));
    words.unwrap_or_else(|| strength.display_name.clone())
}

async fn list(visit: Visit) -> Result<Response, Wrong> {
    let page = visit.page();
    let all: Vec<Strength> = visit.api().all(STRENGTHS, &[]).await?;
    let rows = all.iter().map(|one| Row {
        title: name(&page, one),
        href: Some(format!("{HERE}/{}", segment(&one.id))),
        detail: words(&page, &one.allowed_combinations),
        tag: (one.policy_type == "builtIn").then(|| (Tone::Information, page.t("strength-built-in"))),
        ..Row::default()
    });
    let mut sheet = Sheet::new(&page, visit.frame(&page, Section::Strengths), page.t("admin-strengths"));
    sheet.lead = page.t("strengths-lead");
    sheet.action = Some(Link::new(format!("{HERE}/new"), page.t("strengths-new")));
    sheet
        .lists
        .push(List::new("strengths", page.t("admin-none"), rows.collect()));
    Ok(View(sheet).into_response())
}

/// Combinations in words.
fn words(page: &Page, combinations: &[String]) -> String {
    let all = combinations.iter().map(|one| combination(page, one));
    all.collect::<Vec<_>>().join(" · ")
}

fn combination(page: &Page, combination: &str) -> String {
    let modes = combination.split(',').map(|mode| {
        let mode = mode.trim();
        page.find(&format!("mode-{mode}")).unwrap_or_else(|| mode.to_owned())
    });
    modes.collect::<Vec<_>>().join(" + ")
}

async fn new(visit: Visit) -> Result<Response, Wrong> {
    let page = visit.page();
    Ok(blank(&visit, &page, &Fields(Vec::new()), None))
}

async fn create(visit: Visit, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    let page = visit.page();
    match visit.api().post(STRENGTHS, &typed(&fields)).await {
        Ok(made) => {
            let id = made["id"].as_str().unwrap_or_default();
            Ok(done(&format!("{HERE}/{}", segment(id)), "strength-made"))
        }
        Err(error) => {
            let notice = refusal(&page, error)?;
            Ok(blank(&visit, &page, &fields, Some(notice)))
        }
    }
}

fn typed(fields: &Fields) -> Value {
    let combinations: Vec<&str> = fields.all("combination").collect();
    let description = Some(fields.get("description")).filter(|text| !text.is_empty());
    let mut new = json!({ "displayName": fields.get("name"), "allowedCombinations": combinations });
    if let Some(description) = description {
        new["description"] = description.into();
    }
    new
}

fn blank(visit: &Visit, page: &Page, fields: &Fields, wrong: Option<Notice>) -> Response {
    let mut frame = visit.frame(page, Section::Strengths);
    frame.notices.extend(wrong);
    let mut sheet = Sheet::new(page, frame, page.t("strengths-new"));
    sheet.back = Some(Link::new(HERE, page.t("admin-strengths")));
    sheet.lead = page.t("strengths-new-lead");
    let chosen: Vec<String> = fields.all("combination").map(str::to_owned).collect();
    sheet.blocks.push(Block {
        parts: parts(page, fields.get("name"), fields.get("description"), &chosen),
        kind: Kind::Primary,
        ..Block::new(
            "new",
            String::new(),
            visit.form(format!("{HERE}/new")),
            ("create", page.t("strengths-create")),
        )
    });
    View(sheet).into_response()
}

fn parts(page: &Page, name: &str, description: &str, chosen: &[String]) -> Vec<Part> {
    let known: BTreeSet<&str> = COMBINATIONS.into_iter().collect();
    let others = chosen.iter().map(String::as_str).filter(|one| !known.contains(one));
    let options = COMBINATIONS.into_iter().chain(others).map(|one| {
        let is_chosen = chosen.iter().any(|chosen| chosen == one);
        (one.to_owned(), combination(page, one), is_chosen)
    });
    vec![
        Part::Field(Field::text(page, "name", page.t("strength-name")).value(name)),
        Part::Field(
            Field::text(page, "description", page.t("group-description"))
                .value(description)
                .optional(),
        ),
        Part::Boxes(Boxes {
            name: "combination",
            legend: page.t("strength-any-of"),
            options: options.collect(),
        }),
    ]
}

async fn get(visit: Visit, Path(id): Path<String>) -> Result<Response, Wrong> {
    let page = visit.page();
    show(&visit, page, &id, (None, None)).await
}

async fn post(visit: Visit, Path(id): Path<String>, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    let page = visit.page();
    match act(&visit.api(), &id, &fields).await {
        Ok("strength-deleted") => Ok(done(HERE, "strength-deleted")),
        Ok(word) => Ok(done(&format!("{HERE}/{}", segment(&id)), word)),
        Err(error) => {
            // What somebody else changed is shown as it is now.
            let is_kept = !matches!(error, ApiError::Changed);
            let notice = refusal(&page, error)?;
            show(&visit, page, &id, (Some(notice), Some(fields).filter(|_| is_kept))).await
        }
    }
}

async fn act(api: &Api<'_>, id: &str, fields: &Fields) -> Result<&'static str, ApiError> {
    let strength = format!("{STRENGTHS}/{}", segment(id));
    let version = fields.get(VERSION);
    match fields.get("step") {
        "save" => {
            let mut change = typed(fields);
            let combinations = change["allowedCombinations"].take();
            let before: Strength = api.get(&strength, &[]).await?;
            let names = json!({ "displayName": change["displayName"], "description": fields.get("description") });
            api.patch_version(&strength, &names, version).await?;
            let is_same = json!(before.allowed_combinations) == combinations;
            if !is_same {
                let body = json!({ "allowedCombinations": combinations });
                api.post(&format!("{strength}/updateAllowedCombinations"), &body)
                    .await?;
            }
            Ok("strength-changed")
        }
        "narrow" => {
            let wanted = NARROWED.iter().find(|(name, ..)| *name == fields.get("narrow"));
            let (_, mode, kind, member) = wanted.ok_or(ApiError::NotFound)?;
            let values: Vec<&str> = fields.lines("values").collect();
            let mut new = json!({ "@odata.type": format!("#microsoft.graph.{kind}"), "appliesToCombinations": [mode] });
            new[*member] = json!(values);
            api.post(&format!("{strength}/combinationConfigurations"), &new).await?;
            Ok("strength-changed")
        }
        "widen" => {
            let item = segment(fields.get("item"));
            api.delete(&format!("{strength}/combinationConfigurations/{item}"))
                .await?;
            Ok("strength-changed")
        }
        "delete" if fields.get("sure") == "yes" => {
            api.delete_version(&strength, version).await?;
            Ok("strength-deleted")
        }
        _ => Err(ApiError::NotFound),
    }
}

async fn show(
    visit: &Visit,
    page: Page,
    id: &str,
    (wrong, typed): (Option<Notice>, Option<Fields>),
) -> Result<Response, Wrong> {
    let path = format!("{STRENGTHS}/{}", segment(id));
    let (strength, version): (Strength, String) = visit.api().get_version(&path).await?;
    let mut frame = visit.frame(&page, Section::Strengths);
    frame.notices.extend(wrong);
    let mut sheet = Sheet::new(&page, frame, name(&page, &strength));
    sheet.back = Some(Link::new(HERE, page.t("admin-strengths")));
    sheet.lead = words(&page, &strength.allowed_combinations);
    let form = visit.form(format!("{HERE}/{}", segment(id))).carry(VERSION, version);
    if strength.policy_type == "builtIn" {
        sheet.tag = Some((Tone::Information, page.t("strength-built-in")));
        sheet
            .frame
            .notices
            .push(Notice::new(&page, Tone::Information, page.t("strength-fixed")));
        return Ok(View(sheet).into_response());
    }
    let rows = strength.combination_configurations.iter().map(|one| row(&page, one));
    sheet.lists.push(List {
        heading: page.t("strength-narrowed"),
        lead: page.t("strength-narrowed-lead"),
        form: Some(form.clone()),
        ..List::new("narrowed", page.t("strength-not-narrowed"), rows.collect())
    });
    sheet.blocks = blocks(&page, &strength, &form);
    if let Some(typed) = &typed {
        sheet.keep(typed);
    }
    Ok(View(sheet).into_response())
}

/// What narrows a strength.
fn row(page: &Page, one: &Narrowed) -> Row {
    let values = [&one.allowed_models, &one.allowed_issuer_skis, &one.allowed_policies];
    let values: Vec<&str> = values.into_iter().flatten().map(String::as_str).collect();
    Row {
        title: words(page, &one.applies_to_combinations),
        detail: values.join(", "),
        button: Some(("widen", one.id.clone(), page.t("admin-remove"))),
        ..Row::default()
    }
}

fn blocks(page: &Page, strength: &Strength, form: &Form) -> Vec<Block> {
    let description = strength.description.as_deref().unwrap_or_default();
    let narrowed = NARROWED.map(|(name, ..)| (name.to_owned(), page.t(&format!("strength-{name}"))));
    let values = Area {
        is_required: true,
        ..Area::new(
            "values",
            page.t("strength-values"),
            page.t("strength-values-hint"),
            String::new(),
        )
    };
    vec![
        Block {
            parts: parts(
                page,
                &strength.display_name,
                description,
                &strength.allowed_combinations,
            ),
            kind: Kind::Primary,
            ..Block::new(
                "edit",
                page.t("policy-edit"),
                form.clone(),
                ("save", page.t("policy-save")),
            )
        },
        Block {
            parts: vec![
                Part::Select(Select::new("narrow", page.t("strength-what"), narrowed.to_vec())),
                Part::Area(values),
            ],
            kind: Kind::Folded,
            ..Block::new(
                "narrow",
                page.t("strength-narrow"),
                form.clone(),
                ("narrow", page.t("strength-narrow-do")),
            )
        },
        Block::danger(
            page,
            form.clone(),
            page.t("strength-delete-sure"),
            page.t("strength-delete"),
        ),
    ]
}
