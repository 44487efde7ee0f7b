//! The members of users and groups that nothing is searched by: one JSON column, spelled as in Graph.
//! <https://learn.microsoft.com/graph/api/resources/user>, <https://learn.microsoft.com/graph/api/resources/group>

use std::collections::BTreeMap;

use hygie_core::{ObjectId, TenantId};
use hygie_policy::ReadError;
use hygie_policy::json::{At, Wrong};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Most items of a list, and the longest of them.
const MAX_ITEMS: usize = 250;
const MAX_ITEM: usize = 256;
/// Most values that certificates are found by, and the longest of them.
const MAX_CERTIFICATE_USER_IDS: usize = 5;
const MAX_CERTIFICATE_USER_ID: usize = 1024;
/// What an establishment keeps of people in words of its own (`onPremisesExtensionAttributes`).
pub const EXTENSION_ATTRIBUTES: &[&str] = &[
    "extensionAttribute1",
    "extensionAttribute2",
    "extensionAttribute3",
    "extensionAttribute4",
    "extensionAttribute5",
    "extensionAttribute6",
    "extensionAttribute7",
    "extensionAttribute8",
    "extensionAttribute9",
    "extensionAttribute10",
    "extensionAttribute11",
    "extensionAttribute12",
    "extensionAttribute13",
    "extensionAttribute14",
    "extensionAttribute15",
];
/// Longest of them.
const MAX_EXTENSION: usize = 1024;
/// How such a value begins.
/// <https://learn.microsoft.com/entra/identity/authentication/concept-certificate-based-authentication-certificateuserids>
const CERTIFICATE_USER_IDS: &[&str] = &[
    "X509:<PN>",
    "X509:<RFC822>",
    "X509:<I>",
    "X509:<S>",
    "X509:<SKI>",
    "X509:<SHA1-PUKEY>",
];

/// Whether somebody belongs to the establishment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserType {
    /// They do.
    #[default]
    Member,
    /// They were invited.
    Guest,
}

/// What is known of a user beyond what users are found by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the members of Graph, by their names")]
pub struct UserProfile {
    pub mail_nickname: Option<String>,
    pub other_mails: Vec<String>,
    pub proxy_addresses: Vec<String>,
    pub job_title: Option<String>,
    pub department: Option<String>,
    pub company_name: Option<String>,
    pub employee_id: Option<String>,
    pub employee_type: Option<String>,
    pub employee_hire_date: Option<String>,
    pub business_phones: Vec<String>,
    pub mobile_phone: Option<String>,
    pub fax_number: Option<String>,
    pub office_location: Option<String>,
    pub street_address: Option<String>,
    pub postal_code: Option<String>,
    pub city: Option<String>,
    pub state: Option<String>,
    pub country: Option<String>,
    pub preferred_language: Option<String>,
    pub usage_location: Option<String>,
    pub user_type: UserType,
    pub password_policies: Option<String>,
    pub certificate_user_ids: Vec<String>,
    pub force_change_password_next_sign_in: bool,
    pub force_change_password_next_sign_in_with_mfa: bool,
    pub on_premises_sync_enabled: Option<bool>,
    pub on_premises_immutable_id: Option<String>,
    pub on_premises_user_principal_name: Option<String>,
    pub on_premises_sam_account_name: Option<String>,
    pub on_premises_security_identifier: Option<String>,
    pub on_premises_distinguished_name: Option<String>,
    pub on_premises_domain_name: Option<String>,
    pub on_premises_last_sync_date_time: Option<String>,
    /// Those that are set, by their names.
    pub on_premises_extension_attributes: BTreeMap<String, String>,
    pub creation_type: Option<String>,
    pub external_user_state: Option<String>,
    pub external_user_state_change_date_time: Option<String>,
    /// Of somebody who was invited: where their account is, once they have accepted. No member of Graph.
    pub home: Option<Home>,
}

/// The account of a guest, in another tenant of this installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Home {
    /// Its tenant.
    pub tenant: TenantId,
    /// The user there.
    pub user: ObjectId,
}

/// What is known of a group beyond what groups are found by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the members of Graph, by their names")]
pub struct GroupProfile {
    pub description: Option<String>,
    pub mail_nickname: Option<String>,
    pub visibility: Option<Visibility>,
    /// Whether directory roles can be given to it: said when it is made, once and for all.
    pub is_assignable_to_role: bool,
    pub on_premises_sync_enabled: Option<bool>,
    pub on_premises_sam_account_name: Option<String>,
    pub on_premises_security_identifier: Option<String>,
    pub on_premises_domain_name: Option<String>,
    pub on_premises_last_sync_date_time: Option<String>,
}

