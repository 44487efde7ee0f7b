//! Tests of the access log as a whole: what is answered is there, what is tampered with is found.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::join_all;
use hygie_core::{Secret, TenantId, Timestamp};

use super::files::Media;
use super::segment::HEADER_LEN;
use super::*;
use crate::audit::{Finding, Report, begin_chains};
use crate::fakes::{self, FixedClock, SeededRandom};
use crate::keys::KeyId;

fn record(n: usize) -> Record {
    let at = Timestamp::from_millis(1_795_249_800_000 + n as i64);
    let cx = fakes::cx(TenantId::from_uuid(uuid::Uuid::nil()), at);
    Record::success(&cx, "fhir.read", format!("Patient/DUPONT-{n}"))
}

fn key(byte: u8) -> DataKey {
    DataKey {
        id: KeyId([byte; 8]),
        key: Secret::new([byte; 32]),
    }
}

struct World {
    _dir: tempfile::TempDir,
    place: AccessPlace,
    limits: AccessLimits,
    runs: AtomicU64,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let place = AccessPlace {
            directory: dir.path().join("log"),
            heads: dir.path().to_owned(),
            instance: "fhir".to_owned(),
        };
        let limits = AccessLimits {
            reserve: 64 << 10,
            ..AccessLimits::default()
        };
        begin_chains(&place.heads, &place.instance, &Self::keys()).unwrap();
        Self {
            _dir: dir,
            place,
            limits,
            runs: AtomicU64::new(0),
        }
    }

    fn keys() -> AccessKeys {
        AccessKeys {
            audit: key(1),
            log: key(2),
            retired: Vec::new(),
            heads: key(3),
        }
    }

    fn open_on(&self, disk: Box<dyn Disk>) -> AccessLog {
        let clock = Arc::new(FixedClock::new(Timestamp::from_secs(1_795_249_800)));
        let random = Arc::new(SeededRandom::new(self.runs.fetch_add(1, Ordering::Relaxed)));
        AccessLog::open_on(disk, &self.place, &Self::keys(), self.limits, (clock, random)).unwrap()
    }

    fn open(&self) -> AccessLog {
        self.open_on(Box::new(LocalDisk))
    }

    /// One run of the program that records these, one frame each.
    async fn run(&self, numbers: std::ops::Range<usize>) {
        let log = self.open();
        for n in numbers {
            log.record(&record(n)).await.unwrap();
        }
        log.close().await.unwrap();
    }

    fn verify(&self) -> Report {
        verify_accesses(&self.place, &Self::keys()).unwrap()
    }

    fn findings(&self) -> Vec<Finding> {
        self.verify().findings
    }

    fn objects(&self) -> Vec<String> {
        let records = AccessRecords::open(self.place.clone(), &Self::keys()).unwrap();
        records.map(|record| record.unwrap().1.object).collect()
    }

    fn segment(&self, number: u64) -> PathBuf {
        files::path(&self.place.directory, number)
    }

    fn head(&self) -> PathBuf {
        self.place.head_name().path_in(&self.place.heads)
    }

    /// Ends of the frames of a segment, the first one after the header.
    fn ends(&self, number: u64) -> Vec<usize> {
        let parsed = files::read(&self.place.directory, number, &Self::keys().of_segments()).unwrap();
        let frames = parsed.frames.iter().map(|(end, _)| *end);
        [HEADER_LEN].into_iter().chain(frames).collect()
    }

    fn tamper(&self, number: u64, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(self.segment(number)).unwrap();
        change(&mut bytes);
        fs::write(self.segment(number), bytes).unwrap();
    }
}

fn objects(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|n| record(n).object).collect()
}

#[tokio::test]
async fn what_is_recorded_is_read_again_in_order() {
    let world = World::new();
    assert!(world.verify().is_clean());
    world.run(0..10).await;
    world.run(10..25).await;
    world.run(25..25).await;
    assert_eq!(world.objects(), objects(0..25));
    let report = world.verify();
    assert!(report.is_clean(), "{:?}", report.findings);
    assert_eq!(report.entries, 25);
    assert_eq!(
        fs::read_dir(&world.place.directory).unwrap().count(),
        2,
        "no file for nothing"
    );
}

