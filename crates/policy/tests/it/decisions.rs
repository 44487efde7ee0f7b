//! Decisions that a person would recognise, one by one.

use hygie_core::Timestamp;
use hygie_policy::decide::{Ask, BlockReason, Outcome, PolicyResult};
use hygie_policy::json::read;
use hygie_policy::policy::{AuthenticationType, RiskLevel};
use hygie_policy::signin::{
    Application, Identity, Ownership, Session, SignIn, SignInConditions, Target, Used, User, Workload,
};
use hygie_policy::strength::{Details, Mode, Usage};
use hygie_policy::{Aaguid, AuthenticationStrength, Policy, Rules, evaluate};
use serde_json::{Value, json};

use crate::documents::{least, with};

pub const NOW: i64 = 1_795_000_000;
pub const PSC: &str = "99383c77-0bb9-41f0-96e1-b72ad6eca607";
pub const NURSE: &str = "4a1d3f0e-0000-4000-8000-000000000001";
const FA01: &str = "4a1d3f0e-0000-4000-8000-000000000002";
const TERMS: &str = "4a1d3f0e-0000-4000-8000-000000000003";
const MODEL: &str = "4a1d3f0e-0000-4000-8000-000000000004";

/// A method that was used ten minutes ago.
fn just_now(usage: Usage) -> Used {
    Used {
        usage,
        at: Timestamp::from_secs(NOW - 600),
    }
}

/// The nurse at the application of Pro Santé Connect, signed in ten minutes ago.
pub fn nurse(used: &[Mode], registered: &[Mode]) -> SignIn {
    let usages = |modes: &[Mode]| modes.iter().map(|mode| Usage::of(*mode)).collect::<Vec<_>>();
    let at = |minutes: i64| Some(Timestamp::from_secs(NOW - minutes * 60));
    SignIn {
        identity: Identity::User(User {
            id: NURSE.parse().expect("well formed"),
            groups: [].into(),
            roles: [].into(),
            guest: None,
        }),
        target: Target::Resources {
            applications: vec![Application {
                id: PSC.parse().expect("well formed"),
                suite: None,
            }],
            contexts: [].into(),
        },
        conditions: SignInConditions::default(),
        session: Session {
            used: usages(used).into_iter().map(just_now).collect(),
            registered: usages(registered),
            primary_at: at(10),
            secondary_at: if used.len() > 1 { at(10) } else { None },
            ..Session::default()
        },
        now: Timestamp::from_secs(NOW),
    }
}

fn fa01() -> AuthenticationStrength {
    read(&json!({ "id": FA01, "displayName": "FA01-ProSantéConnect",
        "allowedCombinations": ["windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor"] }))
    .expect("well formed")
}

/// The policy of Pro Santé Connect: a strong means every four hours.
fn ac02() -> Value {
    let policy = with(least(), "/conditions/applications/includeApplications", json!([PSC]));
    let policy = with(
        policy,
        "/grantControls",
        json!({ "operator": "OR", "authenticationStrength": { "id": FA01 } }),
    );
    with(
        policy,
        "/sessionControls",
        json!({ "signInFrequency": { "isEnabled": true, "value": 4, "type": "hours" } }),
    )
}

fn decide(policies: &[Value], sign_in: &SignIn) -> Outcome {
    let policies: Vec<Policy> = policies
        .iter()
        .map(|one| Policy::from_json(one).expect("well formed"))
        .collect();
    let strengths = [fa01()];
    let hello: [Aaguid; 1] = [MODEL.parse().expect("well formed")];
    let rules = Rules {
        policies: &policies,
        strengths: &strengths,
        locations: &[],
        windows_hello: &hello,
    };
    evaluate(&rules, sign_in).outcome
}

fn combinations(texts: &[&str]) -> Vec<hygie_policy::strength::Combination> {
    texts.iter().map(|text| text.parse().expect("well formed")).collect()
}

