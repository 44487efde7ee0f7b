//! Revocation lists — RFC 5280 §5. One that tells only what changed since another (delta, §5.2.4) is read as such, and counts
//! together with that other one.

use std::collections::BTreeSet;

use hygie_core::Timestamp;
use x509_parser::prelude::{ASN1Time, FromDer};

use super::Authority;
use super::der::{CONTEXT_0, Element, GENERALIZED_TIME, INTEGER, NotDer, OID, Reader, SEQUENCE, UTC_TIME, only};
use super::path::signed_by;

/// id-ce-cRLNumber, in DER.
const NUMBER: &[u8] = &[0x55, 0x1d, 0x14];
/// id-ce-authorityKeyIdentifier.
const AUTHORITY_KEY: &[u8] = &[0x55, 0x1d, 0x23];
/// id-ce-issuingDistributionPoint.
const DISTRIBUTION_POINT: &[u8] = &[0x55, 0x1d, 0x1c];
/// id-ce-deltaCRLIndicator.
const DELTA: &[u8] = &[0x55, 0x1d, 0x1b];
/// id-ce-cRLReasons.
const REASON: &[u8] = &[0x55, 0x1d, 0x15];
/// `removeFromCRL` (8), in DER.
const REMOVE_FROM_LIST: &[u8] = &[0x0a, 0x01, 0x08];
const BOOLEAN: u8 = 0x01;
const OCTETS: u8 = 0x04;
/// How long a serial number may be (RFC 5280 §4.1.2.2), with its sign.
const MAX_SERIAL: usize = 21;

/// Why a revocation list does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListFault {
    /// Not a revocation list.
    #[error("not a revocation list")]
    Unreadable,
    /// It is of another authority.
    #[error("the revocation list is of another authority")]
    OtherIssuer,
    /// The key of the authority did not sign it.
    #[error("the signature of the revocation list is not its authority's")]
    Signature,
    /// A part of a list, or of a kind that is not taken.
    #[error("the revocation list tells only a part")]
    Partial,
    /// It does not say until when it counts.
    #[error("the revocation list does not say when the next one comes")]
    Endless,
    /// It tells all, where what changed was asked for.
    #[error("the revocation list does not tell what changed only")]
    NotDelta,
    /// Two lists that do not belong together: of other certificates, or what changed since a later one.
    #[error("the list of changes does not follow the revocation list")]
    Unrelated,
}

/// A revocation list that its authority signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationList {
    /// When it was made.
    pub this_update: Timestamp,
    /// When the next one is there.
    pub next_update: Timestamp,
    /// Certificates of which it speaks, where not of all.
    scope: Scope,
    /// Which of the lists of its authority it is: octets without leading zeros; none where it does not say so.
    number: Option<Box<[u8]>>,
    /// The distribution point that it names, as it is encoded.
    point: Box<[u8]>,
    /// Serial numbers, each with its length before it, one after the other.
    serials: Box<[u8]>,
    /// Where each begins, in the order of the numbers.
    places: Box<[u32]>,
}

/// Of which certificates a list speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    All,
    People,
    Authorities,
}

/// Which certificate is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Person,
    Authority,
}

impl RevocationList {
    /// Reads a list that this authority signed. Whether it still counts is for who uses it.
    pub fn read(list: &[u8], authority: &Authority) -> Result<Self, ListFault> {
        let (list, told) = Self::told(list, authority)?;
        if told.base.is_some() || !told.removed.is_empty() {
            return Err(ListFault::Partial);
        }
        Ok(list)
    }

    /// What a list says that this authority signed, and what only one of changes may say.
    fn told(list: &[u8], authority: &Authority) -> Result<(Self, Told), ListFault> {
        let fields = Fields::of(list).map_err(|_| ListFault::Unreadable)?;
        if fields.issuer != authority.subject {
            return Err(ListFault::OtherIssuer);
        }
        if !authority.may_sign_lists || signed_by(authority, list).is_none() {
            return Err(ListFault::Signature);
        }
        let about = About::of(fields.extensions)?;
        let next_update = fields.next_update.ok_or(ListFault::Endless)?;
        let entries = Entries::of(fields.entries)?;
        let list = Self {
            this_update: fields.this_update,
            next_update,
            scope: about.scope,
            number: about.number,
            point: about.point.into(),
            serials: entries.serials.into(),
            places: entries.places.into(),
        };
        let told = Told {
            base: about.base,
            removed: entries.removed,
        };
        Ok((list, told))
    }

