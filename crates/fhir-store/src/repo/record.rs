//! One record of the journal: a version of a resource, as it was written, or numbers alone.
//!
//! | part | form |
//! |---|---|
//! | format | one byte, 1; 2 with a large object |
//! | method | one byte: 0 create, 1 update, 2 delete; 3 numbers alone, followed by those that were given |
//! | type | two bytes |
//! | id | text |
//! | resource number, version number, previous record, instant in ms | numbers |
//! | resource numbers given while it was written | count, then type, id, number each |
//! | system numbers given while it was written | count, then URI and number each |
//! | places of what the server adds to the body | see [`super::seam`] |
//! | large object, in format 2 | 16 bytes of its id, then its length, a number |
//! | body | the received bytes, compressed by [`super::codec`]; empty after a deletion |
//!
//! Numbers alone are given when an index of a newer form names more than the versions did when they were written.
//!
//! A number is the LEB128 of its zigzag form, a text its length in bytes and UTF-8. What the server adds to a resource
//! (id, version, last update) is here and put in on read. Because the record names every number that was given with
//! it, its index rows can be made again from it alone.

use std::sync::Arc;

use hygie_core::Timestamp;
use hygie_fhir_model::{Id, ResourceType};
use hygie_store::StoreError;
use hygie_store::blobs::{BlobId, Reference};

use super::codec::Codec;
use super::seam::Seams;

/// How a version came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Created under an id that the server gave.
    Create,
    /// Put under an id that the client knew; it may be the first version.
    Update,
    /// Deleted: there is no body.
    Delete,
}

/// A version of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Type of the resource.
    pub kind: ResourceType,
    /// Its logical id.
    pub id: Id,
    /// Its number.
    pub rid: i64,
    /// Version number, 1 and up.
    pub number: u32,
    /// Number of the version's record; 0 until it is written.
    pub seq: i64,
    /// Number of the record of the version before; 0 for the first.
    pub previous: i64,
    /// When it was written.
    pub updated: Timestamp,
    /// How.
    pub method: Method,
    /// The JSON as received; empty after a deletion.
    pub body: Arc<String>,
    /// Where id, version and last update go in it; none after a deletion.
    pub seams: Seams,
    /// Its content, where that lies outside of the database: a Binary that came in its native form.
    pub large: Option<Reference>,
}

impl Version {
    /// Whether the resource is there with it: it is no deletion.
    pub fn is_there(&self) -> bool {
        self.method != Method::Delete
    }
}

/// Numbers that were given while a version was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// Numbers of resources: the version's own when it is new, and of targets that do not exist yet.
    pub resources: Vec<(ResourceType, String, i64)>,
    /// Numbers of code systems and identifier namespaces.
    pub systems: Vec<(String, i64)>,
}

/// What a record holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A version, with the numbers given while it was written.
    Version(Version, Given),
    /// Numbers given to what earlier versions name.
    Numbers(Given),
}

const FORMAT: u8 = 1;

/// The format of a version with a large object.
const WITH_LARGE: u8 = 2;

/// The method of a record of numbers alone.
const NUMBERS: u8 = 3;

/// The record of a version whose body is `packed`.
pub fn encode(version: &Version, given: &Given, packed: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + packed.len());
    out.push(if version.large.is_some() { WITH_LARGE } else { FORMAT });
    out.push(match version.method {
        Method::Create => 0,
        Method::Update => 1,
        Method::Delete => 2,
    });
    out.extend_from_slice(&version.kind.number().to_be_bytes());
    text(&mut out, version.id.as_str());
    number(&mut out, version.rid);
    number(&mut out, i64::from(version.number));
    number(&mut out, version.previous);
    number(&mut out, version.updated.millis());
    put_given(given, &mut out);
    version.seams.encode(&mut out);
    if let Some(large) = version.large {
        out.extend_from_slice(&large.id.0);
        number(&mut out, large.len.cast_signed());
    }
    out.extend_from_slice(packed);
    out
}

/// The record of numbers alone.
pub fn encode_numbers(given: &Given) -> Vec<u8> {
    let mut out = vec![FORMAT, NUMBERS];
    put_given(given, &mut out);
    out
}

