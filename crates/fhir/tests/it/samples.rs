//! The example resources of the specification, when they lie beside the repository (`shared/data`): each is stored and
//! comes back byte for byte, and the journal alone makes the index of all of them again.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use http::Method;
use hygie_fhir_model::json::{Document, Limits};
use hygie_fhir_model::{Name, ResourceType, validate};

use crate::inputs::without_server_members;
use crate::service::{FHIR_JSON, Service};

fn data(file: &str) -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut places = here.ancestors().map(|dir| dir.join("shared/data/fhir").join(file));
    let found = places.find(|path| path.exists());
    if found.is_none() {
        println!("skipped: shared/data/fhir/{file} is not beside the repository");
    }
    found
}

/// The JSON files of a tar archive (ustar, regular files).
fn json_files(path: &Path) -> Vec<String> {
    let archive = std::fs::File::open(path).expect("the archive");
    let tar = zstd::decode_all(archive).expect("zstd");
    let mut rest = tar.as_slice();
    let mut found = Vec::new();
    while rest.len() >= 512 && rest[0] != 0 {
        let field = |from: usize, len: usize| {
            let text = String::from_utf8_lossy(&rest[from..from + len]);
            text.trim_end_matches(['\0', ' ']).trim().to_owned()
        };
        let size = usize::from_str_radix(&field(124, 12), 8).expect("an octal size");
        if matches!(rest[156], b'0' | 0) && Path::new(&field(0, 100)).extension().is_some_and(|end| end == "json") {
            let mut text = String::new();
            (&rest[512..512 + size]).read_to_string(&mut text).expect("UTF-8");
            found.push(text);
        }
        rest = &rest[512 + size.div_ceil(512) * 512..];
    }
    found
}

#[tokio::test]
async fn the_examples_of_the_specification() {
    let Some(path) = data("examples-r4.tar.zst") else {
        return;
    };
    let service = Service::new().await;
    let by = service.contributor().await;
    let mut stored = 0;
    for text in json_files(&path) {
        let Ok(document) = Document::parse(text.as_str(), &Limits::default()) else {
            continue;
        };
        let (root, is_valid) = (document.root(), validate(&document).is_ok());
        let (Some(kind), Some(id)) = (root.get_text(Name::RESOURCE_TYPE), root.get_text(Name::ID)) else {
            continue;
        };
        if !is_valid || ResourceType::find(&kind).is_none() || text.len() > 200_000 {
            continue;
        }
        let path = format!("/{kind}/{id}");
        let put = by.send(Method::PUT, &path, &[FHIR_JSON], text.clone()).await;
        assert!(matches!(put.status.as_u16(), 200 | 201), "{path}: {}", put.text());
        let read = by.get_with(&path, &[("accept", "application/fhir+json")]).await;
        assert_eq!(
            without_server_members(read.text()),
            without_server_members(&text),
            "{path}"
        );
        stored += 1;
    }
    assert!(stored > 550, "{stored} examples");

    let (keys, rebuilt) = service.index_and_again().await;
    assert_eq!(rebuilt.len(), keys.len());
    assert!(rebuilt == keys, "the same index");
}
