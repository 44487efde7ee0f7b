//! A master key that this process holds itself, from a file or from a value.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use hygie_core::{Random, Secret, random_array};
use zeroize::Zeroizing;

use super::seal::{NONCE_LEN, Sealer, TAG_LEN};
use super::{KEY_LEN, KeyError, KeyProvider, Keyring, Purpose};
use crate::files;

/// Longest file or value that is read as a key: 64 digits and some space around them.
const MAX_TEXT: u64 = 1024;

/// A 256-bit master key in memory. Data keys are wrapped with AES-256-GCM under a random nonce, with the purpose as
/// associated data.
pub struct MasterKey {
    id: String,
    sealer: Sealer,
    random: Arc<dyn Random>,
    /// The file it came from.
    file: Option<PathBuf>,
}

impl MasterKey {
    /// From the value of an environment variable or of another place, named `origin` in errors.
    pub fn from_text(text: &Secret<String>, origin: &str, random: Arc<dyn Random>) -> Result<Self, KeyError> {
        let key = parse(text.expose()).ok_or_else(|| KeyError::NotAKey(origin.to_owned()))?;
        Ok(Self::new(&key, random))
    }

    /// From a file, which only its owner may read or write.
    pub fn from_file(path: &Path, random: Arc<dyn Random>) -> Result<Self, KeyError> {
        let failed = |source| KeyError::File {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed {
                path: path.to_owned(),
                mode,
            });
        }
        let mut text = Zeroizing::new(String::new());
        match file.take(MAX_TEXT).read_to_string(&mut text) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::InvalidData => text.clear(),
            Err(error) => return Err(failed(error)),
        }
        let key = parse(&text).ok_or_else(|| KeyError::NotAKey(path.display().to_string()))?;
        Ok(Self::new(&key, random).of_file(path))
    }

    /// A new random master key, written to a file that must not exist yet.
    pub fn create_file(path: &Path, random: Arc<dyn Random>) -> Result<Self, KeyError> {
        let key = Zeroizing::new(random_array::<KEY_LEN>(&*random));
        let mut text = Zeroizing::new(hex(&*key));
        text.push('\n');
        files::create(path, text.as_bytes()).map_err(|source| KeyError::File {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self::new(&key, random).of_file(path))
    }

    fn of_file(self, path: &Path) -> Self {
        Self {
            file: Some(path.to_owned()),
            ..self
        }
    }

    fn new(key: &[u8; KEY_LEN], random: Arc<dyn Random>) -> Self {
        let name = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), b"hygie master key id");
        Self {
            id: hex(&name.as_ref()[..8]),
            sealer: Sealer::new(key),
            random,
            file: None,
        }
    }
}

impl KeyProvider for MasterKey {
    fn id(&self) -> &str {
        &self.id
    }

    fn wrap_key(&self, purpose: &Purpose, key: &Secret<[u8; KEY_LEN]>) -> Result<Vec<u8>, KeyError> {
        let nonce = random_array::<NONCE_LEN>(&*self.random);
        // Room for the tag from the start: growing would leave a copy of the clear key behind.
        let mut sealed = Vec::with_capacity(KEY_LEN + TAG_LEN);
        sealed.extend_from_slice(key.expose());
        self.sealer.seal(nonce, purpose.as_str().as_bytes(), &mut sealed);
        Ok([nonce.as_slice(), &sealed].concat())
    }

    fn unwrap_key(&self, purpose: &Purpose, wrapped: &[u8]) -> Result<Secret<[u8; KEY_LEN]>, KeyError> {
        let altered = || KeyError::Altered(purpose.clone());
        let (nonce, sealed) = wrapped.split_first_chunk::<NONCE_LEN>().ok_or_else(altered)?;
        let mut bytes = Zeroizing::new(sealed.to_vec());
        let key = self
            .sealer
            .open(*nonce, purpose.as_str().as_bytes(), &mut bytes)
            .and_then(|plain| <[u8; KEY_LEN]>::try_from(plain).ok());
        key.map(Secret::new).ok_or_else(altered)
    }

