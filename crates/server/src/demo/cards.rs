//! The cards of the demo world: an infrastructure of the shape of the one that issues the cards of professionals in France,
//! with names that nobody takes for its own, a card for each of some people, and cards that are refused.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use hygie_core::{Clock, Random, Timestamp, random_array};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CrlDistributionPoint, CustomExtension,
    DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    PKCS_RSA_SHA256, RevokedCertParams, RsaKeySize, SanType, SerialNumber,
};

use super::document::{Card, Cards};
use crate::files;

/// The directory of these files, in that of the world.
pub const DIR: &str = "cards";
/// The name of the authority that issues cards.
pub const ISSUING_NAME: &str = "HYGIE TEST AC PERSONNES";
const ROOT_NAME: &str = "HYGIE TEST AC RACINE";
/// Serial numbers of cards that are revoked, in hexadecimal, one a line. Whoever adds one revokes a card.
const REVOKED: &str = "revoked.txt";
const LIMIT: u64 = 1 << 20;

const DAY: Duration = Duration::from_hours(24);
/// As long as anybody keeps a demo.
const AUTHORITY_LIFE: Duration = Duration::from_hours(24 * 365 * 10);
/// As real cards.
const CARD_LIFE: Duration = Duration::from_hours(24 * 365 * 3);
/// Short, so that what was revoked is soon seen.
const LIST_LIFE: Duration = Duration::from_hours(1);

const SMART_CARD_LOGON: [u64; 10] = [1, 3, 6, 1, 4, 1, 311, 20, 2, 2];
const PRINCIPAL_NAME: [u64; 10] = [1, 3, 6, 1, 4, 1, 311, 20, 2, 3];
/// `1.2.250.1.213.1.7.2.1.1.1.1`, the policy of test cards, as `certificatePolicies`.
const POLICIES: &[u8] = &[
    0x30, 0x11, 0x30, 0x0f, 0x06, 0x0d, 0x2a, 0x81, 0x7a, 0x01, 0x81, 0x55, 0x01, 0x07, 0x02, 0x01, 0x01, 0x01, 0x01,
];
/// That it is a test card (TRE_G01 `80`) of a professional (TRE_G02 `0`), in DER.
const CATEGORY: ([u64; 8], &[u8]) = ([1, 2, 250, 1, 71, 1, 2, 5], &[0x04, 0x01, 0x80]);
const TYPE: ([u64; 8], &[u8]) = ([1, 2, 250, 1, 71, 1, 2, 2], &[0x02, 0x01, 0x00]);

/// Who gets a card.
#[derive(Clone, Copy, Debug)]
pub struct Holder<'a> {
    /// National identifier: `8` and the number in the national directory of professionals.
    pub national_id: &'a str,
    /// Name for display.
    pub display_name: &'a str,
}

impl Holder<'_> {
    /// The principal name in the certificate, as the guide for cards writes it.
    pub fn principal_name(&self) -> String {
        let (kind, number) = self.national_id.split_at(1);
        format!("{kind}.{number}@carte-cps.fr")
    }
}

/// The authorities of the cards.
pub struct Authorities {
    dir: PathBuf,
    /// Where their lists are, without a final slash.
    lists: String,
    root: Issuer<'static, KeyPair>,
    issuing: Issuer<'static, KeyPair>,
    /// Certificates, the issuer first.
    pub certificates: [Vec<u8>; 2],
}

impl Authorities {
    /// Makes them, with their files. Their lists will be under `lists`.
    pub fn make(world: &Path, lists: &str, now: Timestamp) -> Result<Self> {
        let dir = world.join(DIR);
        files::create_private_dir(&dir)?;
        let (root_key, issuing_key) = (key()?, key()?);
        let mut params = authority_params(ROOT_NAME, now);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root_certificate = params.self_signed(&root_key)?;
        write(&dir, "root", &root_certificate.pem(), &root_key)?;
        let root = Issuer::new(params, root_key);
        let mut params = authority_params(ISSUING_NAME, now);
        params.use_authority_key_identifier_extension = true;
        let issuing_certificate = params.signed_by(&issuing_key, &root)?;
        write(&dir, "issuing", &issuing_certificate.pem(), &issuing_key)?;
        files::write_private(&dir.join(REVOKED), b"")?;
        Ok(Self {
            dir,
            lists: lists.to_owned(),
            root,
            issuing: Issuer::new(params, issuing_key),
            certificates: [issuing_certificate.der().to_vec(), root_certificate.der().to_vec()],
        })
    }

