use recfetch_test_support::ts::{SliceSpec, Tracks, slice, without_key_frame};

use super::super::packet::PACKET;
use super::super::{Examiner, Summary};
use super::*;

const BASELINE: &[u8] = include_bytes!("../../../../fixtures/ts/baseline_aac_5s.ts");
const OPEN_GOP: &[u8] = include_bytes!("../../../../fixtures/ts/open_gop_4s.ts");
const REFRESH: &[u8] = include_bytes!("../../../../fixtures/ts/refresh_4s.ts");
const HEVC: &[u8] = include_bytes!("../../../../fixtures/ts/hevc_4s.ts");
const SILENCE: &[u8] = include_bytes!("../../../../fixtures/ts/silence_2s.ts");
const SOFT_NOISE: &[u8] = include_bytes!("../../../../fixtures/ts/soft_noise_1s.ts");

fn examine(bytes: &[u8], piece: usize) -> Summary {
    let mut examiner = Examiner::looking_closer();
    bytes.chunks(piece).for_each(|piece| examiner.push(piece));
    examiner.finish()
}

fn look(bytes: &[u8]) -> CloserSummary {
    let whole = examine(bytes, bytes.len().max(1)).closer.unwrap();
    for piece in [1, 100, 188 * 7 + 1] {
        assert_eq!(examine(bytes, piece).closer.as_ref(), Some(&whole), "in pieces of {piece}");
    }
    whole
}

fn pid_of(packet: &[u8]) -> u16 {
    u16::from_be_bytes([packet[1] & 0x1f, packet[2]])
}

/// The tables, and what follows from the start of this picture on, as a recorder that cuts there would write.
fn from_picture(bytes: &[u8], picture: usize) -> Vec<u8> {
    let packets: Vec<&[u8]> = bytes.chunks(PACKET).collect();
    let video = 0x100;
    let starts = |packet: &[u8]| pid_of(packet) == video && packet[1] & 0x40 != 0;
    let (at, _) = packets.iter().enumerate().filter(|(_, packet)| starts(packet)).nth(picture).unwrap();
    let tables = [0, 0x1000].map(|pid| *packets.iter().find(|packet| pid_of(packet) == pid).unwrap());
    [&tables.concat()[..], &packets[at..].concat()].concat()
}

#[test]
fn nobody_pays_who_does_not_ask() {
    let mut examiner = Examiner::new();
    examiner.push(BASELINE);
    let plain = examiner.finish();
    assert_eq!(plain.closer, None);
    let closer = examine(BASELINE, BASELINE.len());
    assert_eq!(Summary { closer: None, ..closer }, plain);
}

#[test]
fn a_slice_of_ffmpeg_starts_with_a_key_frame_and_has_as_many_pictures_as_ffprobe_counts() {
    let seen = look(BASELINE);
    assert_eq!((seen.key_first, seen.parameters_first, seen.pictures), (Some(true), Some(true), Some(50)));
    // One is enough to know that there is sound.
    assert_eq!((seen.silent, seen.sound_frames), (Some(false), 1));
    let clock = seen.clock.unwrap();
    assert_eq!(clock.backwards, 0);
    let (least, most) = clock.lead.unwrap();
    assert!(least >= 0 && most < 2 * 90_000, "{clock:?}");
    assert!(clock.last.abs_diff(clock.first).abs_diff(441_000) < 9000, "{clock:?}");
}

#[test]
fn where_a_slice_is_cut_decides_whether_it_can_be_shown() {
    // Which pictures are key frames, ffprobe tells; what refreshes bit by bit has none but the first.
    for (bytes, picture, key, parameters) in [
        (OPEN_GOP, 0, true, true),
        (OPEN_GOP, 5, false, false),
        (OPEN_GOP, 10, true, true),
        (REFRESH, 0, true, true),
        (REFRESH, 3, false, false),
        (REFRESH, 10, false, true),
        (HEVC, 0, true, true),
        (HEVC, 5, false, false),
        (BASELINE, 1, false, false),
    ] {
        let seen = look(&from_picture(bytes, picture));
        assert_eq!((seen.key_first, seen.parameters_first), (Some(key), Some(parameters)), "from {picture}");
        let all = if bytes == BASELINE { 50 } else { 20 };
        assert_eq!(seen.pictures, Some(all - picture as u64), "from {picture}");
    }
}