#[tokio::test]
async fn many_at_once_share_frames() {
    let world = World::new();
    let log = world.open();
    let records: Vec<_> = (0..2000).map(record).collect();
    let answers = join_all(records.iter().map(|record| log.record(record))).await;
    assert!(answers.iter().all(Result::is_ok));
    log.close().await.unwrap();
    assert_eq!(world.objects(), objects(0..2000));
    assert!(world.ends(1).len() < 1000, "{} frames", world.ends(1).len());
    assert!(world.verify().is_clean());
}

#[tokio::test]
async fn segments_follow_one_another() {
    let mut world = World::new();
    world.limits.segment = 4000;
    world.run(0..100).await;
    assert!(files::list(&world.place.directory).unwrap().len() > 3);
    assert_eq!(world.objects(), objects(0..100));
    assert!(world.verify().is_clean());
    world.run(100..110).await;
    assert_eq!(world.objects(), objects(0..110));
    assert!(world.verify().is_clean());
}

#[tokio::test]
async fn nothing_lies_in_clear() {
    let world = World::new();
    world.run(0..10).await;
    let bytes = fs::read(world.segment(1)).unwrap();
    for word in ["DUPONT", "fhir.read", "Patient"] {
        assert!(
            !bytes.windows(word.len()).any(|window| window == word.as_bytes()),
            "{word}"
        );
    }
}

#[tokio::test]
async fn a_log_that_was_not_closed_goes_on() {
    let world = World::new();
    let log = world.open();
    for n in 0..5 {
        log.record(&record(n)).await.unwrap();
    }
    // As after kill -9: the files as they are now, reserved space and all.
    let crashed = World::new();
    fs::create_dir_all(&crashed.place.directory).unwrap();
    fs::copy(world.segment(1), crashed.segment(1)).unwrap();
    fs::copy(world.head(), crashed.head()).unwrap();
    assert!(crashed.verify().is_clean(), "{:?}", crashed.findings());
    crashed.run(5..8).await;
    assert_eq!(crashed.objects(), objects(0..8));
    assert!(crashed.verify().is_clean());
    log.close().await.unwrap();
}

/// Killed between making a segment and writing its header: the very first one, or a later one.
#[tokio::test]
async fn a_segment_that_was_never_begun_is_removed() {
    let world = World::new();
    fs::create_dir_all(&world.place.directory).unwrap();
    for (blank, length) in [(1, 0), (3, HEADER_LEN)] {
        fs::write(world.segment(blank), vec![0; length]).unwrap();
        assert!(world.verify().is_clean(), "{:?}", world.findings());
        world.run(0..3).await;
        assert!(world.verify().is_clean(), "{:?}", world.findings());
        assert!(!world.segment(blank).exists());
    }
    assert_eq!(world.verify().entries, 6);
}

#[tokio::test]
async fn a_frame_cut_short_anywhere_is_removed_and_no_other() {
    let whole = World::new();
    whole.run(0..3).await;
    let head = fs::read(whole.head()).unwrap();
    // The fourth record is not answered: the head does not know it.
    whole.run(3..4).await;
    let ends = whole.ends(2);
    let bytes = fs::read(whole.segment(2)).unwrap();
    for cut in (0..ends[1]).step_by(7) {
        for keeps_space in [false, true] {
            let world = World::new();
            fs::create_dir_all(&world.place.directory).unwrap();
            fs::copy(whole.segment(1), world.segment(1)).unwrap();
            fs::write(world.head(), &head).unwrap();
            let mut torn = bytes[..cut].to_vec();
            torn.resize(if keeps_space { 9000 } else { cut }, 0);
            fs::write(world.segment(2), torn).unwrap();
            assert!(world.verify().is_clean(), "cut at {cut}: {:?}", world.findings());
            world.run(4..6).await;
            let report = world.verify();
            assert!(report.is_clean(), "cut at {cut}, then run: {:?}", report.findings);
            assert_eq!(world.objects(), [objects(0..3), objects(4..6)].concat(), "cut at {cut}");
        }
    }
}

#[tokio::test]
async fn a_frame_whose_pages_came_out_of_order_is_removed() {
    let world = World::new();
    world.run(0..3).await;
    let head = fs::read(world.head()).unwrap();
    world.run(3..4).await;
    fs::write(world.head(), &head).unwrap();
    let ends = world.ends(2);
    world.tamper(2, |bytes| bytes[ends[0] + 40..ends[0] + 100].fill(0));
    world.run(4..5).await;
    assert_eq!(world.objects(), [objects(0..3), objects(4..5)].concat());
    assert!(world.verify().is_clean());
}

