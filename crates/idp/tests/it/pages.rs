//! The pages besides signing in: error codes, languages, messages.

use hygie_testkit::Answer;
use hygie_web::i18n::Messages;

use crate::world::{WEB, World, submit};

#[tokio::test]
async fn an_error_code_is_explained() {
    let world = World::new().await;
    let page = world
        .browser()
        .get_with("/error?code=50058", &[("accept-language", "en")])
        .await;
    assert_eq!(page.status, 200);
    assert!(
        page.text().contains("Nobody is signed in") && page.text().contains("login_required"),
        "{}",
        page.text()
    );
    for unknown in ["/error", "/error?code=1", "/error?code=x"] {
        assert_eq!(world.browser().get(unknown).await.status, 400, "{unknown}");
    }
    // Every code has a page.
    for code in hygie_oidc::Aadsts::ALL {
        let page = world.browser().get(&format!("/error?code={}", code.number())).await;
        assert_eq!(page.status, 200, "{code:?}");
        assert!(page.text().contains(&format!("AADSTS{}", code.number())), "{code:?}");
    }
}

#[test]
fn french_and_english_have_the_same_messages() {
    let messages = Messages::new(&[hygie_idp::MESSAGES]).unwrap();
    assert_eq!(messages.differences(), Vec::<String>::new());
    for directory in ["templates", "src/http", "src/http/security"] {
        let entries = std::fs::read_dir(directory).unwrap().flatten();
        for entry in entries.filter(|entry| entry.path().is_file()) {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            assert_eq!(
                messages.unknown_keys(&text),
                Vec::<String>::new(),
                "{}",
                entry.path().display()
            );
        }
    }
}

/// The address to which the switches of a page return.
fn returns_to(page: &Answer) -> String {
    page.field("return").expect("the switches").replace("&#38;", "&")
}

#[tokio::test]
async fn the_switches_of_the_password_page_keep_the_account() {
    let world = World::new().await;
    let browser = world.browser();
    let first = browser.get(&world.authorize(world.portal, WEB, &[])).await;
    let second = submit(&browser, &first, &[("username", "anna.martin@ch-demo.example")]).await;
    let again = browser.get(&returns_to(&second)).await;
    assert_eq!(again.field("step").as_deref(), Some("password"), "{}", again.text());
}

#[tokio::test]
async fn a_page_that_is_no_longer_valid_leads_on() {
    let world = World::new().await;
    let browser = world.browser();
    let first = browser.get(&world.authorize(world.portal, WEB, &[])).await;
    // Another browser, or one that keeps no cookie.
    let refused = submit(&world.browser(), &first, &[("username", "anna.martin@ch-demo.example")]).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("AADSTS50089"), "{}", refused.text());
    let begin = format!(
        "href=\"{}\"",
        world.authorize(world.portal, WEB, &[]).replace('&', "&#38;")
    );
    assert!(refused.text().contains(&begin), "{}", refused.text());
    assert_eq!(browser.get(&returns_to(&refused)).await.status, 200);
    // The way on stays here, whatever the path of a form says.
    let fields = [("csrf", "x"), ("request", "client_id=x"), ("username", "x")];
    for segment in ["\\evil.example", "%5Cevil.example", "@evil.example"] {
        let elsewhere = world.browser().post(&format!("/{segment}/login"), &fields).await;
        assert_eq!(elsewhere.status, 400, "{segment}");
        assert!(
            !elsewhere.text().contains("evil.example/oauth2"),
            "{}",
            elsewhere.text()
        );
    }
    // Who reloads the address of the form is told the same.
    let reloaded = browser.get(&world.path("login")).await;
    assert_eq!(reloaded.status, 400);
    assert!(reloaded.text().contains("AADSTS50089"), "{}", reloaded.text());
}

#[tokio::test]
async fn the_start_page_shows_whose_sessions_are_open() {
    let world = World::new().await;
    let browser = world.browser();
    let page = browser.get("/").await;
    assert_eq!(page.status, 200);
    assert!(!page.text().contains("/logout"), "{}", page.text());
    world.sign_in(&browser, &world.authorize(world.portal, WEB, &[])).await;
    let page = browser.get("/").await;
    assert!(page.text().contains("Anna Martin"), "{}", page.text());
    let farewell = browser.get("/organizations/oauth2/v2.0/logout").await;
    assert_eq!(farewell.status, 200);
    assert!(!browser.get("/").await.text().contains("Anna Martin"));
}
