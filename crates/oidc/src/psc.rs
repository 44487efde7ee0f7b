//! What Pro Santé Connect says of a token of its own and of its person, for the exchange of that token (RFC 8693): the
//! claims of the token, the answer of the introspection endpoint (RFC 7662), UserInfo. Members that are not known are
//! ignored, and of the known ones nothing is believed to be there: strings may be empty, lists absent.
//! <https://industriels.esante.gouv.fr/produits-et-services/pro-sante-connect>

use std::collections::HashSet;
use std::time::Duration;

use hygie_core::{Profession, Professional, Timestamp};
use hygie_jose::Claims;
use serde_json::Value;

use crate::{Aadsts, Refusal};

/// Most practices and activities of one person that are read, and most professions and structures that are told:
/// with [`MAX_CODE`] it keeps the token that is made of them within what a gate reads.
const MAX_LIST: usize = 64;
/// Longest code, and longest identifier of a structure.
const MAX_CODE: usize = 32;
/// Longest national identifier, issuer's name of a subject, or name of a person.
const MAX_TEXT: usize = 256;
/// Clocks differ by no more. A token that has ended by ours has ended.
const LEEWAY: Duration = Duration::from_mins(1);

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        /// Why a subject token is not exchanged.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Unacceptable {
            $($(#[$doc])* $name,)*
        }

        impl Unacceptable {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its code in audit records; stable.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            const fn text(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

faults! {
    /// Not a signed token, or not signed by the issuer.
    Signature = "subject_signature", "it is not signed by Pro Santé Connect";
    /// From somebody else.
    Issuer = "subject_issuer", "its issuer is not the one that is trusted";
    /// An id or refresh token.
    Type = "subject_type", "it is not an access token of a person";
    /// For somebody else.
    Audience = "subject_audience", "it is for somebody else";
    /// Issued to a service whose tokens are not exchanged.
    Service = "subject_service", "it was issued to a service whose tokens are not exchanged";
    /// Ended, or not begun.
    Time = "subject_time", "it has ended, or has not begun";
    /// Its session ended, or it was revoked.
    Inactive = "subject_inactive", "Pro Santé Connect says that it is not active";
    /// Of a sign-in that was revoked here.
    Revoked = "subject_revoked", "the sign-in that it comes of was revoked";
    /// Bound in a way that cannot be checked.
    Confirmation = "subject_confirmation", "it is bound to something that cannot be checked";
    /// Bound to a certificate that the client does not show.
    Certificate = "subject_certificate", "it is bound to a certificate that was not shown";
    /// Nobody tells whom it is about.
    Person = "subject_person", "its person is not known";
}

/// RFC 8693 §2.2.2: `invalid_request`, whatever is wrong with the token.
impl From<Unacceptable> for Refusal {
    fn from(fault: Unacceptable) -> Self {
        Self::about(Aadsts::BadJwt, &["subject_token", &format!(": {}", fault.text())])
    }
}

/// A token of Pro Santé Connect, by its own claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectToken {
    /// Whom it is about, as Pro Santé Connect names them. Never to be kept: the form of these names changes.
    pub subject: String,
    /// The service that it was issued to. These tokens name no audience: this is all that tells whose they are.
    pub service: String,
    /// Not good from here on.
    pub expires_at: Timestamp,
    /// The session there (`sid`).
    pub session: Option<String>,
    /// When the person authenticated.
    pub auth_time: Option<Timestamp>,
}

/// Whose tokens are taken.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The issuer.
    pub issuer: &'a str,
    /// We, as Pro Santé Connect knows us.
    pub client: &'a str,
    /// The services whose tokens are exchanged.
    pub services: &'a [String],
    /// When.
    pub now: Timestamp,
}

/// Reads the claims of a token whose signature is checked.
pub fn subject_token(claims: &Claims, expected: &Expected<'_>) -> Result<SubjectToken, Unacceptable> {
    if claims.issuer.as_deref() != Some(expected.issuer) {
        return Err(Unacceptable::Issuer);
    }
    // Keycloak's mark: id tokens have `ID`, refresh tokens `Refresh`.
    if claims.text("typ") != Some("Bearer") {
        return Err(Unacceptable::Type);
    }
    claims
        .check_instants(expected.now, LEEWAY)
        .map_err(|_| Unacceptable::Time)?;
    let expires_at = claims.expires_at.filter(|ends| expected.now < *ends);
    let service = claims.text("azp").ok_or(Unacceptable::Service)?;
    if !expected.services.iter().any(|known| known == service) {
        return Err(Unacceptable::Service);
    }
    // There is none today. One that names others only is not meant for us.
    let is_ours = |audience: &String| audience == expected.client || audience == service;
    if !claims.audience.is_empty() && !claims.audience.iter().any(is_ours) {
        return Err(Unacceptable::Audience);
    }
    let subject = claims.subject.as_deref().filter(|text| is_text(text));
    Ok(SubjectToken {
        subject: subject.ok_or(Unacceptable::Person)?.to_owned(),
        service: service.to_owned(),
        expires_at: expires_at.ok_or(Unacceptable::Time)?,
        session: claims.text("sid").filter(|text| is_text(text)).map(str::to_owned),
        auth_time: claims
            .members
            .get("auth_time")
            .and_then(Value::as_i64)
            .map(Timestamp::from_secs),
    })
}

/// Reads the answer of the introspection endpoint about this token.
pub fn introspected(answer: &Value, token: &SubjectToken) -> Result<(), Unacceptable> {
    let is = |name: &str, expected: &str| answer.get(name).is_none_or(|value| value.as_str() == Some(expected));
    let is_active = answer.get("active") == Some(&Value::Bool(true));
    // What it tells besides must be of the same token.
    if is_active && is("sub", &token.subject) && is("azp", &token.service) {
        Ok(())
    } else {
        Err(Unacceptable::Inactive)
    }
}

/// A health professional, as far as our tokens tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// What roles are given by.
    pub professional: Professional,
    /// First name of practice.
    pub given_name: Option<String>,
    /// Name of practice.
    pub family_name: Option<String>,
}

