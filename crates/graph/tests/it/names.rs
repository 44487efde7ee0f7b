//! Users and groups by their names, and by what certificates are known by.

use hygie_directory::{NewUser, UserProfile};
use serde_json::json;

use crate::world::{World, each, refusal, refused};

const CARD: &str = "X509:<PN>8.99700434378@carte-cps.fr";

async fn crowd() -> World {
    let world = World::new().await;
    for (n, name) in [
        "Zoé Abel",
        "élise Petit",
        "Éloi Petit",
        "zoé Abel",
        "Anne",
        "ANNE",
        "Ann",
    ]
    .iter()
    .enumerate()
    {
        let new = NewUser {
            user_principal_name: format!("u{n}@ch-demo.example"),
            display_name: (*name).to_owned(),
            profile: UserProfile {
                certificate_user_ids: if n == 1 { vec![CARD.to_owned()] } else { Vec::new() },
                job_title: Some("Infirmière".to_owned()),
                ..UserProfile::default()
            },
            ..NewUser::default()
        };
        world.directory.create_user(&world.cx, new).await.expect("a user");
    }
    world
        .directory
        .create_group(&world.cx, "anesthésie")
        .await
        .expect("a group");
    world
}

#[tokio::test]
async fn pages_by_name_together_are_everybody_once() {
    let world = crowd().await;
    let caller = world.app(&["User.Read.All", "Group.Read.All"]);
    let lowered = |names: Vec<String>| -> Vec<String> { names.iter().map(|name| name.to_lowercase()).collect() };
    for (set, way, count) in [
        ("users", "asc", 8),
        ("users", "desc", 8),
        ("groups", "asc", 3),
        ("groups", "desc", 3),
    ] {
        let first = format!("/v1.0/{set}?$top=3&$orderby=displayName%20{way}&$count=true");
        let (mut next, mut names, mut ids) = (Some(first), Vec::new(), Vec::new());
        while let Some(address) = next {
            let page = caller.eventual(&address).await.json();
            if names.is_empty() {
                assert_eq!(page["@odata.count"], count, "{set}");
            }
            names.extend(lowered(each(&page, "displayName")));
            ids.extend(each(&page, "id"));
            next = page["@odata.nextLink"].as_str().map(str::to_owned);
        }
        let mut expected = names.clone();
        expected.sort();
        if way == "desc" {
            expected.reverse();
        }
        assert_eq!(names, expected, "{set} {way}");
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count, "{set} {way}");
    }
    let answer = caller.get("/v1.0/users?$orderby=displayName&$skiptoken=x").await;
    assert_eq!(refusal(&answer), refused(400, "Directory_ExpiredPageToken"));
}

#[tokio::test]
async fn names_are_found_by_their_beginning() {
    let world = crowd().await;
    let caller = world.app(&["User.Read.All", "Group.Read.All"]);
    for (path, expected) in [
        ("users?$filter=startsWith(displayName,'ann')", 4),
        ("users?$filter=startsWith(displayName,'%C3%89l')", 2),
        ("users?$filter=displayName%20eq%20'anne'", 2),
        ("users?$filter=displayName%20in%20('anne','zo%C3%A9%20abel')", 4),
        (
            "users?$filter=startsWith(displayName,'ann')%20and%20jobTitle%20eq%20'infirmi%C3%A8re'",
            3,
        ),
        ("users?$filter=startsWith(displayName,'%C3%BF')", 0),
        ("groups?$filter=startsWith(displayName,'AN')", 1),
    ] {
        let found = caller.json(&format!("/v1.0/{path}")).await;
        assert_eq!(each(&found, "id").len(), expected, "{path}: {found}");
    }
    let question = "/v1.0/users?$filter=startsWith(displayName,'ann')&$orderby=displayName%20desc&$count=true&$top=2";
    let page = caller.eventual(question).await.json();
    assert_eq!(page["@odata.count"], 4);
    assert_eq!(each(&page, "displayName")[0].to_lowercase(), "anne");
}

#[tokio::test]
async fn a_certificate_user_id_names_one_user() {
    let world = crowd().await;
    let caller = world.app(&["User.Read.All"]);
    let question = |value: &str| {
        let value = value.replace('<', "%3C").replace('>', "%3E");
        format!("/v1.0/users?$filter=authorizationInfo/certificateUserIds/any(x:x%20eq%20'{value}')&$count=true")
    };
    let found = caller.eventual(&question(CARD)).await.json();
    assert_eq!(each(&found, "displayName"), ["élise Petit"]);
    let other = caller
        .eventual(&question("x509:<PN>8.99700434378@carte-cps.fr"))
        .await
        .json();
    assert_eq!(each(&other, "displayName"), [""; 0]);
    let id = each(&found, "id").remove(0);
    let seen = caller
        .json(&format!(
            "/v1.0/users/{id}?$select=authorizationInfo,jobTitle,identities"
        ))
        .await;
    assert_eq!(seen["authorizationInfo"], json!({ "certificateUserIds": [CARD] }));
    assert_eq!(
        (&seen["jobTitle"], &seen["identities"][0]["issuer"]),
        (&json!("Infirmière"), &json!("ch-demo.example"))
    );
    let elsewhere = world.cx.for_tenant(world.other);
    assert_eq!(
        world
            .directory
            .find_user_by_certificate_user_id(&elsewhere, CARD)
            .await
            .unwrap(),
        None
    );
    let again = NewUser {
        user_principal_name: "again@ch-demo.example".to_owned(),
        display_name: "Again".to_owned(),
        profile: UserProfile {
            certificate_user_ids: vec![CARD.to_owned()],
            ..UserProfile::default()
        },
        ..NewUser::default()
    };
    let refused = world.directory.create_user(&world.cx, again.clone()).await;
    assert!(
        matches!(refused, Err(hygie_directory::DirectoryError::Exists)),
        "{refused:?}"
    );
    let there = NewUser {
        user_principal_name: "again@ch-autre.example".to_owned(),
        ..again
    };
    world.directory.create_user(&elsewhere, there).await.unwrap();
}

