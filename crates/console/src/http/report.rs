//! What is said of policies against what Pro Santé Connect asks for, point by point.

use askama::Template;
use hygie_policy::psc::{Language, Report, Verdict};
use hygie_web::i18n::{Lang, french_typography};
use hygie_web::ui::{Page, Tone};

/// A report as it is shown.
#[derive(Template)]
#[template(path = "parts/report.html")]
pub struct Judged {
    tone: &'static str,
    conclusion: String,
    /// Tone, word and message of each point.
    points: Vec<(&'static str, String, String)>,
}

impl askama::filters::HtmlSafe for Judged {}

/// A report in the language of the page.
pub fn judged(page: &Page, report: &Report) -> Judged {
    let language = match page.lang {
        Lang::Fr => Language::French,
        Lang::En => Language::English,
    };
    let tone = |verdict| match verdict {
        Verdict::Conforms => Tone::Success,
        Verdict::CannotTell => Tone::Warning,
        Verdict::DoesNotConform => Tone::Danger,
    };
    let wrong = report
        .points
        .iter()
        .filter(|point| point.verdict != Verdict::Conforms)
        .count();
    let conclusion = format!("psc-conclusion-{}", report.verdict().as_str());
    let points = report.points.iter().map(|point| {
        let word = page.t(&format!("psc-{}", point.verdict.as_str()));
        let message = match language {
            Language::French => french_typography(point.message(language)),
            Language::English => point.message(language).to_owned(),
        };
        (tone(point.verdict).class(), word, message)
    });
    Judged {
        tone: tone(report.verdict()).class(),
        conclusion: page.tn(&conclusion, "count", wrong),
        points: points.collect(),
    }
}
