//! `groupMembershipClaims` of an application.
//! <https://learn.microsoft.com/entra/identity-platform/optional-claims#configure-groups-optional-claims>

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Which groups go into tokens (`groupMembershipClaims`): one word or several, separated by commas. Tokens hold what any of
/// them asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GroupClaims(u8);

impl GroupClaims {
    /// All security groups of the user, nested ones included.
    pub const SECURITY_GROUP: Self = Self(1);
    /// Only the groups that are assigned to the application.
    pub const APPLICATION_GROUP: Self = Self(2);
    /// Security groups and directory roles.
    pub const ALL: Self = Self(4);
    /// Directory roles alone.
    pub const DIRECTORY_ROLE: Self = Self(8);

    const WORDS: [(&str, Self); 4] = [
        ("SecurityGroup", Self::SECURITY_GROUP),
        ("ApplicationGroup", Self::APPLICATION_GROUP),
        ("All", Self::ALL),
        ("DirectoryRole", Self::DIRECTORY_ROLE),
    ];

    /// Whether tokens hold all groups of the user.
    pub fn tells_all_groups(self) -> bool {
        self.has(Self::SECURITY_GROUP) || self.has(Self::ALL)
    }

    /// Whether they hold those that are assigned to the application.
    pub fn tells_assigned_groups(self) -> bool {
        self.has(Self::APPLICATION_GROUP)
    }

    /// Whether they hold directory roles.
    pub fn tells_directory_roles(self) -> bool {
        self.has(Self::DIRECTORY_ROLE) || self.has(Self::ALL)
    }

    fn has(self, one: Self) -> bool {
        self.0 & one.0 != 0
    }
}

impl fmt::Display for GroupClaims {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = Self::WORDS.iter().filter(|(_, one)| self.has(*one));
        let words: Vec<&str> = asked.map(|(word, _)| *word).collect();
        to.write_str(&words.join(","))
    }
}

impl FromStr for GroupClaims {
    /// The word that is none of them.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split(',').try_fold(Self(0), |all, word| {
            let word = word.trim();
            let known = Self::WORDS.iter().find(|(known, _)| *known == word);
            known.map(|(_, one)| Self(all.0 | one.0)).ok_or_else(|| word.to_owned())
        })
    }
}

impl TryFrom<String> for GroupClaims {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<GroupClaims> for String {
    fn from(claims: GroupClaims) -> Self {
        claims.to_string()
    }
}
