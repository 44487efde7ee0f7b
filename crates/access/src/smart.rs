//! SMART scopes — <http://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html>, versions 1 and 2.
//!
//! `context/Type.permissions?query`. Because application scopes of Entra cannot hold a `/`, `$` and `.` separate as
//! well, `%2f` is read as `/`, and `all` stands for `*`.
//!
//! # Deviations
//! Permissions of version 2 may come in any order. A type that R4 does not have is not an error: it gives nothing.

use crate::Interaction;

/// More scopes than any client asks for.
const MAX_SCOPES: usize = 200;

/// Whose data the scopes are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// One patient's.
    Patient,
    /// What the user may see.
    User,
    /// The client's own.
    System,
}

/// What makes scopes of a token unusable. A fault of the request, not of the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SmartError {
    /// Not of the grammar.
    #[error("a SMART scope is malformed")]
    Malformed,
    /// Forms of versions 1 and 2 in one token.
    #[error("SMART scopes of versions 1 and 2 are mixed")]
    MixedVersions,
    /// Several contexts in one token.
    #[error("SMART scopes of several contexts are mixed")]
    MixedContexts,
    /// The query has modifiers, chains or includes.
    #[error("a SMART scope has a query that is not allowed")]
    Query,
    /// More scopes than are read.
    #[error("too many SMART scopes")]
    TooMany,
}

/// A set of the permissions `cruds`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Permissions(u8);

const CREATE: u8 = 1;
const READ: u8 = 2;
const UPDATE: u8 = 4;
const DELETE: u8 = 8;
const SEARCH: u8 = 16;

/// One scope.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Scope {
    /// `None` is every type.
    resource_type: Option<String>,
    permissions: Permissions,
    /// Narrowed to the matches of a query.
    has_query: bool,
}

/// The SMART scopes of a token: one context, one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmartScopes {
    context: Context,
    scopes: Vec<Scope>,
}

/// Whether scopes allow an interaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmartDecision {
    /// They do.
    Allowed,
    /// They do not.
    Refused,
    /// They would, if narrowed to the matches of a query.
    Narrowed,
}

impl SmartScopes {
    /// The SMART scopes among these; `None` when there is none.
    pub fn parse(scopes: &[String]) -> Result<Option<Self>, SmartError> {
        let mut found: Option<(Context, Version, Vec<Scope>)> = None;
        for text in scopes {
            let Some((context, rest)) = context_of(text) else {
                continue;
            };
            let (version, scope) = parse_scope(&rest)?;
            let (one_context, one_version, list) = found.get_or_insert((context, version, Vec::new()));
            if *one_context != context {
                return Err(SmartError::MixedContexts);
            }
            if *one_version != version {
                return Err(SmartError::MixedVersions);
            }
            if list.len() == MAX_SCOPES {
                return Err(SmartError::TooMany);
            }
            list.push(scope);
        }
        Ok(found.map(|(context, _, scopes)| Self { context, scopes }))
    }

    /// Whose data they are about.
    pub fn context(&self) -> Context {
        self.context
    }

