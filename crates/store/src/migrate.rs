//! Numbered migrations, forward only, and the tables that the store itself has in every instance.

use crate::{blobs, jobs, outbox, vault};

/// The store's own tables, on every engine and in every instance: what the store writes in the transactions of services
/// must not depend on the service. Their numbers are 10 to 99.
pub const TABLES: &[Migration] = &[
    Migration {
        number: 10,
        title: "references to blobs",
        sql: blobs::TABLE,
    },
    Migration {
        number: 11,
        title: "outbox",
        sql: outbox::TABLES,
    },
    Migration {
        number: 12,
        title: "jobs",
        sql: jobs::TABLE,
    },
    Migration {
        number: 13,
        title: "leases of the outbox",
        sql: outbox::LEASES,
    },
    Migration {
        number: 14,
        title: "key of the sealed columns",
        sql: vault::TABLE,
    },
    Migration {
        number: 15,
        title: "kinds of the outbox",
        sql: outbox::KINDS,
    },
];

/// One step of the schema of an instance: expand first, contract in a later release.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Its number, 1 and up; numbers that were left out stay so.
    pub number: u32,
    /// What it does, in a few words.
    pub title: &'static str,
    /// Portable SQL, statements separated by `;`.
    pub sql: &'static str,
}
