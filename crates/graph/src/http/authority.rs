//! Who may change what. One table: for an application by itself the permissions, for a person the permissions that the
//! application was granted *and* the directory roles of the person.
//! <https://learn.microsoft.com/graph/permissions-reference>,
//! <https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference>

use std::collections::BTreeSet;

use hygie_core::{ObjectId, PrincipalKind};
use hygie_directory::{CONSENT_REVIEWERS, UserType, role};
use hygie_policy::RoleTemplateId;
use hygie_policy::consent::InvitesFrom;

use super::caller::Caller;
use crate::{Graph, GraphFault};

/// A change of the directory, by whom it may be made.
pub struct Operation {
    /// Permissions of an application itself.
    own: &'static [&'static str],
    /// Permissions of an application that acts for a person.
    delegated: &'static [&'static str],
    /// Roles of the person.
    roles: &'static [RoleTemplateId],
}

const USERS: &[&str] = &["User.ReadWrite.All", "Directory.ReadWrite.All"];
const USERS_DELEGATED: &[&str] = &["User.ReadWrite.All", "Directory.ReadWrite.All", AS_USER];
pub(super) const AS_USER: &str = "Directory.AccessAsUser.All";
const APPLICATIONS: &[&str] = &["Application.ReadWrite.All"];
const APPLICATIONS_DELEGATED: &[&str] = &["Application.ReadWrite.All", AS_USER];
const APPLICATION_ROLES: &[RoleTemplateId] = &[
    role::GLOBAL_ADMINISTRATOR,
    role::APPLICATION_ADMINISTRATOR,
    role::CLOUD_APPLICATION_ADMINISTRATOR,
];
const GROUP_ROLES: &[RoleTemplateId] = &[
    role::GLOBAL_ADMINISTRATOR,
    role::USER_ADMINISTRATOR,
    role::GROUPS_ADMINISTRATOR,
];

/// Reads the logs.
pub const READ_LOGS: Operation = Operation {
    own: &["AuditLog.Read.All"],
    delegated: &["AuditLog.Read.All"],
    roles: &[
        role::GLOBAL_ADMINISTRATOR,
        role::GLOBAL_READER,
        role::SECURITY_ADMINISTRATOR,
        role::SECURITY_READER,
        role::REPORTS_READER,
    ],
};

/// Makes and changes users.
pub const WRITE_USERS: Operation = Operation {
    own: USERS,
    delegated: USERS_DELEGATED,
    roles: &[role::GLOBAL_ADMINISTRATOR, role::USER_ADMINISTRATOR],
};

/// Deletes and restores users.
pub const DELETE_USERS: Operation = Operation {
    own: &["User.ReadWrite.All"],
    delegated: &["User.ReadWrite.All", AS_USER],
    roles: &[role::GLOBAL_ADMINISTRATOR, role::USER_ADMINISTRATOR],
};

/// Gives users other passwords.
pub const RESET_PASSWORDS: Operation = Operation {
    own: &["User.ReadWrite.All"],
    delegated: &["User.ReadWrite.All", AS_USER],
    roles: &[
        role::GLOBAL_ADMINISTRATOR,
        role::PRIVILEGED_AUTHENTICATION_ADMINISTRATOR,
        role::AUTHENTICATION_ADMINISTRATOR,
        role::USER_ADMINISTRATOR,
        role::HELPDESK_ADMINISTRATOR,
    ],
};

/// Says what certificates users are known by: who does so can sign in as them.
pub const BIND_CERTIFICATES: Operation = Operation {
    own: &["User.ReadWrite.All"],
    delegated: &["User.ReadWrite.All", AS_USER],
    roles: &[
        role::GLOBAL_ADMINISTRATOR,
        role::PRIVILEGED_AUTHENTICATION_ADMINISTRATOR,
    ],
};

/// Ends the sessions of users.
pub const REVOKE_SESSIONS: Operation = Operation {
    own: &[
        "User.RevokeSessions.All",
        "User.ReadWrite.All",
        "Directory.ReadWrite.All",
    ],
    delegated: &[
        "User.RevokeSessions.All",
        "User.ReadWrite.All",
        "Directory.ReadWrite.All",
        AS_USER,
    ],
    roles: RESET_PASSWORDS.roles,
};

/// Makes, changes and deletes groups.
pub const WRITE_GROUPS: Operation = Operation {
    own: &["Group.ReadWrite.All", "Directory.ReadWrite.All"],
    delegated: &["Group.ReadWrite.All", "Directory.ReadWrite.All", AS_USER],
    roles: GROUP_ROLES,
};

