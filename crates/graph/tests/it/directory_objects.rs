//! Objects of every kind by their ids, references to them, and what assignments and strengths lead to.

use hygie_directory::role;
use serde_json::{Value, json};

use crate::world::{BASE, World, each, refusal, refused, user};

const BY_IDS: &str = "/v1.0/directoryObjects/getByIds";

#[tokio::test]
async fn objects_are_found_by_their_ids() {
    let world = World::new().await;
    let caller = world.app(&[
        "Directory.Read.All",
        "Application.Read.All",
        "RoleManagement.Read.Directory",
    ]);
    let portal = caller.json("/v1.0/applications").await["value"][0]["id"].clone();
    let missing = "00000000-0000-4000-8000-000000000009";
    let ids = json!([
        world.staff,
        missing,
        world.nurse,
        portal,
        world.portal.1.id,
        role::SECURITY_READER.to_string(),
        world.nurse,
    ]);
    let found = caller.send("POST", BY_IDS, &json!({ "ids": ids })).await;
    assert_eq!(found.status, 200, "{}", found.text());
    let found: Value = found.json();
    let kinds = each(&found, "@odata.type");
    let named = ["group", "user", "application", "servicePrincipal", "directoryRole"];
    assert_eq!(kinds, named.map(|kind| format!("#microsoft.graph.{kind}")));
    assert_eq!(found["value"][1]["displayName"], "Anna Martin");
    let body = json!({ "ids": ids, "types": ["user", "device"] });
    let people: Value = caller
        .send("POST", &format!("{BY_IDS}?$select=mail"), &body)
        .await
        .json();
    assert_eq!(
        people["value"],
        json!([{ "@odata.type": "#microsoft.graph.user", "mail": "anna.martin@ch-demo.example" }])
    );
    let one = caller.json(&format!("/v1.0/directoryObjects/{}", world.nurses)).await;
    assert_eq!(
        (&one["@odata.type"], &one["displayName"]),
        (&json!("#microsoft.graph.group"), &json!("Nurses"))
    );
}

