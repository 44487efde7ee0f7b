//! Terms of use over the directory API.

use http::Method;
use hygie_directory::agreements::Answer;
use hygie_policy::agreement::MAX_PDF;
use hygie_testkit::Answer as Got;
use serde_json::{Value, json};

use crate::world::{BASE, By, World, each, refusal, refused};

const AGREEMENTS: &str = "/v1.0/agreements";
const GOVERNED: &str = "/v1.0/identityGovernance/termsOfUse/agreements";
/// `%PDF-1.7` and `%%EOF`, a line each.
const PDF: &str = "JVBERi0xLjcKJSVFT0YK";

fn cgu() -> Value {
    json!({ "displayName": "CGU", "isViewingBeforeAcceptanceRequired": true,
        "userReacceptRequiredFrequency": "P90D",
        "termsExpiration": { "startDateTime": "2027-01-01T00:00:00Z", "frequency": "P365D" },
        "files": [
            { "fileName": "cgu.pdf", "language": "fr", "isDefault": true, "fileData": { "data": PDF } },
            { "fileName": "tou.pdf", "displayName": "Terms", "language": "en", "fileData": { "data": PDF } },
        ] })
}

async fn make(by: &By<'_>, path: &str, document: &Value) -> Value {
    let answer = by.document(Method::POST, path, document).await;
    assert_eq!(answer.status, 201, "{path}: {}", answer.text());
    let made = answer.json();
    let address = answer.headers["location"].to_str().expect("an address").to_owned();
    assert_eq!(by.json(&address).await["id"], made["id"], "{address}");
    made
}

fn message(answer: &Got) -> (u16, String) {
    let message = answer.json()["error"]["message"].as_str().unwrap_or("?").to_owned();
    (answer.status.as_u16(), message)
}

#[tokio::test]
async fn an_agreement_from_its_making_to_its_end() {
    let world = World::new().await;
    let admin = world.app(&["Agreement.ReadWrite.All"]);
    let made = make(&admin, GOVERNED, &cgu()).await;
    let id = made["id"].as_str().unwrap();
    for base in [AGREEMENTS, GOVERNED] {
        let shown = admin.json(&format!("{base}/{id}")).await;
        assert_eq!(
            (
                &shown["userReacceptRequiredFrequency"],
                &shown["termsExpiration"]["frequency"]
            ),
            (&json!("P90D"), &json!("P365D"))
        );
        assert_eq!(each(&admin.json(base).await, "displayName"), ["CGU"]);
    }
    let path = format!("{AGREEMENTS}/{id}");
    let answer = admin
        .document(
            Method::PATCH,
            &path,
            &json!({ "displayName": "Charte", "termsExpiration": null }),
        )
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        (&answer.json()["displayName"], &answer.json()["termsExpiration"]),
        (&json!("Charte"), &Value::Null)
    );
    assert_eq!(admin.document(Method::DELETE, &path, &json!({})).await.status, 204);
    assert_eq!(
        refusal(&admin.get(&path).await),
        refused(404, "Request_ResourceNotFound")
    );
}

#[tokio::test]
async fn files_in_languages_and_versions() {
    let world = World::new().await;
    let admin = world.app(&["Agreement.ReadWrite.All"]);
    let made = make(&admin, AGREEMENTS, &cgu()).await;
    let path = format!("{AGREEMENTS}/{}", made["id"].as_str().unwrap());
    let files = admin.json(&format!("{path}/files")).await;
    let mut names = each(&files, "fileName");
    names.sort();
    assert_eq!(names, ["cgu.pdf", "tou.pdf"]);
    let newer = json!({ "fileName": "cgu-2.pdf", "language": "fr", "isDefault": true, "isMajorVersion": true,
        "fileData": { "data": PDF } });
    let newer = make(&admin, &format!("{path}/files"), &newer).await;
    let one = format!("{path}/files/{}", newer["id"].as_str().unwrap());
    assert_eq!(each(&admin.json(&format!("{one}/versions")).await, "id").len(), 2);
    let file = admin.json(&format!("{path}/file")).await;
    assert_eq!(
        (&file["id"], file["localizations"].as_array().map(Vec::len)),
        (&newer["id"], Some(2))
    );
    // The bytes come where they are asked for.
    assert_eq!(admin.json(&one).await.get("fileData"), None);
    let with_bytes = admin.json(&format!("{one}?$select=fileName,fileData")).await;
    assert_eq!(
        (&with_bytes["fileName"], &with_bytes["fileData"]["data"]),
        (&json!("cgu-2.pdf"), &json!(PDF))
    );
    // As they are shown, they can be sent too.
    let nested = json!({ "displayName": "Charte", "file": { "localizations": [
        { "fileName": "charte.pdf", "language": "fr", "fileData": { "data": PDF } }] } });
    make(&admin, AGREEMENTS, &nested).await;
}

