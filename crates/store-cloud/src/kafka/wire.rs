//! The primitive types of Kafka's protocol. <https://kafka.apache.org/protocol.html#protocol_types>

/// Bytes that are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message of the protocol is not readable")]
pub struct Malformed;

/// A message that is being written.
#[derive(Default)]
pub struct Out(pub Vec<u8>);

impl Out {
    pub fn int8(&mut self, value: i8) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    pub fn int16(&mut self, value: i16) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    pub fn int32(&mut self, value: i32) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    pub fn int64(&mut self, value: i64) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    /// STRING: at most 32 767 bytes, which all of ours are far from.
    pub fn string(&mut self, text: &str) -> &mut Self {
        self.int16(text.len() as i16).raw(text.as_bytes())
    }

    /// NULLABLE_STRING that is none.
    pub fn no_string(&mut self) -> &mut Self {
        self.int16(-1)
    }

    /// BYTES, RECORDS.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.int32(bytes.len() as i32).raw(bytes)
    }

    /// VARINT, VARLONG: zigzag, in groups of seven bits, the lowest first.
    pub fn varint(&mut self, value: i64) -> &mut Self {
        let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
        while rest > 0x7f {
            self.0.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        self.0.push(rest as u8);
        self
    }

    /// A length as VARINT and the bytes.
    pub fn varbytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.varint(bytes.len() as i64).raw(bytes)
    }

    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }
}

/// A message that is being read.
pub struct In<'a>(pub &'a [u8]);

impl<'a> In<'a> {
    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (value, rest) = self.0.split_first_chunk().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*value)
    }

    pub fn int8(&mut self) -> Result<i8, Malformed> {
        self.fixed().map(i8::from_be_bytes)
    }

    pub fn int16(&mut self) -> Result<i16, Malformed> {
        self.fixed().map(i16::from_be_bytes)
    }

    pub fn int32(&mut self) -> Result<i32, Malformed> {
        self.fixed().map(i32::from_be_bytes)
    }

    pub fn int64(&mut self) -> Result<i64, Malformed> {
        self.fixed().map(i64::from_be_bytes)
    }

    /// STRING or NULLABLE_STRING.
    pub fn string(&mut self) -> Result<Option<&'a str>, Malformed> {
        let len = self.int16()?;
        if len < 0 {
            return Ok(None);
        }
        let (text, rest) = self.0.split_at_checked(len as usize).ok_or(Malformed)?;
        self.0 = rest;
        std::str::from_utf8(text).map(Some).map_err(|_| Malformed)
    }

    /// BYTES.
    pub fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.int32()?.max(0);
        let (bytes, rest) = self.0.split_at_checked(len as usize).ok_or(Malformed)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// ARRAY. What it claims to hold is not believed beyond the bytes there are.
    pub fn array<T>(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let count = self.int32()?.max(0);
        let mut elements = Vec::new();
        for _ in 0..count {
            if self.0.is_empty() {
                return Err(Malformed);
            }
            elements.push(element(self)?);
        }
        Ok(elements)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_are_those_of_the_protocol() {
        for (value, bytes) in [
            (0, &[0][..]),
            (-1, &[1]),
            (1, &[2]),
            (63, &[0x7e]),
            (-64, &[0x7f]),
            (64, &[0x80, 1]),
            (300, &[0xd8, 4]),
            (i64::MAX, &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
            (i64::MIN, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
        ] {
            let mut out = Out::default();
            out.varint(value);
            assert_eq!(out.0, bytes, "{value}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let mut out = Out::default();
        out.int8(-1).int16(-2).int32(-3).int64(-4).string("é").no_string();
        out.int32(2).int16(5).int16(6);
        let mut message = In(&out.0);
        assert_eq!(message.int8(), Ok(-1));
        assert_eq!(message.int16(), Ok(-2));
        assert_eq!(message.int32(), Ok(-3));
        assert_eq!(message.int64(), Ok(-4));
        assert_eq!(message.string(), Ok(Some("é")));
        assert_eq!(message.string(), Ok(None));
        assert_eq!(message.array(In::int16), Ok(vec![5, 6]));
        assert!(message.0.is_empty());
        assert_eq!(message.int8(), Err(Malformed));
    }

    #[test]
    fn a_length_that_lies_allocates_nothing() {
        let huge = i32::MAX.to_be_bytes();
        assert_eq!(In(&huge).array(In::int16), Err(Malformed));
        assert_eq!(In(&[0x7f, 0xff, b'x']).string(), Err(Malformed));
        assert_eq!(In(&[0x7f, 0xff, 0xff, 0xff, 1]).bytes(), Err(Malformed));
        assert_eq!(In(&[0, 0, 0, 1, 7]).bytes(), Ok(&[7][..]));
        assert_eq!(In(&[0, 1, 0xff]).string(), Err(Malformed), "no UTF-8");
    }
}
