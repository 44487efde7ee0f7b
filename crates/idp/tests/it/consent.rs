//! Consent: by people for themselves, by administrators for everybody, across tenants, and what it takes.

use std::time::Duration;

use hygie_core::{AppId, ObjectId, Secret, TenantId};
use hygie_directory::repo::{GrantsOf, Publisher, RolesOf};
use hygie_directory::{
    AccessKind, Audience, Cursor, DIRECTORY_API, Definition, Enabled, GLOBAL_ADMINISTRATOR, Links, NewApplication,
    NewUser, RequiredAccess, RequiredResource, directory_api, role,
};
use hygie_oidc::RedirectUris;
use hygie_policy::Policy;
use hygie_policy::json::read;
use hygie_testkit::{Answer, Client};
use serde_json::json;
use uuid::Uuid;

use crate::world::{PASSWORD, WEB, World, code_of, submit};

const CALLBACK: &str = "https://agenda.example/back";
pub const ADMIN: (&str, &str) = ("admin@ch-demo.example", PASSWORD);
const NURSE: (&str, &str) = ("anna.martin@ch-demo.example", PASSWORD);
const FIRST: Cursor = Cursor { after: None, limit: 99 };

/// An id of a permission of the directory API.
fn permission(value: &str, kind: AccessKind) -> RequiredAccess {
    let api = directory_api();
    let id = match kind {
        AccessKind::Scope => {
            api.definition
                .scopes
                .iter()
                .find(|scope| scope.value == value)
                .unwrap()
                .id
        }
        AccessKind::Role => {
            api.definition
                .app_roles
                .iter()
                .find(|role| role.value == value)
                .unwrap()
                .id
        }
    };
    RequiredAccess { id, kind }
}

/// An application of the other establishment, for several, which asks for three permissions of the directory API.
pub async fn agenda(world: &World) -> AppId {
    agenda_in(world, world.other, Audience::Tenants).await
}

async fn agenda_in(world: &World, home: TenantId, audience: Audience) -> AppId {
    let new = NewApplication {
        app: None,
        display_name: "Agenda <partagé>".to_owned(),
        definition: Definition {
            sign_in_audience: audience,
            redirect_uris: RedirectUris {
                web: vec![CALLBACK.to_owned()],
                ..RedirectUris::default()
            },
            links: Links {
                privacy_statement_url: Some("https://agenda.example/donnees".to_owned()),
                support_url: Some("https://agenda.example/aide".to_owned()),
                ..Links::default()
            },
            required_resource_access: vec![RequiredResource {
                resource_app_id: DIRECTORY_API,
                resource_access: vec![
                    permission("User.Read", AccessKind::Scope),
                    permission("Group.Read.All", AccessKind::Scope),
                    permission("User.Read.All", AccessKind::Role),
                ],
            }],
            ..Definition::default()
        },
    };
    let cx = world.cx(home);
    world.idp.directory().create_application(&cx, new).await.unwrap().0.app
}

/// Somebody with this directory role.
async fn somebody(world: &World, name: &str, role: Option<hygie_policy::RoleTemplateId>) -> ObjectId {
    let new = NewUser {
        user_principal_name: name.to_owned(),
        display_name: name.to_owned(),
        password: Some(Secret::new(PASSWORD.to_owned())),
        ..NewUser::default()
    };
    let (directory, cx) = (world.idp.directory(), world.cx(world.tenant));
    let made = directory.create_user(&cx, new).await.unwrap().id;
    if let Some(role) = role {
        directory.assign_directory_role(&cx, made, role).await.unwrap();
    }
    made
}

pub async fn administrator(world: &World) -> ObjectId {
    somebody(world, ADMIN.0, Some(GLOBAL_ADMINISTRATOR)).await
}

