//! Bundles that we answer with: searchset, history, batch-response, transaction-response.
//! <http://hl7.org/fhir/R4/bundle.html>
//!
//! Resources go in as text, byte for byte as they are shown alone.

use hygie_core::Cx;
use hygie_fhir_model::Subset;
use hygie_fhir_model::json::{Document, quote};
use hygie_fhir_store::repo::{Method, STORED, Version};
use hygie_web::error::{Issue, OperationOutcome};

use super::{etag, location, outcome_error, shown};
use crate::interaction::{Answer, Error, List, ListKind};

/// What a write answers with. <http://hl7.org/fhir/R4/http.html#ops>
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Return {
    /// The resource.
    #[default]
    Representation,
    /// Nothing.
    Minimal,
    /// An OperationOutcome.
    Outcome,
}

/// Begins a bundle, up to its entries.
fn head(cx: &Cx, kind: &str, total: Option<u64>) -> String {
    let mut text = format!(
        r#"{{"resourceType":"Bundle","id":"{}","meta":{{"lastUpdated":"{}"}},"type":"{kind}""#,
        cx.request,
        cx.now.to_rfc3339()
    );
    if let Some(total) = total {
        text.push_str(&format!(r#","total":{total}"#));
    }
    text
}

/// Ends a bundle with its entries: an array is never empty in FHIR.
fn with_entries(mut text: String, entries: &[String]) -> String {
    let mut separator = r#","entry":["#;
    for entry in entries {
        text.push_str(separator);
        text.push_str(entry);
        separator = ",";
    }
    text.push_str(if entries.is_empty() { "}" } else { "]}" });
    text
}

/// A page of a search or history.
pub fn list(base: &str, cx: &Cx, list: &List) -> String {
    let kind = match list.kind {
        ListKind::Search => "searchset",
        ListKind::History => "history",
    };
    let mut text = head(cx, kind, list.total);
    let pages = [
        ("self", list.this.as_deref(), true),
        ("next", list.next.as_deref(), list.next.is_some()),
    ];
    let links = pages
        .into_iter()
        .filter(|(.., is_there)| *is_there)
        .map(|(relation, at, _)| (relation, page_url(base, list, at)));
    let others = list
        .others
        .iter()
        .map(|(relation, path)| (*relation, format!("{base}/{path}")));
    let links = links
        .chain(others)
        .map(|(relation, url)| format!(r#"{{"relation":"{relation}","url":{}}}"#, quote(&url)));
    text.push_str(&format!(r#","link":[{}]"#, links.collect::<Vec<_>>().join(",")));
    let mut entries = Vec::with_capacity(list.versions.len() + 1);
    for version in &list.versions {
        entries.push(match list.kind {
            ListKind::Search => search_entry(base, version, ("match", list.part.as_ref())),
            ListKind::History => history_entry(base, version),
        });
    }
    // Named elements are those of the type that is searched.
    let part = list.part.as_ref().filter(|part| !matches!(part, Subset::Elements(_)));
    for version in &list.included {
        entries.push(search_entry(base, version, ("include", part)));
    }
    let warnings = list.warnings.iter();
    let warnings = warnings.map(|warning| Issue::warning("not-supported", warning.clone()));
    let explained = list.explained.iter().map(|plan| information(plan.clone()));
    let issues: Vec<_> = warnings.chain(explained).collect();
    if !issues.is_empty() {
        let outcome = outcome(cx, issues);
        entries.push(format!(r#"{{"resource":{outcome},"search":{{"mode":"outcome"}}}}"#));
    }
    with_entries(text, &entries)
}

fn page_url(base: &str, list: &List, at: Option<&str>) -> String {
    let link = &list.link;
    let mark = if link.contains('?') { '&' } else { '?' };
    match at {
        Some(at) => format!("{base}/{link}{mark}{}={at}", list.parameter),
        None => format!("{base}/{link}"),
    }
}

fn outcome(cx: &Cx, issues: Vec<Issue>) -> String {
    let outcome = OperationOutcome::new(cx.request, cx.now, issues);
    serde_json::to_string(&outcome).expect("strings and lists always serialize")
}

fn full_url(base: &str, version: &Version) -> String {
    quote(&format!("{base}/{}/{}", version.kind, version.id))
}

fn search_entry(base: &str, version: &Version, (mode, part): (&str, Option<&Subset>)) -> String {
    let (url, whole) = (full_url(base, version), shown(version));
    let resource = match part.map(|part| (part, Document::parse(whole.as_str(), &STORED))) {
        // What is stored is JSON: it was parsed when it came.
        Some((part, Ok(document))) => part.cut(&document),
        _ => whole,
    };
    format!(r#"{{"fullUrl":{url},"resource":{resource},"search":{{"mode":"{mode}"}}}}"#)
}

fn history_entry(base: &str, version: &Version) -> String {
    let (kind, id) = (version.kind, &version.id);
    let (resource, method, url, status) = match version.method {
        Method::Create => (Some(shown(version)), "POST", kind.to_string(), "201"),
        Method::Update => {
            let status = if version.number == 1 { "201" } else { "200" };
            (Some(shown(version)), "PUT", format!("{kind}/{id}"), status)
        }
        Method::Delete => (None, "DELETE", format!("{kind}/{id}"), "204"),
    };
    let resource = resource.map_or_else(String::new, |resource| format!(r#""resource":{resource},"#));
    format!(
        r#"{{"fullUrl":{},{resource}"request":{{"method":"{method}","url":{}}},"response":{{"status":"{status}",{}}}}}"#,
        full_url(base, version),
        quote(&url),
        validators(version)
    )
}

/// Entity tag and last update, as members of `response`.
fn validators(version: &Version) -> String {
    let tag = quote(&etag(version.number));
    format!(r#""etag":{tag},"lastModified":"{}""#, version.updated.to_rfc3339())
}

/// The outcome of a write that was done, for `Prefer: return=OperationOutcome`.
pub fn done(cx: &Cx) -> String {
    outcome(cx, vec![information("done")])
}

fn information(text: impl Into<String>) -> Issue {
    let mut issue = Issue::warning("informational", text);
    issue.severity = hygie_web::error::Severity::Information;
    issue
}

/// Makes the answers of a bundle's entries.
pub struct Responses<'r> {
    /// The base of the service.
    pub base: &'r str,
    /// The context.
    pub cx: &'r Cx,
    /// What writes answer with.
    pub returns: Return,
}

impl Responses<'_> {
    /// The whole bundle.
    pub fn bundle(&self, kind: &str, answers: Vec<Result<Answer, Error>>) -> String {
        let mut entries = Vec::with_capacity(answers.len());
        for answer in answers {
            entries.push(match answer {
                Ok(answer) => self.entry(&answer),
                Err(error) => self.failed(error),
            });
        }
        with_entries(head(self.cx, kind, None), &entries)
    }

    fn entry(&self, answer: &Answer) -> String {
        match answer {
            Answer::Found(version) => {
                let resource = Some(shown(version));
                self.versioned("200", version, resource, "")
            }
            Answer::NotModified(version) => self.versioned("304", version, None, ""),
            Answer::Created(version) => self.written("201", version),
            Answer::Updated(version) | Answer::Matched(version) => self.written("200", version),
            Answer::Deleted(version) | Answer::Absent(Some(version)) => {
                format!(r#"{{"response":{{"status":"204",{}}}}}"#, validators(version))
            }
            Answer::DeletedSeveral(_) | Answer::Absent(None) => r#"{"response":{"status":"204"}}"#.to_owned(),
            Answer::List(page) => {
                let resource = list(self.base, self.cx, page);
                format!(r#"{{"resource":{resource},"response":{{"status":"200"}}}}"#)
            }
        }
    }

    fn written(&self, status: &str, version: &Version) -> String {
        let location = quote(&location(self.base, version));
        let mut more = format!(r#","location":{location}"#);
        let mut resource = None;
        match self.returns {
            Return::Minimal => {}
            Return::Representation => resource = Some(shown(version)),
            Return::Outcome => more.push_str(&format!(r#","outcome":{}"#, done(self.cx))),
        }
        self.versioned(status, version, resource, &more)
    }

    fn versioned(&self, status: &str, version: &Version, resource: Option<String>, more: &str) -> String {
        let resource = resource.map_or_else(String::new, |resource| format!(r#""resource":{resource},"#));
        format!(
            r#"{{"fullUrl":{},{resource}"response":{{"status":"{status}",{}{more}}}}}"#,
            full_url(self.base, version),
            validators(version)
        )
    }

    fn failed(&self, error: Error) -> String {
        let error = outcome_error(error);
        let status = error.status().as_u16();
        let outcome = outcome(self.cx, error.issues());
        format!(r#"{{"response":{{"status":"{status}","outcome":{outcome}}}}}"#)
    }
}
