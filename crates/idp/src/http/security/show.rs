//! The pages.

use askama::Template;
use askama::filters::Safe;
use axum::response::{IntoResponse, Response};
use hygie_core::Timestamp;
use hygie_means::{By, Change, MeansError, Notice as Told, Refusal as MeansRefusal, RegisteredPasskey};
use hygie_oidc::Params;
use hygie_policy::methods::PasskeyType;
use hygie_policy::strength::Mode;
use hygie_web::ui::{Ceremony, Field, Form, Input, Link, Notice, Page, PasskeyForm, Session, Summary, Tone, View};

use super::super::approvals;
use super::super::flow::{self, FormCookie};
use super::super::inbound::Inbound;
use super::change::Named;
use super::{Visit, entry, qr};
use hygie_idp_core::IdpError;

/// Changes that are shown.
const CHANGES: u32 = 10;

#[derive(Template)]
#[template(path = "security.html")]
struct Overview {
    page: Page,
    form: Form,
    notices: Vec<Notice>,
    items: Vec<Item>,
    has_password: bool,
    can_add_passkey: bool,
    can_add_codes: bool,
    changes: Vec<(String, String)>,
    /// Where requests of applications wait for the person.
    waiting: Option<Link>,
}

/// A means in the list.
struct Item {
    kind: &'static str,
    id: String,
    name: String,
    what: String,
    created_at: String,
    used_at: Option<String>,
    is_usable: bool,
}

#[derive(Template)]
#[template(path = "security-form.html")]
struct Question {
    page: Page,
    title: String,
    lead: String,
    form: Form,
    summary: Summary,
    fields: Vec<Field>,
    submit: String,
    is_danger: bool,
    code: Option<Code>,
    back: String,
}

/// What is copied into an application.
struct Code {
    svg: Safe<String>,
    key: String,
}

#[derive(Template)]
#[template(path = "security-passkey.html")]
struct NewPasskey {
    page: Page,
    passkey: PasskeyForm,
    back: String,
}

#[derive(Template)]
#[template(path = "security-message.html")]
struct Message {
    page: Page,
    title: String,
    text: String,
    next: Option<Link>,
}

/// Nobody is signed in here.
pub(super) fn nobody(inbound: &Inbound) -> Response {
    let page = inbound.asked.page();
    let (title, text) = (page.t("security-nobody"), page.t("security-nobody-text"));
    let next = Some(Link::new(entry::address(&inbound.segment), page.t("signin-title")));
    View(Message {
        page,
        title,
        text,
        next,
    })
    .into_response()
}

