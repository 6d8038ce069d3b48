//! How it behaves among other programs: pipes, terminals, JSON.

use crate::media::composite;
use crate::program::Case;
use crate::servers::Server;

pub(crate) fn nobody_reads_to_the_end() {
    let (case, sid) = uploaded("pipe");
    for command in
        [format!("locate {sid}"), format!("fetch {sid}"), format!("fetch {sid} --json"), "regions".into()]
    {
        let ran = case.shell(&[], &format!("{{ \"$recfetch\" {command}; echo \"code=$?\" >&2; }} | true"));
        assert!(ran.stderr.contains("code=0"), "{command}: {}", ran.stderr);
        assert!(
            !ran.stderr.contains("panicked") && !ran.stderr.contains("roken pipe"),
            "{command}: {}",
            ran.stderr
        );
    }
}

pub(crate) fn colour_is_for_terminals_that_want_it() {
    let (case, sid) = uploaded("colour");
    const COLOUR: &str = "\u{1b}[";
    let plain = case.run(&["fetch", &sid, "-v"]);
    assert!(!plain.expect(0).said().contains(COLOUR), "{}", plain.said());
    let always = case.run(&["fetch", &sid, "--color", "always"]);
    assert!(always.expect(0).stdout.contains(COLOUR), "{}", always.stdout);
    // A terminal that wants it, and the same with NO_COLOR.
    let on_terminal = format!("script -qec \"$recfetch --progress none fetch {sid}\" /dev/null");
    let terminal = case.shell(&[], &format!("TERM=xterm-256color {on_terminal}"));
    assert!(terminal.expect(0).stdout.contains(COLOUR), "{}", terminal.stdout);
    let refused = case.shell(&[], &format!("TERM=xterm-256color NO_COLOR=1 {on_terminal}"));
    assert!(!refused.expect(0).stdout.contains(COLOUR), "{}", refused.stdout);
    // A bar on a terminal needs no colour to move, and still has none with NO_COLOR.
    let bar = case.shell(
        &[],
        &format!("TERM=xterm-256color NO_COLOR=1 script -qec \"$recfetch fetch {sid}\" /dev/null"),
    );
    for colour in ["\u{1b}[3", "\u{1b}[1m", "\u{1b}[9"] {
        assert!(!bar.expect(0).stdout.contains(colour), "{:?}", bar.stdout);
    }
}

pub(crate) fn json_is_all_there_is_on_stdout() {
    let (case, sid) = uploaded("json");
    let text = sid.as_str();
    for arguments in [
        &["locate", text, "--json"][..],
        &["fetch", text, "--json"],
        &["fetch", text, "--json", "-vv"],
        &["fetch", text, "--json", "-q"],
        &["fetch", text, "--json", "--progress", "json"],
        &["regions", "--json"],
        &["config", "show", "--json"],
    ] {
        let ran = case.run(arguments);
        ran.expect(0).json();
        assert!(!ran.stdout.contains('\u{1b}'), "{arguments:?}");
    }
    let bag = case.out().join(text);
    case.run(&["verify", bag.to_str().expect("text"), "--json"]).expect(0).json();
    case.run(&["join", bag.to_str().expect("text"), "--json"]).expect(0).json();
    let events = case.run(&["fetch", text, "--progress", "json"]);
    for line in events.expect(0).stderr.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    }
    let quiet = case.run(&["fetch", text, "-q"]);
    assert_eq!(quiet.expect(0).stderr, "");
}

fn uploaded(word: &str) -> (Case, String) {
    let recording = composite();
    let prefix = format!("manners-{word}/");
    Server::Seaweed.upload(&prefix, &recording.files);
    (Case::new(word).s3(Server::Seaweed, &prefix, ""), recording.sid)
}