/// Says who is in a group.
pub const WRITE_MEMBERS: Operation = Operation {
    own: &[
        "GroupMember.ReadWrite.All",
        "Group.ReadWrite.All",
        "Directory.ReadWrite.All",
    ],
    delegated: &[
        "GroupMember.ReadWrite.All",
        "Group.ReadWrite.All",
        "Directory.ReadWrite.All",
        AS_USER,
    ],
    roles: GROUP_ROLES,
};

/// Makes, changes and deletes applications and service principals.
pub const WRITE_APPLICATIONS: Operation = Operation {
    own: APPLICATIONS,
    delegated: APPLICATIONS_DELEGATED,
    roles: APPLICATION_ROLES,
};

/// Reads how long tokens for applications live.
pub const READ_APPLICATION_POLICIES: Operation = Operation {
    own: &["Policy.Read.All", "Policy.ReadWrite.ApplicationConfiguration"],
    delegated: &["Policy.Read.All", "Policy.ReadWrite.ApplicationConfiguration"],
    roles: &[
        role::GLOBAL_ADMINISTRATOR,
        role::GLOBAL_READER,
        role::SECURITY_ADMINISTRATOR,
        role::SECURITY_READER,
        role::APPLICATION_ADMINISTRATOR,
        role::CLOUD_APPLICATION_ADMINISTRATOR,
    ],
};

/// Says it.
pub const WRITE_APPLICATION_POLICIES: Operation = Operation {
    own: &["Policy.ReadWrite.ApplicationConfiguration"],
    delegated: &["Policy.ReadWrite.ApplicationConfiguration"],
    roles: APPLICATION_ROLES,
};

/// Gives roles of applications.
pub const ASSIGN_APP_ROLES: Operation = Operation {
    own: &["AppRoleAssignment.ReadWrite.All"],
    delegated: &["AppRoleAssignment.ReadWrite.All", AS_USER],
    roles: &[
        role::GLOBAL_ADMINISTRATOR,
        role::PRIVILEGED_ROLE_ADMINISTRATOR,
        role::APPLICATION_ADMINISTRATOR,
        role::CLOUD_APPLICATION_ADMINISTRATOR,
        role::USER_ADMINISTRATOR,
    ],
};

/// Gives applications permissions of their own on the directory: who does so could give themselves any role.
pub const ASSIGN_PERMISSIONS: Operation = Operation {
    own: ASSIGN_APP_ROLES.own,
    delegated: ASSIGN_APP_ROLES.delegated,
    roles: MANAGE_ROLES.roles,
};

/// Grants applications delegated permissions.
pub const GRANT_SCOPES: Operation = Operation {
    own: &["DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All"],
    delegated: &[
        "DelegatedPermissionGrant.ReadWrite.All",
        "Directory.ReadWrite.All",
        AS_USER,
    ],
    roles: CONSENT_REVIEWERS,
};

/// Changes what everybody may do without a role.
pub const WRITE_AUTHORIZATION: Operation = Operation {
    own: &["Policy.ReadWrite.Authorization"],
    delegated: &["Policy.ReadWrite.Authorization"],
    roles: &[role::GLOBAL_ADMINISTRATOR, role::PRIVILEGED_ROLE_ADMINISTRATOR],
};

/// Says which permissions are of low impact.
pub const CLASSIFY_PERMISSIONS: Operation = Operation {
    own: &["Policy.ReadWrite.PermissionGrant"],
    delegated: &["Policy.ReadWrite.PermissionGrant"],
    roles: GRANT_SCOPES.roles,
};

/// Reads what people ask administrators to consent to.
pub const READ_CONSENT_REQUESTS: Operation = Operation {
    own: &["ConsentRequest.Read.All", "ConsentRequest.ReadWrite.All"],
    delegated: &["ConsentRequest.Read.All", "ConsentRequest.ReadWrite.All"],
    roles: &[
        role::GLOBAL_ADMINISTRATOR,
        role::PRIVILEGED_ROLE_ADMINISTRATOR,
        role::APPLICATION_ADMINISTRATOR,
        role::CLOUD_APPLICATION_ADMINISTRATOR,
        role::GLOBAL_READER,
    ],
};

/// Decides it; to approve it takes [`GRANT_SCOPES`] as well.
pub const DECIDE_CONSENT: Operation = Operation {
    own: &["ConsentRequest.ReadWrite.All"],
    delegated: &["ConsentRequest.ReadWrite.All"],
    roles: GRANT_SCOPES.roles,
};

