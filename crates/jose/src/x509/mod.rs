//! Certificates of people and the authorities that issue them — RFC 5280: which authorities lead from a certificate to a
//! trusted root, whether a list revokes it, and the fields by which accounts name it. All of it over octets and an instant;
//! where they come from is for others.
//!
//! # Deviations
//!
//! - Policies of certificates are read and not processed (RFC 5280 §6.1.2): what they are worth is for who configures.
//! - Lists that are of others than their signer (indirect) or of some reasons only are refused, and those that tell only what
//!   changed (delta) count with the list that they follow: none of them says alone that a certificate is good.

mod authority;
mod bundle;
mod der;
mod list;
mod names;
mod path;

pub use authority::{Authority, NotAuthority, Position};
pub use bundle::{MAX_BUNDLED, NotBundle, bundle};
pub use list::{DeltaList, ListFault, RevocationList};
pub use names::{Holder, NotCertificate};
pub use path::{PathFault, Trusted, path};

/// Octets of a certificate that are looked at.
pub const MAX_CERTIFICATE: usize = 16 * 1024;
