//! Who is written to.

use serde_json::json;

use crate::sheets::{sent, with_token};

const HERE: &str = "/admin/mails";
const ID: &str = "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0001";

#[tokio::test]
async fn addresses_are_changed_topic_by_topic() {
    let (world, token) = with_token("/admin/users/new").await;
    let found = json!({ "value": [{ "id": ID, "securityComplianceNotificationMails": ["a@ch.example", "b@ch.example"],
        "technicalNotificationMails": [] }] });
    world.script.answer("GET /v1.0/organization", 200, found);
    let page = world.client.get(HERE).await;
    assert!(page.text().contains("a@ch.example\nb@ch.example"), "{}", page.text());
    let shown = page.field("shown").expect("what the page shows");
    let post = async |security: &str, technical: &str| {
        let fields = [
            ("csrf", token.as_str()),
            ("shown", shown.as_str()),
            ("step", "save"),
            ("security", security),
            ("technical", technical),
        ];
        world.client.post(HERE, &fields).await
    };
    let answer = post("b@ch.example\r\n", "").await;
    assert_eq!(answer.location(), "/admin/mails?done=settings");
    let change = json!({ "securityComplianceNotificationMails": ["b@ch.example"] });
    assert_eq!(sent(&world), [(format!("PATCH /organization/{ID}"), change)]);
    // What is refused is told, and what was typed is kept.
    let refused = json!({ "error": { "message": "technicalNotificationMails is not valid" } });
    world
        .script
        .answer(&format!("PATCH /v1.0/organization/{ID}"), 400, refused);
    let page = post("a@ch.example\r\nb@ch.example", "nobody").await;
    assert!(
        page.text().contains("notice danger") && page.text().contains("nobody"),
        "{}",
        page.text()
    );
}
