//! Progress on standard error: a bar on a terminal, a plain line every few seconds otherwise, nothing with `--json` on a
//! terminal that is not one.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hygie_core::{Clock, Timestamp};
use indicatif::{ProgressBar, ProgressStyle};
use parking_lot::Mutex;

use crate::ambient::SystemClock;

const LINE_EVERY: Duration = Duration::from_secs(5);

/// How far the input has been sent.
pub struct Progress {
    bytes: u64,
    done: AtomicU64,
    resources: AtomicU64,
    show: Show,
}

enum Show {
    Bar(ProgressBar),
    Lines { began: Timestamp, last: Mutex<Timestamp> },
    Nothing,
}

impl Progress {
    /// Of so many bytes of input.
    pub fn start(bytes: u64, json: bool) -> Arc<Self> {
        let now = SystemClock.now();
        let show = if io::stderr().is_terminal() {
            Show::Bar(bar(bytes))
        } else if json {
            Show::Nothing
        } else {
            let last = Mutex::new(now);
            Show::Lines { began: now, last }
        };
        Arc::new(Self {
            bytes,
            done: AtomicU64::new(0),
            resources: AtomicU64::new(0),
            show,
        })
    }

    /// A parcel has been answered.
    pub fn advance(&self, bytes: u64, resources: u64) {
        let done = self.done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let resources = self.resources.fetch_add(resources, Ordering::Relaxed) + resources;
        match &self.show {
            Show::Bar(bar) => {
                bar.set_position(done);
                bar.set_message(format!("{resources} resources"));
            }
            Show::Lines { began, last } => {
                let now = SystemClock.now();
                let mut last = last.lock();
                if now.since(*last) >= LINE_EVERY {
                    *last = now;
                    let percent = (done * 100).checked_div(self.bytes).unwrap_or(100);
                    eprintln!("{percent} %, {resources} resources, {} s", now.since(*began).as_secs());
                }
            }
            Show::Nothing => {}
        }
    }

    /// Takes the bar away, so that the summary stands alone.
    pub fn finish(&self) {
        if let Show::Bar(bar) = &self.show {
            bar.finish_and_clear();
        }
    }
}

fn bar(bytes: u64) -> ProgressBar {
    let bar = ProgressBar::new(bytes);
    let template = "{bar:40} {percent:>3} %  {bytes} of {total_bytes}  {msg}  {eta} left";
    bar.set_style(ProgressStyle::with_template(template).expect("the template is well formed"));
    bar
}