#[test]
fn a_card_opens_pro_sante_connect_for_four_hours() {
    let Outcome::Granted(effects) = decide(&[ac02()], &nurse(&[Mode::X509CertificateMultiFactor], &[])) else {
        panic!("granted")
    };
    assert_eq!(effects.tokens_until, Some(Timestamp::from_secs(NOW - 600 + 4 * 3_600)));
}

#[test]
fn with_a_password_the_card_is_asked_for() {
    let sign_in = nurse(
        &[Mode::Password],
        &[Mode::X509CertificateMultiFactor, Mode::SoftwareOath],
    );
    let ask = Ask::Authenticate {
        strengths: vec![FA01.parse().expect("well formed")],
        combinations: combinations(&["x509CertificateMultiFactor"]),
    };
    assert_eq!(decide(&[ac02()], &sign_in), Outcome::Interrupt(ask));
}

#[test]
fn after_four_hours_what_is_enough_is_asked_for_again() {
    let mut sign_in = nurse(&[Mode::Fido2], &[Mode::Fido2, Mode::SoftwareOath]);
    sign_in.session.primary_at = Some(Timestamp::from_secs(NOW - 4 * 3_600));
    let ask = Ask::Reauthenticate {
        factors: AuthenticationType::PrimaryAndSecondary,
        combinations: combinations(&["fido2"]),
    };
    assert_eq!(decide(&[ac02()], &sign_in), Outcome::Interrupt(ask));
}

#[test]
fn a_card_of_this_morning_and_a_password_of_now_are_not_a_card() {
    let mut sign_in = nurse(
        &[Mode::Password, Mode::SoftwareOath],
        &[Mode::X509CertificateMultiFactor],
    );
    let card = Usage::of(Mode::X509CertificateMultiFactor);
    let at = |minutes: i64| Timestamp::from_secs(NOW - minutes * 60);
    for (minutes, is_granted) in [(239, true), (240, false)] {
        sign_in.session.used.truncate(2);
        sign_in.session.used.push(Used {
            usage: card.clone(),
            at: at(minutes),
        });
        let outcome = decide(&[ac02()], &sign_in);
        let is_asked = matches!(outcome, Outcome::Interrupt(Ask::Authenticate { .. }));
        assert_eq!(
            (matches!(outcome, Outcome::Granted(_)), is_asked),
            (is_granted, !is_granted),
            "{outcome:?}"
        );
    }
    // Without a frequency, what was used counts as long as the session.
    let lasting = with(ac02(), "/sessionControls", json!(null));
    assert!(matches!(decide(&[lasting], &sign_in), Outcome::Granted(_)));
}

#[test]
fn without_a_method_one_is_registered_or_nothing_goes_on() {
    let mut sign_in = nurse(&[Mode::Password], &[Mode::SoftwareOath]);
    let block = Outcome::Block {
        policy: None,
        why: BlockReason::OutOfReach,
    };
    assert_eq!(decide(&[ac02()], &sign_in), block);
    sign_in.session.registrable = [Mode::Fido2].into();
    let registration = Outcome::NeedsRegistration {
        strength: FA01.parse().expect("well formed"),
        combinations: combinations(&["fido2"]),
    };
    assert_eq!(decide(&[ac02()], &sign_in), registration);
    let unknown = with(ac02(), "/grantControls/authenticationStrength/id", json!(MODEL));
    let block = Outcome::Block {
        policy: None,
        why: BlockReason::NoSuchStrength,
    };
    assert_eq!(decide(&[unknown], &sign_in), block);
}

#[test]
fn several_strengths_are_met_at_once_where_that_is_possible() {
    let resistant = json!({ "id": "00000000-0000-0000-0000-000000000004" });
    let any = with(
        ac02(),
        "/grantControls",
        json!({ "operator": "OR", "builtInControls": ["mfa"] }),
    );
    let strict = with(ac02(), "/grantControls/authenticationStrength", resistant);
    let sign_in = nurse(&[Mode::Password], &[Mode::SoftwareOath, Mode::Fido2]);
    let Outcome::Interrupt(Ask::Authenticate {
        combinations: offered, ..
    }) = decide(&[any, strict], &sign_in)
    else {
        panic!("asked")
    };
    assert_eq!(offered, combinations(&["fido2"]));
}

