//! Secrets and keys that the presence of an application has of its own in a tenant.

use hygie_core::Clock as _;
use hygie_directory::DIRECTORY_API;
use serde_json::{Value, json};

use crate::application_keys::{Pair, in_base64};
use crate::world::{World, each, refusal, refused};

const ADMINISTRATOR: &[&str] = &["Application.ReadWrite.All", "AuditLog.Read.All"];

/// The service principal of the portal.
fn portal(world: &World) -> String {
    format!("/v1.0/servicePrincipals/{}", world.portal.1.id)
}

fn ids(shown: &Value, member: &str) -> Vec<String> {
    let keys = shown[member].as_array().expect("a list").iter();
    keys.map(|key| key["keyId"].as_str().expect("an id").to_owned())
        .collect()
}

#[tokio::test]
async fn a_secret_is_shown_once_and_taken_away() {
    let world = World::new().await;
    let (caller, one) = (world.app(ADMINISTRATOR), portal(&world));
    assert_eq!(caller.json(&one).await["passwordCredentials"], json!([]));
    let asked = json!({ "passwordCredential": { "displayName": "2026" } });
    let answer = caller.send("POST", &format!("{one}/addPassword"), &asked).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let made = answer.json();
    assert!(made["secretText"].as_str().is_some_and(|text| text.len() > 30));
    let shown = caller.json(&one).await;
    assert_eq!(shown["passwordCredentials"][0]["secretText"], Value::Null);
    assert_eq!(shown["passwordCredentials"][0]["hint"], made["hint"]);
    let listed = caller
        .json("/v1.0/servicePrincipals?$select=id,passwordCredentials")
        .await;
    let found = listed["value"].as_array().expect("a page").iter();
    let with: Vec<_> = found.filter(|one| one["passwordCredentials"] != json!([])).collect();
    assert_eq!(with.len(), 1, "{listed}");
    // The registration has its own.
    let registrations = caller.json("/v1.0/applications").await;
    assert_eq!(ids(&registrations["value"][0], "passwordCredentials").len(), 1);
    let gone = json!({ "keyId": made["keyId"] });
    caller.changed("POST", &format!("{one}/removePassword"), &gone).await;
    assert_eq!(caller.json(&one).await["passwordCredentials"], json!([]));
    let again = caller.send("POST", &format!("{one}/removePassword"), &gone).await;
    assert_eq!(again.status, 404);
    let told = each(
        &caller.json("/v1.0/auditLogs/directoryAudits").await,
        "activityDisplayName",
    );
    for activity in [
        "Add service principal credentials",
        "Remove service principal credentials",
    ] {
        assert_eq!(told.iter().filter(|one| *one == activity).count(), 1, "{told:?}");
    }
    let alerts = caller.json("/v1.0/auditLogs/alerts").await;
    let kinds = each(&alerts, "alertType");
    let added = kinds.iter().filter(|kind| *kind == "credentialAdded").count();
    assert_eq!(added, 2, "that of the registration and this one: {alerts}");
}

#[tokio::test]
async fn keys_are_set_added_by_a_proof_and_removed() {
    let world = World::new().await;
    let (caller, one) = (world.app(ADMINISTRATOR), portal(&world));
    let now = world.clock.now();
    let (first, second) = (Pair::new(now), Pair::new(now));
    let none = json!({});
    let id = json!(world.portal.1.id);
    let body = json!({ "keyCredential": second.shown(), "proof": first.proof(&id, now, &none) });
    let early = caller.send("POST", &format!("{one}/addKey"), &body).await;
    assert_eq!(
        early.status,
        400,
        "there is no key that could prove it: {}",
        early.text()
    );
    caller
        .changed("PATCH", &one, &json!({ "keyCredentials": [first.shown()] }))
        .await;
    // It asks for itself, without a permission.
    let itself = world.by(&json!({ "oid": id, "sub": id, "roles": [] }));
    let added = itself.send("POST", &format!("{one}/addKey"), &body).await;
    assert_eq!(added.status, 200, "{}", added.text());
    assert_eq!(
        added.json()["customKeyIdentifier"],
        in_base64(&second.certificate.x5t())
    );
    let shown = caller.json(&one).await;
    let [old, new] = ids(&shown, "keyCredentials").try_into().expect("two keys");
    let of_application = caller.json("/v1.0/applications").await["value"][0]["id"].clone();
    let foreign = json!({ "keyId": old, "proof": second.proof(&of_application, now, &none) });
    let refused_proof = itself.send("POST", &format!("{one}/removeKey"), &foreign).await;
    assert_eq!(
        refusal(&refused_proof),
        refused(400, "Request_BadRequest"),
        "a proof of the registration"
    );
    let gone = json!({ "keyId": old, "proof": second.proof(&id, now, &none) });
    itself.changed("POST", &format!("{one}/removeKey"), &gone).await;
    assert_eq!(
        ids(&caller.json(&one).await, "keyCredentials"),
        std::slice::from_ref(&new)
    );
    caller
        .changed(
            "PATCH",
            &one,
            &json!({ "keyCredentials": [{ "keyId": new }], "notes": "kept" }),
        )
        .await;
    assert_eq!(ids(&caller.json(&one).await, "keyCredentials"), [new]);
    caller.changed("PATCH", &one, &json!({ "keyCredentials": [] })).await;
    assert_eq!(caller.json(&one).await["keyCredentials"], json!([]));
}

#[tokio::test]
async fn who_may_not_and_what_has_none() {
    let world = World::new().await;
    let one = portal(&world);
    let asked = json!({ "passwordCredential": {} });
    let reader = world.app(&["Application.Read.All"]);
    assert_eq!(
        reader.send("POST", &format!("{one}/addPassword"), &asked).await.status,
        403
    );
    let keys = json!({ "keyCredentials": [] });
    assert_eq!(reader.send("PATCH", &one, &keys).await.status, 403);
    let caller = world.app(ADMINISTRATOR);
    let api = world.directory.find_service_principal(&world.cx, DIRECTORY_API).await;
    let api = api.expect("a read").expect("the directory API").id;
    let of_api = format!("/v1.0/servicePrincipals/{api}/addPassword");
    assert_eq!(
        caller.send("POST", &of_api, &asked).await.status,
        400,
        "a part of this program"
    );
    let nobody = "/v1.0/servicePrincipals/5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0009/addPassword";
    assert_eq!(caller.send("POST", nobody, &asked).await.status, 404);
    let secret = json!({ "passwordCredentials": [] });
    assert_eq!(caller.send("PATCH", &one, &secret).await.status, 400, "read only");
}

#[tokio::test]
async fn what_a_deleted_principal_had_is_there_when_it_comes_back() {
    let world = World::new().await;
    let (caller, one) = (world.app(ADMINISTRATOR), portal(&world));
    let made = caller
        .send(
            "POST",
            &format!("{one}/addPassword"),
            &json!({ "passwordCredential": {} }),
        )
        .await;
    assert_eq!(made.status, 200);
    caller.changed("DELETE", &one, &Value::Null).await;
    let kept = format!("/v1.0/directory/deletedItems/{}", world.portal.1.id);
    let back = caller.send("POST", &format!("{kept}/restore"), &json!({})).await;
    assert_eq!(back.status, 200, "{}", back.text());
    assert_eq!(ids(&caller.json(&one).await, "passwordCredentials").len(), 1);
    caller.changed("DELETE", &one, &Value::Null).await;
    caller.changed("DELETE", &kept, &Value::Null).await;
}
