//! Policies to begin with, and whether they shut everybody out.

use std::collections::BTreeSet;

use hygie_core::ObjectId;
use hygie_policy::check::Broken;
use hygie_policy::guard::{Means, Why, lock_outs, walls};
use hygie_policy::psc::{Application, Export, Verdict, check};
use hygie_policy::signin::{Application as Target, Guest, User};
use hygie_policy::strength::{MFA, Mode};
use hygie_policy::templates::{
    ADMINISTRATORS, ProSanteConnect, pro_sante_connect, pro_sante_connect_strength, secure_foundation,
    security_defaults, templates,
};
use hygie_policy::{Outcome, Policy, Rules, evaluate};
use serde_json::{Value, json};

use crate::decisions::{NURSE, PSC, nurse};
use crate::documents::{least, with};

const EMERGENCY: &str = "4a1d3f0e-0000-4000-8000-0000000000e1";
const FA01: &str = "4a1d3f0e-0000-4000-8000-0000000000fa";

fn emergency() -> BTreeSet<ObjectId> {
    [EMERGENCY.parse().expect("an id")].into()
}

#[test]
fn templates_may_be_stored() {
    let templates = templates(&emergency());
    let founding = templates
        .iter()
        .filter(|one| one.scenarios.contains("secureFoundation"));
    assert_eq!((founding.count(), templates.len()), (7, 17));
    let ids: BTreeSet<_> = templates.iter().map(|one| one.id).collect();
    assert_eq!(ids.len(), templates.len());
    let roles: BTreeSet<_> = ADMINISTRATORS.into();
    assert_eq!(roles.len(), ADMINISTRATORS.len());
    for template in &templates {
        let name = &template.policy.display_name;
        assert_eq!(template.policy.check(), Ok(()), "{name}");
        assert_eq!(
            Policy::from_json(&template.policy.to_json()).as_ref(),
            Ok(&template.policy),
            "{name}"
        );
        assert_eq!(template.policy.template_id, Some(template.id));
        let users = template.policy.conditions.users.as_ref().expect("users");
        assert!(
            users.exclude_users.iter().any(|target| target.to_string() == EMERGENCY),
            "{name}"
        );
        assert_ne!(
            template.policy.state.as_str(),
            "enabled",
            "{name}: nothing is enforced unasked"
        );
    }
    for policy in security_defaults() {
        assert_eq!(policy.check(), Ok(()), "{}", policy.display_name);
    }
}

#[test]
fn security_defaults_ask_everybody_for_two_factors() {
    let policies = security_defaults();
    let rules = Rules {
        policies: &policies,
        strengths: &[],
        locations: &[],
        windows_hello: &[],
    };
    let mut sign_in = nurse(&[Mode::Password], &[]);
    sign_in.session.registrable = [Mode::SoftwareOath].into();
    let outcome = evaluate(&rules, &sign_in).outcome;
    assert!(
        matches!(outcome, Outcome::NeedsRegistration { strength, .. } if strength == MFA),
        "{outcome:?}"
    );
    let sign_in = nurse(&[Mode::Password, Mode::SoftwareOath], &[]);
    assert!(matches!(evaluate(&rules, &sign_in).outcome, Outcome::Granted(_)));
    let mut legacy = nurse(&[Mode::Password, Mode::SoftwareOath], &[]);
    legacy.conditions.client_app = Some(hygie_policy::policy::ClientAppType::Other);
    assert!(matches!(evaluate(&rules, &legacy).outcome, Outcome::Block { .. }));
}

