//! Signatures of callbacks: whether a body is what Agora sent.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::Sha256;

use crate::source::Secret;

/// The signature of a callback's raw body, as a header of its request has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// `Agora-Signature`: HMAC-SHA1.
    V1([u8; 20]),
    /// `Agora-Signature-V2`: HMAC-SHA256.
    V2([u8; 32]),
}

/// A text that is no signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a signature has 40 or 64 hexadecimal digits")]
pub struct SignatureError;

impl Signature {
    /// Reads the value of either header: its length tells which.
    ///
    /// # Errors
    /// Where it is neither.
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        let bytes = hex::decode(text.trim()).map_err(|_| SignatureError)?;
        if let Ok(bytes) = <[u8; 20]>::try_from(&bytes[..]) {
            return Ok(Self::V1(bytes));
        }
        <[u8; 32]>::try_from(&bytes[..]).map(Self::V2).map_err(|_| SignatureError)
    }

    /// Whether the holder of the secret signed these bytes. They must be the body as it came: the same JSON
    /// written anew is another body. Takes the same time wherever the difference is.
    #[must_use]
    pub fn fits(&self, body: &[u8], secret: &Secret) -> bool {
        let key = secret.expose().as_bytes();
        match self {
            Self::V1(expected) => Hmac::<Sha1>::new_from_slice(key)
                .is_ok_and(|mac| mac.chain_update(body).verify_slice(expected).is_ok()),
            Self::V2(expected) => Hmac::<Sha256>::new_from_slice(key)
                .is_ok_and(|mac| mac.chain_update(body).verify_slice(expected).is_ok()),
        }
    }

    /// The header that carries it.
    #[must_use]
    pub fn header(&self) -> &'static str {
        match self {
            Self::V1(_) => "Agora-Signature",
            Self::V2(_) => "Agora-Signature-V2",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Agora, "receive notifications" of 2022, recomputed.
    const BODY: &str = r#"{"eventMs":1560408533119,"eventType":10,"noticeId":"4eb720f0-8da7-11e9-a43e-53f411c2761f","notifyMs":1560408533119,"payload":{"a":"1","b":2},"productId":1}"#;
    const V1: &str = "033c62f40f687675f17f0f41f91a40c71c0f134c";
    const V2: &str = "6d3320c60b11101395b7fc8f9068748808a0aa1bfa064438e39d1bc2c7d74d99";

    #[test]
    fn agoras_own_example_fits_in_both_versions() {
        for (text, header) in [(V1, "Agora-Signature"), (V2, "Agora-Signature-V2")] {
            for text in [text.to_owned(), text.to_uppercase(), format!(" {text}\n")] {
                let signature = Signature::parse(&text).unwrap();
                assert!(signature.fits(BODY.as_bytes(), &Secret::new("secret")), "{text}");
                assert_eq!(signature.header(), header);
            }
        }
    }

    #[test]
    fn another_body_secret_or_signature_does_not_fit() {
        for text in [V1, V2] {
            let signature = Signature::parse(text).unwrap();
            assert!(!signature.fits(BODY.replace("\"b\":2", "\"b\":3").as_bytes(), &Secret::new("secret")));
            assert!(!signature.fits(format!("{BODY}\n").as_bytes(), &Secret::new("secret")));
            assert!(!signature.fits(BODY.as_bytes(), &Secret::new("Secret")));
            assert!(!signature.fits(BODY.as_bytes(), &Secret::new("")));
            for place in [0, text.len() - 1] {
                let mut other = text.to_owned();
                let digit = if &text[place..=place] == "0" { "1" } else { "0" };
                other.replace_range(place..=place, digit);
                let other = Signature::parse(&other).unwrap();
                assert!(!other.fits(BODY.as_bytes(), &Secret::new("secret")), "{place}");
            }
        }
    }

    #[test]
    fn what_is_no_signature_is_refused() {
        for text in ["", "033c", &V1[1..], &format!("{V1}00"), &V2.replace('6', "g"), "sha1=033c62f4"] {
            assert_eq!(Signature::parse(text), Err(SignatureError), "{text}");
        }
    }
}
