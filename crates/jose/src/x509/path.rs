//! The path from a certificate to a trusted root — RFC 5280 §6, for people who prove who they are to a TLS server.

use std::time::Duration;

use hygie_core::Timestamp;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert};

use super::der::{BIT_STRING, Element, Reader, SEQUENCE, only};
use super::names::read;
use super::{Authority, Position};

/// Why no path leads from a certificate to a trusted root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathFault {
    /// Not a certificate.
    #[error("not an X.509 certificate")]
    Unreadable,
    /// No trusted authority issued it, or none leads from there to a root.
    #[error("no trusted authority issued the certificate")]
    UnknownIssuer,
    /// It says that it was issued by an authority whose key did not sign it.
    #[error("the signature of the certificate is not its issuer's")]
    Signature,
    /// It is not valid yet.
    #[error("the certificate is not valid yet")]
    NotYetValid,
    /// It has expired.
    #[error("the certificate has expired")]
    Expired,
    /// An authority above it has expired, or is not valid yet.
    #[error("an authority above the certificate is not valid")]
    AuthorityExpired,
    /// It is for something else than signing in: for signatures, for servers, for issuing certificates.
    #[error("the certificate is not for signing in")]
    Usage,
    /// A rule of an authority above does not let it issue this.
    #[error("an authority above the certificate may not issue it")]
    NotPermitted,
}

/// The authorities that lead to a root, the issuer first, as places in the list that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trusted(pub Vec<usize>);

/// The path of a certificate through these authorities to a root among them, at this instant. Nothing that its holder
/// sent along is part of it.
pub fn path(certificate: &[u8], authorities: &[&Authority], at: Timestamp) -> Result<Trusted, PathFault> {
    let parsed = read(certificate).map_err(|_| PathFault::Unreadable)?;
    let [begins, ends] = [parsed.validity().not_before, parsed.validity().not_after]
        .map(|instant| Timestamp::from_secs(instant.timestamp()));
    let may_sign = match parsed.key_usage() {
        Ok(usage) => usage.is_none_or(|usage| usage.value.digital_signature()),
        Err(_) => return Err(PathFault::Unreadable),
    };
    let found = built(certificate, authorities, at);
    // Whose it is comes first: what is said about a certificate of nobody that is known means nothing.
    let is_in_time = begins <= at && at <= ends;
    match found {
        Ok(_) if !may_sign => Err(PathFault::Usage),
        Err(PathFault::Expired | PathFault::NotYetValid) if is_in_time => Err(PathFault::AuthorityExpired),
        other => other,
    }
}

fn built(certificate: &[u8], authorities: &[&Authority], at: Timestamp) -> Result<Trusted, PathFault> {
    let der: CertificateDer<'_> = certificate.into();
    let leaf = EndEntityCert::try_from(&der).map_err(|error| fault(&error))?;
    let ders: Vec<CertificateDer<'_>> = authorities.iter().map(|authority| authority.der().into()).collect();
    let mut anchors: Vec<TrustAnchor<'_>> = Vec::new();
    let mut intermediates: Vec<CertificateDer<'_>> = Vec::new();
    for (authority, der) in authorities.iter().zip(&ders) {
        match authority.position {
            // The time of a root is not looked at further down.
            Position::Root if authority.is_valid(at) => {
                anchors.push(anchor_from_trusted_cert(der).map_err(|error| fault(&error))?);
            }
            Position::Root => {}
            Position::Intermediate => intermediates.push(der.clone()),
        }
    }
    let time = UnixTime::since_unix_epoch(Duration::from_secs(at.secs().try_into().unwrap_or_default()));
    let algorithms: Vec<&dyn SignatureVerificationAlgorithm> = ALL_VERIFICATION_ALGS.to_vec();
    let verified = leaf
        .verify_for_usage(
            &algorithms,
            &anchors,
            &intermediates,
            time,
            KeyUsage::client_auth(),
            None,
            None,
        )
        .map_err(|error| fault(&error))?;
    let place = |is_it: &dyn Fn(&Authority) -> bool| authorities.iter().position(|authority| is_it(authority));
    let mut places = Vec::new();
    for between in verified.intermediate_certificates() {
        let der = between.der();
        places.extend(place(&|authority| authority.der() == &*der));
    }
    let anchor = verified.anchor();
    let is_anchor = |authority: &Authority| {
        let der: CertificateDer<'_> = authority.der().into();
        authority.position == Position::Root
            && authority.is_valid(at)
            && anchor_from_trusted_cert(&der).is_ok_and(|own| {
                own.subject == anchor.subject && own.subject_public_key_info == anchor.subject_public_key_info
            })
    };
    places.extend(place(&is_anchor));
    Ok(Trusted(places))
}

fn fault(error: &Error) -> PathFault {
    match error {
        Error::CertExpired { .. } => PathFault::Expired,
        Error::CertNotValidYet { .. } => PathFault::NotYetValid,
        Error::UnknownIssuer => PathFault::UnknownIssuer,
        Error::InvalidSignatureForPublicKey => PathFault::Signature,
        Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension | Error::CaUsedAsEndEntity => PathFault::Usage,
        Error::EndEntityUsedAsCa
        | Error::PathLenConstraintViolated
        | Error::NameConstraintViolation
        | Error::MaximumPathDepthExceeded
        | Error::MaximumPathBuildCallsExceeded
        | Error::MaximumSignatureChecksExceeded
        | Error::MaximumNameConstraintComparisonsExceeded
        | Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => PathFault::NotPermitted,
        _ => PathFault::Unreadable,
    }
}

/// What is signed in a certificate or revocation list, if the key of this authority signed it: `SEQUENCE { what, algorithm,
/// signature }`.
pub(super) fn signed_by<'a>(authority: &Authority, signed: &'a [u8]) -> Option<Element<'a>> {
    let whole = only(signed, SEQUENCE).ok()?;
    let mut parts = Reader::new(whole.content);
    let (what, algorithm) = (parts.expect(SEQUENCE).ok()?, parts.expect(SEQUENCE).ok()?);
    let signature = parts.expect(BIT_STRING).ok()?;
    parts.end().ok()?;
    let [0, signature @ ..] = signature.content else {
        return None;
    };
    let der: CertificateDer<'_> = authority.der().into();
    let signer = EndEntityCert::try_from(&der).ok()?;
    let fitting = ALL_VERIFICATION_ALGS
        .iter()
        .filter(|known| known.signature_alg_id().as_ref() == algorithm.content);
    let verifies =
        |known: &&dyn SignatureVerificationAlgorithm| signer.verify_signature(*known, what.whole, signature).is_ok();
    fitting.copied().any(|known| verifies(&known)).then_some(what)
}
