//! Certificates: whose they are, by which rule, and what their revocation lists say, fetched over a real connection.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hygie_access::{EgressPolicy, Outgoing};
use hygie_core::{Clock, Cx};
use hygie_directory::trust::{AuthorityChange, ListSource, TrustedAuthority};
use hygie_directory::{NewUser, UserChange};
use hygie_means::{CertificateRefusal, Claimed, Fetch, FetchFirst, Hints, Refusal, Told};
use hygie_policy::methods::Method;
use hygie_policy::strength::{Details, Mode};
use hygie_testkit::{CARD_POLICY, CardAuthority, CardOf};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::world::{NAME, World, refusal};

const DAY: Duration = Duration::from_hours(24);
const CARD: &str = "899700123456";
const BOUND: &str = "X509:<PN>8.99700123456@carte-cps.fr";

/// A web server with one file and what changed since, or none.
#[derive(Clone, Default)]
struct Site {
    file: Arc<Mutex<Option<Vec<u8>>>>,
    changes: Arc<Mutex<Option<Vec<u8>>>>,
    asked: Arc<AtomicUsize>,
}

impl Site {
    async fn start() -> (Self, u16) {
        let site = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = site.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                serving.asked.fetch_add(1, Ordering::SeqCst);
                let file = if request.starts_with(b"GET /delta.crl ") {
                    &serving.changes
                } else {
                    &serving.file
                };
                let file = file.lock().unwrap().clone();
                let status = if file.is_some() { "200 OK" } else { "404 Not Found" };
                let body = file.unwrap_or_default();
                let head = format!(
                    "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(&[head.into_bytes(), body].concat()).await;
            }
        });
        (site, port)
    }

    fn serve(&self, file: Option<Vec<u8>>) {
        *self.file.lock().unwrap() = file;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// A tenant whose nurse has a card, with the list of its authority on a server.
struct Ward {
    world: World,
    site: Site,
    issuing: CardAuthority,
    trusted: TrustedAuthority,
}

impl Ward {
    async fn new() -> Self {
        let (site, port) = Site::start().await;
        let outgoing = Outgoing::new(EgressPolicy {
            private_hosts: vec![format!("localhost:{port}")],
            timeout: Duration::from_secs(2),
            ..EgressPolicy::default()
        });
        let world = World::with(None, Some(outgoing.unwrap())).await;
        let (cx, directory) = (world.cx(), world.means.directory());
        let root = CardAuthority::root("HYGIE TEST AC RACINE", cx.now);
        let issuing = root.intermediate("HYGIE TEST AC PERSONNES", cx.now);
        let pki = directory.create_pki(&cx, "IGC").await.unwrap();
        let nothing = AuthorityChange::default();
        directory
            .add_authority(&cx, pki.id, &root.certificate, nothing)
            .await
            .unwrap();
        let change = AuthorityChange {
            list_url: Some(Some(format!("http://localhost:{port}/ACI.crl"))),
            ..AuthorityChange::default()
        };
        let trusted = directory
            .add_authority(&cx, pki.id, &issuing.certificate, change)
            .await
            .unwrap();
        let ward = Self {
            world,
            site,
            issuing,
            trusted,
        };
        ward.configure(&json!({})).await;
        ward.bind(&[BOUND]).await;
        ward.site.serve(Some(ward.list(&[])));
        ward
    }

    fn cx(&self) -> Cx {
        self.world.cx()
    }

    async fn configure(&self, change: &Value) {
        let mut document = json!({
            "@odata.type": "#microsoft.graph.x509CertificateAuthenticationMethodConfiguration",
            "state": "enabled",
            "authenticationModeConfiguration": {
                "x509CertificateAuthenticationDefaultMode": "x509CertificateMultiFactor", "rules": [],
            },
            "certificateUserBindings": [
                { "x509CertificateField": "PrincipalName", "userProperty": "certificateUserIds", "priority": 1 },
                { "x509CertificateField": "SubjectKeyIdentifier", "userProperty": "certificateUserIds", "priority": 2 },
            ],
        });
        for (name, value) in change.as_object().unwrap() {
            document[name] = value.clone();
        }
        self.world.configure(Method::X509Certificate, document).await;
    }

    async fn bind(&self, ids: &[&str]) {
        let profile = Map::from_iter([("certificateUserIds".to_owned(), json!(ids))]);
        let change = UserChange {
            profile,
            ..UserChange::default()
        };
        let directory = self.world.means.directory();
        directory
            .update_user(&self.cx(), self.world.nurse.id, change)
            .await
            .unwrap();
    }

    fn list(&self, revoked: &[&[u8]]) -> Vec<u8> {
        self.issuing.list(revoked, self.world.clock.now(), DAY)
    }

    fn card(&self) -> Vec<u8> {
        let of = CardOf {
            serial: vec![0x66, 0x01],
            ..CardOf::professional(CARD, self.world.clock.now())
        };
        self.issuing.card(&of).certificate
    }

    /// That the authority publishes what changed since its list, too.
    fn publishing_changes(&self) -> AuthorityChange {
        let list = self.trusted.list_url.as_deref().unwrap_or_default();
        AuthorityChange {
            delta_url: Some(Some(list.replace("ACI.crl", "delta.crl"))),
            ..AuthorityChange::default()
        }
    }

    /// What the nurse's card proves.
    async fn check(&self, card: &[u8]) -> Result<Mode, Refusal> {
        let checked = self
            .world
            .means
            .check_certificate(&self.cx(), card, Claimed::By(NAME), &mut Told::default())
            .await;
        match checked {
            Ok((user, usage)) => {
                assert_eq!(user.id, self.world.nurse.id);
                Ok(usage.mode)
            }
            Err(error) => Err(refusal(Err::<(), _>(error))),
        }
    }
}

const MULTI: Result<Mode, Refusal> = Ok(Mode::X509CertificateMultiFactor);

const fn refused(why: CertificateRefusal) -> Result<Mode, Refusal> {
    Err(Refusal::Certificate(why))
}

#[tokio::test]
async fn a_list_is_fetched_once_and_kept_until_the_next_one() {
    let ward = Ward::new().await;
    let card = ward.card();
    for _ in 0..3 {
        assert_eq!(ward.check(&card).await, MULTI);
    }
    assert_eq!(ward.site.asked(), 1);
    // What is revoked meanwhile is seen with the next list.
    ward.world.clock.advance(DAY);
    ward.site.serve(Some(ward.list(&[&[0x66, 0x01]])));
    assert_eq!(ward.check(&card).await, refused(CertificateRefusal::Revoked));
    assert_eq!(ward.site.asked(), 2);
    assert_eq!(ward.world.recorded("idp.crl.fetch", None).await, 2);
}

#[tokio::test]
async fn without_a_list_nobody_comes_in() {
    let ward = Ward::new().await;
    let card = ward.card();
    ward.site.serve(None);
    assert_eq!(ward.check(&card).await, refused(CertificateRefusal::ListUnavailable));
    // Whoever comes next is not kept waiting, and is refused as well.
    ward.site.serve(Some(ward.list(&[])));
    assert_eq!(ward.check(&card).await, refused(CertificateRefusal::ListUnavailable));
    assert_eq!(ward.site.asked(), 1);
    ward.world.clock.advance(Duration::from_secs(31));
    assert_eq!(ward.check(&card).await, MULTI);
    // The list of another authority, a page, one that has ended.
    for (file, why) in [
        (
            CardAuthority::root("HYGIE TEST AC PERSONNES", ward.cx().now).list(&[], ward.cx().now + DAY, DAY),
            CertificateRefusal::ListExpired,
        ),
        (b"<html>".to_vec(), CertificateRefusal::ListExpired),
    ] {
        ward.world.clock.advance(DAY * 2);
        ward.site.serve(Some(file));
        assert_eq!(ward.check(&card).await, refused(why));
    }
}

#[tokio::test]
async fn what_is_no_list_is_told_apart_from_none() {
    let ward = Ward::new().await;
    let card = ward.card();
    ward.site.serve(Some(b"<html>".to_vec()));
    assert_eq!(ward.check(&card).await, refused(CertificateRefusal::ListInvalid));
    ward.world.clock.advance(Duration::from_mins(1));
    ward.site
        .serve(Some(ward.issuing.list(&[], ward.cx().now - DAY * 2, DAY)));
    assert_eq!(ward.check(&card).await, refused(CertificateRefusal::ListExpired));
    let state = ward
        .world
        .means
        .list_state(&ward.cx(), &ward.trusted, FetchFirst::Yes)
        .await
        .unwrap();
    assert_eq!((state.is_current, state.fault), (false, Some(Fetch::Ended)));
}

#[tokio::test]
async fn a_house_without_a_line_may_give_lists_and_a_grace() {
    let ward = Ward::new().await;
    let card = ward.card();
    ward.site.serve(None);
    let (cx, directory) = (ward.cx(), ward.world.means.directory());
    let list = ward.list(&[]);
    directory
        .keep_revocation_list(&cx, &ward.trusted, list, ListSource::Uploaded)
        .await
        .unwrap();
    assert_eq!(ward.check(&card).await, MULTI);
    assert_eq!(ward.site.asked(), 0);
    ward.world.clock.advance(DAY + Duration::from_secs(1));
    assert_eq!(ward.check(&card).await, refused(CertificateRefusal::ListExpired));
    let place = (ward.trusted.pki, ward.trusted.id);
    directory.set_revocation_grace(&ward.cx(), place, 48).await.unwrap();
    assert_eq!(ward.check(&card).await, MULTI);
    ward.world.clock.advance(DAY * 2);
    assert_eq!(ward.check(&card).await, refused(CertificateRefusal::ListExpired));
}

#[tokio::test]
async fn an_authority_without_a_list_is_refused_where_one_is_asked_for() {
    let ward = Ward::new().await;
    let card = ward.card();
    // The root has none.
    let root = ward.world.means.directory().list_authorities(&ward.cx()).await.unwrap();
    let root = root.iter().find(|one| one.list_url.is_none()).unwrap();
    let key = root.authority.subject_key_identifier.clone().unwrap().to_uppercase();
    let validation = |exempted: Value| {
        json!({ "crlValidationConfiguration": {
            "state": "enabled", "exemptedCertificateAuthoritiesSubjectKeyIdentifiers": exempted,
        }})
    };
    assert_eq!(ward.check(&card).await, MULTI);
    ward.configure(&validation(json!([]))).await;
    assert_eq!(ward.check(&card).await, refused(CertificateRefusal::ListMissing));
    ward.configure(&validation(json!([key]))).await;
    assert_eq!(ward.check(&card).await, MULTI);
}

#[tokio::test]
async fn bindings_by_their_affinity() {
    let ward = Ward::new().await;
    let card = ward.card();
    ward.bind(&[]).await;
    assert_eq!(ward.check(&card).await, refused(CertificateRefusal::Unbound));
    ward.bind(&[BOUND]).await;
    let high = json!({ "authenticationModeConfiguration": {
        "x509CertificateAuthenticationDefaultMode": "x509CertificateMultiFactor",
        "x509CertificateDefaultRequiredAffinityLevel": "high", "rules": [],
    }});
    ward.configure(&high).await;
    assert_eq!(ward.check(&card).await, refused(CertificateRefusal::AffinityTooLow));
    let anybody = ward
        .world
        .means
        .check_certificate(&ward.cx(), &card, Claimed::Anybody, &mut Told::default())
        .await;
    assert_eq!(refusal(anybody), Refusal::Certificate(CertificateRefusal::Unbound));
    let named = Claimed::By("nobody@ch-demo.example");
    let mut told = Told::default();
    let stranger = ward
        .world
        .means
        .check_certificate(&ward.cx(), &card, named, &mut told)
        .await;
    assert_eq!(refusal(stranger), Refusal::Certificate(CertificateRefusal::Unbound));
}

#[tokio::test]
async fn a_rule_of_a_policy_says_what_it_is_worth_and_strengths_see_it() {
    let ward = Ward::new().await;
    let single = json!({ "authenticationModeConfiguration": {
        "x509CertificateAuthenticationDefaultMode": "x509CertificateMultiFactor",
        "rules": [{
            "x509CertificateRuleType": "policyOID", "identifier": CARD_POLICY,
            "x509CertificateAuthenticationMode": "x509CertificateSingleFactor",
        }],
    }});
    ward.configure(&single).await;
    let mut told = Told::default();
    let checked = ward
        .world
        .means
        .check_certificate(&ward.cx(), &ward.card(), Claimed::Anybody, &mut told)
        .await;
    let (_, usage) = checked.unwrap();
    assert_eq!(usage.mode, Mode::X509CertificateSingleFactor);
    let key = ward.trusted.authority.subject_key_identifier.clone();
    let expected = Details::Certificate {
        issuer_ski: key,
        policy_oids: BTreeSet::from([CARD_POLICY.to_owned()]),
        told: told.into_pairs(),
    };
    assert_eq!(usage.details, expected);
    let methods = ward
        .world
        .means
        .methods_of(&ward.cx(), ward.world.nurse.id)
        .await
        .unwrap();
    let both = [Mode::X509CertificateSingleFactor, Mode::X509CertificateMultiFactor];
    assert_eq!(methods.certificates, BTreeSet::from(both));
    ward.bind(&[]).await;
    let methods = ward
        .world
        .means
        .methods_of(&ward.cx(), ward.world.nurse.id)
        .await
        .unwrap();
    assert_eq!(methods.certificates, BTreeSet::new());
}

#[tokio::test]
async fn an_authority_may_be_for_some_people_only() {
    let ward = Ward::new().await;
    let key = ward.trusted.authority.subject_key_identifier.clone().unwrap();
    let scope = |id: String| {
        json!({ "certificateAuthorityScopes": [{
            "subjectKeyIdentifier": key, "publicKeyInfrastructureIdentifier": ward.trusted.pki.to_string(),
            "includeTargets": [{ "id": id, "targetType": "user" }],
        }]})
    };
    let new = NewUser {
        user_principal_name: "claire@ch-demo.example".to_owned(),
        display_name: "Claire Petit".to_owned(),
        ..NewUser::default()
    };
    let another = ward.world.means.directory().create_user(&ward.cx(), new).await.unwrap();
    ward.configure(&scope(another.id.to_string())).await;
    assert_eq!(ward.check(&ward.card()).await, refused(CertificateRefusal::OutOfScope));
    ward.configure(&scope(ward.world.nurse.id.to_string())).await;
    assert_eq!(ward.check(&ward.card()).await, MULTI);
}

#[tokio::test]
async fn a_card_is_tried_as_it_would_be_and_nobody_is_recorded() {
    let ward = Ward::new().await;
    let card = ward.card();
    let means = &ward.world.means;
    let trial = means
        .try_certificate(&ward.cx(), &card, Claimed::Anybody)
        .await
        .unwrap();
    let (user, mode) = trial.outcome.unwrap();
    assert_eq!((user.id, mode), (ward.world.nurse.id, Mode::X509CertificateMultiFactor));
    let chain: Vec<&str> = trial
        .chain
        .iter()
        .map(|one| one.authority.display_name.as_str())
        .collect();
    assert_eq!(chain, ["HYGIE TEST AC PERSONNES", "HYGIE TEST AC RACINE"]);
    assert!(trial.card.unwrap().subject.contains(CARD));
    // Its list was fetched as for a sign-in, and one that ended is fetched anew.
    assert_eq!(ward.site.asked(), 1);
    ward.world.clock.advance(DAY);
    ward.site.serve(Some(ward.list(&[&[0x66, 0x01]])));
    let tried = async |card: &[u8]| means.try_certificate(&ward.cx(), card, Claimed::Anybody).await.unwrap();
    let refused = |why| Refusal::Certificate(why);
    assert_eq!(
        tried(&card).await.outcome.unwrap_err(),
        refused(CertificateRefusal::Revoked)
    );
    let stranger = CardAuthority::root("OTHER", ward.world.clock.now());
    let stranger = stranger
        .card(&CardOf::professional(CARD, ward.world.clock.now()))
        .certificate;
    let trial = tried(&stranger).await;
    assert!(trial.chain.is_empty());
    assert_eq!(
        trial.outcome.unwrap_err(),
        refused(CertificateRefusal::Path(hygie_jose::x509::PathFault::UnknownIssuer))
    );
    let trial = tried(b"x").await;
    assert_eq!(trial.card, None);
    ward.configure(&json!({ "state": "disabled" })).await;
    ward.world.clock.advance(DAY);
    ward.site.serve(Some(ward.list(&[])));
    assert_eq!(tried(&card).await.outcome.unwrap_err(), Refusal::NotOffered);
    assert_eq!(ward.world.recorded("idp.signin", None).await, 0);
}

#[tokio::test]
async fn a_card_is_tried_by_a_name_and_told_as_the_log_would() {
    let ward = Ward::new().await;
    let card = ward.card();
    let means = &ward.world.means;
    let trial = means
        .try_certificate(&ward.cx(), &card, Claimed::Anybody)
        .await
        .unwrap();
    let words: Vec<(String, String)> = trial.told.into_pairs();
    let words: Vec<(&str, &str)> = words
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        words[1..],
        [
            ("User certificate authentication level", "multiFactorAuthentication"),
            ("User certificate authentication level type", "TenantDefault"),
            (
                "User certificate binding",
                "Certificate: PrincipalName; User Attribute: certificateUserIds; Rank: 1"
            ),
        ]
    );
    // After a name it is judged as whose it is: the card of somebody else, or of nobody, is none.
    for (name, whose) in [
        (NAME, Ok(ward.world.nurse.id)),
        ("nobody@ch-demo.example", Err(CertificateRefusal::Unbound)),
    ] {
        let trial = means
            .try_certificate(&ward.cx(), &card, Claimed::By(name))
            .await
            .unwrap();
        let found = trial.outcome.map(|(user, _)| user.id);
        assert_eq!(found, whose.map_err(Refusal::Certificate), "{name}");
    }
}

