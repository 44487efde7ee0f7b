//! The sign-in pages: passwords, lock-out, sessions, single sign-on.

use std::time::Duration;

use hygie_access::{Origin, Revocations, Revoked};
use hygie_core::Secret;
use hygie_directory::repo::{Sessions, Users};
use hygie_directory::{Enabled, NewUser};
use hygie_idp::IdpError;

use crate::world::{PASSWORD, SPA, WEB, World, submit};

const ANNA: &str = "anna.martin@ch-demo.example";

#[tokio::test]
async fn single_sign_on_between_two_applications() {
    let world = World::new().await;
    let browser = world.browser();
    world.sign_in(&browser, &world.authorize(world.portal, WEB, &[])).await;
    let second = browser.get(&world.authorize(world.spa, SPA, &[])).await;
    assert_eq!(second.status, 302, "{}", second.text());
    assert!(second.redirect_param("code").is_some());
    let silent = browser
        .get(&world.authorize(world.spa, SPA, &[("prompt", "none"), ("login_hint", ANNA)]))
        .await;
    assert!(silent.redirect_param("code").is_some(), "{}", silent.location());
    let other = browser
        .get(&world.authorize(
            world.spa,
            SPA,
            &[("prompt", "none"), ("login_hint", "x@ch-demo.example")],
        ))
        .await;
    assert_eq!(other.redirect_param("error").as_deref(), Some("login_required"));
    let stranger = world.browser().get(&world.authorize(world.spa, SPA, &[])).await;
    assert_eq!(stranger.status, 200, "another browser is asked");
}

#[tokio::test]
async fn the_session_ends_half_an_hour_after_its_last_use_and_after_four_hours() {
    let world = World::new().await;
    let browser = world.browser();
    world.sign_in(&browser, &world.authorize(world.portal, WEB, &[])).await;
    let silent = world.authorize(world.portal, WEB, &[("prompt", "none")]);
    let is_over = async |after: Duration| {
        world.clock.advance(after);
        let answer = browser.get(&silent).await;
        let error = answer.redirect_param("error");
        assert_eq!(answer.redirect_param("code").is_none(), error.is_some());
        error.as_deref() == Some("login_required")
    };
    assert!(!is_over(Duration::from_mins(29)).await);
    assert!(!is_over(Duration::from_mins(29)).await);
    assert!(is_over(Duration::from_mins(30)).await, "half an hour without use");
    world.sign_in(&browser, &world.authorize(world.portal, WEB, &[])).await;
    for n in 1..=8 {
        assert!(!is_over(Duration::from_mins(29)).await, "{n}");
    }
    assert!(!is_over(Duration::from_mins(7)).await, "239 minutes");
    assert!(is_over(Duration::from_mins(1)).await, "four hours, used or not");
}

