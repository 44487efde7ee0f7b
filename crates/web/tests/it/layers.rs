//! Ids, limits, failures in the protocol of the service, audit, headers.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Json, Path};
use axum::http::Method;
use axum::routing::{get, post};
use bytes::Bytes;
use hygie_core::{ErrorKind, Principal, PrincipalKind, TenantId};
use hygie_store::audit::Outcome;
use hygie_web::Asked;
use hygie_web::audit::Note;
use hygie_web::error::{OutcomeError, PageError, Pages};
use hygie_web::layers::FormAction;

use crate::world::{World, request};

fn nurse() -> Arc<Principal> {
    Arc::new(Principal {
        issuer: "https://login.example/".to_owned(),
        tenant: TenantId::from_uuid(uuid::Uuid::from_u128(1)),
        subject: hygie_core::ObjectId::from_uuid(uuid::Uuid::from_u128(2)),
        kind: PrincipalKind::User,
        app: None,
        groups: Vec::new(),
        app_roles: Vec::new(),
        scopes: Vec::new(),
        session: None,
        professional: None,
    })
}

#[derive(Debug, thiserror::Error)]
#[error("token of {0}")]
struct Refused(&'static str);

impl hygie_core::Fault for Refused {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Unauthenticated
    }

    fn code(&self) -> &'static str {
        "token-expired"
    }

    fn public(&self) -> String {
        "the token has expired".to_owned()
    }
}

#[tokio::test]
async fn unknown_routes_and_methods_answer_in_the_protocol() {
    let world = World::new(Router::new().route("/metadata", get(async || "{}")));
    let missing = world.get("/nowhere").await;
    assert_eq!((missing.status.as_u16(), missing.issue().as_str()), (404, "not-found"));
    let method = world
        .send(request(Method::DELETE, "/metadata", &[], Body::empty()))
        .await;
    assert_eq!(
        (method.status.as_u16(), method.issue().as_str()),
        (405, "not-supported")
    );
    assert_eq!(method.headers["allow"], "GET,HEAD");
    assert!(world.records().is_empty(), "public addresses are not recorded");
}

#[tokio::test]
async fn every_answer_has_ids_and_security_headers() {
    let world = World::new(Router::new().route("/", get(async || "ok")));
    let headers = [("x-request-id", "caller-1"), ("host", "fhir.example")];
    let answer = world.send(request(Method::GET, "/", &headers, Body::empty())).await;
    assert_eq!(answer.headers["x-correlation-id"], "caller-1");
    assert_ne!(answer.headers["x-request-id"], "caller-1");
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    assert_eq!(answer.headers["strict-transport-security"], "max-age=60");
    let other = world.get("/").await;
    assert_ne!(answer.headers["x-request-id"], other.headers["x-request-id"]);
}

#[tokio::test]
async fn bodies_are_limited_with_and_without_a_length() {
    let world = World::new(Router::new().route("/", post(async |body: Bytes| body.len().to_string())));
    let small = world
        .send(request(Method::POST, "/", &[], Body::from(vec![b'x'; 100])))
        .await;
    assert_eq!(small.text(), "100");
    let announced = request(
        Method::POST,
        "/",
        &[("content-length", "101")],
        Body::from(vec![b'x'; 101]),
    );
    let announced = world.send(announced).await;
    assert_eq!(
        (announced.status.as_u16(), announced.issue().as_str()),
        (413, "too-long")
    );
    let chunks = futures_util::stream::iter((0..11).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 10]))));
    let streamed = world
        .send(request(Method::POST, "/", &[], Body::from_stream(chunks)))
        .await;
    assert_eq!((streamed.status.as_u16(), streamed.issue().as_str()), (413, "too-long"));
}

#[tokio::test]
async fn an_upload_has_the_limits_of_its_handler() {
    let slow = async |body: Bytes| {
        tokio::time::sleep(Duration::from_millis(100)).await;
        body.len().to_string()
    };
    let world = World::within(
        Router::new().route("/upload", post(slow)),
        Arc::new(hygie_web::error::Outcome::default()),
        Duration::from_millis(20),
    );
    let large = request(
        Method::POST,
        "/upload",
        &[("content-length", "1000")],
        Body::from(vec![b'x'; 1000]),
    );
    assert_eq!(world.send(large).await.text(), "1000");
}

