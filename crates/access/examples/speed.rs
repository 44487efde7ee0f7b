//! Measures the bearer check in CPU time: a token seen before, and one seen for the first time.
//! `cargo run --release -p hygie-access --example speed`
#![expect(clippy::unwrap_used, reason = "a measurement stops at the first surprise")]

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hygie_access::{
    Assignments, Gate, Instance, KeySource, KeysUnavailable, Kind, Origin, Revocations, Revoked, RoleSemantics,
    TrustedIssuer,
};
use hygie_core::{Clock, Cx, ObjectId, Random, TenantId, Timestamp};
use hygie_jose::{Algorithm, Jwks, KeySet, Protected, SigningKey, verify};
use hygie_store::audit::Record;
use hygie_store::{Engine, Store, StoreError, Work};
use serde_json::json;
use uuid::Uuid;

/// An issuer in memory that revokes nothing, beside a store that is never asked.
struct Fixed(Arc<KeySet>);

impl KeySource for Fixed {
    fn keys(&self) -> BoxFuture<'_, Result<Arc<KeySet>, KeysUnavailable>> {
        Box::pin(async { Ok(self.0.clone()) })
    }

    fn refreshed(&self) -> BoxFuture<'_, Result<Arc<KeySet>, KeysUnavailable>> {
        self.keys()
    }
}

impl Revocations for Fixed {
    fn revoked(&self, _origin: &Origin) -> Option<Revoked> {
        None
    }
}

impl Engine for Fixed {
    fn write<'a>(&'a self, _cx: &'a Cx, _work: Box<dyn Work>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Err(StoreError::Unavailable(None)) })
    }

    fn read<'a>(&'a self, _cx: &'a Cx, _work: Box<dyn Work>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Err(StoreError::Unavailable(None)) })
    }

    fn record(&self, _record: Record) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Err(StoreError::Unavailable(None)) })
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(1_795_000_000)
    }
}

impl Random for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

/// Each token is checked so often once it is known: one round is shorter than the noise.
const ROUNDS: u32 = 100;

/// Microseconds of CPU time of this thread so far, as Linux counts them: unlike the clock, they do not run while others
/// use the cores.
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1000.0
}

fn each(what: &str, times: u32, work: impl FnMut(u32)) {
    let before = cpu();
    (0..times).for_each(work);
    let each = (cpu() - before) / f64::from(times);
    println!("{what:<32} {each:>9.2} µs");
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let key = SigningKey::generate(Algorithm::Rs256).unwrap();
    let keys = Arc::new(KeySet::new(&Jwks {
        keys: vec![key.public_jwk()],
    }));
    let fixed = Arc::new(Fixed(keys.clone()));
    let tenant = TenantId::from_uuid(Uuid::from_u128(1));
    let source: Arc<dyn KeySource> = fixed.clone();
    let assignments = Assignments::new(Store::new(fixed.clone()), fixed.clone(), fixed.clone());
    let gate = Gate::new(
        Instance {
            kind: Kind::Fhir,
            workspace: "demo".to_owned(),
            name: "fhir".to_owned(),
            tenant,
            audiences: vec!["https://fhir.example".to_owned()],
            app: None,
            authority: String::new(),
            issuers: TrustedIssuer::of_tenant("https://login.example", tenant, &source).to_vec(),
            semantics: RoleSemantics::Documented,
            app_roles: Vec::new(),
        },
        Arc::new(assignments),
        fixed.clone(),
    );
    let now = fixed.now();
    let claims = |n: u32| {
        let oid = ObjectId::from_uuid(Uuid::from_u128(n.into()));
        json!({
            "aud": "https://fhir.example", "iss": format!("https://login.example/{tenant}/"), "iat": now.secs(),
            "nbf": now.secs(), "exp": (now + Duration::from_hours(1)).secs(), "aio": "E2ZgYFjbNP3aFvHgLQA=",
            "appid": oid, "appidacr": "1", "idp": format!("https://login.example/{tenant}/"), "oid": oid,
            "rh": "0.AXkA", "sub": oid, "tid": tenant, "uti": "IlqTmVJvr0qzYzYYRBAAAA", "ver": "1.0",
        })
    };
    each("sign RS256", 300, |n| {
        drop(key.sign(&Protected::jwt(), &claims(n)).unwrap());
    });
    let headers: Vec<String> = (0..2000)
        .map(|n| format!("Bearer {}", key.sign(&Protected::jwt(), &claims(n)).unwrap()))
        .collect();
    println!("token of {} octets", headers[0].len() - 7);
    each("verify RS256", 2000, |n| {
        drop(verify(&headers[n as usize][7..], &keys).unwrap());
    });
    for (what, rounds) in [("authenticate, first time", 1), ("authenticate, known", ROUNDS)] {
        let before = cpu();
        for header in (0..rounds).flat_map(|_| &headers) {
            gate.authenticate(Some(header), now).await.unwrap();
        }
        let each = (cpu() - before) / f64::from(2000 * rounds);
        println!("{what:<32} {each:>9.2} µs");
    }
}
