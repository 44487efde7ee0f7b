//! Where the entries of a parcel come from, so that a failure names file and line.

use std::path::Path;
use std::sync::Arc;

/// The origin of the entries of one parcel.
#[derive(Clone, Debug)]
pub struct Places {
    file: Arc<Path>,
    of: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// Entries of one bundle.
    Entries(usize),
    /// Some entries of one bundle, by number.
    Some(Vec<usize>),
    /// One line each.
    Lines(Vec<usize>),
}

impl Places {
    /// A bundle of `entries`.
    pub fn of_bundle(file: Arc<Path>, entries: usize) -> Self {
        let of = Kind::Entries(entries);
        Self { file, of }
    }

    /// Some entries of a bundle, by number, from 1.
    pub fn of_entries(file: Arc<Path>, entries: Vec<usize>) -> Self {
        let of = Kind::Some(entries);
        Self { file, of }
    }

    /// Lines by number, from 1.
    pub fn of_lines(file: Arc<Path>, lines: Vec<usize>) -> Self {
        let of = Kind::Lines(lines);
        Self { file, of }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        match &self.of {
            Kind::Entries(count) => *count,
            Kind::Some(numbers) | Kind::Lines(numbers) => numbers.len(),
        }
    }

    /// Name of the whole parcel.
    pub fn whole(&self) -> String {
        let file = self.file.display();
        match &self.of {
            Kind::Entries(_) | Kind::Some(_) => file.to_string(),
            Kind::Lines(lines) => match (lines.first(), lines.last()) {
                (Some(first), Some(last)) if first != last => format!("{file}:{first}-{last}"),
                (Some(line), _) => format!("{file}:{line}"),
                _ => file.to_string(),
            },
        }
    }

    /// Name of one entry.
    pub fn name(&self, at: usize) -> String {
        let file = self.file.display();
        match &self.of {
            Kind::Entries(_) => format!("{file} entry {}", at + 1),
            Kind::Some(numbers) => numbers
                .get(at)
                .map_or_else(|| file.to_string(), |number| format!("{file} entry {number}")),
            Kind::Lines(lines) => lines
                .get(at)
                .map_or_else(|| file.to_string(), |line| format!("{file}:{line}")),
        }
    }
}
