//! `application`: <https://learn.microsoft.com/graph/api/application-update>.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hygie_core::AppId;
use hygie_directory::{
    AccessKind, AppRole, Audience, Definition, ExtraGrant, GroupClaims, INCLUDE_USER_TOKEN, KeyCredential, Links,
    MemberTypes, OptionalClaim, PreAuthorized, RequiredAccess, RequiredResource, Scope,
};
use hygie_jose::Certificate;
use hygie_policy::ReadError;
use hygie_policy::json::{At, Member, Wrong};
use serde_json::Value;
use uuid::Uuid;

use super::{Known, claims, each, items};

/// Members that the directory alone sets.
const READ_ONLY: &[&str] = &[
    "id",
    "appId",
    "createdDateTime",
    "deletedDateTime",
    "publisherDomain",
    "verifiedPublisher",
];

/// Members that have no value here: those that manifests and tools send are left empty.
const EMPTY: &[&str] = &[
    "addIns",
    "applicationTemplateId",
    "authenticationBehaviors",
    "certification",
    "defaultRedirectUri",
    "disabledByMicrosoftStatus",
    "requestSignatureVerification",
    "samlMetadataUrl",
    "tokenEncryptionKeyId",
    "uniqueName",
];

/// What a body makes of an application.
pub struct ApplicationBody {
    /// Name for display.
    pub display_name: String,
    /// Everything else.
    pub definition: Definition,
    /// What it proves itself by, when that changes.
    pub keys: Option<Vec<KeyCredential>>,
}

/// The application after the changes of a body.
pub fn read_application(body: &Value, mut to: ApplicationBody) -> Result<ApplicationBody, ReadError> {
    each(body, &At::Root, |name, found, at| {
        let definition = &mut to.definition;
        match name {
            "isDisabled" if found != Some(&Value::Bool(true)) => {}
            "isDisabled" => {
                return Err(at.refuse(Wrong::NotA(
                    "false: accountEnabled of a service principal turns an application off",
                )));
            }
            "displayName" => to.display_name = Member::read(found, at)?,
            "description" => definition.description = Member::read(found, at)?,
            "notes" => definition.notes = Member::read(found, at)?,
            "serviceManagementReference" => {
                let text: Option<String> = Member::read(found, at)?;
                definition.service_management_reference = text.filter(|text| !text.is_empty());
            }
            name if super::settings::is_one(name) => super::settings::check(name, found, at)?,
            "tags" => definition.tags = Member::read(found, at)?,
            "identifierUris" => definition.identifier_uris = Member::read(found, at)?,
            "signInAudience" => definition.sign_in_audience = audience(found, at)?,
            "isFallbackPublicClient" => definition.is_fallback_public_client = flag(found, at)?,
            "isPasswordGrantEnabled" => definition.allow(ExtraGrant::Password, flag(found, at)?),
            "isBackchannelAuthenticationEnabled" => definition.allow(ExtraGrant::Ciba, flag(found, at)?),
            "groupMembershipClaims" => definition.group_membership_claims = group_claims(found, at)?,
            "optionalClaims" => read_claims(definition, found, at)?,
            "api" => read_api(definition, found, at)?,
            "web" => read_web(definition, found, at)?,
            "spa" => definition.redirect_uris.spa = redirects(found, at)?,
            "publicClient" => definition.redirect_uris.public_client = redirects(found, at)?,
            "appRoles" => definition.app_roles = items(found, at, app_role)?,
            "requiredResourceAccess" => definition.required_resource_access = items(found, at, required)?,
            "info" => read_info(&mut definition.links, found, at)?,
            "keyCredentials" => to.keys = Some(read_keys(found, at)?),
            "passwordCredentials" if found.is_none_or(|found| *found == Value::Array(Vec::new())) => {}
            "passwordCredentials" => return Err(at.refuse(Wrong::NotA("empty: addPassword makes secrets"))),
            name if EMPTY.contains(&name) => nothing(found, at)?,
            name if READ_ONLY.contains(&name) => return Err(at.refuse(Wrong::ReadOnly)),
            _ => return Ok(Known::No),
        }
        Ok(Known::Yes)
    })?;
    Ok(to)
}

