//! Languages and messages: French first, English second, every string in a Fluent file of the crate that shows it.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::request::Parts;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentError, FluentResource, FluentValue};

use crate::cookie;

/// The cookie that keeps the language a person chose.
pub const LANG_COOKIE: &str = "__Host-hygie-lang";

/// A language of the interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Lang {
    /// French, the first language.
    #[default]
    Fr,
    /// English.
    En,
}

impl Lang {
    /// Its BCP 47 tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Fr => "fr",
            Self::En => "en",
        }
    }

    /// The other language, for the switch.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Fr => Self::En,
            Self::En => Self::Fr,
        }
    }

    /// From a BCP 47 tag; the region is ignored (`en-GB` is English).
    pub fn parse(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
        [Self::Fr, Self::En]
            .into_iter()
            .find(|lang| primary.eq_ignore_ascii_case(lang.tag()))
    }

    /// The language of a request: the one the person chose (cookie), else `?lang=`, else `Accept-Language`
    /// (RFC 9110 §12.5.4), else French.
    pub fn of(headers: &HeaderMap, query: Option<&str>) -> Self {
        cookie::get(headers, LANG_COOKIE)
            .and_then(Self::parse)
            .or_else(|| query.and_then(Self::in_query))
            .or_else(|| Self::accepted(headers.get(ACCEPT_LANGUAGE)?.to_str().ok()?))
            .unwrap_or_default()
    }

    fn in_query(query: &str) -> Option<Self> {
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == "lang")
            .and_then(|(_, tag)| Self::parse(&tag))
    }

    /// The best of the first sixteen ranges of `Accept-Language`; the earlier wins among equals.
    fn accepted(header: &str) -> Option<Self> {
        let mut best: Option<(Self, f32)> = None;
        for range in header.split(',').take(16) {
            let (tag, quality) = match range.split_once(';') {
                Some((tag, parameter)) => (tag, parameter.trim().strip_prefix("q=").unwrap_or("0")),
                None => (range, "1"),
            };
            let quality: f32 = quality.parse().unwrap_or(0.0);
            if let Some(lang) = Self::parse(tag)
                && quality > best.map_or(0.0, |(_, best)| best)
            {
                best = Some((lang, quality));
            }
        }
        best.map(|(lang, _)| lang)
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

impl<S: Sync> FromRequestParts<S> for Lang {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.headers, parts.uri.query()))
    }
}

/// The Fluent sources of one crate: `Source { fr: include_str!("../i18n/fr.ftl"), en: include_str!("../i18n/en.ftl") }`.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// French.
    pub fr: &'static str,
    /// English.
    pub en: &'static str,
}

/// The messages of this crate; every [`Messages`] begins with them.
const SHELL: Source = Source {
    fr: include_str!("../i18n/fr.ftl"),
    en: include_str!("../i18n/en.ftl"),
};

/// A Fluent source that cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// The file breaks the syntax of Fluent.
    #[error("the {lang} messages have a syntax error: {detail}")]
    Syntax {
        /// Language of the file.
        lang: Lang,
        /// What the parser says.
        detail: String,
    },
    /// Two crates use the same key.
    #[error("the {lang} message `{key}` is defined twice")]
    Twice {
        /// Language of the file.
        lang: Lang,
        /// The key.
        key: String,
    },
}

/// The messages of a service in every language: loaded once, shared by all requests.
///
/// A missing message shows its key (and a test of each crate keeps that from happening, see [`Messages::differences`]
/// and [`Messages::unknown_keys`]).
pub struct Messages {
    fr: FluentBundle<FluentResource>,
    en: FluentBundle<FluentResource>,
    keys: [Vec<String>; 2],
}

impl fmt::Debug for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Messages({} keys)", self.keys[0].len())
    }
}

impl Messages {
    /// The messages of this crate and those of a service.
    pub fn new(sources: &[Source]) -> Result<Self, MessageError> {
        let mut messages = Self {
            fr: bundle(Lang::Fr),
            en: bundle(Lang::En),
            keys: [Vec::new(), Vec::new()],
        };
        for source in std::iter::once(&SHELL).chain(sources) {
            messages.add(Lang::Fr, french_typography(source.fr))?;
            messages.add(Lang::En, source.en.to_owned())?;
        }
        Ok(messages)
    }