#[tokio::test]
async fn frames_after_the_head_are_kept() {
    let world = World::new();
    world.run(0..3).await;
    let head = fs::read(world.head()).unwrap();
    world.run(3..9).await;
    fs::write(world.head(), head).unwrap();
    assert!(world.verify().is_clean());
    world.run(9..10).await;
    assert_eq!(world.objects(), objects(0..10));
    assert!(world.verify().is_clean());
}

#[tokio::test]
async fn altered_frames_are_found() {
    let world = World::new();
    world.run(0..5).await;
    let ends = world.ends(1);
    world.tamper(1, |bytes| bytes[ends[2] + 50] ^= 1);
    assert_eq!(world.findings(), [Finding::Altered { from: 3, to: 3 }]);
}

/// The holder of the log's data key writes another record in the place of one, sealed as it should be.
#[tokio::test]
async fn a_frame_sealed_anew_without_the_audit_key_is_found() {
    let world = World::new();
    world.run(0..5).await;
    let ends = world.ends(1);
    let keys = World::keys().of_segments();
    let parsed = files::read(&world.place.directory, 1, &keys).unwrap();
    let segment::Opened::Valid(header) = &parsed.header else {
        panic!("the header is valid")
    };
    let before = crate::audit::Tip {
        seq: 2,
        link: parsed.frames[1].1.link,
    };
    let mut chain = Chain::at(LinkKey::new(&key(9), Trail::Accesses), before);
    let other = record(7).to_json();
    let frame = segment::seal_frame(&mut chain, &header.sealer(&keys), 3, &[&other]);
    world.tamper(1, |bytes| {
        bytes.splice(ends[2]..ends[3], frame);
    });
    assert!(
        world.findings().contains(&Finding::Altered { from: 3, to: 3 }),
        "{:?}",
        world.findings()
    );
}

#[tokio::test]
async fn removed_frames_are_found() {
    let world = World::new();
    world.run(0..5).await;
    let ends = world.ends(1);
    world.tamper(1, |bytes| {
        bytes.drain(ends[1]..ends[3]);
    });
    assert_eq!(world.findings(), [Finding::Missing { from: 2, to: 3 }]);
}

#[tokio::test]
async fn a_removed_segment_is_found() {
    let mut world = World::new();
    world.limits.segment = 1000;
    world.run(0..20).await;
    fs::remove_file(world.segment(2)).unwrap();
    let findings = world.findings();
    assert!(matches!(findings[..], [Finding::Missing { .. }]), "{findings:?}");
}

#[tokio::test]
async fn removed_last_frames_are_found_and_stay_found() {
    for keeps_space in [false, true] {
        let world = World::new();
        world.run(0..5).await;
        let ends = world.ends(1);
        world.tamper(1, |bytes| {
            let len = bytes.len();
            bytes.truncate(ends[3]);
            bytes.resize(if keeps_space { len } else { ends[3] }, 0);
        });
        assert_eq!(world.findings(), [Finding::Truncated { from: 4, to: 5 }]);
        world.run(5..5).await;
        assert_eq!(world.findings(), [Finding::Restarted { from: 4, to: 6 }]);
        world.run(5..7).await;
        assert_eq!(world.findings(), [Finding::Restarted { from: 4, to: 6 }]);
        assert_eq!(world.objects(), [objects(0..3), objects(5..7)].concat());
    }
}

#[tokio::test]
async fn a_removed_log_is_found_and_stays_found() {
    let world = World::new();
    world.run(0..5).await;
    fs::remove_dir_all(&world.place.directory).unwrap();
    assert_eq!(world.findings(), [Finding::Truncated { from: 1, to: 5 }]);
    world.run(5..7).await;
    assert_eq!(world.findings(), [Finding::Restarted { from: 1, to: 6 }]);
}

