//! Users are made, changed, deleted and restored; who may.

use hygie_core::ObjectId;
use hygie_directory::repo::Notices;
use hygie_directory::{GLOBAL_ADMINISTRATOR, role};
use hygie_policy::RoleTemplateId;
use hygie_testkit::Answer;
use serde_json::{Value, json};

use crate::world::{By, World, each, refusal, refused, user};

const USERS: &str = "/v1.0/users";
const CARD: &str = "X509:<PN>8.99700434378@carte-cps.fr";

fn paul() -> Value {
    json!({
        "accountEnabled": true,
        "displayName": "Paul Durand",
        "mailNickname": "paul.durand",
        "userPrincipalName": "paul.durand@ch-demo.example",
        "jobTitle": "Cadre de santé",
        "businessPhones": ["01 02 03 04 05"],
        "userType": "Member",
        "passwordProfile": { "password": "Vélo-rouge-42", "forceChangePasswordNextSignIn": true },
        "authorizationInfo": { "certificateUserIds": [CARD] },
    })
}

async fn give(world: &World, who: ObjectId, role: RoleTemplateId) {
    let given = world.directory.assign_directory_role(&world.cx, who, role).await;
    given.expect("a role");
}

/// Tells why a refused body was refused.
async fn told(caller: &By<'_>, method: &str, path: &str, body: &Value) -> (u16, String) {
    let answer: Answer = caller.send(method, path, body).await;
    let message = answer.json()["error"]["message"].as_str().unwrap_or("?").to_owned();
    (answer.status.as_u16(), message)
}

#[tokio::test]
async fn a_user_is_made_changed_deleted_and_restored() {
    let world = World::new().await;
    let caller = world.app(&["User.ReadWrite.All"]);
    let made = caller.made(USERS, &paul()).await;
    assert_eq!(
        (&made["jobTitle"], made.get("accountEnabled")),
        (&json!("Cadre de santé"), None)
    );
    let one = format!("{USERS}/{}", made["id"].as_str().unwrap());
    let select = "$select=accountEnabled,passwordProfile,authorizationInfo,lastPasswordChangeDateTime,createdDateTime";
    let seen = caller.json(&format!("{one}?{select}")).await;
    assert_eq!(seen["authorizationInfo"]["certificateUserIds"], json!([CARD]));
    assert_eq!(
        seen["passwordProfile"],
        json!({
            "password": null,
            "forceChangePasswordNextSignIn": true,
            "forceChangePasswordNextSignInWithMfa": false,
        })
    );
    assert_eq!(seen["lastPasswordChangeDateTime"], seen["createdDateTime"]);
    let again = caller.send("POST", USERS, &paul()).await;
    assert_eq!(refusal(&again), refused(400, "Request_BadRequest"));
    let change = json!({
        "jobTitle": null, "department": "Cardiologie", "accountEnabled": false,
        "userPrincipalName": "Paul.D@ch-demo.example",
    });
    caller.changed("PATCH", &one, &change).await;
    let seen = caller
        .json("/v1.0/users/paul.d@ch-demo.example?$select=jobTitle,department,accountEnabled")
        .await;
    assert_eq!(
        (&seen["jobTitle"], &seen["department"], &seen["accountEnabled"]),
        (&json!(null), &json!("Cardiologie"), &json!(false))
    );
    caller.changed("DELETE", &one, &Value::Null).await;
    assert_eq!(
        refusal(&caller.get(&one).await),
        refused(404, "Request_ResourceNotFound")
    );
    let deleted = caller.json("/v1.0/directory/deletedItems/microsoft.graph.user").await;
    assert_eq!(each(&deleted, "displayName"), ["Paul Durand"]);
    assert!(deleted["value"][0]["deletedDateTime"].is_string());
    let item = format!("/v1.0/directory/deletedItems/{}", made["id"].as_str().unwrap());
    let back = caller.send("POST", &format!("{item}/restore"), &Value::Null).await;
    assert_eq!(back.status, 200, "{}", back.text());
    assert_eq!(back.json()["@odata.type"], "#microsoft.graph.user");
    assert_eq!(caller.json(&one).await["displayName"], "Paul Durand");
    let found = world
        .directory
        .find_user_by_certificate_user_id(&world.cx, CARD)
        .await
        .unwrap();
    assert_eq!(found.map(|user| user.id.to_string()).as_deref(), made["id"].as_str());
    caller.changed("DELETE", &one, &Value::Null).await;
    caller.changed("DELETE", &item, &Value::Null).await;
    assert_eq!(caller.get(&item).await.status, 404);
}

