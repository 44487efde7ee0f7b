//! What the outgoing client asks, and what it does not.

use std::sync::atomic::Ordering;
use std::time::Duration;

use hygie_access::{EgressPolicy, Outgoing, OutgoingError};
use url::Url;

use crate::server::Server;

fn client(private_hosts: &[&str]) -> Outgoing {
    Outgoing::new(EgressPolicy {
        private_hosts: private_hosts.iter().map(|&host| host.to_owned()).collect(),
        max_answer: 1000,
        timeout: Duration::from_millis(500),
        ..EgressPolicy::default()
    })
    .unwrap()
}

async fn get(client: &Outgoing, url: &str) -> Result<(u16, Vec<u8>), OutgoingError> {
    let answer = client.get(&Url::parse(url).unwrap()).await?;
    Ok((answer.status().as_u16(), answer.into_body()))
}

#[tokio::test]
async fn private_addresses_need_the_configuration() {
    let (server, address) = Server::start().await;
    server.serve("/", "hello");
    let port = address.rsplit_once(':').unwrap().1.to_owned();
    let url = format!("http://{address}/");
    assert_eq!(get(&client(&[&address]), &url).await.unwrap(), (200, b"hello".to_vec()));
    assert_eq!(get(&client(&["127.0.0.1"]), &url).await.unwrap().0, 200);
    for (hosts, url) in [
        (vec![], url.clone()),
        (vec!["127.0.0.1:1"], url.clone()),
        (vec!["localhost"], url.clone()),
        (vec![], format!("https://{address}/")),
        // A name is judged by what it resolves to.
        (vec![], format!("https://localhost:{port}/")),
    ] {
        let outcome = get(&client(&hosts), &url).await;
        assert!(
            matches!(outcome, Err(OutgoingError::Denied)),
            "{hosts:?} {url}: {outcome:?}"
        );
    }
    assert_eq!(server.requests.load(Ordering::SeqCst), 2, "nothing denied was sent");
    let named = format!("localhost:{port}");
    assert_eq!(
        get(&client(&[&named]), &format!("http://{named}/")).await.unwrap().0,
        200
    );
}

#[tokio::test]
async fn redirects_are_checked_again() {
    let (server, address) = Server::start().await;
    let (inner, inner_address) = Server::start().await;
    inner.serve("/", "secret");
    server.serve("/end", "end");
    server.redirect("/fine", "/end");
    server.redirect("/inner", &format!("http://{inner_address}/"));
    server.redirect("/metadata", "http://169.254.169.254/latest");
    server.redirect("/file", "file:///etc/passwd");
    server.redirect("/loop", "/loop");
    let client = client(&[&address]);
    assert_eq!(get(&client, &format!("http://{address}/fine")).await.unwrap().1, b"end");
    for path in ["/inner", "/metadata", "/loop"] {
        let outcome = get(&client, &format!("http://{address}{path}")).await;
        assert!(matches!(outcome, Err(OutgoingError::Denied)), "{path}: {outcome:?}");
    }
    // The client itself does not follow into another scheme: the redirect is the answer, or an error.
    let outcome = get(&client, &format!("http://{address}/file")).await;
    assert!(!matches!(outcome, Ok((200, _))), "{outcome:?}");
    assert_eq!(inner.requests.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn answers_are_bounded_in_size_and_time() {
    let (server, address) = Server::start().await;
    server.serve("/fits", &"x".repeat(1000));
    server.serve("/large", &"x".repeat(1001));
    // Announces a hundred octets and sends none.
    server.raw("/slow", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n".to_owned());
    let client = client(&[&address]);
    assert_eq!(
        get(&client, &format!("http://{address}/fits")).await.unwrap().1.len(),
        1000
    );
    let outcome = get(&client, &format!("http://{address}/large")).await;
    assert!(matches!(outcome, Err(OutgoingError::TooLarge)), "{outcome:?}");
    let outcome = get(&client, &format!("http://{address}/slow")).await;
    assert!(matches!(outcome, Err(OutgoingError::NoAnswer(_))), "{outcome:?}");
    assert_eq!(get(&client, &format!("http://{address}/absent")).await.unwrap().0, 404);
}

#[tokio::test]
async fn what_a_request_carries_goes_to_nobody_else() {
    let (server, address) = Server::start().await;
    let (other, other_address) = Server::start().await;
    other.serve("/", "thank you");
    server.raw(
        "/token",
        format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{other_address}/\r\ncontent-length: 0\r\n\r\n"),
    );
    let client = client(&[&address, &other_address]);
    let request = http::Request::post(format!("http://{address}/token")).body(b"secret=x".to_vec());
    let answer = client.send(request.unwrap()).await.unwrap();
    assert_eq!(answer.status(), 307);
    assert_eq!(other.requests.load(Ordering::SeqCst), 0);
    assert_eq!(
        get(&client, &format!("http://{address}/token")).await.unwrap().1,
        b"thank you"
    );
}

/// Run by the test below with proxies in its environment.
#[tokio::test]
#[ignore = "only with the environment that another test gives it"]
async fn with_proxies_in_the_environment() {
    let (server, address) = Server::start().await;
    server.serve("/", "direct");
    let answer = get(&client(&[&address]), &format!("http://{address}/")).await.unwrap();
    assert_eq!(answer.1, b"direct");
}

#[tokio::test(flavor = "multi_thread")]
async fn proxies_of_the_environment_are_not_used() {
    let (proxy, address) = Server::start().await;
    let proxy_url = format!("http://{address}");
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "outgoing::with_proxies_in_the_environment", "--ignored"]);
    for name in [
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
    ] {
        child.env(name, &proxy_url);
    }
    child.env_remove("NO_PROXY").env_remove("no_proxy");
    let output = tokio::task::spawn_blocking(move || child.output())
        .await
        .unwrap()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    assert_eq!(proxy.requests.load(Ordering::SeqCst), 0);
}
