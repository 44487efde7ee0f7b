//! Parts of pages with a structure of their own; the others are classes of the style sheet, shown on the design page.

use askama::Template;
use askama::filters::HtmlSafe;

use super::Page;

/// A link by its text.
#[derive(Clone, Debug)]
pub struct Link {
    /// Where it leads.
    pub href: String,
    /// What it says.
    pub text: String,
}

impl Link {
    /// To `href`, saying `text`.
    pub fn new(href: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            href: href.into(),
            text: text.into(),
        }
    }
}

/// The kinds of one-line fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Words.
    Text,
    /// A user name or another name typed exactly.
    Name,
    /// A password; never filled in again.
    Password,
    /// Digits: a one-time code, a FINESS number.
    Digits,
    /// A search.
    Search,
    /// A day, as `2026-11-21`.
    Date,
}

impl Input {
    const fn html(self) -> &'static str {
        match self {
            Self::Text | Self::Name | Self::Digits => "text",
            Self::Password => "password",
            Self::Search => "search",
            Self::Date => "date",
        }
    }

    const fn mode(self) -> Option<&'static str> {
        match self {
            Self::Digits => Some("numeric"),
            Self::Name => Some("email"),
            _ => None,
        }
    }

    const fn is_verbatim(self) -> bool {
        matches!(self, Self::Name | Self::Password | Self::Digits)
    }
}

/// The words of the button that shows a password.
#[derive(Clone, Debug)]
pub struct Reveal {
    show: String,
    show_what: String,
    conceal: String,
    conceal_what: String,
}

/// A field: label above, hint under the label, error between these and the input; what was typed is kept.
#[derive(Clone, Debug, Template)]
#[template(path = "parts/field.html")]
pub struct Field {
    name: &'static str,
    label: String,
    kind: Input,
    value: String,
    hint: Option<String>,
    error: Option<String>,
    error_prefix: String,
    autocomplete: &'static str,
    max_length: u32,
    required: bool,
    focus: bool,
    reveal: Option<Reveal>,
}

impl Field {
    /// What it sends.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// A field of this kind. `name` is also its id in the page.
    pub fn new(page: &Page, kind: Input, name: &'static str, label: impl Into<String>) -> Self {
        let reveal = (kind == Input::Password).then(|| Reveal {
            show: page.t("reveal"),
            show_what: page.t("reveal-what"),
            conceal: page.t("conceal"),
            conceal_what: page.t("conceal-what"),
        });
        Self {
            name,
            label: label.into(),
            kind,
            value: String::new(),
            hint: None,
            error: None,
            error_prefix: page.t("error-prefix"),
            autocomplete: "",
            max_length: 256,
            required: true,
            focus: false,
            reveal,
        }
    }

    /// A field of words.
    pub fn text(page: &Page, name: &'static str, label: impl Into<String>) -> Self {
        Self::new(page, Input::Text, name, label)
    }

    /// With help under the label.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With what was typed before. Ignored for passwords, which are never sent back.
    #[must_use]
    pub fn value(mut self, value: impl Into<String>) -> Self {
        if self.kind != Input::Password {
            self.value = value.into();
        }
        self
    }

    /// With an error, if there is one.
    #[must_use]
    pub fn error(mut self, error: Option<String>) -> Self {
        self.error = error;
        self
    }

    /// With the purpose that browsers and password keepers know (HTML §4.10.18.7): `username`, `current-password`…
    #[must_use]
    pub const fn autocomplete(mut self, purpose: &'static str) -> Self {
        self.autocomplete = purpose;
        self
    }

    /// May stay empty.
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.required = false;
        self
    }

    /// Has the focus when the page opens: only where the page asks this one thing.
    #[must_use]
    pub const fn focus(mut self) -> Self {
        self.focus = true;
        self
    }

    /// Whether it shows an error: the title of the page then says so first.
    pub const fn is_wrong(&self) -> bool {
        self.error.is_some()
    }

    fn described_by(&self) -> Option<String> {
        let ids = [(&self.hint, "hint"), (&self.error, "error")]
            .iter()
            .filter(|(text, _)| text.is_some())
            .map(|(_, part)| format!("{}-{part}", self.name))
            .collect::<Vec<_>>();
        (!ids.is_empty()).then(|| ids.join(" "))
    }
}

/// An error of a field, for the summary.
#[derive(Clone, Debug)]
pub struct FieldError {
    /// Name of the field.
    pub field: &'static str,
    /// What is wrong with it.
    pub message: String,
}

/// The errors of a form at the top of the page, each a link to its field. Empty without errors, and on a page with one
/// field only: there the error stands beside the field that has the focus, and twice the same sentence helps nobody.
#[derive(Clone, Debug, Template)]
#[template(path = "parts/summary.html")]
pub struct Summary {
    title: String,
    errors: Vec<FieldError>,
}

