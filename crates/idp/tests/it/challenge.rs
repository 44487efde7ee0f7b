//! What a resource told its client to bring (`claims` at the token endpoint), and the claims that registrations ask for.

use std::time::Duration;

use hygie_core::AppId;
use hygie_directory::{Definition, GroupClaims, OptionalClaim, OptionalClaims, role};
use hygie_policy::policy::AuthenticationContext;
use hygie_testkit::one_time_code;
use serde_json::{Value, json};

use crate::on_behalf_of::{ask, called};
use crate::world::{LOGIN, WEB, World, claims, code_of, submit};

const STEP: &str = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#;
const CP1: &str = r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#;

impl World {
    /// Changes a registration.
    pub async fn registered_with(&self, app: AppId, change: impl FnOnce(&mut Definition)) {
        let directory = self.idp.directory();
        let cx = self.cx(self.tenant);
        let found = directory.find_application(&cx, app).await.unwrap().unwrap();
        let mut definition = (*found.definition).clone();
        change(&mut definition);
        let name = found.display_name.clone();
        let changed = directory.update_application(&cx, found, (name, definition), None).await;
        changed.unwrap();
    }

    /// A context, which applications may use or not.
    async fn context(&self, id: &str, is_available: bool) {
        let context = json!({ "id": id, "displayName": "Prescribe", "isAvailable": is_available });
        let context = hygie_policy::json::read::<AuthenticationContext>(&context).unwrap();
        let directory = self.idp.directory();
        directory.create_rule(&self.cx(self.tenant), context).await.unwrap();
    }

    /// The context `c1` needs a second factor.
    async fn guarded_context(&self) {
        self.context("c1", true).await;
        let policy = json!({
            "conditions": {
                "users": { "includeUsers": ["All"] },
                "applications": { "includeAuthenticationContextClassReferences": ["c1"] },
                "clientAppTypes": ["all"],
            },
            "grantControls": { "operator": "OR", "builtInControls": ["mfa"] },
        });
        self.policy(policy).await;
    }
}

fn named(names: &[&str]) -> Vec<OptionalClaim> {
    let claim = |name: &&str| OptionalClaim {
        name: (*name).to_owned(),
        additional_properties: Vec::new(),
    };
    names.iter().map(claim).collect()
}

#[tokio::test]
async fn a_context_that_is_not_met_is_an_interaction_with_claims() {
    let world = World::new().await;
    world.codes().await;
    world.guarded_context().await;
    let tokens = world.code_flow(&[]).await;
    assert_eq!(claims(&tokens["access_token"])["acrs"], Value::Null);
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let answer = world.refresh(refresh, &[("claims", STEP)]).await;
    assert_eq!((answer.status.as_u16(), code_of(&answer)), (400, 50_076));
    let body = answer.json();
    assert_eq!(body["error"], "interaction_required");
    let asked: Value = serde_json::from_str(body["claims"].as_str().unwrap()).unwrap();
    assert_eq!(asked["access_token"]["acrs"]["values"], json!(["c1"]));
    assert!(asked["access_token"]["polids"]["values"][0].is_string());
    // Nothing was used up: the refresh token goes on without.
    assert_eq!(world.refresh(refresh, &[]).await.status, 200);
    // Nor does a code give it.
    let code = world.code(world.portal, crate::world::WEB, &[]).await;
    let id = world.portal.to_string();
    let fields = crate::world::exchange(&id, &code, crate::world::WEB);
    let more = [("client_secret", world.secret.as_str()), ("claims", STEP)];
    let answer = world.token(&[&fields[..], &more].concat()).await;
    assert_eq!(code_of(&answer), 50_076);
    assert_eq!(world.redeem(&code).await.status, 200, "it was not used up");
    for malformed in ["{", r#"{"access_token":{"acrs":1}}"#] {
        assert_eq!(code_of(&world.refresh(refresh, &[("claims", malformed)]).await), 90_023);
    }
}

