//! Whose tokens the tenants of the configuration exchange.

use std::sync::Arc;

use anyhow::{Context, Result};
use hygie_access::{Discovered, Outgoing};
use hygie_core::Clock;
use hygie_idp::{Exchanges, PscClient, TrustedPsc};

use crate::config::{self, Config, Psc, Tenant};

/// None when no tenant exchanges any. Nothing is fetched before the first token comes.
pub fn exchanges(config: &Config, outgoing: &Outgoing, clock: &Arc<dyn Clock>) -> Result<Option<Exchanges>> {
    let tenants = config.tenants.iter().map(toml::Spanned::get_ref);
    let named = tenants.filter_map(|tenant| Some((tenant, tenant.psc.as_ref()?)));
    let trusted = named.map(|(tenant, psc)| trusted(tenant, psc, (outgoing, clock)));
    let trusted: Vec<TrustedPsc> = trusted.collect::<Result<_>>()?;
    Ok((!trusted.is_empty()).then(|| Exchanges::new(outgoing, clock, trusted)))
}

fn trusted(tenant: &Tenant, psc: &Psc, (outgoing, clock): (&Outgoing, &Arc<dyn Clock>)) -> Result<TrustedPsc> {
    let secret = psc.client_secret.read();
    let whose = || format!("the secret at Pro Santé Connect of {}", tenant.display_name);
    Ok(TrustedPsc {
        tenant: tenant.id,
        issuer: psc.issuer.clone(),
        metadata: Discovered::new(outgoing.clone(), psc.document(), clock.clone()),
        client_id: psc.client_id.clone(),
        client_secret: secret.with_context(whose)?,
        clients: psc.clients.iter().map(client).collect(),
        thumbprint: psc.thumbprint,
        life: psc.life(),
    })
}

fn client(named: &config::PscClient) -> PscClient {
    PscClient {
        app: named.app,
        services: named.services.clone(),
    }
}
