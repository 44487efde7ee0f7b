//! Who may change what: every address that changes something, with every permission and every directory role. What is
//! asked for is not there, or says nothing, so that nothing changes; only 403 is a refusal.

use std::fmt::Write as _;

use hygie_directory::{DIRECTORY_API, DIRECTORY_ROLES};
use serde_json::json;

use crate::world::{By, World, user};

const PERMISSIONS: &[&str] = &[
    "User.ReadWrite.All",
    "User.RevokeSessions.All",
    "Group.ReadWrite.All",
    "GroupMember.ReadWrite.All",
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "RoleManagement.ReadWrite.Directory",
    "Directory.ReadWrite.All",
    "Directory.AccessAsUser.All",
    "Directory.Read.All",
    "User.Invite.All",
    "Policy.ReadWrite.Authorization",
    "Policy.ReadWrite.PermissionGrant",
    "Policy.ReadWrite.ConsentRequest",
    "ConsentRequest.Read.All",
    "ConsentRequest.ReadWrite.All",
    "PublicKeyInfrastructure.ReadWrite.All",
    "IdentityRiskyUser.ReadWrite.All",
    "IdentityRiskyServicePrincipal.ReadWrite.All",
    "IdentityRiskEvent.ReadWrite.All",
    "UserAuthenticationMethod.ReadWrite.All",
];

