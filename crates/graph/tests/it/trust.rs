//! Trust stores over the directory API.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use hygie_core::Clock;
use hygie_testkit::{CardAuthority, CardOf};
use serde_json::{Value, json};

use crate::world::{World, each, refusal, refused};

const ALL: &str = "/v1.0/directory/publicKeyInfrastructure/certificateBasedAuthConfigurations";
const URL: &str = "http://igc-sante.esante.gouv.fr/CRL/ACI-EL-PP-TEST.crl";
const WRITE: &str = "PublicKeyInfrastructure.ReadWrite.All";
const MINUTES: Duration = Duration::from_mins(5);

fn document(authority: &CardAuthority, kind: &str) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.certificateAuthorityDetail",
        "certificateAuthorityType": kind,
        "certificate": STANDARD.encode(&authority.certificate),
        "certificateRevocationListUrl": URL,
        "isIssuerHintEnabled": false,
    })
}

#[tokio::test]
async fn a_trust_store_from_its_making_to_its_end() {
    let world = World::new().await;
    let admin = world.app(&[WRITE]);
    let now = world.clock.now();
    let root = CardAuthority::root("HYGIE TEST AC RACINE", now);
    let issuing = root.intermediate("HYGIE TEST AC PERSONNES", now);
    let made = admin.made(ALL, &json!({ "displayName": "IGC-Santé" })).await;
    let one = format!("{ALL}/{}", made["id"].as_str().unwrap());
    assert_eq!(
        (&made["displayName"], &made["status"]),
        (&json!("IGC-Santé"), &json!("succeeded"))
    );
    let authorities = format!("{one}/certificateAuthorities");
    admin.made(&authorities, &document(&root, "root")).await;
    let made = admin.made(&authorities, &document(&issuing, "intermediate")).await;
    assert_eq!(made["displayName"], "HYGIE TEST AC PERSONNES");
    assert_eq!(made["issuer"], "C=FR,O=HYGIE-TEST,CN=HYGIE TEST AC RACINE");
    assert_eq!(made["thumbprint"].as_str().unwrap().len(), 40);
    assert_eq!(made["deltaCertificateRevocationListUrl"], Value::Null);
    let page = admin.json(&authorities).await;
    let mut kinds = each(&page, "certificateAuthorityType");
    kinds.sort();
    assert_eq!(kinds, ["intermediate", "root"]);
    let authority = format!("{authorities}/{}", made["id"].as_str().unwrap());
    admin
        .changed("PATCH", &authority, &json!({ "certificateRevocationListUrl": null }))
        .await;
    let shown = admin
        .json(&format!("{authority}?$select=certificateRevocationListUrl"))
        .await;
    assert_eq!(shown["certificateRevocationListUrl"], Value::Null);
    admin.changed("PATCH", &one, &json!({ "displayName": "IGC" })).await;
    assert_eq!(each(&admin.json(ALL).await, "displayName"), ["IGC"]);
    admin.changed("DELETE", &authority, &json!({})).await;
    admin.changed("DELETE", &one, &json!({})).await;
    assert_eq!(
        refusal(&admin.get(&one).await),
        refused(404, "Request_ResourceNotFound")
    );
}