#[tokio::test]
async fn a_context_that_nobody_guards_is_told() {
    let world = World::new().await;
    world.context("c1", true).await;
    let tokens = world.code_flow(&[]).await;
    let answer = world
        .refresh(tokens["refresh_token"].as_str().unwrap(), &[("claims", STEP)])
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let next = answer.json();
    assert_eq!(claims(&next["access_token"])["acrs"], json!(["c1"]));
    // It was for this token, not for those after it.
    let last = world.refresh(next["refresh_token"].as_str().unwrap(), &[]).await.json();
    assert_eq!(claims(&last["access_token"])["acrs"], Value::Null);
}

#[tokio::test]
async fn a_context_that_is_not_there_for_applications_is_refused() {
    let world = World::new().await;
    world.context("c2", false).await;
    let tokens = world.code_flow(&[]).await;
    let refresh = tokens["refresh_token"].as_str().unwrap();
    for id in ["c1", "c2"] {
        let asks = STEP.replace("c1", id);
        let answer = world.refresh(refresh, &[("claims", &asks)]).await;
        assert_eq!((answer.status.as_u16(), code_of(&answer)), (400, 90_023), "{id}");
        let request = world.authorize(world.portal, crate::world::WEB, &[("claims", &asks)]);
        let answer = world.sign_in(&world.browser(), &request).await;
        assert_eq!(answer.redirect_param("code"), None, "{id}");
        assert_eq!(
            answer.redirect_param("error").as_deref(),
            Some("invalid_request"),
            "{id}"
        );
    }
    assert_eq!(world.refresh(refresh, &[]).await.status, 200, "nothing was used up");
}

