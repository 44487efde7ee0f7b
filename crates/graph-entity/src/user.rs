//! `user`: <https://learn.microsoft.com/graph/api/resources/user>.

use hygie_core::Timestamp;
use hygie_directory::repo::{LastSignIn, SignInActivity};
use hygie_directory::{EXTENSION_ATTRIBUTES, User};
use serde_json::{Map, Value, json};

use super::{add_profile, filled, security_identifier};
use hygie_odata::{EntityType, Kind, Property};

const TEXT: Kind = Kind::Text;
const TEXTS: Kind = Kind::List(&Kind::Text);
const IDENTITY: &[Property] = &[
    Property::new("signInType", TEXT),
    Property::new("issuer", TEXT),
    Property::new("issuerAssignedId", TEXT),
];
const PASSWORD: &[Property] = &[
    Property::new("password", TEXT),
    Property::new("forceChangePasswordNextSignIn", Kind::Flag),
    Property::new("forceChangePasswordNextSignInWithMfa", Kind::Flag),
];
const AUTHORIZATION: &[Property] = &[Property::new("certificateUserIds", TEXTS)];

const EXTENSIONS: &[Property] = &[
    Property::new("extensionAttribute1", TEXT),
    Property::new("extensionAttribute2", TEXT),
    Property::new("extensionAttribute3", TEXT),
    Property::new("extensionAttribute4", TEXT),
    Property::new("extensionAttribute5", TEXT),
    Property::new("extensionAttribute6", TEXT),
    Property::new("extensionAttribute7", TEXT),
    Property::new("extensionAttribute8", TEXT),
    Property::new("extensionAttribute9", TEXT),
    Property::new("extensionAttribute10", TEXT),
    Property::new("extensionAttribute11", TEXT),
    Property::new("extensionAttribute12", TEXT),
    Property::new("extensionAttribute13", TEXT),
    Property::new("extensionAttribute14", TEXT),
    Property::new("extensionAttribute15", TEXT),
];

const ACTIVITY: &[Property] = &[
    Property::new("lastSignInDateTime", Kind::Instant),
    Property::new("lastSignInRequestId", TEXT),
    Property::new("lastNonInteractiveSignInDateTime", Kind::Instant),
    Property::new("lastNonInteractiveSignInRequestId", TEXT),
    Property::new("lastSuccessfulSignInDateTime", Kind::Instant),
    Property::new("lastSuccessfulSignInRequestId", TEXT),
];

/// Its type.
pub static USER: EntityType = EntityType {
    name: "user",
    properties: &[
        Property::new("id", TEXT),
        Property::new("accountEnabled", Kind::Flag),
        Property::ordered("userPrincipalName"),
        Property::ordered("displayName"),
        Property::ordered("givenName"),
        Property::ordered("surname"),
        Property::ordered("mail"),
        Property::ordered("mailNickname"),
        Property::new("otherMails", TEXTS),
        Property::new("proxyAddresses", TEXTS),
        Property::new("identities", Kind::List(&Kind::Complex(IDENTITY))),
        Property::ordered("jobTitle"),
        Property::ordered("department"),
        Property::ordered("companyName"),
        Property::ordered("employeeId"),
        Property::ordered("employeeType"),
        Property::new("employeeHireDate", Kind::Instant),
        Property::new("businessPhones", TEXTS),
        Property::ordered("mobilePhone"),
        Property::new("faxNumber", TEXT),
        Property::ordered("officeLocation"),
        Property::ordered("streetAddress"),
        Property::ordered("postalCode"),
        Property::ordered("city"),
        Property::ordered("state"),
        Property::ordered("country"),
        Property::ordered("preferredLanguage"),
        Property::ordered("usageLocation"),
        Property::new("userType", TEXT),
        Property::new("creationType", TEXT),
        Property::new("externalUserState", TEXT),
        Property::new("externalUserStateChangeDateTime", Kind::Instant),
        Property::new("createdDateTime", Kind::Instant),
        Property::new("lastPasswordChangeDateTime", Kind::Instant),
        Property::new("passwordPolicies", TEXT),
        Property::new("passwordProfile", Kind::Complex(PASSWORD)),
        Property::new("authorizationInfo", Kind::Complex(AUTHORIZATION)),
        Property::new("onPremisesSyncEnabled", Kind::Flag),
        Property::new("onPremisesImmutableId", TEXT),
        Property::new("onPremisesUserPrincipalName", TEXT),
        Property::ordered("onPremisesSamAccountName"),
        Property::new("onPremisesSecurityIdentifier", TEXT),
        Property::new("onPremisesDistinguishedName", TEXT),
        Property::new("onPremisesDomainName", TEXT),
        Property::new("onPremisesLastSyncDateTime", Kind::Instant),
        Property::new("onPremisesExtensionAttributes", Kind::Complex(EXTENSIONS)),
        Property::new("securityIdentifier", TEXT),
        Property::new("signInSessionsValidFromDateTime", Kind::Instant),
        Property::new("signInActivity", Kind::Complex(ACTIVITY)),
        Property::new("deletedDateTime", Kind::Instant),
    ],
    navigations: &[
        "memberOf",
        "transitiveMemberOf",
        "manager",
        "directReports",
        "ownedObjects",
    ],
};

