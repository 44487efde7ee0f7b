//! `/admin/methods/{id}` — one method: whether it is offered, for whom, and what is particular to it (models of passkeys,
//! lives of passes, bindings of certificates). The document of Graph says the rest.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use hygie_jose::{base64url, digest};
use hygie_web::ui::{Field, Input, Link, Notice, Page, View};
use serde_json::{Map, Value, json};

use super::methods::{HELLO, HERE, configuration, name, names, state};
use super::problem::{Problem, find_all, told};
use super::shown::VERSION;
use super::{Fields, Section, Visit, Wrong, done};
use crate::api::{Api, ApiError, segment};
use crate::parts::{Area, Boxes, Part, Select};
use crate::sheet::{Block, Kind, Sheet};
use crate::wire::{Configured, MethodTarget, Object};

/// Members that the service gives.
const GIVEN: [&str; 3] = ["id", "@odata.type", "@odata.context"];
/// Fields of a certificate and properties of an account that it may be bound by.
const CERTIFICATE_FIELDS: [&str; 7] = [
    "PrincipalName",
    "RFC822Name",
    "SubjectKeyIdentifier",
    "SHA1PublicKey",
    "IssuerAndSubject",
    "IssuerAndSerialNumber",
    "Subject",
];
const PROPERTIES: [&str; 3] = ["certificateUserIds", "userPrincipalName", "onPremisesUserPrincipalName"];
/// Bindings that the form has room for.
const BINDINGS: [(&str, &str); 4] = [
    ("field-1", "property-1"),
    ("field-2", "property-2"),
    ("field-3", "property-3"),
    ("field-4", "property-4"),
];

pub async fn get(visit: Visit, Path(id): Path<String>) -> Result<Response, Wrong> {
    let page = visit.page();
    show(&visit, page, &id, (None, None)).await
}

pub async fn post(visit: Visit, Path(id): Path<String>, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    let page = visit.page();
    match act(&visit.api(), &page, &id, &fields).await {
        Ok(()) => Ok(done(&format!("{HERE}/{}", segment(&id)), "method-changed")),
        Err(problem) => {
            // What somebody else changed is shown as it is now.
            let is_kept = !matches!(problem, Problem::Changed);
            let notice = told(&page, problem)?;
            show(&visit, page, &id, (Some(notice), Some(fields).filter(|_| is_kept))).await
        }
    }
}

async fn act(api: &Api<'_>, page: &Page, id: &str, fields: &Fields) -> Result<(), Problem> {
    let path = configuration(id);
    let before: Value = api.get(&path, &[]).await?;
    let shown = fields.get(VERSION);
    if !shown.is_empty() && shown != version(&before) {
        return Err(Problem::Changed);
    }
    if fields.get("step") == "document" {
        let document: Value =
            serde_json::from_str(fields.get("document")).map_err(|_| Problem::Said("policy-not-json"))?;
        return Ok(api.patch(&path, &changeable(document)).await?);
    }
    if id == HELLO {
        let models = fields.lines("aaguids").collect::<Vec<_>>();
        return Ok(api.patch(&path, &json!({ "aaGuids": models })).await?);
    }
    let mut change = json!({ "state": fields.get("state") });
    change["includeTargets"] = match fields.get("who") {
        "everybody" => vec![target(&before, "includeTargets", ("group", "all_users"))].into(),
        _ => targets(api, page, (&before, "includeTargets"), fields.get("people")).await?,
    };
    change["excludeTargets"] = targets(api, page, (&before, "excludeTargets"), fields.get("except")).await?;
    match id {
        "Fido2" => passkeys(&mut change, fields),
        "TemporaryAccessPass" => passes(&mut change, fields),
        "X509Certificate" => certificates(&mut change, &before, fields),
        _ => {}
    }
    Ok(api.patch(&path, &change).await?)
}

/// What a form was made from. The directory API names no version of it: what changes between this and the change is not seen.
fn version(document: &Value) -> String {
    base64url::encode(digest::sha256(document.to_string()))
}

/// A target with what it says already, or a new one.
fn target(before: &Value, member: &str, (kind, id): (&str, &str)) -> Value {
    let known = before[member].as_array().into_iter().flatten();
    let mut known = known.filter(|target| target["id"].as_str() == Some(id));
    known
        .next()
        .cloned()
        .unwrap_or_else(|| json!({ "targetType": kind, "id": id }))
}

