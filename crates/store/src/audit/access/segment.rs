//! The format of a segment of the access log, all numbers big-endian.
//!
//! ```text
//! segment   header · frame* · zeros (space that is reserved)
//! header    "hygieal1" · segment u64 · first u64 · link before it 32 · audit key id 8 · log key id 8 · salt 32 · mac 32 · end
//! frame     length of sealed u32 · entries u32 · first u64 · counter u64 · sealed · link 32 · end
//! end       0xff
//! ```
//!
//! *sealed* is records as JSON lines under AES-256-GCM, with a key made from the log key and the salt of the segment, the
//! counter as nonce, and the link before it and the frame's own first 24 bytes as associated data. The *link* is that of
//! the chain over these 24 bytes and the sealed ones. A segment is written by one run of the program and a counter is
//! never used twice, so no nonce is: not after a crash, not after a write that failed. The *end* tells a write that was
//! cut short, which ends in the zeros that were there before.

use aws_lc_rs::hmac;
use hygie_core::Secret;

use crate::audit::chain::{Block, Chain, Link, LinkKey, Span, Tip};
use crate::keys::{DataKey, KEY_LEN, KeyId, NONCE_LEN, Sealer, TAG_LEN};

const MAGIC: &[u8; 8] = b"hygieal1";
const FIELDS_LEN: usize = 8 + 8 + 8 + 32 + 8 + 8 + SALT_LEN;
pub const SALT_LEN: usize = 32;
pub const HEADER_LEN: usize = FIELDS_LEN + 32 + 1;
const PREFIX_LEN: usize = 4 + 4 + 8 + 8;
const LINK_LEN: usize = 32;
const END: u8 = 0xff;

/// The largest frame that is written, and the largest that is read.
pub const MAX_FRAME: usize = 2 << 20;

/// What a frame adds to its records.
pub const FRAME_OVERHEAD: usize = PREFIX_LEN + TAG_LEN + LINK_LEN + 1;

/// The keys of a log.
#[derive(Clone)]
pub struct SegmentKeys {
    pub links: LinkKey,
    pub links_id: KeyId,
    pub log: DataKey,
    /// Open segments that were written under keys before it.
    pub retired: Vec<DataKey>,
}

impl SegmentKeys {
    fn log_key(&self, id: KeyId) -> Option<&DataKey> {
        std::iter::once(&self.log).chain(&self.retired).find(|key| key.id == id)
    }
}

/// The beginning of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub number: u64,
    /// The end of the chain before the first frame.
    pub before: Tip,
    pub links_id: KeyId,
    pub log_id: KeyId,
    pub salt: [u8; SALT_LEN],
}

impl Header {
    pub fn new(keys: &SegmentKeys, number: u64, before: Tip, salt: [u8; SALT_LEN]) -> Self {
        Self {
            number,
            before,
            links_id: keys.links_id,
            log_id: keys.log.id,
            salt,
        }
    }

    pub fn encode(&self, keys: &SegmentKeys) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        let first = (self.before.seq + 1).to_be_bytes();
        let parts: [&[u8]; 7] = [
            MAGIC,
            &self.number.to_be_bytes(),
            &first,
            &self.before.link,
            &self.links_id.0,
            &self.log_id.0,
            &self.salt,
        ];
        bytes[..FIELDS_LEN].copy_from_slice(&parts.concat());
        let mac = mac(keys, &bytes[..FIELDS_LEN]);
        bytes[FIELDS_LEN..HEADER_LEN - 1].copy_from_slice(&mac);
        bytes[HEADER_LEN - 1] = END;
        bytes
    }

    /// The key that seals the frames of this segment.
    pub fn sealer(&self, keys: &SegmentKeys) -> Sealer {
        let log = keys
            .log_key(self.log_id)
            .expect("a header is made or accepted with a known key");
        let root = hmac::Key::new(hmac::HMAC_SHA256, log.key.expose());
        let mut context = hmac::Context::with_key(&root);
        context.update(b"hygie access log segment");
        context.update(&self.salt);
        let derived = context.sign();
        let key = Secret::new(<[u8; KEY_LEN]>::try_from(derived.as_ref()).expect("SHA-256 has 32 bytes"));
        Sealer::new(key.expose())
    }

    fn decode(bytes: &[u8], keys: &SegmentKeys) -> Opened {
        let is_whole = |bytes: &&[u8; HEADER_LEN]| bytes.starts_with(MAGIC) && bytes.ends_with(&[END]);
        let Some(bytes) = bytes.first_chunk::<HEADER_LEN>().filter(is_whole) else {
            return Opened::Damaged;
        };
        let header = Self {
            number: number(bytes, 8),
            before: Tip {
                seq: number(bytes, 16).saturating_sub(1),
                link: array(bytes, 24),
            },
            links_id: KeyId(array(bytes, 56)),
            log_id: KeyId(array(bytes, 64)),
            salt: array(bytes, 72),
        };
        if header.links_id != keys.links_id || keys.log_key(header.log_id).is_none() {
            return Opened::UnknownKey;
        }
        let expected = mac(keys, &bytes[..FIELDS_LEN]);
        if aws_lc_rs::constant_time::verify_slices_are_equal(&expected, &bytes[FIELDS_LEN..HEADER_LEN - 1]).is_err() {
            return Opened::Damaged;
        }
        Opened::Valid(header)
    }
}

