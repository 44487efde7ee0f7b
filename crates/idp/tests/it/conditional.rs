//! Conditional access at sign-in and at the token endpoint, over the wire.

use std::time::Duration;

use hygie_core::{Clock, Cx, Secret, Timestamp};
use hygie_directory::agreements::Upload;
use hygie_directory::logs::LogQuery;
use hygie_directory::{DIRECTORY_API, Definition, NewApplication, PORTAL, SignInEntry};
use hygie_oidc::RedirectUris;
use hygie_policy::Policy;
use hygie_policy::policy::AuthenticationContext;
use hygie_testkit::{Answer, Client, one_time_code};
use serde_json::{Value, json};

use crate::world::{FHIR, LOOPBACK, PASSWORD, WEB, World, claims, code_of, submit};

pub const NURSE: &str = "anna.martin@ch-demo.example";

impl World {
    /// Stores a policy: for everybody and the FHIR service, with these controls.
    pub async fn policy(&self, change: Value) {
        let mut policy = json!({
            "displayName": "AC02",
            "state": "enabled",
            "conditions": {
                "users": { "includeUsers": ["All"] },
                "applications": { "includeApplications": [self.fhir.to_string()] },
                "clientAppTypes": ["all"],
            },
        });
        for (name, value) in change.as_object().expect("members") {
            policy[name] = value.clone();
        }
        let policy = Policy::from_json(&policy).expect("a policy");
        let directory = self.idp.directory();
        directory.create_rule(&self.here(), policy).await.expect("it is stored");
    }

    /// Registers an application that makes codes for the nurse: its seed.
    pub async fn codes(&self) -> Secret<String> {
        let user = self
            .idp
            .directory()
            .find_user(&self.here(), NURSE)
            .await
            .expect("read")
            .expect("a user");
        let offer = self
            .idp
            .means()
            .begin_codes(&self.here(), &user, "CH")
            .await
            .expect("an offer");
        let code = one_time_code(offer.key.expose(), self.now());
        let token = offer.token.expose();
        let means = self.idp.means();
        means
            .register_codes(&self.here(), user.id, (token, "Phone"), &code)
            .await
            .expect("registered");
        // The code of this step is used up.
        self.clock.advance(Duration::from_secs(30));
        offer.key
    }