#[tokio::test]
async fn browsers_are_told_of_marked_authorities_where_the_tenant_wants_it() {
    let ward = Ward::new().await;
    let (cx, directory) = (ward.cx(), ward.world.means.directory());
    let mark = AuthorityChange {
        is_hint_enabled: Some(true),
        ..AuthorityChange::default()
    };
    let place = (ward.trusted.pki, ward.trusted.id);
    directory.update_authority(&cx, place, mark.clone()).await.unwrap();
    let told = async || {
        let told = ward.world.means.hinted_issuers(&cx).await.unwrap();
        (ward.world.means.issuer_hints(&cx).await.unwrap(), told)
    };
    let none = BTreeSet::new();
    // Marks alone tell nobody.
    assert_eq!(told().await, (Hints::Unnamed, none.clone()));
    let hints = json!({ "state": "enabled" });
    ward.configure(&json!({ "issuerHintsConfiguration": hints })).await;
    // Not the root, which is not marked.
    let issuing = BTreeSet::from([ward.trusted.authority.subject().to_vec()]);
    assert_eq!(told().await, (Hints::Named, issuing.clone()));
    // Two certificates of one name are one name.
    let again = CardAuthority::root("HYGIE TEST AC PERSONNES", cx.now);
    let pki = place.0;
    directory
        .add_authority(&cx, pki, &again.certificate, mark.clone())
        .await
        .unwrap();
    assert_eq!(told().await, (Hints::Named, issuing));
    // More than a handshake takes: any card is asked for.
    for number in 0..80 {
        let other = CardAuthority::root(&format!("{number:0200}"), cx.now);
        directory
            .add_authority(&cx, pki, &other.certificate, mark.clone())
            .await
            .unwrap();
    }
    assert_eq!(told().await, (Hints::Named, none.clone()));
    ward.configure(&json!({ "state": "disabled", "issuerHintsConfiguration": hints }))
        .await;
    assert_eq!(told().await, (Hints::Unnamed, none));
}

