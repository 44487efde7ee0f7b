//! Tokens of a real-Entra-shaped issuer, whose keys come over HTTP.

use std::sync::Arc;
use std::time::Duration;

use hygie_access::{
    AppRole, Assignee, AssigneeKind, Discovered, Document, EgressPolicy, KeySource, Outgoing, Role, Version,
};
use hygie_core::{AppId, ObjectId, TenantId};
use hygie_fhir::Limits;
use hygie_testkit::{FakeEntra, Subject, VirtualClock};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::service::{BASE, Service, patient};

const V1: Version = Version::V1;
const V2: Version = Version::V2;

fn partner() -> TenantId {
    TenantId::from_uuid(Uuid::from_u128(0xe17a))
}

fn stranger() -> TenantId {
    TenantId::from_uuid(Uuid::from_u128(0xbad))
}

fn reader(tenant: TenantId) -> Subject<'static> {
    Subject {
        tenant,
        id: ObjectId::from_uuid(Uuid::from_u128(1)),
        app: AppId::from_uuid(Uuid::from_u128(2)),
        audience: BASE,
    }
}

fn person(tenant: TenantId) -> Subject<'static> {
    Subject {
        id: ObjectId::from_uuid(Uuid::from_u128(3)),
        ..reader(tenant)
    }
}

/// A service that trusts one tenant of Entra, whose application 1 and person 3 are readers.
async fn world() -> (FakeEntra, Service) {
    let clock = Arc::new(VirtualClock::default());
    let entra = FakeEntra::start(clock.clone()).await;
    let outgoing = Outgoing::new(EgressPolicy {
        private_hosts: vec![entra.host()],
        ..EgressPolicy::default()
    });
    let document = Document::of_entra(&entra.cloud(), partner());
    let keys: Arc<dyn KeySource> = Arc::new(Discovered::new(outgoing.expect("a client"), document, clock.clone()));
    let service = Service::trusting(clock, Limits::default(), |instance| {
        instance.issuers.extend(entra.cloud().issuers(partner(), &keys));
        instance.app_roles.push(AppRole {
            issuer: entra.issuer(partner(), V1),
            tenant: partner(),
            value: "Fhir.Write".to_owned(),
            role: Role::FhirDataWriter,
        });
    });
    let service = service.await;
    for (kind, subject) in [
        (AssigneeKind::App, reader(partner())),
        (AssigneeKind::User, person(partner())),
    ] {
        let assignee = Assignee {
            tenant: partner(),
            id: subject.id,
            kind,
        };
        service.assign(assignee, Role::FhirDataReader).await;
    }
    service.contributor().await.put("/Patient/a", &patient("a", "x")).await;
    (entra, service)
}

fn changed(mut claims: Value, changes: &Value) -> Value {
    let members = claims.as_object_mut().expect("an object");
    members.extend(changes.as_object().expect("an object").clone());
    members.retain(|_, value| !value.is_null());
    claims
}

#[tokio::test]
async fn both_versions_for_applications_and_people() {
    let (entra, service) = world().await;
    for version in [V1, V2] {
        for claims in [
            entra.application(version, reader(partner())),
            entra.person(version, person(partner()), "user_impersonation"),
        ] {
            let by = service.bearing(&entra.sign(&claims));
            assert_eq!(by.get("/Patient/a").await.status, 200, "{claims}");
            let written = by.post("/Patient", &patient("x", "y")).await;
            assert_eq!(written.status, 403, "{claims}");
        }
        let unscoped = entra.person(version, person(partner()), "User.Read");
        assert_eq!(
            service.bearing(&entra.sign(&unscoped)).get("/Patient/a").await.status,
            403
        );
    }
    assert_eq!(entra.requests(), 2, "discovery and keys, once for both versions");
}

