//! `xtask layers`: the dependency rule of ARCHITECTURE.md. Arrows between our crates go down and may skip a level, never
//! up, never sideways; some outside crates belong to one part only.

use std::collections::BTreeSet;

use anyhow::bail;

use crate::workspace::{Package, Workspace, short};

/// Each part with the parts directly below it. A part that is not here does not build.
const PARTS: &[(&str, &[&str])] = &[
    ("core", &[]),
    ("jose", &["core"]),
    ("oidc", &["jose"]),
    ("policy", &["core"]),
    ("fhir-model", &["core"]),
    ("synthetic", &["fhir-model"]),
    ("command", &["core"]),
    ("load", &["command"]),
    ("keyring", &["core"]),
    ("store", &["keyring"]),
    ("store-conformance", &["store"]),
    ("store-cloud", &["store"]),
    ("access", &["store", "oidc"]),
    ("web", &["access"]),
    ("testkit", &["web", "store-cloud"]),
    ("odata", &["core"]),
    ("directory-store", &["store", "oidc", "policy"]),
    ("directory", &["directory-store", "access"]),
    ("mail", &["web", "directory-store"]),
    ("means", &["directory"]),
    ("idp-core", &["web", "means"]),
    ("idp", &["idp-core"]),
    ("graph-entity", &["means", "odata"]),
    ("graph", &["web", "graph-entity"]),
    ("console", &["web", "policy"]),
    ("federator", &["web"]),
    ("fhir-store", &["access", "fhir-model"]),
    ("fhir", &["web", "fhir-store"]),
    ("dicom", &["web"]),
    ("medtech", &["web", "fhir-model"]),
    (
        "server",
        &[
            "load",
            "idp",
            "graph",
            "console",
            "mail",
            "federator",
            "fhir",
            "dicom",
            "medtech",
            "store-cloud",
            "synthetic",
            "policy",
        ],
    ),
    ("fuzz", &["server"]),
    ("xtask", &["fhir-model"]),
];

/// Nothing but tests.
const FUZZ: &str = "fuzz";

/// Tests of the parts that it does not build on may use it, and those of the engines that it starts servers for; nothing
/// that ships may.
const TESTS_ONLY: &str = "testkit";
const ITS_ENGINES: &str = "store-cloud";

/// The checks that every engine passes: for the tests of the engines alone.
const SUITE: &str = "store-conformance";
const ENGINES: &[&str] = &["store", "store-cloud"];

/// Outside crates that only these parts may name.
const RESERVED: &[(&str, &[&str])] = &[
    ("rusqlite", &["store"]),
    ("tokio-postgres", &["store-cloud"]),
    ("deadpool-postgres", &["store-cloud"]),
    ("object_store", &["store", "store-conformance", "store-cloud"]),
    ("rskafka", &["store-cloud"]),
    (
        "axum",
        &[
            "web",
            "testkit",
            "idp",
            "console",
            "graph",
            "federator",
            "fhir",
            "dicom",
            "medtech",
            "server",
        ],
    ),
    ("reqwest", &["access", "testkit", "server", "load"]),
    ("lettre", &["mail"]),
    ("webauthn-rs-core", &["means"]),
    ("totp-rs", &["means"]),
    ("maxminddb", &["directory"]),
    ("clap", &["server", "xtask", "load"]),
    ("anyhow", &["server", "xtask", "command", "load"]),
];

/// Parts that neither wait nor read nor write.
const PURE: &[&str] = &["core", "jose", "oidc", "policy", "odata", "fhir-model"];
/// What a pure part must not name.
const IMPURE: &[&str] = &["tokio", "hyper", "futures-util"];

/// Checks the workspace.
pub fn run() -> anyhow::Result<()> {
    let workspace = Workspace::read()?;
    let wrong = wrong_arrows(&workspace.packages);
    for arrow in &wrong {
        eprintln!("layers: {arrow}");
    }
    if !wrong.is_empty() {
        bail!("{} wrong dependencies; the rule is in ARCHITECTURE.md", wrong.len());
    }
    println!(
        "layers: {} crates, no arrow goes up or sideways",
        workspace.packages.len()
    );
    Ok(())
}

fn wrong_arrows(packages: &[Package]) -> Vec<String> {
    let ours: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let mut wrong = Vec::new();
    for package in packages {
        let part = package.short();
        let Some(below) = below(part) else {
            wrong.push(format!(
                "{} is not in the table of parts (xtask/src/layers.rs)",
                package.name
            ));
            continue;
        };
        for dependency in &package.dependencies {
            let development = dependency.kind.as_deref() == Some("dev");
            let reason = if ours.contains(dependency.name.as_str()) {
                inside(part, &below, short(&dependency.name), development)
            } else {
                outside(part, &dependency.name, development)
            };
            wrong.extend(reason.map(|reason| format!("{} → {}: {reason}", package.name, dependency.name)));
        }
    }
    wrong
}