    /// This list with what changed since (RFC 5280 §5.2.4): as if the authority had published it whole. The list of changes
    /// must be of the same certificates, and begin at this list or before; one that this list has overtaken changes nothing.
    pub fn with_changes(&self, delta: &DeltaList) -> Result<Self, ListFault> {
        let changes = &delta.list;
        let (Some(number), Some(last)) = (self.number.as_deref(), changes.number.as_deref()) else {
            return Err(ListFault::Unrelated);
        };
        if (self.scope, &self.point) != (changes.scope, &changes.point) || order(number) < order(&delta.base) {
            return Err(ListFault::Unrelated);
        }
        if order(number) >= order(last) {
            return Ok(self.clone());
        }
        let revoked: BTreeSet<&[u8]> = changes.all().collect();
        let kept = self
            .all()
            .filter(|serial| !delta.removed.contains(*serial) && !revoked.contains(serial));
        let mut all: Vec<&[u8]> = kept.chain(revoked.iter().copied()).collect();
        all.sort_by_key(|serial| order(serial));
        let mut entries = Entries::default();
        for serial in all {
            entries.push(serial)?;
        }
        Ok(Self {
            this_update: changes.this_update,
            next_update: changes.next_update,
            scope: self.scope,
            number: changes.number.clone(),
            point: self.point.clone(),
            serials: entries.serials.into(),
            places: entries.places.into(),
        })
    }

    /// The serial numbers, in their order.
    fn all(&self) -> impl Iterator<Item = &[u8]> {
        self.places.iter().map(|place| serial_at(&self.serials, *place))
    }

    /// How many it revokes.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether it revokes none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Whether the certificate of a person is revoked; none where the list does not speak of it.
    pub fn revokes(&self, certificate: &[u8]) -> Option<bool> {
        self.looked_up(certificate, Of::Person)
    }

    /// Whether the certificate of an authority is revoked; none where the list does not speak of it.
    pub fn revokes_authority(&self, certificate: &Authority) -> Option<bool> {
        self.looked_up(certificate.der(), Of::Authority)
    }

    fn looked_up(&self, certificate: &[u8], of: Of) -> Option<bool> {
        let speaks = matches!(
            (self.scope, of),
            (Scope::All, _) | (Scope::People, Of::Person) | (Scope::Authorities, Of::Authority)
        );
        let parsed = super::names::read(certificate).ok()?;
        let serial = parsed.raw_serial();
        let found = self
            .places
            .binary_search_by(|place| order(serial_at(&self.serials, *place)).cmp(&order(serial)));
        speaks.then_some(found.is_ok())
    }
}

/// A list that tells only what changed since another one of its authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeltaList {
    /// What it revokes, and when.
    list: RevocationList,
    /// The number of the list that it begins at.
    base: Box<[u8]>,
    /// Serial numbers that are on the other list and are revoked no more (`removeFromCRL`).
    removed: BTreeSet<Box<[u8]>>,
}

impl DeltaList {
    /// Reads a list of changes that this authority signed. Whether it still counts is for who uses it.
    pub fn read(list: &[u8], authority: &Authority) -> Result<Self, ListFault> {
        let (list, told) = RevocationList::told(list, authority)?;
        let base = told.base.ok_or(ListFault::NotDelta)?;
        // Conforming authorities number all their lists; without a number nobody can say what follows what.
        if list.number.is_none() {
            return Err(ListFault::Partial);
        }
        Ok(Self {
            list,
            base,
            removed: told.removed,
        })
    }

