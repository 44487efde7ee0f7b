//! The few differences between engines, so that SQL is written once.

use std::borrow::Cow;

/// How an engine wants the portable SQL.
///
/// Every key of a table begins with its service instance, so that an engine shared by many instances can partition on
/// it. On the embedded engine the file is the instance, and the markers vanish:
///
/// | marker | embedded | shared engine |
/// |---|---|---|
/// | `{i.col}` in a column list or key | nothing | `instance, ` |
/// | `{i.val}` in a list of values | nothing | `:instance, ` |
/// | `{i.is}` in a condition | nothing | `instance = :instance AND ` |
/// | `{blob}` as a column type | `BLOB` | `BYTEA` |
/// | `{int}` as a column type | `INTEGER` | `BIGINT` |
/// | `{clustered}` after a table | `WITHOUT ROWID` | nothing |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite with SQLCipher, one file per instance.
    Embedded,
    /// PostgreSQL, shared by instances.
    Postgres,
}

impl Dialect {
    /// The statement in this engine's words; borrowed when nothing is to be replaced.
    pub fn render(self, sql: &str) -> Cow<'_, str> {
        if !sql.contains('{') {
            return Cow::Borrowed(sql);
        }
        let marks: [(&str, &str); 6] = match self {
            Self::Embedded => [
                ("{i.col}", ""),
                ("{i.val}", ""),
                ("{i.is}", ""),
                ("{blob}", "BLOB"),
                ("{int}", "INTEGER"),
                ("{clustered}", "WITHOUT ROWID"),
            ],
            Self::Postgres => [
                ("{i.col}", "instance, "),
                ("{i.val}", ":instance, "),
                ("{i.is}", "instance = :instance AND "),
                ("{blob}", "BYTEA"),
                ("{int}", "BIGINT"),
                ("{clustered}", ""),
            ],
        };
        let mut text = sql.to_owned();
        for (mark, words) in marks {
            text = text.replace(mark, words);
        }
        Cow::Owned(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instance_marks() {
        let sql = "SELECT n FROM t WHERE {i.is}k = ?1";
        assert_eq!(Dialect::Embedded.render(sql), "SELECT n FROM t WHERE k = ?1");
        assert_eq!(
            Dialect::Postgres.render(sql),
            "SELECT n FROM t WHERE instance = :instance AND k = ?1"
        );
    }
}
