//! The methods by which a person authenticated, as they are kept with a session and with what was authorized from it.

use hygie_core::Timestamp;
use hygie_policy::signin::Used;
use hygie_policy::strength::{Details, Mode, Usage};
use serde::{Deserialize, Serialize};

/// Methods with the instants of their last use; each model of passkey and each kind of certificate is one of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Kept>", into = "Vec<Kept>")]
pub struct Authentications(Vec<Used>);

/// What a method gives to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Factor {
    /// A first factor.
    First,
    /// A second one, beside a first.
    Second,
    /// Both.
    Both,
}

const fn factor(mode: Mode) -> Factor {
    match mode {
        Mode::Password | Mode::FederatedSingleFactor | Mode::QrCodePin | Mode::X509CertificateSingleFactor => {
            Factor::First
        }
        Mode::Voice
        | Mode::HardwareOath
        | Mode::SoftwareOath
        | Mode::Sms
        | Mode::Email
        | Mode::MicrosoftAuthenticatorPush => Factor::Second,
        Mode::FederatedMultiFactor
        | Mode::Fido2
        | Mode::WindowsHelloForBusiness
        | Mode::DeviceBasedPush
        | Mode::TemporaryAccessPassOneTime
        | Mode::TemporaryAccessPassMultiUse
        | Mode::X509CertificateMultiFactor => Factor::Both,
    }
}

/// The words of a method in `amr`: those of Entra ID's tokens, and of RFC 8176 where these have none.
const fn words(mode: Mode) -> &'static [&'static str] {
    match mode {
        Mode::Password | Mode::QrCodePin => &["pwd"],
        Mode::FederatedSingleFactor | Mode::FederatedMultiFactor => &["fed"],
        Mode::Voice => &["tel"],
        Mode::Sms => &["sms"],
        Mode::HardwareOath
        | Mode::SoftwareOath
        | Mode::Email
        | Mode::TemporaryAccessPassOneTime
        | Mode::TemporaryAccessPassMultiUse => &["otp"],
        Mode::Fido2 | Mode::WindowsHelloForBusiness => &["fido", "rsa"],
        Mode::MicrosoftAuthenticatorPush
        | Mode::DeviceBasedPush
        | Mode::X509CertificateSingleFactor
        | Mode::X509CertificateMultiFactor => &["rsa"],
    }
}

impl Authentications {
    /// One method, just used.
    pub fn of(usage: Usage, at: Timestamp) -> Self {
        Self(vec![Used { usage, at }])
    }

    /// One more method; an earlier use of the same is forgotten.
    pub fn add(&mut self, usage: Usage, at: Timestamp) {
        self.0.retain(|used| !used.usage.is_same(&usage));
        self.0.push(Used { usage, at });
    }

    /// What of it was proved at this instant or later.
    #[must_use]
    pub fn since(&self, at: Timestamp) -> Self {
        Self(self.0.iter().filter(|used| used.at >= at).cloned().collect())
    }

    /// The methods.
    pub fn used(&self) -> &[Used] {
        &self.0
    }

    /// What the log of sign-ins says of the certificate that was shown last.
    pub fn told(&self) -> &[(String, String)] {
        let certificates = self.0.iter().filter_map(|used| match &used.usage.details {
            Details::Certificate { told, .. } => Some((used.at, told)),
            _ => None,
        });
        certificates.max_by_key(|(at, _)| *at).map_or(&[], |(_, told)| told)
    }

    /// When a first factor was given last; a method that is both factors is one.
    pub fn primary_at(&self) -> Option<Timestamp> {
        self.latest(|mode| factor(mode) != Factor::Second)
    }

    /// When a second factor was given last; a method that is both factors is one, and so is a certificate beside a
    /// password.
    pub fn secondary_at(&self) -> Option<Timestamp> {
        let has_password = self.0.iter().any(|used| used.usage.mode == Mode::Password);
        self.latest(|mode| match factor(mode) {
            Factor::First => has_password && mode == Mode::X509CertificateSingleFactor,
            Factor::Second | Factor::Both => true,
        })
    }

    /// Whether there were two factors.
    pub fn is_multi_factor(&self) -> bool {
        self.primary_at().is_some() && self.secondary_at().is_some()
    }

    /// Since when there are two factors, each in its last use.
    pub fn multi_factor_since(&self) -> Option<Timestamp> {
        Some(self.primary_at()?.min(self.secondary_at()?))
    }

    /// The claim `amr`.
    pub fn amr(&self) -> Vec<String> {
        let mut found: Vec<&str> = Vec::new();
        for word in self.0.iter().flat_map(|used| words(used.usage.mode)) {
            if !found.contains(word) {
                found.push(word);
            }
        }
        if self.is_multi_factor() {
            found.push("mfa");
        }
        found.into_iter().map(str::to_owned).collect()
    }

    fn latest(&self, is_meant: impl Fn(Mode) -> bool) -> Option<Timestamp> {
        let meant = self.0.iter().filter(|used| is_meant(used.usage.mode));
        meant.map(|used| used.at).max()
    }
}

/// A method as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    method: String,
    at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    aaguid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    certificate: Option<KeptCertificate>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptCertificate {
    issuer_ski: Option<String>,
    policy_oids: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    told: Vec<(String, String)>,
}