/// Which permissions open an address to an application itself, and which roles to a person whose application has all.
const EXPECTED: &str = "\
POST users: User.ReadWrite.All Directory.ReadWrite.All | Global User
PATCH users/NONE: User.ReadWrite.All Directory.ReadWrite.All | Global User
PATCH users/NONE password: User.ReadWrite.All | Global User Authentication PrivilegedAuthentication Helpdesk
PATCH users/NONE certificate: User.ReadWrite.All | Global PrivilegedAuthentication
DELETE users/NONE: User.ReadWrite.All | Global User
POST users/NONE/revokeSignInSessions: User.ReadWrite.All User.RevokeSessions.All Directory.ReadWrite.All | Global User Authentication PrivilegedAuthentication Helpdesk
POST groups: Group.ReadWrite.All Directory.ReadWrite.All | Global User Groups
PATCH groups/NONE: Group.ReadWrite.All GroupMember.ReadWrite.All Directory.ReadWrite.All | Global User Groups
PATCH groups/NONE name: Group.ReadWrite.All Directory.ReadWrite.All | Global User Groups
DELETE groups/NONE: Group.ReadWrite.All Directory.ReadWrite.All | Global User Groups
POST groups/NONE/members/$ref: Group.ReadWrite.All GroupMember.ReadWrite.All Directory.ReadWrite.All | Global User Groups
DELETE groups/NONE/members/NONE/$ref: Group.ReadWrite.All GroupMember.ReadWrite.All Directory.ReadWrite.All | Global User Groups
POST groups/NONE/owners/$ref: Group.ReadWrite.All Directory.ReadWrite.All | Global User Groups
DELETE groups/NONE/owners/NONE/$ref: Group.ReadWrite.All Directory.ReadWrite.All | Global User Groups
POST applications: Application.ReadWrite.All | Global Application CloudApplication
PATCH applications/NONE: Application.ReadWrite.All | Global Application CloudApplication
DELETE applications/NONE: Application.ReadWrite.All | Global Application CloudApplication
POST applications/NONE/addPassword: Application.ReadWrite.All | Global Application CloudApplication
POST applications/NONE/removePassword: Application.ReadWrite.All | Global Application CloudApplication
POST applications/NONE/owners/$ref: Application.ReadWrite.All | Global Application CloudApplication
DELETE applications/NONE/owners/NONE/$ref: Application.ReadWrite.All | Global Application CloudApplication
POST servicePrincipals: Application.ReadWrite.All | Global Application CloudApplication
PATCH servicePrincipals/NONE: Application.ReadWrite.All | Global Application CloudApplication
DELETE servicePrincipals/NONE: Application.ReadWrite.All | Global Application CloudApplication
POST users/NONE/appRoleAssignments: AppRoleAssignment.ReadWrite.All | Global PrivilegedRole User Application CloudApplication
POST groups/NONE/appRoleAssignments: AppRoleAssignment.ReadWrite.All | Global PrivilegedRole User Application CloudApplication
POST servicePrincipals/NONE/appRoleAssignedTo: AppRoleAssignment.ReadWrite.All | Global PrivilegedRole User Application CloudApplication
POST servicePrincipals/NONE/appRoleAssignments directory: AppRoleAssignment.ReadWrite.All | Global PrivilegedRole
DELETE servicePrincipals/NONE/appRoleAssignments/NONE: AppRoleAssignment.ReadWrite.All | Global PrivilegedRole User Application CloudApplication
POST oauth2PermissionGrants: DelegatedPermissionGrant.ReadWrite.All Directory.ReadWrite.All | Global PrivilegedRole Application CloudApplication
PATCH oauth2PermissionGrants/NONE: DelegatedPermissionGrant.ReadWrite.All Directory.ReadWrite.All | Global PrivilegedRole Application CloudApplication
DELETE oauth2PermissionGrants/NONE: DelegatedPermissionGrant.ReadWrite.All Directory.ReadWrite.All | Global PrivilegedRole Application CloudApplication
POST directoryRoles/ROLE/members/$ref: RoleManagement.ReadWrite.Directory | Global PrivilegedRole
DELETE directoryRoles/ROLE/members/NONE/$ref: RoleManagement.ReadWrite.Directory | Global PrivilegedRole
POST roleManagement/directory/roleAssignments: RoleManagement.ReadWrite.Directory | Global PrivilegedRole
DELETE roleManagement/directory/roleAssignments/NONE: RoleManagement.ReadWrite.Directory | Global PrivilegedRole
POST applications/NONE/setVerifiedPublisher: Application.ReadWrite.All | Global Application CloudApplication
POST applications/NONE/unsetVerifiedPublisher: Application.ReadWrite.All | Global Application CloudApplication
POST servicePrincipals/NONE/delegatedPermissionClassifications: Policy.ReadWrite.PermissionGrant | Global PrivilegedRole Application CloudApplication
DELETE servicePrincipals/NONE/delegatedPermissionClassifications/NONE: Policy.ReadWrite.PermissionGrant | Global PrivilegedRole Application CloudApplication
PUT policies/adminConsentRequestPolicy name: Policy.ReadWrite.ConsentRequest | Global
PATCH identityGovernance/appConsent/appConsentRequests/NONE/userConsentRequests/NONE/approval/stages/NONE: ConsentRequest.ReadWrite.All | Global PrivilegedRole Application CloudApplication
PATCH policies/authorizationPolicy name: Policy.ReadWrite.Authorization | Global PrivilegedRole
POST invitations: User.ReadWrite.All Directory.ReadWrite.All User.Invite.All | Global User GuestInviter
PUT users/NONE/manager/$ref: User.ReadWrite.All Directory.ReadWrite.All | Global User
DELETE users/NONE/manager/$ref: User.ReadWrite.All Directory.ReadWrite.All | Global User
POST applications/NONE/addKey: Application.ReadWrite.All | Global Application CloudApplication
POST applications/NONE/removeKey: Application.ReadWrite.All | Global Application CloudApplication
POST servicePrincipals/NONE/owners/$ref: Application.ReadWrite.All | Global Application CloudApplication
DELETE servicePrincipals/NONE/owners/NONE/$ref: Application.ReadWrite.All | Global Application CloudApplication
POST groups/ADMINS/members/$ref: | Global
DELETE groups/ADMINS/members/NONE/$ref: | Global
POST groups/ADMINS/owners/$ref: | Global
DELETE groups/ADMINS/owners/NONE/$ref: | Global
POST directory/deletedItems/TAKEN/restore: User.ReadWrite.All | Global User
POST directory/publicKeyInfrastructure/certificateBasedAuthConfigurations/NONE/upload: PublicKeyInfrastructure.ReadWrite.All | Global PrivilegedAuthentication
POST organization/TENANT/certificateBasedAuthConfiguration: PublicKeyInfrastructure.ReadWrite.All | Global PrivilegedAuthentication
DELETE organization/TENANT/certificateBasedAuthConfiguration/NONE: PublicKeyInfrastructure.ReadWrite.All | Global PrivilegedAuthentication
POST identityProtection/riskyUsers/confirmSafe: IdentityRiskyUser.ReadWrite.All | Global Security SecurityOperator
POST identityProtection/riskyServicePrincipals/dismiss: IdentityRiskyServicePrincipal.ReadWrite.All | Global Security SecurityOperator
";

