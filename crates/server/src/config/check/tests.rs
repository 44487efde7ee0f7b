//! What is wrong with files, and how it is said.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

const GOOD: &str = r#"
data = "data"

[master_key]
file = "keys/master.key"

[health]
listen = "127.0.0.1:9440"

[login]
url = "https://login.ch.test"
listen = "127.0.0.1:8443"

[fhir]
url = "https://fhir.ch.test"
listen = "127.0.0.1:8443"

[[tenants]]
id = "7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0001"
domain = "ch.test"
display_name = "CH"
administrator = { upn = "admin@ch.test", password_env = "ADMIN_PASSWORD" }
workloads = [{ name = "exporter", header_file = "exporter.header" }]

[[workspaces]]
name = "ch"
tenant = "7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0001"
fhir = [{ name = "fhir", app = "7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0002" }]
role_assignments = [{ principal = "7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0003", kind = "App", role = "FHIR Data Reader" }]
"#;

fn problems(text: &str) -> Vec<String> {
    let dir = tempfile::tempdir().expect("a directory");
    fs::create_dir(dir.path().join("data")).expect("made");
    fs::create_dir(dir.path().join("keys")).expect("made");
    for (name, key) in [("master.key", "5a".repeat(32)), ("short.key", "00".to_owned())] {
        let key_file = dir.path().join("keys").join(name);
        fs::write(&key_file, key).expect("written");
        fs::set_permissions(&key_file, fs::Permissions::from_mode(0o600)).expect("closed");
    }
    let path = dir.path().join("hygie.toml");
    fs::write(&path, text).expect("written");
    let problems = Config::problems(&path).expect("read");
    problems.lines(Path::new("hygie.toml")).collect()
}

#[test]
fn a_good_file_has_no_problem() {
    assert_eq!(problems(GOOD), Vec::<String>::new());
}

#[test]
fn each_problem_names_its_line_and_what_to_do() {
    let cases = [
        (
            "data = \"data\"",
            "data = \"data\"\ncolour = 1",
            "hygie.toml:3: unknown field `colour`",
        ),
        ("data = \"data\"", "data = ", "hygie.toml:2: "),
        (
            "file = \"keys/master.key\"",
            "file = \"absent.key\"",
            "make one with: (umask 077; openssl rand -hex 32",
        ),
        ("keys/master.key", "keys/short.key", "is not a key: 32 bytes"),
        (
            "data = \"data\"",
            "data = \"elsewhere\"",
            "hygie.toml:18: the variable ADMIN_PASSWORD of the environment with the first password is not set",
        ),
        ("file = \"keys/master.key\"", "", "exactly one of `file` and `env`"),
        (
            "data = \"data\"",
            "data = \"data\"\ntrusted_proxies = [\"0.0.0.0/0\"]",
            "hygie.toml:3: `0.0.0.0/0` is everybody",
        ),
        ("127.0.0.1:9440", "127.0.0.1", "hygie.toml:8: invalid socket address"),
        ("127.0.0.1:9440", "127.0.0.1:8443", "health cannot share 127.0.0.1:8443"),
        ("https://login.ch.test", "https://login.ch.test/idp", "without a path"),
        ("https://login.ch.test", "http://login.ch.test", "must be https://HOST"),
        (
            "https://fhir.ch.test",
            "https://login.ch.test",
            "give each its own host name",
        ),
        (
            "admin@ch.test",
            "admin@other.test",
            "hygie.toml:18: administrator admin@other.test is not in the domain",
        ),
        (
            "admin@ch.test",
            "a\\u001b\\nb@other.test",
            "administrator a\\u{1b}\\nb@other.test is not in the domain",
        ),
        ("name = \"ch\"", "name = \"CH 1\"", "must be 1 to 24 of a-z"),
        (
            "[[workspaces]]",
            "[log]\nfilter = \"a=b=c\"\n[[workspaces]]",
            "log filter",
        ),
    ];
    for (from, to, expected) in cases {
        let found = problems(&GOOD.replacen(from, to, 1));
        assert!(found.iter().any(|line| line.contains(expected)), "{to}: {found:?}");
    }
}

