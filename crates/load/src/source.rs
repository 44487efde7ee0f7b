//! Files to load, read one after the other; NDJSON is streamed line by line.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::mpsc;

use super::bundle::{self, Handling};
use super::places::Places;
use super::tally::Tally;
use super::{Entrance, Parcel, lines};
use hygie_command::failure::Failure;

/// A document is held whole.
const DOCUMENT_LIMIT: u64 = 256 * 1024 * 1024;
/// Longest line of NDJSON.
const LINE_LIMIT: u64 = 32 * 1024 * 1024;
/// A batch of entries ends at the first of these two.
const BATCH_ENTRIES: usize = 100;
const BATCH_BYTES: usize = 1024 * 1024;
/// A batch of lines for the bulk entry: what the service writes at once, so that a parcel is written whole or not at all.
const BULK_ENTRIES: usize = 500;

/// A file to load.
#[derive(Debug)]
pub struct Input {
    path: Arc<Path>,
    kind: Kind,
    /// Its size.
    pub bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Document,
    Lines,
}

impl Kind {
    fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_ascii_lowercase();
        match extension.to_str()? {
            "json" => Some(Self::Document),
            "ndjson" => Some(Self::Lines),
            _ => None,
        }
    }
}

/// The files named, and those below the directories named, in the order of their names.
pub fn find(named: &[PathBuf]) -> Result<Vec<Input>, Failure> {
    let mut found = Vec::new();
    for path in named {
        let metadata =
            fs::metadata(path).map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
        if metadata.is_dir() {
            walk(path, &mut found)?;
        } else {
            let kind = Kind::of(path)
                .ok_or_else(|| Failure::usage(format!("{} is neither .json nor .ndjson", path.display())))?;
            found.push(Input {
                path: path.as_path().into(),
                kind,
                bytes: metadata.len(),
            });
        }
    }
    if found.is_empty() {
        return Err(Failure::usage("there is no .json or .ndjson file in what was named"));
    }
    Ok(found)
}

fn walk(dir: &Path, found: &mut Vec<Input>) -> Result<(), Failure> {
    let unreadable = |error: std::io::Error| Failure::usage(format!("cannot read {}: {error}", dir.display()));
    let mut entries = fs::read_dir(dir)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unreadable)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        // A link to a directory is not followed: it may lead back here.
        if entry.file_type().map_err(unreadable)?.is_dir() {
            walk(&path, found)?;
        } else if let Some(kind) = Kind::of(&path) {
            let bytes = fs::metadata(&path).map_err(unreadable)?.len();
            let path = path.into();
            found.push(Input { path, kind, bytes });
        }
    }
    Ok(())
}

/// What becomes of the resources that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Entries of bundles.
    Bundles(Handling),
    /// Lines for the bulk entry.
    Lines,
}

/// Reads the files into parcels.
pub struct Reader {
    files: Vec<Input>,
    form: Form,
}

impl Reader {
    /// Of these files.
    pub fn new(files: Vec<Input>, form: Form) -> Self {
        Self { files, form }
    }

    /// Reads everything, on a thread that may block; `parcels` holds it back when the senders are busy. What cannot be
    /// read or understood is a failure of that file or line, and the rest goes on.
    pub fn read(self, parcels: &mpsc::Sender<Parcel>, tally: &Tally) {
        for file in &self.files {
            let read = match file.kind {
                Kind::Document => self.document(file, parcels, tally),
                Kind::Lines => self.lines(file, parcels, tally),
            };
            if let Err(why) = read {
                tally.fail(file.path.display().to_string(), None, why.to_string());
            }
        }
    }

    fn document(&self, file: &Input, parcels: &mpsc::Sender<Parcel>, tally: &Tally) -> anyhow::Result<()> {
        anyhow::ensure!(file.bytes <= DOCUMENT_LIMIT, "is larger than {DOCUMENT_LIMIT} bytes");
        let text = fs::read_to_string(&file.path)?;
        let handling = match self.form {
            Form::Bundles(handling) => handling,
            Form::Lines => {
                Self::document_lines(file, &text, parcels, tally)?;
                return Ok(());
            }
        };
        let (body, entries) = bundle::of_document(&text, handling)?;
        let parcel = Parcel {
            entrance: Entrance::Bundles,
            body: body.into(),
            places: Places::of_bundle(file.path.clone(), entries),
            input_bytes: file.bytes,
        };
        // It fails only when the senders are gone, and then there is nothing left to do.
        let _ = parcels.blocking_send(parcel);
        Ok(())
    }

    /// The resources of a document for the bulk entry, in parcels of the size of others.
    fn document_lines(
        file: &Input,
        text: &str,
        parcels: &mpsc::Sender<Parcel>,
        tally: &Tally,
    ) -> Result<(), bundle::BundleError> {
        let mut batch = Batch::new(file.path.clone(), Form::Lines, Origin::Entry);
        for (number, line) in (1..).zip(lines::of_document(text)?) {
            match line {
                Ok(line) => batch.push(number, line),
                Err(why) => tally.fail(format!("{} entry {number}", file.path.display()), None, why.to_string()),
            }
            if batch.is_full() {
                let _ = parcels.blocking_send(batch.take());
            }
        }
        // The last one stands for the bytes of the file, even if it is empty.
        batch.input_bytes = file.bytes;
        let _ = parcels.blocking_send(batch.take());
        Ok(())
    }

