//! Revocation of tokens by their clients (RFC 7009).

use hygie_access::{Origin, Revocations};
use hygie_testkit::Answer;
use serde_json::Value;

use crate::world::{LOOPBACK, World, code_of, exchange};

impl World {
    async fn revoke(&self, client: &str, secret: Option<&str>, token: &str) -> Answer {
        let mut fields = vec![("client_id", client), ("token", token)];
        fields.extend(secret.map(|secret| ("client_secret", secret)));
        self.browser().post(&self.path("oauth2/v2.0/revoke"), &fields).await
    }

    fn is_revoked(&self, token: &Value) -> bool {
        let claims = self.verified(token).claims;
        let origin = Origin {
            tenant: self.tenant,
            subject: self.nurse,
            session: None,
            issued_at: claims.issued_at,
            rh: claims.text("rh").map(Box::from),
        };
        self.idp.directory().revoked(&origin).is_some()
    }
}

#[tokio::test]
async fn a_client_revokes_what_it_was_given() {
    let world = World::new().await;
    let portal = world.portal.to_string();
    for kind in ["access_token", "refresh_token"] {
        let tokens = world.code_flow(&[]).await;
        let other = world.code_flow(&[]).await;
        let token = tokens[kind].as_str().unwrap();
        let answer = world.revoke(&portal, Some(&world.secret), token).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, ""), "{kind}");
        assert!(world.is_revoked(&tokens["access_token"]), "{kind}");
        let refused = world.refresh(tokens["refresh_token"].as_str().unwrap(), &[]).await;
        assert_eq!(code_of(&refused), 50_173, "{kind}");
        assert!(
            !world.is_revoked(&other["access_token"]),
            "{kind}: only what came of the same"
        );
        let entries = crate::audit::entries(&world).await;
        assert!(entries.iter().any(|entry| entry.contains("idp.token.revoke")), "{kind}");
        let again = world.revoke(&portal, Some(&world.secret), token).await;
        assert_eq!(again.status, 200, "{kind}: nothing is there any more");
    }
}

#[tokio::test]
async fn nobody_revokes_what_is_anothers() {
    let world = World::new().await;
    let (portal, native) = (world.portal.to_string(), world.native.to_string());
    let tokens = world.code_flow(&[]).await;
    let token = tokens["access_token"].as_str().unwrap();
    let stranger = world.revoke(&native, None, token).await;
    assert_eq!(stranger.status, 200, "it is not told whose it is");
    assert_eq!(code_of(&world.revoke(&portal, None, token).await), 7_000_218);
    assert_eq!(code_of(&world.revoke(&portal, Some("wrong"), token).await), 7_000_215);
    assert_eq!(world.revoke(&portal, Some(&world.secret), "nothing").await.status, 200);
    assert!(!world.is_revoked(&tokens["access_token"]));
    let (browser, path) = (world.browser(), world.path("oauth2/v2.0/revoke"));
    assert_eq!(code_of(&browser.post(&path, &[("client_id", &portal)]).await), 900_144);
    // A client without a credential shows the token itself.
    let code = world.code(world.native, LOOPBACK, &[]).await;
    let own = world.token(&exchange(&native, &code, LOOPBACK)).await.json();
    let token = own["access_token"].as_str().unwrap();
    assert_eq!(world.revoke(&native, None, token).await.status, 200);
    assert!(world.is_revoked(&own["access_token"]));
}
