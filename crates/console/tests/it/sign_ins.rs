//! Sign-ins that are asked for by a filter, and their files.

use http::StatusCode;
use serde_json::{Value, json};

use crate::world::World;

const LOG: &str = "GET /v1.0/auditLogs/signIns";
/// Each option of the form, and what it comes to.
const ALL: &str = "q=O%27Neil%40ch-demo.example&application=Dossier&outcome=failure&code=50126&access=notApplied\
    &from=2026-11-01&until=2026-11-02";
const CLAUSE: &str = "userPrincipalName eq 'o''neil@ch-demo.example' and startsWith(appDisplayName,'Dossier') \
    and createdDateTime ge 2026-11-01T00:00:00.000Z and createdDateTime le 2026-11-02T23:59:59.999Z \
    and status/errorCode eq 50126 and status/errorCode ne 0 \
    and conditionalAccessStatus eq 'notApplied'";

fn entry(id: &str, name: &str) -> Value {
    json!({ "id": id, "userDisplayName": name, "userPrincipalName": "anna@ch-demo.example", "appDisplayName": "Dossier",
        "createdDateTime": "2026-11-01T08:00:00Z", "status": { "errorCode": 50126, "failureReason": "Wrong, or \"not\"" },
        "location": { "city": "Lyon", "countryOrRegion": null }, "isInteractive": true, "more": ["kept"] })
}

fn listed(entries: &[Value], next: Option<&str>) -> Value {
    let mut page = json!({ "value": entries });
    if let Some(token) = next {
        page["@odata.nextLink"] = format!("https://graph.example/v1.0/auditLogs/signIns?$skiptoken={token}").into();
    }
    page
}

