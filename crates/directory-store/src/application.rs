//! Applications and their service principals.
//! <https://learn.microsoft.com/graph/api/resources/application>

use std::collections::BTreeSet;
use std::sync::Arc;

use hygie_core::{AppId, ObjectId, TenantId, Timestamp};
use hygie_oidc::RedirectUris;
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use crate::{GroupClaims, PrincipalProfile};

/// Longest text of a definition.
const MAX_TEXT: usize = 256;
/// Longest text that is read by people.
const MAX_LONG: usize = 1024;
/// Longest list of a definition.
const MAX_LIST: usize = 256;
/// Most resources that permissions are asked of.
const MAX_RESOURCES: usize = 50;

/// A registered application, in its home tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Client id.
    pub app: AppId,
    /// Object id.
    pub id: ObjectId,
    /// The tenant it is registered in.
    pub home: TenantId,
    /// Name for display.
    pub display_name: String,
    /// Everything else.
    pub definition: Arc<Definition>,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// Who may sign in to an application (`signInAudience`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Audience {
    /// Accounts of its home tenant.
    #[default]
    #[serde(rename = "AzureADMyOrg")]
    Home,
    /// Accounts of any tenant that has a service principal of it.
    #[serde(rename = "AzureADMultipleOrgs")]
    Tenants,
}

/// A grant that is off unless it is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ExtraGrant {
    /// People may give it their passwords (RFC 6749 §4.3): it sees them, and no second factor can be asked for.
    Password,
    /// It may ask for people whom it names (OpenID CIBA): they are disturbed by it.
    Ciba,
}

/// What an application is registered with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Definition {
    /// `aud` and prefix of scopes.
    pub identifier_uris: Vec<String>,
    /// Where authorization responses may go.
    pub redirect_uris: RedirectUris,
    /// Who may sign in.
    pub sign_in_audience: Audience,
    /// Version of the access tokens for this application: 2, or else 1.
    pub requested_access_token_version: Option<u8>,
    /// Delegated permissions that it offers.
    pub scopes: Vec<Scope>,
    /// Roles that users and applications may have in it.
    pub app_roles: Vec<AppRole>,
    /// Which groups go into tokens.
    pub group_membership_claims: Option<GroupClaims>,
    /// Claims beyond the usual ones.
    pub optional_claims: OptionalClaims,
    /// Whether the authorization endpoint may return id tokens.
    pub enable_id_token_issuance: bool,
    /// Whether the authorization endpoint may return access tokens.
    pub enable_access_token_issuance: bool,
    /// Whether devices without a browser may ask for it (RFC 8628): anybody can send a person the code of their own
    /// device, so that it is off unless it is needed.
    pub is_fallback_public_client: bool,
    /// What it may do at the token endpoint that others may not.
    pub extra_grants: BTreeSet<ExtraGrant>,
    /// Where a browser is sent in a frame when the session ends (OpenID Connect Front-Channel Logout).
    pub logout_url: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// What its administrators should know.
    pub notes: Option<String>,
    /// Where it is in a register of services or assets elsewhere.
    pub service_management_reference: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Where people begin.
    pub home_page_url: Option<String>,
    /// Pages that people are shown when they are asked for their consent (`info`).
    pub links: Links,
    /// The permissions that it asks for.
    pub required_resource_access: Vec<RequiredResource>,
    /// Applications that consent is given to together with it.
    pub known_client_applications: Vec<AppId>,
    /// Applications that need nobody's consent for some of the permissions that it offers.
    pub pre_authorized_applications: Vec<PreAuthorized>,
    /// The domain of its publisher: one of its home tenant.
    pub publisher_domain: Option<String>,
    /// Who published it, where that was verified.
    pub verified_publisher: Option<VerifiedPublisher>,
}

/// An application that whoever answers for a resource trusts with some of its delegated permissions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PreAuthorized {
    /// Which.
    pub app_id: AppId,
    /// The ids of the permissions.
    pub delegated_permission_ids: Vec<Uuid>,
}

/// A publisher that the operator of this installation vouches for (`verifiedPublisher`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerifiedPublisher {
    /// Its name.
    pub display_name: String,
    /// Its id, by which the operator knows it.
    pub verified_publisher_id: String,
    /// When it was set for the application.
    pub added_date_time: Timestamp,
}

