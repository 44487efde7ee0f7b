//! Revocation lists — RFC 5280 §5.

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
        let fields = Fields::of(list).map_err(|_| ListFault::Unreadable)?;
        if fields.issuer != authority.subject {
            return Err(ListFault::OtherIssuer);
        }
        if !authority.may_sign_lists || signed_by(authority, list).is_none() {
            return Err(ListFault::Signature);
        }
        let scope = scope(fields.extensions)?;
        let next_update = fields.next_update.ok_or(ListFault::Endless)?;
        let (serials, places) = entries(fields.entries)?;
        Ok(Self {
            this_update: fields.this_update,
            next_update,
            scope,
            serials,
            places,
        })
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

/// Of which certificates a list speaks, by its extensions.
fn scope(extensions: &[u8]) -> Result<Scope, ListFault> {
    let (mut reader, mut scope) = (Reader::new(extensions), Scope::All);
    while !reader.is_empty() {
        let element = reader.expect(SEQUENCE).map_err(|_| ListFault::Unreadable)?;
        let (name, is_critical, value) = extension(&element).map_err(|_| ListFault::Unreadable)?;
        match name {
            NUMBER | AUTHORITY_KEY => {}
            DELTA => return Err(ListFault::Partial),
            DISTRIBUTION_POINT => scope = scope_of_point(value)?,
            _ if is_critical => return Err(ListFault::Partial),
            _ => {}
        }
    }
    Ok(scope)
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

type Entries = (Box<[u8]>, Box<[u32]>);

/// The serial numbers, in an order in which they are found fast.
fn entries(entries: &[u8]) -> Result<Entries, ListFault> {
    let unreadable = |_| ListFault::Unreadable;
    let (mut reader, mut serials, mut places) = (Reader::new(entries), Vec::new(), Vec::new());
    while !reader.is_empty() {
        let entry = reader.expect(SEQUENCE).map_err(unreadable)?;
        let mut parts = Reader::new(entry.content);
        let serial = parts.expect(INTEGER).map_err(unreadable)?.content;
        instant(parts.next().map_err(unreadable)?).map_err(unreadable)?;
        let length = u8::try_from(serial.len())
            .ok()
            .filter(|length| usize::from(*length) <= MAX_SERIAL);
        if let Some(extensions) = parts.optional(SEQUENCE).map_err(unreadable)? {
            let mut extensions = Reader::new(extensions.content);
            while !extensions.is_empty() {
                let element = extensions.expect(SEQUENCE).map_err(unreadable)?;
                // `certificateIssuer` is critical: then the number is that of another authority's certificate.
                if extension(&element).map_err(unreadable)?.1 {
                    return Err(ListFault::Partial);
                }
            }
        }
        parts.end().map_err(unreadable)?;
        places.push(u32::try_from(serials.len()).map_err(|_| ListFault::Unreadable)?);
        serials.push(length.ok_or(ListFault::Unreadable)?);
        serials.extend_from_slice(serial);
    }
    places.sort_by(|one, other| order(serial_at(&serials, *one)).cmp(&order(serial_at(&serials, *other))));
    Ok((serials.into(), places.into()))
}