#[tokio::test]
async fn extension_attributes_are_changed_one_by_one_and_found() {
    let world = World::new().await;
    let caller = world.app(&["User.ReadWrite.All"]);
    let path = format!("/v1.0/users/{}", world.nurse);
    let with = |set: serde_json::Value| json!({ "onPremisesExtensionAttributes": set });
    let change = with(json!({ "extensionAttribute1": "ADELI", "extensionAttribute15": "Réanimation" }));
    caller.changed("PATCH", &path, &change).await;
    let change = with(json!({ "extensionAttribute1": null, "extensionAttribute2": "Jour" }));
    caller.changed("PATCH", &path, &change).await;
    let seen = caller
        .json(&format!("{path}?$select=onPremisesExtensionAttributes"))
        .await;
    let seen = seen["onPremisesExtensionAttributes"]
        .as_object()
        .expect("an object")
        .clone();
    let set: Vec<_> = seen.iter().filter(|(_, value)| !value.is_null()).collect();
    assert_eq!(seen.len(), 15);
    assert_eq!(
        set,
        [
            (&"extensionAttribute2".to_owned(), &json!("Jour")),
            (&"extensionAttribute15".to_owned(), &json!("Réanimation")),
        ]
    );
    let find = |text: &str| format!("/v1.0/users?$select=id&$filter=onPremisesExtensionAttributes/{text}");
    let found = caller
        .json(&find("extensionAttribute15%20eq%20'R%C3%A9animation'"))
        .await;
    assert_eq!(each(&found, "id"), [world.nurse.to_string()]);
    let none = caller.json(&find("extensionAttribute1%20eq%20'ADELI'")).await;
    assert_eq!(none["value"], json!([]));
    for (wrong, place) in [
        (
            json!({ "extensionAttribute16": "x" }),
            "onPremisesExtensionAttributes.extensionAttribute16",
        ),
        (json!({ "extensionAttribute1": 1 }), "onPremisesExtensionAttributes"),
        (json!({ "extensionAttribute1": "" }), "onPremisesExtensionAttributes"),
        (json!("x"), "onPremisesExtensionAttributes"),
    ] {
        let answer = caller.send("PATCH", &path, &with(wrong)).await;
        assert_eq!(refusal(&answer), refused(400, "Request_BadRequest"));
        assert!(
            answer.text().to_lowercase().contains(&place.to_lowercase()),
            "{}",
            answer.text()
        );
    }
    caller.changed("PATCH", &path, &with(json!(null))).await;
    let none = caller.json(&find("extensionAttribute2%20eq%20'Jour'")).await;
    assert_eq!(none["value"], json!([]));
}

#[tokio::test]
async fn people_are_found_by_the_day_they_came_and_by_the_order_of_texts() {
    let world = World::new().await;
    let caller = world.app(&["User.ReadWrite.All"]);
    let path = format!("/v1.0/users/{}", world.nurse);
    let change = json!({ "employeeHireDate": "2024-03-01T00:00:00Z", "employeeId": "50A" });
    caller.changed("PATCH", &path, &change).await;
    let seen = caller.json(&format!("{path}?$select=employeeHireDate")).await;
    assert_eq!(seen["employeeHireDate"], "2024-03-01T00:00:00Z");
    for (filter, is_found) in [
        ("employeeHireDate eq 2024-03-01T00:00:00Z", true),
        ("employeeHireDate ge 2024-03-01", true),
        ("employeeHireDate ge 2024-03-02", false),
        ("employeeHireDate le 2024-02-29T23:59:59Z", false),
        ("employeeId ge '49'", true),
        ("employeeId ge '50a'", true),
        ("employeeId ge '51'", false),
        ("employeeId le '50A'", true),
        ("employeeId le '50'", false),
        ("department ge 'A'", false),
    ] {
        let filter = filter.replace(' ', "%20");
        let found = caller.json(&format!("/v1.0/users?$select=id&$filter={filter}")).await;
        let expected = is_found.then(|| world.nurse.to_string());
        assert_eq!(each(&found, "id"), Vec::from_iter(expected), "{filter}");
    }
    // An id has no order, nor has a word that is one of several; and a text is no day.
    for wrong in ["id%20ge%20'1'", "userType%20ge%20'Guest'", "employeeId%20gt%20'1'"] {
        let answer = caller.get(&format!("/v1.0/users?$filter={wrong}")).await;
        assert_eq!(answer.status, 400, "{wrong}");
    }
    let answer = caller
        .send("PATCH", &path, &json!({ "employeeHireDate": "March" }))
        .await;
    assert_eq!(refusal(&answer), refused(400, "Request_BadRequest"));
    caller
        .changed("PATCH", &path, &json!({ "employeeHireDate": null }))
        .await;
    let seen = caller.json(&format!("{path}?$select=employeeHireDate")).await;
    assert_eq!(seen["employeeHireDate"], json!(null));
}
