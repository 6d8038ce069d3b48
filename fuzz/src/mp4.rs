//! Any bytes as an MP4 file: no panic, chunks change nothing, and what is sound is not sound any more once
//! something is missing inside of a box.

use recfetch::media::mp4::{Examiner, Summary};

fn examined<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> Summary {
    let mut examiner = Examiner::new();
    chunks.for_each(|chunk| examiner.push(chunk));
    examiner.finish()
}

fn is_closed(seen: &Summary) -> bool {
    let ends = seen.fragments == 0 || (seen.is_closed && seen.fragment_breaks == 0);
    seen.brand.is_some()
        && !seen.cut
        && seen.broken_at.is_none()
        && seen.has_index
        && !seen.too_large
        && seen.bad_tables + seen.outside == 0
        && seen.samples > 0
        && ends
}

/// Where the top-level boxes end, and whether the last one goes to the end of the file.
fn ends(bytes: &[u8]) -> (Vec<usize>, bool) {
    let (mut at, mut ends) = (0, Vec::new());
    while let Some(head) = bytes.get(at..at + 8) {
        let small = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        let size = match (small, bytes.get(at + 8..at + 16)) {
            (0, _) => return (ends, true),
            (1, Some(large)) => u64::from_be_bytes(large.try_into().expect("8 bytes")),
            (_, _) => u64::from(small),
        };
        let next = usize::try_from(size).ok().filter(|size| *size >= 8).and_then(|size| at.checked_add(size));
        let Some(next) = next else { break };
        at = next;
        ends.push(at);
    }
    (ends, false)
}

pub fn target(bytes: &[u8]) {
    let (choice, bytes) = crate::with_choice(bytes);
    let whole = examined(std::iter::once(bytes));
    assert_eq!(whole, examined(bytes.chunks(choice.max(1))), "in pieces of {choice}");
    assert!(whole.fragments <= bytes.len() as u64 / 8);
    if !is_closed(&whole) {
        return;
    }
    let (ends, open) = ends(bytes);
    for missing in [1, choice] {
        let Some(end) = bytes.len().checked_sub(missing.max(1)) else { continue };
        if open || ends.contains(&end) {
            continue;
        }
        let cut = examined(std::iter::once(&bytes[..end]));
        assert!(!is_closed(&cut), "sound without its last {missing} bytes: {cut:?}");
    }
}
