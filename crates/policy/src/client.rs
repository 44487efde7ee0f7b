//! On which platform and by which kind of program somebody signs in.
//!
//! The platform is what the program says of itself, and whoever wants to says something else: a policy that depends on it
//! should ask for more where nothing is known, not for less.
//!
//! # Deviations
//!
//! - ChromeOS is none of the platforms. A tablet of Apple that asks for pages of desktops is taken for a Mac, as by
//!   everybody: its text is the same.

use crate::policy::{ClientAppType, DevicePlatform};

/// Marks of platforms in `User-Agent`, each before those it contains or imitates.
const MARKS: [(&str, Option<DevicePlatform>); 11] = [
    ("windows phone", Some(DevicePlatform::WindowsPhone)),
    ("android", Some(DevicePlatform::Android)),
    ("iphone", Some(DevicePlatform::Ios)),
    ("ipad", Some(DevicePlatform::Ios)),
    ("ipod", Some(DevicePlatform::Ios)),
    ("windows nt", Some(DevicePlatform::Windows)),
    ("macintosh", Some(DevicePlatform::MacOs)),
    ("darwin", Some(DevicePlatform::MacOs)),
    ("cros ", None),
    ("linux", Some(DevicePlatform::Linux)),
    ("x11;", Some(DevicePlatform::Linux)),
];

/// More of a header than any program sends is not looked at.
const LOOKED_AT: usize = 1_024;

/// The platform that a `User-Agent` names.
pub fn platform(user_agent: &str) -> Option<DevicePlatform> {
    let text: String = user_agent
        .chars()
        .take(LOOKED_AT)
        .flat_map(char::to_lowercase)
        .collect();
    MARKS
        .iter()
        .find(|(mark, _)| text.contains(mark))
        .and_then(|(_, platform)| *platform)
}

/// How somebody came to the identity provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// By an application on a server, or one that is a page, which take their answer in the browser.
    Page,
    /// By an application on the person's own machine.
    Installed,
    /// By a code on another device.
    DeviceCode,
    /// By name and password in one message of the token endpoint, which is modern all the same.
    Password,
    /// By Exchange ActiveSync.
    ActiveSync,
    /// By a protocol with name and password in each request: IMAP, POP, SMTP.
    Legacy,
}

/// The kind of program that policies speak of.
pub const fn client_app(entry: Entry) -> ClientAppType {
    match entry {
        Entry::Page => ClientAppType::Browser,
        Entry::Installed | Entry::DeviceCode | Entry::Password => ClientAppType::MobileAppsAndDesktopClients,
        Entry::ActiveSync => ClientAppType::ExchangeActiveSync,
        Entry::Legacy => ClientAppType::Other,
    }
}

/// As the log of sign-ins names it (`clientAppUsed`).
pub const fn logged(client_app: ClientAppType) -> &'static str {
    match client_app {
        ClientAppType::Browser => "Browser",
        ClientAppType::MobileAppsAndDesktopClients => "Mobile Apps and Desktop clients",
        ClientAppType::ExchangeActiveSync | ClientAppType::EasSupported => "Exchange ActiveSync",
        ClientAppType::All | ClientAppType::Other => "Other clients",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms() {
        use DevicePlatform::{Android, Ios, Linux, MacOs, Windows, WindowsPhone};
        for (user_agent, expected) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
                Some(Windows),
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
                Some(Windows),
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15",
                Some(MacOs),
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
                Some(Ios),
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15",
                Some(Ios),
            ),
            (
                "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
                Some(Android),
            ),
            (
                "Mozilla/5.0 (Windows Phone 10.0; Android 6.0.1; Microsoft; Lumia 950) Edge/15.15254",
                Some(WindowsPhone),
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
                Some(Linux),
            ),
            (
                "Mozilla/5.0 (X11; FreeBSD amd64) Gecko/20100101 Firefox/143.0",
                Some(Linux),
            ),
            (
                "Mozilla/5.0 (X11; CrOS x86_64 15917.71.0) AppleWebKit/537.36 Chrome/140.0",
                None,
            ),
            ("curl/8.5.0", None),
            ("", None),
        ] {
            assert_eq!(platform(user_agent), expected, "{user_agent}");
        }
        let late = format!("{}Windows NT", "x".repeat(LOOKED_AT));
        assert_eq!(platform(&late), None);
    }

    #[test]
    fn kinds_of_program() {
        for (entry, word, name) in [
            (Entry::Page, "browser", "Browser"),
            (
                Entry::Installed,
                "mobileAppsAndDesktopClients",
                "Mobile Apps and Desktop clients",
            ),
            (
                Entry::DeviceCode,
                "mobileAppsAndDesktopClients",
                "Mobile Apps and Desktop clients",
            ),
            (
                Entry::Password,
                "mobileAppsAndDesktopClients",
                "Mobile Apps and Desktop clients",
            ),
            (Entry::ActiveSync, "exchangeActiveSync", "Exchange ActiveSync"),
            (Entry::Legacy, "other", "Other clients"),
        ] {
            let client = client_app(entry);
            assert_eq!((client.as_str(), logged(client)), (word, name), "{entry:?}");
        }
    }
}
