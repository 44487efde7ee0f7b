//! Fuzz targets: what each reader of outside input must keep to, whatever it is given. docs/fuzzing.md
//!
//! A target is a function over bytes that panics when something is wrong; beside not panicking itself, the code under it
//! must keep the laws that the target states. Inputs are text where that is possible, so that they can be read, and
//! mutated by pieces (see [`Target::words`]).
//!
//! To add a target: a module with its [`Target`], a line in [`TARGETS`], a file in `libfuzzer/src/bin`.

pub mod access;
pub mod blob;
pub mod certificate;
pub mod config;
pub mod fhir;
pub mod graph;
pub mod head;
pub mod json;
pub mod jwks;
pub mod oauth;
pub mod odata;
pub mod patch;
pub mod policy;
pub mod primitives;
pub mod psc;
pub mod record;
pub mod redirect;
mod request;
pub mod resource;
pub mod scopes;
pub mod search;
pub mod token;
mod world;

/// Something that reads input from outside.
pub struct Target {
    /// Its name: of its module, its binary of libFuzzer and its directory of findings.
    pub name: &'static str,
    /// Reads an input; panics when a law is broken.
    pub run: fn(&[u8]),
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Pieces that inputs are made of, parted by white space: libFuzzer's dictionary.
    pub words: &'static str,
}

/// All of them.
pub const TARGETS: &[Target] = &[
    access::TARGET,
    blob::TARGET,
    certificate::TARGET,
    config::TARGET,
    fhir::TARGET,
    graph::TARGET,
    head::TARGET,
    json::TARGET,
    jwks::TARGET,
    oauth::TARGET,
    odata::TARGET,
    patch::TARGET,
    policy::TARGET,
    primitives::TARGET,
    psc::TARGET,
    record::TARGET,
    redirect::TARGET,
    resource::TARGET,
    scopes::TARGET,
    search::TARGET,
    token::TARGET,
];

/// Seeds that are texts.
fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// The parts of an input that has several: separated by line feeds, absent ones empty.
fn lines<const N: usize>(input: &[u8]) -> [&[u8]; N] {
    let mut lines = input.splitn(N, |byte| *byte == b'\n');
    [(); N].map(|()| lines.next().unwrap_or_default())
}

/// The same as text; what is not UTF-8 becomes empty.
fn text_lines<const N: usize>(input: &[u8]) -> [&str; N] {
    lines::<N>(input).map(|line| std::str::from_utf8(line).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::fs;

    use super::*;

    #[test]
    fn every_target_has_a_name_and_a_binary_of_its_own() {
        let names: HashSet<_> = TARGETS.iter().map(|target| target.name).collect();
        assert_eq!(names.len(), TARGETS.len());
        for name in names {
            let path = format!("{}/libfuzzer/src/bin/{name}.rs", env!("CARGO_MANIFEST_DIR"));
            let source = fs::read_to_string(&path).expect(&path);
            assert!(source.contains(&format!("driver!({name})")), "{path}");
        }
    }
}
