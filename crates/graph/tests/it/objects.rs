//! Objects as Graph shows them.

use hygie_directory::{DIRECTORY_API, Enabled};
use serde_json::json;

use crate::world::{BASE, World, each, refusal, refused};

#[tokio::test]
async fn a_user_by_id_and_by_name() {
    let world = World::new().await;
    let caller = world.app(&["User.Read.All"]);
    let by_id = caller.json(&format!("/v1.0/users/{}", world.nurse)).await;
    assert_eq!(
        by_id,
        json!({
            "@odata.context": format!("{BASE}/v1.0/$metadata#users/$entity"),
            "id": world.nurse,
            "userPrincipalName": "anna.martin@ch-demo.example",
            "displayName": "Anna Martin",
            "givenName": "Anna",
            "surname": "Martin",
            "mail": "anna.martin@ch-demo.example",
            "jobTitle": null,
            "businessPhones": [],
            "mobilePhone": null,
            "officeLocation": null,
            "preferredLanguage": null,
        })
    );
    let by_name = caller
        .json("/v1.0/users/Anna.Martin@ch-demo.example?$select=id,AccountEnabled")
        .await;
    assert_eq!(
        by_name,
        json!({
            "@odata.context": format!("{BASE}/v1.0/$metadata#users(id,accountEnabled)/$entity"),
            "id": world.nurse,
            "accountEnabled": true,
        })
    );
    world
        .directory
        .set_user_enabled(&world.cx, world.nurse, Enabled::No)
        .await
        .unwrap();
    let now = caller
        .json(&format!("/v1.0/users/{}?$select=accountEnabled", world.nurse))
        .await;
    assert_eq!(now["accountEnabled"], false);
    for missing in [
        "/v1.0/users/nobody@ch-demo.example",
        "/v1.0/users/00000000-0000-0000-0000-000000000009",
    ] {
        let answer = caller.get(missing).await;
        assert_eq!(refusal(&answer), refused(404, "Request_ResourceNotFound"));
    }
}

#[tokio::test]
async fn me() {
    let world = World::new().await;
    let person = world.person("User.Read");
    let own = person.json("/v1.0/me?$select=displayName").await;
    assert_eq!(own["displayName"], "Anna Martin");
    assert_eq!(person.get("/v1.0/me/memberOf").await.status, 200);
    let groups = world
        .person("GroupMember.Read.All")
        .json("/v1.0/me/transitiveMemberOf")
        .await;
    let mut names = each(&groups, "displayName");
    names.sort();
    assert_eq!(names, ["Nurses", "Staff"]);
    assert_eq!(world.app(&["User.Read.All"]).get("/v1.0/me").await.status, 404);
}

#[tokio::test]
async fn groups_and_their_members() {
    let world = World::new().await;
    let caller = world.app(&["Group.Read.All"]);
    let group = caller.json(&format!("/v1.0/groups/{}", world.nurses)).await;
    assert_eq!(
        (&group["displayName"], &group["securityEnabled"], &group["mailEnabled"]),
        (&json!("Nurses"), &json!(true), &json!(false))
    );
    let members = caller.json(&format!("/v1.0/groups/{}/members", world.nurses)).await;
    assert_eq!(each(&members, "@odata.type"), ["#microsoft.graph.user"]);
    assert_eq!(each(&members, "id"), [world.nurse.to_string()]);
    let members = caller.json(&format!("/v1.0/groups/{}/members", world.staff)).await;
    assert_eq!(each(&members, "@odata.type"), ["#microsoft.graph.group"]);
    let above = caller.json(&format!("/v1.0/groups/{}/memberOf", world.nurses)).await;
    assert_eq!(each(&above, "displayName"), ["Staff"]);
    for (path, expected) in [("memberOf", 1), ("transitiveMemberOf", 2)] {
        let found = caller.json(&format!("/v1.0/users/{}/{path}", world.nurse)).await;
        assert_eq!(each(&found, "id").len(), expected, "{path}");
    }
    assert_eq!(caller.get("/v1.0/groups/x").await.status, 404);
    let expected = [world.nurses, world.staff].map(|id| id.to_string());
    for (by, path) in [
        (&caller, format!("/v1.0/users/{}/getMemberObjects", world.nurse)),
        (&world.person("User.Read"), "/v1.0/me/getMemberGroups".to_owned()),
    ] {
        let answer = by.post(&path).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let found = answer.json();
        let ids: Vec<&str> = found["value"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|id| id.as_str())
            .collect();
        assert!(
            ids.len() == 2 && expected.iter().all(|id| ids.contains(&id.as_str())),
            "{found}"
        );
    }
    let refused = world
        .app(&["User.Read.All"])
        .post(&format!("/v1.0/users/{}/getMemberGroups", world.nurse))
        .await;
    assert_eq!(refused.status, 403);
}