async fn targets(api: &Api<'_>, page: &Page, (before, member): (&Value, &str), text: &str) -> Result<Value, Problem> {
    let who = find_all(api, page, text).await?;
    if let Some(role) = who.roles.first() {
        // A method is for people and groups.
        return Err(Problem::Unknown(role.clone()));
    }
    let users = who.users.iter().map(|id| target(before, member, ("user", id)));
    let groups = who.groups.iter().map(|id| target(before, member, ("group", id)));
    Ok(users.chain(groups).collect())
}

fn passkeys(change: &mut Value, fields: &Fields) {
    let is = |name: &str| fields.all("option").any(|value| value == name);
    change["isAttestationEnforced"] = is("attestation").into();
    change["isSelfServiceRegistrationAllowed"] = is("self-service").into();
    let kind = fields.get("models");
    change["keyRestrictions"] = json!({
        "isEnforced": kind != "any",
        "enforcementType": if kind == "block" { "block" } else { "allow" },
        "aaGuids": fields.lines("aaguids").collect::<Vec<_>>(),
    });
}

fn passes(change: &mut Value, fields: &Fields) {
    for name in PASS {
        // What is no number is refused by the directory, with its place.
        let text = fields.get(name);
        change[name] = text.parse::<u32>().map_or_else(|_| Value::from(text), Value::from);
    }
    change["isUsableOnce"] = fields.all("option").any(|value| value == "once").into();
}

/// What a pass is made of.
const PASS: [&str; 4] = [
    "defaultLength",
    "defaultLifetimeInMinutes",
    "minimumLifetimeInMinutes",
    "maximumLifetimeInMinutes",
];

