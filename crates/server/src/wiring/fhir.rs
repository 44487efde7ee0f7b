//! The FHIR service instances: a store, a gate and an address each, behind one router.

use std::sync::Arc;

use anyhow::{Context, Result};
use hygie_access::{AppRole, Gate, Instance, Kind, RoleSemantics, TrustedIssuer};
use hygie_core::{AppId, TenantId};
use hygie_fhir::{Authority, Fhir, Limits, Settings as FhirSettings};
use hygie_fhir_store::repo::Repository;
use hygie_store::Store;
use hygie_store::blobs::{self, Blobs};
use hygie_web::layers::Cors;
use url::Url;

use super::delivery::{self, Delivery};
use super::objects::Objects;
use super::{Base, bucket, kafka, own_workload};
use crate::config::{self, Events};

/// A FHIR service of a workspace.
pub struct FhirInstance {
    /// The workspace.
    pub workspace: String,
    /// Its name there.
    pub name: String,
    /// The tenant that the workspace belongs to.
    pub tenant: TenantId,
    /// Its address, which is its identifier URI as well.
    pub base: String,
    /// Its application.
    pub app: Option<AppId>,
    /// Which definition of the roles holds.
    pub semantics: RoleSemantics,
    /// Who is trusted besides the tenant itself.
    pub issuers: Vec<TrustedIssuer>,
    /// Application roles of theirs that count.
    pub app_roles: Vec<AppRole>,
    /// Most entries of a batch or transaction.
    pub bundle_entries: usize,
    /// Most bytes of a Binary in its native form.
    pub binary: u64,
    /// Where its events go, if anywhere.
    pub events: Option<Events>,
    /// Where its large objects lie, if not beside its database.
    pub bucket: Option<config::Blobs>,
}

impl FhirInstance {
    /// Name of its database: names hold no dot, so that no two instances share one.
    fn database(&self) -> String {
        fhir_database(&self.workspace, &self.name)
    }
}

/// Name of the database of a FHIR service.
pub fn fhir_database(workspace: &str, service: &str) -> String {
    format!("fhir.{workspace}.{service}")
}

/// Opens an instance.
pub async fn open(base: &mut Base, instance: &FhirInstance) -> Result<Fhir> {
    let cx = base.cx(instance.tenant);
    let extract = hygie_fhir_store::index::extract::extract;
    let repository = match &instance.events {
        Some(_) => Repository::telling(extract, &instance.base),
        None => Repository::new(extract),
    };
    let replay = Arc::new(repository.clone());
    let name = instance.database();
    let store = base.stores.open_instance(&name, &[], Some(replay), &cx).await?;
    begin_delivery(base, instance, &store).await?;
    let blobs = open_blobs(base, instance, &store).await?;
    let login = &base.settings.login;
    let tenant = instance.tenant;
    Ok(Fhir::new(FhirSettings {
        store,
        repository,
        blobs,
        gate: Arc::new(gate(base, instance)),
        base: Url::parse(&instance.base).context("the address of a FHIR service is not a URL")?,
        limits: Limits {
            entries: instance.bundle_entries,
            binary: instance.binary,
            ..Limits::default()
        },
        authority: Authority {
            issuer: format!("{login}/{tenant}/v2.0"),
            authorization_endpoint: format!("{login}/{tenant}/oauth2/v2.0/authorize"),
            token_endpoint: format!("{login}/{tenant}/oauth2/v2.0/token"),
            jwks_uri: format!("{login}/{tenant}/discovery/v2.0/keys"),
        },
        started: base.settings.clock.now(),
    }))
}

/// Has the store of an instance keep its events for whom they go to, from its first write on.
async fn begin_delivery(base: &mut Base, instance: &FhirInstance, store: &Store) -> Result<()> {
    let cx = base.cx(instance.tenant);
    let service = format!("{}/{}", instance.workspace, instance.name);
    let Some(events) = &instance.events else {
        return delivery::end(store, &cx, (&service, kafka::CONSUMER)).await;
    };
    let workload = own_workload(&instance.workspace, &instance.name);
    let identity = base.idp.own_identity(instance.tenant, &workload);
    let consumer = kafka::open(events, &instance.base, identity)
        .with_context(|| format!("the events of the FHIR service {service}"))?;
    let delivery = Delivery::begin((service, ""), store, &cx, consumer).await?;
    base.deliveries.push(delivery);
    Ok(())
}

/// Large objects lie in a bucket, or beside the database. Where several processes share one, the disk of one of them is no
/// place for them.
async fn open_blobs(base: &mut Base, instance: &FhirInstance, store: &Store) -> Result<Option<Blobs>> {
    let (service, name) = (format!("{}/{}", instance.workspace, instance.name), instance.database());
    let failed = || format!("the large objects of the FHIR service {service}");
    let keyring = base.stores.keyring();
    let blobs = match &instance.bucket {
        Some(bucket) => {
            base.stores.share_blobs_key(&name).await.with_context(failed)?;
            let workload = own_workload(&instance.workspace, &instance.name);
            let identity = base.idp.own_identity(instance.tenant, &workload);
            let bucket = bucket::open(bucket, identity).with_context(failed)?;
            bucket.blobs(&name, keyring)
        }
        None if base.stores.are_shared() => return Ok(None),
        None => blobs::open_on_disk(&base.settings.data, &name, keyring),
    };
    let blobs = blobs.with_context(failed)?;
    base.objects.push(Objects {
        service,
        instance: name,
        store: store.clone(),
        cx: base.cx(instance.tenant),
        blobs: blobs.clone(),
        is_in_bucket: instance.bucket.is_some(),
    });
    Ok(Some(blobs))
}

/// A service under another origin, on its own path.
pub fn at(service: &Fhir, origin: &str) -> Result<Fhir> {
    let url = |text: &str| Url::parse(text).context("the address of a FHIR service is not a URL");
    let mut base = url(origin)?;
    base.set_path(url(service.base())?.path());
    Ok(service.at(base))
}

fn gate(base: &Base, instance: &FhirInstance) -> Gate {
    let keys = base.idp.key_source();
    let own = TrustedIssuer::of_tenant(&base.settings.login, instance.tenant, &keys);
    let app_roles = instance.app_roles.clone();
    let instance = Instance {
        kind: Kind::Fhir,
        workspace: instance.workspace.clone(),
        name: instance.name.clone(),
        tenant: instance.tenant,
        audiences: vec![instance.base.clone()],
        app: instance.app,
        authority: format!("{}/{}", base.settings.login, instance.tenant),
        issuers: own.into_iter().chain(instance.issuers.iter().cloned()).collect(),
        semantics: instance.semantics,
        app_roles,
    };
    Gate::new(instance, base.assignments.clone(), Arc::new(base.directory.clone()))
}

/// The public documents may be read by any page; patients' data by none of another origin.
pub fn cors(route: &str) -> Cors {
    let is_public = ["/metadata", "/.well-known/smart-configuration", "/$versions"];
    if is_public.iter().any(|end| route.ends_with(end)) {
        Cors::Open
    } else {
        Cors::Closed
    }
}

/// A bundle may be large and take its time.
pub fn limits() -> hygie_web::layers::Limits {
    hygie_web::layers::Limits {
        body: Limits::default().bundle,
        time: Limits::default().time,
        uploads: hygie_fhir::is_upload,
        ..hygie_web::layers::Limits::default()
    }
}