fn flag(found: Option<&Value>, at: &At<'_>) -> Result<bool, ReadError> {
    Ok(Option::<bool>::read(found, at)?.unwrap_or_default())
}

fn audience(found: Option<&Value>, at: &At<'_>) -> Result<Audience, ReadError> {
    match Option::<String>::read(found, at)?.as_deref() {
        None | Some("AzureADMyOrg") => Ok(Audience::Home),
        Some("AzureADMultipleOrgs") => Ok(Audience::Tenants),
        Some(other) => Err(at.refuse(Wrong::unknown(other))),
    }
}

fn group_claims(found: Option<&Value>, at: &At<'_>) -> Result<Option<GroupClaims>, ReadError> {
    match Option::<String>::read(found, at)?.as_deref() {
        None | Some("None") => Ok(None),
        Some(words) => {
            let claims: Result<GroupClaims, String> = words.parse();
            claims.map(Some).map_err(|word| at.refuse(Wrong::unknown(&word)))
        }
    }
}

fn read_claims(to: &mut Definition, found: Option<&Value>, at: &At<'_>) -> Result<(), ReadError> {
    let asked = &mut to.optional_claims;
    let Some(value) = found else {
        *asked = hygie_directory::OptionalClaims::default();
        return Ok(());
    };
    each(value, at, |name, found, at| {
        match name {
            "idToken" => asked.id_token = items(found, at, claim)?,
            "accessToken" => asked.access_token = items(found, at, claim)?,
            "saml2Token" => nothing(found, at)?,
            _ => return Ok(Known::No),
        }
        Ok(Known::Yes)
    })
}

fn claim(value: &Value, at: &At<'_>) -> Result<OptionalClaim, ReadError> {
    let mut claim = None;
    let mut additional_properties: Vec<String> = Vec::new();
    each(value, at, |name, found, at| {
        match name {
            "name" => {
                let name = String::read(found, at)?;
                claims::check(&name).map_err(|wrong| at.refuse(wrong))?;
                claim = Some(name);
            }
            // It comes with every token that can have it.
            "essential" => drop(Option::<bool>::read(found, at)?),
            "source" => nothing(found, at)?,
            "additionalProperties" => additional_properties = Option::read(found, at)?.unwrap_or_default(),
            _ => return Ok(Known::No),
        }
        Ok(Known::Yes)
    })?;
    let missing = || At::Member(at, "name").refuse(Wrong::Missing);
    let name = claim.ok_or_else(missing)?;
    let has_meaning = |word: &String| name == "idtyp" && word == INCLUDE_USER_TOKEN;
    if let Some(word) = additional_properties.iter().find(|word| !has_meaning(word)) {
        let wrong = claims::additional(&name, word);
        return Err(At::Member(at, "additionalProperties").refuse(wrong));
    }
    Ok(OptionalClaim {
        name,
        additional_properties,
    })
}

fn read_api(to: &mut Definition, found: Option<&Value>, at: &At<'_>) -> Result<(), ReadError> {
    each(found.unwrap_or(&Value::Null), at, |name, found, at| {
        match name {
            "oauth2PermissionScopes" => to.scopes = items(found, at, scope)?,
            "requestedAccessTokenVersion" => {
                to.requested_access_token_version = match Option::<u32>::read(found, at)? {
                    None => None,
                    Some(1) => Some(1),
                    Some(2) => Some(2),
                    Some(_) => return Err(at.refuse(Wrong::NotA("1 or 2"))),
                };
            }
            "knownClientApplications" => {
                let all: Vec<AppId> = Member::read(found, at)?;
                to.known_client_applications = all;
            }
            "preAuthorizedApplications" => to.pre_authorized_applications = items(found, at, pre_authorized)?,
            "acceptMappedClaims" if found != Some(&Value::Bool(true)) => {}
            "acceptMappedClaims" => return Err(at.refuse(Wrong::NotA("false: claims are not mapped"))),
            _ => return Ok(Known::No),
        }
        Ok(Known::Yes)
    })
}

