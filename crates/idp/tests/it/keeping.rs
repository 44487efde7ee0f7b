//! How long sessions live, and whether they stay when the browser closes, over the wire.

use std::time::Duration;

use hygie_core::Secret;
use hygie_directory::NewUser;
use hygie_testkit::{Answer, Client};
use serde_json::{Value, json};

use crate::world::{WEB, World, submit};

const COOKIE: &str = "__Host-hygie-idp=";

impl World {
    async fn lifetime(&self, change: Value) {
        let directory = self.idp.directory();
        let outcome = directory.change_session_lifetime(&self.cx(self.tenant), change).await;
        outcome.expect("it is changed");
    }

    async fn offer_to_stay(&self) {
        self.lifetime(json!({ "isStaySignedInOffered": true })).await;
    }

    /// A policy for everybody and everything about the browser's session.
    async fn persistent(&self, mode: &str) {
        self.policy(json!({
            "conditions": {
                "users": { "includeUsers": ["All"] },
                "applications": { "includeApplications": ["All"] },
            },
            "sessionControls": { "persistentBrowser": { "isEnabled": true, "mode": mode } },
        }))
        .await;
    }
}

/// How long the session cookie of an answer lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lives {
    /// The answer sets none.
    Unsaid,
    /// Until the browser closes.
    Browser,
    /// So many seconds.
    For(u64),
}

fn age(answer: &Answer) -> Lives {
    let cookies = answer.headers.get_all("set-cookie");
    let texts = cookies.iter().filter_map(|value| value.to_str().ok());
    let own: Vec<&str> = texts.filter(|text| text.starts_with(COOKIE)).collect();
    assert!(own.len() <= 1, "the session cookie is set once: {own:?}");
    let Some(found) = own.first() else { return Lives::Unsaid };
    let age = found.split("; ").find_map(|part| part.strip_prefix("Max-Age="));
    age.map_or(Lives::Browser, |age| Lives::For(age.parse().expect("seconds")))
}

fn is_code(answer: &Answer) -> bool {
    answer.redirect_param("code").is_some()
}

async fn signed_in(world: &World, browser: &Client) -> Answer {
    world.sign_in(browser, &world.authorize(world.portal, WEB, &[])).await
}

#[tokio::test]
async fn nobody_is_asked_and_the_session_ends_with_the_browser() {
    let world = World::new().await;
    let answer = signed_in(&world, &world.browser()).await;
    assert!(is_code(&answer), "{}", answer.text());
    assert_eq!(age(&answer), Lives::Browser);
}

#[tokio::test]
async fn who_says_yes_stays_signed_in_and_who_says_no_is_not_asked_again() {
    let world = World::new().await;
    world.offer_to_stay().await;
    let request = world.authorize(world.portal, WEB, &[]);
    let stays = world.browser();
    let asked = signed_in(&world, &stays).await;
    assert_eq!(asked.field("step").as_deref(), Some("keep"), "{}", asked.text());
    assert_eq!(age(&asked), Lives::Browser);
    let silent = stays
        .get(&world.authorize(world.portal, WEB, &[("prompt", "none")]))
        .await;
    assert!(is_code(&silent), "an application without a page is not kept waiting");
    let yes = submit(&stays, &asked, &[("answer", "yes")]).await;
    assert!(is_code(&yes), "{} {}", yes.location(), yes.text());
    assert_eq!(age(&yes), Lives::For(4 * 3_600), "as long as the session may live");
    world.clock.advance(Duration::from_mins(10));
    let again = stays.get(&request).await;
    assert!(is_code(&again), "{}", again.text());
    assert_eq!(age(&again), Lives::For(4 * 3_600 - 600));
    let goes = world.browser();
    let asked = signed_in(&world, &goes).await;
    let no = submit(&goes, &asked, &[("answer", "no")]).await;
    assert!(is_code(&no));
    assert_eq!(age(&no), Lives::Browser);
    assert!(is_code(&goes.get(&request).await), "it is not asked again");
    let told: Vec<u32> = world.log().await.iter().map(|entry| entry.error_code).collect();
    assert_eq!(told.iter().filter(|code| **code == 50_140).count(), 2, "{told:?}");
}

#[tokio::test]
async fn a_session_that_stays_ends_as_others_do() {
    let world = World::new().await;
    world.offer_to_stay().await;
    let browser = world.browser();
    let asked = signed_in(&world, &browser).await;
    assert!(is_code(&submit(&browser, &asked, &[("answer", "yes")]).await));
    world.clock.advance(Duration::from_mins(31));
    let later = browser.get(&world.authorize(world.portal, WEB, &[])).await;
    assert!(
        later.field("step").is_some(),
        "half an hour without use: {}",
        later.location()
    );
}