#[tokio::test]
async fn what_does_not_open_has_its_own_reason_in_the_trail() {
    let (entra, service) = world().await;
    let app = entra.application(V1, reader(partner()));
    let person = entra.person(V2, person(partner()), "user_impersonation");
    for (claims, reason) in [
        // Signed by the same cloud, for another of its tenants.
        (entra.application(V1, reader(stranger())), "token_issuer"),
        (entra.application(V2, reader(stranger())), "token_issuer"),
        (changed(app.clone(), &json!({"tid": stranger()})), "token_tenant"),
        (changed(app.clone(), &json!({"ver": "2.0", "azp": 1})), "token_version"),
        (changed(person.clone(), &json!({"ver": "1.0"})), "token_version"),
        (entra.id_token(V1, reader(partner())), "token_type"),
        (entra.id_token(V2, reader(partner())), "token_type"),
        (changed(person.clone(), &json!({"nonce": "n"})), "token_type"),
        (
            changed(app.clone(), &json!({"scp": "user_impersonation"})),
            "token_actor",
        ),
        (changed(person.clone(), &json!({"idtyp": "app"})), "token_actor"),
        (
            changed(person.clone(), &json!({"scp": null, "roles": ["Fhir.Write"]})),
            "token_actor",
        ),
        (
            changed(app.clone(), &json!({"aud": "https://graph.microsoft.com"})),
            "token_audience",
        ),
        (
            changed(app.clone(), &json!({"aud": "https://dicom.healthcareapis.azure.com"})),
            "token_other_kind",
        ),
        (changed(app.clone(), &json!({"exp": 1})), "token_expired"),
        (
            changed(app.clone(), &json!({"oid": null, "sub": null})),
            "token_missing_claim",
        ),
        (
            changed(app.clone(), &json!({"cnf": {"x5t#S256": "x"}})),
            "token_confirmation",
        ),
    ] {
        let before = service.accesses().len();
        let by = service.bearing(&entra.sign(&claims));
        assert_eq!(by.get("/Patient/a").await.status, 401, "{claims}");
        service.record_refusals().await;
        let recorded = service.accesses().split_off(before);
        assert_eq!(recorded, [format!("fhir.get - refused ({reason})")], "{claims}");
    }
}

#[tokio::test]
async fn application_roles_count_where_they_are_named() {
    let (entra, service) = world().await;
    let other = Subject {
        id: ObjectId::from_uuid(Uuid::from_u128(9)),
        ..reader(partner())
    };
    for (version, role, expected) in [
        (V1, "Fhir.Write", 201),
        (V1, "FHIR Data Writer", 403),
        (V2, "Fhir.Write", 403),
    ] {
        let claims = changed(entra.application(version, other), &json!({"roles": [role]}));
        let by = service.bearing(&entra.sign(&claims));
        let answer = by.post("/Patient", &patient("x", "y")).await;
        assert_eq!(answer.status, expected, "{version:?} {role}");
    }
}

#[tokio::test]
async fn keys_roll_and_the_issuer_may_be_away() {
    let (entra, service) = world().await;
    let get = async || {
        let token = entra.sign(&entra.application(V1, reader(partner())));
        service.bearing(&token).get("/Patient/a").await.status.as_u16()
    };
    assert_eq!(get().await, 200);
    service.clock.advance(Duration::from_mins(1));
    entra.roll();
    assert_eq!(get().await, 200);
    assert_eq!(entra.requests(), 4);
    // Invented keys, however many, make nobody ask again.
    let forger = FakeEntra::start(service.clock.clone()).await;
    service.clock.advance(Duration::from_mins(1));
    for _ in 0..20 {
        forger.roll();
        let claims = entra.application(V1, reader(partner()));
        let answer = service.bearing(&forger.sign(&claims)).get("/Patient/a").await;
        assert_eq!(answer.status, 401);
    }
    assert_eq!(entra.requests(), 4);
    // Away: what is known goes on for a day.
    entra.set_down(true);
    service.clock.advance(Duration::from_hours(2));
    assert_eq!(get().await, 200);
    service.clock.advance(Duration::from_hours(22));
    assert_eq!(get().await, 503);
    entra.set_down(false);
    service.clock.advance(Duration::from_mins(1));
    assert_eq!(get().await, 200);
}
