//! What a certificate is worth and whose it is: the rules of certificate-based authentication. Reading certificates is
//! elsewhere; here their fields are compared.
//! <https://learn.microsoft.com/entra/identity/authentication/concept-certificate-based-authentication-technical-deep-dive>
//!
//! # Deviations
//!
//! - A rule for issuer and policy together decides as it says; in Entra ID such rules disturb the registration of passkeys.
//! - The affinity of a binding is that of its field, or low where the binding says so: a binding cannot make a field
//!   stronger than it is.
//! - Where several rules of one level fit, the stricter affinity counts.

mod binding;
mod configuration;
mod name;

use std::collections::BTreeSet;

pub use binding::{Bound, Strength, Unbound, UserNames, bind, strength};
pub use configuration::{
    Affinity, AuthenticationMode, Broken, CertificateAuthorityScope, CrlValidation, Field, IssuerHints, MAX_USER_IDS,
    Mode, ModeRule, RuleType, State, Target, TargetId, TargetType, UserBinding, UserProperty, X509Certificate,
    check_user_ids,
};
pub use name::is_same_name;

/// The fields of a certificate that rules speak of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// The subject, most general part first: `DC=fr,O=ASIP-SANTE,CN=…`.
    pub subject: String,
    /// The issuer, most general part first.
    pub issuer: String,
    /// The serial number in hexadecimal, its bytes in reverse order, as mappings to accounts write it.
    pub serial: String,
    /// The universal principal names of the subject's alternative names.
    pub principal_names: Vec<String>,
    /// Its mail addresses.
    pub rfc822_names: Vec<String>,
    /// Its subject key identifier in hexadecimal.
    pub subject_key_identifier: Option<String>,
    /// SHA-1 of its public key in hexadecimal.
    pub sha1_public_key: Option<String>,
    /// Its policies, as OIDs with dots.
    pub policy_oids: BTreeSet<String>,
}
