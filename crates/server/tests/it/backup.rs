//! `hygie backup` beside the live process, `hygie restore` where its data were lost.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use hygie_server::serve::Running;

use crate::installation::Installation;

fn command(installation: &Installation, command: &str, dir: Option<&Path>) -> Command {
    let mut hygie = Command::new(env!("CARGO_BIN_EXE_hygie"));
    hygie.arg(command).arg("--config").arg(installation.path("hygie.toml"));
    hygie.args(dir).stdout(Stdio::piped()).stderr(Stdio::piped());
    hygie
}

fn outcome(Output { status, stdout, stderr }: Output) -> (Option<i32>, String) {
    let said = [stdout, stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    (status.code(), said.concat())
}

fn hygie(installation: &Installation, name: &str, dir: Option<&Path>) -> (Option<i32>, String) {
    outcome(command(installation, name, dir).output().expect("it runs"))
}

async fn start(installation: &Installation) -> Running {
    let running = Running::start(&installation.config()).await;
    running.unwrap_or_else(|failure| panic!("{failure}"))
}

async fn stop(running: Running) {
    running.stop().await.unwrap_or_else(|failure| panic!("{failure}"));
}

/// Names of the files below a directory, without those of a live process.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            let below = files(&path).into_iter();
            found.extend(below.map(|file| Path::new(path.file_name().expect("a name")).join(file)));
        } else if path.file_name().is_some_and(|name| name == "reserve") {
            // Space, and nothing in it.
        } else if !["lock", "db-wal", "db-shm"]
            .iter()
            .any(|end| path.extension().is_some_and(|it| it == *end))
        {
            found.push(path.file_name().expect("a name").into());
        }
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_live_installation_takes_its_place() {
    let installation = Installation::new();
    let running = start(&installation).await;
    let (data, copy) = (installation.path("srv/data"), installation.path("copy"));
    let (status, said) = hygie(&installation, "backup", Some(&copy));
    assert_eq!(status, Some(0), "{said}");
    assert!(
        said.contains("directory: database ") && said.contains("copy: complete"),
        "{said}"
    );
    assert_eq!(files(&copy), files(&data), "everything is there, and nothing else");
    fs::write(copy.join("of-the-first"), "x").expect("written");
    let (status, said) = hygie(&installation, "backup", Some(&copy));
    assert_eq!(status, Some(0), "a second copy takes the place of the first: {said}");
    assert_eq!(files(&copy), files(&data));
    for end in ["new", "old"] {
        assert!(!copy.with_extension(end).exists(), "nothing is left beside it");
    }
    let (status, said) = hygie(&installation, "backup", Some(&installation.path("keys")));
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("is not empty"), "somebody's files are left alone: {said}");
    let (status, said) = hygie(&installation, "restore", Some(&copy));
    assert_eq!(status, Some(2), "over data that are there: {said}");
    stop(running).await;

    let authority = fs::read(data.join("ca.pem")).expect("the local authority");
    fs::remove_dir_all(&data).expect("lost");
    let (status, said) = hygie(&installation, "restore", Some(&copy));
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(files(&data), files(&copy));
    assert!(!installation.path("srv/data.restoring").exists());
    let running = start(&installation).await;
    stop(running).await;
    assert_eq!(fs::read(data.join("ca.pem")).expect("the local authority"), authority);
    let (status, said) = hygie(&installation, "verify", None);
    assert_eq!(status, Some(0), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_copy_is_not_restored() {
    let installation = Installation::new();
    stop(start(&installation).await).await;
    let (data, copy) = (installation.path("srv/data"), installation.path("copy"));
    assert_eq!(hygie(&installation, "backup", Some(&copy)).0, Some(0));
    fs::remove_dir_all(&data).expect("lost");
    fs::create_dir(&data).expect("an empty one");
    let database = copy.join("directory.db");
    let whole = fs::read(&database).expect("the database");
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    fs::write(&database, damaged).expect("damaged");
    let (status, said) = hygie(&installation, "restore", Some(&copy));
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("directory: ") && said.contains("NOT CLEAN"), "{said}");
    assert!(files(&data).is_empty(), "nothing is put in place");

    fs::remove_file(&database).expect("removed");
    let (status, said) = hygie(&installation, "restore", Some(&copy));
    assert_eq!(status, Some(1), "{said}");
    fs::write(&database, whole).expect("mended");
    let (status, said) = hygie(&installation, "restore", Some(&copy));
    assert_eq!(status, Some(0), "{said}");

    let (status, said) = hygie(&installation, "restore", Some(&installation.path("keys")));
    assert_eq!(status, Some(2), "no backup: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_backups_do_not_share_a_directory() {
    let installation = Installation::new();
    stop(start(&installation).await).await;
    let (data, copy) = (installation.path("srv/data"), installation.path("copy"));
    // As a rotation that removes what it has replaced: a backup that has its directory waits for it.
    let rotation = File::create(data.join("readers.lock")).expect("a file");
    rotation.lock().expect("nobody reads");
    let mut both: Vec<Child> = (0..2)
        .map(|_| command(&installation, "backup", Some(&copy)).spawn().expect("it runs"))
        .collect();
    let mut tries = 400;
    let refused = loop {
        let ended = both
            .iter_mut()
            .position(|one| one.try_wait().expect("a child").is_some());
        tries -= 1;
        if ended.is_some() || tries == 0 {
            break ended;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    drop(rotation);
    let refused = both.remove(refused.expect("one is refused while the other has the directory"));
    let (status, said) = outcome(refused.wait_with_output().expect("its end"));
    assert_eq!(status, Some(2), "{said}");
    assert!(
        said.contains("another backup to ") && said.contains("goes on"),
        "{said}"
    );
    let (status, said) = outcome(both.remove(0).wait_with_output().expect("its end"));
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(files(&copy), files(&data), "one copied everything");
    let (status, said) = hygie(&installation, "backup", Some(&copy));
    assert_eq!(status, Some(0), "when nobody copies: {said}");
}
