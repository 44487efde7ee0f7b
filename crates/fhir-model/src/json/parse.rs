//! The parser: one pass over the bytes, no recursion deeper than the limit, one node per value.

use std::collections::HashSet;
use std::fmt;

use hygie_core::{ErrorKind, Fault};

use super::document::{ESCAPED, KEY_ESCAPED, Kind, Node, UNDERSCORE};
use super::text::{escape, unescape};
use crate::names::{Name, Names};

/// How large an input may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the whole text; never more than 4 GiB.
    pub bytes: usize,
    /// Arrays and objects inside each other.
    pub depth: u16,
    /// Values in all; each costs 24 bytes of memory.
    pub values: usize,
}

impl Default for Limits {
    /// 32 MiB, 64 levels, 2 million values.
    fn default() -> Self {
        Self {
            bytes: 32 << 20,
            depth: 64,
            values: 2_000_000,
        }
    }
}

/// What is wrong with a JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Larger than allowed.
    #[error("the content is larger than allowed")]
    TooLarge,
    /// Nested deeper than allowed.
    #[error("arrays and objects are nested too deeply")]
    TooDeep,
    /// More values than allowed.
    #[error("the content has too many values")]
    TooMany,
    /// Not UTF-8.
    #[error("the content is not valid UTF-8")]
    Utf8,
    /// Ends in the middle.
    #[error("the content ends too early")]
    End,
    /// Not a value.
    #[error("a JSON value is expected")]
    Value,
    /// A number that JSON does not allow.
    #[error("this is not a JSON number")]
    Number,
    /// A control character or a wrong escape in a string.
    #[error("a string has a control character or a wrong escape sequence")]
    Text,
    /// Something else than a key.
    #[error("the name of a member is expected, in double quotes")]
    Key,
    /// A key longer than any name.
    #[error("the name of a member is too long")]
    LongKey,
    /// No colon after a key.
    #[error("a colon is expected after the name of a member")]
    Colon,
    /// Neither a comma nor an end.
    #[error("a comma or the closing bracket is expected")]
    Comma,
    /// A key that stands in the same object already.
    #[error("an object has the same member twice")]
    Duplicate,
    /// More text after the value.
    #[error("there is more text after the end of the content")]
    Trailing,
}

/// A JSON text that cannot be read, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// What is wrong.
    pub problem: Problem,
    /// Bytes before the place.
    pub offset: usize,
    /// Line, from 1.
    pub line: usize,
    /// Byte in the line, from 1.
    pub column: usize,
}

impl ParseError {
    fn at(problem: Problem, source: &[u8], offset: usize) -> Self {
        let before = &source[..offset.min(source.len())];
        let line = before.split(|b| *b == b'\n').count();
        let column = 1 + before.iter().rev().take_while(|b| **b != b'\n').count();
        Self {
            problem,
            offset,
            line,
            column,
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (line {}, column {})", self.problem, self.line, self.column)
    }
}

impl std::error::Error for ParseError {}

impl Fault for ParseError {
    fn kind(&self) -> ErrorKind {
        match self.problem {
            Problem::TooLarge | Problem::TooMany => ErrorKind::TooLarge,
            _ => ErrorKind::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self.problem {
            Problem::TooLarge | Problem::TooMany => "too-long",
            _ => "structure",
        }
    }

    fn public(&self) -> String {
        self.to_string()
    }
}

/// Longest key that is read; the longest of R4 has 41 bytes.
const KEY_BYTES: usize = 1024;
/// Up to this many members are compared pair by pair, more by a set.
const FEW_MEMBERS: usize = 16;

pub(super) fn parse(source: Vec<u8>, limits: &Limits) -> Result<(String, Vec<Node>), ParseError> {
    if source.len() > limits.bytes || u32::try_from(source.len()).is_err() {
        return Err(ParseError::at(Problem::TooLarge, &[], limits.bytes));
    }
    let source = String::from_utf8(source)
        .map_err(|error| ParseError::at(Problem::Utf8, error.as_bytes(), error.utf8_error().valid_up_to()))?;
    let mut parser = Parser {
        source: &source,
        bytes: source.as_bytes(),
        at: 0,
        nodes: Vec::with_capacity(source.len() / 16 + 8),
        names: Names::get(),
        limits,
    };
    match parser.document() {
        Ok(()) => {
            let nodes = parser.nodes;
            Ok((source, nodes))
        }
        Err(problem) => Err(ParseError::at(problem, source.as_bytes(), parser.at)),
    }
}

struct Parser<'s> {
    source: &'s str,
    bytes: &'s [u8],
    at: usize,
    nodes: Vec<Node>,
    names: &'static Names,
    limits: &'s Limits,
}

/// A key that was read: its place, name and flags.
#[derive(Clone, Copy)]
struct Key {
    start: u32,
    len: u16,
    name: Name,
    flags: u8,
}

impl Key {
    const NONE: Self = Self {
        start: 0,
        len: 0,
        name: Name::UNKNOWN,
        flags: 0,
    };
}

impl Parser<'_> {
    fn document(&mut self) -> Result<(), Problem> {
        self.skip_space();
        self.value(Key::NONE, 0)?;
        self.skip_space();
        if self.at < self.bytes.len() {
            Err(Problem::Trailing)
        } else {
            Ok(())
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn value(&mut self, key: Key, depth: u16) -> Result<(), Problem> {
        let index = self.nodes.len();
        if index >= self.limits.values {
            return Err(Problem::TooMany);
        }
        self.nodes.push(Node {
            start: self.at as u32,
            end: 0,
            next: 0,
            key: key.start,
            key_len: key.len,
            name: key.name,
            kind: Kind::Null,
            flags: key.flags,
        });
        let kind = match self.peek().ok_or(Problem::End)? {
            b'"' => {
                if self.string()? {
                    self.nodes[index].flags |= ESCAPED;
                }
                Kind::String
            }
            b'{' => self.object(index, depth)?,
            b'[' => self.array(depth)?,
            b't' => self.literal("true", Kind::Boolean)?,
            b'f' => self.literal("false", Kind::Boolean)?,
            b'n' => self.literal("null", Kind::Null)?,
            _ => self.number()?,
        };
        let next = self.nodes.len() as u32;
        let node = &mut self.nodes[index];
        node.kind = kind;
        node.end = self.at as u32;
        node.next = next;
        Ok(())
    }

    fn literal(&mut self, word: &str, kind: Kind) -> Result<Kind, Problem> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(Problem::Value);
        }
        self.at += word.len();
        Ok(kind)
    }

