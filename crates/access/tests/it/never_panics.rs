//! Arbitrary headers, and arbitrary claims under a good signature, are refused or read, never a panic.

use std::sync::LazyLock;

use hygie_access::Gate;
use hygie_jose::Protected;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::world::{AUDIENCE, LOGIN, World, app, object, tenant};

struct Fixture {
    world: World,
    gate: Gate,
    runtime: tokio::runtime::Runtime,
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let world = World::new();
    Fixture {
        gate: world.gate(),
        world,
        runtime: tokio::runtime::Builder::new_current_thread().build().unwrap(),
    }
});

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<i32>().prop_map(|eighths| (f64::from(eighths) / 8.0).into()),
        ".{0,40}".prop_map(Into::into),
        Just(json!(object(1))),
        Just(json!(tenant(1))),
        prop::collection::vec(".{0,10}", 0..4).prop_map(Into::into),
        prop::collection::vec(("[a-z]{1,4}", any::<i32>()), 0..3)
            .prop_map(|members| Value::Object(members.into_iter().map(|(name, n)| (name, n.into())).collect())),
    ]
}

proptest! {
    #[test]
    fn any_header(header in "(Bearer )?.{0,200}") {
        let f = &*FIXTURE;
        prop_assert!(f.runtime.block_on(f.gate.authenticate(Some(&header), f.world.now())).is_err());
    }

    #[test]
    fn any_claims(changes in prop::collection::btree_map(
        "aud|iss|exp|nbf|iat|sub|tid|oid|appid|azp|ver|scp|roles|groups|sid|idtyp|cnf|xms_mirid|_claim_names",
        value(),
        0..6,
    )) {
        let f = &*FIXTURE;
        let now = f.world.now();
        let good = json!({
            "aud": AUDIENCE, "iss": format!("{LOGIN}/{}/", tenant(1)), "exp": now.secs() + 60, "tid": tenant(1),
            "oid": object(1), "sub": object(1), "appid": app(1), "ver": "1.0",
        });
        let mut claims: Map<String, Value> = good.as_object().unwrap().clone();
        claims.extend(changes);
        let token = f.world.key.sign(&Protected::jwt(), &claims).unwrap();
        let header = format!("Bearer {token}");
        let outcome = f.runtime.block_on(f.gate.authenticate(Some(&header), now));
        if let Ok(principal) = outcome {
            // Whatever the other claims are, nobody becomes somebody of another tenant.
            prop_assert_eq!(principal.tenant, tenant(1));
            prop_assert_eq!(claims.get("tid"), Some(&json!(tenant(1))));
        }
    }
}
