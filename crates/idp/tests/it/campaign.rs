//! The campaign for passkeys, over the wire: who is asked, who puts it off, who must.

use std::time::Duration;

use hygie_testkit::Answer;
use serde_json::{Value, json};

use crate::passkeys::registered;
use crate::world::{WEB, World, submit};

impl World {
    async fn campaign(&self, change: &Value) {
        let mut campaign = json!({
            "state": "enabled", "snoozeDurationInDays": 1, "enforceRegistrationAfterAllowedSnoozes": true,
            "includeTargets": [{
                "id": "all_users", "targetType": "group", "targetedAuthenticationMethod": "fido2",
            }],
        });
        let members = campaign.as_object_mut().expect("an object");
        members.extend(change.as_object().expect("an object").clone());
        let change = json!({ "registrationEnforcement": { "authenticationMethodsRegistrationCampaign": campaign } });
        let changed = self
            .idp
            .directory()
            .change_methods_policy(&self.cx(self.tenant), change)
            .await;
        changed.expect("it is changed");
    }

    /// A sign-in with the password in a new browser, and what it answers.
    async fn enters(&self) -> (hygie_testkit::Client, Answer) {
        let browser = self.browser();
        let answer = self.sign_in(&browser, &self.authorize(self.portal, WEB, &[])).await;
        (browser, answer)
    }
}

fn is_asked(answer: &Answer) -> bool {
    answer.field("step").as_deref() == Some("campaign")
}

fn is_code(answer: &Answer) -> bool {
    answer.redirect_param("code").is_some()
}

#[tokio::test]
async fn who_has_no_passkey_is_asked_after_the_password_and_may_put_it_off() {
    let world = World::new().await;
    let (_, before) = world.enters().await;
    assert!(is_code(&before), "there is no campaign: {}", before.text());
    world.campaign(&json!({})).await;
    let (browser, asked) = world.enters().await;
    assert!(is_asked(&asked), "{} {}", asked.location(), asked.text());
    let silent = browser
        .get(&world.authorize(world.portal, WEB, &[("prompt", "none")]))
        .await;
    assert!(is_code(&silent), "an application without a page is not kept waiting");
    assert!(
        is_asked(&browser.get(&world.authorize(world.portal, WEB, &[])).await),
        "nothing was answered yet"
    );
    assert!(is_code(&submit(&browser, &asked, &[]).await));
    assert!(
        is_code(&browser.get(&world.authorize(world.portal, WEB, &[])).await),
        "nor again in this session"
    );
    let (_, same_day) = world.enters().await;
    assert!(is_code(&same_day), "{}", same_day.text());
    world.clock.advance(Duration::from_hours(25));
    let (_, next_day) = world.enters().await;
    assert!(is_asked(&next_day), "{}", next_day.location());
    let told: Vec<u32> = world.log().await.iter().map(|entry| entry.error_code).collect();
    assert_eq!(told.iter().filter(|code| **code == 50_203).count(), 3, "{told:?}");
}

#[tokio::test]
async fn who_put_it_off_three_times_must_register() {
    let world = World::new().await;
    world.campaign(&json!({ "snoozeDurationInDays": 0 })).await;
    for time in 0..3 {
        let (browser, asked) = world.enters().await;
        assert!(is_asked(&asked), "{time}: {}", asked.location());
        assert!(asked.text().contains("<button class=\"button\">"), "{time}");
        assert!(is_code(&submit(&browser, &asked, &[]).await), "{time}");
    }
    let (browser, asked) = world.enters().await;
    assert!(is_asked(&asked));
    assert!(
        !asked.text().contains("<button class=\"button\">"),
        "it cannot be put off any more"
    );
    let forged = submit(&browser, &asked, &[]).await;
    assert!(is_asked(&forged), "a form from an earlier day: {}", forged.location());
    // Without the end that the campaign sets it may be put off for ever.
    world
        .campaign(&json!({ "snoozeDurationInDays": 0, "enforceRegistrationAfterAllowedSnoozes": false }))
        .await;
    assert!(is_code(&submit(&browser, &asked, &[]).await));
}

#[tokio::test]
async fn who_is_not_in_it_or_cannot_register_is_not_asked() {
    let world = World::new().await;
    let nurse = json!([{ "id": world.nurse.to_string(), "targetType": "user" }]);
    world.campaign(&json!({ "excludeTargets": nurse })).await;
    assert!(is_code(&world.enters().await.1));
    let group = json!([{
        "id": world.nurses.to_string(), "targetType": "group", "targetedAuthenticationMethod": "fido2",
    }]);
    world
        .campaign(&json!({ "includeTargets": group, "excludeTargets": [] }))
        .await;
    assert!(is_asked(&world.enters().await.1));
    let (directory, cx) = (world.idp.directory(), world.cx(world.tenant));
    let off = json!({ "state": "disabled" });
    let configured = directory
        .configure_method(&cx, hygie_policy::methods::Method::Fido2, off)
        .await;
    configured.expect("it is turned off");
    assert!(is_code(&world.enters().await.1), "passkeys are not for her");
}

#[tokio::test]
async fn who_registers_one_goes_on() {
    let world = World::new().await;
    world.campaign(&json!({})).await;
    let (browser, asked) = world.enters().await;
    assert!(is_asked(&asked));
    let href = |page: &Answer| page.text().contains("client_id=19db86c3-b2b9-44cc-b339-36da233a3be2");
    assert!(
        href(&asked),
        "it leads to where passkeys are registered: {}",
        asked.text()
    );
    registered(&world).await;
    assert!(is_code(&browser.get(&world.authorize(world.portal, WEB, &[])).await));
    assert!(is_code(&world.enters().await.1));
}