#[test]
fn methods_are_registered_from_a_trusted_place() {
    let templates = secure_foundation(&emergency());
    let policy = templates
        .iter()
        .find(|one| one.policy.display_name.starts_with("Securing"))
        .expect("it");
    let policies = [Policy {
        state: hygie_policy::policy::State::Enabled,
        ..policy.policy.clone()
    }];
    let rules = Rules {
        policies: &policies,
        strengths: &[],
        locations: &[],
        windows_hello: &[],
    };
    let mut sign_in = nurse(&[Mode::Password], &[Mode::SoftwareOath]);
    assert!(
        matches!(evaluate(&rules, &sign_in).outcome, Outcome::Granted(_)),
        "an application is not meant"
    );
    sign_in.target = hygie_policy::signin::Target::Action(hygie_policy::policy::UserAction::RegisterSecurityInfo);
    assert!(matches!(evaluate(&rules, &sign_in).outcome, Outcome::Interrupt(_)));
    if let hygie_policy::signin::Identity::User(user) = &mut sign_in.identity {
        user.guest = Some(Guest {
            kind: hygie_policy::policy::GuestType::B2bCollaborationGuest,
            home: None,
        });
    }
    assert!(
        matches!(evaluate(&rules, &sign_in).outcome, Outcome::Granted(_)),
        "guests are out"
    );
}

#[test]
fn the_policies_of_pro_sante_connect_conform() {
    let strength = pro_sante_connect_strength(FA01.parse().expect("an id"));
    assert_eq!(strength.check(), Ok(()));
    for terms in [None, Some(EMERGENCY.parse().expect("an id"))] {
        let asked = ProSanteConnect {
            application: PSC.parse().expect("an id"),
            strength: FA01.parse().expect("an id"),
            emergency: emergency(),
            terms,
        };
        let policies = pro_sante_connect(&asked);
        assert_eq!(policies.len(), 1 + usize::from(terms.is_some()));
        for policy in &policies {
            assert_eq!(policy.check(), Ok(()), "{}", policy.display_name);
        }
        let documents: Vec<Value> = policies.iter().map(Policy::to_json).collect();
        let strengths = [hygie_policy::json::Member::write(&strength)];
        let export = json!({ "policies": documents, "strengths": strengths }).to_string();
        let report = check(
            &Export::read(export.as_bytes()).expect("an export"),
            Application::Assumed,
        );
        assert_eq!(report.verdict(), Verdict::Conforms, "{report:?}");
    }
}

/// An application by which policies are changed.
const CONSOLE: &str = "19db86c3-b2b9-44cc-b339-36da233a3be2";

fn target(id: &str) -> Target {
    Target {
        id: id.parse().expect("an id"),
        suite: None,
    }
}

