//! What of the bodies of Graph v1.0 is shown. Members that are not here are not read.
#![expect(clippy::struct_field_names, reason = "the names are those of Graph")]

mod trust;

use serde::Deserialize;
use serde_json::Value;

pub use trust::{Authority, RevocationList, Trial};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Organization {
    pub display_name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct User {
    pub id: String,
    pub user_principal_name: String,
    pub display_name: String,
    pub account_enabled: bool,
    pub given_name: Option<String>,
    pub surname: Option<String>,
    pub mail: Option<String>,
    pub job_title: Option<String>,
    pub department: Option<String>,
    pub user_type: Option<String>,
    pub created_date_time: Option<String>,
    pub last_password_change_date_time: Option<String>,
    pub authorization_info: AuthorizationInfo,
}

/// The members of [`User`] that are asked for.
pub const USER: &str = "id,userPrincipalName,displayName,accountEnabled,givenName,surname,mail,jobTitle,department,\
                        userType,createdDateTime,lastPasswordChangeDateTime,authorizationInfo";

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AuthorizationInfo {
    pub certificate_user_ids: Vec<String>,
}

/// A group, a role, or any other object of the directory.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Object {
    #[serde(rename = "@odata.type")]
    pub kind: String,
    pub id: String,
    pub app_id: Option<String>,
    pub display_name: String,
    pub description: Option<String>,
    pub user_principal_name: Option<String>,
    pub created_date_time: Option<String>,
    /// Of a group that was made to have roles.
    pub is_assignable_to_role: Option<bool>,
}

impl Object {
    pub fn is_group(&self) -> bool {
        self.kind == "#microsoft.graph.group"
    }
}

/// A means of identification.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Method {
    #[serde(rename = "@odata.type")]
    pub kind: String,
    pub id: String,
    pub display_name: Option<String>,
    pub model: Option<String>,
    pub created_date_time: Option<String>,
    pub is_usable: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Principal {
    pub id: String,
    pub app_id: String,
    pub display_name: String,
    pub app_owner_organization_id: Option<String>,
    pub service_principal_type: String,
    pub account_enabled: bool,
    pub app_role_assignment_required: bool,
    pub reply_urls: Vec<String>,
    pub service_principal_names: Vec<String>,
    pub app_roles: Vec<AppRole>,
    pub created_date_time: Option<String>,
}

/// A delegated permission.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Grant {
    pub id: String,
    pub client_id: String,
    pub resource_id: String,
    pub principal_id: Option<String>,
    pub scope: String,
}

/// A role of an application that somebody has.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Assignment {
    pub id: String,
    pub app_role_id: String,
    pub principal_display_name: Option<String>,
    pub principal_type: Option<String>,
    pub resource_display_name: Option<String>,
    pub resource_id: String,
}

/// The roles that an application defines.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Roles {
    pub app_roles: Vec<AppRole>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AppRole {
    pub id: String,
    pub value: Option<String>,
    pub display_name: String,
    pub is_enabled: bool,
    pub allowed_member_types: Vec<String>,
}

/// An entry of the log of sign-ins.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SignIn {
    pub id: String,
    pub created_date_time: String,
    pub user_display_name: String,
    pub user_principal_name: String,
    pub user_id: String,
    pub app_id: String,
    pub app_display_name: String,
    pub resource_display_name: Option<String>,
    pub ip_address: Option<String>,
    pub client_app_used: Option<String>,
    pub correlation_id: Option<String>,
    pub conditional_access_status: String,
    pub is_interactive: bool,
    pub status: Status,
    pub device_detail: Device,
    pub applied_conditional_access_policies: Vec<Applied>,
    pub authentication_details: Vec<Step>,
    pub authentication_processing_details: Vec<Detail>,
    pub location: Whereabouts,
    pub risk_level_during_sign_in: String,
    pub risk_level_aggregated: String,
}

/// What was proved in a sign-in.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Step {
    pub authentication_step_date_time: String,
    pub authentication_method: String,
}

/// What is told of how somebody was recognised.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Detail {
    pub key: String,
    pub value: String,
}

/// Where a sign-in came from.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Whereabouts {
    pub city: Option<String>,
    pub country_or_region: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    pub error_code: i64,
    pub failure_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Device {
    pub operating_system: Option<String>,
    pub browser: Option<String>,
}

/// What a policy did.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Applied {
    pub id: Option<String>,
    pub display_name: String,
    pub result: String,
    pub enforced_grant_controls: Vec<String>,
    pub enforced_session_controls: Vec<String>,
    /// What kept it away.
    pub analysis_reasons: String,
}

/// What a policy would do.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Evaluated {
    pub id: String,
    pub display_name: String,
    pub state: String,
    pub policy_applies: bool,
    pub analysis_reasons: String,
}

