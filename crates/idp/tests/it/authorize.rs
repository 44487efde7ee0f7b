//! The authorization code grant, from the first request to the tokens.

use hygie_directory::{Definition, PreAuthorized, Scope};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{CHALLENGE, FHIR, LOGIN, LOOPBACK, SPA, WEB, World, claims, code_of, exchange};

/// The claims with what is random or made at the start replaced.
fn golden(world: &World, token: &Value) -> String {
    let mut claims = claims(token);
    for name in ["aio", "rh", "uti", "sid", "sub", "exp", "groups"] {
        if let Some(value) = claims.get_mut(name) {
            *value = json!("…");
        }
    }
    let text = serde_json::to_string_pretty(&claims).unwrap();
    [
        (world.portal.to_string(), "[portal]"),
        (world.api.to_string(), "[api]"),
        (world.nurse.to_string(), "[nurse]"),
    ]
    .iter()
    .fold(text, |text, (id, name)| text.replace(id, name))
}

#[tokio::test]
async fn a_nurse_signs_in_and_the_portal_gets_its_tokens() {
    let world = World::new().await;
    let browser = world.browser();
    let answer = world
        .sign_in(&browser, &world.authorize(world.portal, WEB, &[("client_info", "1")]))
        .await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert!(
        answer.location().starts_with("https://portal.example/callback?code="),
        "{}",
        answer.location()
    );
    assert_eq!(answer.redirect_param("state").as_deref(), Some("st&te"));
    let info = hygie_jose::base64url::decode(answer.redirect_param("client_info").unwrap()).unwrap();
    let info: Value = serde_json::from_slice(&info).unwrap();
    assert_eq!(
        info,
        json!({ "uid": world.nurse.to_string(), "utid": world.tenant.to_string() })
    );

    let answer = world.redeem(&answer.redirect_param("code").unwrap()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            "token_type",
            "scope",
            "expires_in",
            "ext_expires_in",
            "access_token",
            "refresh_token",
            "id_token",
            "client_info"
        ]
    );
    assert_eq!(body["scope"], format!("{FHIR}/user_impersonation"));
    insta::assert_snapshot!("user_access_v1", golden(&world, &body["access_token"]));
    insta::assert_snapshot!("user_id_v2", golden(&world, &body["id_token"]));
    let session = answer_session(&world, &body);
    assert_eq!(claims(&body["access_token"])["sid"], session);
}

fn answer_session(world: &World, body: &Value) -> Value {
    assert_eq!(
        world.verified(&body["id_token"]).claims.audience,
        [world.portal.to_string()]
    );
    claims(&body["id_token"])["sid"].clone()
}

#[tokio::test]
async fn subjects_are_pairwise_and_stable() {
    let world = World::new().await;
    let first = world.code_flow(&[]).await;
    let api = "openid profile offline_access api://records//read api://records//write";
    let second = world.code_flow(&[("scope", api)]).await;
    let subject = |body: &Value, name: &str| claims(&body[name])["sub"].as_str().unwrap().to_owned();
    assert_eq!(subject(&first, "id_token"), subject(&second, "id_token"), "one client");
    assert_ne!(
        subject(&first, "id_token"),
        subject(&first, "access_token"),
        "client and resource"
    );
    assert_ne!(
        subject(&first, "access_token"),
        subject(&second, "access_token"),
        "two resources"
    );
    assert_eq!(subject(&first, "id_token").len(), 43);
    assert_eq!(second["scope"], "api://records//read api://records//write");
    insta::assert_snapshot!("user_access_v2", golden(&world, &second["access_token"]));
    // A resource of version 2 is told who it is by name only where the application asked for the profile.
    let nameless = world.code_flow(&[("scope", "openid api://records//read")]).await;
    let told = claims(&nameless["access_token"]);
    assert_eq!(
        (&told["oid"], &told["scp"]),
        (&json!(world.nurse.to_string()), &json!("read"))
    );
    assert!(!told.to_string().contains("Martin"), "{told}");
    let groups = claims(&second["access_token"])["groups"].as_array().unwrap().clone();
    assert_eq!(groups.len(), 2, "the group, and the group it is in");
    assert!(groups.contains(&json!(world.nurses.to_string())));
    assert!(
        claims(&first["access_token"]).get("groups").is_none(),
        "the FHIR service did not ask for groups"
    );
}