    fn lines(&self, file: &Input, parcels: &mpsc::Sender<Parcel>, tally: &Tally) -> anyhow::Result<()> {
        let mut reader = BufReader::with_capacity(256 * 1024, File::open(&file.path)?);
        let mut batch = Batch::new(file.path.clone(), self.form, Origin::Line);
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let read = reader.by_ref().take(LINE_LIMIT).read_until(b'\n', &mut line)? as u64;
            if read == 0 {
                break;
            }
            anyhow::ensure!(read < LINE_LIMIT, "line {number} is longer than {LINE_LIMIT} bytes");
            batch.input_bytes += read;
            match prepare(&line, self.form) {
                Ok(Some(entry)) => batch.push(number, entry),
                Ok(None) => {}
                Err(why) => tally.fail(format!("{}:{number}", file.path.display()), None, why.to_string()),
            }
            if batch.is_full() {
                let _ = parcels.blocking_send(batch.take());
            }
        }
        if !batch.entries.is_empty() {
            let _ = parcels.blocking_send(batch.take());
        }
        Ok(())
    }
}

/// What is sent of a line; `None` for a blank one.
fn prepare(line: &[u8], form: Form) -> anyhow::Result<Option<String>> {
    let text = std::str::from_utf8(line)?.trim();
    if text.is_empty() {
        return Ok(None);
    }
    Ok(Some(match form {
        Form::Bundles(handling) => bundle::entry_of_resource(text, handling)?,
        Form::Lines => lines::of_resource(text)?,
    }))
}

/// What the numbers of a batch count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// Lines of a file.
    Line,
    /// Entries of a bundle.
    Entry,
}

struct Batch {
    file: Arc<Path>,
    form: Form,
    origin: Origin,
    entries: Vec<String>,
    numbers: Vec<usize>,
    bytes: usize,
    input_bytes: u64,
}

impl Batch {
    fn new(file: Arc<Path>, form: Form, origin: Origin) -> Self {
        Self {
            file,
            form,
            origin,
            entries: Vec::new(),
            numbers: Vec::new(),
            bytes: 0,
            input_bytes: 0,
        }
    }

    fn push(&mut self, number: usize, entry: String) {
        self.bytes += entry.len();
        self.entries.push(entry);
        self.numbers.push(number);
    }

    fn is_full(&self) -> bool {
        let most = match self.form {
            Form::Bundles(_) => BATCH_ENTRIES,
            Form::Lines => BULK_ENTRIES,
        };
        self.entries.len() >= most || self.bytes >= BATCH_BYTES
    }

    fn take(&mut self) -> Parcel {
        let full = std::mem::replace(self, Self::new(self.file.clone(), self.form, self.origin));
        let (entrance, body) = match full.form {
            Form::Bundles(_) => (Entrance::Bundles, bundle::batch(&full.entries)),
            Form::Lines => (Entrance::Bulk, lines::joined(&full.entries)),
        };
        Parcel {
            entrance,
            body: body.into(),
            places: match full.origin {
                Origin::Line => Places::of_lines(full.file, full.numbers),
                Origin::Entry => Places::of_entries(full.file, full.numbers),
            },
            input_bytes: full.input_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn directories_are_walked_in_order_and_other_files_left_out() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::create_dir(dir.path().join("b")).expect("made");
        for name in ["c.json", "b/a.ndjson", "a.JSON", "README.md", ".hidden.json"] {
            fs::write(dir.path().join(name), "{}").expect("written");
        }
        let found = find(&[dir.path().to_owned()]).expect("found");
        let names: Vec<_> = found
            .iter()
            .map(|file| file.path.strip_prefix(dir.path()).expect("below"))
            .collect();
        assert_eq!(names, ["a.JSON", "b/a.ndjson", "c.json"].map(Path::new));
        assert!(matches!(find(&[dir.path().join("README.md")]), Err(Failure::Usage(_))));
        assert!(matches!(find(&[dir.path().join("absent")]), Err(Failure::Usage(_))));
    }

    #[test]
    fn lines_come_in_batches_with_their_numbers_and_bad_ones_are_failures() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("Patient.ndjson");
        let mut text = String::new();
        for number in 1..=250 {
            if number == 7 {
                text.push_str("not a resource\n\n");
            }
            writeln!(text, "{{\"resourceType\":\"Patient\",\"id\":\"p{number}\"}}").expect("writing to a string");
        }
        fs::write(&path, text).expect("written");
        let (sender, mut receiver) = mpsc::channel(10);
        let tally = Tally::new(1);
        Reader::new(find(&[path]).expect("found"), Form::Bundles(Handling::Repeatable)).read(&sender, &tally);
        drop(sender);
        let mut parcels = Vec::new();
        while let Some(parcel) = receiver.blocking_recv() {
            parcels.push(parcel);
        }
        let sizes: Vec<_> = parcels.iter().map(|parcel| parcel.places.len()).collect();
        assert_eq!(sizes, [100, 100, 50]);
        assert!(parcels[2].places.name(49).ends_with("Patient.ndjson:252"));
        assert_eq!(tally.summary(std::time::Duration::ZERO).failed, 1);
    }
}
