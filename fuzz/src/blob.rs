//! Sealed blobs, as a disk or a bucket gives them back. Input: a line that says which blob is the victim and how it was
//! altered, then bytes that are written over it, put in, or stand in its place.
//!
//! Laws: what is read is what was written, however the sealed bytes were altered; an alteration shows when the whole is
//! read; nothing panics.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use futures_util::TryStreamExt as _;
use hygie_core::{Cx, TenantId, Timestamp};
use hygie_store::blobs::{BlobError, Blobs, Options, Reference};
use hygie_store::keys::{Keyring, MasterKey};
use hygie_testkit::{SeededRandom, VirtualClock};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use uuid::Uuid;

use crate::Target;

pub const TARGET: Target = Target {
    name: "blob",
    run,
    seeds,
    words: "cut put set end 0 48 65600 65616 131168 HYGB HYGB\x01\x10\x00\x00",
};

/// Lengths of the contents: none, little, around the border of two chunks, several.
const LENGTHS: [usize; 4] = [0, 5, (1 << 16) + 1, 150_000];

struct World {
    runtime: tokio::runtime::Runtime,
    objects: Arc<InMemory>,
    blobs: Blobs,
    cx: Cx,
    victims: Vec<Victim>,
}

struct Victim {
    reference: Reference,
    content: Vec<u8>,
    path: Path,
    sealed: Vec<u8>,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let (objects, random) = (Arc::new(InMemory::new()), Arc::new(SeededRandom::new(3)));
    let clock = Arc::new(VirtualClock::new(Timestamp::from_secs(1_795_249_800)));
    let keys = tempfile::tempdir().expect("a directory");
    let master = MasterKey::from_text(&"1".repeat(64).into(), "fuzz", random.clone()).expect("a key");
    let keyring = Keyring::open(
        keys.path().join("keys.json"),
        Arc::new(master),
        clock.clone(),
        random.clone(),
    );
    let blobs = Blobs::open(Options {
        objects: objects.clone(),
        instance: "fuzz",
        keyring: &Arc::new(keyring.expect("a keyring")),
        part: 1 << 17,
        uploads: None,
    });
    let blobs = blobs.expect("a container");
    let cx = Cx::internal(TenantId::from_uuid(Uuid::from_u128(1)), clock, random);
    let victims = runtime.block_on(victims(&objects, &blobs, &cx));
    World {
        runtime,
        objects,
        blobs,
        cx,
        victims,
    }
});

async fn victims(objects: &InMemory, blobs: &Blobs, cx: &Cx) -> Vec<Victim> {
    let mut victims = Vec::new();
    for len in LENGTHS {
        let content: Vec<u8> = (0..len).map(|at| (at * 31 / 7) as u8).collect();
        let mut writer = blobs.create(cx);
        writer.write(&content).await.expect("a write");
        let reference = writer.finish().await.expect("the end").reference;
        let name = reference.id.to_string();
        let listed: Vec<_> = objects.list(None).try_collect().await.expect("a listing");
        let path = listed
            .into_iter()
            .find(|object| object.location.as_ref().ends_with(&name));
        let path = path.expect("the blob").location;
        let sealed = objects
            .get(&path)
            .await
            .expect("the blob")
            .bytes()
            .await
            .expect("its bytes");
        victims.push(Victim {
            reference,
            content,
            path,
            sealed: sealed.to_vec(),
        });
    }
    victims
}

fn seeds() -> Vec<Vec<u8>> {
    let seeds: [&[u8]; 9] = [
        b"0 set 0\n",
        b"1 set 5\n\x10",
        b"2 set 48\nxxxxxxxxxxxxxxxx",
        b"2 cut 65600\n",
        b"3 cut 131168\n",
        b"3 put 65600\nxxxxxxxxxxxxxxxx",
        b"3 end 0\nxxxxxxxxxxxxxxxx",
        b"1 all 0\nHYGB\x01\x10\x00\x00012345670123456789012345678901234567890123456789",
        b"3 set 16\n",
    ];
    seeds.map(<[u8]>::to_vec).to_vec()
}

/// What becomes of the sealed bytes.
fn altered(sealed: &[u8], how: &str, at: usize, bytes: &[u8]) -> Vec<u8> {
    let (at, len) = (at.min(sealed.len()), sealed.len());
    let set_end = (at + bytes.len()).min(len);
    match how {
        "set" => [&sealed[..at], &bytes[..set_end - at], &sealed[set_end..]].concat(),
        "put" => [&sealed[..at], bytes, &sealed[at..]].concat(),
        "cut" => sealed[..at].to_vec(),
        "out" => [&sealed[..at], &sealed[set_end..]].concat(),
        "end" => [sealed, bytes].concat(),
        _ => bytes.to_vec(),
    }
}

fn run(input: &[u8]) {
    let [line, bytes] = crate::lines::<2>(input);
    let line = std::str::from_utf8(line).unwrap_or_default();
    let mut words = line.split(' ');
    let number = |words: &mut std::str::Split<'_, char>| words.next().and_then(|word| word.parse::<usize>().ok());
    let victim = &WORLD.victims[number(&mut words).unwrap_or(0) % LENGTHS.len()];
    let how = words.next().unwrap_or_default();
    let sealed = altered(&victim.sealed, how, number(&mut words).unwrap_or(0), bytes);
    WORLD.runtime.block_on(WORLD.check(victim, sealed));
}

impl World {
    async fn check(&self, victim: &Victim, sealed: Vec<u8>) {
        let is_true = sealed == victim.sealed;
        self.objects.put(&victim.path, sealed.into()).await.expect("put");
        let len = victim.content.len() as u64;
        let whole = self.read(victim, 0..len).await;
        assert_eq!(whole.is_ok(), is_true, "{whole:?}");
        for range in [
            0..1,
            len / 2..len / 2 + 10,
            len.saturating_sub(3)..u64::MAX,
            65_530..65_540,
        ] {
            let (from, to) = (range.start.min(len) as usize, range.end.min(len) as usize);
            match self.read(victim, range).await {
                Ok(found) => assert!(found == victim.content[from..to]),
                Err(BlobError::Damaged { .. }) => assert!(!is_true),
                Err(other) => panic!("{other:?}"),
            }
        }
    }

    async fn read(&self, victim: &Victim, range: Range<u64>) -> Result<Vec<u8>, BlobError> {
        self.blobs.read(&self.cx, victim.reference).await?.bytes(range).await
    }
}
