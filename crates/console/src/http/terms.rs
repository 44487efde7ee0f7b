//! `/admin/terms` — terms of use: documents that people accept before they go on, their languages and versions, and who
//! accepted them.

use axum::Router;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::get as read_by;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hygie_policy::agreement::{MAX_PDF, is_pdf};
use hygie_web::ui::{Field, Form, Input, Link, Notice, Page, Tone, View};
use serde_json::{Value, json};

use super::{Fields, Pager, Section, Visit, Wrong, done, refusal};
use crate::Console;
use crate::api::{Api, ApiError, segment};
use crate::parts::{Boxes, Choose, Part, Select};
use crate::sheet::{Block, Fact, Kind, List, Row, Sheet};
use crate::upload::{File, Upload};
use crate::wire::{Acceptance, Agreement, AgreementFile};

const HERE: &str = "/admin/terms";
const AGREEMENTS: &str = "/identityGovernance/termsOfUse/agreements";
/// Languages that are offered; a file of another one is given by the directory API.
const LANGUAGES: [&str; 2] = ["fr", "en"];
/// Answers of a page.
const ANSWERS: &str = "50";

pub fn routes() -> Router<Console> {
    Router::new()
        .route(HERE, read_by(list))
        .route(&format!("{HERE}/new"), read_by(new).post(create))
        .route(&format!("{HERE}/{{id}}"), read_by(get).post(post))
        .route(&format!("{HERE}/{{id}}/{{file}}"), read_by(document))
}

async fn list(visit: Visit) -> Result<Response, Wrong> {
    let page = visit.page();
    let all: Vec<Agreement> = visit.api().all(AGREEMENTS, &[]).await?;
    let rows = all.iter().map(|one| Row {
        title: one.display_name.clone(),
        href: Some(format!("{HERE}/{}", segment(&one.id))),
        ..Row::default()
    });
    let mut sheet = Sheet::new(&page, visit.frame(&page, Section::Terms), page.t("admin-terms"));
    sheet.lead = page.t("terms-lead");
    sheet.action = Some(Link::new(format!("{HERE}/new"), page.t("terms-new")));
    sheet
        .lists
        .push(List::new("terms", page.t("terms-none"), rows.collect()));
    Ok(View(sheet).into_response())
}

async fn new(visit: Visit) -> Result<Response, Wrong> {
    let page = visit.page();
    let typed = Typed {
        is_viewed: true,
        ..Typed::default()
    };
    Ok(blank(&visit, &page, typed, None))
}

/// What was typed. The file is chosen anew: browsers give it back to nobody.
#[derive(Default)]
struct Typed {
    name: String,
    days: String,
    language: String,
    is_viewed: bool,
    is_major: bool,
}

impl Typed {
    fn of(fields: &Fields) -> Self {
        let text = |name: &str| fields.get(name).to_owned();
        let is_ticked = |name: &str| fields.all("option").any(|value| value == name);
        Self {
            name: text("name"),
            days: text("days"),
            language: text("language"),
            is_viewed: is_ticked("viewed"),
            is_major: is_ticked("major"),
        }
    }
}

/// Why terms, or a file of them, were not taken.
enum Problem {
    Api(ApiError),
    NotAPdf,
}

