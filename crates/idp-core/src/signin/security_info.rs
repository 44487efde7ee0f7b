//! The page *Informations de sécurité* as an application: who comes to it signs in to it.

use hygie_core::{AppId, ObjectId, TenantId, Timestamp};
use hygie_directory::{Application, Definition};
use hygie_oidc::RedirectUris;
use uuid::Uuid;

/// The id of *My Signins* of Entra ID, registered nowhere and present in every tenant.
pub const SECURITY_INFO: AppId = AppId::from_uuid(Uuid::from_u128(0x19db_86c3_b2b9_44cc_b339_36da_233a_3be2));

/// The application of a tenant's page.
pub(crate) fn security_info(login: &str, tenant: TenantId) -> Application {
    Application {
        app: SECURITY_INFO,
        id: ObjectId::from_uuid(SECURITY_INFO.uuid()),
        home: tenant,
        display_name: "Informations de sécurité".to_owned(),
        definition: Definition {
            redirect_uris: RedirectUris {
                web: vec![format!("{login}/{tenant}/securityinfo")],
                ..RedirectUris::default()
            },
            ..Definition::default()
        }
        .into(),
        created_at: Timestamp::from_millis(0),
    }
}
