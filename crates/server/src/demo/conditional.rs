//! Conditional access of the demo world: what the Agence du Numérique en Santé asks an establishment for before its people
//! may go to Pro Santé Connect with the account of the house.

use anyhow::{Context, Result};
use hygie_core::{Cx, ObjectId};
use hygie_directory::trust::AuthorityChange;
use hygie_directory::{Audience, Definition, Directory, NewApplication};
use hygie_oidc::RedirectUris;
use hygie_policy::methods::Method;
use hygie_policy::psc::SANDBOX;
use hygie_policy::templates::{ProSanteConnect, pro_sante_connect, pro_sante_connect_strength};
use hygie_policy::{AuthenticationStrength, Policy, StrengthId};
use serde_json::json;

use super::cards::{Authorities, ISSUING_NAME};
use super::people;

/// Makes the application of Pro Santé Connect, the strength `FA01-ProSantéConnect` and the policy `AC02-ProSantéConnect…`, from
/// which the emergency account is excluded.
pub async fn make(directory: &Directory, cx: &Cx, emergency: ObjectId) -> Result<()> {
    let application = NewApplication {
        app: Some(SANDBOX),
        display_name: people::PRO_SANTE_CONNECT.to_owned(),
        definition: Definition {
            redirect_uris: RedirectUris {
                web: people::SERVER_ADDRESSES
                    .iter()
                    .map(|&address| address.to_owned())
                    .collect(),
                ..RedirectUris::default()
            },
            sign_in_audience: Audience::Tenants,
            ..Definition::default()
        },
    };
    directory.create_application(cx, application).await?;
    // Its id is given by the directory.
    let wanted = AuthenticationStrength {
        id: None,
        ..pro_sante_connect_strength(StrengthId::from_uuid(uuid::Uuid::nil()))
    };
    let strength = directory.create_rule(cx, wanted).await?;
    let asked = ProSanteConnect {
        application: SANDBOX,
        strength: strength.id.context("a strength that is kept has an id")?,
        emergency: [emergency].into(),
        terms: None,
    };
    for policy in pro_sante_connect(&asked) {
        directory.create_rule::<Policy>(cx, policy).await?;
    }
    Ok(())
}

/// Trusts the authorities of the cards, and lets people sign in by them, as the guide for CPx cards asks: the principal name
/// is looked up among the `certificateUserIds`, and a card with its code is two factors.
pub async fn accept_cards(directory: &Directory, cx: &Cx, authorities: &Authorities) -> Result<()> {
    let pki = directory.create_pki(cx, "IGC de démonstration").await?;
    for (certificate, list) in authorities.certificates.iter().zip(authorities.lists()) {
        let change = AuthorityChange {
            list_url: Some(Some(list)),
            ..AuthorityChange::default()
        };
        directory.add_authority(cx, pki.id, certificate, change).await?;
    }
    let configuration = json!({
        "@odata.type": "#microsoft.graph.x509CertificateAuthenticationMethodConfiguration",
        "state": "enabled",
        "authenticationModeConfiguration": {
            "x509CertificateAuthenticationDefaultMode": "x509CertificateMultiFactor",
            "x509CertificateDefaultRequiredAffinityLevel": "low",
            "rules": [{
                "x509CertificateRuleType": "issuerSubject",
                "identifier": format!("CN={ISSUING_NAME}, O=HYGIE-TEST, C=FR"),
                "x509CertificateAuthenticationMode": "x509CertificateMultiFactor",
                "x509CertificateRequiredAffinityLevel": "low",
            }],
        },
        "certificateUserBindings": [{
            "x509CertificateField": "PrincipalName",
            "userProperty": "certificateUserIds",
            "priority": 1,
            "trustAffinityLevel": "low",
        }],
        "crlValidationConfiguration": { "state": "enabled", "exemptedCertificateAuthoritiesSubjectKeyIdentifiers": [] },
    });
    let method = Method::X509Certificate;
    directory.configure_method(cx, method, configuration).await?;
    Ok(())
}