#[test]
fn issuers_and_roles() {
    let cases = [
        (
            "kind = \"App\", ",
            "",
            "a role assignment names `principal` and `kind`, or",
        ),
        (
            "kind = \"App\", ",
            "kind = \"App\", tenant = \"7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0009\", ",
            "workspace ch does not trust the tenant 7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0009",
        ),
        (
            "principal = \"7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0003\", kind = \"App\"",
            "professions = [\"10\"]",
            "a profile needs 1 to 64 professions and as many structures",
        ),
        (
            "principal = \"7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0003\"",
            "issuer = \"https://other.test\", subject = \"x\"",
            "workspace ch does not trust the issuer https://other.test",
        ),
        (
            "role_assignments =",
            "issuers = [{ issuer = \"https://login.ch.test/x\" }]\nrole_assignments =",
            "is this installation: name the tenant in trusted_tenants",
        ),
        (
            "role_assignments =",
            "issuers = [{ issuer = \"http://keycloak.test\" }]\nrole_assignments =",
            "issuer http://keycloak.test must be https://",
        ),
        (
            "role_assignments =",
            "trusted_tenants = [\"7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0009\"]\nrole_assignments =",
            "is not in [[tenants]]",
        ),
        (
            "role_assignments =",
            "entra = [{ tenant = \"7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0009\", app_roles = [{ value = \"x\", role = \"King\" }] }]\nrole_assignments =",
            "\"King\" is not a role",
        ),
        (
            "[[workspaces]]",
            "[outgoing]\nroots = [\"absent.pem\"]\n[[workspaces]]",
            "[outgoing]: cannot read",
        ),
        (
            "[[workspaces]]",
            "[forwarded_certificate]\nheader = \"client-cert\"\nform = \"rfc9440\"\n[[workspaces]]",
            "forwarded_certificate is read from trusted_proxies only",
        ),
    ];
    for (from, to, expected) in cases {
        let found = problems(&GOOD.replacen(from, to, 1));
        assert!(found.iter().any(|line| line.contains(expected)), "{to}: {found:?}");
    }
}

/// Of two that vouch for one tenant the last would count.
#[test]
fn a_tenant_has_one_issuer() {
    let cases = [
        (
            "role_assignments =",
            "entra = [{ tenant = \"7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0009\" }]\nissuers = [{ issuer = \"https://login.microsoftonline.com/7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0009/v2.0\" }]\nrole_assignments =",
            "0009/v2.0 is there twice",
        ),
        (
            "role_assignments =",
            "entra = [{ tenant = \"7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0001\" }]\nrole_assignments =",
            "Entra tenant 7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0001 is one of [[tenants]]",
        ),
    ];
    for (from, to, expected) in cases {
        let found = problems(&GOOD.replacen(from, to, 1));
        assert!(found.iter().any(|line| line.contains(expected)), "{to}: {found:?}");
    }
}

#[test]
fn each_problem_of_a_database_is_named() {
    let good = "address = \"host=/run user=hygie\"\nat_rest = \"volume\"";
    let cases = [
        ("address = \"host=/run\"", "state at_rest = \"volume\""),
        (
            "address = \"postgresql://hygie:s3cret@localhost/hygie\"\nat_rest = \"volume\"",
            "the address of the database holds a password",
        ),
        (
            "address = \"host=db.ch.test\"\nat_rest = \"volume\"",
            "db.ch.test is reached over the network",
        ),
        (
            "address = \"colour=blue\"\nat_rest = \"volume\"",
            "the address of the database cannot be read",
        ),
        ("address = \"host=/run\"\nat_rest = \"hope\"", "unknown variant `hope`"),
        (
            &format!("{good}\npassword = {{ env = \"NO_SUCH_VARIABLE\" }}"),
            "the password of the database: the variable NO_SUCH_VARIABLE of the environment is not set",
        ),
        (
            &format!("{good}\npassword = {{ file = \"a\", env = \"b\" }}"),
            "exactly one of `file` and `env`",
        ),
        (
            &format!("{good}\nauthorities = \"keys/master.key\""),
            "hold no certificate in PEM form",
        ),
        (&format!("{good}\nschema = \"A B\""), "`A B` is no name of a schema"),
        (&format!("{good}\nprocess = \"a.b\""), "`a.b` is no name of a process"),
        (&format!("{good}\nconnections = 1"), "connections = 1 is too few"),
    ];
    let with = |section: &str| problems(&format!("{GOOD}\n[storage.postgres]\n{section}\n"));
    assert_eq!(with(good), Vec::<String>::new());
    for (section, expected) in cases {
        let found = with(section);
        assert!(found.iter().any(|line| line.contains(expected)), "{section}: {found:?}");
        assert!(found.iter().all(|line| !line.contains("s3cret")), "{found:?}");
    }
}

#[test]
fn applications_and_whose_a_role_is_are_checked() {
    let cases = [
        (
            "principal = \"7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0003\", kind = \"App\"",
            "app = \"7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0003\", kind = \"App\"",
            "without any other member",
        ),
        (
            "administrator = {",
            "applications = [{ app = \"7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0003\", display_name = \"Viewer\", fhir = [\"ch/none\"] }]\nadministrator = {",
            "application Viewer names the FHIR service ch/none",
        ),
        (
            "administrator = {",
            "applications = [{ app = \"7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0003\", display_name = \"Scripts\", directory_permissions = [\"User.Read.All\"] }]\nadministrator = {",
            "application Scripts has permissions of its own and no certificate",
        ),
    ];
    for (from, to, expected) in cases {
        let found = problems(&GOOD.replacen(from, to, 1));
        assert!(found.iter().any(|line| line.contains(expected)), "{to}: {found:?}");
    }
}