/// The scopes that everybody, or this person, was granted.
async fn granted(world: &World, app: AppId, user: Option<ObjectId>) -> Vec<String> {
    let (directory, cx) = (world.idp.directory(), world.cx(world.tenant));
    let Some(client) = directory.find_service_principal(&cx, app).await.unwrap() else {
        return Vec::new();
    };
    let grants = directory
        .page_grants(&cx, GrantsOf::Client(client.id), FIRST)
        .await
        .unwrap();
    let mut words: Vec<String> = grants
        .into_iter()
        .filter(|grant| grant.user == user)
        .flat_map(|grant| grant.scopes)
        .collect();
    words.sort_unstable();
    words
}

async fn consent_to(world: &World, policies: &[&str]) {
    let assigned: Vec<String> = policies
        .iter()
        .map(|policy| format!("ManagePermissionGrantsForSelf.microsoft-user-default-{policy}"))
        .collect();
    let change = json!({ "defaultUserRolePermissions": { "permissionGrantPoliciesAssigned": assigned } });
    let directory = world.idp.directory();
    directory
        .change_authorization_policy(&world.cx(world.tenant), change)
        .await
        .unwrap();
}

pub fn ask(world: &World, app: AppId, scope: &str) -> String {
    world.authorize(app, CALLBACK, &[("scope", scope)])
}

/// Signs in to the page of administrators, follows what leads to it, and gives it.
pub async fn admin_page(world: &World, browser: &Client, address: &str, who: (&str, &str)) -> Answer {
    let sent = browser.get(address).await;
    assert_eq!(sent.status, 302, "{}", sent.text());
    let back = world.sign_in_as(browser, sent.location(), who).await;
    assert_eq!(back.status, 303, "{}", back.text());
    browser.get(back.location()).await
}

#[tokio::test]
async fn an_administrator_consents_for_everybody() {
    let world = World::new().await;
    administrator(&world).await;
    let app = agenda(&world).await;
    let browser = world.browser();
    let address = world.path(&format!(
        "adminconsent?client_id={app}&redirect_uri={CALLBACK}&state=a%26b"
    ));
    let page = admin_page(&world, &browser, &address, ADMIN).await;
    assert_eq!(page.status, 200, "{}", page.text());
    for shown in [
        "Agenda &#60;partagé&#62;",
        "CH Autre (ch-autre.example)",
        "Non vérifié",
        "admin@ch-demo.example",
        "CH Demo",
        "Lire tous les groupes",
        "Lire le profil complet de toutes les personnes",
        "https://agenda.example/donnees",
    ] {
        assert!(page.text().contains(shown), "{shown}: {}", page.text());
    }
    assert!(granted(&world, app, None).await.is_empty());
    let back = submit(&browser, &page, &[("answer", "everybody")]).await;
    assert!(back.location().starts_with(CALLBACK), "{}", back.location());
    assert_eq!(back.redirect_param("admin_consent").as_deref(), Some("True"));
    assert_eq!(back.redirect_param("tenant"), Some(world.tenant.to_string()));
    assert_eq!(back.redirect_param("state").as_deref(), Some("a&b"));
    assert_eq!(granted(&world, app, None).await, ["Group.Read.All", "User.Read"]);
    let (directory, cx) = (world.idp.directory(), world.cx(world.tenant));
    let client = directory.find_service_principal(&cx, app).await.unwrap().unwrap();
    let roles = directory
        .page_app_role_assignments(&cx, RolesOf::Principal(client.id), FIRST)
        .await
        .unwrap();
    assert_eq!(roles.len(), 1);
    // Nobody is asked any more.
    let code = world
        .sign_in(&world.browser(), &ask(&world, app, "openid User.Read Group.Read.All"))
        .await;
    assert!(code.redirect_param("code").is_some(), "{}", code.text());
}

