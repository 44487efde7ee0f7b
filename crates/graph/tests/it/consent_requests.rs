//! Requests to administrators to consent, as they see and decide them.

use hygie_core::AppId;
use hygie_directory::{DIRECTORY_API, NewConsentRequest, RequestedPermissions};
use serde_json::{Value, json};

use crate::world::{World, each};

const POLICY: &str = "/v1.0/policies/adminConsentRequestPolicy";
const REQUESTS: &str = "/v1.0/identityGovernance/appConsent/appConsentRequests";
const DECIDER: &[&str] = &["ConsentRequest.ReadWrite.All", "DelegatedPermissionGrant.ReadWrite.All"];

impl World {
    async fn lets_ask(&self) {
        let change = json!({ "isEnabled": true });
        let changed = self.directory.change_consent_request_policy(&self.here(), change).await;
        changed.expect("it is changed");
    }

    /// The nurse asks for the portal: the address of her request.
    async fn asks(&self, scopes: &[&str]) -> (AppId, String) {
        let app = self.portal.1.app;
        let new = NewConsentRequest {
            app,
            app_display_name: "Portal".to_owned(),
            user: self.nurse,
            permissions: vec![RequestedPermissions {
                resource: DIRECTORY_API,
                scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
            }],
            reason: "For the ward".to_owned(),
        };
        self.directory.ask_for_consent(&self.here(), new).await.expect("asked");
        let own = self
            .directory
            .own_consent_requests(&self.here(), self.nurse)
            .await
            .expect("read");
        (app, own[0].id.to_string())
    }
}

#[tokio::test]
async fn a_policy_says_whether_people_may_ask() {
    let world = World::new().await;
    let writer = world.app(&["Policy.ReadWrite.ConsentRequest"]);
    let shown = writer.json(POLICY).await;
    let of = |shown: &Value| {
        json!([
            shown["isEnabled"],
            shown["requestDurationInDays"],
            shown["notifyReviewers"]
        ])
    };
    assert_eq!(of(&shown), json!([false, 30, true]));
    assert_eq!(shown["reviewers"], json!([]));
    let change = json!({ "isEnabled": true, "requestDurationInDays": 5, "notifyReviewers": false, "reviewers": [] });
    writer.changed("PUT", POLICY, &change).await;
    assert_eq!(of(&writer.json(POLICY).await), json!([true, 5, false]));
    for wrong in [
        json!({ "requestDurationInDays": 0 }),
        json!({ "requestDurationInDays": 61 }),
        json!({ "notifyReviewers": "yes" }),
        json!({ "remindersEnabled": true }),
        json!({ "reviewers": [{ "query": "/users/x", "queryType": "MicrosoftGraph" }] }),
        json!({ "enabled": true }),
    ] {
        assert_eq!(writer.send("PUT", POLICY, &wrong).await.status, 400, "{wrong}");
    }
    assert_eq!(world.app(&["User.Read.All"]).get(POLICY).await.status, 403);
}

#[tokio::test]
async fn requests_are_seen() {
    let world = World::new().await;
    world.lets_ask().await;
    let reader = world.app(&["ConsentRequest.Read.All"]);
    assert_eq!(each(&reader.json(REQUESTS).await, "id"), Vec::<String>::new());
    let (app, id) = world.asks(&["User.Read", "Group.Read.All"]).await;
    let all = reader.json(REQUESTS).await;
    // As it is called now, and not as it was called when it was asked for.
    assert_eq!(each(&all, "appDisplayName"), ["PSC_BAS"]);
    let of = |scope: &str| json!({ "displayName": scope, "resourceAppId": DIRECTORY_API, "resourceDisplayName": "Directory API" });
    let pending = json!([of("Group.Read.All"), of("User.Read")]);
    assert_eq!(all["value"][0]["pendingScopes"], pending);
    let one = format!("{REQUESTS}/{app}");
    assert_eq!(reader.json(&one).await["appId"], app.to_string());
    let people = reader.json(&format!("{one}/userConsentRequests")).await;
    assert_eq!(
        (&people["value"][0]["reason"], &people["value"][0]["status"]),
        (&json!("For the ward"), &json!("InProgress"))
    );
    assert_eq!(people["value"][0]["createdBy"]["user"]["id"], world.nurse.to_string());
    assert_eq!(people["value"][0]["requestedScopes"], pending);
    assert_eq!(all["value"][0]["appOwnerOrganizationId"], world.tenant.to_string());
    let own = format!("{one}/userConsentRequests/{id}");
    assert_eq!(reader.json(&own).await["id"], id);
    let approval = reader.json(&format!("{own}/approval")).await;
    assert_eq!(approval["stages"][0]["reviewResult"], "NotReviewed");
}