/// Pages about an application.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Links {
    /// What it is for.
    pub marketing_url: Option<String>,
    /// What it does with data of people.
    pub privacy_statement_url: Option<String>,
    /// Where to ask.
    pub support_url: Option<String>,
    /// Under which terms.
    pub terms_of_service_url: Option<String>,
}

/// Permissions of a resource that an application asks for (`requiredResourceAccess`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequiredResource {
    /// The resource.
    pub resource_app_id: AppId,
    /// Its permissions.
    pub resource_access: Vec<RequiredAccess>,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequiredAccess {
    /// The id of the permission.
    pub id: Uuid,
    /// For people, or for itself.
    #[serde(rename = "type")]
    pub kind: AccessKind,
}

/// What kind of permission is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccessKind {
    /// A delegated one.
    Scope,
    /// A role of the application itself.
    Role,
}

/// Who can have a role (`allowedMemberTypes`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum MemberTypes {
    /// Users and groups, and applications.
    #[default]
    All,
    /// Users and groups.
    User,
    /// Applications.
    Application,
}

/// A delegated permission (`oauth2PermissionScopes`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Scope {
    /// Its id.
    pub id: Uuid,
    /// The word in `scp`.
    pub value: String,
    /// What it is called.
    pub display_name: String,
    /// Whether only administrators can grant it.
    pub is_for_administrators: bool,
    /// What administrators are told.
    pub description: Option<String>,
    /// What people are shown.
    pub user_display_name: Option<String>,
    /// What people are told.
    pub user_description: Option<String>,
}

/// A role of an application (`appRoles`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AppRole {
    /// Its id.
    pub id: Uuid,
    /// The word in `roles`.
    pub value: String,
    /// What it is called.
    pub display_name: String,
    /// What it allows.
    pub description: Option<String>,
    /// Whether it is neither given nor told any more.
    pub is_disabled: bool,
    /// Who can have it.
    pub members: MemberTypes,
}

/// Claims beyond the usual ones (`optionalClaims`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct OptionalClaims {
    /// In id tokens for this application.
    pub id_token: Vec<OptionalClaim>,
    /// In access tokens for this resource.
    pub access_token: Vec<OptionalClaim>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OptionalClaim {
    /// Name of the claim.
    pub name: String,
    /// What else is said of it, in the words of Entra ID.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub additional_properties: Vec<String>,
}

/// Has `idtyp` told of people too, and not of applications alone.
pub const INCLUDE_USER_TOKEN: &str = "include_user_token";

impl OptionalClaim {
    /// Whether tokens of people have `idtyp`.
    pub fn is_for_people_too(&self) -> bool {
        self.additional_properties.iter().any(|word| word == INCLUDE_USER_TOKEN)
    }
}

/// The presence of an application in a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicePrincipal {
    /// Object id (`oid` of the application itself).
    pub id: ObjectId,
    /// The application.
    pub app: AppId,
    /// The tenant that the application is registered in.
    pub home: TenantId,
    /// Name for display.
    pub display_name: String,
    /// Whether tokens are issued to and for it.
    pub is_enabled: bool,
    /// Whether only principals with a role in it get tokens for it.
    pub requires_assignment: bool,
    /// What a managed identity belongs to; none for an application.
    pub resource_id: Option<String>,
    /// What else its tenant says of it.
    #[serde(default)]
    pub profile: PrincipalProfile,
    /// When it was created.
    pub created_at: Timestamp,
}

impl Definition {
    /// Whether it may use a grant that others may not.
    pub fn allows(&self, grant: ExtraGrant) -> bool {
        self.extra_grants.contains(&grant)
    }

    /// Lets it use such a grant, or no more.
    pub fn allow(&mut self, grant: ExtraGrant, is_allowed: bool) {
        if is_allowed {
            self.extra_grants.insert(grant);
        } else {
            self.extra_grants.remove(&grant);
        }
    }