    fn other(&self, id: &str) -> Option<Arc<dyn KeyProvider>> {
        let file = self.file.as_ref()?;
        let places = [file.clone(), beside(file, "new"), beside(file, id)];
        let found = places
            .iter()
            .filter_map(|place| Self::from_file(place, self.random.clone()).ok());
        // What was read from a place beside it belongs to the file all the same.
        let mut found = found.map(|key| key.of_file(file));
        found
            .find(|key| key.id == id)
            .map(|key| Arc::new(key) as Arc<dyn KeyProvider>)
    }

    fn settle(&self) -> Result<(), KeyError> {
        self.file.as_ref().map_or(Ok(()), |file| put_in_place(file, &self.id))
    }
}

/// Replaces the master key in a file by a new random one or by a given one, and wraps all data keys with it. The old one
/// stays beside it as `FILE.ID`: backups made before open with nothing else.
///
/// In this order, each step durable: the old key kept, the new key as `FILE.new`, all data keys wrapped with it at once, the
/// new one put in its place. A crash before the third leaves the old key in force; after it, [`MasterKey`] finds the new one
/// beside its file, and whoever opens the keyring next completes the change. Installations may have one file in common:
/// one at a time changes it, and no key is ever removed.
pub fn replace_master_file(
    keyring: &Keyring,
    file: &Path,
    given: Option<&Path>,
    random: &Arc<dyn Random>,
) -> Result<(), KeyError> {
    let _alone = lock_beside(file)?;
    settle_alone(keyring, file)?;
    // First of all: where it cannot be kept it cannot be replaced either, and nothing is wrapped yet.
    if given.and_then(id_in) != id_in(file) {
        keep(file)?;
    }
    let new = beside(file, "new");
    let master = match given {
        Some(given) => take_given(given, file, &new, random)?,
        None => MasterKey::create_file(&new, random.clone())?,
    };
    let master = master.of_file(file);
    keyring.rewrap(&(Arc::new(master) as Arc<dyn KeyProvider>))?;
    settle_alone(keyring, file)?;
    if MasterKey::from_file(file, random.clone())?.id != keyring.master() {
        return Err(KeyError::Misplaced {
            path: file.to_owned(),
            wanted: keyring.master(),
        });
    }
    Ok(())
}

/// The key in the file `given`, copied to the place of the new one unless it is in its place already.
fn take_given(given: &Path, file: &Path, new: &Path, random: &Arc<dyn Random>) -> Result<MasterKey, KeyError> {
    let master = MasterKey::from_file(given, random.clone())?;
    if MasterKey::from_file(file, random.clone())?.id != master.id {
        let copied = fs::read(given).map(Zeroizing::new);
        copied
            .and_then(|text| files::create(new, &text))
            .map_err(|source| at(new, source))?;
    }
    Ok(master)
}

/// Completes a change of the master key in this file that was cut short, or puts the new key aside that wrapped nothing.
pub fn settle_master_file(keyring: &Keyring, file: &Path) -> Result<(), KeyError> {
    let _alone = lock_beside(file)?;
    settle_alone(keyring, file)
}

fn settle_alone(keyring: &Keyring, file: &Path) -> Result<(), KeyError> {
    put_in_place(file, &keyring.master())?;
    // What is still there wraps nothing of ours. It may be of others who have this file.
    let new = beside(file, "new");
    let Some(id) = id_in(&new) else { return Ok(()) };
    fs::rename(&new, beside(file, &id)).map_err(|source| at(&new, source))?;
    files::sync_directory_of(file).map_err(|source| at(file, source))
}

/// Puts the new key in its place, when it is the one in force; the one before is kept.
fn put_in_place(file: &Path, in_force: &str) -> Result<(), KeyError> {
    let new = beside(file, "new");
    if id_in(&new).as_deref() != Some(in_force) {
        return Ok(());
    }
    keep(file)?;
    match fs::rename(&new, file) {
        // Another process was faster.
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(file, error)),
        _ => files::sync_directory_of(file).map_err(|source| at(file, source)),
    }
}

/// Keeps the key of this file as `FILE.ID`, too.
fn keep(file: &Path) -> Result<(), KeyError> {
    let Some(id) = id_in(file) else { return Ok(()) };
    match fs::hard_link(file, beside(file, &id)) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(at(file, error)),
        _ => files::sync_directory_of(file).map_err(|source| at(file, source)),
    }
}

