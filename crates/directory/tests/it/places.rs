//! Countries of addresses, by a database.

use hygie_directory::{Countries, CountryTable, NotATable, Town};
use hygie_testkit::country_database;
use proptest::prelude::*;

const RANGES: &[(&str, &str)] = &[
    ("192.0.0.0/16", "DE"),
    ("192.0.2.0/24", "FR"),
    ("192.0.2.128/25", "BE"),
    ("198.51.100.7/32", "CH"),
    ("2001:db8::/32", "FR"),
    ("2001:db8:1::/48", "LU"),
];

#[test]
fn an_address_has_the_country_of_its_narrowest_range() {
    let database = CountryTable::read(country_database("GeoLite2-Country", RANGES)).expect("a database");
    for (address, expected) in [
        ("192.0.3.1", Some("DE")),
        ("192.0.2.1", Some("FR")),
        ("192.0.2.127", Some("FR")),
        ("192.0.2.128", Some("BE")),
        ("192.1.0.0", None),
        ("198.51.100.7", Some("CH")),
        ("198.51.100.8", None),
        ("2001:db8::1", Some("FR")),
        ("2001:db8:1::1", Some("LU")),
        ("2001:db9::1", None),
        ("10.0.0.1", None),
    ] {
        let found = database.country_of(address.parse().expect("an address"));
        assert_eq!(
            found.map(|country| country.to_string()).as_deref(),
            expected,
            "{address}"
        );
    }
}

#[test]
fn a_database_of_cities_tells_where_in_the_country() {
    let ranges = [("192.0.2.0/24", "FR:Lille:50.6333:3.0667"), ("198.51.100.0/24", "DE")];
    let database = CountryTable::read(country_database("GeoLite2-City", &ranges)).expect("a database");
    let country = database.country_of([192, 0, 2, 1].into()).expect("a country");
    assert_eq!(country.to_string(), "FR");
    let town = database.town_of([192, 0, 2, 1].into());
    assert_eq!(
        (town.city.as_deref(), town.coordinates),
        (Some("Lille"), Some((50.6333, 3.0667)))
    );
    assert_eq!(database.town_of([198, 51, 100, 1].into()), Town::default());
    assert_eq!(database.town_of([203, 0, 113, 1].into()), Town::default());
}

proptest! {
    /// Whoever supplies a damaged file gets a refusal, and no other answer than a country.
    #[test]
    fn a_damaged_database_stops_nothing(at in 0_usize..4_096, octet: u8, cut in 0_usize..4_096, address: u128) {
        let mut file = country_database("GeoLite2-Country", RANGES);
        let length = file.len();
        file[at % length] = octet;
        file.truncate(length.max(cut + 1) - cut % 64);
        match CountryTable::read(file) {
            Ok(table) => {
                let address = std::net::Ipv6Addr::from_bits(address).into();
                let _ = table.country_of(address);
                drop(table.town_of(address));
            }
            Err(NotATable::Form(_) | NotATable::Kind(_)) => {}
        }
    }
}
