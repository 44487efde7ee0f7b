//! Signing in by a card: from the button to the token, and each way in which a card is refused.

use std::time::Duration;

use axum::middleware::from_fn;
use axum::{Extension, Router};
use hygie_core::{Clock, Cx};
use hygie_directory::logs::LogEntry;
use hygie_directory::logs::LogQuery;
use hygie_directory::trust::{AuthorityChange, ListSource, TrustedAuthority};
use hygie_directory::{Enabled, SignInEntry, UserChange};
use hygie_policy::methods::Method;
use hygie_store::audit::{Outcome, Record};
use hygie_testkit::{Answer, CardAuthority, CardOf, Client, SoftwareCard};
use hygie_web::client::ClientCertificate;
use hygie_web::layers::layers;
use rcgen::KeyUsagePurpose;
use serde_json::{Map, Value, json};

use crate::world::{CERTAUTH, LOGIN, WEB, World, claims, submit};

const NURSE: &str = "anna.martin@ch-demo.example";
const CARD: &str = "899700123456";
const BOUND: &str = "X509:<PN>8.99700123456@carte-cps.fr";
const DAY: Duration = Duration::from_hours(24);

/// A tenant that trusts an infrastructure of cards, as the guide for CPx cards has it.
struct Ward {
    world: World,
    issuing: CardAuthority,
    trusted: TrustedAuthority,
}

impl Ward {
    async fn new() -> Self {
        let world = World::new().await;
        let (cx, directory) = (world.cx(world.tenant), world.idp.directory());
        let root = CardAuthority::root("HYGIE TEST AC RACINE", cx.now);
        let issuing = root.intermediate("HYGIE TEST AC PERSONNES", cx.now);
        let pki = directory.create_pki(&cx, "IGC").await.unwrap();
        let change = || AuthorityChange {
            list_url: Some(Some("http://igc.example/ACI.crl".to_owned())),
            ..AuthorityChange::default()
        };
        let nothing = AuthorityChange::default();
        directory
            .add_authority(&cx, pki.id, &root.certificate, nothing)
            .await
            .unwrap();
        let trusted = directory
            .add_authority(&cx, pki.id, &issuing.certificate, change())
            .await
            .unwrap();
        let ward = Self {
            world,
            issuing,
            trusted,
        };
        ward.configure(&json!({ "state": "enabled" })).await;
        ward.revoke(&[]).await;
        let ids = Map::from_iter([("certificateUserIds".to_owned(), json!([BOUND]))]);
        ward.change(UserChange {
            profile: ids,
            ..UserChange::default()
        })
        .await;
        ward
    }

    fn cx(&self) -> Cx {
        self.world.cx(self.world.tenant)
    }

    async fn configure(&self, change: &Value) {
        let mut document = json!({
            "@odata.type": "#microsoft.graph.x509CertificateAuthenticationMethodConfiguration",
            "authenticationModeConfiguration": {
                "x509CertificateAuthenticationDefaultMode": "x509CertificateMultiFactor", "rules": [],
            },
            "certificateUserBindings": [
                { "x509CertificateField": "PrincipalName", "userProperty": "certificateUserIds", "priority": 1 },
            ],
        });
        for (name, value) in change.as_object().unwrap() {
            document[name] = value.clone();
        }
        let directory = self.world.idp.directory();
        directory
            .configure_method(&self.cx(), Method::X509Certificate, document)
            .await
            .unwrap();
    }

    /// Gives the list of the issuing authority, good for a day.
    async fn revoke(&self, serials: &[&[u8]]) {
        let cx = self.cx();
        let list = self.issuing.list(serials, cx.now, DAY);
        let directory = self.world.idp.directory();
        let kept = directory.keep_revocation_list(&cx, &self.trusted, list, ListSource::Uploaded);
        kept.await.unwrap();
    }

    async fn change(&self, change: UserChange) {
        let directory = self.world.idp.directory();
        directory
            .update_user(&self.cx(), self.world.nurse, change)
            .await
            .unwrap();
    }

    fn card(&self) -> SoftwareCard {
        self.issuing.card(&CardOf::professional(CARD, self.world.clock.now()))
    }

    /// The host that asks for a certificate, when this one is shown.
    fn certauth(&self, certificate: Option<&[u8]>) -> Client {
        let router = hygie_idp::certauth_router(self.world.idp.clone());
        let router: Router = layers(router, &self.world.layers).layer(from_fn(hygie_idp::alone));
        Client::new(&match certificate {
            Some(der) => router.layer(Extension(ClientCertificate(der.into()))),
            None => router,
        })
    }

