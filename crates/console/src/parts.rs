//! Parts of forms that only the console has: choices, texts of several lines, files.

use std::fmt;

use askama::Template;
use askama::filters::HtmlSafe;
use hygie_web::ui::Field;

use crate::http::Fields;

/// One of a list.
#[derive(Clone, Debug, Template)]
#[template(path = "parts/select.html")]
pub struct Select {
    /// Its id in the page, and what it sends.
    pub id: String,
    pub name: &'static str,
    pub label: String,
    pub hint: Option<String>,
    /// Values with their words.
    pub options: Vec<(String, String)>,
    pub chosen: String,
}

impl Select {
    /// Of these options.
    pub fn new(name: &'static str, label: String, options: Vec<(String, String)>) -> Self {
        Self {
            id: name.to_owned(),
            name,
            label,
            hint: None,
            options,
            chosen: String::new(),
        }
    }

    /// With this one chosen.
    #[must_use]
    pub fn chosen(mut self, value: &str) -> Self {
        value.clone_into(&mut self.chosen);
        self
    }

    /// With help under the label.
    #[must_use]
    pub fn hint(mut self, hint: String) -> Self {
        self.hint = Some(hint);
        self
    }
}

/// A text of several lines.
#[derive(Clone, Debug, Template)]
#[template(path = "parts/area.html")]
pub struct Area {
    /// Its id in the page, and what it sends.
    pub id: String,
    pub name: &'static str,
    pub label: String,
    pub hint: String,
    pub value: String,
    pub is_required: bool,
    /// Whether it is a document.
    pub is_tall: bool,
}

impl Area {
    /// Of a few lines, or none.
    pub fn new(name: &'static str, label: String, hint: String, value: impl Into<String>) -> Self {
        Self {
            id: name.to_owned(),
            name,
            label,
            hint,
            value: value.into(),
            is_required: false,
            is_tall: false,
        }
    }
}

/// A file to choose.
#[derive(Clone, Debug, Template)]
#[template(path = "parts/file.html")]
pub struct Choose {
    /// Its id in the page, and what it sends.
    pub id: String,
    pub name: &'static str,
    pub label: String,
    pub hint: String,
    /// What files are offered first.
    pub accept: &'static str,
    pub is_required: bool,
}

/// Boxes of which any number is ticked.
#[derive(Clone, Debug, Template)]
#[template(path = "parts/boxes.html")]
pub struct Boxes {
    pub name: &'static str,
    pub legend: String,
    /// Values, their words, whether they are ticked.
    pub options: Vec<(String, String, bool)>,
}

/// A box of its own.
#[derive(Clone, Debug, Template)]
#[template(path = "parts/check.html")]
pub struct Check {
    pub name: &'static str,
    pub label: String,
    pub hint: String,
    /// What is wrong with it.
    pub error: Option<String>,
    pub is_ticked: bool,
}

impl Check {
    /// What a ticked box sends.
    pub const TICKED: &'static str = "yes";

    /// Ticked or not.
    pub const fn new(name: &'static str, label: String, hint: String, is_ticked: bool) -> Self {
        Self {
            name,
            label,
            hint,
            error: None,
            is_ticked,
        }
    }
}

/// A part of a form.
#[derive(Clone, Debug)]
pub enum Part {
    Field(Field),
    Select(Select),
    Area(Area),
    Choose(Choose),
    Boxes(Boxes),
    Check(Check),
}

impl Part {
    /// With what was typed in it. A file is chosen again.
    fn kept(self, typed: &Fields) -> Self {
        match self {
            Self::Field(part) => {
                let value = typed.get(part.name()).to_owned();
                Self::Field(part.value(value))
            }
            Self::Select(part) => {
                let chosen = typed.get(part.name);
                Self::Select(part.chosen(chosen))
            }
            Self::Area(part) => Self::Area(Area {
                value: typed.get(part.name).to_owned(),
                ..part
            }),
            Self::Choose(part) => Self::Choose(part),
            Self::Boxes(mut part) => {
                for (value, _, is_ticked) in &mut part.options {
                    *is_ticked = typed.all(part.name).any(|ticked| ticked == value);
                }
                Self::Boxes(part)
            }
            Self::Check(part) => Self::Check(Check {
                is_ticked: typed.get(part.name) == Check::TICKED,
                ..part
            }),
        }
    }
}

/// Parts with what was typed in them.
pub fn kept(parts: Vec<Part>, typed: &Fields) -> Vec<Part> {
    parts.into_iter().map(|part| part.kept(typed)).collect()
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(part) => part.fmt(f),
            Self::Select(part) => part.fmt(f),
            Self::Area(part) => part.fmt(f),
            Self::Choose(part) => part.fmt(f),
            Self::Boxes(part) => part.fmt(f),
            Self::Check(part) => part.fmt(f),
        }
    }
}

// Parts are markup made by their own escaping templates: a page must not escape them again.
impl HtmlSafe for Select {}
impl HtmlSafe for Area {}
impl HtmlSafe for Choose {}
impl HtmlSafe for Boxes {}
impl HtmlSafe for Check {}
impl HtmlSafe for Part {}