/// Every part that `part` may know.
fn below(part: &str) -> Option<BTreeSet<&'static str>> {
    let (_, direct) = PARTS.iter().find(|(name, _)| *name == part)?;
    let mut known: BTreeSet<&str> = direct.iter().copied().collect();
    for next in *direct {
        known.extend(below(next)?);
    }
    Some(known)
}

fn inside(part: &str, below: &BTreeSet<&str>, wanted: &str, development: bool) -> Option<&'static str> {
    let development = development || part == FUZZ;
    if wanted == TESTS_ONLY {
        let is_built_on = self::below(TESTS_ONLY).is_some_and(|its| its.contains(part)) && part != ITS_ENGINES;
        return match (development, is_built_on) {
            (true, false) => None,
            (true, true) => Some("it builds on this part"),
            (false, _) => Some("only for tests: a dev-dependency"),
        };
    }
    if wanted == SUITE {
        let is_tested = development && ENGINES.contains(&part);
        return (!is_tested).then_some("only for tests of the engines: a dev-dependency");
    }
    (!below.contains(wanted)).then_some("goes up or sideways")
}

fn outside(part: &str, wanted: &str, development: bool) -> Option<&'static str> {
    if development || part == FUZZ {
        return None;
    }
    let reserved = RESERVED.iter().find(|(name, _)| *name == wanted);
    if reserved.is_some_and(|(_, parts)| !parts.contains(&part)) {
        return Some("belongs to another part");
    }
    (PURE.contains(&part) && IMPURE.contains(&wanted)).then_some("this part neither waits nor reads nor writes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Dependency;

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Package {
        let dependencies = dependencies.iter().map(|(name, kind)| Dependency {
            name: (*name).to_owned(),
            kind: kind.map(str::to_owned),
        });
        Package {
            name: name.to_owned(),
            dependencies: dependencies.collect(),
            manifest_path: "Cargo.toml".into(),
        }
    }

    /// What is said of `from → to` in a workspace where both exist.
    fn said(from: &str, to: &str, kind: Option<&str>) -> Vec<String> {
        let known = [
            "hygie-core",
            "hygie-web",
            "hygie-directory",
            "hygie-idp",
            "hygie-fhir",
            "hygie-fhir-store",
            "hygie-testkit",
            "hygie-store",
            "hygie-store-conformance",
            "hygie-fuzz",
        ];
        let others = known
            .iter()
            .filter(|name| **name != from)
            .map(|name| package(name, &[]));
        let packages: Vec<Package> = others.chain([package(from, &[(to, kind)])]).collect();
        wrong_arrows(&packages)
    }

    #[test]
    fn arrows_go_down_and_may_skip_a_level() {
        for (from, to) in [
            ("hygie-web", "hygie-core"),
            ("hygie-idp", "hygie-web"),
            ("hygie-idp", "hygie-directory"),
            ("hygie", "hygie-fhir"),
            ("hygie", "hygie-core"),
            ("hygie-store", "rusqlite"),
        ] {
            assert_eq!(said(from, to, None), Vec::<String>::new(), "{from} → {to}");
        }
        for tested in ["hygie-idp", "hygie-fhir-store", "hygie-store-cloud"] {
            assert!(said(tested, "hygie-testkit", Some("dev")).is_empty());
        }
        for tool in ["hygie-testkit", "object_store"] {
            assert!(said("hygie-fuzz", tool, None).is_empty(), "{tool}");
        }
    }

    #[test]
    fn never_up_never_sideways_never_into_what_ships() {
        for (from, to, kind) in [
            ("hygie-core", "hygie-web", None),
            ("hygie-fhir", "hygie-idp", None),
            ("hygie-directory", "hygie-web", None),
            ("hygie-fhir", "hygie-directory", None),
            ("hygie-fhir-store", "hygie-web", None),
            ("hygie-fhir", "hygie-idp", Some("dev")),
            ("hygie-web", "hygie-idp", Some("build")),
            ("hygie-idp", "hygie-testkit", None),
            ("hygie", "hygie-fuzz", None),
            ("hygie-store", "hygie-testkit", Some("dev")),
            ("hygie-fhir", "rusqlite", None),
            ("hygie-core", "tokio", None),
        ] {
            assert_eq!(said(from, to, kind).len(), 1, "{from} → {to} ({kind:?})");
        }
    }

    #[test]
    fn only_tests_of_engines_know_the_suite() {
        let suite = "hygie-store-conformance";
        for engine in ["hygie-store", "hygie-store-cloud"] {
            assert!(said(engine, suite, Some("dev")).is_empty());
            assert_eq!(said(engine, suite, None).len(), 1, "{engine}");
        }
        assert_eq!(said("hygie-fhir", suite, Some("dev")).len(), 1);
        assert!(said(suite, "hygie-store", None).is_empty());
    }

    #[test]
    fn a_crate_outside_the_table_is_refused() {
        let wrong = wrong_arrows(&[package("hygie-utils", &[])]);
        assert_eq!(wrong.len(), 1);
        assert!(wrong[0].contains("hygie-utils"));
    }

    #[test]
    fn every_name_of_the_table_is_a_part() {
        for (part, _) in PARTS {
            assert!(below(part).is_some(), "{part}");
        }
    }
}
