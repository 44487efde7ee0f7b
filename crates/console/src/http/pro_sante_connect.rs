//! `/admin/pro-sante-connect` — what the Agence du Numérique en Santé asks an establishment for: whether what is there
//! conforms, what is missing and is made here, and whether the policies in a file conform.

use std::collections::BTreeSet;

use askama::Template;
use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get as read_by;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hygie_core::{AppId, ObjectId};
use hygie_policy::agreement::{MAX_PDF, is_pdf};
use hygie_policy::psc::plan::{self, Wanted};
use hygie_policy::psc::{
    self, Application, Export, MAX_EMERGENCY_ACCOUNTS, NotAnExport, Origin, Report, SANDBOX, STRENGTH_NAMES,
    TERMS_NAME, TERMS_PREFIX,
};
use hygie_policy::templates::{ProSanteConnect, pro_sante_connect};
use hygie_policy::{AgreementId, StrengthId};
use hygie_web::ui::{Form, Notice, Page, Tone, View};
use serde_json::{Value, json};
use uuid::Uuid;

use super::report::{Judged, judged};
use super::{Fields, Frame, Section, Visit, Wrong, back_to, done, refusal};
use crate::Console;
use crate::api::{Api, ApiError, segment};
use crate::parts::{Area, Choose, Part, Select};
use crate::sentence::{Names, Writer};
use crate::upload::{File, Upload};
use crate::wire::{Object, User};

const HERE: &str = "/admin/pro-sante-connect";
const POLICIES: &str = "/identity/conditionalAccess/policies";
const STRENGTHS: &str = "/policies/authenticationStrengthPolicies";
const AGREEMENTS: &str = "/identityGovernance/termsOfUse/agreements";
const SECURITY_DEFAULTS: &str = "/policies/identitySecurityDefaultsEnforcementPolicy";

#[derive(Template)]
#[template(path = "pro-sante-connect.html")]
struct Shown {
    page: Page,
    frame: Frame,
    judged: Judged,
    things: Vec<Thing>,
    prepare: Vec<Part>,
    prepare_form: Form,
    /// Where the security defaults are on, which exclude policies: that it is so, and the form that switches them off.
    defaults: Option<(Notice, Form)>,
    check: Vec<Part>,
    check_form: Form,
    /// What a file was said of, and its name.
    file: Option<(String, Judged)>,
}

/// One of the objects that are asked for.
struct Thing {
    name: String,
    what: String,
    tone: &'static str,
    state: String,
    /// Where it is, when it is there.
    address: Option<String>,
}

pub fn routes() -> Router<Console> {
    Router::new()
        .route(HERE, read_by(get))
        .route(&format!("{HERE}/prepare"), back_to(HERE).post(prepare))
        .route(&format!("{HERE}/check"), back_to(HERE).post(check))
        .route(&format!("{HERE}/security-defaults"), back_to(HERE).post(switch_off))
}

async fn get(visit: Visit) -> Result<Response, Wrong> {
    let page = visit.page();
    show(&visit, page, Typed::default(), None).await
}

/// What was typed, and what a file was said of.
#[derive(Default)]
struct Typed {
    application: String,
    emergency: String,
    file: Option<(String, Report)>,
}

async fn prepare(visit: Visit, upload: Upload) -> Result<Response, Wrong> {
    visit.check(&upload.fields)?;
    let page = visit.page();
    let typed = Typed {
        application: upload.fields.get("application").to_owned(),
        emergency: upload.fields.get("emergency").to_owned(),
        file: None,
    };
    match make(&visit.api(), &typed, upload.file("terms")).await {
        Ok(()) => Ok(done(
            &crate::api::with_query(HERE, &[("application", &typed.application)]),
            "psc-prepared",
        )),
        Err(problem) => {
            let notice = told(&page, problem)?;
            show(&visit, page, typed, Some(notice)).await
        }
    }
}

/// Switches the security defaults off: a step of its own, for until policies are made nothing is asked for.
async fn switch_off(visit: Visit, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    let page = visit.page();
    match visit
        .api()
        .patch(SECURITY_DEFAULTS, &json!({ "isEnabled": false }))
        .await
    {
        Ok(()) => Ok(done(HERE, "psc-defaults-off")),
        Err(error) => {
            let notice = refusal(&page, error)?;
            show(&visit, page, Typed::default(), Some(notice)).await
        }
    }
}

