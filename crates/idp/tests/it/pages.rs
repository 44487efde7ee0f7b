//! The pages besides signing in: error codes, languages, messages.

use hygie_web::i18n::Messages;

use crate::world::World;

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
    for directory in ["templates", "src/http"] {
        for entry in std::fs::read_dir(directory).unwrap().flatten() {
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
