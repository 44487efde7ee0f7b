//! What is made where it is not there: the strength, the terms of use and the policies, each with how it is known among those
//! of its kind. Who works by the plan asks for what is there and makes the rest, in this order.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{POLICY_PREFIX, STRENGTH_NAMES, TERMS_NAME, TERMS_PREFIX, begins_with};
use crate::StrengthId;
use crate::json::Member;
use crate::templates::{ProSanteConnect, pro_sante_connect, pro_sante_connect_strength};

/// Where policies are, below the address of the directory API.
pub const POLICIES: &str = "identity/conditionalAccess/policies";
/// Where strengths are.
pub const STRENGTHS: &str = "policies/authenticationStrengthPolicies";
/// Where terms of use are.
pub const AGREEMENTS: &str = "identityGovernance/termsOfUse/agreements";
/// What excludes policies of a tenant's own while it is on.
pub const SECURITY_DEFAULTS: &str = "policies/identitySecurityDefaultsEnforcementPolicy";
/// How long sessions live, where the directory has it [ours].
pub const SESSION_LIFETIME: &str = "policies/sessionLifetimePolicy";
/// How long tokens live.
pub const TOKEN_LIFETIMES: &str = "policies/tokenLifetimePolicies";

/// An object that has to be there.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Where its kind is, below the address of the directory API.
    pub collection: &'static str,
    /// How its name begins, whatever the establishment's own convention.
    prefixes: Vec<&'static str>,
    /// What is sent to make it: without what is not set.
    pub document: Value,
}

impl Wanted {
    /// Whether an object with this name is it.
    pub fn is(&self, display_name: &str) -> bool {
        self.prefixes.iter().any(|prefix| begins_with(display_name, prefix))
    }
}

/// The strength `FA01-ProSantéConnect`.
pub fn strength() -> Wanted {
    let mut strength = pro_sante_connect_strength(StrengthId::from_uuid(Uuid::nil()));
    strength.id = None;
    Wanted {
        collection: STRENGTHS,
        prefixes: STRENGTH_NAMES.to_vec(),
        document: said(strength.write()),
    }
}

/// The terms of use: a PDF with the name of its file, its bytes in base64.
pub fn agreement(file_name: &str, base64: &str) -> Wanted {
    Wanted {
        collection: AGREEMENTS,
        prefixes: vec![TERMS_NAME],
        document: json!({ "displayName": TERMS_NAME, "isViewingBeforeAcceptanceRequired": true, "files": [
            { "fileName": file_name, "language": "fr", "isDefault": true, "fileData": { "data": base64 } }] }),
    }
}

/// The policies, with what was made before.
pub fn policies(asked: &ProSanteConnect) -> Vec<Wanted> {
    let wanted = |policy: crate::Policy| Wanted {
        collection: POLICIES,
        prefixes: vec![prefix_of(&policy.display_name)],
        document: said(policy.to_json()),
    };
    pro_sante_connect(asked).into_iter().map(wanted).collect()
}

/// By which a policy of the plan is known.
pub fn prefix_of(name: &str) -> &'static str {
    if begins_with(name, TERMS_PREFIX) {
        TERMS_PREFIX
    } else {
        POLICY_PREFIX
    }
}

/// Without what is not set: clients do not send it.
fn said(document: Value) -> Value {
    match document {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, said(value)))
            .collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::psc::SANDBOX;

    #[test]
    fn what_is_there_is_known_by_its_name() {
        let asked = ProSanteConnect {
            application: SANDBOX,
            strength: StrengthId::from_uuid(Uuid::nil()),
            emergency: BTreeSet::new(),
            terms: Some(crate::AgreementId::from_uuid(Uuid::nil())),
        };
        let policies = policies(&asked);
        let [terms, session] = &policies[..] else {
            panic!("two policies: {policies:?}");
        };
        assert!(terms.is("AC01-ProSantéConnect-Nos-CGU") && !terms.is("AC02-ProSantéConnect"));
        assert!(session.is("AC02-ProSante\u{301}Connect-x") && !session.is("AC01-ProSantéConnect"));
        assert!(strength().is("FA-ProSantéConnect") && !strength().is("FA02"));
        assert!(agreement("cgu.pdf", "").is("CGU-ProSantéConnect"));
        assert_eq!(session.document.get("id"), None);
        assert_eq!(strength().document.get("createdDateTime"), None);
    }
}
