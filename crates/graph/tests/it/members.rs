//! Members and owners of one type.

use serde_json::{Value, json};

use crate::world::{World, each, refusal, refused, user};

const TYPES: [&str; 3] = ["user", "group", "servicePrincipal"];

/// How many of each type are at an address.
async fn counted(world: &World, path: &str) -> [String; 3] {
    let caller = world.app(&["Directory.Read.All"]);
    let mut found = Vec::new();
    for kind in TYPES {
        let page = caller.json(&format!("{path}/microsoft.graph.{kind}")).await;
        let number = caller.eventual(&format!("{path}/microsoft.graph.{kind}/$count")).await;
        let kinds = each(&page, "@odata.type");
        assert_eq!(kinds, vec![format!("#microsoft.graph.{kind}"); kinds.len()], "{page}");
        assert_eq!(number.text(), kinds.len().to_string(), "{path} {kind}");
        found.push(number.text().to_string());
    }
    found.try_into().expect("three types")
}

#[tokio::test]
async fn members_and_owners_of_one_type_are_asked_for_by_its_name() {
    let world = World::new().await;
    let (directory, cx) = (&world.directory, &world.cx);
    let bulk = user(directory, cx, ("Bulk", "One", "ch-demo.example")).await;
    let program = world.portal.1.id;
    for member in [bulk, program] {
        directory.add_member(cx, world.staff, member).await.unwrap();
    }
    let staff = format!("/v1.0/groups/{}", world.staff);
    assert_eq!(counted(&world, &format!("{staff}/members")).await, ["1", "1", "1"]);
    assert_eq!(
        counted(&world, &format!("{staff}/transitiveMembers")).await,
        ["2", "1", "1"]
    );
    let writer = world.app(&["Directory.ReadWrite.All", "Application.ReadWrite.All"]);
    let owner = json!({ "@odata.id": format!("https://graph.microsoft.com/v1.0/users/{bulk}") });
    let made = writer
        .made("/v1.0/applications", &json!({ "displayName": "Agenda" }))
        .await;
    let application = format!("/v1.0/applications/{}", made["id"].as_str().expect("an id"));
    let principal = format!("/v1.0/servicePrincipals/{program}");
    for of in [staff, application, principal] {
        writer.changed("POST", &format!("{of}/owners/$ref"), &owner).await;
        assert_eq!(counted(&world, &format!("{of}/owners")).await, ["1", "0", "0"], "{of}");
    }
}

#[tokio::test]
async fn members_of_one_type_are_filtered_selected_and_paged() {
    let world = World::new().await;
    let (directory, cx) = (&world.directory, &world.cx);
    let mut ids = Vec::new();
    for name in ["Une", "Deux", "Trois"] {
        let id = user(directory, cx, ("Bulk", name, "ch-demo.example")).await;
        directory.add_member(cx, world.staff, id).await.unwrap();
        ids.push(id.to_string());
    }
    ids.sort();
    let caller = world.app(&["Directory.Read.All"]);
    let path = format!("/v1.0/groups/{}/members/microsoft.graph.user", world.staff);
    let chosen = "$filter=startswith(userPrincipalName,'bulk.d')&$count=true&$select=userPrincipalName";
    let page: Value = caller.eventual(&format!("{path}?{chosen}")).await.json();
    assert_eq!(
        (&page["@odata.count"], page["value"].as_array().map(Vec::len)),
        (&json!(1), Some(1))
    );
    assert_eq!(page["value"][0]["userPrincipalName"], "bulk.deux@ch-demo.example");
    // Or one, or the other: of this type all the same.
    let either = "$filter=displayName%20eq%20'Nurses'%20or%20displayName%20eq%20'Bulk%20Une'";
    let found = caller.json(&format!("{path}?{either}&$select=displayName")).await;
    assert_eq!(each(&found, "displayName"), ["Bulk Une"]);
    let first = caller.json(&format!("{path}?$top=2")).await;
    let next = first["@odata.nextLink"].as_str().expect("a next page");
    let (_, next) = next.split_once("/v1.0/").expect("an address of ours");
    let rest = caller.json(&format!("/v1.0/{next}")).await;
    assert_eq!([each(&first, "id"), each(&rest, "id")].concat(), ids);
    let references = caller.json(&format!("{path}/$ref")).await;
    assert_eq!(references["value"].as_array().map(Vec::len), Some(3), "{references}");
    // Of what is seen of them, and by who may see groups.
    let basic = world.app(&["GroupMember.Read.All"]);
    let found = basic.json(&format!("{path}?$filter=accountEnabled%20eq%20true")).await;
    assert_eq!(found["value"], json!([]));
    let nobody = world.app(&["User.Read.All"]).get(&path).await;
    assert_eq!(refusal(&nobody), refused(403, "Authorization_RequestDenied"));
    let activity = format!("{path}?$select=signInActivity");
    assert_eq!(caller.get(&activity).await.status, 400);
}