#[tokio::test]
async fn a_token_is_not_older_than_its_resource_wants() {
    let world = World::new().await;
    let tokens = world.code_flow(&[]).await;
    world.clock.advance(Duration::from_secs(100));
    let now = world.clock_secs();
    let ask = |at: i64| format!(r#"{{"access_token":{{"nbf":{{"essential":true,"value":"{at}"}}}}}}"#);
    let refresh = tokens["refresh_token"].as_str().unwrap();
    for (at, expected) in [(now - 10, now - 10), (now - 1_000, now - 300), (now + 60, now)] {
        let answer = world.refresh(refresh, &[("claims", &ask(at))]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let said = claims(&answer.json()["access_token"]);
        assert_eq!((&said["nbf"], &said["iat"]), (&json!(expected), &json!(now)), "{at}");
    }
    let answer = world.refresh(refresh, &[("claims", &ask(now + 301))]).await;
    assert_eq!(code_of(&answer), 90_023);
}

#[tokio::test]
async fn what_a_client_understands_is_told_where_the_resource_asks() {
    let world = World::new().await;
    let tokens = world.code_flow(&[]).await;
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let capable = world.refresh(refresh, &[("claims", CP1)]).await.json();
    assert_eq!(claims(&capable["access_token"])["xms_cc"], Value::Null);
    let change = |definition: &mut Definition| definition.optional_claims.access_token = named(&["xms_cc"]);
    world.registered_with(world.fhir, change).await;
    let capable = world.refresh(refresh, &[("claims", CP1)]).await.json();
    assert_eq!(claims(&capable["access_token"])["xms_cc"], json!(["cp1"]));
    let other = world.refresh(refresh, &[]).await.json();
    assert_eq!(claims(&other["access_token"])["xms_cc"], Value::Null);
}

/// As in Entra ID: `idtyp` is for applications unless the registration asks for people too.
#[tokio::test]
async fn the_kind_of_a_persons_token_is_told_where_it_is_asked_for() {
    let world = World::new().await;
    for (words, expected) in [
        (&[][..], Value::Null),
        (&["include_user_token".to_owned()][..], json!("user")),
    ] {
        let change = |definition: &mut Definition| {
            definition.optional_claims.access_token = vec![OptionalClaim {
                name: "idtyp".to_owned(),
                additional_properties: words.to_vec(),
            }];
        };
        world.registered_with(world.fhir, change).await;
        let tokens = world.code_flow(&[]).await;
        assert_eq!(claims(&tokens["access_token"])["idtyp"], expected, "{words:?}");
    }
}

#[tokio::test]
async fn version_2_tells_how_the_person_came_where_it_is_asked_for() {
    let world = World::new().await;
    let names = ["acr", "amr", "auth_time"];
    let change = |definition: &mut Definition| {
        definition.optional_claims = OptionalClaims {
            id_token: named(&names),
            access_token: named(&names),
        };
    };
    let scope = [("scope", "openid api://records//read")];
    let tokens = world.code_flow(&scope).await;
    assert_eq!(claims(&tokens["access_token"])["amr"], Value::Null);
    world.registered_with(world.api, change).await;
    world.registered_with(world.portal, change).await;
    let tokens = world.code_flow(&scope).await;
    for token in ["access_token", "id_token"] {
        let said = claims(&tokens[token]);
        assert_eq!(said["ver"], "2.0");
        assert_eq!((&said["amr"], &said["acr"]), (&json!(["pwd"]), &json!("1")), "{token}");
        assert_eq!(said["auth_time"], json!(world.clock_secs()), "{token}");
    }
}

#[tokio::test]
async fn where_a_person_is_and_speaks_is_told_where_it_is_asked_for() {
    let world = World::new().await;
    let names = ["ctry", "xms_pl", "tenant_region_scope"];
    let change = |definition: &mut Definition| definition.optional_claims.id_token = named(&names);
    world.registered_with(world.portal, change).await;
    let said = async || {
        let tokens = world.code_flow(&[]).await;
        let said = claims(&tokens["id_token"]);
        names.map(|name| said[name].clone())
    };
    assert_eq!(said().await, [Value::Null, Value::Null, json!("EU")]);
    for (member, value, country) in [
        ("usageLocation", "FR", "FR"),
        ("country", "France", "FR"),
        ("country", "be", "BE"),
    ] {
        let mut profile = serde_json::Map::new();
        profile.insert(member.to_owned(), value.into());
        profile.insert("preferredLanguage".to_owned(), "fr-FR".into());
        let change = hygie_directory::UserChange {
            profile,
            ..hygie_directory::UserChange::default()
        };
        let cx = world.cx(world.tenant);
        world
            .idp
            .directory()
            .update_user(&cx, world.nurse, change)
            .await
            .unwrap();
        assert_eq!(said().await, [json!(country), json!("fr-FR"), json!("EU")], "{member}");
    }
}

#[tokio::test]
async fn directory_roles_are_told_by_their_templates() {
    let world = World::new().await;
    let directory = world.idp.directory();
    let cx = world.cx(world.tenant);
    directory
        .assign_directory_role(&cx, world.nurse, role::SECURITY_READER)
        .await
        .unwrap();
    for (kind, has_roles, has_groups) in [
        (None, false, false),
        (Some(GroupClaims::SECURITY_GROUP), false, true),
        (Some(GroupClaims::DIRECTORY_ROLE), true, false),
        (Some(GroupClaims::ALL), true, true),
        ("SecurityGroup,ApplicationGroup".parse().ok(), false, true),
        ("ApplicationGroup, DirectoryRole".parse().ok(), true, false),
    ] {
        for app in [world.fhir, world.portal] {
            let change = |definition: &mut Definition| definition.group_membership_claims = kind;
            world.registered_with(app, change).await;
        }
        let tokens = world.code_flow(&[]).await;
        for token in ["access_token", "id_token"] {
            let said = claims(&tokens[token]);
            let expected = has_roles.then(|| json!([role::SECURITY_READER.to_string()]));
            assert_eq!(said.get("wids").cloned(), expected, "{token} {kind:?}");
            assert_eq!(said.get("groups").is_some(), has_groups, "{token} {kind:?}");
        }
    }
}

#[tokio::test]
async fn too_many_groups_are_told_by_where_to_ask() {
    let world = World::new().await;
    let directory = world.idp.directory();
    let cx = world.cx(world.tenant);
    for app in [world.fhir, world.portal] {
        let change = |definition: &mut Definition| {
            definition.group_membership_claims = Some(GroupClaims::SECURITY_GROUP);
            definition.enable_id_token_issuance = true;
        };
        world.registered_with(app, change).await;
    }
    let join = async |count: usize| {
        for n in 0..count {
            let group = directory.create_group(&cx, &format!("Ward {n}")).await.unwrap().id;
            directory.add_member(&cx, group, world.nurse).await.unwrap();
        }
    };
    // Through the browser: six at most (two of them are of the world).
    let in_browser = async || {
        let browser = world.browser();
        let more = [
            ("response_type", "id_token"),
            ("response_mode", "form_post"),
            ("nonce", "n"),
        ];
        let answer = world
            .sign_in(&browser, &world.authorize(world.portal, WEB, &more))
            .await;
        claims(&json!(answer.field("id_token").unwrap()))
    };
    join(4).await;
    assert_eq!(in_browser().await["groups"].as_array().unwrap().len(), 6);
    join(1).await;
    let said = in_browser().await;
    assert_eq!((&said["hasgroups"], said.get("groups")), (&json!(true), None));
    // In a token that comes from the token endpoint: two hundred.
    join(193).await;
    let tokens = world.code_flow(&[]).await;
    for token in ["access_token", "id_token"] {
        let said = claims(&tokens[token]);
        assert_eq!(said["groups"].as_array().unwrap().len(), 200, "{token}");
    }
    join(1).await;
    let tokens = world.code_flow(&[]).await;
    for token in ["access_token", "id_token"] {
        let said = claims(&tokens[token]);
        let place = format!("{LOGIN}/v1.0/users/{}/getMemberObjects", world.nurse);
        assert_eq!(said["_claim_names"], json!({ "groups": "src1" }), "{token}");
        assert_eq!(
            said["_claim_sources"],
            json!({ "src1": { "endpoint": place } }),
            "{token}"
        );
        assert_eq!((said.get("groups"), said.get("hasgroups")), (None, None), "{token}");
    }
}

/// An API is told what the service behind it wants, and tells its client, who asks the person: the policy is not of the API that
/// the client asks for.
#[tokio::test]
async fn the_challenge_of_an_exchange_on_behalf_of_the_person_is_met_at_the_sign_in() {
    let world = World::new().await;
    let seed = world.codes().await;
    let (secret, body) = called(&world).await;
    let conditions = json!({
        "users": { "includeUsers": ["All"] },
        "applications": { "includeApplications": [world.fhir.to_string()] },
    });
    let grants = json!({ "operator": "OR", "builtInControls": ["mfa"] });
    world
        .policy(json!({ "conditions": conditions, "grantControls": grants }))
        .await;
    let refused = ask(&world, &secret, &body["access_token"], &[]).await;
    assert_eq!(code_of(&refused), 50_076, "{}", refused.text());
    let claims = refused.json()["claims"].as_str().expect("claims").to_owned();
    // Neither the refresh token nor the session is enough, with what was proved so far.
    let refresh = body["refresh_token"].as_str().unwrap();
    let asks = [("claims", claims.as_str())];
    assert_eq!(code_of(&world.refresh(refresh, &asks).await), 50_076);
    let browser = world.browser();
    let scope = ("scope", "openid offline_access api://records//read");
    let asked = world
        .sign_in(&browser, &world.authorize(world.portal, WEB, &[scope, asks[0]]))
        .await;
    assert_eq!(asked.field("step").as_deref(), Some("code"), "{}", asked.text());
    world.clock.advance(Duration::from_secs(1));
    let proof = one_time_code(seed.expose(), world.now());
    let answer = submit(&browser, &asked, &[("proof", &proof)]).await;
    let code = answer
        .redirect_param("code")
        .unwrap_or_else(|| panic!("{}", answer.text()));
    let tokens = world.redeem(&code).await.json();
    let passed = ask(&world, &secret, &tokens["access_token"], &[]).await;
    assert_eq!(passed.status, 200, "{}", passed.text());
    // Of a policy that is not there nothing is asked.
    let nothing = r#"{"access_token":{"polids":{"values":["x","00000000-0000-0000-0000-0000000000aa"]}}}"#;
    assert_eq!(world.refresh(refresh, &[("claims", nothing)]).await.status, 200);
}