#[tokio::test]
async fn applications_and_service_principals() {
    let world = World::new().await;
    let caller = world.app(&["Application.Read.All"]);
    let (app, principal) = &world.portal;
    let found = caller.json(&format!("/v1.0/applications(appId='{app}')")).await;
    assert_eq!(found["displayName"], "PSC_BAS");
    assert_eq!(found["identifierUris"], json!(["api://portal"]));
    assert_eq!(found["signInAudience"], "AzureADMyOrg");
    assert_eq!(found["api"]["oauth2PermissionScopes"][0]["value"], "use");
    let secret = &found["passwordCredentials"][0];
    assert_eq!(
        (&secret["displayName"], &secret["secretText"]),
        (&json!("test"), &json!(null))
    );
    assert_eq!(secret["hint"].as_str().map(str::len), Some(3));
    let id = found["id"].as_str().unwrap();
    assert_eq!(caller.json(&format!("/v1.0/applications/{id}")).await, found);

    let found = caller.json(&format!("/v1.0/servicePrincipals/{}", principal.id)).await;
    assert_eq!(found["appId"], json!(app));
    assert_eq!(found["servicePrincipalType"], "Application");
    let mut names = [app.to_string(), "api://portal".to_owned()];
    names.sort();
    assert_eq!(found["servicePrincipalNames"], json!(names));
    assert_eq!(found["appRoles"][0]["value"], "Visitor");
    let api = caller
        .json(&format!("/v1.0/servicePrincipals(AppId='{DIRECTORY_API}')"))
        .await;
    let offered = api["oauth2PermissionScopes"].as_array().unwrap();
    assert!(
        offered
            .iter()
            .any(|scope| scope["id"] == "e1fe6dd8-ba31-4d61-89e7-88639da4683d")
    );
    // Registered nowhere.
    assert_eq!(
        caller
            .get(&format!("/v1.0/applications(appId='{DIRECTORY_API}')"))
            .await
            .status,
        404
    );
    // The first call of the script of the PSC guide.
    let found = caller
        .json("/v1.0/servicePrincipals?$filter=DisplayName%20eq%20'PSC_BAS'")
        .await;
    assert_eq!(each(&found, "appId"), [app.to_string()]);
}

