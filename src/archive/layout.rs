//! Where an object lies in the archive: under its own name, unless some system could not hold that.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use sha2::{Digest as _, Sha256};

use crate::domain::key::ObjectName;

/// The payload folder of a bag (RFC 8493 section 2.1.2).
pub const PAYLOAD: &str = "data";

/// The longest file name that every file system of today holds, in bytes, less room for a suffix.
const MAX_COMPONENT_BYTES: usize = 240;

/// Names that Windows keeps for devices, whatever the extension.
const DEVICES: &[&str] = &[
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
    "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// Gives each object its path, so that no two share one on any system.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// By the path in lower case, because half of all file systems fold case.
    taken: HashMap<String, ObjectName>,
    /// Folders above those paths, likewise: a file cannot have the name of one.
    folders: HashSet<String>,
}

impl Layout {
    /// The path of `name` in the bag, with `/` between folders.
    pub(super) fn path(&mut self, name: &ObjectName) -> String {
        let mut path = format!("{PAYLOAD}/{}", safe_path(name.as_str()));
        if folders_above(&path.to_lowercase()).any(|folder| self.taken.contains_key(folder)) {
            // A store may hold both `a` and `a/b`; a disk cannot.
            path = format!("{PAYLOAD}/{}", safe_component(&name.as_str().replace('/', "\\")));
        }
        let folded = path.to_lowercase();
        if self.taken.get(&folded).is_some_and(|holder| holder != name) || self.folders.contains(&folded) {
            path = with_suffix(&path, name);
        }
        self.adopt(name, &path);
        path
    }

    /// Takes over a path from an earlier run.
    pub(super) fn adopt(&mut self, name: &ObjectName, path: &str) {
        let folded = path.to_lowercase();
        self.folders.extend(folders_above(&folded).map(str::to_owned));
        self.taken.insert(folded, name.clone());
    }
}

fn folders_above(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').filter_map(|(at, _)| path.get(..at))
}

fn safe_path(name: &str) -> String {
    name.split('/').map(safe_component).collect::<Vec<_>>().join("/")
}

/// One component that every system can hold. A character that some system cannot is written `=XX` for each
/// of its bytes; `%` is among them because manifests of bags give it a meaning (RFC 8493 section 2.1.3) that
/// readers do not agree on. Where nothing has to change, `=` stands for itself.
fn safe_component(component: &str) -> Cow<'_, str> {
    let unsafe_char = |c: char| c.is_control() || "<>:\"|?*\\%".contains(c);
    let stem = component.split('.').next().unwrap_or(component).to_lowercase();
    let device = DEVICES.contains(&stem.as_str());
    let bad_end = component.ends_with(['.', ' ']);
    let too_long = component.len() > MAX_COMPONENT_BYTES;
    if !component.is_empty() && !component.contains(unsafe_char) && !device && !bad_end && !too_long {
        return Cow::Borrowed(component);
    }
    if component.is_empty() {
        return Cow::Borrowed("=");
    }
    let last = component.chars().count() - 1;
    let mut safe = String::with_capacity(component.len() + 6);
    for (i, c) in component.chars().enumerate() {
        if unsafe_char(c) || c == '=' || (i == last && bad_end) || (i == 0 && device) {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                safe.push_str(&format!("={byte:02X}"));
            }
        } else {
            safe.push(c);
        }
    }
    if safe.len() > MAX_COMPONENT_BYTES {
        let extension = component.rsplit_once('.').map_or("", |(_, e)| if e.len() <= 8 { e } else { "" });
        let mut cut = MAX_COMPONENT_BYTES - 20;
        while !safe.is_char_boundary(cut) {
            cut -= 1;
        }
        safe.truncate(cut);
        safe.push_str(&format!("=~{}", fingerprint(component)));
        if !extension.is_empty() {
            safe.push('.');
            safe.push_str(&extension.replace(unsafe_char, "_"));
        }
    }
    Cow::Owned(safe)
}

fn with_suffix(path: &str, name: &ObjectName) -> String {
    let mark = format!("=~{}", fingerprint(name.as_str()));
    match path.rsplit_once('.') {
        Some((stem, extension)) if !extension.contains('/') => format!("{stem}{mark}.{extension}"),
        Some(_) | None => format!("{path}{mark}"),
    }
}

fn fingerprint(text: &str) -> String {
    hex::encode(&Sha256::digest(text.as_bytes())[..4])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(name: &str) -> String {
        Layout::default().path(&ObjectName::parse(name).unwrap())
    }

    #[test]
    fn ordinary_names_stay_and_others_are_spelt_out() {
        for (name, expected) in [
            ("sid_a b+c=d_20260920125142485.ts", "data/sid_a b+c=d_20260920125142485.ts"),
            ("频道_1.ts", "data/频道_1.ts"),
            ("sid_a:b?c=_1.ts", "data/sid_a=3Ab=3Fc=3D_1.ts"),
            ("sid_100%_1.ts", "data/sid_100=25_1.ts"),
            ("ends.", "data/ends=2E"),
            ("con.ts", "data/=63on.ts"),
            ("a//b.ts", "data/a/=/b.ts"),
        ] {
            assert_eq!(path(name), expected);
        }
    }

    #[test]
    fn names_that_differ_in_case_do_not_share_a_file() {
        let mut layout = Layout::default();
        let lower = layout.path(&ObjectName::parse("a_x.ts").unwrap());
        let upper = layout.path(&ObjectName::parse("A_x.ts").unwrap());
        assert_ne!(lower.to_lowercase(), upper.to_lowercase());
        assert_eq!(layout.path(&ObjectName::parse("a_x.ts").unwrap()), lower);
        assert!(upper.ends_with(".ts"));
    }

    #[test]
    fn a_file_and_a_folder_do_not_share_a_name() {
        for names in [["a", "A/b", "a/c"], ["a/b", "A", "a/c"]] {
            let mut layout = Layout::default();
            let paths = names.map(|name| layout.path(&ObjectName::parse(name).unwrap()).to_lowercase());
            for path in &paths {
                assert!(!folders_above(path).any(|folder| paths.iter().any(|p| p == folder)), "{paths:?}");
            }
            let again = names.map(|name| layout.path(&ObjectName::parse(name).unwrap()).to_lowercase());
            assert_eq!(again, paths);
        }
    }

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        let (a, b) = (format!("{}1.ts", "ä".repeat(300)), format!("{}2.ts", "ä".repeat(300)));
        assert!(path(&a).len() < 255 + PAYLOAD.len());
        assert_ne!(path(&a), path(&b));
    }
}
