//! Addresses as clients write them: `users/%24count`, `users/delta()`, `users/microsoft.graph.delta()`, `users('anna@…')`.
//! They are put into their usual form before a route is looked for, those within a batch as well.
//! <https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html>

use std::borrow::Cow;

use axum::Router;
use axum::body::Body;
use http::{Request, Uri};
use tower::ServiceExt;

/// Functions and actions that may be written with their namespace; functions without parameters with parentheses.
const BOUND: &[&str] = &[
    "addKey",
    "addPassword",
    "changePassword",
    "checkMemberGroups",
    "delta",
    "getByIds",
    "getMemberGroups",
    "getMemberObjects",
    "removeKey",
    "removePassword",
    "restore",
    "revokeSignInSessions",
];

/// What may stand before their names.
const NAMESPACE: &str = "microsoft.graph.";

/// The directory API with its layers, asked by the usual addresses.
pub fn normal(router: Router) -> Router {
    let usually = router.map_request(|mut request: Request<Body>| {
        let address = request.uri().path_and_query().map(ToString::to_string);
        if let Some(Cow::Owned(address)) = address.as_deref().map(usual)
            && let Ok(uri) = address.parse::<Uri>()
        {
            *request.uri_mut() = uri;
        }
        request
    });
    Router::new().fallback_service(usually)
}

/// The usual form of an address; the query stays as it is.
pub fn usual(address: &str) -> Cow<'_, str> {
    let (path, query) = address.find('?').map_or((address, ""), |query| address.split_at(query));
    // Most addresses are.
    if !path.contains(['%', '(']) && !path.contains(NAMESPACE) {
        return Cow::Borrowed(address);
    }
    let mut is_other = false;
    let segments: Vec<String> = path
        .split('/')
        .map(|segment| {
            let found = usual_segment(segment);
            is_other |= found.is_some();
            found.unwrap_or_else(|| segment.to_owned())
        })
        .collect();
    if is_other {
        Cow::Owned(format!("{}{query}", segments.join("/")))
    } else {
        Cow::Borrowed(address)
    }
}

/// Another form of a segment; nothing where it has none.
fn usual_segment(segment: &str) -> Option<String> {
    // `$count`, `$ref`, `$batch`, `$value`.
    if let Some(name) = segment.strip_prefix("%24") {
        return is_name(name).then(|| format!("${name}"));
    }
    bound(segment).or_else(|| keyed(segment))
}

/// `microsoft.graph.delta()` is `delta`.
fn bound(segment: &str) -> Option<String> {
    let name = segment.strip_prefix(NAMESPACE).unwrap_or(segment);
    let name = ["()", "%28%29"]
        .iter()
        .find_map(|none| name.strip_suffix(none))
        .unwrap_or(name);
    (name != segment && BOUND.contains(&name)).then(|| name.to_owned())
}

/// `users('anna@…')` is `users/anna@…`. What has to be encoded within the key is left to its own route.
fn keyed(segment: &str) -> Option<String> {
    let signs = [("%27", "'"), ("%28", "("), ("%29", ")"), ("%40", "@")];
    let decoded = signs
        .iter()
        .fold(segment.to_owned(), |text, (code, sign)| text.replace(code, sign));
    let (set, key) = decoded.strip_suffix(')')?.split_once('(')?;
    let key = key.strip_prefix('\'')?.strip_suffix('\'')?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._@!^~".contains(&byte);
    let is_key = !key.is_empty() && key != "." && key != ".." && key.bytes().all(is_plain);
    (is_name(set) && is_key).then(|| format!("{set}/{key}"))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_put_into_their_usual_form() {
        for (address, expected) in [
            ("/v1.0/users/%24count?$top=1", "/v1.0/users/$count?$top=1"),
            ("/v1.0/groups/1/members/%24ref", "/v1.0/groups/1/members/$ref"),
            ("/v1.0/users/delta()?$skiptoken=a()", "/v1.0/users/delta?$skiptoken=a()"),
            ("/v1.0/users/microsoft.graph.delta()", "/v1.0/users/delta"),
            ("/v1.0/users/delta%28%29", "/v1.0/users/delta"),
            ("/v1.0/me/microsoft.graph.getMemberObjects", "/v1.0/me/getMemberObjects"),
            (
                "/v1.0/users('a.b@c.example')/memberOf",
                "/v1.0/users/a.b@c.example/memberOf",
            ),
            ("/v1.0/users(%27a%40c.example%27)", "/v1.0/users/a@c.example"),
            ("/v1.0/groups%28%27x%27%29/members", "/v1.0/groups/x/members"),
        ] {
            assert_eq!(usual(address), expected);
            assert_eq!(usual(expected), expected);
        }
        for same in [
            "/v1.0/users",
            "/v1.0/users/%24",
            "/v1.0/users/%2524count",
            "/v1.0/users/a%24count",
            "/v1.0/users('..')",
            "/v1.0/users('a/b')",
            "/v1.0/users('a%2Fb')",
            "/v1.0/users('a%3Fb')",
            "/v1.0/users('')",
            "/v1.0/users(1)",
            "/v1.0/users/usage()",
            "/v1.0/members/microsoft.graph.user",
            "/v1.0/applications(appId='00000003-0000-0000-c000-000000000000')",
            "/v1.0/users?$filter=startswith(a,'%24x')",
        ] {
            assert_eq!(usual(same), same);
        }
    }
}