#[tokio::test]
async fn default_gives_what_is_granted() {
    let world = World::new().await;
    let body = world.code_flow(&[("scope", "openid api://records//.default")]).await;
    assert_eq!(
        body["scope"],
        "api://records//read api://records//write api://records//.default"
    );
    assert_eq!(claims(&body["access_token"])["scp"], "read write");
    assert!(body.get("refresh_token").is_none(), "offline_access was not asked for");
    assert!(
        claims(&body["id_token"]).get("preferred_username").is_none(),
        "nor profile"
    );
    let only_oidc = world.code_flow(&[("scope", "openid email")]).await;
    assert_eq!(only_oidc["scope"], "openid email");
    assert_eq!(
        claims(&only_oidc["access_token"])["aud"],
        hygie_directory::DIRECTORY_API.to_string()
    );
    assert_eq!(claims(&only_oidc["id_token"])["email"], "anna.martin@ch-demo.example");
}

#[tokio::test]
async fn a_code_is_good_once_for_its_client_its_address_and_its_verifier() {
    let world = World::new().await;
    let browser = world.browser();
    let request = world.authorize(world.portal, WEB, &[]);
    let first = world.sign_in(&browser, &request).await.redirect_param("code").unwrap();
    let id = world.portal.to_string();
    let spa = world.spa.to_string();
    let usual = [
        &exchange(&id, &first, WEB)[..],
        &[("client_secret", world.secret.as_str())],
    ]
    .concat();
    let wrong = "x".repeat(43);
    let cut = &first[..first.len() - 2];
    for (name, value, code) in [
        ("client_secret", "wrong", 7_000_215),
        ("client_secret", "", 7_000_218),
        ("client_id", spa.as_str(), 70_000),
        ("redirect_uri", "https://portal.example/other", 500_112),
        ("code_verifier", wrong.as_str(), 501_481),
        ("code_verifier", "short", 50_147),
        ("code_verifier", "", 501_481),
        ("code", cut, 70_000),
        ("scope", "api://records//read openid", 200),
    ] {
        let fields: Vec<(&str, &str)> = usual
            .iter()
            .copied()
            .filter(|(n, _)| *n != name)
            .chain([(name, value)])
            .collect();
        let answer = world.token(&fields).await;
        if code == 200 {
            // Another resource that is consented to, at the token leg.
            assert_eq!(answer.status, 200, "{}", answer.text());
        } else {
            assert_eq!(code_of(&answer), code, "{name}={value} {}", answer.text());
        }
    }
    let elsewhere = world
        .browser()
        .post(&format!("/{}/oauth2/v2.0/token", world.other), &usual)
        .await;
    assert_eq!(code_of(&elsewhere), 700_005);
    assert_eq!(code_of(&world.token(&usual).await), 54_005);

    let late = browser.get(&request).await.redirect_param("code").unwrap();
    world.clock.advance(std::time::Duration::from_mins(5));
    assert_eq!(code_of(&world.redeem(&late).await), 70_008);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_one_redeems_a_code() {
    let world = World::new().await;
    let code = world.code(world.portal, WEB, &[]).await;
    let world = std::sync::Arc::new(world);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let (world, code) = (world.clone(), code.clone());
        tasks.spawn(async move { world.redeem(&code).await });
    }
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert!(
        answers
            .iter()
            .filter(|answer| answer.status != 200)
            .all(|answer| code_of(answer) == 54_005)
    );
    // A race is a reuse: what the winner got is revoked.
    let winner = answers.iter().find(|answer| answer.status == 200).unwrap().json();
    assert_eq!(
        code_of(&world.refresh(winner["refresh_token"].as_str().unwrap(), &[]).await),
        50_173
    );
}

