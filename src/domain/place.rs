//! Places that hold objects, and the reasons why one could not serve.

use std::fmt;
use std::sync::Arc;

use super::digest::Algorithm;

/// The short, stable name of a place in reports: the name of a store in the settings. Never a secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceName(Arc<str>);

impl SourceName {
    /// A name; control characters become `?` because it is printed.
    #[must_use]
    pub fn new(text: impl AsRef<str>) -> Self {
        let text: String = text.as_ref().chars().map(|c| if c.is_control() { '?' } else { c }).collect();
        Self(text.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the store calls this version of an object, without the quotes and the `W/` of HTTP.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ETag(Arc<str>);

impl ETag {
    /// From the header or a listing, quoted or not.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let text = text.trim();
        Self(text.strip_prefix("W/").unwrap_or(text).trim_matches('"').into())
    }

    /// The tag without quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tag as `If-Match` wants it.
    #[must_use]
    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.0)
    }

    /// The MD5 of the whole object, where the tag has that form. Whether a store's tags *are* MD5s is
    /// for its adapter to say: S3's are, for one-piece uploads without KMS; a web server's prove nothing.
    #[must_use]
    pub fn as_md5(&self) -> Option<super::digest::Digest> {
        super::digest::Digest::from_hex(Algorithm::Md5, &self.0)
    }
}

/// Why a place refused, where it said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Denial {
    /// The key may not do this (S3 `AccessDenied`, or no list permission and the object is absent).
    NotAllowed,
    /// No credentials were sent and the place wants some.
    Anonymous,
    /// The access key is not known there.
    UnknownKey,
    /// The secret does not fit the access key.
    WrongSecret,
    /// A temporary token or a signed URL is past its end.
    Expired,
    /// The clocks differ by more than the place allows.
    ClockSkew,
}

/// Why a place could not serve an object. One list of words for all layers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Obstacle {
    /// The place is sure that it has no such object.
    Absent,
    /// The bucket itself does not exist.
    NoSuchBucket,
    /// The place refused.
    Denied(Denial),
    /// The object is there, in an archived class, and needs a restore first.
    Frozen {
        /// The class as the store names it, where it does.
        class: Option<String>,
    },
    /// The bucket is in another region.
    WrongRegion {
        /// The right one, where the answer names it.
        right: Option<String>,
    },
    /// The object is another version than a moment ago.
    Changed,
    /// The place keeps other bytes than it was given.
    Corrupt,
    /// The place asks for patience (429, 503 `SlowDown`).
    Throttled,
    /// Timeouts, resets, 5xx, cut and stalled bodies: another try may help.
    Unreachable,
    /// The certificate is not trusted or not for this host. Trying again cannot help.
    Untrusted,
    /// The place cannot do what was asked (a web server cannot list).
    Unsupported,
    /// An answer that fits nothing above; trying again is not expected to help.
    Unexpected,
}

impl Obstacle {
    /// Whether the same request may succeed a little later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Throttled | Self::Unreachable => true,
            Self::Absent
            | Self::NoSuchBucket
            | Self::Denied(_)
            | Self::Frozen { .. }
            | Self::WrongRegion { .. }
            | Self::Changed
            | Self::Corrupt
            | Self::Untrusted
            | Self::Unsupported
            | Self::Unexpected => false,
        }
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAllowed => "access denied",
            Self::Anonymous => "credentials are wanted and none were sent",
            Self::UnknownKey => "the access key is not known there",
            Self::WrongSecret => "the secret does not fit the access key",
            Self::Expired => "the token or signature has expired",
            Self::ClockSkew => "the clock of this machine differs too much from the store's",
        })
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("absent"),
            Self::NoSuchBucket => f.write_str("no such bucket"),
            Self::Denied(why) => write!(f, "denied: {why}"),
            Self::Frozen { class: Some(class) } => write!(f, "frozen: archived as {class}"),
            Self::Frozen { class: None } => f.write_str("frozen: archived"),
            Self::WrongRegion { right: Some(right) } => write!(f, "the bucket is in region {right}"),
            Self::WrongRegion { right: None } => f.write_str("the bucket is in another region"),
            Self::Changed => f.write_str("the object changed meanwhile"),
            Self::Corrupt => f.write_str("corrupt: other bytes are kept there than were sent"),
            Self::Throttled => f.write_str("throttled"),
            Self::Unreachable => f.write_str("unreachable"),
            Self::Untrusted => f.write_str("the certificate is not trusted"),
            Self::Unsupported => f.write_str("not possible there"),
            Self::Unexpected => f.write_str("unexpected answer"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_is_an_md5_only_by_its_form() {
        let md5 = "d41d8cd98f00b204e9800998ecf8427e";
        assert_eq!(ETag::new(&format!("\"{md5}\"")).as_md5().unwrap().hex(), md5);
        assert_eq!(ETag::new(&format!("W/\"{md5}\"")).quoted(), format!("\"{md5}\""));
        assert_eq!(ETag::new("\"d41d8cd98f00b204e9800998ecf8427e-3\"").as_md5(), None);
        assert_eq!(ETag::new("5f3-abc").as_md5(), None);
    }

    #[test]
    fn denial_is_not_worth_another_try() {
        assert!(Obstacle::Throttled.is_temporary());
        assert!(!Obstacle::Denied(Denial::Expired).is_temporary());
        assert!(!Obstacle::Absent.is_temporary());
    }
}