/// What a tenant says of a service principal beyond what others are found by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the members of Graph, by their names")]
pub struct PrincipalProfile {
    pub description: Option<String>,
    pub notes: Option<String>,
    pub tags: Vec<String>,
    pub login_url: Option<String>,
    pub preferred_single_sign_on_mode: Option<SignOnMode>,
    pub notification_email_addresses: Vec<String>,
}

/// How people come to an application from a list of applications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the values of Graph, by their names")]
pub enum SignOnMode {
    Password,
    Saml,
    NotSupported,
    Oidc,
}

impl PrincipalProfile {
    /// Whether a service principal may have it; names the member that has a wrong form or is too long.
    pub fn check(&self) -> Result<(), &'static str> {
        check_texts(&[("description", &self.description, 1024), ("notes", &self.notes, 1024)])?;
        let is_page = |text: &str| {
            text.len() <= MAX_ITEM && url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "https" | "http"))
        };
        if !self.login_url.as_deref().is_none_or(is_page) {
            return Err("loginUrl");
        }
        for (member, list) in [
            ("tags", &self.tags),
            ("notificationEmailAddresses", &self.notification_email_addresses),
        ] {
            if list.len() > MAX_ITEMS || !list.iter().all(|item| is_text(item, MAX_ITEM)) {
                return Err(member);
            }
        }
        Ok(())
    }
}

/// Who sees who is in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Visibility {
    /// Everybody.
    Public,
    /// Members and owners.
    Private,
    /// The same, and the membership is no secret to applications only.
    HiddenMembership,
}

impl UserProfile {
    /// Whether the next sign-in begins with another password.
    pub fn must_change_password(&self) -> bool {
        self.force_change_password_next_sign_in || self.force_change_password_next_sign_in_with_mfa
    }

    /// With these members, by their names.
    pub fn of(members: &Map<String, Value>) -> Result<Self, ReadError> {
        merged(&Self::default(), members)
    }

    /// Whether a user may have it; names the member that has a wrong form or is too long.
    pub fn check(&self) -> Result<(), &'static str> {
        let texts = [
            ("mailNickname", &self.mail_nickname, 64),
            ("jobTitle", &self.job_title, 128),
            ("department", &self.department, 64),
            ("companyName", &self.company_name, 64),
            ("employeeId", &self.employee_id, 16),
            ("employeeType", &self.employee_type, 64),
            ("mobilePhone", &self.mobile_phone, 64),
            ("faxNumber", &self.fax_number, 64),
            ("officeLocation", &self.office_location, 128),
            ("streetAddress", &self.street_address, 1024),
            ("postalCode", &self.postal_code, 40),
            ("city", &self.city, 128),
            ("state", &self.state, 128),
            ("country", &self.country, 128),
            ("preferredLanguage", &self.preferred_language, 35),
            ("onPremisesImmutableId", &self.on_premises_immutable_id, 256),
            (
                "onPremisesUserPrincipalName",
                &self.on_premises_user_principal_name,
                256,
            ),
            ("onPremisesSamAccountName", &self.on_premises_sam_account_name, 256),
            (
                "onPremisesSecurityIdentifier",
                &self.on_premises_security_identifier,
                256,
            ),
            (
                "onPremisesDistinguishedName",
                &self.on_premises_distinguished_name,
                1024,
            ),
            ("onPremisesDomainName", &self.on_premises_domain_name, 256),
        ];
        check_texts(&texts)?;
        for (member, text) in [
            ("onPremisesLastSyncDateTime", &self.on_premises_last_sync_date_time),
            ("employeeHireDate", &self.employee_hire_date),
        ] {
            check_instant(member, text.as_deref())?;
        }
        for (member, list) in [
            ("otherMails", &self.other_mails),
            ("proxyAddresses", &self.proxy_addresses),
            ("businessPhones", &self.business_phones),
        ] {
            if list.len() > MAX_ITEMS || !list.iter().all(|item| is_text(item, MAX_ITEM)) {
                return Err(member);
            }
        }
        let is_country = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase());
        if !self.usage_location.as_deref().is_none_or(is_country) {
            return Err("usageLocation");
        }
        if !self.password_policies.as_deref().is_none_or(is_password_policies) {
            return Err("passwordPolicies");
        }
        check_extensions(&self.on_premises_extension_attributes)?;
        check_certificate_user_ids(&self.certificate_user_ids)
    }

    /// Whether passwords need no several kinds of signs.
    pub fn has_weak_passwords(&self) -> bool {
        let policies = self.password_policies.as_deref().unwrap_or_default();
        policies
            .split(',')
            .any(|policy| policy.trim() == "DisableStrongPassword")
    }
}

