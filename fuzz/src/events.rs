//! Any bytes as a log of callbacks: no panic, the same meaning however they come in, nothing from a log that was
//! delivered twice, nothing believed that is not signed where a secret is given, and problems on lines that rise.

use std::io::BufReader;

use recfetch::agora::events::{EventOptions, Events, MAX_PROBLEMS, read};
use recfetch::domain::check::Told;
use recfetch::source::Secret;

fn log(bytes: &[u8], step: usize, options: &EventOptions) -> Events {
    match read(BufReader::with_capacity(step, bytes), options) {
        Ok(events) => events,
        Err(error) => panic!("{error}"),
    }
}

pub fn target(bytes: &[u8]) {
    let (step, bytes) = crate::with_choice(bytes);
    let all = EventOptions::default();
    let events = log(bytes, 1 << 16, &all);
    assert_eq!(log(bytes, step + 1, &all), events, "it depends on the reader");
    assert!(events.problems.len() <= MAX_PROBLEMS && events.refused == 0);
    assert!(events.problems.is_sorted_by_key(|problem| problem.line));
    for problem in &events.problems {
        assert!(crate::is_one_line(&problem.to_string()), "{problem}");
    }
    for (id, told) in &events.recordings {
        for name in told.files.iter().chain(&told.missing) {
            assert!(!name.as_str().split('/').any(|part| [".", ".."].contains(&part)), "{name:?}");
        }
        let mut twice = told.clone();
        twice.merge(told.clone());
        assert_eq!(&twice, told);
        let only = EventOptions { only: Some(id.clone()), ..EventOptions::default() };
        let alone = log(bytes, 1 << 16, &only).recordings;
        // An ID that is written with escapes is not found in the bytes.
        if !bytes.contains(&b'\\') {
            assert_eq!(alone.get(id), Some(told), "{id}");
        }
        assert!(alone.len() <= 1);
    }
    if events.problems.is_empty() && !bytes.starts_with(b"\xef\xbb\xbf") {
        let doubled = [bytes, b"\n", bytes].concat();
        assert_eq!(log(&doubled, 1 << 16, &all).recordings, events.recordings, "what came twice counts twice");
    }
    let secret = EventOptions { secret: Some(Secret::new("no input knows it")), ..EventOptions::default() };
    for told in log(bytes, 1 << 16, &secret).recordings.into_values() {
        assert_eq!(told, Told { refused: told.refused, ..Told::default() }, "believed without a signature");
    }
}
