//! `GET /admin/methods` — the means of identification of the establishment: which are offered, and for whom.

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get as read_by;
use hygie_web::ui::{Page, Tone, View};
use serde_json::Value;

use super::{Section, Visit, Wrong, method};
use crate::Console;
use crate::api::{Api, ApiError};
use crate::sheet::{List, Row, Sheet};
use crate::wire::{Configured, MethodTarget, Methods, Object};

pub const HERE: &str = "/admin/methods";
pub const POLICY: &str = "/policies/authenticationMethodsPolicy";
/// What counts as Windows Hello for Business, which Graph has no configuration for.
pub const HELLO: &str = "WindowsHelloForBusiness";

pub fn routes() -> Router<Console> {
    Router::new()
        .route(HERE, read_by(get))
        .route(&format!("{HERE}/{{id}}"), read_by(method::get).post(method::post))
}

/// Where the configuration of a method is.
pub fn configuration(id: &str) -> String {
    format!(
        "{POLICY}/authenticationMethodConfigurations/{}",
        crate::api::segment(id)
    )
}

/// What a method is called.
pub fn name(page: &Page, id: &str) -> String {
    page.find(&format!("method-{id}")).unwrap_or_else(|| id.to_owned())
}

async fn get(visit: Visit) -> Result<Response, Wrong> {
    let (page, api) = (visit.page(), visit.api());
    let methods: Methods = api.get(POLICY, &[]).await?;
    let methods = methods.authentication_method_configurations;
    let targets: Vec<&MethodTarget> = methods
        .iter()
        .flat_map(|one| one.include_targets.iter().chain(&one.exclude_targets))
        .collect();
    let names = names(&api, &targets).await?;
    let mut rows: Vec<Row> = methods
        .iter()
        .map(|one| Row {
            title: name(&page, &one.id),
            href: Some(format!("{HERE}/{}", one.id)),
            detail: whom(&page, one, &names),
            tag: Some(state(&page, one)),
            ..Row::default()
        })
        .collect();
    let hello: Value = api.get(&configuration(HELLO), &[]).await?;
    let models = hello["aaGuids"].as_array().map_or(0, Vec::len);
    rows.push(Row {
        title: name(&page, HELLO),
        href: Some(format!("{HERE}/{HELLO}")),
        detail: page.tn("method-models", "count", models),
        ..Row::default()
    });
    let mut sheet = Sheet::new(&page, visit.frame(&page, Section::Methods), page.t("admin-methods"));
    sheet.lead = page.t("methods-lead");
    sheet.lists.push(List::new("methods", page.t("admin-none"), rows));
    Ok(View(sheet).into_response())
}

/// Whether a method is offered.
pub fn state(page: &Page, method: &Configured) -> (Tone, String) {
    if method.state == "enabled" {
        (Tone::Success, page.t("method-enabled"))
    } else {
        (Tone::Information, page.t("method-disabled"))
    }
}

/// The names of people and groups that targets name.
pub async fn names(api: &Api<'_>, targets: &[&MethodTarget]) -> Result<Vec<Object>, ApiError> {
    let mut paths: Vec<String> = targets
        .iter()
        .filter(|target| target.id != "all_users")
        .map(|target| match target.target_type.as_str() {
            "user" => format!("/users/{}?$select=id,displayName,userPrincipalName", target.id),
            _ => format!("/groups/{}?$select=id,displayName", target.id),
        })
        .collect();
    paths.sort_unstable();
    paths.dedup();
    Ok(api.get_each(&paths).await?.into_iter().flatten().collect())
}

/// For whom a method is, in words.
fn whom(page: &Page, method: &Configured, names: &[Object]) -> String {
    let words = |targets: &[MethodTarget]| {
        let words = targets.iter().map(|target| {
            let found = names.iter().find(|object| object.id == target.id);
            match found {
                _ if target.id == "all_users" => page.t("sentence-everybody"),
                Some(object) => object.display_name.clone(),
                None => target.id.clone(),
            }
        });
        words.collect::<Vec<_>>().join(", ")
    };
    if method.include_targets.is_empty() {
        return page.t1("method-for", "who", &page.t("sentence-nobody"));
    }
    let who = words(&method.include_targets);
    if method.exclude_targets.is_empty() {
        return page.t1("method-for", "who", &who);
    }
    let except = words(&method.exclude_targets);
    page.with("method-for-but", &[("who", who.into()), ("except", except.into())])
}
