//! Any bytes as a transport stream: no panic, and how they are cut into chunks changes nothing. A closer look
//! sees the same and more, and the start of a stream is never at fault for ending.

use recfetch::media::ts::{Examiner, Summary};

fn fed<'a>(mut examiner: Examiner, chunks: impl Iterator<Item = &'a [u8]>) -> Examiner {
    chunks.for_each(|chunk| examiner.push(chunk));
    examiner
}

pub fn target(bytes: &[u8]) {
    let (size, bytes) = crate::with_choice(bytes);
    // Random bytes seldom keep their sync: every second input is made of packets.
    let packets: Vec<u8> = match size % 2 {
        0 => bytes.to_vec(),
        _ => bytes.chunks(187).flat_map(|chunk| std::iter::once(0x47).chain(chunk.iter().copied())).collect(),
    };
    let whole = fed(Examiner::new(), std::iter::once(packets.as_slice())).finish();
    let pieces = fed(Examiner::new(), packets.chunks(size.max(1))).finish();
    assert_eq!(whole, pieces, "in pieces of {size}");
    assert!(whole.packets + whole.lost_sync <= packets.len() as u64 / 188 + 1);

    let closer = fed(Examiner::looking_closer(), std::iter::once(packets.as_slice())).finish();
    let in_pieces = fed(Examiner::looking_closer(), packets.chunks(size.max(1)));
    let prefix = in_pieces.clone().finish_prefix();
    assert_eq!(closer, in_pieces.finish(), "in pieces of {size}");
    let seen = closer.closer.clone().unwrap_or_default();
    // A picture takes a start code at least, and a frame its head; one PES packet is a picture of other codecs.
    assert!(seen.pictures.unwrap_or(0) <= packets.len() as u64 / 4 + 1, "{seen:?}");
    assert!(seen.sound_frames <= packets.len() as u64 / 7, "{seen:?}");
    assert!(seen.silent != Some(true) || seen.sound_frames > 0, "{seen:?}");
    assert_eq!(Summary { closer: None, ..closer }, whole);
    assert_eq!((prefix.trailing_bytes, prefix.packets), (0, whole.packets));
    assert!(prefix.pes_broken <= whole.pes_broken && prefix.bad_sections <= whole.bad_sections);
}
