//! Means of identification: the policy of the tenant, and what people have.

use http::Method;
use hygie_testkit::SoftwarePasskey;
use serde_json::{Value, json};

use crate::world::{By, LOGIN, World, each, refusal, refused};

const POLICY: &str = "/v1.0/policies/authenticationMethodsPolicy";
const ONE: &str = "90a3ccdf-635c-4729-a248-9b709135078f";

fn configuration(id: &str) -> String {
    format!("{POLICY}/authenticationMethodConfigurations/{id}")
}

#[tokio::test]
async fn the_policy_is_read_and_changed() {
    let world = World::new().await;
    let admin = world.app(&["Policy.ReadWrite.AuthenticationMethod"]);
    let policy = admin.json(POLICY).await;
    assert_eq!(policy["id"], "authenticationMethodsPolicy");
    assert_eq!(
        policy["authenticationMethodConfigurations"].as_array().unwrap().len(),
        8
    );
    let listed = admin
        .json(&format!("{POLICY}/authenticationMethodConfigurations"))
        .await;
    assert_eq!(each(&listed, "id").len(), 8);
    let change = json!({
        "@odata.type": "#microsoft.graph.fido2AuthenticationMethodConfiguration",
        "keyRestrictions": {"isEnforced": true, "enforcementType": "allow", "aaGuids": [ONE]},
    });
    let answer = admin.sends(Method::PATCH, &configuration("fido2"), &change).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
    let fido2 = admin.json(&configuration("FIDO2")).await;
    assert_eq!(fido2["keyRestrictions"]["aaGuids"], json!([ONE]));
    assert_eq!(
        fido2["isSelfServiceRegistrationAllowed"], true,
        "what is not named stays"
    );
    let answer = admin
        .sends(Method::PATCH, POLICY, &json!({"policyMigrationState": "preMigration"}))
        .await;
    assert_eq!(answer.status, 204);
    let policy = admin.json(POLICY).await;
    assert_eq!(policy["policyMigrationState"], "preMigration");
    assert!(policy["lastModifiedDateTime"].is_string());
    // The other establishment has its own.
    let other =
        world.by(&json!({"tid": world.other, "oid": world.nurse, "sub": world.nurse, "roles": ["Policy.Read.All"]}));
    assert_eq!(
        other.json(&configuration("fido2")).await["keyRestrictions"]["aaGuids"],
        json!([])
    );
}

#[tokio::test]
async fn what_is_wrong_is_refused_with_its_place() {
    let world = World::new().await;
    let admin = world.app(&["Policy.ReadWrite.AuthenticationMethod"]);
    for (id, change, told) in [
        ("Fido2", json!({"colour": 1}), "colour: there is no such member"),
        ("Fido2", json!({"state": "on"}), "state"),
        ("Sms", json!({"state": "enabled"}), "Sms cannot be enabled"),
        (
            "TemporaryAccessPass",
            json!({"defaultLength": 4}),
            "defaultLength must be from 8 to 48",
        ),
        (
            "WindowsHelloForBusiness",
            json!({"aaGuids": ["x"]}),
            "aaGuids is not valid",
        ),
        (
            "WindowsHelloForBusiness",
            json!({"state": "enabled"}),
            "state: there is no such member",
        ),
    ] {
        let answer = admin.sends(Method::PATCH, &configuration(id), &change).await;
        assert_eq!(refusal(&answer), refused(400, "BadRequest"), "{id} {change}");
        assert!(answer.text().contains(told), "{id} {change}: {}", answer.text());
    }
    let answer = admin.sends(Method::PATCH, &configuration("Pigeon"), &json!({})).await;
    assert_eq!(refusal(&answer), refused(404, "Request_ResourceNotFound"));
    let answer = admin.sends(Method::DELETE, POLICY, &json!({})).await;
    assert_eq!(refusal(&answer), refused(501, "notSupported"));
}

#[tokio::test]
async fn models_that_count_as_windows_hello() {
    let world = World::new().await;
    let admin = world.app(&["Policy.ReadWrite.AuthenticationMethod"]);
    let hello = configuration("windowshelloforbusiness");
    assert_eq!(admin.json(&hello).await["aaGuids"], json!([]));
    assert_eq!(
        admin
            .sends(Method::PATCH, &hello, &json!({"aaGuids": [ONE, ONE]}))
            .await
            .status,
        204
    );
    assert_eq!(admin.json(&hello).await["aaGuids"], json!([ONE]));
    let models = world.directory.windows_hello(&world.cx).await.unwrap();
    assert_eq!(models.len(), 1);
}

