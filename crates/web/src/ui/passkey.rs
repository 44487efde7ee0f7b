//! The form by which a browser asks for a passkey: `assets/passkey.js` gets the credential and sends the form with it in
//! the member `credential`. Without script it says what else there is.

use askama::Template;
use askama::filters::HtmlSafe;

use super::{Field, Form, Page};

/// What the browser does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ceremony {
    /// `navigator.credentials.get`: signs in.
    Get,
    /// `navigator.credentials.create`: registers.
    Create,
}

impl Ceremony {
    const fn word(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Create => "create",
        }
    }
}

/// A form that asks for a passkey. One of a page is enough for sign-in with a name and without.
#[derive(Clone, Debug, Template)]
#[template(path = "parts/passkey.html")]
pub struct PasskeyForm {
    form: Form,
    kind: &'static str,
    options: String,
    label: String,
    fields: Vec<Field>,
    is_conditional: bool,
    is_primary: bool,
    script: &'static str,
    no_script: String,
    missing: String,
    cancelled: String,
    known: String,
    failed: String,
}

impl PasskeyForm {
    /// Asks by these options, the JSON of Web Authentication Level 3; `label` is on its button.
    pub fn new(page: &Page, ceremony: Ceremony, form: Form, (options, label): (String, String)) -> Self {
        Self {
            form,
            kind: ceremony.word(),
            options,
            label,
            fields: Vec::new(),
            is_conditional: false,
            is_primary: true,
            script: page.asset("passkey.js"),
            no_script: page.t("passkey-no-script"),
            missing: page.t("passkey-missing"),
            cancelled: page.t("passkey-cancelled"),
            known: page.t("passkey-known"),
            failed: page.t("passkey-failed"),
        }
    }

    /// With a field above the button.
    #[must_use]
    pub fn with(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// Also offered beside the field of the user name, which needs `autocomplete="username webauthn"`.
    #[must_use]
    pub const fn conditional(mut self) -> Self {
        self.is_conditional = true;
        self
    }

    /// Where another action of the page is the first one.
    #[must_use]
    pub const fn secondary(mut self) -> Self {
        self.is_primary = false;
        self
    }
}

impl HtmlSafe for PasskeyForm {}
