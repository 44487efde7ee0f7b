//! An authenticator in software: passkeys of any model, with or without a maker that vouches for them. It answers what
//! `navigator.credentials` would, in the JSON of Web Authentication Level 3 §5.1.8; written apart from what verifies it.

use hygie_jose::{base64url, digest};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData, SigningKey,
};
use serde_json::{Value, json};
use uuid::Uuid;

/// The extension of an attestation certificate that names the model (WebAuthn Level 2 §8.2.1).
const MODEL: &[u64] = &[1, 3, 6, 1, 4, 1, 45_724, 1, 1, 4];

/// A maker of authenticators.
pub struct Maker {
    root: rcgen::Certificate,
    issuer: Issuer<'static, KeyPair>,
}

/// A passkey in its authenticator.
pub struct SoftwarePasskey {
    origin: String,
    aaguid: Uuid,
    key: KeyPair,
    id: Vec<u8>,
    handle: Vec<u8>,
    /// What it tells next is one more.
    pub counter: u32,
    /// Whether it asks for a PIN or a finger.
    pub verifies: bool,
    is_synced: bool,
    attestation: Option<(KeyPair, Vec<u8>)>,
}

impl Maker {
    /// A new one.
    pub fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.distinguished_name = name("Root");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let root = params.self_signed(&key).expect("a certificate");
        Self {
            root,
            issuer: Issuer::new(params, key),
        }
    }

    /// The metadata statement of a model of this maker.
    pub fn statement(&self, aaguid: Uuid, description: &str) -> Value {
        use base64::Engine;
        let root = base64::engine::general_purpose::STANDARD.encode(self.root.der());
        json!({ "aaguid": aaguid, "description": description, "attestationRootCertificates": [root] })
    }

    fn vouch(&self, aaguid: Uuid) -> (KeyPair, Vec<u8>) {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.distinguished_name = name("Batch 1");
        params.is_ca = IsCa::ExplicitNoCa;
        let octets = [&[0x04, 0x10], &aaguid.as_bytes()[..]].concat();
        params.custom_extensions = vec![CustomExtension::from_oid_content(MODEL, octets)];
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        (key, certificate.der().to_vec())
    }
}

impl Default for Maker {
    fn default() -> Self {
        Self::new()
    }
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CountryName, "FR");
    name.push(DnType::OrganizationName, "Maker");
    name.push(DnType::OrganizationalUnitName, "Authenticator Attestation");
    name.push(DnType::CommonName, common);
    name
}

impl SoftwarePasskey {
    /// Of this model, in a browser that shows this origin; it stays in its device.
    pub fn new(origin: &str, aaguid: Uuid) -> Self {
        Self {
            origin: origin.to_owned(),
            aaguid,
            key: KeyPair::generate().expect("a key"),
            id: Vec::new(),
            handle: Vec::new(),
            counter: 0,
            verifies: true,
            is_synced: false,
            attestation: None,
        }
    }

    /// In several devices.
    #[must_use]
    pub fn synced(mut self) -> Self {
        self.is_synced = true;
        self
    }

    /// With a certificate of its maker.
    #[must_use]
    pub fn vouched_by(mut self, maker: &Maker) -> Self {
        self.attestation = Some(maker.vouch(self.aaguid));
        self
    }

    /// Registers: the answer to `PublicKeyCredentialCreationOptionsJSON`.
    pub fn create(&mut self, options: &Value) -> String {
        let point = self.key.der_bytes().to_vec();
        self.id = digest::sha256(&point)[..20].to_vec();
        self.handle = base64url::decode(text(&options["user"]["id"])).expect("base64url");
        let client_data = self.client_data("webauthn.create", options);
        let mut data = self.data(text(&options["rp"]["id"]), 0x40);
        data.extend(self.aaguid.as_bytes());
        data.extend(u16::try_from(self.id.len()).expect("short").to_be_bytes());
        data.extend(&self.id);
        // EC2, ES256, P-256 (RFC 9053 §2.1, §7.1).
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(&point[1..33]);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(&point[33..65]);
        let statement = match &self.attestation {
            None => ("none", vec![0xa0]),
            Some((key, certificate)) => {
                let signature = key.sign(&signed(&data, &client_data)).expect("a signature");
                let mut statement = vec![0xa3];
                statement.extend(cbor_text("alg"));
                statement.push(0x26);
                statement.extend(cbor_text("sig"));
                statement.extend(cbor_bytes(&signature));
                statement.extend(cbor_text("x5c"));
                statement.push(0x81);
                statement.extend(cbor_bytes(certificate));
                ("packed", statement)
            }
        };
        let mut object = vec![0xa3];
        object.extend(cbor_text("fmt"));
        object.extend(cbor_text(statement.0));
        object.extend(cbor_text("attStmt"));
        object.extend(statement.1);
        object.extend(cbor_text("authData"));
        object.extend(cbor_bytes(&data));
        json!({
            "id": base64url::encode(&self.id), "rawId": base64url::encode(&self.id), "type": "public-key",
            "response": {
                "attestationObject": base64url::encode(object), "clientDataJSON": base64url::encode(client_data),
                "transports": ["usb"],
            },
            "clientExtensionResults": { "credProps": { "rk": true } },
        })
        .to_string()
    }

    /// Signs in: the answer to `PublicKeyCredentialRequestOptionsJSON`.
    pub fn get(&mut self, options: &Value) -> String {
        self.counter += 1;
        let client_data = self.client_data("webauthn.get", options);
        let data = self.data(text(&options["rpId"]), 0);
        let signature = self.key.sign(&signed(&data, &client_data)).expect("a signature");
        json!({
            "id": base64url::encode(&self.id), "rawId": base64url::encode(&self.id), "type": "public-key",
            "response": {
                "authenticatorData": base64url::encode(data), "clientDataJSON": base64url::encode(client_data),
                "signature": base64url::encode(signature), "userHandle": base64url::encode(&self.handle),
            },
            "clientExtensionResults": {},
        })
        .to_string()
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let data = json!({
            "type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": false,
        });
        data.to_string().into_bytes()
    }

    /// Authenticator data (WebAuthn Level 2 §6.1).
    fn data(&self, party: &str, flags: u8) -> Vec<u8> {
        let verified = if self.verifies { 0x04 } else { 0 };
        let synced = if self.is_synced { 0x18 } else { 0 };
        let mut data = digest::sha256(party).to_vec();
        data.push(0x01 | verified | synced | flags);
        data.extend(self.counter.to_be_bytes());
        data
    }
}

fn signed(data: &[u8], client_data: &[u8]) -> Vec<u8> {
    [data, &digest::sha256(client_data)].concat()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text of the options")
}

fn cbor_text(text: &str) -> Vec<u8> {
    [cbor_head(0x60, text.len()), text.as_bytes().to_vec()].concat()
}

fn cbor_bytes(bytes: &[u8]) -> Vec<u8> {
    [cbor_head(0x40, bytes.len()), bytes.to_vec()].concat()
}

/// The beginning of a text or of octets (RFC 8949 §3).
fn cbor_head(major: u8, length: usize) -> Vec<u8> {
    let length = u16::try_from(length).expect("short");
    match u8::try_from(length) {
        Ok(short @ 0..=23) => vec![major | short],
        Ok(byte) => vec![major | 0x18, byte],
        Err(_) => [vec![major | 0x19], length.to_be_bytes().to_vec()].concat(),
    }
}
