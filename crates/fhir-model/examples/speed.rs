//! How long parsing, validation and extraction take, on NDJSON given on standard input:
//! `zstd -dc Observation.ndjson.zst | cargo run --release -p hygie-fhir-model --example speed`.

use std::io::Read as _;
use std::time::{Duration, Instant};

use hygie_fhir_model::json::{Document, Limits};
use hygie_fhir_model::search::extract;
use hygie_fhir_model::{ResourceType, validate};

#[expect(clippy::disallowed_methods, reason = "measuring time is what it is for")]
fn timed<T>(total: &mut Duration, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    *total += start.elapsed();
    result
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut first = Duration::ZERO;
    timed(&mut first, || ResourceType::find("Patient"));
    println!("definitions: {:.2} ms", first.as_secs_f64() * 1e3);

    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input)?;
    let (mut parse, mut check, mut search) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let (mut count, mut values) = (0_u32, 0_u32);
    for line in input.lines().filter(|line| !line.is_empty()) {
        let bytes = line.as_bytes().to_vec();
        let document = timed(&mut parse, || Document::parse(bytes, &Limits::default()))?;
        let kind = timed(&mut check, || validate(&document))?;
        timed(&mut search, || extract(&document, kind, &mut |_, _| values += 1));
        count += 1;
    }
    let kilobytes = f64::from(u32::try_from(input.len())?) / 1024.0;
    let micros = |total: Duration, by: f64| total.as_secs_f64() * 1e6 / by;
    println!(
        "{count} resources of {:.0} bytes, {:.1} values each",
        kilobytes * 1024.0 / f64::from(count),
        f64::from(values) / f64::from(count)
    );
    println!("parse: {:.2} µs per KB", micros(parse, kilobytes));
    println!("validate: {:.2} µs per resource", micros(check, count.into()));
    println!("extract: {:.2} µs per resource", micros(search, count.into()));
    Ok(())
}
