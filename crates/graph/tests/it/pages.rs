//! Collections: pages, filters, order, number.

use hygie_testkit::Client;

use crate::world::{World, each, refusal, refused, user};

async fn crowd() -> World {
    let world = World::new().await;
    for n in 0..25 {
        let (given, family) = (format!("P{n:02}"), if n % 2 == 0 { "Pair" } else { "Impair" });
        user(&world.directory, &world.cx, (&given, family, "ch-demo.example")).await;
    }
    let elsewhere = world.cx.for_tenant(world.other);
    user(&world.directory, &elsewhere, ("Paul", "Autre", "ch-autre.example")).await;
    world
}

#[tokio::test]
async fn pages_together_are_everybody_once() {
    let world = crowd().await;
    let caller = world.app(&["User.Read.All"]);
    let all = caller.json("/v1.0/users?$top=999&$select=id").await;
    assert!(all.get("@odata.nextLink").is_none());
    let mut expected = each(&all, "id");
    assert_eq!(expected.len(), 26);
    for first in [
        "/v1.0/users?$top=7&$select=id",
        "/v1.0/users?top=26",
        "/v1.0/users?$top=5&$orderby=displayName%20desc",
    ] {
        let (mut next, mut seen, mut pages) = (Some(first.to_owned()), Vec::new(), 0);
        while let Some(address) = next {
            let page = caller.json(&address).await;
            seen.extend(each(&page, "id"));
            next = page["@odata.nextLink"].as_str().map(str::to_owned);
            pages += 1;
            assert!(pages < 10, "{first}");
        }
        seen.sort();
        expected.sort();
        assert_eq!(seen, expected, "{first}");
    }
}

#[tokio::test]
async fn a_page_goes_on_with_the_same_question() {
    let world = crowd().await;
    let caller = world.app(&["User.Read.All"]);
    let filter = "$filter=surname%20eq%20'pair'&$top=10&$select=displayName";
    let page = caller.json(&format!("/v1.0/users?{filter}")).await;
    assert_eq!(each(&page, "displayName").len(), 10);
    let next = page["@odata.nextLink"].as_str().unwrap().to_owned();
    assert!(next.contains("$skiptoken=") && next.contains("$filter="), "{next}");
    let rest = caller.json(&next).await;
    assert_eq!(each(&rest, "displayName").len(), 3);
    assert!(rest.get("@odata.nextLink").is_none());
    // A page that is just full has no next one.
    let page = caller.json("/v1.0/users?$filter=surname%20eq%20'impair'&$top=12").await;
    assert_eq!(each(&page, "id").len(), 12);
    assert!(page.get("@odata.nextLink").is_none(), "{page}");
    let answer = caller.get("/v1.0/users?$skiptoken=x").await;
    assert_eq!(refusal(&answer), refused(400, "Directory_ExpiredPageToken"));
}

#[tokio::test]
async fn numbers_and_order() {
    let world = crowd().await;
    let caller = world.app(&["User.Read.All"]);
    let question = "/v1.0/users?$count=true&$top=4&$filter=surname%20ne%20'pair'&$orderby=displayName%20desc";
    let first = caller.eventual(question).await.json();
    assert_eq!(first["@odata.count"], 13);
    assert_eq!(
        each(&first, "displayName"),
        ["P23 Impair", "P21 Impair", "P19 Impair", "P17 Impair"]
    );
    let next = first["@odata.nextLink"].as_str().unwrap().to_owned();
    let second = caller.eventual(&next).await.json();
    assert!(second.get("@odata.count").is_none());
    assert_eq!(each(&second, "displayName")[0], "P15 Impair");
    let plain = caller.json("/v1.0/users?$count=true&$top=3").await;
    assert_eq!((&plain["@odata.count"], each(&plain, "id").len()), (&26.into(), 3));
    let answer = caller.get(question).await;
    assert_eq!(refusal(&answer), refused(400, "Request_UnsupportedQuery"));
    let found = caller
        .eventual("/v1.0/users?$search=%22displayName:mart%22&$count=true")
        .await
        .json();
    assert_eq!(each(&found, "displayName"), ["Anna Martin"]);
}

