//! Writes synthetic patients as transaction bundles, one file each: `synthetic DIR PATIENTS`.

use std::path::PathBuf;

use anyhow::Context;
use hygie_server::synthetic::{Request, bundles};
use time::macros::date;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: synthetic DIR PATIENTS";
    let directory = PathBuf::from(arguments.next().context(usage)?);
    let patients = arguments.next().context(usage)?.parse().context(usage)?;
    let request = Request {
        seed: 1,
        patients,
        until: date!(2026 - 11 - 01),
    };
    for (number, bundle) in bundles(request).enumerate() {
        let path = directory.join(format!("{number:06}.json"));
        std::fs::write(&path, serde_json::to_vec(&bundle)?).with_context(|| path.display().to_string())?;
    }
    Ok(())
}
