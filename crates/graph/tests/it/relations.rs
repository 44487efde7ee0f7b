//! What people, groups and programs lead to: managers, reports, what they own, where they belong.

use std::time::Duration;

use hygie_core::ObjectId;
use hygie_directory::role;
use serde_json::{Value, json};

use crate::world::{BASE, World, each, refusal, refused, user};

fn reference(id: ObjectId) -> Value {
    json!({ "@odata.id": format!("{BASE}/v1.0/directoryObjects/{id}") })
}

async fn colleague(world: &World) -> ObjectId {
    user(&world.directory, &world.cx, ("Luc", "Petit", "ch-demo.example")).await
}

#[tokio::test]
async fn a_manager_is_set_shown_and_taken_away() {
    let world = World::new().await;
    let luc = colleague(&world).await;
    let admin = world.app(&["User.ReadWrite.All", "AuditLog.Read.All"]);
    let path = format!("/v1.0/users/{}/manager", world.nurse);
    assert_eq!(admin.get(&path).await.status, 404);
    let set = format!("{path}/$ref");
    // Nobody is their own manager, and a group is none.
    for (wrong, status) in [
        (world.nurse, 400),
        (ObjectId::from_uuid(world.nurses.uuid()), 404),
        (ObjectId::from_uuid(uuid::Uuid::from_u128(9)), 404),
    ] {
        assert_eq!(admin.send("PUT", &set, &reference(wrong)).await.status, status);
    }
    admin.changed("PUT", &set, &reference(luc)).await;
    let shown = admin.json(&path).await;
    assert_eq!(
        (&shown["@odata.type"], &shown["id"]),
        (&json!("#microsoft.graph.user"), &json!(luc))
    );
    let expanded = admin
        .json(&format!(
            "/v1.0/users/{}?$expand=manager($select=id,displayName)",
            world.nurse
        ))
        .await;
    assert_eq!(expanded["manager"]["displayName"], "Luc Petit");
    assert_eq!(expanded["manager"].get("mail"), None);
    let reports = admin.json(&format!("/v1.0/users/{luc}/directReports")).await;
    assert_eq!(each(&reports, "id"), [world.nurse.to_string()]);
    // Somebody sees who their own manager is, and no more of them than of anybody.
    let own = world.person("User.Read").json("/v1.0/me/manager").await;
    assert_eq!(
        (&own["displayName"], own.get("accountEnabled")),
        (&json!("Luc Petit"), None)
    );
    assert_eq!(
        world
            .person("User.Read")
            .get(&format!("/v1.0/users/{luc}/directReports"))
            .await
            .status,
        403
    );
    let log = admin
        .json("/v1.0/auditLogs/directoryAudits?$filter=activityDisplayName%20eq%20'Set%20user%20manager'")
        .await;
    assert!(log.to_string().contains(&luc.to_string()), "{log}");
    admin.changed("DELETE", &set, &Value::Null).await;
    assert_eq!(admin.send("DELETE", &set, &Value::Null).await.status, 404);
    // Another tenant knows of nothing.
    admin.changed("PUT", &set, &reference(luc)).await;
    let other = world.by(&json!({ "tid": world.other, "oid": luc, "sub": luc, "roles": ["User.ReadWrite.All"] }));
    assert_eq!(other.get(&path).await.status, 404);
    assert_eq!(other.send("DELETE", &set, &Value::Null).await.status, 404);
    // A manager who is gone is none.
    admin
        .changed("DELETE", &format!("/v1.0/users/{luc}"), &Value::Null)
        .await;
    assert_eq!(admin.get(&path).await.status, 404);
}

