//! The claims of access and id tokens.
//! <https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference>
//!
//! The version of an access token is that of its resource, the version of an id token that of the endpoint. Claims
//! without a value are left out. `aio`, `rh` and `uti` are always there, opaque.

use std::net::IpAddr;
use std::time::Duration;

use hygie_access::Confirmation;
use hygie_core::{AppId, GroupId, ObjectId, Random, SessionId, Timestamp, random_array};
use hygie_directory::{Application, Authentications, OptionalClaim, User, UserType, rh_of};
use hygie_jose::{Keyed, base64url, digest};
use hygie_oidc::discovery::{Provider, REGION};
use hygie_oidc::psc::Identity;
use hygie_oidc::{ClaimsRequest, OidcScopes, Version};
use hygie_policy::protection::AuthenticationClaim;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::party::{MAX_GROUPS, Parties, Subject};

/// Groups that fit into a token that passes the browser.
const MAX_GROUPS_IN_BROWSER: usize = 6;
/// `nbf` is this much earlier than `iat`: clocks of resources may be behind.
const EARLY: Duration = Duration::from_mins(5);

/// How a client proved itself (`appidacr`, `azpacr`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Not at all: a public client.
    Public,
    /// By its secret.
    Secret,
    /// By a signature with the key of its certificate.
    Certificate,
}

impl Proof {
    const fn claim(self) -> &'static str {
        match self {
            Self::Public => "0",
            Self::Secret => "1",
            Self::Certificate => "2",
        }
    }
}

/// What is the same for every token of a response.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// Where we are.
    pub provider: &'a Provider,
    /// The parties.
    pub parties: &'a Parties,
    /// When it is issued.
    pub now: Timestamp,
    /// The source of opaque values.
    pub random: &'a dyn Random,
    /// How the client proved itself.
    pub proof: Proof,
    /// What access tokens are bound to: the certificate that the client showed.
    pub confirmation: Option<Confirmation>,
    /// The person's address, where it is known.
    pub client_address: Option<IpAddr>,
    /// No token lives longer.
    pub until: Option<Timestamp>,
    /// How and when the person authenticated.
    pub signed_in: Option<SignIn<'a>>,
}

/// How and when a person authenticated.
#[derive(Clone, Copy)]
pub struct SignIn<'a> {
    /// What was authorized: everything that comes of it is revoked together.
    pub grant: Uuid,
    /// The session.
    pub session: SessionId,
    /// When.
    pub auth_time: Timestamp,
    /// How.
    pub used: &'a Authentications,
    /// The OpenID Connect scopes of the authorization.
    pub oidc: OidcScopes,
    /// What was asked of the authentication, and met.
    pub asked: &'a ClaimsRequest,
}

/// What an id token tells besides.
#[derive(Clone, Copy, Debug)]
pub struct IdTokenFacts<'a> {
    /// Endpoint family.
    pub version: Version,
    /// Granted OpenID Connect scopes.
    pub oidc: OidcScopes,
    /// Of the request.
    pub nonce: Option<&'a str>,
    /// The code beside which it travels.
    pub code: Option<&'a str>,
    /// The access token beside which it travels.
    pub access_token: Option<&'a str>,
    /// Whether it passes the browser.
    pub passes_browser: bool,
}

/// Claims in the making: what has no value is left out.
struct Claims(Map<String, Value>);

impl Claims {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        match value.into() {
            Value::Null => {}
            Value::Array(list) if list.is_empty() => {}
            value => {
                self.0.insert(name.to_owned(), value);
            }
        }
    }
}

/// The claims of an access token; `scopes` are the delegated ones, none when the client acts by itself.
pub fn access(facts: &Facts<'_>, expires_at: Timestamp, scopes: &[String]) -> Map<String, Value> {
    let resource = &facts.parties.resource;
    let definition = &resource.party.application.definition;
    let (v2, mut claims) = begin_access(facts, expires_at);
    if !v2 {
        claims.put("idp", facts.provider.issuer_v1(facts.parties.tenant.id));
    }
    put_home(&mut claims, facts);
    if let (Some(subject), Some(signed_in)) = (&facts.parties.subject, &facts.signed_in) {
        person_in_access(&mut claims, facts, (subject, signed_in), v2);
        claims.put("acrs", json!(signed_in.asked.contexts));
        claims.put("scp", scopes.join(" "));
        claims.put("roles", roles(&resource.party.application, &subject.resource_roles));
        let groups = subject.groups_for(&resource.party.application, &subject.resource_roles);
        put_groups(&mut claims, facts, &groups, MAX_GROUPS);
        claims.put("wids", subject.roles_for(&resource.party.application));
        put_optional(
            &mut claims,
            facts,
            (subject, signed_in),
            &definition.optional_claims.access_token,
        );
        put_of_tenant(&mut claims, facts, signed_in, v2);
    } else {
        let principal = &facts.parties.client.principal;
        claims.put("idtyp", "app");
        claims.put("oid", principal.id.to_string());
        claims.put("roles", roles(&resource.party.application, &facts.parties.app_roles));
        claims.put("sub", principal.id.to_string());
        claims.put("xms_mirid", principal.resource_id.clone());
    }
    end(claims, facts, v2)
}

