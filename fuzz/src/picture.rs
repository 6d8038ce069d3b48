//! Any bytes as a JPEG picture: no panic, chunks change nothing, and no part of a picture passes for one.

use recfetch::media::picture::{Examiner, Summary};

fn examined<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> Summary {
    let mut examiner = Examiner::new();
    chunks.for_each(|chunk| examiner.push(chunk));
    examiner.finish()
}

pub fn target(bytes: &[u8]) {
    let (choice, bytes) = crate::with_choice(bytes);
    let whole = examined(std::iter::once(bytes));
    assert_eq!(whole, examined(bytes.chunks(choice.max(1))), "in pieces of {choice}");
    assert!(whole.trailing_bytes <= bytes.len() as u64);
    if !whole.ended || whole.trailing_bytes > 0 {
        return;
    }
    for missing in [1, choice, bytes.len() / 2] {
        let Some(end) = bytes.len().checked_sub(missing.max(1)) else { continue };
        let cut = examined(std::iter::once(&bytes[..end]));
        assert!(!cut.ended, "a picture without its last {missing} bytes: {cut:?}");
    }
}
