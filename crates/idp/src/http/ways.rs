//! The ways in which a person may be asked who they are, and the page of each.

use askama::Template;
use axum::response::{IntoResponse, Response};
use hygie_core::{ObjectId, SessionId, TenantId};
use hygie_policy::decide::Ask;
use hygie_policy::policy::AuthenticationType;
use hygie_policy::strength::{Combination, Mode};
use hygie_web::ui::{Ceremony, Field, Form, Input, Notice, Page, PasskeyForm, Summary, Tone, View, Ways};

use super::flow::{Flow, Typed};
use hygie_idp_core::IdpError;
use hygie_idp_core::signin::SignedIn;

/// A way, the best liked first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// A passkey or security key.
    Passkey,
    /// A certificate, on a card above all.
    Certificate,
    /// A code of an application.
    Code,
    /// The password.
    Password,
    /// A temporary access pass.
    Pass,
}

/// The ways by which a sign-in may begin. They are the same for every name: nobody learns what an account has.
pub const FIRST: [Way; 4] = [Way::Passkey, Way::Certificate, Way::Password, Way::Pass];

/// Every way, as they are offered.
const ALL: [Way; 5] = [Way::Passkey, Way::Certificate, Way::Code, Way::Password, Way::Pass];

impl Way {
    /// By which a method is asked for; none for what cannot be asked for here.
    pub const fn of(mode: Mode) -> Option<Self> {
        match mode {
            Mode::Fido2 | Mode::WindowsHelloForBusiness => Some(Self::Passkey),
            Mode::X509CertificateSingleFactor | Mode::X509CertificateMultiFactor => Some(Self::Certificate),
            Mode::SoftwareOath | Mode::HardwareOath => Some(Self::Code),
            Mode::Password => Some(Self::Password),
            Mode::TemporaryAccessPassOneTime | Mode::TemporaryAccessPassMultiUse => Some(Self::Pass),
            _ => None,
        }
    }

    /// As forms say it; the step that answers it.
    pub const fn step(self) -> &'static str {
        match self {
            Self::Passkey => "passkey",
            Self::Certificate => "certificate",
            Self::Code => "code",
            Self::Password => "password",
            Self::Pass => "pass",
        }
    }

    /// The way of this word.
    pub fn parse(word: &str) -> Option<Self> {
        ALL.into_iter().find(|way| way.step() == word)
    }

    /// The ways of a list that a form carried.
    pub fn list(words: &str) -> Vec<Self> {
        let mut ways: Vec<Self> = words.split(' ').filter_map(Self::parse).collect();
        ways.sort();
        ways.dedup();
        ways
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Passkey => "way-passkey",
            Self::Certificate => "way-certificate",
            Self::Code => "way-code",
            Self::Password => "way-password",
            Self::Pass => "way-pass",
        }
    }
}

/// Who is asked, and what else they could do.
#[derive(Clone, Debug, Default)]
pub struct Whom {
    /// The user name; empty where a passkey tells it.
    pub name: String,
    /// The session that goes on, where there is one.
    pub session: Option<SessionId>,
    /// Whose it is.
    pub account: Option<(TenantId, ObjectId)>,
    /// The ways that are offered.
    pub ways: Vec<Way>,
    /// Key of the message of what was wrong.
    pub error: Option<&'static str>,
}

impl Whom {
    /// Somebody who is signed in, and may go on in these ways.
    pub fn signed_in(signed_in: &SignedIn, ways: Vec<Way>) -> Self {
        Self {
            name: signed_in.account.user_principal_name.clone(),
            session: Some(signed_in.account.session),
            account: Some((signed_in.account.tenant, signed_in.account.user)),
            ways,
            error: None,
        }
    }
}

#[derive(Template)]
#[template(path = "code-way.html")]
struct CodePage {
    page: Page,
    title: String,
    text: String,
    form: Form,
    summary: Summary,
    code: Field,
    account: String,
    others: Ways,
}

#[derive(Template)]
#[template(path = "passkey-way.html")]
struct PasskeyPage {
    page: Page,
    passkey: PasskeyForm,
    error: Option<Notice>,
    account: String,
    others: Ways,
}

