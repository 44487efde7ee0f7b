//! Literal references. <http://hl7.org/fhir/R4/references.html#literal>

use std::fmt;

use crate::id::is_id;
use crate::resource_type::ResourceType;

/// What the text of a `Reference.reference` points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'t> {
    /// `Patient/1` or `Patient/1/_history/2`: on this server.
    Local {
        /// The type.
        kind: ResourceType,
        /// The logical id.
        id: &'t str,
        /// The version, when it is named.
        version: Option<&'t str>,
    },
    /// `https://server/fhir/Patient/1`: a resource under its full URL.
    Absolute {
        /// Everything before the type, without the slash.
        base: &'t str,
        /// The type.
        kind: ResourceType,
        /// The logical id.
        id: &'t str,
        /// The version, when it is named.
        version: Option<&'t str>,
    },
    /// `Patient?identifier=…`: to be resolved in a bundle.
    Conditional {
        /// The type.
        kind: ResourceType,
        /// The search, without the question mark.
        query: &'t str,
    },
    /// `#p1`: inside the resource itself.
    Contained(&'t str),
    /// Any other URI, `urn:uuid:…` among them.
    Uri(&'t str),
}

impl<'t> Target<'t> {
    /// Reads a reference. Every text is one: what has no other form is a URI.
    pub fn parse(text: &'t str) -> Self {
        if let Some(id) = text.strip_prefix('#') {
            return Self::Contained(id);
        }
        if let Some((kind, query)) = text.split_once('?')
            && let Some(kind) = ResourceType::find(kind)
        {
            return Self::Conditional { kind, query };
        }
        Self::path(text).unwrap_or(Self::Uri(text))
    }

    fn path(text: &'t str) -> Option<Self> {
        let (rest, last) = text.rsplit_once('/')?;
        let (rest, id, version) = match rest.strip_suffix("/_history") {
            Some(rest) => {
                let (rest, id) = rest.rsplit_once('/')?;
                (rest, id, Some(last))
            }
            None => (rest, last, None),
        };
        if !is_id(id) || version.is_some_and(|version| !is_id(version)) {
            return None;
        }
        match rest.rsplit_once('/') {
            None => Some(Self::Local {
                kind: ResourceType::find(rest)?,
                id,
                version,
            }),
            Some((base, kind)) if base.contains("://") => Some(Self::Absolute {
                base,
                kind: ResourceType::find(kind)?,
                id,
                version,
            }),
            Some(_) => None,
        }
    }

    /// The type of the resource, when the text tells it.
    pub fn kind(&self) -> Option<ResourceType> {
        match self {
            Self::Local { kind, .. } | Self::Absolute { kind, .. } | Self::Conditional { kind, .. } => Some(*kind),
            Self::Contained(_) | Self::Uri(_) => None,
        }
    }
}

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let history = |f: &mut fmt::Formatter<'_>, version: Option<&str>| match version {
            Some(version) => write!(f, "/_history/{version}"),
            None => Ok(()),
        };
        match self {
            Self::Local { kind, id, version } => {
                write!(f, "{kind}/{id}")?;
                history(f, *version)
            }
            Self::Absolute {
                base,
                kind,
                id,
                version,
            } => {
                write!(f, "{base}/{kind}/{id}")?;
                history(f, *version)
            }
            Self::Conditional { kind, query } => write!(f, "{kind}?{query}"),
            Self::Contained(id) => write!(f, "#{id}"),
            Self::Uri(uri) => f.write_str(uri),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn forms() {
        let patient = ResourceType::find("Patient").unwrap();
        let cases = [
            (
                "Patient/1",
                Target::Local {
                    kind: patient,
                    id: "1",
                    version: None,
                },
            ),
            (
                "Patient/1/_history/2",
                Target::Local {
                    kind: patient,
                    id: "1",
                    version: Some("2"),
                },
            ),
            (
                "https://a.example/fhir/Patient/1",
                Target::Absolute {
                    base: "https://a.example/fhir",
                    kind: patient,
                    id: "1",
                    version: None,
                },
            ),
            (
                "Patient?identifier=a|b",
                Target::Conditional {
                    kind: patient,
                    query: "identifier=a|b",
                },
            ),
            ("#p", Target::Contained("p")),
            ("urn:uuid:1", Target::Uri("urn:uuid:1")),
            ("Pateint/1", Target::Uri("Pateint/1")),
            ("Patient/a b", Target::Uri("Patient/a b")),
            ("https://Patient/1", Target::Uri("https://Patient/1")),
            ("x/Patient/1", Target::Uri("x/Patient/1")),
            ("", Target::Uri("")),
        ];
        for (text, expected) in cases {
            assert_eq!(Target::parse(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn print_gives_the_text_back(text in "(https?://[a-z./]{0,20}/?)?(Patient|Observation|_history|X)?[/?#]?[a-z0-9/_]{0,20}(/_history/[0-9])?") {
            prop_assert_eq!(Target::parse(&text).to_string(), text);
        }

        #[test]
        fn any_text_is_answered(text in ".{0,60}") {
            prop_assert_eq!(Target::parse(&text).to_string(), text);
        }
    }
}