/// Keeps others from changing the master key in this file until it is dropped.
fn lock_beside(file: &Path) -> Result<File, KeyError> {
    let path = beside(file, "lock");
    let open = files::private().create(true).truncate(false).write(true).open(&path);
    let locked = open.and_then(|lock| lock.lock().map(|()| lock));
    locked.map_err(|source| at(&path, source))
}

/// The id of the key in a file, if there is one.
fn id_in(file: &Path) -> Option<String> {
    MasterKey::from_file(file, Arc::new(Unused)).ok().map(|key| key.id)
}

fn at(path: &Path, source: io::Error) -> KeyError {
    KeyError::File {
        path: path.to_owned(),
        source,
    }
}

/// For keys that wrap nothing.
struct Unused;

impl Random for Unused {
    fn fill(&self, _bytes: &mut [u8]) {
        unreachable!("a key that is only compared by its id")
    }
}

fn beside(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(end);
    PathBuf::from(name)
}

/// Whether the file of a master key lies beside the data it protects: in the data directory, at any depth, or right
/// next to it. Whoever takes a copy of the data would take the key along. Links are followed on both sides.
pub fn lies_beside(master_key: &Path, data: &Path) -> io::Result<bool> {
    // Before the first start it is not there yet; it will be where its parent is.
    let data = match fs::canonicalize(data).or_else(|_| in_real_directory(data)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        found => found?,
    };
    let is_beside = |file: &Path| file.starts_with(&data) || file.parent() == data.parent();
    Ok(is_beside(&fs::canonicalize(master_key)?) || is_beside(&in_real_directory(master_key)?))
}

/// The path itself, a link or not, in its directory as it really is.
fn in_real_directory(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => Ok(fs::canonicalize(parent)?.join(name)),
        _ => Ok(path),
    }
}

fn parse(text: &str) -> Option<Zeroizing<[u8; KEY_LEN]>> {
    let text = text.trim();
    let bytes = Zeroizing::new(if text.len() == 2 * KEY_LEN {
        unhex(text)?
    } else {
        let engines = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE_NO_PAD];
        engines.iter().find_map(|engine| engine.decode(text).ok())?
    });
    <[u8; KEY_LEN]>::try_from(bytes.as_slice()).ok().map(Zeroizing::new)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| char::from(c).to_digit(16).map(|d| d as u8);
    let pairs = text.as_bytes().chunks_exact(2);
    pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