impl Visit<'_> {
    fn page(&self) -> (Page, Form, FormCookie) {
        let account = &self.signed_in.account;
        let (form, cookies) = flow::form(self.idp, self.inbound, self.address());
        let page = self.inbound.asked.page().at(self.address()).session(Session {
            name: account.display_name.clone(),
            place: Some(self.place.clone()),
            sign_out: format!("/{}/oauth2/v2.0/logout", self.inbound.segment),
            csrf: form.csrf.clone(),
        });
        (page, form.carry("account", account.session.to_string()), cookies)
    }

    /// What the person has.
    pub(super) async fn overview(&self, done: Option<&str>, wrong: Option<MeansRefusal>) -> Result<Response, IdpError> {
        let (page, form, cookies) = self.page();
        let user = self.signed_in.account.user;
        let told = self.idp.means().list_notices(&self.cx, user, CHANGES).await?;
        let mut notices = Vec::new();
        if let Some(text) = done.and_then(|word| page.find(&format!("security-done-{word}"))) {
            notices.push(Notice::new(&page, Tone::Success, text));
        }
        if let Some(refusal) = wrong {
            let text = page.find(&format!("security-wrong-{}", refusal.reason()));
            notices.push(Notice::new(
                &page,
                Tone::Danger,
                text.unwrap_or_else(|| page.t("security-wrong-value")),
            ));
        }
        let registrable = &self.methods.registrable;
        let view = View(Overview {
            items: self.items(&page),
            has_password: self.methods.has_password,
            can_add_passkey: registrable.contains(&Mode::Fido2),
            can_add_codes: registrable.contains(&Mode::SoftwareOath),
            waiting: approvals::waiting(self.idp, (&self.cx, &page), &self.signed_in).await?,
            changes: told.iter().map(|change| shown(&page, change)).collect(),
            notices,
            form,
            page,
        });
        Ok((cookies, view).into_response())
    }

    fn items(&self, page: &Page) -> Vec<Item> {
        let passkeys = self.methods.passkeys.iter().map(|passkey| Item {
            kind: "passkey",
            id: hygie_jose::base64url::encode(&passkey.id),
            name: passkey.display_name.clone(),
            what: kind_of(page, passkey),
            created_at: passkey.created_at.to_rfc3339(),
            used_at: passkey.used_at.map(Timestamp::to_rfc3339),
            is_usable: passkey.is_usable,
        });
        let codes = self.methods.codes.iter().map(|codes| Item {
            kind: "codes",
            id: codes.id.to_string(),
            name: codes.display_name.clone(),
            what: page.t("security-codes"),
            created_at: codes.created_at.to_rfc3339(),
            used_at: codes.used_at.map(Timestamp::to_rfc3339),
            is_usable: codes.is_usable,
        });
        passkeys.chain(codes).collect()
    }

    /// What the person proved is too old or too little.
    pub(super) fn prove_again(&self) -> Response {
        let (page, _, cookies) = self.page();
        let (title, text) = (page.t("security-again"), page.t("security-again-text"));
        let address = entry::address(&self.inbound.segment);
        let next = Some(Link::new(address, page.t("signin-title")));
        (
            cookies,
            View(Message {
                page,
                title,
                text,
                next,
            }),
        )
            .into_response()
    }

    pub(super) fn password_changed(&self) -> Response {
        self.farewell("security-password-done")
    }

    pub(super) fn ended_everywhere(&self) -> Response {
        self.farewell("security-everywhere-done")
    }

    /// Nobody is signed in any more.
    fn farewell(&self, key: &str) -> Response {
        let page = self.inbound.asked.page().at(self.address());
        let (title, text) = (page.t(key), page.t(&format!("{key}-text")));
        let next = Some(Link::new(entry::address(&self.inbound.segment), page.t("signin-title")));
        View(Message {
            page,
            title,
            text,
            next,
        })
        .into_response()
    }

    pub(super) async fn ask_passkey(&self) -> Result<Response, MeansError> {
        let user = self.signed_in.account.user;
        let options = self.idp.means().begin_passkey(&self.cx, user, By::Person, None).await?;
        let (page, form, cookies) = self.page();
        let name = Field::text(&page, "name", page.t("security-name"))
            .hint(page.t("security-passkey-name-hint"))
            .value(page.t("security-passkey"))
            .autocomplete("off");
        let (options, label) = (options.public_key.to_string(), page.t("security-passkey-create"));
        let form = form.carry("step", "passkey-add");
        let passkey = PasskeyForm::new(&page, Ceremony::Create, form, (options, label)).with(name);
        let back = self.address();
        Ok((cookies, View(NewPasskey { page, passkey, back })).into_response())
    }

    pub(super) async fn ask_codes(&self) -> Result<Response, MeansError> {
        let account = &self.signed_in.account;
        let found = self.idp.directory().find_user_by_id(&self.cx, account.user).await?;
        let user = found.ok_or(MeansRefusal::NotFound("user"))?;
        let offer = self.idp.means().begin_codes(&self.cx, &user, &self.place).await?;
        let (page, form, cookies) = self.page();
        let svg = qr::svg(offer.uri.expose(), &page.t("security-codes-image")).unwrap_or_default();
        let name = Field::text(&page, "name", page.t("security-name"))
            .value(page.t("security-codes"))
            .autocomplete("off");
        let code = Field::new(&page, Input::Digits, "code", page.t("security-codes-code"))
            .hint(page.t("security-codes-code-hint"))
            .autocomplete("one-time-code");
        let view = View(Question {
            title: page.t("security-codes-add"),
            lead: page.t("security-codes-lead"),
            form: form
                .carry("step", "codes-add")
                .carry("token", offer.token.expose().clone()),
            summary: Summary::of(&page, [&name, &code]),
            fields: vec![name, code],
            submit: page.t("security-codes-submit"),
            is_danger: false,
            code: Some(Code {
                svg: Safe(svg),
                key: grouped(offer.key.expose()),
            }),
            back: self.address(),
            page,
        });
        Ok((cookies, view).into_response())
    }

    pub(super) async fn ask_rename(&self, params: &Params) -> Result<Response, IdpError> {
        let (page, form, cookies) = self.page();
        let name = match Named::of(self, params) {
            Ok((_, name)) => name,
            Err(refusal) => return self.told(refusal).await,
        };
        let field = Field::text(&page, "name", page.t("security-name"))
            .value(&*name)
            .autocomplete("off")
            .focus();
        let view = View(Question {
            title: page.t1("security-rename-title", "name", &name),
            lead: page.t("security-rename-lead"),
            form: carried(form, params).carry("step", "renamed"),
            summary: Summary::of(&page, [&field]),
            fields: vec![field],
            submit: page.t("security-rename"),
            is_danger: false,
            code: None,
            back: self.address(),
            page,
        });
        Ok((cookies, view).into_response())
    }

    pub(super) async fn ask_remove(&self, params: &Params) -> Result<Response, IdpError> {
        let (page, form, cookies) = self.page();
        let name = match Named::of(self, params) {
            Ok((_, name)) => name,
            Err(refusal) => return self.told(refusal).await,
        };
        let view = View(Question {
            title: page.t1("security-remove-title", "name", &name),
            lead: page.t("security-remove-lead"),
            form: carried(form, params).carry("step", "removed"),
            summary: Summary::of(&page, []),
            fields: Vec::new(),
            submit: page.t("security-remove"),
            is_danger: true,
            code: None,
            back: self.address(),
            page,
        });
        Ok((cookies, view).into_response())
    }

    pub(super) fn ask_everywhere(&self) -> Response {
        let (page, form, cookies) = self.page();
        let view = View(Question {
            title: page.t("security-everywhere-title"),
            lead: page.t("security-everywhere-what"),
            form: form.carry("step", "everywhere-ended"),
            summary: Summary::of(&page, []),
            fields: Vec::new(),
            submit: page.t("security-everywhere"),
            is_danger: true,
            code: None,
            back: self.address(),
            page,
        });
        (cookies, view).into_response()
    }

    /// The password page; with what is wrong with the present one, and with the new one.
    pub(super) fn ask_password(&self, [current, new]: [Option<&'static str>; 2]) -> Response {
        let (page, form, cookies) = self.page();
        let current = Field::new(&page, Input::Password, "current", page.t("security-password-current"))
            .autocomplete("current-password")
            .error(current.map(|key| page.t(key)));
        let password = Field::new(&page, Input::Password, "password", page.t("security-password-new"))
            .hint(page.t("security-password-hint"))
            .autocomplete("new-password")
            .error(new.map(|key| page.t(key)));
        let view = View(Question {
            title: page.t("security-password-change"),
            lead: page.t("security-password-lead"),
            form: form.carry("step", "password-set"),
            summary: Summary::of(&page, [&current, &password]),
            fields: vec![current, password],
            submit: page.t("security-password-change"),
            is_danger: false,
            code: None,
            back: self.address(),
            page,
        });
        (cookies, view).into_response()
    }
}