/// Whether the security defaults of the tenant are on.
async fn has_security_defaults(api: &Api<'_>) -> Result<bool, ApiError> {
    match api.get::<Value>(SECURITY_DEFAULTS, &[]).await {
        Ok(found) => Ok(found["isEnabled"] == true),
        // Who may not read them learns it from the refusal of the policies.
        Err(ApiError::Denied) => Ok(false),
        Err(error) => Err(error),
    }
}

async fn check(visit: Visit, upload: Upload) -> Result<Response, Wrong> {
    visit.check(&upload.fields)?;
    let page = visit.page();
    let mut typed = Typed::default();
    let asked: Option<AppId> = match upload.fields.get("id") {
        "" => None,
        id => match id.parse() {
            Ok(id) => Some(id),
            Err(_) => return show(&visit, page.clone(), typed, Some(danger(&page, "psc-no-id"))).await,
        },
    };
    let Some(file) = upload.file("export") else {
        return show(&visit, page.clone(), typed, Some(danger(&page, "psc-no-file"))).await;
    };
    match Export::read(&file.content) {
        Ok(export) => {
            let asked = asked.map_or(Application::Assumed, Application::Named);
            typed.file = Some((file.name.clone(), psc::check(&export, asked)));
            show(&visit, page, typed, None).await
        }
        Err(_) => show(&visit, page.clone(), typed, Some(danger(&page, "psc-not-an-export"))).await,
    }
}

fn danger(page: &Page, key: &str) -> Notice {
    Notice::new(page, Tone::Danger, page.t(key))
}

