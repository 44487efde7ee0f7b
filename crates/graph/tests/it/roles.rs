//! Directory roles: which there are, who has them, who may give them.

use hygie_directory::{GLOBAL_ADMINISTRATOR, role};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{BASE, World, each, refusal, refused, user};

const ROLES: &str = "/v1.0/directoryRoles";
const ASSIGNMENTS: &str = "/v1.0/roleManagement/directory/roleAssignments";

#[tokio::test]
async fn every_role_is_there_with_its_template() {
    let world = World::new().await;
    let caller = world.app(&["RoleManagement.Read.Directory"]);
    let all = caller.json(ROLES).await;
    assert_eq!(each(&all, "id").len(), 18);
    for path in [
        "/v1.0/directoryRoleTemplates".to_owned(),
        "/v1.0/roleManagement/directory/roleDefinitions".to_owned(),
    ] {
        assert_eq!(each(&caller.json(&path).await, "id"), each(&all, "id"), "{path}");
        let one = caller.json(&format!("{path}/{GLOBAL_ADMINISTRATOR}")).await;
        assert_eq!(one["displayName"], "Global Administrator");
    }
    let found = caller
        .json(&format!("{ROLES}(roleTemplateId='{GLOBAL_ADMINISTRATOR}')"))
        .await;
    assert_eq!(found["roleTemplateId"], json!(GLOBAL_ADMINISTRATOR.to_string()));
    let query = "$filter=displayName%20eq%20'user%20administrator'&$select=id";
    let found = caller
        .json(&format!("/v1.0/roleManagement/directory/roleDefinitions?{query}"))
        .await;
    assert_eq!(each(&found, "id"), [role::USER_ADMINISTRATOR.to_string()]);
    for missing in ["x", "00000000-0000-0000-0000-000000000009"] {
        let answer = caller.get(&format!("{ROLES}/{missing}")).await;
        assert_eq!(refusal(&answer), refused(404, "Request_ResourceNotFound"));
    }
    assert_eq!(world.app(&["User.Read.All"]).get(ROLES).await.status, 403);
}

