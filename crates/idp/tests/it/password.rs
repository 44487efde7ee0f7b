//! A password in the hands of an application (RFC 6749 §4.3), where its registration lets it.

use std::time::Duration;

use hygie_core::AppId;
use hygie_directory::{Audience, Definition, Enabled, ExtraGrant, SignInProtocol};
use hygie_policy::methods::Method;
use hygie_testkit::Answer;
use serde_json::{Value, json};

use crate::ciba::made;
use crate::world::{FHIR, PASSWORD, World, claims, code_of};

const NURSE: &str = "anna.martin@ch-demo.example";

impl World {
    /// Lets people give an application their passwords.
    async fn let_passwords(&self, app: AppId) {
        let directory = self.idp.directory();
        let cx = self.cx(self.tenant);
        let found = directory.find_application(&cx, app).await.unwrap().unwrap();
        let mut definition = (*found.definition).clone();
        definition.allow(ExtraGrant::Password, true);
        let name = found.display_name.clone();
        directory
            .update_application(&cx, found, (name, definition), None)
            .await
            .unwrap();
    }

    /// Asks as the installed application; `changed` replaces or adds fields, an empty value removes one.
    async fn by_password(&self, segment: &str, changed: &[(&str, &str)]) -> Answer {
        let id = self.native.to_string();
        let scope = format!("openid profile offline_access {FHIR}/user_impersonation");
        let usual = [
            ("grant_type", "password"),
            ("client_id", id.as_str()),
            ("username", NURSE),
            ("password", PASSWORD),
            ("scope", scope.as_str()),
        ];
        let kept = usual
            .iter()
            .filter(|(name, _)| !changed.iter().any(|(other, _)| other == name));
        let fields: Vec<_> = kept
            .chain(changed)
            .filter(|(_, value)| !value.is_empty())
            .copied()
            .collect();
        self.browser()
            .post(&format!("/{segment}/oauth2/v2.0/token"), &fields)
            .await
    }
}

/// What tenants with policies of their own are told as 53003.
#[tokio::test]
async fn security_defaults_refuse_by_a_number_of_their_own() {
    let world = World::new().await;
    world.let_passwords(world.native).await;
    let tenant = world.tenant.to_string();
    assert_eq!(world.by_password(&tenant, &[]).await.status, 200);
    let directory = world.idp.directory();
    let cx = world.cx(world.tenant);
    directory.set_security_defaults(&cx, Enabled::Yes).await.unwrap();
    // Who may register what they ask for is asked to; where nothing can be registered, they shut out.
    assert_eq!(code_of(&world.by_password(&tenant, &[]).await), 50_079);
    for method in [Method::Fido2, Method::SoftwareOath] {
        let off = json!({ "state": "disabled" });
        directory.configure_method(&cx, method, off).await.unwrap();
    }
    let refused = world.by_password(&tenant, &[]).await;
    let told = (
        refused.status.as_u16(),
        code_of(&refused),
        refused.json()["error"].clone(),
    );
    assert_eq!(told, (400, 530_035, json!("invalid_grant")), "{}", refused.text());
    directory.set_security_defaults(&cx, Enabled::No).await.unwrap();
    assert_eq!(world.by_password(&tenant, &[]).await.status, 200);
}

#[tokio::test]
async fn it_is_off_where_nobody_turned_it_on() {
    let world = World::new().await;
    let tenant = world.tenant.to_string();
    let answer = world.by_password(&tenant, &[]).await;
    assert_eq!((answer.status.as_u16(), code_of(&answer)), (400, 70_003));
    assert_eq!(answer.json()["error"], "unsupported_grant_type");
    // The password was not looked at: nothing is counted, nothing logged.
    assert!(world.log().await.is_empty());
    world.let_passwords(world.native).await;
    assert_eq!(world.by_password(&tenant, &[]).await.status, 200);
}

