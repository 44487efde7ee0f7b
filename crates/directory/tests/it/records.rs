//! Every change of conditional access and of terms of use is recorded with its effect, and what is refused is not.

use hygie_core::ObjectId;
use hygie_directory::agreements::{Answer, Upload};
use hygie_directory::{DirectoryError, Enabled, Kept};
use hygie_policy::json::read;
use hygie_policy::{AuthenticationStrength, Policy};
use hygie_store::audit::Record;
use serde_json::json;

use crate::conditional::mfa;
use crate::world::World;

/// Action and object of what was recorded since the `from`th entry.
async fn records(world: &World, from: usize) -> Vec<(String, String)> {
    let entries = world
        .store
        .store
        .read(&world.cx(world.tenant), (), |(), tx| {
            Box::pin(async move {
                let mut found = Vec::new();
                for mut row in tx.query("SELECT entry FROM audit ORDER BY seq", &[]).await? {
                    let bytes: Vec<u8> = row.take(0)?;
                    found.push(Record::from_json(&bytes)?);
                }
                Ok::<_, DirectoryError>(found)
            })
        })
        .await
        .unwrap();
    let recorded = |record: Record| (record.action.into_owned(), record.object);
    entries.into_iter().skip(from).map(recorded).collect()
}

#[tokio::test]
async fn every_change_is_recorded_once() {
    let world = World::new().await;
    let (directory, cx) = (&world.directory, world.cx(world.tenant));
    let from = records(&world, 0).await.len();
    let policy = directory
        .create_rule::<Policy>(&cx, read(&mfa("MFA")).unwrap())
        .await
        .unwrap();
    let key = policy.key().unwrap();
    let change = json!({ "state": "disabled" });
    directory.update_rule::<Policy>(&cx, &key, change).await.unwrap();
    // Refused: by the document, by what is there, by its absence.
    let wrong = json!({ "state": "on" });
    directory.update_rule::<Policy>(&cx, &key, wrong).await.unwrap_err();
    let absent = "00000000-0000-4000-8000-000000000009";
    directory.delete_rule::<Policy>(&cx, absent).await.unwrap_err();
    directory.delete_rule::<Policy>(&cx, &key).await.unwrap();
    let fido = json!({ "displayName": "FA01", "allowedCombinations": ["fido2"] });
    let strength: AuthenticationStrength = directory.create_rule(&cx, read(&fido).unwrap()).await.unwrap();
    let strength = strength.key().unwrap();
    let combinations = vec!["x509CertificateMultiFactor".parse().unwrap()];
    directory
        .update_combinations(&cx, &strength, combinations)
        .await
        .unwrap();
    directory.set_security_defaults(&cx, Enabled::Yes).await.unwrap();
    let file = json!({ "fileName": "cgu.pdf", "language": "fr" });
    let upload = Upload {
        file: read(&file).unwrap(),
        pdf: b"%PDF-1.7\n%%EOF\n".to_vec(),
    };
    let agreement = read(&json!({ "displayName": "CGU" })).unwrap();
    let terms = directory.create_agreement(&cx, agreement, vec![upload]).await.unwrap();
    let (id, file) = (terms.agreement.id.unwrap(), terms.files[0].id.unwrap());
    directory
        .answer_agreement(&cx, world.nurse, (id, file), Answer::Declined)
        .await
        .unwrap();
    let nobody = ObjectId::from_uuid(uuid::Uuid::nil());
    directory
        .answer_agreement(&cx, nobody, (id, file), Answer::Accepted)
        .await
        .unwrap_err();
    let expected = [
        ("idp.conditional.create", format!("policy/{key}")),
        ("idp.conditional.update", format!("policy/{key}")),
        ("idp.conditional.delete", format!("policy/{key}")),
        ("idp.conditional.create", format!("strength/{strength}")),
        ("idp.conditional.update", format!("strength/{strength}")),
        ("idp.securitydefaults.enable", format!("tenant/{}", world.tenant)),
        ("idp.agreement.create", format!("agreement/{id}")),
        (
            "idp.agreement.decline",
            format!("agreement/{id}/file/{file}/user/{}", world.nurse),
        ),
    ];
    let expected = expected.map(|(action, object)| (action.to_owned(), object));
    assert_eq!(records(&world, from).await, expected);
}