#[tokio::test]
async fn what_changed_since_a_list_is_fetched_and_counts_with_it() {
    let ward = Ward::new().await;
    let (cx, card) = (ward.cx(), ward.card());
    let change = ward.publishing_changes();
    let place = (ward.trusted.pki, ward.trusted.id);
    ward.world
        .means
        .directory()
        .update_authority(&cx, place, change)
        .await
        .unwrap();
    let begun = ward.world.clock.now();
    let hour = Duration::from_hours(1);
    let give = |revoked: &[&[u8]], removed: &[&[u8]], since| {
        let at = ward.world.clock.now();
        let changes = ward.issuing.delta((revoked, removed), (since, at), hour);
        *ward.site.changes.lock().unwrap() = Some(changes);
    };
    // Without it nobody comes in, though the list itself is there and good for a day.
    assert_eq!(ward.check(&card).await, refused(CertificateRefusal::ListUnavailable));
    ward.world.clock.advance(Duration::from_mins(1));
    give(&[], &[], begun);
    assert_eq!(ward.check(&card).await, MULTI);
    let asked = ward.site.asked();
    assert_eq!(ward.check(&card).await, MULTI);
    assert_eq!(ward.site.asked(), asked, "both are kept");
    // Within the day of the list the card is revoked, and taken back.
    ward.world.clock.advance(hour);
    give(&[&[0x66, 0x01]], &[], begun);
    assert_eq!(ward.check(&card).await, refused(CertificateRefusal::Revoked));
    ward.world.clock.advance(hour);
    give(&[], &[&[0x66, 0x01]], begun);
    assert_eq!(ward.check(&card).await, MULTI);
    // What ends and is not replaced counts no more.
    ward.world.clock.advance(hour);
    assert_eq!(ward.check(&card).await, refused(CertificateRefusal::ListExpired));
}