fn hex(bytes: &[u8]) -> String {
    // All the room at once: growing would leave copies behind.
    let mut text = String::with_capacity(2 * bytes.len() + 1);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("writing to a string does not fail");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::fakes::SeededRandom;

    fn random() -> Arc<dyn Random> {
        Arc::new(SeededRandom::new(1))
    }

    #[test]
    fn keys_are_read_as_hex_and_base64() {
        let hex = "00".repeat(31) + "Ff";
        let texts = [
            hex.clone(),
            format!(" {hex}\n"),
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAP8=".to_owned(),
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAP8".to_owned(),
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAP8\r\n".to_owned(),
        ];
        let read = |text: &str| MasterKey::from_text(&text.to_owned().into(), "test", random());
        let id = read(&hex).unwrap().id;
        assert_eq!(id.len(), 16);
        for text in texts {
            assert_eq!(read(&text).unwrap().id, id, "{text:?}");
        }
        for text in [
            "",
            "abc",
            &hex[1..],
            &format!("{hex}00"),
            &"g0".repeat(32),
            &"é".repeat(32),
        ] {
            assert!(matches!(read(text), Err(KeyError::NotAKey(_))), "{text:?}");
        }
    }

    #[test]
    fn a_file_is_created_once_and_must_be_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("master.key");
        let made = MasterKey::create_file(&path, random()).unwrap();
        assert!(
            MasterKey::create_file(&path, random()).is_err(),
            "a key is never overwritten"
        );
        assert_eq!(MasterKey::from_file(&path, random()).unwrap().id, made.id);
        for mode in [0o640, 0o604, 0o660, 0o620] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let refused = MasterKey::from_file(&path, random()).err().expect("others may read it");
            assert!(
                matches!(refused, KeyError::Exposed { mode: seen, .. } if seen == mode),
                "{refused}"
            );
        }
        fs::write(&path, [0xff; 40]).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert!(matches!(
            MasterKey::from_file(&path, random()),
            Err(KeyError::NotAKey(_))
        ));
    }

    #[test]
    fn a_wrapped_key_opens_for_its_purpose_only() {
        let master = MasterKey::from_text(&"11".repeat(32).into(), "test", random()).unwrap();
        let other = MasterKey::from_text(&"12".repeat(32).into(), "test", random()).unwrap();
        let purpose = Purpose::database("directory");
        let mut wrapped = master.wrap_key(&purpose, &Secret::new([7; 32])).unwrap();
        assert_eq!(*master.unwrap_key(&purpose, &wrapped).unwrap().expose(), [7; 32]);
        assert!(master.unwrap_key(&Purpose::heads(), &wrapped).is_err());
        assert!(other.unwrap_key(&purpose, &wrapped).is_err());
        assert!(master.unwrap_key(&purpose, &wrapped[..11]).is_err());
        wrapped[20] ^= 1;
        assert!(matches!(
            master.unwrap_key(&purpose, &wrapped),
            Err(KeyError::Altered(_))
        ));
    }

    #[test]
    fn a_key_beside_the_data_is_seen_through_links() {
        let dir = tempfile::tempdir().unwrap();
        let (data, elsewhere) = (dir.path().join("srv/data"), dir.path().join("etc"));
        fs::create_dir_all(data.join("deep")).unwrap();
        fs::create_dir_all(&elsewhere).unwrap();
        let at = |path: PathBuf| {
            fs::write(&path, "key").unwrap();
            lies_beside(&path, &data).unwrap()
        };
        assert!(at(data.join("master.key")));
        assert!(at(data.join("deep/master.key")));
        assert!(at(dir.path().join("srv/master.key")));
        assert!(!at(elsewhere.join("master.key")));
        symlink(data.join("master.key"), elsewhere.join("link")).unwrap();
        assert!(
            lies_beside(&elsewhere.join("link"), &data).unwrap(),
            "a link to a key in the data"
        );
        symlink(elsewhere.join("master.key"), data.join("link")).unwrap();
        assert!(lies_beside(&data.join("link"), &data).unwrap(), "a link in the data");
        symlink(&data, elsewhere.join("data")).unwrap();
        assert!(lies_beside(&elsewhere.join("data/master.key"), &data).unwrap());
        assert!(lies_beside(&data.join("master.key"), &elsewhere.join("data")).unwrap());
        assert!(lies_beside(&elsewhere.join("absent"), &data).is_err());
        let later = data.join("later");
        assert!(
            lies_beside(&data.join("master.key"), &later).unwrap(),
            "right next to where it will be"
        );
        assert!(!lies_beside(&elsewhere.join("data/master.key"), &later.join("and/later")).unwrap());
    }

    #[test]
    fn the_master_key_of_a_file_is_replaced_whatever_stops_it() {
        use crate::fakes::FixedClock;
        use hygie_core::Timestamp;

        // How far a change came: the new key made, the data keys wrapped, the old key kept, the new one in its place.
        for step in 0..=4 {
            let dir = tempfile::tempdir().unwrap();
            let (file, ring) = (dir.path().join("master.key"), dir.path().join("keys.json"));
            let first = MasterKey::create_file(&file, random()).unwrap();
            let old = first.id.clone();
            let clock = || Arc::new(FixedClock::new(Timestamp::from_secs(1)));
            let open = || {
                let master = Arc::new(MasterKey::from_file(&file, random()).unwrap());
                Keyring::open(&ring, master, clock(), random())
            };
            let keyring = open().unwrap();
            let data = keyring.get_or_create(&Purpose::heads()).unwrap();
            let new = beside(&file, "new");
            let later: Arc<dyn Random> = Arc::new(SeededRandom::new(2));
            if step == 4 {
                replace_master_file(&keyring, &file, None, &later).unwrap();
            } else {
                if step > 0 {
                    let made = MasterKey::create_file(&new, later.clone()).unwrap().of_file(&file);
                    if step > 1 {
                        keyring.rewrap(&(Arc::new(made) as Arc<dyn KeyProvider>)).unwrap();
                    }
                }
                if step > 2 {
                    fs::hard_link(&file, beside(&file, &old)).unwrap();
                }
            }
            // Who opens it now finds the key that is in force, and completes the change or takes it back.
            let opened = open().unwrap_or_else(|error| panic!("step {step}: {error}"));
            assert_eq!(opened.get(&Purpose::heads()).unwrap().key.expose(), data.key.expose());
            assert_eq!(new.exists(), step == 1, "step {step}: completed when it is opened");
            settle_master_file(&opened, &file).unwrap();
            assert!(!new.exists(), "step {step}");
            let now = MasterKey::from_file(&file, random()).unwrap().id;
            assert_eq!(now == old, step < 2, "step {step}");
            assert_eq!(opened.master(), now);
            if step >= 2 {
                let kept = MasterKey::from_file(&beside(&file, &old), random()).unwrap();
                assert_eq!(kept.id, old, "for backups made before");
            }
            // A process that was there before makes keys under the new one.
            keyring.get_or_create(&Purpose::database("later")).unwrap();
            assert_eq!(open().unwrap().list().len(), 2, "step {step}");
        }
    }

    #[test]
    fn a_given_master_key_is_taken_and_a_kept_one_opens_what_is_from_before() {
        use crate::fakes::FixedClock;
        use hygie_core::Timestamp;

        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("master.key");
        let first = MasterKey::create_file(&file, random()).unwrap();
        let open = |ring: &str| {
            let clock = Arc::new(FixedClock::new(Timestamp::from_secs(1)));
            let master = Arc::new(MasterKey::from_file(&file, random()).unwrap());
            Keyring::open(dir.path().join(ring), master, clock, random())
        };
        // Two processes with one file; the second one, and a backup of the first, are from before.
        let (one, two) = (open("one.json").unwrap(), open("two.json").unwrap());
        for ring in [&one, &two] {
            ring.get_or_create(&Purpose::heads()).unwrap();
        }
        fs::copy(dir.path().join("one.json"), dir.path().join("backup.json")).unwrap();
        let given = dir.path().join("given.key");
        let later: Arc<dyn Random> = Arc::new(SeededRandom::new(2));
        let new = MasterKey::create_file(&given, later.clone()).unwrap();
        replace_master_file(&one, &file, Some(&given), &later).unwrap();
        assert_eq!(
            (one.master(), open("one.json").unwrap().master()),
            (new.id.clone(), new.id.clone())
        );
        assert_eq!(MasterKey::from_file(&file, random()).unwrap().id, new.id);
        assert_eq!(
            open("backup.json").unwrap().master(),
            first.id,
            "the old one is kept beside it"
        );
        let two = open("two.json").unwrap();
        assert_eq!(two.master(), first.id);
        replace_master_file(&two, &file, Some(&file), &later).unwrap();
        assert_eq!(
            (two.master(), open("two.json").unwrap().master()),
            (new.id.clone(), new.id)
        );
        assert!(!beside(&file, "new").exists());
    }

    #[test]
    fn a_change_that_was_cut_short_is_not_undone_by_another_with_the_same_file() {
        use crate::fakes::FixedClock;
        use hygie_core::Timestamp;

        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("master.key");
        MasterKey::create_file(&file, random()).unwrap();
        let open = |ring: &str| {
            let clock = Arc::new(FixedClock::new(Timestamp::from_secs(1)));
            let master = Arc::new(MasterKey::from_file(&file, random()).unwrap());
            Keyring::open(dir.path().join(ring), master, clock, random())
        };
        let (one, two) = (open("one.json").unwrap(), open("two.json").unwrap());
        let data = one.get_or_create(&Purpose::heads()).unwrap();
        two.get_or_create(&Purpose::heads()).unwrap();
        // One is killed when its keys are wrapped with the new master key, which is not in its place yet.
        let later: Arc<dyn Random> = Arc::new(SeededRandom::new(2));
        let new = MasterKey::create_file(&beside(&file, "new"), later)
            .unwrap()
            .of_file(&file);
        one.rewrap(&(Arc::new(new) as Arc<dyn KeyProvider>)).unwrap();
        let other: Arc<dyn Random> = Arc::new(SeededRandom::new(3));
        replace_master_file(&two, &file, None, &other).unwrap();
        assert_eq!(MasterKey::from_file(&file, random()).unwrap().id, two.master());
        let opened = open("one.json").unwrap();
        assert_eq!(opened.get(&Purpose::heads()).unwrap().key.expose(), data.key.expose());
    }
}
