//! The form of a policy: the parts that most policies have. A policy that has more is changed as a document.

use std::collections::BTreeSet;

use hygie_policy::policy::{
    AppTarget, BuiltInControl, FrequencyInterval, FrequencyType, LocationTarget, Operator, Policy, SignInFrequency,
    UserTarget,
};
use serde_json::{Map, Value, json};

use crate::http::Fields;

mod picked;

pub use picked::Picked;

/// What the form holds; people, groups and roles by their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a box of the form")]
pub struct Draft {
    pub name: String,
    pub state: String,
    pub is_for_everybody: bool,
    pub people: Who,
    pub except: Who,
    /// `all`, `some`, `actions` or `contexts`.
    pub what: String,
    pub applications: BTreeSet<String>,
    pub except_applications: BTreeSet<String>,
    pub locations: BTreeSet<String>,
    pub except_locations: BTreeSet<String>,
    pub is_block: bool,
    pub needs_mfa: bool,
    pub strength: Option<String>,
    pub terms: BTreeSet<String>,
    pub is_any: bool,
    /// What is between two authentications: `hours`, `days` or `everyTime`; empty asks for none.
    pub unit: String,
    pub count: Option<u32>,
    /// Whether the session outlives the browser: `always` or `never`; empty says nothing.
    pub persistent: String,
    pub picked: Picked,
    pub filter: Option<Filter>,
}

/// A rule over attributes of devices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub mode: String,
    pub rule: String,
}

/// People, groups and roles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Who {
    pub users: BTreeSet<String>,
    pub groups: BTreeSet<String>,
    pub roles: BTreeSet<String>,
}

/// `All` among the ids of a list.
const ALL: &str = "All";
/// `None` in a list that must not be empty.
const NONE: &str = "None";

impl Draft {
    /// The form of this policy, if it can hold all of it.
    pub fn of(policy: &Policy) -> Option<Self> {
        let draft = Self::read(policy)?;
        let mut same = policy.clone();
        let again = Policy::from_json(&draft.document()).ok()?;
        same.conditions = again.conditions;
        same.grant_controls = again.grant_controls;
        same.session_controls = again.session_controls;
        (normal(&same) == normal(policy)).then_some(draft)
    }

    fn read(policy: &Policy) -> Option<Self> {
        let conditions = &policy.conditions;
        let (users, applications) = (conditions.users.as_ref()?, conditions.applications.as_ref()?);
        let controls = policy.grant_controls.as_ref();
        let built_in = controls.map_or(&[][..], |controls| &controls.built_in_controls);
        let text = |ids: &[AppTarget]| ids.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        let mut applications_in = text(&applications.include_applications);
        let places = |ids: &[LocationTarget]| ids.iter().map(ToString::to_string).collect();
        let locations = conditions.locations.as_ref();
        let session = policy.session_controls.as_ref();
        let (unit, count) = frequency(session.and_then(|session| session.sign_in_frequency.as_ref()));
        let persistent = session.and_then(|session| session.persistent_browser.as_ref()?.mode);
        let filter = conditions
            .devices
            .as_ref()
            .and_then(|devices| devices.device_filter.as_ref());
        let is_for_all = applications_in.remove(ALL);
        applications_in.remove(NONE);
        let what = if !applications.include_user_actions.is_empty() {
            "actions"
        } else if !applications.include_authentication_contexts.is_empty() {
            "contexts"
        } else if is_for_all {
            "all"
        } else {
            "some"
        };
        Some(Self {
            name: policy.display_name.clone(),
            state: policy.state.as_str().to_owned(),
            is_for_everybody: users.include_users.contains(&UserTarget::All),
            people: who(&users.include_users, &users.include_groups, &users.include_roles),
            except: who(&users.exclude_users, &users.exclude_groups, &users.exclude_roles),
            what: what.to_owned(),
            applications: applications_in,
            except_applications: text(&applications.exclude_applications),
            locations: locations
                .map(|some| places(&some.include_locations))
                .unwrap_or_default(),
            except_locations: locations
                .map(|some| places(&some.exclude_locations))
                .unwrap_or_default(),
            is_block: built_in.contains(&BuiltInControl::Block),
            needs_mfa: built_in.contains(&BuiltInControl::Mfa),
            strength: controls.and_then(|controls| Some(controls.authentication_strength.as_ref()?.id.to_string())),
            terms: controls
                .map(|controls| controls.terms_of_use.iter().map(ToString::to_string).collect())
                .unwrap_or_default(),
            is_any: controls.and_then(|controls| controls.operator) == Some(Operator::Or),
            unit,
            count,
            persistent: persistent.map(|mode| mode.to_string()).unwrap_or_default(),
            picked: Picked::read(conditions),
            filter: filter.map(|filter| Filter {
                mode: filter.mode.to_string(),
                rule: filter.rule.clone(),
            }),
        })
    }

