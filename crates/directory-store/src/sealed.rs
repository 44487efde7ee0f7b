//! Which columns of the directory are sealed: what lets whoever has it sign tokens, make cookies, codes or subjects.
//!
//! What is kept as a keyed digest (secrets of applications, codes, refresh tokens, cookies of browsers) needs no seal of its own:
//! the key of the digests is sealed. Passwords and access passes are kept as argon2id, and that is sealed, too: whoever has
//! only the tables cannot even try weak ones.

use hygie_store::SealedColumn;

/// The private signing keys of the provider.
pub const SIGNING_KEY: SealedColumn = SealedColumn {
    table: "idp_signing_key",
    column: "pkcs8",
    key: &["kid"],
};

/// The secret from which the keys of digests, cookies and forms are derived.
pub const ROOT: SealedColumn = SealedColumn {
    table: "idp_root",
    column: "secret",
    key: &["name"],
};

/// The keys of the pairwise subjects of tenants.
pub const PAIRWISE: SealedColumn = SealedColumn {
    table: "idp_tenant",
    column: "pairwise",
    key: &["tenant"],
};

/// The seeds of one-time codes.
pub const OATH_SECRET: SealedColumn = SealedColumn {
    table: "idp_oath",
    column: "secret",
    key: &["tenant", "user_id", "id"],
};

/// The hashes of passwords.
pub const PASSWORD: SealedColumn = SealedColumn {
    table: "idp_user",
    column: "sealed_password",
    key: &["tenant", "id"],
};

/// The hashes of the passwords of people who were deleted and can be brought back.
pub const DELETED_PASSWORD: SealedColumn = SealedColumn {
    table: "idp_deleted",
    column: "sealed_password",
    key: &["tenant", "id"],
};

/// The hashes of access passes.
pub const PASS: SealedColumn = SealedColumn {
    table: "idp_pass",
    column: "sealed_hash",
    key: &["tenant", "user_id"],
};

/// All of them.
pub const SEALED_COLUMNS: &[SealedColumn] = &[
    ROOT,
    SIGNING_KEY,
    PAIRWISE,
    OATH_SECRET,
    PASSWORD,
    DELETED_PASSWORD,
    PASS,
];
