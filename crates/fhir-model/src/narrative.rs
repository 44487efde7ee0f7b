//! The text of a resource for people, in the part of XHTML that a narrative may have: elements and attributes of the
//! invariant `txt-1`, well-formed, without anything that a browser would run or fetch by another scheme. Empty ones pass,
//! as in examples of the specification, whatever `txt-2` says. <http://hl7.org/fhir/R4/narrative.html>

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesStart, Event};
use thiserror::Error;

/// Elements, of `txt-1`.
const ELEMENTS: &str = "a abbr acronym b big blockquote br caption cite code col colgroup dd dfn div dl dt em \
    h1 h2 h3 h4 h5 h6 hr i img li ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt ul \
    var";

/// Attributes, of `txt-1`, with the names of XML that the specification asks for elsewhere.
const ATTRIBUTES: &str = "abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing \
    cellvalign char charoff charset cite class colspan compact coords dir frame headers height href hreflang hspace \
    id lang longdesc name nowrap rel rev rowspan rules scope shape span src start style summary tabindex title type \
    valign value vspace width xml:lang xml:space xmlns";

/// Attributes whose value is an address.
const ADDRESSES: &str = "cite href longdesc src";

/// Schemes of addresses; one without a scheme is relative.
const SCHEMES: &str = "cid ftp http https mailto tel urn";

const NAMESPACE: &str = "http://www.w3.org/1999/xhtml";

/// Elements within one another, and attributes of one element: more is no text for people.
const DEEPEST: usize = 100;
const MOST_ATTRIBUTES: usize = 50;

/// Why a text is no narrative.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    #[error("it is not well-formed XML: {0}")]
    Xml(String),
    #[error("it must be one div element")]
    NotOneDiv,
    #[error("the element {0} is not allowed in a narrative (txt-1)")]
    Element(String),
    #[error("the attribute {0} is not allowed in a narrative (txt-1)")]
    Attribute(String),
    #[error("the address in {0} has a scheme that is not allowed in a narrative")]
    Address(String),
    #[error("xmlns must be {NAMESPACE}")]
    Namespace,
    #[error("document types, processing instructions and CDATA are not allowed in a narrative")]
    Markup,
    #[error(
        "its elements are deeper within one another than {DEEPEST}, or have more than {MOST_ATTRIBUTES} attributes"
    )]
    TooDeep,
}