/// What an exchange tells.
pub struct Exchanged<'a> {
    /// Their id in our tokens.
    pub person: ObjectId,
    /// Their session there, in our tokens.
    pub session: SessionId,
    /// Who they are.
    pub identity: &'a Identity,
    /// Who vouches for it.
    pub issuer: &'a str,
    /// The delegated scopes.
    pub scopes: &'a [String],
}

/// The claims of an access token for a health professional who is in no directory.
pub fn exchanged(facts: &Facts<'_>, expires_at: Timestamp, told: &Exchanged<'_>) -> Map<String, Value> {
    let (v2, mut claims) = begin_access(facts, expires_at);
    let Identity {
        professional,
        given_name,
        family_name,
    } = told.identity;
    let names: Vec<&str> = [given_name, family_name]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    if !v2 {
        claims.put("acr", "1");
        claims.put("family_name", family_name.clone());
        claims.put("given_name", given_name.clone());
        claims.put("idp", told.issuer);
    }
    claims.put("name", (!names.is_empty()).then(|| names.join(" ")));
    claims.put("oid", told.person.to_string());
    claims.put("psc_national_id", professional.national_id.clone());
    claims.put("psc_professions", json!(professional.professions));
    claims.put("psc_structures", professional.structures.clone());
    claims.put("scp", told.scopes.join(" "));
    claims.put("sid", told.session.to_string());
    claims.put(
        "sub",
        pairwise(facts.parties, facts.parties.resource.party.application.app, told.person),
    );
    end(claims, facts, v2)
}

/// The claims of an id token.
pub fn id(facts: &Facts<'_>, told: &IdTokenFacts<'_>, expires_at: Timestamp) -> Map<String, Value> {
    let client = &facts.parties.client.application;
    let v2 = told.version == Version::V2;
    let mut claims = begin(facts, told.version, &client.app.to_string(), expires_at);
    if let (Some(subject), Some(signed_in)) = (&facts.parties.subject, &facts.signed_in) {
        let user = &subject.user;
        if !v2 {
            claims.put("amr", signed_in.used.amr());
            claims.put("family_name", user.surname.clone());
            claims.put("given_name", user.given_name.clone());
            claims.put("ipaddr", facts.client_address.map(|address| address.to_string()));
        }
        claims.put("acr", signed_in.asked.acr.first().cloned());
        claims.put("auth_time", signed_in.auth_time.secs());
        put_home(&mut claims, facts);
        if told.oidc.email {
            claims.put("email", user.mail.clone());
        }
        claims.put("nonce", told.nonce);
        if !v2 || told.oidc.profile {
            claims.put("name", user.display_name.clone());
            claims.put("oid", user.id.to_string());
        }
        if v2 && told.oidc.profile {
            claims.put("preferred_username", login_name(user).to_owned());
        }
        claims.put("c_hash", told.code.map(half_hash));
        claims.put("at_hash", told.access_token.map(half_hash));
        let groups = subject.groups_for(client, &subject.client_roles);
        put_groups(
            &mut claims,
            facts,
            &groups,
            if told.passes_browser {
                MAX_GROUPS_IN_BROWSER
            } else {
                MAX_GROUPS
            },
        );
        claims.put("roles", roles(client, &subject.client_roles));
        claims.put("wids", subject.roles_for(client));
        claims.put("sid", signed_in.session.to_string());
        claims.put("sub", pairwise(facts.parties, client.app, user.id));
        if !v2 {
            claims.put("unique_name", login_name(user).to_owned());
            claims.put("upn", upn(user));
        }
        put_optional(
            &mut claims,
            facts,
            (subject, signed_in),
            &client.definition.optional_claims.id_token,
        );
        put_of_tenant(&mut claims, facts, signed_in, v2);
    }
    end(claims, facts, v2)
}