    /// From the authorization request to the page that leads to the other host, by this name or without one: its link.
    async fn asked(&self, browser: &Client, name: &str, other: &[(&str, &str)]) -> String {
        let request = self.world.authorize(self.world.portal, WEB, other);
        let mut page = browser.get(&request).await;
        if !name.is_empty() {
            page = submit(browser, &page, &[("username", name)]).await;
        }
        assert!(page.text().contains("value=\"certificate\""), "{}", page.text());
        let page = submit(
            browser,
            &page,
            &[("step", "way"), ("way", "certificate"), ("username", name)],
        )
        .await;
        link(&page)
    }

    async fn log(&self) -> Vec<SignInEntry> {
        let query = LogQuery {
            limit: 10,
            ..LogQuery::default()
        };
        self.world.idp.directory().list_log(&self.cx(), query).await.unwrap()
    }

    /// What the nurse's card, or this one, is answered after her name, with the reasons that the trail has.
    async fn refused(&self, certificate: Option<&[u8]>) -> (Answer, Vec<String>) {
        let browser = self.world.browser();
        let link = self.asked(&browser, NURSE, &[]).await;
        self.world.recorded().await;
        let answer = self.certauth(certificate).get(&path(&link)).await;
        assert_eq!(answer.location(), "", "nobody is handed over");
        let mut reasons = reasons(&self.world.recorded().await);
        reasons.extend(self.stored());
        (answer, reasons)
    }

    /// The reasons of refusals that were recorded in the directory.
    fn stored(&self) -> Vec<String> {
        reasons(&self.world.store.accesses())
    }
}

fn reasons(records: &[Record]) -> Vec<String> {
    let refused = records.iter().filter(|record| record.outcome == Outcome::Refused);
    let signins = refused.filter(|record| record.action == "idp.signin");
    signins
        .filter_map(|record| record.reason.as_deref().map(str::to_owned))
        .collect()
}

/// The link of the page to the host that asks for a certificate.
fn link(page: &Answer) -> String {
    let is_there = |rest: &&str| rest.starts_with("https://") && rest.contains("/certauth?ticket=");
    let found = page.text().split("href=\"").find(is_there);
    let found = found.unwrap_or_else(|| panic!("no link in {}", page.text()));
    let address = found.split('"').next().unwrap();
    address.replace("&#38;", "&").replace("&amp;", "&")
}

/// An address without its host.
fn path(address: &str) -> String {
    let rest = address.strip_prefix("https://").expect("https");
    let (host, path) = rest.split_once('/').expect("a path");
    let is_ours = |known: &&str| {
        known
            .strip_prefix("https://")
            .is_some_and(|known| host.ends_with(known))
    };
    assert!([CERTAUTH, LOGIN].iter().any(is_ours), "{address} is not ours");
    format!("/{path}")
}

