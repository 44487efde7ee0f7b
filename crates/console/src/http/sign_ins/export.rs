//! `GET /admin/sign-ins/export` — the sign-ins that a filter finds as a file: an entry a line as JSON, or as a table (RFC 4180). It
//! is read a page at a time as it is sent, so that its length costs no memory.
//!
//! What begins as a formula of spreadsheets gets an apostrophe before it: names are chosen by people, some of them outside.
//! <https://owasp.org/www-community/attacks/CSV_Injection>

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse, Redirect, Response};
use bytes::Bytes;
use futures_util::stream;
use hygie_web::i18n::Lang;
use serde_json::{Value, json};

use super::filter::Filter;
use super::{HERE, LOG};
use crate::api::{ApiError, Listed};
use crate::http::{Visit, Wrong};

/// The address.
pub const EXPORT: &str = "/admin/sign-ins/export";
/// Entries of a page of the directory API.
const PAGE: &str = "250";
/// Entries of a file. More are got from the directory API, or by naming a period.
const MOST: usize = 100_000;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Lines,
    /// With this sign between its cells.
    Table(char),
}

/// Columns of a table: their name, and where the value is in an entry.
const COLUMNS: [(&str, &str); 20] = [
    ("createdDateTime", "/createdDateTime"),
    ("userDisplayName", "/userDisplayName"),
    ("userPrincipalName", "/userPrincipalName"),
    ("userId", "/userId"),
    ("appDisplayName", "/appDisplayName"),
    ("appId", "/appId"),
    ("resourceDisplayName", "/resourceDisplayName"),
    ("ipAddress", "/ipAddress"),
    ("city", "/location/city"),
    ("countryOrRegion", "/location/countryOrRegion"),
    ("clientAppUsed", "/clientAppUsed"),
    ("browser", "/deviceDetail/browser"),
    ("operatingSystem", "/deviceDetail/operatingSystem"),
    ("isInteractive", "/isInteractive"),
    ("errorCode", "/status/errorCode"),
    ("failureReason", "/status/failureReason"),
    ("conditionalAccessStatus", "/conditionalAccessStatus"),
    ("riskLevelDuringSignIn", "/riskLevelDuringSignIn"),
    ("correlationId", "/correlationId"),
    ("id", "/id"),
];

/// What is still to be sent.
struct Rest {
    visit: Visit,
    filter: String,
    format: Format,
    /// How many entries were sent.
    sent: usize,
    /// The page to be sent next; none after the last.
    page: Option<Listed<Value>>,
}

pub async fn get(visit: Visit) -> Result<Response, Wrong> {
    let here = visit.page();
    let filter = Filter::of(&visit, &here);
    let format = match (visit.option("format"), here.lang) {
        ("ndjson", _) => Format::Lines,
        // As spreadsheets of the language read it.
        ("csv", Lang::Fr) => Format::Table(';'),
        ("csv", Lang::En) => Format::Table(','),
        _ => return Err(ApiError::NotFound.into()),
    };
    let Some(clause) = filter.clause.clone() else {
        // The page says what is wrong.
        return Ok(Redirect::to(&filter.at(HERE, ("", ""))).into_response());
    };
    // A refusal is a page and no file.
    let first = page(&visit, &clause, "").await?;
    let rest = Rest {
        visit,
        filter: clause,
        format,
        sent: 0,
        page: Some(first),
    };
    let body = Body::from_stream(stream::try_unfold(rest, Rest::next));
    let (kind, name) = format.told();
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CONTENT_DISPOSITION, HeaderValue::from_static(name)),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, body).into_response())
}

async fn page(visit: &Visit, filter: &str, token: &str) -> Result<Listed<Value>, ApiError> {
    let options = [("$top", PAGE), ("$filter", filter), ("$skiptoken", token)];
    let options: Vec<(&str, &str)> = options.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    visit.api().get(LOG, &options).await
}

impl Rest {
    /// The next piece; none at the end. An error cuts the transfer: nobody takes a part for the whole.
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, ApiError> {
        let Some(listed) = self.page.take() else {
            return Ok(None);
        };
        let mut text = String::new();
        if self.sent == 0 {
            text.push_str(&self.format.head());
        }
        let next = listed.next();
        let room = MOST - self.sent;
        for entry in listed.value.iter().take(room) {
            text.push_str(&self.format.line(entry));
        }
        self.sent += listed.value.len().min(room);
        match next {
            Some(_) if self.sent == MOST => text.push_str(&self.format.cut()),
            Some(token) => self.page = Some(page(&self.visit, &self.filter, &token).await?),
            None => {}
        }
        Ok(Some((text.into(), self)))
    }
}

impl Format {
    /// Its type, and the name of the file.
    const fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::Lines => ("application/x-ndjson", "attachment; filename=\"sign-ins.ndjson\""),
            Self::Table(_) => (
                "text/csv; charset=utf-8; header=present",
                "attachment; filename=\"sign-ins.csv\"",
            ),
        }
    }

    /// What stands before the first entry. Spreadsheets take a table for UTF-8 by the mark at its beginning.
    fn head(self) -> String {
        match self {
            Self::Lines => String::new(),
            Self::Table(sign) => {
                let names = COLUMNS.iter().map(|(name, _)| (*name).to_owned());
                format!("\u{feff}{}", row(sign, names))
            }
        }
    }

    fn line(self, entry: &Value) -> String {
        match self {
            Self::Lines => format!("{entry}\n"),
            Self::Table(sign) => {
                let cells = COLUMNS.iter().map(|(_, place)| match entry.pointer(place) {
                    None | Some(Value::Null) => String::new(),
                    Some(Value::String(text)) => cell(text),
                    Some(other) => cell(&other.to_string()),
                });
                row(sign, cells)
            }
        }
    }

    /// What stands at the end of a file that has not everything.
    fn cut(self) -> String {
        let told = format!("truncated: {MOST} entries at most");
        match self {
            Self::Lines => format!("{}\n", json!({ "isTruncated": true, "message": told })),
            Self::Table(sign) => row(sign, [told].into_iter()),
        }
    }
}

fn row(sign: char, cells: impl Iterator<Item = String>) -> String {
    let mut text = cells.collect::<Vec<_>>().join(&sign.to_string());
    text.push_str("\r\n");
    text
}

/// Signs that part cells, whichever a spreadsheet takes for it, or end a line.
const PARTING: [char; 6] = [',', ';', '\t', '\r', '\n', '"'];
/// Signs that a formula begins with, the wide ones too.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// A text of which nothing is a formula, whatever sign cells are parted at; in quotes where it needs them.
fn cell(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut before = PARTING[0];
    for sign in text.chars() {
        if FORMULA.contains(&sign) && PARTING.contains(&before) {
            safe.push('\'');
        }
        safe.push(sign);
        before = sign;
    }
    if safe.contains(PARTING) {
        safe = format!("\"{}\"", safe.replace('"', "\"\""));
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_no_formula_and_stays_one_cell() {
        for (text, expected) in [
            ("Anna Martin", "Anna Martin"),
            (
                "=HYPERLINK(\"https://evil.example\")",
                "\"'=HYPERLINK(\"\"https://evil.example\"\")\"",
            ),
            ("+33 1", "'+33 1"),
            ("-2", "'-2"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "\"\t'=1\""),
            ("＝1", "'＝1"),
            ("Martin, Anna", "\"Martin, Anna\""),
            ("a;=1", "\"a;'=1\""),
            ("a;\"=1", "\"a;\"\"'=1\""),
            ("a\r\n=1", "\"a\r\n'=1\""),
            ("c44b4083-3bb0", "c44b4083-3bb0"),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
