//! By what an application proves itself, and the ways to a token that are closed at first.

use serde_json::json;

use crate::psc::upload;
use crate::sheets::{ID, sent, with_token};

const PEM: &[u8] = b"-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----";

#[tokio::test]
async fn a_certificate_comes_beside_those_that_are_there() {
    let (world, token) = with_token("/admin/users/new").await;
    let keys = json!([{ "keyId": "k1", "displayName": "ancien" }, { "keyId": "k2" }]);
    world.script.answer(
        &format!("GET /v1.0/applications/{ID}"),
        200,
        json!({ "id": ID, "displayName": "Dossier", "keyCredentials": keys, "value": [] }),
    );
    let here = format!("/admin/registrations/{ID}/credentials");
    let address = format!("PATCH /applications/{ID}");
    let parts = [
        ("csrf", None, token.as_bytes()),
        ("step", None, b"certificate".as_slice()),
        ("certificate-name", None, b"serveur"),
        ("certificate", Some("a.pem"), PEM),
    ];
    let answer = upload(&world, &here, &parts).await;
    assert_eq!(answer.location(), format!("{here}?done=credentials-certificate"));
    let new = json!({ "type": "AsymmetricX509Cert", "usage": "Verify", "key": "AQID", "displayName": "serveur" });
    let body = json!({ "keyCredentials": [{ "keyId": "k1" }, { "keyId": "k2" }, new] });
    assert_eq!(sent(&world), [(address.clone(), body)]);

    world.script.asked.lock().clear();
    let fields = [("csrf", token.as_str()), ("step", "remove-certificate"), ("item", "k1")];
    world.client.post(&here, &fields).await;
    assert_eq!(
        sent(&world),
        [(address, json!({ "keyCredentials": [{ "keyId": "k2" }] }))]
    );
}

#[tokio::test]
async fn an_identity_of_another_issuer_is_added_and_what_was_refused_is_kept() {
    let (world, token) = with_token("/admin/users/new").await;
    let here = format!("/admin/registrations/{ID}/credentials");
    let parts = [
        ("csrf", None, token.as_bytes()),
        ("step", None, b"federated".as_slice()),
        ("name", None, b"gitlab"),
        ("issuer", None, b"https://gitlab.example"),
        ("subject", None, b"project:a"),
        ("audience", None, b"api://AzureADTokenExchange"),
    ];
    upload(&world, &here, &parts).await;
    let body = json!({ "name": "gitlab", "issuer": "https://gitlab.example", "subject": "project:a",
        "audiences": ["api://AzureADTokenExchange"] });
    let address = format!("/applications/{ID}/federatedIdentityCredentials");
    assert_eq!(sent(&world), [(format!("POST {address}"), body)]);

    let refusal = json!({ "error": { "code": "Request_BadRequest", "message": "too <many>" } });
    world.script.answer(&format!("POST /v1.0{address}"), 400, refusal);
    let text = upload(&world, &here, &parts).await;
    let text = text.text();
    assert!(
        text.contains("notice danger") && text.contains("too &#60;many&#62;"),
        "{text}"
    );
    assert!(text.contains("value=\"https://gitlab.example\""), "{text}");
}

#[tokio::test]
async fn ways_to_a_token_are_opened_one_by_one_and_passwords_with_a_warning() {
    let (world, token) = with_token("/admin/users/new").await;
    let here = format!("/admin/registrations/{ID}");
    let fields = [
        ("csrf", token.as_str()),
        ("step", "grants"),
        ("grant", "isBackchannelAuthenticationEnabled"),
    ];
    world.client.post(&here, &fields).await;
    let body = json!({ "isFallbackPublicClient": false, "isBackchannelAuthenticationEnabled": true,
        "isPasswordGrantEnabled": false });
    assert_eq!(sent(&world), [(format!("PATCH /applications/{ID}"), body)]);
    for is_on in [false, true] {
        let application = json!({ "id": ID, "displayName": "Dossier", "isPasswordGrantEnabled": is_on });
        world
            .script
            .answer(&format!("GET /v1.0/applications/{ID}"), 200, application);
        let page = world.client.get(&here).await;
        assert_eq!(page.text().contains("notice warning"), is_on, "{}", page.text());
    }
}

#[tokio::test]
async fn what_was_typed_of_a_registration_or_a_profile_is_kept() {
    let (world, token) = with_token("/admin/users/new").await;
    let refusal = json!({ "error": { "code": "Request_BadRequest", "message": "no" } });
    let application =
        json!({ "id": ID, "displayName": "Dossier", "web": { "redirectUris": ["https://old.example/"] } });
    world
        .script
        .answer(&format!("GET /v1.0/applications/{ID}"), 200, application);
    let person = json!({ "id": ID, "displayName": "Anna", "userPrincipalName": "anna@ch-demo.example", "value": [] });
    world.script.answer(&format!("GET /v1.0/users/{ID}"), 200, person);
    world.script.answer("PATCH /v1.0/", 400, refusal);
    for (page, fields, kept) in [
        (
            format!("/admin/registrations/{ID}"),
            vec![
                ("step", "save"),
                ("name", "Agenda"),
                ("web", "http://evil.example/"),
                ("audience", "AzureADMyOrg"),
            ],
            ["value=\"Agenda\"", ">http://evil.example/</textarea>"],
        ),
        (
            format!("/admin/users/{ID}"),
            vec![("step", "profile"), ("displayName", "Anna B"), ("jobTitle", "Interne")],
            ["value=\"Anna B\"", "value=\"Interne\""],
        ),
        (
            format!("/admin/users/{ID}"),
            vec![("step", "cards"), ("cards", "8997")],
            ["<details class=\"more\" open>", ">8997</textarea>"],
        ),
    ] {
        let fields = [vec![("csrf", token.as_str())], fields].concat();
        let answer = world.client.post(&page, &fields).await;
        let text = answer.text();
        assert!(text.contains("notice danger"), "{text}");
        for kept in kept {
            assert!(text.contains(kept), "{kept}: {text}");
        }
    }
}
