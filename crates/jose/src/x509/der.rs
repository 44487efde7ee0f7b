//! DER (X.690 §10) as far as certificates and revocation lists need it: one element after the other, lengths in their
//! shortest form, nothing nested by recursion.

/// Tags that are read here.
pub const BIT_STRING: u8 = 0x03;
pub const INTEGER: u8 = 0x02;
pub const OID: u8 = 0x06;
pub const SEQUENCE: u8 = 0x30;
pub const UTC_TIME: u8 = 0x17;
pub const GENERALIZED_TIME: u8 = 0x18;
pub const UTF8_STRING: u8 = 0x0c;
pub const IA5_STRING: u8 = 0x16;
pub const PRINTABLE_STRING: u8 = 0x13;
pub const CONTEXT_0: u8 = 0xa0;

/// What is no DER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotDer;

/// One element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// Its tag.
    pub tag: u8,
    /// What is in it.
    pub content: &'a [u8],
    /// All of it.
    pub whole: &'a [u8],
}

/// Elements that follow each other.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Of these octets.
    pub const fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// Whether nothing is left.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tag of what comes next.
    pub fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The next element.
    pub fn next(&mut self) -> Result<Element<'a>, NotDer> {
        let [tag, first, rest @ ..] = self.0 else {
            return Err(NotDer);
        };
        // Tags above 30 have a second octet: no structure here has one.
        if tag & 0x1f == 0x1f {
            return Err(NotDer);
        }
        let (length, head) = match first {
            0..=0x7f => (usize::from(*first), 2),
            0x81..=0x84 => {
                let octets = usize::from(first & 0x7f);
                let digits = rest.get(..octets).ok_or(NotDer)?;
                let length = digits.iter().fold(0, |length, octet| length << 8 | usize::from(*octet));
                let shortest = length >= 0x80 && digits.first() != Some(&0);
                (if shortest { Ok(length) } else { Err(NotDer) }?, 2 + octets)
            }
            _ => return Err(NotDer),
        };
        let end = head.checked_add(length).ok_or(NotDer)?;
        let whole = self.0.get(..end).ok_or(NotDer)?;
        let content = whole.get(head..).ok_or(NotDer)?;
        self.0 = self.0.get(end..).unwrap_or_default();
        Ok(Element {
            tag: *tag,
            content,
            whole,
        })
    }

    /// The next element, which has this tag.
    pub fn expect(&mut self, tag: u8) -> Result<Element<'a>, NotDer> {
        let element = self.next()?;
        if element.tag == tag { Ok(element) } else { Err(NotDer) }
    }

    /// The next element, if it has this tag.
    pub fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, NotDer> {
        match self.peek() {
            Some(found) if found == tag => self.next().map(Some),
            _ => Ok(None),
        }
    }

    /// Refuses what follows the end.
    pub const fn end(&self) -> Result<(), NotDer> {
        if self.is_empty() { Ok(()) } else { Err(NotDer) }
    }
}

/// The only element of these octets, which has this tag.
pub fn only(octets: &[u8], tag: u8) -> Result<Element<'_>, NotDer> {
    let mut reader = Reader::new(octets);
    let element = reader.expect(tag)?;
    reader.end()?;
    Ok(element)
}

/// The text of a string element, where it is one of UTF-8 or of a part of it.
pub fn text<'a>(element: &Element<'a>) -> Option<&'a str> {
    let is_text = matches!(element.tag, UTF8_STRING | IA5_STRING | PRINTABLE_STRING);
    std::str::from_utf8(element.content).ok().filter(|_| is_text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements() {
        let mut reader = Reader::new(&[0x02, 0x01, 0x05, 0x30, 0x00]);
        assert_eq!(reader.expect(INTEGER).map(|element| element.content), Ok(&[5][..]));
        assert_eq!(reader.optional(INTEGER), Ok(None));
        assert_eq!(reader.next().map(|element| element.whole), Ok(&[0x30, 0][..]));
        assert_eq!(reader.end(), Ok(()));
        let long = [&[0x04, 0x81, 0x80][..], &[7; 0x80]].concat();
        assert_eq!(only(&long, 0x04).map(|element| element.content.len()), Ok(0x80));
        for wrong in [
            &[][..],
            &[0x30],
            &[0x30, 0x01],
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x81, 0x01, 0],
            &[0x30, 0x82, 0x00, 0x80],
            &[0x30, 0x85, 1, 1, 1, 1, 1],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[0x1f, 0x01, 0x00],
        ] {
            assert_eq!(Reader::new(wrong).next(), Err(NotDer), "{wrong:?}");
        }
    }
}
