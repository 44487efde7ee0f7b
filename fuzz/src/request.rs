//! Inputs that are HTTP requests, as HTTP/1.1 writes them.

use axum::http::{HeaderName, HeaderValue, Method, Uri};

/// A request that HTTP lets through.
pub struct Request<'r> {
    pub method: Method,
    pub address: String,
    pub headers: Vec<(&'r str, &'r str)>,
    pub body: &'r [u8],
}

impl<'r> Request<'r> {
    /// Reads `METHOD /path`, header lines, an empty line and the body; the path is one under `base`.
    pub fn read(input: &'r [u8], base: &str) -> Option<Self> {
        let end = input.windows(2).position(|two| two == b"\n\n")?;
        let mut lines = std::str::from_utf8(&input[..end]).ok()?.lines();
        let (method, path) = lines.next()?.split_once(' ')?;
        let address = format!("{base}{path}");
        address.parse::<Uri>().ok()?;
        let is_header = |(name, value): &(&str, &str)| {
            let is_ours = name.eq_ignore_ascii_case("authorization");
            name.parse::<HeaderName>().is_ok() && HeaderValue::from_str(value).is_ok() && !is_ours
        };
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name, value.trim())).filter(is_header);
        Some(Self {
            method: method.parse().ok()?,
            headers: headers.take(16).collect(),
            address,
            body: &input[end + 2..],
        })
    }
}
