//! Health professionals as holders of a role: whoever exercises one of these professions in one of these structures.

use std::collections::BTreeSet;
use std::fmt;

use hygie_core::{Principal, PrincipalKind, Profession, TenantId};
use serde::{Deserialize, Serialize};

/// Most professions, and most structures, of one profile.
const MAX_ENTRIES: usize = 64;
/// Categories (TRE R09) that exercise the profession: civil and public agents. Students (`E`) and whatever comes later
/// have to be named.
const EXERCISING: [&str; 2] = ["C", "M"];

/// A kind of professional: their profession and where they exercise it, as the issuer of their tenant vouches.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Profile {
    /// The tenant whose issuer vouches.
    tenant: TenantId,
    terms: Terms,
}

/// The form in the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Terms {
    professions: BTreeSet<String>,
    structures: BTreeSet<String>,
}

/// Text that makes no profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAProfile {
    /// An empty list would mean everybody, which nobody writes on purpose by leaving something out.
    #[error("a profile needs 1 to {MAX_ENTRIES} professions and as many structures")]
    Number,
    /// Not a code.
    #[error("`{0}` is not a code of a profession (`10`, `10/E`) or an identifier of a structure")]
    Code(String),
}

impl Profile {
    /// Those of a tenant who exercise one of `professions` in one of `structures`.
    ///
    /// A profession is a code (`10`), which means those who exercise it, or a code with a category (`10/E`: students),
    /// which means that category alone.
    pub fn new<T: Into<String>>(
        tenant: TenantId,
        professions: impl IntoIterator<Item = T>,
        structures: impl IntoIterator<Item = T>,
    ) -> Result<Self, NotAProfile> {
        let terms = Terms {
            professions: professions.into_iter().map(Into::into).collect(),
            structures: structures.into_iter().map(Into::into).collect(),
        };
        terms.check()?;
        Ok(Self { tenant, terms })
    }

    /// The tenant whose issuer vouches.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Whether somebody is one of them.
    pub fn includes(&self, principal: &Principal) -> bool {
        let Some(professional) = &principal.professional else {
            return false;
        };
        principal.kind == PrincipalKind::User
            && principal.tenant == self.tenant
            && professional.professions.iter().any(|own| self.terms.have(own))
            && professional
                .structures
                .iter()
                .any(|own| self.terms.structures.contains(own))
    }

    /// From the form in the store.
    pub(crate) fn from_json(tenant: TenantId, text: &str) -> Option<Self> {
        let terms: Terms = serde_json::from_str(text).ok()?;
        terms.check().ok()?;
        Some(Self { tenant, terms })
    }

    /// The form in the store, the same for the same profile.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(&self.terms).expect("sets of text become JSON")
    }
}

impl Terms {
    fn check(&self) -> Result<(), NotAProfile> {
        let number = 1..=MAX_ENTRIES;
        if !number.contains(&self.professions.len()) || !number.contains(&self.structures.len()) {
            return Err(NotAProfile::Number);
        }
        let is_code = |text: &str| (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
        let is_profession = |text: &String| match text.split_once('/') {
            Some((code, category)) => is_code(code) && is_code(category),
            None => is_code(text),
        };
        let wrong = self
            .professions
            .iter()
            .find(|text| !is_profession(text))
            .or_else(|| self.structures.iter().find(|text| !is_code(text)));
        wrong.map_or(Ok(()), |text| Err(NotAProfile::Code(text.clone())))
    }

    fn have(&self, own: &Profession) -> bool {
        let category = own.category.as_deref();
        category.is_none_or(|category| EXERCISING.contains(&category)) && self.professions.contains(&own.code)
            || category.is_some_and(|category| self.professions.contains(&format!("{}/{category}", own.code)))
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |set: &BTreeSet<String>| set.iter().map(String::as_str).collect::<Vec<_>>().join(",");
        let (professions, structures) = (join(&self.terms.professions), join(&self.terms.structures));
        write!(f, "{}/{professions}@{structures}", self.tenant)
    }
}

#[cfg(test)]
mod tests {
    use hygie_core::{ObjectId, Professional};
    use uuid::Uuid;

    use super::*;

    fn tenant(n: u128) -> TenantId {
        TenantId::from_uuid(Uuid::from_u128(n))
    }

