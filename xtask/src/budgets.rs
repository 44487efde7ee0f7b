//! `xtask budgets`: how long a file and a crate may grow before they are split by responsibility. Functions and
//! parameters are clippy's.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::workspace::Workspace;

/// Lines of a file before its unit tests begin.
const FILE: usize = 500;
/// Lines of a file with its tests, and of a file of tests.
const FILE_WITH_TESTS: usize = 800;
/// Lines of what a crate is, and as many of what tests it from outside (`tests/`), which is a program of its own.
const CRATE: usize = 15_000;

/// A file and its length.
struct Measured {
    path: PathBuf,
    before_tests: usize,
    all: usize,
}

/// Measures every crate of the workspace.
pub fn run() -> anyhow::Result<()> {
    let workspace = Workspace::read()?;
    let (mut over, mut files) = (Vec::new(), 0);
    for package in &workspace.packages {
        let dir = package.manifest_path.parent().context("a manifest is in a directory")?;
        let measured = measure(dir)?;
        files += measured.len();
        over.extend(
            measured
                .iter()
                .filter_map(|file| excess(file, &workspace.workspace_root)),
        );
        let (tests, own): (Vec<_>, Vec<_>) = measured.iter().partition(|file| is_from_outside(&file.path));
        for (files, what) in [(own, "a crate"), (tests, "the tests of a crate")] {
            let lines: usize = files.iter().map(|file| file.all).sum();
            if lines > CRATE {
                over.push(format!("{}: {lines} lines, {what} may have {CRATE}", package.name));
            }
        }
    }
    for line in &over {
        eprintln!("budgets: {line}");
    }
    if !over.is_empty() {
        bail!("{} over budget: split by responsibility", over.len());
    }
    println!("budgets: {files} files within {FILE} lines ({FILE_WITH_TESTS} with tests)");
    Ok(())
}

fn excess(file: &Measured, root: &Path) -> Option<String> {
    let (found, allowed, what) = if file.before_tests > FILE {
        (file.before_tests, FILE, "without tests")
    } else if file.all > FILE_WITH_TESTS {
        (file.all, FILE_WITH_TESTS, "with tests")
    } else {
        return None;
    };
    let path = file.path.strip_prefix(root).unwrap_or(&file.path).display();
    Some(format!("{path}: {found} lines {what}, a file may have {allowed}"))
}

fn measure(dir: &Path) -> anyhow::Result<Vec<Measured>> {
    let mut measured = Vec::new();
    let mut waiting = vec![dir.to_owned()];
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(&dir).with_context(|| format!("cannot read {}", dir.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
                let all = text.lines().count();
                let before_tests = if is_of_tests(&path) { 0 } else { before_tests(&text) };
                measured.push(Measured {
                    path,
                    before_tests,
                    all,
                });
            }
        }
    }
    Ok(measured)
}

/// Whether it is a file of the directory `tests`.
fn is_from_outside(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests")
}

fn is_of_tests(path: &Path) -> bool {
    is_from_outside(path) || path.file_stem().is_some_and(|stem| stem == "tests")
}

/// Lines before the module of unit tests, which closes a file.
fn before_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines
        .windows(2)
        .position(|pair| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{'));
    tests.unwrap_or(lines.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_tests_are_counted_apart() {
        assert_eq!(before_tests("fn a() {}\n\n#[cfg(test)]\nmod tests {\n}\n"), 2);
        assert_eq!(before_tests("#[cfg(test)]\nmod fakes;\nfn a() {}\n"), 3);
        assert!(is_of_tests(Path::new("crates/web/tests/it/main.rs")));
        assert!(is_of_tests(Path::new("crates/store/src/audit/tests.rs")));
        assert!(!is_of_tests(Path::new("crates/store/src/audit/mod.rs")));
        assert!(!is_from_outside(Path::new("crates/store/src/audit/tests.rs")));
    }

    #[test]
    fn what_is_too_long_is_named() {
        let file = |before_tests, all| Measured {
            path: "/r/crates/a.rs".into(),
            before_tests,
            all,
        };
        let root = Path::new("/r");
        assert!(excess(&file(500, 800), root).is_none());
        for (before, all) in [(501, 600), (0, 801)] {
            let said = excess(&file(before, all), root).expect("over budget");
            assert!(said.starts_with("crates/a.rs: "), "{said}");
        }
    }
}