#[tokio::test]
async fn an_administrator_refuses_or_takes_a_part() {
    let world = World::new().await;
    administrator(&world).await;
    let app = agenda(&world).await;
    let browser = world.browser();
    let whole = world.path(&format!("adminconsent?client_id={app}&redirect_uri={CALLBACK}"));
    let page = admin_page(&world, &browser, &whole, ADMIN).await;
    let back = submit(&browser, &page, &[("answer", "decline")]).await;
    assert_eq!(back.redirect_param("error").as_deref(), Some("permission_denied"));
    let part = "https%3A%2F%2Fgraph.microsoft.com%2FUser.Read%20openid";
    let part = world.path(&format!(
        "v2.0/adminconsent?client_id={app}&redirect_uri={CALLBACK}&scope={part}"
    ));
    let page = admin_page(&world, &world.browser(), &part, ADMIN).await;
    assert!(!page.text().contains("Lire tous les groupes"), "{}", page.text());
    // One browser's form is not another's.
    let foreign = submit(&world.browser(), &page, &[("answer", "everybody")]).await;
    assert!(foreign.text().contains("AADSTS50089"), "{}", foreign.text());
    let other = world.browser();
    let page = admin_page(&world, &other, &part, ADMIN).await;
    let back = submit(&other, &page, &[("answer", "decline")]).await;
    assert_eq!(back.redirect_param("error").as_deref(), Some("consent_required"));
    let told = back.redirect_param("error_description").unwrap();
    assert!(told.starts_with("AADSTS65004"), "{told}");
    assert!(granted(&world, app, None).await.is_empty());
    let page = other.get(&page_again(&other, &part).await).await;
    let back = submit(&other, &page, &[("answer", "everybody")]).await;
    assert!(
        back.redirect_param("scope")
            .is_some_and(|scope| scope.contains("User.Read"))
    );
    assert_eq!(granted(&world, app, None).await, ["User.Read", "openid"]);
}

/// The page for a browser whose administrator is signed in.
async fn page_again(browser: &Client, address: &str) -> String {
    let sent = browser.get(address).await;
    browser.get(sent.location()).await.location().to_owned()
}

#[tokio::test]
async fn an_administrator_comes_without_a_way_back() {
    let world = World::new().await;
    administrator(&world).await;
    let app = agenda(&world).await;
    let browser = world.browser();
    let address = format!("/organizations/adminconsent?client_id={app}");
    let page = admin_page(&world, &browser, &address, ADMIN).await;
    let done = submit(&browser, &page, &[("answer", "everybody")]).await;
    assert_eq!(done.status, 200);
    assert!(done.text().contains("accord est donné"), "{}", done.text());
    assert_eq!(granted(&world, app, None).await, ["Group.Read.All", "User.Read"]);
}

#[tokio::test]
async fn who_cannot_consent_for_everybody_is_told() {
    let world = World::new().await;
    let helper = somebody(&world, "apps@ch-demo.example", Some(role::APPLICATION_ADMINISTRATOR)).await;
    let app = agenda(&world).await;
    let address = world.path(&format!("adminconsent?client_id={app}&redirect_uri={CALLBACK}"));
    // A role on the directory is beyond an Application Administrator, and everything beyond a nurse.
    for who in [NURSE, ("apps@ch-demo.example", PASSWORD)] {
        let page = admin_page(&world, &world.browser(), &address, who).await;
        assert_eq!(page.status, 400, "{}", page.text());
        assert!(page.text().contains("AADSTS90094"), "{}", page.text());
    }
    let delegated = world.path(&format!("v2.0/adminconsent?client_id={app}&scope=User.Read"));
    let browser = world.browser();
    let page = admin_page(&world, &browser, &delegated, ("apps@ch-demo.example", PASSWORD)).await;
    assert_eq!(page.status, 200, "{}", page.text());
    // What they could when they saw it, and cannot when they answer, is refused.
    let (directory, cx) = (world.idp.directory(), world.cx(world.tenant));
    administrator(&world).await;
    directory
        .remove_directory_role(&cx, helper, role::APPLICATION_ADMINISTRATOR)
        .await
        .unwrap();
    let refused = submit(&browser, &page, &[("answer", "everybody")]).await;
    assert!(refused.text().contains("AADSTS90094"), "{}", refused.text());
    assert!(granted(&world, app, None).await.is_empty());
}

