//! Redirect URIs. Input: lines, the first asked for by a request, the others registered for a server, a single-page
//! application and an installed one in turn.
//!
//! Laws: an answer goes where somebody registered it to go: the same text, or the same page of this machine on another
//! port; an origin is a single-page application's only when a page of its host is registered; an address keeps its
//! answer apart.

use hygie_oidc::{Delivery, Platform, RedirectUris, Response, ResponseMode};
use url::Url;

use crate::{Target, texts};

pub const TARGET: Target = Target {
    name: "redirect",
    run,
    seeds,
    words: r"
        https://app.example/callback http://localhost http://127.0.0.1 http://[::1] :8080 /cb ?a=1 #f user@ %40
        %2f \ .. msauth.app://auth javascript: data: urn: app.example.evil /? //",
};

fn seeds() -> Vec<Vec<u8>> {
    texts(&[
        "https://app.example/callback\nhttps://app.example/callback\nhttps://spa.example/\nhttp://localhost",
        "http://localhost:50123/\nhttps://a.example/\nhttp://localhost/spa\nhttp://localhost\nhttps://b.example/q?a=1",
        "http://127.0.0.1:9/cb\n\n\nhttp://127.0.0.1/cb\n",
        "msauth.app://auth\n\n\nmsauth.app://auth",
        "http://user@localhost:9/spa\n\nhttp://localhost/spa",
        "https://app.example@evil.example/callback\nhttps://app.example/callback",
    ])
}

fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut lines = text.split('\n');
    let asked = lines.next().unwrap_or_default();
    let mut uris = RedirectUris::default();
    for (at, uri) in lines.filter(|uri| !uri.is_empty()).enumerate() {
        [&mut uris.web, &mut uris.spa, &mut uris.public_client][at % 3].push(uri.to_owned());
    }
    if uris.check().is_err() {
        return;
    }
    if let Some(platform) = uris.find(asked) {
        goes_home(asked, platform, &uris);
        delivers(asked);
    }
    if uris.has_spa_origin(asked) {
        let host = |uri: &str| Url::parse(uri).ok().and_then(|url| url.host_str().map(str::to_owned));
        assert!(
            uris.spa.iter().any(|spa| host(spa) == host(asked)),
            "not an origin of ours"
        );
    }
}

fn goes_home(asked: &str, platform: Platform, uris: &RedirectUris) {
    assert!(
        uris.choose(Some(asked), "app")
            .is_ok_and(|(found, uri)| (found, uri.as_str()) == (platform, asked))
    );
    let registered = match platform {
        Platform::Web => &uris.web,
        Platform::Spa => &uris.spa,
        Platform::PublicClient => &uris.public_client,
    };
    if registered.iter().any(|uri| uri == asked) {
        return;
    }
    let url = Url::parse(asked).expect("a URI that is not compared as text is read");
    assert_eq!(url.scheme(), "http");
    assert!(matches!(url.host_str(), Some("localhost" | "127.0.0.1")), "{url}");
    assert!(
        url.fragment().is_none() && url.username().is_empty() && url.password().is_none(),
        "{url}"
    );
    let mut other = url;
    let alike = registered.iter().filter_map(|uri| Url::parse(uri).ok()).any(|uri| {
        let port = uri.port();
        other.set_port(port).is_ok() && other == uri
    });
    assert!(alike, "another address than registered");
}

/// What is added to a redirect URI is found again, and goes to the same place.
fn delivers(uri: &str) {
    for mode in [ResponseMode::Query, ResponseMode::Fragment] {
        let response = Response {
            redirect_uri: uri.to_owned(),
            mode,
            members: vec![("code", "a b&c=d#e".to_owned())],
        };
        let Delivery::Redirect(address) = response.with_state(Some("é\r\n")).deliver() else {
            panic!("a redirect was asked for");
        };
        assert!(address.bytes().all(|byte| byte > b' '), "{address:?} in a header");
        let (Ok(before), Ok(after)) = (Url::parse(uri), Url::parse(&address)) else {
            panic!("{uri} became {address}");
        };
        assert_eq!(
            (before.scheme(), before.host(), before.port(), before.path()),
            (after.scheme(), after.host(), after.port(), after.path())
        );
        let carrier = if mode == ResponseMode::Query {
            after.query()
        } else {
            after.fragment()
        };
        let pairs: Vec<_> = url::form_urlencoded::parse(carrier.unwrap_or_default().as_bytes())
            .into_owned()
            .collect();
        let expected =
            [("code", "a b&c=d#e"), ("state", "é\r\n")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert!(pairs.ends_with(&expected), "{address}");
    }
}
