//! Which passwords may be set.
//! <https://learn.microsoft.com/entra/identity/authentication/concept-password-ban-bad>
//!
//! Not one of the passwords that people choose most ([`crate::common_passwords`]), nor one with signs before or after it that are no
//! letters. Eight signs at least, of three kinds, and five points: a password is written without case and without the usual
//! replacements of letters by signs, each banned word in it counts one point, and so does each sign that is left. Near a
//! banned word by one sign, or with the name of the person or of the establishment in it, it is refused.

use crate::common_passwords;

/// Shortest and longest; the longest is in bytes, as passwords are looked at.
const MIN: usize = 8;
/// Kinds of signs.
const KINDS: usize = 3;
/// Letters of a word at each of its ends that may be replaced by signs.
const REPLACED: usize = 4;
/// Points.
const POINTS: usize = 5;
/// Shorter words are not looked for: they are in too much.
const WORD: usize = 4;

/// Words that passwords are made of first: whole, or with something before or after.
const BANNED: &[&str] = &[
    "password",
    "passwort",
    "passe",
    "motdepasse",
    "secret",
    "azerty",
    "azertyuiop",
    "qwerty",
    "qwertyuiop",
    "qwertz",
    "wxcvbn",
    "asdf",
    "asdfgh",
    "zxcvbn",
    "abcd",
    "abcdef",
    "abcdefgh",
    "admin",
    "administrator",
    "administrateur",
    "administration",
    "root",
    "user",
    "utilisateur",
    "guest",
    "invite",
    "test",
    "login",
    "welcome",
    "bienvenue",
    "changeme",
    "changemoi",
    "letmein",
    "bonjour",
    "bonsoir",
    "salut",
    "hello",
    "coucou",
    "soleil",
    "doudou",
    "loulou",
    "chouchou",
    "monamour",
    "jetaime",
    "iloveyou",
    "princesse",
    "princess",
    "dragon",
    "monkey",
    "football",
    "rugby",
    "marseille",
    "paris",
    "lyon",
    "toulouse",
    "bordeaux",
    "nantes",
    "lille",
    "france",
    "europe",
    "printemps",
    "automne",
    "hiver",
    "summer",
    "winter",
    "spring",
    "autumn",
    "janvier",
    "fevrier",
    "mars",
    "avril",
    "juin",
    "juillet",
    "aout",
    "septembre",
    "octobre",
    "novembre",
    "decembre",
    "january",
    "february",
    "march",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "lundi",
    "mardi",
    "mercredi",
    "jeudi",
    "vendredi",
    "samedi",
    "dimanche",
    "monday",
    "friday",
    "hopital",
    "hospital",
    "clinique",
    "sante",
    "medecin",
    "docteur",
    "doctor",
    "infirmier",
    "infirmiere",
    "pharmacie",
    "urgence",
    "urgences",
    "chirurgie",
    "patient",
    "microsoft",
    "office",
    "windows",
    "google",
    "internet",
    "ordinateur",
    "computer",
    "master",
    "superman",
    "batman",
    "pokemon",
    "starwars",
    "nicolas",
    "camille",
    "thomas",
    "julien",
    "marie",
    "0000",
    "1111",
    "1234",
    "12345",
    "123456",
    "1234567",
    "12345678",
    "123456789",
    "1234567890",
    "4321",
    "654321",
    "87654321",
    "987654321",
    "2023",
    "2024",
    "2025",
    "2026",
    "2027",
];

/// Why a password may not be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Too few signs.
    #[error("the password is too short: it needs at least 8 characters")]
    Short,
    /// Longer than anybody looks at.
    #[error("the password is too long: it may have at most 256 bytes")]
    Long,
    /// A sign that cannot be typed.
    #[error("the password has a character that cannot be typed")]
    Control,
    /// Signs of one or two kinds.
    #[error("the password needs three of these: lowercase letters, uppercase letters, digits, symbols")]
    Kinds,
    /// A common word and little more.
    #[error("the password is too easy to guess: it is made of common words or patterns")]
    Banned,
    /// Somebody published it.
    #[error("the password is known from a data breach: somebody published it")]
    Published,
    /// The person.
    #[error("the password contains the name of its user")]
    User,
    /// The establishment.
    #[error("the password contains the name of the organization")]
    Organization,
    /// The present one.
    #[error("the new password is the present one")]
    Same,
}

