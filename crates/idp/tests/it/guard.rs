//! What guessing comes to: lock-outs by browser and by tenant, first passwords that end, limits of clients and of people.

use std::time::Duration;

use hygie_core::Secret;
use hygie_directory::{DirectoryError, UserChange};
use hygie_testkit::{Answer, Client};
use serde_json::{Value, json};

use crate::world::{PASSWORD, WEB, World, code_of, submit};

const ANNA: &str = "anna.martin@ch-demo.example";
const LOCKED: &str = "verrouillé";
const BROWSER: &str = "__Host-hygie-browser";

impl World {
    async fn protect(&self, change: Value) {
        let directory = self.idp.directory();
        let changed = directory.change_sign_in_protection(&self.cx(self.tenant), change).await;
        changed.expect("it is changed");
    }

    /// Somebody types these passwords for the nurse; the last answer.
    async fn types(&self, browser: &Client, passwords: impl Iterator<Item = String>) -> Answer {
        let first = browser
            .get(&self.authorize(self.portal, WEB, &[("prompt", "login")]))
            .await;
        let page = match first.field("step").as_deref() {
            Some("password") => first,
            _ => submit(browser, &first, &[("username", ANNA)]).await,
        };
        let mut last = None;
        for password in passwords {
            last = Some(submit(browser, &page, &[("username", ANNA), ("password", &password)]).await);
        }
        last.expect("a password")
    }

    async fn guesses(&self, browser: &Client, name: &str, times: usize) -> Answer {
        self.types(browser, (0..times).map(|n| format!("{name} {n}"))).await
    }

    async fn comes_in(&self, browser: &Client) -> bool {
        let answer = self.types(browser, std::iter::once(PASSWORD.to_owned())).await;
        answer.redirect_param("code").is_some()
    }

    /// An administrator gives the nurse this password, to be changed.
    async fn gives(&self, password: &str) {
        self.says(Some(password), true).await;
        self.clock.advance(Duration::from_secs(1));
    }

    /// An administrator says whether the nurse must change the password that there is.
    async fn must_change(&self, must: bool) {
        self.says(None, must).await;
    }

    async fn says(&self, password: Option<&str>, must: bool) {
        let change = UserChange {
            password: password.map(|password| Secret::new(password.to_owned())),
            profile: json!({ "forceChangePasswordNextSignIn": must })
                .as_object()
                .unwrap()
                .clone(),
            ..UserChange::default()
        };
        let directory = self.idp.directory();
        directory
            .update_user(&self.cx(self.tenant), self.nurse, change)
            .await
            .expect("it is changed");
    }

    async fn limits_recorded(&self, object: &str) -> usize {
        let entries = crate::audit::entries(self).await;
        entries
            .iter()
            .filter(|entry| entry.contains("idp.limit") && entry.contains(object))
            .count()
    }
}

#[tokio::test]
async fn nobody_keeps_somebody_out_of_a_browser_that_they_signed_in_from() {
    let world = World::new().await;
    let (own, stranger) = (world.browser(), world.browser());
    assert!(world.comes_in(&own).await);
    for round in 0..3 {
        let last = world.guesses(&stranger, &format!("guess {round}"), 11).await;
        assert!(last.text().contains(LOCKED), "{}", last.text());
        assert!(
            world.comes_in(&own).await,
            "from their own browser, whatever others guess"
        );
        assert!(
            !world.comes_in(&world.browser()).await,
            "another one is locked, also with the right password"
        );
    }
    // What is guessed in the own browser locks it, and nothing else.
    world.clock.advance(Duration::from_hours(2));
    let last = world.guesses(&own, "own", 11).await;
    assert!(last.text().contains(LOCKED), "{}", last.text());
    assert!(!world.comes_in(&own).await);
    assert!(world.comes_in(&world.browser()).await);
    world.clock.advance(Duration::from_mins(1));
    assert!(world.comes_in(&own).await);
}

