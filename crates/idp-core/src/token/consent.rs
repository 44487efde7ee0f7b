//! Consent: what an application lacks of what it asks for, who may give it, and giving it.
//! <https://learn.microsoft.com/entra/identity-platform/permissions-consent-overview>
//!
//! # Deviations
//!
//! - The permissions of OpenID Connect need no consent of their own in a tenant where the application is present; where
//!   it comes anew they are consented to, and count as of low impact.
//! - Policies are asked before anything is shown or given: who has to prove more does so first.

use hygie_core::{AppId, Cx};
use hygie_directory::repo::{Consents, Principals};
use hygie_directory::{
    Application, Authorization, DIRECTORY_API, DirectoryError, ForWhom, NewConsentRequest, Permissions,
    RequestedPermissions, role,
};
use hygie_oidc::{Aadsts, AuthorizeRequest, Refusal, Scopes};
use hygie_policy::RoleTemplateId;
use hygie_policy::consent::{AuthorizationPolicy, Client, Wanted};
use uuid::Uuid;

use super::Asking;
use super::admitted::Names as Called;
use super::authorize::authorization;
use crate::signin::SignedIn;
use crate::{Idp, IdpError};

/// Who may give delegated permissions, and roles of other resources than the directory API.
const GRANTERS: &[RoleTemplateId] = &[
    role::GLOBAL_ADMINISTRATOR,
    role::PRIVILEGED_ROLE_ADMINISTRATOR,
    role::APPLICATION_ADMINISTRATOR,
    role::CLOUD_APPLICATION_ADMINISTRATOR,
];
/// Who may give roles of the directory API as well: who has one can give itself any other.
const ROLE_GRANTERS: &[RoleTemplateId] = &[role::GLOBAL_ADMINISTRATOR, role::PRIVILEGED_ROLE_ADMINISTRATOR];

/// What kind of permission is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PermissionKind {
    /// For people who use the application.
    Delegated,
    /// For the application by itself.
    Role,
}

/// A permission as people are asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedPermission {
    /// The application that offers it.
    pub resource: AppId,
    /// What that is called.
    pub resource_name: String,
    /// For people or for the application.
    pub kind: PermissionKind,
    /// Its id; nil for those of OpenID Connect.
    pub id: Uuid,
    /// Its word.
    pub value: String,
    /// What it is called: to people, or to administrators.
    pub display_name: String,
    /// What it allows.
    pub description: Option<String>,
    /// Whether only administrators can give it.
    pub is_for_administrators: bool,
}

/// Who may give what is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The person, for themselves.
    Person,
    /// The person, for themselves and for everybody.
    Administrator,
    /// Somebody else.
    Nobody,
}

/// What somebody is asked to consent to.
#[derive(Clone, Debug)]
pub struct ConsentAsk {
    /// The application.
    pub application: Application,
    /// The establishment that it is registered in.
    pub home_name: String,
    /// Whether that is this one.
    pub is_own: bool,
    /// The establishment that consents.
    pub organisation: String,
    /// What it asks for.
    pub permissions: Vec<AskedPermission>,
    /// Who may give it.
    pub verdict: Verdict,
}

impl ConsentAsk {
    /// What is asked, by itself: whoever answers answers this and nothing that came later.
    pub fn fingerprint(&self) -> String {
        let mut words: Vec<String> = self
            .permissions
            .iter()
            .map(|asked| format!("{}/{:?}/{}", asked.resource, asked.kind, asked.value))
            .collect();
        words.sort_unstable();
        hygie_jose::base64url::encode(hygie_jose::digest::sha256(words.join(" ")))
    }

