//! Terms of use of the demo world, `CGU-ProSantéConnect`: a page of PDF in French, and one in English.

use std::fmt::Write;

use anyhow::{Context, Result};
use hygie_core::Cx;
use hygie_directory::Directory;
use hygie_directory::agreements::Upload;
use hygie_policy::AgreementId;
use hygie_policy::json::read;
use hygie_policy::psc::TERMS_NAME;
use serde_json::json;

const FRENCH: &[&str] = &[
    "Conditions d'utilisation de Pro Santé Connect (démonstration)",
    "",
    "L'établissement de démonstration confirme votre identité à Pro Santé Connect.",
    "Votre moyen d'identification est personnel : ne le prêtez à personne.",
    "Fermez votre session quand vous quittez un poste partagé.",
    "Signalez sans attendre une carte, une clé ou un téléphone perdus.",
    "",
    "Ce texte est fictif ; dans votre établissement, il est remplacé par le vôtre.",
];

const ENGLISH: &[&str] = &[
    "Terms of use of Pro Santé Connect (demonstration)",
    "",
    "The demo establishment confirms your identity to Pro Santé Connect.",
    "Your means of identification is personal: do not lend it to anybody.",
    "Close your session when you leave a shared workstation.",
    "Report a lost card, key or telephone at once.",
    "",
    "This text is fictitious; your establishment has its own in its place.",
];

/// Keeps them.
pub async fn make(directory: &Directory, cx: &Cx) -> Result<AgreementId> {
    let upload = |language: &str, name: &str, lines: &[&str]| -> Result<Upload> {
        let file = json!({ "fileName": name, "language": language, "isDefault": language == "fr" });
        Ok(Upload {
            file: read(&file)?,
            pdf: pdf(lines),
        })
    };
    let files = vec![upload("fr", "cgu.pdf", FRENCH)?, upload("en", "terms.pdf", ENGLISH)?];
    let agreement = read(&json!({ "displayName": TERMS_NAME }))?;
    let made = directory.create_agreement(cx, agreement, files).await?;
    made.agreement.id.context("terms that are kept have an id")
}

/// A page of A4 with these lines (ISO 32000-1 §7.5): the first one larger. What is not in Latin-1 becomes a question mark.
fn pdf(lines: &[&str]) -> Vec<u8> {
    let mut text = String::from("BT 16 TL 56 780 Td /F1 15 Tf ");
    for (n, line) in lines.iter().enumerate() {
        let size = if n == 1 { "/F1 11 Tf " } else { "" };
        write!(text, "{size}({}) Tj T* ", escaped(line)).expect("writing to a string");
    }
    text.push_str("ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{text}\nendstream", text.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
    ];
    let mut pdf = String::from("%PDF-1.4\n");
    let mut table = String::from("0000000000 65535 f \n");
    for (n, object) in (1..).zip(&objects) {
        writeln!(table, "{:010} 00000 n ", pdf.len()).expect("writing to a string");
        write!(pdf, "{n} 0 obj\n{object}\nendobj\n").expect("writing to a string");
    }
    let (size, at) = (objects.len() + 1, pdf.len());
    write!(
        pdf,
        "xref\n0 {size}\n{table}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{at}\n%%EOF\n"
    )
    .expect("writing to a string");
    pdf.into_bytes()
}

/// A line as a literal string (§7.3.4.2): parentheses and what is not ASCII by their codes.
fn escaped(line: &str) -> String {
    line.chars().fold(String::new(), |mut text, letter| {
        match u8::try_from(letter).unwrap_or(b'?') {
            code @ (b'(' | b')' | b'\\' | 0x80..) => write!(text, "\\{code:03o}").expect("writing to a string"),
            plain => text.push(char::from(plain)),
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_table_says_where_its_objects_are() {
        let pdf = String::from_utf8(pdf(FRENCH)).unwrap();
        assert!(
            pdf.is_ascii() && pdf.contains(r"Sant\351 Connect \050d\351monstration\051"),
            "{pdf}"
        );
        let at: usize = pdf.lines().rev().nth(1).unwrap().parse().unwrap();
        assert!(pdf[at..].starts_with("xref\n0 6\n"));
        for (n, line) in pdf[at..].lines().skip(3).take(5).enumerate() {
            let object: usize = line[..10].parse().unwrap();
            assert!(pdf[object..].starts_with(&format!("{} 0 obj", n + 1)), "{line}");
        }
    }
}
