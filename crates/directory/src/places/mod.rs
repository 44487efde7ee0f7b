//! From where somebody comes: the country of an address, by a database that the operator supplies.

mod database;

use std::net::IpAddr;
use std::sync::Arc;

use hygie_core::{Cx, TenantId};
use hygie_policy::location::{Country, Whereabouts};
use hygie_store::StoreError;

pub use database::{CountryTable, NotATable};

use crate::{Directory, Signals};

/// Knows the countries of addresses.
pub trait Countries: Send + Sync {
    /// The country in which an address is in use; none where nothing is known of it.
    fn country_of(&self, address: IpAddr) -> Option<Country>;

    /// The place in it, where that is known too: for the log alone.
    fn town_of(&self, _address: IpAddr) -> Town {
        Town::default()
    }
}

/// A place within a country.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Town {
    /// The city.
    pub city: Option<String>,
    /// The region.
    pub state: Option<String>,
    /// Latitude and longitude in degrees.
    pub coordinates: Option<(f64, f64)>,
}

impl Directory {
    /// Says by what countries are known: once, before anybody asks. Without it no sign-in has a country, and no policy by
    /// country is enforced. False where they are known already.
    pub fn know_countries(&self, countries: Arc<dyn Countries>) -> bool {
        self.0.countries.set(countries).is_ok()
    }

    /// Whether countries are known here.
    pub fn knows_countries(&self) -> bool {
        self.0.countries.get().is_some()
    }

    /// A tenant that enforces a policy by country, where none is known here: it would block nobody, or everybody.
    pub async fn find_policy_without_countries(&self, cx: &Cx) -> Result<Option<TenantId>, StoreError> {
        if self.knows_countries() {
            return Ok(None);
        }
        for tenant in self.list_tenants(cx).await? {
            if self.access_rules(&cx.for_tenant(tenant)).await?.asks_for_countries() {
                return Ok(Some(tenant));
            }
        }
        Ok(None)
    }

    /// What is known of where a request from this address comes from.
    pub fn whereabouts(&self, address: Option<IpAddr>) -> Whereabouts {
        let countries = self.0.countries.get();
        Whereabouts {
            address,
            country: address.and_then(|address| countries?.country_of(address.to_canonical())),
            gps_country: None,
        }
    }

    /// What is known of a sign-in from this address.
    pub fn signals_of(&self, address: Option<IpAddr>) -> Signals {
        let country = self.whereabouts(address).country;
        let countries = self.0.countries.get();
        let town = address.and_then(|address| Some(countries?.town_of(address.to_canonical())));
        let town = town.unwrap_or_default();
        Signals {
            city: town.city,
            state: town.state,
            coordinates: town
                .coordinates
                .map(|(latitude, longitude)| [degrees(latitude), degrees(longitude)]),
            country: country.map(|country| country.to_string()),
            ..Signals::default()
        }
    }
}

/// Degrees as the log keeps them: in ten-thousandths, some ten metres.
fn degrees(degrees: f64) -> i32 {
    // A float that is no number, or too large, becomes one that can be kept.
    #[expect(clippy::cast_possible_truncation, reason = "it saturates")]
    let kept = (degrees * 10_000.0).round() as i32;
    kept
}
