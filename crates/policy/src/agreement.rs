//! Terms of use: agreements, their files, and until when an acceptance counts.
//! <https://learn.microsoft.com/graph/api/resources/agreement>
//!
//! # Deviations
//!
//! - A frequency is a number of days (`P90D`), as the portal of Entra ID writes it.
//! - Acceptance on each device is refused: there are no registered devices.
//! - An acceptance counts by the terms of now: who shortens a frequency has everybody asked by the new one.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use hygie_core::Timestamp;

use crate::check::{Broken, MAX_NAME};
use crate::json::{record, texts};
use crate::patch::Patch;
use crate::{AgreementFileId, AgreementId};

/// Agreements of a tenant, as in Entra ID.
pub const MAX_AGREEMENTS: usize = 40;
/// Files of an agreement, earlier versions included.
pub const MAX_FILES: usize = 100;
/// Bytes of a file.
pub const MAX_PDF: usize = 5 * 1024 * 1024;
/// The longest frequency.
const MAX_DAYS: u32 = 3_650;
/// Signs of a language tag.
const MAX_LANGUAGE: usize = 35;
/// A PDF ends within so many bytes.
const PDF_END: usize = 1_024;

record! {
    /// agreement.
    Agreement {
        /// Given by the service.
        id: Option<AgreementId> = "id",
        /// Its name.
        display_name: String = "displayName",
        /// Whether it must be opened before it is accepted; unset is no.
        must_be_viewed: Option<bool> = "isViewingBeforeAcceptanceRequired",
        /// Whether it is accepted on each device, which is refused.
        is_per_device: Option<bool> = "isPerDeviceAcceptanceRequired",
        /// When all acceptances end.
        expiration: Option<TermsExpiration> = "termsExpiration",
        /// How long each acceptance counts.
        reaccept: Option<Days> = "userReacceptRequiredFrequency",
    }
    /// When all acceptances end.
    TermsExpiration {
        /// For the first time.
        start: Timestamp = "startDateTime",
        /// And again after each of these; unset is never again.
        frequency: Option<Days> = "frequency",
    }
    /// agreementFileLocalization: a version of an agreement in a language. What is newest in a language is shown.
    AgreementFile {
        /// Given by the service.
        id: Option<AgreementFileId> = "id",
        /// The name of the file.
        file_name: String = "fileName",
        /// The title for people; unset is the name of the agreement.
        display_name: Option<String> = "displayName",
        /// Its language, as BCP 47 writes it.
        language: String = "language",
        /// Whether it is shown to those whose languages it is not in.
        is_default: Option<bool> = "isDefault",
        /// Whether everybody is asked again.
        is_major_version: Option<bool> = "isMajorVersion",
        /// Given by the service.
        created_at: Option<Timestamp> = "createdDateTime",
    }
    /// An agreement as a client posts it.
    NewAgreement {
        /// Its name.
        display_name: String = "displayName",
        /// As of an agreement.
        must_be_viewed: Option<bool> = "isViewingBeforeAcceptanceRequired",
        /// As of an agreement.
        is_per_device: Option<bool> = "isPerDeviceAcceptanceRequired",
        /// As of an agreement.
        expiration: Option<TermsExpiration> = "termsExpiration",
        /// As of an agreement.
        reaccept: Option<Days> = "userReacceptRequiredFrequency",
        /// Its files.
        files: Vec<NewFile> = "files",
        /// Or its files, as they are shown.
        file: Option<NewFiles> = "file",
    }
    /// Files of an agreement, as they are shown.
    NewFiles {
        /// Each in a language.
        localizations: Vec<NewFile> = "localizations",
    }
    /// A file as a client posts it.
    NewFile {
        /// As of a file.
        file_name: String = "fileName",
        /// As of a file.
        display_name: Option<String> = "displayName",
        /// As of a file.
        language: String = "language",
        /// As of a file.
        is_default: Option<bool> = "isDefault",
        /// As of a file.
        is_major_version: Option<bool> = "isMajorVersion",
        /// Its bytes.
        file_data: FileData = "fileData",
    }
    /// agreementFileData.
    FileData {
        /// A PDF in base64.
        data: String = "data",
    }
}

impl Patch for Agreement {
    const READ_ONLY: &'static [&'static str] = &["id"];
}

/// A number of days: `P90D`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Days(u32);

/// A text that is no number of days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a number of days such as P90D")]
pub struct NotDays;

impl FromStr for Days {
    type Err = NotDays;

    fn from_str(text: &str) -> Result<Self, NotDays> {
        let digits = text.strip_prefix('P').and_then(|rest| rest.strip_suffix('D'));
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let days = digits.and_then(|digits| digits.parse().ok());
        days.filter(|days| (1..=MAX_DAYS).contains(days))
            .map(Self)
            .ok_or(NotDays)
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "P{}D", self.0)
    }
}

texts! { Days: "a number of days such as P90D"; }