/// The subject of a person for one application (OpenID Connect Core §8.1): the same in every token and version, and
/// different for each application.
pub fn pairwise(parties: &Parties, app: AppId, user: ObjectId) -> String {
    let message = [app.uuid().as_bytes().as_slice(), &[0], user.uuid().as_bytes()].concat();
    base64url::encode(Keyed::new(&parties.tenant.pairwise).digest(message))
}

/// What every access token begins with, and whether it is one of version 2.
fn begin_access(facts: &Facts<'_>, expires_at: Timestamp) -> (bool, Claims) {
    let resource = &facts.parties.resource;
    let v2 = resource.party.application.definition.wants_v2();
    let audience = if v2 {
        resource.party.application.app.to_string()
    } else {
        resource.requested.clone()
    };
    let mut claims = begin(facts, if v2 { Version::V2 } else { Version::V1 }, &audience, expires_at);
    let (app, proof) = if v2 { ("azp", "azpacr") } else { ("appid", "appidacr") };
    claims.put(app, facts.parties.client.application.app.to_string());
    claims.put(proof, facts.proof.claim());
    claims.put("cnf", facts.confirmation.map(Confirmation::claim));
    (v2, claims)
}

fn begin(facts: &Facts<'_>, version: Version, audience: &str, expires_at: Timestamp) -> Claims {
    let tenant = facts.parties.tenant.id;
    let mut claims = Claims(Map::new());
    claims.put("aud", audience);
    claims.put(
        "iss",
        match version {
            Version::V1 => facts.provider.issuer_v1(tenant),
            Version::V2 => facts.provider.issuer_v2(tenant),
        },
    );
    claims.put("iat", facts.now.secs());
    let asked = facts
        .signed_in
        .as_ref()
        .and_then(|signed_in| signed_in.asked.not_before);
    let begins = (facts.now - EARLY).secs().max(asked.unwrap_or_default());
    claims.put("nbf", begins.min(facts.now.secs()));
    claims.put("exp", expires_at.secs());
    claims.put(
        "aio",
        format!("E2Zg{}", base64url::encode(random_array::<36>(facts.random))),
    );
    claims
}

fn end(mut claims: Claims, facts: &Facts<'_>, v2: bool) -> Map<String, Value> {
    claims.put(
        "rh",
        rh_of(facts.signed_in.as_ref().map(|signed_in| signed_in.grant), facts.random),
    );
    claims.put("tid", facts.parties.tenant.id.to_string());
    claims.put("uti", base64url::encode(random_array::<16>(facts.random)));
    claims.put("ver", if v2 { "2.0" } else { "1.0" });
    claims.0
}

fn person_in_access(claims: &mut Claims, facts: &Facts<'_>, (subject, signed_in): (&Subject, &SignIn<'_>), v2: bool) {
    let user = &subject.user;
    if v2 && signed_in.oidc.profile {
        claims.put("preferred_username", login_name(user).to_owned());
    }
    if !v2 {
        claims.put("acr", "1");
        claims.put("amr", signed_in.used.amr());
        claims.put("family_name", user.surname.clone());
        claims.put("given_name", user.given_name.clone());
        claims.put("ipaddr", facts.client_address.map(|address| address.to_string()));
        claims.put("unique_name", login_name(user).to_owned());
        claims.put("upn", upn(user));
    }
    if !v2 || signed_in.oidc.profile {
        claims.put("name", user.display_name.clone());
    }
    claims.put("oid", user.id.to_string());
    claims.put("sid", signed_in.session.to_string());
    claims.put(
        "sub",
        pairwise(facts.parties, facts.parties.resource.party.application.app, user.id),
    );
}

/// Of a guest: who vouches for them, and their address, which every token of theirs has.
fn put_home(claims: &mut Claims, facts: &Facts<'_>) {
    let user = facts.parties.subject.as_ref().map(|subject| &subject.user);
    if let Some((user, home)) = user.and_then(|user| Some((user, user.profile.home?))) {
        claims.put("idp", facts.provider.issuer_v1(home.tenant));
        claims.put("email", user.mail.clone());
    }
}