#[tokio::test]
async fn the_address_of_changes_goes_with_that_of_the_list() {
    let world = World::new().await;
    let admin = world.app(&[WRITE]);
    let root = CardAuthority::root("HYGIE TEST AC RACINE", world.clock.now());
    let made = admin.made(ALL, &json!({ "displayName": "IGC" })).await;
    let authorities = format!("{ALL}/{}/certificateAuthorities", made["id"].as_str().unwrap());
    let mut document = document(&root, "root");
    document["certificateRevocationListUrl"] = Value::Null;
    let made = admin.made(&authorities, &document).await;
    let authority = format!("{authorities}/{}", made["id"].as_str().unwrap());
    // What changed since a list says nothing without one.
    let delta = "http://igc-sante.esante.gouv.fr/CRL/ACI-EL-PP-TEST-delta.crl";
    let alone = json!({ "deltaCertificateRevocationListUrl": delta });
    let answer = admin.send("PATCH", &authority, &alone).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(
        answer.text().contains("needs a certificateRevocationListUrl"),
        "{}",
        answer.text()
    );
    let both = json!({ "certificateRevocationListUrl": URL, "deltaCertificateRevocationListUrl": delta });
    admin.changed("PATCH", &authority, &both).await;
    let shown = admin.json(&authority).await;
    assert_eq!(shown["deltaCertificateRevocationListUrl"], delta);
    let state = admin.json(&format!("{authority}/certificateRevocationList")).await;
    assert_eq!((&state["isCurrent"], &state["delta"]), (&json!(false), &Value::Null));
    let state = admin
        .send(
            "POST",
            &format!("{authority}/certificateRevocationList/refresh"),
            &json!({}),
        )
        .await
        .json();
    assert!(
        state["deltaProblem"].as_str().unwrap().contains("fetches nothing"),
        "{state}"
    );
    let neither = json!({ "certificateRevocationListUrl": null, "deltaCertificateRevocationListUrl": "" });
    admin.changed("PATCH", &authority, &neither).await;
    let shown = admin.json(&authority).await;
    assert_eq!(shown["deltaCertificateRevocationListUrl"], Value::Null);
}

#[tokio::test]
async fn a_list_is_given_and_told_about() {
    let world = World::new().await;
    let admin = world.app(&[WRITE]);
    let now = world.clock.now();
    let root = CardAuthority::root("HYGIE TEST AC RACINE", now);
    let made = admin.made(ALL, &json!({ "displayName": "IGC" })).await;
    let authorities = format!("{ALL}/{}/certificateAuthorities", made["id"].as_str().unwrap());
    let made = admin.made(&authorities, &document(&root, "root")).await;
    let list = format!(
        "{authorities}/{}/certificateRevocationList",
        made["id"].as_str().unwrap()
    );
    let shown = admin.json(&list).await;
    assert_eq!((&shown["isCurrent"], &shown["source"]), (&json!(false), &Value::Null));
    let content = STANDARD.encode(root.list(&[&[1, 2]], now, MINUTES));
    admin.changed("PUT", &list, &json!({ "content": content })).await;
    let shown = admin.json(&list).await;
    assert_eq!(
        (&shown["isCurrent"], &shown["source"], &shown["revokedCount"]),
        (&json!(true), &json!("uploaded"), &json!(1))
    );
    world.clock.advance(MINUTES);
    assert_eq!(admin.json(&list).await["isCurrent"], false);
    admin.changed("PATCH", &list, &json!({ "graceInHours": 24 })).await;
    assert_eq!(admin.json(&list).await["isCurrent"], true);
    // This installation asks no other server.
    let checked = admin.send("POST", &format!("{list}/refresh"), &json!({})).await;
    assert_eq!(checked.status, 200, "{}", checked.text());
    assert!(checked.json()["problem"].as_str().unwrap().contains("fetches nothing"));
    let other = CardAuthority::root("HYGIE TEST AC RACINE", now);
    let content = STANDARD.encode(other.list(&[], now, MINUTES));
    let answer = admin.send("PUT", &list, &json!({ "content": content })).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(answer.text().contains("signature"), "{}", answer.text());
    // Twenty mebibytes are let through to the rule that says so.
    let answer = admin
        .send("PUT", &list, &json!({ "content": "A".repeat(28_000_000) }))
        .await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(answer.text().contains("20971520 octets"), "{}", answer.text());
}