#[test]
fn windows_hello_is_a_passkey_that_the_administrator_named() {
    let hello = with(ac02(), "/grantControls/authenticationStrength/id", json!(FA01));
    let strength: AuthenticationStrength =
        read(&json!({ "id": FA01, "displayName": "x", "allowedCombinations": ["windowsHelloForBusiness"] }))
            .expect("well formed");
    let policies = [Policy::from_json(&hello).expect("well formed")];
    let strengths = [strength];
    let model: Aaguid = MODEL.parse().expect("well formed");
    let mut sign_in = nurse(&[], &[]);
    let passkey = Usage {
        mode: Mode::Fido2,
        details: Details::Passkey(model),
    };
    sign_in.session.used = vec![just_now(passkey)];
    for (windows_hello, is_granted) in [(vec![model], true), (vec![], false)] {
        let rules = Rules {
            policies: &policies,
            strengths: &strengths,
            locations: &[],
            windows_hello: &windows_hello,
        };
        let outcome = evaluate(&rules, &sign_in).outcome;
        assert_eq!(matches!(outcome, Outcome::Granted(_)), is_granted, "{outcome:?}");
    }
}

#[test]
fn certificates_by_issuer_and_policy() {
    let configuration = |skis: Value, oids: Value| {
        let strength = json!({
            "id": FA01, "displayName": "x", "allowedCombinations": ["password,x509CertificateSingleFactor"],
            "combinationConfigurations": [{
                "@odata.type": "#microsoft.graph.x509CertificateCombinationConfiguration",
                "appliesToCombinations": ["x509CertificateSingleFactor"],
                "allowedIssuerSkis": skis, "allowedPolicyOIDs": oids
            }]
        });
        read::<AuthenticationStrength>(&strength).expect("well formed")
    };
    let card = Details::Certificate {
        issuer_ski: Some("0A1B2C".to_owned()),
        policy_oids: ["1.2.250.1.71.1.2.6.2".to_owned()].into(),
        told: Vec::new(),
    };
    let used = [
        Usage::of(Mode::Password),
        Usage {
            mode: Mode::X509CertificateSingleFactor,
            details: card,
        },
    ];
    for (skis, oids, is_enough) in [
        (json!(["0a1b2c"]), json!([]), true),
        (json!(["ffff", "0a1b2c"]), json!(["1.2.250.1.71.1.2.6.2"]), true),
        (json!(["0a1b2c"]), json!(["1.2.250.1.71.1.2.6"]), false),
        (json!(["ffff"]), json!(["1.2.250.1.71.1.2.6.2"]), false),
        (json!([]), json!(["1.1", "1.2.250.1.71.1.2.6.2"]), true),
    ] {
        let strength = configuration(skis.clone(), oids.clone());
        assert_eq!(strength.satisfied_by(&used, &[]).is_some(), is_enough, "{skis} {oids}");
        let unknown = [Usage::of(Mode::Password), Usage::of(Mode::X509CertificateSingleFactor)];
        assert!(
            strength.satisfied_by(&unknown, &[]).is_none(),
            "what is not known is not enough"
        );
    }
}

#[test]
fn questions_come_in_one_order() {
    let terms = with(
        least(),
        "/grantControls",
        json!({ "operator": "OR", "termsOfUse": [TERMS] }),
    );
    let controls = json!({ "operator": "AND", "builtInControls": ["passwordChange", "compliantDevice", "mfa"] });
    let policies = [terms, with(least(), "/grantControls", controls)];
    let mut sign_in = nurse(&[Mode::Password], &[Mode::SoftwareOath]);
    let ask = |sign_in: &SignIn| match decide(&policies, sign_in) {
        Outcome::Interrupt(ask) => ask,
        other => panic!("{other:?}"),
    };
    assert!(matches!(ask(&sign_in), Ask::Authenticate { .. }));
    sign_in.session.used.push(just_now(Usage::of(Mode::SoftwareOath)));
    assert_eq!(ask(&sign_in), Ask::CompliantDevice);
    sign_in.conditions.device = Some(hygie_policy::signin::Device {
        is_compliant: true,
        ..Default::default()
    });
    assert_eq!(ask(&sign_in), Ask::PasswordChange);
    sign_in.session.has_changed_password = true;
    assert_eq!(ask(&sign_in), Ask::TermsOfUse(TERMS.parse().expect("well formed")));
    sign_in.session.accepted = [TERMS.parse().expect("well formed")].into();
    assert!(matches!(decide(&policies, &sign_in), Outcome::Granted(_)));
}

