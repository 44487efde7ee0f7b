//! The accept loop: choice by name, misdirected requests, limits, graceful stop.

use std::net::SocketAddr;
use std::time::Duration;

use hygie_server::listen::{Limits, Listener, Speech};
use reqwest::{StatusCode, Version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::TestListener;

const LOCAL: &[&str] = &["localhost", "127.0.0.1"];
const LOGIN: &[&str] = &["login.hygie.test"];
const FHIR: &[&str] = &["fhir.hygie.test"];

#[tokio::test]
async fn http_2_and_1_are_spoken_and_the_peer_is_known() {
    let server = TestListener::start(Limits::default(), &[LOCAL]).await;
    let answer = server
        .client()
        .build()
        .unwrap()
        .get(server.url("localhost", "/peer"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.version(), Version::HTTP_2);
    assert_eq!(answer.text().await.unwrap(), "127.0.0.1");
    let old = server.client().http1_only().build().unwrap();
    let answer = old.get(server.url("127.0.0.1", "/name")).send().await.unwrap();
    assert_eq!((answer.version(), answer.status()), (Version::HTTP_11, StatusCode::OK));
}

#[tokio::test]
async fn the_name_chooses_the_site_and_another_host_is_misdirected() {
    let server = TestListener::start(Limits::default(), &[LOGIN, FHIR]).await;
    for (name, host) in [("login.hygie.test", LOGIN), ("fhir.hygie.test", FHIR)] {
        let client = server.client().build().unwrap();
        let text = client
            .get(server.url(name, "/name"))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        assert_eq!(text, host[0]);
    }
    for builder in [server.client(), server.client().http1_only()] {
        let request = builder.build().unwrap().get(server.url("login.hygie.test", "/name"));
        let answer = request.header("host", "fhir.hygie.test").send().await.unwrap();
        assert!(
            [StatusCode::MISDIRECTED_REQUEST, StatusCode::BAD_REQUEST].contains(&answer.status()),
            "{:?} {}",
            answer.version(),
            answer.status()
        );
    }
    let stranger = server
        .client()
        .resolve("other.hygie.test", server.address)
        .build()
        .unwrap();
    let error = stranger
        .get(server.url("other.hygie.test", "/name"))
        .send()
        .await
        .unwrap_err();
    assert!(format!("{error:?}").contains("UnrecognisedName"), "{error:?}");
}

#[tokio::test]
async fn a_client_that_says_nothing_is_let_go() {
    let limits = Limits {
        handshake: Duration::from_millis(200),
        ..Limits::default()
    };
    let server = TestListener::start(limits, &[LOCAL]).await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    let mut buffer = [0; 16];
    let read = tokio::time::timeout(Duration::from_secs(5), silent.read(&mut buffer))
        .await
        .expect("let go in time");
    assert_eq!(read.unwrap_or(0), 0);
}

#[tokio::test]
async fn a_slow_or_oversized_head_and_an_idle_connection_are_ended() {
    let limits = Limits {
        head: Duration::from_millis(300),
        idle: Duration::from_millis(600),
        head_bytes: 16 * 1024,
        ..Limits::default()
    };
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let router = axum::Router::new().route("/", axum::routing::get(async || "ok"));
    let listener = Listener::bind("test", free, "--base-port").await.expect("a free port");
    let (address, stop) = (listener.address().unwrap(), hygie_server::listen::Stop::new());
    stop.spawn(listener.serve(Speech::Plain(router), limits, stop.clone()));
    let large = format!("GET / HTTP/1.1\r\nHost: a\r\nx: {}\r\n\r\n", "y".repeat(40_000));
    let cases = [
        ("GET / HTTP/1.1\r\nHost: a\r\n", ""),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200"),
        (large.as_str(), "HTTP/1.1 431"),
    ];
    for (request, expected) in cases {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let all = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await;
        // A reset after the answer is as good as an end.
        let _ = all.expect("the connection is ended");
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with(expected), "{:?} got {answer:?}", &request[..20]);
    }
}

#[tokio::test]
async fn a_body_that_nobody_reads_does_not_cost_the_client_its_answer() {
    let server = TestListener::start(Limits::default(), &[LOCAL]).await;
    for builder in [server.client(), server.client().http1_only()] {
        let client = builder.build().unwrap();
        for _ in 0..2 {
            let answer = client
                .post(server.url("localhost", "/name"))
                .body(vec![b'x'; 30_000_000])
                .send()
                .await;
            assert_eq!(answer.expect("an answer").status(), StatusCode::METHOD_NOT_ALLOWED);
        }
    }
}

#[tokio::test]
async fn a_stop_lets_running_requests_end_and_takes_no_new_ones() {
    let server = TestListener::start(Limits::default(), &[LOCAL]).await;
    let client = server.client().build().unwrap();
    let running = tokio::spawn(client.get(server.url("localhost", "/slow")).send());
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert!(
        server.stop.complete(Duration::from_secs(5)).await,
        "everything ended by itself"
    );
    let answer = running.await.unwrap().expect("answered");
    assert_eq!(answer.text().await.unwrap(), "done");
    assert!(
        TcpStream::connect(server.address).await.is_err(),
        "the socket is closed"
    );
}

#[tokio::test]
async fn a_taken_port_gets_one_clear_line() {
    let server = TestListener::start(Limits::default(), &[LOCAL]).await;
    let failure = Listener::bind("login", server.address, "--base-port")
        .await
        .err()
        .expect("taken");
    assert_eq!(
        failure.to_string(),
        format!(
            "port {} (login) is already in use on 127.0.0.1: choose another with --base-port",
            server.address.port()
        )
    );
}