fn pre_authorized(value: &Value, at: &At<'_>) -> Result<PreAuthorized, ReadError> {
    let (mut app, mut ids) = (None, Vec::new());
    each(value, at, |name, found, at| {
        match name {
            "appId" => app = Some(AppId::read(found, at)?),
            "delegatedPermissionIds" => ids = items(found, at, |value, at| guid(Some(value), at))?,
            _ => return Ok(Known::No),
        }
        Ok(Known::Yes)
    })?;
    let missing = || At::Member(at, "appId").refuse(Wrong::Missing);
    Ok(PreAuthorized {
        app_id: app.ok_or_else(missing)?,
        delegated_permission_ids: ids,
    })
}

fn read_web(to: &mut Definition, found: Option<&Value>, at: &At<'_>) -> Result<(), ReadError> {
    let mut settings: Vec<String> = Vec::new();
    each(found.unwrap_or(&Value::Null), at, |name, found, at| {
        match name {
            "homePageUrl" => to.home_page_url = Member::read(found, at)?,
            "logoutUrl" => to.logout_url = Member::read(found, at)?,
            "redirectUris" => to.redirect_uris.web = Member::read(found, at)?,
            "redirectUriSettings" => settings = items(found, at, redirect_setting)?,
            "implicitGrantSettings" => each(found.unwrap_or(&Value::Null), at, |name, found, at| {
                let is_on = Option::<bool>::read(found, at)?.unwrap_or_default();
                match name {
                    "enableAccessTokenIssuance" => to.enable_access_token_issuance = is_on,
                    "enableIdTokenIssuance" => to.enable_id_token_issuance = is_on,
                    _ => return Ok(Known::No),
                }
                Ok(Known::Yes)
            })?,
            _ => return Ok(Known::No),
        }
        Ok(Known::Yes)
    })?;
    let is_there = |uri: &String| to.redirect_uris.web.contains(uri);
    match settings.iter().position(|uri| !is_there(uri)) {
        None => Ok(()),
        Some(n) => {
            let at = At::Member(at, "redirectUriSettings");
            Err(At::Member(&At::Item(&at, n), "uri").refuse(Wrong::NotA("one of redirectUris")))
        }
    }
}

/// What is said of a redirect URI: which one, and no place in an order, which SAML alone has.
fn redirect_setting(value: &Value, at: &At<'_>) -> Result<String, ReadError> {
    let mut uri = None;
    each(value, at, |name, found, at| {
        match name {
            "uri" => uri = Some(String::read(found, at)?),
            "index" if found.is_none() => {}
            "index" => return Err(at.refuse(Wrong::NotA("null: it is of SAML, which is not supported"))),
            _ => return Ok(Known::No),
        }
        Ok(Known::Yes)
    })?;
    uri.ok_or_else(|| At::Member(at, "uri").refuse(Wrong::Missing))
}

fn redirects(found: Option<&Value>, at: &At<'_>) -> Result<Vec<String>, ReadError> {
    let mut uris = Vec::new();
    each(found.unwrap_or(&Value::Null), at, |name, found, at| {
        if name == "redirectUris" {
            uris = Member::read(found, at)?;
            return Ok(Known::Yes);
        }
        Ok(Known::No)
    })?;
    Ok(uris)
}

fn read_info(to: &mut Links, found: Option<&Value>, at: &At<'_>) -> Result<(), ReadError> {
    each(found.unwrap_or(&Value::Null), at, |name, found, at| {
        match name {
            "marketingUrl" => to.marketing_url = Member::read(found, at)?,
            "privacyStatementUrl" => to.privacy_statement_url = Member::read(found, at)?,
            "supportUrl" => to.support_url = Member::read(found, at)?,
            "termsOfServiceUrl" => to.terms_of_service_url = Member::read(found, at)?,
            "logoUrl" if found.is_none() => {}
            "logoUrl" => return Err(at.refuse(Wrong::ReadOnly)),
            _ => return Ok(Known::No),
        }
        Ok(Known::Yes)
    })
}

