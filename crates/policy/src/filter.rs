//! The language of device filters: `device.isCompliant -eq True -and device.displayName -startsWith "SALLE-"`.
//! <https://learn.microsoft.com/entra/identity/conditional-access/concept-condition-filters-for-devices>
//!
//! Names, operators and texts are compared without regard to case. A device that is not registered has no attribute: what
//! is asked of it positively is false, and what is asked negatively is true. Of an attribute with several values one is
//! enough, or, negatively, one is too much.

use std::fmt;

use hygie_core::{ErrorKind, Fault};
use thiserror::Error;

use crate::json::vocabulary;
use crate::signin::Device;

/// Signs of a rule.
pub const MAX_RULE: usize = 3_072;
/// Parentheses within parentheses.
pub const MAX_DEPTH: usize = 16;

vocabulary! {
    /// What is compared.
    Property {
        DeviceId = "deviceId",
        DisplayName = "displayName",
        DeviceOwnership = "deviceOwnership",
        EnrollmentProfileName = "enrollmentProfileName",
        IsCompliant = "isCompliant",
        Manufacturer = "manufacturer",
        MdmAppId = "mdmAppId",
        Model = "model",
        OperatingSystem = "operatingSystem",
        OperatingSystemVersion = "operatingSystemVersion",
        PhysicalIds = "physicalIds",
        ProfileType = "profileType",
        SystemLabels = "systemLabels",
        TrustType = "trustType",
        ExtensionAttribute1 = "extensionAttribute1",
        ExtensionAttribute2 = "extensionAttribute2",
        ExtensionAttribute3 = "extensionAttribute3",
        ExtensionAttribute4 = "extensionAttribute4",
        ExtensionAttribute5 = "extensionAttribute5",
        ExtensionAttribute6 = "extensionAttribute6",
        ExtensionAttribute7 = "extensionAttribute7",
        ExtensionAttribute8 = "extensionAttribute8",
        ExtensionAttribute9 = "extensionAttribute9",
        ExtensionAttribute10 = "extensionAttribute10",
        ExtensionAttribute11 = "extensionAttribute11",
        ExtensionAttribute12 = "extensionAttribute12",
        ExtensionAttribute13 = "extensionAttribute13",
        ExtensionAttribute14 = "extensionAttribute14",
        ExtensionAttribute15 = "extensionAttribute15",
    }
    /// How it is compared: each positive operator is followed by its negation.
    Comparison {
        Eq = "-eq",
        Ne = "-ne",
        StartsWith = "-startsWith",
        NotStartsWith = "-notStartsWith",
        EndsWith = "-endsWith",
        NotEndsWith = "-notEndsWith",
        Contains = "-contains",
        NotContains = "-notContains",
        In = "-in",
        NotIn = "-notIn",
    }
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// One of these holds.
    Any(Vec<Rule>),
    /// All of these hold.
    All(Vec<Rule>),
    /// A comparison.
    Compare {
        /// Of what.
        property: Property,
        /// How.
        comparison: Comparison,
        /// With what: one value, or several for `-in`.
        values: Vec<String>,
    },
}

/// A text that is no rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("at character {at}: {why}")]
pub struct NotARule {
    /// Where, counted in characters from 0.
    pub at: usize,
    /// Why.
    pub why: Why,
}

/// Why a text is no rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Why {
    /// It is too long.
    #[error("a rule may have {MAX_RULE} characters")]
    TooLong,
    /// Too many parentheses within parentheses.
    #[error("parentheses may be {MAX_DEPTH} deep")]
    TooDeep,
    /// Something else should be there.
    #[error("a property such as device.displayName is expected")]
    Property,
    /// Something else should be there.
    #[error("an operator that this property can be compared by is expected")]
    Comparison,
    /// Something else should be there.
    #[error("a value is expected: \"text\", True, False, or [\"text\", \"text\"] for -in")]
    Value,
    /// Something else should be there.
    #[error("a closing parenthesis is expected")]
    Parenthesis,
    /// Something comes after the end.
    #[error("-and, -or or the end is expected")]
    End,
}

impl Fault for NotARule {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }

    fn code(&self) -> &'static str {
        "BadRequest"
    }

    fn public(&self) -> String {
        self.to_string()
    }
}

/// Whether a device is what a rule says; `None` is one that is not registered.
pub fn matches(rule: &str, device: Option<&Device>) -> Result<bool, NotARule> {
    Rule::parse(rule).map(|rule| rule.holds(device))
}