#[tokio::test]
async fn somebody_says_where_they_work_and_nothing_else_of_themselves() {
    let world = World::new().await;
    let own = world.person("User.ReadWrite");
    own.changed(
        "PATCH",
        "/v1.0/me",
        &json!({ "officeLocation": "B 12", "mobilePhone": "+33 6" }),
    )
    .await;
    assert_eq!(
        own.json("/v1.0/me?$select=officeLocation").await["officeLocation"],
        "B 12"
    );
    for refused_change in [
        json!({ "jobTitle": "Directrice" }),
        json!({ "officeLocation": "B 13", "userPrincipalName": "x@ch-demo.example" }),
        json!({ "accountEnabled": true }),
        json!({ "passwordProfile": { "password": "Another horse 10" } }),
    ] {
        let answer = own.send("PATCH", "/v1.0/me", &refused_change).await;
        assert_eq!(
            refusal(&answer),
            refused(403, "Authorization_RequestDenied"),
            "{refused_change}"
        );
    }
    let answer = world
        .person("User.Read")
        .send("PATCH", "/v1.0/me", &json!({ "city": "Lille" }))
        .await;
    assert_eq!(answer.status, 403);
    assert_eq!(
        own.json("/v1.0/me?$select=officeLocation").await["officeLocation"],
        "B 12"
    );
}

