//! What a recorded action is called in the log of changes: the activities and categories of Entra ID, and names of the same form
//! for what it does not have.
//! <https://learn.microsoft.com/entra/identity/monitoring-health/reference-audit-activities>

use super::activities::FIXED;
use super::alert::{comes_to_roles, has_new_key};
use super::{AlertKind, ChangeTarget, TOKEN_LIFETIME_POLICY};

pub(super) const USERS: &str = "UserManagement";
pub(super) const GROUPS: &str = "GroupManagement";
pub(super) const APPLICATIONS: &str = "ApplicationManagement";
pub(super) const ROLES: &str = "RoleManagement";
pub(super) const POLICY: &str = "Policy";
pub(super) const DIRECTORY: &str = "DirectoryManagement";

const CORE: &str = "Core Directory";
const CONDITIONAL: &str = "Conditional Access";
const TERMS: &str = "Terms Of Use";
const METHODS: &str = "Authentication Methods";

/// An activity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    pub name: String,
    pub category: &'static str,
    /// What kind of change.
    pub operation: &'static str,
    /// Which part says so.
    pub service: &'static str,
    /// What somebody should look at.
    pub alert: Option<AlertKind>,
}

/// Actions that change nothing of the directory: sign-ins, tokens, and what the program keeps for itself.
const NO_CHANGES: &[&str] = &[
    "idp.authorize",
    "idp.crl.fetch",
    "idp.device",
    "idp.keys",
    "idp.limit",
    "idp.oath.use",
    "idp.pass.use",
    "idp.passkey.use",
    "idp.signin",
    "idp.signout",
    "idp.token",
];

/// By which nothing is asked any more for a risk.
const RISK_TAKEN_AWAY: &[&str] = &[
    "idp.principal_risk.dismiss",
    "idp.risk.dismiss",
    "idp.risk.safe",
    "idp.risk.withdraw",
];

/// Actions that change what sign-ins have to prove, and for how long.
const POLICIES: &[&str] = &[
    "idp.conditional.",
    "idp.securitydefaults.",
    "idp.authority.",
    "idp.organization.",
    "idp.policy.",
    "idp.sessionlifetime.",
    "idp.signinprotection.",
    "idp.tokenclaims.",
];

/// Whether an action changes the directory. One that is not known does: nothing is left out for being new.
pub fn is_change(action: &str) -> bool {
    let is_below = |name: &str| {
        let rest = action.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    !NO_CHANGES.iter().any(|name| is_below(name))
}

/// What is known of a record when it is named.
pub struct Recorded<'a> {
    pub action: &'a str,
    /// The first word of its object (`user`).
    pub object: &'a str,
    /// What changed; the object of the record where nothing did.
    pub targets: &'a [ChangeTarget],
    /// Whether somebody did it to their own account.
    pub is_own: bool,
}

