//! Looks at findings with an ordinary build: `cargo run --package hygie-fuzz -- TARGET FILE…`.

use std::process::ExitCode;

use hygie_fuzz::TARGETS;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let name = arguments.next().unwrap_or_default();
    let Some(target) = TARGETS.iter().find(|target| name == target.name) else {
        let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
        eprintln!("usage: hygie-fuzz TARGET FILE…\ntargets: {}", names.join(" "));
        return ExitCode::from(2);
    };
    for path in arguments {
        match std::fs::read(&path) {
            Ok(input) => {
                (target.run)(&input);
                println!("{}: nothing found", path.display());
            }
            Err(error) => {
                eprintln!("{}: {error}", path.display());
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
