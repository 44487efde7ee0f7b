//! What Pro Santé Connect says of a token and its person. Input: the lines form: claims that replace those of a good token
//! (null takes one away), the answer of introspection, UserInfo; each JSON.
//!
//! Laws: only a token of the issuer, of a service that is known and before its end is taken; only the answer about it
//! counts; what is told of a person is theirs, short, and each thing once.

use std::collections::HashSet;

use hygie_core::Timestamp;
use hygie_jose::Claims;
use hygie_oidc::psc::{Expected, SubjectToken, identity, introspected, subject_token};
use serde_json::{Map, Value, json};

use crate::{Target, text_lines, texts};

pub const TARGET: Target = Target {
    name: "psc",
    run,
    seeds,
    words: r#"
        "iss": "sub": "azp": "aud": "typ":"Bearer" "typ":"ID" "exp": "nbf": "auth_time": "active":true null
        "SubjectNameID": "SubjectRole":[ "SubjectRefPro":{ "exercices":[ "activities":[ "codeProfession": "10" "60"
        "codeCategorieProfessionnelle": "C" "E" "identifiantTechniqueDeLaStructure": "F0B0999999" "given_name":
        "family_name": 10^1.2.250.1.213.1.1.5.5 10^1.2.250.1.71.1.2.8"#,
};

const ISSUER: &str = "https://auth.example/auth/realms/esante-wallet";
const SERVICE: &str = "dossier-patient";
const NOW: i64 = 1000;

fn seeds() -> Vec<Vec<u8>> {
    let user = json!({
        "sub": "person", "SubjectNameID": "899700999990", "given_name": "ALIX", "family_name": "EXEMPLE",
        "SubjectRole": ["10^1.2.250.1.213.1.1.5.5", "60^1.2.250.1.71.1.2.8", "21"],
        "SubjectRefPro": {"exercices": [
            {"codeProfession": "10", "codeCategorieProfessionnelle": "C",
             "activities": [{"identifiantTechniqueDeLaStructure": "F0B0999999"}, {"identifiantTechniqueDeLaStructure": ""}]},
            {"codeProfession": "60", "codeCategorieProfessionnelle": "E", "activities": []},
        ]},
    });
    let mut seeds = texts(&[
        "{\"azp\":\"another\"}\n{\"active\":false}\n{}",
        "{\"aud\":[\"hygie\"],\"auth_time\":990,\"nbf\":1e3}\n{\"active\":true,\"sub\":\"other\"}\n[]",
        "{\"typ\":\"ID\",\"exp\":null}\nnull\n7",
    ]);
    seeds.push(format!("{{}}\n{{\"active\":true,\"sub\":\"person\"}}\n{user}").into_bytes());
    seeds
}

fn run(input: &[u8]) {
    let [changes, answer, user] = text_lines(input);
    let good = json!({
        "iss": ISSUER, "sub": "person", "typ": "Bearer", "azp": SERVICE, "exp": NOW + 120, "iat": NOW,
    });
    let mut claims = good.as_object().cloned().unwrap_or_default();
    for (name, value) in serde_json::from_str::<Map<String, Value>>(changes).unwrap_or_default() {
        match value {
            Value::Null => claims.remove(&name),
            value => claims.insert(name, value),
        };
    }
    let Ok(read) = Claims::from_map(claims.clone()) else {
        return;
    };
    let services = [SERVICE.to_owned()];
    let expected = Expected {
        issuer: ISSUER,
        client: "hygie",
        services: &services,
        now: Timestamp::from_secs(NOW),
    };
    let Ok(token) = subject_token(&read, &expected) else {
        assert_ne!(Some(&claims), good.as_object(), "a good token is refused");
        return;
    };
    assert_eq!(
        (claims.get("iss"), claims.get("azp")),
        (good.get("iss"), good.get("azp"))
    );
    assert_eq!(claims.get("typ"), good.get("typ"));
    assert!(token.expires_at > expected.now, "it has ended");
    answers(&token, answer, user);
}

fn answers(token: &SubjectToken, answer: &str, user: &str) {
    if let Ok(answer) = serde_json::from_str::<Value>(answer)
        && introspected(&answer, token).is_ok()
    {
        assert_eq!(answer.get("active"), Some(&Value::Bool(true)));
        assert!(answer.get("sub").is_none_or(|sub| *sub == *token.subject));
    }
    let Ok(user) = serde_json::from_str::<Value>(user) else {
        return;
    };
    let Ok(told) = identity(&user, token) else { return };
    assert_eq!(user.get("sub").and_then(Value::as_str), Some(token.subject.as_str()));
    let professional = told.professional;
    assert_eq!(
        user.get("SubjectNameID").and_then(Value::as_str),
        Some(professional.national_id.as_str())
    );
    let text = user.to_string();
    let structures: HashSet<_> = professional.structures.iter().collect();
    assert_eq!(structures.len(), professional.structures.len());
    let professions: HashSet<_> = professional.professions.iter().collect();
    assert_eq!(professions.len(), professional.professions.len());
    for code in professional
        .structures
        .iter()
        .chain(professional.professions.iter().map(|known| &known.code))
    {
        assert!((1..=32).contains(&code.len()) && text.contains(code.as_str()), "{code}");
    }
    assert!(professional.structures.len() <= 64 && professional.professions.len() <= 64);
}