impl From<ApiError> for Problem {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

fn told(page: &Page, problem: Problem) -> Result<Notice, Wrong> {
    match problem {
        Problem::Api(error) => refusal(page, error),
        Problem::NotAPdf => Ok(Notice::new(page, Tone::Danger, page.t("psc-not-a-pdf"))),
    }
}

async fn create(visit: Visit, upload: Upload) -> Result<Response, Wrong> {
    visit.check(&upload.fields)?;
    let page = visit.page();
    match make(&visit.api(), &upload).await {
        Ok(id) => Ok(done(&format!("{HERE}/{}", segment(&id)), "terms-made")),
        Err(problem) => {
            let notice = told(&page, problem)?;
            Ok(blank(&visit, &page, Typed::of(&upload.fields), Some(notice)))
        }
    }
}

async fn make(api: &Api<'_>, upload: &Upload) -> Result<String, Problem> {
    let fields = &upload.fields;
    let mut file = file(upload)?;
    file["isDefault"] = true.into();
    let mut new = json!({
        "displayName": fields.get("name"),
        "isViewingBeforeAcceptanceRequired": fields.all("option").any(|value| value == "viewed"),
        "files": [file],
    });
    if !fields.get("days").is_empty() {
        new["userReacceptRequiredFrequency"] = format!("P{}D", fields.get("days")).into();
    }
    let made = api.post(AGREEMENTS, &new).await?;
    Ok(made["id"].as_str().unwrap_or_default().to_owned())
}

/// The document of a form.
fn file(upload: &Upload) -> Result<Value, Problem> {
    let is_good = |file: &&File| is_pdf(&file.content) && file.content.len() <= MAX_PDF;
    let file = upload.file("document").filter(is_good).ok_or(Problem::NotAPdf)?;
    Ok(json!({
        "fileName": file.name,
        "language": upload.fields.get("language"),
        "fileData": { "data": STANDARD.encode(&file.content) },
    }))
}

fn blank(visit: &Visit, page: &Page, typed: Typed, wrong: Option<Notice>) -> Response {
    let mut frame = visit.frame(page, Section::Terms);
    frame.notices.extend(wrong);
    let mut sheet = Sheet::new(page, frame, page.t("terms-new"));
    sheet.back = Some(Link::new(HERE, page.t("admin-terms")));
    sheet.lead = page.t("terms-new-lead");
    let days = Field::new(page, Input::Digits, "days", page.t("terms-days")).hint(page.t("terms-days-hint"));
    let mut parts = vec![Part::Field(
        Field::text(page, "name", page.t("terms-name")).value(typed.name),
    )];
    parts.extend(file_parts(page, &typed.language));
    parts.push(Part::Field(days.value(typed.days).optional()));
    parts.push(Part::Boxes(Boxes {
        name: "option",
        legend: page.t("method-options"),
        options: vec![("viewed".to_owned(), page.t("terms-viewed"), typed.is_viewed)],
    }));
    sheet.blocks.push(Block {
        parts,
        is_upload: true,
        kind: Kind::Primary,
        ..Block::new(
            "new",
            String::new(),
            visit.form(format!("{HERE}/new")),
            ("create", page.t("terms-create")),
        )
    });
    View(sheet).into_response()
}

fn file_parts(page: &Page, language: &str) -> Vec<Part> {
    let languages = LANGUAGES.map(|language| (language.to_owned(), page.t(&format!("terms-in-{language}"))));
    vec![
        Part::Choose(Choose {
            id: "document".to_owned(),
            name: "document",
            label: page.t("terms-document"),
            hint: page.t("psc-terms-hint"),
            accept: "application/pdf,.pdf",
            is_required: true,
        }),
        Part::Select(Select::new("language", page.t("terms-language"), languages.to_vec()).chosen(language)),
    ]
}

async fn get(visit: Visit, Path(id): Path<String>) -> Result<Response, Wrong> {
    let page = visit.page();
    show(&visit, page, &id, (Typed::default(), None)).await
}

async fn post(visit: Visit, Path(id): Path<String>, upload: Upload) -> Result<Response, Wrong> {
    visit.check(&upload.fields)?;
    let page = visit.page();
    match act(&visit.api(), &id, &upload).await {
        Ok("terms-deleted") => Ok(done(HERE, "terms-deleted")),
        Ok(word) => Ok(done(&format!("{HERE}/{}", segment(&id)), word)),
        Err(problem) => {
            let notice = told(&page, problem)?;
            show(&visit, page, &id, (Typed::of(&upload.fields), Some(notice))).await
        }
    }
}

async fn act(api: &Api<'_>, id: &str, upload: &Upload) -> Result<&'static str, Problem> {
    let agreement = format!("{AGREEMENTS}/{}", segment(id));
    let fields = &upload.fields;
    match fields.get("step") {
        "add" => {
            let mut file = file(upload)?;
            file["isMajorVersion"] = fields.all("option").any(|value| value == "major").into();
            api.post(&format!("{agreement}/files"), &file).await?;
            Ok("terms-file-added")
        }
        "delete" if fields.get("sure") == "yes" => {
            api.delete(&agreement).await?;
            Ok("terms-deleted")
        }
        _ => Err(ApiError::NotFound.into()),
    }
}

async fn show(visit: &Visit, page: Page, id: &str, (typed, wrong): (Typed, Option<Notice>)) -> Result<Response, Wrong> {
    let api = visit.api();
    let path = format!("{AGREEMENTS}/{}", segment(id));
    let agreement: Agreement = api.get(&path, &[]).await?;
    let files: Vec<AgreementFile> = api.all(&format!("{path}/files"), &[]).await?;
    let of_answers = format!("{path}/acceptances");
    let answers: Option<(Vec<Acceptance>, Pager)> = match visit.listed(&of_answers, &[("$top", ANSWERS)]).await {
        // Who administers the terms need not see who accepted them.
        Err(ApiError::Denied) => None,
        found => Some(found?),
    };
    let mut frame = visit.frame(&page, Section::Terms);
    frame.notices.extend(wrong);
    let mut sheet = Sheet::new(&page, frame, agreement.display_name.clone());
    sheet.back = Some(Link::new(HERE, page.t("admin-terms")));
    let is_viewed = agreement.is_viewing_before_acceptance_required == Some(true);
    let viewed = page.t(if is_viewed {
        "terms-must-be-viewed"
    } else {
        "terms-need-not-be-viewed"
    });
    sheet.facts.push((page.t("terms-viewed-fact"), Fact::Text(viewed)));
    let again = agreement.user_reaccept_required_frequency.as_deref();
    let days = again.and_then(|days| days.strip_prefix('P')?.strip_suffix('D')?.parse().ok());
    let again = days.map_or_else(|| page.t("terms-once"), |days| page.tn("terms-every", "count", days));
    sheet.facts.push((page.t("terms-again"), Fact::Text(again)));
    sheet.lists.push(file_list(&page, id, &files));
    if let Some((answers, pager)) = answers {
        sheet.lists.push(answer_list(&page, &answers));
        sheet.pager = Some(pager);
    }
    sheet.blocks = blocks(&page, &typed, &visit.form(format!("{HERE}/{}", segment(id))));
    Ok(View(sheet).into_response())
}

fn file_list(page: &Page, id: &str, files: &[AgreementFile]) -> List {
    let rows = files.iter().map(|file| Row {
        title: file.file_name.clone(),
        href: Some(format!("{HERE}/{}/{}", segment(id), segment(&file.id))),
        detail: page
            .find(&format!("terms-in-{}", file.language))
            .unwrap_or_else(|| file.language.clone()),
        tag: (file.is_default == Some(true)).then(|| (Tone::Information, page.t("terms-default"))),
        ..Row::default()
    });
    List {
        heading: page.t("terms-files"),
        lead: page.t("terms-files-lead"),
        ..List::new("files", page.t("admin-none"), rows.collect())
    }
}

fn answer_list(page: &Page, answers: &[Acceptance]) -> List {
    let rows = answers.iter().map(|answer| {
        let is_accepted = answer.state == "accepted";
        Row {
            title: answer
                .user_display_name
                .clone()
                .unwrap_or_else(|| answer.user_id.clone()),
            href: Some(format!("/admin/users/{}", segment(&answer.user_id))),
            at: Some(answer.recorded_date_time.clone()),
            detail: String::new(),
            tag: Some(if is_accepted {
                (Tone::Success, page.t("terms-accepted"))
            } else {
                (Tone::Warning, page.t("terms-declined"))
            }),
            ..Row::default()
        }
    });
    List {
        heading: page.t("terms-answers"),
        lead: page.t("terms-answers-lead"),
        ..List::new("answers", page.t("terms-no-answer"), rows.collect())
    }
}

fn blocks(page: &Page, typed: &Typed, form: &Form) -> Vec<Block> {
    let mut parts = file_parts(page, &typed.language);
    parts.push(Part::Boxes(Boxes {
        name: "option",
        legend: page.t("method-options"),
        options: vec![("major".to_owned(), page.t("terms-major"), typed.is_major)],
    }));
    vec![
        Block {
            parts,
            is_upload: true,
            ..Block::new(
                "add",
                page.t("terms-add"),
                form.clone(),
                ("add", page.t("terms-add-do")),
            )
        },
        Block {
            is_upload: true,
            ..Block::danger(page, form.clone(), page.t("terms-delete-sure"), page.t("terms-delete"))
        },
    ]
}

/// A document, as a file: it is the browser that shows it, and never within the pages.
async fn document(visit: Visit, Path((id, file)): Path<(String, String)>) -> Result<Response, Wrong> {
    let path = format!("{AGREEMENTS}/{}/files/{}", segment(&id), segment(&file));
    let found: Value = visit.api().get(&path, &[("$select", "id,fileName,fileData")]).await?;
    let data = found["fileData"]["data"].as_str().unwrap_or_default();
    let pdf = STANDARD.decode(data).map_err(|_| ApiError::NotFound)?;
    let mut response = pdf.into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/pdf"));
    headers.insert(
        CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment; filename=\"document.pdf\""),
    );
    Ok(response)
}