#[tokio::test]
async fn managed_identities_say_what_they_belong_to() {
    let world = World::new().await;
    world.directory.create_workload(&world.cx, "exporter").await.unwrap();
    world
        .directory
        .create_user_assigned_identity(&world.cx, "shared")
        .await
        .unwrap();
    let caller = world.app(&["Directory.Read.All"]);
    let path = "/v1.0/servicePrincipals?$filter=servicePrincipalType%20eq%20'ManagedIdentity'\
                &$select=displayName,alternativeNames";
    let found = caller.json(path).await;
    let mut names: Vec<_> = found["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["alternativeNames"][0].clone())
        .collect();
    names.sort_by_key(ToString::to_string);
    assert_eq!(names, ["isExplicit=False", "isExplicit=True"]);
}

#[tokio::test]
async fn the_organization_of_the_token() {
    let world = World::new().await;
    let found = world.person("User.Read").json("/v1.0/organization").await;
    assert_eq!(each(&found, "displayName"), ["CH Demo"]);
    assert_eq!(found["value"][0]["verifiedDomains"][0]["name"], "ch-demo.example");
    let caller = world.app(&["Organization.Read.All"]);
    let one = caller.json(&format!("/v1.0/organization/{}", world.tenant)).await;
    assert_eq!(one["displayName"], "CH Demo");
    assert_eq!(
        caller.get(&format!("/v1.0/organization/{}", world.other)).await.status,
        404
    );
}

#[tokio::test]
async fn the_domains_of_the_tenant() {
    let world = World::new().await;
    let caller = world.app(&["Domain.Read.All"]);
    let found = caller.json("/v1.0/domains").await;
    let names = each(&found, "id");
    assert_eq!(names[0], "ch-demo.example", "{found}");
    let one = caller.json("/v1.0/domains/CH-demo.example").await;
    for (member, expected) in [
        ("id", json!("ch-demo.example")),
        ("isDefault", json!(true)),
        ("isVerified", json!(true)),
        ("isRoot", json!(true)),
        ("authenticationType", json!("Managed")),
        ("supportedServices", json!([])),
    ] {
        assert_eq!(one[member], expected, "{member}");
        assert_eq!(found["value"][0][member], expected, "{member}");
    }
    let chosen = caller
        .json("/v1.0/domains?$select=id&$filter=isDefault%20eq%20true")
        .await;
    assert_eq!(chosen["value"], json!([{ "id": "ch-demo.example" }]));
    // A domain of another tenant is none here, nor is part of a name.
    for other in ["ch-autre.example", "demo.example", "x"] {
        assert_eq!(caller.get(&format!("/v1.0/domains/{other}")).await.status, 404);
    }
}

#[tokio::test]
async fn an_organization_says_where_it_wants_to_be_told() {
    let world = World::new().await;
    let path = format!("/v1.0/organization/{}", world.tenant);
    let writer = world.app(&["Organization.ReadWrite.All"]);
    let mails = ["securite@ch.example", "garde@ch.example"];
    let change = json!({ "securityComplianceNotificationMails": mails });
    writer.changed("PATCH", &path, &change).await;
    writer
        .changed(
            "PATCH",
            &path,
            &json!({ "technicalNotificationMails": ["dsi@ch.example"] }),
        )
        .await;
    let found = writer.json(&path).await;
    assert_eq!(found["securityComplianceNotificationMails"], json!(mails));
    assert_eq!(found["technicalNotificationMails"], json!(["dsi@ch.example"]));
    for (wrong, said) in [
        (
            json!({ "securityComplianceNotificationMails": ["nobody"] }),
            "securityComplianceNotificationMails",
        ),
        (
            json!({ "technicalNotificationMails": "dsi@ch.example" }),
            "technicalNotificationMails",
        ),
        (json!({ "displayName": "CHU" }), "displayName"),
    ] {
        let answer = writer.send("PATCH", &path, &wrong).await;
        assert_eq!(answer.status, 400, "{wrong}");
        let message = answer.json()["error"]["message"].to_string();
        assert!(
            message.to_lowercase().contains(&said.to_lowercase()),
            "{wrong}: {message}"
        );
    }
    let elsewhere = format!("/v1.0/organization/{}", world.other);
    assert_eq!(writer.send("PATCH", &elsewhere, &change).await.status, 404);
    let reader = world.app(&["Organization.Read.All"]);
    assert_eq!(reader.send("PATCH", &path, &change).await.status, 403);
}

#[tokio::test]
async fn what_an_object_leads_to_is_shown_with_it() {
    let world = World::new().await;
    for n in 0..25 {
        let name = format!("P{n}");
        let who = crate::world::user(&world.directory, &world.cx, (&name, "Petit", "ch-demo.example")).await;
        world.directory.add_member(&world.cx, world.nurses, who).await.unwrap();
    }
    let caller = world.app(&["User.Read.All", "GroupMember.Read.All"]);
    let group = caller
        .json(&format!(
            "/v1.0/groups/{}?$select=id&$expand=members($select=displayName),owners",
            world.nurses
        ))
        .await;
    let members = group["members"].as_array().unwrap();
    assert_eq!((members.len(), &group["owners"]), (20, &json!([])));
    assert_eq!(members[0]["@odata.type"], "#microsoft.graph.user");
    assert_eq!(members[0].as_object().map(serde_json::Map::len), Some(2));
    let user = caller
        .json(&format!("/v1.0/users/{}?$expand=memberOf", world.nurse))
        .await;
    assert_eq!(
        (&user["displayName"], &user["memberOf"][0]["displayName"]),
        (&json!("Anna Martin"), &json!("Nurses"))
    );
    let listed = caller
        .json("/v1.0/users?$filter=startsWith(displayName,'anna')&$expand=transitiveMemberOf&$select=id")
        .await;
    assert_eq!(
        listed["value"][0]["transitiveMemberOf"].as_array().map(Vec::len),
        Some(2)
    );
    for wrong in ["manager", "members($select=colour)", "members($top=1)"] {
        let answer = caller
            .get(&format!("/v1.0/groups/{}?$expand={wrong}", world.nurses))
            .await;
        assert_eq!(refusal(&answer), refused(400, "BadRequest"), "{wrong}");
    }
    let blind = world.app(&["User.Read.All"]);
    let answer = blind
        .get(&format!("/v1.0/users/{}?$expand=memberOf", world.nurse))
        .await;
    assert_eq!(refusal(&answer), refused(403, "Authorization_RequestDenied"));
}