    /// Whether it may be registered, redirect URIs apart; names the member that has a wrong form or is too long.
    pub fn check(&self) -> Result<(), &'static str> {
        let fits = |text: &str| (1..=MAX_TEXT).contains(&text.len()) && !text.contains(char::is_control);
        // Words are separated by spaces in scopes and claims (RFC 6749 §3.3).
        let is_word = |text: &str| fits(text) && text.bytes().all(|byte| byte.is_ascii_graphic());
        let is_address = |text: &str| {
            let is_plain = is_word(text) && !text.contains([';', ',', '"', '\'']);
            is_plain && Url::parse(text).is_ok_and(|url| url.scheme() == "https" && url.fragment().is_none())
        };
        let roles = self.app_roles.iter().map(|role| (&role.value, &role.display_name));
        let scopes = self.scopes.iter().map(|scope| (&scope.value, &scope.display_name));
        let claims = [&self.optional_claims.id_token, &self.optional_claims.access_token];
        for (member, count, is_good) in [
            (
                "identifierUris",
                self.identifier_uris.len(),
                // A GUID would be the name of another application, whatever its case.
                self.identifier_uris
                    .iter()
                    .all(|uri| is_word(uri) && Uuid::try_parse(uri).is_err() && Url::parse(uri).is_ok()),
            ),
            ("scopes", self.scopes.len(), all_named(scopes, is_word, fits)),
            ("appRoles", self.app_roles.len(), all_named(roles, is_word, fits)),
            (
                "optionalClaims",
                claims.iter().map(|list| list.len()).sum(),
                claims.iter().copied().flatten().all(|claim| is_word(&claim.name)),
            ),
            ("logoutUrl", 0, self.logout_url.as_deref().is_none_or(is_address)),
            ("tags", self.tags.len(), self.tags.iter().all(|tag| fits(tag))),
        ] {
            if count > MAX_LIST || !is_good {
                return Err(member);
            }
        }
        self.check_texts()?;
        self.check_permissions()
    }

    fn check_texts(&self) -> Result<(), &'static str> {
        let is_page = |text: &&str| {
            let scheme = Url::parse(text).map(|url| url.scheme().to_owned());
            text.len() <= MAX_TEXT && scheme.is_ok_and(|scheme| scheme == "https" || scheme == "http")
        };
        let is_text = |text: &&str| text.chars().count() <= MAX_LONG && !text.contains('\0');
        for (member, text) in [
            ("description", &self.description),
            ("notes", &self.notes),
            ("serviceManagementReference", &self.service_management_reference),
        ] {
            if text.as_deref().is_some_and(|text| !is_text(&text)) {
                return Err(member);
            }
        }
        for (member, text) in [
            ("homePageUrl", &self.home_page_url),
            ("marketingUrl", &self.links.marketing_url),
            ("privacyStatementUrl", &self.links.privacy_statement_url),
            ("supportUrl", &self.links.support_url),
            ("termsOfServiceUrl", &self.links.terms_of_service_url),
        ] {
            if text.as_deref().is_some_and(|text| !is_page(&text)) {
                return Err(member);
            }
        }
        Ok(())
    }

    /// Permissions have ids and words of their own, and are not too many.
    fn check_permissions(&self) -> Result<(), &'static str> {
        let is_long = |text: &Option<String>| text.as_deref().is_some_and(|text| text.chars().count() > MAX_LONG);
        let (mut ids, mut words) = (BTreeSet::new(), BTreeSet::new());
        for role in &self.app_roles {
            if !ids.insert(role.id) || !words.insert(&role.value) || is_long(&role.description) {
                return Err("appRoles");
            }
        }
        let (mut ids, mut words) = (BTreeSet::new(), BTreeSet::new());
        for scope in &self.scopes {
            let texts = [&scope.description, &scope.user_display_name, &scope.user_description];
            if !ids.insert(scope.id) || !words.insert(&scope.value) || texts.into_iter().any(is_long) {
                return Err("oauth2PermissionScopes");
            }
        }
        let asked: usize = self
            .required_resource_access
            .iter()
            .map(|one| one.resource_access.len())
            .sum();
        if self.required_resource_access.len() > MAX_RESOURCES || asked > 2 * MAX_LIST {
            return Err("requiredResourceAccess");
        }
        if self.known_client_applications.len() > MAX_LIST {
            return Err("knownClientApplications");
        }
        let is_offered = |id: &Uuid| self.scopes.iter().any(|scope| scope.id == *id);
        let mut apps = BTreeSet::new();
        let is_wrong = |one: &PreAuthorized| {
            !apps.insert(one.app_id)
                || one.delegated_permission_ids.len() > MAX_LIST
                || !one.delegated_permission_ids.iter().all(is_offered)
        };
        let trusted = &self.pre_authorized_applications;
        if trusted.len() > MAX_LIST || trusted.iter().any(is_wrong) {
            return Err("preAuthorizedApplications");
        }
        Ok(())
    }

    /// The permissions that this client has without anybody's consent, by their words.
    pub fn pre_authorized(&self, client: AppId) -> impl Iterator<Item = String> {
        let trusted = self.pre_authorized_applications.iter();
        let ids = trusted.filter(move |one| one.app_id == client);
        let word = |id: &Uuid| self.scopes.iter().find(|scope| scope.id == *id);
        ids.flat_map(|one| &one.delegated_permission_ids)
            .filter_map(word)
            .map(|scope| scope.value.clone())
    }

    /// The permissions for people that this registration asks of a resource, by their words there.
    pub fn required_scopes(&self, resource: &Application) -> Vec<String> {
        let offered = &resource.definition.scopes;
        let asked = self.required_of(resource.app, AccessKind::Scope);
        let word = |id: Uuid| offered.iter().find(|scope| scope.id == id);
        asked.filter_map(word).map(|scope| scope.value.clone()).collect()
    }

    /// The ids of the roles that it asks for itself of a resource, as far as they can be given to an application.
    pub fn required_roles(&self, resource: &Application) -> Vec<Uuid> {
        let offered = &resource.definition.app_roles;
        let can_have = |id: &Uuid| {
            let mut roles = offered.iter();
            roles.any(|role| role.id == *id && !role.is_disabled && role.members != MemberTypes::User)
        };
        self.required_of(resource.app, AccessKind::Role)
            .filter(can_have)
            .collect()
    }

    fn required_of(&self, resource: AppId, kind: AccessKind) -> impl Iterator<Item = Uuid> {
        let of = self.required_resource_access.iter();
        let of = of.filter(move |required| required.resource_app_id == resource);
        of.flat_map(|required| &required.resource_access)
            .filter(move |access| access.kind == kind)
            .map(|access| access.id)
    }

    /// Whether access tokens for this application are of version 2.
    pub fn wants_v2(&self) -> bool {
        self.requested_access_token_version == Some(2)
    }

    /// The word of the role with this id.
    pub fn role(&self, id: Uuid) -> Option<&str> {
        self.app_roles
            .iter()
            .find(|role| role.id == id && !role.is_disabled)
            .map(|role| role.value.as_str())
    }
}

