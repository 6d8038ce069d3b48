use proptest::prelude::*;
use recfetch_test_support::ts::{SliceSpec, Tracks, slice};

use super::*;

const VIDEO: u16 = 0x100;
const AUDIO: u16 = 0x101;

fn examine(bytes: &[u8]) -> Summary {
    let mut examiner = Examiner::new();
    examiner.push(bytes);
    examiner.finish()
}

fn pid_of(packet: &[u8]) -> u16 {
    u16::from_be_bytes([packet[1] & 0x1f, packet[2]])
}

fn without(bytes: &[u8], packets: std::ops::Range<usize>) -> Vec<u8> {
    [&bytes[..packets.start * PACKET], &bytes[packets.end * PACKET..]].concat()
}

/// All that a whole stream must not have.
fn breaks(summary: &Summary) -> u64 {
    summary.continuity_errors
        + summary.transport_errors
        + summary.bad_sections
        + summary.pes_broken
        + summary.lost_sync
        + summary.trailing_bytes
}

fn whole(tracks: Tracks) -> Vec<u8> {
    slice(&SliceSpec { tracks, duration_ms: 1000, bytes_target: 20_000, ..SliceSpec::default() })
}

#[test]
fn a_slice_of_ffmpeg_has_the_facts_that_ffprobe_tells() {
    let summary = examine(include_bytes!("../../../fixtures/ts/baseline_aac_5s.ts"));
    assert_eq!(breaks(&summary), 0);
    assert_eq!((summary.packets, summary.streams, summary.streams_with_media), (139, 2, 2));
    assert_eq!((summary.has_pat, summary.has_pmt, summary.scrambled), (true, true, 0));
    assert_eq!((summary.first_pts, summary.random_access_first), (Some(126_000), Some(true)));
    let [video, audio] = &summary.each_stream[..] else { panic!("two streams") };
    assert_eq!((video.pid, video.stream_type, video.kind), (VIDEO, 0x1b, StreamKind::Video));
    assert_eq!((video.pes, video.step), (50, 9000));
    assert_eq!((video.first_pts, video.last_pts), (Some(127_920), Some(568_920)));
    assert_eq!(video.span, Some(450_000));
    assert_eq!((audio.pid, audio.kind), (AUDIO, StreamKind::Audio));
    // 236 frames of 1920 ticks, gathered into 14 PES packets: within a frame.
    assert!(audio.span.unwrap().abs_diff(236 * 1920) < 1920, "{:?}", audio.span);
    assert_eq!(summary.span, audio.span);
}

#[test]
fn made_slices_are_whole_and_play_as_long_as_they_should() {
    for (tracks, streams) in [(Tracks::AudioVideo, 2), (Tracks::Audio, 1), (Tracks::Video, 1)] {
        for start_pts in [0, 126_000, PTS_WRAP - 1, PTS_WRAP - 45_000] {
            let spec = SliceSpec {
                start_pts,
                duration_ms: 2000,
                tracks,
                bytes_target: 40_000,
                seed: start_pts,
                ..SliceSpec::default()
            };
            let bytes = slice(&spec);
            let summary = examine(&bytes);
            assert_eq!(breaks(&summary), 0, "{spec:?}: {summary:?}");
            assert_eq!(summary.packets, bytes.len() as u64 / 188);
            assert_eq!((summary.streams, summary.streams_with_media), (streams, streams));
            assert_eq!(summary.first_pts, Some(start_pts));
            assert!(summary.span.unwrap().abs_diff(180_000) < 3600, "{spec:?}: {summary:?}");
            assert_eq!(summary.random_access_first, (tracks != Tracks::Audio).then_some(true));
        }
    }
}

#[test]
fn nothing_and_garbage_are_described() {
    assert_eq!(examine(&[]), Summary::default());
    assert_eq!(examine(&[0x47; 187]), Summary { trailing_bytes: 187, ..Summary::default() });
    let page = b"<!doctype html>".repeat(100);
    assert_eq!(examine(&page), Summary { lost_sync: 7, trailing_bytes: 184, ..Summary::default() });
}