impl From<Days> for Duration {
    fn from(days: Days) -> Self {
        Self::from_hours(24 * u64::from(days.0))
    }
}

impl Agreement {
    /// Whether it may be kept.
    pub fn check(&self) -> Result<(), Broken> {
        let is_name = !self.display_name.trim().is_empty() && self.display_name.chars().count() <= MAX_NAME;
        match self.is_per_device {
            _ if !is_name => Err(Broken::Name),
            Some(true) => Err(Broken::PerDevice),
            _ => Ok(()),
        }
    }

    /// When an acceptance of this instant ends by itself.
    pub fn expires_at(&self, accepted_at: Timestamp) -> Option<Timestamp> {
        let own = self.reaccept.map(|days| accepted_at + days.into());
        let common = self.expiration.as_ref().and_then(|one| one.next_after(accepted_at));
        own.into_iter().chain(common).min()
    }

    /// Whether an acceptance counts now, where everybody was asked again at `asked_again`.
    pub fn counts(&self, accepted_at: Timestamp, asked_again: Option<Timestamp>, now: Timestamp) -> bool {
        let is_newest = asked_again.is_none_or(|asked| accepted_at >= asked);
        is_newest && self.expires_at(accepted_at).is_none_or(|end| now < end)
    }
}

impl TermsExpiration {
    /// The first end after an instant.
    fn next_after(&self, at: Timestamp) -> Option<Timestamp> {
        if at < self.start {
            return Some(self.start);
        }
        let step = Duration::from(self.frequency?);
        let passed = at.since(self.start).as_millis() / step.as_millis();
        let times = u32::try_from(passed).ok()?.checked_add(1)?;
        Some(self.start + step.checked_mul(times)?)
    }
}

impl AgreementFile {
    /// Whether it may be kept.
    pub fn check(&self) -> Result<(), Broken> {
        let is_name = |name: &str| !name.trim().is_empty() && name.chars().count() <= MAX_NAME;
        let is_path = self.file_name.contains(['/', '\\', '"']) || self.file_name.chars().any(char::is_control);
        if !is_name(&self.file_name) || is_path {
            return Err(Broken::FileName);
        }
        if self.display_name.as_deref().is_some_and(|name| !is_name(name)) {
            return Err(Broken::Name);
        }
        if is_language(&self.language) {
            Ok(())
        } else {
            Err(Broken::Language)
        }
    }
}

/// A language and what narrows it: `fr`, `en-US`.
fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let is_first = parts
        .next()
        .is_some_and(|part| (2..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic()));
    let is_rest = |part: &str| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    tag.len() <= MAX_LANGUAGE && is_first && parts.all(is_rest)
}

/// Whether bytes begin and end as a PDF does (ISO 32000-1 §7.5.2, §7.5.5).
pub fn is_pdf(bytes: &[u8]) -> bool {
    let end = &bytes[bytes.len().saturating_sub(PDF_END)..];
    let is_begun = bytes.starts_with(b"%PDF-1.") || bytes.starts_with(b"%PDF-2.");
    is_begun && end.windows(5).any(|five| five == b"%%EOF")
}

/// The newest file of each language, in the order in which the languages came.
pub fn newest(files: &[AgreementFile]) -> Vec<&AgreementFile> {
    let mut all: Vec<&AgreementFile> = Vec::new();
    for file in files {
        let is_same = |other: &&mut &AgreementFile| other.language.eq_ignore_ascii_case(&file.language);
        match all.iter_mut().find(is_same) {
            Some(earlier) => *earlier = file,
            None => all.push(file),
        }
    }
    all
}

/// The file that is shown to those whose languages there is none in: the newest that says so, or the first.
pub fn default_of<'a>(newest: &[&'a AgreementFile]) -> Option<&'a AgreementFile> {
    let said = newest.iter().filter(|file| file.is_default == Some(true));
    said.max_by_key(|file| file.created_at)
        .or_else(|| newest.first())
        .copied()
}

/// The file in the best language for somebody who reads these, the best first.
pub fn best<'a>(files: &'a [AgreementFile], languages: &[&str]) -> Option<&'a AgreementFile> {
    let newest = newest(files);
    let primary = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    let found = languages.iter().find_map(|wanted| {
        let exactly = newest.iter().find(|file| file.language.eq_ignore_ascii_case(wanted));
        let nearly = || newest.iter().find(|file| primary(&file.language) == primary(wanted));
        exactly.or_else(nearly).copied()
    });
    found.or_else(|| default_of(&newest))
}

