//! Progress on standard error: a bar on a terminal, a plain line every few seconds otherwise, nothing with `--json` on a
//! terminal that is not one.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hygie_core::{Clock, Timestamp};
use indicatif::{ProgressBar, ProgressStyle};
use parking_lot::Mutex;

use hygie_command::ambient::SystemClock;

const LINE_EVERY: Duration = Duration::from_secs(5);

/// What the work is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Bytes of input.
    Bytes,
    /// Patients to make.
    Patients,
}

/// How far the work has come.
pub struct Progress {
    total: u64,
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
    /// Of so much work.
    pub fn start(counted: Counted, total: u64, json: bool) -> Arc<Self> {
        let now = SystemClock.now();
        let show = if io::stderr().is_terminal() {
            Show::Bar(bar(counted, total))
        } else if json {
            Show::Nothing
        } else {
            let last = Mutex::new(now);
            Show::Lines { began: now, last }
        };
        Arc::new(Self {
            total,
            done: AtomicU64::new(0),
            resources: AtomicU64::new(0),
            show,
        })
    }

    /// So much more is done.
    pub fn advance(&self, part: u64, resources: u64) {
        let done = self.done.fetch_add(part, Ordering::Relaxed) + part;
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
                    let percent = (done * 100).checked_div(self.total).unwrap_or(100);
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

fn bar(counted: Counted, total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total);
    let template = match counted {
        Counted::Bytes => "{bar:40} {percent:>3} %  {bytes} of {total_bytes}  {msg}  {eta} left",
        Counted::Patients => "{bar:40} {percent:>3} %  {pos} of {len} patients  {msg}  {eta} left",
    };
    bar.set_style(ProgressStyle::with_template(template).expect("the template is well formed"));
    bar
}
