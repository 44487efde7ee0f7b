//! Terms of use: the names and kinds of the members of agreements, their files, and what people answered.
//! <https://learn.microsoft.com/graph/api/resources/agreement>

use hygie_directory::User;
use hygie_directory::repo::AnswerRow;
use hygie_policy::agreement::Agreement;
use serde_json::{Map, Value};

use super::filled;
use hygie_odata::{EntityType, Kind, Property};

const TEXT: Kind = Kind::Text;

/// `agreement`.
pub static AGREEMENT: EntityType = EntityType {
    name: "agreement",
    properties: &[
        Property::new("id", TEXT),
        Property::new("displayName", TEXT),
        Property::new("isViewingBeforeAcceptanceRequired", Kind::Flag),
        Property::new("isPerDeviceAcceptanceRequired", Kind::Flag),
        Property::new(
            "termsExpiration",
            Kind::Complex(&[
                Property::new("startDateTime", Kind::Instant),
                Property::new("frequency", TEXT),
            ]),
        ),
        Property::new("userReacceptRequiredFrequency", TEXT),
    ],
    navigations: &[],
};

/// `agreementFileLocalization` and `agreementFileVersion`; `fileData` where it is selected.
pub static AGREEMENT_FILE: EntityType = EntityType {
    name: "agreementFileLocalization",
    properties: &[
        Property::new("id", TEXT),
        Property::new("fileName", TEXT),
        Property::new("displayName", TEXT),
        Property::new("language", TEXT),
        Property::new("isDefault", Kind::Flag),
        Property::new("isMajorVersion", Kind::Flag),
        Property::new("createdDateTime", Kind::Instant),
        Property::new("fileData", Kind::Complex(&[])),
    ],
    navigations: &[],
};

/// `agreementAcceptance`.
pub static ACCEPTANCE: EntityType = EntityType {
    name: "agreementAcceptance",
    properties: &[
        Property::new("id", TEXT),
        Property::new("agreementId", TEXT),
        Property::new("agreementFileId", TEXT),
        Property::new("userId", TEXT),
        Property::new("userDisplayName", TEXT),
        Property::new("userPrincipalName", TEXT),
        Property::new("userEmail", TEXT),
        Property::new("state", TEXT),
        Property::new("recordedDateTime", Kind::Instant),
        Property::new("expirationDateTime", Kind::Instant),
        Property::new("deviceId", TEXT),
        Property::new("deviceDisplayName", TEXT),
        Property::new("deviceOSType", TEXT),
        Property::new("deviceOSVersion", TEXT),
    ],
    navigations: &[],
};

/// An answer; of the agreement and the person, what is still known.
pub fn acceptance(answer: &AnswerRow, agreement: Option<&Agreement>, user: Option<&User>) -> Map<String, Value> {
    let agreement = agreement.filter(|_| answer.is_accepted);
    let expires = agreement.and_then(|agreement| agreement.expires_at(answer.recorded_at));
    let state = if answer.is_accepted { "accepted" } else { "declined" };
    filled(
        &ACCEPTANCE,
        [
            ("id", answer.id.to_string().into()),
            ("agreementId", answer.agreement.to_string().into()),
            ("agreementFileId", answer.file.to_string().into()),
            ("userId", answer.user.to_string().into()),
            ("userDisplayName", user.map(|user| user.display_name.clone()).into()),
            (
                "userPrincipalName",
                user.map(|user| user.user_principal_name.clone()).into(),
            ),
            ("userEmail", user.and_then(|user| user.mail.clone()).into()),
            ("state", state.into()),
            ("recordedDateTime", answer.recorded_at.to_rfc3339().into()),
            (
                "expirationDateTime",
                expires.map(hygie_core::Timestamp::to_rfc3339).into(),
            ),
        ],
    )
}
