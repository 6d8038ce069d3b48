//! Names of objects, parsed before anything is done with them.
//!
//! A name that comes from a playlist or a listing is hostile until it is one of these types: none of
//! them can climb out of its folder, start at a root or carry a control character. They are *object
//! keys*, not references in the sense of RFC 3986: nothing is percent-decoded, and `#`, `?`, `%` and
//! `:` stand for themselves (Agora allows them in channel names, error text 1013, 2022-07).

use std::fmt;
use std::sync::Arc;

use super::bytes;

/// The longest key that any of the supported stores accepts, in bytes of UTF-8 (Amazon S3: 1024).
pub const MAX_KEY_BYTES: usize = 1024;

/// Why a text cannot be an object key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum KeyError {
    /// Nothing is left to name an object with.
    #[error("the name is empty")]
    Empty,
    /// Longer than [`MAX_KEY_BYTES`].
    #[error("the name is longer than {MAX_KEY_BYTES} bytes")]
    TooLong,
    /// A `.` or `..` component, which would leave the folder on a file system or a web server.
    #[error("the name has a `.` or `..` component")]
    Climbs,
    /// Starts with `/`.
    #[error("the name starts at the root")]
    Rooted,
    /// NUL, line feed, escape and the like: they forge log lines and terminal output.
    #[error("the name has a control character")]
    Control,
    /// Names a folder, not an object.
    #[error("the name ends with a slash")]
    Folder,
}

// Keys and names are shared rather than copied: plan, journal and report each hold those of all objects.

/// The full key of one object in a store: `school/math/<sid>_<channel>.m3u8`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(Arc<str>);

/// The name of an object relative to the folder of its recording, as a playlist spells it.
///
/// Nearly always a bare file name; a deeper path is legal and kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName(Arc<str>);

/// A folder in a store: empty for the root of the bucket, else ends with `/`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyPrefix(String);

impl ObjectKey {
    /// Checks a key.
    ///
    /// # Errors
    /// The rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        check(text)?;
        Ok(Self(text.into()))
    }

    /// The key as the store knows it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folder that the object lies in.
    #[must_use]
    pub fn folder(&self) -> KeyPrefix {
        KeyPrefix(self.0.rfind('/').map_or_else(String::new, |slash| self.0[..=slash].to_owned()))
    }

    /// What follows the last slash.
    #[must_use]
    pub fn file_name(&self) -> ObjectName {
        ObjectName(self.0.rsplit('/').next().unwrap_or(&self.0).into())
    }

    /// The name relative to `folder`, or `None` where the object lies elsewhere.
    #[must_use]
    pub fn relative_to(&self, folder: &KeyPrefix) -> Option<ObjectName> {
        self.0.strip_prefix(folder.as_str()).and_then(|rest| ObjectName::parse(rest).ok())
    }
}

impl ObjectName {
    /// Checks a relative name.
    ///
    /// # Errors
    /// The rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        check(text)?;
        Ok(Self(text.into()))
    }

    /// The name as it was spelt.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What follows the last slash.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The key of this name in `folder`.
    ///
    /// # Errors
    /// [`KeyError::TooLong`] where both together pass the limit.
    pub fn in_folder(&self, folder: &KeyPrefix) -> Result<ObjectKey, KeyError> {
        ObjectKey::parse(&format!("{}{}", folder.0, self.0))
    }

    /// The key where Agora's answers and callbacks name a file: they do it with its folders or without, so one
    /// with a slash is a key already, and any other lies in `folder` (both forms are in the documents).
    ///
    /// # Errors
    /// [`KeyError::TooLong`] where both together pass the limit.
    pub fn as_told(&self, folder: &KeyPrefix) -> Result<ObjectKey, KeyError> {
        if self.0.contains('/') { ObjectKey::parse(&self.0) } else { self.in_folder(folder) }
    }
}

