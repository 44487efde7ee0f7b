//! Numbers that stay: those of an existing table are read back, new keys get the next free one.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};

/// The numbers given so far, by key (columns after the number, joined by a tab).
pub struct Numbers {
    given: HashMap<String, u16>,
    last: u16,
}

impl Numbers {
    /// Reads the table at `path` when there is one; its key is in `columns` columns after the number.
    pub fn read(path: &Path, columns: usize) -> anyhow::Result<Self> {
        let text = if path.exists() {
            fs::read_to_string(path)?
        } else {
            String::new()
        };
        let mut numbers = Self {
            given: HashMap::new(),
            last: 0,
        };
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let mut cells = line.split('\t');
            let number: u16 = cells
                .next()
                .unwrap_or_default()
                .parse()
                .with_context(|| line.to_owned())?;
            let key = cells.take(columns).collect::<Vec<_>>().join("\t");
            ensure!(
                numbers.given.insert(key, number).is_none(),
                "twice in {}: {line}",
                path.display()
            );
            numbers.last = numbers.last.max(number);
        }
        Ok(numbers)
    }

    /// The number of `key`, given now if it has none.
    pub fn of(&mut self, key: &str) -> anyhow::Result<u16> {
        if let Some(number) = self.given.get(key) {
            return Ok(*number);
        }
        self.last = self.last.checked_add(1).context("no number left")?;
        self.given.insert(key.to_owned(), self.last);
        Ok(self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_numbers_stay_and_new_keys_get_new_ones() {
        let path = std::env::temp_dir().join(format!("hygie-numbers-{}.tsv", std::process::id()));
        fs::write(&path, "# heading\n7\tPatient\tname\tstring\n2\tPatient\tid\ttoken\n").unwrap();
        let mut numbers = Numbers::read(&path, 2).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(numbers.of("Patient\tid").unwrap(), 2);
        assert_eq!(numbers.of("Patient\tbirthdate").unwrap(), 8);
        assert_eq!(numbers.of("Patient\tname").unwrap(), 7);
        assert_eq!(numbers.of("Patient\tbirthdate").unwrap(), 8);
    }
}
