//! `/admin/users/invite` — invites somebody of another establishment of this installation as a guest. No message is sent:
//! the page shows the address that the guest opens.

use axum::response::{IntoResponse, Response};
use hygie_web::ui::{Field, Identifier, Input, Link, Notice, Page, Tone, View};
use serde_json::json;

use super::{Fields, Section, Visit, Wrong, refusal};
use crate::api::ApiError;
use crate::parts::Part;
use crate::sheet::{Block, Fact, Kind, Sheet};

/// The page.
pub const HERE: &str = "/admin/users/invite";

pub async fn get(visit: Visit) -> Result<Response, Wrong> {
    Ok(show(&visit, &Fields(Vec::new()), None))
}

pub async fn post(visit: Visit, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    let page = visit.page();
    let text = |name: &str| Some(fields.get(name)).filter(|text| !text.is_empty());
    let portal = format!("{}/", visit.console.0.deps.portal);
    let mut body = json!({
        "invitedUserEmailAddress": fields.get("address"),
        "inviteRedirectUrl": text("redirect").unwrap_or(&portal),
        "sendInvitationMessage": false,
    });
    if let Some(name) = text("name") {
        body["invitedUserDisplayName"] = name.into();
    }
    match visit.api().post("/invitations", &body).await {
        Ok(made) => Ok(invited(&visit, &page, &made)),
        Err(ApiError::NotFound) => {
            let notice = Notice::new(&page, Tone::Danger, page.t("invite-nobody"));
            Ok(show(&visit, &fields, Some(notice)))
        }
        Err(error) => {
            let notice = refusal(&page, error)?;
            Ok(show(&visit, &fields, Some(notice)))
        }
    }
}

/// The invitation, shown this once.
fn invited(visit: &Visit, page: &Page, made: &serde_json::Value) -> Response {
    let text = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
    let mut frame = visit.frame(page, Section::Users);
    let notice = Notice::new(page, Tone::Success, page.t("invite-once"));
    frame.notices.push(notice);
    let mut sheet = Sheet::new(page, frame, page.t("invite-made"));
    sheet.back = Some(Link::new("/admin/users", page.t("admin-users")));
    let what = page.t("invite-link");
    let link = Identifier::new(page, text("inviteRedeemUrl"), what.clone());
    let guest = text("invitedUserEmailAddress");
    sheet.facts = vec![(page.t("invite-address"), Fact::Text(guest)), (what, Fact::Id(link))];
    let id = made["invitedUser"]["id"].as_str().unwrap_or_default();
    let account = format!("/admin/users/{}", crate::api::segment(id));
    sheet.action = Some(Link::new(account, page.t("invite-account")));
    View(sheet).into_response()
}

fn show(visit: &Visit, typed: &Fields, wrong: Option<Notice>) -> Response {
    let page = visit.page();
    let mut frame = visit.frame(&page, Section::Users);
    frame.notices.extend(wrong);
    let mut sheet = Sheet::new(&page, frame, page.t("invite"));
    sheet.back = Some(Link::new("/admin/users", page.t("admin-users")));
    sheet.lead = page.t("invite-lead");
    let address = Field::new(&page, Input::Name, "address", page.t("invite-address"));
    let name = Field::text(&page, "name", page.t("user-display-name")).hint(page.t("invite-name-hint"));
    let redirect = Field::text(&page, "redirect", page.t("invite-redirect")).hint(page.t("invite-redirect-hint"));
    sheet.blocks.push(Block {
        parts: vec![
            Part::Field(
                address
                    .hint(page.t("invite-address-hint"))
                    .value(typed.get("address"))
                    .autocomplete("off"),
            ),
            Part::Field(name.value(typed.get("name")).autocomplete("off").optional()),
            Part::Field(redirect.value(typed.get("redirect")).autocomplete("off").optional()),
        ],
        kind: Kind::Primary,
        ..Block::new(
            "invite",
            String::new(),
            visit.form(HERE),
            ("invite", page.t("invite-do")),
        )
    });
    View(sheet).into_response()
}