/// What is shown when nothing is selected.
pub const USER_DEFAULT: &[&str] = &[
    "businessPhones",
    "displayName",
    "givenName",
    "id",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
];

/// Its JSON.
pub fn user(user: &User) -> Map<String, Value> {
    let profile = &*user.profile;
    let mut members = filled(
        &USER,
        [
            ("id", user.id.to_string().into()),
            ("accountEnabled", user.is_enabled.into()),
            ("userPrincipalName", user.user_principal_name.clone().into()),
            ("displayName", user.display_name.clone().into()),
            ("givenName", user.given_name.clone().into()),
            ("surname", user.surname.clone().into()),
            ("mail", user.mail.clone().into()),
            ("createdDateTime", user.created_at.to_rfc3339().into()),
            (
                "lastPasswordChangeDateTime",
                user.password_at.map(Timestamp::to_rfc3339).into(),
            ),
            (
                "passwordProfile",
                json!({
                    "password": null,
                    "forceChangePasswordNextSignIn": profile.force_change_password_next_sign_in,
                    "forceChangePasswordNextSignInWithMfa": profile.force_change_password_next_sign_in_with_mfa,
                }),
            ),
            (
                "authorizationInfo",
                json!({ "certificateUserIds": profile.certificate_user_ids }),
            ),
            ("identities", identities(user)),
            ("securityIdentifier", security_identifier(user.id.uuid()).into()),
            ("signInSessionsValidFromDateTime", user.valid_from.to_rfc3339().into()),
        ],
    );
    add_profile(&mut members, profile);
    members.insert("onPremisesExtensionAttributes".to_owned(), extensions(user));
    members
}

/// All fifteen, set or not.
fn extensions(user: &User) -> Value {
    let set = &user.profile.on_premises_extension_attributes;
    let members = EXTENSION_ATTRIBUTES
        .iter()
        .map(|name| ((*name).to_owned(), set.get(*name).cloned().into()));
    Value::Object(members.collect())
}

/// When somebody signed in last; nothing of who never did.
pub fn sign_in_activity(activity: &SignInActivity) -> Value {
    if *activity == SignInActivity::default() {
        return Value::Null;
    }
    let at = |last: Option<LastSignIn>| last.map(|(at, _)| at.to_rfc3339());
    let entry = |last: Option<LastSignIn>| last.map(|(_, entry)| entry.to_string());
    json!({
        "lastSignInDateTime": at(activity.interactive),
        "lastSignInRequestId": entry(activity.interactive),
        "lastNonInteractiveSignInDateTime": at(activity.non_interactive),
        "lastNonInteractiveSignInRequestId": entry(activity.non_interactive),
        "lastSuccessfulSignInDateTime": at(activity.successful),
        "lastSuccessfulSignInRequestId": entry(activity.successful),
    })
}

/// How they sign in: by their user principal name, a guest at home.
fn identities(user: &User) -> Value {
    if user.profile.external_user_state.is_some() {
        return json!([{ "signInType": "federated", "issuer": "ExternalAzureAD", "issuerAssignedId": null }]);
    }
    let domain = user.user_principal_name.rsplit_once('@').map(|(_, domain)| domain);
    json!([{
        "signInType": "userPrincipalName",
        "issuer": domain,
        "issuerAssignedId": user.user_principal_name,
    }])
}
