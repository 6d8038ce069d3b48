//! Any bytes as a transport stream: no panic, and how they are cut into chunks changes nothing.

use recfetch::media::ts::{Examiner, Summary};

fn examined<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> Summary {
    let mut examiner = Examiner::new();
    chunks.for_each(|chunk| examiner.push(chunk));
    examiner.finish()
}

pub fn target(bytes: &[u8]) {
    let (size, bytes) = crate::with_choice(bytes);
    // Random bytes seldom keep their sync: every second input is made of packets.
    let packets: Vec<u8> = match size % 2 {
        0 => bytes.to_vec(),
        _ => bytes.chunks(187).flat_map(|chunk| std::iter::once(0x47).chain(chunk.iter().copied())).collect(),
    };
    let whole = examined(std::iter::once(packets.as_slice()));
    let pieces = examined(packets.chunks(size.max(1)));
    assert_eq!(whole, pieces, "in pieces of {size}");
    assert!(whole.packets + whole.lost_sync <= packets.len() as u64 / 188 + 1);
}