/// Reads UserInfo about the person of this token.
pub fn identity(user: &Value, token: &SubjectToken) -> Result<Identity, Unacceptable> {
    // OpenID Connect Core §5.3.2: another subject's answer must not be used.
    if user.get("sub").and_then(Value::as_str) != Some(&*token.subject) {
        return Err(Unacceptable::Person);
    }
    let text = |member: &str| {
        let text = user.get(member).and_then(Value::as_str);
        text.filter(|text| is_text(text)).map(str::to_owned)
    };
    // The number of a register may follow a slash (`30B0057881/CPET0002`), and test identities are no numbers at all.
    let national_id = text("SubjectNameID").filter(|id| id.len() <= 64 && is_graphic(id));
    Ok(Identity {
        professional: Professional {
            national_id: national_id.ok_or(Unacceptable::Person)?,
            professions: professions(user),
            structures: structures(user),
        },
        given_name: text("given_name"),
        family_name: text("family_name"),
    })
}

/// Those of the practices, each with its category. `SubjectRole` names codes too, but no category: what was read from
/// there would count as exercised, a student's as well.
fn professions(user: &Value) -> Vec<Profession> {
    let mut professions: Vec<Profession> = Vec::new();
    for practice in practices(user) {
        if let Some(code) = code(practice, "codeProfession") {
            let category = code_of(practice.get("codeCategorieProfessionnelle"));
            let profession = Profession {
                code: code.to_owned(),
                // A category that we cannot read is not the absence of one, which would mean somebody who practises.
                category: category.map_or_else(|| unread(practice), |category| Some(category.to_owned())),
            };
            if !professions.contains(&profession) {
                professions.push(profession);
            }
        }
    }
    professions
}

/// The category of a practice that names none, or one that is no code.
fn unread(practice: &Value) -> Option<String> {
    match practice.get("codeCategorieProfessionnelle") {
        None | Some(Value::Null) => None,
        Some(Value::String(empty)) if empty.is_empty() => None,
        Some(_) => Some("?".to_owned()),
    }
}

