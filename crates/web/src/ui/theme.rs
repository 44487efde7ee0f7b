//! Light or dark: as the system says, unless the person chose.

use axum::http::HeaderMap;

use crate::cookie;

/// The cookie that keeps the theme a person chose.
pub const THEME_COOKIE: &str = "__Host-hygie-theme";

/// A theme of the interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system says (`prefers-color-scheme`).
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// From its name in the cookie or in the form.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "system" => Some(Self::System),
            "light" => Some(Self::Light),
            "dark" => Some(Self::Dark),
            _ => None,
        }
    }

    /// The theme of a request, by its cookie.
    pub fn of(headers: &HeaderMap) -> Self {
        cookie::get(headers, THEME_COOKIE)
            .and_then(Self::parse)
            .unwrap_or_default()
    }

    /// The name when the person chose; the value of `data-theme`.
    pub const fn chosen(self) -> Option<&'static str> {
        match self {
            Self::System => None,
            Self::Light => Some("light"),
            Self::Dark => Some("dark"),
        }
    }

    /// The value of `<meta name="color-scheme">`, so that the first paint has the right ground.
    pub const fn scheme(self) -> &'static str {
        match self {
            Self::System => "light dark",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}