#[tokio::test]
async fn an_installed_application_signs_a_person_in() {
    let world = World::new().await;
    world.let_passwords(world.native).await;
    for segment in [&*world.tenant.to_string(), "ch-demo.example", "organizations"] {
        let answer = world.by_password(segment, &[("client_info", "1")]).await;
        assert_eq!(answer.status, 200, "{segment} {}", answer.text());
        let tokens = answer.json();
        let access = world.verified(&tokens["access_token"]).claims;
        assert_eq!(access.members["oid"], json!(world.nurse));
        assert_eq!(access.members["amr"], json!(["pwd"]));
        assert_eq!(access.members["appidacr"], "0");
        assert_eq!(claims(&tokens["id_token"])["aud"], json!(world.native));
        assert!(tokens["client_info"].is_string());
        let refreshed = world
            .token(&[
                ("grant_type", "refresh_token"),
                ("client_id", &world.native.to_string()),
                ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
            ])
            .await;
        assert_eq!(refreshed.status, 200, "{}", refreshed.text());
    }
    let log = world.log().await;
    // All are of one instant: their order says nothing.
    let entry = log.iter().find(|entry| entry.is_interactive).unwrap();
    assert!(entry.protocol == SignInProtocol::Ropc && entry.is_interactive && entry.error_code == 0);
    let shown = hygie_directory::logs::LogEntry::shown(entry);
    assert_eq!(shown["authenticationProtocol"], "ropc");
    assert_eq!(shown["clientAppUsed"], "Mobile Apps and Desktop clients");
    assert_eq!(code_of(&world.by_password("common", &[]).await), 9_001_023);
    let nowhere = [("username", "anna@elsewhere.example")];
    assert_eq!(code_of(&world.by_password("organizations", &nowhere).await), 50_059);
}

#[tokio::test]
async fn a_server_proves_itself_before_a_password_is_looked_at() {
    let world = World::new().await;
    world.let_passwords(world.portal).await;
    let (tenant, id) = (world.tenant.to_string(), world.portal.to_string());
    for (secret, code) in [("", 7_000_218), ("wrong", 7_000_215)] {
        let answer = world
            .by_password(&tenant, &[("client_id", &id), ("client_secret", secret)])
            .await;
        assert_eq!(code_of(&answer), code);
    }
    assert!(world.log().await.is_empty());
    let answer = world
        .by_password(&tenant, &[("client_id", &id), ("client_secret", &world.secret)])
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(claims(&answer.json()["access_token"])["appidacr"], "1");
    // A secret with an application that is installed is no proof of anything.
    world.let_passwords(world.native).await;
    let answer = world.by_password(&tenant, &[("client_secret", "s")]).await;
    assert_eq!(code_of(&answer), 700_025);
}

/// An application of another house learns nothing of a password here, and nobody's session begins.
#[tokio::test]
async fn an_application_that_is_not_of_the_house_gets_no_password_checked() {
    let world = World::new().await;
    let mut definition = Definition {
        sign_in_audience: Audience::Tenants,
        ..Definition::default()
    };
    definition.allow(ExtraGrant::Password, true);
    let (app, secret) = made(&world, world.other, ("Agenda", definition)).await;
    let (tenant, id) = (world.tenant.to_string(), app.to_string());
    for segment in [tenant.as_str(), "organizations"] {
        for password in [PASSWORD, "wrong"] {
            for secret in ["anything", secret.as_str()] {
                let changed = [
                    ("client_id", id.as_str()),
                    ("client_secret", secret),
                    ("password", password),
                ];
                let answer = world.by_password(segment, &changed).await;
                assert_eq!(code_of(&answer), 700_016, "{segment} {}", answer.text());
            }
        }
    }
    assert!(world.log().await.is_empty());
    let (directory, cx) = (world.idp.directory(), world.cx(world.tenant));
    directory.create_service_principal(&cx, app).await.unwrap();
    let changed = [("client_id", id.as_str()), ("client_secret", secret.as_str())];
    assert_eq!(code_of(&world.by_password(&tenant, &changed).await), 70_003);
}

