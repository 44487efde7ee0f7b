//! Who may do what: bearer tokens of every trusted issuer become principals, roles become data actions, and the
//! program's outgoing requests go through one client.
//!
//! - A [`Gate`] stands before each data service: [`Gate::authenticate`] checks a token and remembers it for a while,
//!   [`Gate::authorize`] asks the [`Assignments`] what the principal's roles allow.
//! - The [`Authenticator`] in it stands alone before services whose callers have no roles of ours.
//! - What is asked is an [`Operation`]; what it needs are [`DataAction`]s; who has them are [`Role`]s, by one of two
//!   [`RoleSemantics`]. The whole matrix is in `tests/it/golden/`.
//! - A [`Refusal`] has one [`Reason`] for the audit and tells the caller nothing.
//! - An [`OwnIdentity`] is the managed identity of one of our services toward what it calls.
//! - [`Forward`] posts the events of an outbox to whoever follows them.
//! - [`KeySource`] and [`Revocations`] are what the gate needs of an identity provider; `server` gives those of ours,
//!   [`Discovered`] fetches the keys of others through [`Outgoing`].
#![warn(missing_docs)]

mod action;
mod assignment;
mod assignments;
mod authenticator;
mod claims;
mod confirmation;
mod discovered;
mod forward;
mod gate;
mod identity;
mod issuer;
mod known;
mod mapping;
mod operation;
mod outgoing;
mod permissions;
mod profile;
mod refusal;
mod repo;
mod revocation;
mod role;
mod smart;

pub use action::{ActionSet, DataAction, Kind};
pub use assignment::{Assignee, AssigneeKind, AssignmentId, Holder, NotAScope, RoleAssignment, Scope};
pub use assignments::{AssignmentError, Assignments};
pub use authenticator::{Authenticator, Credentials, Issuers};
pub use claims::derived_id;
pub use confirmation::{Confirmation, ThumbprintForm};
pub use discovered::{Discovered, Document, Endpoints};
pub use forward::Forward;
pub use gate::{AppRole, Gate, Instance};
pub use identity::{NoOwnToken, OwnIdentity, OwnToken};
pub use issuer::{EntraCloud, KeySource, KeysUnavailable, Style, TrustedIssuer, Version};
pub use mapping::{ClaimNames, ProfessionalClaims};
pub use operation::{DicomOperation, Interaction, Operation};
pub use outgoing::{EgressPolicy, Outgoing, OutgoingError};
pub use permissions::Permissions;
pub use profile::{NotAProfile, Profile};
pub use refusal::{Reason, Refusal};
pub use repo::{MIGRATIONS, RoleAssignments};
pub use revocation::{Origin, Revocations, Revoked};
pub use role::{Role, RoleSemantics};
pub use smart::{Context, SmartDecision, SmartError, SmartScopes};
