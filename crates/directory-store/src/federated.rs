//! What an application proves itself by at another issuer: tokens that somebody else signed count for it.
//! <https://learn.microsoft.com/graph/api/resources/federatedidentitycredential>

use hygie_core::Timestamp;
use url::Url;
use uuid::Uuid;

/// Most of an application, as in Entra ID.
pub const MAX_FEDERATED: usize = 20;
/// Longest issuer, subject, audience and description, in characters.
const MAX_TEXT: usize = 600;
/// Shortest and longest name.
const NAME: std::ops::RangeInclusive<usize> = 3..=120;

/// A federated credential (`federatedIdentityCredential`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FederatedCredential {
    /// Its id.
    pub id: Uuid,
    /// Its name, which stays: the end of an address.
    pub name: String,
    /// `iss` of the tokens, character by character.
    pub issuer: String,
    /// `sub` of the tokens, character by character.
    pub subject: String,
    /// What the tokens are for (`aud`): one text.
    pub audiences: Vec<String>,
    /// What it is for.
    pub description: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl FederatedCredential {
    /// One that says nothing yet, and so may not be kept.
    pub fn empty(now: Timestamp) -> Self {
        Self {
            id: Uuid::nil(),
            name: String::new(),
            issuer: String::new(),
            subject: String::new(),
            audiences: Vec::new(),
            description: None,
            created_at: now,
        }
    }

    /// Whether it may be kept; names the member that may not.
    pub fn check(&self) -> Result<(), &'static str> {
        let fits = |text: &str| {
            let is_clean = text == text.trim() && !text.contains(char::is_control);
            is_clean && (1..=MAX_TEXT).contains(&text.chars().count())
        };
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let begins = self
            .name
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphanumeric());
        for (member, is_good) in [
            (
                "name",
                begins && NAME.contains(&self.name.len()) && self.name.bytes().all(is_word),
            ),
            ("issuer", fits(&self.issuer) && is_issuer(&self.issuer)),
            ("subject", fits(&self.subject)),
            (
                "audiences",
                matches!(self.audiences.as_slice(), [audience] if fits(audience)),
            ),
            (
                "description",
                self.description
                    .as_deref()
                    .is_none_or(|text| text.chars().count() <= MAX_TEXT && !text.contains('\0')),
            ),
        ] {
            if !is_good {
                return Err(member);
            }
        }
        Ok(())
    }
}

/// OpenID Connect Discovery 1.0 §3: an https address without query, fragment, and here without a name and password.
fn is_issuer(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        url.scheme() == "https"
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> FederatedCredential {
        FederatedCredential {
            id: Uuid::from_u128(1),
            name: "deploy-1".to_owned(),
            issuer: "https://issuer.example/realm".to_owned(),
            subject: "system:serviceaccount:ward:agenda".to_owned(),
            audiences: vec!["api://AzureADTokenExchange".to_owned()],
            description: None,
            created_at: Timestamp::from_secs(1),
        }
    }

    #[test]
    fn what_may_be_kept() {
        assert_eq!(good().check(), Ok(()));
        let long = "x".repeat(601);
        for (member, texts) in [
            ("name", vec!["", "ab", "-abc", "a b c", "é-t-é", &long[..121]]),
            (
                "issuer",
                vec![
                    "",
                    "http://issuer.example",
                    "issuer",
                    "https://issuer.example/?a=b",
                    "https://issuer.example/#a",
                    "https://me:secret@issuer.example/",
                    " https://issuer.example",
                ],
            ),
            ("subject", vec!["", " a", "a\nb", &long]),
            ("audiences", vec!["", &long]),
            ("description", vec!["a\0", &long]),
        ] {
            for text in texts {
                let mut changed = good();
                match member {
                    "name" => text.clone_into(&mut changed.name),
                    "issuer" => text.clone_into(&mut changed.issuer),
                    "subject" => text.clone_into(&mut changed.subject),
                    "audiences" => changed.audiences = vec![text.to_owned()],
                    _ => changed.description = Some(text.to_owned()),
                }
                assert_eq!(changed.check(), Err(member), "{text:?}");
            }
        }
        for audiences in [vec![], vec!["a".to_owned(), "b".to_owned()]] {
            let several = FederatedCredential { audiences, ..good() };
            assert_eq!(several.check(), Err("audiences"));
        }
    }
}