#[tokio::test]
async fn what_is_no_user_is_refused_with_its_place() {
    let world = World::new().await;
    let caller = world.app(&["User.ReadWrite.All"]);
    let with = |name: &str, value: Value| {
        let mut body = paul();
        body[name] = value;
        body
    };
    for (body, place) in [
        (with("jobtitle", json!("x")), "jobtitle: there is no such member"),
        (with("id", json!("x")), "id: cannot be changed"),
        (with("displayName", json!(null)), "displayName: is required"),
        (
            with("passwordProfile", json!({})),
            "passwordProfile.password: is required",
        ),
        (with("passwordProfile", json!({ "pin": 1 })), "passwordProfile.pin"),
        (
            with("accountEnabled", json!("yes")),
            "accountEnabled: must be true or false",
        ),
        (with("userType", json!("Robot")), "UserType: must be"),
        (with("usageLocation", json!("France")), "UsageLocation is not valid"),
        (
            with("userPrincipalName", json!("paul@elsewhere.example")),
            "UserPrincipalName is not valid",
        ),
        (
            with("authorizationInfo", json!({ "certificateUserIds": ["8.997"] })),
            "CertificateUserIds is not valid",
        ),
    ] {
        let (status, message) = told(&caller, "POST", USERS, &body).await;
        let is_told = message.to_lowercase().contains(&place.to_lowercase());
        assert!(status == 400 && is_told, "{status} {message}: {place}");
    }
    let answer = caller.send("POST", USERS, &Value::Null).await;
    assert_eq!(refusal(&answer), refused(400, "BadRequest"));
    let nurse = format!("{USERS}/{}", world.nurse);
    let (status, message) = told(
        &caller,
        "PATCH",
        &nurse,
        &json!({ "createdDateTime": "2026-01-01T00:00:00Z" }),
    )
    .await;
    assert!(
        status == 400 && message.contains("createdDateTime: cannot be changed"),
        "{message}"
    );
}

#[tokio::test]
async fn each_weak_password_is_refused_for_its_reason() {
    let world = World::new().await;
    let caller = world.app(&["User.ReadWrite.All"]);
    for (password, reason) in [
        ("Ab3$efg", "too short"),
        ("vélo rouge", "three of these"),
        ("P@ssw0rd", "easy to guess"),
        ("Durand-rouge-42", "name of its user"),
        ("ch-Demo-rouge-42", "name of the organization"),
    ] {
        let mut body = paul();
        body["passwordProfile"] = json!({ "password": password });
        let (status, message) = told(&caller, "POST", USERS, &body).await;
        assert!(
            status == 400 && message.contains(reason),
            "{status} {message}: {password}"
        );
    }
}