impl Recorded<'_> {
    pub fn activity(&self) -> Activity {
        let (name, category, operation, service) = self.named();
        Activity {
            name,
            category,
            operation,
            service,
            alert: self.alert(),
        }
    }

    fn named(&self) -> (String, &'static str, &'static str, &'static str) {
        let found = FIXED.iter().find(|(action, ..)| *action == self.action);
        if let Some((_, name, category, operation)) = found {
            return ((*name).to_owned(), category, operation, service(category, self.action));
        }
        let of = self.of();
        let verb = self.action.rsplit('.').next().unwrap_or_default();
        match self.action {
            "idp.user.password" if self.is_own => ("Change user password".to_owned(), USERS, "Update", CORE),
            "idp.user.password" => ("Reset user password".to_owned(), USERS, "Update", CORE),
            "idp.group.update" if self.is_of_members() => ("Add member to group".to_owned(), GROUPS, "Assign", CORE),
            "idp.group.update" => ("Update group".to_owned(), GROUPS, "Update", CORE),
            "idp.owner.add" => (format!("Add owner to {of}"), of_owner(of), "Assign", CORE),
            "idp.owner.remove" => (format!("Remove owner from {of}"), of_owner(of), "Unassign", CORE),
            "idp.role" => (format!("Add app role assignment to {of}"), of_owner(of), "Assign", CORE),
            "idp.role.remove" => (
                format!("Remove app role assignment from {of}"),
                of_owner(of),
                "Unassign",
                CORE,
            ),
            "idp.object.restore" => (format!("Restore {}", self.word()), self.of_object(), "Update", CORE),
            "idp.object.forget" => (format!("Hard delete {}", self.word()), self.of_object(), "Delete", CORE),
            "idp.conditional.create" | "idp.conditional.put" if self.is_new() => {
                (format!("Add {}", self.rule()), POLICY, "Add", self.ruler())
            }
            "idp.conditional.restore" => (format!("Restore {}", self.rule()), POLICY, "Update", CONDITIONAL),
            "idp.conditional.delete" => (format!("Delete {}", self.rule()), POLICY, "Delete", self.ruler()),
            "idp.conditional.create" | "idp.conditional.update" | "idp.conditional.put" => {
                (format!("Update {}", self.rule()), POLICY, "Update", self.ruler())
            }
            "idp.policy.assign" => (format!("Add policy to {of}"), POLICY, "Assign", CORE),
            "idp.policy.unassign" => (format!("Remove policy from {of}"), POLICY, "Unassign", CORE),
            action
                if ["idp.oath.", "idp.passkey.", "idp.pass."]
                    .iter()
                    .any(|kind| action.starts_with(kind)) =>
            {
                let who = if self.is_own { "User" } else { "Admin" };
                let (done, operation) = match verb {
                    "create" => ("registered", "Add"),
                    "delete" => ("deleted", "Delete"),
                    _ => ("updated", "Update"),
                };
                (format!("{who} {done} security info"), USERS, operation, METHODS)
            }
            action => (action.to_owned(), DIRECTORY, "Update", CORE),
        }
    }

    /// What kind of object has an owner or a role, in words: that of a target that names it, or the target itself.
    fn of(&self) -> &'static str {
        let target = self.targets.first();
        let modified = target.and_then(|target| target.modified_properties.first());
        let owned = modified.filter(|_| self.action.starts_with("idp.owner"));
        let kind = owned.map_or_else(
            || target.map_or("", |target| target.kind.as_str()),
            |property| property.display_name.split('.').next().unwrap_or_default(),
        );
        match kind {
            "User" => "user",
            "Group" => "group",
            "Application" => "application",
            "ServicePrincipal" => "service principal",
            _ => "object",
        }
    }

    fn word(&self) -> &'static str {
        match self.object {
            "user" => "user",
            "group" => "group",
            "application" => "application",
            "servicePrincipal" => "service principal",
            "conditionalAccessPolicy" => "conditional access policy",
            "namedLocation" => "named location",
            _ => "object",
        }
    }

    fn of_object(&self) -> &'static str {
        match self.object {
            "conditionalAccessPolicy" | "namedLocation" => POLICY,
            _ => of_owner(self.word()),
        }
    }

    /// Whether nothing but memberships changed.
    fn is_of_members(&self) -> bool {
        let is_member = |target: &ChangeTarget| {
            let mut all = target.modified_properties.iter();
            !target.modified_properties.is_empty() && all.all(|property| property.display_name.starts_with("Group."))
        };
        self.targets.iter().all(is_member)
    }

    /// Whether what changed was not there before.
    fn is_new(&self) -> bool {
        let properties = self.targets.iter().flat_map(|target| &target.modified_properties);
        properties.clone().count() > 0 && properties.into_iter().all(|property| property.old_value.is_none())
    }

    /// What a document of conditional access is called.
    fn rule(&self) -> &'static str {
        match self.object {
            "policy" => "conditional access policy",
            "location" => "named location",
            "strength" => "authentication strength",
            "context" => "authentication context",
            TOKEN_LIFETIME_POLICY => "policy",
            _ => "conditional access object",
        }
    }

    /// Which part says so.
    fn ruler(&self) -> &'static str {
        match self.object {
            TOKEN_LIFETIME_POLICY => CORE,
            _ => CONDITIONAL,
        }
    }

    fn alert(&self) -> Option<AlertKind> {
        match self.action {
            "idp.grant" => Some(AlertKind::ConsentGranted),
            "idp.role" if self.of() == "service principal" => Some(AlertKind::ConsentGranted),
            "idp.directory_role.assign" => Some(AlertKind::RoleAssigned),
            // Who adds an authority can make a card for anybody; a risk that is taken away asks for nothing any more.
            action if POLICIES.iter().any(|kind| action.starts_with(kind)) || RISK_TAKEN_AWAY.contains(&action) => {
                Some(AlertKind::PolicyChanged)
            }
            _ if comes_to_roles(self.targets) => Some(AlertKind::RoleAssigned),
            _ if has_new_key(self.targets) => Some(AlertKind::CredentialAdded),
            _ => None,
        }
    }
}

fn of_owner(of: &str) -> &'static str {
    match of {
        "user" => USERS,
        "group" => GROUPS,
        _ => APPLICATIONS,
    }
}

fn service(category: &str, action: &str) -> &'static str {
    match category {
        _ if action.starts_with("idp.agreement.") => TERMS,
        _ if action.starts_with("idp.methods.") => METHODS,
        _ if ["idp.authority.", "idp.crl.", "idp.pki."]
            .iter()
            .any(|kind| action.starts_with(kind)) =>
        {
            METHODS
        }
        POLICY => CONDITIONAL,
        _ => CORE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sign_ins_are_no_changes_and_what_is_new_is_one() {
        for (action, expected) in [
            ("idp.signin", false),
            ("idp.signin.step", false),
            ("idp.token.refresh", false),
            ("idp.device.approve", false),
            ("idp.pass.use", false),
            ("idp.pass.create", true),
            ("idp.tokenless.create", true),
            ("idp.trust.create", true),
        ] {
            assert_eq!(is_change(action), expected, "{action}");
        }
    }

    #[test]
    fn the_table_is_in_order_and_has_nothing_twice() {
        let actions: Vec<&str> = FIXED.iter().map(|(action, ..)| *action).collect();
        assert!(actions.windows(2).all(|pair| pair[0] < pair[1]), "{actions:?}");
    }
}
