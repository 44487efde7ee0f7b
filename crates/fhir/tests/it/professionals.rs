//! Roles by profession: physicians of an establishment, nurses, and nobody else.

use http::Method;
use hygie_access::{Profile, Role};
use hygie_core::ObjectId;
use hygie_testkit::SeededRandom;
use serde_json::{Value, json};

use crate::service::{By, Service, patient, tenant};

const HERE: &str = "1750000018";
const ELSEWHERE: &str = "1750000026";

/// A person whom our identity provider knows by its exchange with Pro Santé Connect.
fn professional<'s>(service: &'s Service, profession: &Value, structures: &[&str]) -> By<'s> {
    let id = ObjectId::random(&SeededRandom::new(5));
    service.with_claims(
        id,
        &json!({
            "sub": "pairwise", "scp": "user_impersonation", "psc_national_id": "899700999990",
            "psc_professions": [profession], "psc_structures": structures,
        }),
    )
}

/// Reading, creating and deleting.
async fn tries(by: &By<'_>) -> [u16; 3] {
    [
        by.get("/Patient/a").await.status.as_u16(),
        by.post("/Patient", &patient("x", "new")).await.status.as_u16(),
        by.send(Method::DELETE, "/Patient/none", &[], "").await.status.as_u16(),
    ]
}

#[tokio::test]
async fn a_role_follows_from_profession_and_structure() {
    let service = Service::new().await;
    service.contributor().await.put("/Patient/a", &patient("a", "x")).await;
    let physicians = Profile::new(tenant(), ["10"], [HERE]).expect("a profile");
    let nurses = Profile::new(tenant(), ["60", "69"], [HERE]).expect("a profile");
    service.assign(physicians, Role::FhirDataWriter).await;
    service.assign(nurses, Role::FhirDataReader).await;
    let (all, reading, nothing) = ([200, 201, 204], [200, 403, 403], [403, 403, 403]);
    for (profession, structures, expected) in [
        (json!({"code": "10", "category": "C"}), vec![HERE], all),
        (json!({"code": "10", "category": "M"}), vec![ELSEWHERE, HERE], all),
        (json!({"code": "60", "category": "C"}), vec![HERE], reading),
        (json!({"code": "69"}), vec![HERE], reading),
        (json!({"code": "21", "category": "C"}), vec![HERE], nothing),
        (json!({"code": "10", "category": "E"}), vec![HERE], nothing),
        (json!({"code": "10", "category": "C"}), vec![ELSEWHERE], nothing),
        (json!({"code": "10", "category": "C"}), vec![], nothing),
    ] {
        let by = professional(&service, &profession, &structures);
        assert_eq!(tries(&by).await, expected, "{profession} at {structures:?}");
    }
    // Without the delegated scope the person has let nobody act.
    let id = ObjectId::random(&SeededRandom::new(5));
    let claims = json!({"sub": "pairwise", "scp": "User.Read", "psc_national_id": "899700999990",
        "psc_professions": [{"code": "10"}], "psc_structures": [HERE]});
    assert_eq!(tries(&service.with_claims(id, &claims)).await, nothing);
    let accesses = service.accesses();
    assert!(
        accesses
            .iter()
            .any(|line| line == "fhir.read Patient/a refused (no_role)"),
        "{accesses:#?}"
    );
}