/// Whether `text` is a narrative.
///
/// # Errors
///
/// The first [`Problem`].
pub fn check(text: &str) -> Result<(), Problem> {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    // What XML calls one comment, HTML may end earlier.
    config.check_comments = true;
    let mut found = Found::default();
    loop {
        match reader.read_event().map_err(|error| Problem::Xml(error.to_string()))? {
            Event::Start(start) => {
                found.element(&start)?;
                found.depth += 1;
            }
            Event::Empty(start) => {
                found.element(&start)?;
            }
            Event::End(_) => found.depth -= 1,
            Event::Text(written) => found.text(&written)?,
            Event::GeneralRef(name) => found.reference(&name)?,
            Event::Comment(written) if written.starts_with(b">") || written.starts_with(b"->") => {
                return Err(Problem::Markup);
            }
            Event::Comment(_) => {}
            Event::CData(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => return Err(Problem::Markup),
            Event::Eof => return found.end(),
        }
    }
}

#[derive(Default)]
struct Found {
    depth: usize,
    has_root: bool,
}

impl Found {
    fn element(&mut self, start: &BytesStart<'_>) -> Result<(), Problem> {
        let name = String::from_utf8_lossy(start.name().into_inner()).into_owned();
        if self.depth == 0 {
            if self.has_root || name != "div" {
                return Err(Problem::NotOneDiv);
            }
            self.has_root = true;
        }
        if !has(ELEMENTS, &name) {
            return Err(Problem::Element(name));
        }
        if self.depth == DEEPEST {
            return Err(Problem::TooDeep);
        }
        for (index, attribute) in start.attributes().enumerate() {
            if index == MOST_ATTRIBUTES {
                return Err(Problem::TooDeep);
            }
            let attribute = attribute.map_err(|error| Problem::Xml(error.to_string()))?;
            check_attribute(&name, &attribute)?;
        }
        Ok(())
    }

    fn text(&self, written: &[u8]) -> Result<(), Problem> {
        let is_blank = written.iter().all(u8::is_ascii_whitespace);
        if !is_blank && self.depth == 0 {
            return Err(Problem::NotOneDiv);
        }
        Ok(())
    }

    /// `&amp;`, `&#233;`, and also the names of HTML: the specification would have the character itself, but servers and
    /// libraries in use let them pass, and no browser makes more of them than a character.
    fn reference(&self, name: &[u8]) -> Result<(), Problem> {
        let digits = name
            .strip_prefix(b"#")
            .map(|number| number.strip_prefix(b"x").unwrap_or(number));
        let good = !name.is_empty() && digits.unwrap_or(name).iter().all(u8::is_ascii_alphanumeric);
        if !good || self.depth == 0 {
            return Err(Problem::Xml("an ampersand begins no reference".to_owned()));
        }
        Ok(())
    }

    fn end(&self) -> Result<(), Problem> {
        match (self.has_root, self.depth) {
            (false, _) => Err(Problem::NotOneDiv),
            (true, 0) => Ok(()),
            (true, _) => Err(Problem::Xml("an element is not closed".to_owned())),
        }
    }
}

fn has(words: &str, name: &str) -> bool {
    words.split(' ').any(|word| word == name)
}

fn check_attribute(element: &str, attribute: &Attribute<'_>) -> Result<(), Problem> {
    let name = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
    if !has(ATTRIBUTES, &name) {
        return Err(Problem::Attribute(name));
    }
    let value = String::from_utf8_lossy(&attribute.value);
    if value.contains('<') {
        return Err(Problem::Xml(format!("the value of {name} has a <")));
    }
    if name == "xmlns" && value != NAMESPACE {
        return Err(Problem::Namespace);
    }
    if has(ADDRESSES, &name) {
        // Only what XML itself knows is resolved here: a browser knows more names, `&colon;` among them.
        let address = unescape(&value).map_err(|error| Problem::Xml(error.to_string()))?;
        if !is_address(&address, element == "img" && name == "src") {
            return Err(Problem::Address(name));
        }
    }
    Ok(())
}

/// Whether the scheme is one of a narrative, read as browsers do: they leave out controls and blanks.
fn is_address(address: &str, is_image: bool) -> bool {
    let seen: String = address
        .chars()
        .filter(|c| !c.is_control() && !c.is_whitespace())
        .collect::<String>()
        .to_ascii_lowercase();
    let Some(end) = seen
        .find([':', '/', '?', '#'])
        .filter(|end| seen[*end..].starts_with(':'))
    else {
        return true;
    };
    has(SCHEMES, &seen[..end]) || is_image && seen.starts_with("data:image/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> Option<Problem> {
        check(text).err()
    }

    #[test]
    fn narratives() {
        for text in [
            "<div xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"fr\" xml:lang=\"fr\">Aucun problème connu.</div>",
            "\n <div>x</div>\n",
            "<div/>",
            "<div><p class='a'>a &amp; b, &#233;, &#xE9;, &nbsp;</p><hr/><br /></div>",
            "<div><table><tbody><tr><td colspan=\"2\" style=\"color:red\">1</td></tr></tbody></table></div>",
            "<div><a href=\"Patient/1\">a</a><a href=\"#b\"/><a href='https://x.test/?a=b:c&amp;d'/><a name=\"c\"/></div>",
            "<div><img src=\"data:image/png;base64,AA==\" alt=\"\"/></div>",
            "<div><!-- who wrote it -->x</div>",
        ] {
            assert_eq!(problem(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_narrative() {
        let (element, attribute) = (
            |name: &str| Problem::Element(name.to_owned()),
            |name: &str| Problem::Attribute(name.to_owned()),
        );
        let address = |name: &str| Problem::Address(name.to_owned());
        for (text, expected) in [
            ("hello", Problem::NotOneDiv),
            ("", Problem::NotOneDiv),
            ("<p>x</p>", Problem::NotOneDiv),
            ("<divine>x</divine>", Problem::NotOneDiv),
            ("<div>x</div><div>y</div>", Problem::NotOneDiv),
            ("<div>x</div>y", Problem::NotOneDiv),
            ("<div><script>alert(1)</script></div>", element("script")),
            ("<div><SCRIPT>alert(1)</SCRIPT></div>", element("SCRIPT")),
            ("<div><svg onload=\"a()\"/>x</div>", element("svg")),
            ("<div><x:p>x</x:p></div>", element("x:p")),
            ("<div><form>x</form></div>", element("form")),
            ("<div onclick=\"a()\">x</div>", attribute("onclick")),
            ("<div><img src=\"a.png\" onerror=\"a()\"/></div>", attribute("onerror")),
            ("<div><a href=\"javascript:a()\">x</a></div>", address("href")),
            ("<div><a href=\" java\tScript&#58;a()\">x</a></div>", address("href")),
            ("<div><a href=\"data:text/html,x\">x</a></div>", address("href")),
            ("<div><img src=\"vbscript:a\"/></div>", address("src")),
            ("<div xmlns=\"http://www.w3.org/2000/svg\">x</div>", Problem::Namespace),
            ("<!DOCTYPE div [<!ENTITY a \"b\">]><div>x</div>", Problem::Markup),
            ("<?xml version=\"1.0\"?><div>x</div>", Problem::Markup),
            ("<div><![CDATA[<script>]]></div>", Problem::Markup),
            ("<div><!--><script>a()</script>-->x</div>", Problem::Markup),
        ] {
            assert_eq!(problem(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_well_formed() {
        for text in [
            "<div>x",
            "<div><p>x</div>",
            "<div>a & b</div>",
            "<div>a &# b;</div>",
            "<div a>x</div>",
            "<div class=a>x</div>",
            "<div id=\"a\" id=\"b\">x</div>",
            "<div title=\"<b>\">x</div>",
            "<div><!-- a -- b -->x</div>",
            "<div><a href=\"javascript&colon;a()\">x</a></div>",
        ] {
            assert!(
                matches!(problem(text), Some(Problem::Xml(_))),
                "{text}: {:?}",
                problem(text)
            );
        }
        let deep = "<div>".repeat(101) + "x" + &"</div>".repeat(101);
        assert_eq!(problem(&deep), Some(Problem::TooDeep));
        let wide: String = (0..60).map(|n| format!(" a{n}='b'")).collect();
        assert!(problem(&format!("<div{wide}>x</div>")).is_some());
    }

    proptest::proptest! {
        /// Whatever comes: an answer, and no element or attribute that is not in the tables gets by.
        #[test]
        fn nothing_gets_by(text in "(<div>)?([<>/a-z=\"' &;:-]|<p>|</p>|<script|on[a-z]{3}=\"x\"){0,40}(</div>)?") {
            if check(&text).is_ok() {
                proptest::prop_assert!(!text.contains("<script"), "{}", text);
            }
        }
    }
}