#[tokio::test]
async fn a_reused_code_revokes_what_was_issued() {
    let world = World::new().await;
    let code = world.code(world.portal, WEB, &[]).await;
    let body = world.redeem(&code).await.json();
    let refresh = body["refresh_token"].as_str().unwrap();
    assert_eq!(world.refresh(refresh, &[]).await.status, 200);
    assert_eq!(code_of(&world.redeem(&code).await), 54_005);
    let after = world.refresh(refresh, &[]).await;
    assert_eq!(
        (code_of(&after), &after.json()["suberror"]),
        (50_173, &json!("bad_token"))
    );
}

#[tokio::test]
async fn public_clients_prove_nothing_but_need_pkce() {
    let world = World::new().await;
    let browser = world.browser();
    let id = world.native.to_string();
    // The port of a loopback address is the application's to choose.
    let address = format!("{LOOPBACK}:51000");
    let bare = world.authorize(
        world.native,
        &address,
        &[("code_challenge", ""), ("code_challenge_method", "")],
    );
    let refused = browser.get(&bare).await;
    assert!(
        refused
            .location()
            .starts_with("http://localhost:51000/?error=invalid_request"),
        "{}",
        refused.location()
    );
    assert!(
        refused
            .redirect_param("error_description")
            .unwrap()
            .starts_with("AADSTS9002325:")
    );
    let answer = world
        .sign_in(&browser, &world.authorize(world.native, &address, &[]))
        .await;
    let code = answer.redirect_param("code").unwrap();
    let fields = exchange(&id, &code, &address);
    let with_secret = [&fields[..], &[("client_secret", "s")]].concat();
    assert_eq!(code_of(&world.token(&with_secret).await), 700_025);
    let token = world.path("oauth2/v2.0/token");
    let from_page = world
        .browser()
        .post_with(&token, &[("origin", "https://evil.example")], &fields)
        .await;
    assert_eq!(code_of(&from_page), 9_002_326);
    assert_eq!(from_page.header("access-control-allow-origin"), "");
    let body = world.token(&fields).await.json();
    assert_eq!(claims(&body["access_token"])["appidacr"], "0");
}

#[tokio::test]
async fn single_page_applications_redeem_from_their_origin() {
    let world = World::new().await;
    let code = world.code(world.spa, SPA, &[]).await;
    let id = world.spa.to_string();
    let fields = exchange(&id, &code, SPA);
    assert_eq!(code_of(&world.token(&fields).await), 9_002_327);
    let token = world.path("oauth2/v2.0/token");
    let origin = ("origin", "https://spa.example");
    let preflight = world
        .browser()
        .send(
            http::Method::OPTIONS,
            &token,
            &[origin, ("access-control-request-method", "POST")],
            axum::body::Body::empty(),
        )
        .await;
    assert_eq!(
        (
            preflight.status.as_u16(),
            preflight.header("access-control-allow-origin")
        ),
        (204, "https://spa.example")
    );
    let answer = world.browser().post_with(&token, &[origin], &fields).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("access-control-allow-origin"), "https://spa.example");
    let body = answer.json();
    assert_eq!(body["refresh_token_expires_in"], 86_400);
    // Errors can be read by the page too.
    let again = world.browser().post_with(&token, &[origin], &fields).await;
    assert_eq!(
        (code_of(&again), again.header("access-control-allow-origin")),
        (54_005, "https://spa.example")
    );
}