fn app_role(value: &Value, at: &At<'_>) -> Result<AppRole, ReadError> {
    let mut role = AppRole::default();
    each(value, at, |name, found, at| {
        match name {
            "id" => role.id = guid(found, at)?,
            "value" => role.value = Member::read(found, at)?,
            "displayName" => role.display_name = Member::read(found, at)?,
            "description" => role.description = Member::read(found, at)?,
            "isEnabled" => role.is_disabled = !bool::read(found, at)?,
            "allowedMemberTypes" => role.members = member_types(found, at)?,
            "origin" => drop(Option::<String>::read(found, at)?),
            _ => return Ok(Known::No),
        }
        Ok(Known::Yes)
    })?;
    need(at, &[("id", role.id.is_nil()), ("value", role.value.is_empty())])?;
    Ok(role)
}

fn member_types(found: Option<&Value>, at: &At<'_>) -> Result<MemberTypes, ReadError> {
    let words: Vec<String> = Member::read(found, at)?;
    let has = |wanted: &str| words.iter().any(|word| word == wanted);
    if let Some(other) = words
        .iter()
        .find(|word| !matches!(word.as_str(), "User" | "Application"))
    {
        return Err(at.refuse(Wrong::unknown(other)));
    }
    match (has("User"), has("Application")) {
        (true, true) => Ok(MemberTypes::All),
        (true, false) => Ok(MemberTypes::User),
        (false, true) => Ok(MemberTypes::Application),
        (false, false) => Err(at.refuse(Wrong::Missing)),
    }
}

fn scope(value: &Value, at: &At<'_>) -> Result<Scope, ReadError> {
    let mut scope = Scope::default();
    each(value, at, |name, found, at| {
        match name {
            "id" => scope.id = guid(found, at)?,
            "value" => scope.value = Member::read(found, at)?,
            "adminConsentDisplayName" => scope.display_name = Member::read(found, at)?,
            "adminConsentDescription" => scope.description = Member::read(found, at)?,
            "userConsentDisplayName" => scope.user_display_name = Member::read(found, at)?,
            "userConsentDescription" => scope.user_description = Member::read(found, at)?,
            "isEnabled" if found != Some(&Value::Bool(false)) => {}
            "isEnabled" => return Err(at.refuse(Wrong::NotA("true: a permission that is not offered is taken away"))),
            "origin" => drop(Option::<String>::read(found, at)?),
            "type" => {
                scope.is_for_administrators = match Option::<String>::read(found, at)?.as_deref() {
                    None | Some("User") => false,
                    Some("Admin") => true,
                    Some(other) => return Err(at.refuse(Wrong::unknown(other))),
                };
            }
            _ => return Ok(Known::No),
        }
        Ok(Known::Yes)
    })?;
    let is_unnamed = scope.display_name.is_empty();
    need(
        at,
        &[
            ("id", scope.id.is_nil()),
            ("value", scope.value.is_empty()),
            ("adminConsentDisplayName", is_unnamed),
        ],
    )?;
    Ok(scope)
}

fn required(value: &Value, at: &At<'_>) -> Result<RequiredResource, ReadError> {
    let (mut resource, mut access) = (None, Vec::new());
    each(value, at, |name, found, at| {
        match name {
            "resourceAppId" => resource = Some(AppId::read(found, at)?),
            "resourceAccess" => access = items(found, at, required_access)?,
            _ => return Ok(Known::No),
        }
        Ok(Known::Yes)
    })?;
    let missing = || At::Member(at, "resourceAppId").refuse(Wrong::Missing);
    Ok(RequiredResource {
        resource_app_id: resource.ok_or_else(missing)?,
        resource_access: access,
    })
}