    fn somebody(kind: PrincipalKind, professions: &[&str], structures: &[&str]) -> Principal {
        let profession = |text: &&str| match text.split_once('/') {
            Some((code, category)) => Profession {
                code: code.to_owned(),
                category: Some(category.to_owned()),
            },
            None => Profession {
                code: (*text).to_owned(),
                category: None,
            },
        };
        Principal {
            issuer: String::new(),
            tenant: tenant(1),
            subject: ObjectId::from_uuid(Uuid::nil()),
            kind,
            app: None,
            groups: Vec::new(),
            app_roles: Vec::new(),
            scopes: Vec::new(),
            session: None,
            professional: Some(Professional {
                national_id: "899700999990".to_owned(),
                professions: professions.iter().map(profession).collect(),
                structures: structures.iter().map(|&text| text.to_owned()).collect(),
            }),
        }
    }

    #[test]
    fn who_is_included() {
        use PrincipalKind::{App, User};
        let of = |professions: &[&str], structures: &[&str]| {
            Profile::new(tenant(1), professions.to_vec(), structures.to_vec()).unwrap()
        };
        for (profile, who, included) in [
            (of(&["10"], &["1A"]), somebody(User, &["10/C"], &["1A"]), true),
            (of(&["10"], &["1A"]), somebody(User, &["10/M"], &["1A"]), true),
            (of(&["10"], &["1A"]), somebody(User, &["10"], &["1B", "1A"]), true),
            (of(&["10"], &["1A"]), somebody(User, &["60", "10"], &["1A"]), true),
            (of(&["21", "10"], &["1A"]), somebody(User, &["10"], &["1A"]), true),
            (of(&["10"], &["1A"]), somebody(User, &["60"], &["1A"]), false),
            (of(&["10"], &["1A"]), somebody(User, &["100"], &["1A"]), false),
            (of(&["10"], &["1A"]), somebody(User, &["10"], &["1B"]), false),
            (of(&["10"], &["1A"]), somebody(User, &["10"], &[]), false),
            (of(&["10"], &["1A"]), somebody(User, &[], &["1A"]), false),
            (of(&["10"], &["1A"]), somebody(App, &["10"], &["1A"]), false),
            // Students are not what they study to be.
            (of(&["10"], &["1A"]), somebody(User, &["10/E"], &["1A"]), false),
            (of(&["10"], &["1A"]), somebody(User, &["10/Z"], &["1A"]), false),
            (of(&["10/E"], &["1A"]), somebody(User, &["10/E"], &["1A"]), true),
            (of(&["10/E"], &["1A"]), somebody(User, &["10/C"], &["1A"]), false),
            (of(&["10/E"], &["1A"]), somebody(User, &["10"], &["1A"]), false),
        ] {
            assert_eq!(profile.includes(&who), included, "{profile} {who:?}");
        }
        let elsewhere = Profile::new(tenant(2), ["10"], ["1A"]).unwrap();
        assert!(!elsewhere.includes(&somebody(User, &["10"], &["1A"])));
        let nobody = Principal {
            professional: None,
            ..somebody(User, &["10"], &["1A"])
        };
        assert!(!of(&["10"], &["1A"]).includes(&nobody));
    }

    #[test]
    fn lists_are_neither_empty_nor_endless_nor_free_text() {
        let many: Vec<String> = (0..65).map(|n| n.to_string()).collect();
        let one = || vec!["10".to_owned()];
        let code = |text: &str| Err(NotAProfile::Code(text.to_owned()));
        for (professions, structures, outcome) in [
            (one(), one(), Ok(())),
            (vec!["10/E".to_owned()], one(), Ok(())),
            (Vec::new(), one(), Err(NotAProfile::Number)),
            (one(), Vec::new(), Err(NotAProfile::Number)),
            (many.clone(), one(), Err(NotAProfile::Number)),
            (one(), many, Err(NotAProfile::Number)),
            (vec!["10/E/C".to_owned()], one(), code("10/E/C")),
            (vec![String::new()], one(), code("")),
            (one(), vec!["a b".to_owned()], code("a b")),
            (one(), vec!["1/E".to_owned()], code("1/E")),
        ] {
            let made = Profile::new(tenant(1), professions, structures);
            assert_eq!(made.map(|_| ()), outcome);
        }
    }

    #[test]
    fn the_order_of_the_lists_means_nothing() {
        let one = Profile::new(tenant(1), ["10", "60"], ["1B", "1A"]).unwrap();
        let other = Profile::new(tenant(1), ["60", "10"], ["1A", "1B"]).unwrap();
        assert_eq!(one.to_json(), other.to_json());
        assert_eq!(Profile::from_json(tenant(1), &one.to_json()), Some(one));
        assert_eq!(
            Profile::from_json(tenant(1), r#"{"professions":[],"structures":["1A"]}"#),
            None
        );
    }
}
