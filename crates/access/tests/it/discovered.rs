//! Keys of an outside issuer over HTTP.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use hygie_access::{Discovered, Document, EgressPolicy, EntraCloud, KeySource, KeysUnavailable, Outgoing};
use hygie_jose::{Algorithm, Jwks, SigningKey};
use serde_json::json;

use crate::server::Server;
use crate::world::{Hand, World, tenant};

struct Issuer {
    server: Server,
    address: String,
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
            keys: Discovered::new(outgoing.unwrap(), Document::of_issuer(issuer), world.clock.clone()),
            server,
            address,
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
async fn endpoints_come_with_the_keys() {
    let issuer = Issuer::start(&World::new()).await;
    issuer.publish(1);
    let address = &issuer.address;
    let document = json!({
        "issuer": format!("http://{address}/realm/"), "jwks_uri": format!("http://{address}/keys"),
        "introspection_endpoint": format!("http://{address}/introspect"), "userinfo_endpoint": 7,
    });
    issuer
        .server
        .serve("/realm/.well-known/openid-configuration", &document.to_string());
    let endpoints = issuer.keys.endpoints().await.unwrap();
    let introspection = endpoints.introspection_endpoint.unwrap();
    assert_eq!(introspection.as_str(), format!("http://{address}/introspect"));
    assert_eq!(endpoints.userinfo_endpoint, None);
    assert_eq!(issuer.count().await, Ok(1));
    assert_eq!(issuer.requests(), 2, "both at once");
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

/// An issuer that rotates while it cannot be reached is not refused for five minutes when it is back.
#[tokio::test]
async fn a_failure_does_not_use_up_the_question_of_an_unknown_key() {
    let issuer = Issuer::start(&World::new()).await;
    issuer.publish(1);
    assert_eq!(issuer.count().await, Ok(1));
    issuer.clock.advance(Duration::from_mins(1));
    issuer.server.serve("/keys", "<html>down for maintenance</html>");
    assert_eq!(issuer.count_refreshed().await, Ok(1));
    let asked = issuer.requests();
    assert_eq!(issuer.count_refreshed().await, Ok(1));
    assert_eq!(issuer.requests(), asked, "left alone for a while after a failure");
    issuer.publish(2);
    issuer.clock.advance(Duration::from_secs(30));
    assert_eq!(issuer.count_refreshed().await, Ok(2));
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

#[tokio::test]
async fn who_hangs_up_does_not_use_up_the_chance_of_the_others() {
    let issuer = Issuer::start(&World::new()).await;
    issuer.publish(1);
    assert_eq!(issuer.count().await, Ok(1));
    issuer.clock.advance(Duration::from_mins(1));
    issuer.publish(2);
    // The future is polled once, which begins the request, and dropped.
    assert!(issuer.keys.refreshed().now_or_never().is_none());
    assert_eq!(issuer.count_refreshed().await, Ok(2));
    assert_eq!(issuer.requests(), 4, "asked once, for both");
}

#[tokio::test]
async fn an_issuer_that_hangs_delays_nobody_who_has_keys() {
    let issuer = Issuer::start(&World::new()).await;
    issuer.publish(1);
    assert_eq!(issuer.count().await, Ok(1));
    issuer.clock.advance(Duration::from_hours(2));
    // Announces a document and never sends it.
    let silent = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n".to_owned();
    issuer.server.raw("/keys", silent);
    let started = tokio::time::Instant::now();
    assert_eq!(issuer.count().await, Ok(1));
    assert_eq!(issuer.count_refreshed().await, Ok(1));
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
}

#[tokio::test]
async fn unknown_keys_that_come_together_ask_once() {
    let issuer = Issuer::start(&World::new()).await;
    issuer.publish(1);
    assert_eq!(issuer.count().await, Ok(1));
    issuer.clock.advance(Duration::from_mins(1));
    issuer.publish(2);
    let all = (0..100).map(|_| issuer.count_refreshed());
    for count in futures_util::future::join_all(all).await {
        assert_eq!(count, Ok(2));
    }
    assert_eq!(issuer.requests(), 4);
}

#[tokio::test]
async fn one_document_for_all_tenants_of_a_cloud() {
    let world = World::new();
    let (server, address) = Server::start().await;
    let cloud = EntraCloud::of(&format!("http://{address}"));
    let outgoing = Outgoing::new(EgressPolicy {
        private_hosts: vec![address.clone()],
        ..EgressPolicy::default()
    });
    let template = format!("http://{address}/{{tenantid}}/v2.0");
    let document = json!({"issuer": template, "jwks_uri": format!("http://{address}/keys")}).to_string();
    let keys = Jwks {
        keys: vec![world.key.public_jwk()],
    };
    server.serve("/keys", &serde_json::to_string(&keys).unwrap());
    server.serve("/organizations/v2.0/.well-known/openid-configuration", &document);
    server.serve(
        &format!("/{}/v2.0/.well-known/openid-configuration", tenant(1)),
        &document,
    );
    let outgoing = outgoing.unwrap();
    let shared = Discovered::new(
        outgoing.clone(),
        Document::of_entra_organizations(&cloud),
        world.clock.clone(),
    );
    assert_eq!(shared.keys().await.map(|keys| keys.len()), Ok(1));
    // The document of one tenant must name that tenant.
    let own = Discovered::new(outgoing, Document::of_entra(&cloud, tenant(1)), world.clock.clone());
    assert_eq!(own.keys().await.err(), Some(KeysUnavailable));
}
