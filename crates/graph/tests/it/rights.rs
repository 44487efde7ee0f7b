//! Who may what: every address with every permission, and tokens that are none.

use std::fmt::Write as _;

use hygie_testkit::Client;
use serde_json::json;

use crate::world::{BASE, LOGIN, World, each, refusal, refused};

const PERMISSIONS: &[&str] = &[
    "User.Read",
    "User.ReadBasic.All",
    "User.Read.All",
    "Group.Read.All",
    "GroupMember.Read.All",
    "Application.Read.All",
    "Organization.Read.All",
    "Domain.Read.All",
    "Directory.Read.All",
];

/// Which permission opens which address: of a person, and of an application itself.
const EXPECTED: &str = "\
/v1.0/applications: Application.Read.All Directory.Read.All | Application.Read.All Directory.Read.All
/v1.0/applications(appId='APP'): Application.Read.All Directory.Read.All | Application.Read.All Directory.Read.All
/v1.0/domains: Domain.Read.All Directory.Read.All | Domain.Read.All Directory.Read.All
/v1.0/domains/ch-demo.example: Domain.Read.All Directory.Read.All | Domain.Read.All Directory.Read.All
/v1.0/groups: Group.Read.All GroupMember.Read.All Directory.Read.All | Group.Read.All GroupMember.Read.All Directory.Read.All
/v1.0/groups/GROUP: Group.Read.All GroupMember.Read.All Directory.Read.All | Group.Read.All GroupMember.Read.All Directory.Read.All
/v1.0/groups/GROUP/memberOf: Group.Read.All GroupMember.Read.All Directory.Read.All | Group.Read.All GroupMember.Read.All Directory.Read.All
/v1.0/groups/GROUP/members: Group.Read.All GroupMember.Read.All Directory.Read.All | Group.Read.All GroupMember.Read.All Directory.Read.All
/v1.0/groups/GROUP/members/microsoft.graph.user: Group.Read.All GroupMember.Read.All Directory.Read.All | Group.Read.All GroupMember.Read.All Directory.Read.All
/v1.0/me: User.Read User.Read.All Directory.Read.All |
/v1.0/me/memberOf: User.Read Group.Read.All GroupMember.Read.All Directory.Read.All |
/v1.0/organization: User.Read User.Read.All Organization.Read.All Directory.Read.All | User.Read User.Read.All Organization.Read.All Directory.Read.All
/v1.0/servicePrincipals: Application.Read.All Directory.Read.All | Application.Read.All Directory.Read.All
/v1.0/servicePrincipals/PRINCIPAL: Application.Read.All Directory.Read.All | Application.Read.All Directory.Read.All
/v1.0/users: User.ReadBasic.All User.Read.All Directory.Read.All | User.ReadBasic.All User.Read.All Directory.Read.All
/v1.0/users/NURSE: User.Read User.ReadBasic.All User.Read.All Directory.Read.All | User.ReadBasic.All User.Read.All Directory.Read.All
/v1.0/users/NURSE/transitiveMemberOf: User.Read Group.Read.All GroupMember.Read.All Directory.Read.All | Group.Read.All GroupMember.Read.All Directory.Read.All
";

#[tokio::test]
async fn each_address_needs_one_of_its_permissions() {
    let world = World::new().await;
    let mut found = String::new();
    for line in EXPECTED.lines() {
        let (shape, _) = line.split_once(": ").unwrap();
        let path = shape
            .replace("APP", &world.portal.0.to_string())
            .replace("GROUP", &world.nurses.to_string())
            .replace("PRINCIPAL", &world.portal.1.id.to_string())
            .replace("NURSE", &world.nurse.to_string());
        let (mut persons, mut apps) = (String::new(), String::new());
        for permission in PERMISSIONS {
            if world.person(permission).get(&path).await.status == 200 {
                write!(persons, " {permission}").unwrap();
            }
            if world.app(&[permission]).get(&path).await.status == 200 {
                write!(apps, " {permission}").unwrap();
            }
        }
        writeln!(found, "{shape}:{persons} |{apps}").unwrap();
    }
    assert_eq!(found, EXPECTED, "\n{found}");
}

#[tokio::test]
async fn others_are_seen_less_than_oneself() {
    let world = World::new().await;
    let colleague = crate::world::user(&world.directory, &world.cx, ("Luc", "Petit", "ch-demo.example")).await;
    let own = world.person("User.Read");
    assert_eq!(own.get(&format!("/v1.0/users/{}", world.nurse)).await.status, 200);
    let answer = own.get(&format!("/v1.0/users/{colleague}")).await;
    assert_eq!(refusal(&answer), refused(403, "Authorization_RequestDenied"));
    // Nor is it told who is there.
    for missing in ["nobody@ch-demo.example", "00000000-0000-0000-0000-000000000009"] {
        let answer = own.get(&format!("/v1.0/users/{missing}")).await;
        assert_eq!(
            refusal(&answer),
            refused(403, "Authorization_RequestDenied"),
            "{missing}"
        );
        let answer = own.post(&format!("/v1.0/users/{missing}/getMemberGroups")).await;
        assert_eq!(
            refusal(&answer),
            refused(403, "Authorization_RequestDenied"),
            "{missing}"
        );
    }
    let basic = world.person("User.ReadBasic.All");
    let seen = basic
        .json(&format!("/v1.0/users/{colleague}?$select=displayName,accountEnabled"))
        .await;
    assert_eq!(
        (&seen["displayName"], seen.get("accountEnabled")),
        (&json!("Luc Petit"), None)
    );
    // Nor can they be found by what is not seen.
    let found = basic.json("/v1.0/users?$filter=accountEnabled%20eq%20true").await;
    assert_eq!(each(&found, "id"), [""; 0]);
    // A scope is none of an application's own permissions, and the other way round.
    for claims in [
        json!({ "oid": world.nurse, "sub": "x", "scp": "User.Read", "roles": ["User.Read.All"] }),
        json!({ "oid": world.nurse, "sub": world.nurse, "roles": ["User.Read"] }),
    ] {
        assert_eq!(world.by(&claims).get("/v1.0/users").await.status, 403, "{claims}");
    }
}

