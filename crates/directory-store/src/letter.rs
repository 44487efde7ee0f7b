//! Letters: what people, and who looks after an establishment, are told by mail. Each is an event of the outbox, written in the
//! transaction of what it tells of; where nobody sends mail none is made.

use hygie_core::{TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::logs::{Alert, AlertKind};

/// The kind of the event of a letter, and what it begins with.
pub const LETTERS: &str = "letter.";
/// Longest name that a letter tells.
const MAX_NAME: usize = 256;

/// A letter, with everything that it is written from: who sends it reads nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Letter {
    /// What the establishment is called.
    pub establishment: String,
    /// To which addresses.
    pub to: Vec<String>,
    /// The language of whom it is for (BCP 47), where it is known.
    pub language: Option<String>,
    /// What who gets it is called, where it is one person.
    pub addressee: Option<String>,
    /// What it tells.
    pub matter: Matter,
    /// When that was.
    pub at: Timestamp,
}

/// What a letter tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind")]
pub enum Matter {
    /// What a person signs in with changed.
    MeansChanged {
        /// The word of the change.
        change: String,
        /// What the thing is called.
        about: String,
        /// Whether the person did it.
        is_own: bool,
    },
    /// Where a person is written to changed.
    AddressChanged {
        /// Whether the person did it.
        is_own: bool,
    },
    /// Somebody of another establishment is invited. The letter has no ticket: it leads to their sign-in at home, which says who
    /// they are.
    Invited {
        /// Who invites, where it is a person.
        by: Option<String>,
        /// The establishment of who is invited.
        home: TenantId,
        /// What who invites says.
        words: Option<String>,
    },
    /// Something that somebody should look at.
    Alert {
        /// Of what kind.
        alert: AlertKind,
        /// Who did it.
        by: Option<String>,
        /// From where.
        address: Option<String>,
        /// To what.
        target: Option<String>,
    },
    /// An address that alerts went to gets none any more.
    AlertsEnd {
        /// Who said so.
        by: Option<String>,
    },
    /// A person asks administrators to consent.
    ConsentAsked {
        /// To which application.
        application: String,
        /// Who asks.
        by: String,
    },
    /// What came of it.
    ConsentDecided {
        /// For which application.
        application: String,
        /// Whether it is consented to.
        is_approved: bool,
        /// What who decided it says.
        words: Option<String>,
    },
}

impl Matter {
    /// The word of its kind.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::MeansChanged { .. } => "means-changed",
            Self::AddressChanged { .. } => "address-changed",
            Self::Invited { .. } => "invited",
            Self::Alert { .. } => "alert",
            Self::AlertsEnd { .. } => "alerts-end",
            Self::ConsentAsked { .. } => "consent-asked",
            Self::ConsentDecided { .. } => "consent-decided",
        }
    }

    /// What an alert tells: names and an address, nothing of the values.
    pub fn of_alert(alert: &Alert) -> Self {
        let user = alert.initiated_by.user.as_ref();
        let app = alert.initiated_by.app.as_ref();
        let by = user.map_or_else(
            || app.and_then(|app| app.display_name.clone()),
            |user| user.user_principal_name.clone().or_else(|| user.display_name.clone()),
        );
        let target = alert.target_resources.first();
        let target = target.and_then(|target| target.user_principal_name.as_ref().or(target.display_name.as_ref()));
        Self::Alert {
            alert: alert.alert_type,
            by: by.map(|by| short(&by)),
            address: user.and_then(|user| user.ip_address.clone()),
            target: target.map(|target| short(target)),
        }
    }
}

/// A name of which no more than a line is told.
fn short(name: &str) -> String {
    name.chars().take(MAX_NAME).collect()
}
