//! Policies of conditional access, terms of use, and exports of policies. Input: a policy, a named location, an agreement or an
//! export as JSON, then the rule of a device filter on a line of its own.
//!
//! Laws: what is read is written, and read again the same; a change of nothing changes nothing; what is printed of a rule
//! is the same rule; an export that is read is judged.

use hygie_core::Timestamp;
use hygie_policy::agreement::{Agreement, AgreementFile, NewAgreement};
use hygie_policy::filter::Rule;
use hygie_policy::methods::{Method, MethodsPolicy};
use hygie_policy::policy::AuthenticationContext;
use hygie_policy::psc::{self, Application, Export};
use hygie_policy::{AuthenticationStrength, NamedLocation, Patch, Policy, json};
use serde_json::{Value, json};

use crate::{Target, text_lines, texts};

pub const TARGET: Target = Target {
    name: "policy",
    run,
    seeds,
    words: r#"
        "displayName": "state": "enabled" "conditions": "users": "includeUsers":["All"] "applications": "includeApplications":
        "grantControls": "operator":"OR" "builtInControls":["mfa"] "authenticationStrength":{"id": "sessionControls":
        "signInFrequency":{"value":4,"type":"hours","isEnabled":true "@odata.type": null [] {} "ipRanges":[{"cidrAddress":"10.0.0.0/8"
        device.isCompliant -eq True -and -or -not ( ) -startsWith -in [ ] "x" -ne device.trustType"#,
};

fn seeds() -> Vec<Vec<u8>> {
    texts(&[
        r#"{"displayName":"AC02-ProSantéConnect","state":"enabled","conditions":{"users":{"includeUsers":["All"]},"applications":{"includeApplications":["99383c77-0bb9-41f0-96e1-b72ad6eca607"]}},"grantControls":{"operator":"OR","builtInControls":["mfa"]},"sessionControls":{"signInFrequency":{"value":4,"type":"hours","isEnabled":true,"frequencyInterval":"timeBased"}}}
device.isCompliant -eq True -and (device.displayName -startsWith "PC" -or -not (device.trustType -in ["AzureAD"]))"#,
        r##"{"@odata.type":"#microsoft.graph.ipNamedLocation","displayName":"House","isTrusted":true,"ipRanges":[{"@odata.type":"#microsoft.graph.iPv4CidrRange","cidrAddress":"10.0.0.0/8"}]}
"##,
        r#"{"displayName":"FA01","allowedCombinations":["fido2","password,sms"],"combinationConfigurations":[]}
device.model -ne "x""#,
        r#"{"displayName":"CGU","userReacceptRequiredFrequency":"P90D","termsExpiration":{"startDateTime":"2026-01-01T00:00:00Z","frequency":"P30D"}}
"#,
        r#"{"displayName":"CGU","files":[{"fileName":"cgu.pdf","language":"fr-FR","isMajorVersion":true,"fileData":{"data":"JVBERi0xLjcK"}}]}
"#,
        r##"{"@odata.type":"#microsoft.graph.fido2AuthenticationMethodConfiguration","keyRestrictions":{"isEnforced":true,"enforcementType":"allow","aaGuids":["90a3ccdf-635c-4729-a248-9b709135078f"]},"passkeyProfiles":[{"id":"p","passkeyTypes":"deviceBound,synced"}],"defaultPasskeyProfile":"p"}
"##,
        r#"{"policyMigrationState":"migrationComplete","registrationEnforcement":{"authenticationMethodsRegistrationCampaign":{"state":"disabled","snoozeDurationInDays":3}}}
"#,
        r#"[{"DisplayName":"AC01","State":"enabled","Conditions":{"Users":{"IncludeUsers":["All"]}}}]
"#,
    ])
}

/// A document as a change of the authentication methods policy, and of the configuration of each method.
fn methods(document: &Value) {
    let before = MethodsPolicy::initial();
    let configured = Method::ALL.iter().map(|method| before.configured(*method, document));
    for changed in configured.chain([before.patched(document)]).flatten() {
        let written = changed.to_json();
        assert_eq!(MethodsPolicy::from_json(&written).as_ref(), Ok(&changed), "{written}");
        assert_eq!(changed.patched(&json!({})).as_ref(), Ok(&changed), "{written}");
        // Whatever it says.
        let _ = changed.check();
    }
}

fn run(input: &[u8]) {
    let [document, rule] = text_lines(input);
    if let Ok(rule) = Rule::parse(rule) {
        rule.holds(None);
        if let Ok(again) = Rule::parse(&rule.to_string()) {
            assert_eq!(again, rule, "{rule}");
        }
    }
    if let Ok(export) = Export::read(document.as_bytes()) {
        let report = psc::check(&export, Application::Assumed);
        report.to_json();
        report.verdict();
    }
    let Ok(document) = serde_json::from_str::<Value>(document) else {
        return;
    };
    methods(&document);
    if let Ok(policy) = Policy::from_json(&document) {
        let written = policy.to_json();
        assert_eq!(Policy::from_json(&written).as_ref(), Ok(&policy), "{written}");
        assert_eq!(policy.patched(&json!({})).as_ref(), Ok(&policy), "{written}");
        // Whatever it says.
        let _ = policy.check();
    }
    unchanged::<NamedLocation>(&document);
    unchanged::<AuthenticationStrength>(&document);
    unchanged::<AuthenticationContext>(&document);
    same::<NewAgreement>(&document);
    if let Some(file) = same::<AgreementFile>(&document) {
        let _ = file.check();
    }
    if let Some(agreement) = unchanged::<Agreement>(&document) {
        let _ = agreement.check();
        let accepted = Timestamp::from_secs(1_790_000_000);
        assert!(
            agreement.expires_at(accepted).is_none_or(|end| end > accepted),
            "{document}"
        );
    }
}

/// A change of nothing changes nothing.
fn unchanged<T: Patch + PartialEq + std::fmt::Debug>(document: &Value) -> Option<T> {
    let found = same::<T>(document)?;
    assert_eq!(found.patched(&json!({})).as_ref(), Ok(&found), "{document}");
    Some(found)
}

fn same<T: json::Member + PartialEq + std::fmt::Debug>(document: &Value) -> Option<T> {
    let found = json::read::<T>(document).ok()?;
    let written = found.write();
    assert_eq!(json::read::<T>(&written).as_ref(), Ok(&found), "{written}");
    Some(found)
}