fn put_given(given: &Given, out: &mut Vec<u8>) {
    number(out, given.resources.len() as i64);
    for (kind, id, rid) in &given.resources {
        out.extend_from_slice(&kind.number().to_be_bytes());
        text(out, id);
        number(out, *rid);
    }
    number(out, given.systems.len() as i64);
    for (uri, sid) in &given.systems {
        text(out, uri);
        number(out, *sid);
    }
}

/// What a record holds.
pub fn decode(seq: i64, record: &[u8], codec: &Codec) -> Result<Record, StoreError> {
    let mut given = Given::default();
    if let Some(mut rest) = record.strip_prefix(&[FORMAT, NUMBERS]) {
        let read = take_given(&mut rest, Some(&mut given)).filter(|()| rest.is_empty());
        return read.map(|()| Record::Numbers(given)).ok_or_else(|| no_version(seq));
    }
    let version = read(seq, record, codec, Some(&mut given)).ok_or_else(|| no_version(seq))?;
    Ok(Record::Version(version, given))
}

/// The version alone, as reads need it.
pub fn decode_version(seq: i64, record: &[u8], codec: &Codec) -> Result<Version, StoreError> {
    read(seq, record, codec, None).ok_or_else(|| no_version(seq))
}

fn no_version(seq: i64) -> StoreError {
    StoreError::Inconsistent(format!("journal record {seq} is not a version"))
}

fn read(seq: i64, record: &[u8], codec: &Codec, given: Option<&mut Given>) -> Option<Version> {
    let mut rest = record;
    let is_large = match *take(&mut rest, 1)?.first()? {
        FORMAT => false,
        WITH_LARGE => true,
        _ => return None,
    };
    let method = match *take(&mut rest, 1)?.first()? {
        0 => Method::Create,
        1 => Method::Update,
        2 => Method::Delete,
        _ => return None,
    };
    let kind = take_kind(&mut rest)?;
    let id = take_text(&mut rest)?.parse().ok()?;
    let rid = take_number(&mut rest)?;
    let version_number = u32::try_from(take_number(&mut rest)?).ok()?;
    let previous = take_number(&mut rest)?;
    let updated = Timestamp::from_millis(take_number(&mut rest)?);
    take_given(&mut rest, given)?;
    let seams = Seams::decode(&mut rest)?;
    let large = if is_large { Some(take_large(&mut rest)?) } else { None };
    let body = String::from_utf8(codec.decompress(rest)?).ok()?;
    if body.is_empty() != (method == Method::Delete) || !seams.fit(&body) {
        return None;
    }
    Some(Version {
        kind,
        id,
        rid,
        number: version_number,
        seq,
        previous,
        updated,
        method,
        body: Arc::new(body),
        seams,
        large,
    })
}

fn take_large(rest: &mut &[u8]) -> Option<Reference> {
    let id = BlobId(take(rest, 16)?.try_into().ok()?);
    let len = take_number(rest)?.try_into().ok()?;
    Some(Reference { id, len })
}

fn take_given(rest: &mut &[u8], mut given: Option<&mut Given>) -> Option<()> {
    for _ in 0..take_number(rest)? {
        let (kind, id, rid) = (take_kind(rest)?, take_text(rest)?, take_number(rest)?);
        if let Some(given) = &mut given {
            given.resources.push((kind, id.to_owned(), rid));
        }
    }
    for _ in 0..take_number(rest)? {
        let (uri, sid) = (take_text(rest)?, take_number(rest)?);
        if let Some(given) = &mut given {
            given.systems.push((uri.to_owned(), sid));
        }
    }
    Some(())
}

pub(super) fn number(out: &mut Vec<u8>, value: i64) {
    let mut rest = (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned();
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

fn text(out: &mut Vec<u8>, value: &str) {
    number(out, value.len() as i64);
    out.extend_from_slice(value.as_bytes());
}

pub(super) fn take<'r>(rest: &mut &'r [u8], len: usize) -> Option<&'r [u8]> {
    let (head, tail) = rest.split_at_checked(len)?;
    *rest = tail;
    Some(head)
}

pub(super) fn take_number(rest: &mut &[u8]) -> Option<i64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = *take(rest, 1)?.first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
        }
    }
    None
}

