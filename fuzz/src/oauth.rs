//! Requests to the authorization and token endpoints. Input: the `Authorization` header and the form on two lines.
//!
//! Laws: pairs are written and read again unchanged; one way of authentication only; tokens never travel in a query;
//! PKCE's challenge is met by its own verifier alone; a refusal is JSON and a header of one line.

use hygie_core::{ErrorKind, Fault, RequestId, Timestamp};
use hygie_oidc::{
    AuthorizeRequest, AuthorizeTarget, ClientAuth, Credential, Delivery, Endpoint, Grant, Occurrence, Params, Refusal,
    Response, ResponseMode, TokenRequest, Version,
};
use uuid::Uuid;

use crate::{Target, lines, texts};

pub const TARGET: Target = Target {
    name: "oauth",
    run,
    seeds,
    words: r"
        grant_type= authorization_code client_credentials refresh_token client_id= client_secret=
        client_assertion= client_assertion_type= code= code_verifier= code_challenge= code_challenge_method=S256
        code_challenge_method=plain redirect_uri= response_type= code+id_token id_token+token response_mode=
        fragment query form_post scope= resource= state= nonce= prompt= select_account login_hint= domain_hint=
        max_age= sid= request= request_uri= client_info=1 Basic & = + %20 %00 %ff aHlnaWU6c2VjcmV0",
};

fn seeds() -> Vec<Vec<u8>> {
    texts(&[
        "\ngrant_type=client_credentials&client_id=x&client_secret=s&scope=api://r/.default",
        "Basic aHlnaWU6c2VjcmV0\ngrant_type=authorization_code&code=c&redirect_uri=http://localhost&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        "\ngrant_type=refresh_token&refresh_token=r&client_id=x&resource=https://r/&client_info=1",
        "\ngrant_type=urn:ietf:params:oauth:grant-type:device_code&client_id=x&device_code=d",
        "\ngrant_type=urn:ietf:params:oauth:grant-type:token-exchange&client_id=x&subject_token=a.b.c&subject_token_type=urn:ietf:params:oauth:token-type:jwt&audience=r&resource=r&scope=a+r/b",
        "\nresponse_type=code&client_id=7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0001&redirect_uri=http%3A%2F%2Flocalhost&scope=openid+profile&state=s&nonce=n&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
        "\nresponse_type=code+id_token&response_mode=form_post&client_id=x&scope=openid&nonce=n&prompt=login&max_age=60&sid=7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0001",
        "\nresponse_type=id_token+token&client_id=x&resource=r&nonce=n&login_hint=a%40b&domain_hint=b",
        "\ncode_challenge=0123456789012345678901234567890123456789012&client_id=x&response_type=code&scope=a",
    ])
}

fn run(input: &[u8]) {
    let [header, form] = lines(input);
    let header = std::str::from_utf8(header).ok().filter(|header| !header.is_empty());
    let params = match Params::parse(form) {
        Ok(params) => params,
        Err(refusal) => return told(&refusal, None),
    };
    assert_eq!(Params::parse(params.encode().as_bytes()).as_ref(), Ok(&params));
    client(&params, header);
    for version in [Version::V1, Version::V2] {
        token(&params, header, version);
        authorize(&params, version);
    }
}

fn client(params: &Params, header: Option<&str>) {
    let auth = match ClientAuth::parse(params, header) {
        Ok(auth) => auth,
        Err(refusal) => return told(&refusal, None),
    };
    assert!(!auth.client_id.is_empty());
    let ways = [
        header.is_some(),
        params.get("client_secret").is_some(),
        params.get("client_assertion").is_some(),
    ];
    let count = ways.into_iter().filter(|way| *way).count();
    match auth.credential {
        Credential::None => assert_eq!(count, 0, "a proof was not looked at"),
        Credential::Secret(_) | Credential::Assertion(_) => assert_eq!(count, 1, "two proofs"),
    }
}

fn token(params: &Params, header: Option<&str>, version: Version) {
    let endpoint = Endpoint {
        version,
        segment: "organizations".to_owned(),
    };
    let request = match TokenRequest::parse(params, header, endpoint) {
        Ok(request) => request,
        Err(refusal) => return told(&refusal, None),
    };
    let named: &[_] = match &request.grant {
        Grant::ClientCredentials => &["client_credentials"],
        Grant::AuthorizationCode { .. } => &["authorization_code"],
        Grant::RefreshToken(_) => &["refresh_token"],
        Grant::OnBehalfOf(_) => &["urn:ietf:params:oauth:grant-type:jwt-bearer"],
        Grant::TokenExchange(_) => &["urn:ietf:params:oauth:grant-type:token-exchange"],
        Grant::DeviceCode(_) => &["urn:ietf:params:oauth:grant-type:device_code", "device_code"],
        Grant::Ciba(_) => &["urn:openid:params:grant-type:ciba"],
        Grant::Password { .. } => &["password"],
    };
    assert!(params.get("grant_type").is_some_and(|given| named.contains(&given)));
    assert_eq!(request.version, version);
}

fn authorize(params: &Params, version: Version) {
    let target = match AuthorizeTarget::parse(params) {
        Ok(target) => target,
        Err(refusal) => return told(&refusal, None),
    };
    if let Err(refusal) = target.app("tenant") {
        told(&refusal, Some(&target));
    }
    let request = match AuthorizeRequest::parse(params, version) {
        Ok(request) => request,
        Err(refusal) => return told(&refusal, Some(&target)),
    };
    let is_implicit = request.response_type.is_implicit();
    assert!(
        !is_implicit || request.mode != ResponseMode::Query,
        "a token in a query"
    );
    assert!(
        !request.response_type.id_token || request.nonce.is_some(),
        "an id token without nonce"
    );
    if let Some(challenge) = &request.challenge {
        assert!((43..=128).contains(&challenge.value.len()));
        let verifier = params.get("code_verifier").unwrap_or("x");
        let other = format!("{verifier}0");
        assert!(
            challenge.verify(verifier).is_err() || challenge.verify(&other).is_err(),
            "two verifiers"
        );
    }
}

/// A refusal as each endpoint tells it.
fn told(refusal: &Refusal, target: Option<&AuthorizeTarget>) {
    let id = RequestId::from_uuid(Uuid::nil());
    let at = Occurrence {
        login: "https://login.example",
        trace: id,
        correlation: id,
        at: Timestamp::from_secs(0),
    };
    let body = serde_json::to_value(refusal.body(&at)).expect("JSON");
    assert!(
        body["error_description"]
            .as_str()
            .is_some_and(|text| text.len() < 8 * 1024 && !text.contains(char::is_control))
    );
    assert_ne!(refusal.kind(), ErrorKind::Internal, "an input is never our fault");
    let Some(target) = target else { return };
    let response = Response::refusal("https://app.example/cb".to_owned(), target.mode, refusal, &at);
    match response.with_state(target.state.as_deref()).deliver() {
        Delivery::Redirect(address) => assert!(address.bytes().all(|byte| (b'!'..0x7f).contains(&byte)), "{address:?}"),
        Delivery::Form { action, fields } => {
            assert_eq!(action, "https://app.example/cb");
            assert!(fields.iter().any(|(name, _)| *name == "error"));
        }
    }
}
