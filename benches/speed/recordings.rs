//! What grows with the number of segments, with and without damage: the time for a segment must not grow.

use std::time::Duration;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use recfetch::archive::ReportV1;
use recfetch::documents::{CheckV1, page, playlists, ticket};
use recfetch::domain::check::{Check, check};
use recfetch::domain::continuity::{Stamp, suspects};
use recfetch::domain::joining::{Piece, superseded};
use recfetch::domain::play;
use recfetch::domain::playlist::Discontinuity;
use recfetch::domain::recording::TrackId;
use recfetch::domain::timeline::{RunInput, RunSegment, examine};

use crate::made::{Damage, Made, report};

/// How many segments, and what is wrong with them.
const CASES: [Case; 8] = [
    (2_000, Damage::None),
    (20_000, Damage::None),
    (2_000, Damage::Lost),
    (20_000, Damage::Lost),
    (2_000, Damage::Holes),
    (20_000, Damage::Holes),
    (2_000, Damage::Orphans),
    (20_000, Damage::Orphans),
];

type Case = (i64, Damage);

/// Measures for each segment.
fn each<T>(bencher: Bencher<'_, '_>, (segments, _): Case, work: impl Fn() -> T + Sync) {
    bencher.counter(ItemsCount::new(segments.unsigned_abs())).bench(work);
}

fn checked((segments, damage): Case) -> (Made, Check) {
    let made = Made::new(segments, damage);
    let check = check(&made.gathered());
    (made, check)
}

#[divan::bench(args = CASES)]
fn locate(bencher: Bencher<'_, '_>, case: Case) {
    let made = Made::new(case.0, case.1);
    each(bencher, case, || Made::choose(black_box(&made.listing).clone()));
}

#[divan::bench(args = CASES)]
fn plan(bencher: Bencher<'_, '_>, case: Case) {
    let made = Made::new(case.0, case.1);
    each(bencher, case, || black_box(&made).plan());
}

/// The same segments in the playlist and in each failover copy of it.
#[divan::bench(args = CASES)]
fn timeline(bencher: Bencher<'_, '_>, case: Case) {
    let made = Made::new(case.0, case.1);
    let segments: Vec<_> = made.plan.tracks[0]
        .segments
        .iter()
        .map(|segment| RunSegment {
            name: segment.name.clone(),
            starts: segment.starts,
            duration: segment.listed.duration,
            discontinuity: Discontinuity::Continues,
        })
        .collect();
    let run = |failover| RunInput { failover, segments: segments.clone(), ..RunInput::default() };
    let runs = [run(None), run(Some(0)), run(Some(1))];
    each(bencher, case, || examine(&TrackId::MIXED, black_box(&runs)));
}

/// With two clocks that a third of the segments does not follow.
#[divan::bench(args = CASES)]
fn continuity(bencher: Bencher<'_, '_>, case: Case) {
    let made = Made::new(case.0, case.1);
    let stamps: Vec<_> = made.plan.tracks[0]
        .segments
        .iter()
        .zip(0_u64..)
        .map(|(segment, n)| Stamp {
            name: segment.name.clone(),
            starts_ms: segment.starts.map(|at| at.unix_ms()),
            duration_ms: Some(15_000),
            first_pts: Some(126_000 + n * 15_000 * 90 + if n % 3 == 1 { n * 1_000_000 } else { 0 }),
            span: Some(15_000 * 90),
            run: 0,
            // Every tenth has the bytes of another.
            sha256: Some([u8::try_from(n / 10 % 256).unwrap_or_default(); 32]).filter(|_| n % 10 == 0),
        })
        .collect();
    each(bencher, case, || suspects(black_box(&stamps)));
}

#[divan::bench(args = CASES)]
fn checking(bencher: Bencher<'_, '_>, case: Case) {
    let made = Made::new(case.0, case.1);
    let gathered = made.gathered();
    each(bencher, case, || check(black_box(&gathered)));
}

#[divan::bench(args = CASES)]
fn check_json(bencher: Bencher<'_, '_>, case: Case) {
    let (_, check) = checked(case);
    each(bencher, case, || serde_json::to_string(&CheckV1::from(black_box(&check))));
}

#[divan::bench(args = CASES)]
fn check_page(bencher: Bencher<'_, '_>, case: Case) {
    let (_, check) = checked(case);
    let check = CheckV1::from(&check);
    each(bencher, case, || page(black_box(&check)));
}

#[divan::bench(args = CASES)]
fn check_playlists(bencher: Bencher<'_, '_>, case: Case) {
    let (made, check) = checked(case);
    each(bencher, case, || playlists(black_box(&check), &made.plan));
}

#[divan::bench(args = CASES)]
fn check_ticket(bencher: Bencher<'_, '_>, case: Case) {
    let (_, check) = checked(case);
    each(bencher, case, || ticket(black_box(&check)));
}

#[divan::bench(args = CASES)]
fn report_json(bencher: Bencher<'_, '_>, case: Case) {
    let report = report(&Made::new(case.0, case.1));
    each(bencher, case, || ReportV1::from(black_box(&report)).to_json());
}

#[divan::bench(args = CASES)]
fn play_list(bencher: Bencher<'_, '_>, case: Case) {
    let made = Made::new(case.0, case.1);
    let items: Vec<_> = made.plan.tracks[0]
        .segments
        .iter()
        .map(|segment| play::PlayItem {
            path: segment.name.as_str().to_owned(),
            duration: Some(Duration::from_secs(15)),
            discontinuity: segment.listed.discontinuity,
            presence: play::Presence::Here,
            starts: segment.starts,
            tags: segment.listed.tags.clone(),
        })
        .collect();
    each(bencher, case, || play::write(black_box(&items)));
}

/// Four recorders at the same time.
#[divan::bench(args = CASES)]
fn joining(bencher: Bencher<'_, '_>, case: Case) {
    let piece = |n: i64| Piece {
        recorder: u32::try_from(n % 4).ok().filter(|n| *n > 0),
        span_ms: Some((n / 4 * 15_000, n / 4 * 15_000 + 15_000)),
        is_here: n % 3 != 1,
        ..Piece::default()
    };
    let pieces: Vec<_> = (0..case.0).map(piece).collect();
    each(bencher, case, || superseded(black_box(&pieces)));
}
