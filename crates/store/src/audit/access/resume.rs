//! Finding the end of an access log at start.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::files;
use super::segment::{self, HEADER_LEN, Opened, Segment, SegmentKeys};
use crate::audit::Head;
use crate::audit::chain::{Block, End, Resumption, Tip};

/// How a log goes on.
pub struct Resumed {
    pub tip: Tip,
    pub resumption: Resumption,
    pub next_segment: u64,
}

/// Finds the end of the log, verifies what comes after the head, and removes what a crash cut short. A log that is broken
/// is left as it is.
pub fn resume(directory: &Path, keys: &SegmentKeys, head: Option<Head>) -> io::Result<Resumed> {
    let numbers = files::list(directory)?;
    let next_segment = numbers.last().map_or(1, |last| last + 1);
    let Since { anchor, segments } = since_head(directory, keys, head, &numbers)?;
    let restarted = head.is_some_and(|head| head.tip.is_start(&keys.links) && anchor != Some(head.tip));
    let mut end = match anchor {
        Some(anchor) if !restarted => End::after(&keys.links, head, anchor),
        _ => End::at_head(&keys.links, head),
    };
    let mut good = HEADER_LEN;
    // Where a log was started anew and nothing followed yet, the segments before are settled.
    for (at, (_, segment)) in segments.iter().enumerate().filter(|_| !restarted) {
        good = follow(&mut end, keys, segment, at + 1 == segments.len());
    }
    let (tip, resumption) = end.settle();
    if let Some((number, segment)) = segments.last() {
        let path = files::path(directory, *number);
        let is_cut_short = matches!(resumption, Resumption::Continued { .. }) && !restarted;
        if segment.is_blank || (is_cut_short && segment.frames.is_empty() && segment.header == Opened::Damaged) {
            // The crash came before the header.
            fs::remove_file(path)?;
        } else if is_cut_short {
            let file = File::options().write(true).open(&path)?;
            file.set_len(good as u64)?;
            crate::files::write_again(&path, 0)?;
        }
    }
    Ok(Resumed {
        tip,
        resumption,
        next_segment,
    })
}

/// The segments from the one that holds the head's entry on.
struct Since {
    /// The end of the chain before them.
    anchor: Option<Tip>,
    segments: Vec<(u64, Segment)>,
}

fn since_head(directory: &Path, keys: &SegmentKeys, head: Option<Head>, numbers: &[u64]) -> io::Result<Since> {
    let mut segments = Vec::new();
    let mut anchor = None;
    for number in numbers.iter().rev() {
        let segment = files::read(directory, *number, keys)?;
        let before = segment.before();
        segments.push((*number, segment));
        anchor = before.or(anchor);
        if before.is_some_and(|before| head.is_none_or(|head| before.seq <= head.tip.seq)) {
            break;
        }
    }
    segments.reverse();
    Ok(Since { anchor, segments })
}

/// Follows the frames of a segment; where the last good one ends.
fn follow(end: &mut End<'_>, keys: &SegmentKeys, segment: &Segment, is_last: bool) -> usize {
    let mut good = HEADER_LEN;
    let mut prev = segment.before().map(|before| before.link);
    for (at, (frame_end, block)) in segment.frames.iter().enumerate() {
        let is_final = is_last && at + 1 == segment.frames.len();
        if is_final && end.is_beyond_head(block) && !end.continues(block) {
            // Cut short by a power loss, which keeps the pages of a write in any order. It was not answered.
            break;
        }
        let span = match (&segment.header, prev) {
            (Opened::Valid(header), Some(prev)) if end.is_beyond_head(block) => {
                segment::open_frame(&header.sealer(keys), &prev, block).and_then(|plain| segment::span(&plain))
            }
            _ => None,
        };
        prev = Some(block.link);
        end.follow(&Block { span, ..block.clone() });
        good = *frame_end;
    }
    good
}
