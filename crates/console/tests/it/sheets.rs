//! What the forms of the newer pages send.

use serde_json::{Value, json};

use crate::psc::upload;
use crate::world::World;

pub const ID: &str = "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0009";

pub async fn with_token(page: &str) -> (World, String) {
    let world = World::signed_in().await;
    world.script.answer("GET /v1.0/", 200, json!({ "value": [], "id": ID }));
    for method in ["POST", "PATCH", "PUT", "DELETE"] {
        world.script.answer(
            &format!("{method} /v1.0/"),
            200,
            json!({ "id": ID, "appId": ID, "responses": [] }),
        );
    }
    let answer = world.client.get(page).await;
    let token = answer.field("csrf").expect("a form");
    world.script.asked.lock().clear();
    (world, token)
}

/// What was sent that changes something.
pub fn sent(world: &World) -> Vec<(String, Value)> {
    let asked = world.asked("");
    let changes = asked
        .into_iter()
        .filter(|one| !one.line.starts_with("GET ") && !one.line.ends_with("$batch"));
    changes.map(|one| (one.line.replace("/v1.0", ""), one.body)).collect()
}

#[tokio::test]
async fn a_place_is_ranges_or_countries() {
    for (kind, lines, expected) in [
        (
            "ip",
            "192.0.2.0/24\r\n 2001:db8::/32 \r\n\r\n",
            json!({ "@odata.type": "#microsoft.graph.ipNamedLocation", "displayName": "Site", "isTrusted": true, "ipRanges": [
                { "@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "192.0.2.0/24" },
                { "@odata.type": "#microsoft.graph.iPv6CidrRange", "cidrAddress": "2001:db8::/32" }] }),
        ),
        (
            "country",
            "fr\nBE",
            json!({ "@odata.type": "#microsoft.graph.countryNamedLocation", "displayName": "Site",
                "countriesAndRegions": ["FR", "BE"], "includeUnknownCountriesAndRegions": false,
                "countryLookupMethod": "clientIpAddress" }),
        ),
    ] {
        let (world, token) = with_token("/admin/locations/new").await;
        let fields = [
            ("csrf", token.as_str()),
            ("name", "Site"),
            ("kind", kind),
            ("lines", lines),
            ("option", "trusted"),
        ];
        let answer = world.client.post("/admin/locations/new", &fields).await;
        assert_eq!(answer.location(), "/admin/locations?done=location-made");
        let address = "POST /identity/conditionalAccess/namedLocations".to_owned();
        assert_eq!(sent(&world), [(address, expected)]);
    }
}

#[tokio::test]
async fn a_method_keeps_what_the_form_does_not_show() {
    let (world, token) = with_token("/admin/methods/X509Certificate").await;
    let address = "/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/X509Certificate";
    let rule = json!({ "x509CertificateRuleType": "policyOID", "identifier": "1.2.3" });
    let binding = json!({ "x509CertificateField": "PrincipalName", "userProperty": "certificateUserIds",
        "priority": 7, "trustAffinityLevel": "low" });
    let everybody = json!({ "targetType": "group", "id": "all_users", "isRegistrationRequired": false });
    let before = json!({ "id": "X509Certificate", "state": "enabled", "includeTargets": [everybody],
        "authenticationModeConfiguration": { "rules": [rule] }, "certificateUserBindings": [binding],
        "crlValidationConfiguration": { "state": "enabled", "exemptedCertificateAuthoritiesSubjectKeyIdentifiers": ["AB"] } });
    world.script.answer(&format!("GET /v1.0{address}"), 200, before);
    let fields = [
        ("csrf", token.as_str()),
        ("step", "save"),
        ("state", "enabled"),
        ("who", "everybody"),
        ("mode", "x509CertificateMultiFactor"),
        ("field-1", "SubjectKeyIdentifier"),
        ("property-1", "certificateUserIds"),
        ("field-2", "PrincipalName"),
        ("property-2", "certificateUserIds"),
        ("field-3", ""),
        ("property-3", "certificateUserIds"),
    ];
    world.client.post("/admin/methods/X509Certificate", &fields).await;
    let sent = sent(&world);
    let [(line, body)] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!(*line, format!("PATCH {address}"));
    assert_eq!(body["includeTargets"], json!([everybody]));
    assert_eq!(body["authenticationModeConfiguration"]["rules"], json!([rule]));
    let bindings = &body["certificateUserBindings"];
    assert_eq!(
        (&bindings[0]["priority"], &bindings[1]["priority"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(bindings[1]["trustAffinityLevel"], "low");
    let lists = json!({ "state": "disabled", "exemptedCertificateAuthoritiesSubjectKeyIdentifiers": ["AB"] });
    assert_eq!(body["crlValidationConfiguration"], lists);
}

#[tokio::test]
async fn a_registration_is_present_here_and_a_secret_ends() {
    let (world, token) = with_token("/admin/applications/new").await;
    let fields = [
        ("csrf", token.as_str()),
        ("name", "Dossier"),
        ("kind", "spa"),
        ("addresses", "https://a.example/\nhttps://b.example/"),
        ("audience", "AzureADMyOrg"),
    ];
    let answer = world.client.post("/admin/applications/new", &fields).await;
    assert_eq!(
        answer.location(),
        format!("/admin/registrations/{ID}?done=registration-made")
    );
    let addresses = json!({ "redirectUris": ["https://a.example/", "https://b.example/"] });
    let application = json!({ "displayName": "Dossier", "signInAudience": "AzureADMyOrg", "spa": addresses });
    assert_eq!(
        sent(&world),
        [
            ("POST /applications".to_owned(), application),
            ("POST /servicePrincipals".to_owned(), json!({ "appId": ID })),
        ]
    );
    world.script.asked.lock().clear();
    let secret = [
        ("csrf", token.as_str()),
        ("step", "secret"),
        ("secret-name", "serveur"),
        ("days", "90"),
    ];
    world.client.post(&format!("/admin/registrations/{ID}"), &secret).await;
    let sent = sent(&world);
    let credential = &sent[0].1["passwordCredential"];
    assert_eq!(credential["displayName"], "serveur");
    assert!(credential["endDateTime"].is_string(), "{credential}");
}

#[tokio::test]
async fn what_is_no_certificate_or_pdf_is_not_sent() {
    let (world, token) = with_token("/admin/trust").await;
    let csrf = ("csrf", None, token.as_bytes());
    for (path, step, field) in [
        ("/admin/trust/try", "try", "certificate"),
        ("/admin/trust/x", "add", "certificate"),
        ("/admin/trust/x/y", "upload", "list"),
        ("/admin/terms/new", "create", "document"),
        ("/admin/terms/x", "add", "document"),
    ] {
        let file: (&str, Option<&str>, &[u8]) = (field, Some("a"), b"-----BEGIN NOTHING-----");
        let parts = [csrf, ("step", None, step.as_bytes()), file];
        let page = upload(&world, path, &parts).await;
        assert!(page.text().contains("notice danger"), "{path}: {}", page.text());
        assert_eq!(sent(&world), [], "{path}");
        let parts = [("step", None, step.as_bytes()), file];
        assert_eq!(
            upload(&world, path, &parts).await.status,
            403,
            "{path} without its token"
        );
    }
}

#[tokio::test]
async fn what_was_typed_of_terms_is_kept() {
    let (world, token) = with_token("/admin/terms/new").await;
    let file: (&str, Option<&str>, &[u8]) = ("document", Some("a"), b"no document");
    let parts = [
        ("csrf", None, token.as_bytes()),
        ("name", None, b"Charte".as_slice()),
        ("days", None, b"365"),
        ("language", None, b"en"),
        file,
    ];
    let page = upload(&world, "/admin/terms/new", &parts).await;
    let text = page.text();
    assert!(text.contains("notice danger"), "{text}");
    for kept in ["value=\"Charte\"", "value=\"365\"", "value=\"en\" selected"] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
    assert!(!text.contains("value=\"viewed\" checked"), "{text}");
    let parts = [("csrf", None, token.as_bytes()), ("option", None, b"viewed"), file];
    let text = upload(&world, "/admin/terms/new", &parts).await;
    assert!(text.text().contains("value=\"viewed\" checked"), "{}", text.text());
}

#[tokio::test]
async fn answers_to_terms_have_pages() {
    let (world, _) = with_token("/admin/terms/new").await;
    let next = "https://graph.example/v1.0/x?$skiptoken=abc";
    let path = format!("GET /v1.0/identityGovernance/termsOfUse/agreements/{ID}/acceptances");
    world
        .script
        .answer(&path, 200, json!({ "value": [], "@odata.nextLink": next }));
    let page = world.client.get(&format!("/admin/terms/{ID}")).await;
    let link = format!("href=\"/admin/terms/{ID}?page=abc\"");
    assert!(page.text().contains(&link), "{}", page.text());
    world.client.get(&format!("/admin/terms/{ID}?page=abc")).await;
    let asked = world.asked(&path);
    assert!(
        asked.last().is_some_and(|one| one.line.contains("skiptoken=abc")),
        "{asked:?}"
    );
}

#[tokio::test]
async fn permissions_that_are_there_are_passed_over() {
    let (world, token) = with_token("/admin/users/new").await;
    let roles = json!([{ "id": "r1", "value": "A.Read" }, { "id": "r2", "value": "B.Read" }]);
    world.script.answer(
        "GET /v1.0/servicePrincipals/api",
        200,
        json!({ "id": "api", "appRoles": roles }),
    );
    let given =
        json!({ "value": [{ "resourceId": "api", "appRoleId": "r1" }, { "resourceId": "other", "appRoleId": "r2" }] });
    let path = format!("GET /v1.0/servicePrincipals/{ID}/appRoleAssignments");
    world.script.answer(&path, 200, given);
    let grant =
        json!({ "id": "g", "clientId": ID, "resourceId": "api", "consentType": "AllPrincipals", "scope": "A.Read" });
    world
        .script
        .answer("GET /v1.0/oauth2PermissionGrants", 200, json!({ "value": [grant] }));
    let give = async |kind: &str, permissions: &str| {
        world.script.asked.lock().clear();
        let fields = [
            ("csrf", token.as_str()),
            ("step", "grant"),
            ("resource", "api"),
            ("kind", kind),
            ("permissions", permissions),
        ];
        let answer = world.client.post(&format!("/admin/applications/{ID}"), &fields).await;
        assert_eq!(
            answer.location(),
            format!("/admin/applications/{ID}?done=application-granted"),
            "{}",
            answer.text()
        );
        sent(&world)
    };
    let assignment = json!({ "principalId": ID, "resourceId": "api", "appRoleId": "r2" });
    let address = format!("POST /servicePrincipals/{ID}/appRoleAssignments");
    assert_eq!(give("own", "A.Read B.Read").await, [(address, assignment)]);
    assert_eq!(give("delegated", "A.Read").await, []);
    let change = (
        "PATCH /oauth2PermissionGrants/g".to_owned(),
        json!({ "scope": "A.Read B.Read" }),
    );
    assert_eq!(give("delegated", "A.Read B.Read").await, [change]);
}

#[tokio::test]
async fn a_list_that_is_over_is_fetched_again_where_it_has_an_address() {
    let (world, _) = with_token("/admin/users/new").await;
    for (url, words, tone) in [
        (json!("http://crl.example/a.crl"), "la prochaine carte", "tag warning"),
        (Value::Null, "ses cartes sont refusées", "tag danger"),
    ] {
        let path =
            "GET /v1.0/directory/publicKeyInfrastructure/certificateBasedAuthConfigurations/x/certificateAuthorities/y";
        let authority = json!({ "id": "y", "displayName": "Autorité", "certificateRevocationListUrl": url });
        world.script.answer(path, 200, authority);
        let list = json!({ "isCurrent": false, "source": "fetched", "graceInHours": 0 });
        world
            .script
            .answer(&format!("{path}/certificateRevocationList"), 200, list);
        let page = world.client.get("/admin/trust/x/y").await;
        assert!(
            page.text().contains(words) && page.text().contains(tone),
            "{}",
            page.text()
        );
    }
}

#[tokio::test]
async fn a_password_keeps_its_spaces() {
    let (world, token) = with_token("/admin/users/new").await;
    let fields = [
        ("csrf", token.as_str()),
        ("displayName", " Anna "),
        ("userPrincipalName", "anna@ch.example"),
        ("password", " deux mots  "),
    ];
    world.client.post("/admin/users/new", &fields).await;
    let made = sent(&world);
    assert_eq!(made[0].1["displayName"], "Anna");
    assert_eq!(made[0].1["passwordProfile"]["password"], " deux mots  ");
    world.script.asked.lock().clear();
    let fields = [("csrf", token.as_str()), ("step", "password"), ("password", " x ")];
    world.client.post(&format!("/admin/users/{ID}"), &fields).await;
    assert_eq!(sent(&world)[0].1["passwordProfile"]["password"], " x ");
}

#[tokio::test]
async fn the_role_of_the_last_administrator_stays() {
    let (world, token) = with_token("/admin/users/new").await;
    let path = format!("DELETE /v1.0/directoryRoles/{ID}/members/{ID}/$ref");
    let refusal = json!({ "error": { "code": "Request_BadRequest", "message": "the last <administrator>" } });
    world.script.answer(&path, 400, refusal);
    let fields = [("csrf", token.as_str()), ("step", "take"), ("item", ID)];
    let page = world.client.post(&format!("/admin/roles/{ID}"), &fields).await;
    let text = page.text();
    assert!(
        text.contains("notice danger") && text.contains("the last &#60;administrator&#62;"),
        "{text}"
    );
}

#[tokio::test]
async fn a_password_is_good_for_one_sign_in_unless_the_box_is_empty() {
    let (world, token) = with_token("/admin/users/new").await;
    let user = format!("/admin/users/{ID}");
    for (address, step) in [("/admin/users/new", ""), (user.as_str(), "password")] {
        let page = world.client.get(address).await;
        let ticked = "name=\"once\" value=\"yes\" checked";
        assert!(page.text().contains(ticked), "{address}: {}", page.text());
        for (once, word) in [("yes", "done=user-password"), ("", "done=user-password-kept")] {
            world.script.asked.lock().clear();
            let fields = [
                ("csrf", token.as_str()),
                ("step", step),
                ("password", "x"),
                ("once", once),
            ];
            let answer = world.client.post(address, &fields).await;
            let is_forced = &sent(&world)[0].1["passwordProfile"]["forceChangePasswordNextSignIn"];
            assert_eq!(*is_forced, once == "yes", "{address}");
            assert!(
                step.is_empty() || answer.location().ends_with(word),
                "{}",
                answer.location()
            );
        }
    }
    // What was refused keeps the box as it was left.
    world
        .script
        .answer("POST /v1.0/users", 400, json!({ "error": { "message": "no" } }));
    world
        .script
        .answer("PATCH /v1.0/users", 400, json!({ "error": { "message": "no" } }));
    for (address, step) in [("/admin/users/new", ""), (user.as_str(), "password")] {
        let fields = [("csrf", token.as_str()), ("step", step), ("password", "x")];
        let page = world.client.post(address, &fields).await;
        assert!(
            page.text().contains("name=\"once\" value=\"yes\" aria-describedby"),
            "{}",
            page.text()
        );
    }
}

#[tokio::test]
async fn a_card_is_tried_by_a_name_and_its_details_are_told() {
    let (world, token) = with_token("/admin/trust").await;
    let trial = json!({ "subject": "CN=Anna", "reason": "unknown", "message": "nobody", "chain": [],
        "authenticationProcessingDetails": [
            { "key": "User certificate subject name", "value": "CN=Anna" },
            { "key": "User certificate binding", "value": "Rank: <1>" },
        ] });
    let path = "/directory/publicKeyInfrastructure/tryCertificate";
    world.script.answer(&format!("POST /v1.0{path}"), 200, trial);
    let pem = b"-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
    for (name, sent_name) in [("anna@ch.example", json!("anna@ch.example")), ("", Value::Null)] {
        world.script.asked.lock().clear();
        let parts: [(&str, Option<&str>, &[u8]); 4] = [
            ("csrf", None, token.as_bytes()),
            ("step", None, b"try"),
            ("userPrincipalName", None, name.as_bytes()),
            ("certificate", Some("card.pem"), pem),
        ];
        let page = upload(&world, "/admin/trust/try", &parts).await;
        assert_eq!(sent(&world)[0].1["userPrincipalName"], sent_name);
        let text = page.text();
        assert!(text.contains(&format!("value=\"{name}\"")), "{text}");
        assert!(text.contains("Rank: &#60;1&#62;"), "{text}");
        assert_eq!(text.matches("CN=Anna").count(), 1, "{text}");
    }
}