impl Summary {
    /// Of the errors of these fields.
    pub fn of<'f>(page: &Page, fields: impl IntoIterator<Item = &'f Field>) -> Self {
        let fields: Vec<&Field> = fields.into_iter().collect();
        let errors: Vec<FieldError> = fields
            .iter()
            .filter(|_| fields.len() > 1)
            .filter_map(|field| {
                let message = field.error.clone()?;
                Some(FieldError {
                    field: field.name,
                    message,
                })
            })
            .collect();
        Self {
            title: page.tn("summary-title", "count", errors.len()),
            errors,
        }
    }
}

/// The hidden part of a form: its token and what it carries along.
#[derive(Clone, Debug, Template)]
#[template(path = "parts/form.html")]
pub struct Form {
    /// Where it posts to.
    pub action: String,
    /// Its token ([`crate::csrf`]).
    pub csrf: String,
    /// What it carries along.
    pub hidden: Vec<(&'static str, String)>,
}

impl Form {
    /// Posts to `action` with this token.
    pub fn new(action: impl Into<String>, csrf: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            csrf: csrf.into(),
            hidden: Vec::new(),
        }
    }

    /// Carries this along.
    #[must_use]
    pub fn carry(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.hidden.push((name, value.into()));
        self
    }

    /// Carries this value of `name` instead of the one before: another form of the same page.
    #[must_use]
    pub fn instead(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.hidden.retain(|(carried, _)| *carried != name);
        self.carry(name, value)
    }
}

/// The meaning of a colour, always with a word or a shape beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Worth knowing.
    Information,
    /// Done.
    Success,
    /// Needs attention soon.
    Warning,
    /// Needs action now.
    Danger,
}

impl Tone {
    /// Its class in the style sheet.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Information => "information",
            Self::Success => "success",
            Self::Warning => "warning",
            Self::Danger => "danger",
        }
    }

    const fn key(self) -> &'static str {
        match self {
            Self::Information => "notice-information",
            Self::Success => "notice-success",
            Self::Warning => "notice-warning",
            Self::Danger => "notice-danger",
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Information => "M12 3a9 9 0 1 1 0 18a9 9 0 0 1 0-18M12 11v5.5M12 7.5v.01",
            Self::Success => "M12 3a9 9 0 1 1 0 18a9 9 0 0 1 0-18M8 12.5l2.8 2.8L16 9.5",
            Self::Warning => "M12 3.5L22 20.5H2L12 3.5M12 10v4.5M12 17.3v.01",
            Self::Danger => "M8 3h8l5 5v8l-5 5H8l-5-5V8l5-5M12 7.5v5.5M12 16.5v.01",
        }
    }

    const fn is_urgent(self) -> bool {
        matches!(self, Self::Danger)
    }
}

/// A notice: its kind in a word, then what there is to know.
#[derive(Clone, Debug, Template)]
#[template(path = "parts/notice.html")]
pub struct Notice {
    kind: Tone,
    title: String,
    text: String,
}

impl Notice {
    /// Of this kind.
    pub fn new(page: &Page, kind: Tone, text: impl Into<String>) -> Self {
        Self {
            kind,
            title: page.t(kind.key()),
            text: text.into(),
        }
    }

    /// With a title of its own instead of the word of its kind.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }
}

/// An identifier in monospace with a copy button.
#[derive(Clone, Debug, Template)]
#[template(path = "parts/identifier.html")]
pub struct Identifier {
    value: String,
    what: String,
    copy: String,
    done: String,
}

impl Identifier {
    /// This value; `what` says to a screen reader what is copied.
    pub fn new(page: &Page, value: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            what: what.into(),
            copy: page.t("copy"),
            done: page.t("copied"),
        }
    }
}

/// Buttons of a form that lead to other ways of doing the same; nothing where there are none.
#[derive(Clone, Debug, Template)]
#[template(path = "parts/ways.html")]
pub struct Ways {
    /// The form; it sends `way`.
    pub form: Form,
    /// The value of each way, and its words.
    pub ways: Vec<(&'static str, String)>,
}

/// What would be here, and how to make the first one.
#[derive(Clone, Debug, Template)]
#[template(path = "parts/empty.html")]
pub struct Empty {
    /// That there is nothing.
    pub title: String,
    /// What would be here.
    pub text: String,
    /// How to make the first one.
    pub action: Option<Link>,
}

/// A named progress.
#[derive(Clone, Debug, Template)]
#[template(path = "parts/progress.html")]
pub struct Progress {
    /// Its id in the page.
    pub id: &'static str,
    /// What progresses, in words with its numbers.
    pub label: String,
    /// How much is done.
    pub done: u64,
    /// Of how much.
    pub total: u64,
}

// Parts are markup made by their own escaping templates: a page must not escape them again.
impl HtmlSafe for Field {}
impl HtmlSafe for Summary {}
impl HtmlSafe for Form {}
impl HtmlSafe for Ways {}
impl HtmlSafe for Notice {}
impl HtmlSafe for Identifier {}
impl HtmlSafe for Empty {}
impl HtmlSafe for Progress {}