/// Why nothing, or not all, was made.
enum Problem {
    Api(ApiError),
    /// A sentence says it.
    Said(&'static str),
    /// Nobody has this name.
    Nobody(String),
}

impl From<ApiError> for Problem {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

fn told(page: &Page, problem: Problem) -> Result<Notice, Wrong> {
    match problem {
        Problem::Api(error) => refusal(page, error),
        Problem::Said(key) => Ok(danger(page, key)),
        Problem::Nobody(name) => {
            let text = page.t1("psc-nobody", "name", &name);
            Ok(Notice::new(page, Tone::Danger, text))
        }
    }
}

/// Makes what is not there: the strength, terms of use where a document is given, the policies. What is there is left.
async fn make(api: &Api<'_>, typed: &Typed, terms: Option<&File>) -> Result<(), Problem> {
    let application: AppId = typed
        .application
        .parse()
        .map_err(|_| Problem::Said("psc-no-application"))?;
    let emergency = accounts(api, &typed.emergency).await?;
    if terms.is_some_and(|file| !is_pdf(&file.content) || file.content.len() > MAX_PDF) {
        return Err(Problem::Said("psc-not-a-pdf"));
    }
    if has_security_defaults(api).await? {
        return Err(Problem::Said("psc-defaults-first"));
    }
    let present = Present::of(api).await?;
    let strength = ensure(api, &present.strengths, &plan::strength()).await?;
    let agreement = match (find(&present.agreements, &[TERMS_NAME]), terms) {
        (Some(found), _) => Some(found.id.clone()),
        (None, Some(file)) => {
            let wanted = plan::agreement(&file.name, &STANDARD.encode(&file.content));
            Some(ensure(api, &present.agreements, &wanted).await?)
        }
        (None, None) => None,
    };
    let unreadable = || Problem::Said("psc-unreadable");
    let asked = ProSanteConnect {
        application,
        strength: strength.parse().map_err(|_| unreadable())?,
        emergency,
        terms: match agreement {
            Some(id) => Some(id.parse::<AgreementId>().map_err(|_| unreadable())?),
            None => None,
        },
    };
    for wanted in plan::policies(&asked) {
        ensure(api, &present.policies, &wanted).await?;
    }
    Ok(())
}

/// The id of the one that is there, or of a new one.
async fn ensure(api: &Api<'_>, there: &[Object], wanted: &Wanted) -> Result<String, ApiError> {
    if let Some(found) = there.iter().find(|one| wanted.is(&one.display_name)) {
        return Ok(found.id.clone());
    }
    let made: Value = api.post(&format!("/{}", wanted.collection), &wanted.document).await?;
    Ok(made["id"].as_str().unwrap_or_default().to_owned())
}

/// The emergency accounts, one a line.
async fn accounts(api: &Api<'_>, lines: &str) -> Result<BTreeSet<ObjectId>, Problem> {
    let names: BTreeSet<&str> = lines.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if names.is_empty() || names.len() > MAX_EMERGENCY_ACCOUNTS {
        return Err(Problem::Said("psc-emergency-count"));
    }
    let mut found = BTreeSet::new();
    for name in names {
        let path = format!("/users/{}", segment(name));
        let user: User = match api.get(&path, &[("$select", "id")]).await {
            Err(ApiError::NotFound) => return Err(Problem::Nobody(name.to_owned())),
            user => user?,
        };
        found.insert(user.id.parse().map_err(|_| Problem::Nobody(name.to_owned()))?);
    }
    Ok(found)
}

/// What is there.
struct Present {
    policies: Vec<Object>,
    strengths: Vec<Object>,
    agreements: Vec<Object>,
    export: Export,
}

impl Present {
    async fn of(api: &Api<'_>) -> Result<Self, ApiError> {
        let policies: Vec<Value> = api.all(POLICIES, &[]).await?;
        let strengths: Vec<Value> = api.all(STRENGTHS, &[]).await?;
        let named = |all: &[Value]| -> Result<Vec<Object>, ApiError> {
            let read = all.iter().map(|one| serde_json::from_value(one.clone()));
            read.collect::<Result<_, _>>().map_err(ApiError::Unreadable)
        };
        let (some_policies, some_strengths) = (named(&policies)?, named(&strengths)?);
        let mut both = json!({ "policies": policies, "strengths": strengths });
        match api.get::<Value>(&format!("/{}", plan::SESSION_LIFETIME), &[]).await {
            Ok(lifetime) => both["sessionLifetimePolicy"] = lifetime,
            // Who reads policies need not read it.
            Err(ApiError::Denied | ApiError::NotFound) => {}
            Err(error) => return Err(error),
        }
        let export = Export::read(both.to_string().as_bytes());
        let export = match export {
            Err(NotAnExport::NoPolicy) => Export {
                origin: Origin::Graph,
                policies: Vec::new(),
                strengths: Vec::new(),
                lifetime: None,
                token_lifetimes: Vec::new(),
                passed_over: Vec::new(),
            },
            export => export.map_err(|_| ApiError::Failed(StatusCode::PAYLOAD_TOO_LARGE))?,
        };
        Ok(Self {
            policies: some_policies,
            strengths: some_strengths,
            agreements: match api.all(AGREEMENTS, &[]).await {
                // Who reads policies need not read these.
                Err(ApiError::Denied) => Vec::new(),
                found => found?,
            },
            export,
        })
    }
}

/// The object whose name begins so.
fn find<'a>(among: &'a [Object], beginnings: &[&str]) -> Option<&'a Object> {
    let is_it = |one: &&Object| {
        beginnings
            .iter()
            .any(|known| psc::begins_with(&one.display_name, known))
    };
    among.iter().find(is_it)
}

async fn show(visit: &Visit, page: Page, typed: Typed, wrong: Option<Notice>) -> Result<Response, Wrong> {
    let api = visit.api();
    let present = Present::of(&api).await?;
    let select = [("$select", "id,appId,displayName")];
    let applications: Vec<Object> = api.all("/servicePrincipals", &select).await?;
    let application = application(visit, &typed, &applications);
    let asked = application.map_or(Application::Assumed, Application::Named);
    let judged = judged(&page, &psc::check(&present.export, asked));
    let things = things(&api, &page, &present, application.unwrap_or(SANDBOX)).await?;
    let mut frame = visit.frame(&page, Section::ProSanteConnect);
    frame.notices.extend(wrong);
    if application.is_none() {
        frame
            .notices
            .push(Notice::new(&page, Tone::Warning, page.t("psc-not-there")));
    }
    let defaults = has_security_defaults(&api).await?.then(|| {
        let notice = Notice::new(&page, Tone::Warning, page.t("psc-defaults-on"));
        (notice, visit.form(format!("{HERE}/security-defaults")))
    });
    let chosen = application.map(|id| id.to_string()).unwrap_or_default();
    Ok(View(Shown {
        judged,
        things,
        prepare: prepare_parts(&page, &applications, &chosen, typed.emergency),
        prepare_form: visit.form(format!("{HERE}/prepare")),
        defaults,
        check: check_parts(&page),
        check_form: visit.form(format!("{HERE}/check")),
        file: typed
            .file
            .map(|(name, report)| (name, super::report::judged(&page, &report))),
        frame,
        page,
    })
    .into_response())
}