#[test]
fn a_picture_whose_head_does_not_tell_is_left_open() {
    let pictures = |units: &[&[u8]]| {
        let mut pictures = Pictures::new(Coding::H264);
        for unit in units {
            pictures.take(&[0, 0, 1]);
            pictures.take(unit);
        }
        pictures.end();
        (pictures.start.map(|start| start.is_key), pictures.count)
    };
    // Slices of type 7 (only I), 2 (I), 5 (only P); an access unit delimiter for I; a recovery point at once
    // and one in three pictures; the second slice of a picture.
    for (units, key, count) in [
        (&[&[0x41, 0x88, 0x80][..]][..], Some(Some(true)), 1),
        (&[&[0x41, 0xb0, 0x80]], Some(None), 1),
        (&[&[0x41, 0x9a, 0x80]], Some(Some(false)), 1),
        (&[&[9, 0x10], &[0x41, 0xb0]], Some(Some(true)), 1),
        (&[&[9, 0x30], &[0x41, 0xb0]], Some(None), 1),
        (&[&[6, 6, 1, 0xc4, 0x80], &[0x41, 0x9a]], Some(Some(true)), 1),
        (&[&[6, 6, 1, 0x24, 0x80], &[0x41, 0x9a]], Some(Some(false)), 1),
        (&[&[6, 5, 1, 9, 6, 1, 0xc4, 0x80], &[0x41, 0x9a]], Some(Some(true)), 1),
        (&[&[6, 5, 200, 6, 1, 0xc4], &[0x41, 0x9a]], Some(Some(false)), 1),
        (&[&[0x41, 0x9a], &[0x41, 0x4c], &[0x41, 0x9a]], Some(Some(false)), 2),
        (&[&[0xc1, 0x88]], None, 0),
        (&[&[0x41]], Some(None), 0),
        (&[], None, 0),
    ] {
        assert_eq!(pictures(units), (key, count), "{units:x?}");
    }
}

#[test]
fn made_slices_start_with_a_key_frame_or_do_not() {
    let spec = SliceSpec { picture: Some((320, 192)), ..SliceSpec::default() };
    let whole = look(&slice(&spec));
    assert_eq!((whole.key_first, whole.parameters_first, whole.pictures), (Some(true), Some(true), Some(50)));
    let cut = look(&without_key_frame(slice(&spec)));
    assert_eq!((cut.key_first, cut.pictures), (Some(false), Some(50)));
    // Noise tells nothing, and its PES packets are pictures all the same.
    let noise = look(&slice(&SliceSpec::default()));
    assert_eq!((noise.key_first, noise.pictures, noise.silent), (None, Some(50), None));
    let sound = look(&slice(&SliceSpec { tracks: Tracks::Audio, ..SliceSpec::default() }));
    assert_eq!((sound.key_first, sound.pictures), (None, None));
}

#[test]
fn only_what_is_coded_as_nothing_is_silence() {
    let seen = look(SILENCE);
    // Two seconds, and the frame with which an encoder starts.
    assert_eq!((seen.silent, seen.sound_frames), (Some(true), 95));
    assert_eq!(look(SOFT_NOISE).silent, Some(false));
}

#[test]
fn silence_with_a_part_missing_is_no_silence() {
    let packets = SILENCE.len() / PACKET;
    let mut noticed = 0;
    for gone in 0..packets {
        let rest = [&SILENCE[..gone * PACKET], &SILENCE[(gone + 1) * PACKET..]].concat();
        let summary = examine(&rest, rest.len());
        let silent = summary.closer.unwrap().silent;
        assert_ne!(silent, Some(false), "packet {gone}");
        // A packet of sound.
        if pid_of(&SILENCE[gone * PACKET..]) == 0x100 && silent.is_none() {
            noticed += 1;
        }
    }
    let sound = SILENCE.chunks(PACKET).filter(|packet| pid_of(packet) == 0x100).count();
    assert!(noticed + 1 >= sound, "{noticed} of {sound}: the last one shows in nothing else");
}

