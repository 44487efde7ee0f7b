//! The settings of a tenant that are ours: rules of passwords, claims of tokens.

use serde_json::{Value, json};

use crate::conditional::ADMINISTRATOR;
use crate::world::World;

#[tokio::test]
async fn rules_of_passwords_are_shown_and_changed() {
    let world = World::new().await;
    let caller = world.app(ADMINISTRATOR);
    let path = "/v1.0/policies/signInProtectionPolicy";
    let names = [
        "lockoutThreshold",
        "lockoutDurationInSeconds",
        "firstPasswordLifetimeInDays",
        "bannedPasswords",
    ];
    let of = |shown: &Value| json!(names.map(|name| shown[name].clone()));
    assert_eq!(of(&caller.json(path).await), json!([10, 60, 7, []]));
    let change = json!({ "lockoutThreshold": 5, "bannedPasswords": ["Saint-Luc"] });
    caller.changed("PATCH", path, &change).await;
    assert_eq!(of(&caller.json(path).await), json!([5, 60, 7, ["Saint-Luc"]]));
    for wrong in [
        json!({ "lockoutThreshold": 0 }),
        json!({ "bannedPasswords": ["abc"] }),
        json!({ "threshold": 3 }),
    ] {
        assert_eq!(caller.send("PATCH", path, &wrong).await.status, 400, "{wrong}");
    }
    let reader = world.app(&["Policy.Read.All"]);
    assert_eq!(reader.get(path).await.status, 200);
    assert_eq!(reader.send("PATCH", path, &json!({})).await.status, 403);
    assert_eq!(world.person("Policy.Read.All").get(path).await.status, 403);
}

#[tokio::test]
async fn claims_of_the_tenant_are_shown_and_changed() {
    let world = World::new().await;
    let caller = world.app(ADMINISTRATOR);
    let path = "/v1.0/policies/tokenClaimsPolicy";
    let names = ["isAcrIncluded", "isAmrIncluded", "isAuthTimeIncluded"];
    let of = |shown: &Value| json!(names.map(|name| shown[name].clone()));
    assert_eq!(of(&caller.json(path).await), json!([false, false, false]));
    caller.changed("PATCH", path, &json!({ "isAmrIncluded": true })).await;
    assert_eq!(of(&caller.json(path).await), json!([false, true, false]));
    for wrong in [json!({ "isAmrIncluded": "yes" }), json!({ "amr": true })] {
        assert_eq!(caller.send("PATCH", path, &wrong).await.status, 400, "{wrong}");
    }
    assert_eq!(
        world
            .app(&["Policy.Read.All"])
            .send("PATCH", path, &json!({}))
            .await
            .status,
        403
    );
}