#[tokio::test]
async fn an_address_that_is_not_registered_gets_nothing() {
    let world = World::new().await;
    let app = agenda(&world).await;
    for (rest, code) in [
        (
            format!("adminconsent?client_id={app}&redirect_uri=https://evil.example/"),
            "AADSTS50011",
        ),
        (format!("adminconsent?client_id={}", Uuid::from_u128(9)), "AADSTS700016"),
        ("adminconsent".to_owned(), "AADSTS900144"),
        (
            format!("v2.0/adminconsent?client_id={app}&scope=a%20%22"),
            "AADSTS70011",
        ),
    ] {
        let page = world.browser().get(&world.path(&rest)).await;
        assert!(page.text().contains(code), "{rest}: {} {}", page.status, page.text());
    }
    let own = agenda_in(&world, world.other, Audience::Home).await;
    let page = world
        .browser()
        .get(&world.path(&format!("adminconsent?client_id={own}")))
        .await;
    assert!(page.text().contains("AADSTS700016"), "{}", page.text());
}

#[tokio::test]
async fn consent_waits_for_what_policies_ask() {
    let world = World::new().await;
    administrator(&world).await;
    let app = agenda(&world).await;
    let policy = json!({
        "displayName": "MFA for the directory", "state": "enabled",
        "conditions": { "clientAppTypes": ["all"],
            "applications": { "includeApplications": [DIRECTORY_API.to_string()] },
            "users": { "includeUsers": ["All"] } },
        "grantControls": { "operator": "OR", "builtInControls": ["mfa"] },
    });
    let policy: Policy = read(&policy).unwrap();
    let (directory, cx) = (world.idp.directory(), world.cx(world.tenant));
    directory.create_rule(&cx, policy).await.unwrap();
    let address = world.path(&format!("adminconsent?client_id={app}&redirect_uri={CALLBACK}"));
    let sent = world.browser().get(&address).await;
    let browser = world.browser();
    let answer = world.sign_in_as(&browser, sent.location(), ADMIN).await;
    assert!(
        answer.text().contains("AADSTS50079"),
        "{} {}",
        answer.status,
        answer.text()
    );
    consent_to(&world, &["legacy"]).await;
    let answer = world
        .sign_in(&world.browser(), &ask(&world, app, "openid User.Read"))
        .await;
    assert!(answer.text().contains("AADSTS50079"), "{}", answer.text());
    assert!(granted(&world, app, Some(world.nurse)).await.is_empty());
}

