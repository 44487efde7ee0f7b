//! A page of facts, lists and forms: what most pages of administration are.

use askama::Template;
use askama::filters::HtmlSafe;
use hygie_web::ui::{Form, Identifier, Link, Page, Tone};

use crate::http::{Fields, Frame, Pager};
use crate::parts::{Part, kept};

/// The page.
#[derive(Template)]
#[template(path = "sheet.html")]
pub struct Sheet {
    pub page: Page,
    pub frame: Frame,
    /// Where it came from; none of a page of the navigation.
    pub back: Option<Link>,
    pub title: String,
    /// Its state.
    pub tag: Option<(Tone, String)>,
    /// The one thing that is done most here.
    pub action: Option<Link>,
    pub lead: String,
    pub facts: Vec<(String, Fact)>,
    /// Pages that say more of it.
    pub links: Vec<Link>,
    pub lists: Vec<List>,
    /// The other pages of the last list.
    pub pager: Option<Pager>,
    pub blocks: Vec<Block>,
    /// What is only told, after what is done here.
    pub last: Option<List>,
}

impl Sheet {
    /// With a title and nothing else.
    pub fn new(page: &Page, frame: Frame, title: impl Into<String>) -> Self {
        Self {
            page: page.clone(),
            frame,
            back: None,
            title: title.into(),
            tag: None,
            action: None,
            lead: String::new(),
            facts: Vec::new(),
            links: Vec::new(),
            lists: Vec::new(),
            pager: None,
            blocks: Vec::new(),
            last: None,
        }
    }
}

impl Sheet {
    /// With what was typed in the form that was not taken, which is not folded away.
    pub fn keep(&mut self, typed: &Fields) {
        let step = typed.get("step");
        for block in self.blocks.iter_mut().filter(|block| block.submit.0 == step) {
            block.parts = kept(std::mem::take(&mut block.parts), typed);
            if block.kind == Kind::Folded {
                block.kind = Kind::Plain;
            }
        }
    }
}

/// What a fact is.
pub enum Fact {
    Text(String),
    /// One a line, exactly.
    Codes(Vec<String>),
    /// To be copied.
    Id(Identifier),
    /// An instant.
    At(String),
}

/// Things of one kind.
#[derive(Template)]
#[template(path = "parts/list.html")]
pub struct List {
    pub id: String,
    pub heading: String,
    /// Where the heading leads.
    pub href: Option<String>,
    pub lead: String,
    /// What is said when there are none.
    pub empty: String,
    pub rows: Vec<Row>,
    /// The form of the buttons of its rows.
    pub form: Option<Form>,
}

// It is markup made by its own escaping template.
impl HtmlSafe for List {}

impl List {
    /// Of these rows, or what is said when there are none.
    pub fn new(id: impl Into<String>, empty: String, rows: Vec<Row>) -> Self {
        Self {
            id: id.into(),
            heading: String::new(),
            href: None,
            lead: String::new(),
            empty,
            rows,
            form: None,
        }
    }
}

/// One of a list.
#[derive(Default)]
pub struct Row {
    pub title: String,
    pub href: Option<String>,
    pub detail: String,
    /// An instant after the detail.
    pub at: Option<String>,
    pub tag: Option<(Tone, String)>,
    /// What its button does, to what, in words.
    pub button: Option<(&'static str, String, String)>,
}

/// A form of the page.
pub struct Block {
    pub id: &'static str,
    pub heading: String,
    pub lead: String,
    pub form: Form,
    pub parts: Vec<Part>,
    /// What its button does, and its words.
    pub submit: (&'static str, String),
    pub kind: Kind,
    /// Whether it has a file.
    pub is_upload: bool,
}

/// How a form stands on its page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What the page is for.
    Primary,
    Plain,
    /// Opened by who wants it.
    Folded,
    /// It destroys something: there is a box to tick, with these words.
    Danger,
}

impl Block {
    /// A form that does `step`.
    pub fn new(id: &'static str, heading: String, form: Form, submit: (&'static str, String)) -> Self {
        Self {
            id,
            heading,
            lead: String::new(),
            form,
            parts: Vec::new(),
            submit,
            kind: Kind::Plain,
            is_upload: false,
        }
    }

    /// What is behind the box that says that it is meant.
    pub fn danger(page: &Page, form: Form, sure: String, label: String) -> Self {
        Self {
            lead: sure,
            kind: Kind::Danger,
            ..Self::new("danger", page.t("admin-danger"), form, ("delete", label))
        }
    }
}