    fn add(&mut self, lang: Lang, text: String) -> Result<(), MessageError> {
        let found = keys_of(&text);
        let resource = FluentResource::try_new(text).map_err(|(_, errors)| MessageError::Syntax {
            lang,
            detail: errors.first().map(ToString::to_string).unwrap_or_default(),
        })?;
        let (bundle, keys) = match lang {
            Lang::Fr => (&mut self.fr, &mut self.keys[0]),
            Lang::En => (&mut self.en, &mut self.keys[1]),
        };
        keys.extend(found);
        bundle.add_resource(resource).map_err(|errors| MessageError::Twice {
            lang,
            key: match errors.into_iter().next() {
                Some(FluentError::Overriding { id, .. }) => id,
                _ => String::new(),
            },
        })
    }

    /// The message of this key (`key` or `key.attribute`), if there is one.
    pub fn find(&self, lang: Lang, key: &str, args: Option<&FluentArgs<'_>>) -> Option<String> {
        let bundle = match lang {
            Lang::Fr => &self.fr,
            Lang::En => &self.en,
        };
        let (id, attribute) = key.split_once('.').map_or((key, None), |(id, name)| (id, Some(name)));
        let message = bundle.get_message(id)?;
        let pattern = match attribute {
            Some(name) => message.get_attribute(name)?.value(),
            None => message.value()?,
        };
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, args, &mut errors).into_owned();
        if !errors.is_empty() {
            tracing::warn!(key, %lang, "a message lacks an argument");
        }
        Some(text)
    }

    /// The message of this key; the key itself when it is missing.
    pub fn get(&self, lang: Lang, key: &str, args: &[(&'static str, FluentValue<'_>)]) -> String {
        let args: FluentArgs<'_> = args.iter().map(|(name, value)| (*name, value.clone())).collect();
        self.find(lang, key, Some(&args)).unwrap_or_else(|| {
            tracing::warn!(key, %lang, "a message is missing");
            key.to_owned()
        })
    }

    /// The keys that exist in one language only. A crate with messages tests that there are none.
    pub fn differences(&self) -> Vec<String> {
        let [fr, en] = &self.keys;
        let only = |a: &[String], b: &[String]| a.iter().filter(|key| !b.contains(key)).cloned().collect::<Vec<_>>();
        [only(fr, en), only(en, fr)].concat()
    }

    /// The keys that a template or source text asks for (`.t("key"`, `.t1`, `.tn`, `.with`, `.html1`) and that do not
    /// exist. A crate with templates tests that there are none.
    pub fn unknown_keys(&self, text: &str) -> Vec<String> {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let text = &lines.collect::<Vec<_>>().join("\n");
        ["t(\"", "t1(\"", "tn(\"", "with(\"", "html1(\""]
            .iter()
            .flat_map(|call| text.match_indices(&format!(".{call}")).collect::<Vec<_>>())
            .filter_map(|(at, call)| text[at + call.len()..].split('"').next())
            .filter(|key| self.find(Lang::Fr, key, None).is_none())
            .map(str::to_owned)
            .collect()
    }
}

/// The messages of this crate alone, for services without pages of their own.
pub fn shell_messages() -> std::sync::Arc<Messages> {
    static SHELL_MESSAGES: LazyLock<std::sync::Arc<Messages>> =
        LazyLock::new(|| std::sync::Arc::new(Messages::new(&[]).expect("the files of this crate are tested")));
    SHELL_MESSAGES.clone()
}

fn bundle(lang: Lang) -> FluentBundle<FluentResource> {
    let mut bundle = FluentBundle::new_concurrent(vec![lang.tag().parse().expect("a language tag")]);
    // Both languages read left to right: isolation marks would only spoil what is copied.
    bundle.set_use_isolating(false);
    bundle
}

/// The keys of a Fluent file, attributes as `key.attribute`: a message begins its line, an attribute is indented.
fn keys_of(source: &str) -> Vec<String> {
    let mut keys = Vec::new();
    let mut message = "";
    for line in source.lines() {
        let Some((name, _)) = line.split_once('=') else {
            continue;
        };
        if line.starts_with(|c: char| c.is_ascii_lowercase()) {
            message = name.trim();
            keys.push(message.to_owned());
        } else if let Some(attribute) = name.trim().strip_prefix('.') {
            keys.push(format!("{message}.{attribute}"));
        }
    }
    keys
}

