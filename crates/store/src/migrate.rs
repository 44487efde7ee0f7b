//! Numbered migrations, forward only.

/// One step of the schema of an instance: expand first, contract in a later release.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Its number, 1 and up without gaps.
    pub number: u32,
    /// What it does, in a few words.
    pub title: &'static str,
    /// Portable SQL, statements separated by `;`.
    pub sql: &'static str,
}
