//! The groups and roles that somebody is in.

use hygie_directory::role;
use serde_json::{Value, json};

use crate::world::{World, each, refusal, refused};

#[tokio::test]
async fn everybody_sees_what_they_are_in_themselves() {
    let world = World::new().await;
    let role = role::HELPDESK_ADMINISTRATOR;
    let given = world
        .directory
        .assign_directory_role(&world.cx, world.nurse, role)
        .await;
    given.expect("a role");
    let own = world.person("User.Read");
    let id = world.nurse;
    for path in ["/v1.0/me/memberOf".to_owned(), format!("/v1.0/users/{id}/memberOf")] {
        let page = own.json(&path).await;
        let mut kinds = each(&page, "@odata.type");
        kinds.sort();
        assert_eq!(kinds, ["#microsoft.graph.directoryRole", "#microsoft.graph.group"]);
        // Without a permission to read the type: which objects, and no more.
        for item in page["value"].as_array().expect("a page") {
            assert_eq!(item.as_object().map(serde_json::Map::len), Some(2), "{item}");
        }
    }
    let page = own.json("/v1.0/me/transitiveMemberOf").await;
    assert_eq!(page["value"].as_array().map(Vec::len), Some(3), "{page}");
    let other = format!("/v1.0/groups/{}/memberOf", world.nurses);
    assert_eq!(
        refusal(&own.get(&other).await),
        refused(403, "Authorization_RequestDenied")
    );
    let nobody = world.person("User.ReadBasic.All");
    assert_eq!(nobody.get("/v1.0/me/memberOf").await.status, 403);
}

#[tokio::test]
async fn one_type_of_them_is_asked_for_by_its_name() {
    let world = World::new().await;
    let role = role::HELPDESK_ADMINISTRATOR;
    let given = world
        .directory
        .assign_directory_role(&world.cx, world.nurse, role)
        .await;
    given.expect("a role");
    let caller = world.app(&["User.Read.All", "Directory.Read.All"]);
    let path = format!("/v1.0/users/{}/memberOf", world.nurse);
    let roles = caller.json(&format!("{path}/microsoft.graph.directoryRole")).await;
    assert_eq!(each(&roles, "displayName"), ["Helpdesk Administrator"]);
    assert_eq!(roles["value"][0]["roleTemplateId"], json!(role.to_string()));
    let groups = caller
        .json(&format!("{path}/microsoft.graph.group?$select=displayName"))
        .await;
    assert_eq!(
        groups["value"],
        json!([{ "@odata.type": "#microsoft.graph.group", "displayName": "Nurses" }])
    );
    for (rest, expected) in [
        ("$count", "2"),
        ("microsoft.graph.group/$count", "1"),
        ("microsoft.graph.directoryRole/$count", "1"),
    ] {
        assert_eq!(
            caller.eventual(&format!("{path}/{rest}")).await.text(),
            expected,
            "{rest}"
        );
    }
    // A role that a group has is the person's by way of the group.
    let directly = caller.json(&format!("/v1.0/groups/{}/memberOf", world.nurses)).await;
    assert_eq!(each(&directly, "displayName"), ["Staff"]);
    let none: Value = caller
        .json(&format!(
            "/v1.0/groups/{}/memberOf/microsoft.graph.directoryRole",
            world.staff
        ))
        .await;
    assert_eq!(none["value"], json!([]));
}