    /// When it was made.
    pub fn this_update(&self) -> Timestamp {
        self.list.this_update
    }

    /// When the next one is there.
    pub fn next_update(&self) -> Timestamp {
        self.list.next_update
    }

    /// How many it revokes.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether it revokes none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// What only a list of changes may say.
struct Told {
    base: Option<Box<[u8]>>,
    removed: BTreeSet<Box<[u8]>>,
}

/// Numbers of one length are in the order of their octets.
fn order(serial: &[u8]) -> (usize, &[u8]) {
    (serial.len(), serial)
}

fn serial_at(serials: &[u8], place: u32) -> &[u8] {
    let at = place as usize;
    let length = usize::from(serials.get(at).copied().unwrap_or_default());
    serials.get(at + 1..at + 1 + length).unwrap_or_default()
}

/// The parts of a list, before anybody vouches for them.
struct Fields<'a> {
    issuer: &'a [u8],
    this_update: Timestamp,
    next_update: Option<Timestamp>,
    entries: &'a [u8],
    extensions: &'a [u8],
}

impl<'a> Fields<'a> {
    /// `TBSCertList` of RFC 5280 §5.1.2.
    fn of(list: &'a [u8]) -> Result<Self, NotDer> {
        let whole = only(list, SEQUENCE)?;
        let signed = Reader::new(whole.content).expect(SEQUENCE)?;
        let mut parts = Reader::new(signed.content);
        let version = parts.optional(INTEGER)?;
        if version.is_some_and(|version| version.content != [1]) {
            return Err(NotDer);
        }
        parts.expect(SEQUENCE)?;
        let issuer = parts.expect(SEQUENCE)?;
        let this_update = instant(parts.next()?)?;
        let next_update = match parts.peek() {
            Some(UTC_TIME | GENERALIZED_TIME) => Some(instant(parts.next()?)?),
            _ => None,
        };
        let entries = parts.optional(SEQUENCE)?.map_or(&[][..], |entries| entries.content);
        let extensions = match parts.optional(CONTEXT_0)? {
            Some(explicit) => only(explicit.content, SEQUENCE)?.content,
            None => &[],
        };
        parts.end()?;
        Ok(Self {
            issuer: issuer.whole,
            this_update,
            next_update,
            entries,
            extensions,
        })
    }
}

fn instant(element: Element<'_>) -> Result<Timestamp, NotDer> {
    match ASN1Time::from_der(element.whole) {
        Ok(([], time)) => Ok(Timestamp::from_secs(time.timestamp())),
        _ => Err(NotDer),
    }
}

/// One extension: its name, whether who does not know it must refuse, and its value.
fn extension<'a>(element: &Element<'a>) -> Result<(&'a [u8], bool, &'a [u8]), NotDer> {
    let mut parts = Reader::new(element.content);
    let name = parts.expect(OID)?.content;
    let is_critical = parts.optional(BOOLEAN)?.is_some_and(|flag| flag.content != [0]);
    let value = parts.expect(OCTETS)?.content;
    parts.end()?;
    Ok((name, is_critical, value))
}

/// What a list says of itself by its extensions.
struct About<'a> {
    scope: Scope,
    point: &'a [u8],
    number: Option<Box<[u8]>>,
    /// The number of the list that it begins at, where it tells only what changed.
    base: Option<Box<[u8]>>,
}

impl<'a> About<'a> {
    fn of(extensions: &'a [u8]) -> Result<Self, ListFault> {
        let mut about = Self {
            scope: Scope::All,
            point: &[],
            number: None,
            base: None,
        };
        let mut reader = Reader::new(extensions);
        while !reader.is_empty() {
            let element = reader.expect(SEQUENCE).map_err(|_| ListFault::Unreadable)?;
            let (name, is_critical, value) = extension(&element).map_err(|_| ListFault::Unreadable)?;
            match name {
                AUTHORITY_KEY => {}
                NUMBER => about.number = Some(number(value)?),
                DELTA => about.base = Some(number(value)?),
                DISTRIBUTION_POINT => {
                    about.scope = scope_of_point(value)?;
                    about.point = value;
                }
                _ if is_critical => return Err(ListFault::Partial),
                _ => {}
            }
        }
        Ok(about)
    }
}