impl GroupProfile {
    /// With these members, by their names.
    pub fn of(members: &Map<String, Value>) -> Result<Self, ReadError> {
        merged(&Self::default(), members)
    }

    /// Whether a group may have it; names the member that has a wrong form or is too long.
    pub fn check(&self) -> Result<(), &'static str> {
        check_texts(&[
            ("description", &self.description, 1024),
            ("mailNickname", &self.mail_nickname, 64),
            ("onPremisesSamAccountName", &self.on_premises_sam_account_name, 256),
            (
                "onPremisesSecurityIdentifier",
                &self.on_premises_security_identifier,
                256,
            ),
            ("onPremisesDomainName", &self.on_premises_domain_name, 256),
        ])?;
        check_instant(
            "onPremisesLastSyncDateTime",
            self.on_premises_last_sync_date_time.as_deref(),
        )
    }
}

fn check_texts(texts: &[(&'static str, &Option<String>, usize)]) -> Result<(), &'static str> {
    let wrong = |(_, text, most): &&(&'static str, &Option<String>, usize)| {
        text.as_deref().is_some_and(|text| !is_text(text, *most))
    };
    texts.iter().find(wrong).map_or(Ok(()), |(member, _, _)| Err(member))
}

fn check_instant(member: &'static str, text: Option<&str>) -> Result<(), &'static str> {
    let is_instant = text.is_none_or(|text| text.parse::<hygie_core::Timestamp>().is_ok());
    if is_instant { Ok(()) } else { Err(member) }
}

fn check_extensions(set: &BTreeMap<String, String>) -> Result<(), &'static str> {
    let is_extension = |(name, text): (&String, &String)| {
        EXTENSION_ATTRIBUTES.contains(&name.as_str()) && is_text(text, MAX_EXTENSION)
    };
    if set.iter().all(is_extension) {
        Ok(())
    } else {
        Err("onPremisesExtensionAttributes")
    }
}

fn check_certificate_user_ids(values: &[String]) -> Result<(), &'static str> {
    let is_value = |value: &String| {
        let rest = CERTIFICATE_USER_IDS
            .iter()
            .find_map(|prefix| value.strip_prefix(prefix));
        let is_filled = rest.is_some_and(|rest| !rest.is_empty() && rest.trim() == rest);
        is_filled && value.chars().count() <= MAX_CERTIFICATE_USER_ID && !value.contains(char::is_control)
    };
    let is_new = |(at, value): (usize, &String)| !values[..at].contains(value);
    let fits = values.len() <= MAX_CERTIFICATE_USER_IDS
        && values.iter().all(is_value)
        && values.iter().enumerate().all(is_new);
    if fits { Ok(()) } else { Err("certificateUserIds") }
}

/// Text that can be shown, of so many signs at most.
fn is_text(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.chars().count()) && !text.contains(char::is_control)
}

fn is_password_policies(text: &str) -> bool {
    let known = |policy: &str| {
        let policy = policy.trim();
        matches!(policy, "None" | "DisablePasswordExpiration" | "DisableStrongPassword")
    };
    text.split(',').all(known)
}

/// What has these members instead of its own; `null` takes a member away, and a member of an object that is one. A member that is
/// not known, or takes no such value, is refused with its name.
pub fn merged<T>(current: &T, changes: &Map<String, Value>) -> Result<T, ReadError>
where
    T: Serialize + DeserializeOwned + Default,
{
    let (mut all, nothing) = (members(current), members(&T::default()));
    for (name, value) in changes {
        let at = At::Member(&At::Root, name);
        let unset = nothing.get(name).ok_or_else(|| at.refuse(Wrong::UnknownMember))?;
        let value = match (all.get(name), value) {
            (_, Value::Null) => unset.clone(),
            (Some(Value::Object(before)), Value::Object(changed)) => {
                let mut both = before.clone();
                both.extend(changed.clone());
                both.retain(|_, value| !value.is_null());
                Value::Object(both)
            }
            _ => value.clone(),
        };
        let alone = Map::from_iter([(name.clone(), value.clone())]);
        serde_json::from_value::<T>(Value::Object(alone))
            .map_err(|_| at.refuse(Wrong::NotA("a value that this member takes")))?;
        all.insert(name.clone(), value);
    }
    serde_json::from_value(Value::Object(all)).map_err(|_| At::Root.refuse(Wrong::NotA("an object of this kind")))
}

/// As it is stored: without what is not set.
pub(crate) fn stored<T: Serialize>(profile: &T) -> String {
    let mut all = members(profile);
    all.retain(|_, value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => true,
    });
    Value::Object(all).to_string()
}

