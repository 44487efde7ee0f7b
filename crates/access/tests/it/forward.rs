//! Events that are posted to an endpoint: in order, as many as fit, and again until they are taken.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use hygie_access::{EgressPolicy, Forward, Outgoing};
use hygie_core::{Secret, TenantId, Timestamp};
use hygie_store::outbox::{Consumer, Event};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;
use uuid::Uuid;

/// An endpoint: what it got, head and body, and what it answers; 204 when nothing is left to be said.
#[derive(Clone, Default)]
struct Endpoint {
    got: Arc<Mutex<Vec<(String, Value)>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
}

impl Endpoint {
    async fn start(answers: &[u16]) -> (Self, String) {
        let endpoint = Self::default();
        endpoint.answers.lock().unwrap().extend(answers);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let accepting = endpoint.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepting.answer(stream).await;
            }
        });
        (endpoint, address)
    }

    async fn answer(&self, mut stream: TcpStream) {
        let mut request = Vec::new();
        let (end, length) = loop {
            if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
                return;
            }
            if let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                break (end + 4, length.unwrap().parse::<usize>().unwrap());
            }
        };
        while request.len() < end + length {
            if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let head = String::from_utf8_lossy(&request[..end]).into_owned();
        let body = serde_json::from_slice(&request[end..]).unwrap();
        self.got.lock().unwrap().push((head, body));
        let status = self.answers.lock().unwrap().pop_front().unwrap_or(204);
        let answer = format!("HTTP/1.1 {status} Said\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        let _gone = stream.write_all(answer.as_bytes()).await;
    }

    fn ids(&self, request: usize) -> Vec<String> {
        let got = self.got.lock().unwrap();
        let batch = got[request].1.as_array().unwrap();
        batch
            .iter()
            .map(|event| event["id"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn forward(address: &str, token: Option<&str>) -> Forward {
    let policy = EgressPolicy {
        private_hosts: vec![address.to_owned()],
        ..EgressPolicy::default()
    };
    let url = Url::parse(&format!("http://{address}/ingest")).unwrap();
    let token = token.map(|token| Secret::new(token.to_owned()));
    Forward::new(
        "http",
        (Outgoing::new(policy).unwrap(), url),
        token,
        "https://login.example",
    )
}

fn event(seq: i64, bytes: usize) -> Event {
    let body = json!({ "category": "AuditLogs", "text": "x".repeat(bytes) });
    Event {
        seq,
        tenant: TenantId::from_uuid(Uuid::from_u128(1)),
        kind: "hygie.AuditLogs".to_owned(),
        key: "AuditLogs".to_owned(),
        body: body.to_string().into_bytes(),
        at: Timestamp::from_secs(1_795_000_000),
    }
}

#[tokio::test]
async fn a_batch_is_told_whole_with_the_token() {
    let (endpoint, address) = Endpoint::start(&[]).await;
    let events = [event(3, 1), event(4, 1)];
    let forward = forward(&address, Some("s3cret"));
    assert_eq!(forward.deliver(&events).await, 2);
    let (head, body) = endpoint.got.lock().unwrap()[0].clone();
    let head = head.to_lowercase();
    assert!(head.starts_with("post /ingest "), "{head}");
    assert!(head.contains("authorization: bearer s3cret"), "{head}");
    assert!(head.contains("application/cloudevents-batch+json"), "{head}");
    assert_eq!(endpoint.ids(0), ["3", "4"]);
    assert_eq!(
        body[0],
        json!({ "specversion": "1.0", "id": "3", "source": "https://login.example", "type": "hygie.AuditLogs",
                "subject": "AuditLogs", "time": events[0].at.to_rfc3339(), "tenant": Uuid::from_u128(1),
                "datacontenttype": "application/json", "data": { "category": "AuditLogs", "text": "x" } })
    );
    assert_eq!(forward.deliver(&[]).await, 0);
}

#[tokio::test]
async fn what_is_not_taken_is_told_again() {
    let (endpoint, address) = Endpoint::start(&[503, 302, 401, 200]).await;
    let events = [event(1, 1)];
    let forward = forward(&address, None);
    for expected in [0, 0, 0, 1] {
        assert_eq!(forward.deliver(&events).await, expected);
    }
    assert!((0..4).all(|n| endpoint.ids(n) == ["1"]));
    let (head, _) = endpoint.got.lock().unwrap()[0].clone();
    assert!(!head.to_lowercase().contains("authorization"), "{head}");
}

#[tokio::test]
async fn a_request_has_as_many_as_fit_and_one_at_least() {
    let (endpoint, address) = Endpoint::start(&[]).await;
    let events = [event(1, 600_000), event(2, 600_000), event(3, 2_000_000), event(4, 1)];
    let forward = forward(&address, None);
    let mut left = &events[..];
    while !left.is_empty() {
        let taken = forward.deliver(left).await;
        assert!(taken > 0);
        left = &left[taken..];
    }
    let told: Vec<Vec<String>> = (0..4).map(|n| endpoint.ids(n)).collect();
    assert_eq!(told, [["1"], ["2"], ["3"], ["4"]]);
}

#[tokio::test]
async fn an_endpoint_that_is_gone_takes_nothing() {
    let (endpoint, address) = Endpoint::start(&[]).await;
    drop(endpoint);
    let elsewhere = address.rsplit_once(':').map(|(host, _)| format!("{host}:1")).unwrap();
    assert_eq!(forward(&elsewhere, None).deliver(&[event(1, 1)]).await, 0);
}