#[tokio::test]
async fn rejections_of_extractors_become_the_protocols_error() {
    let router = Router::new()
        .route("/json", post(async |_: Json<Vec<u8>>| "ok"))
        .route("/n/{n}", get(async |_: Path<u8>| "ok"));
    let world = World::new(router);
    let json = [("content-type", "application/json")];
    for (headers, body, status, code) in [
        (&json[..], "[1", 400, "invalid"),
        (&json[..], "{}", 422, "processing"),
        (&[][..], "[]", 415, "not-supported"),
    ] {
        let answer = world
            .send(request(Method::POST, "/json", headers, Body::from(body)))
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.issue().as_str()),
            (status, code),
            "{body}"
        );
    }
    assert_eq!(world.get("/n/300").await.issue(), "invalid");
}

#[tokio::test]
async fn a_slow_handler_is_503_and_a_slow_client_is_408() {
    let router = Router::new()
        .route("/slow", get(async || std::future::pending::<()>().await))
        .route("/read", post(async |_: Bytes| "ok"));
    let world = World::within(
        router,
        Arc::new(hygie_web::error::Outcome::default()),
        Duration::from_millis(50),
    );
    let slow = world.get("/slow").await;
    assert_eq!((slow.status.as_u16(), slow.issue().as_str()), (503, "timeout"));
    assert_eq!(slow.headers["retry-after"], "5");
    let never = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
    let late = world.send(request(Method::POST, "/read", &[], never)).await;
    assert_eq!((late.status.as_u16(), late.issue().as_str()), (408, "timeout"));
}

#[tokio::test]
async fn more_requests_than_wait_are_refused_at_once() {
    // The first waits for the third to be refused, the second for its turn.
    let gate = Arc::new(tokio::sync::Notify::new());
    let waiting = gate.clone();
    let slow = async move || {
        waiting.notified().await;
        waiting.notify_one();
        "ok"
    };
    let world = World::new(Router::new().route("/", get(slow)));
    let refused = async {
        let answer = world.get("/").await;
        gate.notify_one();
        answer
    };
    let (first, second, third) = tokio::join!(biased; world.get("/"), world.get("/"), refused);
    assert_eq!((first.text().as_str(), second.text().as_str()), ("ok", "ok"));
    assert_eq!((third.status.as_u16(), third.issue().as_str()), (429, "throttled"));
    assert_eq!(third.headers["retry-after"], "1");
}

#[tokio::test]
async fn a_panic_is_a_500_without_its_message() {
    async fn bug() -> &'static str {
        panic!("secret of the house")
    }
    let world = World::new(Router::new().route("/", get(bug)));
    let answer = world.get("/").await;
    assert_eq!((answer.status.as_u16(), answer.issue().as_str()), (500, "exception"));
    assert!(!answer.text().contains("secret"), "{}", answer.text());
    assert_eq!(world.get("/").await.status, 500, "the next request is served");
}

