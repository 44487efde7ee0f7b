//! How a letter reads: text alone, a few lines, in the language of whom it is for.

use hygie_core::{TenantId, Timestamp};
use hygie_directory_store::logs::AlertKind;
use hygie_directory_store::{Letter, Matter};
use hygie_web::i18n::{Lang, MessageError, Messages, Source, Value};

/// The messages of letters.
pub const MESSAGES: Source = Source {
    fr: include_str!("../i18n/fr.ftl"),
    en: include_str!("../i18n/en.ftl"),
};

/// Longest text of somebody's own that is told.
const MAX_WORDS: usize = 500;

/// Where letters lead.
#[derive(Clone, Debug)]
pub struct Places {
    /// Base URL of the sign-in pages, without a final slash.
    pub login: String,
    /// Base URL of the portal, where there is one.
    pub portal: Option<String>,
}

/// A letter in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The language that it is in.
    pub lang: Lang,
    /// What it is about.
    pub subject: String,
    /// The rest.
    pub body: String,
}

/// Writes letters.
pub struct Writer {
    messages: Messages,
    places: Places,
}

/// A letter that is being written.
struct Draft<'a> {
    writer: &'a Writer,
    tenant: TenantId,
    letter: &'a Letter,
    lang: Lang,
}

impl Writer {
    pub fn new(places: Places) -> Result<Self, MessageError> {
        let messages = Messages::new(&[MESSAGES])?;
        Ok(Self { messages, places })
    }

    /// A letter of a tenant in words.
    pub fn write(&self, tenant: TenantId, letter: &Letter) -> Text {
        let lang = letter.language.as_deref().and_then(Lang::parse).unwrap_or_default();
        let draft = Draft {
            writer: self,
            tenant,
            letter,
            lang,
        };
        Text {
            lang,
            subject: draft.subject(),
            body: draft.body(),
        }
    }
}

