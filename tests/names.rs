//! The names in `fixtures/names/names.tsv` are read as the table says.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]

use recfetch::domain::filename::{AudioFormat, Container, FileName, Role, Transfer};
use recfetch::domain::recording::{ChannelName, RecordingId};

const TABLE: &str = include_str!("../fixtures/names/names.tsv");

/// One line of the table: what is known, and what the name says.
struct Row {
    name: String,
    recording: Option<RecordingId>,
    channel: Option<ChannelName>,
    expected: String,
}

fn rows() -> Vec<Row> {
    let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with("# "));
    let row = |line: &str| {
        let mut columns = line.splitn(4, '\t');
        let mut next = || columns.next().unwrap();
        Row {
            name: next().replace("\\u0000", "\0").replace("\\u001b", "\u{1b}"),
            recording: Some(next()).filter(|text| *text != "-").map(|text| RecordingId::parse(text).unwrap()),
            channel: Some(next()).filter(|text| *text != "-").map(|text| ChannelName::parse(text).unwrap()),
            expected: next().to_owned(),
        }
    };
    lines.map(row).collect()
}

fn read(row: &Row) -> Option<FileName> {
    match (&row.recording, &row.channel) {
        (Some(id), Some(channel)) => FileName::with_channel(&row.name, id, channel),
        (id, None) => FileName::parse(&row.name, id.as_ref()),
        (None, Some(_)) => unreachable!("a channel is known together with its recording"),
    }
}

fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

fn copy(word: &str, transfer: Option<Transfer>) -> String {
    transfer.map_or_else(|| word.to_owned(), |t| format!("{word} {}/{}", t.tick, t.index))
}

fn file(role: Role) -> String {
    match role {
        Role::Playlist { transfer } => copy("playlist", transfer),
        Role::DashManifest { transfer } => copy("mpd", transfer),
        Role::Slice { starts, container: Container::Ts } => format!("ts {}", starts.digits()),
        Role::Slice { starts, container: Container::WebM } => format!("webm {}", starts.digits()),
        Role::Video { index } => format!("mp4 {}", or_dash(index)),
        Role::Audio { index, format: AudioFormat::Mp3 } => format!("mp3 {}", or_dash(index)),
        Role::Audio { index, format: AudioFormat::M4a } => format!("m4a {}", or_dash(index)),
        Role::Audio { index, format: AudioFormat::Aac } => format!("aac {}", or_dash(index)),
        Role::Snapshot { taken } => format!("jpg {}", taken.digits()),
    }
}

fn columns(name: Option<&FileName>) -> String {
    let Some(name) = name else { return "none".to_owned() };
    [
        or_dash(name.failover),
        name.recording.to_string(),
        or_dash(name.channel.as_ref()),
        name.track.to_string(),
        file(name.role),
        or_dash(name.as_plain().and_then(|plain| plain.channel)),
    ]
    .join("\t")
}

#[test]
fn every_name_in_the_table_is_read_as_it_says() {
    let rows = rows();
    assert!(rows.len() >= 70, "the table has only {} names", rows.len());
    for row in rows {
        assert_eq!(columns(read(&row).as_ref()), row.expected, "{:?}", row.name);
    }
}

#[test]
fn every_name_that_is_read_is_written_as_it_was() {
    for row in rows() {
        if let Some(name) = read(&row) {
            let (stem, extension) = row.name.rsplit_once('.').unwrap();
            assert_eq!(name.to_name(), format!("{stem}.{}", extension.to_lowercase()));
        }
    }
}