#[tokio::test]
async fn what_a_handler_did_is_recorded_before_the_answer() {
    async fn read(asked: Asked) -> (Note, &'static str) {
        asked.acts(nurse());
        let cx = asked.cx(nurse().tenant);
        assert_eq!(cx.principal, Some(nurse()));
        (Note::new("fhir.read", "Patient/1"), "{}")
    }
    async fn written(asked: Asked) -> (Note, &'static str) {
        asked.acts(nurse());
        (Note::recorded(), "{}")
    }
    async fn refused(asked: Asked) -> Result<&'static str, OutcomeError> {
        asked.acts(nurse());
        asked.note(Note::new("fhir.delete", "Patient/2"));
        Err(OutcomeError::new(ErrorKind::Forbidden, Vec::new()))
    }
    let router = Router::new()
        .route("/read/{id}", get(read))
        .route("/written", get(written))
        .route("/refused", get(refused));
    let world = World::new(router);

    assert_eq!(world.get("/read/1?name=Martin").await.status, 200);
    let [record] = &world.records()[..] else {
        panic!("one record")
    };
    assert_eq!(
        (record.action.as_ref(), record.object.as_str()),
        ("fhir.read", "Patient/1")
    );
    assert_eq!((record.outcome, record.reason.as_deref()), (Outcome::Success, None));
    assert_eq!(record.client, "192.0.2.7".parse().ok());
    assert_eq!(record.actor.as_ref().map(|actor| actor.subject), Some(nurse().subject));

    // Without trusted proxies nobody is believed on where they come from.
    let spoofed = [
        ("x-forwarded-for", "6.6.6.6"),
        ("forwarded", "for=6.6.6.6"),
        ("x-real-ip", "6.6.6.6"),
    ];
    world
        .send(request(Method::GET, "/read/1", &spoofed, Body::empty()))
        .await;
    assert_eq!(world.records()[0].client, "192.0.2.7".parse().ok());

    assert_eq!(world.get("/written").await.status, 200);
    assert!(world.records().is_empty(), "the transaction recorded it");

    assert_eq!(world.get("/refused").await.issue(), "forbidden");
    let [record] = &world.records()[..] else {
        panic!("one record")
    };
    assert_eq!(
        (record.action.as_ref(), record.outcome),
        ("fhir.delete", Outcome::Refused)
    );
    assert_eq!(record.reason.as_deref(), Some("forbidden"));

    *world.trail.full.lock() = true;
    let answer = world.get("/read/1").await;
    assert_eq!((answer.status.as_u16(), answer.issue().as_str()), (503, "exception"));
    assert!(!answer.text().contains("{}"), "the data did not leave");
}

#[tokio::test]
async fn a_handler_that_says_nothing_is_recorded_by_its_route() {
    async fn silent(asked: Asked) -> &'static str {
        asked.acts(nurse());
        "{}"
    }
    let world = World::new(Router::new().route("/{kind}/{id}", get(silent)));
    world.get("/Patient/jean-martin").await;
    let [record] = &world.records()[..] else {
        panic!("one record")
    };
    assert_eq!(
        (record.action.as_ref(), record.object.as_str()),
        ("fhir.get", "/{kind}/{id}")
    );
}

#[tokio::test]
async fn refusals_of_unknown_callers_are_counted_not_written_one_by_one() {
    let world = World::new(Router::new().route("/p", get(async || Err::<(), _>(OutcomeError::from(Refused("x"))))));
    for _ in 0..50 {
        assert_eq!(world.get("/p").await.issue(), "login");
    }
    assert!(world.records().is_empty());
    world.clock.0.store(60, Ordering::Relaxed);
    world.get("/p").await;
    let [record] = &world.records()[..] else {
        panic!("one record")
    };
    assert_eq!((record.count, record.reason.as_deref()), (51, Some("token-expired")));
    assert_eq!(record.client, "192.0.2.7".parse().ok());

    world.get("/p").await;
    world.layers.record_refusals().await.expect("the trail takes it");
    assert_eq!(
        world.records().iter().map(|record| record.count).sum::<u32>(),
        1,
        "none is lost at the stop"
    );
}

#[tokio::test]
async fn failures_of_unknown_callers_are_counted_too() {
    async fn token(asked: Asked) -> Result<&'static str, OutcomeError> {
        asked.note(Note::new("idp.token", "app/whatever-was-sent"));
        Err(OutcomeError::new(ErrorKind::Invalid, Vec::new()))
    }
    let world = World::new(Router::new().route("/token", post(token)));
    let send = || world.send(request(Method::POST, "/token", &[], Body::empty()));
    for _ in 0..50 {
        assert_eq!(send().await.status, 400);
    }
    assert!(world.records().is_empty(), "a flood does not fill the trail");
    world.layers.record_refusals().await.expect("the trail takes it");
    let [record] = &world.records()[..] else {
        panic!("one record")
    };
    assert_eq!(
        (
            record.action.as_ref(),
            record.count,
            record.outcome,
            record.object.as_str()
        ),
        ("idp.token", 50, Outcome::Failed, "")
    );
}

