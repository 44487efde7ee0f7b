//! What must not be accepted and thrown away.

use serde_json::json;

use crate::world::{World, refusal, refused};
use hygie_testkit::Client;

#[tokio::test]
async fn a_member_given_twice_is_refused_with_its_place() {
    let world = World::new().await;
    let caller = world.app(&["User.ReadWrite.All"]);
    let path = format!("/v1.0/users/{}", world.nurse);
    let answer = caller
        .text("PATCH", &path, r#"{"department":"a","department":"b"}"#)
        .await;
    assert_eq!(refusal(&answer), refused(400, "Request_BadRequest"));
    assert!(
        answer.text().contains("department: must be given once"),
        "{}",
        answer.text()
    );
    let shown = caller.json(&format!("{path}?$select=department")).await;
    assert_eq!(shown["department"], json!(null));
    // Of policies, which are read as documents, as well.
    let caller = world.app(&[
        "Policy.ReadWrite.ConditionalAccess",
        "Policy.Read.All",
        "Application.Read.All",
    ]);
    let body = r#"{"displayName":"x","state":"enabled","state":"disabled"}"#;
    let answer = caller
        .text("POST", "/v1.0/identity/conditionalAccess/policies", body)
        .await;
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("state: must be given once"), "{}", answer.text());
    let nobody = Client::new(&world.router).get_with("/v1.0/users", &[]).await;
    assert_eq!(nobody.status, 401);
}
