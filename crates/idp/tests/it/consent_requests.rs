//! Who cannot consent asks administrators, and is told what came of it.

use std::time::Duration;

use hygie_directory::{ConsentDecision, ForWhom, Permissions};
use serde_json::json;

use crate::consent::{agenda, ask};
use crate::world::{World, submit};

impl World {
    async fn lets_ask(&self) {
        let directory = self.idp.directory();
        let change = json!({ "isEnabled": true, "requestDurationInDays": 10 });
        let changed = directory
            .change_consent_request_policy(&self.cx(self.tenant), change)
            .await;
        changed.expect("it is changed");
    }

    async fn decides(&self, decision: ConsentDecision, words: &str) {
        let (directory, cx) = (self.idp.directory(), self.cx(self.tenant));
        let all = directory.consent_requests(&cx).await.unwrap();
        let said = (decision, Some(words.to_owned()));
        directory.decide_consent_request(&cx, all[0].id, said).await.unwrap();
    }
}

#[tokio::test]
async fn a_person_asks_and_gets_it() {
    let world = World::new().await;
    let app = agenda(&world).await;
    let request = ask(&world, app, "openid User.Read");
    let browser = world.browser();
    let refused = world.sign_in(&browser, &request).await;
    assert!(
        refused.text().contains("AADSTS90094"),
        "nobody said that people may ask"
    );
    world.lets_ask().await;
    let page = browser.get(&request).await;
    assert_eq!(
        (page.status.as_u16(), page.field("step").as_deref()),
        (200, Some("consent-request"))
    );
    assert!(page.text().contains("lire votre profil"), "{}", page.text());
    for wrong in ["", "  ", &"x".repeat(501)] {
        let again = submit(&browser, &page, &[("reason", wrong)]).await;
        assert!(again.text().contains("en 500 caractères"), "{}", again.text());
    }
    assert!(
        world
            .idp
            .directory()
            .consent_requests(&world.cx(world.tenant))
            .await
            .unwrap()
            .is_empty()
    );
    let sent = submit(&browser, &page, &[("reason", "Pour le planning du service")]).await;
    assert!(sent.text().contains("demande est envoyée"), "{}", sent.text());
    // Once more is the same one, with the last words.
    submit(&browser, &page, &[("reason", "Pour le planning")]).await;
    let all = world
        .idp
        .directory()
        .consent_requests(&world.cx(world.tenant))
        .await
        .unwrap();
    assert_eq!(
        all.iter().map(|one| one.reason.as_str()).collect::<Vec<_>>(),
        ["Pour le planning"]
    );
    let own = browser.get(&world.path("myapplications")).await;
    assert!(own.text().contains("En attente d"), "{}", own.text());
    world.decides(ConsentDecision::Approve, "Oui").await;
    let own = browser.get(&world.path("myapplications")).await;
    assert!(own.text().contains("Accord donné"), "{}", own.text());
    let back = browser.get(&request).await;
    assert!(back.redirect_param("code").is_some(), "{}", back.text());
    let entries = crate::audit::entries(&world).await;
    assert!(entries.iter().any(|entry| entry.contains("idp.consent.ask")));
}

#[tokio::test]
async fn a_person_is_told_why_not() {
    let world = World::new().await;
    world.lets_ask().await;
    let app = agenda(&world).await;
    let request = ask(&world, app, "openid User.Read");
    let browser = world.browser();
    let page = world.sign_in(&browser, &request).await;
    submit(&browser, &page, &[("reason", "Pour moi")]).await;
    world.decides(ConsentDecision::Deny, "Utilisez l\u{2019}intranet").await;
    let own = browser.get(&world.path("myapplications")).await;
    assert!(
        own.text().contains("Accord refusé") && own.text().contains("intranet"),
        "{}",
        own.text()
    );
    // It may be asked again, and ends by itself.
    submit(&browser, &page, &[("reason", "Vraiment")]).await;
    let cx = world.cx(world.tenant);
    assert_eq!(world.idp.directory().consent_requests(&cx).await.unwrap().len(), 1);
    world.clock.advance(Duration::from_hours(10 * 24));
    let cx = world.cx(world.tenant);
    assert!(world.idp.directory().consent_requests(&cx).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_consent_for_everybody_answers_what_it_covers() {
    let world = World::new().await;
    world.lets_ask().await;
    let app = agenda(&world).await;
    let browser = world.browser();
    let page = world
        .sign_in(&browser, &ask(&world, app, "openid User.Read Group.Read.All"))
        .await;
    submit(&browser, &page, &[("reason", "Pour moi")]).await;
    let directory = world.idp.directory();
    for (scopes, awaited) in [
        (vec!["User.Read"], 1),
        (vec!["openid", "User.Read", "Group.Read.All"], 0),
    ] {
        let given = Permissions {
            resource: hygie_directory::DIRECTORY_API,
            scopes: scopes.into_iter().map(str::to_owned).collect(),
            roles: Vec::new(),
        };
        let cx = world.cx(world.tenant);
        directory
            .consent(&cx, app, (ForWhom::Everybody, vec![given]))
            .await
            .unwrap();
        let all = directory.consent_requests(&cx).await.unwrap();
        let is_awaited =
            |one: &&hygie_directory::AskedConsent| one.status == hygie_directory::ConsentRequestStatus::Awaited;
        assert_eq!(all.iter().filter(is_awaited).count(), awaited);
    }
}