#[tokio::test]
async fn exchanged_frames_are_found() {
    let world = World::new();
    world.run(0..5).await;
    let ends = world.ends(1);
    world.tamper(1, |bytes| {
        let (second, third) = (bytes[ends[1]..ends[2]].to_vec(), bytes[ends[2]..ends[3]].to_vec());
        bytes.splice(ends[1]..ends[3], [third, second].concat());
    });
    assert_eq!(world.findings(), [Finding::Reordered { from: 2, to: 2 }]);
}

#[tokio::test]
async fn a_forged_frame_at_the_end_is_found() {
    let world = World::new();
    world.run(0..5).await;
    let keys = World::keys().of_segments();
    let parsed = files::read(&world.place.directory, 1, &keys).unwrap();
    let segment::Opened::Valid(header) = &parsed.header else {
        panic!("the header is valid")
    };
    let before = crate::audit::Tip {
        seq: 5,
        link: parsed.frames[4].1.link,
    };
    let mut chain = Chain::at(LinkKey::new(&key(9), Trail::Accesses), before);
    let forged = record(7).to_json();
    let frame = segment::seal_frame(&mut chain, &header.sealer(&keys), 6, &[&forged]);
    world.tamper(1, |bytes| bytes.extend_from_slice(&frame));
    assert_eq!(world.findings(), [Finding::Forged { from: 6, to: 6 }]);
}

#[tokio::test]
async fn a_copied_frame_is_found() {
    let world = World::new();
    world.run(0..5).await;
    let ends = world.ends(1);
    world.tamper(1, |bytes| bytes.extend_from_within(ends[1]..ends[2]));
    let findings = world.findings();
    assert!(findings.contains(&Finding::Forged { from: 2, to: 2 }), "{findings:?}");
}

#[tokio::test]
async fn a_lost_or_spoilt_head_is_found_and_stays_found() {
    let world = World::new();
    world.run(0..5).await;
    fs::remove_file(world.head()).unwrap();
    assert_eq!(world.findings(), [Finding::HeadDamaged]);
    world.run(5..6).await;
    assert_eq!(world.findings(), [Finding::Restarted { from: 6, to: 6 }]);

    let mut head = fs::read(world.head()).unwrap();
    head[20] ^= 1;
    fs::write(world.head(), head).unwrap();
    assert!(world.findings().contains(&Finding::HeadDamaged));
    world.run(6..7).await;
    assert_eq!(world.findings().len(), 2, "{:?}", world.findings());
}

#[tokio::test]
async fn another_key_and_damage_are_told_by_segment() {
    let world = World::new();
    world.run(0..5).await;
    world.run(5..6).await;
    let keys = AccessKeys {
        log: key(9),
        ..World::keys()
    };
    let report = verify_accesses(&world.place, &keys).unwrap();
    assert!(
        report.findings.contains(&Finding::UnknownKey { segment: 1 }),
        "{:?}",
        report.findings
    );

    let ends = world.ends(1);
    world.tamper(1, |bytes| bytes[ends[2]..ends[2] + 4].fill(0xff));
    let findings = world.findings();
    let offset = ends[2] as u64;
    assert!(
        findings.contains(&Finding::Unreadable { segment: 1, offset }),
        "{findings:?}"
    );
    assert!(findings.contains(&Finding::Missing { from: 3, to: 5 }), "{findings:?}");

    world.tamper(1, |bytes| bytes[70] ^= 1);
    let findings = world.findings();
    assert!(findings.contains(&Finding::UnknownKey { segment: 1 }), "{findings:?}");
    world.tamper(1, Vec::clear);
    assert!(!world.verify().is_clean());
}

#[tokio::test]
async fn any_flipped_byte_is_found() {
    let world = World::new();
    world.run(0..4).await;
    let good = fs::read(world.segment(1)).unwrap();
    for at in 0..good.len() {
        world.tamper(1, |bytes| bytes[at] ^= 0x41);
        assert!(!world.verify().is_clean(), "byte {at}");
        fs::write(world.segment(1), &good).unwrap();
    }
    assert!(world.verify().is_clean());
}

#[tokio::test]
async fn a_closed_log_refuses_and_a_huge_record_too() {
    let world = World::new();
    let log = world.open();
    let huge = Record::success(
        &fakes::cx(TenantId::from_uuid(uuid::Uuid::nil()), Timestamp::from_secs(0)),
        "fhir.read",
        "x".repeat(70_000),
    );
    assert!(matches!(log.record(&huge).await, Err(StoreError::Inconsistent(_))));
    log.close().await.unwrap();
    log.close().await.unwrap();
    assert!(matches!(
        log.record(&record(1)).await,
        Err(StoreError::Unavailable(None))
    ));
}

