//! The browser and the system that a `User-Agent` names, as sign-in logs write them: `Chrome 130.0.0`, `Windows10`. What a
//! client says of itself is believed by nobody; it is shown.

/// Longest `User-Agent` that is looked at.
const MAX: usize = 1024;

/// What is said by which token, the more telling first: Edge and Opera name Chrome as well, Chrome names Safari.
const BROWSERS: &[(&str, &str, usize)] = &[
    ("Edg/", "Edge", 3),
    ("EdgA/", "Edge", 3),
    ("EdgiOS/", "Edge", 3),
    ("OPR/", "Opera", 3),
    ("SamsungBrowser/", "Samsung Internet", 2),
    ("FxiOS/", "Firefox iOS", 2),
    ("Firefox/", "Firefox", 2),
    ("CriOS/", "Chrome Mobile iOS", 3),
    ("Chrome/", "Chrome", 3),
];

/// The browser with its version; empty where it is none that is known.
pub fn browser(user_agent: &str) -> String {
    if user_agent.len() > MAX {
        return String::new();
    }
    for (token, name, parts) in BROWSERS {
        if let Some(version) = version(user_agent, token, *parts) {
            let is_mobile = *name == "Chrome" && user_agent.contains(" Mobile ");
            let name = if is_mobile { "Chrome Mobile" } else { name };
            return format!("{name} {version}");
        }
    }
    // Safari tells its version beside its name.
    let is_safari = user_agent.contains("Safari/");
    match version(user_agent, "Version/", 2).filter(|_| is_safari) {
        Some(version) if user_agent.contains(" Mobile/") => format!("Mobile Safari {version}"),
        Some(version) => format!("Safari {version}"),
        None => String::new(),
    }
}

/// The operating system; empty where it is none that is known.
pub fn operating_system(user_agent: &str) -> String {
    if user_agent.len() > MAX {
        return String::new();
    }
    let has = |text: &str| user_agent.contains(text);
    if has("Windows NT 10.0") {
        // Windows 11 says so of itself as well.
        "Windows10".to_owned()
    } else if has("Windows NT 6.3") {
        "Windows8.1".to_owned()
    } else if has("Windows NT 6.1") {
        "Windows7".to_owned()
    } else if has("Windows") {
        "Windows".to_owned()
    } else if has("iPhone") || has("iPad") {
        let version = version(&user_agent.replace('_', "."), " OS ", 2);
        version.map_or_else(|| "Ios".to_owned(), |version| format!("Ios {version}"))
    } else if has("Android") {
        let version = version(user_agent, "Android ", 1);
        version.map_or_else(|| "Android".to_owned(), |version| format!("Android {version}"))
    } else if has("Macintosh") || has("Mac OS X") {
        "MacOs".to_owned()
    } else if has("Linux") || has("X11") {
        "Linux".to_owned()
    } else {
        String::new()
    }
}

/// The numbers after a token, so many at most.
fn version(user_agent: &str, token: &str, parts: usize) -> Option<String> {
    let (_, rest) = user_agent.split_once(token)?;
    let end = rest
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(rest.len());
    let numbers = rest[..end].split('.').take_while(|part| (1..=9).contains(&part.len()));
    let found: Vec<&str> = numbers.take(parts).collect();
    (!found.is_empty()).then(|| found.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_and_systems_are_told_as_logs_write_them() {
        const WEBKIT: &str = "AppleWebKit/537.36 (KHTML, like Gecko)";
        for (user_agent, expected) in [
            (
                format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/130.0.0.0 Safari/537.36"),
                ("Chrome 130.0.0", "Windows10"),
            ),
            (
                format!("Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Chrome/130.0.0.0 Safari/537.36 Edg/130.0.2849.46"),
                ("Edge 130.0.2849", "Linux"),
            ),
            (
                format!("Mozilla/5.0 (Linux; Android 14; Pixel 8) {WEBKIT} Chrome/130.0.6723.58 Mobile Safari/537.36"),
                ("Chrome Mobile 130.0.6723", "Android 14"),
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:132.0) Gecko/20100101 Firefox/132.0".to_owned(),
                ("Firefox 132.0", "MacOs"),
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/17.1 Mobile/15E148 Safari/604.1"
                    .to_owned(),
                ("Mobile Safari 17.1", "Ios 17.1"),
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 \
                 Safari/605.1.15"
                    .to_owned(),
                ("Safari 18.0", "MacOs"),
            ),
            ("curl/8.5.0".to_owned(), ("", "")),
            ("Chrome/".to_owned(), ("", "")),
            ("Chrome/1é.2".to_owned(), ("Chrome 1", "")),
            (format!("Chrome/{}", "1".repeat(20)), ("", "")),
            (format!("Chrome/130.0 {}", "x".repeat(2000)), ("", "")),
        ] {
            let found = (browser(&user_agent), operating_system(&user_agent));
            assert_eq!((found.0.as_str(), found.1.as_str()), expected, "{user_agent}");
        }
    }
}
