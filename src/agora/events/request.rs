//! A request of the notification service as a web server logs it: its headers and its raw body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::agora::saved::{Object, field};
use crate::agora::signature::Signature;
use crate::source::Secret;

/// The field that gateways add; where it is `true` the body is in Base64.
pub(super) const ENCODED: &str = "isBase64Encoded";

/// The headers that carry a signature, in lower case.
const SIGNATURES: [&str; 2] = ["agora-signature", "agora-signature-v2"];

/// A request.
pub(super) struct Request {
    /// Its signatures; `None` for one that cannot be read.
    signatures: Vec<Option<Signature>>,
    body: Body,
}

enum Body {
    /// As it came.
    Raw(Vec<u8>),
    /// Read before it was logged: its bytes are lost, and with them whatever was signed.
    Parsed(Value),
}

/// Whether a request is known to come from Agora.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signed {
    /// Each of its signatures fits, and there is one.
    Yes,
    /// It has none, or one that does not fit.
    No,
}

/// Reads `{"headers": {…}, "body": "…"}`; `None` where it is none.
pub(super) fn read(object: &Object) -> Option<Request> {
    let headers = field(object, &["headers"])?.as_object()?;
    let encoded = field(object, &[ENCODED]) == Some(&Value::Bool(true));
    let body = match field(object, &["body"])? {
        // What is no Base64 is nothing that was signed, and no JSON either.
        Value::String(text) if encoded => Body::Raw(STANDARD.decode(text).unwrap_or_default()),
        Value::String(text) => Body::Raw(text.as_bytes().to_vec()),
        parsed @ Value::Object(_) => Body::Parsed(parsed.clone()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => return None,
    };
    let mut signatures = Vec::new();
    for (name, value) in headers {
        if SIGNATURES.iter().any(|known| name.eq_ignore_ascii_case(known)) {
            // Some servers log each header as a list.
            let values = match value {
                Value::Array(values) => values.as_slice(),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                    std::slice::from_ref(value)
                }
            };
            signatures.extend(
                values.iter().map(|value| value.as_str().and_then(|text| Signature::parse(text).ok())),
            );
        }
    }
    Some(Request { signatures, body })
}

impl Request {
    /// Whether all its signatures fit.
    pub(super) fn signed(&self, secret: &Secret) -> Signed {
        let Body::Raw(bytes) = &self.body else { return Signed::No };
        let fits = |signature: &Option<Signature>| signature.as_ref().is_some_and(|s| s.fits(bytes, secret));
        if !self.signatures.is_empty() && self.signatures.iter().all(fits) { Signed::Yes } else { Signed::No }
    }

    /// What the body says.
    pub(super) fn value(&self) -> Result<Value, serde_json::Error> {
        match &self.body {
            Body::Raw(bytes) => serde_json::from_slice(bytes),
            Body::Parsed(value) => Ok(value.clone()),
        }
    }
}
