//! Attributes as they are read: type, length, value, each checked before it is believed.

/// Bytes from the other side that are not what the protocol promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Length of `struct nlattr`.
const HEADER_BYTES: usize = 4;

/// `NLA_TYPE_MASK`: the two highest bits of the type say "nested" and "network byte order".
const KIND_MASK: u16 = 0x3fff;

/// The attributes in a run of bytes, one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'a> {
    rest: &'a [u8],
}

impl<'a> Attributes<'a> {
    /// The attributes that `bytes` holds.
    pub fn new(bytes: &'a [u8]) -> Self {
        Attributes { rest: bytes }
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<Attribute<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let bytes = std::mem::take(&mut self.rest);
        let Some(&[l0, l1, k0, k1]) = bytes.first_chunk::<HEADER_BYTES>() else {
            return Some(Err(Malformed));
        };
        let length = usize::from(u16::from_ne_bytes([l0, l1]));
        let Some(value) = bytes.get(HEADER_BYTES..length) else {
            return Some(Err(Malformed));
        };
        self.rest = &bytes[length.next_multiple_of(4).min(bytes.len())..];
        Some(Ok(Attribute {
            kind: u16::from_ne_bytes([k0, k1]) & KIND_MASK,
            value,
        }))
    }
}

/// One attribute: its type without the flag bits, and its value.
#[derive(Clone, Copy, Debug)]
pub struct Attribute<'a> {
    /// The number that says what this is.
    pub kind: u16,
    /// The bytes behind the header.
    pub value: &'a [u8],
}

impl<'a> Attribute<'a> {
    /// The first `N` bytes of the value; as in the kernel, a longer value is no fault.
    pub fn array<const N: usize>(&self) -> Result<[u8; N], Malformed> {
        self.value.first_chunk().copied().ok_or(Malformed)
    }

    /// A byte.
    pub fn u8(&self) -> Result<u8, Malformed> {
        self.array().map(u8::from_ne_bytes)
    }

    /// A 16-bit number in host order.
    pub fn u16(&self) -> Result<u16, Malformed> {
        self.array().map(u16::from_ne_bytes)
    }

    /// A 16-bit number in network order.
    pub fn be16(&self) -> Result<u16, Malformed> {
        self.array().map(u16::from_be_bytes)
    }

    /// A 32-bit number in host order.
    pub fn u32(&self) -> Result<u32, Malformed> {
        self.array().map(u32::from_ne_bytes)
    }

    /// A 64-bit number in host order.
    pub fn u64(&self) -> Result<u64, Malformed> {
        self.array().map(u64::from_ne_bytes)
    }

    /// A string of at most `longest` bytes, up to its NUL.
    pub fn string(&self, longest: usize) -> Result<String, Malformed> {
        let text = self.value.split(|&byte| byte == 0).next().unwrap_or(&[]);
        if text.len() > longest {
            return Err(Malformed);
        }
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    /// The attributes inside this one.
    pub fn nested(&self) -> Attributes<'a> {
        Attributes::new(self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(bytes: &[u8]) -> Vec<Result<u16, Malformed>> {
        let read = Attributes::new(bytes);
        read.map(|attribute| attribute.map(|a| a.kind)).collect()
    }

    #[test]
    fn padding_and_flag_bits_are_passed_over() {
        let bytes = [5, 0, 1, 0x80, 9, 0, 0, 0, 4, 0, 2, 0x40];
        assert_eq!(kinds(&bytes), [Ok(1), Ok(2)]);
    }

    #[test]
    fn a_length_that_leaves_the_buffer_ends_the_reading() {
        assert_eq!(kinds(&[9, 0, 1, 0, 1, 2, 3, 4]), [Err(Malformed)]);
        assert_eq!(kinds(&[3, 0, 1, 0]), [Err(Malformed)]);
        assert_eq!(kinds(&[0, 0, 1, 0]), [Err(Malformed)]);
        assert_eq!(kinds(&[4, 0]), [Err(Malformed)]);
        assert_eq!(kinds(&[]), []);
    }

    #[test]
    fn a_value_too_short_for_its_type_is_malformed() {
        let attribute = Attribute {
            kind: 1,
            value: &[1, 2, 3],
        };
        assert_eq!(attribute.u32(), Err(Malformed));
        assert_eq!(attribute.be16(), Ok(0x0102));
        assert_eq!(attribute.string(2), Err(Malformed));
    }

    #[test]
    fn a_string_ends_at_its_nul() {
        let attribute = Attribute {
            kind: 1,
            value: b"rr\0junk",
        };
        assert_eq!(attribute.string(15), Ok("rr".into()));
    }
}
