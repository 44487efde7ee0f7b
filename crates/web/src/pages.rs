//! Pages that several services show. A service fills the model and answers `View(model)`.
//!
//! ```ignore
//! // idp, first step of signing in:
//! let username = Field::new(&page, Input::Name, "username", page.t("signin-username"))
//!     .autocomplete("username").value(typed).error(error).focus();
//! let summary = Summary::of(&page, [&username]);
//! let form = Form::new(format!("/{tenant}/login"), csrf.token(binding, "sign-in")).carry("flow", flow);
//! Ok((FormAction::to(&redirect_uri), View(SignIn { page, form, summary, username, to: Some(app), organisation, other: None, ways })))
//! ```
//!
//! A page whose form may end in a redirect to an application needs [`crate::layers::FormAction`] beside it.

use askama::Template;

use crate::ui::{Empty, Field, Form, Identifier, Input, Link, Notice, Page, Progress, Summary, Tone, Ways};

/// Sign-in, first step: who.
#[derive(Debug, Template)]
#[template(path = "pages/sign-in.html")]
pub struct SignIn {
    /// The frame.
    pub page: Page,
    /// The form.
    pub form: Form,
    /// Its errors.
    pub summary: Summary,
    /// The user name.
    pub username: Field,
    /// The application the person goes to.
    pub to: Option<String>,
    /// The establishment, when it is known already.
    pub organisation: Option<String>,
    /// Another way in, or the way back.
    pub other: Option<Link>,
    /// Ways in without a name.
    pub ways: Ways,
}

/// Sign-in, second step: the password.
#[derive(Debug, Template)]
#[template(path = "pages/password.html")]
pub struct Password {
    /// The frame.
    pub page: Page,
    /// The form.
    pub form: Form,
    /// Its errors.
    pub summary: Summary,
    /// The password.
    pub password: Field,
    /// The application the person goes to.
    pub to: Option<String>,
    /// The account, as typed in the first step: a wrong password keeps it.
    pub account: String,
    /// Leads to the first step, for another account.
    pub other: Form,
    /// Leads to other ways of signing in.
    pub ways: Ways,
}

/// An account of this browser.
#[derive(Clone, Debug)]
pub struct Account {
    /// What the form sends when it is chosen.
    pub value: String,
    /// Name of the person.
    pub name: String,
    /// User name.
    pub user_name: String,
    /// Whether its session is open.
    pub signed_in: bool,
}

/// Which account.
#[derive(Debug, Template)]
#[template(path = "pages/choose-account.html")]
pub struct ChooseAccount {
    /// The frame.
    pub page: Page,
    /// The form; it sends `account`, empty for another than these.
    pub form: Form,
    /// The accounts.
    pub accounts: Vec<Account>,
    /// The application the person goes to.
    pub to: Option<String>,
}

/// After signing out.
#[derive(Debug, Template)]
#[template(path = "pages/signed-out.html")]
pub struct SignedOut {
    /// The frame.
    pub page: Page,
    /// Whether a session ended now: there may have been none.
    pub ended: bool,
    /// Whose sessions are still open in this browser: on a shared workstation nobody may believe that all is closed.
    pub remaining: Vec<String>,
    /// Address that ends these as well.
    pub everyone: String,
    /// Where the application wants the person next.
    pub next: Option<String>,
    /// Addresses that tell applications, in frames, that the session is over.
    pub frames: Vec<String>,
}

impl SignedOut {
    const fn title(&self) -> &'static str {
        match (self.ended, self.remaining.is_empty()) {
            (true, _) => "signedout-title",
            (false, true) => "signedout-nobody",
            (false, false) => "signedout-others",
        }
    }
}

/// Sends the answer of an authorization request by a form (OAuth 2.0 Form Post Response Mode): at once with script, by
/// a button without. Needs [`crate::layers::FormAction`] for the redirect URI.
#[derive(Debug, Template)]
#[template(path = "pages/form-post.html")]
pub struct FormPost {
    /// The frame.
    pub page: Page,
    /// The application.
    pub to: Option<String>,
    /// Its redirect URI.
    pub action: String,
    /// The parameters of the answer.
    pub fields: Vec<(&'static str, String)>,
}

/// How a service does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceState {
    /// Answers.
    Up,
    /// Answers slowly or in part.
    Degraded,
    /// Does not answer.
    Down,
}