#[tokio::test]
async fn a_policy_says_whether_a_session_stays_and_nobody_is_asked() {
    for (mode, expected) in [("always", Lives::For(4 * 3_600)), ("never", Lives::Browser)] {
        let world = World::new().await;
        world.offer_to_stay().await;
        world.persistent(mode).await;
        let answer = signed_in(&world, &world.browser()).await;
        assert!(is_code(&answer), "{mode}: {}", answer.text());
        assert_eq!(age(&answer), expected, "{mode}");
    }
    // What the person said before counts no more.
    let world = World::new().await;
    world.offer_to_stay().await;
    let browser = world.browser();
    let asked = signed_in(&world, &browser).await;
    submit(&browser, &asked, &[("answer", "yes")]).await;
    world.persistent("never").await;
    let answer = browser.get(&world.authorize(world.portal, WEB, &[])).await;
    assert!(is_code(&answer), "{}", answer.text());
    assert_eq!(age(&answer), Lives::Browser);
}

/// One cookie holds all accounts of a browser: it stays where all of them do.
#[tokio::test]
async fn nobody_stays_because_another_said_so() {
    let world = World::new().await;
    world.offer_to_stay().await;
    let doctor = NewUser {
        user_principal_name: "paul.petit@ch-demo.example".to_owned(),
        display_name: "Paul Petit".to_owned(),
        password: Some(Secret::new("Cheval 9 correct!".to_owned())),
        ..NewUser::default()
    };
    let directory = world.idp.directory();
    directory
        .create_user(&world.cx(world.tenant), doctor)
        .await
        .expect("a user");
    let browser = world.browser();
    let asked = signed_in(&world, &browser).await;
    let yes = submit(&browser, &asked, &[("answer", "yes")]).await;
    assert_eq!(age(&yes), Lives::For(4 * 3_600));
    let other = world.authorize(world.portal, WEB, &[("prompt", "login")]);
    let asked = world
        .sign_in_as(&browser, &other, ("paul.petit@ch-demo.example", "Cheval 9 correct!"))
        .await;
    assert_eq!(asked.field("step").as_deref(), Some("keep"), "{}", asked.text());
    assert_eq!(age(&asked), Lives::Browser);
    let no = submit(&browser, &asked, &[("answer", "no")]).await;
    assert!(is_code(&no));
    assert_eq!(age(&no), Lives::Browser);
    let hint = [("login_hint", "anna.martin@ch-demo.example")];
    let first = browser.get(&world.authorize(world.portal, WEB, &hint)).await;
    assert!(is_code(&first), "{}", first.text());
    assert_eq!(age(&first), Lives::Browser, "the other account does not stay");
}

#[tokio::test]
async fn a_tenant_says_how_long_sessions_live() {
    let world = World::new().await;
    let request = world.authorize(world.portal, WEB, &[]);
    let open = world.browser();
    signed_in(&world, &open).await;
    world.clock.advance(Duration::from_mins(11));
    // It counts for a session that is open.
    world
        .lifetime(json!({ "maximumLifetimeInMinutes": 25, "inactivityTimeoutInMinutes": 10 }))
        .await;
    assert!(!is_code(&open.get(&request).await));
    let browser = world.browser();
    signed_in(&world, &browser).await;
    for _ in 0..2 {
        world.clock.advance(Duration::from_mins(9));
        assert!(is_code(&browser.get(&request).await));
    }
    world.clock.advance(Duration::from_mins(8));
    assert!(!is_code(&browser.get(&request).await), "after 25 minutes in any case");
    world
        .lifetime(json!({ "maximumLifetimeInMinutes": 600, "inactivityTimeoutInMinutes": 120 }))
        .await;
    let browser = world.browser();
    signed_in(&world, &browser).await;
    world.clock.advance(Duration::from_mins(119));
    assert!(is_code(&browser.get(&request).await));
}

#[tokio::test]
async fn the_sign_in_frequency_of_a_policy_still_wins_where_it_is_stricter() {
    let world = World::new().await;
    world
        .lifetime(json!({ "maximumLifetimeInMinutes": 600, "inactivityTimeoutInMinutes": 120 }))
        .await;
    let frequency = json!({ "isEnabled": true, "value": 1, "type": "hours" });
    world
        .policy(json!({ "sessionControls": { "signInFrequency": frequency } }))
        .await;
    let browser = world.browser();
    assert!(is_code(&signed_in(&world, &browser).await));
    world.clock.advance(Duration::from_mins(61));
    let asked = browser.get(&world.authorize(world.portal, WEB, &[])).await;
    assert!(
        !is_code(&asked) && asked.field("step").is_some(),
        "{}",
        asked.location()
    );
}
