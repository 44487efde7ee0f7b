//! Keys that an application gives itself by a proof of one that it has.

use std::time::Duration;

use hygie_core::{Clock as _, Timestamp};
use hygie_jose::{Algorithm, Certificate, Protected, SigningKey};
use serde_json::{Value, json};

use crate::world::{World, refusal, refused};

/// A key with its certificate.
pub struct Pair {
    key: SigningKey,
    pub certificate: Certificate,
}

impl Pair {
    pub fn new(now: Timestamp) -> Self {
        Self::until(now, now + Duration::from_hours(24 * 365))
    }

    fn until(now: Timestamp, end: Timestamp) -> Self {
        let key = SigningKey::generate(Algorithm::Es256).expect("of the test");
        let certificate = Certificate::self_signed(&key, "key", now, end).expect("of the test");
        Self { key, certificate }
    }

    pub fn shown(&self) -> Value {
        json!({ "type": "AsymmetricX509Cert", "usage": "Verify", "displayName": "key", "key": self.certificate.x5c() })
    }

    /// A proof of the application with this object id, with other claims in the place of the usual ones.
    pub fn proof(&self, id: &Value, now: Timestamp, other: &Value) -> String {
        let header = Protected::jwt().with_member("x5t", self.certificate.x5t());
        let mut claims = json!({ "aud": "00000002-0000-0000-c000-000000000000", "iss": id, "nbf": now.secs(),
            "exp": now.secs() + 600 });
        claims
            .as_object_mut()
            .expect("of the test")
            .extend(other.as_object().expect("of the test").clone());
        self.key.sign(&header, &claims).expect("of the test")
    }
}

/// A thumbprint as it is shown, where tokens have it in base64url.
pub fn in_base64(thumbprint: &str) -> String {
    format!("{}=", thumbprint.replace('-', "+").replace('_', "/"))
}

#[tokio::test]
async fn a_key_is_added_and_removed_by_a_proof_of_another() {
    let world = World::new().await;
    let admin = world.app(&["Application.ReadWrite.All"]);
    let now = world.clock.now();
    let (first, second) = (Pair::new(now), Pair::new(now));
    let new = json!({ "displayName": "Rolls", "keyCredentials": [first.shown()] });
    let made = admin.made("/v1.0/applications", &new).await;
    let id = &made["id"];
    let path = format!("/v1.0/applications/{}", id.as_str().unwrap());
    let add = format!("{path}/addKey");
    let none = json!({});
    let body = |proof: String| json!({ "keyCredential": second.shown(), "passwordCredential": null, "proof": proof });
    for (wrong, why) in [
        (second.proof(id, now, &none), "signed with a key that is not registered"),
        (first.proof(&made["appId"], now, &none), "of another issuer"),
        (
            first.proof(id, now, &json!({ "aud": "https://graph.microsoft.com" })),
            "for another audience",
        ),
        (first.proof(id, now, &json!({ "exp": now.secs() + 7200 })), "too long"),
        (
            first.proof(id, now, &json!({ "nbf": now.secs() - 3600, "exp": now.secs() - 3000 })),
            "of the past",
        ),
        ("x.y.z".to_owned(), "no token"),
    ] {
        let answer = admin.send("POST", &add, &body(wrong)).await;
        assert_eq!(refusal(&answer), refused(400, "Request_BadRequest"), "{why}");
        assert!(answer.text().contains("roof: "), "{why}: {}", answer.text());
    }
    let mut with_password = body(first.proof(id, now, &none));
    with_password["passwordCredential"] = json!({ "secretText": "x" });
    assert_eq!(admin.send("POST", &add, &with_password).await.status, 400);
    let good = body(first.proof(id, now, &none));
    assert_eq!(
        world.app(&["User.Read.All"]).send("POST", &add, &good).await.status,
        403
    );
    let answer = admin.send("POST", &add, &good).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let added = answer.json();
    assert_eq!(added["customKeyIdentifier"], in_base64(&second.certificate.x5t()));
    // The application itself needs no permission for its own keys.
    let principal = admin
        .made("/v1.0/servicePrincipals", &json!({ "appId": made["appId"] }))
        .await;
    let itself = world.by(&json!({ "oid": principal["id"], "sub": principal["id"], "roles": [] }));
    let remove = format!("{path}/removeKey");
    let first_id = &made["keyCredentials"][0]["keyId"];
    let gone = json!({ "keyId": first_id, "proof": second.proof(id, now, &none) });
    itself.changed("POST", &remove, &gone).await;
    let left = admin.json(&path).await;
    assert_eq!(left["keyCredentials"].as_array().unwrap().len(), 1);
    assert_eq!(left["keyCredentials"][0]["keyId"], added["keyId"]);
    assert_eq!(itself.send("POST", &remove, &gone).await.status, 404);
    let alien = json!({ "keyId": added["keyId"], "proof": first.proof(id, now, &none) });
    assert_eq!(
        itself.send("POST", &remove, &alien).await.status,
        400,
        "a key that was removed proves nothing"
    );
    assert_eq!(itself.get(&path).await.status, 403);
}

