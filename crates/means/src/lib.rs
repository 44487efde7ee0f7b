//! The means by which people prove who they are, beside passwords: one-time codes (TOTP), passkeys (WebAuthn), temporary
//! access passes, and certificates, on cards above all. Registered, checked, removed; what may be is said by the tenant's
//! authentication methods policy.
//!
//! - [`Means`] does it: one file per means. The tables are the directory's (`hygie_directory::repo`), the policy is
//!   decided in `hygie_policy::methods`.
//! - [`Methods`] is what a person has and may use, as conditional access asks for it.
//!
//! Whoever signs in is told the same about what is wrong and what is not there; each wrong guess is counted and locks. A
//! check that succeeds gives a [`hygie_policy::strength::Usage`]; making a session of it is for the identity provider.
//! It knows no HTTP and no page.
#![warn(missing_docs)]

mod certificate;
mod error;
mod guess;
mod metadata;
mod methods;
mod notice;
mod pass;
mod passkey;
mod seal;
mod totp;

use std::collections::BTreeSet;
use std::sync::Arc;

use hygie_access::Outgoing;
use hygie_core::{Cx, ObjectId, random_array};
use hygie_directory::Directory;
use hygie_directory::repo::{Groups, MethodsPolicies};
use hygie_jose::Keyed;
use hygie_policy::methods::{Method, MethodsPolicy, Person};
use hygie_store::{Store, StoreError, Tx};
use uuid::Uuid;

pub use certificate::{Card, CertificateRefusal, Claimed, Fetch, FetchFirst, Hints, ListState, Told, Trial};
pub use error::{MeansError, Refusal};
pub use metadata::{Metadata, MetadataError};
pub use methods::{Methods, RegisteredCodes, RegisteredPass, RegisteredPasskey};
pub use notice::{Change, Notice};
pub use pass::{CreatedPass, NewPass};
pub use passkey::{By, MAX_PASSKEYS, PasskeyOptions, Proven};
pub use totp::{CodeOffer, MAX_OATHS};

/// Groups of a person that are looked at.
const MAX_GROUPS: u32 = 10_000;
/// Longest name of a means.
const MAX_NAME: usize = 64;

/// What the means need.
pub struct Deps {
    /// The directory.
    pub directory: Directory,
    /// Base URL of the login host (`https://login.example`), where passkeys are registered and used: its host is their
    /// relying party.
    pub login: String,
    /// Statements of the makers of authenticators, where the installation has them.
    pub metadata: Option<Arc<Metadata>>,
    /// What fetches revocation lists; without it they are given by administrators only.
    pub outgoing: Option<Outgoing>,
}

/// The means of all tenants. Cheap to clone.
#[derive(Clone)]
pub struct Means(Arc<Inner>);

pub(crate) struct Inner {
    directory: Directory,
    party: passkey::Party,
    metadata: Option<Arc<Metadata>>,
    outgoing: Option<Outgoing>,
    lists: certificate::Lists,
    seals: Seals,
    /// Marks of wrong guesses, and the places where those at nobody are counted.
    marks: Keyed,
    challenges: Keyed,
}

struct Seals {
    codes: seal::Seal,
}

impl Means {
    /// Over this directory.
    pub fn open(deps: Deps) -> Result<Self, MeansError> {
        let directory = deps.directory;
        Ok(Self(Arc::new(Inner {
            party: passkey::Party::of(&deps.login)?,
            metadata: deps.metadata,
            outgoing: deps.outgoing,
            lists: certificate::Lists::default(),
            seals: Seals {
                codes: seal::Seal::new(directory.derive("registrations of codes")),
            },
            marks: directory.derive("marks of guesses"),
            challenges: directory.derive("challenges of passkeys"),
            directory,
        })))
    }

    /// Its directory.
    pub fn directory(&self) -> &Directory {
        &self.0.directory
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    pub(crate) fn store(&self) -> &Store {
        self.0.directory.store()
    }
}

/// The policy of the tenant, and the groups of a person by which it is asked.
pub(crate) async fn policy_for(
    tx: &mut Tx<'_>,
    user: ObjectId,
) -> Result<(MethodsPolicy, BTreeSet<hygie_core::GroupId>), StoreError> {
    let policy = MethodsPolicies(tx).get().await?.policy;
    let groups = Groups(tx).list_transitive(user, MAX_GROUPS).await?;
    Ok((policy, groups.into_iter().collect()))
}

/// Whether a method is for a person.
pub(crate) async fn offered(tx: &mut Tx<'_>, user: ObjectId, method: Method) -> Result<bool, StoreError> {
    let (policy, groups) = policy_for(tx, user).await?;
    let person = Person {
        id: user,
        groups: &groups,
    };
    Ok(policy.is_for(method, person))
}

/// The name of a means: shown on pages, so nothing in it that a page would not show.
pub(crate) fn named(name: &str) -> Result<String, Refusal> {
    let name = name.trim();
    let is_shown = |c: char| !c.is_control() && !is_unseen(c);
    let fits = !name.is_empty() && name.chars().count() <= MAX_NAME && name.chars().all(is_shown);
    fits.then(|| name.to_owned()).ok_or(Refusal::Value("displayName"))
}

/// Characters that turn or hide what is around them (Unicode TR 36 §2.4).
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

pub(crate) fn new_uuid(cx: &Cx) -> Uuid {
    uuid::Builder::from_random_bytes(random_array(&*cx.random)).into_uuid()
}
