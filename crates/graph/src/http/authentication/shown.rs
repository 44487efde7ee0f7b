//! Means of identification as Graph shows them.

use hygie_core::Timestamp;
use hygie_means::{Methods, RegisteredCodes, RegisteredPass, RegisteredPasskey};
use hygie_policy::methods::PasskeyType;
use serde_json::{Map, Value, json};

/// The id that every password has in Graph.
pub const PASSWORD: &str = "28c10230-6103-485e-b985-444c60001490";

/// A collection below `authentication`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    All,
    Password,
    SoftwareOath,
    Fido2,
    TemporaryAccessPass,
    /// Graph has it, and nobody here has one.
    Nothing,
}

impl Kind {
    /// The collection of this name.
    pub fn find(name: &str) -> Option<Self> {
        Some(match name {
            "methods" => Self::All,
            "passwordMethods" => Self::Password,
            "softwareOathMethods" => Self::SoftwareOath,
            "fido2Methods" => Self::Fido2,
            "temporaryAccessPassMethods" => Self::TemporaryAccessPass,
            "windowsHelloForBusinessMethods"
            | "phoneMethods"
            | "emailMethods"
            | "microsoftAuthenticatorMethods"
            | "platformCredentialMethods" => Self::Nothing,
            _ => return None,
        })
    }

    fn has(self, other: Self) -> bool {
        self == Self::All || self == other
    }
}

/// What a person has, of a kind. In the collection of all kinds each says which it is.
pub fn items(kind: Kind, methods: &Methods, now: Timestamp) -> Vec<Map<String, Value>> {
    let mut items = Vec::new();
    let mut add = |of: Kind, name: &str, members: Value| {
        let mut item = Map::new();
        if kind == Kind::All {
            item.insert("@odata.type".to_owned(), format!("#microsoft.graph.{name}").into());
        }
        if let Value::Object(members) = members {
            item.extend(members);
        }
        if kind.has(of) {
            items.push(item);
        }
    };
    if methods.has_password {
        let members = json!({ "id": PASSWORD, "password": null, "createdDateTime": null });
        add(Kind::Password, "passwordAuthenticationMethod", members);
    }
    for passkey in &methods.passkeys {
        add(Kind::Fido2, "fido2AuthenticationMethod", fido2(passkey));
    }
    for codes in &methods.codes {
        add(Kind::SoftwareOath, "softwareOathAuthenticationMethod", oath(codes));
    }
    if let Some(pass) = &methods.pass {
        let members = temporary_access_pass(pass, now);
        add(
            Kind::TemporaryAccessPass,
            "temporaryAccessPassAuthenticationMethod",
            members,
        );
    }
    items
}

/// fido2AuthenticationMethod.
pub fn fido2(passkey: &RegisteredPasskey) -> Value {
    json!({
        "id": hygie_jose::base64url::encode(&passkey.id), "displayName": passkey.display_name,
        "createdDateTime": passkey.created_at.to_rfc3339(), "aaGuid": passkey.aaguid.to_string(),
        "model": passkey.model, "attestationCertificates": [],
        "attestationLevel": if passkey.is_attested { "attested" } else { "notAttested" },
        "passkeyType": match passkey.kind {
            PasskeyType::DeviceBound => "deviceBound",
            PasskeyType::Synced => "synced",
        },
    })
}

fn oath(codes: &RegisteredCodes) -> Value {
    json!({ "id": codes.id, "secretKey": null, "createdDateTime": codes.created_at.to_rfc3339() })
}

/// temporaryAccessPassAuthenticationMethod, without its value.
pub fn temporary_access_pass(pass: &RegisteredPass, now: Timestamp) -> Value {
    let is_spent = pass.is_usable_once && pass.is_used;
    let reason = match () {
        () if pass.is_usable => "EnabledByPolicy",
        () if is_spent => "OneTimeUsed",
        () if pass.expires_at <= now => "Expired",
        () if now < pass.start_at => "NotYetValid",
        () => "DisabledByPolicy",
    };
    let lifetime = pass.expires_at.since(pass.start_at).as_secs() / 60;
    json!({
        "id": pass.id, "temporaryAccessPass": null, "createdDateTime": pass.created_at.to_rfc3339(),
        "startDateTime": pass.start_at.to_rfc3339(), "lifetimeInMinutes": lifetime,
        "isUsableOnce": pass.is_usable_once, "isUsable": pass.is_usable, "methodUsabilityReason": reason,
    })
}