#[test]
fn each_missing_packet_is_noticed_but_the_last_of_a_stream_without_announced_length() {
    for tracks in [Tracks::AudioVideo, Tracks::Audio, Tracks::Video] {
        let bytes = whole(tracks);
        let pids: Vec<u16> = bytes.chunks(PACKET).map(pid_of).collect();
        for (gone, pid) in pids.iter().enumerate().filter(|&(_, &pid)| pid != NULL_PID) {
            let is_last = !pids[gone + 1..].contains(pid);
            let summary = examine(&without(&bytes, gone..gone + 1));
            let is_table = *pid != VIDEO && *pid != AUDIO;
            let is_first = !pids[..gone].contains(pid);
            let starts_unit = bytes[gone * PACKET + 1] & 0x40 != 0;
            // Nothing tells of a table or a PES packet in one packet in front of the first or behind the last
            // that came, nor of the end of the last picture.
            let next_starts_unit =
                next_of(&bytes, gone).is_some_and(|next| bytes[next * PACKET + 1] & 0x40 != 0);
            let impossible =
                is_first && next_starts_unit || is_last && (is_table || *pid == VIDEO || starts_unit);
            assert_eq!(breaks(&summary) == 0, impossible, "{tracks:?} packet {gone} of {pid:#x}");
        }
    }
}

/// The next packet of the same stream.
fn next_of(bytes: &[u8], packet: usize) -> Option<usize> {
    let pid = pid_of(&bytes[packet * PACKET..]);
    (packet + 1..bytes.len() / PACKET).find(|&next| pid_of(&bytes[next * PACKET..]) == pid)
}

#[test]
fn sixteen_missing_packets_of_a_picture_are_the_ones_that_cannot_be_noticed() {
    let spec =
        SliceSpec { tracks: Tracks::Video, duration_ms: 80, bytes_target: 20_000, ..SliceSpec::default() };
    let bytes = slice(&spec);
    for (count, noticed) in [(1, true), (15, true), (16, false), (17, true)] {
        assert_eq!(breaks(&examine(&without(&bytes, 5..5 + count))) > 0, noticed, "{count} packets");
    }
}

#[test]
fn repeated_packets_are_passed_over() {
    let bytes = whole(Tracks::AudioVideo);
    let once = examine(&bytes);
    for packet in 0..bytes.len() / PACKET {
        let copy = &bytes[packet * PACKET..(packet + 1) * PACKET];
        let twice = [&bytes[..packet * PACKET], copy, &bytes[packet * PACKET..]].concat();
        assert_eq!(examine(&twice), Summary { packets: once.packets + 1, ..once.clone() });
    }
}

#[test]
fn a_lost_sync_byte_is_counted_and_its_packet_is_missing() {
    let bytes = whole(Tracks::Audio);
    for packet in 0..bytes.len() / PACKET {
        let mut flipped = bytes.clone();
        flipped[packet * PACKET] ^= 0x20;
        assert_eq!(examine(&flipped).lost_sync, 1);
    }
    let shifted = [&[0][..], &bytes].concat();
    let summary = examine(&shifted);
    assert!(summary.lost_sync > 100 && summary.packets < 5 && !summary.has_pmt, "{summary:?}");
}

#[test]
fn marked_and_scrambled_packets_are_counted() {
    let bytes = whole(Tracks::Audio);
    let mut marked = bytes.clone();
    marked[10 * PACKET + 1] |= 0x80;
    assert_eq!(examine(&marked).transport_errors, 1);
    let mut scrambled = bytes;
    for packet in scrambled.chunks_mut(PACKET).filter(|packet| pid_of(packet) == AUDIO) {
        packet[3] |= 0x80;
    }
    let summary = examine(&scrambled);
    assert!(summary.scrambled > 40);
    assert_eq!((summary.streams, summary.streams_with_media, summary.pes_starts), (1, 0, 0));
    assert_eq!((summary.continuity_errors, summary.pes_broken), (0, 0));
}

#[test]
fn damaged_tables_are_counted_and_good_ones_that_follow_still_serve() {
    let mut bytes = whole(Tracks::AudioVideo);
    bytes[12] ^= 1;
    let summary = examine(&bytes);
    assert_eq!((summary.bad_sections, summary.has_pat, summary.has_pmt), (1, true, true));
    for packet in bytes.chunks_mut(PACKET).filter(|packet| pid_of(packet) == PAT_PID) {
        packet[13] ^= 1;
    }
    let summary = examine(&bytes);
    assert!(!summary.has_pat && !summary.has_pmt && summary.streams == 0, "{summary:?}");
    assert!(summary.pes_starts > 60, "{summary:?}");
}