#[tokio::test]
async fn what_is_wrong_is_refused_with_its_place() {
    let world = World::new().await;
    let admin = world.app(&[WRITE]);
    let now = world.clock.now();
    let root = CardAuthority::root("HYGIE TEST AC RACINE", now);
    let card = root.card(&CardOf::professional("899700123456", now));
    let made = admin.made(ALL, &json!({ "displayName": "IGC" })).await;
    let authorities = format!("{ALL}/{}/certificateAuthorities", made["id"].as_str().unwrap());
    for (member, value, told) in [
        (
            "certificateAuthorityType",
            json!("intermediate"),
            "certificateAuthorityType",
        ),
        ("certificateAuthorityType", json!("leaf"), "certificateAuthorityType"),
        ("certificateAuthorityType", Value::Null, "certificateAuthorityType"),
        ("certificate", json!("%"), "certificate"),
        ("certificate", json!(STANDARD.encode(&card.certificate)), "certificate"),
        (
            "certificateRevocationListUrl",
            json!("ldap://x/y"),
            "certificateRevocationListUrl",
        ),
        (
            "deltaCertificateRevocationListUrl",
            json!("ldap://igc.example/delta"),
            "deltaCertificateRevocationListUrl",
        ),
        ("thumbprint", json!("00"), "thumbprint"),
        ("colour", json!(1), "colour"),
    ] {
        let mut wrong = document(&root, "root");
        wrong[member] = value;
        let answer = admin.document(Method::POST, &authorities, &wrong).await;
        assert_eq!(answer.status, 400, "{member}: {}", answer.text());
        let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(told), "{member}: {message}");
    }
}

#[tokio::test]
async fn what_would_happen_to_a_card_is_told() {
    const TRY: &str = "/v1.0/directory/publicKeyInfrastructure/tryCertificate";
    let world = World::new().await;
    let admin = world.app(&[WRITE]);
    let now = world.clock.now();
    let root = CardAuthority::root("HYGIE TEST AC RACINE", now);
    let card = root.card(&CardOf::professional("899700123456", now));
    let question = json!({ "certificate": STANDARD.encode(&card.certificate) });
    let told = admin.send("POST", TRY, &question).await;
    assert_eq!(told.status, 200, "{}", told.text());
    let told = told.json();
    assert_eq!(
        (&told["reason"], &told["chain"], &told["user"]),
        (&json!("certificate-unknown-issuer"), &json!([]), &Value::Null)
    );
    assert!(told["subject"].as_str().unwrap().contains("899700123456"));
    let made = admin.made(ALL, &json!({ "displayName": "IGC" })).await;
    let authorities = format!("{ALL}/{}/certificateAuthorities", made["id"].as_str().unwrap());
    let mut document = document(&root, "root");
    document["certificateRevocationListUrl"] = Value::Null;
    admin.made(&authorities, &document).await;
    let told = admin.send("POST", TRY, &question).await.json();
    assert_eq!(told["chain"][0]["displayName"], "HYGIE TEST AC RACINE");
    assert_eq!(told["reason"], "certificate-unbound");
    let details = &told["authenticationProcessingDetails"];
    assert_eq!(details[1]["key"], "User certificate authentication level", "{details}");
    // Of the person who would type a name, and of nobody who has none.
    let person = json!({ "accountEnabled": true, "displayName": "Marie", "mailNickname": "marie",
        "userPrincipalName": "marie.trial@ch-demo.example", "passwordProfile": { "password": "Vent-de-Bretagne-29" } });
    let person = world.app(&["User.ReadWrite.All"]).made("/v1.0/users", &person).await;
    assert_eq!(person["displayName"], "Marie");
    let hers = root.card(&CardOf {
        mail: Some("marie.trial@ch-demo.example".to_owned()),
        ..CardOf::professional("899700123457", now)
    });
    for (name, reason) in [
        ("marie.trial@ch-demo.example", "not-offered"),
        ("nobody@ch-demo.example", "certificate-unbound"),
    ] {
        let question = json!({ "certificate": STANDARD.encode(&hers.certificate), "userPrincipalName": name });
        let told = admin.send("POST", TRY, &question).await.json();
        assert_eq!(told["reason"], reason, "{told}");
    }
    for wrong in [
        json!({}),
        json!({ "certificate": "%" }),
        json!({ "certificate": "", "x": 1 }),
        json!({ "certificate": STANDARD.encode(&card.certificate), "userPrincipalName": 1 }),
    ] {
        assert_eq!(admin.send("POST", TRY, &wrong).await.status, 400, "{wrong}");
    }
    let denied = refused(403, "Authorization_RequestDenied");
    let reader = world.app(&["PublicKeyInfrastructure.Read.All"]);
    assert_eq!(refusal(&reader.send("POST", TRY, &question).await), denied);
    assert_eq!(refusal(&world.person(WRITE).send("POST", TRY, &question).await), denied);
}

