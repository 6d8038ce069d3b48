//! Any text as the name of a file: what is read is written as it was, but for the case of the extension, and
//! reading it with its own channel gives the same.

use recfetch::domain::filename::{FileName, is_ours};
use recfetch::domain::recording::RecordingId;

pub fn target(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let known = RecordingId::parse("38f8e3cfdc474cd5").expect("an ID");
    for id in [None, Some(&known)] {
        let Some(name) = FileName::parse(text, id) else { continue };
        let written = name.to_name();
        assert!(written.eq_ignore_ascii_case(text), "{text} was read as {written}");
        let stem = |text: &str| text.rsplit_once('.').map(|(stem, _)| stem.to_owned());
        assert_eq!(stem(&written), stem(text));
        assert_eq!(FileName::parse(&written, id).as_ref(), Some(&name));
        if let Some(channel) = &name.channel {
            assert_eq!(FileName::with_channel(&written, &name.recording, channel).as_ref(), Some(&name));
            assert!(is_ours(&written, &name.recording), "{written}");
        }
    }
}
