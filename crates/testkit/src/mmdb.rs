//! A writer of databases in the MaxMind format, version 2.0: small ones, with the country of ranges of addresses.
//! <https://maxmind.github.io/MaxMind-DB/>

use std::collections::BTreeMap;
use std::net::IpAddr;

/// Bits of a record of the search tree.
const RECORD: u16 = 24;
/// Octets of zeros between the tree and the data.
const SEPARATOR: usize = 16;
/// What the metadata come after.
const MARKER: &[u8] = b"\xab\xcd\xefMaxMind.com";

/// Where one side of a node leads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Nothing,
    Node(usize),
    /// The country of this number.
    Country(usize),
}

/// A database of this type (`GeoLite2-Country`) that knows these ranges (`192.0.2.0/24`) and their countries; of ranges in
/// ranges the narrower counts.
///
/// # Panics
/// Where a range is none.
pub fn country_database(kind: &str, ranges: &[(&str, &str)]) -> Vec<u8> {
    let mut countries: Vec<&str> = Vec::new();
    let mut sorted: Vec<(u8, u128, usize)> = Vec::new();
    for (range, country) in ranges {
        let number = countries.iter().position(|known| known == country).unwrap_or_else(|| {
            countries.push(country);
            countries.len() - 1
        });
        let (bits, prefix) = bits_of(range);
        sorted.push((prefix, bits, number));
    }
    sorted.sort_unstable();
    let mut tree = vec![[Side::Nothing; 2]];
    for (prefix, bits, country) in sorted {
        insert(&mut tree, (bits, prefix), country);
    }
    let (data, offsets) = data_of(&countries);
    let mut file = Vec::new();
    for side in tree.iter().flatten() {
        let value = match side {
            Side::Nothing => tree.len(),
            Side::Node(node) => *node,
            Side::Country(number) => tree.len() + SEPARATOR + offsets[*number],
        };
        file.extend_from_slice(&u32::try_from(value).expect("a small tree").to_be_bytes()[1..]);
    }
    file.extend_from_slice(&[0; SEPARATOR]);
    file.extend_from_slice(&data);
    file.extend_from_slice(MARKER);
    file.extend_from_slice(&metadata(kind, tree.len()));
    file
}

/// The first bits of the addresses of a range, in the tree of version 6, where those of version 4 are `::/96`.
fn bits_of(range: &str) -> (u128, u8) {
    let (address, prefix) = range.split_once('/').expect("a range");
    let prefix: u8 = prefix.parse().expect("a length");
    match address.parse().expect("an address") {
        IpAddr::V4(address) => (u128::from(address.to_bits()), prefix + 96),
        IpAddr::V6(address) => (address.to_bits(), prefix),
    }
}

fn insert(tree: &mut Vec<[Side; 2]>, (bits, prefix): (u128, u8), country: usize) {
    let side_at = |depth: u8| usize::from(bits >> (127 - depth) & 1 == 1);
    let mut node = 0;
    for depth in 0..prefix - 1 {
        let side = side_at(depth);
        node = match tree[node][side] {
            Side::Node(next) => next,
            // What a wider range said goes on beside the narrower one.
            above => {
                tree.push([above; 2]);
                let next = tree.len() - 1;
                tree[node][side] = Side::Node(next);
                next
            }
        };
    }
    tree[node][side_at(prefix - 1)] = Side::Country(country);
}

/// `{"country": {"iso_code": …}}` of each country, and where each begins. A country may have a city and where it lies:
/// `FR:Lille:50.6333:3.0667`, as databases of cities have it.
fn data_of(countries: &[&str]) -> (Vec<u8>, Vec<usize>) {
    let (mut data, mut offsets) = (Vec::new(), Vec::new());
    for country in countries {
        offsets.push(data.len());
        let mut parts = country.split(':');
        let code = parts.next().expect("a country");
        let city = parts.next();
        map(&mut data, if city.is_some() { 3 } else { 1 });
        text(&mut data, "country");
        map(&mut data, 1);
        text(&mut data, "iso_code");
        text(&mut data, code);
        if let Some(city) = city {
            text(&mut data, "city");
            map(&mut data, 1);
            text(&mut data, "names");
            map(&mut data, 1);
            text(&mut data, "en");
            text(&mut data, city);
            text(&mut data, "location");
            map(&mut data, 2);
            for name in ["latitude", "longitude"] {
                text(&mut data, name);
                let degrees: f64 = parts.next().and_then(|text| text.parse().ok()).expect("degrees");
                data.push(3 << 5 | 8);
                data.extend_from_slice(&degrees.to_be_bytes());
            }
        }
    }
    (data, offsets)
}

fn metadata(kind: &str, nodes: usize) -> Vec<u8> {
    let mut data = Vec::new();
    let numbers = BTreeMap::from([
        ("binary_format_major_version", 2),
        ("binary_format_minor_version", 0),
        ("ip_version", 6),
        ("record_size", RECORD),
    ]);
    map(&mut data, 9);
    for (name, value) in numbers {
        text(&mut data, name);
        number(&mut data, 5, &value.to_be_bytes());
    }
    text(&mut data, "node_count");
    number(&mut data, 6, &u32::try_from(nodes).expect("a small tree").to_be_bytes());
    text(&mut data, "build_epoch");
    number(&mut data, 9, &1_795_000_000_u64.to_be_bytes());
    text(&mut data, "database_type");
    text(&mut data, kind);
    text(&mut data, "description");
    map(&mut data, 1);
    text(&mut data, "en");
    text(&mut data, "For tests");
    text(&mut data, "languages");
    // An array is one of the types that have a second octet.
    data.extend_from_slice(&[1, 11 - 7]);
    text(&mut data, "en");
    data
}

fn map(data: &mut Vec<u8>, members: u8) {
    data.push(7 << 5 | members);
}

fn text(data: &mut Vec<u8>, text: &str) {
    let length = u8::try_from(text.len()).ok().filter(|length| *length < 29);
    data.push(2 << 5 | length.expect("a short text"));
    data.extend_from_slice(text.as_bytes());
}

fn number(data: &mut Vec<u8>, kind: u8, octets: &[u8]) {
    let length = u8::try_from(octets.len()).expect("a number");
    if kind < 8 {
        data.push(kind << 5 | length);
    } else {
        data.extend_from_slice(&[length, kind - 7]);
    }
    data.extend_from_slice(octets);
}