    /// What was typed, but for people: these are names that the caller finds the ids of.
    pub fn typed(fields: &Fields) -> Self {
        let all = |name: &str| {
            let values = fields.all(name).filter(|value| !value.is_empty());
            values.map(str::to_owned).collect::<BTreeSet<_>>()
        };
        let strength = fields.get("strength");
        // Browsers send what ends a line as two signs.
        let rule = fields.get("filter-rule").replace("\r\n", "\n").trim().to_owned();
        Self {
            name: fields.get("name").to_owned(),
            state: fields.get("state").to_owned(),
            is_for_everybody: fields.get("who") == "everybody",
            people: Who::default(),
            except: Who::default(),
            what: fields.get("what").to_owned(),
            applications: all("application"),
            except_applications: all("except-application"),
            locations: all("location"),
            except_locations: all("except-location"),
            is_block: fields.get("grant") == "block",
            needs_mfa: fields.get("mfa") == "yes",
            strength: (!strength.is_empty()).then(|| strength.to_owned()),
            terms: all("terms"),
            is_any: fields.get("operator") == "OR",
            unit: fields.get("unit").to_owned(),
            count: fields.get("count").parse().ok(),
            persistent: fields.get("persistent").to_owned(),
            picked: Picked::typed(fields),
            filter: (!rule.is_empty()).then(|| Filter {
                mode: fields.get("filter-mode").to_owned(),
                rule,
            }),
        }
    }

    /// The document that Graph takes.
    pub fn document(&self) -> Value {
        let people = if self.is_for_everybody {
            BTreeSet::from([ALL.to_owned()])
        } else {
            self.people.users.clone()
        };
        let (groups, roles) = if self.is_for_everybody {
            Default::default()
        } else {
            (self.people.groups.clone(), self.people.roles.clone())
        };
        let mut conditions = json!({
            "users": {
                "includeUsers": people, "includeGroups": groups, "includeRoles": roles,
                "excludeUsers": self.except.users, "excludeGroups": self.except.groups, "excludeRoles": self.except.roles,
            },
            "applications": self.target(),
        });
        self.picked.write(&mut conditions);
        if let Some(Filter { mode, rule }) = &self.filter {
            conditions["devices"] = json!({ "deviceFilter": { "mode": mode, "rule": rule } });
        }
        if !self.locations.is_empty() || !self.except_locations.is_empty() {
            let included = if self.locations.is_empty() {
                BTreeSet::from([ALL.to_owned()])
            } else {
                self.locations.clone()
            };
            conditions["locations"] =
                json!({ "includeLocations": included, "excludeLocations": self.except_locations });
        }
        json!({
            "displayName": self.name, "state": self.state, "conditions": conditions,
            "grantControls": self.grant(), "sessionControls": self.session(),
        })
    }

    /// Applications, or actions or contexts in their place.
    fn target(&self) -> Value {
        let picked = |list| json!(self.picked.of(list).cloned().unwrap_or_default());
        let (member, list) = match self.what.as_str() {
            "actions" => ("includeUserActions", picked("action")),
            "contexts" => ("includeAuthenticationContextClassReferences", picked("context")),
            "all" => ("includeApplications", json!([ALL])),
            _ if self.applications.is_empty() => ("includeApplications", json!([NONE])),
            _ => ("includeApplications", json!(self.applications)),
        };
        json!({ member: list, "excludeApplications": self.except_applications })
    }

    fn grant(&self) -> Value {
        if self.is_block {
            return json!({ "operator": "OR", "builtInControls": ["block"] });
        }
        if !self.needs_mfa && self.strength.is_none() && self.terms.is_empty() {
            return Value::Null;
        }
        let built_in: &[&str] = if self.needs_mfa { &["mfa"] } else { &[] };
        let mut controls = Map::new();
        let operator = if self.is_any { "OR" } else { "AND" };
        controls.insert("operator".to_owned(), operator.into());
        controls.insert("builtInControls".to_owned(), json!(built_in));
        controls.insert("termsOfUse".to_owned(), json!(self.terms));
        if let Some(strength) = &self.strength {
            controls.insert("authenticationStrength".to_owned(), json!({ "id": strength }));
        }
        Value::Object(controls)
    }

