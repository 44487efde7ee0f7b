//! The first connections of a process, opened by many threads at once: the library below is made ready once, before any
//! of them is given its key.

use std::process::Command;
use std::sync::Barrier;
use std::thread;

use crate::world::{Dir, open_with, small};

const CHILD: &str = "HYGIE_STORE_FIRST_CHILD";
const THREADS: usize = 8;

/// Run only by the other test: a process has only one first time.
#[test]
#[expect(clippy::disallowed_methods, reason = "how the process is told that it is the child")]
fn child_opens_many_stores_at_once() {
    if std::env::var(CHILD).is_err() {
        return;
    }
    let dirs: Vec<Dir> = (0..THREADS)
        .map(|number| Dir::new(&format!("first-{number}")))
        .collect();
    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        for dir in &dirs {
            scope.spawn(|| {
                barrier.wait();
                open_with(dir.path(), small()).map(drop).expect("the store opens");
            });
        }
    });
}

#[test]
fn stores_that_are_opened_at_once_all_open() {
    let program = std::env::current_exe().expect("this program");
    for turn in 0..12 {
        let child = Command::new(&program)
            .args(["--exact", "first::child_opens_many_stores_at_once"])
            .env(CHILD, "1")
            .output()
            .expect("the child runs");
        let said = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success(), "turn {turn}: {said}");
        assert!(said.contains("1 passed"), "{said}");
    }
}