fn mac(keys: &SegmentKeys, fields: &[u8]) -> Link {
    keys.links.mac(&[b"access log segment header", fields])
}

/// What the header of a segment says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    Valid(Header),
    UnknownKey,
    /// Not there, or altered.
    Damaged,
}

/// A segment as it lies in its file.
pub struct Segment {
    pub header: Opened,
    /// Its frames, as they stand, with the offset after each.
    pub frames: Vec<(usize, Block)>,
    /// Where something stands that is not a frame: a write cut short, or damage.
    pub damage: Option<usize>,
    /// Whether nothing is in it at all: it was made, and never begun.
    pub is_blank: bool,
}

impl Segment {
    pub fn parse(bytes: &[u8], keys: &SegmentKeys) -> Self {
        let header = Header::decode(bytes, keys);
        let mut frames = Vec::new();
        let mut at = HEADER_LEN.min(bytes.len());
        let damage = loop {
            let rest = &bytes[at..];
            match parse_frame(rest) {
                Some((len, block)) => {
                    at += len;
                    frames.push((at, block));
                }
                None => break rest.iter().any(|byte| *byte != 0).then_some(at),
            }
        };
        let is_blank = frames.is_empty() && damage.is_none() && bytes.iter().take(HEADER_LEN).all(|byte| *byte == 0);
        Self {
            header,
            frames,
            damage,
            is_blank,
        }
    }

    /// The end of the chain before it, when the header is valid.
    pub fn before(&self) -> Option<Tip> {
        match &self.header {
            Opened::Valid(header) => Some(header.before),
            _ => None,
        }
    }
}

fn parse_frame(rest: &[u8]) -> Option<(usize, Block)> {
    let prefix = rest.first_chunk::<PREFIX_LEN>()?;
    let sealed = u32::from_be_bytes(array(prefix, 0)) as usize;
    let count = u32::from_be_bytes(array(prefix, 4));
    let first = number(prefix, 8);
    let covered = PREFIX_LEN + sealed;
    let len = covered + LINK_LEN + 1;
    let last = first.saturating_add(u64::from(count));
    if last > i64::MAX.cast_unsigned() {
        return None;
    }
    if sealed < TAG_LEN || len > MAX_FRAME || len > rest.len() || count == 0 || first == 0 {
        return None;
    }
    if rest[len - 1] != END {
        return None;
    }
    let block = Block {
        first,
        count: u64::from(count),
        link: array(rest, covered),
        content: rest[..covered].to_vec(),
        span: None,
    };
    Some((len, block))
}

/// The bytes of a frame that holds these records, which the chain then ends with.
pub fn seal_frame(chain: &mut Chain, sealer: &Sealer, counter: u64, records: &[&[u8]]) -> Vec<u8> {
    let before = chain.tip();
    let mut sealed = records.join(&b'\n');
    let count = u32::try_from(records.len()).expect("a frame holds few records");
    let len = u32::try_from(sealed.len() + TAG_LEN).expect("a frame is small");
    let mut frame = Vec::with_capacity(sealed.len() + FRAME_OVERHEAD);
    frame.extend_from_slice(&len.to_be_bytes());
    frame.extend_from_slice(&count.to_be_bytes());
    frame.extend_from_slice(&(before.seq + 1).to_be_bytes());
    frame.extend_from_slice(&counter.to_be_bytes());
    let bound = [&before.link, frame.as_slice()].concat();
    sealer.seal(nonce(counter), &bound, &mut sealed);
    frame.extend_from_slice(&sealed);
    let (_, link) = chain.extend(u64::from(count), &frame);
    frame.extend_from_slice(&link);
    frame.push(END);
    frame
}

/// The records of a frame as JSON lines; `None` when it was not sealed like that.
pub fn open_frame(sealer: &Sealer, before: &Link, block: &Block) -> Option<Vec<u8>> {
    let (prefix, sealed) = block.content.split_first_chunk::<PREFIX_LEN>()?;
    let bound = [before.as_slice(), prefix].concat();
    let mut sealed = sealed.to_vec();
    let plain = sealer.open(nonce(number(prefix, 16)), &bound, &mut sealed)?.len();
    sealed.truncate(plain);
    (lines(&sealed).count() as u64 == block.count).then_some(sealed)
}

/// The records of an opened frame.
pub fn lines(plain: &[u8]) -> impl Iterator<Item = &[u8]> {
    plain.split(|byte| *byte == b'\n')
}

/// Earliest and latest instant of the records of an opened frame.
pub fn span(plain: &[u8]) -> Option<Span> {
    lines(plain).map(Span::of).fold(None, Span::join)
}

fn nonce(counter: u64) -> [u8; NONCE_LEN] {
    let mut nonce = [0; NONCE_LEN];
    nonce[4..].copy_from_slice(&counter.to_be_bytes());
    nonce
}

fn number(bytes: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(array(bytes, at))
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("the slice has this length")
}