fn certificates(change: &mut Value, before: &Value, fields: &Fields) {
    let mut mode = before["authenticationModeConfiguration"].clone();
    mode["x509CertificateAuthenticationDefaultMode"] = fields.get("mode").into();
    change["authenticationModeConfiguration"] = mode;
    let chosen = BINDINGS
        .iter()
        .map(|(field, property)| (fields.get(field), fields.get(property)))
        .filter(|(field, _)| !field.is_empty());
    let known = before["certificateUserBindings"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let known_bindings = known.len();
    let bindings = (1_u32..).zip(chosen).map(|(priority, (field, property))| {
        let mut known = known.iter().filter(|binding| {
            binding["x509CertificateField"].as_str() == Some(field)
                && binding["userProperty"].as_str() == Some(property)
        });
        let new = || json!({ "x509CertificateField": field, "userProperty": property });
        let mut binding = known.next().cloned().unwrap_or_else(new);
        binding["priority"] = priority.into();
        binding
    });
    if known_bindings <= BINDINGS.len() {
        change["certificateUserBindings"] = bindings.collect();
    }
    let is = |name: &str| fields.all("option").any(|value| value == name);
    let state = |is_enabled| if is_enabled { "enabled" } else { "disabled" };
    change["issuerHintsConfiguration"] = json!({ "state": state(is("hints")) });
    let exempted = before["crlValidationConfiguration"]["exemptedCertificateAuthoritiesSubjectKeyIdentifiers"].clone();
    change["crlValidationConfiguration"] = json!({
        "state": state(is("lists")),
        "exemptedCertificateAuthoritiesSubjectKeyIdentifiers": if exempted.is_array() { exempted } else { json!([]) },
    });
}

fn changeable(mut document: Value) -> Value {
    if let Some(members) = document.as_object_mut() {
        members.retain(|name, _| !GIVEN.contains(&name.as_str()));
    }
    document
}

async fn show(
    visit: &Visit,
    page: Page,
    id: &str,
    (wrong, typed): (Option<Notice>, Option<Fields>),
) -> Result<Response, Wrong> {
    let api = visit.api();
    let document: Value = api.get(&configuration(id), &[]).await?;
    let method: Configured = serde_json::from_value(document.clone()).map_err(ApiError::Unreadable)?;
    let mut frame = visit.frame(&page, Section::Methods);
    frame.notices.extend(wrong);
    let over = version(&document);
    let form = || {
        let form = visit.form(format!("{HERE}/{}", segment(&method.id)));
        form.carry(VERSION, over.clone())
    };
    let mut sheet = Sheet::new(&page, frame, name(&page, &method.id));
    sheet.back = Some(Link::new(HERE, page.t("admin-methods")));
    sheet.lead = page.find(&format!("method-{}-what", method.id)).unwrap_or_default();
    let parts = if method.id == HELLO {
        vec![Part::Area(models(&page, &document["aaGuids"], "method-hello-hint"))]
    } else {
        sheet.tag = Some(state(&page, &method));
        let mut parts = whom(&api, &page, &method).await?;
        match method.id.as_str() {
            "Fido2" => parts.extend(passkey_parts(&page, &document)),
            "TemporaryAccessPass" => parts.extend(pass_parts(&page, &document)),
            "X509Certificate" => parts.extend(certificate_parts(&page, &document)),
            _ => {}
        }
        parts
    };
    sheet.blocks.push(Block {
        parts,
        kind: Kind::Primary,
        ..Block::new("edit", page.t("policy-edit"), form(), ("save", page.t("policy-save")))
    });
    if method.id != HELLO {
        let value = serde_json::to_string_pretty(&changeable(document)).map_err(ApiError::Unreadable)?;
        let area = Area {
            is_required: true,
            is_tall: true,
            ..Area::new(
                "document",
                page.t("policy-document-label"),
                page.t("method-document-hint"),
                value,
            )
        };
        sheet.blocks.push(Block {
            parts: vec![Part::Area(area)],
            kind: Kind::Folded,
            ..Block::new(
                "by-document",
                page.t("policy-document"),
                form(),
                ("document", page.t("policy-save")),
            )
        });
    }
    if let Some(typed) = &typed {
        sheet.keep(typed);
    }
    Ok(View(sheet).into_response())
}

/// Whether it is offered, and for whom.
async fn whom(api: &Api<'_>, page: &Page, method: &Configured) -> Result<Vec<Part>, ApiError> {
    let all: Vec<&MethodTarget> = method.include_targets.iter().chain(&method.exclude_targets).collect();
    let names = names(api, &all).await?;
    let is_for_everybody = method.include_targets.iter().any(|target| target.id == "all_users");
    let states = ["enabled", "disabled"].map(|state| (state.to_owned(), page.t(&format!("method-{state}"))));
    let who = [("everybody", "policy-everybody"), ("some", "method-some")];
    let who = who.map(|(value, key)| (value.to_owned(), page.t(key)));
    let area = |name: &'static str, label: &str, hint: &str, targets: &[MethodTarget]| {
        Part::Area(Area::new(name, page.t(label), page.t(hint), typed(targets, &names)))
    };
    Ok(vec![
        Part::Select(Select::new("state", page.t("user-state"), states.to_vec()).chosen(&method.state)),
        Part::Select(
            Select::new("who", page.t("policy-who"), who.to_vec()).chosen(if is_for_everybody {
                "everybody"
            } else {
                "some"
            }),
        ),
        area("people", "method-people", "method-people-hint", &method.include_targets),
        area("except", "policy-except", "method-people-hint", &method.exclude_targets),
    ])
}