#[tokio::test]
async fn who_may() {
    let world = World::new().await;
    let user = format!("/v1.0/users/{}/authentication/methods", world.nurse);
    let own = "/v1.0/me/authentication/methods";
    for (path, permission, person, app) in [
        // How the house is guarded is for who has a role.
        (POLICY, "Policy.Read.All", 403, 200),
        (POLICY, "Policy.ReadWrite.AuthenticationMethod", 403, 200),
        (POLICY, "User.Read.All", 403, 403),
        (&user, "UserAuthenticationMethod.Read", 200, 403),
        (&user, "UserAuthenticationMethod.Read.All", 403, 200),
        (&user, "UserAuthenticationMethod.ReadWrite.All", 403, 200),
        (&user, "User.Read.All", 403, 403),
        (own, "UserAuthenticationMethod.Read", 200, 404),
        (own, "UserAuthenticationMethod.ReadWrite", 200, 404),
        (own, "User.Read", 403, 404),
    ] {
        assert_eq!(
            world.person(permission).get(path).await.status,
            person,
            "{path} {permission}"
        );
        assert_eq!(
            world.app(&[permission]).get(path).await.status,
            app,
            "{path} {permission}"
        );
    }
    let colleague = crate::world::user(&world.directory, &world.cx, ("Luc", "Petit", "ch-demo.example")).await;
    let path = format!("/v1.0/users/{colleague}/authentication/methods");
    assert_eq!(
        world.person("UserAuthenticationMethod.Read").get(&path).await.status,
        403
    );
    // A permission of the program is no role of its person.
    let passes = format!("/v1.0/users/{}/authentication/temporaryAccessPassMethods", world.nurse);
    let person = world.person("UserAuthenticationMethod.ReadWrite.All Policy.ReadWrite.AuthenticationMethod");
    assert_eq!(person.sends(Method::POST, &passes, &json!({})).await.status, 403);
    assert_eq!(person.sends(Method::PATCH, POLICY, &json!({})).await.status, 403);
    let reader = world.app(&["UserAuthenticationMethod.Read.All", "Policy.Read.All"]);
    assert_eq!(reader.sends(Method::POST, &passes, &json!({})).await.status, 403);
    assert_eq!(reader.sends(Method::PATCH, POLICY, &json!({})).await.status, 403);
}

/// The methods of the nurse that an administrator sees, by their types.
async fn types(admin: &By<'_>, base: &str) -> Vec<String> {
    each(&admin.json(&format!("{base}/methods")).await, "@odata.type")
}

/// Removes one of them, once.
async fn remove(admin: &By<'_>, path: &str) {
    assert_eq!(
        admin.sends(Method::DELETE, path, &json!({})).await.status,
        204,
        "{path}"
    );
    let again = admin.sends(Method::DELETE, path, &json!({})).await;
    assert_eq!(refusal(&again), refused(404, "Request_ResourceNotFound"), "{path}");
}

#[tokio::test]
async fn an_administrator_provides_a_pass() {
    let world = World::new().await;
    let admin = world.app(&["UserAuthenticationMethod.ReadWrite.All"]);
    let base = format!("/v1.0/users/{}/authentication", world.nurse);
    let passes = format!("{base}/temporaryAccessPassMethods");
    let answer = admin
        .sends(Method::POST, &passes, &json!({"lifetimeInMinutes": 90}))
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let pass = answer.json();
    assert_eq!(pass["temporaryAccessPass"].as_str().unwrap().len(), 8);
    assert_eq!(pass["lifetimeInMinutes"], 90);
    assert_eq!(pass["methodUsabilityReason"], "EnabledByPolicy");
    let one = format!("{passes}/{}", pass["id"].as_str().unwrap());
    let shown = admin.json(&one).await;
    assert_eq!(
        (&shown["temporaryAccessPass"], &shown["isUsable"]),
        (&Value::Null, &json!(true))
    );
    let answer = admin
        .sends(Method::POST, &passes, &json!({"lifetimeInMinutes": 1}))
        .await;
    assert_eq!(refusal(&answer), refused(400, "Request_BadRequest"));
    let all = types(&admin, &base).await;
    assert_eq!(all, ["#microsoft.graph.temporaryAccessPassAuthenticationMethod"]);
    remove(&admin, &one).await;
    assert!(types(&admin, &base).await.is_empty());
}