#[tokio::test]
async fn who_may() {
    let world = World::new().await;
    let reader = world.app(&["PublicKeyInfrastructure.Read.All"]);
    assert_eq!(reader.get(ALL).await.status, 200);
    let denied = refused(403, "Authorization_RequestDenied");
    let new = json!({ "displayName": "IGC" });
    assert_eq!(refusal(&reader.send("POST", ALL, &new).await), denied);
    assert_eq!(refusal(&world.app(&["Directory.ReadWrite.All"]).get(ALL).await), denied);
    // A person needs a role, too: who trusts an authority can sign in as anybody.
    assert_eq!(refusal(&world.person(WRITE).send("POST", ALL, &new).await), denied);
}

/// Certificates of authorities in PEM, one after the other.
fn bundled(authorities: &[&CardAuthority]) -> String {
    let text = |one: &&CardAuthority| {
        let body = STANDARD.encode(&one.certificate);
        format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
    };
    STANDARD.encode(authorities.iter().map(text).collect::<String>())
}

#[tokio::test]
async fn a_bundle_is_taken_whole_or_not_at_all() {
    let world = World::new().await;
    let admin = world.app(&[WRITE]);
    let now = world.clock.now();
    let root = CardAuthority::root("HYGIE TEST AC RACINE", now);
    let issuing = root.intermediate("HYGIE TEST AC PERSONNES", now);
    let made = admin.made(ALL, &json!({ "displayName": "IGC" })).await;
    let one = format!("{ALL}/{}", made["id"].as_str().unwrap());
    let upload = format!("{one}/upload");
    let card = root.card(&CardOf::professional("899700123456", now));
    let with_card = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----",
        STANDARD.encode(&root.certificate),
        STANDARD.encode(&card.certificate)
    );
    for (wrong, place) in [
        (json!({}), "content"),
        (json!({ "content": STANDARD.encode("x") }), "content"),
        (json!({ "content": STANDARD.encode(with_card) }), "certificate"),
        (json!({ "uploadUrl": "https://x.example/a.p7b" }), "uploadUrl"),
        (
            json!({ "content": bundled(&[&root]), "sha256FileHash": "00" }),
            "sha256FileHash",
        ),
    ] {
        let answer = admin.send("POST", &upload, &wrong).await;
        assert_eq!(answer.status, 400, "{wrong}");
        assert!(
            answer.text().to_lowercase().contains(&place.to_lowercase()),
            "{}",
            answer.text()
        );
    }
    let authorities = format!("{one}/certificateAuthorities");
    assert_eq!(each(&admin.json(&authorities).await, "id"), [""; 0], "all or none");
    admin
        .changed("POST", &upload, &json!({ "content": bundled(&[&root]) }))
        .await;
    // What is there stays as it is.
    admin
        .changed("POST", &upload, &json!({ "content": bundled(&[&root, &issuing]) }))
        .await;
    let mut kinds = each(&admin.json(&authorities).await, "certificateAuthorityType");
    kinds.sort();
    assert_eq!(kinds, ["intermediate", "root"]);
    let gone = format!("{ALL}/{}/upload", uuid::Uuid::from_u128(3));
    assert_eq!(
        admin
            .send("POST", &gone, &json!({ "content": bundled(&[&root]) }))
            .await
            .status,
        404
    );
    let reader = world.app(&["PublicKeyInfrastructure.Read.All"]);
    assert_eq!(
        reader
            .send("POST", &upload, &json!({ "content": bundled(&[&root]) }))
            .await
            .status,
        403
    );
}

