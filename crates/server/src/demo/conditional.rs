//! Conditional access of the demo world: what the Agence du Numérique en Santé asks an establishment for before its people
//! may go to Pro Santé Connect with the account of the house.

use anyhow::{Context, Result};
use hygie_core::{Cx, ObjectId};
use hygie_directory::repo::Publisher;
use hygie_directory::trust::AuthorityChange;
use hygie_directory::{
    AccessKind, Audience, DIRECTORY_API, Definition, Directory, ForWhom, NewApplication, NewTenant, Permissions,
    RequiredAccess, RequiredResource, directory_api,
};
use hygie_oidc::RedirectUris;
use hygie_policy::methods::Method;
use hygie_policy::psc::SANDBOX;
use hygie_policy::templates::{ProSanteConnect, pro_sante_connect, pro_sante_connect_strength};
use hygie_policy::{AuthenticationStrength, Policy, StrengthId};
use serde_json::json;

use super::cards::{Authorities, ISSUING_NAME};
use super::{people, terms};

/// Registers the application of Pro Santé Connect at its publisher, whom the demo vouches for. It is for every tenant in
/// which an administrator consents.
pub async fn publish(directory: &Directory, cx: &Cx) -> Result<()> {
    let (domain, name) = people::PUBLISHER;
    let tenant = NewTenant {
        id: cx.tenant,
        display_name: name.to_owned(),
        domain: domain.to_owned(),
    };
    directory.create_tenant(cx, tenant).await?;
    let publisher = Publisher {
        id: people::PUBLISHER_ID.to_owned(),
        display_name: name.to_owned(),
    };
    directory.vouch_for_publisher(cx, publisher).await?;
    let (made, _) = directory
        .create_application(cx, pro_sante_connect_application())
        .await?;
    let mark = Some(people::PUBLISHER_ID.to_owned());
    directory.set_verified_publisher(cx, made.id, mark).await?;
    Ok(())
}

fn pro_sante_connect_application() -> NewApplication {
    let api = directory_api();
    let own = api
        .definition
        .scopes
        .iter()
        .filter(|scope| scope.value == people::OWN_PROFILE);
    NewApplication {
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
            required_resource_access: vec![RequiredResource {
                resource_app_id: DIRECTORY_API,
                resource_access: own
                    .map(|scope| RequiredAccess {
                        id: scope.id,
                        kind: AccessKind::Scope,
                    })
                    .collect(),
            }],
            ..Definition::default()
        },
    }
}

/// Consents to Pro Santé Connect for everybody, as an administrator does, and makes terms of use, the strength
/// `FA01-ProSantéConnect`, and the policies `AC01-ProSantéConnect…` and `AC02-ProSantéConnect…`, from which the emergency account
/// is excluded.
pub async fn make(directory: &Directory, cx: &Cx, emergency: ObjectId) -> Result<()> {
    let scopes = ["openid", "profile", people::OWN_PROFILE];
    let asked = Permissions {
        resource: DIRECTORY_API,
        scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
        roles: Vec::new(),
    };
    directory
        .consent(cx, SANDBOX, (ForWhom::Everybody, vec![asked]))
        .await?;
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
        terms: Some(terms::make(directory, cx).await?),
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
