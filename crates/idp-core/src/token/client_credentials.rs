//! The client credentials grant (RFC 6749 §4.4): a token for the application itself.

use std::sync::Arc;

use hygie_core::{AppId, Cx};
use hygie_directory::Place;
use hygie_jose::Protected;
use hygie_oidc::{Aadsts, Credential, Names, Refusal, TokenRequest, TokenResponse, grant};
use hygie_policy::signin::Workload;
use hygie_web::audit::Note;

use super::claims::{self, Facts, Proof};
use super::issue::{header, object};
use super::known::Mark;
use super::party::{Parties, Wanted};
use super::{Granted, Sender};
use crate::signin::app_log::{Applicant, credential_kind};
use crate::signin::ownership;
use crate::signin::workload::Admitted;
use crate::{Idp, IdpError};

impl Idp {
    /// Decides and answers. The client needs a service principal in the tenant, and so does the resource.
    pub async fn client_credentials(
        &self,
        cx: &Cx,
        place: Place,
        request: &TokenRequest,
        sender: Sender<'_>,
    ) -> Result<Granted, IdpError> {
        let tenant = super::tenant_at(place)?;
        let cx = cx.for_tenant(tenant);
        let client = request.client.app(&tenant.to_string())?;
        let wanted = wanted(request)?;
        if matches!(request.client.credential, Credential::None) {
            return Err(Refusal::new(Aadsts::NoCredential).into());
        }
        grant::credential(hygie_oidc::Platform::Web, &request.client.credential, sender.origin)?;
        let parties = match self.own_parties(&cx, client, &wanted.resource).await {
            Ok(parties) => parties,
            Err(error) => {
                // Who has not proved to be the client is not told which resources there are, and who may have them.
                let told = self.prove(&cx, client, request).await.err().unwrap_or(error);
                return self.refused_app(&cx, (client, request), told).await;
            }
        };
        let applicant = Applicant {
            principal: &parties.client.principal,
            resource: Some((
                parties.resource.party.application.app,
                &parties.resource.party.application.display_name,
            )),
            credential: credential_kind(&request.client.credential),
        };
        let proved = self.proved_and_admitted(&cx, (client, request), &parties).await;
        let counted = proved.as_ref().map(|(_, admitted)| admitted);
        self.count_app_sign_in(&cx, applicant, counted).await?;
        let (proof, admitted) = proved?;
        if let Some(refusal) = admitted.refusal {
            return Err(refusal.into());
        }
        let facts = self.app_facts(&cx, &parties, (proof, sender));
        let ends = cx.now + parties.lifetimes.access(&*cx.random);
        let header: Protected = header(&parties);
        let access_token = self
            .inner()
            .signer
            .sign(header, claims::access(&facts, ends, &[]))
            .await?;
        let note = Note::new("idp.token", object(parties.resource.party.application.app));
        Ok(Granted {
            response: TokenResponse {
                version: request.version,
                access_token,
                validity: (cx.now, ends),
                resource: wanted.resource,
                scope: None,
                refresh: None,
                id_token: None,
                client_info: None,
                is_exchanged: false,
            },
            note: note.by(&self.application_actor(&parties)),
            platform: None,
        })
    }

    /// Who the client is, and that policies let it.
    async fn proved_and_admitted(
        &self,
        cx: &Cx,
        (client, request): (AppId, &TokenRequest),
        parties: &Parties,
    ) -> Result<(Proof, Admitted), IdpError> {
        let proof = self.proof(cx, client, (request, &parties.credentials)).await?;
        let of = &parties.client;
        let workload = Workload {
            id: of.principal.id,
            ownership: ownership(&of.principal, of.application.definition.sign_in_audience, cx),
        };
        let resource = parties.resource.party.application.app;
        Ok((proof, self.admit_workload(cx, workload, resource).await?))
    }

    /// An application that gets no token because of what it asks for, or what it is; in the log where it is known here.
    async fn refused_app<T>(
        &self,
        cx: &Cx,
        (client, request): (AppId, &TokenRequest),
        error: IdpError,
    ) -> Result<T, IdpError> {
        if let Some(principal) = self.directory().find_service_principal(cx, client).await? {
            let applicant = Applicant {
                principal: &principal,
                resource: None,
                credential: credential_kind(&request.client.credential),
            };
            self.count_app_sign_in(cx, applicant, Err(&error)).await?;
        }
        Err(error)
    }

    /// The parties when an application acts for itself, read at most a second ago.
    pub(super) async fn own_parties(&self, cx: &Cx, client: AppId, resource: &str) -> Result<Arc<Parties>, IdpError> {
        let known = &self.inner().known;
        let key = (cx.tenant, client, resource.to_owned());
        let at = Mark {
            read_at: cx.now,
            changes: self.directory().changes(),
        };
        if let Some(parties) = known.find(&key, at) {
            return Ok(parties);
        }
        let parties = Arc::new(self.parties(cx, client, resource, None).await?);
        known.keep(key, at, &parties);
        Ok(parties)
    }

    pub(super) fn app_facts<'a>(
        &'a self,
        cx: &'a Cx,
        parties: &'a Parties,
        (proof, sender): (Proof, Sender<'_>),
    ) -> Facts<'a> {
        Facts {
            provider: &self.inner().provider,
            parties,
            now: cx.now,
            random: &*cx.random,
            proof,
            confirmation: sender.confirmation(),
            client_address: None,
            until: None,
            signed_in: None,
        }
    }
}

/// One resource, as `{resource}/.default`: an application's permissions are not asked for one by one.
fn wanted(request: &TokenRequest) -> Result<Wanted, Refusal> {
    let parameter = match request.version {
        hygie_oidc::Version::V1 => "resource",
        hygie_oidc::Version::V2 => "scope",
    };
    let scopes = request.scopes.as_ref().ok_or_else(|| Refusal::missing(parameter))?;
    let wanted = scopes
        .single()?
        .map(Wanted::of)
        .ok_or_else(|| Refusal::about(Aadsts::NotDefault, &["openid"]))?;
    match &wanted.names {
        Names::Default => Ok(wanted),
        Names::Named(names) => Err(Refusal::about(Aadsts::NotDefault, &[&names.join(" ")])),
    }
}