#[tokio::test]
async fn roles_are_given_and_taken() {
    let world = World::new().await;
    let caller = world.app(&["RoleManagement.ReadWrite.Directory"]);
    let readers = format!("{ROLES}/{}/members", role::REPORTS_READER);
    let reference = json!({ "@odata.id": format!("{BASE}/v1.0/directoryObjects/{}", world.nurse) });
    caller.changed("POST", &format!("{readers}/$ref"), &reference).await;
    let answer = caller.send("POST", &format!("{readers}/$ref"), &reference).await;
    assert_eq!(refusal(&answer), refused(400, "Request_BadRequest"));
    let members = caller.json(&readers).await;
    assert_eq!(each(&members, "id"), [world.nurse.to_string()]);
    let by_template = format!("{ROLES}(roleTemplateId='{}')/members", role::REPORTS_READER);
    assert_eq!(caller.json(&by_template).await["value"], members["value"]);
    let new = json!({
        "@odata.type": "#microsoft.graph.unifiedRoleAssignment",
        "roleDefinitionId": role::GUEST_INVITER.to_string(),
        "principalId": world.nurse,
        "directoryScopeId": "/",
    });
    let made = caller.made(ASSIGNMENTS, &new).await;
    let one = format!("{ASSIGNMENTS}/{}", made["id"].as_str().unwrap());
    assert_eq!(caller.json(&one).await, made);
    let filter = format!("{ASSIGNMENTS}?$filter=principalId%20eq%20'{}'", world.nurse);
    assert_eq!(each(&caller.json(&filter).await, "id").len(), 2);
    let roles = world.directory.roles_of(&world.cx, world.nurse).await.unwrap();
    assert_eq!(roles.len(), 2);
    let elsewhere = world.cx.for_tenant(world.other);
    assert!(
        world
            .directory
            .roles_of(&elsewhere, world.nurse)
            .await
            .unwrap()
            .is_empty()
    );
    caller.changed("DELETE", &one, &Value::Null).await;
    assert_eq!(
        refusal(&caller.get(&one).await),
        refused(404, "Request_ResourceNotFound")
    );
    let member = format!("{readers}/{}/$ref", world.nurse);
    caller.changed("DELETE", &member, &Value::Null).await;
    assert_eq!(caller.send("DELETE", &member, &Value::Null).await.status, 404);
    assert!(
        world
            .directory
            .roles_of(&world.cx, world.nurse)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn what_is_no_assignment_is_refused_with_its_place() {
    let world = World::new().await;
    let caller = world.app(&["RoleManagement.ReadWrite.Directory"]);
    let role = role::GUEST_INVITER.to_string();
    for (body, place) in [
        (
            json!({ "principalId": world.nurse, "roleDefinitionId": role }),
            "directoryScopeId",
        ),
        (
            json!({ "principalId": world.nurse, "roleDefinitionId": role, "directoryScopeId": "/x" }),
            "directoryScopeId",
        ),
        (
            json!({ "principalId": "x", "roleDefinitionId": role, "directoryScopeId": "/" }),
            "principalId",
        ),
        (json!({ "principalID": world.nurse }), "principalID"),
        (json!([]), "the document"),
    ] {
        let answer = caller.send("POST", ASSIGNMENTS, &body).await;
        assert_eq!(refusal(&answer), refused(400, "Request_BadRequest"), "{body}");
        assert!(answer.text().contains(place), "{}", answer.text());
    }
    for (principal, role) in [
        ("00000000-0000-0000-0000-000000000009".to_owned(), role.clone()),
        (Uuid::nil().to_string(), role),
        (
            world.nurse.to_string(),
            "00000000-0000-0000-0000-000000000009".to_owned(),
        ),
    ] {
        let body = json!({ "principalId": principal, "roleDefinitionId": role, "directoryScopeId": "/" });
        let answer = caller.send("POST", ASSIGNMENTS, &body).await;
        assert_eq!(refusal(&answer), refused(404, "Request_ResourceNotFound"), "{body}");
    }
    let outside = json!({ "@odata.id": format!("https://other.example/v1.0/users/{}", world.nurse) });
    let answer = caller
        .send(
            "POST",
            &format!("{ROLES}/{GLOBAL_ADMINISTRATOR}/members/$ref"),
            &outside,
        )
        .await;
    assert!(answer.text().contains("@odata.id"), "{}", answer.text());
}

#[tokio::test]
async fn somebody_always_administers_the_tenant() {
    let world = World::new().await;
    let caller = world.app(&["RoleManagement.ReadWrite.Directory"]);
    let administrators = format!("{ROLES}/{GLOBAL_ADMINISTRATOR}/members");
    let directory = &world.directory;
    let give = async |who| {
        directory
            .assign_directory_role(&world.cx, who, GLOBAL_ADMINISTRATOR)
            .await
            .unwrap()
    };
    give(world.nurse).await;
    // A program cannot sign in to repair what goes wrong.
    give(world.portal.1.id).await;
    let nurse = format!("{administrators}/{}/$ref", world.nurse);
    let answer = caller.send("DELETE", &nurse, &Value::Null).await;
    assert_eq!(refusal(&answer), refused(400, "Request_BadRequest"));
    assert!(
        answer.text().contains("The last Global Administrator"),
        "{}",
        answer.text()
    );
    let program = format!("{administrators}/{}/$ref", world.portal.1.id);
    caller.changed("DELETE", &program, &Value::Null).await;
    let other = user(directory, &world.cx, ("Luc", "Petit", "ch-demo.example")).await;
    give(other).await;
    caller.changed("DELETE", &nurse, &Value::Null).await;
}

#[tokio::test]
async fn a_person_gives_roles_only_by_a_role() {
    let world = World::new().await;
    let scope = "RoleManagement.ReadWrite.Directory";
    let body = json!({
        "roleDefinitionId": role::GUEST_INVITER.to_string(), "principalId": world.nurse, "directoryScopeId": "/",
    });
    let try_it = async |scopes: &str| {
        let answer = world.person(scopes).send("POST", ASSIGNMENTS, &body).await;
        answer.status.as_u16()
    };
    assert_eq!(try_it(scope).await, 403);
    let give = async |role| {
        world
            .directory
            .assign_directory_role(&world.cx, world.nurse, role)
            .await
            .unwrap()
    };
    give(role::USER_ADMINISTRATOR).await;
    assert_eq!(try_it(scope).await, 403);
    give(role::PRIVILEGED_ROLE_ADMINISTRATOR).await;
    assert_eq!(try_it("Directory.Read.All").await, 403);
    assert_eq!(try_it(scope).await, 201);
}