impl Flow<'_> {
    /// Asks in this way.
    pub async fn ask(&self, way: Way, whom: &Whom) -> Response {
        match way {
            Way::Password => self.password(&Typed {
                name: whom.name.clone(),
                ways: whom.ways.clone(),
                error: whom.error,
            }),
            Way::Code | Way::Pass => self.code(way, whom),
            Way::Passkey => self.passkey(whom).await,
            Way::Certificate => self.certificate(whom).await,
        }
    }

    fn code(&self, way: Way, whom: &Whom) -> Response {
        let page = self.page();
        let (title, text, label) = match way {
            Way::Pass => ("pass-title", "pass-text", "pass-label"),
            _ => ("code-title", "code-text", "code-label"),
        };
        let kind = if way == Way::Pass { Input::Name } else { Input::Digits };
        let mut code = Field::new(&page, kind, "proof", page.t(label))
            .error(whom.error.map(|key| page.t(key)))
            .focus();
        if way == Way::Code {
            code = code.autocomplete("one-time-code");
        }
        let (form, cookies) = self.form(way.step());
        let view = View(CodePage {
            title: page.t(title),
            text: page.t(text),
            summary: Summary::of(&page, [&code]),
            others: others(way, whom, &form, &page),
            form: carrying(form, whom),
            code,
            account: whom.name.clone(),
            page,
        });
        (cookies, self.form_action(), view).into_response()
    }

    async fn passkey(&self, whom: &Whom) -> Response {
        let page = self.page();
        let options = match self.passkey_options(whom).await {
            Ok(options) => options,
            Err(error) => return self.page_of(&error).into_response(),
        };
        let (form, cookies) = self.form(Way::Passkey.step());
        let view = View(PasskeyPage {
            others: others(Way::Passkey, whom, &form, &page),
            passkey: PasskeyForm::new(
                &page,
                Ceremony::Get,
                carrying(form, whom),
                (options, page.t("passkey-use")),
            ),
            error: whom.error.map(|key| Notice::new(&page, Tone::Danger, page.t(key))),
            account: whom.name.clone(),
            page,
        });
        (cookies, self.form_action(), view).into_response()
    }

    /// What the browser is asked: of whom is known, any of their passkeys; else any at all, which tells whose it is.
    async fn passkey_options(&self, whom: &Whom) -> Result<String, IdpError> {
        let (cx, user) = match whom.account {
            Some((tenant, user)) => (self.inbound.asked.cx(tenant), Some(user)),
            None => (self.cx(), None),
        };
        let options = self.idp.means().begin_sign_in(&cx, user).await?;
        Ok(options.public_key.to_string())
    }
}

/// Buttons for the ways but this one.
pub fn others(way: Way, whom: &Whom, form: &Form, page: &Page) -> Ways {
    let others = whom.ways.iter().filter(|other| **other != way);
    Ways {
        form: carrying(form.clone().instead("step", "way"), whom),
        ways: others.map(|other| (other.step(), page.t(other.label()))).collect(),
    }
}

/// A form that carries whom it asks.
fn carrying(form: Form, whom: &Whom) -> Form {
    let words: Vec<&str> = whom.ways.iter().map(|way| way.step()).collect();
    let form = form.carry("username", whom.name.clone()).carry("ways", words.join(" "));
    match whom.session {
        Some(session) => form.carry("account", session.to_string()),
        None => form,
    }
}

/// The ways that lead on from what policies ask, given what was used: the next missing method of each combination.
pub fn ways_on(ask: &Ask, signed_in: &SignedIn, registered: &[Mode]) -> Vec<Way> {
    let used = |mode: &Mode| signed_in.used.used().iter().any(|used| used.usage.mode == *mode);
    let missing = |combination: &Combination| combination.modes().find(|mode| !used(mode));
    let mut ways: Vec<Way> = match ask {
        Ask::Authenticate { combinations, .. } => combinations.iter().filter_map(missing).filter_map(Way::of).collect(),
        Ask::Reauthenticate { factors, combinations } => {
            let first = |combination: &Combination| match factors {
                AuthenticationType::PrimaryAndSecondary => combination.modes().next(),
                AuthenticationType::Secondary => combination.modes().last(),
            };
            let of_strengths: Vec<Way> = combinations.iter().filter_map(first).filter_map(Way::of).collect();
            let had = registered.iter().filter_map(|mode| Way::of(*mode));
            match (of_strengths.is_empty(), factors) {
                (false, _) => of_strengths,
                (true, AuthenticationType::PrimaryAndSecondary) => had.filter(|way| FIRST.contains(way)).collect(),
                (true, AuthenticationType::Secondary) => had.collect(),
            }
        }
        _ => Vec::new(),
    };
    ways.sort();
    ways.dedup();
    ways
}