#[tokio::test]
async fn what_is_approved_is_granted_for_everybody() {
    let world = World::new().await;
    world.lets_ask().await;
    let reader = world.app(&["ConsentRequest.Read.All"]);
    let (app, id) = world.asks(&["User.Read", "Group.Read.All"]).await;
    let own = format!("{REQUESTS}/{app}/userConsentRequests/{id}");
    let stage = format!("{own}/approval/stages/{id}");
    assert_eq!(
        reader
            .send("PATCH", &stage, &json!({ "reviewResult": "Approve" }))
            .await
            .status,
        403
    );
    // To approve is to grant: who may not grant does not.
    let denier = world.app(&["ConsentRequest.ReadWrite.All"]);
    let yes = json!({ "reviewResult": "Approve" });
    assert_eq!(denier.send("PATCH", &stage, &yes).await.status, 403);
    let decider = world.app(DECIDER);
    for wrong in [
        json!({ "reviewResult": "Maybe" }),
        json!({ "status": "Completed" }),
        json!({}),
    ] {
        assert_eq!(decider.send("PATCH", &stage, &wrong).await.status, 400, "{wrong}");
    }
    decider
        .changed(
            "PATCH",
            &stage,
            &json!({ "reviewResult": "Approve", "justification": "Yes" }),
        )
        .await;
    let decided = decider.json(&stage).await;
    assert_eq!(
        json!([decided["reviewResult"], decided["justification"]]),
        json!(["Approve", "Yes"])
    );
    let grants = world
        .app(&["Directory.Read.All"])
        .json("/v1.0/oauth2PermissionGrants")
        .await;
    let client = world.portal.1.id.to_string();
    let is_given = |grant: &&Value| grant["clientId"] == client && grant["consentType"] == "AllPrincipals";
    let given = grants["value"]
        .as_array()
        .unwrap()
        .iter()
        .find(is_given)
        .expect("a grant");
    assert!(given["scope"].as_str().unwrap().contains("Group.Read.All"), "{given}");
    // What is decided is decided.
    assert_eq!(
        decider
            .send("PATCH", &stage, &json!({ "reviewResult": "Deny" }))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn a_refusal_tells_why() {
    let world = World::new().await;
    world.lets_ask().await;
    let (app, id) = world.asks(&["User.Read"]).await;
    let stage = format!("{REQUESTS}/{app}/userConsentRequests/{id}/approval/stages/{id}");
    let said = json!({ "reviewResult": "Deny", "justification": "Use the intranet" });
    world.app(DECIDER).changed("PATCH", &stage, &said).await;
    let shown = world.app(DECIDER).json(&stage).await;
    assert_eq!(
        json!([shown["reviewResult"], shown["justification"]]),
        json!(["Deny", "Use the intranet"])
    );
    for gone in [
        format!("{REQUESTS}/{}", world.nurse),
        format!("{REQUESTS}/{app}/userConsentRequests/{}", world.nurse),
        format!(
            "{REQUESTS}/{app}/userConsentRequests/{id}/approval/stages/{}",
            world.nurse
        ),
    ] {
        assert_eq!(world.app(DECIDER).get(&gone).await.status, 404, "{gone}");
    }
}

#[tokio::test]
async fn what_is_granted_otherwise_answers_too() {
    let world = World::new().await;
    world.lets_ask().await;
    let (app, id) = world.asks(&["User.Read", "Group.Read.All"]).await;
    let stage = format!("{REQUESTS}/{app}/userConsentRequests/{id}/approval/stages/{id}");
    let decider = world.app(DECIDER);
    let resource = world
        .app(&["Directory.Read.All"])
        .json(&format!("/v1.0/servicePrincipals(appId='{DIRECTORY_API}')"))
        .await;
    let grant = json!({
        "clientId": world.portal.1.id, "consentType": "AllPrincipals", "resourceId": resource["id"], "scope": "User.Read",
    });
    let made = decider
        .send("POST", "/v1.0/oauth2PermissionGrants", &grant)
        .await
        .json();
    assert_eq!(
        decider.json(&stage).await["reviewResult"],
        "NotReviewed",
        "not all of it"
    );
    let path = format!("/v1.0/oauth2PermissionGrants/{}", made["id"].as_str().expect("an id"));
    let more = json!({ "scope": "User.Read Group.Read.All" });
    decider.changed("PATCH", &path, &more).await;
    assert_eq!(decider.json(&stage).await["reviewResult"], "Approve");
}

#[tokio::test]
async fn nobody_is_answered_who_is_gone() {
    let world = World::new().await;
    world.lets_ask().await;
    let (app, id) = world.asks(&["User.Read"]).await;
    let cx = world.here();
    world.directory.delete_user(&cx, world.nurse).await.expect("deleted");
    let stage = format!("{REQUESTS}/{app}/userConsentRequests/{id}/approval/stages/{id}");
    let yes = json!({ "reviewResult": "Approve" });
    assert_eq!(world.app(DECIDER).send("PATCH", &stage, &yes).await.status, 404);
}