    fn session(&self) -> Value {
        let mut session = Map::new();
        match self.unit.as_str() {
            "" if self.count.is_none() => {}
            every @ "everyTime" => {
                let frequency = json!({
                    "isEnabled": true, "value": self.count, "frequencyInterval": every,
                    "authenticationType": "primaryAndSecondaryAuthentication",
                });
                session.insert("signInFrequency".to_owned(), frequency);
            }
            // A number without its unit is refused by the directory API, and not left out.
            unit => {
                let unit = (!unit.is_empty()).then_some(unit);
                let frequency = json!({
                    "isEnabled": true, "type": unit, "value": self.count, "frequencyInterval": "timeBased",
                    "authenticationType": "primaryAndSecondaryAuthentication",
                });
                session.insert("signInFrequency".to_owned(), frequency);
            }
        }
        if !self.persistent.is_empty() {
            let browser = json!({ "isEnabled": true, "mode": self.persistent });
            session.insert("persistentBrowser".to_owned(), browser);
        }
        if session.is_empty() {
            return Value::Null;
        }
        Value::Object(session)
    }
}

/// The unit of a frequency and how many of it.
fn frequency(frequency: Option<&SignInFrequency>) -> (String, Option<u32>) {
    match frequency {
        None => Default::default(),
        Some(frequency) if frequency.interval == Some(FrequencyInterval::EveryTime) => ("everyTime".to_owned(), None),
        Some(frequency) => {
            let unit = frequency.unit.unwrap_or(FrequencyType::Hours);
            (unit.to_string(), frequency.value)
        }
    }
}

fn who(users: &[UserTarget], groups: &[hygie_core::GroupId], roles: &[hygie_policy::RoleTemplateId]) -> Who {
    Who {
        users: users
            .iter()
            .filter_map(|target| match target {
                UserTarget::User(id) => Some(id.to_string()),
                _ => None,
            })
            .collect(),
        groups: groups.iter().map(ToString::to_string).collect(),
        roles: roles.iter().map(ToString::to_string).collect(),
    }
}

/// The three parts without what may be written in several ways: order, and what is the same unset.
fn normal(policy: &Policy) -> Value {
    let document = policy.to_json();
    let parts = json!([
        document["conditions"],
        document["grantControls"],
        document["sessionControls"]
    ]);
    pruned(parts)
}