#[tokio::test]
async fn files_that_are_none() {
    let world = World::new().await;
    let admin = world.app(&["Agreement.ReadWrite.All"]);
    let with = |data: String| {
        json!({ "displayName": "CGU", "files": [
            { "fileName": "cgu.pdf", "language": "fr", "fileData": { "data": data } }] })
    };
    // Larger than a file may be, and than a request.
    let (large, larger) = ("A".repeat(7_000_000), "A".repeat(9_000_000));
    for (document, status, text) in [
        (json!({ "displayName": "CGU" }), 400, "files: an agreement needs a file"),
        (with("PGh0bWw+".to_owned()), 400, "fileData: the file is not a PDF"),
        (with("%".to_owned()), 400, "fileData.data: must be base64"),
        (with(large), 400, &format!("fileData: a file may have {MAX_PDF} bytes")),
        (with(larger), 413, "the body is too large"),
    ] {
        let answer = admin.document(Method::POST, AGREEMENTS, &document).await;
        let (found, said) = message(&answer);
        assert_eq!(found, status, "{said}");
        assert!(status == 413 || said == text, "{said}");
    }
}

/// The agreement and its file in French, which the nurse has accepted.
async fn accepted(world: &World) -> (String, String) {
    let admin = world.app(&["Agreement.ReadWrite.All"]);
    let made = make(&admin, AGREEMENTS, &cgu()).await;
    let id = made["id"].as_str().expect("an id").to_owned();
    let files = admin
        .json(&format!("{AGREEMENTS}/{id}/files?$filter=language%20eq%20'fr'"))
        .await;
    let file = each(&files, "id").remove(0);
    let ids = (id.parse().expect("an id"), file.parse().expect("an id"));
    let answered = world
        .directory
        .answer_agreement(&world.cx, world.nurse, ids, Answer::Accepted)
        .await;
    answered.expect("it is recorded");
    (id, file)
}

#[tokio::test]
async fn who_sees_what_was_answered() {
    let world = World::new().await;
    let (id, file) = accepted(&world).await;
    let of_nurse = format!("/v1.0/users/{}/agreementAcceptances", world.nurse);
    let of_agreement = format!("{GOVERNED}/{id}/acceptances");
    let auditor = world.app(&["AgreementAcceptance.Read.All"]);
    for path in [&of_nurse, &of_agreement] {
        let found = &auditor.json(path).await["value"][0];
        assert_eq!(
            (&found["state"], &found["userDisplayName"], &found["agreementFileId"]),
            (&json!("accepted"), &json!("Anna Martin"), &json!(file)),
            "{path}"
        );
        assert_ne!(found["expirationDateTime"], Value::Null);
    }
    let declined = auditor
        .json(&format!("{of_agreement}?$filter=state%20eq%20'declined'"))
        .await;
    assert_eq!(each(&declined, "id"), [""; 0]);
    let person = world.person("AgreementAcceptance.Read");
    let own = person.json("/v1.0/me/agreementAcceptances").await;
    assert_eq!(each(&own, "agreementId"), [id.as_str()]);
    assert_eq!(each(&person.json(&of_nurse).await, "state"), ["accepted"]);
    let stranger = crate::world::user(&world.directory, &world.cx, ("Luc", "Petit", "ch-demo.example")).await;
    for path in [
        format!("/v1.0/users/{stranger}/agreementAcceptances"),
        "/v1.0/users/nobody@ch-demo.example/agreementAcceptances".to_owned(),
        of_agreement.clone(),
        format!("{BASE}{AGREEMENTS}"),
    ] {
        let answer = person.get(&path).await;
        assert_eq!(refusal(&answer), refused(403, "Authorization_RequestDenied"), "{path}");
    }
}

#[tokio::test]
async fn to_read_agreements_is_not_to_write_them() {
    let world = World::new().await;
    let (id, _) = accepted(&world).await;
    let reader = world.app(&["Agreement.Read.All"]);
    assert_eq!(reader.get(AGREEMENTS).await.status, 200);
    for (method, path) in [
        (Method::POST, AGREEMENTS.to_owned()),
        (Method::PATCH, format!("{AGREEMENTS}/{id}")),
        (Method::DELETE, format!("{AGREEMENTS}/{id}")),
        (Method::POST, format!("{AGREEMENTS}/{id}/files")),
    ] {
        let answer = reader.document(method, &path, &cgu()).await;
        assert_eq!(refusal(&answer), refused(403, "Authorization_RequestDenied"), "{path}");
    }
    assert_eq!(reader.get(&format!("{GOVERNED}/{id}/acceptances")).await.status, 403);
}
