//! Groups that were made for roles: who is in one or owns one is protected, and seen when they come to it.

use hygie_core::{GroupId, ObjectId};
use hygie_directory::{DirectoryError, role};
use serde_json::{Value, json};

use crate::world::{BASE, World, each, refusal, refused, user};

const ADMINISTRATOR: &[&str] = &[
    "Group.ReadWrite.All",
    "RoleManagement.ReadWrite.Directory",
    "User.Read.All",
    "AuditLog.Read.All",
];

/// A group for roles with this role, if any.
async fn group(world: &World, role: Option<&str>) -> String {
    let admin = world.app(ADMINISTRATOR);
    let new = json!({ "displayName": "Administrators", "mailEnabled": false, "mailNickname": "a", "securityEnabled": true,
        "isAssignableToRole": true });
    let made = admin.made("/v1.0/groups", &new).await;
    let id = made["id"].as_str().expect("an id").to_owned();
    if let Some(role) = role {
        let new = json!({ "principalId": id, "directoryScopeId": "/", "roleDefinitionId": role });
        admin.made("/v1.0/roleManagement/directory/roleAssignments", &new).await;
    }
    id
}

fn reference(id: ObjectId) -> Value {
    json!({ "@odata.id": format!("{BASE}/v1.0/directoryObjects/{id}") })
}

#[tokio::test]
async fn who_is_in_or_owns_a_group_for_roles_is_protected() {
    let world = World::new().await;
    let luc = user(&world.directory, &world.cx, ("Luc", "Petit", "ch-demo.example")).await;
    let admin = world.app(ADMINISTRATOR);
    let given = world
        .directory
        .assign_directory_role(&world.cx, world.nurse, role::HELPDESK_ADMINISTRATOR)
        .await;
    given.unwrap();
    let helpdesk = world.person("User.ReadWrite.All");
    let path = format!("/v1.0/users/{luc}");
    let reset = json!({ "passwordProfile": { "password": "Another horse 10" } });
    // Also before the group has a role.
    for role in [None, Some(role::GLOBAL_ADMINISTRATOR.to_string())] {
        let id = group(&world, role.as_deref()).await;
        for set in ["owners", "members"] {
            let all = format!("/v1.0/groups/{id}/{set}");
            admin.changed("POST", &format!("{all}/$ref"), &reference(luc)).await;
            let answer = helpdesk.send("PATCH", &path, &reset).await;
            assert_eq!(
                refusal(&answer),
                refused(403, "Authorization_RequestDenied"),
                "{set} {role:?}"
            );
            admin
                .changed("DELETE", &format!("{all}/{luc}/$ref"), &Value::Null)
                .await;
            helpdesk.changed("PATCH", &path, &reset).await;
        }
    }
}

#[tokio::test]
async fn who_comes_back_is_in_no_group_for_roles() {
    let world = World::new().await;
    let luc = user(&world.directory, &world.cx, ("Luc", "Petit", "ch-demo.example")).await;
    let program = world.portal.1.id;
    let role = role::USER_ADMINISTRATOR.to_string();
    let id = group(&world, Some(&role)).await;
    let admin = world.app(ADMINISTRATOR);
    for who in [luc, program] {
        for set in ["owners", "members"] {
            let path = format!("/v1.0/groups/{id}/{set}/$ref");
            admin.changed("POST", &path, &reference(who)).await;
        }
        assert_eq!(world.directory.roles_of(&world.cx, who).await.unwrap().len(), 1);
    }
    let plain = world.nurses;
    world.directory.add_member(&world.cx, plain, luc).await.unwrap();
    world.directory.delete_user(&world.cx, luc).await.unwrap();
    world
        .directory
        .delete_service_principal(&world.cx, program)
        .await
        .unwrap();
    for who in [luc, program] {
        world.directory.restore(&world.cx, who).await.unwrap();
        assert!(world.directory.roles_of(&world.cx, who).await.unwrap().is_empty());
    }
    for set in ["owners", "members"] {
        let found = admin.json(&format!("/v1.0/groups/{id}/{set}")).await;
        assert_eq!(each(&found, "id"), [""; 0], "{set}");
    }
    // Other memberships come back.
    let members = admin.json(&format!("/v1.0/groups/{plain}/members")).await;
    assert!(each(&members, "id").contains(&luc.to_string()), "{members}");
}

#[tokio::test]
async fn who_comes_to_a_group_for_roles_is_an_alert() {
    let world = World::new().await;
    let luc = user(&world.directory, &world.cx, ("Luc", "Petit", "ch-demo.example")).await;
    let admin = world.app(ADMINISTRATOR);
    let alerts = async || {
        let path = "/v1.0/auditLogs/alerts?$filter=alertType%20eq%20'roleAssigned'";
        admin.json(path).await["value"].as_array().unwrap().len()
    };
    let id = group(&world, None).await;
    for set in ["owners", "members"] {
        let before = alerts().await;
        let all = format!("/v1.0/groups/{id}/{set}");
        admin.changed("POST", &format!("{all}/$ref"), &reference(luc)).await;
        assert_eq!(alerts().await, before + 1, "{set}");
        admin
            .changed("DELETE", &format!("{all}/{luc}/$ref"), &Value::Null)
            .await;
        assert_eq!(alerts().await, before + 1, "{set}: who goes is none");
        let other = format!("/v1.0/groups/{}/{set}/$ref", world.nurses);
        admin.changed("POST", &other, &reference(luc)).await;
        assert_eq!(alerts().await, before + 1, "{set}: of another group");
    }
    // Also the first ones of a group.
    let before = alerts().await;
    let new = json!({ "displayName": "More", "mailEnabled": false, "mailNickname": "b", "securityEnabled": true,
        "isAssignableToRole": true, "members@odata.bind": [format!("{BASE}/v1.0/users/{luc}")] });
    admin.made("/v1.0/groups", &new).await;
    assert_eq!(alerts().await, before + 1);
}

#[tokio::test]
async fn a_deleted_group_for_roles_belongs_to_who_may_give_them() {
    let world = World::new().await;
    let id = group(&world, None).await;
    let admin = world.app(ADMINISTRATOR);
    admin
        .changed("DELETE", &format!("/v1.0/groups/{id}"), &Value::Null)
        .await;
    let one = format!("/v1.0/directory/deletedItems/{id}");
    let plain = world.app(&["Group.ReadWrite.All"]);
    for (method, path) in [("POST", format!("{one}/restore")), ("DELETE", one.clone())] {
        let answer = plain.send(method, &path, &Value::Null).await;
        assert_eq!(
            refusal(&answer),
            refused(403, "Authorization_RequestDenied"),
            "{method}"
        );
    }
    let answer = admin.send("POST", &format!("{one}/restore"), &Value::Null).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn no_group_is_in_one_for_roles() {
    let world = World::new().await;
    let id: ObjectId = group(&world, None).await.parse().unwrap();
    let inner = ObjectId::from_uuid(world.nurses.uuid());
    let added = world
        .directory
        .add_member(&world.cx, GroupId::from_uuid(id.uuid()), inner)
        .await;
    assert!(matches!(added, Err(DirectoryError::Fixed(_))), "{added:?}");
}