#[tokio::test]
async fn changes_since_a_later_list_have_that_one_fetched() {
    let ward = Ward::new().await;
    let (cx, card) = (ward.cx(), ward.card());
    let change = ward.publishing_changes();
    let (directory, place) = (ward.world.means.directory(), (ward.trusted.pki, ward.trusted.id));
    directory.update_authority(&cx, place, change).await.unwrap();
    let hour = Duration::from_hours(1);
    let changes = |since| Some(ward.issuing.delta((&[], &[]), (since, ward.world.clock.now()), hour));
    *ward.site.changes.lock().unwrap() = changes(ward.world.clock.now());
    assert_eq!(ward.check(&card).await, MULTI);
    // The authority publishes another list before the end of the last, and what changed since that one.
    ward.world.clock.advance(hour);
    let between = ward.world.clock.now();
    ward.world.clock.advance(Duration::from_mins(10));
    *ward.site.changes.lock().unwrap() = changes(between);
    assert_eq!(
        ward.check(&card).await,
        refused(CertificateRefusal::ListInvalid),
        "not there yet"
    );
    let asked = ward.site.asked();
    assert_eq!(ward.check(&card).await, refused(CertificateRefusal::ListInvalid));
    assert_eq!(ward.site.asked(), asked, "nobody is kept waiting for it again at once");
    let list = ward.issuing.list(&[&[0x66, 0x01]], between, DAY);
    ward.site.serve(Some(list));
    ward.world.clock.advance(Duration::from_mins(1));
    assert_eq!(ward.check(&card).await, refused(CertificateRefusal::Revoked));
    // Both are told about, and what does not fit together is said.
    let trusted = directory.list_authorities(&cx).await.unwrap();
    let trusted = trusted.into_iter().find(|one| one.id == place.1).unwrap();
    let cx = ward.cx();
    let state = ward
        .world
        .means
        .list_state(&cx, &trusted, FetchFirst::Yes)
        .await
        .unwrap();
    assert_eq!((state.is_current, state.fault, state.delta_fault), (true, None, None));
    assert_eq!(state.delta.unwrap().this_update, between + Duration::from_mins(10));
    *ward.site.changes.lock().unwrap() = Some(b"<html>".to_vec());
    let state = ward
        .world
        .means
        .list_state(&cx, &trusted, FetchFirst::Yes)
        .await
        .unwrap();
    assert_eq!((state.is_current, state.delta_fault), (true, Some(Fetch::Invalid)));
    *ward.site.changes.lock().unwrap() = changes(ward.world.clock.now());
    let state = ward
        .world
        .means
        .list_state(&cx, &trusted, FetchFirst::Yes)
        .await
        .unwrap();
    assert_eq!((state.is_current, state.delta_fault), (false, Some(Fetch::Unrelated)));
}
