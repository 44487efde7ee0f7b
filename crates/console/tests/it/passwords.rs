//! Rules of passwords and of the lock-out.

use serde_json::{Value, json};

use crate::sheets::{sent, with_token};

const PROTECTION: &str = "/policies/signInProtectionPolicy";
const HERE: &str = "/admin/passwords";

fn rules(threshold: u32, banned: &[&str]) -> Value {
    json!({ "lockoutThreshold": threshold, "lockoutDurationInSeconds": 60, "firstPasswordLifetimeInDays": 7,
        "bannedPasswords": banned })
}

#[tokio::test]
async fn rules_of_passwords_are_changed_one_by_one() {
    let (world, token) = with_token("/admin/users/new").await;
    let path = format!("GET /v1.0{PROTECTION}");
    world.script.answer(&path, 200, rules(10, &["Saint-Luc", "<b>eau</b>"]));
    let page = world.client.get(HERE).await;
    let text = page.text();
    for shown in [
        "name=\"threshold\" type=\"text\" value=\"10\"",
        "name=\"duration\" type=\"text\" value=\"60\"",
        "Saint-Luc\n&#60;b&#62;eau",
    ] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    let shown = page.field("shown").expect("what the page shows");
    let form = |threshold: &'static str, banned: &'static str| {
        vec![
            ("csrf", token.clone()),
            ("shown", shown.clone()),
            ("step", "save".to_owned()),
            ("threshold", threshold.to_owned()),
            ("duration", "60".to_owned()),
            ("first", "7".to_owned()),
            ("banned", banned.to_owned()),
        ]
    };
    let post = async |fields: Vec<(&str, String)>| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        world.client.post(HERE, &fields).await
    };
    let same = "Saint-Luc\r\n <b>eau</b>\r\n";
    let answer = post(form("5", same)).await;
    assert_eq!(answer.location(), "/admin/passwords?done=settings");
    assert_eq!(
        sent(&world),
        [(format!("PATCH {PROTECTION}"), json!({ "lockoutThreshold": 5 }))]
    );
    world.script.asked.lock().clear();
    let answer = post(form("10", "Saint-Luc")).await;
    assert_eq!(answer.location(), "/admin/passwords?done=settings");
    assert_eq!(sent(&world)[0].1, json!({ "bannedPasswords": ["Saint-Luc"] }));
    // What is refused is told, and what was typed is kept.
    let refused = json!({ "error": { "message": "lockoutThreshold" } });
    world.script.answer(&format!("PATCH /v1.0{PROTECTION}"), 400, refused);
    let page = post(form("many", "Mairie")).await;
    let text = page.text();
    assert!(
        text.contains("notice danger") && text.contains("value=\"many\"") && text.contains("Mairie"),
        "{text}"
    );
    assert_eq!(page.field("shown"), Some(shown.clone()));
    // Somebody else changed the same: nothing is sent, and the page shows what holds now.
    world.script.answer(&path, 200, rules(3, &["Saint-Luc"]));
    world.script.asked.lock().clear();
    let page = post(form("5", same)).await;
    let text = page.text();
    assert!(
        text.contains("notice warning") && text.contains("name=\"threshold\" type=\"text\" value=\"3\""),
        "{text}"
    );
    assert_eq!(sent(&world), []);
    assert_ne!(page.field("shown"), Some(shown));
}

#[tokio::test]
async fn who_may_not_see_rules_of_passwords_is_told_so() {
    let (world, _) = with_token("/admin/users/new").await;
    world.script.answer(&format!("GET /v1.0{PROTECTION}"), 403, json!({}));
    assert_eq!(world.client.get(HERE).await.status, 403);
}