/// Whose password it is.
#[derive(Clone, Debug, Default)]
pub struct Owner<'a> {
    /// Names of the person.
    pub user: Vec<&'a str>,
    /// Names of the establishment: its own and its domains.
    pub organization: Vec<&'a str>,
    /// Words that the establishment added to those that no password is made of.
    pub banned: Vec<&'a str>,
    /// Whether the kinds of signs do not matter (`DisableStrongPassword`).
    pub is_lenient: bool,
}

/// Whether this password may be set.
pub fn check(password: &str, owner: &Owner<'_>) -> Result<(), WeakPassword> {
    if password.chars().count() < MIN {
        return Err(WeakPassword::Short);
    }
    if crate::is_too_long(password) {
        return Err(WeakPassword::Long);
    }
    if password.contains(char::is_control) {
        return Err(WeakPassword::Control);
    }
    if !owner.is_lenient && kinds(password) < KINDS {
        return Err(WeakPassword::Kinds);
    }
    let normal = normalized(password);
    let has = |names: &[&str]| {
        names
            .iter()
            .flat_map(|name| words(name))
            .any(|word| normal.contains(&word))
    };
    if has(&owner.user) {
        return Err(WeakPassword::User);
    }
    if has(&owner.organization) {
        return Err(WeakPassword::Organization);
    }
    let words: Vec<String> = BANNED
        .iter()
        .chain(&owner.banned)
        .map(|word| normalized(word))
        .collect();
    let cores = cores(password);
    if points(&normal, &words) < POINTS
        || words.iter().any(|word| is_near(&normal, word))
        || common_passwords::has(cores.iter().map(String::as_str))
    {
        return Err(WeakPassword::Banned);
    }
    Ok(())
}

/// What a password may be without what is put before and after it. A sign at an end is beside the word, or a letter of it that was
/// replaced: of the signs next to letters both are tried.
fn cores(password: &str) -> Vec<String> {
    let signs: Vec<char> = password.chars().collect();
    let first = signs.iter().position(|c| c.is_alphabetic()).unwrap_or(signs.len());
    let last = signs.iter().rposition(|c| c.is_alphabetic()).map_or(0, |at| at + 1);
    let starts = first.saturating_sub(REPLACED)..=first;
    let ends = last..=signs.len().min(last + REPLACED);
    let pairs = starts.flat_map(|start| ends.clone().map(move |end| start..end));
    let cores = pairs.filter_map(|range| {
        signs
            .get(range)
            .map(|core| normalized(&core.iter().collect::<String>()))
    });
    cores.chain([normalized(password)]).collect()
}

fn kinds(password: &str) -> usize {
    let has = |of: fn(char) -> bool| usize::from(password.contains(of));
    has(char::is_lowercase)
        + has(char::is_uppercase)
        + has(char::is_numeric)
        + has(|c| !c.is_lowercase() && !c.is_uppercase() && !c.is_numeric())
}

/// Without case, accents of French and the usual replacements.
fn normalized(text: &str) -> String {
    let plain = |c: char| match c {
        '1' | '!' | '|' => 'l',
        '$' | '5' => 's',
        '@' | '4' | 'à' | 'â' | 'ä' => 'a',
        '3' | 'é' | 'è' | 'ê' | 'ë' => 'e',
        'î' | 'ï' => 'i',
        '0' | 'ô' | 'ö' => 'o',
        'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        other => other,
    };
    text.to_lowercase().chars().map(plain).collect()
}

/// The words of a name that are long enough to be looked for, as a password is compared.
fn words(name: &str) -> Vec<String> {
    let parts = name.split(|c: char| !c.is_alphanumeric());
    let joined: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
    let all = parts.map(str::to_owned).chain([joined]);
    all.filter(|word| word.chars().count() >= WORD)
        .map(|word| normalized(&word))
        .collect()
}