/// Technical identifiers of the structures of all activities, each once.
fn structures(user: &Value) -> Vec<String> {
    let activities = practices(user).flat_map(|practice| list(practice.get("activities")));
    let mut seen = HashSet::new();
    activities
        .filter_map(|activity| code(activity, "identifiantTechniqueDeLaStructure"))
        .filter(|structure| seen.insert(*structure))
        .take(MAX_LIST)
        .map(str::to_owned)
        .collect()
}

fn practices(user: &Value) -> impl Iterator<Item = &Value> {
    list(user.pointer("/SubjectRefPro/exercices"))
}

fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten().take(MAX_LIST)
}

fn code<'a>(value: &'a Value, member: &str) -> Option<&'a str> {
    code_of(value.get(member))
}

fn code_of(value: Option<&Value>) -> Option<&str> {
    value?.as_str().filter(|text| is_code(text))
}

fn is_code(text: &str) -> bool {
    text.len() <= MAX_CODE && is_graphic(text)
}

/// Not empty, and nothing that JSON would have to escape.
fn is_graphic(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
}

fn is_text(text: &str) -> bool {
    (1..=MAX_TEXT).contains(&text.len()) && !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://auth.example/auth/realms/esante-wallet";
    const PERSON: &str = "f:00000000-0000-4000-8000-000000000001:899700999990";

    fn bearer() -> Value {
        json!({
            "exp": 1120, "iat": 1000, "auth_time": 990, "jti": "1", "iss": ISSUER, "sub": PERSON, "typ": "Bearer",
            "azp": "service", "nonce": "n", "session_state": "s", "acr": "eidas3", "scope": "openid scope_all",
            "sid": "s", "authMode": "CARD", "preferred_username": "899700999990",
            "otherIds": [{"identifiant": "899700999990", "origine": "RPPS", "qualite": 1}],
        })
    }

    fn read(changes: &Value, now: i64) -> Result<SubjectToken, Unacceptable> {
        let mut claims = bearer().as_object().unwrap().clone();
        claims.extend(changes.as_object().unwrap().clone());
        claims.retain(|_, value| !value.is_null());
        let services = ["other-service".to_owned(), "service".to_owned()];
        let expected = Expected {
            issuer: ISSUER,
            client: "hygie",
            services: &services,
            now: Timestamp::from_secs(now),
        };
        subject_token(&Claims::from_map(claims).unwrap(), &expected)
    }

    fn token() -> SubjectToken {
        read(&json!({}), 1100).unwrap()
    }

    #[test]
    fn a_token_is_of_its_issuer_and_of_a_service_that_is_known() {
        let token = token();
        assert_eq!((token.subject.as_str(), token.service.as_str()), (PERSON, "service"));
        assert_eq!(token.expires_at, Timestamp::from_secs(1120));
        assert_eq!(token.auth_time, Some(Timestamp::from_secs(990)));
        for audience in [json!("hygie"), json!(["account", "hygie"]), json!("service")] {
            assert!(read(&json!({"aud": audience}), 1100).is_ok(), "{audience}");
        }
        for (changes, fault) in [
            (json!({"iss": "https://other.example"}), Unacceptable::Issuer),
            (json!({"iss": null}), Unacceptable::Issuer),
            (json!({"typ": "ID"}), Unacceptable::Type),
            (json!({"typ": "Refresh"}), Unacceptable::Type),
            (json!({"typ": null}), Unacceptable::Type),
            (json!({"azp": "third-service"}), Unacceptable::Service),
            (json!({"azp": null}), Unacceptable::Service),
            (json!({"azp": ["service"]}), Unacceptable::Service),
            (json!({"azp": null, "client_id": "service"}), Unacceptable::Service),
            (json!({"aud": "account"}), Unacceptable::Audience),
            (json!({"exp": null}), Unacceptable::Time),
            (json!({"exp": 1100}), Unacceptable::Time),
            (json!({"nbf": 1161}), Unacceptable::Time),
            (json!({"sub": null}), Unacceptable::Person),
            (json!({"sub": ""}), Unacceptable::Person),
            (json!({"sub": "a\nb"}), Unacceptable::Person),
            (json!({"sub": "a".repeat(257)}), Unacceptable::Person),
        ] {
            assert_eq!(read(&changes, 1100), Err(fault), "{changes}");
        }
    }

    #[test]
    fn only_what_is_active_and_the_same_token_is_exchanged() {
        let token = token();
        for answer in [
            json!({"active": true}),
            json!({"active": true, "sub": PERSON, "azp": "service", "client_id": "service", "username": "8"}),
        ] {
            assert_eq!(introspected(&answer, &token), Ok(()), "{answer}");
        }
        for answer in [
            json!({"active": false}),
            json!({"active": "true"}),
            json!({}),
            json!([]),
            json!({"active": true, "sub": "somebody else"}),
            json!({"active": true, "azp": "other-service"}),
            json!({"active": true, "sub": null}),
        ] {
            assert_eq!(introspected(&answer, &token), Err(Unacceptable::Inactive), "{answer}");
        }
    }

    fn profession(code: &str, category: Option<&str>) -> Profession {
        Profession {
            code: code.to_owned(),
            category: category.map(str::to_owned),
        }
    }

    #[test]
    fn professions_and_structures_are_read_once() {
        let activity =
            |structure: &str| json!({ "identifiantTechniqueDeLaStructure": structure, "codeModeExercice": "S" });
        let user = json!({
            "sub": PERSON, "SubjectNameID": "899700999990", "given_name": "ALIX", "family_name": "EXEMPLE",
            "SubjectOrganizationID": "F0B0999991", "SubjectRole": ["10^1.2.250.1.213.1.1.5.5", "60^1.2.250.1.71.1.2.7"],
            "SubjectRefPro": { "codeCivilite": "MME", "exercices": [
                { "codeProfession": "10", "codeCategorieProfessionnelle": "C",
                  "activities": [activity("F0B0999999"), activity(""), activity("C00000000000000")] },
                { "codeProfession": "10", "codeCategorieProfessionnelle": "C", "activities": [activity("F0B0999999")] },
                { "codeProfession": "10", "codeCategorieProfessionnelle": "M" },
                { "codeProfession": "21", "codeCategorieProfessionnelle": "" },
                { "codeProfession": "", "activities": "none" },
            ]},
        });
        let identity = identity(&user, &token()).unwrap();
        assert_eq!(
            identity.professional.professions,
            [
                profession("10", Some("C")),
                profession("10", Some("M")),
                profession("21", None),
            ]
        );
        assert_eq!(identity.professional.structures, ["F0B0999999", "C00000000000000"]);
        assert_eq!(
            (identity.given_name.as_deref(), identity.family_name.as_deref()),
            (Some("ALIX"), Some("EXEMPLE"))
        );
    }

    /// Without a category a profession stands for somebody who exercises it.
    #[test]
    fn who_learns_is_not_who_practises() {
        let of = |role: &str, category: &Value| {
            let user = json!({
                "sub": PERSON, "SubjectNameID": "8", "SubjectRole": [role],
                "SubjectRefPro": {"exercices": [{"codeProfession": "60", "codeCategorieProfessionnelle": category}]},
            });
            identity(&user, &token()).unwrap().professional.professions
        };
        let student = [profession("60", Some("E"))];
        for role in [
            "60^1.2.250.1.71.1.2.7",
            "10^1.2.250.1.71.1.2.8",
            "10^1.2.250.1.213.1.1.5.5",
            "10",
        ] {
            assert_eq!(of(role, &json!("E")), student, "{role}");
        }
        let unknown = [profession("60", Some("?"))];
        for category in [json!(7), json!("C\n"), json!("C".repeat(33)), json!({})] {
            assert_eq!(of("60", &category), unknown, "{category}");
        }
        // A role names no category: it is none that is exercised, whatever became of the practice.
        for practices in [
            json!([{"codeProfession": 10, "codeCategorieProfessionnelle": "E"}]),
            json!([{"codeCategorieProfessionnelle": "E"}]),
            json!([]),
            json!({}),
            json!(null),
        ] {
            let user = json!({
                "sub": PERSON, "SubjectNameID": "8", "SubjectRole": ["10^1.2.250.1.213.1.1.5.5"],
                "SubjectRefPro": {"exercices": practices},
            });
            assert_eq!(
                identity(&user, &token()).unwrap().professional.professions,
                [],
                "{practices}"
            );
        }
    }

    #[test]
    fn who_it_is_about_must_be_told() {
        for user in [
            json!({ "sub": "somebody else", "SubjectNameID": "8" }),
            json!({ "SubjectNameID": "8" }),
            json!({ "sub": PERSON }),
            json!({ "sub": PERSON, "SubjectNameID": "" }),
            json!({ "sub": PERSON, "SubjectNameID": "8\n" }),
            json!({ "sub": PERSON, "SubjectNameID": "8".repeat(65) }),
            json!({ "sub": PERSON, "SubjectNameID": 8 }),
            json!([]),
        ] {
            assert_eq!(identity(&user, &token()), Err(Unacceptable::Person), "{user}");
        }
        for id in ["ANS20231122132732", "30B0057881/CPET0002"] {
            let user = json!({ "sub": PERSON, "SubjectNameID": id });
            assert_eq!(identity(&user, &token()).unwrap().professional.national_id, id);
        }
    }

    #[test]
    fn what_a_client_is_told_and_what_is_recorded_are_of_their_own() {
        let codes: HashSet<_> = Unacceptable::ALL.iter().map(|fault| fault.code()).collect();
        assert_eq!(codes.len(), Unacceptable::ALL.len());
        for fault in Unacceptable::ALL {
            let refusal = Refusal::from(*fault);
            assert_eq!(refusal.code().error(), "invalid_request");
            assert!(
                refusal.text().ends_with(&format!("malformed: {}.", fault.text())),
                "{refusal:?}"
            );
        }
    }

    #[test]
    fn a_person_with_everything_fits_into_a_token() {
        let long = |n: usize| format!("{n:0>32}");
        let activities: Vec<_> = (0..1000)
            .map(|n| json!({"identifiantTechniqueDeLaStructure": long(n)}))
            .collect();
        let practices: Vec<_> = (0..1000)
            .map(|n| json!({"codeProfession": long(n), "codeCategorieProfessionnelle": long(n), "activities": activities}))
            .collect();
        let user = json!({"sub": PERSON, "SubjectNameID": "8", "SubjectRefPro": {"exercices": practices}});
        let told = identity(&user, &token()).unwrap().professional;
        assert_eq!((told.professions.len(), told.structures.len()), (MAX_LIST, MAX_LIST));
        let length = json!([told.professions, told.structures]).to_string().len();
        assert!(length < 9 * 1024, "{length}");
    }

    fn anything() -> impl Strategy<Value = Value> {
        let names = prop::sample::select(vec![
            "sub",
            "SubjectNameID",
            "SubjectRefPro",
            "exercices",
            "activities",
            "codeProfession",
            "codeCategorieProfessionnelle",
            "identifiantTechniqueDeLaStructure",
            "given_name",
            "active",
            "azp",
        ]);
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            Just(Value::from(PERSON)),
            "\\PC{0,40}".prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 64, 8, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::vec((names.clone(), inner), 0..8).prop_map(|pairs| Value::Object(
                    pairs
                        .into_iter()
                        .map(|(name, value)| (name.to_owned(), value))
                        .collect()
                )),
            ]
        })
    }

    proptest! {
        #[test]
        fn nothing_that_is_answered_breaks_it(mut user in anything()) {
            let token = token();
            let _ = introspected(&user, &token);
            if let Some(members) = user.as_object_mut() {
                members.insert("sub".to_owned(), PERSON.into());
                members.insert("SubjectNameID".to_owned(), "8".into());
                let told = identity(&user, &token).unwrap().professional;
                prop_assert!(told.professions.len() <= MAX_LIST && told.structures.len() <= MAX_LIST);
                prop_assert!(told.structures.iter().all(|text| is_code(text)));
                prop_assert!(told.professions.iter().all(|profession| is_code(&profession.code)));
            }
        }
    }
}