/// Every member, by its name in Graph.
fn members<T: Serialize>(profile: &T) -> Map<String, Value> {
    match serde_json::to_value(profile) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn changed(changes: &Value) -> Result<UserProfile, String> {
        let profile = UserProfile {
            department: Some("Cardiologie".to_owned()),
            business_phones: vec!["1".to_owned()],
            ..UserProfile::default()
        };
        let changes = changes.as_object().expect("an object");
        let merged = merged(&profile, changes).map_err(|error| error.to_string())?;
        merged.check().map_err(str::to_owned)?;
        Ok(merged)
    }

    #[test]
    fn members_are_changed_one_by_one() {
        let merged = changed(&json!({"jobTitle": "Infirmière", "department": null, "userType": "Guest"})).expect("one");
        assert_eq!(merged.job_title.as_deref(), Some("Infirmière"));
        assert_eq!((merged.department, merged.user_type), (None, UserType::Guest));
        assert_eq!(merged.business_phones, ["1"]);
        assert_eq!(
            changed(&json!({"businessPhones": null})).expect("one").business_phones,
            [""; 0]
        );
        assert!(
            changed(&json!({"passwordPolicies": "DisablePasswordExpiration, DisableStrongPassword"}))
                .expect("one")
                .has_weak_passwords()
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        let long = "x".repeat(1_100);
        for (changes, place) in [
            (json!({"jobtitle": "x"}), "jobtitle: there is no such member"),
            (
                json!({"jobTitle": 1}),
                "jobTitle: must be a value that this member takes",
            ),
            (
                json!({"userType": "member"}),
                "userType: must be a value that this member takes",
            ),
            (json!({"employeeId": "12345678901234567"}), "employeeId"),
            (json!({"city": ""}), "city"),
            (json!({"city": "x\ny"}), "city"),
            (json!({"usageLocation": "fr"}), "usageLocation"),
            (json!({"passwordPolicies": "Strong"}), "passwordPolicies"),
            (json!({"otherMails": vec!["x"; 251]}), "otherMails"),
            (
                json!({"onPremisesExtensionAttributes": {"extensionAttribute16": "x"}}),
                "onPremisesExtensionAttributes",
            ),
            (
                json!({"onPremisesExtensionAttributes": {"extensionAttribute1": long}}),
                "onPremisesExtensionAttributes",
            ),
            (
                json!({"onPremisesLastSyncDateTime": "today"}),
                "onPremisesLastSyncDateTime",
            ),
            (json!({"certificateUserIds": ["8.997"]}), "certificateUserIds"),
            (json!({"certificateUserIds": ["x509:<PN>8.997"]}), "certificateUserIds"),
            (json!({"certificateUserIds": ["X509:<PN> 8.997"]}), "certificateUserIds"),
            (
                json!({"certificateUserIds": ["X509:<PN>a", "X509:<PN>a"]}),
                "certificateUserIds",
            ),
            (
                json!({"certificateUserIds": [format!("X509:<PN>{long}")]}),
                "certificateUserIds",
            ),
            (
                json!({"certificateUserIds": (0..6).map(|n| format!("X509:<PN>{n}")).collect::<Vec<_>>()}),
                "certificateUserIds",
            ),
        ] {
            assert_eq!(changed(&changes).expect_err("refused"), place, "{changes}");
        }
    }

    #[test]
    fn only_what_is_set_is_stored() {
        assert_eq!(stored(&GroupProfile::default()), "{}");
        let profile = UserProfile {
            certificate_user_ids: vec!["X509:<PN>8.99700434378@carte-cps.fr".to_owned()],
            ..UserProfile::default()
        };
        let text = stored(&profile);
        assert_eq!(
            text,
            r#"{"userType":"Member","certificateUserIds":["X509:<PN>8.99700434378@carte-cps.fr"]}"#
        );
        assert_eq!(
            serde_json::from_str::<UserProfile>(&text).expect("its own form"),
            profile
        );
    }
}
