//! How large forms may be, and where those lead that are sent to an address of their own.

use std::convert::Infallible;

use axum::body::Body;
use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream;
use http::Method;
use serde_json::json;

use crate::psc::upload;
use crate::world::World;

const MIB: usize = 1 << 20;

#[tokio::test]
async fn a_form_is_as_large_as_its_page_needs() {
    let world = World::signed_in().await;
    for (path, fits, too_long) in [
        ("/admin/trust/try", 100 << 10, 200 << 10),
        ("/admin/trust/x", 100 << 10, 200 << 10),
        ("/admin/terms/new", 5 * MIB, 7 * MIB),
        ("/admin/terms/x", 5 * MIB, 7 * MIB),
        ("/admin/pro-sante-connect/prepare", 5 * MIB, 7 * MIB),
        ("/admin/pro-sante-connect/check", 16 * MIB, 17 * MIB),
        ("/admin/trust/x/y", 20 * MIB, 22 * MIB),
        ("/admin/users/new", 100 << 10, 3 * MIB),
    ] {
        // Without its token what fits is refused for that; it has been read.
        for (length, status) in [(fits, 403), (too_long, 413)] {
            let content = vec![b'x'; length];
            let answer = upload(&world, path, &[("file", Some("a"), &content)]).await;
            assert_eq!(answer.status, status, "{path} {length}");
        }
    }
}

#[tokio::test]
async fn few_larger_forms_are_received_at_once() {
    let world = World::signed_in().await;
    let kind = [("content-type", "multipart/form-data; boundary=xyz")];
    let slow = |path| {
        let body = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
        world.client.send(Method::POST, path, &kind, body)
    };
    let received = join_all(
        [
            "/admin/terms/new",
            "/admin/terms/x",
            "/admin/trust/x/y",
            "/admin/trust/x/z",
        ]
        .map(slow),
    );
    let others = async {
        let fifth = upload(&world, "/admin/pro-sante-connect/check", &[("a", None, b"")]).await;
        // Those that are small need no place.
        (
            fifth.status.as_u16(),
            upload(&world, "/admin/trust/try", &[("a", None, b"")])
                .await
                .status
                .as_u16(),
        )
    };
    tokio::select! {
        biased;
        _ = received => panic!("what is not sent whole is not received"),
        others = others => assert_eq!(others, (429, 403)),
    }
    // Whoever goes away leaves their place.
    assert_eq!(
        upload(&world, "/admin/trust/x/y", &[("a", None, b"")]).await.status,
        403
    );
}

#[tokio::test]
async fn nobody_without_a_session_sends_files() {
    let world = World::new();
    let content = vec![b'x'; 20 * MIB];
    let answer = upload(&world, "/admin/trust/x/y", &[("file", Some("a"), &content)]).await;
    assert_eq!(answer.location(), "/admin/sign-in?next=%2Fadmin%2Ftrust%2Fx%2Fy");
}

#[tokio::test]
async fn addresses_that_forms_are_sent_to_lead_to_their_page() {
    let world = World::signed_in().await;
    for (address, page) in [
        ("/admin/trust/try", "/admin/trust"),
        ("/admin/pro-sante-connect/prepare", "/admin/pro-sante-connect"),
        ("/admin/pro-sante-connect/check", "/admin/pro-sante-connect"),
        ("/admin/pro-sante-connect/security-defaults", "/admin/pro-sante-connect"),
        ("/admin/risk/report", "/admin/risk"),
        ("/admin/risk/supply", "/admin/risk"),
        ("/admin/risk/withdraw", "/admin/risk"),
    ] {
        let answer = world.client.get(address).await;
        assert_eq!((answer.status.as_u16(), answer.location()), (303, page));
    }
}

#[tokio::test]
async fn who_signs_in_anew_comes_back_to_the_page() {
    let world = World::signed_in().await;
    world.script.answer("GET /v1.0/", 401, json!({}));
    let answer = world.client.get("/admin/users?q=martin").await;
    assert_eq!(answer.location(), "/admin/sign-in?next=%2Fadmin%2Fusers%3Fq%3Dmartin");
    let answer = world
        .client
        .send(Method::GET, "/admin/terms/x", &[], Vec::new().into())
        .await;
    assert_eq!(answer.location(), "/admin/sign-in?next=%2Fadmin%2Fterms%2Fx");
}