/// When everybody was asked again for the last time.
pub fn asked_again(files: &[AgreementFile]) -> Option<Timestamp> {
    let majors = files.iter().filter(|file| file.is_major_version == Some(true));
    majors.filter_map(|file| file.created_at).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 3_600;

    fn day(number: i64) -> Timestamp {
        Timestamp::from_secs(number * DAY)
    }

    fn agreement(reaccept: Option<&str>, expiration: Option<(i64, Option<&str>)>) -> Agreement {
        let days = |text: &str| text.parse().expect("days");
        Agreement {
            id: None,
            display_name: "CGU".to_owned(),
            must_be_viewed: None,
            is_per_device: None,
            expiration: expiration.map(|(start, frequency)| TermsExpiration {
                start: day(start),
                frequency: frequency.map(days),
            }),
            reaccept: reaccept.map(days),
        }
    }

    fn file(language: &str, created: i64, is_default: bool) -> AgreementFile {
        AgreementFile {
            id: None,
            file_name: "cgu.pdf".to_owned(),
            display_name: None,
            language: language.to_owned(),
            is_default: Some(is_default),
            is_major_version: Some(created == 50),
            created_at: Some(day(created)),
        }
    }

    #[test]
    fn when_an_acceptance_ends() {
        for (reaccept, expiration, accepted, ends) in [
            (None, None, 10, None),
            (Some("P30D"), None, 10, Some(40)),
            (None, Some((20, None)), 10, Some(20)),
            // Who accepts after the end accepted what comes after it.
            (None, Some((20, None)), 20, None),
            (None, Some((20, Some("P7D"))), 10, Some(20)),
            (None, Some((20, Some("P7D"))), 20, Some(27)),
            (None, Some((20, Some("P7D"))), 26, Some(27)),
            (None, Some((20, Some("P7D"))), 27, Some(34)),
            (Some("P3D"), Some((20, Some("P7D"))), 20, Some(23)),
            (Some("P30D"), Some((20, Some("P7D"))), 20, Some(27)),
        ] {
            let agreement = agreement(reaccept, expiration);
            assert_eq!(
                agreement.expires_at(day(accepted)),
                ends.map(day),
                "{reaccept:?} {expiration:?} {accepted}"
            );
        }
        let monthly = agreement(Some("P30D"), None);
        let counts = |now, asked: Option<i64>| monthly.counts(day(10), asked.map(day), day(now));
        assert!(counts(39, None) && !counts(40, None));
        assert!(counts(39, Some(10)) && !counts(39, Some(11)));
    }

    #[test]
    fn which_file_is_shown() {
        let files = [
            file("en", 1, false),
            file("fr", 2, true),
            file("pt-BR", 3, false),
            file("EN", 50, false),
        ];
        for (languages, language, created) in [
            (&["fr-FR", "en"][..], "fr", 2),
            (&["en-US"], "EN", 50),
            (&["pt-PT"], "pt-BR", 3),
            (&["de", "pt-br"], "pt-BR", 3),
            (&["de"], "fr", 2),
            (&[], "fr", 2),
        ] {
            let found = best(&files, languages).expect("a file");
            assert_eq!(
                (found.language.as_str(), found.created_at),
                (language, Some(day(created))),
                "{languages:?}"
            );
        }
        assert_eq!(best(&files[..1], &[]).map(|file| file.language.as_str()), Some("en"));
        assert_eq!(best(&[], &["fr"]), None);
        assert_eq!(asked_again(&files), Some(day(50)));
        assert_eq!(asked_again(&files[..3]), None);
    }

    #[test]
    fn what_may_not_be_kept() {
        for text in [
            "P0D",
            "P3651D",
            "90",
            "P-1D",
            "P1.5D",
            "P+1D",
            "PT1M",
            "P1Y",
            "P99999999999D",
            "PD",
        ] {
            assert_eq!(text.parse::<Days>(), Err(NotDays), "{text}");
        }
        assert_eq!("P365D".parse::<Days>().expect("days").to_string(), "P365D");
        for language in [
            "",
            "f",
            "français",
            "fr_FR",
            "fr-",
            "x-private",
            "fr-FR-a-b-c-d-e-f-g-h-i-j-k-l-m-n-o",
        ] {
            assert!(!is_language(language), "{language}");
        }
        let mut wrong = file("fr", 1, true);
        for name in ["", "../cgu.pdf", "a\"b.pdf", "a\u{0}b.pdf"] {
            name.clone_into(&mut wrong.file_name);
            assert_eq!(wrong.check(), Err(Broken::FileName), "{name}");
        }
        let each = Agreement {
            is_per_device: Some(true),
            ..agreement(None, None)
        };
        assert_eq!(each.check(), Err(Broken::PerDevice));
    }

    #[test]
    fn what_is_a_pdf() {
        let long = [b"%PDF-1.7\n".as_slice(), &[b' '; 5_000], b"%%EOF\n"].concat();
        assert!(is_pdf(&long) && is_pdf(b"%PDF-2.0 %%EOF"));
        let tail = [long.as_slice(), &[b' '; 2_000]].concat();
        for bytes in [
            &b""[..],
            b"%PDF-1.7",
            b"%%EOF",
            b" %PDF-1.7 %%EOF",
            b"%PDF-9.0 %%EOF",
            b"PK\x03\x04",
            &tail,
        ] {
            assert!(!is_pdf(bytes));
        }
    }
}