/// The application of Pro Santé Connect: the one that was chosen, or that of the sandbox where it is in the tenant.
fn application(visit: &Visit, typed: &Typed, known: &[Object]) -> Option<AppId> {
    let chosen = [typed.application.as_str(), visit.option("application")];
    let chosen = chosen.into_iter().find_map(|text| text.parse::<AppId>().ok());
    let is_there = |id: &AppId| {
        known
            .iter()
            .any(|one| one.app_id.as_deref() == Some(id.to_string().as_str()))
    };
    chosen.or(Some(SANDBOX)).filter(is_there)
}

fn prepare_parts(page: &Page, applications: &[Object], chosen: &str, emergency: String) -> Vec<Part> {
    let options = applications
        .iter()
        .filter_map(|one| Some((one.app_id.clone()?, one.display_name.clone())));
    vec![
        Part::Select(
            Select::new("application", page.t("psc-application"), options.collect())
                .chosen(chosen)
                .hint(page.t("psc-application-hint")),
        ),
        Part::Area(Area {
            is_required: true,
            ..Area::new(
                "emergency",
                page.t("psc-emergency"),
                page.t("psc-emergency-hint"),
                emergency,
            )
        }),
        Part::Choose(Choose {
            id: "terms".to_owned(),
            name: "terms",
            label: page.t("psc-terms"),
            hint: page.t("psc-terms-hint"),
            accept: "application/pdf,.pdf",
            is_required: false,
        }),
    ]
}

fn check_parts(page: &Page) -> Vec<Part> {
    let id = hygie_web::ui::Field::text(page, "id", page.t("psc-check-id"));
    vec![
        Part::Choose(Choose {
            id: "export".to_owned(),
            name: "export",
            label: page.t("psc-check-file"),
            hint: page.t("psc-check-file-hint"),
            accept: "application/json,.json",
            is_required: true,
        }),
        Part::Field(id.hint(page.t("psc-check-id-hint")).optional()),
    ]
}

/// The four objects, each there or to be made, in words.
async fn things(api: &Api<'_>, page: &Page, present: &Present, app: AppId) -> Result<Vec<Thing>, ApiError> {
    let thing = |name: &str, what: String, found: Option<&Object>, address: &str, missing: &str| Thing {
        name: found.map_or_else(|| name.to_owned(), |found| found.display_name.clone()),
        what,
        tone: if found.is_some() {
            Tone::Success
        } else {
            Tone::Information
        }
        .class(),
        state: page.t(if found.is_some() { "psc-there" } else { missing }),
        address: found.map(|found| format!("{address}/{}", segment(&found.id))),
    };
    let asked = ProSanteConnect {
        application: app,
        strength: StrengthId::from_uuid(Uuid::nil()),
        emergency: BTreeSet::new(),
        terms: Some(AgreementId::from_uuid(Uuid::nil())),
    };
    let policies = pro_sante_connect(&asked);
    let mut names = Names::of(api, &policies).await?;
    names.insert(Uuid::nil().to_string(), STRENGTH_NAMES[0].to_owned());
    let strength = find(&present.strengths, &STRENGTH_NAMES);
    let agreement = find(&present.agreements, &[TERMS_NAME]);
    let mut things = vec![
        thing(
            STRENGTH_NAMES[0],
            page.t("psc-strength-what"),
            strength,
            "/admin/strengths",
            "psc-to-make",
        ),
        thing(
            TERMS_NAME,
            page.t("psc-terms-what"),
            agreement,
            "/admin/terms",
            "psc-with-document",
        ),
    ];
    for policy in policies {
        let found = find(&present.policies, &[plan::prefix_of(&policy.display_name)]);
        let needs_terms = plan::prefix_of(&policy.display_name) == TERMS_PREFIX;
        names.insert(
            Uuid::nil().to_string(),
            if needs_terms { TERMS_NAME } else { STRENGTH_NAMES[0] }.to_owned(),
        );
        let writer = Writer { page, names: &names };
        let missing = if needs_terms && agreement.is_none() {
            "psc-with-document"
        } else {
            "psc-to-make"
        };
        let what = page.t1("psc-policy-what", "sentence", &writer.sentence(&policy));
        things.push(thing(&policy.display_name, what, found, "/admin/policies", missing));
    }
    Ok(things)
}
