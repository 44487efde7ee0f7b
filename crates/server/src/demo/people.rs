//! Who lives in the demo world: two establishments with their people, and one client application for each role.

use hygie_access::Role;
use hygie_core::{Random, random_array};
use hygie_directory::GLOBAL_ADMINISTRATOR;
use hygie_policy::RoleTemplateId;

/// The workspace and its FHIR service.
pub const WORKSPACE: &str = "demo";
/// Name of the FHIR service.
pub const FHIR: &str = "fhir";
/// The client that may prove itself by a certificate, too.
pub const CERTIFIED: &str = "fhir-reader";
/// Who has cards that are refused, too.
pub const DOCTOR: &str = "doctor";
/// The program of this machine that has managed identities.
pub const WORKLOAD: &str = "demo-workload";
/// The client that may do everything at the directory API.
pub const DIRECTORY_ADMIN: &str = "directory-admin";
/// The identity that it shares with others.
pub const SHARED_IDENTITY: &str = "demo-shared";
/// The installed application through which people sign in: a public client.
pub const DEMO_WEB: &str = "demo-web";
/// The page that does it all in the browser.
pub const DEMO_SPA: &str = "demo-spa";
/// The server that people sign in to, and that the other two call as an API: a confidential client.
pub const DEMO_SERVER: &str = "demo-server";
/// Where these are sent back to: any port of this machine (RFC 8252 §7.3).
pub const LOOPBACK: &str = "http://localhost";
/// Where the page is sent back to: itself, or an empty page that hands the answer over.
pub const SPA_ADDRESSES: &[&str] = &[LOOPBACK, "http://localhost/redirect", "http://localhost/redirect.html"];
/// Where the server takes the answer, and where a person arrives who signed out.
pub const SERVER_ADDRESSES: &[&str] = &["http://localhost/callback", LOOPBACK];
/// The permission to call the server for a person.
pub const ACCESS_AS_USER: &str = "access_as_user";

/// The account that no policy applies to, for the day when nothing else works.
pub const EMERGENCY: &str = "emergency";
/// Pro Santé Connect as an application of the establishment, by the name of its sandbox: it is opened by strong means only.
pub const PRO_SANTE_CONNECT: &str = "PSC_BAS";

/// Whoever publishes Pro Santé Connect: a tenant of its own, which is no establishment.
pub const PUBLISHER: (&str, &str) = ("ans-demo.example", "Agence du Numérique en Santé (démonstration)");
/// Its id as a verified publisher.
pub const PUBLISHER_ID: &str = "ans-demo";

/// The permission to see oneself at the directory API.
pub const OWN_PROFILE: &str = "User.Read";

/// A person to make.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    /// What this person is in the demo world.
    pub name: &'static str,
    /// As people read it.
    pub display_name: &'static str,
    /// The part of the user name before the domain.
    pub local: &'static str,
    /// Directory roles.
    pub roles: &'static [RoleTemplateId],
    /// National identifier of the card, where there is one.
    pub card: Option<&'static str>,
}

impl Person {
    /// The same with a card.
    const fn with_card(mut self, national_id: &'static str) -> Self {
        self.card = Some(national_id);
        self
    }
}

/// An establishment to make.
#[derive(Clone, Copy, Debug)]
pub struct Establishment {
    /// Its domain.
    pub domain: &'static str,
    /// Its name.
    pub display_name: &'static str,
    /// Whether the federator lets its people in.
    pub psc_allowed: bool,
    /// Its people.
    pub people: &'static [Person],
    /// Its confidential clients, each with its role on the FHIR service of the first establishment.
    pub clients: &'static [(&'static str, Option<Role>)],
}

const fn person(name: &'static str, display_name: &'static str, local: &'static str) -> Person {
    Person {
        name,
        display_name,
        local,
        roles: &[],
        card: None,
    }
}

/// Somebody who administers the whole directory.
const fn administrator(name: &'static str, display_name: &'static str, local: &'static str) -> Person {
    Person {
        roles: &[GLOBAL_ADMINISTRATOR],
        ..person(name, display_name, local)
    }
}

/// The establishments; the first one owns the workspace.
pub const ESTABLISHMENTS: &[Establishment] = &[
    Establishment {
        domain: "ch-demo.example",
        display_name: "Centre hospitalier de Démonstration",
        psc_allowed: true,
        people: &[
            administrator("administrator", "Alix Mercier", "admin").with_card("899700900011"),
            person("doctor", "Dr Claire Lefèvre", "claire.lefevre").with_card("899700900029"),
            person("nurse", "Nadia Benali", "nadia.benali").with_card("899700900037"),
            person("secretary", "Sophie Morel", "sophie.morel"),
            administrator(EMERGENCY, "Accès d’urgence", "urgence"),
        ],
        clients: &[
            ("fhir-reader", Some(Role::FhirDataReader)),
            ("fhir-writer", Some(Role::FhirDataWriter)),
            ("fhir-exporter", Some(Role::FhirDataExporter)),
            ("fhir-importer", Some(Role::FhirDataImporter)),
            ("fhir-contributor", Some(Role::FhirDataContributor)),
            ("fhir-converter", Some(Role::FhirDataConverter)),
            ("fhir-smart", Some(Role::FhirSmartUser)),
            (DIRECTORY_ADMIN, None),
            ("no-role", None),
        ],
    },
    Establishment {
        domain: "clinique-demo.example",
        display_name: "Clinique de Démonstration",
        psc_allowed: false,
        people: &[
            administrator("administrator", "Hugo Perrin", "admin"),
            person("nurse", "Manon Girard", "manon.girard"),
        ],
        clients: &[("no-role", None)],
    },
];

/// People who may read with their own account.
pub const READERS: &[&str] = &["doctor", "nurse"];
/// The role of people who read.
pub const READER: Role = Role::FhirDataReader;

/// Sixteen letters and digits in groups, without l, o, 0 and 1: 80 bits, and still to be typed. There is one of each:
/// with the hyphens these are the three kinds of signs that a password needs.
pub fn password(random: &dyn Random) -> String {
    loop {
        let text = grouped(random);
        if text.contains(|c: char| c.is_ascii_digit()) && text.contains(char::is_alphabetic) {
            return text;
        }
    }
}

fn grouped(random: &dyn Random) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut text = String::new();
    for (at, byte) in random_array::<16>(random).into_iter().enumerate() {
        if at > 0 && at % 4 == 0 {
            text.push('-');
        }
        text.push(char::from(ALPHABET[usize::from(byte % 32)]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::SystemRandom;

    #[test]
    fn passwords_can_be_typed_and_differ() {
        let (one, other) = (password(&SystemRandom), password(&SystemRandom));
        assert_ne!(one, other);
        assert_eq!((one.len(), one.matches('-').count()), (19, 3));
    }
}