#[tokio::test]
async fn refusals_go_to_the_application_once_its_address_is_known() {
    let world = World::new().await;
    let browser = world.browser();
    for (other, error, code) in [
        (vec![("scope", "")], "invalid_request", 900_144),
        (vec![("response_type", "magic")], "unsupported_response_type", 70_005),
        (
            vec![("response_type", "code token")],
            "unsupported_response_type",
            70_005,
        ),
        (vec![("response_mode", "web")], "invalid_request", 70_007),
        (vec![("resource", FHIR)], "invalid_request", 901_002),
        (vec![("code_challenge", "short")], "invalid_request", 501_491),
        (vec![("prompt", "none")], "login_required", 50_058),
        (
            vec![("prompt", "none"), ("sid", "7d1f4c7e-58c3-4a3b-9f0e-2b6a1c9d8e11")],
            "login_required",
            160_021,
        ),
        (
            vec![("response_type", "id_token"), ("response_mode", "query")],
            "invalid_request",
            70_007,
        ),
        (
            vec![("response_type", "id_token"), ("nonce", "")],
            "invalid_request",
            900_144,
        ),
    ] {
        let answer = browser.get(&world.authorize(world.portal, WEB, &other)).await;
        assert_eq!(answer.status, 302, "{other:?} {}", answer.text());
        assert_eq!(answer.redirect_param("error").as_deref(), Some(error), "{other:?}");
        assert_eq!(answer.redirect_param("state").as_deref(), Some("st&te"), "{other:?}");
        assert_eq!(
            answer.redirect_param("error_uri"),
            Some(format!("{LOGIN}/error?code={code}")),
            "{other:?}"
        );
        assert!(answer.location().starts_with(WEB));
    }
    // A response type that is not enabled, in the fragment, where its answer would have been.
    let answer = browser
        .get(&world.authorize(world.spa, SPA, &[("response_type", "id_token")]))
        .await;
    assert!(
        answer
            .location()
            .starts_with("https://spa.example/#error=unsupported_response_type"),
        "{}",
        answer.location()
    );
}

#[tokio::test]
async fn refusals_that_must_not_redirect_are_pages() {
    let world = World::new().await;
    let browser = world.browser();
    let unknown = "00000000-0000-4000-8000-000000000000".parse().unwrap();
    for (request, status, code) in [
        (world.authorize(unknown, WEB, &[]), 400, 700_016),
        (world.authorize(world.portal, "https://evil.example/", &[]), 400, 50_011),
        (
            world.authorize(world.portal, "https://portal.example/callback/", &[]),
            400,
            50_011,
        ),
        (world.authorize(world.portal, WEB, &[("client_id", "")]), 400, 900_144),
        (world.authorize(world.fhir, WEB, &[]), 400, 50_011),
        (world.authorize(world.fhir, WEB, &[("redirect_uri", "")]), 400, 900_971),
        (
            world
                .authorize(world.portal, WEB, &[])
                .replace(&world.tenant.to_string(), "nowhere.example"),
            400,
            90_002,
        ),
        (
            world
                .authorize(world.portal, WEB, &[])
                .replace(&world.tenant.to_string(), "consumers"),
            400,
            90_130,
        ),
        (
            world
                .authorize(world.spa, SPA, &[])
                .replace(&world.tenant.to_string(), "organizations"),
            400,
            50_194,
        ),
        (
            world.path("oauth2/v2.0/authorize?client_id=a&client_id=b"),
            400,
            9_002_313,
        ),
    ] {
        let answer = browser.get(&request).await;
        assert_eq!(answer.status, status, "{request}");
        assert_eq!(answer.location(), "", "{request}");
        assert!(
            answer.text().contains(&format!("AADSTS{code}")),
            "{request} {}",
            answer.text()
        );
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(
            answer.text().contains(answer.header("x-ms-request-id")),
            "the reference for support"
        );
    }
    let hostile = world.authorize(world.portal, "https://evil.example/\"><script>", &[]);
    assert!(
        !browser.get(&hostile).await.text().contains("<script>"),
        "what the request said is escaped"
    );
}