fn all_named<'a>(
    mut pairs: impl Iterator<Item = (&'a String, &'a String)>,
    is_word: impl Fn(&str) -> bool,
    fits: impl Fn(&str) -> bool,
) -> bool {
    pairs.all(|(value, name)| is_word(value) && fits(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_registered() {
        let with = |change: fn(&mut Definition)| {
            let mut definition = Definition::default();
            change(&mut definition);
            definition.check()
        };
        let role = |value: &str| AppRole {
            value: value.to_owned(),
            display_name: "name".to_owned(),
            ..AppRole::default()
        };
        assert_eq!(with(|_| ()), Ok(()));
        assert_eq!(
            with(|d| d.logout_url = Some("https://a.example/out?x=1".to_owned())),
            Ok(())
        );
        for wrong in [
            "http://a.example/",
            "https://a.example;x/",
            "javascript:x",
            "",
            "https://a.example/#x",
        ] {
            let definition = Definition {
                logout_url: Some(wrong.to_owned()),
                ..Definition::default()
            };
            assert_eq!(definition.check(), Err("logoutUrl"), "{wrong}");
        }
        for wrong in ["", "two words", "é", "line\n"] {
            let definition = Definition {
                app_roles: vec![role(wrong)],
                ..Definition::default()
            };
            assert_eq!(definition.check(), Err("appRoles"), "{wrong}");
        }
        assert_eq!(
            with(|d| d.identifier_uris = vec!["x".repeat(257)]),
            Err("identifierUris")
        );
        assert_eq!(
            with(|d| d.identifier_uris = vec!["api://x".to_owned(); 257]),
            Err("identifierUris")
        );
    }

    #[test]
    fn a_definition_is_written_as_in_the_directory_api() {
        let definition = Definition {
            sign_in_audience: Audience::Tenants,
            ..Definition::default()
        };
        let json = serde_json::to_value(&definition).expect("a definition is JSON");
        assert_eq!(json["signInAudience"], "AzureADMultipleOrgs");
        assert_eq!(json["redirectUris"]["publicClient"], serde_json::json!([]));
        assert_eq!(
            serde_json::from_value::<Definition>(json).expect("its own form"),
            definition
        );
        assert!(serde_json::from_str::<Definition>(r#"{"unknown":1}"#).is_err());
    }
}