#[tokio::test]
async fn a_browser_is_familiar_to_who_signed_in_and_as_long_as_they_do() {
    let world = World::new().await;
    let own = world.browser();
    assert!(world.comes_in(&own).await);
    world.clock.advance(Duration::from_hours(24 * 90));
    world.guesses(&world.browser(), "guess", 10).await;
    assert!(!world.comes_in(&own).await, "ninety days are the end of it");
    world.clock.advance(Duration::from_mins(1));
    assert!(world.comes_in(&own).await);
    // A password that somebody else gives ends it: who knew the old one is not known any more.
    world.gives("Cerisier-bleu-43").await;
    world.guesses(&world.browser(), "again", 10).await;
    let answer = world.types(&own, std::iter::once("Cerisier-bleu-43".to_owned())).await;
    assert!(answer.text().contains(LOCKED), "{}", answer.text());
}

#[tokio::test]
async fn the_password_alone_makes_no_browser_familiar() {
    let world = World::new().await;
    let own = world.browser();
    assert!(world.comes_in(&own).await);
    world.clock.advance(Duration::from_secs(1));
    world.codes().await;
    world
        .policy(json!({ "grantControls": { "operator": "OR", "builtInControls": ["mfa"] } }))
        .await;
    for n in 0..21 {
        assert!(!world.comes_in(&world.browser()).await, "{n}: a code is asked for");
    }
    let last = world.guesses(&world.browser(), "guess", 10).await;
    assert!(last.text().contains(LOCKED), "{}", last.text());
    let asked = world.types(&own, std::iter::once(PASSWORD.to_owned())).await;
    assert_eq!(asked.field("step").as_deref(), Some("code"), "{}", asked.text());
}

#[tokio::test]
async fn a_browser_says_nothing_that_was_not_told_to_it() {
    let world = World::new().await;
    let planted = "A".repeat(43);
    let browser = world.browser();
    browser.set_cookie(BROWSER, &planted);
    assert!(world.comes_in(&browser).await);
    let known = browser.cookie(BROWSER).expect("it is told what it is known by");
    assert_ne!(known, planted);
    world.guesses(&world.browser(), "guess", 10).await;
    let other = world.browser();
    other.set_cookie(BROWSER, &planted);
    assert!(!world.comes_in(&other).await, "what was planted is worth nothing");
    assert!(world.comes_in(&browser).await);
}

#[tokio::test]
async fn who_chooses_another_password_knows_this_browser_alone() {
    let world = World::new().await;
    let (own, left) = (world.browser(), world.browser());
    assert!(world.comes_in(&own).await && world.comes_in(&left).await);
    world.must_change(true).await;
    let asked = world.types(&own, std::iter::once(PASSWORD.to_owned())).await;
    let done = submit(&own, &asked, &[("password", "Cerisier-bleu-44")]).await;
    assert!(done.redirect_param("code").is_some(), "{}", done.text());
    world.guesses(&world.browser(), "guess", 10).await;
    let types = async |browser: &Client| {
        let answer = world
            .types(browser, std::iter::once("Cerisier-bleu-44".to_owned()))
            .await;
        answer.redirect_param("code").is_some()
    };
    assert!(!types(&left).await);
    assert!(types(&own).await);
}

#[tokio::test]
async fn a_lock_that_ended_a_day_ago_is_forgotten() {
    let world = World::new().await;
    let last = world.guesses(&world.browser(), "guess", 10).await;
    assert!(last.text().contains(LOCKED), "{}", last.text());
    world.clock.advance(Duration::from_mins(2));
    let next = world.guesses(&world.browser(), "next", 1).await;
    assert!(
        next.text().contains(LOCKED),
        "the first one locks again: {}",
        next.text()
    );
    world.clock.advance(Duration::from_hours(25));
    let later = world.guesses(&world.browser(), "later", 9).await;
    assert!(!later.text().contains(LOCKED), "{}", later.text());
}

