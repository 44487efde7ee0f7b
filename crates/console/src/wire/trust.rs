//! Authorities that vouch for people, their revocation lists, and what would happen to a card.

use serde::Deserialize;

use super::{Detail, Object};

/// An authority that vouches for people.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Authority {
    pub id: String,
    pub display_name: String,
    pub certificate_authority_type: String,
    pub issuer: String,
    pub issuer_subject_key_identifier: Option<String>,
    pub expiration_date_time: String,
    pub thumbprint: String,
    pub certificate_revocation_list_url: Option<String>,
    pub delta_certificate_revocation_list_url: Option<String>,
    pub is_issuer_hint_enabled: bool,
}

/// What is known of the revocation list of an authority.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RevocationList {
    pub is_current: bool,
    pub source: Option<String>,
    pub this_update_date_time: Option<String>,
    pub next_update_date_time: Option<String>,
    pub revoked_count: Option<u64>,
    pub grace_in_hours: u32,
    pub delta: Option<Changes>,
    pub problem: Option<String>,
    pub delta_problem: Option<String>,
}

/// What is known of the list of what changed since.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Changes {
    pub this_update_date_time: Option<String>,
    pub next_update_date_time: Option<String>,
    pub revoked_count: Option<u64>,
}

/// What would happen to a card.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Trial {
    pub subject: Option<String>,
    pub issuer: Option<String>,
    pub expiration_date_time: Option<String>,
    pub chain: Vec<Object>,
    pub user: Option<Object>,
    pub authentication_mode: Option<String>,
    pub authentication_processing_details: Vec<Detail>,
    pub reason: Option<String>,
    pub message: Option<String>,
}