#[tokio::test]
async fn what_is_no_token_for_the_directory_api() {
    let world = World::new().await;
    let id = world.nurse;
    let good = json!({ "oid": id, "sub": id, "roles": ["Directory.Read.All"] });
    assert_eq!(world.by(&good).get("/v1.0/users").await.status, 200);
    for (change, value) in [
        ("aud", json!("https://fhir.example")),
        ("iss", json!(format!("{LOGIN}/{}/", world.other))),
        ("iss", json!(format!("https://other.example/{}/", world.tenant))),
        ("iss", json!(format!("{LOGIN}/{}/v2.0", world.tenant))),
        ("tid", json!(world.other.to_string())),
        ("exp", json!(1)),
        ("ver", json!("2.0")),
        ("oid", json!(null)),
        ("nonce", json!("of an id token")),
        (
            "cnf",
            json!({ "x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2" }),
        ),
    ] {
        let mut claims = good.clone();
        claims[change] = value;
        if change == "tid" {
            // The issuer of the first tenant for the other one.
            claims["iss"] = json!(format!("{LOGIN}/{}/", world.tenant));
        }
        let answer = world.by(&claims).get("/v1.0/users").await;
        assert_eq!(refusal(&answer), refused(401, "InvalidAuthenticationToken"), "{change}");
        assert!(answer.header("www-authenticate").starts_with("Bearer "), "{change}");
    }
    for audience in [
        BASE.to_owned(),
        format!("{BASE}/"),
        "00000003-0000-0000-c000-000000000000".to_owned(),
    ] {
        let mut claims = good.clone();
        claims["aud"] = json!(audience);
        assert_eq!(world.by(&claims).get("/v1.0/users").await.status, 200, "{audience}");
    }
    world.directory.revoke_user(&world.cx, id).await.unwrap();
    assert_eq!(world.by(&good).get("/v1.0/users").await.status, 401);
}

#[tokio::test]
async fn what_is_not_built_says_so_to_who_has_a_token() {
    let world = World::new().await;
    let caller = world.app(&[]);
    for path in [
        "/v1.0/devices",
        "/v1.0/users/x/calendar",
        "/v1.0/identity/conditionalAccess/deletedItems",
        "/v1.0/x(y='z')",
    ] {
        let answer = caller.get(path).await;
        assert_eq!(refusal(&answer), refused(501, "notSupported"), "{path}");
        assert_eq!(Client::new(&world.router).get(path).await.status, 401, "{path}");
    }
    let caller = world.app(&["Directory.Read.All"]);
    for path in [
        "/v1.0/users?$expand=calendar".to_owned(),
        format!("/v1.0/users/{}?$expand=calendar", world.nurse),
        format!("/v1.0/users/{}?$filter=displayName%20eq%20'x'", world.nurse),
        "/v1.0/organization?$compute=x".to_owned(),
    ] {
        assert_eq!(refusal(&caller.get(&path).await), refused(400, "BadRequest"), "{path}");
    }
}

#[tokio::test]
async fn who_acts_as_the_person_reads_the_directory() {
    let world = World::new().await;
    for path in [
        "/v1.0/users",
        "/v1.0/groups",
        "/v1.0/applications",
        "/v1.0/servicePrincipals",
    ] {
        assert_eq!(
            world.person("Directory.AccessAsUser.All").get(path).await.status,
            200,
            "{path}"
        );
    }
    // It opens nothing that wants more than a look at the directory, and is no permission of applications.
    for path in ["/v1.0/identity/conditionalAccess/policies", "/v1.0/auditLogs/signIns"] {
        assert_eq!(
            world.person("Directory.AccessAsUser.All").get(path).await.status,
            403,
            "{path}"
        );
    }
    assert_eq!(
        world
            .app(&["Directory.AccessAsUser.All"])
            .get("/v1.0/users")
            .await
            .status,
        403
    );
}

/// Whoever may change applications sees them: a policy that names one can be written.
#[tokio::test]
async fn permission_to_write_applications_is_enough_to_name_one() {
    let world = World::new().await;
    let policy = json!({
        "displayName": "A", "state": "disabled",
        "conditions": { "users": { "includeUsers": ["All"] }, "applications": { "includeApplications": ["All"] } },
        "grantControls": { "operator": "OR", "builtInControls": ["mfa"] },
    });
    let path = "/v1.0/identity/conditionalAccess/policies";
    let both = ["Policy.Read.All", "Policy.ReadWrite.ConditionalAccess"];
    assert_eq!(world.app(&both).send("POST", path, &policy).await.status, 403);
    let with = [both[0], both[1], "Application.ReadWrite.All"];
    world.app(&with).made(path, &policy).await;
}
