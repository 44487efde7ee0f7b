//! The embedded engine: SQLite with SQLCipher, one writer with group commit, snapshot readers.
