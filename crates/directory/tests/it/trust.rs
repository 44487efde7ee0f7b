//! Trust stores: what may be in one, and that one tenant's is nothing to another.

use std::time::Duration;

use hygie_core::{ObjectId, TenantId, Timestamp};
use hygie_directory::repo::{HandoverRow, Handovers};
use hygie_directory::trust::{AuthorityChange, ListKind, ListSource, MAX_GRACE, TrustError, TrustedAuthority};
use hygie_directory::{Authentications, DirectoryError};
use hygie_jose::x509::{ListFault, NotAuthority, Position};
use hygie_policy::strength::{Mode, Usage};
use hygie_testkit::{CardAuthority, CardOf};
use uuid::Uuid;

use crate::world::World;

const DAY: Duration = Duration::from_hours(24);
const URL: &str = "http://igc.example/ACI.crl";

fn at(url: &str) -> AuthorityChange {
    AuthorityChange {
        list_url: Some(Some(url.to_owned())),
        ..AuthorityChange::default()
    }
}

/// A root in a new trust store of the first tenant.
async fn root(world: &World, now: Timestamp) -> (CardAuthority, TrustedAuthority) {
    let cx = world.cx(world.tenant);
    let root = CardAuthority::root("HYGIE TEST AC RACINE", now);
    let pki = world.directory.create_pki(&cx, " IGC-Santé ").await.unwrap();
    assert_eq!(pki.display_name, "IGC-Santé");
    let added = world
        .directory
        .add_authority(&cx, pki.id, &root.certificate, at(URL))
        .await;
    (root, added.unwrap())
}

#[tokio::test]
async fn an_authority_from_its_beginning_to_its_end() {
    let world = World::new().await;
    let cx = world.cx(world.tenant);
    let (root, trusted) = root(&world, cx.now).await;
    let directory = &world.directory;
    assert_eq!(
        directory.list_authorities(&cx).await.unwrap(),
        std::slice::from_ref(&trusted)
    );
    let place = (trusted.pki, trusted.id);
    let change = AuthorityChange {
        list_url: Some(None),
        is_hint_enabled: Some(true),
        ..AuthorityChange::default()
    };
    directory.update_authority(&cx, place, change).await.unwrap();
    let [changed] = directory.list_authorities(&cx).await.unwrap().try_into().unwrap();
    assert_eq!((changed.list_url.as_deref(), changed.is_hint_enabled), (None, true));
    let list = root.list(&[&[1, 2]], cx.now, DAY);
    let kept = directory.keep_revocation_list(&cx, &changed, list.clone(), ListSource::Uploaded);
    assert_eq!(kept.await.unwrap().len(), 1);
    let row = directory
        .revocation_list(&cx, trusted.id, ListKind::Whole)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (row.source, row.revoked, row.next_update),
        (ListSource::Uploaded, 1, cx.now + DAY)
    );
    assert_eq!(
        directory
            .revocation_list_content(&cx, trusted.id, ListKind::Whole)
            .await
            .unwrap(),
        Some(list)
    );
    directory.delete_pki(&cx, trusted.pki).await.unwrap();
    assert_eq!(directory.list_authorities(&cx).await.unwrap(), []);
    assert_eq!(
        directory
            .revocation_list(&cx, trusted.id, ListKind::Whole)
            .await
            .unwrap(),
        None
    );
    assert!(matches!(
        directory.delete_pki(&cx, trusted.pki).await,
        Err(TrustError::NotFound(_))
    ));
}

#[tokio::test]
async fn what_is_not_taken() {
    let world = World::new().await;
    let cx = world.cx(world.tenant);
    let (root, trusted) = root(&world, cx.now).await;
    let directory = &world.directory;
    let card = root.card(&CardOf::professional("899700123456", cx.now));
    let add = async |certificate: &[u8], change| {
        let added = directory.add_authority(&cx, trusted.pki, certificate, change).await;
        added.expect_err("refused")
    };
    let nothing = AuthorityChange::default;
    let wrong_type = AuthorityChange {
        position: Some(Position::Root),
        ..nothing()
    };
    let issuing = root.intermediate("HYGIE TEST AC PERSONNES", cx.now).certificate;
    assert!(matches!(
        add(&card.certificate, nothing()).await,
        TrustError::Certificate(NotAuthority::NotIssuer)
    ));
    assert!(matches!(add(&root.certificate, nothing()).await, TrustError::Exists));
    assert!(matches!(add(&issuing, wrong_type).await, TrustError::Position));
    for url in [
        "",
        "ldap://igc.example/cn=x",
        "https://user@igc.example/x",
        "ftp://igc.example/x",
    ] {
        assert!(matches!(add(&issuing, at(url)).await, TrustError::Url), "{url}");
    }
    let nowhere = directory.add_authority(&cx, Uuid::nil(), &issuing, nothing()).await;
    assert!(matches!(nowhere, Err(TrustError::NotFound(_))));
    let long = directory.set_revocation_grace(&cx, (trusted.pki, trusted.id), MAX_GRACE + 1);
    assert!(matches!(long.await, Err(TrustError::Grace)));
    for name in ["", " ", &"x".repeat(257)] {
        assert!(matches!(directory.create_pki(&cx, name).await, Err(TrustError::Name)));
    }
}