    pub fn here(&self) -> Cx {
        self.cx(self.tenant)
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub async fn log(&self) -> Vec<SignInEntry> {
        let query = LogQuery {
            limit: 100,
            ..LogQuery::default()
        };
        self.idp
            .directory()
            .list_log(&self.here(), query)
            .await
            .expect("the log")
    }
}

/// The code that an answer carries back to the application.
fn code(answer: &Answer) -> String {
    let found = answer.redirect_param("code");
    found.unwrap_or_else(|| panic!("no code in {} {}", answer.location(), answer.text()))
}

fn mfa() -> Value {
    json!({ "grantControls": { "operator": "OR", "builtInControls": ["mfa"] } })
}

/// Password and a code of this seed, in this browser.
async fn sign_in_twice(world: &World, browser: &Client, seed: &Secret<String>) -> Answer {
    let asked = world.sign_in(browser, &world.authorize(world.portal, WEB, &[])).await;
    assert_eq!(asked.field("step").as_deref(), Some("code"), "{}", asked.text());
    world.clock.advance(Duration::from_secs(1));
    let proof = one_time_code(seed.expose(), world.now());
    submit(browser, &asked, &[("proof", &proof)]).await
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_told() {
    let world = World::new().await;
    let seed = world.codes().await;
    world.policy(mfa()).await;
    let browser = world.browser();
    let answer = sign_in_twice(&world, &browser, &seed).await;
    let tokens = world.redeem(&code(&answer)).await.json();
    let access = claims(&tokens["access_token"]);
    assert_eq!(access["amr"], json!(["pwd", "otp", "mfa"]));
    // The session has both factors now: nothing is asked again.
    world.clock.advance(Duration::from_secs(1));
    let silent = world.authorize(world.portal, WEB, &[("prompt", "none")]);
    assert!(browser.get(&silent).await.redirect_param("code").is_some());
    let log = world.log().await;
    let told: Vec<(u32, &str, &str)> = log
        .iter()
        .map(|entry| {
            (
                entry.error_code,
                entry.status.as_str(),
                entry.applied[0].result.as_str(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (0, "success", "success"),
            (0, "success", "success"),
            (50_076, "failure", "failure")
        ]
    );
    assert_eq!(log[2].user_principal_name, "Anna.Martin@ch-demo.example");
    assert_eq!(log[2].resource.as_ref().map(|(app, _)| *app), Some(world.fhir));
}

#[tokio::test]
async fn a_session_of_one_factor_is_stepped_up() {
    let world = World::new().await;
    let seed = world.codes().await;
    let browser = world.browser();
    let request = world.authorize(world.portal, WEB, &[]);
    assert!(world.sign_in(&browser, &request).await.redirect_param("code").is_some());
    world.policy(mfa()).await;
    let silent = browser
        .get(&world.authorize(world.portal, WEB, &[("prompt", "none")]))
        .await;
    assert_eq!(silent.redirect_param("error").as_deref(), Some("interaction_required"));
    let asked = browser.get(&request).await;
    assert_eq!(
        asked.field("step").as_deref(),
        Some("code"),
        "the password is not asked for again"
    );
    let wrong = submit(&browser, &asked, &[("proof", "000000")]).await;
    assert_eq!(wrong.field("step").as_deref(), Some("code"));
    let proof = one_time_code(seed.expose(), world.now());
    let cookie_before = browser.cookie("__Host-hygie-idp");
    let answer = submit(&browser, &wrong, &[("proof", &proof)]).await;
    code(&answer);
    assert_ne!(
        browser.cookie("__Host-hygie-idp"),
        cookie_before,
        "who knew the cookie before knows nothing"
    );
    // Each code is good once.
    let other = world.browser();
    let asked = world.sign_in(&other, &request).await;
    let again = submit(&other, &asked, &[("proof", &proof)]).await;
    assert_eq!(again.field("step").as_deref(), Some("code"));
}

#[tokio::test]
async fn whoever_has_no_second_means_is_told_to_register_one() {
    let world = World::new().await;
    world.policy(mfa()).await;
    let page = world
        .sign_in(&world.browser(), &world.authorize(world.portal, WEB, &[]))
        .await;
    assert_eq!(page.status, 400);
    assert!(page.text().contains("AADSTS50079"), "{}", page.text());
    assert_eq!(world.log().await[0].error_code, 50_079);
}

/// The portal, and whatever else several establishments use, signs people in where their tenant is not known yet.
#[tokio::test]
async fn who_came_by_organizations_registers_in_their_own_tenant() {
    let world = World::new().await;
    world.policy(mfa()).await;
    let browser = world.browser();
    let request = world
        .authorize(world.portal, WEB, &[])
        .replace(&world.tenant.to_string(), "organizations");
    let page = world.sign_in(&browser, &request).await;
    assert!(page.text().contains("AADSTS50079"), "{}", page.text());
    let links = page.text().replace("&amp;", "&").replace("&#38;", "&");
    let links = links.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let register = links
        .into_iter()
        .find(|link| link.contains("authorize?client_id=19db86c3"));
    let register = register
        .unwrap_or_else(|| panic!("no way to register: {}", page.text()))
        .to_owned();
    let answer = browser.get(&register).await;
    assert!(
        answer.location().contains("/securityinfo"),
        "{register}: {}",
        answer.text()
    );
}

#[tokio::test]
async fn a_policy_that_blocks_ends_it() {
    let world = World::new().await;
    world
        .policy(json!({ "grantControls": { "operator": "OR", "builtInControls": ["block"] } }))
        .await;
    let browser = world.browser();
    let page = world.sign_in(&browser, &world.authorize(world.portal, WEB, &[])).await;
    assert!(page.text().contains("AADSTS53003"), "{}", page.text());
    let silent = browser
        .get(&world.authorize(world.portal, WEB, &[("prompt", "none")]))
        .await;
    assert_eq!(silent.redirect_param("error").as_deref(), Some("access_denied"));
    // Another resource is not concerned.
    let other = world.authorize(world.portal, WEB, &[("scope", "openid User.Read")]);
    let of = (world.portal, DIRECTORY_API);
    let directory = world.idp.directory();
    directory
        .grant_scopes(&world.here(), of, None, &["User.Read"])
        .await
        .unwrap();
    assert!(browser.get(&other).await.redirect_param("code").is_some());
}

#[tokio::test]
async fn report_only_never_asks_and_is_logged() {
    let world = World::new().await;
    let mut policy = mfa();
    policy["state"] = json!("enabledForReportingButNotEnforced");
    world.policy(policy).await;
    let answer = world
        .sign_in(&world.browser(), &world.authorize(world.portal, WEB, &[]))
        .await;
    code(&answer);
    let entry = &world.log().await[0];
    assert_eq!((entry.status.as_str(), entry.error_code), ("notApplied", 0));
    assert_eq!(entry.applied[0].result, "reportOnlyInterrupted");
}

/// AC02 of Pro Santé Connect: four hours at most.
#[tokio::test]
async fn no_token_outlives_the_sign_in_frequency() {
    let world = World::new().await;
    let seed = world.codes().await;
    let mut policy = mfa();
    policy["sessionControls"] = json!({ "signInFrequency": {
        "isEnabled": true, "value": 4, "type": "hours", "frequencyInterval": "timeBased",
        "authenticationType": "primaryAndSecondaryAuthentication" } });
    world.policy(policy).await;
    let browser = world.browser();
    // The older of the two factors counts.
    let signed_in = world.now().secs();
    let answer = sign_in_twice(&world, &browser, &seed).await;
    let tokens = world.redeem(&code(&answer)).await.json();
    world.clock.advance(Duration::from_mins(3 * 60 + 30));
    let later = world.refresh(tokens["refresh_token"].as_str().unwrap(), &[]).await;
    assert_eq!(later.status, 200, "{}", later.text());
    let ends = claims(&later.json()["access_token"])["exp"].as_i64().unwrap();
    assert_eq!(ends, signed_in + 4 * 3600, "{ends}");
    world.clock.advance(Duration::from_mins(31));
    let next = later.json()["refresh_token"].as_str().unwrap().to_owned();
    let over = world.refresh(&next, &[]).await;
    assert_eq!(over.json()["error"], "invalid_grant");
    assert!([70_043, 700_082].contains(&code_of(&over)), "{}", over.text());
}

#[tokio::test]
async fn no_token_outlives_the_tolerance_of_each_time() {
    let world = World::new().await;
    world
        .policy(json!({ "sessionControls": { "signInFrequency": {
            "isEnabled": true, "frequencyInterval": "everyTime",
            "authenticationType": "primaryAndSecondaryAuthentication" } } }))
        .await;
    let signed_in = world.now().secs();
    let answer = world
        .sign_in(&world.browser(), &world.authorize(world.portal, WEB, &[]))
        .await;
    world.clock.advance(Duration::from_secs(100));
    let tokens = world.redeem(&code(&answer)).await.json();
    for token in ["access_token", "id_token"] {
        assert_eq!(claims(&tokens[token])["exp"], json!(signed_in + 300), "{token}");
    }
    assert_eq!(tokens["expires_in"], json!(200));
    world.clock.advance(Duration::from_secs(200));
    let over = world.refresh(tokens["refresh_token"].as_str().unwrap(), &[]).await;
    assert!([70_043, 700_082].contains(&code_of(&over)), "{}", over.text());
}

#[tokio::test]
async fn whoever_is_asked_again_is_asked_for_what_they_have() {
    let world = World::new().await;
    world
        .policy(json!({ "sessionControls": { "signInFrequency": {
            "isEnabled": true, "value": 1, "type": "hours", "frequencyInterval": "timeBased",
            "authenticationType": "primaryAndSecondaryAuthentication" } } }))
        .await;
    let browser = world.browser();
    let authorize = world.authorize(world.portal, WEB, &[]);
    code(&world.sign_in(&browser, &authorize).await);
    // The session is used, and lives on.
    for _ in 0..2 {
        world.clock.advance(Duration::from_mins(25));
        code(&browser.get(&authorize).await);
    }
    world.clock.advance(Duration::from_mins(11));
    let asked = browser.get(&authorize).await;
    assert!(asked.text().contains("name=\"password\""), "{}", asked.text());
    assert!(!asked.text().contains("value=\"passkey\""), "{}", asked.text());
    let answer = submit(&browser, &asked, &[("username", NURSE), ("password", PASSWORD)]).await;
    code(&answer);
}

/// A token for the user endpoint comes with every sign-in by OpenID Connect; what is asked of the directory API is another thing.
#[tokio::test]
async fn who_only_signs_in_is_not_asked_what_the_directory_api_wants() {
    let world = World::new().await;
    let of_directory = json!({
        "users": { "includeUsers": ["All"] },
        "applications": { "includeApplications": [DIRECTORY_API.to_string()] },
        "clientAppTypes": ["all"],
    });
    let mut policy = mfa();
    policy["conditions"] = of_directory;
    world.policy(policy).await;
    let tokens = world.code_flow(&[("scope", "openid profile offline_access")]).await;
    assert_eq!(claims(&tokens["access_token"])["scp"], "openid profile");
    let token = tokens["refresh_token"].as_str().unwrap();
    let again = world.refresh(token, &[("scope", "openid profile")]).await;
    assert_eq!(again.status, 200, "{}", again.text());
    let body = again.json();
    let of = (world.portal, DIRECTORY_API);
    let directory = world.idp.directory();
    directory
        .grant_scopes(&world.here(), of, None, &["User.Read"])
        .await
        .unwrap();
    let reads = world
        .refresh(
            body["refresh_token"].as_str().unwrap(),
            &[("scope", "openid user.read")],
        )
        .await;
    assert_eq!(code_of(&reads), 50_079, "{}", reads.text());
}

#[tokio::test]
async fn an_exchange_tells_what_policies_ask() {
    let world = World::new().await;
    let tokens = world.code_flow(&[]).await;
    world.policy(mfa()).await;
    let refused = world.refresh(tokens["refresh_token"].as_str().unwrap(), &[]).await;
    let body = refused.json();
    assert_eq!(
        (body["error"].as_str(), code_of(&refused)),
        (Some("interaction_required"), 50_079)
    );
    assert_eq!(body["suberror"], "basic_action");
    let asked: Value = serde_json::from_str(body["claims"].as_str().expect("claims")).expect("JSON");
    assert_eq!(asked["access_token"]["polids"]["essential"], true);
    // Refused before it was used up: it is good when the policy is gone.
    let rules = world.idp.directory().read_access_rules(&world.here()).await.unwrap();
    let id = rules.rules().policies[0].id.expect("an id").to_string();
    world
        .idp
        .directory()
        .delete_rule::<Policy>(&world.here(), &id)
        .await
        .unwrap();
    let good = world.refresh(tokens["refresh_token"].as_str().unwrap(), &[]).await;
    assert_eq!(good.status, 200, "{}", good.text());
}

/// What an application asks for by itself, without any policy.
#[tokio::test]
async fn a_client_asks_for_more_by_itself() {
    let world = World::new().await;
    let seed = world.codes().await;
    let browser = world.browser();
    let plain = world.authorize(world.portal, WEB, &[]);
    code(&world.sign_in(&browser, &plain).await);
    let request = world.authorize(world.portal, WEB, &[("acr_values", "mfa")]);
    let asked = browser.get(&request).await;
    assert_eq!(asked.field("step").as_deref(), Some("code"));
    let proof = one_time_code(seed.expose(), world.now());
    let answer = submit(&browser, &asked, &[("proof", &proof)]).await;
    let tokens = world.redeem(&code(&answer)).await.json();
    assert_eq!(claims(&tokens["id_token"])["acr"], "mfa");
    let resistant = browser
        .get(&world.authorize(world.portal, WEB, &[("acr_values", "phr"), ("prompt", "none")]))
        .await;
    assert_eq!(
        resistant.redirect_param("error").as_deref(),
        Some("interaction_required")
    );
    let malformed = browser
        .get(&world.authorize(world.portal, WEB, &[("claims", "{")]))
        .await;
    assert_eq!(malformed.redirect_param("error").as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn an_authentication_context_is_asked_for_and_told() {
    let world = World::new().await;
    let seed = world.codes().await;
    let mut policy = mfa();
    policy["conditions"] = json!({
        "users": { "includeUsers": ["All"] },
        "applications": { "includeAuthenticationContextClassReferences": ["c1"] },
        "clientAppTypes": ["all"],
    });
    let context = json!({ "id": "c1", "displayName": "Records", "isAvailable": true });
    let context = hygie_policy::json::read::<AuthenticationContext>(&context).unwrap();
    world.idp.directory().create_rule(&world.here(), context).await.unwrap();
    world.policy(policy).await;
    let browser = world.browser();
    code(&world.sign_in(&browser, &world.authorize(world.portal, WEB, &[])).await);
    let asks = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#;
    let asked = browser
        .get(&world.authorize(world.portal, WEB, &[("claims", asks)]))
        .await;
    assert_eq!(asked.field("step").as_deref(), Some("code"), "{}", asked.text());
    let proof = one_time_code(seed.expose(), world.now());
    let answer = submit(&browser, &asked, &[("proof", &proof)]).await;
    let tokens = world.redeem(&code(&answer)).await.json();
    assert_eq!(claims(&tokens["access_token"])["acrs"], json!(["c1"]));
}

#[tokio::test]
async fn a_pass_is_a_first_factor_once() {
    let world = World::new().await;
    world.policy(mfa()).await;
    let user = world.nurse;
    let pass = world
        .idp
        .means()
        .create_pass(&world.here(), user, hygie_means::NewPass::default())
        .await;
    let pass = pass.expect("a pass").value;
    let request = world.authorize(world.portal, WEB, &[]);
    for (browser, is_good) in [(world.browser(), true), (world.browser(), false)] {
        let first = browser.get(&request).await;
        let second = submit(&browser, &first, &[("username", NURSE)]).await;
        let other = submit(
            &browser,
            &second,
            &[("step", "way"), ("way", "pass"), ("username", NURSE)],
        )
        .await;
        assert_eq!(other.field("step").as_deref(), Some("pass"), "{}", other.text());
        let answer = submit(&browser, &other, &[("username", NURSE), ("proof", pass.expose())]).await;
        assert_eq!(answer.redirect_param("code").is_some(), is_good, "{}", answer.text());
    }
}

#[tokio::test]
async fn terms_of_use_are_opened_and_accepted() {
    let world = World::new().await;
    let agreement = json!({ "displayName": "CGU", "isViewingBeforeAcceptanceRequired": true });
    let file = json!({ "fileName": "cgu.pdf", "language": "fr", "isDefault": true });
    let upload = Upload {
        file: hygie_policy::json::read(&file).unwrap(),
        pdf: b"%PDF-1.7\n1 0 obj\n%%EOF\n".to_vec(),
    };
    let agreement = hygie_policy::json::read(&agreement).unwrap();
    let directory = world.idp.directory();
    let terms = directory
        .create_agreement(&world.here(), agreement, vec![upload])
        .await
        .unwrap();
    let id = terms.agreement.id.expect("an id").to_string();
    world
        .policy(json!({ "grantControls": { "operator": "OR", "termsOfUse": [id] } }))
        .await;
    let browser = world.browser();
    let page = world.sign_in(&browser, &world.authorize(world.portal, WEB, &[])).await;
    assert!(page.text().contains("CGU"), "{}", page.text());
    let hidden = [
        ("agreement", page.field("agreement").unwrap()),
        ("file", page.field("file").unwrap()),
    ];
    let answer = |word: &'static str| {
        let mut fields: Vec<(&str, &str)> = hidden.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fields.push(("answer", word));
        fields
    };
    let unread = submit(&browser, &page, &answer("accept")).await;
    assert!(unread.text().contains("acceptez-le"), "{}", unread.text());
    let address = format!("/{}/terms/{id}/{}", world.tenant, hidden[1].1);
    assert_eq!(
        world.browser().get(&address).await.status,
        404,
        "for who is signed in alone"
    );
    let document = browser.get(&address).await;
    assert_eq!(document.headers["content-type"], "application/pdf");
    let declined = submit(&browser, &page, &answer("decline")).await;
    assert_eq!(declined.redirect_param("error").as_deref(), Some("access_denied"));
    code(&submit(&browser, &page, &answer("accept")).await);
    // It is not asked again.
    code(&browser.get(&world.authorize(world.portal, WEB, &[])).await);
}

#[tokio::test]
async fn an_application_by_itself_is_blocked_where_a_policy_names_it() {
    let world = World::new().await;
    let directory = world.idp.directory();
    let api = directory
        .find_service_principal(&world.here(), world.api)
        .await
        .unwrap()
        .unwrap();
    let secret = directory
        .add_secret(&world.here(), world.api, "test", Duration::from_hours(1))
        .await
        .unwrap();
    let id = world.api.to_string();
    let ask = async || {
        let scope = format!("{FHIR}/.default");
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", id.as_str()),
            ("client_secret", secret.value.expose()),
            ("scope", scope.as_str()),
        ];
        world.token(&fields).await
    };
    assert_eq!(ask().await.status, 200);
    let block = json!({
        "conditions": {
            "clientApplications": { "includeServicePrincipals": [api.id.to_string()] },
            "applications": { "includeApplications": ["All"] },
            "locations": { "includeLocations": ["All"] },
            "clientAppTypes": ["all"],
        },
        "grantControls": { "operator": "OR", "builtInControls": ["block"] },
    });
    world.policy(block).await;
    let refused = ask().await;
    assert_eq!(code_of(&refused), 53_003, "{}", refused.text());
    let rules = directory.read_access_rules(&world.here()).await.unwrap();
    let policy = rules.rules().policies[0].id.unwrap().to_string();
    directory.delete_rule::<Policy>(&world.here(), &policy).await.unwrap();
    assert_eq!(ask().await.status, 200);
}

/// The template of the secure foundation: whoever steals a password must not register a method of their own with it.
#[tokio::test]
async fn means_are_registered_only_where_policies_let_them() {
    let world = World::new().await;
    let browser = world.browser();
    code(&world.sign_in(&browser, &world.authorize(world.portal, WEB, &[])).await);
    let page = browser.get(&world.path("securityinfo")).await;
    world
        .policy(json!({
            "conditions": {
                "users": { "includeUsers": ["All"] },
                "applications": { "includeUserActions": ["urn:user:registersecurityinfo"] },
                "clientAppTypes": ["all"],
            },
            "grantControls": { "operator": "OR", "builtInControls": ["block"] },
        }))
        .await;
    let (csrf, account) = (page.field("csrf").unwrap(), page.field("account").unwrap());
    let fields = [("csrf", csrf.as_str()), ("account", &account), ("step", "codes")];
    let refused = browser.post(&world.path("securityinfo"), &fields).await;
    assert!(refused.text().contains("AADSTS53003"), "{}", refused.text());
}

/// A form of the sign-in pages with another step in it changes no password.
#[tokio::test]
async fn nobody_changes_a_password_that_need_not_be_changed() {
    let world = World::new().await;
    let seed = world.codes().await;
    world.policy(mfa()).await;
    let browser = world.browser();
    let asked = world.sign_in(&browser, &world.authorize(world.portal, WEB, &[])).await;
    let fields = [("step", "new-password"), ("password", "Cheval 9 correct!")];
    let answer = submit(&browser, &asked, &fields).await;
    assert_eq!(answer.field("step").as_deref(), Some("code"), "{}", answer.text());
    let other = world.browser();
    world.clock.advance(Duration::from_secs(30));
    code(&sign_in_twice(&world, &other, &seed).await);
}

#[tokio::test]
async fn a_policy_for_the_portals_of_administration_holds_whatever_is_asked_for() {
    let world = World::new().await;
    let (directory, here) = (world.idp.directory(), world.here());
    let portal = NewApplication {
        app: Some(PORTAL),
        display_name: "Portal".to_owned(),
        definition: Definition {
            redirect_uris: RedirectUris {
                public_client: vec![LOOPBACK.to_owned()],
                ..RedirectUris::default()
            },
            ..Definition::default()
        },
    };
    directory.create_application(&here, portal).await.expect("the portal");
    let scopes = ["user_impersonation"];
    directory
        .grant_scopes(&here, (PORTAL, world.fhir), None, &scopes)
        .await
        .expect("granted");
    world.codes().await;
    let conditions = json!({
        "users": { "includeUsers": ["All"] }, "clientAppTypes": ["all"],
        "applications": { "includeApplications": ["MicrosoftAdminPortals"] },
    });
    let mut policy = mfa();
    policy["conditions"] = conditions;
    world.policy(policy).await;
    let resource = format!("{FHIR}/user_impersonation");
    for scope in [format!("openid {resource}"), resource] {
        let request = world.authorize(PORTAL, LOOPBACK, &[("scope", &scope)]);
        let asked = world.sign_in(&world.browser(), &request).await;
        assert_eq!(
            asked.field("step").as_deref(),
            Some("code"),
            "{scope}: {}",
            asked.text()
        );
    }
    // Other applications are not meant.
    let request = world.authorize(world.portal, WEB, &[]);
    assert!(
        world
            .sign_in(&world.browser(), &request)
            .await
            .redirect_param("code")
            .is_some()
    );
}
