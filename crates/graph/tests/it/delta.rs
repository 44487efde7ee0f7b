//! What changed since somebody knew everything.

use serde_json::{Value, json};

use crate::world::{BASE, By, World, each, refusal, refused, user};

/// Follows the links of a round; gives every item and the link of the next round.
async fn round(caller: &By<'_>, first: &str) -> (Vec<Value>, String) {
    let (mut address, mut items) = (first.to_owned(), Vec::new());
    for _ in 0..20 {
        let page = caller.json(&address).await;
        items.extend(page["value"].as_array().expect("a page").clone());
        if let Some(link) = page["@odata.deltaLink"].as_str() {
            return (items, link.to_owned());
        }
        page["@odata.nextLink"]
            .as_str()
            .expect("a link")
            .clone_into(&mut address);
    }
    panic!("a round without end");
}

#[tokio::test]
async fn users_are_told_once_and_then_their_changes() {
    let world = World::new().await;
    let mut people = vec![world.nurse];
    for name in ["Un", "Deux", "Trois", "Quatre"] {
        people.push(user(&world.directory, &world.cx, (name, "Petit", "ch-demo.example")).await);
    }
    let caller = world.app(&["User.ReadWrite.All"]);
    let (all, link) = round(&caller, "/v1.0/users/delta?$select=displayName&$top=2").await;
    assert_eq!(all.len(), 5);
    assert!(
        all.iter().all(|one| one.as_object().is_some_and(|one| one.len() == 2)),
        "{all:?}"
    );
    let (none, link) = round(&caller, &link).await;
    assert_eq!(none, [Value::Null; 0]);
    let path = |at: usize| format!("/v1.0/users/{}", people[at]);
    caller.changed("PATCH", &path(1), &json!({ "jobTitle": "x" })).await;
    caller.changed("DELETE", &path(2), &Value::Null).await;
    caller
        .changed("PATCH", &path(0), &json!({ "displayName": "Anna M." }))
        .await;
    caller
        .changed("PATCH", &path(1), &json!({ "displayName": "Premier" }))
        .await;
    let (changed, link) = round(&caller, &link).await;
    assert_eq!(
        changed,
        [
            json!({ "id": people[2], "@removed": { "reason": "changed" } }),
            json!({ "id": people[0], "displayName": "Anna M." }),
            json!({ "id": people[1], "displayName": "Premier" }),
        ]
    );
    let item = format!("/v1.0/directory/deletedItems/{}", people[2]);
    assert_eq!(
        caller
            .send("POST", &format!("{item}/restore"), &Value::Null)
            .await
            .status,
        200
    );
    caller.changed("DELETE", &path(3), &Value::Null).await;
    caller
        .changed(
            "DELETE",
            &format!("/v1.0/directory/deletedItems/{}", people[3]),
            &Value::Null,
        )
        .await;
    let (changed, link) = round(&caller, &link).await;
    assert_eq!(
        changed,
        [
            json!({ "id": people[2], "displayName": "Deux Petit" }),
            json!({ "id": people[3], "@removed": { "reason": "deleted" } }),
        ]
    );
    assert_eq!(round(&caller, &link).await.0, [Value::Null; 0]);
}

#[tokio::test]
async fn what_changes_while_everything_is_read_is_told_afterwards() {
    let world = World::new().await;
    for name in ["Un", "Deux", "Trois"] {
        user(&world.directory, &world.cx, (name, "Petit", "ch-demo.example")).await;
    }
    let caller = world.app(&["User.ReadWrite.All"]);
    let first = caller.json("/v1.0/users/delta?$top=2").await;
    let new = user(&world.directory, &world.cx, ("Quatre", "Petit", "ch-demo.example")).await;
    let (_, link) = round(&caller, first["@odata.nextLink"].as_str().unwrap()).await;
    let (changed, _) = round(&caller, &link).await;
    assert_eq!(
        changed.iter().map(|one| one["id"].clone()).collect::<Vec<_>>(),
        [json!(new)]
    );
    let latest = caller.json("/v1.0/users/delta?$deltatoken=latest").await;
    assert_eq!(each(&latest, "id"), [""; 0]);
    assert!(latest["@odata.deltaLink"].is_string());
    for (path, code) in [
        ("/v1.0/users/delta?$deltatoken=x", "Directory_ExpiredPageToken"),
        ("/v1.0/users/delta?$filter=id%20eq%20'x'", "BadRequest"),
    ] {
        assert_eq!(refusal(&caller.get(path).await), refused(400, code), "{path}");
    }
    assert_eq!(
        world.app(&["User.ReadBasic.All"]).get("/v1.0/users/delta").await.status,
        403
    );
}

#[tokio::test]
async fn groups_change_with_their_members() {
    let world = World::new().await;
    let caller = world.app(&["Group.ReadWrite.All"]);
    let (all, link) = round(&caller, "/v1.0/groups/delta?$select=displayName").await;
    assert_eq!(all.len(), 2);
    let member = json!({ "@odata.id": format!("{BASE}/v1.0/users/{}", world.nurse) });
    caller
        .changed("POST", &format!("/v1.0/groups/{}/members/$ref", world.staff), &member)
        .await;
    let (changed, link) = round(&caller, &link).await;
    assert_eq!(changed, [json!({ "id": world.staff, "displayName": "Staff" })]);
    caller
        .changed("DELETE", &format!("/v1.0/groups/{}", world.staff), &Value::Null)
        .await;
    let (changed, link) = round(&caller, &link).await;
    assert_eq!(
        changed,
        [json!({ "id": world.staff, "@removed": { "reason": "changed" } })]
    );
    let elsewhere = world.by(&json!({
        "tid": world.other.to_string(), "oid": world.nurse, "sub": world.nurse, "roles": ["Group.ReadWrite.All"],
    }));
    assert_eq!(round(&elsewhere, &link).await.0, [Value::Null; 0]);
}