#[tokio::test]
async fn a_password_that_need_not_be_changed_any_more_has_no_end() {
    let world = World::new().await;
    world.gives("Cerisier-bleu-42").await;
    world.must_change(false).await;
    world.clock.advance(Duration::from_hours(24 * 30));
    world.must_change(true).await;
    let asked = world
        .types(&world.browser(), std::iter::once("Cerisier-bleu-42".to_owned()))
        .await;
    assert_eq!(asked.field("step").as_deref(), Some("new-password"), "{}", asked.text());
    // One that has ended is not changed by who knows it, at the directory API neither.
    world.gives("Cerisier-bleu-43").await;
    let change = async |new: &str| {
        let passwords = ["Cerisier-bleu-43", new].map(|text| Secret::new(text.to_owned()));
        let (directory, cx) = (world.idp.directory(), world.cx(world.tenant));
        directory.change_password(&cx, world.nurse, passwords.into()).await
    };
    world.clock.advance(Duration::from_hours(24 * 7));
    assert!(matches!(
        change("Cerisier-bleu-45").await,
        Err(DirectoryError::WrongPassword)
    ));
    world.gives("Cerisier-bleu-43").await;
    change("Cerisier-bleu-45").await.expect("in time");
}

#[tokio::test]
async fn a_tenant_says_when_accounts_lock() {
    let world = World::new().await;
    world
        .protect(json!({ "lockoutThreshold": 3, "lockoutDurationInSeconds": 600 }))
        .await;
    let browser = world.browser();
    let last = world.guesses(&browser, "guess", 3).await;
    assert!(last.text().contains(LOCKED), "{}", last.text());
    world.clock.advance(Duration::from_secs(599));
    assert!(!world.comes_in(&browser).await);
    world.clock.advance(Duration::from_secs(1));
    assert!(world.comes_in(&browser).await);
}

#[tokio::test]
async fn a_first_password_ends() {
    let world = World::new().await;
    world.gives("Cerisier-bleu-42").await;
    let try_it = async || {
        world
            .types(&world.browser(), std::iter::once("Cerisier-bleu-42".to_owned()))
            .await
    };
    world
        .clock
        .advance(Duration::from_hours(7 * 24) - Duration::from_secs(2));
    let asked = try_it().await;
    assert_eq!(asked.field("step").as_deref(), Some("new-password"), "{}", asked.text());
    world.clock.advance(Duration::from_secs(1));
    let ended = try_it().await;
    assert!(ended.text().contains("provisoire"), "{}", ended.text());
    let log = world.log().await;
    let told = log.iter().filter(|entry| entry.error_code == 50_055);
    assert_eq!(told.count(), 2, "that it must be changed, and that it has ended");
    // Another one begins anew, for as long as the tenant says.
    world.protect(json!({ "firstPasswordLifetimeInDays": 1 })).await;
    world.gives("Cerisier-bleu-42").await;
    let asked = try_it().await;
    assert_eq!(asked.field("step").as_deref(), Some("new-password"), "{}", asked.text());
    world.clock.advance(Duration::from_hours(24));
    assert!(try_it().await.text().contains("provisoire"));
    // One's own password has no end, also where it is to be changed.
    world.gives("Cerisier-bleu-42").await;
    let browser = world.browser();
    let asked = world
        .types(&browser, std::iter::once("Cerisier-bleu-42".to_owned()))
        .await;
    let done = submit(&browser, &asked, &[("password", PASSWORD)]).await;
    assert!(done.redirect_param("code").is_some(), "{}", done.text());
    let change = UserChange {
        profile: json!({ "forceChangePasswordNextSignIn": true })
            .as_object()
            .unwrap()
            .clone(),
        ..UserChange::default()
    };
    world.clock.advance(Duration::from_hours(24 * 365));
    let directory = world.idp.directory();
    directory
        .update_user(&world.cx(world.tenant), world.nurse, change)
        .await
        .unwrap();
    let asked = world
        .types(&world.browser(), std::iter::once(PASSWORD.to_owned()))
        .await;
    assert_eq!(asked.field("step").as_deref(), Some("new-password"), "{}", asked.text());
}