/// `CRLNumber` of RFC 5280 §5.2.3: not negative, twenty octets at most.
fn number(value: &[u8]) -> Result<Box<[u8]>, ListFault> {
    let content = only(value, INTEGER).map_err(|_| ListFault::Unreadable)?.content;
    let is_negative = content.first().is_none_or(|first| first & 0x80 != 0);
    if is_negative || content.len() > MAX_SERIAL {
        return Err(ListFault::Unreadable);
    }
    let zeros = content.iter().take_while(|octet| **octet == 0).count();
    Ok(content.get(zeros..).unwrap_or_default().into())
}

/// `IssuingDistributionPoint` of RFC 5280 §5.2.5. The name of the point is not compared: the administrator said where the
/// list of this authority is.
fn scope_of_point(value: &[u8]) -> Result<Scope, ListFault> {
    let point = only(value, SEQUENCE).map_err(|_| ListFault::Unreadable)?;
    let (mut reader, mut scope) = (Reader::new(point.content), Scope::All);
    while !reader.is_empty() {
        let part = reader.next().map_err(|_| ListFault::Unreadable)?;
        let is_set = part.content != [0];
        match part.tag {
            0x81 if is_set => scope = Scope::People,
            0x82 if is_set => scope = Scope::Authorities,
            0x81 | 0x82 | 0xa0 => {}
            // Some reasons only, lists of others, attribute certificates.
            _ if is_set => return Err(ListFault::Partial),
            _ => {}
        }
    }
    Ok(scope)
}

/// The serial numbers of a list.
#[derive(Default)]
struct Entries {
    serials: Vec<u8>,
    places: Vec<u32>,
    /// Those that are revoked no more.
    removed: BTreeSet<Box<[u8]>>,
}

impl Entries {
    /// In an order in which they are found fast.
    fn of(entries: &[u8]) -> Result<Self, ListFault> {
        let unreadable = |_| ListFault::Unreadable;
        let (mut reader, mut found) = (Reader::new(entries), Self::default());
        while !reader.is_empty() {
            let entry = reader.expect(SEQUENCE).map_err(unreadable)?;
            let mut parts = Reader::new(entry.content);
            let serial = parts.expect(INTEGER).map_err(unreadable)?.content;
            instant(parts.next().map_err(unreadable)?).map_err(unreadable)?;
            let mut is_removed = false;
            if let Some(extensions) = parts.optional(SEQUENCE).map_err(unreadable)? {
                let mut extensions = Reader::new(extensions.content);
                while !extensions.is_empty() {
                    let element = extensions.expect(SEQUENCE).map_err(unreadable)?;
                    let (name, is_critical, value) = extension(&element).map_err(unreadable)?;
                    // `certificateIssuer` is critical: then the number is that of another authority's certificate.
                    if is_critical {
                        return Err(ListFault::Partial);
                    }
                    is_removed |= name == REASON && value == REMOVE_FROM_LIST;
                }
            }
            parts.end().map_err(unreadable)?;
            if is_removed {
                found.removed.insert(serial.into());
            } else {
                found.push(serial)?;
            }
        }
        found.sort();
        Ok(found)
    }

    fn push(&mut self, serial: &[u8]) -> Result<(), ListFault> {
        let length = u8::try_from(serial.len())
            .ok()
            .filter(|length| usize::from(*length) <= MAX_SERIAL)
            .ok_or(ListFault::Unreadable)?;
        let place = u32::try_from(self.serials.len()).map_err(|_| ListFault::Unreadable)?;
        self.places.push(place);
        self.serials.push(length);
        self.serials.extend_from_slice(serial);
        Ok(())
    }

    fn sort(&mut self) {
        let Self { serials, places, .. } = self;
        places.sort_by(|one, other| order(serial_at(serials, *one)).cmp(&order(serial_at(serials, *other))));
    }
}
