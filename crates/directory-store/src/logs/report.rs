//! Where people sign in with one factor: by application, person, platform, location and day.
//! <https://learn.microsoft.com/entra/identity/monitoring-health/workbook-mfa-gaps>

use std::collections::BTreeMap;

use hygie_policy::NamedLocation;
use hygie_policy::client::platform;
use hygie_policy::location::locate;

use crate::SignInEntry;

/// Most members of a group that are counted by themselves; the rest is counted together.
const MAX_GROUPS: usize = 10_000;

/// Sign-ins of one application, person, platform, location or day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GapGroup {
    /// What it is called.
    pub display_name: Option<String>,
    /// All of them.
    pub sign_ins: u64,
    /// With one factor.
    pub single_factor: u64,
}

/// The groups of one kind, by their keys; without one is what is not known, or beyond what is counted.
type Groups = BTreeMap<Option<String>, GapGroup>;

/// Sign-ins that succeeded with somebody there, and those of them with one factor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GapReport {
    /// All of them together.
    pub all: GapGroup,
    /// By client id.
    pub applications: Groups,
    /// By object id.
    pub users: Groups,
    /// By the platform that the browser names.
    pub platforms: Groups,
    /// By named location.
    pub locations: Groups,
    /// By day (UTC).
    pub days: Groups,
}

impl GapReport {
    /// Counts an entry.
    pub fn count(&mut self, entry: &SignInEntry, locations: &[NamedLocation]) {
        if entry.error_code != 0 || !entry.is_interactive {
            return;
        }
        let is_single = !entry.used.is_multi_factor();
        add(&mut self.all, is_single);
        let name = |text: &String| Some(text.clone());
        let app = (entry.app.to_string(), name(&entry.app_display_name));
        to(&mut self.applications, Some(app), is_single);
        let user = (entry.user.to_string(), name(&entry.user_principal_name));
        to(&mut self.users, Some(user), is_single);
        let system = entry.user_agent.as_deref().and_then(platform);
        let system = system.map(|system| system.as_str().to_owned());
        to(
            &mut self.platforms,
            system.map(|system| (system.clone(), Some(system))),
            is_single,
        );
        let day: String = entry.at.to_rfc3339().chars().take(10).collect();
        to(&mut self.days, Some((day.clone(), Some(day))), is_single);
        let whereabouts = entry.whereabouts();
        let located = locate(&whereabouts, locations).locations;
        if located.is_empty() {
            to(&mut self.locations, None, is_single);
        }
        // Who is at two named locations at once counts at both.
        for id in located {
            let known = locations.iter().find(|location| location.id == Some(id));
            let place = (id.to_string(), known.map(|location| location.display_name.clone()));
            to(&mut self.locations, Some(place), is_single);
        }
    }
}

fn to(groups: &mut Groups, key: Option<(String, Option<String>)>, is_single: bool) {
    let (mut key, mut name) = key.unzip();
    if groups.len() >= MAX_GROUPS && !groups.contains_key(&key) {
        (key, name) = (None, None);
    }
    let group = groups.entry(key).or_default();
    group.display_name = name.flatten();
    add(group, is_single);
}

fn add(group: &mut GapGroup, is_single: bool) {
    group.sign_ins += 1;
    group.single_factor += u64::from(is_single);
}
