//! The list of published passwords that the operator supplies.

use std::fs;

use hygie_directory::breached::Breached;
use hygie_server::breached::PublishedPasswords;
use hygie_server::config::Config;

use crate::installation::Installation;

/// The SHA-1 of `password`, and another one.
const LIST: &str =
    "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:9545824\r\nB6C2D1B3E3B5A6F0F1E7A2B0C7F40D5D2A1B9C3E:12\r\n";
const PASSWORD: [u8; 20] = [
    0x5B, 0xAA, 0x61, 0xE4, 0xC9, 0xB9, 0x3F, 0x3F, 0x06, 0x82, 0x25, 0x0B, 0x6C, 0xF8, 0x33, 0x1B, 0x7E, 0xE6, 0x8F,
    0xD8,
];

#[test]
fn what_was_published_is_no_password() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("list.txt");
    assert!(PublishedPasswords::open(&path).is_err());
    fs::write(&path, LIST).expect("written");
    let list = PublishedPasswords::open(&path).expect("a list");
    assert!(list.holds(&PASSWORD).expect("read"));
    assert!(!list.holds(&[7; 20]).expect("read"));
    // It may be replaced; where it is gone nobody says that a password is not in it.
    fs::write(&path, "0707070707070707070707070707070707070707\n").expect("written");
    assert!(list.holds(&[7; 20]).expect("read") && !list.holds(&PASSWORD).expect("read"));
    fs::remove_file(&path).expect("removed");
    assert!(list.holds(&PASSWORD).is_err());
}

#[test]
fn what_is_no_list_is_told_before_the_start() {
    let installation = Installation::new();
    installation.configure("\n[passwords]\nbreached = \"list.txt\"\n");
    let config = installation.path("hygie.toml");
    let problems = || {
        let problems = Config::problems(&config).expect("a file");
        problems.lines(&config).collect::<Vec<_>>().join("\n")
    };
    assert!(problems().contains("cannot be used"), "{}", problems());
    fs::write(installation.path("list.txt"), "password\n").expect("written");
    assert!(problems().contains("[passwords]"), "{}", problems());
    fs::write(installation.path("list.txt"), LIST).expect("written");
    assert_eq!(problems(), "");
}