#[tokio::test]
async fn a_card_signs_in_after_the_name_and_is_worth_two_factors() {
    let ward = Ward::new().await;
    let browser = ward.world.browser();
    let link = ward.asked(&browser, NURSE, &[]).await;
    let over = ward.certauth(Some(&ward.card().certificate)).get(&path(&link)).await;
    assert_eq!(
        (over.status.as_u16(), over.header("connection")),
        (302, "close"),
        "{}",
        over.text()
    );
    let back = browser.get(&path(over.location())).await;
    let code = back.redirect_param("code").unwrap_or_else(|| panic!("{}", back.text()));
    let tokens = ward.world.redeem(&code).await.json();
    let amr = claims(&tokens["access_token"])["amr"].clone();
    assert_eq!(amr, json!(["rsa", "mfa"]));
    // The log of the establishment tells what the card was, and why it counted so.
    let log = ward.log().await;
    let entry = log
        .iter()
        .find(|entry| entry.is_interactive && entry.error_code == 0)
        .unwrap();
    let told = entry.shown()["authenticationProcessingDetails"].clone();
    assert!(told[0]["value"].as_str().unwrap().contains(CARD), "{told}");
    let told: Vec<(&str, &str)> = told.as_array().unwrap()[1..]
        .iter()
        .map(|one| (one["key"].as_str().unwrap(), one["value"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            ("User certificate authentication level", "multiFactorAuthentication"),
            ("User certificate authentication level type", "TenantDefault"),
            (
                "User certificate binding",
                "Certificate: PrincipalName; User Attribute: certificateUserIds; Rank: 1"
            ),
        ]
    );
    // The session is there: the next application asks nothing.
    let again = browser.get(&ward.world.authorize(ward.world.portal, WEB, &[])).await;
    assert!(again.redirect_param("code").is_some());
}

#[tokio::test]
async fn a_tenant_with_hints_has_people_asked_under_its_own_name() {
    let ward = Ward::new().await;
    let named = format!("https://t{}.certauth.example:8442/", ward.world.tenant);
    let hints = json!({ "state": "enabled", "issuerHintsConfiguration": { "state": "enabled" } });
    ward.configure(&hints).await;
    for name in [NURSE, ""] {
        let browser = ward.world.browser();
        let link = ward.asked(&browser, name, &[]).await;
        assert!(link.starts_with(&named), "{link}");
        let over = ward.certauth(Some(&ward.card().certificate)).get(&path(&link)).await;
        assert!(over.location().starts_with(LOGIN), "{}", over.text());
        let back = browser.get(&path(over.location())).await;
        assert!(back.redirect_param("code").is_some(), "{}", back.text());
    }
    let hints = json!({ "state": "enabled", "issuerHintsConfiguration": { "state": "disabled" } });
    ward.configure(&hints).await;
    let link = ward.asked(&ward.world.browser(), NURSE, &[]).await;
    assert!(link.starts_with(&format!("{CERTAUTH}/")), "{link}");
}

#[tokio::test]
async fn a_card_signs_in_without_a_name() {
    let ward = Ward::new().await;
    let browser = ward.world.browser();
    let link = ward.asked(&browser, "", &[]).await;
    let over = ward.certauth(Some(&ward.card().certificate)).get(&path(&link)).await;
    let back = browser.get(&path(over.location())).await;
    let code = back.redirect_param("code").unwrap_or_else(|| panic!("{}", back.text()));
    let tokens = ward.world.redeem(&code).await.json();
    let name = claims(&tokens["id_token"])["preferred_username"].clone();
    assert!(name.as_str().unwrap().eq_ignore_ascii_case(NURSE), "{name}");
    // Of nobody.
    let stranger = ward
        .issuing
        .card(&CardOf::professional("899700999999", ward.world.clock.now()));
    let link = ward.asked(&ward.world.browser(), "", &[]).await;
    ward.world.recorded().await;
    let answer = ward.certauth(Some(&stranger.certificate)).get(&path(&link)).await;
    assert!(answer.text().contains("AADSTS1001003"), "{}", answer.text());
    assert_eq!(reasons(&ward.world.recorded().await), ["certificate-unbound"]);
}

/// What the log tells of a refused card, by its keys.
fn keys_told(entry: &SignInEntry) -> Vec<String> {
    let told = entry.shown()["authenticationProcessingDetails"].clone();
    let keys = told.as_array().unwrap().iter().filter_map(|one| one["key"].as_str());
    keys.map(str::to_owned).collect()
}

/// As far as the certificate was looked at: a chain that leads nowhere gives it no worth.
fn keys_of(reason: &str) -> &'static [&'static str] {
    match reason {
        "certificate-unreadable" => &[],
        "certificate-unbound" => &[
            "User certificate subject name",
            "User certificate authentication level",
            "User certificate authentication level type",
        ],
        _ => &["User certificate subject name"],
    }
}

#[tokio::test]
async fn each_refusal_has_its_own_reason_on_the_page_and_in_both_logs() {
    let ward = Ward::new().await;
    let now = ward.world.clock.now();
    let made = |change: &dyn Fn(&mut CardOf)| {
        let mut of = CardOf::professional(CARD, now);
        change(&mut of);
        ward.issuing.card(&of).certificate
    };
    let revoked = made(&|of| of.serial = vec![0x66, 0x01]);
    ward.revoke(&[&[0x66, 0x01]]).await;
    let unknown = CardAuthority::root("HYGIE TEST AC INCONNUE", now);
    let unknown = unknown.card(&CardOf::professional(CARD, now)).certificate;
    for (certificate, code, reason) in [
        (
            made(&|of| of.principal_name = "8.1@carte-cps.fr".to_owned()),
            1_001_003,
            "certificate-unbound",
        ),
        (revoked, 500_183, "certificate-revoked"),
        (made(&|of| of.not_after = now - DAY / 2), 50_017, "certificate-expired"),
        (
            made(&|of| of.not_before = now + DAY),
            50_017,
            "certificate-not-yet-valid",
        ),
        (unknown, 50_017, "certificate-unknown-issuer"),
        (
            made(&|of| of.usages = vec![KeyUsagePurpose::ContentCommitment]),
            50_017,
            "certificate-usage",
        ),
        (b"no certificate".to_vec(), 50_017, "certificate-unreadable"),
    ] {
        let (answer, reasons) = ward.refused(Some(&certificate)).await;
        assert_eq!(reasons.last().map(String::as_str), Some(reason));
        assert!(
            answer.text().contains(&format!("AADSTS{code}")),
            "{reason}: {}",
            answer.text()
        );
        assert!(answer.text().contains(&format!("{LOGIN}/")), "{reason}: a way back");
        // All of them are of one instant: their order in the log says nothing.
        let log = ward.log().await;
        let says_so = |entry: &&SignInEntry| entry.failure_reason.as_deref().is_some_and(|why| why.contains(reason));
        let entry = log.iter().find(says_so).unwrap_or_else(|| panic!("{reason}: no entry"));
        assert_eq!(entry.error_code, code, "{reason}");
        assert_eq!((entry.user, entry.session), (ward.world.nurse, None));
        assert_eq!(keys_told(entry), keys_of(reason), "{reason}");
    }
    // Without any there is nothing to tell whose.
    let (answer, reasons) = ward.refused(None).await;
    assert!(answer.text().contains("AADSTS50192"), "{}", answer.text());
    assert_eq!(reasons.first().map(String::as_str), Some("certificate-missing"));
}