#[tokio::test]
async fn a_person_consents_where_the_tenant_lets_them() {
    let world = World::new().await;
    let app = agenda(&world).await;
    let request = ask(&world, app, "openid offline_access User.Read");
    let browser = world.browser();
    let refused = world.sign_in(&browser, &request).await;
    assert_eq!(refused.status, 400);
    for shown in ["AADSTS90094", "adminconsent?client_id=", "https://agenda.example/aide"] {
        assert!(refused.text().contains(shown), "{shown}: {}", refused.text());
    }
    let silent = world.authorize(app, CALLBACK, &[("scope", "openid User.Read"), ("prompt", "none")]);
    let silent = browser.get(&silent).await;
    assert!(silent.redirect_param("error").is_some(), "{}", silent.text());
    consent_to(&world, &["legacy"]).await;
    let page = browser.get(&request).await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert!(page.text().contains("Lire votre profil") || page.text().contains("lire votre profil"));
    assert!(!page.text().contains("value=\"everybody\""), "{}", page.text());
    // What a form says for everybody counts for nobody.
    let refused = submit(&browser, &page, &[("answer", "everybody")]).await;
    assert!(refused.text().contains("AADSTS90094"), "{}", refused.text());
    let declined = submit(&browser, &page, &[("answer", "decline")]).await;
    assert_eq!(declined.redirect_param("error").as_deref(), Some("access_denied"));
    assert!(granted(&world, app, Some(world.nurse)).await.is_empty());
    let page = browser.get(&request).await;
    let back = submit(&browser, &page, &[("answer", "accept")]).await;
    assert!(back.redirect_param("code").is_some(), "{} {}", back.status, back.text());
    let own = granted(&world, app, Some(world.nurse)).await;
    assert_eq!(own, ["User.Read", "offline_access", "openid"]);
    assert!(granted(&world, app, None).await.is_empty());
    let again = browser.get(&request).await;
    assert!(again.redirect_param("code").is_some());
    // More is asked for by itself, and everything where the application wants to ask again.
    let more = browser.get(&ask(&world, app, "openid User.Read Group.Read.All")).await;
    assert!(more.text().contains("Lire tous les groupes"), "{}", more.text());
    assert!(!more.text().contains("lire votre profil"), "{}", more.text());
    let anew = world.authorize(app, CALLBACK, &[("scope", "openid User.Read"), ("prompt", "consent")]);
    let anew = browser.get(&anew).await;
    assert!(anew.text().contains("lire votre profil"), "{}", anew.text());
    let back = submit(&browser, &anew, &[("answer", "accept")]).await;
    assert!(back.redirect_param("code").is_some(), "{}", back.text());
}

#[tokio::test]
async fn what_is_given_is_what_was_shown() {
    let world = World::new().await;
    let app = agenda(&world).await;
    consent_to(&world, &["legacy"]).await;
    let browser = world.browser();
    let page = world
        .sign_in(&browser, &ask(&world, app, "https://graph.microsoft.com/.default"))
        .await;
    assert!(page.text().contains("Lire tous les groupes"), "{}", page.text());
    let forged = submit(&browser, &page, &[("asked", "x"), ("answer", "accept")]).await;
    assert_eq!(forged.status, 200);
    assert!(forged.text().contains("autre chose"), "{}", forged.text());
    assert!(granted(&world, app, Some(world.nurse)).await.is_empty());
    let back = submit(&browser, &page, &[("answer", "accept")]).await;
    assert!(back.redirect_param("code").is_some(), "{}", back.text());
    assert_eq!(
        granted(&world, app, Some(world.nurse)).await,
        ["Group.Read.All", "User.Read"]
    );
}

#[tokio::test]
async fn low_impact_needs_a_verified_publisher_or_the_house() {
    let world = World::new().await;
    let (directory, cx) = (world.idp.directory(), world.cx(world.tenant));
    let api = directory
        .find_service_principal(&cx, DIRECTORY_API)
        .await
        .unwrap()
        .unwrap()
        .id;
    let low = (None, Some("User.Read".to_owned()));
    directory.classify_low(&cx, api, low).await.unwrap();
    let own = agenda_in(&world, world.tenant, Audience::Home).await;
    let foreign = agenda(&world).await;
    let browser = world.browser();
    let page = world.sign_in(&browser, &ask(&world, own, "openid User.Read")).await;
    assert_eq!(page.status, 200, "{}", page.text());
    let page = browser.get(&ask(&world, own, "openid Group.Read.All")).await;
    assert!(page.text().contains("AADSTS90094"), "{}", page.text());
    let page = browser.get(&ask(&world, foreign, "openid User.Read")).await;
    assert!(page.text().contains("AADSTS90094"), "{}", page.text());
    let there = world.cx(world.other);
    let publisher = Publisher {
        id: "pub-1".to_owned(),
        display_name: "Éditions Agenda".to_owned(),
    };
    directory.vouch_for_publisher(&there, publisher).await.unwrap();
    let registered = directory.find_application(&there, foreign).await.unwrap().unwrap().id;
    let mark = Some("pub-1".to_owned());
    directory
        .set_verified_publisher(&there, registered, mark)
        .await
        .unwrap();
    let page = browser.get(&ask(&world, foreign, "openid User.Read")).await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert!(page.text().contains("Éditions Agenda") && page.text().contains("Vérifié"));
}

