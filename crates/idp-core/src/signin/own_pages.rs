//! Pages of ours about consent and invitations as applications: who comes to one signs in to it, and nothing is issued.

use hygie_core::{AppId, ObjectId, TenantId, Timestamp};
use hygie_directory::{Application, Audience, Definition, Place};
use hygie_oidc::RedirectUris;
use uuid::Uuid;

/// The page of administrators who consent, registered nowhere and present everywhere.
pub const ADMIN_CONSENT: AppId = AppId::from_uuid(Uuid::from_u128(0x6b5a_3a0e_5f0c_4d39_9a51_2f4f_83d1_7c01));
/// The page of people who were invited.
pub const INVITATIONS: AppId = AppId::from_uuid(Uuid::from_u128(0x6b5a_3a0e_5f0c_4d39_9a51_2f4f_83d1_7c02));

/// The page on which people see what they consented to.
pub const MY_APPLICATIONS: AppId = AppId::from_uuid(Uuid::from_u128(0x6b5a_3a0e_5f0c_4d39_9a51_2f4f_83d1_7c03));

/// The page on which people answer clients that named them.
pub const APPROVALS: AppId = AppId::from_uuid(Uuid::from_u128(0x6b5a_3a0e_5f0c_4d39_9a51_2f4f_83d1_7c04));

/// The page of this id at a place.
pub(crate) fn own_page(login: &str, app: AppId, place: Place) -> Option<Application> {
    let (name, path) = match app {
        ADMIN_CONSENT => ("Autorisations d’une application", "adminconsent"),
        INVITATIONS => ("Invitation", "redeem"),
        APPROVALS => ("Demandes de confirmation", "approvals"),
        MY_APPLICATIONS => ("Vos applications", "myapplications"),
        _ => return None,
    };
    Some(Application {
        app,
        id: ObjectId::from_uuid(app.uuid()),
        home: place.tenant().unwrap_or(TenantId::from_uuid(Uuid::nil())),
        display_name: name.to_owned(),
        definition: Definition {
            redirect_uris: RedirectUris {
                web: vec![format!("{login}/{}/{path}", place.segment())],
                ..RedirectUris::default()
            },
            sign_in_audience: Audience::Tenants,
            ..Definition::default()
        }
        .into(),
        created_at: Timestamp::from_millis(0),
    })
}