#[tokio::test]
async fn keys_that_are_added_at_once_are_all_there() {
    let world = World::new().await;
    let admin = world.app(&["Application.ReadWrite.All"]);
    let now = world.clock.now();
    let pairs = [Pair::new(now), Pair::new(now), Pair::new(now)];
    let new = json!({ "displayName": "Rolls", "keyCredentials": [pairs[0].shown()] });
    let made = admin.made("/v1.0/applications", &new).await;
    let id = &made["id"];
    let path = format!("/v1.0/applications/{}", id.as_str().unwrap());
    let add = format!("{path}/addKey");
    let body = |pair: &Pair| {
        json!({ "keyCredential": pair.shown(), "passwordCredential": null,
            "proof": pairs[0].proof(id, now, &json!({})) })
    };
    let (first, second) = (body(&pairs[1]), body(&pairs[2]));
    let answers = tokio::join!(admin.send("POST", &add, &first), admin.send("POST", &add, &second));
    assert_eq!((answers.0.status.as_u16(), answers.1.status.as_u16()), (200, 200));
    let left = admin.json(&path).await;
    assert_eq!(left["keyCredentials"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn what_is_no_proof() {
    let world = World::new().await;
    let admin = world.app(&["Application.ReadWrite.All"]);
    let now = world.clock.now();
    let first = Pair::until(now, now + Duration::from_mins(5));
    let new = json!({ "displayName": "Rolls", "keyCredentials": [first.shown()] });
    let made = admin.made("/v1.0/applications", &new).await;
    let id = &made["id"];
    let remove = format!("/v1.0/applications/{}/removeKey", id.as_str().unwrap());
    let key = &made["keyCredentials"][0]["keyId"];
    let none = json!({ "alg": "none", "typ": "JWT", "x5t": first.certificate.x5t() });
    let good = first.proof(id, now, &json!({}));
    let claims = good.split('.').nth(1).unwrap();
    let unsigned = format!(
        "{}.{claims}.",
        hygie_jose::base64url::encode(none.to_string().as_bytes())
    );
    for (wrong, why) in [
        (first.proof(id, now, &json!({ "nbf": null })), "from no instant on"),
        (unsigned, "not signed"),
    ] {
        let body = json!({ "keyId": key, "proof": wrong });
        let answer = admin.send("POST", &remove, &body).await;
        assert_eq!(answer.status, 400, "{why}: {}", answer.text());
        assert!(answer.text().contains("roof: "), "{why}: {}", answer.text());
    }
    world.clock.advance(Duration::from_mins(6));
    let later = json!({ "keyId": key, "proof": first.proof(id, world.clock.now(), &json!({})) });
    let admin = world.app(&["Application.ReadWrite.All"]);
    let answer = admin.send("POST", &remove, &later).await;
    assert_eq!(answer.status, 400, "by a certificate that has ended: {}", answer.text());
    assert!(answer.text().contains("roof: "), "{}", answer.text());
}
