//! The few differences between engines, so that SQL is written once.

/// How an engine wants the portable SQL.
///
/// Values are `?1`… and the tenant of the context is `:tenant`. Every key of a table begins with its service instance,
/// so that an engine shared by many instances can partition on it; on the embedded engine the file is the instance, and
/// the markers vanish:
///
/// | marker | embedded | shared engine |
/// |---|---|---|
/// | `{i.col}` in a column list or key | nothing | `instance, ` |
/// | `{i.val}` in a list of values | nothing | `:instance, ` |
/// | `{i.is}` in a condition | nothing | `instance = :instance AND ` |
/// | `{i.def}` first in a table's columns | nothing | `instance BIGINT NOT NULL, ` |
/// | `{blob}` as a column type | `BLOB` | `BYTEA` |
/// | `{int}` as a column type | `INTEGER` | `BIGINT` |
/// | `{clustered}` after a table | `WITHOUT ROWID` | nothing |
/// | `{serial}` as a column type | ascending numbers, none given twice | the same |
/// | `{serial.key}` last in a table whose column `seq` is `{serial}` | nothing | `, PRIMARY KEY (instance, seq)` |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite with SQLCipher, one file per instance.
    Embedded,
    /// PostgreSQL, shared by instances.
    Postgres,
}

/// A statement in an engine's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The text, with numbered placeholders only.
    pub sql: String,
    /// Number of the placeholder that takes the tenant, if there is one.
    pub tenant: Option<usize>,
    /// Number of the placeholder that takes the instance, if there is one.
    pub instance: Option<usize>,
}

const EMBEDDED: [(&str, &str); 9] = [
    ("{i.col}", ""),
    ("{i.val}", ""),
    ("{i.is}", ""),
    ("{i.def}", ""),
    ("{blob}", "BLOB"),
    ("{int}", "INTEGER"),
    ("{clustered}", "WITHOUT ROWID"),
    // Without AUTOINCREMENT the number of the last row would be given again after it was deleted.
    ("{serial}", "INTEGER PRIMARY KEY AUTOINCREMENT"),
    ("{serial.key}", ""),
];

const POSTGRES: [(&str, &str); 9] = [
    ("{i.col}", "instance, "),
    ("{i.val}", ":instance, "),
    ("{i.is}", "instance = :instance AND "),
    ("{i.def}", "instance BIGINT NOT NULL, "),
    ("{blob}", "BYTEA"),
    ("{int}", "BIGINT"),
    ("{clustered}", ""),
    ("{serial}", "BIGINT GENERATED ALWAYS AS IDENTITY"),
    ("{serial.key}", ", PRIMARY KEY (instance, seq)"),
];

impl Dialect {
    /// The statement in this engine's words.
    pub fn render(self, sql: &str) -> Rendered {
        let (marks, sign) = match self {
            Self::Embedded => (&EMBEDDED, '?'),
            Self::Postgres => (&POSTGRES, '$'),
        };
        let mut text = sql.to_owned();
        for (mark, words) in marks {
            if text.contains(mark) {
                text = text.replace(mark, words);
            }
        }
        let mut last = highest_placeholder(&text);
        let mut name = |text: &mut String, name: &str| {
            text.contains(name).then(|| {
                last += 1;
                *text = text.replace(name, &format!("?{last}"));
                last
            })
        };
        let tenant = name(&mut text, ":tenant");
        let instance = name(&mut text, ":instance");
        if sign != '?' {
            text = text.replace('?', "$");
        }
        Rendered {
            sql: text,
            tenant,
            instance,
        }
    }
}

fn highest_placeholder(sql: &str) -> usize {
    sql.split('?')
        .skip(1)
        .filter_map(|rest| {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            rest[..digits].parse().ok()
        })
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_names_become_numbers() {
        let sql = "SELECT n FROM t WHERE {i.is}tenant = :tenant AND k = ?1 AND z > ?12";
        let embedded = Dialect::Embedded.render(sql);
        assert_eq!(
            embedded.sql,
            "SELECT n FROM t WHERE tenant = ?13 AND k = ?1 AND z > ?12"
        );
        assert_eq!((embedded.tenant, embedded.instance), (Some(13), None));
        let shared = Dialect::Postgres.render(sql);
        assert_eq!(
            shared.sql,
            "SELECT n FROM t WHERE instance = $14 AND tenant = $13 AND k = $1 AND z > $12"
        );
        assert_eq!((shared.tenant, shared.instance), (Some(13), Some(14)));
    }

    #[test]
    fn plain_text_is_kept() {
        let sql = "SELECT 1";
        assert_eq!(
            Dialect::Embedded.render(sql),
            Rendered {
                sql: sql.to_owned(),
                tenant: None,
                instance: None
            }
        );
    }
}