/// The options of the requests for the log, one after the other.
fn options(world: &World) -> Vec<Vec<(String, String)>> {
    let asked = world.asked(LOG);
    let queries = asked
        .iter()
        .map(|asked| asked.line.split_once('?').map_or("", |(_, query)| query));
    queries
        .map(|query| url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
        .collect()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[tokio::test]
async fn a_filter_stands_in_the_address_and_its_pages_keep_it() {
    let world = World::signed_in().await;
    world
        .script
        .answer(LOG, 200, listed(&[entry("1", "Anna")], Some("two")));
    let page = world.client.get(&format!("/admin/sign-ins?{ALL}")).await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert_eq!(options(&world), [[pair("$top", "25"), pair("$filter", CLAUSE)]]);
    let text = page.text();
    for kept in [
        "value=\"O&#39;Neil@ch-demo.example\"",
        "name=\"application\" type=\"text\" value=\"Dossier\"",
        "type=\"date\" value=\"2026-11-02\"",
        "<details class=\"more\" open>",
        "<option value=\"failure\" selected>",
        "<option value=\"notApplied\" selected>",
    ] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
    let next = text
        .split("href=\"/admin/sign-ins?")
        .find(|rest| rest.contains("rel=\"next\""))
        .unwrap();
    let next = next.split('"').next().unwrap().replace("&#38;", "&");
    world.script.asked.lock().clear();
    world.client.get(&format!("/admin/sign-ins?{next}")).await;
    let wanted = [pair("$top", "25"), pair("$filter", CLAUSE), pair("$skiptoken", "two")];
    assert_eq!(options(&world), [wanted]);
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_told_beside_its_field() {
    let world = World::signed_in().await;
    for (wrong, told) in [
        ("code=x", "id=\"code-error\""),
        ("from=2026-02-30", "id=\"from-error\""),
        ("until=01%2F11%2F2026", "id=\"until-error\""),
    ] {
        let page = world.client.get(&format!("/admin/sign-ins?{wrong}")).await;
        assert_eq!(page.status, 200);
        assert!(page.text().contains(told), "{wrong}: {}", page.text());
        let file = world
            .client
            .get(&format!("/admin/sign-ins/export?{wrong}&format=csv"))
            .await;
        assert_eq!(file.location(), format!("/admin/sign-ins?{wrong}"));
    }
    assert!(world.asked("GET").is_empty(), "{:?}", world.asked("GET"));
}

#[tokio::test]
async fn what_a_filter_finds_is_a_file_read_page_by_page() {
    let world = World::signed_in().await;
    world.script.answer(
        LOG,
        200,
        listed(&[entry("1", "Anna"), entry("2", "=cmd|'x'!A0")], Some("two")),
    );
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("$top", "250")
        .append_pair("$filter", "status/errorCode eq 50126")
        .append_pair("$skiptoken", "two")
        .finish();
    world.script.answer(
        &format!("{LOG}?{query}"),
        200,
        listed(&[entry("3", "Zoé; Martin")], None),
    );
    let address = "/admin/sign-ins/export?code=50126&format=";

    let file = world.client.get(&format!("{address}ndjson")).await;
    assert_eq!(file.header("content-type"), "application/x-ndjson");
    assert_eq!(
        file.header("content-disposition"),
        "attachment; filename=\"sign-ins.ndjson\""
    );
    let lines: Vec<Value> = file
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        lines,
        [entry("1", "Anna"), entry("2", "=cmd|'x'!A0"), entry("3", "Zoé; Martin")]
    );
    assert_eq!(options(&world).len(), 2);

    let file = world.client.get(&format!("{address}csv")).await;
    assert_eq!(file.header("cache-control"), "no-store");
    let rows: Vec<&str> = file.text().split("\r\n").collect();
    assert!(
        rows[0].starts_with("\u{feff}createdDateTime;userDisplayName;userPrincipalName;"),
        "{}",
        rows[0]
    );
    assert!(
        rows[1].starts_with("2026-11-01T08:00:00Z;Anna;anna@ch-demo.example;"),
        "{}",
        rows[1]
    );
    assert!(rows[1].contains(";Lyon;;"), "{}", rows[1]);
    assert!(
        rows[1].contains(";true;50126;\"Wrong, or \"\"not\"\"\";"),
        "{}",
        rows[1]
    );
    assert!(rows[2].contains(";'=cmd|'x'!A0;"), "{}", rows[2]);
    assert!(rows[3].contains(";\"Zoé; Martin\";"), "{}", rows[3]);
    assert_eq!((rows.len(), rows[4]), (5, ""));
}

#[tokio::test]
async fn a_file_ends_at_its_bound_and_says_so() {
    let world = World::signed_in().await;
    let page: Vec<Value> = (0..250).map(|id| json!({ "id": id.to_string() })).collect();
    world.script.answer(LOG, 200, listed(&page, Some("again")));
    let file = world.client.get("/admin/sign-ins/export?format=ndjson").await;
    let lines: Vec<&str> = file.text().lines().collect();
    assert_eq!((lines.len(), options(&world).len()), (100_001, 400));
    let last: Value = serde_json::from_str(lines[100_000]).unwrap();
    assert_eq!(last["isTruncated"], true, "{last}");
    // What ends there has everything.
    let token = [("$top", "250"), ("$skiptoken", "again")];
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(token)
        .finish();
    world.script.answer(&format!("{LOG}?{query}"), 200, listed(&page, None));
    let file = world.client.get("/admin/sign-ins/export?format=ndjson").await;
    assert_eq!(file.text().lines().count(), 500);
    assert!(!file.text().contains("isTruncated"));
}

#[tokio::test]
async fn a_refused_file_is_a_page() {
    let world = World::signed_in().await;
    world.script.answer(LOG, 403, json!({}));
    let page = world.client.get("/admin/sign-ins/export?format=csv").await;
    assert_eq!(
        (page.status, page.header("content-disposition")),
        (StatusCode::FORBIDDEN, "")
    );
    let page = world.client.get("/admin/sign-ins/export?format=xlsx").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_entry_tells_what_the_log_says_of_a_card() {
    let world = World::signed_in().await;
    let mut told = entry("1", "Anna");
    told["authenticationProcessingDetails"] = json!([
        { "key": "User certificate subject name", "value": "CN=<Anna>" },
        { "key": "Something new", "value": "as it is" },
    ]);
    world.script.answer(&format!("{LOG}/1"), 200, told);
    let page = world.client.get("/admin/sign-ins/1").await;
    let text = page.text();
    for told in [
        "<dt>Sujet de la carte</dt><dd>CN=&#60;Anna&#62;</dd>",
        "<dt>Something new</dt><dd>as it is</dd>",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    world.script.answer(&format!("{LOG}/1"), 200, entry("1", "Anna"));
    let page = world.client.get("/admin/sign-ins/1").await;
    assert!(!page.text().contains("Sujet de la carte"), "{}", page.text());
}

#[tokio::test]
async fn a_table_is_as_spreadsheets_of_the_language_read_it() {
    let world = World::signed_in().await;
    world.script.answer(LOG, 200, listed(&[], None));
    for (lang, head) in [
        ("fr", "createdDateTime;userDisplayName;"),
        ("en", "createdDateTime,userDisplayName,"),
    ] {
        let file = world
            .client
            .get(&format!("/admin/sign-ins/export?format=csv&lang={lang}"))
            .await;
        assert!(file.text().contains(head), "{lang}: {}", file.text());
    }
}