    /// Where the list of the issuing authority is, and that of the root.
    pub fn lists(&self) -> [String; 2] {
        ["issuing", "root"].map(|name| format!("{}/pki/{name}.crl", self.lists))
    }

    /// A card, in files of this name.
    pub fn card(&self, name: &str, holder: Holder<'_>, (now, random): (Timestamp, &dyn Random)) -> Result<Card> {
        let life = (now - DAY, now + CARD_LIFE);
        self.write_card(name, holder, (&self.issuing, life, &serial(random)))
    }

    /// Cards in the name of somebody that are refused: one that is revoked, one that has expired, and one of an authority
    /// that nobody trusts.
    pub fn refused(
        &self,
        holder: Holder<'_>,
        (now, random): (Timestamp, &dyn Random),
    ) -> Result<BTreeMap<String, Card>> {
        let life = (now - DAY, now + CARD_LIFE);
        let revoked = serial(random);
        let line = format!("{}\n", hex(&revoked));
        files::write_private(&self.dir.join(REVOKED), line.as_bytes())?;
        let other = Issuer::new(authority_params("HYGIE TEST AC INCONNUE", now), key()?);
        let past = (now - CARD_LIFE, now - DAY);
        let cards = [
            (
                "revoked",
                self.write_card("revoked", holder, (&self.issuing, life, &revoked))?,
            ),
            (
                "expired",
                self.write_card("expired", holder, (&self.issuing, past, &serial(random)))?,
            ),
            (
                "unknown",
                self.write_card("unknown", holder, (&other, life, &serial(random)))?,
            ),
        ];
        Ok(cards.into_iter().map(|(name, card)| (name.to_owned(), card)).collect())
    }

    fn write_card(
        &self,
        name: &str,
        holder: Holder<'_>,
        (issuer, (not_before, not_after), serial): (&Issuer<'static, KeyPair>, (Timestamp, Timestamp), &[u8]),
    ) -> Result<Card> {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in [
            (DnType::CountryName, "FR"),
            (DnType::CustomDnType(vec![2, 5, 4, 4]), holder.display_name),
            (DnType::CommonName, holder.national_id),
        ] {
            params.distinguished_name.push(kind, value);
        }
        params.serial_number = Some(SerialNumber::from_slice(serial));
        params.not_before = not_before.to_utc().into();
        params.not_after = not_after.to_utc().into();
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ClientAuth,
            ExtendedKeyUsagePurpose::Other(SMART_CARD_LOGON.to_vec()),
        ];
        params.subject_alt_names = vec![SanType::OtherName((
            PRINCIPAL_NAME.to_vec(),
            holder.principal_name().into(),
        ))];
        params.use_authority_key_identifier_extension = true;
        let [issuing, _] = self.lists();
        params.crl_distribution_points = vec![CrlDistributionPoint { uris: vec![issuing] }];
        params.custom_extensions = [
            (&[2, 5, 29, 32][..], POLICIES),
            (&CATEGORY.0, CATEGORY.1),
            (&TYPE.0, TYPE.1),
        ]
        .map(|(oid, content)| CustomExtension::from_oid_content(oid, content.to_vec()))
        .to_vec();
        let certificate = params.signed_by(&key, issuer)?;
        write(&self.dir, name, &certificate.pem(), &key)?;
        Ok(Card {
            certificate: format!("{DIR}/{name}.pem"),
            key: format!("{DIR}/{name}.key"),
            national_id: holder.national_id.to_owned(),
        })
    }

    /// What scripts are told of it.
    pub fn document(&self, refused: BTreeMap<String, Card>) -> Cards {
        let [revocation_list, _] = self.lists();
        Cards {
            root: format!("{DIR}/root.pem"),
            issuing: format!("{DIR}/issuing.pem"),
            revocation_list,
            refused,
        }
    }