#[tokio::test]
async fn the_log_tells_what_changed_of_an_authority() {
    let world = World::new().await;
    let admin = world.app(&[WRITE, "AuditLog.Read.All"]);
    let root = CardAuthority::root("HYGIE TEST AC RACINE", world.clock.now());
    let made = admin.made(ALL, &json!({ "displayName": "IGC" })).await;
    let one = format!("{ALL}/{}", made["id"].as_str().unwrap());
    let authorities = format!("{one}/certificateAuthorities");
    let bundle = json!({ "content": bundled(&[&root]) });
    admin.changed("POST", &format!("{one}/upload"), &bundle).await;
    let page = admin.json(&authorities).await;
    let id = each(&page, "id").remove(0);
    let url = json!({ "certificateRevocationListUrl": URL });
    admin.changed("PATCH", &format!("{authorities}/{id}"), &url).await;
    let log = admin
        .json("/v1.0/auditLogs/directoryAudits?$filter=activityDisplayName%20eq%20'Update%20certificate%20authority'")
        .await;
    let properties = log["value"][0]["targetResources"][0]["modifiedProperties"].to_string();
    assert!(
        properties.contains("certificateRevocationListUrl") && properties.contains(URL),
        "{log}"
    );
}

#[tokio::test]
async fn the_former_address_makes_an_infrastructure() {
    let world = World::new().await;
    let admin = world.app(&[WRITE]);
    let now = world.clock.now();
    let root = CardAuthority::root("HYGIE TEST AC RACINE", now);
    let all = format!("/v1.0/organization/{}/certificateBasedAuthConfiguration", world.tenant);
    let one = |kind: bool| {
        json!({ "isRootAuthority": kind, "certificate": STANDARD.encode(&root.certificate),
        "certificateRevocationListUrl": URL })
    };
    for wrong in [
        json!({}),
        json!({ "certificateAuthorities": [] }),
        json!({ "certificateAuthorities": [one(false)] }),
        json!({ "certificateAuthorities": [{ "isRootAuthority": true }] }),
        json!({ "certificateAuthorities": [{ "isRootAuthority": true, "certificate": "%" }] }),
        json!({ "certificateAuthorities": [one(true)], "x": 1 }),
    ] {
        let answer = admin.send("POST", &all, &wrong).await;
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.text());
    }
    assert_eq!(each(&admin.json(ALL).await, "id"), [""; 0], "all or none");
    let made = admin
        .made(&all, &json!({ "certificateAuthorities": [one(true)] }))
        .await;
    let shown = &made["certificateAuthorities"][0];
    assert_eq!(shown["isRootAuthority"], true);
    assert_eq!(shown["certificateRevocationListUrl"], URL);
    assert_eq!(each(&admin.json(ALL).await, "id"), each(&admin.json(&all).await, "id"));
    let path = format!("{all}/{}", made["id"].as_str().unwrap());
    assert_eq!(
        admin.json(&path).await["certificateAuthorities"],
        made["certificateAuthorities"]
    );
    let elsewhere = format!("/v1.0/organization/{}/certificateBasedAuthConfiguration", world.other);
    assert_eq!(admin.get(&elsewhere).await.status, 404);
    assert_eq!(world.app(&["Organization.Read.All"]).get(&all).await.status, 403);
    admin.changed("DELETE", &path, &Value::Null).await;
    assert_eq!(admin.get(&path).await.status, 404);
}

#[tokio::test]
async fn what_another_infrastructure_has_is_not_taken_from_a_bundle() {
    let world = World::new().await;
    let admin = world.app(&[WRITE]);
    let root = CardAuthority::root("HYGIE TEST AC RACINE", world.clock.now());
    let bundle = json!({ "content": bundled(&[&root]) });
    let upload = async |name: &str| {
        let made = admin.made(ALL, &json!({ "displayName": name })).await;
        let path = format!("{ALL}/{}/upload", made["id"].as_str().unwrap());
        admin.send("POST", &path, &bundle).await
    };
    assert_eq!(upload("IGC").await.status, 204);
    let answer = upload("Other").await;
    assert!(
        answer.text().contains("Request_MultipleObjectsWithSameKeyValue"),
        "{}",
        answer.text()
    );
}
