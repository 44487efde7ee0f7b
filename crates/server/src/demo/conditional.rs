//! Conditional access of the demo world: what the Agence du Numérique en Santé asks an establishment for before its people
//! may go to Pro Santé Connect with the account of the house.

use anyhow::{Context, Result};
use hygie_core::{Cx, ObjectId};
use hygie_directory::{Audience, Definition, Directory, NewApplication};
use hygie_oidc::RedirectUris;
use hygie_policy::psc::SANDBOX;
use hygie_policy::templates::{ProSanteConnect, pro_sante_connect, pro_sante_connect_strength};
use hygie_policy::{AuthenticationStrength, Policy, StrengthId};

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