/// What some addresses are of.
struct There {
    /// A group that was made for roles.
    admins: String,
    /// A deleted user whose name somebody else has now.
    taken: String,
}

impl There {
    async fn new(world: &World) -> Self {
        let admins = json!({ "displayName": "Administrators", "mailEnabled": false, "mailNickname": "a",
            "securityEnabled": true, "isAssignableToRole": true });
        let admin = world.app(&["Group.ReadWrite.All", "RoleManagement.ReadWrite.Directory"]);
        let admins = admin.made("/v1.0/groups", &admins).await;
        let name = ("Luc", "Petit", "ch-demo.example");
        let taken = user(&world.directory, &world.cx, name).await;
        world.directory.delete_user(&world.cx, taken).await.expect("deleted");
        user(&world.directory, &world.cx, name).await;
        Self {
            admins: admins["id"].as_str().expect("an id").to_owned(),
            taken: taken.to_string(),
        }
    }
}

/// Whether a caller gets past the question who they are.
async fn may(world: &World, there: &There, caller: &By<'_>, shape: &str) -> bool {
    let none = "00000000-0000-0000-0000-000000000009";
    let mut words = shape.split(' ');
    let (method, path) = (words.next().expect("a method"), words.next().expect("a path"));
    let body = match words.next() {
        Some("password") => json!({ "passwordProfile": {} }),
        Some("certificate") => json!({ "authorizationInfo": {} }),
        Some("name") => json!({ "displayName": "x" }),
        Some("directory") => {
            let api = world.directory.find_service_principal(&world.cx, DIRECTORY_API).await;
            let api = api.expect("a look-up").expect("the directory API").id;
            json!({ "principalId": none, "resourceId": api, "appRoleId": none })
        }
        _ => json!({}),
    };
    let path = path
        .replace("NONE", none)
        .replace("ROLE", &DIRECTORY_ROLES[0].template.to_string())
        .replace("ADMINS", &there.admins)
        .replace("TAKEN", &there.taken)
        .replace("TENANT", &world.tenant.to_string());
    let answer = caller.send(method, &format!("/v1.0/{path}"), &body).await;
    assert!(
        (400..500).contains(&answer.status.as_u16()),
        "{shape}: {}",
        answer.text()
    );
    // Of a deleted object of a kind that they do not see, callers are told that it is not there.
    answer.status != 403 && !(shape.contains("TAKEN") && answer.status == 404)
}

#[tokio::test]
async fn each_change_needs_its_permission_and_role() {
    let world = World::new().await;
    let mut people = Vec::new();
    for (n, role) in DIRECTORY_ROLES.iter().enumerate() {
        let name = format!("P{n}");
        let who = user(&world.directory, &world.cx, (&name, "Petit", "ch-demo.example")).await;
        let given = world
            .directory
            .assign_directory_role(&world.cx, who, role.template)
            .await;
        given.expect("a role");
        let short = role.display_name.trim_end_matches(" Administrator").replace(' ', "");
        people.push((short, who));
    }
    let there = There::new(&world).await;
    let mut found = String::new();
    for line in EXPECTED.lines() {
        let (shape, _) = line.split_once(": ").expect("a shape");
        write!(found, "{shape}:").expect("text");
        for permission in PERMISSIONS {
            if may(&world, &there, &world.app(&[permission]), shape).await {
                write!(found, " {permission}").expect("text");
            }
        }
        found.push_str(" |");
        for (role, who) in &people {
            let claims = json!({ "oid": who, "sub": "x", "scp": PERMISSIONS.join(" ") });
            if may(&world, &there, &world.by(&claims), shape).await {
                write!(found, " {role}").expect("text");
            }
        }
        found.push('\n');
        // A person without a role, whatever the application may.
        assert!(
            !may(&world, &there, &world.person(&PERMISSIONS.join(" ")), shape).await,
            "{shape}"
        );
    }
    assert_eq!(found, EXPECTED, "\n{found}");
}