#[tokio::test]
async fn an_administrator_chooses_for_whom() {
    let world = World::new().await;
    let admin = administrator(&world).await;
    let app = agenda(&world).await;
    let browser = world.browser();
    let page = world
        .sign_in_as(&browser, &ask(&world, app, "openid User.Read"), ADMIN)
        .await;
    let back = submit(&browser, &page, &[("answer", "accept")]).await;
    assert!(back.redirect_param("code").is_some(), "{}", back.text());
    assert_eq!(granted(&world, app, Some(admin)).await, ["User.Read", "openid"]);
    let page = browser.get(&ask(&world, app, "openid Group.Read.All")).await;
    let back = submit(&browser, &page, &[("answer", "everybody")]).await;
    assert!(back.redirect_param("code").is_some(), "{}", back.text());
    assert_eq!(granted(&world, app, None).await, ["Group.Read.All"]);
}

#[tokio::test]
async fn an_application_for_several_is_signed_in_to_from_anywhere() {
    let world = World::new().await;
    let app = agenda(&world).await;
    consent_to(&world, &["legacy"]).await;
    // The domain of the name leads home; the token is of that tenant.
    let request = ask(&world, app, "openid profile User.Read").replace(&world.tenant.to_string(), "organizations");
    let browser = world.browser();
    let page = world.sign_in(&browser, &request).await;
    let back = submit(&browser, &page, &[("answer", "accept")]).await;
    assert!(back.redirect_param("code").is_some(), "{}", back.text());
    assert_eq!(
        granted(&world, app, Some(world.nurse)).await,
        ["User.Read", "openid", "profile"]
    );
    let own = agenda_in(&world, world.other, Audience::Home).await;
    for (place, code) in [("common", "AADSTS50194"), ("organizations", "AADSTS50194")] {
        let request = ask(&world, own, "openid").replace(&world.tenant.to_string(), place);
        let page = browser.get(&request).await;
        assert!(page.text().contains(code), "{place}: {}", page.text());
    }
    let page = browser.get(&ask(&world, own, "openid")).await;
    assert!(page.text().contains("AADSTS700016"), "{}", page.text());
    // An administrator who disabled it meant it.
    let (directory, cx) = (world.idp.directory(), world.cx(world.tenant));
    directory.set_app_enabled(&cx, app, Enabled::No).await.unwrap();
    let page = browser.get(&ask(&world, app, "openid")).await;
    assert!(page.text().contains("AADSTS7000112"), "{}", page.text());
}

