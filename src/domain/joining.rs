//! How the segments of a track become joined files: which are left out where two recorders overlap, and where
//! one file has to end because the next segment is of another form.

use std::collections::{BTreeMap, BTreeSet};

use super::form::{MediaForm, PictureSize};
use super::timeline::TOLERANCE_MS;

/// A rotation that is announced so long behind the start of a segment still holds from its start. Agora's
/// marks bear the time of the slice that they stand before; where several stand before one slice, the later
/// ones fall into it.
const AT_START_MS: i64 = 500;

/// What is known about a segment of a track, in playing order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Piece {
    /// `None` for the playlist itself, the number `n` of `bak<n>_` for a failover copy: another recorder.
    pub recorder: Option<u32>,
    /// When it starts and ends, in milliseconds, where both are known.
    pub span_ms: Option<(i64, i64)>,
    /// What its bytes are.
    pub form: MediaForm,
    /// What the tags before it announce, in their order.
    pub turns: Vec<Turn>,
    /// Whether its bytes are here and proven.
    pub is_here: bool,
}

/// An `EXT-X-AGORA-ROTATE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// From when on, in milliseconds.
    pub at_ms: i64,
    /// The size of the picture.
    pub picture: PictureSize,
    /// By how many degrees it has to be turned, anticlockwise.
    pub degrees: u16,
}

/// Why a joined file ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The picture has another size.
    Size,
    /// Picture or sound are coded in another way, or one of them comes or goes.
    Codec,
    /// The picture has to be turned in another way.
    Rotation,
}

/// Of each piece, whether its whole time is covered by pieces that are here and of a *later* recorder.
///
/// Those are left out where overlaps are cut: at a failover it is the playlist that ends whose end is cut, as
/// Agora's own tool for failover does it (`ha_transcoder`, `-concatStrategy 0`). Takes n log n time for each
/// recorder, of which Agora has four at the most.
#[must_use]
pub fn superseded(pieces: &[Piece]) -> Vec<bool> {
    covered(pieces, |mine, theirs| theirs > mine)
}

/// Of each piece, whether its whole time is covered by pieces that are here and of *any* other recorder. One
/// that is missing leaves no hole then.
#[must_use]
pub fn covered_elsewhere(pieces: &[Piece]) -> Vec<bool> {
    covered(pieces, |mine, theirs| theirs != mine)
}

fn covered(pieces: &[Piece], covers: impl Fn(Option<u32>, Option<u32>) -> bool) -> Vec<bool> {
    let recorders: BTreeSet<_> = pieces.iter().map(|piece| piece.recorder).collect();
    let by_recorder: BTreeMap<_, _> = recorders
        .into_iter()
        .map(|mine| {
            let others = pieces.iter().filter(|piece| piece.is_here && covers(mine, piece.recorder));
            (mine, merged(others.filter_map(|piece| piece.span_ms).collect()))
        })
        .collect();
    let is_covered = |piece: &Piece| {
        let (start, end) = piece.span_ms.filter(|(start, end)| start < end)?;
        let spans = by_recorder.get(&piece.recorder)?;
        let behind = spans.partition_point(|(from, _)| *from <= start.saturating_add(TOLERANCE_MS));
        let (_, until) = spans.get(behind.checked_sub(1)?)?;
        Some(end <= until.saturating_add(TOLERANCE_MS))
    };
    pieces.iter().map(|piece| is_covered(piece).unwrap_or(false)).collect()
}

/// Spans in order, those that touch made one.
fn merged(mut spans: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    spans.sort_unstable();
    let mut merged: Vec<(i64, i64)> = Vec::new();
    for (start, end) in spans {
        match merged.last_mut() {
            Some((_, until)) if start <= until.saturating_add(TOLERANCE_MS) => *until = end.max(*until),
            Some(_) | None => merged.push((start, end)),
        }
    }
    merged
}