/// A disk with so many bytes left; writing beyond it keeps what fits.
#[derive(Clone)]
struct SmallDisk {
    left: Arc<AtomicU64>,
    truncates: bool,
}

struct SmallFile {
    file: fs::File,
    disk: SmallDisk,
}

impl Disk for SmallDisk {
    fn create(&self, path: &std::path::Path) -> io::Result<Box<dyn Media>> {
        let file = fs::File::create_new(path)?;
        let disk = self.clone();
        Ok(Box::new(SmallFile { file, disk }))
    }
}

impl Media for SmallFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let end = offset + bytes.len() as u64;
        let grows = end.saturating_sub(self.file.metadata()?.len());
        let left = self.disk.left.load(Ordering::SeqCst);
        let fits = bytes.len() - grows.saturating_sub(left) as usize;
        self.disk.left.store(left.saturating_sub(grows), Ordering::SeqCst);
        self.file.write_at(&bytes[..fits], offset)?;
        if fits < bytes.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        if !self.disk.truncates {
            return Err(io::Error::other("this disk is in trouble"));
        }
        let freed = self.file.metadata()?.len().saturating_sub(len);
        self.disk.left.fetch_add(freed, Ordering::SeqCst);
        self.file.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

#[tokio::test]
async fn a_full_disk_refuses_and_recovers_by_itself() {
    for reserve in [0, 8 << 10] {
        let mut world = World::new();
        world.limits.reserve = reserve;
        let disk = SmallDisk {
            left: Arc::new(AtomicU64::new(3000)),
            truncates: true,
        };
        let log = world.open_on(Box::new(disk.clone()));
        let mut kept = Vec::new();
        for n in 0..20 {
            match log.record(&record(n)).await {
                Ok(()) => kept.push(record(n).object),
                Err(error) => assert!(matches!(error, StoreError::Full(_)), "{error}"),
            }
        }
        assert!((3..20).contains(&kept.len()), "{} fit", kept.len());
        disk.left.store(1 << 20, Ordering::SeqCst);
        for n in 20..25 {
            log.record(&record(n)).await.unwrap();
            kept.push(record(n).object);
        }
        log.close().await.unwrap();
        assert_eq!(world.objects(), kept);
        assert!(world.verify().is_clean(), "{:?}", world.findings());
    }
}

#[tokio::test]
async fn a_disk_without_room_for_a_header_gets_no_files() {
    let world = World::new();
    let disk = SmallDisk {
        left: Arc::new(AtomicU64::new(100)),
        truncates: true,
    };
    let log = world.open_on(Box::new(disk));
    for n in 0..5 {
        assert!(matches!(log.record(&record(n)).await, Err(StoreError::Full(_))));
    }
    assert_eq!(fs::read_dir(&world.place.directory).unwrap().count(), 0);
    log.close().await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_undone_stops_the_log() {
    let world = World::new();
    let disk = SmallDisk {
        left: Arc::new(AtomicU64::new(1200)),
        truncates: false,
    };
    let log = world.open_on(Box::new(disk.clone()));
    let mut kept = 0;
    while log.record(&record(kept)).await.is_ok() {
        kept += 1;
    }
    disk.left.store(1 << 20, Ordering::SeqCst);
    let refused = log.record(&record(99)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    drop(log);
    assert_eq!(world.objects(), objects(0..kept));
    assert!(world.verify().is_clean(), "{:?}", world.findings());
    world.run(kept..kept + 2).await;
    assert_eq!(world.objects(), objects(0..kept + 2));
}

/// A disk that is full until the reserve is given back; of several logs each finds that out before one of them gives it back.
#[derive(Clone)]
struct FullDisk {
    reserve: Arc<Reserve>,
    all: Arc<std::sync::Barrier>,
}

struct FullFile {
    file: fs::File,
    disk: FullDisk,
}

impl Disk for FullDisk {
    fn create(&self, path: &std::path::Path) -> io::Result<Box<dyn Media>> {
        let file = fs::File::create_new(path)?;
        let disk = self.clone();
        Ok(Box::new(FullFile { file, disk }))
    }
}

impl Media for FullFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.disk.reserve.is_released() {
            return Media::write_at(&self.file, bytes, offset);
        }
        self.disk.all.wait();
        Err(io::ErrorKind::StorageFull.into())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        Media::set_len(&self.file, len)
    }

    fn sync(&self) -> io::Result<()> {
        Media::sync(&self.file)
    }
}