#[tokio::test]
async fn an_application_that_is_for_its_own_tenant_again_goes_on_in_no_other() {
    let world = World::new().await;
    let app = agenda(&world).await;
    consent_to(&world, &["legacy"]).await;
    let (directory, there) = (world.idp.directory(), world.cx(world.other));
    let life = Duration::from_hours(24);
    let secret = directory.add_secret(&there, app, "test", life).await.unwrap();
    let browser = world.browser();
    let page = world
        .sign_in(&browser, &ask(&world, app, "openid offline_access User.Read"))
        .await;
    let back = submit(&browser, &page, &[("answer", "accept")]).await;
    let (id, code) = (app.to_string(), back.redirect_param("code").unwrap());
    let redeem = [
        &crate::world::exchange(&id, &code, CALLBACK)[..],
        &[("client_secret", secret.value.expose())],
    ];
    let tokens = world.token(&redeem.concat()).await.json();
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let own = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", secret.value.expose()),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    let again = [
        ("grant_type", "refresh_token"),
        ("client_id", id.as_str()),
        ("client_secret", secret.value.expose()),
        ("refresh_token", refresh),
    ];
    assert_eq!(world.token(&own).await.status, 200);
    let found = directory.find_application(&there, app).await.unwrap().unwrap();
    let definition = Definition {
        sign_in_audience: Audience::Home,
        ..(*found.definition).clone()
    };
    let name = found.display_name.clone();
    directory
        .update_application(&there, found, (name, definition), None)
        .await
        .unwrap();
    for fields in [&own, &again] {
        let answer = world.token(fields).await;
        assert_eq!(
            (answer.status.as_u16(), code_of(&answer)),
            (400, 50_194),
            "{}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn what_is_taken_back_is_refused_at_once() {
    let world = World::new().await;
    consent_to(&world, &["legacy"]).await;
    let browser = world.browser();
    let scope = "openid offline_access User.Read";
    let page = world
        .sign_in(&browser, &world.authorize(world.portal, WEB, &[("scope", scope)]))
        .await;
    let back = submit(&browser, &page, &[("answer", "accept")]).await;
    let tokens = world.redeem(&back.redirect_param("code").unwrap()).await.json();
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let (directory, cx) = (world.idp.directory(), world.cx(world.tenant));
    let client = directory
        .find_service_principal(&cx, world.portal)
        .await
        .unwrap()
        .unwrap()
        .id;
    directory.revoke_own_consent(&cx, world.nurse, client).await.unwrap();
    let refused = world.refresh(refresh, &[]).await;
    assert_eq!(
        (refused.status.as_u16(), refused.json()["error"].clone()),
        (400, json!("invalid_grant"))
    );
    let page = browser
        .get(&world.authorize(world.portal, WEB, &[("scope", scope)]))
        .await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert!(page.text().contains("lire votre profil"), "{}", page.text());
}

#[tokio::test]
async fn who_is_not_assigned_is_led_on() {
    let world = World::new().await;
    let app = agenda_in(&world, world.tenant, Audience::Home).await;
    let (directory, cx) = (world.idp.directory(), world.cx(world.tenant));
    directory.set_requires_assignment(&cx, app, Enabled::Yes).await.unwrap();
    let page = world.sign_in(&world.browser(), &ask(&world, app, "openid")).await;
    assert_eq!(page.status, 400);
    for shown in [
        "AADSTS50105",
        "prompt=select_account",
        "https://agenda.example/aide",
        "Agenda",
    ] {
        assert!(page.text().contains(shown), "{shown}: {}", page.text());
    }
}

#[tokio::test]
async fn a_person_sees_and_takes_back_what_they_consented_to() {
    let world = World::new().await;
    let app = agenda(&world).await;
    consent_to(&world, &["legacy"]).await;
    let browser = world.browser();
    let page = world.sign_in(&browser, &ask(&world, app, "openid User.Read")).await;
    submit(&browser, &page, &[("answer", "accept")]).await;
    let list = browser.get(&world.path("myapplications")).await;
    assert_eq!(list.status, 200, "{}", list.text());
    assert!(list.text().contains("Agenda &#60;partagé&#62;") && list.text().contains("lire votre profil"));
    let client = list.field("client").unwrap();
    let foreign = submit(&world.browser(), &list, &[("client", &client)]).await;
    assert!(foreign.text().contains("AADSTS50089"), "{}", foreign.text());
    let done = submit(&browser, &list, &[("client", &client)]).await;
    let list = browser.get(done.location()).await;
    assert!(list.text().contains("Votre accord est retiré"), "{}", list.text());
    assert!(granted(&world, app, Some(world.nurse)).await.is_empty());
    // Who is not signed in does so first.
    let stranger = world.browser();
    let sent = stranger.get(&world.path("myapplications")).await;
    let back = world.sign_in(&stranger, sent.location()).await;
    let list = stranger.get(back.location()).await;
    // What was granted to her alone at other applications stays.
    let shown = list.text();
    assert!(!shown.contains("Agenda") && shown.contains("Portal"), "{shown}");
}
