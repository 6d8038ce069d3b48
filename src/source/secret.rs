//! Types for what must never be printed.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// A secret key or a token. It prints as `****`.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a secret in.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The secret itself. Only for the code that signs.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

/// A URL that may carry a signature in its query or a password. It prints without either.
#[derive(Clone, PartialEq, Eq)]
pub struct RedactedUrl(Url);

impl RedactedUrl {
    /// Takes a URL in.
    #[must_use]
    pub fn new(url: Url) -> Self {
        Self(url)
    }

    /// The URL without query, fragment and password: what anybody may know of it.
    #[must_use]
    pub fn public(&self) -> Option<Url> {
        let mut url = self.0.clone();
        url.set_query(None);
        url.set_fragment(None);
        url.set_password(None).ok()?;
        url.set_username("").ok()?;
        Some(url)
    }

    /// The URL itself. Only for the code that sends requests.
    #[must_use]
    pub fn expose(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for RedactedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.0.scheme())?;
        if !self.0.username().is_empty() || self.0.password().is_some() {
            f.write_str("****@")?;
        }
        f.write_str(self.0.host_str().unwrap_or_default())?;
        if let Some(port) = self.0.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(self.0.path())?;
        if self.0.query().is_some() {
            f.write_str("?****")?;
        }
        Ok(())
    }
}

impl fmt::Debug for RedactedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_print() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "**** ****");
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn urls_print_without_query_and_password() {
        let url = RedactedUrl::new(Url::parse("https://u:p@h.example:8443/a/b.m3u8?sig=x#f").unwrap());
        assert_eq!(
            format!("{url} {url:?}"),
            "https://****@h.example:8443/a/b.m3u8?**** ".repeat(2).trim_end()
        );
        assert_eq!(url.public().unwrap().as_str(), "https://h.example:8443/a/b.m3u8");
    }
}
