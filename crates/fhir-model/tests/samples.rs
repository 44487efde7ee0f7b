//! The published examples and generated data, when they lie beside the repository (`shared/data`): every one parses,
//! validates and gives values. The fixtures of the unit tests run always.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use hygie_fhir_model::json::{Document, Edit, Limits};
use hygie_fhir_model::search::extract;
use hygie_fhir_model::{Invalid, IssueCode, Name, validate};

/// `shared/data/fhir` beside the repository or above it.
fn data(file: &str) -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = here
        .ancestors()
        .map(|dir| dir.join("shared/data/fhir").join(file))
        .find(|path| path.exists());
    if found.is_none() {
        println!("skipped: shared/data/fhir/{file} is not beside the repository");
    }
    found
}

fn unpack(path: &Path) -> Vec<u8> {
    zstd::decode_all(fs::File::open(path).unwrap()).unwrap()
}

/// The files of a tar archive (ustar, regular files), by name.
fn files(tar: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut rest = tar;
    while rest.len() >= 512 && rest[0] != 0 {
        let text = |from: usize, len: usize| {
            let field = &rest[from..from + len];
            let end = field.iter().position(|b| *b == 0).unwrap_or(len);
            String::from_utf8_lossy(&field[..end]).trim().to_owned()
        };
        let size = usize::from_str_radix(&text(124, 12), 8).unwrap();
        if matches!(rest[156], b'0' | 0) {
            let mut content = Vec::new();
            (&rest[512..512 + size]).read_to_end(&mut content).unwrap();
            found.insert(text(0, 100), content);
        }
        rest = &rest[512 + size.div_ceil(512) * 512..];
    }
    found
}

fn only_link_ids(invalid: &Invalid) -> bool {
    invalid
        .issues()
        .iter()
        .all(|issue| issue.code == IssueCode::Required && issue.expression.ends_with(".linkId"))
}

fn parse(bytes: &[u8]) -> Document {
    Document::parse(bytes, &Limits::default()).unwrap()
}

#[test]
fn examples_of_the_specification_are_valid() {
    let Some(path) = data("examples-r4.tar.zst") else {
        return;
    };
    let mut failed = Vec::new();
    let (mut count, mut incomplete) = (0, 0);
    for (name, content) in files(&unpack(&path)) {
        count += 1;
        let document = match Document::parse(content.as_slice(), &Limits::default()) {
            Ok(document) => document,
            Err(error) => {
                failed.push(format!("{name}: {error}"));
                continue;
            }
        };
        assert_eq!(Edit::new(&document).finish().as_bytes(), content, "{name}");
        match validate(&document) {
            Ok(kind) => {
                let mut values = 0;
                extract(&document, kind, &mut |_, _| values += 1);
                let has_id = document.root().get(Name::ID).is_some();
                assert!(values > 0 || !has_id, "{name} gives no values");
            }
            // The questionnaires that the publication tool makes of each profile leave out the required linkId.
            Err(invalid) if name.ends_with("-questionnaire.json") && only_link_ids(&invalid) => incomplete += 1,
            Err(invalid) => failed.push(format!("{name}: {invalid}")),
        }
    }
    assert_eq!(
        failed,
        ["./package-min-ver.json: resourceType is missing"],
        "of {count}"
    );
    assert_eq!((count, incomplete), (731, 139));
}

#[test]
fn generated_patients_are_valid() {
    let Some(dir) = data("synthea-r4/ndjson") else { return };
    let mut count = 0;
    let mut failed = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let content = if path.extension().is_some_and(|e| e == "zst") {
            unpack(&path)
        } else {
            fs::read(&path).unwrap()
        };
        // Every 50th resource of each type: the whole set takes minutes in a debug build.
        for line in content
            .split(|b| *b == b'\n')
            .filter(|line| !line.is_empty())
            .step_by(50)
        {
            count += 1;
            let document = parse(line);
            match validate(&document) {
                Ok(kind) => extract(&document, kind, &mut |_, _| {}),
                Err(invalid) => failed.push(format!("{}: {invalid}", path.display())),
            }
        }
    }
    assert!(count > 1000, "{count}");
    assert!(
        failed.is_empty(),
        "{} failed:\n{}",
        failed.len(),
        failed[..failed.len().min(20)].join("\n")
    );
}

#[test]
fn transaction_bundles_are_valid() {
    let Some(path) = data("synthea-r4/transaction-bundles.tar.zst") else {
        return;
    };
    for (name, content) in files(&unpack(&path)).iter().take(10) {
        if let Err(invalid) = validate(&parse(content)) {
            panic!("{name}: {invalid}");
        }
    }
}