impl From<Authentications> for Vec<Kept> {
    fn from(authentications: Authentications) -> Self {
        authentications.0.into_iter().map(Kept::from).collect()
    }
}

impl From<Used> for Kept {
    fn from(used: Used) -> Self {
        let (mut aaguid, mut certificate) = (None, None);
        match used.usage.details {
            Details::Passkey(model) => aaguid = Some(model.to_string()),
            Details::Certificate {
                issuer_ski,
                policy_oids,
                told,
            } => {
                certificate = Some(KeptCertificate {
                    issuer_ski,
                    policy_oids: policy_oids.into_iter().collect(),
                    told,
                });
            }
            Details::None | Details::ToBeChosen => {}
        }
        Self {
            method: used.usage.mode.as_str().to_owned(),
            at: used.at,
            aaguid,
            certificate,
        }
    }
}

impl TryFrom<Vec<Kept>> for Authentications {
    type Error = String;

    fn try_from(kept: Vec<Kept>) -> Result<Self, String> {
        kept.into_iter().map(Used::try_from).collect::<Result<_, _>>().map(Self)
    }
}

impl TryFrom<Kept> for Used {
    type Error = String;

    fn try_from(kept: Kept) -> Result<Self, String> {
        let mode = Mode::parse(&kept.method).ok_or_else(|| format!("no method is called {}", kept.method))?;
        let details = match (kept.aaguid, kept.certificate) {
            (None, None) => Details::None,
            (Some(aaguid), None) => Details::Passkey(aaguid.parse().map_err(|_| format!("no AAGUID: {aaguid}"))?),
            (None, Some(certificate)) => Details::Certificate {
                issuer_ski: certificate.issuer_ski,
                policy_oids: certificate.policy_oids.into_iter().collect(),
                told: certificate.told,
            },
            (Some(_), Some(_)) => return Err("a passkey and a certificate at once".to_owned()),
        };
        Ok(Self {
            usage: Usage { mode, details },
            at: kept.at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    fn session(methods: &[(Mode, i64)]) -> Authentications {
        let mut session = Authentications::default();
        for (mode, secs) in methods {
            session.add(Usage::of(*mode), at(*secs));
        }
        session
    }

    #[test]
    fn factors() {
        use Mode::{
            Fido2, Password, SoftwareOath, TemporaryAccessPassOneTime, X509CertificateMultiFactor,
            X509CertificateSingleFactor,
        };
        for (methods, primary, secondary, amr) in [
            (&[][..], None, None, ""),
            (&[(Password, 10)], Some(10), None, "pwd"),
            (&[(Password, 10), (SoftwareOath, 20)], Some(10), Some(20), "pwd otp mfa"),
            (&[(Fido2, 10)], Some(10), Some(10), "fido rsa mfa"),
            (&[(Password, 20), (Fido2, 10)], Some(20), Some(10), "pwd fido rsa mfa"),
            (&[(X509CertificateMultiFactor, 10)], Some(10), Some(10), "rsa mfa"),
            (&[(X509CertificateSingleFactor, 10)], Some(10), None, "rsa"),
            (
                &[(Password, 10), (X509CertificateSingleFactor, 20)],
                Some(20),
                Some(20),
                "pwd rsa mfa",
            ),
            (&[(TemporaryAccessPassOneTime, 10)], Some(10), Some(10), "otp mfa"),
        ] {
            let session = session(methods);
            assert_eq!(session.primary_at(), primary.map(at), "{methods:?}");
            assert_eq!(session.secondary_at(), secondary.map(at), "{methods:?}");
            assert_eq!(session.amr().join(" "), amr, "{methods:?}");
        }
    }

    #[test]
    fn a_method_is_there_once() {
        let session = session(&[(Mode::Password, 10), (Mode::SoftwareOath, 20), (Mode::Password, 30)]);
        assert_eq!(session.used().len(), 2);
        assert_eq!(session.primary_at(), Some(at(30)));
        assert_eq!(session.multi_factor_since(), Some(at(20)));
    }

    #[test]
    fn what_is_kept_is_read_again() {
        let mut session = session(&[(Mode::Password, 10)]);
        let passkey = Details::Passkey("90a3ccdf-635c-4729-a248-9b709135078f".parse().unwrap());
        let certificate = Details::Certificate {
            issuer_ski: Some("A1B2".to_owned()),
            policy_oids: ["1.2.250.1.213.1.7.2.1.1.1.1".to_owned()].into(),
            told: vec![("User certificate subject name".to_owned(), "CN=X".to_owned())],
        };
        session.add(
            Usage {
                mode: Mode::Fido2,
                details: passkey,
            },
            at(20),
        );
        session.add(
            Usage {
                mode: Mode::X509CertificateMultiFactor,
                details: certificate,
            },
            at(30),
        );
        let json = serde_json::to_string(&session).unwrap();
        assert_eq!(serde_json::from_str::<Authentications>(&json).unwrap(), session);
        for wrong in [
            r#"[{"method":"guess","at":1000}]"#,
            r#"[{"method":"password","at":1000,"by":"me"}]"#,
            r#"[{"method":"fido2","at":1000,"aaguid":"x"}]"#,
        ] {
            assert!(serde_json::from_str::<Authentications>(wrong).is_err(), "{wrong}");
        }
    }
}
