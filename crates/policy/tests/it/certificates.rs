//! What certificates are worth, and whose they are: the cards of health professionals among others.

use hygie_core::{GroupId, ObjectId};
use hygie_policy::certificate::{
    Affinity, AuthenticationMode, Broken, Field, Fields, Mode, RuleType, Unbound, UserBinding, UserNames, UserProperty,
    X509Certificate, bind, check_user_ids, strength,
};
use hygie_policy::json::{Member, read};
use serde_json::{Value, json};

use crate::documents::with;

const ISSUER: &str = "DC=fr,O=ASIP-SANTE,CN=TEST AC IGC-SANTE ELEMENTAIRE PERSONNES";
const CARD: &str = "1.2.250.1.71.1.2.6.2";

fn card() -> Fields {
    Fields {
        subject: "DC=fr,O=ASIP-SANTE,CN=899700434378".to_owned(),
        issuer: ISSUER.to_owned(),
        serial: "0df1a2".to_owned(),
        principal_names: vec!["899700434378@carte-cps.fr".to_owned()],
        rfc822_names: Vec::new(),
        subject_key_identifier: Some("a1b2c3".to_owned()),
        sha1_public_key: Some("d4e5f6".to_owned()),
        policy_oids: [CARD.to_owned(), "1.2.250.1.71.9".to_owned()].into(),
    }
}

/// A configuration as Graph sends it: the card's issuer is multifactor.
fn exported() -> Value {
    json!({
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#authenticationMethodConfigurations/$entity",
        "@odata.type": "#microsoft.graph.x509CertificateAuthenticationMethodConfiguration",
        "id": "X509Certificate",
        "state": "enabled",
        "excludeTargets": [],
        "certificateUserBindings": [
            { "x509CertificateField": "PrincipalName", "userProperty": "certificateUserIds", "priority": 1, "trustAffinityLevel": "low" },
            { "x509CertificateField": "SubjectKeyIdentifier", "userProperty": "certificateUserIds", "priority": 2, "trustAffinityLevel": "high" }
        ],
        "authenticationModeConfiguration": {
            "x509CertificateAuthenticationDefaultMode": "x509CertificateSingleFactor",
            "x509CertificateDefaultRequiredAffinityLevel": "low",
            "rules": [{
                "x509CertificateRuleType": "issuerSubject",
                "identifier": "CN=TEST AC IGC-SANTE ELEMENTAIRE PERSONNES, O=ASIP-SANTE, DC=fr",
                "issuerSubjectIdentifier": null, "policyOidIdentifier": null,
                "x509CertificateAuthenticationMode": "x509CertificateMultiFactor",
                "x509CertificateRequiredAffinityLevel": "low"
            }]
        },
        "crlValidationConfiguration": { "state": "disabled", "exemptedCertificateAuthoritiesSubjectKeyIdentifiers": [] },
        "issuerHintsConfiguration": { "state": "disabled" },
        "certificateAuthorityScopes": [],
        "includeTargets@odata.context": "…",
        "includeTargets": [{ "targetType": "group", "id": "all_users", "isRegistrationRequired": false }]
    })
}