fn take_text<'r>(rest: &mut &'r [u8]) -> Option<&'r str> {
    let len = usize::try_from(take_number(rest)?).ok()?;
    std::str::from_utf8(take(rest, len)?).ok()
}

fn take_kind(rest: &mut &[u8]) -> Option<ResourceType> {
    let bytes = take(rest, 2)?;
    ResourceType::from_number(u16::from_be_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kinds() -> impl Strategy<Value = ResourceType> {
        (1_u16..=146).prop_filter_map("a type", ResourceType::from_number)
    }

    prop_compose! {
        fn versions()(
            kind in kinds(),
            id in "[A-Za-z0-9.-]{1,64}",
            rid in any::<i64>(),
            number in any::<u32>(),
            (seq, previous) in any::<(i64, i64)>(),
            updated in any::<i64>(),
            method in prop_oneof![Just(Method::Create), Just(Method::Update), Just(Method::Delete)],
            body in ".{1,300}",
            large in prop::option::of((any::<[u8; 16]>(), 0..i64::MAX.cast_unsigned())),
        ) -> Version {
            let body = if method == Method::Delete { String::new() } else { body };
            Version {
                kind, id: id.parse().expect("the pattern of ids"), rid, number, seq, previous,
                updated: Timestamp::from_millis(updated), method, body: Arc::new(body), seams: Seams::default(),
                large: large.map(|(id, len)| Reference { id: BlobId(id), len }),
            }
        }
    }

    prop_compose! {
        fn gifts()(
            resources in prop::collection::vec((kinds(), "[A-Za-z0-9.-]{1,64}", any::<i64>()), 0..4),
            systems in prop::collection::vec((".{0,80}", any::<i64>()), 0..4),
        ) -> Given {
            Given { resources, systems }
        }
    }

    fn packed(body: &str) -> Vec<u8> {
        Codec::default().compress(body.as_bytes())
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(version in versions(), given in gifts()) {
            let record = encode(&version, &given, &packed(&version.body));
            let read = decode(version.seq, &record, &Codec::default());
            prop_assert_eq!(decode_version(version.seq, &record, &Codec::default()).ok(), Some(version.clone()));
            prop_assert_eq!(read.ok(), Some(Record::Version(version, given.clone())));
            let numbers = decode(1, &encode_numbers(&given), &Codec::default());
            prop_assert_eq!(numbers.ok(), Some(Record::Numbers(given)));
        }

        #[test]
        fn a_spoilt_record_is_told_or_read_but_never_a_panic(
            version in versions(), given in gifts(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
        ) {
            let mut record = encode(&version, &given, &packed(&version.body));
            let at = at.index(record.len());
            record[at] = byte;
            let _either = decode(version.seq, &record, &Codec::default());
            record.truncate(at);
            prop_assert!(decode(version.seq, &record, &Codec::default()).is_err());
        }

        #[test]
        fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _either = decode(1, &bytes, &Codec::default());
        }
    }

    /// The layout is stored: a change of it must be a new format.
    #[test]
    fn the_layout_is_frozen() {
        let version = Version {
            kind: ResourceType::find("Patient").expect("a type"),
            id: "p1".parse().expect("an id"),
            rid: 300,
            number: 2,
            seq: 7,
            previous: 5,
            updated: Timestamp::from_millis(-1),
            method: Method::Delete,
            body: Arc::default(),
            seams: Seams::default(),
            large: None,
        };
        let given = Given {
            resources: vec![(version.kind, "x".to_owned(), 6)],
            systems: vec![("u".to_owned(), 4)],
        };
        let kind = version.kind.number().to_be_bytes();
        let mut expected = vec![1, 2, kind[0], kind[1], 4, b'p', b'1', 0xd8, 0x04, 4, 10, 1];
        expected.extend([2, kind[0], kind[1], 2, b'x', 12, 2, 2, b'u', 8, 0, 0]);
        assert_eq!(encode(&version, &given, &packed("")), expected);
        let large = Reference {
            id: BlobId([9; 16]),
            len: 300,
        };
        let body = expected.pop();
        expected[0] = 2;
        expected.extend([9; 16]);
        expected.extend([0xd8, 0x04]);
        expected.extend(body);
        let version = Version {
            large: Some(large),
            ..version
        };
        assert_eq!(encode(&version, &given, &packed("")), expected);
    }
}
