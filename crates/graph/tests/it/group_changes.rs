//! Groups are made, changed, deleted and restored; their members and owners.

use hygie_core::ObjectId;
use hygie_directory::{Membership, role};
use serde_json::{Value, json};

use crate::world::{BASE, World, each, refusal, refused, user};

const GROUPS: &str = "/v1.0/groups";

fn reference(id: impl std::fmt::Display) -> Value {
    json!({ "@odata.id": format!("{BASE}/v1.0/directoryObjects/{id}") })
}

fn doctors() -> Value {
    json!({
        "displayName": "Médecins",
        "description": "Tous les médecins",
        "mailEnabled": false,
        "mailNickname": "medecins",
        "securityEnabled": true,
        "groupTypes": [],
    })
}

#[tokio::test]
async fn a_group_is_made_changed_deleted_and_restored() {
    let world = World::new().await;
    let caller = world.app(&["Group.ReadWrite.All"]);
    let mut body = doctors();
    body["members@odata.bind"] = json!([format!("{BASE}/v1.0/users/{}", world.nurse)]);
    body["owners@odata.bind"] = json!([format!("https://graph.microsoft.com/v1.0/users/{}", world.nurse)]);
    let made = caller.made(GROUPS, &body).await;
    assert_eq!(made["description"], "Tous les médecins");
    let one = format!("{GROUPS}/{}", made["id"].as_str().unwrap());
    for set in ["members", "owners"] {
        let found = caller.json(&format!("{one}/{set}")).await;
        assert_eq!(each(&found, "id"), [world.nurse.to_string()], "{set}");
    }
    caller
        .changed(
            "PATCH",
            &one,
            &json!({ "displayName": "Médecins du CH", "description": null }),
        )
        .await;
    let seen = caller.json(&one).await;
    assert_eq!(
        (&seen["displayName"], &seen["description"]),
        (&json!("Médecins du CH"), &json!(null))
    );
    let groups = async || {
        let groups = world
            .directory
            .groups_of(&world.cx, world.nurse, Membership::Transitive)
            .await;
        groups.expect("groups").len()
    };
    assert_eq!(groups().await, 3);
    caller.changed("DELETE", &one, &Value::Null).await;
    assert_eq!(caller.get(&one).await.status, 404);
    // A deleted group leads nowhere, and comes back with its members.
    assert_eq!(groups().await, 2);
    let deleted = caller.json("/v1.0/directory/deletedItems/microsoft.graph.group").await;
    assert_eq!(each(&deleted, "id"), [made["id"].as_str().unwrap()]);
    let restore = format!("/v1.0/directory/deletedItems/{}/restore", made["id"].as_str().unwrap());
    assert_eq!(caller.send("POST", &restore, &Value::Null).await.status, 200);
    assert_eq!(groups().await, 3);
}

