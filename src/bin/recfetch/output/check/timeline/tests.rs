use recfetch::documents::CheckV1;
use recfetch::domain::check::Stretch;

use super::*;
use crate::output::check::kit::Kit;

const WIDE: Screen = Screen { width: 80, letters: Letters::Unicode };
const ASCII: Screen = Screen { width: 80, letters: Letters::Ascii };

fn drawn(check: &Check, screen: Screen) -> String {
    let text = line(check, &check.tracks[0], screen).unwrap();
    anstream::adapter::strip_str(&text).to_string()
}

#[test]
fn it_is_exactly_as_wide_as_the_screen() {
    let kit = || Kit::new().segments(300, Presence::Present).segments(1, Presence::Lost);
    for width in [30, 40, 79, 80, 81, 120, 233] {
        for letters in [Letters::Unicode, Letters::Ascii] {
            let text = drawn(&kit().segments(100, Presence::Present).check, Screen { width, letters });
            assert_eq!(text.trim_end_matches('\n').chars().count(), width, "{text}");
        }
    }
}

#[test]
fn no_cell_hides_a_loss() {
    // One lost slice among five thousand, wherever it is, and one lost millisecond.
    for place in [0, 1, 2500, 4998, 4999] {
        let check = Kit::new()
            .segments(place, Presence::Present)
            .segments(1, Presence::Lost)
            .segments(4999 - place, Presence::Present)
            .check;
        assert!((1..=2).contains(&drawn(&check, ASCII).matches('!').count()), "{place}");
    }
    let moment = Kit::new().time(3_600_000, Presence::Present).time(1, Presence::Unlisted);
    let text = drawn(&moment.time(3_600_000, Presence::Present).check, ASCII);
    assert!((1..=2).contains(&text.matches('x').count()), "{text}");
    // Though no piece of time says so, a lost segment does.
    let mut check = Kit::new().segments(100, Presence::Present).check;
    check.tracks[0].segments[50].presence = Presence::Lost;
    check.tracks[0].segments[50].ends = None;
    assert_eq!(drawn(&check, ASCII).matches('!').count(), 1);
}

#[test]
fn the_worst_of_a_cell_wins() {
    let all = [
        (Presence::Present, '#'),
        (Presence::Elsewhere { store: 1 }, '+'),
        (Presence::Unknown, '?'),
        (Presence::Unlisted, 'x'),
        (Presence::Lost, '!'),
    ];
    for (place, (worse, letter)) in all.iter().enumerate() {
        for (better, _) in &all[..=place] {
            for pieces in [[*worse, *better], [*better, *worse]] {
                // Both are far shorter than a cell.
                let kit = Kit::new().time(1000, pieces[0]).time(1000, pieces[1]);
                let text = drawn(&kit.time(3_600_000, Presence::Present).check, ASCII);
                assert_eq!(text.chars().nth(6), Some(*letter), "{worse:?} {better:?}: {text}");
            }
        }
    }
}

#[test]
fn of_what_is_there_and_what_was_never_recorded_the_longer_shows() {
    let text = |never| {
        let kit = Kit::new().time(60_000 - never, Presence::Present).time(never, Presence::NeverRecorded);
        drawn(&kit.time(68 * 60_000, Presence::Present).check, ASCII)
    };
    assert_eq!(text(40_000).chars().nth(6), Some('.'));
    assert_eq!(text(10_000).chars().nth(6), Some('#'));
    assert_eq!(text(10_000).matches('.').count(), 0);
}

#[test]
fn a_short_recording_has_seconds_and_one_without_times_has_numbers() {
    let check = Kit::new().segments(4, Presence::Present).check;
    assert!(drawn(&check, WIDE).starts_with("12:51:42 ████"), "{}", drawn(&check, WIDE));
    let mut check = Kit::new().segments(3, Presence::Present).segments(1, Presence::Lost).check;
    check.tracks[0].stretches.clear();
    let text = drawn(&check, ASCII);
    assert!(text.starts_with("#1 ####") && text.ends_with("! #4\n"), "{text}");
    assert_eq!(text.len(), 81);
    check.tracks[0].segments.clear();
    assert_eq!(line(&check, &check.tracks[0], ASCII), None);
}

#[test]
fn times_outside_of_the_recording_do_no_harm() {
    let mut check = Kit::new().segments(2, Presence::Present).check;
    let (first, last) = (check.first.unwrap(), check.last.unwrap());
    check.tracks[0].stretches.push(Stretch {
        from: last.plus_ms(60_000),
        until: last.plus_ms(90_000),
        presence: Presence::Lost,
    });
    check.tracks[0].stretches.push(Stretch {
        from: first.plus_ms(-60_000),
        until: first.plus_ms(-50_000),
        presence: Presence::Unknown,
    });
    let text = drawn(&check, ASCII);
    assert_eq!(text.len(), 81, "{text}");
    assert!(text.contains('!') && text.contains('?'), "{text}");
}

#[test]
fn the_legend_counts_all_and_wraps_at_the_width() {
    let check = Kit::new()
        .segments(30, Presence::Present)
        .segments(2, Presence::Elsewhere { store: 1 })
        .segments(1, Presence::Lost)
        .time(15_011, Presence::Unlisted)
        .time(72_000, Presence::NeverRecorded)
        .segments(3, Presence::Unknown)
        .check;
    let totals = CheckV1::of(&check).totals;
    let text = |screen| anstream::adapter::strip_str(&legend(&check, &totals, screen)).to_string();
    assert_eq!(
        text(Screen { width: 120, ..ASCII }),
        "      # in the bucket 30   + only in backup 2   ! lost 1   x unlisted 0:15   . never recorded 1:12   ? unknown 3\n"
    );
    for width in [30, 40, 80] {
        let text = text(Screen { width, ..WIDE });
        assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
        assert_eq!(text.matches(['█', '▒', '┈', '╌', '░', '?']).count(), 6, "{text}");
    }
}
