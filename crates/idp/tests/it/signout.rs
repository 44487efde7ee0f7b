//! Signing out.

use hygie_core::Secret;
use hygie_directory::NewUser;

use crate::world::{PASSWORD, WEB, World, submit};

#[tokio::test]
async fn signing_out_ends_the_session_and_goes_back_to_a_known_address() {
    let world = World::new().await;
    let browser = world.browser();
    let body = {
        let answer = world.sign_in(&browser, &world.authorize(world.portal, WEB, &[])).await;
        world.redeem(&answer.redirect_param("code").unwrap()).await.json()
    };
    let session = world.verified(&body["id_token"]).claims.text("sid").unwrap().to_owned();
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("post_logout_redirect_uri", WEB)
        .append_pair("state", "bye")
        .finish();
    let page = browser.get(&world.path(&format!("oauth2/v2.0/logout?{query}"))).await;
    assert_eq!(page.status, 200);
    // The portal is told in a frame before the browser goes on.
    let frame = format!(
        "src=\"https://portal.example/logout?iss=https%3A%2F%2Flogin.example%3A8441%2F{}%2Fv2.0&#38;sid={session}\"",
        world.tenant
    );
    assert!(page.text().contains(&frame), "{}", page.text());
    assert!(
        page.header("content-security-policy")
            .contains("frame-src https://portal.example")
    );
    assert_eq!(
        page.header("refresh"),
        "3; url=https://portal.example/callback?state=bye"
    );
    assert_eq!(browser.cookie("__Host-hygie-idp"), None);
    let silent = browser
        .get(&world.authorize(world.portal, WEB, &[("prompt", "none")]))
        .await;
    assert_eq!(silent.redirect_param("error").as_deref(), Some("login_required"));
    // Refresh tokens belong to the application, not to the browser.
    assert_eq!(
        world.refresh(body["refresh_token"].as_str().unwrap(), &[]).await.status,
        200
    );
}

#[tokio::test]
async fn nobody_is_sent_to_an_address_that_no_application_of_theirs_has() {
    let world = World::new().await;
    let browser = world.browser();
    world.sign_in(&browser, &world.authorize(world.portal, WEB, &[])).await;
    let page = browser
        .get(&world.path("oauth2/v2.0/logout?post_logout_redirect_uri=https://evil.example/"))
        .await;
    assert_eq!(
        (page.status.as_u16(), page.location(), page.header("refresh")),
        (200, "", "")
    );
    assert!(!page.text().contains("href=\"https://evil.example"), "{}", page.text());
    // Without a session, the application names itself.
    let named = format!(
        "oauth2/v2.0/logout?client_id={}&post_logout_redirect_uri={WEB}",
        world.portal
    );
    let answer = world.browser().get(&world.path(&named)).await;
    assert_eq!((answer.status.as_u16(), answer.location()), (302, WEB));
    // By an id token of its own, not by one of another application.
    let body = world.code_flow(&[]).await;
    let hint = body["id_token"].as_str().unwrap();
    for (id, location) in [(world.portal.to_string(), WEB), (world.spa.to_string(), "")] {
        for address in [WEB, crate::world::SPA] {
            let named =
                format!("oauth2/v2.0/logout?client_id={id}&id_token_hint={hint}&post_logout_redirect_uri={address}");
            let answer = world.browser().get(&world.path(&named)).await;
            let expected = if address == WEB { location } else { "" };
            assert_eq!(answer.location(), expected, "{id} {address}");
        }
    }
    let unnamed = world
        .browser()
        .get(&world.path(&format!("oauth2/v2.0/logout?post_logout_redirect_uri={WEB}")))
        .await;
    assert_eq!((unnamed.status.as_u16(), unnamed.location()), (200, ""));
}

#[tokio::test]
async fn a_form_of_another_site_ends_the_session_too() {
    let world = World::new().await;
    let browser = world.browser();
    world.sign_in(&browser, &world.authorize(world.portal, WEB, &[])).await;
    // Browsers keep the cookie back from it.
    let id = world.portal.to_string();
    let fields = [("client_id", id.as_str()), ("post_logout_redirect_uri", WEB)];
    let sent_on = world.browser().post(&world.path("oauth2/v2.0/logout"), &fields).await;
    assert_eq!((sent_on.status.as_u16(), sent_on.header("set-cookie")), (303, ""));
    let page = browser.get(sent_on.location()).await;
    assert_eq!(page.header("refresh"), format!("3; url={WEB}"));
    let silent = browser
        .get(&world.authorize(world.portal, WEB, &[("prompt", "none")]))
        .await;
    assert_eq!(silent.redirect_param("error").as_deref(), Some("login_required"));
}

/// The session has to come along with frames of other sites (`prompt=none`), and so comes with their images too.
#[tokio::test]
async fn an_image_or_a_frame_of_another_site_ends_no_session() {
    let world = World::new().await;
    let browser = world.browser();
    world.sign_in(&browser, &world.authorize(world.portal, WEB, &[])).await;
    let silent = world.authorize(world.portal, WEB, &[("prompt", "none")]);
    for (address, mode, dest) in [
        ("/organizations/oauth2/v2.0/logout".to_owned(), "no-cors", "image"),
        (world.path("oauth2/logout"), "navigate", "iframe"),
        (world.path("oauth2/v2.0/logout"), "cors", "empty"),
    ] {
        let headers = [
            ("sec-fetch-mode", mode),
            ("sec-fetch-dest", dest),
            ("sec-fetch-site", "cross-site"),
        ];
        let answer = browser.get_with(&address, &headers).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("set-cookie")),
            (400, ""),
            "{dest}"
        );
        assert!(browser.get(&silent).await.redirect_param("code").is_some(), "{dest}");
    }
    // Following a link, or an application that leaves.
    let headers = [
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
        ("sec-fetch-site", "cross-site"),
    ];
    let left = browser.get_with(&world.path("oauth2/v2.0/logout"), &headers).await;
    assert_eq!(left.status, 200);
    let error = browser.get(&silent).await.redirect_param("error");
    assert_eq!(error.as_deref(), Some("login_required"));
}

#[tokio::test]
async fn who_leaves_is_told_whose_session_stays() {
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
    let other = world.authorize(
        world.portal,
        WEB,
        &[("prompt", "login"), ("login_hint", "paul@ch-demo.example")],
    );
    let page = browser.get(&other).await;
    let fields = [("username", "paul@ch-demo.example"), ("password", PASSWORD)];
    submit(&browser, &page, &fields).await;
    let leave = |query: &str| world.path(&format!("oauth2/v2.0/logout?{query}"));
    let nobody = browser.get(&leave("logout_hint=nobody@ch-demo.example")).await;
    for name in ["Anna Martin", "Paul Petit", "Une session reste ouverte"] {
        assert!(nobody.text().contains(name), "{name}: {}", nobody.text());
    }
    let one = browser.get(&leave("logout_hint=paul@ch-demo.example")).await;
    assert!(
        one.text().contains("Anna Martin") && !one.text().contains("Paul Petit"),
        "{}",
        one.text()
    );
    let everyone = browser.get("/organizations/oauth2/v2.0/logout").await;
    assert!(!everyone.text().contains("Anna Martin"), "{}", everyone.text());
    let again = browser.get(&leave("")).await;
    assert!(
        again.text().contains("Aucune session n’est ouverte"),
        "{}",
        again.text()
    );
}
