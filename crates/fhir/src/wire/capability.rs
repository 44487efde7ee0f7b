//! The CapabilityStatement: true to what is built. <http://hl7.org/fhir/R4/capabilitystatement.html>

use hygie_fhir_model::ResourceType;
use hygie_fhir_model::search::{ParameterKind, SearchParameter, Targets};
use hygie_fhir_store::search;
use serde_json::{Value, json};

use crate::binary::is_binary;
use crate::service::{Authority, Settings};

/// Interactions that every type has.
const INTERACTIONS: [&str; 9] = [
    "read",
    "vread",
    "update",
    "patch",
    "delete",
    "history-instance",
    "history-type",
    "create",
    "search-type",
];

/// What the statement has no elements for.
const BINARY: &str = "Content may be written and read in its native form, with Range; X-Security-Context is its securityContext. \
                      Without a FHIR format in Accept a read answers the content.";

/// The statement as JSON text.
pub fn capability_statement(settings: &Settings, base: &str) -> String {
    let resources: Vec<_> = ResourceType::all().map(resource).collect();
    json!({
        "resourceType": "CapabilityStatement",
        "id": "hygie",
        "url": format!("{base}/metadata"),
        "version": env!("CARGO_PKG_VERSION"),
        "name": "Hygie",
        "title": "hygie FHIR service",
        "status": "active",
        "date": settings.started.to_rfc3339(),
        "publisher": "hygie",
        "kind": "instance",
        "software": { "name": "hygie", "version": env!("CARGO_PKG_VERSION") },
        "implementation": { "description": "hygie FHIR service", "url": base },
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "patchFormat": ["application/json-patch+json", "application/fhir+json"],
        "rest": [{
            "mode": "server",
            "security": security(&settings.authority),
            "resource": resources,
            "interaction": [{ "code": "batch" }, { "code": "transaction" }, { "code": "history-system" }],
        }],
    })
    .to_string()
}

/// Where tokens come from, by the extension that SMART App Launch 1.0 defines.
fn security(authority: &Authority) -> Value {
    json!({
        "extension": [{
            "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
            "extension": [
                { "url": "token", "valueUri": authority.token_endpoint },
                { "url": "authorize", "valueUri": authority.authorization_endpoint },
            ],
        }],
        "service": [{
            "coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                "code": "OAuth",
            }],
        }],
        "description": "Bearer tokens of the tenant's identity provider; roles decide what they open.",
    })
}

fn resource(kind: ResourceType) -> Value {
    let parameters = SearchParameter::of(kind).filter(|parameter| search::is_supported(parameter));
    let parameters: Vec<_> = parameters
        .map(|parameter| json!({ "name": parameter.code, "type": parameter.kind.code() }))
        .collect();
    let references = SearchParameter::of(kind).filter(|parameter| parameter.kind == ParameterKind::Reference);
    let includes: Vec<_> = references
        .map(|parameter| format!("{kind}:{}", parameter.code))
        .chain([format!("{kind}:*"), "*".to_owned()])
        .collect();
    let mut resource = json!({
        "type": kind.name(),
        "profile": format!("http://hl7.org/fhir/StructureDefinition/{kind}"),
        "interaction": INTERACTIONS.map(|code| json!({ "code": code })),
        "versioning": "versioned",
        "readHistory": true,
        "updateCreate": true,
        "conditionalCreate": true,
        "conditionalRead": "full-support",
        "conditionalUpdate": true,
        "conditionalDelete": "multiple",
        "referencePolicy": ["literal"],
        "searchInclude": includes,
        "searchParam": parameters,
    });
    // Those that may refer to anything would be most of the statement.
    let names =
        |parameter: &SearchParameter| matches!(&parameter.targets, Targets::These(kinds) if kinds.contains(&kind));
    let referring: Vec<_> = SearchParameter::all()
        .iter()
        .filter(|parameter| names(parameter))
        .filter_map(|parameter| Some(format!("{}:{}", parameter.base?, parameter.code)))
        .collect();
    if is_binary(kind) {
        resource["documentation"] = BINARY.into();
    }
    if !referring.is_empty() {
        resource["searchRevInclude"] = referring.into();
    }
    resource
}

/// `.well-known/smart-configuration`: what of SMART App Launch is usable. Contexts of a patient or user are not.
/// <http://hl7.org/fhir/smart-app-launch/conformance.html>
pub fn smart_configuration(authority: &Authority) -> String {
    json!({
        "issuer": authority.issuer,
        "jwks_uri": authority.jwks_uri,
        "authorization_endpoint": authority.authorization_endpoint,
        "token_endpoint": authority.token_endpoint,
        "grant_types_supported": ["authorization_code", "client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "scopes_supported": ["openid", "offline_access", "system/*.read", "system/*.write", "system/*.*"],
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "capabilities": ["client-confidential-symmetric", "permission-v1", "permission-v2"],
    })
    .to_string()
}
