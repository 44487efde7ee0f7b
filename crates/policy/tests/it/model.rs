//! The evaluator against a model: the rules of evaluation written again, naively, over the JSON of policies and over plain
//! facts, without any type of the crate.

use std::collections::BTreeSet;

use hygie_core::Timestamp;
use hygie_policy::decide::{Ask, Outcome};
use hygie_policy::guard::{Means, is_let_in, lock_outs, walls};
use hygie_policy::json::read;
use hygie_policy::location::Whereabouts;
use hygie_policy::policy::{ClientAppType, DevicePlatform, GuestType, RiskLevel, TransferMethod, UserAction};
use hygie_policy::signin::{
    Application, Device, Guest, Identity, Program, Session, SignIn, SignInConditions, Suite, Target, Used, User,
};
use hygie_policy::strength::{Details, Mode, Usage};
use hygie_policy::{AuthenticationStrength, NamedLocation, Policy, Rules, evaluate};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

const NOW: i64 = 1_795_000_000;

/// The id of the `n`th thing of a kind.
fn id(kind: u8, n: usize) -> String {
    format!("4a1d3f0e-0000-4000-80{kind:02x}-{n:012x}")
}
const USER: u8 = 1;
const GROUP: u8 = 2;
const ROLE: u8 = 3;
const APP: u8 = 4;
const TENANT: u8 = 5;
const PLACE: u8 = 6;
const STRENGTH: u8 = 7;
const TERMS: u8 = 8;
const MODEL: u8 = 9;

