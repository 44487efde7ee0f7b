//! Keys of an outside issuer over HTTP.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hygie_access::{Discovered, EgressPolicy, KeySource, KeysUnavailable, Outgoing};
use hygie_jose::{Algorithm, Jwks, SigningKey};
use serde_json::json;

use crate::server::Server;
use crate::world::{Hand, World};

struct Issuer {
    server: Server,
    keys: Discovered,
    clock: Arc<Hand>,
}

impl Issuer {
    async fn start(world: &World) -> Self {
        let (server, address) = Server::start().await;
        let outgoing = Outgoing::new(EgressPolicy {
            private_hosts: vec![address.clone()],
            ..EgressPolicy::default()
        });
        let issuer = format!("http://{address}/realm/");
        let document = json!({"issuer": issuer, "jwks_uri": format!("http://{address}/keys"), "more": true});
        server.serve("/realm/.well-known/openid-configuration", &document.to_string());
        Self {
            keys: Discovered::new(outgoing.unwrap(), issuer, world.clock.clone()),
            server,
            clock: world.clock.clone(),
        }
    }

    fn publish(&self, count: usize) {
        let keys = (0..count).map(|_| SigningKey::generate(Algorithm::Es256).unwrap().public_jwk());
        let document = Jwks { keys: keys.collect() };
        self.server.serve("/keys", &serde_json::to_string(&document).unwrap());
    }

    async fn count(&self) -> Result<usize, KeysUnavailable> {
        self.keys.keys().await.map(|keys| keys.len())
    }

    async fn count_refreshed(&self) -> Result<usize, KeysUnavailable> {
        self.keys.refreshed().await.map(|keys| keys.len())
    }

    fn requests(&self) -> usize {
        self.server.requests.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn keys_are_kept_for_an_hour() {
    let issuer = Issuer::start(&World::new()).await;
    issuer.publish(1);
    assert_eq!(issuer.count().await, Ok(1));
    issuer.publish(2);
    issuer.clock.advance(Duration::from_secs(3599));
    assert_eq!(issuer.count().await, Ok(1));
    assert_eq!(issuer.requests(), 2, "discovery and keys, once");
    issuer.clock.advance(Duration::from_secs(1));
    assert_eq!(issuer.count().await, Ok(2));
}

#[tokio::test]
async fn an_unknown_key_asks_at_most_every_five_minutes() {
    let issuer = Issuer::start(&World::new()).await;
    issuer.publish(1);
    assert_eq!(issuer.count().await, Ok(1));
    issuer.clock.advance(Duration::from_mins(1));
    issuer.publish(2);
    assert_eq!(issuer.count_refreshed().await, Ok(2));
    issuer.publish(3);
    for _ in 0..10 {
        issuer.clock.advance(Duration::from_secs(29));
        assert_eq!(issuer.count_refreshed().await, Ok(2));
    }
    assert_eq!(issuer.requests(), 4);
    issuer.clock.advance(Duration::from_secs(10));
    assert_eq!(issuer.count_refreshed().await, Ok(3));
}

#[tokio::test]
async fn an_outage_of_the_issuer_is_not_ours_for_a_day() {
    let issuer = Issuer::start(&World::new()).await;
    issuer.publish(1);
    assert_eq!(issuer.count().await, Ok(1));
    issuer.server.serve("/keys", "<html>down for maintenance</html>");
    issuer.clock.advance(Duration::from_hours(2));
    assert_eq!(issuer.count().await, Ok(1));
    let asked = issuer.requests();
    assert_eq!(issuer.count().await, Ok(1));
    assert_eq!(issuer.requests(), asked, "left alone for a while after a failure");
    issuer.clock.advance(Duration::from_hours(22));
    assert_eq!(issuer.count().await, Err(KeysUnavailable));
    issuer.publish(2);
    issuer.clock.advance(Duration::from_secs(30));
    assert_eq!(issuer.count().await, Ok(2));
}

#[tokio::test]
async fn documents_that_are_not_taken() {
    let world = World::new();
    let other = json!({"issuer": "https://other.example/", "jwks_uri": "https://other.example/keys"}).to_string();
    for (discovery, keys) in [
        (Some(other.as_str()), None),
        (Some("{}"), None),
        (Some("["), None),
        (None, Some(r#"{"keys":[]}"#)),
        (None, Some(r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#)),
        (None, None),
    ] {
        let issuer = Issuer::start(&world).await;
        if let Some(document) = discovery {
            issuer.publish(1);
            issuer.server.serve("/realm/.well-known/openid-configuration", document);
        }
        if let Some(document) = keys {
            issuer.server.serve("/keys", document);
        }
        assert_eq!(issuer.count().await, Err(KeysUnavailable), "{discovery:?} {keys:?}");
    }
}