#[tokio::test]
async fn a_person_changes_users_only_by_a_role() {
    let world = World::new().await;
    let colleague = user(&world.directory, &world.cx, ("Luc", "Petit", "ch-demo.example")).await;
    let path = format!("{USERS}/{colleague}");
    let caller = world.person("User.ReadWrite.All");
    let change = json!({ "department": "Urgences" });
    let password = json!({ "passwordProfile": { "password": "Vélo-rouge-42" } });
    let card = json!({ "authorizationInfo": { "certificateUserIds": [CARD] } });
    let tried = async |body: &Value| caller.send("PATCH", &path, body).await.status.as_u16();
    assert_eq!([tried(&change).await, tried(&password).await], [403, 403]);
    give(&world, world.nurse, role::HELPDESK_ADMINISTRATOR).await;
    assert_eq!(
        [tried(&change).await, tried(&password).await, tried(&card).await],
        [403, 204, 403]
    );
    give(&world, world.nurse, role::USER_ADMINISTRATOR).await;
    assert_eq!(
        [tried(&change).await, tried(&password).await, tried(&card).await],
        [204, 204, 403]
    );
    // Nobody reaches a higher role.
    give(&world, colleague, role::SECURITY_ADMINISTRATOR).await;
    assert_eq!([tried(&change).await, tried(&password).await], [204, 403]);
    for (method, path) in [
        ("DELETE", path.clone()),
        ("POST", format!("{path}/revokeSignInSessions")),
    ] {
        let answer = caller.send(method, &path, &Value::Null).await;
        assert_eq!(refusal(&answer), refused(403, "Authorization_RequestDenied"), "{path}");
    }
    let program = world.app(&["User.ReadWrite.All"]);
    assert_eq!(program.send("PATCH", &path, &password).await.status, 403);
    give(&world, world.nurse, GLOBAL_ADMINISTRATOR).await;
    assert_eq!([tried(&password).await, tried(&card).await], [204, 204]);
    // And the permission is needed too.
    let reading = world.person("User.Read.All");
    assert_eq!(reading.send("PATCH", &path, &change).await.status, 403);
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let world = World::new().await;
    give(&world, world.nurse, GLOBAL_ADMINISTRATOR).await;
    let caller = world.person("User.ReadWrite.All");
    let path = format!("{USERS}/{}", world.nurse);
    for (method, body) in [("PATCH", json!({ "accountEnabled": false })), ("DELETE", Value::Null)] {
        let (status, message) = told(&caller, method, &path, &body).await;
        assert!(
            status == 400 && message.contains("last Global Administrator"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn who_is_disabled_deleted_or_signed_out_is_known_nowhere() {
    let world = World::new().await;
    let program = world.app(&["User.ReadWrite.All"]);
    let mut people = Vec::new();
    for name in ["Un", "Deux", "Trois", "Quatre"] {
        people.push(user(&world.directory, &world.cx, (name, "Petit", "ch-demo.example")).await);
    }
    let own = async |who: ObjectId| {
        let claims = json!({ "oid": who, "sub": "x", "scp": "User.ReadWrite" });
        world.by(&claims).get("/v1.0/me").await.status.as_u16()
    };
    for who in &people {
        assert_eq!(own(*who).await, 200);
    }
    let path = |who: usize| format!("{USERS}/{}", people[who]);
    program
        .changed("PATCH", &path(0), &json!({ "accountEnabled": false }))
        .await;
    program.changed("DELETE", &path(1), &Value::Null).await;
    let answer = program
        .send("POST", &format!("{}/revokeSignInSessions", path(2)), &Value::Null)
        .await;
    assert_eq!((answer.status.as_u16(), &answer.json()["value"]), (200, &json!(true)));
    let claims = json!({ "oid": people[3], "sub": "x", "scp": "User.ReadWrite" });
    let answer = world
        .by(&claims)
        .send("POST", "/v1.0/me/revokeSignInSessions", &Value::Null)
        .await;
    assert_eq!(answer.status, 200);
    for who in &people {
        assert_eq!(own(*who).await, 401);
    }
}

#[tokio::test]
async fn somebody_changes_their_own_password() {
    let world = World::new().await;
    let program = world.app(&["User.ReadWrite.All"]);
    let made = program.made(USERS, &paul()).await;
    let claims = json!({ "oid": made["id"], "sub": "x", "scp": "Directory.AccessAsUser.All User.Read" });
    let caller = world.by(&claims);
    let path = "/v1.0/me/changePassword";
    let body = |current: &str, new: &str| json!({ "currentPassword": current, "newPassword": new });
    let wrong = told(&caller, "POST", path, &body("Vélo-vert-42", "Vélo-jaune-42")).await;
    assert!(
        wrong.0 == 400 && wrong.1.contains("current password is wrong"),
        "{wrong:?}"
    );
    let weak = told(&caller, "POST", path, &body("Vélo-rouge-42", "durand")).await;
    assert!(weak.0 == 400 && weak.1.contains("too short"), "{weak:?}");
    caller
        .changed("POST", path, &body("Vélo-rouge-42", "Vélo-jaune-42"))
        .await;
    let one = format!("{USERS}/{}?$select=passwordProfile", made["id"].as_str().unwrap());
    assert_eq!(
        program.json(&one).await["passwordProfile"]["forceChangePasswordNextSignIn"],
        false
    );
    // What was issued with the old one is worth nothing.
    assert_eq!(caller.get("/v1.0/me").await.status, 401);
}

/// Whoever's password or card is changed by somebody else sees so on their page of security information.
#[tokio::test]
async fn whose_password_or_card_is_changed_is_told() {
    let world = World::new().await;
    let program = world.app(&["User.ReadWrite.All", "User-PasswordProfile.ReadWrite.All"]);
    let made = program.made(USERS, &paul()).await;
    let path = format!("{USERS}/{}", made["id"].as_str().unwrap());
    let id: ObjectId = made["id"].as_str().unwrap().parse().unwrap();
    for body in [
        json!({ "passwordProfile": { "password": "Vélo-jaune-42" } }),
        json!({ "authorizationInfo": { "certificateUserIds": [] } }),
        json!({ "jobTitle": "Cadre" }),
    ] {
        program.changed("PATCH", &path, &body).await;
    }
    let cx = world.here();
    let read = world.directory.store().read(&cx, id, |id, tx| {
        Box::pin(async move { Notices(tx).list(*id, 9).await })
    });
    let told: Vec<_> = read
        .await
        .unwrap()
        .into_iter()
        .map(|notice| (notice.change, notice.is_own))
        .collect();
    let expected = ["certificates-changed", "password-changed"].map(|change| (change.to_owned(), false));
    assert_eq!(told, expected);
}