#[test]
fn a_block_goes_before_everything() {
    let block = with(least(), "/grantControls/builtInControls", json!(["block"]));
    let block = with(block, "/id", json!(TERMS));
    let sign_in = nurse(&[Mode::Password], &[]);
    let outcome = Outcome::Block {
        policy: Some(TERMS.parse().expect("well formed")),
        why: BlockReason::Policy,
    };
    assert_eq!(decide(&[ac02(), block], &sign_in), outcome);
}

#[test]
fn workloads_are_blocked_by_policies_of_their_own() {
    let policy = with(least(), "/conditions/users/includeUsers", json!(["None"]));
    let everyone = json!({ "includeServicePrincipals": ["ServicePrincipalsInMyTenant"] });
    let policy = with(policy, "/conditions/clientApplications", everyone);
    let policy = with(policy, "/grantControls/builtInControls", json!(["block"]));
    for (ownership, result) in [
        (Ownership::SingleTenant, PolicyResult::Failure),
        (Ownership::MultiTenant, PolicyResult::NotApplied),
        (Ownership::Managed, PolicyResult::NotApplied),
    ] {
        let mut sign_in = nurse(&[], &[]);
        sign_in.identity = Identity::Workload(Workload {
            id: NURSE.parse().expect("well formed"),
            ownership,
        });
        let policies = [Policy::from_json(&policy).expect("well formed")];
        let rules = Rules {
            policies: &policies,
            strengths: &[],
            locations: &[],
            windows_hello: &[],
        };
        assert_eq!(evaluate(&rules, &sign_in).applied[0].result, result, "{ownership:?}");
    }
    assert!(
        matches!(decide(&[policy], &nurse(&[], &[])), Outcome::Granted(_)),
        "no person is meant"
    );
}

#[test]
fn a_workload_is_blocked_by_its_risk() {
    let policy = with(least(), "/conditions/users/includeUsers", json!(["None"]));
    let everyone = json!({ "includeServicePrincipals": ["ServicePrincipalsInMyTenant"] });
    let policy = with(policy, "/conditions/clientApplications", everyone);
    let policy = with(
        policy,
        "/conditions/servicePrincipalRiskLevels",
        json!(["high", "medium"]),
    );
    let policy = with(policy, "/grantControls/builtInControls", json!(["block"]));
    for (risk, is_granted) in [
        (RiskLevel::None, true),
        (RiskLevel::Low, true),
        (RiskLevel::Medium, false),
        (RiskLevel::High, false),
    ] {
        let mut sign_in = nurse(&[], &[]);
        sign_in.identity = Identity::Workload(Workload {
            id: NURSE.parse().expect("well formed"),
            ownership: Ownership::SingleTenant,
        });
        sign_in.conditions.service_principal_risk = Some(risk);
        let outcome = decide(std::slice::from_ref(&policy), &sign_in);
        assert_eq!(matches!(outcome, Outcome::Granted(_)), is_granted, "{risk:?}");
    }
}

#[test]
fn the_log_names_what_was_enforced() {
    let policies = [Policy::from_json(&ac02()).expect("well formed")];
    let rules = Rules {
        policies: &policies,
        strengths: &[fa01()],
        locations: &[],
        windows_hello: &[],
    };
    let applied = evaluate(&rules, &nurse(&[Mode::Fido2], &[])).applied;
    assert_eq!(applied[0].grant_controls, ["authenticationStrength"]);
    assert_eq!(applied[0].session_controls, ["signInFrequency"]);
}
