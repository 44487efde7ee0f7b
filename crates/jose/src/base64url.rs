//! Base64url without padding — RFC 7515 §2.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::JoseError;

/// The text of these bytes.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Appends the text of these bytes.
pub(crate) fn encode_to(bytes: impl AsRef<[u8]>, text: &mut String) {
    URL_SAFE_NO_PAD.encode_string(bytes, text);
}

/// The bytes of this text: no padding, no other alphabet, no stray bits at its end.
pub fn decode(text: impl AsRef<[u8]>) -> Result<Vec<u8>, JoseError> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| JoseError::Malformed("base64url"))
}