#[tokio::test]
async fn a_list_that_cannot_be_had_lets_nobody_in() {
    let ward = Ward::new().await;
    ward.world.clock.advance(DAY + Duration::from_secs(1));
    let card = ward.card().certificate;
    let (answer, reasons) = ward.refused(Some(&card)).await;
    assert!(answer.text().contains("AADSTS220501"), "{}", answer.text());
    assert_eq!(reasons.last().map(String::as_str), Some("certificate-list-expired"));
    ward.revoke(&[]).await;
    let link = ward.asked(&ward.world.browser(), NURSE, &[]).await;
    let over = ward.certauth(Some(&card)).get(&path(&link)).await;
    assert_eq!(over.status, 302, "{}", over.text());
}

#[tokio::test]
async fn the_policy_of_the_tenant_decides_for_whom_cards_are() {
    let ward = Ward::new().await;
    let card = ward.card().certificate;
    let nurses = ward.world.nurses.to_string();
    let excluded = json!([{ "id": nurses, "targetType": "group" }]);
    ward.configure(&json!({ "excludeTargets": excluded })).await;
    let (answer, reasons) = ward.refused(Some(&card)).await;
    assert!(answer.text().contains("AADSTS1001000"), "{}", answer.text());
    assert_eq!(reasons.last().map(String::as_str), Some("not-offered"));
    ward.configure(&json!({ "excludeTargets": [] })).await;
    ward.change(UserChange {
        state: Some(Enabled::No),
        ..UserChange::default()
    })
    .await;
    let (answer, reasons) = ward.refused(Some(&card)).await;
    assert!(answer.text().contains("AADSTS50057"), "{}", answer.text());
    assert_eq!(reasons.last().map(String::as_str), Some("disabled"));
    // A tenant without the method shows no button, and takes none.
    ward.configure(&json!({ "state": "disabled" })).await;
    let browser = ward.world.browser();
    let page = browser.get(&ward.world.authorize(ward.world.portal, WEB, &[])).await;
    assert!(!page.text().contains("value=\"certificate\""));
    let page = submit(
        &browser,
        &page,
        &[("step", "way"), ("way", "certificate"), ("username", NURSE)],
    )
    .await;
    assert!(!page.text().contains(CERTAUTH));
}

#[tokio::test]
async fn a_hand_over_is_good_once_in_its_browser_and_for_its_request() {
    let ward = Ward::new().await;
    let card = ward.card().certificate;
    let handed = async |browser: &Client| {
        let link = ward.asked(browser, NURSE, &[]).await;
        let over = ward.certauth(Some(&card)).get(&path(&link)).await;
        path(over.location())
    };
    let is_refused = |answer: &Answer| answer.text().contains("AADSTS50089") && answer.cookie_of_session().is_none();
    // Another browser, with a cookie of its own and without any; and then nobody has a second try.
    let (browser, other) = (ward.world.browser(), ward.world.browser());
    other.get(&ward.world.authorize(ward.world.portal, WEB, &[])).await;
    let address = handed(&browser).await;
    assert!(is_refused(&other.get(&address).await));
    assert!(is_refused(&browser.get(&address).await));
    assert!(is_refused(&ward.world.browser().get(&handed(&browser).await).await));
    // Another request.
    let address = handed(&browser).await;
    let altered = address.replace("n-1", "n-2");
    assert_ne!(altered, address);
    assert!(is_refused(&browser.get(&altered).await));
    // Too late.
    let address = handed(&browser).await;
    ward.world.clock.advance(Duration::from_mins(2));
    assert!(is_refused(&browser.get(&address).await));
    // Once.
    let address = handed(&browser).await;
    assert!(browser.get(&address).await.redirect_param("code").is_some());
    assert!(is_refused(&browser.get(&address).await));
    let stored = ward.stored();
    assert!(
        stored.iter().any(|reason| reason == "certificate-handover"),
        "{stored:?}"
    );
}

