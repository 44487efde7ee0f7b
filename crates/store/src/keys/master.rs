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
use super::{KEY_LEN, KeyError, KeyProvider, Purpose};
use crate::files;

/// Longest file or value that is read as a key: 64 digits and some space around them.
const MAX_TEXT: u64 = 1024;

/// A 256-bit master key in memory. Data keys are wrapped with AES-256-GCM under a random nonce, with the purpose as
/// associated data.
pub struct MasterKey {
    id: String,
    sealer: Sealer,
    random: Arc<dyn Random>,
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
        Ok(Self::new(&key, random))
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
        Ok(Self::new(&key, random))
    }

    fn new(key: &[u8; KEY_LEN], random: Arc<dyn Random>) -> Self {
        let name = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), b"hygie master key id");
        Self {
            id: hex(&name.as_ref()[..8]),
            sealer: Sealer::new(key),
            random,
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
}

/// Whether the file of a master key lies beside the data it protects: in the data directory, at any depth, or right
/// next to it. Whoever takes a copy of the data would take the key along. Links are followed on both sides.
pub fn lies_beside(master_key: &Path, data: &Path) -> io::Result<bool> {
    let data = fs::canonicalize(data)?;
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
    }
}
