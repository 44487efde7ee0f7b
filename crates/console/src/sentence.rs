//! A conditional access policy as one sentence that people read: « Pour tous les professionnels accédant à PSC, exiger
//! FA01 et une nouvelle connexion toutes les 4 heures. »
//!
//! What a sentence cannot hold (filters, risks of insiders…) is said to be there: nobody may take it for the whole.

use std::collections::{BTreeMap, BTreeSet};

use hygie_policy::policy::{
    AppTarget, Applications, BuiltInControl, Conditions, FrequencyInterval, FrequencyType, GrantControls,
    LocationTarget, Operator, PersistentBrowserMode, Policy, ServicePrincipalTarget, SessionControls, UserTarget,
    Users,
};
use hygie_web::ui::Page;

use crate::api::{Api, ApiError};
use crate::wire::Object;

/// What ids are called.
#[derive(Debug, Default)]
pub struct Names(BTreeMap<String, String>);

impl Names {
    /// Of all that these policies refer to, as far as the person may see it.
    pub async fn of(api: &Api<'_>, policies: &[Policy]) -> Result<Self, ApiError> {
        let mut names = Self::default();
        let wanted = policies.iter().fold(Wanted::default(), Wanted::with);
        let paths: Vec<String> = wanted
            .users
            .iter()
            .map(|id| format!("/users/{id}?$select=id,displayName"))
            .chain(
                wanted
                    .groups
                    .iter()
                    .map(|id| format!("/groups/{id}?$select=id,displayName")),
            )
            .chain(
                wanted
                    .principals
                    .iter()
                    .map(|id| format!("/servicePrincipals/{id}?$select=id,displayName")),
            )
            .collect();
        for found in api.get_each::<Object>(&paths).await?.into_iter().flatten() {
            names.0.insert(found.id, found.display_name);
        }
        for (is_wanted, path, select) in [
            (wanted.has_apps, "/servicePrincipals", Some("id,appId,displayName")),
            (wanted.has_roles, "/directoryRoleTemplates", None),
            (wanted.has_strengths, "/policies/authenticationStrengthPolicies", None),
            (wanted.has_locations, "/identity/conditionalAccess/namedLocations", None),
            (wanted.has_terms, "/identityGovernance/termsOfUse/agreements", None),
        ] {
            if is_wanted {
                names.add(api, path, select).await?;
            }
        }
        Ok(names)
    }

    async fn add(&mut self, api: &Api<'_>, path: &str, select: Option<&str>) -> Result<(), ApiError> {
        let query: Vec<(&str, &str)> = select.map(|members| ("$select", members)).into_iter().collect();
        let listed: Vec<Object> = match api.all(path, &query).await {
            // Who reads policies need not read these: their ids are shown.
            Err(ApiError::Denied) => Vec::new(),
            listed => listed?,
        };
        for object in listed {
            let id = object.app_id.unwrap_or(object.id);
            self.0.insert(id, object.display_name);
        }
        Ok(())
    }

    /// Another name, of what is not there yet.
    pub fn insert(&mut self, id: String, name: String) {
        self.0.insert(id, name);
    }

    /// The name of an id; the id itself where nobody knows it.
    pub fn find(&self, id: &impl ToString) -> String {
        let id = id.to_string();
        self.0.get(&id).cloned().unwrap_or(id)
    }
}

/// What names are needed of.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a collection to be read or not")]
struct Wanted {
    users: BTreeSet<String>,
    groups: BTreeSet<String>,
    principals: BTreeSet<String>,
    has_apps: bool,
    has_roles: bool,
    has_strengths: bool,
    has_locations: bool,
    has_terms: bool,
}

impl Wanted {
    fn with(mut self, policy: &Policy) -> Self {
        let conditions = &policy.conditions;
        if let Some(users) = &conditions.users {
            for target in users.include_users.iter().chain(&users.exclude_users) {
                if let UserTarget::User(id) = target {
                    self.users.insert(id.to_string());
                }
            }
            let groups = users.include_groups.iter().chain(&users.exclude_groups);
            self.groups.extend(groups.map(ToString::to_string));
            self.has_roles |= !users.include_roles.is_empty() || !users.exclude_roles.is_empty();
        }
        if let Some(workloads) = &conditions.client_applications {
            let all = &workloads.include_service_principals;
            for target in all.iter().chain(&workloads.exclude_service_principals) {
                if let ServicePrincipalTarget::ServicePrincipal(id) = target {
                    self.principals.insert(id.to_string());
                }
            }
        }
        self.has_apps |= conditions.applications.is_some();
        self.has_locations |= conditions.locations.is_some();
        if let Some(controls) = &policy.grant_controls {
            self.has_strengths |= controls.authentication_strength.is_some();
            self.has_terms |= !controls.terms_of_use.is_empty();
        }
        self
    }
}

