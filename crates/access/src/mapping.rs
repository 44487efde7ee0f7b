//! Where an issuer's tokens say what: names of claims that the configuration chooses.

use hygie_core::{Profession, Professional};
use hygie_jose::Claims;
use serde::Deserialize;
use serde_json::Value;

/// Most professions and structures of one person that are looked at; texts longer than [`MAX_TEXT`] are not.
const MAX_LIST: usize = 64;
const MAX_TEXT: usize = 64;

/// The claims of an OpenID Connect provider. A name that begins with a slash is a JSON Pointer (RFC 6901) into the
/// claims: Keycloak's roles are in `/realm_access/roles`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClaimNames {
    /// Who it is about: must never be given to somebody else.
    pub subject: String,
    /// Names of groups; none are read without.
    pub groups: Option<String>,
    /// Application roles.
    pub roles: String,
    /// A claim that only tokens of applications acting for themselves have, where these have a subject of their own
    /// (Keycloak: `clientHost`).
    pub application: Option<String>,
}

impl Default for ClaimNames {
    /// `sub` and `roles`.
    fn default() -> Self {
        Self {
            subject: "sub".to_owned(),
            groups: None,
            roles: "roles".to_owned(),
            application: None,
        }
    }
}

/// The claims that tell about a health professional.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfessionalClaims {
    /// National identifier.
    pub national_id: String,
    /// Professions: objects with `code` and perhaps `category`, or codes.
    pub professions: String,
    /// Identifiers of the structures of activity.
    pub structures: String,
}

impl Default for ProfessionalClaims {
    /// Those of our identity provider, which took them from Pro Santé Connect.
    fn default() -> Self {
        Self {
            national_id: "psc_national_id".to_owned(),
            professions: "psc_professions".to_owned(),
            structures: "psc_structures".to_owned(),
        }
    }
}

impl ProfessionalClaims {
    /// What a token says, when it says who.
    pub(crate) fn read(&self, claims: &Claims) -> Option<Professional> {
        let national_id = text(claims, &self.national_id).filter(|text| is_short(text))?;
        Some(Professional {
            national_id: national_id.to_owned(),
            professions: list(claims, &self.professions).filter_map(profession).collect(),
            structures: texts(claims, &self.structures)
                .filter(|text| is_short(text))
                .map(str::to_owned)
                .collect(),
        })
    }
}

/// A code, or an object with `code` and perhaps `category`. A category of another type than text is no category that
/// could be judged: the profession is left out.
fn profession(value: &Value) -> Option<Profession> {
    if let Some(code) = value.as_str() {
        return is_short(code).then(|| Profession {
            code: code.to_owned(),
            category: None,
        });
    }
    serde_json::from_value::<Profession>(value.clone())
        .ok()
        .filter(|profession| is_short(&profession.code) && profession.category.as_deref().is_none_or(is_short))
}

fn is_short(text: &str) -> bool {
    (1..=MAX_TEXT).contains(&text.len())
}

/// The claim of this name or pointer.
pub(crate) fn find<'a>(claims: &'a Claims, name: &str) -> Option<&'a Value> {
    let Some(pointer) = name.strip_prefix('/') else {
        return claims.members.get(name);
    };
    let (first, rest) = pointer.split_once('/').unwrap_or((pointer, ""));
    let first = claims.members.get(&first.replace("~1", "/").replace("~0", "~"))?;
    if rest.is_empty() {
        return Some(first);
    }
    first.pointer(&format!("/{rest}"))
}

/// The claim as a text.
pub(crate) fn text<'a>(claims: &'a Claims, name: &str) -> Option<&'a str> {
    match name {
        "sub" => claims.subject.as_deref(),
        name => find(claims, name)?.as_str(),
    }
}

/// The claim as a list of texts (or one text); empty when absent.
pub(crate) fn texts<'a>(claims: &'a Claims, name: &str) -> impl Iterator<Item = &'a str> {
    list(claims, name).filter_map(Value::as_str)
}

fn list<'a>(claims: &'a Claims, name: &str) -> impl Iterator<Item = &'a Value> {
    let value = find(claims, name);
    let list = value.and_then(Value::as_array).map(Vec::as_slice);
    list.or(value.map(std::slice::from_ref))
        .unwrap_or_default()
        .iter()
        .take(MAX_LIST)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(value: &Value) -> Claims {
        Claims::from_map(value.as_object().unwrap().clone()).unwrap()
    }

    #[test]
    fn names_and_pointers() {
        let token = claims(&json!({
            "sub": "s", "roles": ["a"], "realm_access": {"roles": ["b", 1, "c"]}, "a/b": {"~": "tilde"}, "one": "x",
        }));
        for (name, expected) in [
            ("roles", vec!["a"]),
            ("/roles", vec!["a"]),
            ("/realm_access/roles", vec!["b", "c"]),
            ("/realm_access/roles/2", vec!["c"]),
            ("/a~1b/~0", vec!["tilde"]),
            ("one", vec!["x"]),
            ("realm_access", vec![]),
            ("/realm_access/none", vec![]),
            ("/", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(texts(&token, name).collect::<Vec<_>>(), expected, "{name}");
        }
        assert_eq!(text(&token, "sub"), Some("s"));
    }

    #[test]
    fn professionals() {
        let names = ProfessionalClaims::default();
        let read = |value: Value| names.read(&claims(&value));
        let professional = read(json!({
            "psc_national_id": "899700999990",
            "psc_professions": [{"code": "10", "category": "C"}, {"code": "60"}, "21", {"category": "C"}, 7,
                                {"code": "26", "category": 1}, {"code": "x".repeat(65)}],
            "psc_structures": ["1750000018", 5, ""],
        }));
        let profession = |code: &str, category: Option<&str>| Profession {
            code: code.to_owned(),
            category: category.map(str::to_owned),
        };
        assert_eq!(
            professional,
            Some(Professional {
                national_id: "899700999990".to_owned(),
                professions: vec![
                    profession("10", Some("C")),
                    profession("60", None),
                    profession("21", None)
                ],
                structures: vec!["1750000018".to_owned()],
            })
        );
        for nobody in [
            json!({}),
            json!({"psc_national_id": 8, "psc_professions": ["10"]}),
            json!({"psc_national_id": ""}),
            json!({"psc_national_id": "8".repeat(65)}),
        ] {
            assert_eq!(read(nobody.clone()), None, "{nobody}");
        }
        let many: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
        let professional = read(json!({"psc_national_id": "8", "psc_structures": many})).unwrap();
        assert_eq!(professional.structures.len(), MAX_LIST);
    }
}
