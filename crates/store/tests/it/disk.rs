//! The disk of the crash laboratory (`tests/crash/disk.c`) below a test, which runs itself again as a process of its own:
//! there syncs fail when it says so.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::world::Dir;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/crash/disk.c");
const ROOT: &str = "HYGIE_CRASH_ROOT";
const CONTROL: &str = "HYGIE_CRASH_CONTROL";

// Of `disk.c`: the size of its table of rules and of one, an operation and an action.
const RULES: usize = 8 * RULE;
const RULE: usize = 136;
const SYNC: u32 = 8;
const FAIL: u32 = 4;
const EIO: u32 = 5;

/// Runs this test of this binary once more, with the disk below the directory `root`, and wants it to pass.
pub fn run_on_it(test: &str, root: &Path) {
    let place = Dir::new(&format!("disk-{}", test.replace(':', "-")));
    let (library, control) = (place.path().join("disk.so"), place.path().join("control"));
    let compiled = Command::new("cc")
        .args(["-O2", "-shared", "-fPIC", "-o"])
        .arg(&library)
        .args([SOURCE, "-ldl", "-lpthread"])
        .status();
    assert!(compiled.expect("a C compiler, as for the build").success());
    std::fs::write(&control, [0_u8; RULES]).expect("no rule yet");
    let child = Command::new(std::env::current_exe().expect("this test"))
        .args([test, "--exact", "--nocapture"])
        .env("LD_PRELOAD", &library)
        .env(ROOT, root.canonicalize().expect("a directory"))
        .env(CONTROL, &control)
        .env("HYGIE_CRASH_TRACE", place.path().join("trace"))
        .output()
        .expect("the child runs");
    let text = String::from_utf8_lossy(&child.stdout).into_owned() + &String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && text.contains("1 passed"), "{text}");
}

/// The disk below this process.
pub struct Disk(File);

impl Disk {
    /// The disk and its root, in a process that was started with one.
    pub fn of_this_process() -> Option<(Self, PathBuf)> {
        let (control, root) = (std::env::var_os(CONTROL)?, std::env::var_os(ROOT)?);
        let control = File::options().read(true).write(true).open(control);
        Some((Self(control.expect("the table of rules")), PathBuf::from(root)))
    }

    /// The next so many syncs of files whose path below the root fits the pattern fail; all that come when it is negative.
    pub fn fail_syncs(&self, pattern: &str, limit: i64) {
        let mut rule = [0; RULE];
        rule[0..4].copy_from_slice(&SYNC.to_ne_bytes());
        rule[4..8].copy_from_slice(&FAIL.to_ne_bytes());
        rule[16..24].copy_from_slice(&limit.to_ne_bytes());
        rule[24..28].copy_from_slice(&EIO.to_ne_bytes());
        rule[32..32 + pattern.len()].copy_from_slice(pattern.as_bytes());
        self.work();
        // What it does comes last: a rule without that is none.
        self.0.write_all_at(&rule[8..], 8).expect("written");
        self.0.write_all_at(&rule[..8], 0).expect("written");
    }

    /// Everything succeeds again.
    pub fn work(&self) {
        self.0.write_all_at(&[0; RULE], 0).expect("written");
    }

    /// How many syncs failed since the last change.
    pub fn failed(&self) -> u64 {
        let mut hits = [0; 8];
        self.0.read_exact_at(&mut hits, 128).expect("read");
        u64::from_ne_bytes(hits)
    }
}
