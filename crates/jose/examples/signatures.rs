//! Measures signatures in CPU time: the bare operation of the cryptographic library, alone and on all cores at once (cores
//! that share their arithmetic units are slower together), then a whole token.
//! `cargo run --release -p hygie-jose --example signatures`
#![expect(clippy::unwrap_used, reason = "a measurement stops at the first surprise")]

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use hygie_jose::{Algorithm, Jwks, KeySet, Protected, SigningKey, verify};
use serde_json::json;

/// Microseconds of CPU time of this thread so far, as Linux counts them: unlike the clock, they do not run while others
/// use the cores.
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1000.0
}

fn micros(times: u32, mut work: impl FnMut()) -> f64 {
    work();
    let before = cpu();
    (0..times).for_each(|_| work());
    (cpu() - before) / f64::from(times)
}

fn each(what: &str, times: u32, work: impl FnMut()) {
    println!("{what:<32} {:>9.2} µs", micros(times, work));
}

/// Bare RSA signatures of what a token signs.
fn raw(times: u32) -> f64 {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let random = SystemRandom::new();
    let mut signature = vec![0; key.public_modulus_len()];
    let message = [b'x'; 1100];
    micros(times, || {
        key.sign(&RSA_PKCS1_SHA256, &random, &message, &mut signature).unwrap();
    })
}

/// The same on every core, for as long as the slowest takes.
fn raw_on_all(times: u32) -> f64 {
    let cores = std::thread::available_parallelism().unwrap().get();
    let together: Vec<_> = (0..cores).map(|_| std::thread::spawn(move || raw(times))).collect();
    let sum: f64 = together.into_iter().map(|thread| thread.join().unwrap()).sum();
    sum / cores as f64
}

fn main() {
    println!("{:<32} {:>9.2} µs", "raw RS256 signature", raw(3000));
    println!("{:<32} {:>9.2} µs", "raw RS256, all cores at once", raw_on_all(5000));
    let claims = json!({
        "aud": "https://fhir.example", "iss": "https://login.example/72f988bf-86f1-41af-91ab-2d7cd011db47/",
        "iat": 1_795_000_000, "nbf": 1_795_000_000, "exp": 1_795_003_900, "aio": "E2ZgYFjbNP3aFvHgLQA=",
        "appid": "e97c2e42-5a0a-4a43-a9c3-6b0a3f5c1b0d", "appidacr": "1", "oid": "1b9a3e1c-7d3f-4d54-8d5c-0c1b6a1e2f30",
        "rh": "0.AXkA", "sub": "1b9a3e1c-7d3f-4d54-8d5c-0c1b6a1e2f30", "tid": "72f988bf-86f1-41af-91ab-2d7cd011db47",
        "uti": "IlqTmVJvr0qzYzYYRBAAAA", "ver": "1.0",
    });
    for (algorithm, times) in [(Algorithm::Rs256, 3000), (Algorithm::Es256, 20_000)] {
        let key = SigningKey::generate(algorithm).unwrap();
        let keys = KeySet::new(&Jwks {
            keys: vec![key.public_jwk()],
        });
        let token = key.sign(&Protected::jwt(), &claims).unwrap();
        let name = algorithm.name();
        each(&format!("token signed {name}"), times, || {
            drop(key.sign(&Protected::jwt(), &claims).unwrap());
        });
        each(&format!("token verified {name}"), 10_000, || {
            drop(verify(&token, &keys).unwrap());
        });
    }
}