#[tokio::test]
async fn consent_is_needed_for_each_resource() {
    let world = World::new().await;
    let browser = world.browser();
    world.sign_in(&browser, &world.authorize(world.portal, WEB, &[])).await;
    for (scope, code) in [
        (format!("openid {FHIR}/patient.write"), "AADSTS650053"),
        (format!("openid {FHIR}/user_impersonation User.Read"), "AADSTS90094"),
    ] {
        let page = browser
            .get(&world.authorize(world.portal, WEB, &[("scope", &scope)]))
            .await;
        if code == "AADSTS650053" {
            let told = page.redirect_param("error_description").unwrap_or_default();
            assert!(told.starts_with(code), "{scope}: {told}");
        } else {
            assert_eq!(page.status, 400, "{scope}");
            assert!(page.text().contains(code) && page.text().contains("Portal"), "{scope}");
        }
        let silent = browser
            .get(&world.authorize(world.portal, WEB, &[("scope", &scope), ("prompt", "none")]))
            .await;
        assert_eq!(
            silent.redirect_param("error").as_deref(),
            Some("consent_required"),
            "{scope}"
        );
    }
    let scope = "openid https://nowhere.example/x";
    let unknown = browser
        .get(&world.authorize(world.portal, WEB, &[("scope", scope)]))
        .await;
    assert_eq!(unknown.redirect_param("error").as_deref(), Some("invalid_resource"));
}

#[tokio::test]
async fn a_client_that_a_resource_trusts_needs_no_consent() {
    let world = World::new().await;
    let asked = [("scope", "openid offline_access api://records//share")];
    let share = Uuid::from_u128(0x5ba2e);
    let offer = |definition: &mut Definition| {
        definition.scopes.push(Scope {
            id: share,
            value: "share".to_owned(),
            display_name: "Share records".to_owned(),
            ..Scope::default()
        });
    };
    world.registered_with(world.api, offer).await;
    let browser = world.browser();
    world.sign_in(&browser, &world.authorize(world.portal, WEB, &[])).await;
    let silent = [asked[0], ("prompt", "none")];
    let refused = browser.get(&world.authorize(world.portal, WEB, &silent)).await;
    assert_eq!(refused.redirect_param("error").as_deref(), Some("consent_required"));
    let trust = |definition: &mut Definition| {
        definition.pre_authorized_applications = vec![PreAuthorized {
            app_id: world.portal,
            delegated_permission_ids: vec![share],
        }];
    };
    world.registered_with(world.api, trust).await;
    let tokens = world.code_flow(&asked).await;
    assert_eq!(claims(&tokens["access_token"])["scp"], "share");
    // The trust of the resource is taken back at once.
    let refresh = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(world.refresh(refresh, &[]).await.status, 200);
    let distrust = |definition: &mut Definition| definition.pre_authorized_applications.clear();
    world.registered_with(world.api, distrust).await;
    let answer = browser.get(&world.authorize(world.portal, WEB, &silent)).await;
    assert_eq!(answer.redirect_param("error").as_deref(), Some("consent_required"));
}

#[tokio::test]
async fn tokens_through_the_browser_are_bound_to_the_request() {
    let world = World::new().await;
    let browser = world.browser();
    let answer = world
        .sign_in(
            &browser,
            &world.authorize(world.portal, WEB, &[("response_type", "code id_token")]),
        )
        .await;
    assert!(
        answer.location().starts_with("https://portal.example/callback#code="),
        "{}",
        answer.location()
    );
    let id_token = claims(&json!(answer.redirect_param("id_token").unwrap()));
    let half = |text: &str| hygie_jose::base64url::encode(&hygie_jose::digest::sha256(text)[..16]);
    assert_eq!(id_token["c_hash"], half(&answer.redirect_param("code").unwrap()));
    assert_eq!(id_token["nonce"], "n-1");
    let answer = browser
        .get(&world.authorize(world.portal, WEB, &[("response_type", "id_token token")]))
        .await;
    let id_token = claims(&json!(answer.redirect_param("id_token").unwrap()));
    let access = answer.redirect_param("access_token").unwrap();
    assert_eq!(id_token["at_hash"], half(&access));
    assert_eq!(answer.redirect_param("token_type").as_deref(), Some("Bearer"));
    assert_eq!(answer.redirect_param("code"), None);
}

