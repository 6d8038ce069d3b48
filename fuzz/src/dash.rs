//! Any bytes as a manifest: no panic, nothing it names leaves its folder, each name once, and within bounds.

use std::collections::HashSet;

use recfetch::domain::dash::{MAX_NAMES, read};
use recfetch::domain::key::ObjectKey;

pub fn target(bytes: &[u8]) {
    let key = ObjectKey::parse("school/math/38f8e3cf_room__uid_s_7__uid_e_av.mpd").expect("a key");
    let (manifest, findings) = read(&key, bytes);
    assert!(manifest.names.len() <= MAX_NAMES && manifest.discontinuities.len() <= MAX_NAMES);
    assert!(findings.iter().all(|finding| crate::is_one_line(&finding.to_string())));
    let mut seen = HashSet::new();
    for name in &manifest.names {
        assert!(seen.insert(name.as_str()), "{name} is there twice");
        // A name may have every byte that a key may have, and none is left for the folder then.
        let Ok(inside) = name.in_folder(&key.folder()) else {
            assert!(name.as_str().len() > 1000, "{name} is no name in a folder");
            continue;
        };
        assert!(inside.as_str().starts_with("school/math/"), "{name} leaves its folder");
        assert!(!inside.as_str().split('/').any(|part| [".", ".."].contains(&part)), "{name}");
    }
}