/// How long two recorders play at the same time in a file of these pieces, in milliseconds.
#[must_use]
pub fn overlap_ms<'a>(pieces: impl IntoIterator<Item = &'a Piece>) -> u64 {
    let mut reach: Option<(i64, Option<u32>)> = None;
    let mut sum = 0_i64;
    for piece in pieces {
        let Some((start, end)) = piece.span_ms else { continue };
        if let Some((until, recorder)) = reach
            && recorder != piece.recorder
            && until.saturating_sub(start) > TOLERANCE_MS
        {
            sum = sum.saturating_add(until.min(end).saturating_sub(start).max(0));
        }
        if reach.is_none_or(|(until, _)| end > until) {
            reach = Some((end, piece.recorder));
        }
    }
    u64::try_from(sum).unwrap_or_default()
}

/// Tells where a joined file has to end. Takes the pieces of a track one after the other, in playing order.
///
/// What a segment's own bytes say goes before what the tags say; what is not known changes nothing. A
/// discontinuity alone (a pause) is no change: the time stamps start anew, and players cope.
#[derive(Debug, Clone, Default)]
pub struct Runs {
    /// By the last pieces of this run that told.
    codec: Option<String>,
    size: Option<PictureSize>,
    /// By the tags at the start of the piece before.
    before: Option<Turn>,
    /// By the last tag of each recorder's playlist: tags hold on in their own playlist.
    announced: BTreeMap<Option<u32>, Turn>,
    started: bool,
}

impl Runs {
    /// Takes in the tags of a piece whose bytes are not here: they hold for those behind it.
    pub fn pass(&mut self, piece: &Piece) {
        if let Some(turn) = piece.turns.last() {
            self.announced.insert(piece.recorder, *turn);
        }
    }

    /// The change with which the next piece starts another file, or `None` where it goes on in this one.
    pub fn next(&mut self, piece: &Piece) -> Option<Change> {
        let from = piece.span_ms.map_or(i64::MAX, |(start, _)| start.saturating_add(AT_START_MS));
        let at_start = piece.turns.iter().take_while(|turn| turn.at_ms <= from).last().copied();
        let now = at_start.or_else(|| self.announced.get(&piece.recorder).copied());
        // Where nothing held before, the first mark tells about the start although it bears a later time.
        let now = now.or_else(|| piece.turns.first().copied());
        self.pass(piece);
        let change = self.change(&piece.form, now).filter(|_| self.started);
        if change.is_some() {
            self.codec = None;
            self.size = None;
        }
        self.started = true;
        self.codec = piece.form.codec.clone().or(self.codec.take());
        self.size = piece.form.picture.or(self.size);
        self.before = now.or(self.before);
        change
    }

    /// How the picture has to be turned at the start of the last piece, where a tag says so.
    #[must_use]
    pub fn turn(&self) -> Option<Turn> {
        self.before
    }

