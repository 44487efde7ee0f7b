//! Signing out.

use crate::world::{WEB, World};

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
    assert!(!page.text().contains("evil.example"));
    // Without a session, the application names itself.
    let named = format!(
        "oauth2/v2.0/logout?client_id={}&post_logout_redirect_uri={WEB}",
        world.portal
    );
    let answer = world.browser().get(&world.path(&named)).await;
    assert_eq!((answer.status.as_u16(), answer.location()), (302, WEB));
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