#[tokio::test]
async fn names_and_ids_are_looked_up() {
    let world = crowd().await;
    let caller = world.app(&["User.Read.All"]);
    let id = world.nurse;
    for (filter, expected) in [
        ("userPrincipalName eq 'ANNA.martin@ch-demo.example'".to_owned(), 1),
        (
            "userPrincipalName in ('p00.pair@ch-demo.example','p01.impair@ch-demo.example')".to_owned(),
            2,
        ),
        (
            "userPrincipalName eq 'p00.pair@ch-demo.example' and surname eq 'Impair'".to_owned(),
            0,
        ),
        ("userPrincipalName eq 'paul.autre@ch-autre.example'".to_owned(), 0),
        (format!("id eq '{id}'"), 1),
        (format!("id in ('{id}','{id}','x')"), 1),
        ("startsWith(userPrincipalName,'p2')".to_owned(), 5),
        ("accountEnabled eq false".to_owned(), 0),
    ] {
        let encoded: String = url_encoded(&filter);
        let found = caller.json(&format!("/v1.0/users?$filter={encoded}")).await;
        assert_eq!(each(&found, "id").len(), expected, "{filter}");
    }
    let answer = caller.get("/v1.0/users?$filter=nothing%20eq%201").await;
    assert_eq!(refusal(&answer), refused(400, "BadRequest"));
    assert!(
        answer.text().contains("Could not find a property named 'nothing'"),
        "{}",
        answer.text()
    );
}

fn url_encoded(text: &str) -> String {
    let escaped = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escaped).collect()
}

#[tokio::test]
async fn one_tenant_sees_nothing_of_another() {
    let world = crowd().await;
    let elsewhere = world.by(&serde_json::json!({
        "tid": world.other.to_string(), "oid": world.nurse, "sub": world.nurse,
        "roles": ["Directory.Read.All"],
    }));
    let found = elsewhere.json("/v1.0/users").await;
    assert_eq!(each(&found, "displayName"), ["Paul Autre"]);
    assert_eq!(each(&elsewhere.json("/v1.0/groups").await, "id"), [""; 0]);
    assert_eq!(each(&elsewhere.json("/v1.0/applications").await, "id"), [""; 0]);
    assert_eq!(
        each(&elsewhere.json("/v1.0/organization").await, "displayName"),
        ["CH Autre"]
    );
    for path in [
        format!("/v1.0/users/{}", world.nurse),
        "/v1.0/users/anna.martin@ch-demo.example".to_owned(),
        format!("/v1.0/groups/{}", world.nurses),
        format!("/v1.0/groups/{}/members", world.nurses),
        format!("/v1.0/servicePrincipals/{}", world.portal.1.id),
        format!("/v1.0/servicePrincipals(appId='{}')", world.portal.0),
        format!("/v1.0/applications(appId='{}')", world.portal.0),
    ] {
        assert_eq!(elsewhere.get(&path).await.status, 404, "{path}");
    }
    let nobody = Client::new(&world.router).get("/v1.0/users").await;
    assert_eq!(nobody.status, 401);
}

#[tokio::test]
async fn a_collection_tells_its_number_alone() {
    let world = crowd().await;
    let caller = world.app(&["Directory.Read.All"]);
    for (path, expected) in [
        ("users/$count", "26"),
        ("users/$count?$filter=surname%20eq%20'pair'", "13"),
        ("groups/$count", "2"),
        ("applications/$count", "1"),
        ("servicePrincipals/$count", "2"),
        (&format!("groups/{}/members/$count", world.nurses), "1"),
    ] {
        let answer = caller.eventual(&format!("/v1.0/{path}")).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, expected), "{path}");
        assert_eq!(answer.header("content-type"), "text/plain", "{path}");
    }
    let answer = caller.get("/v1.0/users/$count").await;
    assert_eq!(refusal(&answer), refused(400, "Request_UnsupportedQuery"));
    assert_eq!(
        world
            .app(&["Group.Read.All"])
            .eventual("/v1.0/users/$count")
            .await
            .status,
        403
    );
}