#[test]
fn what_a_frame_of_sound_says_is_followed_to_its_end() {
    // Of ffmpeg: one channel and two channels of nothing; the same in short windows, with fill and data.
    let frame = |bits: &str| {
        let bits: String = bits.split_whitespace().collect();
        let mut bytes = vec![0xff, 0xf1, 0x4c, 0x40, 0, 0, 0xfc];
        for eight in bits.as_bytes().chunks(8) {
            bytes.push(eight.iter().enumerate().fold(0, |byte, (n, bit)| byte | (bit - b'0') << (7 - n)));
        }
        bytes
    };
    let channel = "10001100 0 00 1 000000 0 000";
    let end = "111";
    let one = format!("000 0000 {channel}");
    let zeros = "10001100 0 00 1 000011 0 0000 00011 000";
    let long_zeros = "10001100 0 00 1 100001 0 0000 11111 00010 000";
    let short = "10001100 0 10 1 0010 1110111 0000 010 0000 010 000";
    for (bits, silent) in [
        (format!("{one} {end}"), true),
        (format!("000 0000 {zeros} {end}"), true),
        (format!("000 0000 {long_zeros} {end}"), true),
        (format!("000 0000 {short} {end}"), true),
        // Two channels, with bands of their own and shared ones, some as middle and side.
        (format!("001 0000 0 {channel} {channel} {end}"), true),
        (
            format!("001 0000 1 0 00 1 000010 0 01 11 00000000 0000 00010 000 00000000 0000 00010 000 {end}"),
            true,
        ),
        // Fill of no bytes, of two, of seventeen; three bytes of data.
        (format!("{one} 110 0000 {end}"), true),
        (format!("{one} 110 0010 0000 000000000000 {end}"), true),
        (format!("{one} 110 1111 00000011 0001 {} {end}", "0".repeat(17 * 8 - 4)), true),
        (format!("{one} 100 0000 0 00000011 {} {end}", "1".repeat(24)), true),
        // Band replication, another codebook, noise, pulses, a program of its own, no channel, no end.
        (format!("{one} 110 0010 1101 000000000000 {end}"), false),
        (format!("000 0000 10001100 0 00 1 000011 0 0001 00011 000 {end}"), false),
        (format!("000 0000 10001100 0 00 1 000011 0 1101 00011 000 {end}"), false),
        (format!("000 0000 10001100 0 00 1 000000 0 100 {end}"), false),
        (format!("101 0000 {end}"), false),
        (end.to_owned(), false),
        (one.clone(), false),
        // More bands than there are, a predictor, a reserved bit.
        (format!("000 0000 10001100 0 00 1 000011 0 0000 00100 000 {end}"), false),
        (format!("000 0000 10001100 0 00 1 000000 1 000 {end}"), false),
        (format!("000 0000 10001100 1 00 1 000000 0 000 {end}"), false),
    ] {
        assert_eq!(silence::is_silent(&frame(&bits)), silent, "{bits}");
    }
    let good = frame(&format!("{one} {end}"));
    for (at, byte) in [(2, 0x0c), (6, 0xfd)] {
        let mut other = good.clone();
        other[at] = byte;
        assert!(!silence::is_silent(&other), "another profile, or more than one block");
    }
}

#[test]
fn a_clock_that_goes_back_or_runs_apart_is_seen() {
    let spec = SliceSpec { duration_ms: 1000, ..SliceSpec::default() };
    let good = look(&slice(&spec)).clock.unwrap();
    assert_eq!(good, ClockSummary { first: 117_000, last: 203_400, backwards: 0, lead: Some((9000, 9000)) });
    // The clock of the last picture says the time of the first.
    let mut bytes = slice(&spec);
    let with_clock = |packet: &[u8]| packet[3] & 0x20 != 0 && packet[4] >= 7 && packet[5] & 0x10 != 0;
    let at: Vec<usize> =
        (0..bytes.len() / PACKET).map(|n| n * PACKET).filter(|&at| with_clock(&bytes[at..])).collect();
    let (first, last) = (at[0], *at.last().unwrap());
    bytes.copy_within(first + 6..first + 12, last + 6);
    let back = look(&bytes).clock.unwrap();
    assert_eq!((back.last, back.backwards, back.lead), (117_000, 1, Some((9000, 95_400))));
    // Where it is announced, it may.
    bytes[last + 5] |= 0x80;
    assert_eq!(look(&bytes).clock.unwrap().backwards, 0);
}

#[test]
fn the_cut_end_of_a_prefix_is_no_fault() {
    let bytes = slice(&SliceSpec { bytes_target: 60_000, picture: Some((64, 48)), ..SliceSpec::default() });
    for end in [188 * 3, 5000, 20_000, 44_444] {
        let mut examiner = Examiner::looking_closer();
        examiner.push(&bytes[..end]);
        let seen = examiner.clone().finish_prefix();
        assert_eq!((seen.trailing_bytes, seen.pes_broken, seen.bad_sections), (0, 0, 0), "{end} bytes");
        assert_eq!(
            (seen.first_pts, seen.closer.unwrap().key_first),
            (Some(126_000), Some(true)),
            "{end} bytes"
        );
        let whole = examiner.finish();
        assert!(end % PACKET == 0 || whole.trailing_bytes > 0, "{end} bytes");
    }
}