/// Without `null`, empty lists and objects, `clientAppTypes` of `all` only, guests of `all` tenants and what Graph sends
/// along of a strength; lists in order.
fn pruned(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let is_strength = members.contains_key("allowedCombinations");
            let kept = members.into_iter().filter_map(|(name, value)| {
                let value = pruned(value);
                let is_default = name == "clientAppTypes" && value == json!(["all"])
                    || name == "frequencyInterval" && value == "timeBased"
                    || name == "authenticationType" && value == "primaryAndSecondaryAuthentication"
                    || name == "externalTenants" && value["membershipKind"] == "all"
                    || is_strength && name != "id";
                (!is_default && !is_empty(&value)).then_some((name, value))
            });
            Value::Object(kept.collect())
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(pruned).collect();
            if items.iter().all(Value::is_string) {
                items.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
            }
            Value::Array(items)
        }
        other => other,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0001";

    fn ids(ids: &[&str]) -> BTreeSet<String> {
        ids.iter().map(|&id| id.to_owned()).collect()
    }

    fn full() -> Draft {
        Draft {
            name: "AC02".to_owned(),
            state: "enabled".to_owned(),
            is_for_everybody: true,
            except: Who {
                users: ids(&[ID]),
                ..Who::default()
            },
            what: "some".to_owned(),
            applications: ids(&[ID]),
            strength: Some(ID.to_owned()),
            terms: ids(&[ID]),
            locations: BTreeSet::new(),
            except_locations: ids(&["AllTrusted"]),
            unit: "hours".to_owned(),
            count: Some(4),
            ..Draft::default()
        }
    }

    #[test]
    fn a_form_becomes_a_policy_and_a_policy_its_form() {
        let block = Draft {
            name: "Block".to_owned(),
            state: "disabled".to_owned(),
            people: Who {
                groups: ids(&[ID]),
                roles: ids(&[ID]),
                ..Who::default()
            },
            what: "all".to_owned(),
            except_applications: ids(&[ID]),
            is_block: true,
            is_any: true,
            ..Draft::default()
        };
        for draft in [full(), block] {
            let policy = Policy::from_json(&draft.document()).unwrap();
            let mut again = Draft::of(&policy).unwrap();
            // `All` places but some: the form says which are out.
            again.locations.remove("All");
            assert_eq!(again, draft);
        }
    }

    /// A document with one part as it is here.
    fn with(path: &str, part: Value) -> Value {
        let mut document = full().document();
        let (parent, name) = path.rsplit_once('/').unwrap();
        document.pointer_mut(parent).unwrap()[name] = part;
        document
    }

    #[test]
    fn each_condition_of_the_form_is_kept() {
        let guests = json!({ "guestOrExternalUserTypes": "internalGuest,serviceProvider" });
        let of_all = json!({
            "guestOrExternalUserTypes": "b2bCollaborationGuest",
            "externalTenants": {
                "@odata.type": "#microsoft.graph.conditionalAccessAllExternalTenants", "membershipKind": "all",
            },
        });
        for (path, part) in [
            (
                "/conditions/platforms",
                json!({ "includePlatforms": ["iOS", "all"], "excludePlatforms": ["linux"] }),
            ),
            ("/conditions/clientAppTypes", json!(["other", "browser"])),
            ("/conditions/clientAppTypes", json!(["all", "browser"])),
            ("/conditions/clientAppTypes", json!([])),
            ("/conditions/signInRiskLevels", json!(["medium", "high"])),
            ("/conditions/userRiskLevels", json!(["high", "none"])),
            ("/conditions/users/includeGuestsOrExternalUsers", guests.clone()),
            ("/conditions/users/includeGuestsOrExternalUsers", of_all),
            ("/conditions/users/excludeGuestsOrExternalUsers", guests),
            (
                "/conditions/applications",
                json!({ "includeUserActions": ["urn:user:registersecurityinfo"] }),
            ),
            (
                "/conditions/applications",
                json!({ "includeAuthenticationContextClassReferences": ["c7", "c1"] }),
            ),
            ("/conditions/applications", json!({ "includeApplications": ["None"] })),
            (
                "/conditions/devices",
                json!({ "deviceFilter": { "mode": "exclude", "rule": "device.displayName -eq \"a\"" } }),
            ),
            (
                "/conditions/authenticationFlows",
                json!({ "transferMethods": "deviceCodeFlow" }),
            ),
            ("/sessionControls/signInFrequency/type", json!("days")),
            (
                "/sessionControls/signInFrequency",
                json!({ "isEnabled": true, "frequencyInterval": "everyTime" }),
            ),
            (
                "/sessionControls/persistentBrowser",
                json!({ "isEnabled": true, "mode": "never" }),
            ),
            ("/grantControls/operator", json!("OR")),
        ] {
            let policy = Policy::from_json(&with(path, part)).unwrap();
            let draft = Draft::of(&policy).unwrap_or_else(|| panic!("{path} is no form"));
            assert_ne!(draft, Draft::default());
            let again = Policy::from_json(&draft.document()).unwrap();
            assert_eq!(normal(&again), normal(&policy), "{path}");
        }
    }

    #[test]
    fn a_policy_that_has_more_is_no_form() {
        let workloads = json!({ "includeServicePrincipals": ["ServicePrincipalsInMyTenant"] });
        let tenants = json!({
            "guestOrExternalUserTypes": "internalGuest",
            "externalTenants": { "membershipKind": "enumerated", "members": [ID] },
        });
        let mixed = json!({
            "includeApplications": [ID], "includeUserActions": ["urn:user:registersecurityinfo"],
        });
        for (path, more) in [
            ("/conditions/clientApplications", workloads),
            ("/conditions/users/includeUsers", json!(["GuestsOrExternalUsers"])),
            ("/conditions/users/includeGuestsOrExternalUsers", tenants),
            ("/conditions/applications", mixed),
            ("/conditions/insiderRiskLevels", json!("minor")),
            ("/grantControls/builtInControls", json!(["compliantDevice"])),
            ("/sessionControls/signInFrequency/isEnabled", json!(false)),
            // Unset is off.
            ("/sessionControls/signInFrequency/isEnabled", Value::Null),
            (
                "/sessionControls/signInFrequency/authenticationType",
                json!("secondaryAuthentication"),
            ),
            ("/sessionControls/disableResilienceDefaults", json!(true)),
        ] {
            let policy = Policy::from_json(&with(path, more)).unwrap();
            assert_eq!(Draft::of(&policy), None, "{path}");
        }
    }
}