/// What is known of a sign-in, in the words of the test.
#[derive(Clone, Debug)]
struct Facts {
    user: usize,
    groups: Vec<usize>,
    roles: Vec<usize>,
    guest: Option<(&'static str, Option<usize>)>,
    app: usize,
    contexts: Vec<&'static str>,
    action: Option<&'static str>,
    address: Option<&'static str>,
    country: Option<&'static str>,
    platform: Option<&'static str>,
    client: Option<&'static str>,
    device: Option<(bool, bool)>,
    risk: Option<&'static str>,
    transfer: Option<&'static str>,
    used: Vec<(&'static str, i64)>,
    registered: Vec<&'static str>,
    registrable: Vec<&'static str>,
    primary: Option<i64>,
    secondary: Option<i64>,
    accepted: Vec<usize>,
    changed: bool,
}

// --- the model ---------------------------------------------------------------------------------------------------------

fn texts(list: &Value) -> Vec<String> {
    list.as_array()
        .into_iter()
        .flatten()
        .map(|item| item.as_str().expect("a text").to_owned())
        .collect()
}

fn has(list: &Value, text: &str) -> bool {
    texts(list).iter().any(|item| item == text)
}

fn is_set(list: &Value) -> bool {
    !texts(list).is_empty()
}

fn guest_fits(condition: &Value, facts: &Facts) -> bool {
    let Some((kind, home)) = facts.guest else { return false };
    if condition.is_null()
        || !condition["guestOrExternalUserTypes"]
            .as_str()
            .expect("types")
            .split(',')
            .any(|t| t == kind)
    {
        return false;
    }
    let tenants = &condition["externalTenants"];
    tenants.is_null()
        || tenants["membershipKind"] == "all"
        || home.is_some_and(|home| has(&tenants["members"], &id(TENANT, home)))
}

fn names_user(users: &Value, side: &str, facts: &Facts) -> bool {
    let list = &users[format!("{side}Users")];
    has(list, "All")
        || has(list, &id(USER, facts.user))
        || (has(list, "GuestsOrExternalUsers") && facts.guest.is_some())
        || facts
            .groups
            .iter()
            .any(|n| has(&users[format!("{side}Groups")], &id(GROUP, *n)))
        || facts
            .roles
            .iter()
            .any(|n| has(&users[format!("{side}Roles")], &id(ROLE, *n)))
        || guest_fits(&users[format!("{side}GuestsOrExternalUsers")], facts)
}

fn names_app(list: &Value, facts: &Facts) -> bool {
    has(list, "All") || has(list, &id(APP, facts.app)) || (has(list, "Office365") && facts.app == 2)
}

/// The places of the test: 0 is the site (trusted), 1 is France, 2 is a net of IPv6.
fn is_in_place(list: &Value, facts: &Facts) -> bool {
    has(list, "All")
        || (facts.address == Some("10.1.2.3") && (has(list, "AllTrusted") || has(list, &id(PLACE, 0))))
        || (facts.country == Some("FR") && has(list, &id(PLACE, 1)))
        || (facts.address == Some("2001:db8::7") && has(list, &id(PLACE, 2)))
}

fn applies(policy: &Value, facts: &Facts) -> bool {
    let conditions = &policy["conditions"];
    let (users, apps) = (&conditions["users"], &conditions["applications"]);
    let user = names_user(users, "include", facts) && !names_user(users, "exclude", facts);
    let target = if is_set(&apps["includeUserActions"]) {
        facts
            .action
            .is_some_and(|action| has(&apps["includeUserActions"], action))
    } else if facts.action.is_some() {
        false
    } else if is_set(&apps["includeAuthenticationContextClassReferences"]) {
        facts
            .contexts
            .iter()
            .any(|context| has(&apps["includeAuthenticationContextClassReferences"], context))
    } else {
        names_app(&apps["includeApplications"], facts) && !names_app(&apps["excludeApplications"], facts)
    };
    let platforms = &conditions["platforms"];
    let on = |list: &Value| has(list, "all") || facts.platform.is_some_and(|platform| has(list, platform));
    let platform = platforms.is_null() || (on(&platforms["includePlatforms"]) && !on(&platforms["excludePlatforms"]));
    let locations = &conditions["locations"];
    let location = locations.is_null()
        || (is_in_place(&locations["includeLocations"], facts) && !is_in_place(&locations["excludeLocations"], facts));
    let clients = &conditions["clientAppTypes"];
    let client = !is_set(clients) || has(clients, "all") || facts.client.is_some_and(|client| has(clients, client));
    let risks = &conditions["signInRiskLevels"];
    let risk = !is_set(risks) || facts.risk.is_some_and(|risk| has(risks, risk));
    let flows = &conditions["authenticationFlows"];
    let methods = flows["transferMethods"].as_str().unwrap_or_default();
    let flow = flows.is_null()
        || facts
            .transfer
            .is_some_and(|transfer| methods.split(',').any(|m| m == transfer));
    user && target && platform && location && client && risk && flow
}

/// Whether these methods satisfy a strength: 0 is a passkey of the first model, 1 is password with code, or a card; 2 does
/// not exist; `mfa` is any of them.
fn is_strong(strength: &str, methods: &BTreeSet<&str>) -> bool {
    let code = methods.contains("password") && methods.contains("code");
    let card = methods.contains("card");
    match strength {
        "mfa" => methods.contains("key0") || methods.contains("key1") || card || code,
        text if text == id(STRENGTH, 0) => methods.contains("key0"),
        text if text == id(STRENGTH, 1) => code || card,
        _ => false,
    }
}

/// 0 met, 1 can be asked, 2 needs a registration, 3 needs another device, 4 cannot be.
type State = u8;

fn strength_state(strength: &str, policy: &Value, facts: &Facts) -> State {
    let frequency = &policy["sessionControls"]["signInFrequency"];
    let is_second = frequency["authenticationType"] == "secondaryAuthentication";
    let counts = |(method, age): &&(&str, i64)| {
        frequency["isEnabled"] != true
            || (is_second && *method == "password")
            || match frequency["value"].as_i64() {
                Some(hours) => *age < hours * 60,
                None => *age < 5,
            }
    };
    let used: BTreeSet<&str> = facts.used.iter().filter(counts).map(|(method, _)| *method).collect();
    let mut methods: BTreeSet<&str> = facts.used.iter().map(|(method, _)| *method).collect();
    methods.extend(&facts.registered);
    let mut all = methods.clone();
    for mode in &facts.registrable {
        all.insert(mode);
    }
    match () {
        () if is_strong(strength, &used) => 0,
        () if is_strong(strength, &methods) => 1,
        () if is_strong(strength, &all) => 2,
        () => 4,
    }
}

/// Each control with the number of its question and how it stands.
fn controls(policy: &Value, facts: &Facts) -> Vec<(u8, State)> {
    let grants = &policy["grantControls"];
    let unless = |met: bool, otherwise: State| if met { 0 } else { otherwise };
    let mut found = Vec::new();
    for control in texts(&grants["builtInControls"]) {
        found.push(match control.as_str() {
            "block" => (0, 4),
            "mfa" => (1, strength_state("mfa", policy, facts)),
            "compliantDevice" => (2, unless(facts.device.is_some_and(|(compliant, _)| compliant), 3)),
            "domainJoinedDevice" => (3, unless(facts.device.is_some_and(|(_, joined)| joined), 3)),
            "passwordChange" => (4, unless(facts.changed, 1)),
            other => panic!("{other}"),
        });
    }
    if let Some(strength) = grants["authenticationStrength"]["id"].as_str() {
        found.push((1, strength_state(strength, policy, facts)));
    }
    for terms in texts(&grants["termsOfUse"]) {
        found.push((5, unless(facts.accepted.iter().any(|n| id(TERMS, *n) == terms), 1)));
    }
    found.sort_unstable();
    if grants["operator"] == "OR" {
        let best = found.iter().map(|(_, state)| *state).min();
        let chosen = found.iter().position(|(_, state)| Some(*state) == best);
        return chosen.map(|index| found[index]).into_iter().collect();
    }
    found
}

fn is_stale(policy: &Value, facts: &Facts) -> bool {
    let frequency = &policy["sessionControls"]["signInFrequency"];
    if frequency["isEnabled"] != true {
        return false;
    }
    let too_old = |age: i64| match frequency["value"].as_i64() {
        Some(hours) => age >= hours * 60,
        None => age >= 5,
    };
    if frequency["authenticationType"] == "secondaryAuthentication" {
        return facts.secondary.is_some_and(too_old);
    }
    facts.primary.is_none_or(too_old) || facts.secondary.is_some_and(too_old)
}

/// The result of each policy, and what comes next.
fn model(policies: &[Value], facts: &Facts) -> (Vec<&'static str>, &'static str) {
    let (mut results, mut unmet, mut stale) = (Vec::new(), Vec::new(), false);
    for policy in policies {
        let state = policy["state"].as_str().expect("a state");
        let applies = applies(policy, facts);
        let open: Vec<(u8, State)> = controls(policy, facts)
            .into_iter()
            .filter(|(_, state)| *state > 0)
            .collect();
        let passes = open.is_empty() && !is_stale(policy, facts);
        results.push(match (state, applies) {
            ("disabled", _) => "notEnabled",
            ("enabled", false) => "notApplied",
            ("enabled", true) if passes => "success",
            ("enabled", true) => "failure",
            (_, false) => "reportOnlyNotApplied",
            (_, true) if passes => "reportOnlySuccess",
            (_, true) if open.iter().any(|(_, state)| *state >= 3) => "reportOnlyFailure",
            (_, true) => "reportOnlyInterrupted",
        });
        if state == "enabled" && applies {
            stale |= is_stale(policy, facts);
            unmet.extend(open);
        }
    }
    let is = |question: u8, state: State| unmet.contains(&(question, state));
    let asked = |question: u8| unmet.iter().any(|(one, _)| *one == question);
    let next = match () {
        () if is(0, 4) => "block",
        () if is(1, 4) => "out of reach",
        () if stale => "reauthenticate",
        () if is(1, 1) => "authenticate",
        () if is(1, 2) => "register",
        () if asked(2) => "compliantDevice",
        () if asked(3) => "domainJoinedDevice",
        () if asked(4) => "passwordChange",
        () if asked(5) => "termsOfUse",
        () => "granted",
    };
    (results, next)
}

// --- the crate ---------------------------------------------------------------------------------------------------------

fn usage(method: &str) -> Usage {
    let passkey = |n| Usage {
        mode: Mode::Fido2,
        details: Details::Passkey(id(MODEL, n).parse().expect("a model")),
    };
    match method {
        "password" => Usage::of(Mode::Password),
        "code" => Usage::of(Mode::SoftwareOath),
        "card" => Usage::of(Mode::X509CertificateMultiFactor),
        "key0" => passkey(0),
        "key1" => passkey(1),
        other => panic!("{other}"),
    }
}

fn who(facts: &Facts) -> Identity {
    Identity::User(User {
        id: id(USER, facts.user).parse().expect("an id"),
        groups: facts
            .groups
            .iter()
            .map(|n| id(GROUP, *n).parse().expect("an id"))
            .collect(),
        roles: facts
            .roles
            .iter()
            .map(|n| id(ROLE, *n).parse().expect("an id"))
            .collect(),
        guest: facts.guest.map(|(kind, home)| Guest {
            kind: GuestType::parse(kind).expect("a kind"),
            home: home.map(|n| id(TENANT, n).parse().expect("an id")),
        }),
    })
}

fn target(facts: &Facts) -> Target {
    if let Some(action) = facts.action {
        return Target::Action(UserAction::parse(action).expect("an action"));
    }
    let suite = (facts.app == 2).then_some(Suite::Office365);
    let application = Application {
        id: id(APP, facts.app).parse().expect("an id"),
        suite,
    };
    let contexts = facts
        .contexts
        .iter()
        .map(|context| context.parse().expect("a context"))
        .collect();
    Target::Resources {
        applications: vec![application],
        contexts,
    }
}

fn sign_in(facts: &Facts) -> SignIn {
    let ago = |minutes: i64| Timestamp::from_secs(NOW - minutes * 60);
    let usages = |methods: &[&str]| methods.iter().map(|method| usage(method)).collect::<Vec<_>>();
    let device = |(is_compliant, is_domain_joined)| Device {
        is_compliant,
        is_domain_joined,
        ..Device::default()
    };
    SignIn {
        identity: who(facts),
        target: target(facts),
        conditions: SignInConditions {
            whereabouts: Whereabouts {
                address: facts.address.map(|address| address.parse().expect("an address")),
                country: facts.country.map(|country| country.parse().expect("a country")),
                gps_country: None,
            },
            platform: facts.platform.and_then(DevicePlatform::parse),
            client_app: facts.client.and_then(ClientAppType::parse),
            device: facts.device.map(device),
            program: Program::default(),
            sign_in_risk: facts.risk.and_then(RiskLevel::parse),
            transfer: facts.transfer.and_then(TransferMethod::parse),
            ..SignInConditions::default()
        },
        session: Session {
            used: facts
                .used
                .iter()
                .map(|(method, age)| Used {
                    usage: usage(method),
                    at: ago(*age),
                })
                .collect(),
            primary_at: facts.primary.map(ago),
            secondary_at: facts.secondary.map(ago),
            registered: usages(&facts.registered),
            registrable: facts.registrable.iter().map(|method| usage(method).mode).collect(),
            accepted: facts
                .accepted
                .iter()
                .map(|n| id(TERMS, *n).parse().expect("an id"))
                .collect(),
            has_changed_password: facts.changed,
            has_remediated_risk: false,
        },
        now: Timestamp::from_secs(NOW),
    }
}

fn strengths() -> Vec<AuthenticationStrength> {
    let first = json!({
        "id": id(STRENGTH, 0), "displayName": "first", "allowedCombinations": ["fido2"],
        "combinationConfigurations": [{
            "@odata.type": "#microsoft.graph.fido2CombinationConfiguration",
            "appliesToCombinations": ["fido2"], "allowedAAGUIDs": [id(MODEL, 0)]
        }]
    });
    let second = json!({
        "id": id(STRENGTH, 1), "displayName": "second",
        "allowedCombinations": ["password,softwareOath", "x509CertificateMultiFactor"]
    });
    [first, second]
        .iter()
        .map(|document| read(document).expect("a strength"))
        .collect()
}

fn locations() -> Vec<NamedLocation> {
    let site = json!({ "@odata.type": "#microsoft.graph.ipNamedLocation", "id": id(PLACE, 0), "displayName": "site",
        "isTrusted": true, "ipRanges": [{ "cidrAddress": "10.0.0.0/8" }] });
    let france = json!({ "@odata.type": "#microsoft.graph.countryNamedLocation", "id": id(PLACE, 1),
        "displayName": "France", "countriesAndRegions": ["FR"] });
    let net = json!({ "@odata.type": "#microsoft.graph.ipNamedLocation", "id": id(PLACE, 2), "displayName": "net",
        "ipRanges": [{ "cidrAddress": "2001:db8::/32" }] });
    [site, france, net]
        .iter()
        .map(|document| read(document).expect("a location"))
        .collect()
}

fn next(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Granted(_) => "granted",
        Outcome::Block {
            why: hygie_policy::decide::BlockReason::Policy,
            ..
        } => "block",
        Outcome::Block { .. } => "out of reach",
        Outcome::NeedsRegistration { .. } => "register",
        Outcome::Interrupt(ask) => match ask {
            Ask::Reauthenticate { .. } => "reauthenticate",
            Ask::Authenticate { .. } => "authenticate",
            Ask::CompliantDevice => "compliantDevice",
            Ask::DomainJoinedDevice => "domainJoinedDevice",
            Ask::PasswordChange => "passwordChange",
            Ask::TermsOfUse(_) => "termsOfUse",
            other => panic!("{other:?}"),
        },
    }
}

// --- random policies and facts -----------------------------------------------------------------------------------------

fn some(items: Vec<Value>, most: usize) -> BoxedStrategy<Value> {
    let most = most.min(items.len());
    subsequence(items, 0..=most).prop_map(Value::Array).boxed()
}

fn ids(kind: u8, count: usize, words: &[&str]) -> Vec<Value> {
    let words = words.iter().map(|word| json!(word));
    words.chain((0..count).map(|n| json!(id(kind, n)))).collect()
}

fn or_null(value: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    prop_oneof![3 => Just(Value::Null), 1 => value].boxed()
}

fn guests() -> BoxedStrategy<Value> {
    let types = select(vec![
        "b2bCollaborationGuest",
        "internalGuest,b2bCollaborationGuest",
        "serviceProvider",
    ]);
    let tenants = prop_oneof![
        Just(Value::Null),
        Just(json!({ "membershipKind": "all" })),
        Just(json!({ "membershipKind": "enumerated", "members": [id(TENANT, 0)] })),
    ];
    or_null(
        (types, tenants)
            .prop_map(|(t, e)| json!({ "guestOrExternalUserTypes": t, "externalTenants": e }))
            .boxed(),
    )
}

fn users() -> BoxedStrategy<Value> {
    let people = |most| some(ids(USER, 2, &["All", "None", "GuestsOrExternalUsers"]), most);
    let included = prop_oneof![2 => Just(json!(["All"])), 1 => people(2)];
    (included, people(1), some(ids(GROUP, 2, &[]), 1), some(ids(GROUP, 2, &[]), 1), some(ids(ROLE, 2, &[]), 1), guests(), guests())
        .prop_map(|(include, exclude, groups, not_groups, roles, guests, not_guests)| {
            let exclude: Vec<Value> = texts(&exclude).into_iter().filter(|text| text != "All").map(Value::from).collect();
            json!({ "includeUsers": include, "excludeUsers": exclude, "includeGroups": groups, "excludeGroups": not_groups,
                "includeRoles": roles, "includeGuestsOrExternalUsers": guests, "excludeGuestsOrExternalUsers": not_guests })
        })
        .boxed()
}

fn applications() -> BoxedStrategy<Value> {
    let apps = |most| some(ids(APP, 3, &["All", "Office365"]), most);
    let excluded = some(ids(APP, 3, &["Office365"]), 1);
    prop_oneof![
        3 => Just(json!({ "includeApplications": ["All"] })),
        3 => (apps(2), excluded).prop_map(|(i, e)| json!({ "includeApplications": i, "excludeApplications": e })),
        1 => Just(json!({ "includeUserActions": ["urn:user:registersecurityinfo"] })),
        1 => some(vec![json!("c1"), json!("c2")], 2)
            .prop_map(|c| json!({ "includeApplications": [], "includeAuthenticationContextClassReferences": c })),
    ]
    .boxed()
}

fn conditions() -> BoxedStrategy<Value> {
    let words = |words: &[&str]| words.iter().map(|word| json!(word)).collect::<Vec<Value>>();
    let platforms = (some(words(&["all", "windows", "iOS"]), 2), some(words(&["iOS"]), 1))
        .prop_map(|(i, e)| json!({ "includePlatforms": i, "excludePlatforms": e }));
    let places = |most| some(ids(PLACE, 3, &["AllTrusted"]), most);
    let included = prop_oneof![Just(json!(["All"])), places(2)];
    let locations = (included, places(2)).prop_map(|(i, e)| json!({ "includeLocations": i, "excludeLocations": e }));
    let clients = prop_oneof![3 => Just(json!([])), 1 => some(words(&["all", "browser", "other"]), 2)];
    let risks = prop_oneof![3 => Just(json!([])), 1 => some(words(&["high", "none"]), 2)];
    let flows = select(vec!["deviceCodeFlow", "deviceCodeFlow,authenticationTransfer"])
        .prop_map(|methods| json!({ "transferMethods": methods }));
    (
        users(),
        applications(),
        or_null(platforms.boxed()),
        or_null(locations.boxed()),
        clients,
        risks,
        or_null(flows.boxed()),
    )
        .prop_map(|(users, applications, platforms, locations, clients, risks, flows)| {
            json!({ "users": users, "applications": applications, "platforms": platforms, "locations": locations,
                "clientAppTypes": clients, "signInRiskLevels": risks, "authenticationFlows": flows })
        })
        .boxed()
}

pub fn policy() -> BoxedStrategy<Value> {
    let state = select(vec![
        "enabled",
        "enabled",
        "enabled",
        "enabledForReportingButNotEnforced",
        "disabled",
    ]);
    let words: Vec<Value> = ["mfa", "compliantDevice", "domainJoinedDevice", "passwordChange"]
        .map(Value::from)
        .into();
    let strength = or_null((0..3_usize).prop_map(|n| json!({ "id": id(STRENGTH, n) })).boxed());
    let asking = (some(words, 2), strength, some(ids(TERMS, 2, &[]), 1), select(vec!["AND", "OR"])).prop_map(
        |(controls, strength, terms, operator)| {
            json!({ "operator": operator, "builtInControls": controls, "termsOfUse": terms, "authenticationStrength": strength })
        },
    );
    let blocking = Just(json!({ "operator": "OR", "builtInControls": ["block"] }));
    let grants = prop_oneof![8 => asking, 1 => blocking];
    let kinds = select(vec!["primaryAndSecondaryAuthentication", "secondaryAuthentication"]);
    let frequency =
        (prop_oneof![Just(None), (1..5_i64).prop_map(Some)], kinds, any::<bool>()).prop_map(|(value, kind, is_on)| {
            let interval = if value.is_some() { "timeBased" } else { "everyTime" };
            json!({ "signInFrequency": { "isEnabled": is_on, "value": value, "type": value.map(|_| "hours"),
            "frequencyInterval": interval, "authenticationType": kind } })
        });
    (state, conditions(), grants, or_null(frequency.boxed()))
        .prop_map(|(state, conditions, grants, session)| {
            json!({ "displayName": "x", "state": state, "conditions": conditions, "grantControls": grants, "sessionControls": session })
        })
        .boxed()
}

/// Minutes, often on the hour.
fn any_age() -> BoxedStrategy<i64> {
    prop_oneof![0..10_i64, select(vec![59, 60, 61, 120, 180, 239, 240, 241]), 0..300_i64].boxed()
}

#[expect(clippy::too_many_lines, reason = "each fact with its values")]
fn facts() -> BoxedStrategy<Facts> {
    let maybe = |words: Vec<&'static str>| proptest::option::of(select(words));
    let methods = || subsequence(vec!["password", "code", "card", "key0", "key1"], 0..=3);
    let guest = proptest::option::weighted(
        0.3,
        (
            select(vec!["b2bCollaborationGuest", "internalGuest"]),
            proptest::option::of(0..2_usize),
        ),
    );
    let who = (
        0..2_usize,
        subsequence(vec![0, 1], 0..=2),
        subsequence(vec![0, 1], 0..=2),
        guest,
    );
    let action = proptest::option::weighted(
        0.15,
        select(vec!["urn:user:registersecurityinfo", "urn:user:registerdevice"]),
    );
    let what = (0..3_usize, subsequence(vec!["c1", "c2"], 0..=1), action);
    let around = (
        maybe(vec!["10.1.2.3", "198.51.100.1", "2001:db8::7"]),
        maybe(vec!["FR", "DE"]),
        maybe(vec!["windows", "iOS"]),
        maybe(vec!["browser", "other"]),
        proptest::option::of((any::<bool>(), any::<bool>())),
        maybe(vec!["high", "none"]),
        maybe(vec!["deviceCodeFlow", "authenticationTransfer"]),
    );
    let age = || proptest::option::weighted(0.9, any_age());
    let done = (
        (methods(), prop::collection::vec(any_age(), 3)),
        methods(),
        subsequence(vec!["key0", "code"], 0..=2),
        age(),
        age(),
        subsequence(vec![0, 1], 0..=2),
        any::<bool>(),
    );
    (who, what, around, done)
        .prop_map(|(who, what, around, done)| {
            let ((user, groups, roles, guest), (app, contexts, action)) = (who, what);
            let (address, country, platform, client, device, risk, transfer) = around;
            let ((used, ages), registered, registrable, primary, secondary, accepted, changed) = done;
            let used = used.into_iter().zip(ages).collect();
            Facts {
                user,
                groups,
                roles,
                guest,
                app,
                contexts,
                action,
                address,
                country,
                platform,
                client,
                device,
                risk,
                transfer,
                used,
                registered,
                registrable,
                primary,
                secondary,
                accepted,
                changed,
            }
        })
        .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_evaluator_is_the_model(documents in prop::collection::vec(policy(), 0..5), facts in facts()) {
        let policies: Vec<Policy> = documents.iter().map(|one| Policy::from_json(one).expect("a policy")).collect();
        let (strengths, locations) = (strengths(), locations());
        let rules = Rules { policies: &policies, strengths: &strengths, locations: &locations, windows_hello: &[] };
        let sign_in = sign_in(&facts);
        let decision = evaluate(&rules, &sign_in);
        let (results, expected) = model(&documents, &facts);
        let found: Vec<&str> = decision.applied.iter().map(|applied| applied.result.as_str()).collect();
        prop_assert_eq!(found, results.clone());
        prop_assert_eq!(next(&decision.outcome), expected);
        let status = match () {
            () if results.contains(&"failure") => "failure",
            () if results.contains(&"success") => "success",
            () => "notApplied",
        };
        prop_assert_eq!(decision.status.as_str(), status);
        for (applied, result) in decision.applied.iter().zip(results) {
            prop_assert_eq!(applied.unmet.is_empty(), !matches!(result, "notEnabled" | "notApplied" | "reportOnlyNotApplied"));
        }
        if let Outcome::Interrupt(Ask::Authenticate { combinations, .. }) = &decision.outcome {
            prop_assert!(!combinations.is_empty(), "something is offered");
            let session = &sign_in.session;
            let has = |mode| session.used.iter().map(|used| &used.usage).chain(&session.registered).any(|usage| usage.mode == mode);
            prop_assert!(combinations.iter().all(|combination| combination.modes().all(has)), "of what the person has");
        }
    }

    /// Policies that are only reported, or not enabled, change nothing.
    #[test]
    fn what_is_not_enforced_is_not_noticed(documents in prop::collection::vec(policy(), 0..5), facts in facts()) {
        let policies: Vec<Policy> = documents.iter().map(|one| Policy::from_json(one).expect("a policy")).collect();
        let enforced: Vec<Policy> = policies.iter().filter(|one| one.state.as_str() == "enabled").cloned().collect();
        let (strengths, locations) = (strengths(), locations());
        let outcome = |policies: &[Policy]| {
            let rules = Rules { policies, strengths: &strengths, locations: &locations, windows_hello: &[] };
            evaluate(&rules, &sign_in(&facts)).outcome
        };
        prop_assert_eq!(outcome(&policies), outcome(&enforced));
    }

    /// Who is said to be kept out by a page is granted nothing, wherever they come from and whatever they have done.
    #[test]
    fn who_is_kept_out_is_never_let_in(documents in prop::collection::vec(policy(), 0..5), facts in facts()) {
        let policies: Vec<Policy> = documents.iter().map(|one| Policy::from_json(one).expect("a policy")).collect();
        let (strengths, locations) = (strengths(), locations());
        let rules = Rules { policies: &policies, strengths: &strengths, locations: &locations, windows_hello: &[] };
        let mut sign_in = sign_in(&facts);
        let Identity::User(person) = &sign_in.identity else { unreachable!("people alone") };
        let person = person.clone();
        let Target::Resources { applications, .. } = &sign_in.target else { return Ok(()) };
        // Nothing of theirs is managed.
        sign_in.conditions.device = None;
        let modern = sign_in.conditions.client_app.is_some_and(|client| client == ClientAppType::Browser);
        let means = Means { modes: Mode::ALL.iter().copied().collect(), consoles: applications.clone(), ..Means::default() };
        let walls = walls(&policies, &strengths, &locations, &means);
        if modern && !is_let_in(&walls, &person) {
            let outcome = evaluate(&rules, &sign_in).outcome;
            prop_assert!(!matches!(outcome, Outcome::Granted(_)), "{:?}", outcome);
        }
        prop_assert_eq!(lock_outs(&walls, std::slice::from_ref(&person)).is_empty(), is_let_in(&walls, &person));
    }
}
