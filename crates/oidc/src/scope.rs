//! The `scope` parameter: OpenID Connect scopes and scopes of resources (`{resource}/{value}`, `{resource}/.default`).
//! <https://learn.microsoft.com/entra/identity-platform/scopes-oidc>

use serde::{Deserialize, Serialize};

use crate::{Aadsts, Refusal};

/// Longest value of `scope`.
const MAX_LENGTH: usize = 8 * 1024;
/// Most scopes of a request.
const MAX_SCOPES: usize = 200;

/// The OpenID Connect scopes of a request; `address` and `phone` are not supported and ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one word of the scope parameter, present or not"
)]
pub struct OidcScopes {
    /// `openid`: an id token.
    pub openid: bool,
    /// `profile`: name claims.
    pub profile: bool,
    /// `email`: the address.
    pub email: bool,
    /// `offline_access`: a refresh token.
    pub offline_access: bool,
}

impl OidcScopes {
    /// The words that are present.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        [
            (self.openid, "openid"),
            (self.profile, "profile"),
            (self.email, "email"),
            (self.offline_access, "offline_access"),
        ]
        .into_iter()
        .filter_map(|(present, word)| present.then_some(word))
    }

    fn take(&mut self, word: &str) -> bool {
        match word {
            "openid" => self.openid = true,
            "profile" => self.profile = true,
            "email" => self.email = true,
            "offline_access" => self.offline_access = true,
            "address" | "phone" => {}
            _ => return false,
        }
        true
    }
}

/// What is asked of one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Names {
    /// `.default`: what is granted already.
    Default,
    /// These scopes.
    Named(Vec<String>),
}

/// The scopes of one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceScopes {
    /// Its identifier as written, a final slash included; `None` is the directory API, which needs no prefix.
    pub resource: Option<String>,
    /// What is asked.
    pub names: Names,
}

/// A parsed `scope` parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scopes {
    /// Of OpenID Connect.
    pub oidc: OidcScopes,
    /// Of resources, in order of first mention.
    pub resources: Vec<ResourceScopes>,
}

impl Scopes {
    /// Reads a space-separated list.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let bad = |word: &str| Refusal::about(Aadsts::BadScope, &[word]);
        if text.len() > MAX_LENGTH {
            return Err(bad("parameter"));
        }
        let mut scopes = Self::default();
        for (count, word) in text.split(' ').filter(|word| !word.is_empty()).enumerate() {
            if count >= MAX_SCOPES || !word.bytes().all(is_scope_byte) {
                return Err(bad(word));
            }
            if !scopes.oidc.take(word) {
                let (resource, name) = split(word).ok_or_else(|| bad(word))?;
                scopes.add(resource, name).ok_or_else(|| bad(word))?;
            }
        }
        Ok(scopes)
    }

    /// The scopes of a v1 `resource` parameter: what `{resource}/.default` asks.
    pub fn of_resource(resource: &str) -> Result<Self, Refusal> {
        if resource.len() > MAX_LENGTH || !resource.bytes().all(is_scope_byte) {
            return Err(Refusal::bad("resource"));
        }
        Ok(Self {
            oidc: OidcScopes::default(),
            resources: vec![ResourceScopes {
                resource: Some(resource.to_owned()),
                names: Names::Default,
            }],
        })
    }

    /// The same of this resource, which need not stand before each scope then; all that is granted when none is named.
    pub fn of(&self, resource: &str) -> Result<Self, Refusal> {
        let other = |name: &str| Refusal::about(Aadsts::BadTarget, &[name]);
        let mut scopes = Self::of_resource(resource).map_err(|_| other(resource))?;
        scopes.oidc = self.oidc;
        if !self.resources.is_empty() {
            scopes.resources.clear();
        }
        for named in &self.resources {
            if let Some(name) = named.resource.as_deref().filter(|name| *name != resource) {
                return Err(other(name));
            }
            let names = match &named.names {
                Names::Default => vec![".default"],
                Names::Named(names) => names.iter().map(String::as_str).collect(),
            };
            for name in names {
                let mixed = || Refusal::about(Aadsts::BadScope, &[name]);
                scopes.add(Some(resource), name).ok_or_else(mixed)?;
            }
        }
        Ok(scopes)
    }

    /// The one resource, or none; the token endpoint gives one token for one resource.
    pub fn single(&self) -> Result<Option<&ResourceScopes>, Refusal> {
        match self.resources.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one)),
            _ => Err(Refusal::new(Aadsts::SeveralResources)),
        }
    }

    /// `None` when `.default` would be mixed with named scopes of the same resource.
    fn add(&mut self, resource: Option<&str>, name: &str) -> Option<()> {
        let known = self.resources.iter_mut().find(|r| r.resource.as_deref() == resource);
        match (known, name) {
            (None, ".default") => self.resources.push(ResourceScopes {
                resource: resource.map(str::to_owned),
                names: Names::Default,
            }),
            (None, _) => self.resources.push(ResourceScopes {
                resource: resource.map(str::to_owned),
                names: Names::Named(vec![name.to_owned()]),
            }),
            (
                Some(ResourceScopes {
                    names: Names::Named(names),
                    ..
                }),
                name,
            ) if name != ".default" => {
                if !names.iter().any(|n| n == name) {
                    names.push(name.to_owned());
                }
            }
            (
                Some(ResourceScopes {
                    names: Names::Default, ..
                }),
                ".default",
            ) => {}
            _ => return None,
        }
        Some(())
    }
}