#[test]
fn a_configuration_of_graph_is_read_and_written() {
    let configuration: X509Certificate = read(&exported()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(configuration.check(), Ok(()));
    let written = configuration.write();
    let members = written.as_object().expect("an object").iter();
    for (name, value) in members {
        assert_eq!(*value, exported()[name.as_str()], "{name}");
    }
    assert_eq!(
        read::<X509Certificate>(&X509Certificate::initial().write()),
        Ok(X509Certificate::initial())
    );
    assert_eq!(X509Certificate::initial().check(), Ok(()));
    for (place, value, refused) in [
        ("/state", json!("on"), "state"),
        (
            "/certificateUserBindings/0/x509CertificateField",
            json!("principalName"),
            "certificateUserBindings[0].x509CertificateField",
        ),
        (
            "/certificateUserBindings/1/priority",
            json!("2"),
            "certificateUserBindings[1].priority",
        ),
        ("/includeTargets/0/id", json!("everybody"), "includeTargets[0].id"),
        (
            "/authenticationModeConfiguration/rules/0/x509Mode",
            json!(1),
            "authenticationModeConfiguration.rules[0].x509Mode",
        ),
    ] {
        let error = read::<X509Certificate>(&with(exported(), place, value)).expect_err(place);
        assert_eq!(error.path, refused);
    }
}

#[test]
fn configurations_that_break_a_rule() {
    let rule = exported()["authenticationModeConfiguration"]["rules"][0].clone();
    let binding = exported()["certificateUserBindings"][0].clone();
    let first = "/authenticationModeConfiguration/rules/0";
    for (place, value, broken) in [
        (
            "/authenticationModeConfiguration/rules",
            json!([rule, rule]),
            Broken::Repeated,
        ),
        (
            "/authenticationModeConfiguration/rules",
            json!(vec![rule.clone(); 101]),
            Broken::TooMany("rules"),
        ),
        (
            first,
            with(rule.clone(), "/identifier", json!(null)),
            Broken::Identifier,
        ),
        (
            first,
            with(rule.clone(), "/policyOidIdentifier", json!(CARD)),
            Broken::Identifier,
        ),
        (
            first,
            with(rule, "/x509CertificateRuleType", json!("issuerSubjectAndPolicyOID")),
            Broken::Identifier,
        ),
        ("/certificateUserBindings", json!([binding, binding]), Broken::Priority),
        (
            "/certificateUserBindings/0/trustAffinityLevel",
            json!("high"),
            Broken::Affinity,
        ),
    ] {
        let configuration: X509Certificate = read(&with(exported(), place, value)).expect("a configuration");
        assert_eq!(configuration.check(), Err(broken), "{place}");
    }
}

/// Rules as `type identifier mode`, with `+` between issuer and policy.
fn rules(rules: &[&str]) -> AuthenticationMode {
    let rule = |text: &&str| {
        let words: Vec<&str> = text.split(' ').collect();
        let (issuer, oid) = words[1].split_once('+').unwrap_or_default();
        let issuer = if issuer == "card" { ISSUER } else { issuer };
        let identifier = if words[1] == "card" { ISSUER } else { words[1] };
        let is_both = words[0] == "issuerSubjectAndPolicyOID";
        json!({ "x509CertificateRuleType": words[0], "identifier": (!is_both).then_some(identifier),
            "issuerSubjectIdentifier": is_both.then_some(issuer), "policyOidIdentifier": is_both.then_some(oid),
            "x509CertificateAuthenticationMode": format!("x509Certificate{}Factor", words[2]),
            "x509CertificateRequiredAffinityLevel": words.get(3) })
    };
    let rules: Vec<Value> = rules.iter().map(rule).collect();
    read(
        &json!({ "x509CertificateAuthenticationDefaultMode": "x509CertificateSingleFactor",
        "x509CertificateDefaultRequiredAffinityLevel": "high", "rules": rules }),
    )
    .unwrap_or_else(|error| panic!("{error}"))
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_a_certificate_is_worth() {
    use Affinity::{High, Low};
    use Mode::{MultiFactor, SingleFactor};
    let (issuer, policy, both) = (
        Some(RuleType::IssuerSubject),
        Some(RuleType::PolicyOid),
        Some(RuleType::IssuerSubjectAndPolicyOid),
    );
    for (written, mode, affinity, by) in [
        (&[][..], SingleFactor, High, None),
        (&["issuerSubject card Multi"], MultiFactor, Low, issuer),
        (&["issuerSubject card Multi high"], MultiFactor, High, issuer),
        (&["issuerSubject CN=other Multi"], SingleFactor, High, None),
        // A policy goes before an issuer.
        (
            &["issuerSubject card Multi", "policyOID 1.2.250.1.71.1.2.6.2 Single"],
            SingleFactor,
            Low,
            policy,
        ),
        // Policies are compared whole.
        (&["policyOID 1.2.250.1.71.1.2.6 Multi"], SingleFactor, High, None),
        // What contradicts itself is a single factor.
        (
            &[
                "policyOID 1.2.250.1.71.1.2.6.2 Multi",
                "policyOID 1.2.250.1.71.9 Single high",
            ],
            SingleFactor,
            High,
            policy,
        ),
        (
            &["policyOID 1.2.250.1.71.1.2.6.2 Multi", "policyOID 1.2.250.1.71.9 Multi"],
            MultiFactor,
            Low,
            policy,
        ),
        // Both together go before either.
        (
            &[
                "policyOID 1.2.250.1.71.9 Single",
                "issuerSubjectAndPolicyOID card+1.2.250.1.71.1.2.6.2 Multi",
            ],
            MultiFactor,
            Low,
            both,
        ),
        (
            &["issuerSubjectAndPolicyOID card+1.1 Multi", "issuerSubject card Single"],
            SingleFactor,
            Low,
            issuer,
        ),
        (
            &["issuerSubjectAndPolicyOID CN=x+1.2.250.1.71.9 Multi"],
            SingleFactor,
            High,
            None,
        ),
    ] {
        let found = strength(&rules(written), &card());
        assert_eq!(
            (found.mode, found.affinity, found.by),
            (mode, affinity, by),
            "{written:?}"
        );
    }
}

fn bindings(texts: &[(&str, &str, u32)]) -> Vec<UserBinding> {
    let binding = |(field, property, priority): &(&str, &str, u32)| UserBinding {
        field: Field::parse(field).expect("a field"),
        property: UserProperty::parse(property).expect("a property"),
        priority: *priority,
        affinity: None,
    };
    texts.iter().map(binding).collect()
}

#[test]
fn whose_a_certificate_is() {
    let user = UserNames {
        user_principal_name: "899700434378@CARTE-CPS.fr".to_owned(),
        on_premises_user_principal_name: Some("anna@ch.example".to_owned()),
        certificate_user_ids: vec![
            "X509:<PN>899700434378@carte-cps.fr".to_owned(),
            "X509:<SKI>a1b2c3".to_owned(),
        ],
    };
    let (upn, on_premises, ids) = ("userPrincipalName", "onPremisesUserPrincipalName", "certificateUserIds");
    let pn = ("PrincipalName", ids, 2);
    let ski = ("SubjectKeyIdentifier", ids, 3);
    let (found, not) = (|field| Ok(Field::parse(field).expect("a field")), Err);
    for (list, required, result) in [
        (vec![pn], Affinity::Low, found("PrincipalName")),
        (vec![ski, pn], Affinity::Low, found("PrincipalName")),
        (
            vec![("SubjectKeyIdentifier", ids, 1), pn],
            Affinity::Low,
            found("SubjectKeyIdentifier"),
        ),
        (vec![pn], Affinity::High, not(Unbound::AffinityTooLow)),
        (vec![pn, ski], Affinity::High, found("SubjectKeyIdentifier")),
        (vec![("PrincipalName", upn, 1)], Affinity::Low, found("PrincipalName")),
        (
            vec![("PrincipalName", on_premises, 1)],
            Affinity::Low,
            not(Unbound::NoMatch),
        ),
        // The certificate has no mail address: the next binding decides.
        (vec![("RFC822Name", upn, 1), pn], Affinity::Low, found("PrincipalName")),
        (vec![("RFC822Name", upn, 1)], Affinity::Low, not(Unbound::NoMatch)),
        (
            vec![("IssuerAndSerialNumber", ids, 1)],
            Affinity::High,
            not(Unbound::NoMatch),
        ),
        (vec![], Affinity::Low, not(Unbound::NoMatch)),
    ] {
        let bound = bind(&bindings(&list), required, &card(), &user).map(|bound| bound.field);
        assert_eq!(bound, result, "{list:?} {required:?}");
    }
    let mut loose = bindings(&[ski]);
    loose[0].affinity = Some(Affinity::Low);
    assert_eq!(
        bind(&loose, Affinity::High, &card(), &user),
        Err(Unbound::AffinityTooLow)
    );
    let empty = Fields {
        principal_names: vec![String::new()],
        ..Fields::default()
    };
    let nobody = UserNames::default();
    assert_eq!(
        bind(
            &bindings(&[("PrincipalName", upn, 1), ("Subject", ids, 2)]),
            Affinity::Low,
            &empty,
            &nobody
        ),
        Err(Unbound::NoMatch)
    );
}

#[test]
fn fields_as_accounts_have_them() {
    for (field, ids) in [
        ("PrincipalName", vec!["X509:<PN>899700434378@carte-cps.fr".to_owned()]),
        ("RFC822Name", vec![]),
        ("SubjectKeyIdentifier", vec!["X509:<SKI>a1b2c3".to_owned()]),
        ("SHA1PublicKey", vec!["X509:<SHA1-PUKEY>d4e5f6".to_owned()]),
        ("Subject", vec!["X509:<S>DC=fr,O=ASIP-SANTE,CN=899700434378".to_owned()]),
        (
            "IssuerAndSubject",
            vec![format!("X509:<I>{ISSUER}<S>DC=fr,O=ASIP-SANTE,CN=899700434378")],
        ),
        ("IssuerAndSerialNumber", vec![format!("X509:<I>{ISSUER}<SR>0df1a2")]),
    ] {
        let found = Field::parse(field).expect("a field").user_ids(&card());
        assert_eq!(found, ids, "{field}");
        assert_eq!(check_user_ids(&found), Ok(()), "{field}");
    }
    for ids in [
        vec!["X509:<PN>a".to_owned(); 2],
        (0..6).map(|n| format!("X509:<PN>{n}")).collect(),
        vec!["X509:<PN>".to_owned()],
        vec!["x509:<PN>a".to_owned()],
        vec!["X509: <PN>a".to_owned()],
        vec!["X509:<pn>a".to_owned()],
        vec![format!("X509:<PN>{}", "a".repeat(1_020))],
    ] {
        assert_eq!(check_user_ids(&ids), Err(Broken::UserIds), "{ids:?}");
    }
}

#[test]
fn for_whom_certificates_are() {
    let user: ObjectId = "4a1d3f0e-0000-4000-8000-000000000001".parse().expect("an id");
    let nurses: GroupId = "4a1d3f0e-0000-4000-8000-000000000002".parse().expect("an id");
    let target = |kind: &str, id: &str| json!([{ "targetType": kind, "id": id }]);
    for (included, excluded, groups, is_for) in [
        (target("group", "all_users"), json!([]), vec![], true),
        (
            target("group", "all_users"),
            target("group", &nurses.to_string()),
            vec![nurses],
            false,
        ),
        (target("group", &nurses.to_string()), json!([]), vec![nurses], true),
        (target("group", &nurses.to_string()), json!([]), vec![], false),
        (target("user", &user.to_string()), json!([]), vec![], true),
        (
            target("user", &user.to_string()),
            target("user", &user.to_string()),
            vec![],
            false,
        ),
        (target("user", &nurses.to_string()), json!([]), vec![nurses], false),
    ] {
        let document = with(
            with(exported(), "/includeTargets", included.clone()),
            "/excludeTargets",
            excluded.clone(),
        );
        let configuration: X509Certificate = read(&document).expect("a configuration");
        let groups = groups.into_iter().collect();
        assert_eq!(configuration.is_for(user, &groups), is_for, "{included} {excluded}");
        let off = with(document, "/state", json!("disabled"));
        assert!(
            !read::<X509Certificate>(&off)
                .expect("a configuration")
                .is_for(user, &groups)
        );
    }
}
