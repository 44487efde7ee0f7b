//! Addresses as the libraries of Graph write them.

use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn an_address_may_be_written_as_libraries_do() {
    let world = World::new().await;
    let caller = world.app(&["User.ReadWrite.All", "Group.ReadWrite.All"]);
    for path in [
        "/v1.0/users/delta()",
        "/v1.0/users/microsoft.graph.delta()",
        "/v1.0/groups/delta()",
    ] {
        let page = caller.json(path).await;
        assert!(page["@odata.deltaLink"].is_string(), "{path}: {page}");
    }
    assert_eq!(caller.eventual("/v1.0/users/%24count").await.text(), "1");
    let found = caller.json("/v1.0/users('anna.martin@ch-demo.example')").await;
    assert_eq!(found["id"], json!(world.nurse));
    let staff = caller.json(&format!("/v1.0/groups('{}')", world.staff)).await;
    assert_eq!(staff["displayName"], "Staff");
    let body = json!({ "@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{}", world.nurse) });
    let members = format!("/v1.0/groups/{}/members", world.staff);
    caller.changed("POST", &format!("{members}/%24ref"), &body).await;
    let batch = json!({ "requests": [{ "id": "1", "method": "GET", "url": "/users('anna.martin@ch-demo.example')" }] });
    let answer = caller.send("POST", "/v1.0/%24batch", &batch).await.json();
    assert_eq!(answer["responses"][0]["body"]["id"], json!(world.nurse));
    let page: Value = caller.json(&format!("{members}?$select=id")).await;
    for item in page["value"].as_array().expect("a page") {
        assert!(item["@odata.type"].is_string(), "{item}");
        assert_eq!(item.as_object().map(serde_json::Map::len), Some(2), "{item}");
    }
}