#[tokio::test]
async fn a_ticket_is_ours_of_its_request_and_fresh() {
    let ward = Ward::new().await;
    let card = ward.card().certificate;
    let host = ward.certauth(Some(&card));
    let link = path(&ward.asked(&ward.world.browser(), NURSE, &[]).await);
    let ticket = link
        .split("ticket=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap()
        .to_owned();
    for altered in [
        link.replace("n-1", "n-2"),
        link.replace(&ticket, &format!("x{ticket}")),
        link.replace(&ticket, ""),
        link.replace("version=2", "version=1"),
        link.replace(&ward.world.tenant.to_string(), &ward.world.other.to_string()),
    ] {
        assert_ne!(altered, link);
        let answer = host.get(&altered).await;
        assert!(
            answer.status.is_client_error() && answer.location().is_empty(),
            "{altered}"
        );
    }
    ward.world.clock.advance(Duration::from_mins(11));
    let answer = host.get(&link).await;
    assert!(answer.text().contains("AADSTS50089"), "{}", answer.text());
}

#[tokio::test]
async fn a_card_steps_a_session_up_where_a_policy_asks() {
    let ward = Ward::new().await;
    let policy = json!({
        "displayName": "AC02", "state": "enabled",
        "conditions": {
            "users": { "includeUsers": ["All"] },
            "applications": { "includeApplications": [ward.world.fhir.to_string()] },
            "clientAppTypes": ["all"],
        },
        "grantControls": { "operator": "OR", "builtInControls": ["mfa"] },
    });
    let policy = hygie_policy::Policy::from_json(&policy).unwrap();
    ward.world
        .idp
        .directory()
        .create_rule(&ward.cx(), policy)
        .await
        .unwrap();
    let browser = ward.world.browser();
    let request = ward.world.authorize(ward.world.portal, WEB, &[]);
    // The password is not enough; the card is what the person has.
    let page = ward.world.sign_in(&browser, &request).await;
    let over = ward
        .certauth(Some(&ward.card().certificate))
        .get(&path(&link(&page)))
        .await;
    let back = browser.get(&path(over.location())).await;
    let code = back.redirect_param("code").unwrap_or_else(|| panic!("{}", back.text()));
    let tokens = ward.world.redeem(&code).await.json();
    assert_eq!(claims(&tokens["access_token"])["amr"], json!(["pwd", "rsa", "mfa"]));
}

#[tokio::test]
async fn a_card_of_a_single_factor_is_no_second_one() {
    let ward = Ward::new().await;
    let modes = json!({ "authenticationModeConfiguration": {
        "x509CertificateAuthenticationDefaultMode": "x509CertificateMultiFactor",
        "rules": [{
            "x509CertificateRuleType": "issuerSubject",
            "identifier": "CN=HYGIE TEST AC PERSONNES, O=HYGIE-TEST, C=FR",
            "x509CertificateAuthenticationMode": "x509CertificateSingleFactor",
        }],
    }});
    ward.configure(&modes).await;
    let browser = ward.world.browser();
    let link = ward.asked(&browser, NURSE, &[]).await;
    let over = ward.certauth(Some(&ward.card().certificate)).get(&path(&link)).await;
    let back = browser.get(&path(over.location())).await;
    let tokens = ward.world.redeem(&back.redirect_param("code").unwrap()).await.json();
    assert_eq!(claims(&tokens["access_token"])["amr"], json!(["rsa"]));
}

trait Cookies {
    /// The session cookie that an answer sets.
    fn cookie_of_session(&self) -> Option<&str>;
}

impl Cookies for Answer {
    fn cookie_of_session(&self) -> Option<&str> {
        let set = self.headers.get_all("set-cookie").iter();
        set.filter_map(|value| value.to_str().ok())
            .find(|value| value.starts_with("__Host-hygie-idp="))
    }
}