#[tokio::test]
async fn a_list_is_of_its_authority_and_never_older() {
    let world = World::new().await;
    let cx = world.cx(world.tenant);
    let (root, trusted) = root(&world, cx.now).await;
    let keep = async |list: Vec<u8>| {
        let kept = world
            .directory
            .keep_revocation_list(&cx, &trusted, list, ListSource::Fetched);
        kept.await.map(|list| list.len())
    };
    let imposter = CardAuthority::root("HYGIE TEST AC RACINE", cx.now);
    assert!(matches!(
        keep(imposter.list(&[], cx.now, DAY)).await,
        Err(TrustError::List(ListFault::Signature))
    ));
    assert_eq!(keep(root.list(&[&[1]], cx.now, DAY)).await.unwrap(), 1);
    // One that somebody kept from before the revocation.
    assert!(matches!(
        keep(root.list(&[], cx.now - DAY / 2, DAY)).await,
        Err(TrustError::ListOlder)
    ));
    assert_eq!(keep(root.list(&[&[1], &[2]], cx.now, DAY)).await.unwrap(), 2);
}

#[tokio::test]
async fn one_tenant_is_nothing_to_another() {
    let world = World::new().await;
    let (cx, other) = (world.cx(world.tenant), world.cx(world.other));
    let (root, trusted) = root(&world, cx.now).await;
    let directory = &world.directory;
    assert_eq!(directory.list_pkis(&other).await.unwrap(), []);
    assert_eq!(directory.list_authorities(&other).await.unwrap(), []);
    let place = (trusted.pki, trusted.id);
    assert!(directory.rename_pki(&other, trusted.pki, "x").await.is_err());
    assert!(directory.delete_pki(&other, trusted.pki).await.is_err());
    assert!(directory.delete_authority(&other, place).await.is_err());
    assert!(directory.set_revocation_grace(&other, place, 1).await.is_err());
    let list = root.list(&[], cx.now, DAY);
    let kept = directory
        .keep_revocation_list(&other, &trusted, list, ListSource::Fetched)
        .await;
    assert!(matches!(kept, Err(TrustError::NotFound(_))));
    assert_eq!(
        directory
            .revocation_list(&other, trusted.id, ListKind::Whole)
            .await
            .unwrap(),
        None
    );
    // The same authority may be trusted by both.
    let pki = directory.create_pki(&other, "IGC").await.unwrap();
    directory
        .add_authority(&other, pki.id, &root.certificate, at(URL))
        .await
        .unwrap();
    assert_eq!(directory.list_authorities(&cx).await.unwrap(), [trusted]);
}

async fn take(world: &World, tenant: TenantId, digest: [u8; 32]) -> Option<HandoverRow> {
    let cx = world.cx(tenant);
    let taken = world.store.store.write(&cx, digest, |digest, tx| {
        Box::pin(async move { Ok::<_, DirectoryError>(Handovers(tx).take(digest).await?) })
    });
    taken.await.unwrap()
}

#[tokio::test]
async fn a_hand_over_is_taken_once_and_by_its_tenant() {
    let world = World::new().await;
    let cx = world.cx(world.tenant);
    let row = HandoverRow {
        digest: [1; 32],
        binding: [2; 32],
        user: ObjectId::from_uuid(Uuid::from_u128(7)),
        used: Authentications::of(Usage::of(Mode::X509CertificateMultiFactor), cx.now),
        expires_at: cx.now + DAY,
    };
    let written = world.store.store.write(&cx, row.clone(), |row, tx| {
        Box::pin(async move { Ok::<_, DirectoryError>(Handovers(tx).insert(row).await?) })
    });
    written.await.unwrap();
    assert_eq!(take(&world, world.other, row.digest).await, None);
    assert_eq!(take(&world, world.tenant, [3; 32]).await, None);
    assert_eq!(take(&world, world.tenant, row.digest).await, Some(row.clone()));
    assert_eq!(take(&world, world.tenant, row.digest).await, None);
}