    /// The resources.
    fn resources(&self) -> Vec<AppId> {
        let mut all: Vec<AppId> = self.permissions.iter().map(|asked| asked.resource).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// As the directory is told.
    fn given(&self) -> Vec<Permissions> {
        let of = |resource: AppId| {
            let here = || self.permissions.iter().filter(move |asked| asked.resource == resource);
            let delegated = here().filter(|asked| asked.kind == PermissionKind::Delegated);
            let roles = here().filter(|asked| asked.kind == PermissionKind::Role);
            Permissions {
                resource,
                scopes: delegated.map(|asked| asked.value.clone()).collect(),
                roles: roles.map(|asked| asked.id).collect(),
            }
        };
        self.resources().into_iter().map(of).collect()
    }
}

/// What consent is asked for.
#[derive(Clone, Copy, Debug)]
pub enum ConsentRequest<'a> {
    /// What a person needs for these scopes.
    Person(&'a AuthorizeRequest),
    /// Everything that the registration asks for, or what of it belongs to these scopes, for everybody.
    Everybody(Option<&'a Scopes>),
}

impl Idp {
    /// What this person is asked to consent to before the application gets what it wants; nothing where nothing lacks.
    /// Policies are asked first.
    pub async fn consent_ask(
        &self,
        cx: &Cx,
        (asking, signed_in): (&Asking, &SignedIn),
        request: ConsentRequest<'_>,
    ) -> Result<Option<ConsentAsk>, IdpError> {
        let cx = &cx.for_tenant(signed_in.account.tenant);
        let client = &asking.application;
        let present = self.directory().find_service_principal(cx, client.app).await?;
        let permissions = match request {
            ConsentRequest::Person(request) => {
                let of = (client, present.as_ref());
                self.lacking(cx, of, (signed_in.account.user, request)).await?
            }
            ConsentRequest::Everybody(scopes) => self.registered_permissions(cx, client, scopes).await?,
        };
        if permissions.is_empty() {
            return Ok(None);
        }
        let verdict = self.verdict(cx, client, (signed_in, &permissions)).await?;
        let home = self.directory().find_tenant(&cx.for_tenant(client.home)).await?;
        let here = self.directory().find_tenant(cx).await?;
        let called = |found: Option<(hygie_directory::Tenant, Vec<String>)>| {
            found.map(|(tenant, _)| tenant.display_name).unwrap_or_default()
        };
        let ask = ConsentAsk {
            application: client.clone(),
            home_name: called(home),
            is_own: client.home == cx.tenant,
            organisation: called(here),
            permissions,
            verdict,
        };
        self.admit_consent(cx, (asking, signed_in), (&ask, request)).await?;
        Ok(Some(ask))
    }

    /// Gives what was asked.
    pub async fn give_consent(
        &self,
        cx: &Cx,
        signed_in: &SignedIn,
        (ask, whom): (&ConsentAsk, ForWhom),
    ) -> Result<(), IdpError> {
        let app = ask.application.app;
        let is_allowed = match (ask.verdict, whom) {
            (Verdict::Administrator, _) => true,
            (Verdict::Person, ForWhom::Person(user)) => user == signed_in.account.user,
            _ => false,
        };
        if !is_allowed {
            return Err(administrator_needed(ask).into());
        }
        let cx = Cx {
            principal: Some(self.person(&signed_in.account, Some(app)).into()),
            ..cx.for_tenant(signed_in.account.tenant)
        };
        let given = self.directory().consent(&cx, app, (whom, ask.given())).await;
        given.map(drop).map_err(|error| refused(&cx, ask, error))
    }

    /// Whether who cannot give this may ask administrators for it: delegated permissions alone, where the tenant says so.
    pub async fn may_ask_administrators(&self, cx: &Cx, ask: &ConsentAsk) -> Result<bool, IdpError> {
        let is_delegated = |asked: &AskedPermission| asked.kind == PermissionKind::Delegated;
        let rules = self.directory().access_rules(cx).await?;
        Ok(rules.consent_requests.is_enabled
            && ask.verdict == Verdict::Nobody
            && ask.permissions.iter().all(is_delegated))
    }

    /// Asks administrators for what was asked of a person.
    pub async fn ask_administrators(
        &self,
        cx: &Cx,
        signed_in: &SignedIn,
        (ask, reason): (&ConsentAsk, &str),
    ) -> Result<(), DirectoryError> {
        let app = ask.application.app;
        let cx = Cx {
            principal: Some(self.person(&signed_in.account, Some(app)).into()),
            ..cx.for_tenant(signed_in.account.tenant)
        };
        let of = |given: Permissions| RequestedPermissions {
            resource: given.resource,
            scopes: given.scopes,
        };
        let new = NewConsentRequest {
            app,
            app_display_name: ask.application.display_name.clone(),
            user: signed_in.account.user,
            permissions: ask.given().into_iter().map(of).collect(),
            reason: reason.to_owned(),
        };
        self.directory().ask_for_consent(&cx, new).await
    }

    /// Lets policies judge the person for what is asked, as if it was there already.
    async fn admit_consent(
        &self,
        cx: &Cx,
        (asking, signed_in): (&Asking, &SignedIn),
        (ask, request): (&ConsentAsk, ConsentRequest<'_>),
    ) -> Result<(), IdpError> {
        let authorization = match request {
            ConsentRequest::Person(request) => authorization(asking, request, signed_in),
            ConsentRequest::Everybody(_) => of_session(asking, signed_in),
        };
        let mut resources = ask.resources();
        // Consent is a change of the directory.
        if matches!(request, ConsentRequest::Everybody(_)) && !resources.contains(&DIRECTORY_API) {
            resources.push(DIRECTORY_API);
        }
        let entry = self.entry(cx, &authorization, &Called::asked(asking, signed_in));
        self.admit_browser(cx, &authorization, resources, entry).await.map(drop)
    }

    /// Who may give these permissions.
    async fn verdict(
        &self,
        cx: &Cx,
        client: &Application,
        (signed_in, permissions): (&SignedIn, &[AskedPermission]),
    ) -> Result<Verdict, IdpError> {
        let roles = self.directory().roles_of(cx, signed_in.account.user).await?;
        let has_one = |of: &[RoleTemplateId]| of.iter().any(|role| roles.contains(role));
        let is_role = |asked: &AskedPermission| asked.kind == PermissionKind::Role;
        let gives_directory = permissions
            .iter()
            .any(|asked| is_role(asked) && asked.resource == DIRECTORY_API);
        if has_one(ROLE_GRANTERS) || (has_one(GRANTERS) && !gives_directory) {
            return Ok(Verdict::Administrator);
        }
        if permissions.iter().any(is_role) {
            return Ok(Verdict::Nobody);
        }
        let policy: AuthorizationPolicy = self.directory().authorization_policy(cx).await?;
        let mut wanted = Vec::new();
        for asked in permissions {
            wanted.push(Wanted {
                is_for_administrators: asked.is_for_administrators,
                is_low: asked.id.is_nil() || self.is_low(cx, asked).await?,
            });
        }
        let client = Client {
            is_own: client.home == cx.tenant,
            is_verified: client.definition.verified_publisher.is_some(),
        };
        Ok(if policy.lets_consent(client, &wanted) {
            Verdict::Person
        } else {
            Verdict::Nobody
        })
    }

    async fn is_low(&self, cx: &Cx, asked: &AskedPermission) -> Result<bool, IdpError> {
        let listed = self
            .inner()
            .store
            .read(cx, asked.resource, |resource, tx| {
                Box::pin(async move {
                    match Principals(tx).find_by_app(*resource).await? {
                        Some(resource) => Ok::<_, IdpError>(Consents(tx).list_low(resource.id).await?),
                        None => Ok(Vec::new()),
                    }
                })
            })
            .await?;
        Ok(listed.iter().any(|row| row.permission == asked.id))
    }
}

/// That somebody else must consent.
fn administrator_needed(ask: &ConsentAsk) -> Refusal {
    let app = ask.application.app.to_string();
    Refusal::about(Aadsts::AdministratorNeeded, &[&app, &ask.organisation])
}

impl From<&ConsentAsk> for Refusal {
    fn from(ask: &ConsentAsk) -> Self {
        administrator_needed(ask)
    }
}

/// Why a consent was not given.
fn refused(cx: &Cx, ask: &ConsentAsk, error: DirectoryError) -> IdpError {
    let app = ask.application.app.to_string();
    match error {
        DirectoryError::Store(error) => error.into(),
        DirectoryError::Json(error) => error.into(),
        DirectoryError::NotFound("resource") => {
            Refusal::about(Aadsts::ServiceAbsent, &["?", &cx.tenant.to_string()]).into()
        }
        DirectoryError::Fixed(_) => Refusal::about(Aadsts::AppDisabled, &[&app]).into(),
        _ => Refusal::about(Aadsts::NoConsent, &[&app]).into(),
    }
}

/// What an administrator's session authorizes for policies to judge: nothing is issued of it.
fn of_session(asking: &Asking, signed_in: &SignedIn) -> Authorization {
    Authorization {
        root: None,
        client: asking.application.app,
        platform: asking.platform,
        version: asking.version,
        user: signed_in.account.user,
        session: signed_in.account.session,
        auth_time: signed_in.account.auth_time,
        used: signed_in.used.clone(),
        arrival: asking.arrival.clone(),
        scopes: Scopes::default(),
        claims: hygie_oidc::ClaimsRequest::default(),
        redirect_uri: None,
        nonce: None,
        challenge: None,
    }
}
