//! A QR code (ISO/IEC 18004) as SVG.

use std::fmt::Write as _;

use qrcodegen::{QrCode, QrCodeEcc};

/// Light modules around it, which readers need.
const QUIET: i32 = 4;

/// The code of a text; `None` where it is too long. Dark on light in both themes: readers want it so.
pub(super) fn svg(text: &str, label: &str) -> Option<String> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let side = code.size() + 2 * QUIET;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            write!(path, "M{},{}h1v1h-1z", x + QUIET, y + QUIET).ok()?;
        }
    }
    let label = hygie_web::i18n::escape_html(label);
    Some(format!(
        "<svg class=\"qr\" role=\"img\" aria-label=\"{label}\" viewBox=\"0 0 {side} {side}\" width=\"220\" height=\"220\" \
         shape-rendering=\"crispEdges\"><rect width=\"{side}\" height=\"{side}\" fill=\"#fff\"/>\
         <path d=\"{path}\" fill=\"#000\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_drawn_and_its_label_escaped() {
        let svg = svg("otpauth://totp/x?secret=ABC", "a \"<b>\"").unwrap();
        assert!(
            svg.contains("aria-label=\"a &quot;&lt;b&gt;&quot;\"") || svg.contains("&#34;"),
            "{svg}"
        );
        // A finder pattern has its corner at the edge of the quiet zone.
        assert!(svg.contains("M4,4h1v1h-1z"));
        assert!(super::svg(&"x".repeat(5_000), "").is_none());
    }
}
