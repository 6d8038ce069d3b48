#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]

use proptest::prelude::*;

use super::*;

fn digests(lanes: &Lanes, sums: Sums, texts: &[Vec<u8>], pieces: &[usize]) -> Vec<Digests> {
    let mut messages: Vec<_> = texts.iter().map(|_| Message::new(sums)).collect();
    let mut rest: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
    for turn in 0.. {
        if rest.iter().all(|bytes| bytes.is_empty()) {
            break;
        }
        let mut work = Vec::new();
        for (i, message) in messages.iter_mut().enumerate() {
            // No message keeps step with its neighbours.
            let piece = pieces[(turn + i) % pieces.len()].min(rest[i].len());
            let (now, later) = rest[i].split_at(piece);
            rest[i] = later;
            work.push((message, now));
        }
        lanes.update(work);
    }
    messages.into_iter().map(Message::finish).collect()
}

fn judged(sums: Sums, text: &[u8]) -> Digests {
    let digests = message::judges(text);
    match sums {
        Sums::Sha256AndMd5 => digests,
        Sums::Sha256 => Digests { md5: None, ..digests },
    }
}

/// Lanes of every kind that this machine has.
fn all_lanes() -> Vec<Lanes> {
    vec![Lanes { sha256: sha256::kernel(), md5: md5::kernel() }, Lanes::none()]
}

#[test]
fn the_test_values_of_the_standards_come_out() {
    for (text, sha256, md5) in [
        (
            &b""[..],
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "d41d8cd98f00b204e9800998ecf8427e",
        ),
        (
            b"abc",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "900150983cd24fb0d6963f7d28e17f72",
        ),
    ] {
        let mut message = Message::new(Sums::Sha256AndMd5);
        message.update(text);
        let digests = message.finish();
        assert_eq!(hex::encode(digests.sha256), sha256);
        assert_eq!(hex::encode(digests.md5.unwrap()), md5);
    }
}

#[test]
fn every_length_around_a_block_ends_right() {
    for length in 0..200 {
        let text = sample(length, length);
        for sums in [Sums::Sha256, Sums::Sha256AndMd5] {
            let mut message = Message::new(sums);
            text.chunks(7).for_each(|piece| message.update(piece));
            assert_eq!(message.finish(), judged(sums, &text), "{length} bytes");
        }
    }
}

#[test]
fn more_messages_than_lanes_are_hashed_as_each_alone() {
    let texts: Vec<_> = (0..50).map(|i| sample(i, i * 997)).collect();
    for lanes in all_lanes() {
        let found = digests(&lanes, Sums::Sha256AndMd5, &texts, &[4096, 1, 65, 10_000]);
        for (text, found) in texts.iter().zip(found) {
            assert_eq!(found, judged(Sums::Sha256AndMd5, text));
        }
    }
}

#[test]
fn lanes_that_are_wrong_are_not_used() {
    let right = Lanes { sha256: sha256::kernel(), md5: md5::kernel() };
    let lazy: Kernel<8> = |_, _, _| {};
    let flips: Kernel<4> = |states, lanes, count| {
        for lane in 0..LANES {
            let mut state = std::array::from_fn(|word| states[word][lane]);
            md5::compress(&mut state, &lanes[lane][..count]);
            // One bit in the last lane only.
            state[3] ^= u32::from(lane == LANES - 1);
            for (word, value) in state.into_iter().enumerate() {
                states[word][lane] = value;
            }
        }
    };
    let proven = Lanes { sha256: Some(lazy), md5: right.md5 }.proven();
    assert!(proven.sha256.is_none());
    assert_eq!(proven.md5.is_some(), right.md5.is_some());
    let proven = Lanes { sha256: right.sha256, md5: Some(flips) }.proven();
    assert!(proven.md5.is_none());
    assert_eq!(proven.sha256.is_some(), right.sha256.is_some());
    assert!(!Lanes { sha256: Some(lazy), md5: Some(flips) }.proven().help(Sums::Sha256AndMd5));
}

proptest! {
    #[test]
    fn any_messages_in_any_pieces_are_hashed_as_each_alone(
        lengths in prop::collection::vec(0_usize..3000, 0..40),
        pieces in prop::collection::vec(1_usize..700, 1..5),
        with_md5: bool,
    ) {
        let sums = if with_md5 { Sums::Sha256AndMd5 } else { Sums::Sha256 };
        let texts: Vec<_> = lengths.iter().enumerate().map(|(i, length)| sample(i, *length)).collect();
        for lanes in all_lanes() {
            let found = digests(&lanes, sums, &texts, &pieces);
            for (text, found) in texts.iter().zip(found) {
                prop_assert_eq!(found, judged(sums, text));
            }
        }
    }
}