#[test]
fn a_start_inside_of_a_pes_packet_is_broken() {
    let spec =
        SliceSpec { tracks: Tracks::Video, duration_ms: 400, bytes_target: 20_000, ..SliceSpec::default() };
    let bytes = slice(&spec);
    let summary = examine(&without(&bytes, 2..3));
    assert_eq!((summary.pes_broken, summary.continuity_errors), (1, 0));
    assert!(summary.each_stream[0].starts_inside);
}

#[test]
fn very_many_programs_and_streams_take_bounded_room() {
    // Each packet on another identifier, each a start of a PES packet.
    let mut bytes = Vec::new();
    for pid in 0..0x2000_u16 {
        let mut packet = [0; PACKET];
        packet[..4].copy_from_slice(&[0x47, 0x40 | pid.to_be_bytes()[0], pid.to_be_bytes()[1], 0x10]);
        packet[6] = 1;
        bytes.extend_from_slice(&packet);
    }
    let summary = examine(&bytes);
    assert_eq!(summary.packets, 0x2000);
    assert_eq!(summary.streams, 0);
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same(
        cuts in proptest::collection::vec(0_usize..40_000, 0..40),
        flips in proptest::collection::vec((0_usize..20_000, 0_u8..8), 0..10),
        audio in any::<bool>(),
    ) {
        let mut bytes = whole(if audio { Tracks::Audio } else { Tracks::AudioVideo });
        for (at, bit) in flips {
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
        }
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let mut examiner = Examiner::new();
        cuts.windows(2).for_each(|cut| examiner.push(&bytes[cut[0]..cut[1]]));
        prop_assert_eq!(examiner.finish(), examine(&bytes));
    }

    #[test]
    fn garbage_is_counted_to_the_last_byte(bytes in proptest::collection::vec(any::<u8>(), 0..6000)) {
        let summary = examine(&bytes);
        let packets = summary.packets + summary.lost_sync;
        prop_assert_eq!(packets * 188 + summary.trailing_bytes, bytes.len() as u64);
    }

    /// Noise in well-formed packets on few identifiers reaches the parsers behind the packet header.
    #[test]
    fn garbage_in_packets_is_counted_to_the_last_packet(
        packets in proptest::collection::vec(
            (0_u16..4, any::<bool>(), 0_u8..16, 1_u8..4, 0_u8..190, proptest::collection::vec(any::<u8>(), 8)),
            0..60,
        ),
    ) {
        let mut bytes = whole(Tracks::AudioVideo)[..4 * PACKET].to_vec();
        for (pid, starts, count, control, field, noise) in &packets {
            let pid = [0, 0x1000, VIDEO, AUDIO][usize::from(*pid)].to_be_bytes();
            let mut packet = [noise[0]; PACKET];
            packet[..5].copy_from_slice(&[
                packet::SYNC, u8::from(*starts) << 6 | pid[0], pid[1], control << 4 | count, *field,
            ]);
            packet[5..13].copy_from_slice(noise);
            bytes.extend_from_slice(&packet);
        }
        let summary = examine(&bytes);
        prop_assert_eq!(summary.packets, packets.len() as u64 + 4);
        prop_assert_eq!(summary.streams, 2);
    }

    #[test]
    fn a_cut_inside_a_packet_shows(at in 1_usize..18_000) {
        prop_assume!(at % PACKET != 0);
        let bytes = whole(Tracks::AudioVideo);
        prop_assert!(examine(&bytes[..at]).trailing_bytes > 0);
    }
}

#[test]
fn codecs_and_the_size_of_the_picture_are_told_whatever_the_pieces() {
    for (tracks, picture, codecs) in [
        (Tracks::AudioVideo, Some((1280, 720)), "h264+aac"),
        (Tracks::Video, Some((16, 16_384)), "h264"),
        (Tracks::AudioVideo, None, "h264+aac"),
        (Tracks::Audio, None, "aac"),
    ] {
        let bytes = slice(&SliceSpec { tracks, picture, ..SliceSpec::default() });
        for piece in [1, 187, 4096, bytes.len()] {
            let mut examiner = Examiner::new();
            bytes.chunks(piece).for_each(|piece| examiner.push(piece));
            let summary = examiner.finish();
            assert_eq!(summary.codecs().as_deref(), Some(codecs), "{tracks:?}");
            assert_eq!(summary.picture(), picture, "{tracks:?} in pieces of {piece}");
        }
    }
}
