//! Discovery, keys, instance discovery.

use serde_json::json;

use crate::world::{LOGIN, World, code_of};

#[tokio::test]
async fn documents_are_golden() {
    let world = World::new().await;
    let browser = world.browser();
    for (name, path) in [
        ("v2_tenant", world.path("v2.0/.well-known/openid-configuration")),
        ("v1_tenant", world.path(".well-known/openid-configuration")),
        (
            "v2_organizations",
            "/organizations/v2.0/.well-known/openid-configuration".to_owned(),
        ),
        ("v1_common", "/common/.well-known/openid-configuration".to_owned()),
    ] {
        let answer = browser.get_with(&path, &[("origin", "https://anywhere.example")]).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("cache-control"), "max-age=86400, private");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        insta::assert_snapshot!(name, serde_json::to_string_pretty(&answer.json()).unwrap());
    }
    let by_domain = browser
        .get("/CH-demo.example/v2.0/.well-known/openid-configuration")
        .await
        .json();
    let by_id = browser
        .get(&world.path("v2.0/.well-known/openid-configuration"))
        .await
        .json();
    assert_eq!(by_domain, by_id);
}

#[tokio::test]
async fn every_address_that_is_named_answers() {
    let world = World::new().await;
    let browser = world.browser();
    for document in [
        "v2.0/.well-known/openid-configuration",
        ".well-known/openid-configuration",
    ] {
        let document = browser.get(&world.path(document)).await.json();
        let members = document.as_object().unwrap().iter();
        let named: Vec<_> = members
            .filter(|(name, _)| *name != "issuer")
            .filter_map(|(name, value)| Some((name, value.as_str()?.strip_prefix(LOGIN)?)))
            .collect();
        assert!(named.len() >= 6, "{named:?}");
        for (name, path) in named {
            let answer = browser.get(path).await;
            assert_ne!(answer.status, 404, "{name} {path}");
        }
    }
}

#[tokio::test]
async fn unknown_tenants_are_told_so() {
    let world = World::new().await;
    for (segment, code, error) in [
        ("5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0009", 90002, "invalid_tenant"),
        ("nowhere.example", 90002, "invalid_tenant"),
        ("%22%3Cscript%3E", 90002, "invalid_tenant"),
        ("common&x", 90002, "invalid_tenant"),
        ("%63ommon", 90002, "invalid_tenant"),
        ("%00", 90002, "invalid_tenant"),
        ("ch-demo.example%00", 90002, "invalid_tenant"),
        ("consumers", 90130, "invalid_request"),
        ("9188040d-6c67-4c5b-b112-36a304b66dad", 90130, "invalid_request"),
    ] {
        let answer = world
            .browser()
            .get(&format!("/{segment}/v2.0/.well-known/openid-configuration"))
            .await;
        assert_eq!(answer.status, 400, "{segment}");
        assert_eq!(
            (code_of(&answer), answer.json()["error"].as_str()),
            (code, Some(error)),
            "{segment}"
        );
        assert_eq!(answer.json()["error_uri"], format!("{LOGIN}/error?code={code}"));
    }
}

#[tokio::test]
async fn keys_have_their_certificates() {
    let world = World::new().await;
    let v2 = world.browser().get("/common/discovery/v2.0/keys").await.json();
    let v1 = world.browser().get(&world.path("discovery/keys")).await.json();
    assert_eq!(
        v2["keys"].as_array().unwrap().len(),
        2,
        "one that signs and the next one"
    );
    for (with, without) in v2["keys"]
        .as_array()
        .unwrap()
        .iter()
        .zip(v1["keys"].as_array().unwrap())
    {
        assert_eq!(
            (&with["kty"], &with["use"], &with["e"]),
            (&json!("RSA"), &json!("sig"), &json!("AQAB"))
        );
        assert_eq!(with["kid"], with["x5t"]);
        assert_eq!(with["issuer"], format!("{LOGIN}/{{tenantid}}/v2.0"));
        assert!(without.get("issuer").is_none());
        assert_eq!(with["x5c"], without["x5c"]);
        assert_eq!(with["x5c"].as_array().unwrap().len(), 1);
        assert!(with.get("d").is_none());
    }
}

#[tokio::test]
async fn instances_are_ours_or_unknown() {
    let world = World::new().await;
    let ask = |endpoint: &str| format!("/common/discovery/instance?api-version=1.1&authorization_endpoint={endpoint}");
    let ours = format!("{LOGIN}/{}/oauth2/v2.0/authorize", world.tenant);
    let answer = world.browser().get(&ask(&ours)).await;
    assert_eq!(
        answer.json(),
        json!({
            "tenant_discovery_endpoint": format!("{LOGIN}/{}/v2.0/.well-known/openid-configuration", world.tenant),
            "api-version": "1.1",
            "metadata": [{ "preferred_network": "login.example:8441", "preferred_cache": "login.example:8441", "aliases": ["login.example:8441"] }],
        })
    );
    let other = world
        .browser()
        .get(&ask("https://login.microsoftonline.com/common/oauth2/authorize"))
        .await;
    assert_eq!((other.status.as_u16(), code_of(&other)), (400, 50049));
    assert_eq!(other.json()["error"], "invalid_instance");
    assert_eq!(
        code_of(&world.browser().get("/common/discovery/instance").await),
        900_144
    );
}
