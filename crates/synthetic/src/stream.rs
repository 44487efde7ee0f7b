//! Patients made on all cores and written in order: the same bytes whatever the number of threads, in memory that does
//! not grow with the number of patients.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::area::{self, Area};
use super::reference::Kind;
use super::sheaf::{Format, Sheaf};
use super::{Request, patient};
use crate::seed::Seeded;

/// Patients made at a time; an area begins with one.
const CHUNK: u32 = 10;
const _: () = assert!(area::PATIENTS.is_multiple_of(CHUNK));
/// Chunks that one thread may be ahead of the disk.
const AHEAD: usize = 2;

/// Why it is not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A file cannot be written.
    #[error("cannot write {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A thread has panicked.
    #[error("a thread that makes patients has ended")]
    Ended,
}

/// Text for a file.
pub struct Piece {
    name: String,
    pub text: Vec<u8>,
}

/// How it is written.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// What the files are.
    pub format: Format,
    /// Threads that make patients.
    pub threads: u32,
}

/// What a thread hands over: some patients.
struct Chunk {
    patients: u32,
    pieces: Vec<Piece>,
    counts: [u64; Kind::ALL.len()],
}

/// What was written.
#[derive(Debug, Default)]
pub struct Written {
    /// Files.
    pub files: u64,
    /// Bytes of all of them.
    pub bytes: u64,
    /// Resources of each kind, in the order of [`Kind::ALL`].
    pub counts: [u64; Kind::ALL.len()],
}

impl Written {
    /// Resources of all kinds.
    pub fn resources(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// Writes all patients; `advance` hears of each chunk: patients, and resources of it.
pub fn write(
    (request, way): (Request, Way),
    dir: &Path,
    mut advance: impl FnMut(u64, u64),
) -> Result<Written, WriteError> {
    let chunks = request.patients.div_ceil(CHUNK);
    let threads = way.threads.clamp(1, 64);
    std::thread::scope(|scope| {
        let waiting: Vec<Receiver<Chunk>> = (0..threads)
            .map(|thread| {
                let (ready, waiting) = sync_channel(AHEAD);
                let mine = (thread..chunks).step_by(threads as usize);
                scope.spawn(move || produce((request, way.format), mine, &ready));
                waiting
            })
            .collect();
        let mut folder = Folder::new(dir, way.format);
        // Chunks are dealt out in turn, so that they are taken back in order.
        for chunk in 0..chunks {
            let made = waiting[(chunk % threads) as usize].recv();
            let made = made.map_err(|_| WriteError::Ended)?;
            advance(u64::from(made.patients), made.counts.iter().sum());
            folder.write(made)?;
        }
        Ok(folder.written)
    })
}

/// Every transaction: of each area when its first patient comes, then of the patient.
pub fn bundles(request: Request) -> impl Iterator<Item = Piece> {
    let firsts = (0..request.patients).step_by(CHUNK as usize);
    firsts.flat_map(move |first| make((request, Format::Bundle), first).pieces)
}

fn produce(what: (Request, Format), chunks: impl Iterator<Item = u32>, ready: &SyncSender<Chunk>) {
    for chunk in chunks {
        if ready.send(make(what, chunk * CHUNK)).is_err() {
            // The writer has failed and says so.
            return;
        }
    }
}

/// The patients from this number on.
fn make((request, format): (Request, Format), first: u32) -> Chunk {
    let area = Area::of(request.seed, first / area::PATIENTS);
    let mut sheaf = Sheaf::new(format);
    let mut pieces = Vec::new();
    let mut bundle = |sheaf: &mut Sheaf, name: String| {
        if format == Format::Bundle {
            let text = sheaf.take_bundle();
            pieces.push(Piece { name, text });
        }
    };
    if first.is_multiple_of(area::PATIENTS) {
        area.write(&mut sheaf);
        bundle(&mut sheaf, format!("area-{:04}.json", first / area::PATIENTS));
    }
    let last = (first + CHUNK).min(request.patients);
    for number in first..last {
        // A generator of its own for each patient: asking for more patients changes none of the earlier ones.
        let mut chance = Seeded::of(request.seed, u64::from(number) + 1);
        patient::write(&mut chance, &area, number, request.until, &mut sheaf);
        bundle(&mut sheaf, format!("patient-{number:06}.json"));
    }
    // Of bundles nothing is left here.
    pieces.extend(sheaf.take_lines().map(|(kind, text)| Piece {
        name: format!("{}.ndjson", kind.name()),
        text,
    }));
    Chunk {
        patients: last - first,
        pieces,
        counts: sheaf.counts,
    }
}

/// The files of the directory; those of NDJSON stay open.
struct Folder<'a> {
    dir: &'a Path,
    format: Format,
    open: HashMap<String, File>,
    written: Written,
}

impl<'a> Folder<'a> {
    fn new(dir: &'a Path, format: Format) -> Self {
        Self {
            dir,
            format,
            open: HashMap::new(),
            written: Written::default(),
        }
    }

    fn write(&mut self, chunk: Chunk) -> Result<(), WriteError> {
        for Piece { name, text } in chunk.pieces {
            let path: PathBuf = self.dir.join(&name);
            self.written.bytes += text.len() as u64;
            let written = match self.format {
                Format::Bundle => {
                    self.written.files += 1;
                    fs::write(&path, &text)
                }
                Format::Ndjson => self.append(name, &path, &text),
            };
            written.map_err(|source| WriteError::File { path, source })?;
        }
        for (total, count) in self.written.counts.iter_mut().zip(chunk.counts) {
            *total += count;
        }
        Ok(())
    }

    fn append(&mut self, name: String, path: &Path, text: &[u8]) -> io::Result<()> {
        let file = match self.open.entry(name) {
            std::collections::hash_map::Entry::Occupied(open) => open.into_mut(),
            std::collections::hash_map::Entry::Vacant(new) => {
                self.written.files += 1;
                new.insert(File::create_new(path)?)
            }
        };
        file.write_all(text)
    }
}

#[cfg(test)]
mod tests;