#[tokio::test]
async fn what_is_asked_for_by_no_id_is_refused() {
    let world = World::new().await;
    let caller = world.app(&["Directory.Read.All"]);
    let missing = "00000000-0000-4000-8000-000000000009";
    let none = caller.get(&format!("/v1.0/directoryObjects/{missing}")).await;
    assert_eq!(refusal(&none), refused(404, "Request_ResourceNotFound"));
    for (body, place) in [
        (json!({ "ids": [] }), "ids: must be a list of one to 1000 ids"),
        (
            json!({ "ids": vec![missing; 1_001] }),
            "ids: must be a list of one to 1000 ids",
        ),
        (json!({ "types": ["user"] }), "ids: "),
        (json!({ "ids": ["x"] }), "ids[0]: "),
        (
            json!({ "ids": [missing], "types": ["User"] }),
            "types: \"User\" is not one of its values",
        ),
        (json!({ "ids": [missing], "kinds": [] }), "kinds: "),
    ] {
        let answer = caller.send("POST", BY_IDS, &body).await;
        let said = answer.json()["error"]["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(answer.status == 400 && said.contains(place), "{place}: {said}");
    }
    let groups = format!("/v1.0/directoryObjects/{}/getMemberGroups", world.nurse);
    let ids = caller
        .send("POST", &groups, &json!({ "securityEnabledOnly": true }))
        .await;
    let mut ids: Vec<Value> = ids.json()["value"].as_array().expect("ids").clone();
    ids.sort_by_key(Value::to_string);
    let mut expected = [json!(world.nurses), json!(world.staff)];
    expected.sort_by_key(Value::to_string);
    assert_eq!(ids, expected);
}

#[tokio::test]
async fn who_may_not_read_a_kind_learns_its_type_and_id() {
    let world = World::new().await;
    let ids = json!({ "ids": [world.nurse, world.staff] });
    let seen = world.app(&["Group.Read.All"]).send("POST", BY_IDS, &ids).await;
    assert_eq!(
        seen.json()["value"][0],
        json!({ "@odata.type": "#microsoft.graph.user", "id": world.nurse })
    );
    assert_eq!(seen.json()["value"][1]["displayName"], "Staff");
    let basic = world.app(&["User.ReadBasic.All"]).send("POST", BY_IDS, &ids).await;
    let basic = &basic.json()["value"];
    assert_eq!(
        (basic[0]["surname"].as_str(), basic[0].get("jobTitle")),
        (Some("Martin"), None)
    );
    assert_eq!(
        basic[1],
        json!({ "@odata.type": "#microsoft.graph.group", "id": world.staff })
    );
    let denied = refused(403, "Authorization_RequestDenied");
    let other = world.app(&["Policy.Read.All"]);
    assert_eq!(refusal(&other.send("POST", BY_IDS, &ids).await), denied);
    let one = format!("/v1.0/directoryObjects/{}", world.nurse);
    assert_eq!(refusal(&other.get(&one).await), denied);
    let stranger =
        json!({ "tid": world.other, "oid": world.nurse, "sub": world.nurse, "roles": ["Directory.Read.All"] });
    let none = world.by(&stranger).send("POST", BY_IDS, &ids).await;
    assert_eq!(none.json()["value"], json!([]), "one tenant sees nothing of another");
}

#[tokio::test]
async fn references_are_addresses_page_by_page() {
    let world = World::new().await;
    for name in ["Un", "Deux"] {
        let id = user(&world.directory, &world.cx, (name, "Petit", "ch-demo.example")).await;
        world
            .directory
            .add_member(&world.cx, world.nurses, id)
            .await
            .expect("a member");
    }
    let caller = world.app(&["Group.ReadWrite.All", "Application.ReadWrite.All"]);
    let members = format!("/v1.0/groups/{}/members", world.nurses);
    let all = each(&caller.json(&members).await, "id");
    let mut address = format!("{members}/$ref?$top=2");
    let mut found = Vec::new();
    for size in [2, 1] {
        let page = caller.json(&address).await;
        assert_eq!(
            page["@odata.context"],
            format!("{BASE}/v1.0/$metadata#Collection($ref)")
        );
        let references = each(&page, "@odata.id");
        assert_eq!(references.len(), size);
        found.extend(references);
        address = page["@odata.nextLink"].as_str().unwrap_or_default().to_owned();
    }
    let expected = all.iter().map(|id| format!("{BASE}/v1.0/directoryObjects/{id}"));
    assert_eq!(found, expected.collect::<Vec<_>>());
    let selected = caller.get(&format!("{members}/$ref?$select=id")).await;
    assert_eq!(refusal(&selected), refused(400, "BadRequest"));
    let body = json!({ "@odata.id": format!("{BASE}/v1.0/users/{}", world.nurse) });
    let portal = caller.json("/v1.0/applications").await["value"][0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    for owned in [
        format!("groups/{}", world.nurses),
        format!("applications/{portal}"),
        format!("servicePrincipals/{}", world.portal.1.id),
    ] {
        let owners = format!("/v1.0/{owned}/owners/$ref");
        caller.changed("POST", &owners, &body).await;
        let found = caller.json(&owners).await;
        let expected = format!("{BASE}/v1.0/directoryObjects/{}", world.nurse);
        assert_eq!(each(&found, "@odata.id"), [expected], "{owned}");
    }
}

#[tokio::test]
async fn an_assignment_is_shown_with_who_has_which_role() {
    let world = World::new().await;
    let made = world
        .directory
        .assign_directory_role(&world.cx, world.nurse, role::SECURITY_READER)
        .await
        .expect("a role");
    let caller = world.app(&["RoleManagement.Read.Directory", "User.Read.All"]);
    let path = "/v1.0/roleManagement/directory/roleAssignments";
    let all = caller
        .json(&format!("{path}?$expand=principal($select=displayName),roleDefinition"))
        .await;
    let one = &all["value"][0];
    assert_eq!(
        one["principal"],
        json!({ "@odata.type": "#microsoft.graph.user", "displayName": "Anna Martin" })
    );
    assert_eq!(one["roleDefinition"]["displayName"], "Security Reader");
    let one = caller
        .json(&format!("{path}/{}?$select=id&$expand=roleDefinition", made.id))
        .await;
    assert_eq!(one["roleDefinition"]["templateId"], role::SECURITY_READER.to_string());
    assert_eq!(one.get("principalId"), None);
    let unknown = caller.get(&format!("{path}?$expand=directoryScope")).await;
    assert_eq!(unknown.status, 400);
}

#[tokio::test]
async fn a_strength_is_expanded_by_what_narrows_it() {
    let world = World::new().await;
    let caller = world.app(&["Policy.Read.All"]);
    let path = "/v1.0/policies/authenticationStrengthPolicies";
    let all = caller
        .json(&format!("{path}?$select=id&$expand=combinationConfigurations"))
        .await;
    let one = &all["value"][0];
    assert_eq!(one["combinationConfigurations"], json!([]));
    assert_eq!(one.as_object().map(serde_json::Map::len), Some(2));
    let id = one["id"].as_str().expect("an id");
    let one = caller
        .json(&format!(
            "{path}/{id}?$select=displayName&$expand=combinationConfigurations"
        ))
        .await;
    assert_eq!(one["combinationConfigurations"], json!([]));
    for wrong in ["combinationConfigurations($select=id)", "policies"] {
        assert_eq!(
            caller.get(&format!("{path}?$expand={wrong}")).await.status,
            400,
            "{wrong}"
        );
    }
}