    fn array(&mut self, depth: u16) -> Result<Kind, Problem> {
        self.open(depth)?;
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Kind::Array);
        }
        loop {
            self.value(Key::NONE, depth + 1)?;
            if self.separator(b']')? {
                return Ok(Kind::Array);
            }
        }
    }

    fn object(&mut self, index: usize, depth: u16) -> Result<Kind, Problem> {
        self.open(depth)?;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Kind::Object);
        }
        let mut seen = Keys::new(index + 1);
        loop {
            let start = self.at;
            let key = self.key()?;
            if seen.is_duplicate(self.source, &self.nodes, key) {
                self.at = start;
                return Err(Problem::Duplicate);
            }
            self.skip_space();
            if self.peek().ok_or(Problem::End)? != b':' {
                return Err(Problem::Colon);
            }
            self.at += 1;
            self.skip_space();
            self.value(key, depth + 1)?;
            if self.separator(b'}')? {
                return Ok(Kind::Object);
            }
        }
    }

    fn open(&mut self, depth: u16) -> Result<(), Problem> {
        if depth >= self.limits.depth {
            return Err(Problem::TooDeep);
        }
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    /// Whether the array or object ends here; otherwise a comma was read.
    fn separator(&mut self, close: u8) -> Result<bool, Problem> {
        self.skip_space();
        match self.peek().ok_or(Problem::End)? {
            b',' => {
                self.at += 1;
                self.skip_space();
                Ok(false)
            }
            byte if byte == close => {
                self.at += 1;
                Ok(true)
            }
            _ => Err(Problem::Comma),
        }
    }

    fn key(&mut self) -> Result<Key, Problem> {
        if self.peek().ok_or(Problem::End)? != b'"' {
            return Err(Problem::Key);
        }
        let start = self.at + 1;
        let escaped = self.string()?;
        let text = &self.source[start..self.at - 1];
        if text.len() > KEY_BYTES {
            return Err(Problem::LongKey);
        }
        let mut key = Key {
            start: start as u32,
            len: text.len() as u16,
            name: Name::UNKNOWN,
            flags: 0,
        };
        if escaped {
            key.flags |= KEY_ESCAPED;
            self.name_key(&mut key, &unescape(text));
        } else {
            self.name_key(&mut key, text);
        }
        Ok(key)
    }

    fn name_key(&self, key: &mut Key, text: &str) {
        let bare = text.strip_prefix('_');
        if bare.is_some() {
            key.flags |= UNDERSCORE;
        }
        key.name = self.names.find(bare.unwrap_or(text));
    }

    /// Reads a string, quotes included; whether it has escapes.
    fn string(&mut self) -> Result<bool, Problem> {
        self.at += 1;
        let mut escaped = false;
        loop {
            self.skip_plain();
            match self.peek().ok_or(Problem::End)? {
                b'"' => {
                    self.at += 1;
                    return Ok(escaped);
                }
                b'\\' => {
                    escaped = true;
                    // U+0000 is no character of a FHIR string and would truncate texts elsewhere.
                    let (c, used) = escape(&self.source[self.at..]).ok_or(Problem::Text)?;
                    if c == '\0' {
                        return Err(Problem::Text);
                    }
                    self.at += used;
                }
                byte if byte < b' ' => return Err(Problem::Text),
                _ => self.at += 1,
            }
        }
    }

    /// Goes on to the next byte that may be a quote, a backslash or a control character, eight bytes at a time.
    fn skip_plain(&mut self) {
        const ONES: u64 = 0x0101_0101_0101_0101;
        const HIGH: u64 = 0x8080_8080_8080_8080;
        let has_zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
        while let Some(chunk) = self.bytes.get(self.at..self.at + 8).and_then(|c| c.first_chunk::<8>()) {
            let word = u64::from_le_bytes(*chunk);
            let quote = has_zero(word ^ (ONES * u64::from(b'"')));
            let backslash = has_zero(word ^ (ONES * u64::from(b'\\')));
            let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
            let found = quote | backslash | control;
            if found != 0 {
                // Borrows can only mark bytes after a true one, so the first mark is exact.
                self.at += (found.trailing_zeros() / 8) as usize;
                return;
            }
            self.at += 8;
        }
    }

    fn number(&mut self) -> Result<Kind, Problem> {
        let rest = &self.bytes[self.at..];
        let sign = usize::from(rest.first() == Some(&b'-'));
        let digits = |from: usize| {
            rest[from.min(rest.len())..]
                .iter()
                .take_while(|b| b.is_ascii_digit())
                .count()
        };
        let whole = digits(sign);
        if whole == 0 {
            return Err(if sign == 1 { Problem::Number } else { Problem::Value });
        }
        if whole > 1 && rest[sign] == b'0' {
            return Err(Problem::Number);
        }
        let mut len = sign + whole;
        if rest.get(len) == Some(&b'.') {
            let fraction = digits(len + 1);
            if fraction == 0 {
                return Err(Problem::Number);
            }
            len += 1 + fraction;
        }
        if let Some(b'e' | b'E') = rest.get(len) {
            let signed = usize::from(matches!(rest.get(len + 1), Some(b'+' | b'-')));
            let exponent = digits(len + 1 + signed);
            if exponent == 0 {
                return Err(Problem::Number);
            }
            len += 1 + signed + exponent;
        }
        self.at += len;
        Ok(Kind::Number)
    }
}