fn required_access(value: &Value, at: &At<'_>) -> Result<RequiredAccess, ReadError> {
    let (mut id, mut kind) = (Uuid::nil(), None);
    each(value, at, |name, found, at| {
        match name {
            "id" => id = guid(found, at)?,
            "type" => {
                kind = match String::read(found, at)?.as_str() {
                    "Scope" => Some(AccessKind::Scope),
                    "Role" => Some(AccessKind::Role),
                    other => return Err(at.refuse(Wrong::unknown(other))),
                };
            }
            _ => return Ok(Known::No),
        }
        Ok(Known::Yes)
    })?;
    need(at, &[("id", id.is_nil())])?;
    let missing = || At::Member(at, "type").refuse(Wrong::Missing);
    Ok(RequiredAccess {
        id,
        kind: kind.ok_or_else(missing)?,
    })
}

/// The certificates of a `keyCredentials`.
pub fn read_keys(found: Option<&Value>, at: &At<'_>) -> Result<Vec<KeyCredential>, ReadError> {
    items(found, at, read_key)
}

/// One that is there is named by its id alone; another one brings its certificate.
pub fn read_key(value: &Value, at: &At<'_>) -> Result<KeyCredential, ReadError> {
    let (mut id, mut der, mut shown) = (None, None, None);
    each(value, at, |name, found, at| {
        let is = |wanted: &str| found.and_then(Value::as_str).is_none_or(|word| word == wanted);
        match name {
            "keyId" => id = found.map(|_| guid(found, at)).transpose()?,
            "key" => {
                let text = Option::<String>::read(found, at)?;
                let wrong = |_| at.refuse(Wrong::NotA("base64"));
                der = text.map(|text| STANDARD.decode(text)).transpose().map_err(wrong)?;
            }
            "displayName" => shown = Member::read(found, at)?,
            "type" if is("AsymmetricX509Cert") => {}
            "usage" if is("Verify") => {}
            "type" | "usage" => return Err(at.refuse(Wrong::NotA("that of a certificate by which one proves oneself"))),
            // Told by the certificate itself.
            "customKeyIdentifier" | "startDateTime" | "endDateTime" => drop(Option::<String>::read(found, at)?),
            _ => return Ok(Known::No),
        }
        Ok(Known::Yes)
    })?;
    let at = At::Member(at, "key");
    match (id, der) {
        (_, Some(der)) => {
            let certificate = Certificate::from_der(&der);
            let certificate = certificate.map_err(|_| at.refuse(Wrong::NotA("a certificate that can be used here")))?;
            let shown: Option<String> = shown;
            Ok(KeyCredential::New(
                shown.unwrap_or_else(|| certificate.x5t()),
                Box::new(certificate),
            ))
        }
        (Some(id), None) => Ok(KeyCredential::Kept(id)),
        (None, None) => Err(at.refuse(Wrong::Missing)),
    }
}

fn guid(found: Option<&Value>, at: &At<'_>) -> Result<Uuid, ReadError> {
    // The form of an id is that of every other.
    AppId::read(found, at).map(AppId::uuid)
}

/// What is not supported, and so must not be asked for.
pub fn nothing(found: Option<&Value>, at: &At<'_>) -> Result<(), ReadError> {
    match found {
        None => Ok(()),
        Some(Value::String(text)) if text.is_empty() => Ok(()),
        Some(Value::Array(items)) if items.is_empty() => Ok(()),
        Some(Value::Object(members)) if members.is_empty() => Ok(()),
        Some(_) => Err(at.refuse(Wrong::NotA("empty: it is not supported"))),
    }
}

fn need(at: &At<'_>, members: &[(&str, bool)]) -> Result<(), ReadError> {
    match members.iter().find(|(_, is_missing)| *is_missing) {
        Some((name, _)) => Err(At::Member(at, name).refuse(Wrong::Missing)),
        None => Ok(()),
    }
}
