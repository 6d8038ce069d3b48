use recfetch::domain::check::{Presence, Rule};

use super::*;
use crate::args::RowFormat;
use crate::failure::Failure;
use crate::output::check::kit::Kit;
use crate::output::check::rows::{COLUMNS, Row, head as row_head};
use crate::output::screen::Letters;

fn said(check: &Check, width: usize, letters: Letters, detail: Detail) -> String {
    let text = report(check, &CheckV1::of(check), Screen { width, letters }, detail);
    anstream::adapter::strip_str(&text).to_string()
}

fn damaged() -> Kit {
    Kit::new()
        .segments(100, Presence::Present)
        .segments(1, Presence::Lost)
        .of_last(Rule::SegmentAbsent, "is listed and absent in prod and backup")
        .segments(2, Presence::Elsewhere { store: 1 })
        .of_last(Rule::SegmentElsewhere, "is absent in prod and is in backup")
        .time(15_011, Presence::Unlisted)
        .of_time(Rule::UnlistedGap, "mixed: 1 slice of 15.011 s was lost before it was listed")
        .segments(50, Presence::Present)
        .time(72_000, Presence::NeverRecorded)
        .segments(60, Presence::Present)
        .orphan(0)
}

#[test]
fn a_damaged_recording_at_80_columns() {
    insta::assert_snapshot!(said(&damaged().check, 80, Letters::Unicode, Detail::Grouped), @r"
    recording  38f8e3cf…  channel math 7b  2026-09-20 12:51:42 → 13:46:24 UTC
               (54:42)
    in         prod: Amazon S3, eu-west-1, bucket lessons, 9 objects
    in         backup: Amazon S3, eu-west-1, bucket lessons, 2 objects

    12:51 ███████████████████████████████┈╌███████████████░███████████████████ 13:46
          █ in the bucket 210   ▒ only in backup 2   ┈ lost 1   ╌ unlisted 0:15
          ░ never recorded 1:12

    lost       #101  13:16:42.485 → 13:16:57.485  …_20260920131642485.ts is listed
               and absent in prod and backup
    elsewhere  #103  13:17:12.485 → 13:17:27.485  …_20260920131712485.ts is absent
               in prod and is in backup
    unlisted   13:17:27.485 → 13:17:42.496  15.011 s  mixed: 1 slice of 15.011 s was
               lost before it was listed
    why        RF101: the playlist lists it and every store is sure not to have it:
               this part of the recording is lost unless Agora Cloud Backup still
               pushes it
    why        RF201: between two slices that should follow each other time is
               missing, and nothing explains it: slices were lost before the
               playlist could name them
    do         RF101: list again until ten days after the end (--wait-backup), then
               ask Agora with --ticket
    do         RF201: ask Agora with --ticket; look at a log of callbacks with
               --events, which may explain it
    do         ask Agora support before 2026-09-30 13:46 UTC (ten days); --ticket
               prints the text
    more       recfetch explain RF102
    incomplete 1 lost, 0:15 unlisted, 1 orphan; 2 to be had from another store (no
               media was read)
    ");
}

#[test]
fn a_damaged_recording_at_120_columns() {
    insta::assert_snapshot!(said(&damaged().check, 120, Letters::Unicode, Detail::Grouped), @r"
    recording  38f8e3cf…  channel math 7b  2026-09-20 12:51:42 → 13:46:24 UTC (54:42)
    in         prod: Amazon S3, eu-west-1, bucket lessons, 9 objects
    in         backup: Amazon S3, eu-west-1, bucket lessons, 2 objects

    12:51 █████████████████████████████████████████████████┈╌╌████████████████████████░░██████████████████████████████ 13:46
          █ in the bucket 210   ▒ only in backup 2   ┈ lost 1   ╌ unlisted 0:15   ░ never recorded 1:12

    lost       #101  13:16:42.485 → 13:16:57.485  …_20260920131642485.ts is listed and absent in prod and backup
    elsewhere  #103  13:17:12.485 → 13:17:27.485  …_20260920131712485.ts is absent in prod and is in backup
    unlisted   13:17:27.485 → 13:17:42.496  15.011 s  mixed: 1 slice of 15.011 s was lost before it was listed
    why        RF101: the playlist lists it and every store is sure not to have it: this part of the recording is lost
               unless Agora Cloud Backup still pushes it
    why        RF201: between two slices that should follow each other time is missing, and nothing explains it: slices were
               lost before the playlist could name them
    do         RF101: list again until ten days after the end (--wait-backup), then ask Agora with --ticket
    do         RF201: ask Agora with --ticket; look at a log of callbacks with --events, which may explain it
    do         ask Agora support before 2026-09-30 13:46 UTC (ten days); --ticket prints the text
    more       recfetch explain RF102
    incomplete 1 lost, 0:15 unlisted, 1 orphan; 2 to be had from another store (no media was read)
    ");
}

#[test]
fn a_damaged_recording_in_ascii() {
    let text = said(&damaged().check, 80, Letters::Ascii, Detail::Grouped);
    assert!(text.is_ascii(), "{text}");
    insta::assert_snapshot!(text, @r"
    recording  38f8e3cf...  channel math 7b  2026-09-20 12:51:42 -> 13:46:24 UTC
               (54:42)
    in         prod: Amazon S3, eu-west-1, bucket lessons, 9 objects
    in         backup: Amazon S3, eu-west-1, bucket lessons, 2 objects

    12:51 ###############################!x###############.################### 13:46
          # in the bucket 210   + only in backup 2   ! lost 1   x unlisted 0:15
          . never recorded 1:12

    lost       #101  13:16:42.485 -> 13:16:57.485  ..._20260920131642485.ts is
               listed and absent in prod and backup
    elsewhere  #103  13:17:12.485 -> 13:17:27.485  ..._20260920131712485.ts is
               absent in prod and is in backup
    unlisted   13:17:27.485 -> 13:17:42.496  15.011 s  mixed: 1 slice of 15.011 s
               was lost before it was listed
    why        RF101: the playlist lists it and every store is sure not to have it:
               this part of the recording is lost unless Agora Cloud Backup still
               pushes it
    why        RF201: between two slices that should follow each other time is
               missing, and nothing explains it: slices were lost before the
               playlist could name them
    do         RF101: list again until ten days after the end (--wait-backup), then
               ask Agora with --ticket
    do         RF201: ask Agora with --ticket; look at a log of callbacks with
               --events, which may explain it
    do         ask Agora support before 2026-09-30 13:46 UTC (ten days); --ticket
               prints the text
    more       recfetch explain RF102
    incomplete 1 lost, 0:15 unlisted, 1 orphan; 2 to be had from another store (no
               media was read)
    ");
}

#[test]
fn a_recording_without_a_fault_is_short() {
    let check = Kit::new().segments(40, Presence::Present).check;
    insta::assert_snapshot!(said(&check, 80, Letters::Unicode, Detail::Grouped), @r"
    recording  38f8e3cf…  channel math 7b  2026-09-20 12:51:42 → 13:01:42 UTC
               (10:00)
    in         prod: Amazon S3, eu-west-1, bucket lessons, 9 objects
    in         backup: Amazon S3, eu-west-1, bucket lessons, 2 objects

    12:51 ████████████████████████████████████████████████████████████████████ 13:01
          █ in the bucket 40

    nothing missing: 40 segments, 10:00 (no media was read)
    ");
}

#[test]
fn no_line_is_wider_than_the_screen_unless_a_name_is() {
    for width in [40, 80, 120] {
        let text = said(&damaged().check, width, Letters::Unicode, Detail::Grouped);
        for line in text.lines().filter(|line| line.chars().count() > width) {
            assert!(!line.trim_start().contains(' '), "{line}");
        }
    }
}

#[test]
fn alike_findings_are_one_line_and_many_are_counted() {
    let lost = |kit: Kit, presence: Presence| {
        let kit = kit.segments(1, presence);
        if presence == Presence::Lost { kit.of_last(Rule::SegmentAbsent, "is absent in prod") } else { kit }
    };
    // Four hundred in a row.
    let run = (0..400).fold(Kit::new(), |kit, _| lost(kit, Presence::Lost)).check;
    let text = said(&run, 120, Letters::Unicode, Detail::Grouped);
    assert_eq!(text.lines().filter(|line| line.starts_with("lost ")).count(), 1, "{text}");
    assert!(text.contains("#1–#400") && text.contains("400 segments, each is absent in prod"), "{text}");
    assert_eq!(said(&run, 80, Letters::Unicode, Detail::All).matches("\nlost ").count(), 400);
    // Every other one.
    let each = (0..94)
        .fold(Kit::new(), |kit, n| lost(kit, if n % 2 == 0 { Presence::Lost } else { Presence::Present }));
    let text = said(&each.check, 80, Letters::Unicode, Detail::Grouped);
    assert_eq!(text.lines().filter(|line| line.starts_with("lost ")).count(), 10, "{text}");
    assert!(text.contains("           and 37 more (--verbose lists all)\n"), "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("why ")).count(), 1, "{text}");
}

#[test]
fn hostile_names_do_not_reach_the_terminal() {
    let check = Kit::new().segments(1, Presence::Lost).of_last(Rule::SegmentAbsent, "a\u{1b}[2Jb\n c").check;
    let text = said(&check, 80, Letters::Unicode, Detail::Grouped);
    assert!(!text.contains('\u{1b}') && text.contains("a\\u{1b}[2Jb\\n"), "{text}");
}

#[test]
fn each_recording_is_one_line_of_each_form() {
    let mut check = damaged().check;
    check.channel = recfetch::domain::recording::ChannelName::parse("math, \"7b\"");
    let row = Row::of(&CheckV1::of(&check));
    let csv = row.line(RowFormat::Csv);
    insta::assert_snapshot!(csv.trim_end(), @r#"38f8e3cfdc474cd56fc1ceba380d7e1a,incomplete,3,"math, ""7b""",,prod,school/,2026-09-20T12:51:42.485Z,2026-09-20T13:46:24.496Z,1,213,210,2,1,0,0,1,15000,15011,72000,39856000,RF101 RF102 RF201,"#);
    assert!(csv.ends_with("\r\n"));
    assert_eq!(row_head(RowFormat::Csv).unwrap().trim_end().split(',').count(), COLUMNS.len());
    let object: serde_json::Value = serde_json::from_str(&row.line(RowFormat::Ndjson)).unwrap();
    assert_eq!(object.as_object().unwrap().len(), COLUMNS.len());
    assert_eq!((&object["lost"], &object["channel"]), (&1.into(), &"math, \"7b\"".into()));
    let table = row_head(RowFormat::Table).unwrap() + &row.line(RowFormat::Table);
    let failure = Failure::not_found("recording x was not found");
    let table = table + &Row::failed("https://h/x.m3u8?sig=secret", &failure).line(RowFormat::Table);
    insta::assert_snapshot!(table, @r#"
    standing         recording                         from (UTC)        segments   lost   unlisted  elsewhere  channel
    incomplete       38f8e3cfdc474cd56fc1ceba380d7e1a  2026-09-20 12:51       213      1     15.0 s          2  math, "7b"
    failed           https://h/x.m3u8                                                                           recording x was not found
    "#);
}
