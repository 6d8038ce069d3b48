use std::num::NonZeroU32;

use super::*;
use crate::documents::kit::{Kit, SID};
use crate::domain::check::{ErrorCode, Happened, ToldError, ToldEvent};
use crate::domain::recording::Uid;

fn damaged() -> Kit {
    Kit::new()
        .segments(3, Presence::Present)
        .segments(1, Presence::Lost)
        .segments(1, Presence::Elsewhere { store: 1 })
        .time(15_011, Presence::Unlisted)
        .segments(2, Presence::Present)
}

#[test]
fn a_request_says_what_is_missing_since_when_and_until_when_to_ask() {
    let mut check = damaged().check;
    check.app_id = Some("0123456789abcdef0123456789abcdef".into());
    check.recorder = NonZeroU32::new(527_841).map(Uid);
    check.mode = Some(Mode::Mix);
    check.state = ToldState::BackedUp;
    let at = SliceTime::parse("20260920125310000");
    check.told = vec![
        ToldEvent { at, recorder: check.recorder, what: Happened::BackedUp },
        ToldEvent {
            at,
            recorder: None,
            what: Happened::Failed(ToldError {
                module: Some(1),
                code: ErrorCode::Number(47),
                words: Some("put https://lessons.example.com/a.ts?X-Amz-Signature=feed failed".into()),
            }),
        },
        ToldEvent { at: None, recorder: None, what: Happened::Snapshot },
    ];
    insta::assert_snapshot!(ticket(&check), @r"
    Agora Cloud Recording: files of a recording are missing

    App ID           0123456789abcdef0123456789abcdef
    Recording (sid)  38f8e3cfdc474cd56fc1ceba380d7e1a
    Channel (cname)  math 7b
    Recorder uid     527841
    Mode             composite (mix)
    Recorded         2026-09-20 12:51:42.485 UTC to 2026-09-20 12:53:42.496 UTC
    Checked          2026-09-21 08:00:00.000 UTC, by listings and playlists
    State            backuped: a part went to Agora Cloud Backup
    Stored in        prod: Amazon S3, eu-west-1, bucket lessons, 9 files of it listed
    Fallback         backup: Amazon S3, eu-west-1, bucket lessons, 2 files of it listed
    Folder           school/

    What is missing
      1 file that playlists list and no store has:
        38f8e3cfdc474cd56fc1ceba380d7e1a_math 7b_20260920125227485.ts  2026-09-20 12:52:27.485 UTC to 2026-09-20 12:52:42.485 UTC
      1 time that no playlist names:
        2026-09-20 12:52:57.485 UTC to 2026-09-20 12:53:12.496 UTC (15.011 s)

    Statuses and errors that were seen
      2026-09-20 12:53:10.000 UTC  recorder 527841  backuped (event 32)
      2026-09-20 12:53:10.000 UTC  error 47 of the uploader: put https://lessons.example.com/a.ts failed

    What was tried
      prod: its list of objects was read, and it does not have the files above
      backup: its list of objects was read, and it does not have the files above

    Agora Cloud Backup
      keeps files for ten days after the recording: until 2026-09-30 12:53:42.496 UTC, 9 days 4 hours from now

    Please look up this recording in the logs of the recorder and the uploader, tell whether the files above
    are still in Agora Cloud Backup, and have them transferred to the bucket named above.
    ");
}

#[test]
fn where_nothing_is_missing_nothing_is_asked() {
    let text = ticket(&Kit::new().segments(3, Presence::Present).check);
    assert_eq!(
        text,
        format!("Nothing of recording {SID} is known to be missing: there is nothing to ask Agora for.\n")
    );
    // Nor is Agora asked for what only a store's refusal hides.
    let unknown = Kit::new().segments(2, Presence::Unknown).diagnosis(Rule::ReadDenied, "prod refuses").check;
    let text = ticket(&unknown);
    assert!(text.starts_with("Nothing") && text.contains("of 2 segments no store could tell"), "{text}");
    assert!(text.contains("in your own store or settings") && !text.contains("Please"), "{text}");
}

#[test]
fn a_recording_that_is_all_lost_does_not_fill_the_request() {
    let text = ticket(&Kit::new().segments(TICKET_LINES + 37, Presence::Lost).check);
    assert_eq!(text.matches(".ts  2026").count(), TICKET_LINES);
    assert!(text.contains("237 files that playlists list and no store has:"), "{text}");
    assert!(text.contains("    and 37 more\n"), "{text}");
}

#[test]
fn losses_without_a_name_are_a_reason_to_ask_too_and_those_of_the_store_are_not() {
    for (rule, asked) in [
        (Rule::ToldAbsent, true),
        (Rule::RecorderHole, true),
        (Rule::NoPlaylist, true),
        (Rule::ReadDenied, false),
        (Rule::PlaylistFrozen, false),
        (Rule::StillRunning, false),
        (Rule::Structure, false),
        (Rule::Orphan, false),
    ] {
        let check = Kit::new().segments(2, Presence::Present).diagnosis(rule, "a sentence").check;
        assert_eq!(ticket(&check).contains("Please"), asked, "{rule:?}");
    }
}

#[test]
fn the_ten_days_are_counted_from_the_end_and_said_to_be_over_when_they_are() {
    let mut check = damaged().check;
    assert_eq!(check.backup_ends().unwrap().to_string(), "2026-09-30T12:53:42.496Z");
    check.at = SliceTime::parse("20261001000000000").unwrap();
    let text = ticket(&check);
    assert!(text.contains("until 2026-09-30 12:53:42.496 UTC, which is over"), "{text}");
    check.last = None;
    assert!(ticket(&check).contains("when this recording ended is not known here"));
}

#[test]
fn what_services_say_is_one_line_without_the_queries_of_urls() {
    assert_eq!(clean("a\u{1b}[2J b\n c"), "a [2J b c");
    assert_eq!(clean("see https://h/x?sig=1 and HTTP://h/y#z."), "see https://h/x and HTTP://h/y");
    assert_eq!(clean(&"word ".repeat(200)).chars().count(), 301);
}