#[tokio::test]
async fn who_cannot_prove_a_client_too_often_is_told_to_wait_and_who_can_is_heard() {
    let world = World::new().await;
    let id = world.portal.to_string();
    let ask = async |secret: &str| {
        let scope = format!("{}/.default", crate::world::FHIR);
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", &id),
            ("client_secret", secret),
            ("scope", &scope),
        ];
        world.token(&fields).await
    };
    for n in 0..100 {
        assert_eq!(code_of(&ask("wrong").await), 7_000_215, "{n}");
    }
    let closed = ask("wrong").await;
    assert_eq!((closed.status.as_u16(), code_of(&closed)), (429, 90_055));
    assert_eq!(closed.json()["error"], "temporarily_unavailable");
    assert!(closed.headers.contains_key("retry-after"));
    for endpoint in ["devicecode", "revoke"] {
        let fields = [
            ("client_id", id.as_str()),
            ("client_secret", "wrong"),
            ("scope", "openid"),
            ("token", "x"),
        ];
        let answer = world
            .browser()
            .post(&world.path(&format!("oauth2/v2.0/{endpoint}")), &fields)
            .await;
        assert_eq!(answer.status, 429, "{endpoint} {}", answer.text());
    }
    assert_eq!(ask(&world.secret).await.status, 200, "its own secret is heard");
    assert_eq!(world.limits_recorded(&format!("app/{id}")).await, 1, "recorded once");
    world.clock.advance(Duration::from_mins(10));
    assert_eq!(code_of(&ask("wrong").await), 7_000_215);
}

#[tokio::test]
async fn nobody_closes_an_application_by_codes_and_tokens_that_are_none() {
    let world = World::new().await;
    for _ in 0..101 {
        assert_eq!(code_of(&world.redeem("no code").await), 70_000);
        assert_eq!(code_of(&world.refresh("no token", &[]).await), 70_000);
    }
    assert!(world.code_flow(&[]).await["access_token"].is_string());
    assert_eq!(world.limits_recorded("app/").await, 0);
}

#[tokio::test]
async fn a_client_in_a_loop_is_told_so() {
    let world = World::new().await;
    let mut token = world.code_flow(&[]).await["refresh_token"].clone();
    for n in 0..599 {
        let answer = world.refresh(token.as_str().unwrap(), &[]).await;
        assert_eq!(answer.status, 200, "{n} {}", answer.text());
        token = answer.json()["refresh_token"].clone();
    }
    let told = world.refresh(token.as_str().unwrap(), &[]).await;
    assert_eq!((told.status.as_u16(), code_of(&told)), (429, 50_196));
    assert_eq!(
        told.json()["error"],
        "temporarily_unavailable",
        "no reason to ask the person"
    );
    assert!(told.headers.contains_key("retry-after"));
    assert_eq!(world.limits_recorded(&world.portal.to_string()).await, 1);
    world.clock.advance(Duration::from_mins(10));
    assert_eq!(
        world.refresh(token.as_str().unwrap(), &[]).await.status,
        200,
        "nothing was used up"
    );
}

#[tokio::test]
async fn wrong_second_factors_are_counted_by_person_whatever_the_address() {
    let world = World::new().await;
    let cx = world.cx(world.tenant);
    for n in 0..50 {
        assert!(world.idp.check_person(world.tenant, world.nurse, &cx).is_ok(), "{n}");
        world.idp.count_person(&cx, world.nurse).await.unwrap();
    }
    world.codes().await;
    world
        .policy(json!({ "grantControls": { "operator": "OR", "builtInControls": ["mfa"] } }))
        .await;
    let browser = world.browser();
    let asked = world.sign_in(&browser, &world.authorize(world.portal, WEB, &[])).await;
    let closed = submit(&browser, &asked, &[("proof", "000000")]).await;
    assert_eq!(closed.status, 429, "{}", closed.text());
    assert_eq!(world.limits_recorded(&format!("user/{}", world.nurse)).await, 1);
    assert!(
        world.idp.check_person(world.other, world.nurse, &cx).is_ok(),
        "of this tenant alone"
    );
}