/// The names of targets as they are typed, one a line.
fn typed(targets: &[MethodTarget], names: &[Object]) -> String {
    let lines = targets.iter().filter(|target| target.id != "all_users").map(|target| {
        let found = names.iter().find(|object| object.id == target.id);
        let name = found.map(|object| {
            object
                .user_principal_name
                .clone()
                .unwrap_or_else(|| object.display_name.clone())
        });
        name.unwrap_or_else(|| target.id.clone())
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn models(page: &Page, aaguids: &Value, hint: &str) -> Area {
    let lines = aaguids.as_array().into_iter().flatten().filter_map(Value::as_str);
    Area::new(
        "aaguids",
        page.t("method-aaguids"),
        page.t(hint),
        lines.collect::<Vec<_>>().join("\n"),
    )
}

fn options(page: &Page, boxes: &[(&str, &str, bool)]) -> Part {
    let boxes = boxes
        .iter()
        .map(|(value, key, is_ticked)| ((*value).to_owned(), page.t(key), *is_ticked));
    Part::Boxes(Boxes {
        name: "option",
        legend: page.t("method-options"),
        options: boxes.collect(),
    })
}

fn passkey_parts(page: &Page, document: &Value) -> Vec<Part> {
    let is = |name: &str| document[name].as_bool().unwrap_or_default();
    let restrictions = &document["keyRestrictions"];
    let kind = match restrictions["enforcementType"].as_str() {
        _ if restrictions["isEnforced"].as_bool() != Some(true) => "any",
        Some("block") => "block",
        _ => "allow",
    };
    let kinds = ["any", "allow", "block"].map(|kind| (kind.to_owned(), page.t(&format!("method-models-{kind}"))));
    vec![
        options(
            page,
            &[
                (
                    "self-service",
                    "method-self-service",
                    is("isSelfServiceRegistrationAllowed"),
                ),
                ("attestation", "method-attestation", is("isAttestationEnforced")),
            ],
        ),
        Part::Select(Select::new("models", page.t("method-which-models"), kinds.to_vec()).chosen(kind)),
        Part::Area(models(page, &restrictions["aaGuids"], "method-aaguids-hint")),
    ]
}

fn pass_parts(page: &Page, document: &Value) -> Vec<Part> {
    let field = |name: &'static str| {
        let value = document[name].as_u64().unwrap_or_default().to_string();
        Part::Field(Field::new(page, Input::Digits, name, page.t(&format!("method-pass-{name}"))).value(value))
    };
    let once = document["isUsableOnce"].as_bool().unwrap_or_default();
    let mut parts: Vec<Part> = PASS.iter().map(|name| field(name)).collect();
    parts.push(options(page, &[("once", "method-pass-once", once)]));
    parts
}

fn certificate_parts(page: &Page, document: &Value) -> Vec<Part> {
    let modes = ["x509CertificateSingleFactor", "x509CertificateMultiFactor"];
    let modes = modes.map(|mode| (mode.to_owned(), page.t(&format!("trust-{mode}"))));
    let mode = document["authenticationModeConfiguration"]["x509CertificateAuthenticationDefaultMode"].as_str();
    let mut parts = vec![Part::Select(
        Select::new("mode", page.t("method-mode"), modes.to_vec())
            .chosen(mode.unwrap_or_default())
            .hint(page.t("method-mode-hint")),
    )];
    let nothing = Map::new();
    let mut bindings: Vec<&Map<String, Value>> = document["certificateUserBindings"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .collect();
    bindings.sort_by_key(|binding| binding.get("priority").and_then(Value::as_u64));
    let none = (String::new(), page.t("admin-none"));
    let fields = CERTIFICATE_FIELDS.map(|field| (field.to_owned(), page.t(&format!("method-field-{field}"))));
    let fields: Vec<_> = std::iter::once(none).chain(fields).collect();
    let properties = PROPERTIES.map(|one| (one.to_owned(), page.t(&format!("method-property-{one}"))));
    // One more than there are; more than the form has room for are changed by the document.
    let room = if bindings.len() > BINDINGS.len() {
        0
    } else {
        bindings.len() + 1
    };
    for (number, (field, property)) in BINDINGS.into_iter().enumerate().take(room) {
        let binding = bindings.get(number).copied().unwrap_or(&nothing);
        let value = |name: &str| binding.get(name).and_then(Value::as_str).unwrap_or_default();
        let label = page.tn("method-binding-field", "number", number + 1);
        parts.push(Part::Select(
            Select::new(field, label, fields.clone()).chosen(value("x509CertificateField")),
        ));
        let label = page.tn("method-binding-property", "number", number + 1);
        parts.push(Part::Select(
            Select::new(property, label, properties.to_vec()).chosen(value("userProperty")),
        ));
    }
    let is_needed = document["crlValidationConfiguration"]["state"].as_str() == Some("enabled");
    let is_hinted = document["issuerHintsConfiguration"]["state"].as_str() == Some("enabled");
    let boxes = [
        ("lists", "method-lists", is_needed),
        ("hints", "method-hints", is_hinted),
    ];
    parts.push(options(page, &boxes));
    parts
}