#[tokio::test]
async fn wrong_passwords_are_counted_with_those_of_the_pages() {
    let world = World::new().await;
    world.let_passwords(world.native).await;
    let tenant = world.tenant.to_string();
    for name in [NURSE, "nobody@ch-demo.example"] {
        let answer = world
            .by_password(&tenant, &[("username", name), ("password", "wrong")])
            .await;
        assert_eq!((answer.status.as_u16(), code_of(&answer)), (400, 50_126), "{name}");
    }
    for n in 0..20 {
        let password = format!("wrong {n}");
        world.by_password(&tenant, &[("password", &password)]).await;
    }
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(code_of(&world.by_password(&tenant, &[]).await), 50_053);
    let log = world.log().await;
    assert!(
        log.iter()
            .all(|entry| entry.protocol == SignInProtocol::Ropc && entry.user == world.nurse)
    );
    assert_eq!(log[0].error_code, 50_053);
    world.clock.advance(Duration::from_hours(2));
    assert_eq!(world.by_password(&tenant, &[]).await.status, 200);
}

#[tokio::test]
async fn what_the_person_may_not_is_not_given() {
    let world = World::new().await;
    world.let_passwords(world.native).await;
    let tenant = world.tenant.to_string();
    let scope = "openid api://unknown/read";
    assert_eq!(code_of(&world.by_password(&tenant, &[("scope", scope)]).await), 500_011);
    let two = format!("{FHIR}/user_impersonation api://records//read");
    assert_eq!(code_of(&world.by_password(&tenant, &[("scope", &two)]).await), 700_022);
    assert_eq!(code_of(&world.by_password(&tenant, &[("scope", "")]).await), 900_144);
    assert_eq!(code_of(&world.by_password(&tenant, &[("password", "")]).await), 900_144);
    let answer = world.by_password(&tenant, &[("claims", "[]")]).await;
    assert_eq!(code_of(&answer), 90_023);
    let directory = world.idp.directory();
    directory
        .set_user_enabled(&world.cx(world.tenant), world.nurse, Enabled::No)
        .await
        .unwrap();
    assert_eq!(code_of(&world.by_password(&tenant, &[]).await), 50_057);
}

#[tokio::test]
async fn policies_are_asked_and_a_second_factor_ends_it() {
    let world = World::new().await;
    world.let_passwords(world.native).await;
    let tenant = world.tenant.to_string();
    world.codes().await;
    world
        .policy(json!({ "grantControls": { "operator": "OR", "builtInControls": ["mfa"] } }))
        .await;
    let answer = world.by_password(&tenant, &[]).await;
    assert_eq!((answer.status.as_u16(), code_of(&answer)), (400, 50_076));
    let body: Value = answer.json();
    assert_eq!(
        (&body["error"], &body["suberror"]),
        (&json!("interaction_required"), &json!("basic_action"))
    );
    assert!(body["claims"].as_str().unwrap().contains("polids"));
    let log = world.log().await;
    assert_eq!((log[0].error_code, log[0].status.as_str()), (50_076, "failure"));
    assert!(log[0].protocol == SignInProtocol::Ropc);
}

#[tokio::test]
async fn realms_are_told_by_domain_alone() {
    let world = World::new().await;
    for (name, kind) in [
        (NURSE, "Managed"),
        ("nobody@CH-demo.example", "Managed"),
        ("nobody@elsewhere.example", "Unknown"),
    ] {
        let answer = world
            .browser()
            .get(&format!("/common/userrealm/{name}?api-version=1.0"))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["account_type"], kind, "{name}");
    }
    for wrong in [
        "/common/userrealm/anna?api-version=1.0",
        "/common/userrealm/a@b?api-version=2",
        "/x/userrealm/a@b?api-version=1.0",
    ] {
        assert_eq!(world.browser().get(wrong).await.status, 400, "{wrong}");
    }
}
