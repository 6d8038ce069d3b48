//! Any bytes as AAC or MP3 frames: no panic, chunks change nothing, no more frames than bytes allow, and a file
//! that lost its last byte is not sound.

use recfetch::media::sound::{Examiner, Frames, Summary};

fn examined<'a>(kind: Frames, chunks: impl Iterator<Item = &'a [u8]>) -> Summary {
    let mut examiner = Examiner::new(kind);
    chunks.for_each(|chunk| examiner.push(chunk));
    examiner.finish()
}

fn is_sound(seen: &Summary) -> bool {
    seen.frames > 0 && !seen.cut && seen.broken_at.is_none() && seen.trailing_bytes == 0
}

pub fn target(bytes: &[u8]) {
    let (choice, bytes) = crate::with_choice(bytes);
    let kind = if choice % 2 == 0 { Frames::Adts } else { Frames::Mp3 };
    let whole = examined(kind, std::iter::once(bytes));
    assert_eq!(whole, examined(kind, bytes.chunks((choice / 2).max(1))), "in pieces of {}", choice / 2);
    assert!(whole.frames <= bytes.len() as u64);
    if !is_sound(&whole) {
        return;
    }
    assert!(whole.frame_bytes <= bytes.len() as u64, "{whole:?}");
    let cut = examined(kind, std::iter::once(&bytes[..bytes.len() - 1]));
    assert!(!is_sound(&cut), "sound without its last byte: {cut:?}");
}