#[tokio::test]
async fn ids_of_groups_are_told_and_checked() {
    let world = World::new().await;
    world
        .directory
        .assign_directory_role(&world.cx, world.nurse, role::SECURITY_READER)
        .await
        .unwrap();
    let reader = world.app(&["GroupMember.Read.All", "Application.Read.All"]);
    let of_roles = world.app(&["GroupMember.Read.All", "RoleManagement.Read.Directory"]);
    let of = format!("/v1.0/users/{}", world.nurse);
    let ids = async |name: &str, body: Value| {
        let answer = reader.send("POST", &format!("{of}/{name}"), &body).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
        let mut ids: Vec<String> = serde_json::from_value(answer.json()["value"].clone()).unwrap();
        ids.sort();
        ids
    };
    let mut groups = vec![world.nurses.to_string(), world.staff.to_string()];
    groups.sort();
    assert_eq!(
        ids("getMemberGroups", json!({ "securityEnabledOnly": false })).await,
        groups
    );
    assert_eq!(
        ids("getMemberObjects", json!({ "securityEnabledOnly": true })).await,
        groups
    );
    // Roles are told to who may read them, and to whom they belong.
    let both = json!({ "securityEnabledOnly": false });
    assert_eq!(ids("getMemberObjects", both.clone()).await, groups);
    let role = role::SECURITY_READER.to_string();
    for (by, path) in [
        (of_roles, format!("{of}/getMemberObjects")),
        (world.person("User.Read"), "/v1.0/me/getMemberObjects".to_owned()),
    ] {
        let answer = by.send("POST", &path, &both).await.json();
        let all: Vec<String> = serde_json::from_value(answer["value"].clone()).unwrap();
        assert!(all.contains(&role) && all.len() == 3, "{path}: {all:?}");
    }
    let asked = json!({ "groupIds": [world.staff, uuid::Uuid::from_u128(5)] });
    assert_eq!(ids("checkMemberGroups", asked).await, [world.staff.to_string()]);
    let of_group = reader
        .send(
            "POST",
            &format!("/v1.0/groups/{}/getMemberGroups", world.nurses),
            &json!({}),
        )
        .await;
    assert_eq!(of_group.json()["value"], json!([world.staff]));
    let members = reader
        .json(&format!("/v1.0/groups/{}/transitiveMembers", world.staff))
        .await;
    let mut found = each(&members, "id");
    found.sort();
    let mut expected = vec![world.nurse.to_string(), world.nurses.to_string()];
    expected.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn what_is_asked_of_groups_is_read_strictly() {
    let world = World::new().await;
    let reader = world.app(&["GroupMember.Read.All"]);
    let of = format!("/v1.0/users/{}", world.nurse);
    for wrong in [
        json!({}),
        json!({ "groupIds": [] }),
        json!({ "groupIds": vec![world.staff; 21] }),
        json!({ "groupIds": [world.staff], "x": 1 }),
    ] {
        let answer = reader.send("POST", &format!("{of}/checkMemberGroups"), &wrong).await;
        assert_eq!(answer.status, 400, "{wrong}");
    }
    let answer = reader
        .send(
            "POST",
            &format!("{of}/getMemberGroups"),
            &json!({ "securityOnly": true }),
        )
        .await;
    assert_eq!(answer.status, 400, "what is not known is refused");
}

#[tokio::test]
async fn what_somebody_owns_and_granted() {
    let world = World::new().await;
    let admin = world.app(&[
        "Application.ReadWrite.All",
        "Application.Read.All",
        "Group.ReadWrite.All",
        "User.Read.All",
        "Directory.Read.All",
    ]);
    let principal = world.portal.1.id;
    let one = format!("/v1.0/servicePrincipals/{principal}");
    admin
        .changed("POST", &format!("{one}/owners/$ref"), &reference(world.nurse))
        .await;
    admin
        .changed(
            "POST",
            &format!("/v1.0/groups/{}/owners/$ref", world.staff),
            &reference(world.nurse),
        )
        .await;
    let application = admin
        .json(&format!("/v1.0/applications(appId='{}')", world.portal.0))
        .await;
    let application = application["id"].as_str().unwrap();
    // By the other key whatever is asked of it.
    admin
        .changed(
            "POST",
            &format!("/v1.0/applications(appId='{}')/owners/$ref", world.portal.0),
            &reference(world.nurse),
        )
        .await;
    let owned = admin.json(&format!("/v1.0/users/{}/ownedObjects", world.nurse)).await;
    let mut found = each(&owned, "id");
    found.sort();
    let mut expected = vec![principal.to_string(), world.staff.to_string(), application.to_owned()];
    expected.sort();
    assert_eq!(found, expected);
    // Who reads groups sees of the others that they are there.
    let reader = world.app(&["User.Read.All", "Group.Read.All"]);
    let seen = reader.json(&format!("/v1.0/users/{}/ownedObjects", world.nurse)).await;
    let named = seen["value"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["displayName"].is_string());
    assert_eq!(named.count(), 1);
    // Expanded no more is told.
    let expand = format!("/v1.0/users/{}?$expand=ownedObjects", world.nurse);
    let reader = world.app(&["User.Read.All", "Application.Read.All"]);
    let shown = reader.json(&expand).await;
    let shown = shown["ownedObjects"].as_array().unwrap();
    assert_eq!(shown.len(), 3);
    for one in shown {
        let is_group = one["@odata.type"] == "#microsoft.graph.group";
        assert_eq!(one["displayName"].is_null(), is_group, "{one}");
    }
    let reader = world.app(&["User.Read.All", "Group.Read.All"]);
    let shown = reader.json(&expand).await;
    for one in shown["ownedObjects"].as_array().unwrap() {
        let is_group = one["@odata.type"] == "#microsoft.graph.group";
        assert_eq!(one["displayName"].is_string(), is_group, "{one}");
    }
}

#[tokio::test]
async fn people_are_seen_through_groups_and_programs_as_by_themselves() {
    let world = World::new().await;
    let owned = ObjectId::from_uuid(world.nurses.uuid());
    world.directory.add_owner(&world.cx, owned, world.nurse).await.unwrap();
    let program = world.portal.1.id;
    world
        .directory
        .add_owner(&world.cx, program, world.nurse)
        .await
        .unwrap();
    let seen = async |permissions: &[&str], path: &str| {
        let answer = world.app(permissions).json(path).await;
        let all = answer["value"].as_array().or_else(|| answer["owners"].as_array());
        let all = all.or_else(|| answer["members"].as_array()).unwrap().clone();
        let person = all.into_iter().find(|one| one["id"] == json!(world.nurse));
        person.expect("the nurse")
    };
    for path in [
        format!("groups/{}/members", world.nurses),
        format!("groups/{}/transitiveMembers", world.staff),
        format!("groups/{}/owners", world.nurses),
        format!("groups/{}?$expand=owners", world.nurses),
        format!("groups/{}?$expand=members", world.nurses),
        format!("servicePrincipals/{program}/owners"),
        format!("servicePrincipals/{program}?$expand=owners"),
    ] {
        let path = format!("/v1.0/{path}");
        let little = seen(&["Group.Read.All", "Application.Read.All"], &path).await;
        assert_eq!(
            (&little["displayName"], little.get("accountEnabled")),
            (&json!("Anna Martin"), None),
            "{path}"
        );
        let whole = seen(&["Group.Read.All", "Application.Read.All", "User.Read.All"], &path).await;
        assert_eq!(whole["accountEnabled"], true, "{path}");
    }
}

#[tokio::test]
async fn what_a_service_principal_leads_to() {
    let world = World::new().await;
    let admin = world.app(&[
        "Application.ReadWrite.All",
        "Application.Read.All",
        "Directory.Read.All",
    ]);
    let one = format!("/v1.0/servicePrincipals/{}", world.portal.1.id);
    let owners = format!("{one}/owners/$ref");
    admin.changed("POST", &owners, &reference(world.nurse)).await;
    assert_eq!(
        each(&admin.json(&format!("{one}/owners")).await, "id"),
        [world.nurse.to_string()]
    );
    assert_eq!(each(&admin.json(&format!("{one}/memberOf")).await, "id"), [""; 0]);
    let who = world.portal.1.id;
    world.directory.add_member(&world.cx, world.staff, who).await.unwrap();
    assert_eq!(
        each(&admin.json(&format!("{one}/memberOf")).await, "id"),
        [world.staff.to_string()]
    );
    let client = (world.portal.0, hygie_directory::DIRECTORY_API);
    let (everybody, nurse) = (["User.Read.All"], ["User.Read"]);
    for (user, scopes) in [(None, &everybody), (Some(world.nurse), &nurse)] {
        let granted = world.directory.grant_scopes(&world.cx, client, user, scopes).await;
        granted.unwrap();
    }
    for (path, expected) in [
        (
            format!("{one}/oauth2PermissionGrants"),
            vec!["User.Read", "User.Read.All"],
        ),
        (
            format!("/v1.0/users/{}/oauth2PermissionGrants", world.nurse),
            vec!["User.Read"],
        ),
        (
            format!(
                "/v1.0/servicePrincipals(appId='{}')/oauth2PermissionGrants",
                world.portal.0
            ),
            vec!["User.Read", "User.Read.All"],
        ),
    ] {
        let mut found = each(&admin.json(&path).await, "scope");
        found.sort();
        assert_eq!(found, expected, "{path}");
    }
    admin
        .changed("DELETE", &format!("{one}/owners/{}/$ref", world.nurse), &Value::Null)
        .await;
    let answer = admin
        .get("/v1.0/applications(appId='00000000-0000-0000-0000-000000000009')/owners")
        .await;
    assert_eq!(answer.status, 404);
    let answer = world
        .app(&["User.Read.All"])
        .get(&format!("/v1.0/applications(appId='{}')", world.portal.0))
        .await;
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn a_tenant_labels_a_service_principal() {
    let world = World::new().await;
    let admin = world.app(&["Application.ReadWrite.All"]);
    let path = format!("/v1.0/servicePrincipals/{}", world.portal.1.id);
    let change = json!({ "tags": ["WindowsAzureActiveDirectoryIntegratedApp"], "notes": "Ask the pharmacy",
        "loginUrl": "https://app.example/login", "preferredSingleSignOnMode": "oidc",
        "notificationEmailAddresses": ["si@ch-demo.example"], "description": "Bench" });
    admin.changed("PATCH", &path, &change).await;
    let shown = admin.json(&path).await;
    for (name, value) in change.as_object().unwrap() {
        assert_eq!(shown[name], *value, "{name}");
    }
    for (wrong, place) in [
        (
            json!({ "preferredSingleSignOnMode": "magic" }),
            "preferredSingleSignOnMode",
        ),
        (json!({ "loginUrl": "javascript:x" }), "loginUrl"),
        (json!({ "tags": [""] }), "tags"),
        (json!({ "appRoles": [] }), "appRoles"),
        (json!({ "nope": 1 }), "nope"),
    ] {
        let answer = admin.send("PATCH", &path, &wrong).await;
        assert_eq!(answer.status, 400, "{wrong}");
        assert!(
            answer.text().to_lowercase().contains(&place.to_lowercase()),
            "{}",
            answer.text()
        );
    }
    admin.changed("PATCH", &path, &json!({ "notes": null })).await;
    assert_eq!(admin.json(&path).await["notes"], Value::Null);
    // It comes back with what was said of it.
    admin.changed("DELETE", &path, &Value::Null).await;
    let restore = format!("/v1.0/directory/deletedItems/{}/restore", world.portal.1.id);
    assert_eq!(admin.send("POST", &restore, &Value::Null).await.status, 200);
    assert_eq!(admin.json(&path).await["tags"], change["tags"]);
}

const ROLES: &[&str] = &[
    "Group.ReadWrite.All",
    "GroupMember.ReadWrite.All",
    "RoleManagement.ReadWrite.Directory",
];
const ASSIGNMENTS: &str = "/v1.0/roleManagement/directory/roleAssignments";

fn for_roles() -> Value {
    json!({ "displayName": "Administrators", "mailEnabled": false, "mailNickname": "a", "securityEnabled": true,
        "isAssignableToRole": true })
}

fn assignment(principal: &str) -> Value {
    json!({ "principalId": principal, "directoryScopeId": "/", "roleDefinitionId": role::USER_ADMINISTRATOR.to_string() })
}

#[tokio::test]
async fn a_group_for_roles_is_changed_by_who_may_give_them() {
    let world = World::new().await;
    let (admin, plain) = (world.app(ROLES), world.app(&["Group.ReadWrite.All"]));
    assert_eq!(plain.send("POST", "/v1.0/groups", &for_roles()).await.status, 403);
    let group = admin.made("/v1.0/groups", &for_roles()).await;
    assert_eq!(group["isAssignableToRole"], true);
    let one = format!("/v1.0/groups/{}", group["id"].as_str().unwrap());
    let answer = admin
        .send("POST", ASSIGNMENTS, &assignment(&world.staff.to_string()))
        .await;
    assert_eq!(
        answer.status,
        400,
        "a group that was not made for roles: {}",
        answer.text()
    );
    let add = format!("{one}/members/$ref");
    // Who may change other groups, but give no roles, does not change this one.
    for (method, path, body) in [
        ("POST", &add, reference(world.nurse)),
        ("DELETE", &one, Value::Null),
        ("PATCH", &one, json!({ "displayName": "x" })),
    ] {
        assert_eq!(plain.send(method, path, &body).await.status, 403, "{method}");
    }
    let inner = reference(ObjectId::from_uuid(world.nurses.uuid()));
    let answer = admin.send("POST", &add, &inner).await;
    assert_eq!(answer.status, 400, "no group within it: {}", answer.text());
    let other = json!({ "isAssignableToRole": false });
    assert_eq!(admin.send("PATCH", &one, &other).await.status, 400);
}

#[tokio::test]
async fn who_is_in_a_group_that_was_made_for_roles_has_its_roles() {
    let world = World::new().await;
    let luc = colleague(&world).await;
    let admin = world.app(ROLES);
    let group = admin.made("/v1.0/groups", &for_roles()).await;
    let id = group["id"].as_str().unwrap();
    admin.made(ASSIGNMENTS, &assignment(id)).await;
    let add = format!("/v1.0/groups/{id}/members/$ref");
    let write = "User.ReadWrite.All";
    let rename = json!({ "jobTitle": "Infirmier" });
    let path = format!("/v1.0/users/{luc}");
    assert_eq!(world.person(write).send("PATCH", &path, &rename).await.status, 403);
    admin.changed("POST", &add, &reference(world.nurse)).await;
    world.person(write).changed("PATCH", &path, &rename).await;
    // And is protected as who has them.
    let disable = json!({ "accountEnabled": false });
    let own = format!("/v1.0/users/{}", world.nurse);
    assert_eq!(world.app(&[write]).send("PATCH", &own, &disable).await.status, 403);
    let member = format!("/v1.0/groups/{id}/members/{}/$ref", world.nurse);
    admin.changed("DELETE", &member, &Value::Null).await;
    assert_eq!(world.person(write).send("PATCH", &path, &rename).await.status, 403);
    // A group that comes back has no roles.
    admin.changed("POST", &add, &reference(world.nurse)).await;
    admin
        .changed("DELETE", &format!("/v1.0/groups/{id}"), &Value::Null)
        .await;
    let restore = format!("/v1.0/directory/deletedItems/{id}/restore");
    assert_eq!(admin.send("POST", &restore, &Value::Null).await.status, 200);
    assert_eq!(world.person(write).send("PATCH", &path, &rename).await.status, 403);
}

#[tokio::test]
async fn when_somebody_signed_in_last() {
    let world = World::new().await;
    let path = format!("/v1.0/users/{}?$select=id,signInActivity", world.nurse);
    let reader = world.app(&["User.Read.All", "AuditLog.Read.All"]);
    assert_eq!(reader.json(&path).await["signInActivity"], Value::Null);
    let first = world.here().now;
    crate::sign_ins::signed_in(&world, world.nurse, (true, 0)).await;
    world.clock.advance(Duration::from_mins(1));
    let second = world.here().now;
    crate::sign_ins::signed_in(&world, world.nurse, (true, 50_126)).await;
    let shown = reader.json(&path).await;
    let activity = &shown["signInActivity"];
    assert_eq!(
        (
            &activity["lastSignInDateTime"],
            &activity["lastSuccessfulSignInDateTime"]
        ),
        (&json!(second.to_rfc3339()), &json!(first.to_rfc3339()))
    );
    assert_eq!(activity["lastNonInteractiveSignInDateTime"], Value::Null);
    let entry = activity["lastSuccessfulSignInRequestId"].as_str().unwrap();
    assert_eq!(
        reader.get(&format!("/v1.0/auditLogs/signIns/{entry}")).await.status,
        200
    );
    let all = reader.json("/v1.0/users?$select=id,signInActivity").await;
    assert_eq!(
        all["value"][0]["signInActivity"]["lastSignInDateTime"],
        json!(second.to_rfc3339())
    );
    let plain = world.app(&["User.Read.All"]);
    assert_eq!(plain.get(&path).await.status, 403);
    // Also where it is only asked about.
    let before = "2000-01-01T00:00:00Z";
    let since = format!("/v1.0/users?$filter=signInActivity/lastSignInDateTime%20ge%20{before}");
    assert_eq!(each(&reader.json(&since).await, "id"), [world.nurse.to_string()]);
    assert_eq!(reader.json(&since).await["value"][0].get("signInActivity"), None);
    assert_eq!(plain.get(&since).await.status, 403);
    let counted = reader.eventual(&format!("{since}&$count=true")).await.json();
    assert_eq!(counted["@odata.count"], 1);
    // Where it is not kept, it is not passed over.
    let luc = colleague(&world).await;
    world
        .directory
        .set_manager(&world.cx, world.nurse, Some(luc))
        .await
        .unwrap();
    for path in [
        format!("users/{luc}/directReports?$select=signInActivity"),
        format!("users/{luc}/directReports?$filter=signInActivity/lastSignInDateTime%20ge%20{before}"),
        format!("users/{}/manager?$select=signInActivity", world.nurse),
        format!("users/{}?$expand=manager($select=signInActivity)", world.nurse),
        "directory/deletedItems/microsoft.graph.user?$select=signInActivity".to_owned(),
    ] {
        assert_eq!(reader.get(&format!("/v1.0/{path}")).await.status, 400, "{path}");
    }
    // Nor does a manager lead further.
    let further = format!("/v1.0/users/{}/manager?$expand=manager", world.nurse);
    assert_eq!(reader.get(&further).await.status, 400);
}
