//! Sign-ins that end at a wrong password, a lock-out or a wrong second factor are in the log, with what Entra ID calls them.

use hygie_directory::SignInEntry;
use hygie_testkit::Client;
use serde_json::json;

use crate::world::{WEB, World, submit};

const ANNA: &str = "anna.martin@ch-demo.example";

impl World {
    /// The nurse, or somebody else, tries passwords.
    async fn tries(&self, browser: &Client, name: &str, passwords: &[String]) {
        let first = browser.get(&self.authorize(self.portal, WEB, &[])).await;
        let page = submit(browser, &first, &[("username", name)]).await;
        for password in passwords {
            submit(browser, &page, &[("username", name), ("password", password)]).await;
        }
    }
}

fn codes(log: &[SignInEntry]) -> Vec<u32> {
    log.iter().map(|entry| entry.error_code).collect()
}

#[tokio::test]
async fn wrong_passwords_and_lock_outs_are_in_the_log() {
    let world = World::new().await;
    let browser = world.browser();
    let guesses: Vec<String> = (0..11).map(|n| format!("guess {n}")).collect();
    world.tries(&browser, ANNA, &guesses).await;
    let log = world.log().await;
    let mut told = codes(&log);
    told.sort_unstable();
    let expected: Vec<u32> = [50_053; 2].into_iter().chain([50_126; 9]).collect();
    assert_eq!(told, expected, "the tenth locks, and the eleventh finds it locked");
    for entry in &log {
        assert_eq!(entry.user_principal_name, "Anna.Martin@ch-demo.example");
        assert_eq!(entry.app, world.portal);
        assert_eq!(entry.client_app, "Browser");
        assert_eq!((&*entry.status, entry.applied.len()), ("notApplied", 0));
        assert!(entry.is_interactive && entry.used.used().is_empty());
        assert!(entry.failure_reason.is_some());
    }
    let everything = serde_json::to_string(&log).unwrap();
    assert!(!everything.contains("guess"), "no password is in the log");
}

#[tokio::test]
async fn what_is_tried_with_a_name_that_nobody_has_is_not_in_the_log() {
    let world = World::new().await;
    let guesses: Vec<String> = (0..11).map(|n| format!("guess {n}")).collect();
    world.tries(&world.browser(), "nobody@ch-demo.example", &guesses).await;
    assert_eq!(world.log().await, []);
}

#[tokio::test]
async fn a_wrong_second_factor_is_in_the_log() {
    let world = World::new().await;
    world.codes().await;
    world
        .policy(json!({ "grantControls": { "operator": "OR", "builtInControls": ["mfa"] } }))
        .await;
    let browser = world.browser();
    let asked = world.sign_in(&browser, &world.authorize(world.portal, WEB, &[])).await;
    submit(&browser, &asked, &[("proof", "000000")]).await;
    let log = world.log().await;
    let mut told = codes(&log);
    told.sort_unstable();
    assert_eq!(told, [50_076, 500_121]);
    let wrong = log.iter().find(|entry| entry.error_code == 500_121).unwrap();
    assert!(wrong.session.is_some(), "the session of the password");
    assert_eq!(wrong.used.amr(), ["pwd"]);
}