    /// Reads what was made before.
    fn open(world: &Path) -> Result<Self> {
        let dir = world.join(DIR);
        let issuer = |name: &str, common_name| {
            let file = dir.join(format!("{name}.key"));
            let pem = files::read_limited(&file, LIMIT)?;
            let key = KeyPair::from_pem(std::str::from_utf8(&pem)?).with_context(|| file.display().to_string())?;
            // Only name and usages are taken from these parameters.
            Ok::<_, anyhow::Error>(Issuer::new(authority_params(common_name, Timestamp::from_secs(0)), key))
        };
        Ok(Self {
            root: issuer("root", ROOT_NAME)?,
            issuing: issuer("issuing", ISSUING_NAME)?,
            dir,
            lists: String::new(),
            certificates: [Vec::new(), Vec::new()],
        })
    }
}

/// What serves the revocation lists, made when they are asked for.
#[derive(Clone)]
struct Lists(Arc<(Authorities, Arc<dyn Clock>)>);

/// The revocation lists of the world in this directory: `/pki/issuing.crl`, `/pki/root.crl`.
pub fn router(world: &Path, clock: Arc<dyn Clock>) -> Result<Router> {
    let lists = Lists(Arc::new((Authorities::open(world)?, clock)));
    Ok(Router::new()
        .route("/pki/issuing.crl", get(issuing_list))
        .route("/pki/root.crl", get(root_list))
        .with_state(lists))
}

async fn issuing_list(State(lists): State<Lists>) -> Response {
    let (authorities, clock) = &*lists.0;
    let revoked = fs::read_to_string(authorities.dir.join(REVOKED)).map_err(anyhow::Error::from);
    let revoked = revoked.map(|text| text.lines().filter_map(octets).collect::<Vec<_>>());
    answer(revoked.and_then(|revoked| list(&authorities.issuing, &revoked, clock.now())))
}

async fn root_list(State(lists): State<Lists>) -> Response {
    let (authorities, clock) = &*lists.0;
    answer(list(&authorities.root, &[], clock.now()))
}

fn answer(list: Result<Vec<u8>>) -> Response {
    match list {
        Ok(list) => ([(CONTENT_TYPE, "application/pkix-crl")], list).into_response(),
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "a revocation list cannot be made");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn list(issuer: &Issuer<'static, KeyPair>, revoked: &[Vec<u8>], now: Timestamp) -> Result<Vec<u8>> {
    let params = CertificateRevocationListParams {
        this_update: now.to_utc().into(),
        next_update: (now + LIST_LIFE).to_utc().into(),
        crl_number: SerialNumber::from(u64::try_from(now.secs()).unwrap_or_default()),
        issuing_distribution_point: None,
        revoked_certs: revoked
            .iter()
            .map(|serial| RevokedCertParams {
                serial_number: SerialNumber::from_slice(serial),
                revocation_time: now.to_utc().into(),
                reason_code: None,
                invalidity_date: None,
            })
            .collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    Ok(params.signed_by(issuer)?.der().to_vec())
}

fn key() -> Result<KeyPair> {
    Ok(KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_3072)?)
}

fn authority_params(common_name: &str, now: Timestamp) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    for (kind, value) in [
        (DnType::CountryName, "FR"),
        (DnType::OrganizationName, "HYGIE-TEST"),
        (DnType::CommonName, common_name),
    ] {
        params.distinguished_name.push(kind, value);
    }
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = (now - CARD_LIFE - DAY).to_utc().into();
    params.not_after = (now + AUTHORITY_LIFE).to_utc().into();
    params
}

fn write(dir: &Path, name: &str, pem: &str, key: &KeyPair) -> Result<()> {
    files::write_private(&dir.join(format!("{name}.pem")), pem.as_bytes())?;
    files::write_private(&dir.join(format!("{name}.key")), key.serialize_pem().as_bytes())?;
    Ok(())
}

/// 16 random octets, positive (RFC 5280 §4.1.2.2).
fn serial(random: &dyn Random) -> Vec<u8> {
    let mut octets = random_array::<16>(random);
    octets[0] = (octets[0] & 0x7f) | 0x40;
    octets.to_vec()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The octets of a line in hexadecimal.
fn octets(line: &str) -> Option<Vec<u8>> {
    let line = line.trim();
    let pairs = line.len().is_multiple_of(2) && !line.is_empty();
    let pair = |at| u8::from_str_radix(line.get(at..at + 2)?, 16).ok();
    pairs.then(|| (0..line.len()).step_by(2).map(pair).collect()).flatten()
}