/// Says where the tenant wants to be told.
pub const WRITE_ORGANIZATION: Operation = Operation {
    own: &["Organization.ReadWrite.All"],
    delegated: &["Organization.ReadWrite.All"],
    roles: &[role::GLOBAL_ADMINISTRATOR],
};

/// Says whether people may ask.
pub const WRITE_CONSENT_REQUESTS_POLICY: Operation = Operation {
    own: &["Policy.ReadWrite.ConsentRequest"],
    delegated: &["Policy.ReadWrite.ConsentRequest"],
    roles: &[role::GLOBAL_ADMINISTRATOR],
};

/// Invites guests, where the authorization policy leaves it to roles.
const INVITE: Operation = Operation {
    own: &["User.Invite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
    delegated: &["User.Invite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
    roles: &[
        role::GLOBAL_ADMINISTRATOR,
        role::USER_ADMINISTRATOR,
        role::GUEST_INVITER,
    ],
};

/// Gives and takes directory roles.
pub const MANAGE_ROLES: Operation = Operation {
    own: &["RoleManagement.ReadWrite.Directory"],
    delegated: &["RoleManagement.ReadWrite.Directory", "Directory.AccessAsUser.All"],
    roles: &[role::GLOBAL_ADMINISTRATOR, role::PRIVILEGED_ROLE_ADMINISTRATOR],
};

/// Whose passwords, names, addresses and right to sign in a role lets change, of those who have roles themselves.
/// <https://learn.microsoft.com/entra/identity/role-based-access-control/privileged-roles-permissions>
const OVER: &[(RoleTemplateId, &[RoleTemplateId])] = &[
    (
        role::USER_ADMINISTRATOR,
        &[
            role::USER_ADMINISTRATOR,
            role::GROUPS_ADMINISTRATOR,
            role::HELPDESK_ADMINISTRATOR,
        ],
    ),
    (
        role::AUTHENTICATION_ADMINISTRATOR,
        &[role::AUTHENTICATION_ADMINISTRATOR],
    ),
    (role::HELPDESK_ADMINISTRATOR, &[role::HELPDESK_ADMINISTRATOR]),
];
/// Roles that do not protect those who have them.
const HARMLESS: &[RoleTemplateId] = &[role::DIRECTORY_READERS, role::GUEST_INVITER, role::REPORTS_READER];

/// Whether who has these roles may change what protects any account.
fn is_over_all(roles: &BTreeSet<RoleTemplateId>) -> bool {
    BIND_CERTIFICATES.roles.iter().any(|role| roles.contains(role))
}

/// Whether who has these roles may change what protects an account with those.
fn is_over(roles: &BTreeSet<RoleTemplateId>, target: &BTreeSet<RoleTemplateId>) -> bool {
    let reached = OVER.iter().filter(|(role, _)| roles.contains(role));
    let reached: Vec<RoleTemplateId> = reached.flat_map(|(_, over)| *over).copied().collect();
    is_over_all(roles)
        || target
            .iter()
            .all(|role| HARMLESS.contains(role) || reached.contains(role))
}

/// Changes the authentication methods policy.
pub const WRITE_METHODS_POLICY: Operation = Operation {
    own: &["Policy.ReadWrite.AuthenticationMethod"],
    delegated: &["Policy.ReadWrite.AuthenticationMethod"],
    roles: &[role::GLOBAL_ADMINISTRATOR, role::AUTHENTICATION_POLICY_ADMINISTRATOR],
};

/// Says which authorities vouch for people: who does so can sign in as anybody.
pub const WRITE_TRUST: Operation = Operation {
    own: &["PublicKeyInfrastructure.ReadWrite.All"],
    delegated: &["PublicKeyInfrastructure.ReadWrite.All"],
    roles: BIND_CERTIFICATES.roles,
};

/// Sees the means of identification of others.
pub const READ_METHODS: Operation = Operation {
    own: &[
        "UserAuthenticationMethod.Read.All",
        "UserAuthenticationMethod.ReadWrite.All",
    ],
    delegated: &[
        "UserAuthenticationMethod.Read.All",
        "UserAuthenticationMethod.ReadWrite.All",
    ],
    roles: &[
        role::GLOBAL_ADMINISTRATOR,
        role::GLOBAL_READER,
        role::PRIVILEGED_AUTHENTICATION_ADMINISTRATOR,
        role::AUTHENTICATION_ADMINISTRATOR,
    ],
};

/// Gives people means of identification, and takes them.
pub const WRITE_METHODS: Operation = Operation {
    own: &["UserAuthenticationMethod.ReadWrite.All"],
    delegated: &["UserAuthenticationMethod.ReadWrite.All"],
    roles: &[
        role::GLOBAL_ADMINISTRATOR,
        role::PRIVILEGED_AUTHENTICATION_ADMINISTRATOR,
        role::AUTHENTICATION_ADMINISTRATOR,
    ],
};

/// Roles of whoever sees what is risky.
const RISK_READERS: &[RoleTemplateId] = &[
    role::GLOBAL_ADMINISTRATOR,
    role::GLOBAL_READER,
    role::SECURITY_ADMINISTRATOR,
    role::SECURITY_OPERATOR,
    role::SECURITY_READER,
];
/// Roles of whoever says it, and takes it back.
const RISK_WRITERS: &[RoleTemplateId] = &[
    role::GLOBAL_ADMINISTRATOR,
    role::SECURITY_ADMINISTRATOR,
    role::SECURITY_OPERATOR,
];
const RISKY_USERS: &[&str] = &["IdentityRiskyUser.ReadWrite.All"];
const RISKY_PRINCIPALS: &[&str] = &["IdentityRiskyServicePrincipal.ReadWrite.All"];
const RISK_EVENTS: &[&str] = &["IdentityRiskEvent.ReadWrite.All"];

/// Reads whose accounts are at risk.
pub const READ_RISKY_USERS: Operation = Operation {
    own: &["IdentityRiskyUser.Read.All", "IdentityRiskyUser.ReadWrite.All"],
    delegated: &["IdentityRiskyUser.Read.All", "IdentityRiskyUser.ReadWrite.All"],
    roles: RISK_READERS,
};

/// Says whose accounts are at risk, and whose are not.
pub const WRITE_RISKY_USERS: Operation = Operation {
    own: RISKY_USERS,
    delegated: RISKY_USERS,
    roles: RISK_WRITERS,
};

/// Reads which service principals are at risk, and since when.
pub const READ_RISKY_PRINCIPALS: Operation = Operation {
    own: &[
        "IdentityRiskyServicePrincipal.Read.All",
        "IdentityRiskyServicePrincipal.ReadWrite.All",
    ],
    delegated: &[
        "IdentityRiskyServicePrincipal.Read.All",
        "IdentityRiskyServicePrincipal.ReadWrite.All",
    ],
    roles: RISK_READERS,
};

/// Says which service principals are at risk, and which are not.
pub const WRITE_RISKY_PRINCIPALS: Operation = Operation {
    own: RISKY_PRINCIPALS,
    delegated: RISKY_PRINCIPALS,
    roles: RISK_WRITERS,
};

/// Reads the risks of sign-ins.
pub const READ_RISK_EVENTS: Operation = Operation {
    own: &["IdentityRiskEvent.Read.All", "IdentityRiskEvent.ReadWrite.All"],
    delegated: &["IdentityRiskEvent.Read.All", "IdentityRiskEvent.ReadWrite.All"],
    roles: RISK_READERS,
};

/// Supplies the risks of sign-ins, and takes them back.
pub const WRITE_RISK_EVENTS: Operation = Operation {
    own: RISK_EVENTS,
    delegated: RISK_EVENTS,
    roles: RISK_WRITERS,
};

/// Roles of whoever changes conditional access and terms of use.
const POLICY_ROLES: &[RoleTemplateId] = &[
    role::GLOBAL_ADMINISTRATOR,
    role::CONDITIONAL_ACCESS_ADMINISTRATOR,
    role::SECURITY_ADMINISTRATOR,
];

/// Roles of whoever reads how the establishment is guarded: policies, places, strengths, trust stores, what others accepted.
const POLICY_READERS: &[RoleTemplateId] = &[
    role::GLOBAL_ADMINISTRATOR,
    role::GLOBAL_READER,
    role::SECURITY_ADMINISTRATOR,
    role::SECURITY_READER,
    role::CONDITIONAL_ACCESS_ADMINISTRATOR,
    role::AUTHENTICATION_POLICY_ADMINISTRATOR,
    role::PRIVILEGED_AUTHENTICATION_ADMINISTRATOR,
];

impl Caller {
    /// Refuses without one of these permissions, and a person without a role that reads policies.
    pub async fn may_read_policies(&self, graph: &Graph, permissions: &[&str]) -> Result<(), GraphFault> {
        self.need(permissions)?;
        self.must_have_role(graph, POLICY_READERS).await
    }

    /// Refuses without one permission of each list, and a person without a role: for conditional access and terms of use.
    pub async fn may_change_policies(&self, graph: &Graph, permissions: &[&[&str]]) -> Result<(), GraphFault> {
        permissions.iter().try_for_each(|some| self.need(some))?;
        self.must_have_role(graph, POLICY_ROLES).await
    }

    /// Refuses who may not.
    pub async fn may(&self, graph: &Graph, operation: &Operation) -> Result<(), GraphFault> {
        self.may_ask(operation)?;
        self.must_have_role(graph, operation.roles).await
    }

    /// Refuses a person who has none of these roles.
    async fn must_have_role(&self, graph: &Graph, roles: &[RoleTemplateId]) -> Result<(), GraphFault> {
        let Some(person) = self.person() else { return Ok(()) };
        let held = graph.directory().roles_of(&self.cx, person).await?;
        if roles.iter().any(|role| held.contains(role)) {
            Ok(())
        } else {
            Err(GraphFault::Denied)
        }
    }

    /// Refuses who may not invite guests: by the authorization policy of the tenant.
    pub async fn may_invite(&self, graph: &Graph) -> Result<(), GraphFault> {
        self.may_ask(&INVITE)?;
        let policy = graph.directory().authorization_policy(&self.cx).await?;
        match (policy.invites_from, self.person()) {
            (InvitesFrom::Nobody, _) => Err(GraphFault::Denied),
            (InvitesFrom::AdministratorsAndInviters, Some(_)) => self.must_have_role(graph, INVITE.roles).await,
            (InvitesFrom::Members, Some(person)) => {
                let found = graph.directory().find_user_by_id(&self.cx, person).await?;
                let is_member = found.is_some_and(|user| user.profile.user_type == UserType::Member);
                is_member.then_some(()).ok_or(GraphFault::Denied)
            }
            (InvitesFrom::Everyone, _) | (_, None) => Ok(()),
        }
    }

    /// The same, but that the owner of the object needs no role.
    pub async fn may_with(&self, graph: &Graph, operation: &Operation, object: ObjectId) -> Result<(), GraphFault> {
        self.may_ask(operation)?;
        if let Some(person) = self.person()
            && graph.directory().is_owner(&self.cx, object, person).await?
        {
            return Ok(());
        }
        self.may(graph, operation).await
    }

    /// Refuses who may not change what protects this account: nobody becomes more than they are by another's password.
    pub async fn may_act_on(&self, graph: &Graph, user: ObjectId) -> Result<(), GraphFault> {
        let target = graph.directory().roles_of(&self.cx, user).await?;
        // As in Entra ID also while the group has no role yet; who owns it could put themselves in.
        let is_of_role_group = graph.directory().is_of_role_group(&self.cx, user).await?;
        if target.is_empty() && !is_of_role_group {
            return Ok(());
        }
        let roles = graph.directory().roles_of(&self.cx, self.subject()).await?;
        if is_over_all(&roles) || (!is_of_role_group && is_over(&roles, &target)) {
            Ok(())
        } else {
            Err(GraphFault::Denied)
        }
    }

    fn may_ask(&self, operation: &Operation) -> Result<(), GraphFault> {
        self.need(match self.kind() {
            PrincipalKind::User => operation.delegated,
            PrincipalKind::App | PrincipalKind::ManagedIdentity => operation.own,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_reaches_a_higher_role() {
        let set = |roles: &[RoleTemplateId]| roles.iter().copied().collect::<BTreeSet<_>>();
        for (roles, target, expected) in [
            (&[][..], &[][..], true),
            (&[], &[role::DIRECTORY_READERS], true),
            (&[], &[role::HELPDESK_ADMINISTRATOR], false),
            (&[role::HELPDESK_ADMINISTRATOR], &[role::HELPDESK_ADMINISTRATOR], true),
            (&[role::HELPDESK_ADMINISTRATOR], &[role::USER_ADMINISTRATOR], false),
            (&[role::USER_ADMINISTRATOR], &[role::HELPDESK_ADMINISTRATOR], true),
            (
                &[role::USER_ADMINISTRATOR],
                &[role::USER_ADMINISTRATOR, role::GLOBAL_ADMINISTRATOR],
                false,
            ),
            (&[role::AUTHENTICATION_ADMINISTRATOR], &[role::SECURITY_READER], false),
            (
                &[role::APPLICATION_ADMINISTRATOR],
                &[role::APPLICATION_ADMINISTRATOR],
                false,
            ),
            (
                &[role::PRIVILEGED_AUTHENTICATION_ADMINISTRATOR],
                &[role::GLOBAL_ADMINISTRATOR],
                true,
            ),
        ] {
            assert_eq!(
                is_over(&set(roles), &set(target)),
                expected,
                "{roles:?} over {target:?}"
            );
        }
    }
}