/// Who did something.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Initiator {
    pub user: Option<Actor>,
    pub app: Option<App>,
}

/// A person in the logs.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Actor {
    pub id: Option<String>,
    pub user_principal_name: Option<String>,
}

/// A program in the logs.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct App {
    pub display_name: Option<String>,
}

/// An entry of the log of changes.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Change {
    pub id: String,
    pub activity_date_time: String,
    pub activity_display_name: String,
    pub category: String,
    pub result: String,
    pub initiated_by: Initiator,
    pub target_resources: Vec<Target>,
}

/// What was changed.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Target {
    pub id: Option<String>,
    pub display_name: Option<String>,
    pub user_principal_name: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub modified_properties: Vec<Modified>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Modified {
    pub display_name: String,
    pub old_value: Option<String>,
    pub new_value: Option<String>,
}

/// Something that should be looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Alert {
    pub id: String,
    pub created_date_time: String,
    pub alert_type: String,
    pub title: String,
    pub severity: String,
    pub initiated_by: Initiator,
    pub target_resources: Vec<Target>,
}

/// Sign-ins with one factor.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Gaps {
    pub sign_ins: u64,
    pub single_factor: u64,
    pub is_truncated: bool,
    pub by_application: Vec<Gap>,
    pub by_user: Vec<Gap>,
    pub by_platform: Vec<Gap>,
    pub by_location: Vec<Gap>,
    pub by_day: Vec<Gap>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Gap {
    pub id: Option<String>,
    pub display_name: Option<String>,
    pub sign_ins: u64,
    pub single_factor: u64,
}

/// The methods policy.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Methods {
    pub authentication_method_configurations: Vec<Configured>,
}

/// The configuration of a method: what all have.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Configured {
    pub id: String,
    pub state: String,
    pub include_targets: Vec<MethodTarget>,
    pub exclude_targets: Vec<MethodTarget>,
}

/// For whom a method is.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MethodTarget {
    pub target_type: String,
    pub id: String,
}

/// An application as its owner registers it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Registration {
    pub id: String,
    pub app_id: String,
    pub display_name: String,
    pub sign_in_audience: Option<String>,
    pub identifier_uris: Vec<String>,
    pub web: Redirects,
    pub spa: Redirects,
    pub public_client: Redirects,
    pub is_fallback_public_client: bool,
    pub is_backchannel_authentication_enabled: bool,
    pub is_password_grant_enabled: bool,
    pub password_credentials: Vec<Credential>,
    pub key_credentials: Vec<Credential>,
}

/// Where an application may send people back to.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Redirects {
    pub redirect_uris: Vec<String>,
}

/// A secret or a certificate of an application.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Credential {
    pub key_id: String,
    pub display_name: Option<String>,
    pub hint: Option<String>,
    pub end_date_time: Option<String>,
}

/// An authentication strength.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Strength {
    pub id: String,
    pub display_name: String,
    pub description: Option<String>,
    pub policy_type: String,
    pub allowed_combinations: Vec<String>,
    pub combination_configurations: Vec<Narrowed>,
}

/// What narrows combinations of a strength.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Narrowed {
    pub id: String,
    pub applies_to_combinations: Vec<String>,
    #[serde(rename = "allowedAAGUIDs")]
    pub allowed_models: Vec<String>,
    pub allowed_issuer_skis: Vec<String>,
    #[serde(rename = "allowedPolicyOIDs")]
    pub allowed_policies: Vec<String>,
}

/// A named location.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Location {
    #[serde(rename = "@odata.type")]
    pub kind: String,
    pub id: String,
    pub display_name: String,
    pub is_trusted: bool,
    pub ip_ranges: Vec<Range>,
    pub countries_and_regions: Vec<String>,
    pub include_unknown_countries_and_regions: bool,
}

/// A range of addresses.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Range {
    pub cidr_address: String,
}

/// A policy to begin with.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Template {
    pub id: String,
    pub name: String,
    pub details: Value,
}

/// Terms of use.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Agreement {
    pub id: String,
    pub display_name: String,
    pub is_viewing_before_acceptance_required: Option<bool>,
    pub user_reaccept_required_frequency: Option<String>,
}

/// A document of terms of use, in a language.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AgreementFile {
    pub id: String,
    pub file_name: String,
    pub language: String,
    pub is_default: Option<bool>,
}

/// What somebody answered to terms of use.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Acceptance {
    pub user_id: String,
    pub user_display_name: Option<String>,
    pub state: String,
    pub recorded_date_time: String,
}

/// An application as what others get permissions at.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Resource {
    pub id: String,
    pub display_name: String,
    pub app_roles: Vec<AppRole>,
    pub oauth2_permission_scopes: Vec<Value>,
}