/// The keys of one object so far, to find one that comes twice.
struct Keys {
    first: usize,
    count: usize,
    many: HashSet<String>,
}

impl Keys {
    fn new(first: usize) -> Self {
        Self {
            first,
            count: 0,
            many: HashSet::new(),
        }
    }

    fn is_duplicate(&mut self, source: &str, nodes: &[Node], key: Key) -> bool {
        self.count += 1;
        if self.count <= FEW_MEMBERS {
            return Self::siblings(self.first, nodes).any(|node| is_same(source, node, key));
        }
        if self.many.is_empty() {
            self.many
                .extend(Self::siblings(self.first, nodes).map(|n| text_of(source, n.key, n.key_len, n.flags)));
        }
        !self.many.insert(text_of(source, key.start, key.len, key.flags))
    }

    fn siblings(first: usize, nodes: &[Node]) -> impl Iterator<Item = &Node> {
        let mut at = first;
        std::iter::from_fn(move || {
            let node = nodes.get(at)?;
            at = node.next as usize;
            Some(node)
        })
    }
}

fn is_same(source: &str, node: &Node, key: Key) -> bool {
    if node.name != key.name || (node.flags ^ key.flags) & UNDERSCORE != 0 {
        return false;
    }
    key.name != Name::UNKNOWN
        || text_of(source, node.key, node.key_len, node.flags) == text_of(source, key.start, key.len, key.flags)
}

fn text_of(source: &str, start: u32, len: u16, flags: u8) -> String {
    let raw = &source[start as usize..start as usize + usize::from(len)];
    if flags & KEY_ESCAPED == 0 {
        raw.to_owned()
    } else {
        unescape(raw)
    }
}

#[cfg(test)]
mod tests;
