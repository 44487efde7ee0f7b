//! Sign-ins by the country of their address, over the wire.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use hygie_directory::Countries;
use hygie_directory::logs::LogEntry;
use hygie_policy::NamedLocation;
use hygie_policy::json::{Member, read};
use hygie_policy::location::Country;
use hygie_testkit::Client;
use hygie_web::client::Peer;
use serde_json::json;

use crate::world::{WEB, World};

/// Knows two networks.
struct TwoNetworks;

impl Countries for TwoNetworks {
    fn country_of(&self, address: IpAddr) -> Option<Country> {
        let IpAddr::V4(address) = address else { return None };
        match address.octets() {
            [192, 0, 2, _] => "FR".parse().ok(),
            [198, 51, 100, _] => "BE".parse().ok(),
            _ => None,
        }
    }
}

impl World {
    /// A browser at this address.
    pub fn browser_at(&self, address: [u8; 4]) -> Client {
        let peer = Peer(SocketAddr::new(address.into(), 443));
        Client::new(&self.router.clone().layer(Extension(peer)))
    }
}

#[tokio::test]
async fn who_comes_from_another_country_is_blocked_and_the_log_says_where_it_was() {
    let world = World::new().await;
    let directory = world.idp.directory();
    directory.know_countries(Arc::new(TwoNetworks));
    let france = json!({ "@odata.type": "#microsoft.graph.countryNamedLocation", "displayName": "France",
        "countriesAndRegions": ["FR"], "includeUnknownCountriesAndRegions": false });
    let france: NamedLocation = read(&france).unwrap();
    let france = directory.create_rule(&world.cx(world.tenant), france).await.unwrap();
    let id = france.write()["id"].clone();
    world
        .policy(json!({
            "conditions": {
                "users": { "includeUsers": ["All"] },
                "applications": { "includeApplications": [world.fhir.to_string()] },
                "locations": { "includeLocations": ["All"], "excludeLocations": [id] },
            },
            "grantControls": { "operator": "OR", "builtInControls": ["block"] },
        }))
        .await;
    let request = world.authorize(world.portal, WEB, &[]);
    let at_home = world.sign_in(&world.browser_at([192, 0, 2, 7]), &request).await;
    assert!(at_home.redirect_param("code").is_some(), "{}", at_home.text());
    for elsewhere in [[198, 51, 100, 7], [203, 0, 113, 7]] {
        world.clock.advance(Duration::from_secs(1));
        let page = world.sign_in(&world.browser_at(elsewhere), &request).await;
        assert!(page.text().contains("AADSTS53003"), "{}", page.text());
    }
    let log = world.log().await;
    let told: Vec<_> = log
        .iter()
        .map(|entry| (entry.error_code, entry.shown()["location"]["countryOrRegion"].clone()))
        .collect();
    let expected = [(53_003, json!(null)), (53_003, json!("BE")), (0, json!("FR"))];
    assert_eq!(told, expected);
    // A refresh is judged by where it comes from.
    let code = at_home.redirect_param("code").unwrap();
    let tokens = world.redeem(&code).await.json();
    let refreshed = world.refresh(tokens["refresh_token"].as_str().unwrap(), &[]).await;
    assert_eq!(refreshed.json()["error_codes"][0], 53_003, "{}", refreshed.text());
}