#[tokio::test]
async fn who_knows_the_password_alone_keeps_nobody_from_their_passkeys_and_codes() {
    let world = World::new().await;
    world.codes().await;
    world
        .policy(json!({ "grantControls": { "operator": "OR", "builtInControls": ["mfa"] } }))
        .await;
    let browser = world.browser();
    let asked = world.sign_in(&browser, &world.authorize(world.portal, WEB, &[])).await;
    // What is no passkey is no guess.
    for n in 0..60 {
        let garbage = [("step", "passkey"), ("credential", "{}")];
        let answer = submit(&browser, &asked, &garbage).await;
        assert_ne!(answer.status, 429, "{n} {}", answer.text());
    }
    let cx = world.cx(world.tenant);
    assert!(world.idp.check_person(world.tenant, world.nurse, &cx).is_ok());
    // Nor do codes that are wrong close the way to passkeys.
    for _ in 0..50 {
        world.idp.count_person(&cx, world.nurse).await.unwrap();
    }
    let code = submit(&browser, &asked, &[("proof", "000000")]).await;
    assert_eq!(code.status, 429, "{}", code.text());
    let passkey = submit(&browser, &asked, &[("step", "passkey"), ("credential", "{}")]).await;
    assert_ne!(passkey.status, 429, "{}", passkey.text());
}

#[tokio::test]
async fn wrong_codes_of_devices_are_counted_by_who_is_signed_in() {
    let world = World::new().await;
    let browser = world.browser();
    assert!(world.comes_in(&browser).await);
    let page = browser.get("/device").await;
    for n in 0..50 {
        let answer = submit(&browser, &page, &[("user_code", "BBBBBBBBB")]).await;
        assert_eq!(answer.status, 200, "{n} {}", answer.text());
    }
    assert_eq!(submit(&browser, &page, &[("user_code", "BBBBBBBBB")]).await.status, 429);
    assert_eq!(world.limits_recorded(&format!("user/{}", world.nurse)).await, 1);
}

#[tokio::test]
async fn words_of_the_tenant_are_no_passwords() {
    let world = World::new().await;
    world.protect(json!({ "bannedPasswords": ["Hémodialyse"] })).await;
    world.gives("Cerisier-bleu-42").await;
    let browser = world.browser();
    let asked = world
        .types(&browser, std::iter::once("Cerisier-bleu-42".to_owned()))
        .await;
    for weak in ["H3modialyse75!", "Sunshine-1975"] {
        let answer = submit(&browser, &asked, &[("password", weak)]).await;
        assert!(answer.text().contains("trop facile"), "{weak} {}", answer.text());
    }
    let done = submit(&browser, &asked, &[("password", "Cerisier-bleu-41")]).await;
    assert!(done.redirect_param("code").is_some(), "{}", done.text());
}

#[tokio::test]
async fn a_tenant_says_what_tokens_of_version_2_tell() {
    let world = World::new().await;
    let asked = [("scope", "openid offline_access api://records//read")];
    let tell = async || {
        let tokens = world.code_flow(&asked).await;
        let of = |name: &str| world.verified(&tokens[name]).claims.members;
        (of("access_token"), of("id_token"))
    };
    let names = ["acr", "amr", "auth_time"];
    let (access, id) = tell().await;
    assert_eq!(names.map(|name| access.contains_key(name)), [false; 3]);
    assert_eq!(names.map(|name| id.contains_key(name)), [false, false, true]);
    let directory = world.idp.directory();
    let change = json!({ "isAcrIncluded": true, "isAmrIncluded": true, "isAuthTimeIncluded": true });
    directory
        .change_token_claims(&world.cx(world.tenant), change)
        .await
        .unwrap();
    let (access, id) = tell().await;
    for claims in [access, id] {
        assert_eq!((&claims["acr"], &claims["amr"]), (&json!("1"), &json!(["pwd"])));
        assert_eq!(claims["auth_time"], json!(world.clock_secs()));
    }
}