impl Rule {
    /// Reads a rule.
    pub fn parse(text: &str) -> Result<Self, NotARule> {
        let mut parser = Parser {
            signs: text.chars().take(MAX_RULE + 1).collect(),
            at: 0,
        };
        if parser.signs.len() > MAX_RULE {
            return Err(NotARule {
                at: MAX_RULE,
                why: Why::TooLong,
            });
        }
        let rule = parser.any(0)?;
        parser.blanks();
        if parser.at == parser.signs.len() {
            Ok(rule)
        } else {
            Err(parser.refuse(Why::End))
        }
    }

    /// Whether it holds for a device.
    pub fn holds(&self, device: Option<&Device>) -> bool {
        match self {
            Self::Any(rules) => rules.iter().any(|rule| rule.holds(device)),
            Self::All(rules) => rules.iter().all(|rule| rule.holds(device)),
            Self::Compare {
                property,
                comparison,
                values,
            } => {
                let found = device.map(|device| property.of(device)).unwrap_or_default();
                let (positive, is_negated) = comparison.positive();
                let fits = |one: &String| {
                    values
                        .iter()
                        .any(|wanted| positive.fits(&one.to_lowercase(), &wanted.to_lowercase()))
                };
                found.iter().any(fits) != is_negated
            }
        }
    }
}

impl Property {
    /// Its values on a device.
    fn of(self, device: &Device) -> Vec<String> {
        if self == Self::IsCompliant {
            return vec![if device.is_compliant { "True" } else { "False" }.to_owned()];
        }
        device.attributes.get(self.as_str()).cloned().unwrap_or_default()
    }

    /// Whether Entra ID compares it so.
    fn allows(self, comparison: Comparison) -> bool {
        let (positive, _) = comparison.positive();
        match self {
            Self::IsCompliant | Self::DeviceOwnership | Self::ProfileType | Self::TrustType => {
                positive == Comparison::Eq
            }
            Self::DeviceId | Self::MdmAppId => matches!(positive, Comparison::Eq | Comparison::In),
            Self::PhysicalIds | Self::SystemLabels => positive == Comparison::Contains,
            _ => true,
        }
    }
}

impl Comparison {
    /// The positive operator, and whether this is its negation.
    const fn positive(self) -> (Self, bool) {
        match self {
            Self::Eq => (Self::Eq, false),
            Self::Ne => (Self::Eq, true),
            Self::StartsWith => (Self::StartsWith, false),
            Self::NotStartsWith => (Self::StartsWith, true),
            Self::EndsWith => (Self::EndsWith, false),
            Self::NotEndsWith => (Self::EndsWith, true),
            Self::Contains => (Self::Contains, false),
            Self::NotContains => (Self::Contains, true),
            Self::In => (Self::In, false),
            Self::NotIn => (Self::In, true),
        }
    }

    fn fits(self, value: &str, wanted: &str) -> bool {
        match self {
            Self::StartsWith => value.starts_with(wanted),
            Self::EndsWith => value.ends_with(wanted),
            Self::Contains => value.contains(wanted),
            _ => value == wanted,
        }
    }
}

/// Reads a rule from its signs; what is nested is bounded by [`MAX_DEPTH`].
struct Parser {
    signs: Vec<char>,
    at: usize,
}

impl Parser {
    fn refuse(&self, why: Why) -> NotARule {
        NotARule { at: self.at, why }
    }

    fn blanks(&mut self) {
        while self.signs.get(self.at).is_some_and(|sign| sign.is_whitespace()) {
            self.at += 1;
        }
    }

    fn take(&mut self, sign: char) -> bool {
        self.blanks();
        let is_there = self.signs.get(self.at) == Some(&sign);
        self.at += usize::from(is_there);
        is_there
    }

    /// A word of letters, digits, points and hyphens, which is left where it is unless it is wanted.
    fn word<T>(&mut self, wanted: impl Fn(&str) -> Option<T>) -> Option<T> {
        self.blanks();
        let is_part = |sign: &&char| sign.is_ascii_alphanumeric() || matches!(sign, '.' | '-');
        let word: String = self.signs[self.at..].iter().take_while(is_part).collect();
        let found = wanted(&word)?;
        self.at += word.len();
        Some(found)
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        self.word(|word| word.eq_ignore_ascii_case(keyword).then_some(()))
            .is_some()
    }

