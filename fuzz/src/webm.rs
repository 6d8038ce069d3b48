//! Any bytes as a WebM file: no panic, chunks change nothing, and what is sound is not sound any more once
//! something is missing at its end.

use recfetch::media::webm::{Examiner, Extent, Summary};

fn examined<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> Summary {
    let mut examiner = Examiner::new();
    chunks.for_each(|chunk| examiner.push(chunk));
    examiner.finish()
}

fn is_closed(seen: &Summary) -> bool {
    seen.doc_type.is_some()
        && seen.extent == Extent::Sized
        && !seen.cut
        && seen.broken_at.is_none()
        && seen.trailing_bytes == 0
        && seen.blocks > 0
}

pub fn target(bytes: &[u8]) {
    let (choice, bytes) = crate::with_choice(bytes);
    let whole = examined(std::iter::once(bytes));
    assert_eq!(whole, examined(bytes.chunks(choice.max(1))), "in pieces of {choice}");
    assert!(whole.clusters + whole.blocks + whole.unknown_elements <= bytes.len() as u64);
    assert!(whole.trailing_bytes <= bytes.len() as u64);
    if !is_closed(&whole) {
        return;
    }
    for missing in [1, choice] {
        let Some(end) = bytes.len().checked_sub(missing.max(1)) else { continue };
        // Behind the segment room may stand (`Void`, `CRC-32`), and without it nothing is missing.
        if [0xec, 0xbf].contains(&bytes[end]) {
            continue;
        }
        let cut = examined(std::iter::once(&bytes[..end]));
        assert!(!is_closed(&cut), "sound without its last {missing} bytes: {cut:?}");
    }
}
