//! Trains the dictionary with which FHIR bodies are compressed, on synthetic patients only: a dictionary holds fragments
//! of what it was trained on.
//!
//! ```text
//! cargo run -p hygie --example dictionary -- crates/fhir/dictionaries/1.zstd-dictionary
//! ```
//!
//! A dictionary is never changed once bodies were written with it: a better one gets the next number.

use hygie_synthetic::{Request, bundles};
use time::macros::date;

/// Size of the dictionary in bytes; larger ones pay little (measured).
const SIZE: usize = 64 * 1024;

fn main() {
    let path = std::env::args().nth(1).expect("usage: dictionary FILE");
    let request = Request {
        seed: 1,
        patients: 400,
        until: date!(2026 - 06 - 30),
    };
    let bodies: Vec<Vec<u8>> = bundles(request)
        .map(|bundle| serde_json::from_slice::<serde_json::Value>(&bundle).expect("JSON"))
        .flat_map(|bundle| bundle["entry"].as_array().cloned().unwrap_or_default())
        .map(|entry| serde_json::to_vec(&entry["resource"]).expect("JSON"))
        .collect();
    // Every second body trains, the others judge.
    let (train, judge): (Vec<_>, Vec<_>) = bodies.iter().enumerate().partition(|(at, _)| at % 2 == 0);
    let train: Vec<&[u8]> = train.into_iter().map(|(_, body)| body.as_slice()).collect();
    let dictionary = zstd::dict::from_samples(&train, SIZE).expect("enough samples");
    let mut compressor = zstd::bulk::Compressor::with_dictionary(3, &dictionary).expect("a dictionary");
    let before: usize = judge.iter().map(|(_, body)| body.len()).sum();
    let after: usize = judge
        .iter()
        .map(|(_, body)| compressor.compress(body).expect("a body").len())
        .sum();
    println!("{} bodies, {before} bytes, to {after}", judge.len());
    std::fs::write(path, dictionary).expect("a writable file");
}