    fn change(&self, form: &MediaForm, now: Option<Turn>) -> Option<Change> {
        let differ = |a: Option<PictureSize>, b: Option<PictureSize>| a.zip(b).is_some_and(|(a, b)| a != b);
        if self.codec.as_ref().zip(form.codec.as_ref()).is_some_and(|(before, now)| before != now) {
            return Some(Change::Codec);
        }
        let size_changes = match (self.size, form.picture) {
            (Some(before), Some(now)) => before != now,
            (_, _) => differ(self.before.map(|turn| turn.picture), now.map(|turn| turn.picture)),
        };
        if size_changes {
            return Some(Change::Size);
        }
        let turned = self.before.zip(now).is_some_and(|(before, now)| before.degrees != now.degrees);
        turned.then_some(Change::Rotation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: PictureSize = PictureSize { width: 640, height: 480 };
    const LARGE: PictureSize = PictureSize { width: 1280, height: 720 };

    fn turn(at_ms: i64, picture: PictureSize, degrees: u16) -> Turn {
        Turn { at_ms, picture, degrees }
    }

    /// Codecs and size by the bytes, and the tags before it.
    type Told<'a> = (Option<&'a str>, Option<PictureSize>, &'a [Turn]);

    /// Pieces of a second each, one behind the other.
    fn row(forms: &[Told<'_>]) -> Vec<Piece> {
        let piece = |(n, (codec, picture, turns)): (usize, &Told<'_>)| {
            let start = i64::try_from(n).unwrap() * 1000;
            Piece {
                span_ms: Some((start, start + 1000)),
                form: MediaForm { codec: codec.map(str::to_owned), picture: *picture },
                turns: turns.to_vec(),
                is_here: true,
                ..Piece::default()
            }
        };
        forms.iter().enumerate().map(piece).collect()
    }

    fn changes(pieces: &[Piece]) -> Vec<(usize, Change)> {
        let mut runs = Runs::default();
        pieces.iter().enumerate().filter_map(|(n, piece)| Some((n, runs.next(piece)?))).collect()
    }

    #[test]
    fn a_file_ends_where_size_codec_or_rotation_change() {
        let av = Some("h264+aac");
        type Case<'a> = (&'a str, &'a [Told<'a>], &'a [(usize, Change)]);
        let table: &[Case<'_>] = &[
            ("nothing known", &[(None, None, &[]), (None, None, &[])], &[]),
            ("all the same", &[(av, Some(SMALL), &[]), (av, Some(SMALL), &[])], &[]),
            ("another size", &[(av, Some(SMALL), &[]), (av, Some(LARGE), &[])], &[(1, Change::Size)]),
            ("another codec", &[(av, None, &[]), (Some("hevc+aac"), None, &[])], &[(1, Change::Codec)]),
            ("the picture goes", &[(av, None, &[]), (Some("aac"), None, &[])], &[(1, Change::Codec)]),
            (
                "what one does not know the next one is compared over",
                &[(av, Some(SMALL), &[]), (None, None, &[]), (av, Some(LARGE), &[])],
                &[(2, Change::Size)],
            ),
            (
                "there and back",
                &[(av, Some(SMALL), &[]), (av, Some(LARGE), &[]), (av, Some(SMALL), &[])],
                &[(1, Change::Size), (2, Change::Size)],
            ),
            (
                "by the tags where the bytes do not tell",
                &[(av, None, &[turn(0, SMALL, 0)]), (av, None, &[]), (av, None, &[turn(2000, LARGE, 0)])],
                &[(2, Change::Size)],
            ),
            (
                "the bytes go before the tags",
                &[(av, Some(SMALL), &[turn(0, SMALL, 0)]), (av, Some(SMALL), &[turn(1000, LARGE, 0)])],
                &[],
            ),
            (
                "tags and bytes that disagree all along are no change",
                &[(av, Some(SMALL), &[turn(0, LARGE, 0)]), (av, None, &[]), (av, Some(SMALL), &[])],
                &[],
            ),
            (
                "a turn",
                &[(av, Some(SMALL), &[turn(0, SMALL, 0)]), (av, Some(SMALL), &[turn(1000, SMALL, 90)])],
                &[(1, Change::Rotation)],
            ),
            (
                "a turn inside of a piece ends the file behind it",
                &[
                    (av, None, &[turn(0, SMALL, 0), turn(700, SMALL, 90)]),
                    (av, None, &[]),
                    (av, None, &[turn(2000, SMALL, 90)]),
                ],
                &[(1, Change::Rotation)],
            ),
            (
                "there and back inside of one piece",
                &[
                    (av, None, &[turn(0, SMALL, 0), turn(600, SMALL, 90), turn(900, SMALL, 0)]),
                    (av, None, &[]),
                ],
                &[],
            ),
        ];
        for (what, forms, expected) in table {
            assert_eq!(changes(&row(forms)), *expected, "{what}");
        }
    }

    #[test]
    fn the_tags_of_a_piece_that_is_missing_hold_on() {
        let pieces = row(&[
            (None, None, &[turn(0, SMALL, 0)]),
            (None, None, &[turn(1000, SMALL, 90)]),
            (None, None, &[]),
        ]);
        let mut runs = Runs::default();
        assert_eq!(runs.next(&pieces[0]), None);
        runs.pass(&pieces[1]);
        assert_eq!(runs.next(&pieces[2]), Some(Change::Rotation));
    }

    #[test]
    fn tags_hold_on_in_their_own_playlist_only() {
        let mut pieces = row(&[
            (None, None, &[turn(0, SMALL, 0)]),
            (None, None, &[turn(1000, SMALL, 90)]),
            (None, None, &[]),
            (None, None, &[]),
        ]);
        pieces[1].recorder = Some(0);
        pieces[3].recorder = Some(0);
        let turns = [1, 2, 3].map(|n| (n, Change::Rotation));
        assert_eq!(changes(&pieces), turns);
    }

    fn spans(spans: &[(Option<u32>, i64, i64, bool)]) -> Vec<Piece> {
        let piece = |&(recorder, start, end, is_here): &(Option<u32>, i64, i64, bool)| Piece {
            recorder,
            span_ms: Some((start, end)),
            is_here,
            ..Piece::default()
        };
        spans.iter().map(piece).collect()
    }

    #[test]
    fn only_what_later_recorders_cover_wholly_is_left_out() {
        let (base, bak0, bak1) = (None, Some(0), Some(1));
        type Case<'a> = (&'a str, &'a [(Option<u32>, i64, i64, bool)], &'a [usize], u64);
        let table: &[Case<'_>] = &[
            ("nothing overlaps", &[(base, 0, 15, true), (bak0, 15, 30, true)], &[], 0),
            (
                "partly covered stays whole",
                &[(base, 0, 15_000, true), (bak0, 9_000, 30_000, true)],
                &[],
                6_000,
            ),
            (
                "wholly covered goes",
                &[
                    (base, 0, 15_000, true),
                    (bak0, 14_000, 29_000, true),
                    (base, 15_000, 30_000, true),
                    (bak0, 29_000, 44_000, true),
                ],
                &[2],
                1_000,
            ),
            ("what is missing covers nothing", &[(base, 0, 15_000, true), (bak0, 0, 15_000, false)], &[], 0),
            (
                "a hole in between keeps it",
                &[(bak0, 0, 7_000, true), (base, 0, 15_000, true), (bak0, 8_000, 15_000, true)],
                &[],
                14_000,
            ),
            (
                "rounding is no hole",
                &[(bak0, 2, 7_000, true), (base, 0, 15_000, true), (bak0, 7_004, 14_997, true)],
                &[1],
                0,
            ),
            ("the later one stays", &[(base, 0, 30_000, true), (bak0, 5_000, 15_000, true)], &[], 10_000),
            (
                "three recorders",
                &[(base, 0, 10_000, true), (bak0, 0, 10_000, true), (bak1, 0, 10_000, true)],
                &[0, 1],
                0,
            ),
        ];
        for (what, row, expected, overlap) in table {
            let pieces = spans(row);
            let out = superseded(&pieces);
            let left_out: Vec<_> = (0..pieces.len()).filter(|n| out[*n]).collect();
            assert_eq!(left_out, *expected, "{what}");
            let kept = pieces.iter().zip(&out).filter(|(piece, out)| !**out && piece.is_here);
            assert_eq!(overlap_ms(kept.map(|(piece, _)| piece)), *overlap, "{what}");
        }
    }

    #[test]
    fn a_missing_piece_leaves_no_hole_where_any_other_recorder_covers_it() {
        let pieces = spans(&[
            (None, 0, 10_000, true),
            (Some(0), 2_000, 9_000, false),
            (Some(0), 9_000, 12_000, false),
            (None, 20_000, 30_000, false),
            (Some(1), 19_000, 31_000, true),
        ]);
        assert_eq!(covered_elsewhere(&pieces), [false, true, false, true, false]);
    }

    #[test]
    fn without_times_nothing_is_left_out() {
        let pieces = [
            Piece { is_here: true, ..Piece::default() },
            Piece { recorder: Some(0), is_here: true, ..Piece::default() },
        ];
        assert_eq!(superseded(&pieces), [false, false]);
        assert_eq!(overlap_ms(&pieces), 0);
    }
}