impl ServiceState {
    const fn class(self) -> &'static str {
        match self {
            Self::Up => Tone::Success.class(),
            Self::Degraded => Tone::Warning.class(),
            Self::Down => Tone::Danger.class(),
        }
    }

    const fn key(self) -> &'static str {
        match self {
            Self::Up => "portal-state-up",
            Self::Degraded => "portal-state-degraded",
            Self::Down => "portal-state-down",
        }
    }
}

/// A service on the portal.
#[derive(Clone, Debug)]
pub struct PortalService {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub purpose: String,
    /// How it does.
    pub state: ServiceState,
    /// Its base address.
    pub address: Identifier,
}

/// A step of the path for newcomers.
#[derive(Clone, Debug)]
pub struct PortalStep {
    /// Where it happens.
    pub link: Link,
    /// What one sees there.
    pub text: String,
}

/// The entry of the portal.
#[derive(Debug, Template)]
#[template(path = "pages/portal.html")]
pub struct Portal {
    /// The frame.
    pub page: Page,
    /// The name of the installation.
    pub heading: String,
    /// What needs attention.
    pub attention: Vec<Notice>,
    /// The path for newcomers, in five steps at most.
    pub steps: Vec<PortalStep>,
    /// Each service and how it does.
    pub services: Vec<PortalService>,
    /// What is done most often, three at most.
    pub often: Vec<Link>,
}

impl Portal {
    fn empty(&self) -> Option<Empty> {
        self.services.is_empty().then(|| Empty {
            title: self.page.t("portal-services-empty"),
            text: self.page.t("portal-services-empty-text"),
            action: None,
        })
    }
}

/// A row of the example table.
#[derive(Debug)]
struct Row {
    app: &'static str,
    role: &'static str,
    tokens: &'static str,
    active: bool,
}

/// The living page of the design system, served by the portal at `/design`.
#[derive(Debug, Template)]
#[template(path = "pages/design.html")]
pub struct Design {
    page: Page,
    tokens: &'static [&'static str],
    summary: Summary,
    fields: [Field; 3],
    notices: [Notice; 4],
    rows: [Row; 3],
    identifier: Identifier,
    progress: Progress,
    empty: Empty,
    links: Vec<Link>,
}

const TOKENS: &[&str] = &[
    "page",
    "surface",
    "raised",
    "ink",
    "ink-soft",
    "line",
    "control",
    "accent",
    "accent-strong",
    "accent-soft",
    "focus",
    "success",
    "success-soft",
    "warning",
    "warning-soft",
    "danger",
    "danger-soft",
    "information",
    "information-soft",
];

impl Design {
    /// The page; `links` lead to pages that can be looked at by themselves.
    pub fn new(page: Page, links: Vec<Link>) -> Self {
        let fields = [
            Field::text(&page, "application", page.t("design-field-name")).hint(page.t("design-field-name-hint")),
            Field::new(&page, Input::Digits, "finess", page.t("design-field-code"))
                .value("75010")
                .error(Some(page.t("design-field-code-error"))),
            Field::new(&page, Input::Password, "secret", page.t("password-label")).autocomplete("off"),
        ];
        let row = |app, role, tokens, active| Row {
            app,
            role,
            tokens,
            active,
        };
        Self {
            tokens: TOKENS,
            summary: Summary::of(&page, &fields),
            notices: [
                Notice::new(&page, Tone::Information, page.t("design-notice-information")),
                Notice::new(&page, Tone::Success, page.t("design-notice-success")),
                Notice::new(&page, Tone::Warning, page.t("design-notice-warning")),
                Notice::new(&page, Tone::Danger, page.t("design-notice-danger")),
            ],
            rows: [
                row("fhir-reader", "FHIR Data Reader", "12\u{202f}408", true),
                row("fhir-exporter", "FHIR Data Exporter", "96", true),
                row("no-role", "–", "3", false),
            ],
            identifier: Identifier::new(&page, "7d1f4c7e-58c3-4a3b-9f0e-2b6a1c9d8e11", page.t("design-data-id")),
            progress: Progress {
                id: "import",
                label: page.with("design-progress-label", &[("done", 640.into()), ("total", 1000.into())]),
                done: 640,
                total: 1000,
            },
            empty: Empty {
                title: page.t("design-empty"),
                text: page.t("design-empty-text"),
                action: Some(Link::new("#actions", page.t("design-empty-action"))),
            },
            fields,
            links,
            page,
        }
    }
}
