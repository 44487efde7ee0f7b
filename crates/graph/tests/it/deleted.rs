//! What was deleted over the directory API: listed, brought back, forgotten.

use serde_json::{Value, json};

use crate::world::{World, each, refusal, refused};

const RULES: &str = "/v1.0/identity/conditionalAccess";
const DELETED: &str = "/v1.0/identity/conditionalAccess/deletedItems";
const ADMINISTRATOR: &[&str] = &[
    "Policy.Read.All",
    "Policy.ReadWrite.ConditionalAccess",
    "Application.Read.All",
];

fn mfa() -> Value {
    json!({
        "displayName": "AC03", "state": "enabled",
        "conditions": {
            "applications": { "includeApplications": ["All"] },
            "users": { "includeUsers": ["All"] },
            "locations": { "includeLocations": ["All"], "excludeLocations": [] },
        },
        "grantControls": { "operator": "OR", "builtInControls": ["mfa"] },
    })
}

fn site() -> Value {
    json!({ "@odata.type": "#microsoft.graph.ipNamedLocation", "displayName": "Site", "isTrusted": false,
        "ipRanges": [{ "@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "192.0.2.0/24" }] })
}

#[tokio::test]
async fn a_policy_and_its_location_are_brought_back_in_order() {
    let world = World::new().await;
    let admin = world.app(ADMINISTRATOR);
    let site = admin.made(&format!("{RULES}/namedLocations"), &site()).await;
    let site_id = site["id"].as_str().unwrap();
    let mut document = mfa();
    document["conditions"]["locations"]["excludeLocations"] = json!([site_id]);
    let policy = admin.made(&format!("{RULES}/policies"), &document).await;
    let id = policy["id"].as_str().unwrap();
    for (set, id) in [("policies", id), ("namedLocations", site_id)] {
        admin
            .changed("DELETE", &format!("{RULES}/{set}/{id}"), &Value::Null)
            .await;
        assert_eq!(admin.get(&format!("{RULES}/{set}/{id}")).await.status, 404);
        let listed = admin.json(&format!("{DELETED}/{set}")).await;
        assert_eq!(each(&listed, "id"), [id]);
        let found = admin.json(&format!("{DELETED}/{set}/{}", id.to_uppercase())).await;
        assert_ne!(found["deletedDateTime"], Value::Null, "{found}");
        assert_eq!(listed["value"][0]["displayName"], found["displayName"]);
    }
    // They are none of the objects of the directory.
    let everything = world.app(&["Directory.ReadWrite.All", "User.ReadWrite.All"]);
    let answer = everything.get(&format!("/v1.0/directory/deletedItems/{id}")).await;
    assert_eq!(refusal(&answer), refused(404, "Request_ResourceNotFound"));
    // The policy names a location that is not there.
    let restore = |set: &str, id: &str| format!("{DELETED}/{set}/{id}/restore");
    let answer = admin.send("POST", &restore("policies", id), &Value::Null).await;
    assert_eq!(refusal(&answer), refused(400, "BadRequest"));
    assert!(answer.text().contains("conditions.locations"), "{}", answer.text());
    let answer = admin
        .send("POST", &restore("namedLocations", site_id), &Value::Null)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = admin.send("POST", &restore("policies", id), &Value::Null).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let restored = answer.json();
    assert_eq!(
        (&restored["state"], &restored["deletedDateTime"]),
        (&json!("enabled"), &Value::Null)
    );
    assert_eq!(restored["conditions"], policy["conditions"]);
    assert_eq!(each(&admin.json(&format!("{DELETED}/policies")).await, "id"), [""; 0]);
    let answer = admin.send("POST", &restore("policies", id), &Value::Null).await;
    assert_eq!(answer.status, 409, "it is there: {}", answer.text());
    // Forgotten for good.
    admin
        .changed("DELETE", &format!("{RULES}/policies/{id}"), &Value::Null)
        .await;
    admin
        .changed("DELETE", &format!("{DELETED}/policies/{id}"), &Value::Null)
        .await;
    for (method, path) in [("GET", ""), ("DELETE", ""), ("POST", "/restore")] {
        let path = format!("{DELETED}/policies/{id}{path}");
        let answer = admin.send(method, &path, &Value::Null).await;
        assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text());
    }
}

#[tokio::test]
async fn what_was_removed_is_kept_for_thirty_days_and_of_its_tenant() {
    let world = World::new().await;
    let admin = world.app(ADMINISTRATOR);
    let policy = admin.made(&format!("{RULES}/policies"), &mfa()).await;
    let id = policy["id"].as_str().unwrap();
    admin
        .changed("DELETE", &format!("{RULES}/policies/{id}"), &Value::Null)
        .await;
    let other =
        world.by(&json!({ "tid": world.other, "oid": world.nurse, "sub": world.nurse, "roles": ADMINISTRATOR }));
    assert_eq!(each(&other.json(&format!("{DELETED}/policies")).await, "id"), [""; 0]);
    let answer = other
        .send("POST", &format!("{DELETED}/policies/{id}/restore"), &Value::Null)
        .await;
    assert_eq!(answer.status, 404);
    // Who reads does not change; who has no permission sees nothing.
    let reader = world.app(&["Policy.Read.All"]);
    assert_eq!(reader.get(&format!("{DELETED}/policies/{id}")).await.status, 200);
    for (method, path) in [("DELETE", ""), ("POST", "/restore")] {
        let answer = reader
            .send(method, &format!("{DELETED}/policies/{id}{path}"), &Value::Null)
            .await;
        assert_eq!(answer.status, 403, "{method}");
    }
    assert_eq!(
        world
            .app(&["User.Read.All"])
            .get(&format!("{DELETED}/policies"))
            .await
            .status,
        403
    );
    world.clock.advance(std::time::Duration::from_hours(24 * 30 + 1));
    let admin = world.app(ADMINISTRATOR);
    assert_eq!(each(&admin.json(&format!("{DELETED}/policies")).await, "id"), [""; 0]);
    let answer = admin
        .send("POST", &format!("{DELETED}/policies/{id}/restore"), &Value::Null)
        .await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn objects_are_listed_by_kind() {
    let world = World::new().await;
    let admin = world.app(&["User.ReadWrite.All", "Group.ReadWrite.All", "Application.ReadWrite.All"]);
    for path in [
        format!("users/{}", world.nurse),
        format!("groups/{}", world.staff),
        format!("servicePrincipals/{}", world.portal.1.id),
    ] {
        admin.changed("DELETE", &format!("/v1.0/{path}"), &Value::Null).await;
    }
    for (kind, id, name) in [
        ("user", world.nurse.to_string(), "Anna Martin"),
        ("group", world.staff.to_string(), "Staff"),
        ("servicePrincipal", world.portal.1.id.to_string(), "PSC_BAS"),
    ] {
        let path = format!("/v1.0/directory/deletedItems/microsoft.graph.{kind}");
        let page = admin.json(&path).await;
        assert_eq!(
            (each(&page, "id"), each(&page, "displayName")),
            (vec![id.clone()], vec![name.to_owned()])
        );
        assert_ne!(page["value"][0]["deletedDateTime"], Value::Null);
        let found = admin.json(&format!("/v1.0/directory/deletedItems/{id}")).await;
        assert_eq!(found["@odata.type"], format!("#microsoft.graph.{kind}"));
        let answer = admin
            .send(
                "POST",
                &format!("/v1.0/directory/deletedItems/{id}/restore"),
                &Value::Null,
            )
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(each(&admin.json(&path).await, "id"), [""; 0]);
    }
}

#[tokio::test]
async fn no_more_than_two_hundred_removed_ones_of_a_kind_are_kept() {
    let world = World::new().await;
    let admin = world.app(ADMINISTRATOR);
    let mut first = String::new();
    for n in 0..201 {
        let made = admin.made(&format!("{RULES}/namedLocations"), &site()).await;
        let id = made["id"].as_str().unwrap();
        let path = format!("{RULES}/namedLocations/{id}");
        admin.changed("DELETE", &path, &Value::Null).await;
        if n == 0 {
            first = id.to_owned();
            world.clock.advance(std::time::Duration::from_secs(1));
        }
    }
    let kept = admin.json(&format!("{DELETED}/namedLocations?$top=999")).await;
    let kept = each(&kept, "id");
    assert!(kept.len() == 200 && !kept.contains(&first), "{}", kept.len());
}

#[tokio::test]
async fn what_could_not_be_made_now_is_not_brought_back() {
    let world = World::new().await;
    let mut permissions = ADMINISTRATOR.to_vec();
    permissions.push("Group.Read.All");
    let admin = world.app(&permissions);
    let mut block = mfa();
    block["grantControls"]["builtInControls"] = json!(["block"]);
    block["conditions"]["users"]["excludeGroups"] = json!([world.nurses]);
    let policy = admin.made(&format!("{RULES}/policies"), &block).await;
    let id = policy["id"].as_str().unwrap();
    admin
        .changed("DELETE", &format!("{RULES}/policies/{id}"), &Value::Null)
        .await;
    let restore = async || {
        let path = format!("{DELETED}/policies/{id}/restore");
        admin.send("POST", &path, &Value::Null).await
    };
    // Nobody is out of it any more.
    let (directory, cx) = (&world.directory, &world.cx);
    directory.remove_member(cx, world.nurses, world.nurse).await.unwrap();
    let answer = restore().await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(
        answer.text().contains("obody who administers could sign in any more"),
        "{}",
        answer.text()
    );
    directory.add_member(cx, world.nurses, world.nurse).await.unwrap();
    // Beside security defaults there are none that are on.
    let defaults = "/v1.0/policies/identitySecurityDefaultsEnforcementPolicy";
    for (is_on, refused) in [(true, true), (false, false)] {
        let change = json!({ "isEnabled": is_on });
        admin.changed("PATCH", defaults, &change).await;
        if refused {
            let answer = restore().await;
            assert!((400..500).contains(&answer.status.as_u16()), "{}", answer.text());
        }
    }
    // Nor more than there may be.
    let mut off = mfa();
    off["state"] = json!("disabled");
    let mut last = Value::Null;
    for _ in 0..195 {
        last = admin.made(&format!("{RULES}/policies"), &off).await;
    }
    let answer = restore().await;
    assert!(answer.text().contains("195"), "{}", answer.text());
    let last = format!("{RULES}/policies/{}", last["id"].as_str().unwrap());
    admin.changed("DELETE", &last, &Value::Null).await;
    let answer = restore().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}