    /// Whether they allow this interaction with resources of this type (`None`: of all types).
    pub fn decide(&self, interaction: Interaction, resource_type: Option<&str>) -> SmartDecision {
        let needed = match needed(interaction, self.context) {
            Needed::Nothing => return SmartDecision::Allowed,
            Needed::Never => return SmartDecision::Refused,
            Needed::Permissions(needed) => needed,
        };
        let (mut given, mut narrowed) = (0, 0);
        for scope in &self.scopes {
            let concerns = scope
                .resource_type
                .as_deref()
                .is_none_or(|own| Some(own) == resource_type);
            if concerns && scope.has_query {
                narrowed |= scope.permissions.0;
            } else if concerns {
                given |= scope.permissions.0;
            }
        }
        if given & needed == needed {
            SmartDecision::Allowed
        } else if (given | narrowed) & needed == needed {
            SmartDecision::Narrowed
        } else {
            SmartDecision::Refused
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// The context of a scope and what follows its separator; `None` when it is not a SMART scope.
fn context_of(text: &str) -> Option<(Context, String)> {
    [
        ("patient", Context::Patient),
        ("user", Context::User),
        ("system", Context::System),
    ]
    .into_iter()
    .find_map(|(name, context)| {
        let rest = text.strip_prefix(name)?;
        let rest = ["/", "$", ".", "%2f", "%2F"]
            .into_iter()
            .find_map(|separator| rest.strip_prefix(separator))?;
        Some((context, rest.to_owned()))
    })
}

fn parse_scope(text: &str) -> Result<(Version, Scope), SmartError> {
    let (text, query) = match text.split_once('?') {
        Some((text, query)) => (text, Some(query)),
        None => (text, None),
    };
    let (resource_type, permissions) = text.split_once('.').ok_or(SmartError::Malformed)?;
    let is_name = |name: &str| {
        name.len() <= 64
            && name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.bytes().all(|b| b.is_ascii_alphabetic())
    };
    let resource_type = match resource_type {
        "*" | "all" => None,
        name if is_name(name) => Some(name.to_owned()),
        _ => return Err(SmartError::Malformed),
    };
    let (version, permissions) = parse_permissions(permissions)?;
    if let Some(query) = query {
        if version == Version::One {
            return Err(SmartError::Malformed);
        }
        check_query(query)?;
    }
    let has_query = query.is_some();
    Ok((
        version,
        Scope {
            resource_type,
            permissions,
            has_query,
        },
    ))
}

fn parse_permissions(text: &str) -> Result<(Version, Permissions), SmartError> {
    let version_1 = match text {
        "read" => Some(READ | SEARCH),
        "write" => Some(CREATE | UPDATE | DELETE),
        "*" | "all" => Some(CREATE | READ | UPDATE | DELETE | SEARCH),
        _ => None,
    };
    if let Some(permissions) = version_1 {
        return Ok((Version::One, Permissions(permissions)));
    }
    let mut permissions = 0;
    for letter in text.bytes() {
        let permission = match letter {
            b'c' => CREATE,
            b'r' => READ,
            b'u' => UPDATE,
            b'd' => DELETE,
            b's' => SEARCH,
            _ => return Err(SmartError::Malformed),
        };
        if permissions & permission != 0 {
            return Err(SmartError::Malformed);
        }
        permissions |= permission;
    }
    if permissions == 0 {
        return Err(SmartError::Malformed);
    }
    Ok((Version::Two, Permissions(permissions)))
}

/// Plain `parameter=value` pairs only: a modifier, chain or include in a scope could widen it.
fn check_query(query: &str) -> Result<(), SmartError> {
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').ok_or(SmartError::Malformed)?;
        if name.is_empty() || value.is_empty() {
            return Err(SmartError::Malformed);
        }
        if name.contains([':', '.']) || ["_has", "_include", "_revinclude"].contains(&name) {
            return Err(SmartError::Query);
        }
    }
    Ok(())
}

enum Needed {
    /// Only the role decides: no stored resource is touched, or each is authorized on its own.
    Nothing,
    /// No scope gives it.
    Never,
    Permissions(u8),
}

fn needed(interaction: Interaction, context: Context) -> Needed {
    use Interaction as I;
    Needed::Permissions(match interaction {
        I::Bundle | I::Validate | I::ConvertData => return Needed::Nothing,
        I::Read | I::Vread | I::HistoryInstance => READ,
        I::HistoryType | I::HistorySystem | I::SearchType | I::SearchSystem | I::Includes => SEARCH,
        I::Everything | I::MemberMatch | I::DocRef | I::Expand => READ | SEARCH,
        I::Create => CREATE,
        I::ConditionalCreate => CREATE | SEARCH,
        I::Update | I::Patch => UPDATE,
        I::ConditionalUpdate => CREATE | UPDATE | SEARCH,
        I::ConditionalPatch => UPDATE | SEARCH,
        I::Delete => DELETE,
        I::ConditionalDelete => DELETE | SEARCH,
        I::Export if context == Context::System => READ | SEARCH,
        I::HardDelete
        | I::PurgeHistory
        | I::Export
        | I::Import
        | I::Reindex
        | I::BulkDelete
        | I::BulkHardDelete
        | I::BulkUpdate
        | I::BulkStatus
        | I::SearchParameterStatus
        | I::SetSearchParameterStatus => return Needed::Never,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Option<SmartScopes>, SmartError> {
        SmartScopes::parse(&text.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn grammar() {
        for (text, outcome) in [
            (
                "openid fhirUser launch/patient offline_access user_impersonation",
                Ok(false),
            ),
            ("systems/*.read users", Ok(false)),
            ("system/Patient.read", Ok(true)),
            ("system/*.* openid", Ok(true)),
            ("system.all.all", Ok(true)),
            ("system$Patient.rs", Ok(true)),
            ("patient%2fObservation.rs?category=laboratory&status=final", Ok(true)),
            ("user/Patient.sdurc", Ok(true)),
            ("system/Patient", Err(SmartError::Malformed)),
            ("system/Patient.", Err(SmartError::Malformed)),
            ("system/Patient.rr", Err(SmartError::Malformed)),
            ("system/Patient.reads", Err(SmartError::Malformed)),
            ("system/Patient.read.x", Err(SmartError::Malformed)),
            ("system/patient.read", Err(SmartError::Malformed)),
            ("system/.read", Err(SmartError::Malformed)),
            ("system/Patient.read?a=b", Err(SmartError::Malformed)),
            ("system/Patient.rs?", Err(SmartError::Malformed)),
            ("system/Patient.rs?a", Err(SmartError::Malformed)),
            ("system/Patient.rs?name:exact=x", Err(SmartError::Query)),
            ("system/Patient.rs?subject.name=x", Err(SmartError::Query)),
            ("system/Patient.rs?_has=x", Err(SmartError::Query)),
            (
                "system/Patient.read system/Observation.rs",
                Err(SmartError::MixedVersions),
            ),
            ("system/Patient.read user/Patient.read", Err(SmartError::MixedContexts)),
        ] {
            assert_eq!(parse(text).map(|scopes| scopes.is_some()), outcome, "{text}");
        }
        assert_eq!(parse(&"system/*.rs ".repeat(300)).err(), Some(SmartError::TooMany));
    }

    #[test]
    fn decisions() {
        use Interaction as I;
        use SmartDecision::{Allowed, Narrowed, Refused};
        for (scopes, interaction, resource_type, decision) in [
            ("system/Patient.read", I::Read, Some("Patient"), Allowed),
            ("system/Patient.read", I::SearchType, Some("Patient"), Allowed),
            ("system/Patient.read", I::Read, Some("Observation"), Refused),
            ("system/Patient.read", I::SearchSystem, None, Refused),
            ("system/Patient.read", I::Create, Some("Patient"), Refused),
            ("system/*.read", I::SearchSystem, None, Allowed),
            ("system/*.read", I::Export, None, Allowed),
            ("user/*.read", I::Export, None, Refused),
            // By id only, by search only.
            ("system/Patient.r", I::SearchType, Some("Patient"), Refused),
            ("system/Patient.s", I::Read, Some("Patient"), Refused),
            (
                "system/Patient.r system/Patient.s",
                I::Everything,
                Some("Patient"),
                Allowed,
            ),
            ("system/Patient.c", I::Create, Some("Patient"), Allowed),
            ("system/Patient.c", I::ConditionalCreate, Some("Patient"), Refused),
            ("system/Patient.cus", I::ConditionalUpdate, Some("Patient"), Allowed),
            ("system/Patient.d", I::Delete, Some("Patient"), Allowed),
            ("system/*.*", I::HardDelete, Some("Patient"), Refused),
            ("system/*.*", I::Reindex, None, Refused),
            ("system/Patient.c", I::Bundle, None, Allowed),
            ("system/Patient.rs?active=true", I::Read, Some("Patient"), Narrowed),
            ("system/Patient.rs?active=true", I::Create, Some("Patient"), Refused),
            (
                "system/Patient.rs?active=true system/Patient.r",
                I::Read,
                Some("Patient"),
                Allowed,
            ),
            (
                "system/Patient.rs?active=true system/Patient.r",
                I::SearchType,
                Some("Patient"),
                Narrowed,
            ),
        ] {
            let parsed = parse(scopes).unwrap().unwrap();
            assert_eq!(
                parsed.decide(interaction, resource_type),
                decision,
                "{scopes}: {interaction:?} {resource_type:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn never_panics(scopes in prop::collection::vec("(patient|user|system)?[/$.]?.{0,20}", 0..4)) {
            let _ = SmartScopes::parse(&scopes);
        }
    }
}
