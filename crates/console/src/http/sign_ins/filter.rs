//! Which sign-ins are asked for: the options of the address, which a form fills, and the `$filter` that they come to.

use hygie_core::Timestamp;
use hygie_web::ui::{Field, Input, Page};
use uuid::Uuid;

use crate::api::{quoted, with_query};
use crate::http::Visit;
use crate::parts::{Part, Select};

/// The options, in the order of the form.
const OPTIONS: [&str; 7] = ["q", "outcome", "application", "access", "from", "until", "code"];
/// How many of them are always seen.
const FIRST: usize = 2;

/// What is asked for.
pub struct Filter {
    /// The fields that are always seen, with what was typed and what is wrong with it.
    pub first: Vec<Part>,
    /// The others, and whether something was typed in one of them.
    pub more: Vec<Part>,
    pub has_more: bool,
    /// The `$filter`; empty for everything. `None` where something of what was typed cannot be asked for.
    pub clause: Option<String>,
    /// The same options at other addresses.
    options: Vec<(&'static str, String)>,
}

/// A field, and what it adds to the filter; an error is the message that says what is wrong.
type Read = Result<Option<String>, &'static str>;

impl Filter {
    /// Of an address.
    pub fn of(visit: &Visit, page: &Page) -> Self {
        let option = |name: &str| visit.option(name).trim();
        let mut clauses = Vec::new();
        let mut is_wrong = false;
        let mut fields = Vec::new();
        let mut add = |field: Field, read: Read| {
            let value = option(field.name());
            is_wrong |= read.is_err();
            let error = read.as_ref().err().map(|key| page.t(key));
            clauses.extend(read.ok().flatten());
            fields.push(Part::Field(field.value(value).error(error).optional()));
        };
        let person = Field::new(page, Input::Search, "q", page.t("sign-ins-person"));
        add(
            person.hint(page.t("user-principal-name-hint")),
            Ok(is("userPrincipalName", &option("q").to_lowercase())),
        );
        let of = Field::text(page, "application", page.t("sign-in-application"));
        add(
            of.hint(page.t("sign-ins-application-hint")),
            Ok(application(option("application"))),
        );
        for (name, label, at) in [
            ("from", "sign-ins-from", "ge 00:00:00.000Z"),
            ("until", "sign-ins-until", "le 23:59:59.999Z"),
        ] {
            let day = Field::new(page, Input::Date, name, page.t(label));
            add(day.hint(page.t("sign-ins-day-hint")), bound(option(name), at));
        }
        let number = Field::new(page, Input::Digits, "code", page.t("sign-ins-code"));
        add(number.hint(page.t("sign-ins-code-hint")), code(option("code")));
        let (outcome, access) = (option("outcome"), option("access"));
        clauses.extend(match outcome {
            "success" => Some("status/errorCode eq 0".to_owned()),
            "failure" => Some("status/errorCode ne 0".to_owned()),
            _ => None,
        });
        if ACCESS.iter().any(|(known, _)| *known == access) {
            clauses.extend(is("conditionalAccessStatus", access));
        }
        fields.insert(1, choice(page, "outcome", "sign-ins-outcome", &OUTCOMES, outcome));
        fields.insert(3, choice(page, "access", "sign-ins-access", &ACCESS, access));
        let more = fields.split_off(FIRST);
        let options = OPTIONS.into_iter().map(|name| (name, option(name).to_owned()));
        Self {
            first: fields,
            more,
            has_more: OPTIONS.iter().skip(FIRST).any(|name| !option(name).is_empty()),
            clause: (!is_wrong).then(|| clauses.join(" and ")),
            options: options.filter(|(_, value)| !value.is_empty()).collect(),
        }
    }

    /// An address with the same options, and one more.
    pub fn at(&self, path: &str, more: (&str, &str)) -> String {
        let options = self.options.iter().map(|(name, value)| (*name, value.as_str()));
        let all: Vec<(&str, &str)> = options
            .chain([more].into_iter().filter(|(name, _)| !name.is_empty()))
            .collect();
        with_query(path, &all)
    }
}

const OUTCOMES: [(&str, &str); 2] = [("success", "sign-in-success"), ("failure", "sign-in-failure")];
const ACCESS: [(&str, &str); 3] = [
    ("success", "result-success"),
    ("failure", "result-failure"),
    ("notApplied", "result-notApplied"),
];

fn choice(page: &Page, name: &'static str, label: &str, known: &[(&str, &str)], chosen: &str) -> Part {
    let all = (String::new(), page.t("sign-ins-all"));
    let known = known.iter().map(|(value, key)| ((*value).to_owned(), page.t(key)));
    Part::Select(Select::new(name, page.t(label), [all].into_iter().chain(known).collect()).chosen(chosen))
}

fn is(property: &str, value: &str) -> Option<String> {
    (!value.is_empty()).then(|| format!("{property} eq {}", quoted(value)))
}

/// By its id, or by the beginning of its name.
fn application(typed: &str) -> Option<String> {
    match typed.parse::<Uuid>() {
        Ok(id) => is("appId", &id.to_string()),
        Err(_) if typed.is_empty() => None,
        Err(_) => Some(format!("startsWith(appDisplayName,{})", quoted(typed))),
    }
}

fn code(typed: &str) -> Read {
    if typed.is_empty() {
        return Ok(None);
    }
    let code: u32 = typed.parse().map_err(|_| "sign-ins-code-wrong")?;
    Ok(Some(format!("status/errorCode eq {code}")))
}

/// The beginning or the end of a day; `at` is the comparison and the time.
fn bound(day: &str, at: &str) -> Read {
    let Some((operator, time)) = at.split_once(' ').filter(|_| !day.is_empty()) else {
        return Ok(None);
    };
    let at = format!("{day}T{time}");
    let at: Timestamp = at.parse().map_err(|_| "sign-ins-day-wrong")?;
    Ok(Some(format!("createdDateTime {operator} {}", at.to_rfc3339())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_stays_a_value_of_the_filter() {
        let id = "C44B4083-3bb0-49c1-b47d-974e53cbdf3c";
        let clause = application(id).unwrap();
        assert_eq!(clause, format!("appId eq '{}'", id.to_lowercase()));
        assert_eq!(
            application("l'hôpital").unwrap(),
            "startsWith(appDisplayName,'l''hôpital')"
        );
        assert_eq!(application(""), None);
        assert_eq!(
            is("userPrincipalName", "o'neil").unwrap(),
            "userPrincipalName eq 'o''neil'"
        );
        assert_eq!(code("50126"), Ok(Some("status/errorCode eq 50126".to_owned())));
        for wrong in ["-1", "1 or 2 eq 2", "5e3", "99999999999"] {
            assert_eq!(code(wrong), Err("sign-ins-code-wrong"), "{wrong}");
        }
        let of = |day| bound(day, "le 23:59:59.999Z");
        assert_eq!(
            of("2026-11-02"),
            Ok(Some("createdDateTime le 2026-11-02T23:59:59.999Z".to_owned()))
        );
        for wrong in ["02/11/2026", "2026-02-30", "2026-11-02T00:00:00Z or 1 eq 1 or '", "x"] {
            assert_eq!(of(wrong), Err("sign-ins-day-wrong"), "{wrong}");
        }
    }
}
