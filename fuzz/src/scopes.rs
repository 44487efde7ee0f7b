//! The `scope` parameter of OAuth and the SMART scopes of a token. Input: the text.
//!
//! Laws: scopes are written and read again unchanged; nothing gives more than it says; SMART scopes that are added never
//! take anything away.

use hygie_access::{Context, Interaction, SmartDecision, SmartScopes};
use hygie_oidc::{Names, Scopes};

use crate::{Target, texts};

pub const TARGET: Target = Target {
    name: "scopes",
    run,
    seeds,
    words: r"
        openid profile email offline_access /.default https://fhir.example/demo/fhir api:// patient/ user$
        system. %2f *. all. .read .write .cruds Patient Observation ?code= _has: /",
};

fn seeds() -> Vec<Vec<u8>> {
    texts(&[
        "openid profile offline_access https://fhir.example/demo/fhir/user_impersonation",
        "https://fhir.example/demo/fhir//.default",
        "api://x/a api://x/b User.Read",
        "patient/Patient.read patient/Observation.write patient/*.read",
        "system/*.cruds system/Observation.rs?code=8480-6 system$Patient.r",
        "user%2fall.all launch/patient",
    ])
}

fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    oauth(text);
    smart(text);
}

fn oauth(text: &str) {
    let Ok(scopes) = Scopes::parse(text) else { return };
    let mut words: Vec<String> = scopes.oidc.words().map(str::to_owned).collect();
    for asked in &scopes.resources {
        let names = match &asked.names {
            Names::Default => &[".default".to_owned()][..],
            Names::Named(names) => names,
        };
        let resource = asked
            .resource
            .as_ref()
            .map(|resource| format!("{resource}/"))
            .unwrap_or_default();
        words.extend(names.iter().map(|name| format!("{resource}{name}")));
    }
    for word in &words {
        assert!(text.split(' ').any(|said| said == word), "{word} was not asked");
    }
    assert_eq!(Scopes::parse(&words.join(" ")), Ok(scopes));
}

fn smart(text: &str) {
    let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    let Ok(Some(scopes)) = SmartScopes::parse(&words) else {
        return;
    };
    let name = match scopes.context() {
        Context::Patient => "patient",
        Context::User => "user",
        Context::System => "system",
    };
    assert!(words.iter().any(|word| word.starts_with(name)));
    let fewer = SmartScopes::parse(&words[1..]).ok().flatten();
    for interaction in Interaction::ALL {
        for kind in [None, Some("Patient"), Some("Observation")] {
            let decision = scopes.decide(*interaction, kind);
            let before = fewer
                .as_ref()
                .map_or(SmartDecision::Refused, |fewer| fewer.decide(*interaction, kind));
            let lost = before == SmartDecision::Allowed && decision != SmartDecision::Allowed
                || before == SmartDecision::Narrowed && decision == SmartDecision::Refused;
            assert!(!lost, "{interaction:?} {kind:?}: {before:?} became {decision:?}");
        }
    }
}
