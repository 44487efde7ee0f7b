//! The further conditions of the form: what is ticked of the words of Graph, each list under the name of its boxes.

use std::collections::{BTreeMap, BTreeSet};

use hygie_policy::json::{Flags, Word};
use hygie_policy::policy::{
    ClientAppType, Conditions, DevicePlatform, ExternalTenants, GuestType, Guests, RiskLevel, TransferMethod,
    UserAction,
};
use hygie_web::ui::Page;
use serde_json::{Value, json};

use crate::http::Fields;
use crate::parts::Boxes;
use crate::wire::Object;

/// The words that are ticked, by list; a list of which none is has no entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picked(BTreeMap<&'static str, BTreeSet<String>>);

/// The lists, as their boxes are called.
const LISTS: [&str; 10] = [
    "action",
    "context",
    "guest",
    "except-guest",
    "program",
    "platform",
    "except-platform",
    "sign-in-risk",
    "user-risk",
    "flow",
];
/// Any kind of program, any platform.
const ANY: &str = "all";

/// The words that a list offers; contexts are the tenant's own.
fn offered(list: &str) -> Vec<&'static str> {
    fn all<T: Word>() -> Vec<&'static str> {
        T::WORDS.iter().map(|word| word.word()).collect()
    }
    match list {
        "action" => all::<UserAction>(),
        "guest" | "except-guest" => all::<GuestType>(),
        // None ticked is any.
        "program" => all::<ClientAppType>().into_iter().filter(|word| *word != ANY).collect(),
        "platform" | "except-platform" => all::<DevicePlatform>(),
        "sign-in-risk" | "user-risk" => all::<RiskLevel>(),
        "flow" => all::<TransferMethod>(),
        _ => Vec::new(),
    }
}

impl Picked {
    /// Those of a policy.
    pub fn read(conditions: &Conditions) -> Self {
        let mut picked = Self::default();
        if let Some(applications) = &conditions.applications {
            picked.put("action", &applications.include_user_actions);
            picked.put("context", &applications.include_authentication_contexts);
        }
        if let Some(users) = &conditions.users {
            picked.put("guest", kinds(users.include_guests.as_ref()));
            picked.put("except-guest", kinds(users.exclude_guests.as_ref()));
        }
        if conditions.client_app_types != [ClientAppType::All] {
            picked.put("program", &conditions.client_app_types);
        }
        if let Some(platforms) = &conditions.platforms {
            picked.put("platform", &platforms.include_platforms);
            picked.put("except-platform", &platforms.exclude_platforms);
        }
        picked.put("sign-in-risk", &conditions.sign_in_risk_levels);
        picked.put("user-risk", &conditions.user_risk_levels);
        let flows = conditions.authentication_flows.as_ref();
        if let Some(Flags(methods)) = flows.and_then(|flows| flows.transfer_methods.as_ref()) {
            picked.put("flow", methods);
        }
        picked
    }

    /// What was ticked.
    pub fn typed(fields: &Fields) -> Self {
        let mut picked = Self::default();
        for list in LISTS {
            picked.put(list, fields.all(list).filter(|value| !value.is_empty()));
        }
        picked
    }

    fn put<T: ToString>(&mut self, list: &'static str, words: impl IntoIterator<Item = T>) {
        let words: BTreeSet<String> = words.into_iter().map(|word| word.to_string()).collect();
        if !words.is_empty() {
            self.0.insert(list, words);
        }
    }

    /// The words of a list that are ticked.
    pub fn of(&self, list: &str) -> Option<&BTreeSet<String>> {
        self.0.get(list)
    }

    /// Whether any is ticked of one of these lists.
    pub fn has(&self, lists: &[&str]) -> bool {
        lists.iter().any(|list| self.0.contains_key(list))
    }

    fn flags(&self, list: &str) -> Option<String> {
        let words = self.of(list)?;
        Some(words.iter().map(String::as_str).collect::<Vec<_>>().join(","))
    }

    /// The boxes of a list; what is ticked is there though it is not offered.
    pub fn boxes(&self, page: &Page, list: &'static str, contexts: &[Object]) -> Boxes {
        let ticked = self.of(list).cloned().unwrap_or_default();
        let mut options: Vec<(String, String)> = if list == "context" {
            let named = |one: &Object| (one.id.clone(), format!("{} ({})", one.display_name, one.id));
            contexts.iter().map(named).collect()
        } else {
            let words = offered(list).into_iter();
            words.map(|word| (word.to_owned(), told(page, list, word))).collect()
        };
        let others = ticked
            .iter()
            .filter(|word| !options.iter().any(|(one, _)| one == *word));
        let others: Vec<_> = others.map(|word| (word.clone(), word.clone())).collect();
        options.extend(others);
        let options = options.into_iter().map(|(word, words)| {
            let is_ticked = ticked.contains(&word);
            (word, words, is_ticked)
        });
        Boxes {
            name: list,
            legend: page.t(&format!("policy-{list}")),
            options: options.collect(),
        }
    }

    /// Writes them to the conditions of a document, but for actions and contexts: these take the place of applications.
    pub fn write(&self, conditions: &mut Value) {
        conditions["clientAppTypes"] = self.of("program").map_or_else(|| json!([ANY]), |words| json!(words));
        for (list, member) in [
            ("guest", "includeGuestsOrExternalUsers"),
            ("except-guest", "excludeGuestsOrExternalUsers"),
        ] {
            if let Some(kinds) = self.flags(list) {
                conditions["users"][member] = json!({
                    "guestOrExternalUserTypes": kinds, "externalTenants": hygie_policy::json::Member::write(&ExternalTenants::All),
                });
            }
        }
        if self.has(&["platform", "except-platform"]) {
            let any = BTreeSet::from([ANY.to_owned()]);
            let none = BTreeSet::new();
            conditions["platforms"] = json!({
                "includePlatforms": self.of("platform").unwrap_or(&any),
                "excludePlatforms": self.of("except-platform").unwrap_or(&none),
            });
        }
        for (list, member) in [("sign-in-risk", "signInRiskLevels"), ("user-risk", "userRiskLevels")] {
            if let Some(levels) = self.of(list) {
                conditions[member] = json!(levels);
            }
        }
        if let Some(methods) = self.flags("flow") {
            conditions["authenticationFlows"] = json!({ "transferMethods": methods });
        }
    }
}

/// A word of Graph in the language of the page.
fn told(page: &Page, list: &str, word: &str) -> String {
    let kind = match list {
        "sign-in-risk" | "user-risk" => "risk-level".to_owned(),
        other => format!("policy-{}", other.trim_start_matches("except-")),
    };
    // An action has colons in its name.
    let word = word.rsplit(':').next().unwrap_or(word);
    page.t(&format!("{kind}-{word}"))
}

/// The kinds of guests of all tenants; those of certain tenants stay in the document, where the form is compared with it.
fn kinds(guests: Option<&Guests>) -> Vec<GuestType> {
    guests
        .map(|guests| guests.types.0.iter().copied().collect())
        .unwrap_or_default()
}
