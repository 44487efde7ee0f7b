//! The configuration file. Input: the file.
//!
//! Laws: a file is read or has problems, each in a line of its own that names a line of the file.

use std::path::PathBuf;
use std::sync::LazyLock;

use hygie_server::config::Config;

use crate::{Target, texts};

pub const TARGET: Target = Target {
    name: "config",
    run,
    seeds,
    words: r#"
        [master_key] [log] [health] [portal] [login] [fhir] [[tenants]] [[workspaces]]
        7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0001 """ ''' \n #"#,
};

const GOOD: &str = r#"
data = "data"
[master_key]
file = "master.key"
[health]
listen = "127.0.0.1:9440"
[login]
url = "https://login.ch.test"
listen = "127.0.0.1:8443"
[fhir]
url = "https://fhir.ch.test"
listen = "127.0.0.1:8443"
[[tenants]]
id = "7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0001"
domain = "ch.test"
display_name = "CH"
administrator = { upn = "admin@ch.test", password_env = "ADMIN_PASSWORD" }
[[workspaces]]
name = "ch"
tenant = "7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0001"
fhir = [{ name = "fhir", roles = "azure" }]
"#;

fn seeds() -> Vec<Vec<u8>> {
    let changed = |from: &str, to: &str| GOOD.replacen(from, to, 1);
    let more = [
        changed("[fhir]", "[fhir]\ncertificate = \"a.pem\"\nkey = \"a.key\""),
        changed(
            "[[workspaces]]",
            "[log]\nfilter = \"a=b=c\"\nformat = \"json\"\n[[workspaces]]",
        ),
        changed("name = \"ch\"", "name = \"\"\"C\nH\"\"\""),
        changed("file = \"master.key\"", "env = \"MASTER_KEY\""),
    ];
    let mut seeds = texts(&[GOOD, "data = ", "[login]\nurl = 7"]);
    seeds.extend(more.map(String::into_bytes));
    seeds
}

/// A file of its own for each process.
static PATH: LazyLock<PathBuf> = LazyLock::new(|| {
    let directory = tempfile::tempdir().expect("a directory").keep();
    std::fs::write(directory.join("master.key"), "00").expect("written");
    directory.join("hygie.toml")
});

fn run(input: &[u8]) {
    // Files that are named are looked at: devices of this machine are not for inputs made by chance.
    let has = |text: &&str| input.windows(text.len()).any(|part| part == text.as_bytes());
    if ["/dev", "/proc", "/sys", "\\u", "\\U", "\\x"].iter().any(has) {
        return;
    }
    std::fs::write(&*PATH, input).expect("written");
    let problems = Config::problems(&PATH);
    let read = Config::read(&PATH);
    let Ok(problems) = problems else {
        return assert!(
            std::str::from_utf8(input).is_err() && read.is_err(),
            "not read, and no reason"
        );
    };
    assert_eq!(problems.is_empty(), read.is_ok());
    let lines = input.split(|byte| *byte == b'\n').count();
    assert!(
        problems
            .0
            .iter()
            .all(|problem| problem.line.is_none_or(|line| (1..=lines).contains(&line)))
    );
    for line in problems.lines(&PATH) {
        assert!(!line.contains(char::is_control), "{line:?} is not one line");
    }
    assert!(problems.is_empty() || !problems.in_one_line(&PATH).contains('\n'));
}
