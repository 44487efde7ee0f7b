//! Bearer tokens at the gate of a data service. Input: the lines form (`1`, `2` or `o` for Entra's versions and OpenID
//! Connect, then a letter for `typ`), claims as a JSON object that replace those of a good token (null takes one away),
//! and a header for the same.
//!
//! Laws: whatever a trusted issuer signs, nobody gets in for another audience, tenant or time than the token's; without
//! an assignment nobody may anything; only a signed token gets in at all.

use std::sync::{Arc, LazyLock};

use hygie_access::Interaction;
use hygie_core::{Clock, Principal};
use hygie_jose::Protected;
use serde_json::{Map, Value, json};

use crate::world::{APP, BASE, Door, LOGIN, OBJECT, OPEN_ID, TENANT};
use crate::{Target, text_lines, texts};

pub const TARGET: Target = Target {
    name: "access",
    run,
    seeds,
    words: r#"
        "aud": "iss": "exp": "nbf": "iat": "sub": "tid": "oid": "appid": "azp": "ver":"1.0" "ver":"2.0" "scp":
        "scope": "roles":[ "groups":[ "sid": "idtyp":"app" "idtyp":"user" "cnf":{} "xms_mirid": "nonce":
        "at_hash": "client_id": "typ":"ID" null https://localhost:8446/demo/fhir
        https://fhir.azurehealthcareapis.com 00000000-0000-7e0a-0000-000000000001 system/*.read Bearer"#,
};

static DOOR: LazyLock<Door> = LazyLock::new(Door::new);

/// Claims that are let in, in one of the three forms.
fn good(form: &str) -> Map<String, Value> {
    let mut claims = DOOR.claims();
    let other = match form.get(..1) {
        Some("2") => {
            json!({"aud": APP, "iss": format!("{LOGIN}/{TENANT}/v2.0"), "sub": "pairwise", "azp": OBJECT, "ver": "2.0",
            "scp": "user_impersonation"})
        }
        Some("o") => json!({"aud": [BASE], "iss": OPEN_ID, "sub": "someone", "client_id": "client"}),
        _ => json!({}),
    };
    claims.extend(other.as_object().cloned().unwrap_or_default());
    claims
}

fn header(form: &str) -> Protected {
    match form.get(1..2) {
        Some("a") => Protected::typed("at+jwt"),
        Some("i") => Protected::typed("id_token+jwt"),
        Some("l") => Protected::typed("logout+jwt"),
        _ => Protected::jwt(),
    }
}

fn authenticate(header: &str) -> Option<Arc<Principal>> {
    let authenticated = DOOR.gate.authenticate(Some(header), DOOR.clock.now());
    DOOR.runtime.block_on(authenticated).ok()
}

fn seeds() -> Vec<Vec<u8>> {
    texts(&[
        "1",
        "2",
        "o",
        "1a\n{\"scp\":\"user_impersonation\",\"idtyp\":\"user\",\"groups\":[\"00000000-0000-0000-0000-000000000001\"]}",
        "2i\n{\"aud\":\"https://dicom.healthcareapis.azure.com\",\"nbf\":9e99}",
        "oa\n{\"nonce\":\"n\",\"scope\":\"system/*.read\",\"azp\":\"x\",\"client_id\":null}",
        "1\n{\"exp\":null,\"cnf\":{\"x5t#S256\":\"x\"},\"roles\":[\"reader\",1]}",
        "\n\nBearer a.b.c",
    ])
}

fn run(input: &[u8]) {
    let [form, changes, authorization] = text_lines(input);
    assert!(authenticate(authorization).is_none(), "let in without a signature");
    let mut claims = good(form);
    for (name, value) in serde_json::from_str::<Map<String, Value>>(changes).unwrap_or_default() {
        match value {
            Value::Null => claims.remove(&name),
            value => claims.insert(name, value),
        };
    }
    let token = DOOR.key.sign(&header(form), &claims).expect("an object is signed");
    match authenticate(&format!("Bearer {token}")) {
        Some(principal) => keeps(&claims, &principal),
        None => assert!(
            changes.trim_start().starts_with('{') || !matches!(form, "1" | "2" | "o"),
            "a good token is refused"
        ),
    }
}

/// What the token says is what lets the principal in.
fn keeps(claims: &Map<String, Value>, principal: &Principal) {
    let now = DOOR.clock.now().secs();
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let number = |name: &str| claims.get(name).and_then(Value::as_f64);
    let audiences: Vec<&str> = match claims.get("aud") {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        one => one.and_then(Value::as_str).into_iter().collect(),
    };
    let ours = |audience: &&str| {
        let bare = audience.trim_end_matches('/');
        bare == BASE
            || bare == "https://fhir.azurehealthcareapis.com"
            || audience.eq_ignore_ascii_case(&APP.to_string())
    };
    assert!(audiences.iter().any(ours), "audience {audiences:?}");
    assert_eq!(text("iss"), Some(principal.issuer.as_str()));
    assert_eq!(principal.tenant, TENANT);
    if principal.issuer != OPEN_ID {
        assert_eq!(text("tid").map(str::parse), Some(Ok(TENANT)));
        assert_eq!(text("oid").map(str::parse), Some(Ok(principal.subject)));
    }
    assert!(number("exp").is_some_and(|end| end > (now - 60) as f64), "expired");
    assert!(number("nbf").is_none_or(|start| start < (now + 61) as f64), "too early");
    assert!(!claims.contains_key("cnf"), "bound");
    let permitted = DOOR.gate.authorize(principal, Interaction::Read.on("Patient"));
    assert!(DOOR.runtime.block_on(permitted).is_err(), "no role was given");
}