impl KeyPrefix {
    /// The root of a bucket.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// Joins path parts as Agora joins `fileNamePrefix`. Slashes at either end of a part and empty
    /// parts are dropped, because people paste them.
    ///
    /// # Errors
    /// The rule that a part breaks.
    pub fn from_parts<I>(parts: I) -> Result<Self, KeyError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let mut folder = String::new();
        for part in parts {
            let part = part.as_ref().trim_matches('/');
            if part.is_empty() {
                continue;
            }
            check(part)?;
            folder.push_str(part);
            folder.push('/');
        }
        if folder.len() > MAX_KEY_BYTES {
            return Err(KeyError::TooLong);
        }
        Ok(Self(folder))
    }

    /// The folder as a store's listing wants it: empty, or ending with `/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the root of the bucket.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }
}

fn check(text: &str) -> Result<(), KeyError> {
    if text.is_empty() {
        return Err(KeyError::Empty);
    }
    if text.len() > MAX_KEY_BYTES {
        return Err(KeyError::TooLong);
    }
    if has_control(text) {
        return Err(KeyError::Control);
    }
    if text.starts_with('/') {
        return Err(KeyError::Rooted);
    }
    if text.ends_with('/') {
        return Err(KeyError::Folder);
    }
    // A backslash is a plain character in a store but a separator on Windows, so it may not hide a climb.
    let is_dots = |part: &[u8]| matches!(part, b"." | b"..");
    let is_separator = |byte: &u8| matches!(byte, b'/' | b'\\');
    let has_parts = bytes::has(text.as_bytes(), |byte| (byte == b'/') | (byte == b'\\'));
    if is_dots(text.as_bytes()) || has_parts && text.as_bytes().split(is_separator).any(is_dots) {
        return Err(KeyError::Climbs);
    }
    Ok(())
}

/// The same as asking each character, but quick where there is none but ASCII.
fn has_control(text: &str) -> bool {
    let odd = bytes::has(text.as_bytes(), |byte| !(b' '..0x7f).contains(&byte));
    odd && text.chars().any(char::is_control)
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for KeyPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "/" } else { &self.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_refused_and_odd_ones_kept() {
        for (text, expected) in [
            ("", Err(KeyError::Empty)),
            ("../a.ts", Err(KeyError::Climbs)),
            ("a/../b.ts", Err(KeyError::Climbs)),
            ("a\\..\\b.ts", Err(KeyError::Climbs)),
            ("./a.ts", Err(KeyError::Climbs)),
            ("/etc/passwd", Err(KeyError::Rooted)),
            ("a\u{1b}[2J.ts", Err(KeyError::Control)),
            ("a\0.ts", Err(KeyError::Control)),
            ("dir/", Err(KeyError::Folder)),
            ("a%2e%2e/b #?:.ts", Ok(())),
            ("..a/b..", Ok(())),
            ("频道/a//b.ts", Ok(())),
        ] {
            assert_eq!(ObjectKey::parse(text).map(|_| ()), expected, "{text:?}");
        }
        assert_eq!(ObjectKey::parse(&"x".repeat(MAX_KEY_BYTES + 1)), Err(KeyError::TooLong));
    }

    #[test]
    fn every_control_character_is_one_and_no_other() {
        for c in '\0'..=char::MAX {
            assert_eq!(has_control(&format!("a{c}b")), c.is_control(), "{c:?}");
        }
    }

    #[test]
    fn folders_and_names_come_apart_and_together() {
        let key = ObjectKey::parse("school/math/a b.ts").unwrap();
        assert_eq!(key.folder().as_str(), "school/math/");
        assert_eq!(key.file_name().as_str(), "a b.ts");
        assert_eq!(key.file_name().in_folder(&key.folder()).unwrap(), key);
        assert_eq!(ObjectKey::parse("a.ts").unwrap().folder(), KeyPrefix::root());
        let prefix = KeyPrefix::from_parts(["/school/", "", "math"]).unwrap();
        assert_eq!(prefix.as_str(), "school/math/");
        assert_eq!(key.relative_to(&prefix).unwrap().as_str(), "a b.ts");
        assert_eq!(key.relative_to(&KeyPrefix::from_parts(["other"]).unwrap()), None);
        assert!(KeyPrefix::from_parts([".."]).is_err());
    }
}
