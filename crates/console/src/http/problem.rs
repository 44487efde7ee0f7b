//! Why a form was not taken, and the names that are typed in forms.

use std::collections::BTreeSet;

use hygie_web::ui::{Notice, Page, Tone};

use super::{Wrong, refusal};
use crate::api::{Api, ApiError, Listed, quoted, segment};
use crate::policy_form::Who;
use crate::wire::{Object, User};

/// Why a form was not taken.
pub enum Problem {
    Api(ApiError),
    /// Nobody and nothing has this name.
    Unknown(String),
    /// What a message says.
    Said(&'static str),
    /// This is no person's name, where people alone are meant.
    NoPerson(String),
    /// Somebody else changed it after it was shown.
    Changed,
}

impl From<ApiError> for Problem {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

/// The words for it.
pub fn told(page: &Page, problem: Problem) -> Result<Notice, Wrong> {
    match problem {
        Problem::Api(error) => refusal(page, error),
        Problem::Unknown(name) => {
            let text = page.t1("policy-unknown-name", "name", &name);
            Ok(Notice::new(page, Tone::Danger, text))
        }
        Problem::NoPerson(name) => {
            let text = page.t1("risk-no-person", "name", &name);
            Ok(Notice::new(page, Tone::Danger, text))
        }
        Problem::Said(key) => Ok(Notice::new(page, Tone::Danger, page.t(key))),
        Problem::Changed => Ok(Notice::new(page, Tone::Warning, page.t("changed-meanwhile"))),
    }
}

/// The people, groups and roles of these lines.
pub async fn find_all(api: &Api<'_>, page: &Page, lines: &str) -> Result<Who, Problem> {
    let mut who = Who::default();
    let names: BTreeSet<&str> = lines.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    for name in names {
        if name.contains('@') {
            let user: Result<User, _> = api
                .get(&format!("/users/{}", segment(name)), &[("$select", "id")])
                .await;
            match user {
                Ok(user) => who.users.insert(user.id),
                Err(ApiError::NotFound) => return Err(Problem::Unknown(name.to_owned())),
                Err(error) => return Err(error.into()),
            };
            continue;
        }
        let filter = format!("displayName eq {}", quoted(name));
        let groups: Listed<Object> = api.get("/groups", &[("$filter", &filter), ("$select", "id")]).await?;
        if let [group] = &groups.value[..] {
            who.groups.insert(group.id.clone());
            continue;
        }
        let roles: Vec<Object> = api.all("/directoryRoleTemplates", &[]).await?;
        let words = |role: &Object| page.find(&format!("role-{}", role.id));
        let is_it = |role: &Object| role.display_name == name || words(role).as_deref() == Some(name);
        let role = roles.into_iter().find(is_it);
        who.roles
            .insert(role.ok_or_else(|| Problem::Unknown(name.to_owned()))?.id);
    }
    Ok(who)
}