#[tokio::test]
async fn other_origins_may_call_open_routes_only() {
    let router = Router::new()
        .route("/open", post(async || "ok"))
        .route("/closed", post(async || "ok"));
    let world = World::new(router);
    let asking = [
        ("origin", "https://spa.example"),
        ("access-control-request-method", "POST"),
    ];
    let preflight = world
        .send(request(Method::OPTIONS, "/open", &asking, Body::empty()))
        .await;
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.headers["access-control-allow-origin"], "*");
    let call = world
        .send(request(Method::POST, "/open", &asking[..1], Body::empty()))
        .await;
    assert_eq!(call.headers["access-control-allow-origin"], "*");
    let closed = world
        .send(request(Method::OPTIONS, "/closed", &asking, Body::empty()))
        .await;
    assert_eq!(closed.status, 405);
    assert!(!closed.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn errors_are_pages_in_the_language_of_the_person() {
    let router = Router::new()
        .route(
            "/forbidden",
            get(async || PageError::new(ErrorKind::Forbidden, "AADSTS50105", "<b>not assigned</b>")),
        )
        .route("/csrf", get(async || PageError::from(hygie_web::csrf::CsrfError)));
    let world = World::with(router, Arc::new(Pages));
    let french = world.get("/forbidden").await;
    assert_eq!(french.status, 403);
    assert_eq!(french.headers["content-type"], "text/html; charset=utf-8");
    let reference = french.headers["x-request-id"].to_str().expect("a UUID");
    for expected in [
        "<html lang=\"fr\"",
        "Vous n’avez pas accès",
        reference,
        "AADSTS50105",
        "&#60;b&#62;not assigned",
    ] {
        assert!(french.text().contains(expected), "{expected} in {}", french.text());
    }
    assert!(world.get("/csrf").await.text().contains("ouverte trop longtemps"));
    let headers = [("accept-language", "en"), ("cookie", "__Host-hygie-theme=dark")];
    let english = world
        .send(request(Method::GET, "/nowhere", &headers, Body::empty()))
        .await;
    for expected in ["<html lang=\"en\" data-theme=\"dark\"", "This page does not exist"] {
        assert!(english.text().contains(expected), "{expected}");
    }
}

#[tokio::test]
async fn what_may_pass_can_be_tried_again() {
    let down = async || PageError::new(ErrorKind::Unavailable, "unavailable", "the database is away");
    let router = Router::new().route("/list", get(down).post(down));
    let world = World::with(router, Arc::new(Pages));
    let again = "href=\"/list?page=2&#38;sort=name\">Réessayer";
    let page = world.get("/list?page=2&sort=name").await;
    assert!(page.text().contains(again), "{}", page.text());
    // What was sent with a form is not sent again by a link.
    let sent = world.send(request(Method::POST, "/list", &[], Body::empty())).await;
    assert!(!sent.text().contains("Réessayer</a>"), "{}", sent.text());
    assert!(!world.get("/nowhere").await.text().contains("Réessayer</a>"));
}

#[tokio::test]
async fn a_page_may_widen_where_its_form_leads() {
    let router = Router::new().route("/", get(async || (FormAction::to("http://localhost:5000/cb"), "page")));
    let answer = World::new(router).get("/").await;
    let policy = answer.headers["content-security-policy"].to_str().expect("ASCII");
    assert!(
        policy.ends_with("form-action 'self' https: http://localhost:5000"),
        "{policy}"
    );
}

#[tokio::test]
async fn only_some_bodies_may_be_larger() {
    let length = async |body: Bytes| body.len().to_string();
    let world = World::new(Router::new().route("/", post(length)).route("/larger", post(length)));
    for (path, bytes, status) in [("/", 101, 413), ("/larger", 200, 200), ("/larger", 201, 413)] {
        let answer = world
            .send(request(Method::POST, path, &[], Body::from(vec![b'x'; bytes])))
            .await;
        assert_eq!(answer.status.as_u16(), status, "{path} {bytes}");
    }
}