#[test]
fn what_is_exchanged() {
    let good = r#"psc = { issuer = "https://auth.test/auth/realms/esante-wallet", client_id = "hygie", client_secret = { file = "keys/master.key" }, clients = [{ app = "7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0003", services = ["dossier"] }], lifetime_minutes = 60 }"#;
    let with = |psc: &str| problems(&GOOD.replacen("administrator =", &format!("{psc}\nadministrator ="), 1));
    assert_eq!(with(good), Vec::<String>::new());
    let application =
        "applications = [{ app = \"7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0003\", display_name = \"Portal\" }]\npsc =";
    let client = "{ app = \"7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0003\", services = [\"dossier\"] }";
    let cases = [
        (
            "https://auth.test/",
            "http://auth.test/",
            "auth.test/auth/realms/esante-wallet must be https://",
        ),
        ("https://auth.test/", "https://login.ch.test/", "is this installation"),
        (
            "client_id",
            "metadata = \"https://auth.test/#x\", client_id",
            "without query and fragment",
        ),
        ("[\"dossier\"]", "[]", "1d1b1a7a0003 of psc needs `services`"),
        ("[\"dossier\"]", "[\"dossier\", \"\"]", "of psc needs `services`"),
        (", services = [\"dossier\"]", "", "of psc needs `services`"),
        (client, "", "psc needs `clients`"),
        (
            client,
            &*format!("{client}, {client}"),
            "1d1b1a7a0003 of psc is there twice",
        ),
        // Whose tokens they are is said for each application.
        (
            "clients =",
            "services = [\"dossier\"], clients =",
            "unknown field `services`",
        ),
        ("app = \"7b3f0a52", "app = \"portal-7b3f0a52", "hygie.toml:22: UUID"),
        ("lifetime_minutes = 60", "lifetime_minutes = 241", "must be 2 to 240"),
        (
            "{ file = \"keys/master.key\" }",
            "{ env = \"NO_SUCH_VARIABLE\" }",
            "client_secret of psc: the variable NO_SUCH_VARIABLE of the environment is not set",
        ),
        (
            "keys/master.key",
            "hygie.toml",
            "hygie.toml may be read by others than its owner",
        ),
        ("psc =", application, "application Portal has no `certificate`"),
    ];
    for (from, to, expected) in cases {
        let found = with(&good.replacen(from, to, 1));
        assert!(found.iter().any(|line| line.contains(expected)), "{to}: {found:?}");
    }
}

#[test]
fn what_is_trusted() {
    let trusted = r#"trusted_entra_tenants = ["7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0005"]
entra = [{ tenant = "7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0006", authority = "https://login.microsoftonline.us",
           metadata = "organizations", app_roles = [{ value = "Fhir.Read", role = "FHIR Data Reader" }] }]
issuers = [{ issuer = "https://keycloak.test/realms/ch", fhir_audiences = ["fhir-api"], thumbprint = "hex_text",
             claims = { groups = "groups", roles = "/realm_access/roles" },
             professional = { national_id = "rpps", professions = "professions", structures = "finess" } }]
role_assignments = [
    { principal = "7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0003", kind = "App", role = "FHIR Data Reader",
      tenant = "7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0006" },
    { issuer = "https://keycloak.test/realms/ch", subject = "nurses", kind = "Group", role = "FHIR Data Reader" },
    { issuer = "https://keycloak.test/realms/ch", professions = ["10", "60"], structures = ["750000018"],
      role = "FHIR Data Reader" },
    { professions = ["10/E"], structures = ["1750000018"], role = "FHIR Data Reader", fhir = "fhir" }]
"#;
    let (before, _) = GOOD.split_once("role_assignments").expect("it is there");
    let text = format!("{before}{trusted}")
        .replace("\n    ", " ")
        .replace("\n           ", " ");
    assert_eq!(problems(&text), Vec::<String>::new());
    let unvouched = text.replacen("professional = {", "claims2 = {", 1);
    assert!(
        problems(&unvouched)[0].contains("unknown field"),
        "{:?}",
        problems(&unvouched)
    );
}

#[test]
fn managed_identities_stay_on_this_machine() {
    let cases = [
        (
            "[[tenants]]",
            "[managed_identity]\nlisten = \"0.0.0.0:9454\"\n[[tenants]]",
            "must listen on this machine alone",
        ),
        (
            "[[tenants]]",
            "[managed_identity]\nlisten = \"127.0.0.1:8443\"\n[[tenants]]",
            "managed_identity cannot share 127.0.0.1:8443",
        ),
        (
            "[[tenants]]",
            "[managed_identity]\nlisten = \"127.0.0.1:9454\"\nimds = { tenant = \"7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0001\", \
             workload = \"other\" }\n[[tenants]]",
            "no workload of its tenant",
        ),
        ("\"exporter\"", "\"a/b\"", "cannot be a workload"),
    ];
    for (from, to, expected) in cases {
        let found = problems(&GOOD.replacen(from, to, 1));
        assert!(found.iter().any(|line| line.contains(expected)), "{to}: {found:?}");
    }
}

#[test]
fn a_certificate_must_be_there_and_for_the_host() {
    let with = |members: &str| GOOD.replacen("[fhir]", &format!("[fhir]\n{members}"), 1);
    assert!(problems(&with("certificate = \"a.pem\""))[0].contains("needs both"));
    assert!(problems(&with("certificate = \"a.pem\"\nkey = \"a.key\""))[0].contains("cannot read"));
}
