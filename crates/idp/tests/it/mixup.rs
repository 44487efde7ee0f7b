//! What belongs to one establishment is worth nothing at another, though both have the application and the browser is
//! the same.

use crate::world::{PASSWORD, WEB, World, code_of, exchange, submit};

/// The portal in both establishments.
async fn shared() -> World {
    let world = World::new().await;
    let cx = world.cx(world.other);
    world
        .idp
        .directory()
        .create_service_principal(&cx, world.portal)
        .await
        .unwrap();
    world
}

impl World {
    /// The same address at the other establishment.
    fn elsewhere(&self, address: &str) -> String {
        address.replace(&self.tenant.to_string(), &self.other.to_string())
    }
}

#[tokio::test]
async fn a_session_is_of_its_own_tenant() {
    let world = shared().await;
    let browser = world.browser();
    let answer = world.sign_in(&browser, &world.authorize(world.portal, WEB, &[])).await;
    let body = world.redeem(&answer.redirect_param("code").unwrap()).await.json();
    let session = world.verified(&body["id_token"]).claims.text("sid").unwrap().to_owned();

    let silent = world.elsewhere(&world.authorize(world.portal, WEB, &[("prompt", "none")]));
    let answer = browser.get(&silent).await;
    assert_eq!(answer.redirect_param("error").as_deref(), Some("login_required"));
    let by_id = world.authorize(world.portal, WEB, &[("prompt", "none"), ("sid", &session)]);
    let answer = browser.get(&world.elsewhere(&by_id)).await;
    assert_eq!(answer.redirect_param("error").as_deref(), Some("login_required"));

    // Neither chosen from a list that does not show it, nor by the password of its person.
    let page = browser
        .get(&world.elsewhere(&world.authorize(world.portal, WEB, &[])))
        .await;
    assert_eq!(page.field("step").as_deref(), Some("username"));
    let (csrf, request) = (page.field("csrf").unwrap(), page.field("request").unwrap());
    let with = |step: &'static str| {
        [
            ("csrf", csrf.as_str()),
            ("step", step),
            ("version", "2"),
            ("request", request.as_str()),
            ("account", session.as_str()),
            ("username", "anna.martin@ch-demo.example"),
            ("password", PASSWORD),
        ]
        .map(|(name, value)| (name, value.to_owned()))
    };
    for (step, status, shown) in [("account", 200, "value=\"username\""), ("password", 400, "AADSTS50020")] {
        let fields = with(step);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = browser.post(&world.elsewhere(&world.path("login")), &fields).await;
        assert_eq!((answer.status.as_u16(), answer.location()), (status, ""), "{step}");
        assert!(answer.text().contains(shown), "{step}: {}", answer.text());
    }

    // Who leaves one is still in the other.
    browser.get(&world.elsewhere(&world.path("oauth2/v2.0/logout"))).await;
    let silent = browser
        .get(&world.authorize(world.portal, WEB, &[("prompt", "none")]))
        .await;
    assert!(silent.redirect_param("code").is_some(), "{}", silent.location());
}

#[tokio::test]
async fn a_code_is_of_its_own_tenant() {
    let world = shared().await;
    let code = world.code(world.portal, WEB, &[]).await;
    let id = world.portal.to_string();
    let fields = [
        &exchange(&id, &code, WEB)[..],
        &[("client_secret", world.secret.as_str())],
    ]
    .concat();
    let path = world.elsewhere(&world.path("oauth2/v2.0/token"));
    let refused = world.browser().post(&path, &fields).await;
    assert_eq!(code_of(&refused), 700_005, "{}", refused.text());
    assert_eq!(world.redeem(&code).await.status, 200, "it was not used up");
}

#[tokio::test]
async fn a_form_leads_to_the_tenant_it_is_posted_to() {
    let world = shared().await;
    let browser = world.browser();
    // The page of one, with its request, posted to the other: the person is signed in at home, and no guest there.
    let page = browser.get(&world.authorize(world.portal, WEB, &[])).await;
    let page = submit(&browser, &page, &[("username", "anna.martin@ch-demo.example")]).await;
    let (csrf, request) = (page.field("csrf").unwrap(), page.field("request").unwrap());
    let fields = [
        ("csrf", csrf.as_str()),
        ("step", "password"),
        ("version", "2"),
        ("request", request.as_str()),
        ("username", "anna.martin@ch-demo.example"),
        ("password", PASSWORD),
    ];
    let answer = browser.post(&world.elsewhere(&world.path("login")), &fields).await;
    assert_eq!((answer.status.as_u16(), answer.location()), (400, ""));
    assert!(answer.text().contains("AADSTS50020"), "{}", answer.text());
}

#[tokio::test]
async fn signing_out_sends_nobody_to_an_application_of_another_tenant() {
    let world = World::new().await;
    let named = format!(
        "oauth2/v2.0/logout?client_id={}&post_logout_redirect_uri={WEB}",
        world.portal
    );
    let here = world.browser().get(&world.path(&named)).await;
    assert_eq!((here.status.as_u16(), here.location()), (302, WEB));
    let there = world.browser().get(&world.elsewhere(&world.path(&named))).await;
    assert_eq!((there.status.as_u16(), there.location()), (200, ""));
    assert_eq!(there.header("refresh"), "");
}
