//! The whole of who may do what, as two tables to be read: `golden/roles-*.txt`. `UPDATE_GOLDEN=1` writes them anew.

use std::fmt::Write;
use std::path::Path;

use hygie_access::{Interaction, Kind, Operation, Permissions, Role, RoleSemantics};
use hygie_core::{Principal, PrincipalKind};

use crate::world::{object, tenant};

/// Writes of types that change the service itself have rows of their own.
const SPECIAL: [&str; 4] = ["SearchParameter", "StructureDefinition", "ValueSet", "NamingSystem"];
const SPECIAL_WRITES: [Interaction; 4] = [
    Interaction::Create,
    Interaction::Update,
    Interaction::Patch,
    Interaction::Delete,
];

fn roles() -> impl Iterator<Item = Role> {
    Role::ALL.iter().copied().filter(|role| role.kind() == Kind::Fhir)
}

/// An application with the widest SMART scopes that need no compartment.
fn permissions(role: Role, semantics: RoleSemantics) -> Permissions {
    let principal = Principal {
        issuer: String::new(),
        tenant: tenant(1),
        subject: object(1),
        kind: PrincipalKind::App,
        app: None,
        groups: Vec::new(),
        app_roles: vec!["system/*.*".to_owned()],
        scopes: Vec::new(),
        session: None,
        professional: None,
    };
    Permissions::new(Kind::Fhir, semantics, role.actions(semantics), &principal)
}

fn row(table: &mut String, name: &str, operation: Operation<'_>, semantics: RoleSemantics) {
    let mut line = format!("{name:<36}");
    for role in roles() {
        let allowed = permissions(role, semantics).check(operation).is_ok();
        let mark = match (allowed, role) {
            (false, _) => "-",
            (true, Role::FhirSmartUser) => "scopes",
            (true, _) => "yes",
        };
        write!(line, "{mark:<13}").unwrap();
    }
    writeln!(table, "{}", line.trim_end()).unwrap();
}

fn table(semantics: RoleSemantics) -> String {
    let mut table = format!("{:<36}", "");
    for role in roles() {
        let short = role.name().trim_start_matches("FHIR ").trim_start_matches("Data ");
        write!(table, "{short:<13}").unwrap();
    }
    table.truncate(table.trim_end().len());
    table.push('\n');
    for interaction in Interaction::ALL {
        row(&mut table, interaction.name(), interaction.on("Patient"), semantics);
    }
    for interaction in [
        Interaction::BulkDelete,
        Interaction::BulkHardDelete,
        Interaction::BulkUpdate,
    ] {
        let name = format!("{} of all types", interaction.name());
        row(&mut table, &name, interaction.everywhere(), semantics);
    }
    for resource_type in SPECIAL {
        for interaction in SPECIAL_WRITES {
            let name = format!("{} {resource_type}", interaction.name());
            row(&mut table, &name, interaction.on(resource_type), semantics);
        }
    }
    table
}

fn check(name: &str, semantics: RoleSemantics) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden").join(name);
    let table = table(semantics);
    #[expect(
        clippy::disallowed_methods,
        reason = "only a person who runs the test asks for new golden files"
    )]
    if std::env::var("UPDATE_GOLDEN").is_ok() {
        std::fs::write(&path, &table).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        table, golden,
        "{name} changed; if that is wanted, UPDATE_GOLDEN=1 and review it"
    );
}

#[test]
fn documented() {
    check("roles-documented.txt", RoleSemantics::Documented);
}

#[test]
fn azure() {
    check("roles-azure.txt", RoleSemantics::Azure);
}

#[test]
fn documented_conformance_types() {
    // Of both modules of R4, and nothing else.
    for resource_type in [
        "CapabilityStatement",
        "CodeSystem",
        "CompartmentDefinition",
        "ConceptMap",
        "ExampleScenario",
        "GraphDefinition",
        "ImplementationGuide",
        "MessageDefinition",
        "NamingSystem",
        "OperationDefinition",
        "SearchParameter",
        "StructureDefinition",
        "StructureMap",
        "TerminologyCapabilities",
        "ValueSet",
    ] {
        let writer = permissions(Role::FhirDataWriter, RoleSemantics::Documented);
        assert!(
            writer.check(Interaction::Update.on(resource_type)).is_err(),
            "{resource_type}"
        );
        assert!(
            writer.check(Interaction::Read.on(resource_type)).is_ok(),
            "{resource_type}"
        );
        let contributor = permissions(Role::FhirDataContributor, RoleSemantics::Documented);
        assert!(
            contributor.check(Interaction::Update.on(resource_type)).is_ok(),
            "{resource_type}"
        );
    }
    let writer = permissions(Role::FhirDataWriter, RoleSemantics::Documented);
    for resource_type in ["Patient", "Questionnaire", "Library", "Provenance", "Bundle"] {
        assert!(
            writer.check(Interaction::Update.on(resource_type)).is_ok(),
            "{resource_type}"
        );
    }
}
