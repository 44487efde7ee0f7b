//! `GET /assets/{name}.{hash}.{ext}`: the few files of the interface, in the binary, kept by browsers for ever because
//! another content has another address.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use hygie_core::ErrorKind;

use crate::error::Failure;

struct Asset {
    name: &'static str,
    media_type: &'static str,
    content: &'static [u8],
    address: String,
}

static ASSETS: LazyLock<[Asset; 4]> = LazyLock::new(|| {
    [
        asset(
            "hygie.css",
            "text/css; charset=utf-8",
            include_bytes!("../../assets/hygie.css"),
        ),
        asset(
            "hygie.js",
            "text/javascript; charset=utf-8",
            include_bytes!("../../assets/hygie.js"),
        ),
        asset(
            "passkey.js",
            "text/javascript; charset=utf-8",
            include_bytes!("../../assets/passkey.js"),
        ),
        asset("mark.svg", "image/svg+xml", include_bytes!("../../assets/mark.svg")),
    ]
});

fn asset(name: &'static str, media_type: &'static str, content: &'static [u8]) -> Asset {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content);
    let hash = u64::from_be_bytes(digest.as_ref()[..8].try_into().expect("a digest has 32 bytes"));
    let (stem, extension) = name.split_once('.').expect("a name of ours has an extension");
    Asset {
        name,
        media_type,
        content,
        address: format!("/assets/{stem}.{hash:016x}.{extension}"),
    }
}

/// The address of an asset by its plain name.
pub(super) fn address(name: &str) -> &'static str {
    ASSETS
        .iter()
        .find(|asset| asset.name == name)
        .map(|asset| asset.address.as_str())
        .expect("templates name assets that exist")
}

/// Serves an asset. An old hash is not served: a page that names it was made by another version.
pub(super) async fn get(Path(file): Path<String>) -> Response {
    let asked = format!("/assets/{file}");
    match ASSETS.iter().find(|asset| asset.address == asked) {
        Some(asset) => (
            [
                (CONTENT_TYPE, asset.media_type),
                (CACHE_CONTROL, "public, max-age=31536000, immutable"),
            ],
            asset.content,
        )
            .into_response(),
        None => Failure::new(ErrorKind::NotFound, "not-found", "no such asset").into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_sheet_stays_small() {
        for asset in ASSETS.iter() {
            assert!(
                asset.content.len() <= 20_000,
                "{} has {} bytes",
                asset.name,
                asset.content.len()
            );
        }
    }

    #[tokio::test]
    async fn an_asset_is_served_by_its_hash_only() {
        let file = address("hygie.css")
            .strip_prefix("/assets/")
            .expect("its folder")
            .to_owned();
        let found = get(Path(file)).await;
        assert_eq!(found.status(), 200);
        assert_eq!(found.headers()[CACHE_CONTROL], "public, max-age=31536000, immutable");
        for other in ["hygie.css", "hygie.0000000000000000.css", "../Cargo.toml"] {
            assert_eq!(get(Path(other.to_owned())).await.status(), 404, "{other}");
        }
    }
}
