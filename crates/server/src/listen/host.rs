//! The host a request is for, and whether it is the one the TLS connection was made for.

use http::header::HOST;
use http::uri::Authority;
use http::{Request, StatusCode};

/// The host of a request, in lower case, without port and final dot. `None` when there is none, or two that differ
/// (RFC 9112 §3.2, RFC 9113 §8.3.1).
pub fn host_of<B>(request: &Request<B>) -> Option<String> {
    let mut headers = request.headers().get_all(HOST).iter();
    let header = match (headers.next(), headers.next()) {
        (_, Some(_)) => return None,
        (Some(value), None) => Some(value.to_str().ok()?.parse::<Authority>().ok()?),
        (None, None) => None,
    };
    let target = request.uri().authority().map(|authority| normal(authority.host()));
    let header = header.map(|authority| normal(authority.host()));
    match (target, header) {
        (Some(target), Some(header)) if target != header => None,
        (target, header) => target.or(header),
    }
}

/// Host names compare without case, brackets and final dot.
pub fn normal(host: &str) -> String {
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// Refuses a request whose host is not the one of the connection: a client that reuses a connection for another host
/// of the same certificate, or a page that points its own name at this machine.
///
/// With a server name the host must equal it; without (addresses have none) it must be one that the site answers to.
pub fn check<B>(request: &Request<B>, server_name: Option<&str>, hosts: &[String]) -> Result<(), StatusCode> {
    let host = host_of(request).ok_or(StatusCode::BAD_REQUEST)?;
    let accepted = match server_name {
        Some(name) => host == name,
        None => hosts.contains(&host),
    };
    if accepted {
        Ok(())
    } else {
        Err(StatusCode::MISDIRECTED_REQUEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(uri: &str, hosts: &[&str]) -> Request<()> {
        let mut builder = Request::builder().uri(uri);
        for host in hosts {
            builder = builder.header(HOST, *host);
        }
        builder.body(()).expect("a request")
    }

    #[test]
    fn the_host_of_a_request() {
        let cases = [
            ("/a", vec!["Localhost:8446"], Some("localhost")),
            ("/a", vec!["fhir.test."], Some("fhir.test")),
            ("/a", vec!["[::1]:8446"], Some("::1")),
            ("https://fhir.test/a", vec![], Some("fhir.test")),
            ("https://fhir.test/a", vec!["fhir.test:443"], Some("fhir.test")),
            ("https://fhir.test/a", vec!["login.test"], None),
            ("/a", vec!["a.test", "a.test"], None),
            ("/a", vec!["not a host"], None),
            ("/a", vec![], None),
        ];
        for (uri, hosts, expected) in cases {
            assert_eq!(host_of(&request(uri, &hosts)).as_deref(), expected, "{uri} {hosts:?}");
        }
    }

    #[test]
    fn a_request_for_another_host_is_misdirected() {
        let hosts = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let cases = [
            (Some("localhost"), "localhost:8446", Ok(())),
            (
                Some("localhost"),
                "127.0.0.1:8446",
                Err(StatusCode::MISDIRECTED_REQUEST),
            ),
            (Some("localhost"), "attacker.test", Err(StatusCode::MISDIRECTED_REQUEST)),
            (None, "127.0.0.1:8446", Ok(())),
            (None, "attacker.test", Err(StatusCode::MISDIRECTED_REQUEST)),
            (None, "", Err(StatusCode::BAD_REQUEST)),
        ];
        for (server_name, host, expected) in cases {
            let request = request("/", &[host]);
            assert_eq!(check(&request, server_name, &hosts), expected, "{server_name:?} {host}");
        }
    }
}