/// Resource and name: the last slash parts them, so that of `https://r//.default` the resource keeps its slash.
fn split(word: &str) -> Option<(Option<&str>, &str)> {
    match word.rsplit_once('/') {
        None => Some((None, word)),
        Some((resource, name)) if !resource.is_empty() && !name.is_empty() => Some((Some(resource), name)),
        Some(_) => None,
    }
}

/// RFC 6749 §3.3: printable ASCII without space, quote and backslash.
fn is_scope_byte(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn resources(text: &str) -> Vec<(Option<String>, Vec<String>)> {
        Scopes::parse(text)
            .unwrap()
            .resources
            .into_iter()
            .map(|r| match r.names {
                Names::Default => (r.resource, vec![".default".to_owned()]),
                Names::Named(names) => (r.resource, names),
            })
            .collect()
    }

    #[test]
    fn forms() {
        let one = |resource: Option<&str>, names: &[&str]| {
            (
                resource.map(str::to_owned),
                names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>(),
            )
        };
        assert_eq!(
            resources("https://r.example/.default"),
            [one(Some("https://r.example"), &[".default"])]
        );
        assert_eq!(
            resources("https://r.example//.default"),
            [one(Some("https://r.example/"), &[".default"])]
        );
        assert_eq!(
            resources("api://x/a api://x/b api://x/a"),
            [one(Some("api://x"), &["a", "b"])]
        );
        assert_eq!(
            resources("https://h:8446/demo/fhir/user_impersonation openid"),
            [one(Some("https://h:8446/demo/fhir"), &["user_impersonation"])]
        );
        assert_eq!(resources("User.Read profile"), [one(None, &["User.Read"])]);
        assert_eq!(resources(".default"), [one(None, &[".default"])]);
        assert_eq!(resources("openid  profile address phone"), []);
        let oidc = Scopes::parse("offline_access openid").unwrap().oidc;
        assert_eq!(oidc.words().collect::<Vec<_>>(), ["openid", "offline_access"]);
    }

    #[test]
    fn refusals() {
        for bad in [
            "api://x/.default api://x/a",
            "api://x/a api://x/.default",
            "a\"b",
            "/a",
            "a/",
            "é",
        ] {
            assert_eq!(Scopes::parse(bad).unwrap_err().code(), Aadsts::BadScope, "{bad}");
        }
        assert!(Scopes::parse(&"x".repeat(MAX_LENGTH + 1)).is_err());
        for bad in ["two words", "é", &"x".repeat(MAX_LENGTH + 1)] {
            assert_eq!(
                Scopes::of_resource(bad).unwrap_err().code(),
                Aadsts::BadParameter,
                "{bad}"
            );
        }
        let two = Scopes::parse("api://x/a api://y/a").unwrap();
        assert_eq!(two.single().unwrap_err().code(), Aadsts::SeveralResources);
        assert_eq!(Scopes::default().single(), Ok(None));
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,80}") {
            let _ = Scopes::parse(&text);
        }

        #[test]
        fn the_resource_keeps_every_character(resource in "[a-z]{1,6}://[a-z./]{0,20}", name in "[A-Za-z._-]{1,12}") {
            let scopes = Scopes::parse(&format!("{resource}/{name}")).unwrap();
            prop_assert_eq!(scopes.resources[0].resource.as_deref(), Some(resource.as_str()));
        }
    }
}