#[tokio::test]
async fn an_administrator_provides_a_passkey() {
    let world = World::new().await;
    let admin = world.app(&["UserAuthenticationMethod.ReadWrite.All"]);
    let base = format!("/v1.0/users/{}/authentication", world.nurse);
    let keys = format!("{base}/fido2Methods");
    let options = admin
        .json(&format!("{keys}/creationOptions(challengeTimeoutInMinutes=10)"))
        .await;
    assert!(options["challengeTimeoutDateTime"].is_string());
    let mut key = SoftwarePasskey::new(LOGIN, ONE.parse().unwrap());
    let made: Value = serde_json::from_str(&key.create(&options["publicKey"])).unwrap();
    let credential = json!({
        "id": made["id"], "clientExtensionResults": {},
        "response": {
            "attestationObject": made["response"]["attestationObject"],
            "clientDataJSON": made["response"]["clientDataJSON"],
        },
    });
    let body = json!({"displayName": "Clé bleue", "publicKeyCredential": credential});
    let answer = admin.sends(Method::POST, &keys, &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let key = answer.json();
    assert_eq!(
        (&key["displayName"], &key["aaGuid"]),
        (&json!("Clé bleue"), &json!(ONE))
    );
    assert_eq!(
        (&key["attestationLevel"], &key["passkeyType"]),
        (&json!("notAttested"), &json!("deviceBound"))
    );
    let all = types(&admin, &base).await;
    assert_eq!(all, ["#microsoft.graph.fido2AuthenticationMethod"]);
    for empty in [
        "phoneMethods",
        "emailMethods",
        "windowsHelloForBusinessMethods",
        "microsoftAuthenticatorMethods",
    ] {
        assert_eq!(
            admin.json(&format!("{base}/{empty}")).await["value"],
            json!([]),
            "{empty}"
        );
    }
    remove(&admin, &format!("{keys}/{}", key["id"].as_str().unwrap())).await;
}

#[tokio::test]
async fn what_is_not_there_or_not_done() {
    let world = World::new().await;
    let admin = world.app(&["UserAuthenticationMethod.ReadWrite.All"]);
    let base = format!("/v1.0/users/{}/authentication", world.nurse);
    for (path, status) in [
        (format!("{base}/pigeonMethods"), 404),
        (format!("{base}/fido2Methods/AAAA"), 404),
        (
            format!("{base}/fido2Methods/creationOptions(challengeTimeoutInMinutes=1)"),
            400,
        ),
        (
            "/v1.0/users/nobody@ch-demo.example/authentication/methods".to_owned(),
            404,
        ),
    ] {
        assert_eq!(admin.get(&path).await.status, status, "{path}");
    }
    for (method, path, body, status) in [
        (Method::POST, format!("{base}/passwordMethods"), json!({}), 501),
        (
            Method::POST,
            format!("{base}/fido2Methods"),
            json!({"displayName": "x"}),
            400,
        ),
        (Method::POST, format!("{base}/fido2Methods"), json!({"name": "x"}), 400),
        (
            Method::POST,
            format!("{base}/temporaryAccessPassMethods"),
            json!({"isUsableOnce": "yes"}),
            400,
        ),
        (Method::DELETE, format!("{base}/passwordMethods/x"), json!({}), 501),
        (Method::DELETE, format!("{base}/softwareOathMethods/x"), json!({}), 404),
    ] {
        let answer = admin.sends(method, &path, &body).await;
        assert_eq!(answer.status, status, "{path} {body}: {}", answer.text());
    }
    let page = format!(
        "{}/fido2Methods",
        base.replace(&world.nurse.to_string(), "anna.martin@ch-demo.example")
    );
    assert_eq!(admin.json(&page).await["value"], json!([]));
}

#[tokio::test]
async fn whom_the_policy_names_must_be_there() {
    let world = World::new().await;
    let caller = world.app(&[
        "Policy.ReadWrite.AuthenticationMethod",
        "Policy.Read.All",
        "Group.ReadWrite.All",
    ]);
    let path = format!("{POLICY}/authenticationMethodConfigurations/SoftwareOath");
    let kind = "#microsoft.graph.softwareOathAuthenticationMethodConfiguration";
    let with = |include: serde_json::Value, exclude: serde_json::Value| json!({ "@odata.type": kind, "includeTargets": include, "excludeTargets": exclude });
    let group = json!([{ "targetType": "group", "id": world.nurses }]);
    let person = json!([{ "targetType": "user", "id": world.nurse }]);
    let nobody = json!([{ "targetType": "group", "id": world.nurse }]);
    for (change, place) in [
        (with(nobody.clone(), json!([])), "includeTargets"),
        (with(group.clone(), nobody.clone()), "excludeTargets"),
        (
            with(json!([{ "targetType": "user", "id": world.nurses }]), json!([])),
            "includeTargets",
        ),
    ] {
        let answer = caller.send("PATCH", &path, &change).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(
            answer.text().contains(&format!("{place}: there is no user or group")),
            "{}",
            answer.text()
        );
    }
    caller.changed("PATCH", &path, &with(group, person)).await;
    // Who was named and is gone keeps nobody from changing the rest.
    caller
        .changed(
            "DELETE",
            &format!("/v1.0/groups/{}", world.nurses),
            &serde_json::Value::Null,
        )
        .await;
    caller
        .changed("PATCH", &path, &json!({ "@odata.type": kind, "state": "enabled" }))
        .await;
    let campaign = json!({ "registrationEnforcement": { "authenticationMethodsRegistrationCampaign": {
        "includeTargets": [{ "targetType": "group", "id": world.nurses, "targetedAuthenticationMethod": "fido2" }] } } });
    assert_eq!(
        caller.send("PATCH", POLICY, &campaign).await.status,
        204,
        "it was named before"
    );
    let campaign = json!({ "registrationEnforcement": { "authenticationMethodsRegistrationCampaign": {
        "includeTargets": [{ "targetType": "group", "id": world.nurse, "targetedAuthenticationMethod": "fido2" }] } } });
    assert_eq!(caller.send("PATCH", POLICY, &campaign).await.status, 400);
}