/// What somebody signs in with: a guest their address at home.
fn login_name(user: &User) -> &str {
    let at_home = user.profile.home.and(user.mail.as_deref());
    at_home.unwrap_or(&user.user_principal_name)
}

/// The user principal name; a guest's is made up, and told only where it is asked for.
fn upn(user: &User) -> Option<String> {
    user.profile.home.is_none().then(|| user.user_principal_name.clone())
}

/// The words of these roles, each once.
fn roles(application: &Application, assigned: &[(ObjectId, Uuid)]) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in assigned
        .iter()
        .filter_map(|(_, role)| application.definition.role(*role))
    {
        if !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }
    words
}

/// The groups, or where to ask for them when they are too many.
fn put_groups(claims: &mut Claims, facts: &Facts<'_>, groups: &[GroupId], limit: usize) {
    let Some(subject) = facts.parties.subject.as_ref().filter(|_| groups.len() > limit) else {
        claims.put("groups", groups.iter().map(ToString::to_string).collect::<Vec<_>>());
        return;
    };
    if limit < MAX_GROUPS {
        claims.put("hasgroups", true);
        return;
    }
    let base = facts.provider.graph.as_deref().unwrap_or(&facts.provider.login);
    let endpoint = format!("{base}/v1.0/users/{}/getMemberObjects", subject.user.id);
    claims.put("_claim_names", json!({ "groups": "src1" }));
    claims.put("_claim_sources", json!({ "src1": { "endpoint": endpoint } }));
}

/// Claims that the application asked for in its registration, where they are not there already.
fn put_optional(
    claims: &mut Claims,
    facts: &Facts<'_>,
    (subject, signed_in): (&Subject, &SignIn<'_>),
    wanted: &[OptionalClaim],
) {
    let user = &subject.user;
    for claim in wanted.iter().filter(|claim| claim.name.len() <= 64) {
        let value: Value = match claim.name.as_str() {
            "acct" => i32::from(user.profile.user_type == UserType::Guest).into(),
            "acr" => "1".into(),
            "amr" => signed_in.used.amr().into(),
            "auth_time" => signed_in.auth_time.secs().into(),
            "ctry" => country(user).into(),
            "email" => user.mail.clone().into(),
            "family_name" => user.surname.clone().into(),
            "given_name" => user.given_name.clone().into(),
            "idtyp" if claim.is_for_people_too() => "user".into(),
            "ipaddr" => facts.client_address.map(|address| address.to_string()).into(),
            "login_hint" | "preferred_username" | "upn" => user.user_principal_name.clone().into(),
            "sid" => signed_in.session.to_string().into(),
            "tenant_region_scope" => REGION.into(),
            "xms_pl" => user.profile.preferred_language.clone().into(),
            "xms_cc" if signed_in.asked.understands_challenges() => json!(["cp1"]),
            _ => Value::Null,
        };
        if !claims.0.contains_key(&claim.name) {
            claims.put(&claim.name, value);
        }
    }
}

/// The country of a person where it is one of two letters, or where they use the service.
fn country(user: &User) -> Option<String> {
    let is_code = |text: &&String| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    let known = user.profile.country.as_ref().filter(is_code);
    known
        .or(user.profile.usage_location.as_ref())
        .map(|code| code.to_ascii_uppercase())
}

/// How the person authenticated, in tokens of version 2 where the tenant says so.
fn put_of_tenant(claims: &mut Claims, facts: &Facts<'_>, signed_in: &SignIn<'_>, v2: bool) {
    for claim in facts.parties.token_claims.told().filter(|_| v2) {
        let value: Value = match claim {
            AuthenticationClaim::Acr => "1".into(),
            AuthenticationClaim::Amr => signed_in.used.amr().into(),
            AuthenticationClaim::AuthTime => signed_in.auth_time.secs().into(),
        };
        if !claims.0.contains_key(claim.as_str()) {
            claims.put(claim.as_str(), value);
        }
    }
}

/// `c_hash`, `at_hash` (OpenID Connect Core §3.3.2.11): the left half of the SHA-256.
fn half_hash(text: &str) -> String {
    base64url::encode(&digest::sha256(text)[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_example_of_openid_connect_core() {
        // Appendix A.3 (at_hash) and A.4 (c_hash).
        assert_eq!(
            half_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
            "77QmUPtjPfzWtF2AnpK9RQ"
        );
        assert_eq!(
            half_hash("Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"),
            "LDktKdoQak3Pk0cnXxCltA"
        );
    }
}