/// The means that a form was about, in the next one.
fn carried(form: Form, params: &Params) -> Form {
    let text = |name| params.get(name).unwrap_or_default().to_owned();
    form.carry("kind", text("kind")).carry("id", text("id"))
}

fn kind_of(page: &Page, passkey: &RegisteredPasskey) -> String {
    let kind = match passkey.kind {
        PasskeyType::DeviceBound => page.t("security-passkey-bound"),
        PasskeyType::Synced => page.t("security-passkey-synced"),
    };
    match &passkey.model {
        Some(model) => format!("{kind} · {model}"),
        None => kind,
    }
}

/// A change in words, and when it was.
fn shown(page: &Page, told: &Told) -> (String, String) {
    let key = match told.change {
        Change::PassCreated | Change::PassRemoved | Change::PasswordChanged | Change::CertificatesChanged => None,
        _ => Some(told.about.as_str()),
    };
    let word = told.change.as_str();
    let mut text = page.t1(&format!("security-change-{word}"), "name", key.unwrap_or_default());
    if !told.is_own {
        text = page.t1("security-change-by-other", "change", &text);
    }
    (text, told.at.to_rfc3339())
}

/// A key as people type it.
fn grouped(key: &str) -> String {
    let signs: Vec<char> = key.chars().collect();
    let groups: Vec<String> = signs.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join(" ")
}