#[tokio::test]
async fn each_of_several_logs_goes_on_in_the_space_that_one_gives_back() {
    let dir = tempfile::tempdir().unwrap();
    let reserve = Reserve::keep(dir.path().join("reserve"), 1 << 20).unwrap();
    let disk = FullDisk {
        reserve: reserve.clone(),
        all: Arc::new(std::sync::Barrier::new(3)),
    };
    let worlds = [World::new(), World::new(), World::new()];
    let logs = worlds.each_ref().map(|world| world.open_on(Box::new(disk.clone())));
    for log in &logs {
        log.set_reserve(reserve.clone()).unwrap();
    }
    let first = record(0);
    let answers = join_all(logs.iter().map(|log| log.record(&first))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    for (log, world) in logs.iter().zip(&worlds) {
        log.close().await.unwrap();
        assert_eq!(world.objects(), objects(0..1));
        assert!(world.verify().is_clean(), "{:?}", world.findings());
    }
}

/// A disk on which nothing moves until the test says so.
struct SlowDisk(Arc<Mutex<()>>);

struct SlowFile(fs::File, Arc<Mutex<()>>);

impl Disk for SlowDisk {
    fn create(&self, path: &std::path::Path) -> io::Result<Box<dyn Media>> {
        Ok(Box::new(SlowFile(fs::File::create_new(path)?, self.0.clone())))
    }
}

impl Media for SlowFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let _turn = self.1.lock();
        Media::write_at(&self.0, bytes, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        Media::set_len(&self.0, len)
    }

    fn sync(&self) -> io::Result<()> {
        Media::sync(&self.0)
    }
}

#[tokio::test]
async fn a_full_queue_refuses() {
    let mut world = World::new();
    world.limits.queue = 4;
    let turn = Arc::new(Mutex::new(()));
    let log = world.open_on(Box::new(SlowDisk(turn.clone())));
    let records: Vec<_> = (0..20).map(record).collect();
    let answers = {
        let held = turn.lock();
        let mut waiting: Vec<_> = records.iter().map(|record| Box::pin(log.record(record))).collect();
        let first = waiting
            .iter_mut()
            .map(|one| futures_util::FutureExt::now_or_never(one.as_mut()));
        let refused = first
            .flatten()
            .filter(|answer| matches!(answer, Err(StoreError::Busy)))
            .count();
        assert!(refused >= 20 - 4 - 5, "{refused} refused");
        drop(held);
        refused
    };
    log.close().await.unwrap();
    let kept = world.objects().len();
    assert_eq!(kept + answers, 20, "each was either refused or written");
    assert!(world.verify().is_clean());
}

#[tokio::test]
async fn a_log_goes_on_under_another_key_and_the_one_before_opens_what_is_there() {
    let world = World::new();
    let log = world.open();
    log.record(&record(1)).await.unwrap();
    let renewed = AccessKeys {
        log: key(7),
        retired: vec![key(2)],
        ..World::keys()
    };
    log.renew(renewed.clone()).await.unwrap();
    log.record(&record(2)).await.unwrap();
    log.close().await.unwrap();
    let report = verify_accesses(&world.place, &renewed).unwrap();
    assert!(report.is_clean(), "{report:?}");
    assert_eq!(report.entries, 2);
    let read = AccessRecords::open(world.place.clone(), &renewed).unwrap();
    assert_eq!(read.map(|found| found.unwrap().0).collect::<Vec<_>>(), [1, 2]);
    let new_alone = AccessKeys {
        retired: Vec::new(),
        ..renewed
    };
    let old_alone = verify_accesses(&world.place, &World::keys()).unwrap();
    let new_alone = verify_accesses(&world.place, &new_alone).unwrap();
    for (report, segment) in [(old_alone, 2), (new_alone, 1)] {
        assert!(report.findings.contains(&Finding::UnknownKey { segment }), "{report:?}");
    }
}
