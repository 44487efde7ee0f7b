//! What applications that sign in by themselves leave in the log. A service asks for tokens again and again: each is counted in
//! memory, and once a minute ([`Idp::maintain`]) an entry is written for each application, resource, address and outcome. What was
//! counted since is lost where the process is killed; the audit trail has each token.

use std::collections::HashMap;
use std::net::IpAddr;

use hygie_core::{AppId, Cx, ObjectId, TenantId};
use hygie_directory::logs::new_id;
use hygie_directory::{AppSignInEntry, ServicePrincipal, Signals};
use hygie_oidc::Credential;
use parking_lot::Mutex;

use super::workload::Admitted;
use crate::{Idp, IdpError};

/// Entries that wait at most: then they are written by the request that finds it so.
const MOST: usize = 4_096;

/// What is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    tenant: TenantId,
    principal: ObjectId,
    resource: Option<AppId>,
    address: Option<IpAddr>,
    credential: &'static str,
    error_code: u32,
}

/// The entries that wait.
#[derive(Default)]
pub(crate) struct AppLog(Mutex<HashMap<Key, AppSignInEntry>>);

/// An application that signs in by itself.
#[derive(Clone, Copy)]
pub(crate) struct Applicant<'a> {
    pub principal: &'a ServicePrincipal,
    pub resource: Option<(AppId, &'a str)>,
    /// What it presented ([`credential_kind`]).
    pub credential: &'static str,
}

/// What a client presented, as Graph's log names it.
pub(crate) fn credential_kind(credential: &Credential) -> &'static str {
    match credential {
        Credential::None => "none",
        Credential::Secret(_) => "clientSecret",
        Credential::Assertion(_) => "clientAssertion",
    }
}

impl AppLog {
    /// Counts one more; false where there is no room for another entry.
    fn count(&self, key: Key, entry: impl FnOnce() -> AppSignInEntry) -> bool {
        let mut waiting = self.0.lock();
        if let Some(known) = waiting.get_mut(&key) {
            known.count += 1;
            return true;
        }
        if waiting.len() >= MOST {
            return false;
        }
        waiting.insert(key, entry());
        true
    }

    fn take(&self) -> HashMap<TenantId, Vec<AppSignInEntry>> {
        let taken = std::mem::take(&mut *self.0.lock());
        let mut all: HashMap<TenantId, Vec<AppSignInEntry>> = HashMap::new();
        for (key, entry) in taken {
            all.entry(key.tenant).or_default().push(entry);
        }
        all
    }
}

impl Idp {
    /// Counts a sign-in, or what was refused.
    pub(crate) async fn count_app_sign_in(
        &self,
        cx: &Cx,
        applicant: Applicant<'_>,
        outcome: Result<&Admitted, &IdpError>,
    ) -> Result<(), IdpError> {
        let refusal = match outcome {
            Ok(admitted) => admitted.refusal.clone(),
            Err(error) => Some(error.refusal()),
        };
        let error_code = refusal.as_ref().map_or(0, |refusal| refusal.code().number());
        let principal = applicant.principal;
        let key = Key {
            tenant: cx.tenant,
            principal: principal.id,
            resource: applicant.resource.map(|(app, _)| app),
            address: cx.client,
            credential: applicant.credential,
            error_code,
        };
        let judged = outcome.ok();
        let entry = || AppSignInEntry {
            id: new_id(cx),
            at: cx.now,
            count: 1,
            correlation: cx.request.uuid(),
            principal: principal.id,
            app: principal.app,
            display_name: principal.display_name.clone(),
            is_managed: principal.resource_id.is_some(),
            resource: applicant.resource.map(|(app, name)| (app, name.to_owned())),
            address: cx.client,
            credential: applicant.credential.to_owned(),
            error_code,
            failure_reason: refusal.as_ref().map(|refusal| refusal.text().to_owned()),
            status: judged.map_or("notApplied", |judged| judged.status.as_str()).to_owned(),
            applied: judged
                .map(|judged| judged.applied.iter().map(Into::into).collect())
                .unwrap_or_default(),
            signals: Signals {
                tenant: Some(cx.tenant),
                home: Some(principal.home),
                ..self.directory().signals_of(cx.client)
            },
        };
        if self.inner().app_log.count(key, entry) {
            return Ok(());
        }
        self.write_app_sign_ins().await?;
        self.inner().app_log.count(key, entry);
        Ok(())
    }

    /// Writes what was counted; before the process ends, too.
    pub async fn write_app_sign_ins(&self) -> Result<(), IdpError> {
        let provider = self.provider_cx();
        for (tenant, entries) in self.inner().app_log.take() {
            self.directory()
                .log_app_sign_ins(&provider.for_tenant(tenant), entries)
                .await?;
        }
        Ok(())
    }
}