#[tokio::test]
async fn form_post_is_a_page_that_posts() {
    let world = World::new().await;
    let browser = world.browser();
    let request = world.authorize(world.portal, WEB, &[("response_mode", "form_post")]);
    let page = world.sign_in(&browser, &request).await;
    assert_eq!(page.status, 200);
    assert!(
        page.text().contains("action=\"https://portal.example/callback\""),
        "{}",
        page.text()
    );
    assert_eq!(page.field("state").as_deref(), Some("st&te"));
    assert!(
        page.header("content-security-policy")
            .contains("form-action 'self' https:")
    );
    assert_eq!(world.redeem(&page.field("code").unwrap()).await.status, 200);
    // A request that is posted is sent on as GET, so that the browser gives its session.
    let (path, query) = request.split_once('?').unwrap();
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let sent_on = browser.post(path, &fields).await;
    assert_eq!(sent_on.status, 303);
    assert_eq!(
        browser.get(sent_on.location()).await.field("state").as_deref(),
        Some("st&te")
    );
}

#[tokio::test]
async fn version_1_endpoints_speak_of_resources() {
    let world = World::new().await;
    let browser = world.browser();
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", &world.portal.to_string())
        .append_pair("response_type", "code")
        .append_pair("redirect_uri", WEB)
        .append_pair("resource", FHIR)
        .append_pair("nonce", "n-1")
        .append_pair("code_challenge", CHALLENGE)
        .append_pair("code_challenge_method", "S256")
        .finish();
    let answer = world
        .sign_in(&browser, &world.path(&format!("oauth2/authorize?{query}")))
        .await;
    let code = answer.redirect_param("code").unwrap();
    let id = world.portal.to_string();
    let fields = [
        &exchange(&id, &code, WEB)[..],
        &[("client_secret", world.secret.as_str()), ("resource", FHIR)],
    ]
    .concat();
    let body = browser.post(&world.path("oauth2/token"), &fields).await.json();
    assert_eq!(
        (&body["resource"], &body["scope"]),
        (&json!(FHIR), &json!("user_impersonation"))
    );
    assert!(body["refresh_token"].is_string() && body["expires_on"].is_string());
    insta::assert_snapshot!("user_id_v1", golden(&world, &body["id_token"]));
}

#[tokio::test]
async fn organizations_find_the_tenant_by_the_name() {
    let world = World::new().await;
    let browser = world.browser();
    let request = world
        .authorize(world.portal, WEB, &[])
        .replace(&world.tenant.to_string(), "organizations");
    let answer = world.sign_in(&browser, &request).await;
    let code = answer.redirect_param("code").unwrap();
    let id = world.portal.to_string();
    let fields = [
        &exchange(&id, &code, WEB)[..],
        &[("client_secret", world.secret.as_str())],
    ]
    .concat();
    let answer = browser.post("/organizations/oauth2/v2.0/token", &fields).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        claims(&answer.json()["id_token"])["iss"],
        format!("{LOGIN}/{}/v2.0", world.tenant)
    );
    assert_eq!(claims(&answer.json()["id_token"])["tid"], world.tenant.to_string());
}

#[tokio::test]
async fn a_posted_request_leads_nowhere_else() {
    let world = World::new().await;
    let (path, query) = world
        .authorize(world.portal, WEB, &[])
        .split_once('?')
        .map(|(path, query)| (path.to_owned(), query.to_owned()))
        .unwrap();
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    for segment in ["\\evil.example", "%5Cevil.example", "evil.example", "@evil.example"] {
        let elsewhere = path.replace(&world.tenant.to_string(), segment);
        let answer = world.browser().post(&elsewhere, &fields).await;
        assert_eq!((answer.status.as_u16(), answer.location()), (400, ""), "{segment}");
        assert!(answer.text().contains("AADSTS90002"), "{segment}");
    }
}