/// One for each banned word, the longest first, and one for each sign beside them.
fn points(normal: &str, words: &[String]) -> usize {
    let mut banned: Vec<&String> = words.iter().collect();
    banned.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let (mut rest, mut points) = (normal, 0);
    while let Some(first) = rest.chars().next() {
        let word = banned.iter().find(|word| rest.starts_with(word.as_str()));
        rest = &rest[word.map_or(first.len_utf8(), |word| word.len())..];
        points += 1;
    }
    points
}

/// Whether two texts differ by one sign at most.
fn is_near(normal: &str, word: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (normal.chars().collect(), word.chars().collect());
    if one.len().abs_diff(other.len()) > 1 {
        return false;
    }
    let same = one.iter().zip(&other).take_while(|(one, other)| one == other).count();
    let from = |text: &[char], at: usize| text.get(at..).unwrap_or_default().to_vec();
    let (rest, of_other) = (from(&one, same), from(&other, same));
    match one.len().cmp(&other.len()) {
        std::cmp::Ordering::Equal => from(&rest, 1) == from(&of_other, 1),
        std::cmp::Ordering::Greater => from(&rest, 1) == of_other,
        std::cmp::Ordering::Less => rest == from(&of_other, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_password() {
        let owner = Owner {
            user: vec!["Anna Martin", "anna.martin"],
            organization: vec!["Centre hospitalier de Démonstration", "ch-demo.example"],
            banned: vec!["Hémodialyse"],
            is_lenient: false,
        };
        let long = format!("Aa1{}", "x-".repeat(127));
        for (password, expected) in [
            ("Correct horse 9", Ok(())),
            ("Vélo-rouge-42", Ok(())),
            (&long[..256], Ok(())),
            (&long, Err(WeakPassword::Long)),
            (&format!("Aa1{}", "é".repeat(253)), Ok(())),
            (&format!("Aa1{}", "é".repeat(254)), Err(WeakPassword::Long)),
            ("Ab3$efg", Err(WeakPassword::Short)),
            ("Ab3$ef\u{7}g", Err(WeakPassword::Control)),
            ("correct horse", Err(WeakPassword::Kinds)),
            ("CORRECTHORSE9", Err(WeakPassword::Kinds)),
            ("P@ssw0rd", Err(WeakPassword::Banned)),
            ("P@$$w0rd1", Err(WeakPassword::Banned)),
            ("Motdepasse2026!", Err(WeakPassword::Banned)),
            ("Hôpital-1234", Err(WeakPassword::Banned)),
            ("Printemps2026!", Err(WeakPassword::Banned)),
            ("Azerty123456!", Err(WeakPassword::Banned)),
            ("Sunsh1ne-1975!", Err(WeakPassword::Banned)),
            ("$unshine1975!", Err(WeakPassword::Banned)),
            ("1975$Unshin3!", Err(WeakPassword::Banned)),
            ("1qaz2wsx3edC", Err(WeakPassword::Banned)),
            ("42-Jennifer-42", Err(WeakPassword::Banned)),
            ("H3modialyse75!", Err(WeakPassword::Banned)),
            ("Hemodialys", Err(WeakPassword::Kinds)),
            ("Sunshine-Vélo-42", Ok(())),
            ("M@rtin-rouge-42", Err(WeakPassword::User)),
            ("d3m0nstration-Xy42", Err(WeakPassword::Organization)),
        ] {
            assert_eq!(check(password, &owner), expected, "{password}");
        }
        let lenient = Owner {
            is_lenient: true,
            ..Owner::default()
        };
        assert_eq!(check("correct horse", &lenient), Ok(()));
        assert_eq!(check("motdepasse", &lenient), Err(WeakPassword::Banned));
    }

    #[test]
    fn near_is_one_sign_away() {
        for (one, other, expected) in [
            ("soleil", "soleil", true),
            ("soleils", "soleil", true),
            ("soleul", "soleil", true),
            ("oleil", "soleil", true),
            ("so_leil", "soleil", true),
            ("soleilss", "soleil", false),
            ("sdleul", "soleil", false),
        ] {
            assert_eq!(is_near(one, other), expected, "{one}");
        }
    }
}
