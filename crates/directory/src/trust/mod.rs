//! The trust store of a tenant: public key infrastructures, each with the certification authorities by which certificates of
//! people are judged, and the revocation lists of these.
//! <https://learn.microsoft.com/graph/api/resources/certificatebasedauthpki>
//!
//! # Deviations
//!
//! - What is removed is gone at once; Entra ID keeps it for thirty days.
//! - A list may be given by an administrator, for a house that does not reach its address, and an authority may have a grace
//!   in which its last list counts after its end: ours, none unless it is asked for.

mod error;
mod lists;
mod operations;
mod together;

pub use hygie_directory_store::trust::{
    ListKind, ListRow, ListSource, MAX_AUTHORITIES, MAX_GRACE, MAX_LIST, MAX_PKIS, Pki, TrustedAuthority,
};

pub use error::TrustError;
pub use lists::{read_delta, read_list};
pub use operations::AuthorityChange;
pub use together::Into;