/// French typography: a narrow no-break space before `; : ! ?` and inside guillemets, and the typographic apostrophe.
/// Authors type ordinary spaces and apostrophes. The syntax of Fluent is not touched: none of its marks has this form.
pub fn french_typography(source: &str) -> String {
    const NARROW: &str = "\u{202f}";
    let mut text = source.to_owned();
    for mark in [";", ":", "!", "?", "»"] {
        text = text.replace(&format!(" {mark}"), &format!("{NARROW}{mark}"));
    }
    text.replace("« ", &format!("«{NARROW}")).replace('\'', "’")
}

/// A value for a message.
pub type Value<'a> = FluentValue<'a>;

/// Text for a place where markup is allowed: `& < > " '` become character references.
pub fn escape_html(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().fold(String::with_capacity(text.len() + 16), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
        out
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn french_and_english_have_the_same_keys() {
        let messages = Messages::new(&[]).expect("both files load");
        assert_eq!(messages.differences(), Vec::<String>::new());
        assert!(messages.keys[0].len() > 100, "the keys are found");
    }

    #[test]
    fn templates_ask_for_existing_messages() {
        let messages = Messages::new(&[]).expect("both files load");
        let mut calls = 0;
        for dir in ["templates", "templates/pages", "templates/parts", "src", "src/ui"] {
            for entry in std::fs::read_dir(dir).expect("a directory of this crate").flatten() {
                if let Ok(text) = std::fs::read_to_string(entry.path())
                    && entry.file_name() != "i18n.rs"
                {
                    calls += text.matches(".t(\"").count();
                    assert_eq!(
                        messages.unknown_keys(&text),
                        Vec::<String>::new(),
                        "{}",
                        entry.path().display()
                    );
                }
            }
        }
        assert!(calls > 50, "the templates are found");
    }

    #[test]
    fn unknown_keys_are_found() {
        let messages = Messages::new(&[]).expect("both files load");
        assert_eq!(
            messages.unknown_keys("{{ page.t(\"no-such-key\") }} {{ page.t(\"copy\") }}"),
            ["no-such-key"]
        );
    }

    #[test]
    fn twice_the_same_key_is_an_error() {
        let twice = Source {
            fr: "copy = Copier",
            en: "",
        };
        assert!(matches!(
            Messages::new(&[twice]),
            Err(MessageError::Twice { lang: Lang::Fr, .. })
        ));
    }

    #[test]
    fn french_marks_do_not_break_from_their_word() {
        assert_eq!(
            french_typography("Prêt ? L'« app » : oui"),
            "Prêt\u{202f}? L’«\u{202f}app\u{202f}»\u{202f}: oui"
        );
    }

    #[test]
    fn language_is_cookie_then_query_then_accepted() {
        let cases = [
            (None, None, None, Lang::Fr),
            (None, None, Some("en-GB,en;q=0.9,fr;q=0.8"), Lang::En),
            (None, None, Some("de, fr;q=0.5, en;q=0.4"), Lang::Fr),
            (None, None, Some("en;q=0, *"), Lang::Fr),
            (None, None, Some("en;q=abc"), Lang::Fr),
            (None, Some("x=1&lang=en"), Some("fr"), Lang::En),
            (None, Some("lang=xx"), Some("en"), Lang::En),
            (Some("fr"), Some("lang=en"), Some("en"), Lang::Fr),
        ];
        for (cookie, query, accept, expected) in cases {
            let mut headers = HeaderMap::new();
            if let Some(tag) = cookie {
                let value = format!("a=b; {LANG_COOKIE}={tag}");
                headers.insert(http::header::COOKIE, value.parse().expect("a header value"));
            }
            if let Some(accept) = accept {
                headers.insert(ACCEPT_LANGUAGE, accept.parse().expect("a header value"));
            }
            assert_eq!(Lang::of(&headers, query), expected, "{cookie:?} {query:?} {accept:?}");
        }
    }

    #[test]
    fn plurals_follow_the_language() {
        let messages = Messages::new(&[]).expect("both files load");
        let title = |lang, count: i32| messages.get(lang, "summary-title", &[("count", count.into())]);
        assert_eq!(title(Lang::Fr, 1), "Une réponse est à corriger");
        assert_eq!(title(Lang::En, 2), "2 answers need correcting");
    }
}
