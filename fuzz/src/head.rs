//! The head of a request: cookies, languages, forwarded addresses, the host. Input: header lines, `name: value`; the name
//! `query` is the query, `peer` the other end of the connection.
//!
//! Laws: an address is believed only from our proxies; a cookie is one whole pair of the header; a language is one that
//! was asked for; a host is one that was named.

use std::net::{IpAddr, SocketAddr};

use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Request, Uri};
use hygie_server::listen::host;
use hygie_web::client::{Network, Peer, client_address};
use hygie_web::cookie;
use hygie_web::i18n::{LANG_COOKIE, Lang};
use hygie_web::ui::Theme;

use crate::{Target, texts};

pub const TARGET: Target = Target {
    name: "head",
    run,
    seeds,
    words: r"
        cookie: __Host-hygie-lang= __Host-hygie-theme= __Host-hygie-idp= accept-language: ;q=0.8 en-GB fr
        x-forwarded-for: 10.0.0.1 ::ffff:10.0.0.1 203.0.113.5 [2001:db8::7]:443 unknown peer: host:
        localhost:8446 fhir.test. [::1] query: lang=en ; = ,",
};

/// The proxies we trust.
const PROXIES: [&str; 2] = ["10.0.0.0/8", "2001:db8:1::/48"];

fn seeds() -> Vec<Vec<u8>> {
    texts(&[
        "cookie: __Host-hygie-lang=en; __Host-hygie-theme=dark; a=b=c\naccept-language: fr;q=0.5, en-GB",
        "peer: 10.0.0.1:1\nx-forwarded-for: 6.6.6.6, 203.0.113.5\nx-forwarded-for: 10.0.0.2",
        "peer: [::ffff:10.0.0.1]:9\nx-forwarded-for: [2001:db8::7]:443, unknown",
        "peer: 192.0.2.1:1\nx-forwarded-for: 203.0.113.5\nhost: Localhost:8446",
        "query: lang=en&x=%ff\nhost: fhir.test.\naccept-language: *, de;q=1.5, en;q=nan, fr;q=-1",
        "host: a.test\nhost: b.test",
    ])
}

fn run(input: &[u8]) {
    let mut headers = HeaderMap::new();
    let (mut query, mut peer) = (None, None);
    for line in input.split(|byte| *byte == b'\n').take(32) {
        let mut halves = line.splitn(2, |byte| *byte == b':');
        let name = halves.next().unwrap_or_default().trim_ascii();
        let value = halves.next().unwrap_or_default().trim_ascii();
        match (name, std::str::from_utf8(value)) {
            (b"query", Ok(text)) => query = Some(text),
            (b"peer", Ok(text)) => peer = text.parse().ok(),
            _ => {
                if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
                    headers.append(name, value);
                }
            }
        }
    }
    cookies(&headers);
    language(&headers, query);
    if let Some(peer) = peer {
        address(&headers, peer);
    }
    hosts(headers, query);
}

/// The text of the headers of a name, one per line.
fn texts_of(headers: &HeaderMap, name: &str) -> String {
    let lines: Vec<&str> = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    lines.join("\n")
}

fn cookies(headers: &HeaderMap) {
    let sent = texts_of(headers, "cookie");
    for name in [LANG_COOKIE, "__Host-hygie-idp", "a", ""] {
        if let Some(value) = cookie::get(headers, name) {
            assert!(!value.contains(';'), "{value}");
            assert!(sent.contains(&format!("{name}={value}")), "{name} was not sent");
        }
    }
    Theme::of(headers);
}

fn language(headers: &HeaderMap, query: Option<&str>) {
    let lang = Lang::of(headers, query);
    let said = [
        texts_of(headers, "cookie"),
        texts_of(headers, "accept-language"),
        query.unwrap_or_default().to_owned(),
    ];
    let said = said.join("\n").to_ascii_lowercase();
    assert!(
        lang == Lang::default() || said.contains(lang.tag()) || said.contains('%'),
        "{lang} was not asked for"
    );
}

fn address(headers: &HeaderMap, peer: SocketAddr) {
    let proxies = PROXIES.map(|range| range.parse::<Network>().expect("a range"));
    let is_proxy = |address: IpAddr| proxies.iter().any(|network| network.contains(address));
    let mut extensions = Extensions::new();
    extensions.insert(Peer(peer));
    let peer = peer.ip().to_canonical();
    let client = client_address(&extensions, headers, &proxies).expect("the peer is known");
    assert_eq!(client, client.to_canonical());
    assert!(
        client == peer || is_proxy(peer),
        "{client} is told by {peer}, who is nobody"
    );
    assert_eq!(
        client_address(&extensions, headers, &[]),
        Some(peer),
        "told without proxies"
    );
    assert_eq!(client_address(&Extensions::new(), headers, &proxies), None);
}

fn hosts(headers: HeaderMap, target: Option<&str>) {
    let named = texts_of(&headers, "host").to_ascii_lowercase();
    let mut request = Request::new(());
    let uri = target.and_then(|target| target.parse::<Uri>().ok()).unwrap_or_default();
    let said = format!("{named} {}", uri.to_string().to_ascii_lowercase());
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    if let Some(host) = host::host_of(&request) {
        assert!(said.contains(&host), "{host} was not named");
        assert!(host::check(&request, Some(&host), &[]).is_ok());
        assert!(host::check(&request, Some("another.test"), &[]).is_err() || host == "another.test");
    } else {
        assert!(host::check(&request, Some("localhost"), &["localhost".to_owned()]).is_err());
    }
}