    fn any(&mut self, depth: usize) -> Result<Rule, NotARule> {
        let mut rules = vec![self.all(depth)?];
        while self.keyword("-or") {
            rules.push(self.all(depth)?);
        }
        Ok(single(rules, Rule::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Rule, NotARule> {
        let mut rules = vec![self.part(depth)?];
        while self.keyword("-and") {
            rules.push(self.part(depth)?);
        }
        Ok(single(rules, Rule::All))
    }

    fn part(&mut self, depth: usize) -> Result<Rule, NotARule> {
        if !self.take('(') {
            return self.compare();
        }
        if depth == MAX_DEPTH {
            return Err(self.refuse(Why::TooDeep));
        }
        let rule = self.any(depth + 1)?;
        if self.take(')') {
            Ok(rule)
        } else {
            Err(self.refuse(Why::Parenthesis))
        }
    }

    fn compare(&mut self) -> Result<Rule, NotARule> {
        let property = self.word(|word| {
            let (owner, name) = word.split_once('.')?;
            let is = |property: &&Property| property.as_str().eq_ignore_ascii_case(name);
            owner
                .eq_ignore_ascii_case("device")
                .then(|| Property::ALL.iter().find(is).copied())?
        });
        let property = property.ok_or_else(|| self.refuse(Why::Property))?;
        let comparison = self.word(|word| {
            let is = |comparison: &&Comparison| comparison.as_str().eq_ignore_ascii_case(word);
            Comparison::ALL
                .iter()
                .find(is)
                .copied()
                .filter(|comparison| property.allows(*comparison))
        });
        let comparison = comparison.ok_or_else(|| self.refuse(Why::Comparison))?;
        let values = if comparison.positive().0 == Comparison::In {
            self.list()?
        } else {
            vec![self.value()?]
        };
        let is_truth = |value: &String| value == "True" || value == "False";
        if property == Property::IsCompliant && !values.iter().all(is_truth) {
            return Err(self.refuse(Why::Value));
        }
        Ok(Rule::Compare {
            property,
            comparison,
            values,
        })
    }

    fn list(&mut self) -> Result<Vec<String>, NotARule> {
        if !self.take('[') {
            return Err(self.refuse(Why::Value));
        }
        let mut values = vec![self.value()?];
        while self.take(',') {
            values.push(self.value()?);
        }
        if self.take(']') {
            Ok(values)
        } else {
            Err(self.refuse(Why::Value))
        }
    }

    /// A text between quotes, in which a backtick takes the next sign as it is; or a truth.
    fn value(&mut self) -> Result<String, NotARule> {
        for truth in ["True", "False"] {
            if self.keyword(truth) {
                return Ok(truth.to_owned());
            }
        }
        if !self.take('"') {
            return Err(self.refuse(Why::Value));
        }
        let mut text = String::new();
        while let Some(&sign) = self.signs.get(self.at) {
            self.at += 1;
            match sign {
                '"' => return Ok(text),
                '`' => {
                    let escaped = self.signs.get(self.at).ok_or_else(|| self.refuse(Why::Value))?;
                    text.push(*escaped);
                    self.at += 1;
                }
                other => text.push(other),
            }
        }
        Err(self.refuse(Why::Value))
    }
}

/// One rule stands for itself.
fn single(mut rules: Vec<Rule>, several: fn(Vec<Rule>) -> Rule) -> Rule {
    if rules.len() == 1 {
        rules.swap_remove(0)
    } else {
        several(rules)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rules, between) = match self {
            Self::Any(rules) => (rules, " -or "),
            Self::All(rules) => (rules, " -and "),
            Self::Compare {
                property,
                comparison,
                values,
            } => return compared(f, *property, *comparison, values),
        };
        for (index, rule) in rules.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { between })?;
            match (self, rule) {
                (_, Self::Compare { .. }) | (Self::Any(_), Self::All(_)) => write!(f, "{rule}")?,
                _ => write!(f, "({rule})")?,
            }
        }
        Ok(())
    }
}

fn compared(f: &mut fmt::Formatter<'_>, property: Property, comparison: Comparison, values: &[String]) -> fmt::Result {
    let quoted = |value: &String| match value.as_str() {
        "True" | "False" if property == Property::IsCompliant => value.clone(),
        _ => format!("\"{}\"", value.replace('`', "``").replace('"', "`\"")),
    };
    let values: Vec<String> = values.iter().map(quoted).collect();
    write!(f, "device.{property} {comparison} ")?;
    match comparison.positive().0 {
        Comparison::In => write!(f, "[{}]", values.join(", ")),
        _ => f.write_str(&values.join(", ")),
    }
}