/// Whatever step a form says that it is: who sits before a session that was left open comes no further than a password.
#[tokio::test]
async fn a_fresh_sign_in_is_not_stepped_around() {
    let world = World::new().await;
    let browser = world.browser();
    let first = world.sign_in(&browser, &world.authorize(world.portal, WEB, &[])).await;
    let body = world.redeem(&first.redirect_param("code").unwrap()).await.json();
    let claims = world.verified(&body["access_token"]).claims;
    let session = claims.text("sid").unwrap().to_owned();
    world.clock.advance(Duration::from_mins(10));
    for asked in [("prompt", "login"), ("max_age", "60")] {
        let page = browser.get(&world.authorize(world.portal, WEB, &[asked])).await;
        for step in [
            "new-password",
            "account",
            "consent",
            "terms",
            "device",
            "code",
            "passkey",
        ] {
            let fields = [
                ("step", step),
                ("account", &session),
                ("answer", "accept"),
                ("asked", ""),
            ];
            let answer = submit(&browser, &page, &fields).await;
            assert_eq!(answer.redirect_param("code"), None, "{asked:?} {step}");
            assert!(answer.field("step").is_some(), "{asked:?} {step}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn prompts_and_ages() {
    let world = World::new().await;
    let browser = world.browser();
    world.sign_in(&browser, &world.authorize(world.portal, WEB, &[])).await;
    world.clock.advance(Duration::from_mins(10));
    let fresh = browser
        .get(&world.authorize(world.portal, WEB, &[("max_age", "600")]))
        .await;
    assert!(fresh.redirect_param("code").is_some());
    for other in [
        vec![("max_age", "599")],
        vec![("prompt", "login")],
        vec![("max_age", "0")],
    ] {
        let page = browser.get(&world.authorize(world.portal, WEB, &other)).await;
        assert_eq!(
            page.field("step").as_deref(),
            Some("password"),
            "{other:?}: the account is known"
        );
        let answer = submit(&browser, &page, &[("username", ANNA), ("password", PASSWORD)]).await;
        let code = answer
            .redirect_param("code")
            .unwrap_or_else(|| panic!("{other:?} {}", answer.text()));
        let body = world.redeem(&code).await.json();
        let auth_time = world.verified(&body["id_token"]).claims.members["auth_time"].as_i64();
        assert_eq!(auth_time, Some(world.cx(world.tenant).now.secs()), "{other:?}");
    }
    // The session of a colleague is no obstacle to an account of one's own.
    for prompt in ["select_account", "login"] {
        let page = browser
            .get(&world.authorize(world.portal, WEB, &[("prompt", prompt)]))
            .await;
        let [csrf, version, request] = ["csrf", "version", "request"].map(|name| page.field(name).unwrap());
        let fields = [
            ("csrf", csrf.as_str()),
            ("version", &version),
            ("request", &request),
            ("step", "account"),
            ("account", ""),
        ];
        let page = browser.post(&world.path("login"), &fields).await;
        assert_eq!(
            page.field("step").as_deref(),
            Some("username"),
            "{prompt}: {}",
            page.text()
        );
    }
    let choice = browser
        .get(&world.authorize(world.portal, WEB, &[("prompt", "select_account")]))
        .await;
    assert_eq!(choice.field("step").as_deref(), Some("account"));
    let session = choice.field("account").unwrap_or_else(|| panic!("{}", choice.text()));
    let answer = submit(&browser, &choice, &[("account", &session)]).await;
    assert!(answer.redirect_param("code").is_some(), "{}", answer.text());
}

/// In a hidden frame of its page: the session comes along (`prompt=none`), what our forms are bound to does not.
#[tokio::test]
async fn a_page_of_another_site_may_ask_whether_its_person_is_signed_in() {
    let world = World::new().await;
    let browser = world.browser();
    let page = browser.get(&world.authorize(world.portal, WEB, &[])).await;
    let form = page.header("set-cookie").to_owned();
    assert!(
        form.starts_with("__Host-hygie-form=") && form.ends_with("SameSite=Lax"),
        "{form}"
    );
    let answer = world.sign_in(&browser, &world.authorize(world.portal, WEB, &[])).await;
    let session = answer.header("set-cookie");
    assert!(
        session.starts_with("__Host-hygie-idp=") && session.ends_with("SameSite=None"),
        "{session}"
    );
}

#[tokio::test]
async fn two_accounts_in_one_browser() {
    let world = World::new().await;
    let new = NewUser {
        user_principal_name: "paul@ch-demo.example".to_owned(),
        display_name: "Paul Petit".to_owned(),
        password: Some(Secret::new(PASSWORD.to_owned())),
        ..NewUser::default()
    };
    world.idp.directory().create_user(&world.cx, new).await.unwrap();
    let browser = world.browser();
    world.sign_in(&browser, &world.authorize(world.portal, WEB, &[])).await;
    let before = browser.cookie("__Host-hygie-idp").unwrap();
    let request = world.authorize(world.portal, WEB, &[("login_hint", "paul@ch-demo.example")]);
    let page = browser.get(&request).await;
    let answer = submit(
        &browser,
        &page,
        &[("username", "paul@ch-demo.example"), ("password", PASSWORD)],
    )
    .await;
    assert!(answer.redirect_param("code").is_some(), "{}", answer.text());
    assert_ne!(
        browser.cookie("__Host-hygie-idp").unwrap(),
        before,
        "a new value with each sign-in"
    );
    let choice = browser.get(&world.authorize(world.portal, WEB, &[])).await;
    assert!(choice.text().contains("Anna Martin") && choice.text().contains("Paul Petit"));
    let silent = browser
        .get(&world.authorize(world.portal, WEB, &[("prompt", "none")]))
        .await;
    assert_eq!(silent.redirect_param("error").as_deref(), Some("interaction_required"));
    // The old cookie value is worth nothing.
    let thief = world.browser();
    thief.set_cookie("__Host-hygie-idp", &before);
    let nobody = thief
        .get(&world.authorize(world.portal, WEB, &[("prompt", "none")]))
        .await;
    assert_eq!(nobody.redirect_param("error").as_deref(), Some("login_required"));
}

#[tokio::test]
async fn a_wrong_password_keeps_the_name_and_tells_nothing() {
    let world = World::new().await;
    let request = world.authorize(world.portal, WEB, &[]);
    let mut pages = Vec::new();
    for name in [ANNA, "nobody@ch-demo.example"] {
        let browser = world.browser();
        let page = world.sign_in_as(&browser, &request, (name, "wrong password")).await;
        assert_eq!(page.field("step").as_deref(), Some("password"));
        assert!(page.text().contains(name), "the name is kept");
        assert!(!page.text().contains("wrong password"), "the password is not");
        assert_eq!(browser.cookie("__Host-hygie-idp"), None);
        let csrf = page.field("csrf").unwrap();
        let encoded = name.replace('@', "%40");
        let text = page.text().replace(name, "NAME").replace(&encoded, "NAME");
        pages.push(text.replace(&csrf, "CSRF"));
    }
    assert_eq!(pages[0], pages[1], "known and unknown names are answered alike");
    let browser = world.browser();
    let first = browser.get(&request).await;
    let empty = submit(&browser, &first, &[("username", " ")]).await;
    assert_eq!(empty.field("step").as_deref(), Some("username"));
    let second = submit(&browser, &first, &[("username", ANNA)]).await;
    let none = submit(&browser, &second, &[("username", ANNA), ("password", "")]).await;
    assert_eq!(none.field("step").as_deref(), Some("password"));
}

#[tokio::test]
async fn ten_failures_lock_for_a_minute() {
    let world = World::new().await;
    let browser = world.browser();
    let request = world.authorize(world.portal, WEB, &[]);
    let first = browser.get(&request).await;
    let page = submit(&browser, &first, &[("username", ANNA)]).await;
    let attempt = |password: String| {
        let (browser, page) = (&browser, &page);
        async move { submit(browser, page, &[("username", ANNA), ("password", &password)]).await }
    };
    for n in 0..10 {
        assert_eq!(attempt(format!("guess {n}")).await.status, 200);
    }
    let locked = attempt(PASSWORD.to_owned()).await;
    assert!(locked.text().contains("verrouillé"), "{}", locked.text());
    world.clock.advance(Duration::from_mins(1));
    assert!(attempt(PASSWORD.to_owned()).await.redirect_param("code").is_some());
    // A saved password that was changed does not lock, however often it is tried.
    for _ in 0..15 {
        attempt("the old one".to_owned()).await;
    }
    assert!(attempt(PASSWORD.to_owned()).await.redirect_param("code").is_some());
}

#[tokio::test]
async fn a_name_that_nobody_has_locks_as_others_do() {
    let world = World::new().await;
    let request = world.authorize(world.portal, WEB, &[]);
    let mut told = Vec::new();
    for name in [ANNA, "nobody@ch-demo.example"] {
        let browser = world.browser();
        let first = browser.get(&request).await;
        let page = submit(&browser, &first, &[("username", name)]).await;
        let mut answers = Vec::new();
        for n in 0..12 {
            let guess = format!("guess {n}");
            let answer = submit(&browser, &page, &[("username", name), ("password", &guess)]).await;
            answers.push(answer.text().contains("verrouillé"));
        }
        told.push(answers);
    }
    assert_eq!(
        told[0].iter().filter(|locked| **locked).count(),
        3,
        "the tenth and later"
    );
    assert_eq!(told[0], told[1]);
}

#[tokio::test]
async fn guesses_at_once_do_not_outrun_the_lock() {
    let world = World::new().await;
    let browser = world.browser();
    let first = browser.get(&world.authorize(world.portal, WEB, &[])).await;
    let page = submit(&browser, &first, &[("username", ANNA)]).await;
    let guesses = (0..40).map(|n| {
        if n == 39 {
            PASSWORD.to_owned()
        } else {
            format!("guess {n}")
        }
    });
    let attempts = guesses.map(|password| {
        let (browser, page) = (&browser, &page);
        async move { submit(browser, page, &[("username", ANNA), ("password", &password)]).await }
    });
    let answers = futures_util::future::join_all(attempts).await;
    let last = answers.last().unwrap();
    assert_eq!(last.redirect_param("code"), None, "the right one came after the lock");
    assert!(last.text().contains("verrouillé"), "{}", last.text());
    world.clock.advance(Duration::from_mins(1));
    let answer = submit(&browser, &page, &[("username", ANNA), ("password", PASSWORD)]).await;
    assert!(answer.redirect_param("code").is_some(), "locked once, for a minute");
}

#[tokio::test]
async fn forms_of_others_are_refused() {
    let world = World::new().await;
    let browser = world.browser();
    let page = browser.get(&world.authorize(world.portal, WEB, &[])).await;
    let other = world.browser();
    let refused = submit(&other, &page, &[("username", ANNA), ("password", PASSWORD)]).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("AADSTS50089"), "{}", refused.text());
    assert_eq!(other.cookie("__Host-hygie-idp"), None);
    // The request in the form is checked again: it cannot lead elsewhere.
    let csrf = page.field("csrf").unwrap();
    let evil = page.field("request").unwrap().replace("portal.example", "evil.example");
    let fields = [
        ("csrf", csrf.as_str()),
        ("step", "password"),
        ("version", "2"),
        ("request", &evil),
        ("username", ANNA),
        ("password", PASSWORD),
    ];
    let answer = browser.post(&world.path("login"), &fields).await;
    assert!(answer.text().contains("AADSTS50011"), "{}", answer.text());
    assert_eq!(browser.cookie("__Host-hygie-idp"), None);
}

#[tokio::test]
async fn who_may_not_is_told_so() {
    let world = World::new().await;
    let browser = world.browser();
    world
        .idp
        .directory()
        .set_requires_assignment(&world.cx, world.portal, Enabled::Yes)
        .await
        .unwrap();
    let page = world.sign_in(&browser, &world.authorize(world.portal, WEB, &[])).await;
    assert_eq!((page.status.as_u16(), page.location()), (400, ""));
    assert!(page.text().contains("AADSTS50105") && page.text().contains("Portal"));
    let silent = browser
        .get(&world.authorize(world.portal, WEB, &[("prompt", "none")]))
        .await;
    assert_eq!(
        silent.redirect_param("error").as_deref(),
        Some("access_denied"),
        "silent requests always redirect"
    );
    // Assigned through the group.
    let group = hygie_core::ObjectId::from_uuid(world.nurses.uuid());
    world
        .idp
        .directory()
        .assign_app_role(&world.cx, world.portal, group, "Visitor")
        .await
        .unwrap();
    let answer = browser.get(&world.authorize(world.portal, WEB, &[])).await;
    let body = world.redeem(&answer.redirect_param("code").unwrap()).await.json();
    let claims = world.verified(&body["id_token"]).claims;
    assert_eq!(claims.texts("roles").collect::<Vec<_>>(), ["Visitor"]);
    world
        .idp
        .directory()
        .set_user_enabled(&world.cx, world.nurse, Enabled::No)
        .await
        .unwrap();
    let again = browser.get(&world.authorize(world.portal, WEB, &[])).await;
    assert_eq!(
        again.field("step").as_deref(),
        Some("username"),
        "the session of a disabled user is none"
    );
    let page = submit(&browser, &again, &[("username", ANNA)]).await;
    let refused = submit(&browser, &page, &[("username", ANNA), ("password", PASSWORD)]).await;
    assert!(refused.text().contains("désactivé"), "{}", refused.text());
}

#[tokio::test]
async fn our_page_says_nothing_in_the_words_of_a_stranger() {
    let world = World::new().await;
    let browser = world.browser();
    let long = format!("{}@ch-demo.example", "x".repeat(300));
    for hint in [
        "Your account is locked, call +33 1 23 45 67 89",
        "support: dial@0123456789 now",
        "anna\u{202e}elpmaxe@ch-demo.example",
        "anna\r\n@ch-demo.example",
        "no-domain",
        "@ch-autre.example",
        &long,
    ] {
        let page = browser
            .get(&world.authorize(world.portal, WEB, &[("login_hint", hint)]))
            .await;
        assert_eq!(page.status, 200, "{hint}");
        assert_eq!(page.field("step").as_deref(), Some("username"), "{hint}");
        let text = page.text();
        let main = text.split("<main").nth(1).unwrap();
        let visible: Vec<&str> = main.lines().filter(|line| !line.contains("type=\"hidden\"")).collect();
        let visible = visible.join("\n");
        assert!(!visible.contains(&hint[..9]), "{hint} in {visible}");
        // Nor does it name somebody when it is typed: it goes back to the field.
        for step in ["username", "password"] {
            let csrf = page.field("csrf").unwrap();
            let request = page.field("request").unwrap();
            let fields = [
                ("csrf", csrf.as_str()),
                ("step", step),
                ("version", "2"),
                ("request", request.as_str()),
                ("username", hint),
                ("password", PASSWORD),
            ];
            let again = browser.post(&world.path("login"), &fields).await;
            assert_eq!(again.field("step").as_deref(), Some("username"), "{step} {hint}");
        }
        // A hint that names nobody is not the same as no hint.
        let signed_in = world.browser();
        world
            .sign_in(&signed_in, &world.authorize(world.portal, WEB, &[]))
            .await;
        let silent = world.authorize(world.portal, WEB, &[("login_hint", hint), ("prompt", "none")]);
        let silent = signed_in.get(&silent).await;
        assert_eq!(
            silent.redirect_param("error").as_deref(),
            Some("login_required"),
            "{hint}"
        );
    }
    let named = browser
        .get(&world.authorize(world.portal, WEB, &[("login_hint", ANNA)]))
        .await;
    assert_eq!(named.field("step").as_deref(), Some("password"));
}

#[tokio::test]
async fn a_sign_in_on_its_way_does_not_outlive_the_password() {
    let world = World::new().await;
    let other = NewUser {
        user_principal_name: "paul@ch-demo.example".to_owned(),
        display_name: "Paul Petit".to_owned(),
        password: Some(Secret::new("Another horse 8".to_owned())),
        ..NewUser::default()
    };
    world.idp.directory().create_user(&world.cx, other).await.unwrap();
    let browser = world.browser();
    let request = world.authorize(world.portal, WEB, &[]);
    let page = submit(&browser, &browser.get(&request).await, &[("username", ANNA)]).await;
    // The administrator's request began first and is written while the old password is being checked.
    world.clock.advance(Duration::from_secs(1));
    let before = world.cx(world.tenant);
    world.clock.advance(Duration::from_secs(1));
    let change = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let changed = world.store.store.write(&before, world.nurse, |nurse, tx| {
            Box::pin(async move {
                let now = tx.cx().now;
                let (_, hash) = Users(tx).find_by_name("paul@ch-demo.example").await?.unwrap();
                Users(tx).set_password(*nurse, &hash.unwrap(), now).await?;
                Sessions(tx).revoke_all_of(*nurse, now).await?;
                Ok::<_, IdpError>(())
            })
        });
        changed.await.unwrap();
    };
    let fields = [("username", ANNA), ("password", PASSWORD)];
    let (answer, ()) = tokio::join!(submit(&browser, &page, &fields), change);
    let silent = browser
        .get(&world.authorize(world.portal, WEB, &[("prompt", "none")]))
        .await;
    let error = silent.redirect_param("error");
    assert_eq!(error.as_deref(), Some("login_required"), "{}", answer.status);
}

#[tokio::test]
async fn what_is_done_to_a_user_is_done_at_once() {
    let world = World::new().await;
    let body = world.code_flow(&[]).await;
    let claims = world.verified(&body["access_token"]).claims;
    let origin = Origin {
        tenant: world.tenant,
        subject: world.nurse,
        session: None,
        issued_at: claims.issued_at,
        rh: None,
    };
    let revoked = || world.idp.directory().revoked(&origin);
    assert_eq!(revoked(), None);
    world.clock.advance(Duration::from_secs(1));
    let cx = world.cx(world.tenant);
    let entries = crate::audit::entries(&world).await.len();
    world
        .idp
        .directory()
        .set_user_enabled(&cx, world.nurse, Enabled::No)
        .await
        .unwrap();
    assert_eq!(revoked(), Some(Revoked::User));
    world
        .idp
        .directory()
        .set_user_enabled(&cx, world.nurse, Enabled::Yes)
        .await
        .unwrap();
    let refresh = body["refresh_token"].as_str().unwrap();
    assert_eq!(
        world.refresh(refresh, &[]).await.status,
        400,
        "enabled again, but not what it had"
    );
    let told = crate::audit::entries(&world).await.split_off(entries).join("\n");
    assert!(
        told.contains("idp.user.disable") && told.contains("idp.user.enable"),
        "{told}"
    );
}

#[tokio::test]
async fn a_password_given_for_once_is_changed_first() {
    let world = World::new().await;
    let cx = world.cx(world.tenant);
    let profile = serde_json::json!({ "forceChangePasswordNextSignIn": true });
    let change = hygie_directory::UserChange {
        profile: profile.as_object().unwrap().clone(),
        ..hygie_directory::UserChange::default()
    };
    let tokens = world.code_flow(&[]).await;
    world
        .idp
        .directory()
        .update_user(&cx, world.nurse, change)
        .await
        .unwrap();
    let refused = world.refresh(tokens["refresh_token"].as_str().unwrap(), &[]).await;
    assert_eq!(crate::world::code_of(&refused), 50_055);
    assert_eq!(refused.json()["suberror"], "user_password_expired");
    world.clock.advance(Duration::from_secs(1));
    let browser = world.browser();
    let asked = world.sign_in(&browser, &world.authorize(world.portal, WEB, &[])).await;
    assert_eq!(asked.field("step").as_deref(), Some("new-password"), "{}", asked.text());
    let weak = submit(&browser, &asked, &[("password", "password1")]).await;
    assert_eq!(weak.field("step").as_deref(), Some("new-password"));
    let same = submit(&browser, &weak, &[("password", PASSWORD)]).await;
    assert!(same.text().contains("différer de l"), "{}", same.text());
    let done = submit(&browser, &same, &[("password", "Cheval 9 correct!")]).await;
    assert!(done.redirect_param("code").is_some(), "{}", done.text());
    let again = world.browser();
    let name = ("anna.martin@ch-demo.example", "Cheval 9 correct!");
    let answer = world
        .sign_in_as(&again, &world.authorize(world.portal, WEB, &[]), name)
        .await;
    assert!(answer.redirect_param("code").is_some(), "it is not asked again");
}