/// Writes sentences in the language of a page.
pub struct Writer<'a> {
    pub page: &'a Page,
    pub names: &'a Names,
}

impl Writer<'_> {
    /// The sentence of a policy.
    pub fn sentence(&self, policy: &Policy) -> String {
        let who = self.who(&policy.conditions);
        let what = self.what(policy.conditions.applications.as_ref());
        let around = self.around(&policy.conditions);
        let effect = self.effect(policy);
        let arguments = [
            ("who", who.as_str().into()),
            ("what", what.as_str().into()),
            ("around", around.as_str().into()),
            ("effect", effect.as_str().into()),
        ];
        let sentence = self.page.with("sentence", &arguments);
        if is_whole(policy) {
            sentence
        } else {
            self.page.t1("sentence-and-more", "sentence", &sentence)
        }
    }

    fn who(&self, conditions: &Conditions) -> String {
        if let Some(workloads) = &conditions.client_applications {
            let name = |target: &ServicePrincipalTarget| match target {
                ServicePrincipalTarget::InMyTenant => self.page.t("sentence-own-workloads"),
                ServicePrincipalTarget::ServicePrincipal(id) => self.quoted(&self.names.find(id)),
            };
            let included = workloads.include_service_principals.iter().map(name).collect();
            let excluded = workloads.exclude_service_principals.iter().map(name).collect();
            return self.but(&self.and(included), excluded);
        }
        let Some(users) = &conditions.users else {
            return self.page.t("sentence-nobody");
        };
        let (included, excluded) = self.people(users);
        let included = if included.is_empty() {
            self.page.t("sentence-nobody")
        } else {
            self.and(included)
        };
        self.but(&included, excluded)
    }

    /// The name of an id; of one that is not here, the one that everybody knows it by.
    fn known(&self, kind: &str, id: &impl ToString) -> String {
        let (name, id) = (self.names.find(id), id.to_string());
        if name == id {
            self.page.find(&format!("{kind}-{id}")).unwrap_or(name)
        } else {
            name
        }
    }

    /// The name of a role in the language of the page, or as the directory has it.
    fn role(&self, id: &hygie_policy::RoleTemplateId) -> String {
        let words = self.page.find(&format!("role-{id}"));
        words.unwrap_or_else(|| self.names.find(id))
    }

    fn people(&self, users: &Users) -> (Vec<String>, Vec<String>) {
        let list = |people: &[UserTarget], groups: Vec<String>, roles: Vec<String>, has_guests: bool| {
            let people = people.iter().filter_map(|target| match target {
                UserTarget::All => Some(self.page.t("sentence-everybody")),
                UserTarget::None => None,
                UserTarget::GuestsOrExternalUsers => Some(self.page.t("sentence-guests")),
                UserTarget::User(id) => Some(self.names.find(id)),
            });
            let groups = groups
                .iter()
                .map(|group| self.page.t1("sentence-group", "group", group));
            let roles = roles.iter().map(|role| self.page.t1("sentence-role", "role", role));
            let guests = has_guests.then(|| self.page.t("sentence-some-guests"));
            people.chain(groups).chain(roles).chain(guests).collect()
        };
        let (groups, roles) = (
            |ids: &[hygie_core::GroupId]| ids.iter().map(|id| self.names.find(id)).collect::<Vec<_>>(),
            |ids: &[hygie_policy::RoleTemplateId]| ids.iter().map(|id| self.role(id)).collect::<Vec<_>>(),
        );
        (
            list(
                &users.include_users,
                groups(&users.include_groups),
                roles(&users.include_roles),
                users.include_guests.is_some(),
            ),
            list(
                &users.exclude_users,
                groups(&users.exclude_groups),
                roles(&users.exclude_roles),
                users.exclude_guests.is_some(),
            ),
        )
    }

    fn what(&self, applications: Option<&Applications>) -> String {
        let Some(applications) = applications else {
            return self.page.t("sentence-any-application");
        };
        if !applications.include_user_actions.is_empty() {
            let actions = applications.include_user_actions.iter();
            let names = actions.map(|action| self.page.t(&format!("sentence-action-{}", last(action.as_str()))));
            return self.or(names.collect());
        }
        if !applications.include_authentication_contexts.is_empty() {
            let contexts = applications.include_authentication_contexts.iter();
            let names = self.or(contexts.map(ToString::to_string).collect());
            return self.page.t1("sentence-context", "context", &names);
        }
        let name = |target: &AppTarget| match target {
            AppTarget::All => self.page.t("sentence-all-applications"),
            AppTarget::None => self.page.t("sentence-no-application"),
            AppTarget::Office365 => "Office 365".to_owned(),
            AppTarget::MicrosoftAdminPortals => self.page.t("sentence-admin-portals"),
            AppTarget::App(id) => self.quoted(&self.known("app", id)),
        };
        let included: Vec<String> = applications.include_applications.iter().map(name).collect();
        let included = if included.is_empty() {
            self.page.t("sentence-no-application")
        } else {
            self.or(included)
        };
        let excluded = applications.exclude_applications.iter().map(name).collect();
        let names = self.but(&included, excluded);
        self.page.t1("sentence-accessing", "application", &names)
    }

    /// From where, on what, by which program, at which risk.
    fn around(&self, conditions: &Conditions) -> String {
        let mut parts = Vec::new();
        if let Some(locations) = &conditions.locations {
            let name = |target: &LocationTarget| match target {
                LocationTarget::All => self.page.t("sentence-anywhere"),
                LocationTarget::AllTrusted => self.page.t("sentence-trusted-places"),
                LocationTarget::Location(id) => self.quoted(&self.names.find(id)),
            };
            let included = self.or(locations.include_locations.iter().map(name).collect());
            let excluded = locations.exclude_locations.iter().map(name).collect();
            parts.push(self.page.t1("sentence-from", "place", &self.but(&included, excluded)));
        }
        if let Some(platforms) = &conditions.platforms {
            let name = |platform: &hygie_policy::policy::DevicePlatform| match platform.as_str() {
                "all" => self.page.t("sentence-any-platform"),
                other => other.to_owned(),
            };
            let included = self.or(platforms.include_platforms.iter().map(name).collect());
            let excluded = platforms.exclude_platforms.iter().map(name).collect();
            parts.push(self.page.t1("sentence-on", "platform", &self.but(&included, excluded)));
        }
        let programs = conditions.client_app_types.iter().filter(|kind| kind.as_str() != "all");
        let programs: Vec<String> = programs
            .map(|kind| self.page.t(&format!("sentence-by-{}", kind.as_str())))
            .collect();
        if !programs.is_empty() {
            parts.push(self.page.t1("sentence-by", "program", &self.or(programs)));
        }
        for (key, levels) in [
            ("sentence-sign-in-risk", &conditions.sign_in_risk_levels),
            ("sentence-user-risk", &conditions.user_risk_levels),
            ("sentence-workload-risk", &conditions.service_principal_risk_levels),
        ] {
            let levels: Vec<String> = levels
                .iter()
                .map(|level| self.page.t(&format!("risk-{}", level.as_str())))
                .collect();
            if !levels.is_empty() {
                parts.push(self.page.t1(key, "level", &self.or(levels)));
            }
        }
        parts.extend(self.device(conditions));
        parts
            .iter()
            .map(|part| self.page.t1("sentence-part", "part", part))
            .collect()
    }

    /// On which devices, and handed over how.
    fn device(&self, conditions: &Conditions) -> Vec<String> {
        let filter = conditions
            .devices
            .as_ref()
            .and_then(|devices| devices.device_filter.as_ref());
        let filter = filter.map(|filter| {
            let key = format!("sentence-devices-{}", filter.mode.as_str());
            self.page.t1(&key, "rule", &filter.rule)
        });
        let flows = conditions.authentication_flows.as_ref();
        let flows = flows.and_then(|flows| flows.transfer_methods.as_ref()).map(|methods| {
            let names = methods
                .0
                .iter()
                .map(|method| self.page.t(&format!("sentence-flow-{}", method.as_str())));
            self.page.t1("sentence-flows", "flow", &self.or(names.collect()))
        });
        filter.into_iter().chain(flows).collect()
    }

    fn effect(&self, policy: &Policy) -> String {
        let mut wanted = Vec::new();
        if let Some(controls) = &policy.grant_controls {
            if controls.built_in_controls.contains(&BuiltInControl::Block) {
                return self.page.t("sentence-block");
            }
            wanted.extend(self.controls(controls));
        }
        let asked = (!wanted.is_empty()).then(|| {
            let is_or = policy.grant_controls.as_ref().and_then(|controls| controls.operator) == Some(Operator::Or);
            let names = if is_or { self.or(wanted) } else { self.and(wanted) };
            self.page.t1("sentence-require", "controls", &names)
        });
        let session = policy.session_controls.as_ref().map(|controls| self.session(controls));
        let all: Vec<String> = asked.into_iter().chain(session.into_iter().flatten()).collect();
        if all.is_empty() {
            self.page.t("sentence-let")
        } else {
            self.and(all)
        }
    }

    fn controls(&self, controls: &GrantControls) -> Vec<String> {
        let built_in = controls.built_in_controls.iter();
        let built_in = built_in.map(|control| self.page.t(&format!("sentence-control-{}", control.as_str())));
        let strength = controls.authentication_strength.as_ref();
        let strength = strength.map(|strength| self.quoted(&self.names.find(&strength.id)));
        let terms = controls.terms_of_use.iter().map(|id| {
            let name = self.names.find(id);
            self.page.t1("sentence-terms", "terms", &name)
        });
        built_in.chain(strength).chain(terms).collect()
    }

    fn session(&self, controls: &SessionControls) -> Vec<String> {
        let mut parts = Vec::new();
        if let Some(frequency) = &controls.sign_in_frequency
            && frequency.is_enabled == Some(true)
        {
            let count = usize::try_from(frequency.value.unwrap_or_default()).unwrap_or_default();
            parts.push(match (frequency.interval, frequency.unit) {
                (Some(FrequencyInterval::EveryTime), _) => self.page.t("sentence-every-time"),
                (_, Some(FrequencyType::Days)) => self.page.tn("sentence-every-days", "count", count),
                _ => self.page.tn("sentence-every-hours", "count", count),
            });
        }
        if let Some(persistent) = &controls.persistent_browser
            && persistent.is_enabled == Some(true)
        {
            parts.push(self.page.t(match persistent.mode {
                Some(PersistentBrowserMode::Always) => "sentence-persistent",
                _ => "sentence-not-persistent",
            }));
        }
        parts
    }

    fn quoted(&self, name: &str) -> String {
        self.page.t1("sentence-quoted", "name", name)
    }

    fn but(&self, included: &str, excluded: Vec<String>) -> String {
        if excluded.is_empty() {
            return included.to_owned();
        }
        let excluded = self.and(excluded);
        let arguments = [("included", included.into()), ("excluded", excluded.as_str().into())];
        self.page.with("sentence-but", &arguments)
    }

    fn and(&self, parts: Vec<String>) -> String {
        self.joined(parts, "sentence-and")
    }

    fn or(&self, parts: Vec<String>) -> String {
        self.joined(parts, "sentence-or")
    }

    /// « A, B et C ».
    fn joined(&self, mut parts: Vec<String>, key: &str) -> String {
        let Some(last) = parts.pop() else { return String::new() };
        if parts.is_empty() {
            return last;
        }
        let first = parts.join(", ");
        let arguments = [("first", first.as_str().into()), ("last", last.as_str().into())];
        self.page.with(key, &arguments)
    }
}

/// The end of a name with colons (`urn:user:registersecurityinfo`).
fn last(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// Whether the sentence says all of it.
fn is_whole(policy: &Policy) -> bool {
    let conditions = &policy.conditions;
    let is_filtered = conditions.insider_risk_levels.is_some()
        || conditions
            .applications
            .as_ref()
            .is_some_and(|some| some.application_filter.is_some())
        || conditions
            .client_applications
            .as_ref()
            .is_some_and(|some| some.service_principal_filter.is_some());
    let has_more = policy.session_controls.as_ref().is_some_and(|controls| {
        controls.application_enforced_restrictions.is_some()
            || controls.cloud_app_security.is_some()
            || controls.disable_resilience_defaults.is_some()
            || controls.secure_sign_in_session.is_some()
    });
    !is_filtered && !has_more
}