#[tokio::test]
async fn members_and_owners_are_added_and_removed() {
    let world = World::new().await;
    let caller = world.app(&["GroupMember.ReadWrite.All"]);
    let colleague = user(&world.directory, &world.cx, ("Luc", "Petit", "ch-demo.example")).await;
    let members = format!("{GROUPS}/{}/members", world.nurses);
    caller
        .changed("POST", &format!("{members}/$ref"), &reference(colleague))
        .await;
    let again = caller
        .send("POST", &format!("{members}/$ref"), &reference(colleague))
        .await;
    assert_eq!(refusal(&again), refused(400, "Request_BadRequest"));
    assert_eq!(each(&caller.json(&members).await, "id").len(), 2);
    caller
        .changed("DELETE", &format!("{members}/{colleague}/$ref"), &Value::Null)
        .await;
    let gone = caller
        .send("DELETE", &format!("{members}/{colleague}/$ref"), &Value::Null)
        .await;
    assert_eq!(refusal(&gone), refused(404, "Request_ResourceNotFound"));
    let one = format!("{GROUPS}/{}", world.nurses);
    let bind = json!({ "members@odata.bind": [format!("{BASE}/v1.0/directoryObjects/{colleague}")] });
    caller.changed("PATCH", &one, &bind).await;
    assert_eq!(each(&caller.json(&members).await, "id").len(), 2);
    let addresses: Vec<String> = (0..21).map(|n| format!("{BASE}/v1.0/users/{n}")).collect();
    for (body, place) in [
        (reference(world.nurses), "Members is not valid"),
        (reference("00000000-0000-0000-0000-000000000009"), "no such member"),
        (json!({ "@odata.id": "x" }), "@odata.id"),
        (json!({}), "@odata.id: is required"),
    ] {
        let answer = caller.send("POST", &format!("{members}/$ref"), &body).await;
        assert!(answer.text().contains(place), "{}", answer.text());
    }
    let answer = caller
        .send("PATCH", &one, &json!({ "members@odata.bind": addresses }))
        .await;
    assert!(answer.text().contains("at most 20"), "{}", answer.text());
    // The name of a group is not its membership.
    assert_eq!(
        caller.send("PATCH", &one, &json!({ "displayName": "x" })).await.status,
        403
    );
    assert_eq!(
        caller
            .send("POST", &format!("{one}/owners/$ref"), &reference(colleague))
            .await
            .status,
        403
    );
    let writer = world.app(&["Group.ReadWrite.All"]);
    writer
        .changed("POST", &format!("{one}/owners/$ref"), &reference(colleague))
        .await;
    let group = writer
        .send("POST", &format!("{one}/owners/$ref"), &reference(world.staff))
        .await;
    assert_eq!(group.status, 404);
    writer
        .changed("DELETE", &format!("{one}/owners/{colleague}/$ref"), &Value::Null)
        .await;
}

#[tokio::test]
async fn other_kinds_of_groups_are_refused() {
    let world = World::new().await;
    let caller = world.app(&["Group.ReadWrite.All"]);
    for (name, value) in [
        ("mailEnabled", json!(true)),
        ("securityEnabled", json!(false)),
        ("groupTypes", json!(["Unified"])),
        ("groupTypes", json!(["DynamicMembership"])),
        ("membershipRule", json!("user.department -eq \"x\"")),
        ("visibility", json!("Secret")),
        ("mail", json!("x@ch-demo.example")),
        ("theme", json!("Blue")),
    ] {
        let mut body = doctors();
        body[name] = value;
        let answer = caller.send("POST", GROUPS, &body).await;
        assert_eq!(refusal(&answer), refused(400, "Request_BadRequest"), "{name}");
        assert!(answer.text().contains(&format!("{name}: ")), "{}", answer.text());
    }
    let mut body = doctors();
    body["mailNickname"] = json!(null);
    let answer = caller.send("POST", GROUPS, &body).await;
    assert!(answer.text().contains("mailNickname: is required"), "{}", answer.text());
}

#[tokio::test]
async fn an_owner_needs_no_role() {
    let world = World::new().await;
    let colleague = user(&world.directory, &world.cx, ("Luc", "Petit", "ch-demo.example")).await;
    let caller = world.person("Group.ReadWrite.All");
    let add = async |who: ObjectId| {
        let path = format!("{GROUPS}/{}/members/$ref", world.nurses);
        caller.send("POST", &path, &reference(who)).await.status.as_u16()
    };
    assert_eq!(add(colleague).await, 403);
    let group = ObjectId::from_uuid(world.nurses.uuid());
    world.directory.add_owner(&world.cx, group, world.nurse).await.unwrap();
    assert_eq!(add(colleague).await, 204);
    // Of this group only.
    let other = format!("{GROUPS}/{}/members/$ref", world.staff);
    assert_eq!(caller.send("POST", &other, &reference(colleague)).await.status, 403);
    assert_eq!(caller.send("POST", GROUPS, &doctors()).await.status, 403);
    let given = world
        .directory
        .assign_directory_role(&world.cx, world.nurse, role::GROUPS_ADMINISTRATOR)
        .await;
    given.unwrap();
    assert_eq!(caller.send("POST", GROUPS, &doctors()).await.status, 201);
}
