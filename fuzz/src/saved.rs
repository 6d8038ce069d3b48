//! Any bytes as a saved answer or callback: no panic, the same facts each time, names within their rules, and
//! no key in what is printed for people who look for bugs.

use recfetch::agora::{Facts, MAX_FILES, Saved, SavedStore, read};

fn facts(saved: &Saved) -> impl Iterator<Item = &Facts> {
    saved.recordings.iter().map(|recording| &recording.facts).chain(&saved.unnamed)
}

fn secrets(saved: &Saved) -> Vec<String> {
    let of_store = |store: &SavedStore| {
        let keys = store.keys.iter();
        let both =
            keys.flat_map(|keys| [&keys.access_key, &keys.secret_key].into_iter().chain(&keys.session_token));
        both.map(|secret| secret.expose().to_owned()).collect::<Vec<_>>()
    };
    facts(saved).filter_map(|facts| facts.store.as_ref()).flat_map(of_store).collect()
}

pub fn target(bytes: &[u8]) {
    let (first, again) = (read(bytes), read(bytes));
    let told = format!("{first:?}");
    assert_eq!(told, format!("{again:?}"), "the same text has two meanings");
    let saved = match first {
        Ok(saved) => saved,
        Err(error) => return assert!(crate::is_one_line(&error.to_string()), "{error}"),
    };
    let told = format!("{saved:?}");
    for facts in facts(&saved) {
        assert!(facts.files.len() + facts.missing.len() <= MAX_FILES);
        for name in facts.files.iter().map(|file| &file.name).chain(&facts.missing) {
            assert!(!name.as_str().split('/').any(|part| [".", ".."].contains(&part)), "{name:?}");
        }
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let before = secrets(&saved);
    for secret in &before {
        // One that stands in the text once is changed; if it is printed anywhere, that shows.
        let plain = secret.len() >= 4 && secret.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !plain || text.matches(secret.as_str()).count() != 1 {
            continue;
        }
        let other: String = secret.chars().map(|c| if c == 'q' { 'r' } else { 'q' }).collect();
        let Ok(changed) = read(text.replace(secret.as_str(), &other).as_bytes()) else { continue };
        let after = secrets(&changed);
        if after.len() == before.len() && after.contains(&other) && !after.contains(secret) {
            assert_eq!(told, format!("{changed:?}"), "a key is printed");
        }
    }
}
