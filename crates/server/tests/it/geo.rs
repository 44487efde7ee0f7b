//! Countries of addresses, by a supplied database.

use std::fs;

use hygie_directory::Countries;
use hygie_server::config::Config;
use hygie_server::geo::CountryDatabase;
use hygie_testkit::country_database;

use crate::installation::Installation;

fn country(database: &CountryDatabase, address: &str) -> Option<String> {
    let found = database.country_of(address.parse().expect("an address"));
    found.map(|country| country.to_string())
}

#[test]
fn a_database_that_changes_is_read_again_and_a_broken_one_is_not_taken() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("countries.mmdb");
    fs::write(&path, country_database("GeoLite2-Country", &[("192.0.2.0/24", "FR")])).expect("written");
    let database = CountryDatabase::open(&path).expect("a database");
    assert!(!database.refresh().expect("nothing changed"));
    let longer = [("192.0.2.0/24", "BE"), ("198.51.100.0/24", "FR")];
    fs::write(&path, country_database("DBIP-City-Lite", &longer)).expect("written");
    assert!(database.refresh().expect("read again"));
    assert_eq!(country(&database, "192.0.2.1").as_deref(), Some("BE"));
    let whole = fs::read(&path).expect("read");
    fs::write(&path, &whole[..whole.len() / 2]).expect("written");
    assert!(database.refresh().is_err());
    assert_eq!(
        country(&database, "192.0.2.1").as_deref(),
        Some("BE"),
        "the last one stays"
    );
    fs::remove_file(&path).expect("removed");
    assert!(database.refresh().is_err());
    assert_eq!(country(&database, "192.0.2.1").as_deref(), Some("BE"));
}

#[test]
fn what_is_no_database_of_countries_is_told_before_the_start() {
    let installation = Installation::new();
    installation.configure("\n[geo]\ndatabase = \"countries.mmdb\"\n");
    let file = installation.path("countries.mmdb");
    let problems = || {
        let problems = Config::problems(&installation.path("hygie.toml")).expect("a file");
        problems
            .lines(&installation.path("hygie.toml"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert!(problems().contains("cannot read"), "{}", problems());
    fs::write(&file, b"no database").expect("written");
    assert!(problems().contains("is no database of countries"), "{}", problems());
    fs::write(&file, country_database("GeoLite2-ASN", &[])).expect("written");
    assert!(problems().contains("GeoLite2-ASN"), "{}", problems());
    fs::write(&file, country_database("GeoLite2-Country", &[("192.0.2.0/24", "FR")])).expect("written");
    assert_eq!(problems(), "");
}
