//! Several requests in one.

use serde_json::{Value, json};

use crate::world::{BASE, World, refusal, refused};

const BATCH: &str = "/v1.0/$batch";

fn paul() -> Value {
    json!({
        "accountEnabled": true, "displayName": "Paul Durand", "mailNickname": "paul",
        "userPrincipalName": "paul@ch-demo.example", "passwordProfile": { "password": "Vélo-rouge-42" },
    })
}

/// The answer with this id.
fn answer(body: &Value, id: &str) -> Value {
    let all = body["responses"].as_array().expect("answers");
    all.iter().find(|one| one["id"] == id).expect("an answer").clone()
}

#[tokio::test]
async fn each_request_of_a_batch_is_judged_by_itself() {
    let world = World::new().await;
    let caller = world.app(&["User.ReadWrite.All"]);
    let body = json!({ "requests": [
        { "id": "list", "method": "GET", "url": "/users?$filter=startsWith(displayName,'Paul')&$select=displayName",
          "dependsOn": ["make"] },
        { "id": "make", "method": "POST", "url": "/users", "body": paul(),
          "headers": { "Content-Type": "application/json" } },
        { "id": "groups", "method": "GET", "url": "/groups" },
        { "id": "never", "method": "DELETE", "url": format!("/users/{}", world.nurse), "dependsOn": ["groups"] },
        { "id": "count", "method": "GET", "url": "/users?$count=true&$filter=surname ne 'x'",
          "headers": { "ConsistencyLevel": "eventual" } },
        { "id": "change", "method": "PATCH", "url": "users/paul@ch-demo.example", "body": { "jobTitle": "x" },
          "dependsOn": ["list"] },
        { "id": "lost", "method": "GET", "url": "/devices" },
    ]});
    let answered = caller.send("POST", BATCH, &body).await;
    assert_eq!(answered.status, 200, "{}", answered.text());
    let answers = answered.json();
    let status = |id: &str| answer(&answers, id)["status"].as_u64();
    assert_eq!(
        ["list", "make", "groups", "never", "count", "change", "lost"].map(|id| status(id).unwrap_or_default()),
        [200, 201, 403, 424, 200, 204, 501]
    );
    assert_eq!(
        answer(&answers, "list")["body"]["value"][0]["displayName"],
        "Paul Durand"
    );
    assert_eq!(
        answer(&answers, "groups")["body"]["error"]["code"],
        "Authorization_RequestDenied"
    );
    assert_eq!(answer(&answers, "never")["body"]["error"]["code"], "FailedDependency");
    assert_eq!(answer(&answers, "count")["body"]["@odata.count"], 2);
    assert_eq!(answer(&answers, "change").get("body"), None);
    let found = world
        .directory
        .find_user(&world.cx, "paul@ch-demo.example")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.profile.job_title.as_deref(), Some("x"));
}

#[tokio::test]
async fn a_batch_has_limits() {
    let world = World::new().await;
    let caller = world.app(&["User.Read.All"]);
    let many: Vec<Value> = (0..21)
        .map(|n| json!({ "id": n.to_string(), "method": "GET", "url": "/users" }))
        .collect();
    for body in [
        json!({ "requests": many }),
        json!({ "requests": [{ "id": "1", "method": "POST", "url": "/$batch", "body": {} }] }),
        json!({ "requests": [{ "id": "1", "method": "GET", "url": format!("{BASE}/v1.0/users") }] }),
        json!({ "requests": [{ "id": "1", "method": "GET", "url": "/users", "dependsOn": ["1"] }] }),
        json!({}),
    ] {
        let answered = caller.send("POST", BATCH, &body).await;
        assert_eq!(refusal(&answered), refused(400, "Request_BadRequest"), "{body}");
    }
    // What leaves the beginning of the addresses is no address.
    let body = json!({ "requests": [{ "id": "1", "method": "GET", "url": "/../oidc/userinfo" }] });
    let answered = caller.send("POST", BATCH, &body).await.json();
    assert_eq!(answer(&answered, "1")["status"], 501);
    let nobody = hygie_testkit::Client::new(&world.router);
    let headers = [("content-type", "application/json")];
    let body = json!({ "requests": [{ "id": "1", "method": "GET", "url": "/users" }] });
    let answered = nobody
        .send(http::Method::POST, BATCH, &headers, body.to_string().into())
        .await;
    assert_eq!(answered.status, 401);
}

#[tokio::test]
async fn bodies_are_bounded_in_size_and_depth() {
    let world = World::new().await;
    let caller = world.app(&["User.ReadWrite.All"]);
    let long = |bytes: usize| json!({ "displayName": "x".repeat(bytes) });
    let deep = (0..40).fold(json!(1), |inner, _| json!([inner]));
    let asking = |body: Value| json!({ "requests": [{ "id": "1", "method": "POST", "url": "/users", "body": body }] });
    for (path, body, status, said) in [
        ("/v1.0/users", long(1 << 20), 413, "the body is too large"),
        ("/v1.0/users", deep.clone(), 400, "the body is nested too deep"),
        (BATCH, long(4 << 20), 413, "the body is too large"),
        (BATCH, asking(deep), 400, "the body is nested too deep"),
    ] {
        let answered = caller.send("POST", path, &body).await;
        assert_eq!(answered.status, status, "{path}: {said}");
        assert_eq!(answered.json()["error"]["message"], said, "{path}");
    }
    // What is let into a batch is held to the limits of a request.
    let answered = caller.send("POST", BATCH, &asking(long(1 << 20))).await;
    assert_eq!(answered.status, 200);
    assert_eq!(answer(&answered.json(), "1")["status"], 413);
}