impl Draft<'_> {
    fn subject(&self) -> String {
        let subject = match &self.letter.matter {
            Matter::MeansChanged { .. } => self.t("mail-means-subject", &[]),
            Matter::AddressChanged { .. } => self.t("mail-address-subject", &[]),
            Matter::Invited { .. } => self.t("mail-invited-subject", &[]),
            Matter::Alert { alert, .. } => self.alert(*alert),
            Matter::AlertsEnd { .. } => self.t("mail-alerts-end-subject", &[]),
            Matter::ConsentAsked { application, .. } => self.t("mail-asked-subject", &[("application", application)]),
            Matter::ConsentDecided {
                application,
                is_approved: true,
                ..
            } => self.t("mail-approved-subject", &[("application", application)]),
            Matter::ConsentDecided { application, .. } => {
                self.t("mail-denied-subject", &[("application", application)])
            }
        };
        line(&format!("[{}] {subject}", self.letter.establishment))
    }

    fn body(&self) -> String {
        let hello = match &self.letter.addressee {
            Some(name) => self.t("mail-hello", &[("name", name)]),
            None => self.t("mail-hello-all", &[]),
        };
        let mut parts = vec![hello];
        match &self.letter.matter {
            Matter::MeansChanged { change, about, is_own } => self.means(&mut parts, (change, about), *is_own),
            Matter::AddressChanged { is_own } => {
                parts.push(self.t("mail-address", &[("when", &self.when())]));
                let who = if *is_own {
                    "mail-means-own"
                } else {
                    "mail-means-administrator"
                };
                parts.push(self.t(who, &[]));
                parts.push(self.t("mail-unexpected", &[]));
            }
            Matter::Invited { by, home, words } => self.invited(&mut parts, *home, [by, words]),
            Matter::Alert {
                alert,
                by,
                address,
                target,
            } => self.alerted(&mut parts, *alert, [by, address, target]),
            Matter::AlertsEnd { by } => {
                parts.push(self.t("mail-alerts-end", &[("when", &self.when())]));
                parts.extend(by.as_ref().map(|by| self.t("mail-by", &[("who", by)])));
                parts.push(self.t("mail-unexpected", &[]));
            }
            Matter::ConsentAsked { application, by } => {
                let about = [("application", &**application), ("who", by)];
                parts.push(self.t("mail-asked", &about));
                parts.extend(self.portal("mail-asked-where", "admin/consents"));
            }
            Matter::ConsentDecided {
                application,
                is_approved,
                words,
            } => {
                let key = if *is_approved { "mail-approved" } else { "mail-denied" };
                parts.push(self.t(key, &[("application", application)]));
                let words = words.as_deref().filter(|words| !words.trim().is_empty());
                parts.extend(words.map(|words| self.t("mail-words", &[("words", &line(words))])));
                let url = format!("{}/{}/myapplications", self.writer.places.login, self.tenant);
                parts.push(self.t("mail-decided-where", &[("url", &url)]));
            }
        }
        parts.push(self.t("mail-foot", &[("establishment", &line(&self.letter.establishment))]));
        let mut body = parts.join("\n\n");
        body.push('\n');
        body
    }

    fn means(&self, parts: &mut Vec<String>, (change, about): (&str, &str), is_own: bool) {
        let key = format!("mail-change-{change}");
        let args = [("name", Value::from(line(about)))];
        let args = args.into_iter().collect();
        // A word of a later release.
        let said = self.writer.messages.find(self.lang, &key, Some(&args));
        let said = said.unwrap_or_else(|| self.t("mail-change-other", &[]));
        parts.push(self.t("mail-means", &[("change", &said), ("when", &self.when())]));
        let url = format!("{}/{}/securityinfo", self.writer.places.login, self.tenant);
        let (who, or) = if is_own {
            ("mail-means-own", "mail-means-not-you")
        } else {
            ("mail-means-administrator", "mail-means-ask")
        };
        parts.push(self.t(who, &[]));
        parts.push(self.t(or, &[("url", &url)]));
    }

    fn invited(&self, parts: &mut Vec<String>, home: TenantId, [by, words]: [&Option<String>; 2]) {
        let establishment = line(&self.letter.establishment);
        let invited = match by {
            Some(by) => self.t(
                "mail-invited-by",
                &[("who", &line(by)), ("establishment", &establishment)],
            ),
            None => self.t("mail-invited", &[("establishment", &establishment)]),
        };
        parts.push(invited);
        let words = words.as_deref().filter(|words| !words.trim().is_empty());
        parts.extend(words.map(|words| self.t("mail-invited-words", &[("words", &line(words))])));
        let url = format!("{}/{}/redeem?home={home}", self.writer.places.login, self.tenant);
        parts.push(self.t("mail-invited-where", &[("url", &url)]));
    }

    fn alerted(&self, parts: &mut Vec<String>, alert: AlertKind, [by, address, target]: [&Option<String>; 3]) {
        let mut facts = vec![self.t("mail-alert", &[("alert", &self.alert(alert)), ("when", &self.when())])];
        for (key, value) in [
            ("mail-alert-by", by),
            ("mail-alert-address", address),
            ("mail-alert-target", target),
        ] {
            facts.extend(value.as_ref().map(|value| self.t(key, &[("value", &line(value))])));
        }
        parts.push(facts.join("\n"));
        parts.extend(self.portal("mail-alert-where", "admin/alerts"));
        parts.push(self.t("mail-unexpected", &[]));
    }

    fn alert(&self, alert: AlertKind) -> String {
        self.t(&format!("mail-alert-{}", alert.as_str()), &[])
    }

    fn portal(&self, key: &str, page: &str) -> Option<String> {
        let portal = self.writer.places.portal.as_ref()?;
        Some(self.t(key, &[("url", &format!("{portal}/{page}"))]))
    }

    fn when(&self) -> String {
        self.t(
            "mail-when",
            &[
                ("day", &day(self.letter.at, self.lang)),
                ("time", &time(self.letter.at)),
            ],
        )
    }

    fn t(&self, key: &str, args: &[(&'static str, &str)]) -> String {
        let args: Vec<(&'static str, Value<'_>)> =
            args.iter().map(|(name, value)| (*name, Value::from(*value))).collect();
        self.writer.messages.get(self.lang, key, &args)
    }
}

/// Words of somebody's own on one line, not too many: nobody adds lines to a letter of ours.
fn line(words: &str) -> String {
    let words = words.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(MAX_WORDS).collect()
}

fn day(at: Timestamp, lang: Lang) -> String {
    let date = at.to_utc().date();
    let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
    match lang {
        Lang::Fr => format!("{day:02}/{month:02}/{year}"),
        Lang::En => format!("{year}-{month:02}-{day:02}"),
    }
}

fn time(at: Timestamp) -> String {
    let time = at.to_utc().time();
    format!("{:02}:{:02}", time.hour(), time.minute())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALERTS: [AlertKind; 5] = [
        AlertKind::EmergencyAccountUsed,
        AlertKind::CredentialAdded,
        AlertKind::ConsentGranted,
        AlertKind::PolicyChanged,
        AlertKind::RoleAssigned,
    ];

    fn tenant() -> TenantId {
        "00000000-0000-0000-0000-000000000007".parse().expect("an id")
    }

    fn writer() -> Writer {
        let places = Places {
            login: "https://login.ch.test".to_owned(),
            portal: Some("https://portal.ch.test".to_owned()),
        };
        Writer::new(places).expect("both files load")
    }

    fn letter(language: Option<&str>, matter: Matter) -> Letter {
        Letter {
            establishment: "CH de Test".to_owned(),
            to: vec!["eva@ch.test".to_owned()],
            language: language.map(str::to_owned),
            addressee: Some("Eva Petit".to_owned()),
            matter,
            at: Timestamp::from_millis(1_795_000_000_000),
        }
    }

    fn matters() -> Vec<Matter> {
        let some = |text: &str| Some(text.to_owned());
        let mut all = vec![
            Matter::AddressChanged { is_own: true },
            Matter::AddressChanged { is_own: false },
            Matter::Invited {
                by: some("Luc Petit"),
                home: tenant(),
                words: some("À bientôt"),
            },
            Matter::Invited {
                by: None,
                home: tenant(),
                words: None,
            },
            Matter::AlertsEnd {
                by: some("admin@ch.test"),
            },
            Matter::ConsentAsked {
                application: "Agenda".to_owned(),
                by: "eva@ch.test".to_owned(),
            },
            Matter::ConsentDecided {
                application: "Agenda".to_owned(),
                is_approved: true,
                words: None,
            },
            Matter::ConsentDecided {
                application: "Agenda".to_owned(),
                is_approved: false,
                words: some("Pas avant\nl'audit"),
            },
        ];
        for is_own in [true, false] {
            for change in [
                "passkey-added",
                "passkey-renamed",
                "passkey-removed",
                "codes-added",
                "codes-renamed",
                "codes-removed",
                "pass-created",
                "pass-removed",
                "password-changed",
                "certificates-changed",
                "of a later release",
            ] {
                all.push(Matter::MeansChanged {
                    change: change.to_owned(),
                    about: "Clé bleue".to_owned(),
                    is_own,
                });
            }
        }
        all.extend(ALERTS.map(|alert| Matter::Alert {
            alert,
            by: some("admin@ch.test"),
            address: some("192.0.2.7"),
            target: None,
        }));
        all
    }

    #[test]
    fn both_languages_say_the_same() {
        let messages = Messages::new(&[MESSAGES]).expect("both files load");
        assert_eq!(messages.differences(), Vec::<String>::new());
    }

    /// A missing message or argument would show its key or a brace.
    #[test]
    fn every_letter_is_whole() {
        let writer = writer();
        for language in [None, Some("fr-FR"), Some("en-GB"), Some("de")] {
            for matter in matters() {
                let text = writer.write(tenant(), &letter(language, matter.clone()));
                let whole = format!("{}\n{}", text.subject, text.body);
                assert!(!whole.contains("mail-") && !whole.contains('{'), "{matter:?}: {whole}");
                assert!(text.subject.starts_with("[CH de Test] "), "{}", text.subject);
                assert!(!text.subject.contains('\n') && !whole.contains('\r'), "{whole:?}");
                let wanted = if language == Some("en-GB") { Lang::En } else { Lang::Fr };
                assert_eq!(text.lang, wanted, "{language:?}");
            }
        }
    }

    #[test]
    fn a_letter_says_what_changed_and_what_to_do() {
        let change = Matter::MeansChanged {
            change: "passkey-added".to_owned(),
            about: "Clé\nbleue".to_owned(),
            is_own: true,
        };
        let text = writer().write(tenant(), &letter(Some("en"), change));
        assert_eq!(text.subject, "[CH de Test] What you sign in with has changed");
        for part in [
            "Hello Eva Petit,",
            "Passkey “Clé bleue” added",
            "on 2026-11-18 at 11:06 (UTC)",
            "https://login.ch.test/00000000-0000-0000-0000-000000000007/securityinfo",
        ] {
            assert!(text.body.contains(part), "{part}: {}", text.body);
        }
    }
}