/// Why policies keep out three people.
fn told(policies: &[Value], means: &Means) -> Vec<Why> {
    let policies: Vec<Policy> = policies
        .iter()
        .map(|one| Policy::from_json(one).expect("a policy"))
        .collect();
    let person = |id: &str| User {
        id: id.parse().expect("an id"),
        groups: [].into(),
        roles: [].into(),
        guest: None,
    };
    let people = [person(EMERGENCY), person(NURSE), person(FA01)];
    lock_outs(&walls(&policies, &[], &[], means), &people)
        .into_iter()
        .map(|lock_out| lock_out.why)
        .collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn who_shuts_everybody_out_is_told() {
    let passwords = Means {
        modes: [Mode::Password].into(),
        consoles: vec![target(CONSOLE), target(PSC)],
        ..Means::default()
    };
    let block = with(least(), "/grantControls/builtInControls", json!(["block"]));
    let (mfa, device) = (
        least(),
        with(least(), "/grantControls/builtInControls", json!(["compliantDevice"])),
    );
    let either = with(
        least(),
        "/grantControls/builtInControls",
        json!(["compliantDevice", "passwordChange"]),
    );
    let both = with(either.clone(), "/grantControls/operator", json!("AND"));
    let unknown = json!({ "operator": "OR", "authenticationStrength": { "id": FA01 } });
    for (policy, told_why) in [
        (block.clone(), Some(Why::Block)),
        (mfa.clone(), Some(Why::Strength(MFA))),
        (device, Some(Why::Control)),
        (either, None),
        (both, Some(Why::Control)),
        (
            with(least(), "/grantControls", unknown),
            Some(Why::Strength(FA01.parse().expect("an id"))),
        ),
        (
            with(block.clone(), "/state", json!("enabledForReportingButNotEnforced")),
            None,
        ),
        (
            with(block.clone(), "/conditions/users/includeUsers", json!([EMERGENCY])),
            None,
        ),
        (
            with(block.clone(), "/conditions/users/excludeUsers", json!([EMERGENCY])),
            None,
        ),
        (
            with(
                block.clone(),
                "/conditions/users/excludeUsers",
                json!(["GuestsOrExternalUsers"]),
            ),
            Some(Why::Block),
        ),
        (
            with(
                block.clone(),
                "/conditions/applications/includeApplications",
                json!([PSC]),
            ),
            Some(Why::Block),
        ),
        (
            with(
                block.clone(),
                "/conditions/applications/includeApplications",
                json!([EMERGENCY]),
            ),
            None,
        ),
        (
            with(
                block.clone(),
                "/conditions/applications/excludeApplications",
                json!([PSC]),
            ),
            Some(Why::Block),
        ),
        (
            with(
                block.clone(),
                "/conditions/applications/excludeApplications",
                json!([PSC, CONSOLE]),
            ),
            None,
        ),
        (
            with(
                block.clone(),
                "/conditions/users/includeUsers",
                json!([NURSE, FA01, EMERGENCY]),
            ),
            Some(Why::Block),
        ),
        (
            with(
                block.clone(),
                "/conditions/users/excludeRoles",
                json!(["729827e3-9c14-49f7-bb1b-9608f156bbb8"]),
            ),
            Some(Why::Block),
        ),
        (
            with(
                block.clone(),
                "/conditions/locations",
                json!({ "includeLocations": ["All"] }),
            ),
            Some(Why::Block),
        ),
        (
            with(
                block.clone(),
                "/conditions/locations",
                json!({ "includeLocations": ["All"], "excludeLocations": ["AllTrusted"] }),
            ),
            // No place is trusted here.
            Some(Why::Block),
        ),
        (
            with(
                block.clone(),
                "/conditions/clientAppTypes",
                json!(["exchangeActiveSync", "other"]),
            ),
            None,
        ),
        (
            with(
                block.clone(),
                "/conditions/clientAppTypes",
                json!(["browser", "mobileAppsAndDesktopClients"]),
            ),
            Some(Why::Block),
        ),
        (
            with(block.clone(), "/conditions/signInRiskLevels", json!(["high"])),
            None,
        ),
    ] {
        assert_eq!(
            told(std::slice::from_ref(&policy), &passwords),
            Vec::from_iter(told_why),
            "{policy}"
        );
    }
    let codes = Means {
        modes: [Mode::Password, Mode::SoftwareOath].into(),
        ..passwords.clone()
    };
    assert_eq!(told(&[mfa], &codes), []);

    let one = with(block.clone(), "/conditions/users/excludeUsers", json!([EMERGENCY]));
    let other = with(block.clone(), "/conditions/users/excludeUsers", json!([FA01]));
    let everybody_else = with(block, "/conditions/users/excludeUsers", json!([FA01, EMERGENCY]));
    assert_eq!(
        told(&[one.clone(), other.clone()], &codes),
        [Why::Block, Why::Block],
        "nobody is out of both"
    );
    assert_eq!(told(&[other, everybody_else], &codes), [], "one is out of both");
    assert_eq!(told(&[one.clone(), one], &codes), []);
}

#[test]
fn what_is_made_for_an_action_is_not_reported_only() {
    let templates = secure_foundation(&BTreeSet::new());
    let action = templates
        .iter()
        .find(|one| one.policy.display_name.starts_with("Securing"))
        .expect("it");
    let silent = Policy {
        state: hygie_policy::policy::State::ReportOnly,
        ..action.policy.clone()
    };
    assert_eq!(silent.check(), Err(Broken::ReportOnlyAction));
}
