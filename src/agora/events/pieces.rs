//! A stream of bytes, cut into values and lines.
//!
//! Brackets and commas around values are nothing: so an array of a million events takes no more room than one
//! after the other. What starts with a brace is a value until the brace that closes it, over as many lines as it
//! takes; anything else is a line of text. A value that is no JSON costs its first line, and reading goes on with
//! the next one: a log that lost the end of a line does not lose the lines behind it.

use std::io::{self, BufRead, ErrorKind};

use super::MAX_PIECE_BYTES;

/// Deeper than any shape. It also bounds how often bytes are looked at: each line that leaves something open and
/// turns out to be broken makes the lines behind it be read again.
const MAX_DEPTH: usize = 32;

/// The most values within one: more names than one event can have.
const MAX_VALUES: usize = 1_000_000;

/// A part of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// From a brace to the one that closes it.
    Object(&'a [u8]),
    /// A line, or the rest of one, without blanks around it.
    Text(&'a [u8]),
    /// A line on which something starts that is no value.
    Broken(Broken),
}

/// Why something is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// No JSON.
    Syntax(&'static str),
    /// The log ends inside.
    CutOff,
    /// Too long, or of too many values.
    TooLarge,
}

/// The parts of a log, one after the other.
pub(super) struct Pieces<R> {
    reader: R,
    /// What was read and is not behind us: from `start` on.
    buffer: Vec<u8>,
    start: usize,
    /// The line at `start`, from 1.
    line: u64,
    /// Whether nothing was looked at yet.
    fresh: bool,
    limit: usize,
}

impl<R: BufRead> Pieces<R> {
    pub(super) fn new(reader: R) -> Self {
        Self::with_limit(reader, MAX_PIECE_BYTES)
    }

    pub(super) fn with_limit(reader: R, limit: usize) -> Self {
        Self { reader, buffer: Vec::new(), start: 0, line: 1, fresh: true, limit }
    }

    /// The next part, with the line that it starts on.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, Piece<'_>)>> {
        if std::mem::take(&mut self.fresh) {
            while self.buffer.len() < 3 && self.fill()? {}
            if self.buffer.starts_with(b"\xef\xbb\xbf") {
                self.start = 3;
            }
        }
        loop {
            let Some(byte) = self.buffer.get(self.start) else {
                if self.fill()? {
                    continue;
                }
                return Ok(None);
            };
            match byte {
                b'\n' => {
                    self.line += 1;
                    self.start += 1;
                }
                b' ' | b'\t' | b'\r' | b',' | b'[' | b']' => self.start += 1,
                b'{' => return self.object(),
                _ => return self.text(),
            }
        }
    }

    fn object(&mut self) -> io::Result<Option<(u64, Piece<'_>)>> {
        let mut scan = Scan::default();
        let mut length = 0;
        loop {
            match scan.feed(&self.buffer[self.start + length..]) {
                Ok(Some(last)) => length += last,
                Ok(None) => {
                    length = self.buffer.len() - self.start;
                    if length > self.limit {
                        return self.give_up(Broken::TooLarge);
                    }
                    if !self.fill()? {
                        return self.give_up(Broken::CutOff);
                    }
                    continue;
                }
                Err(why) => return self.give_up(why),
            }
            if length > self.limit {
                return self.give_up(Broken::TooLarge);
            }
            let line = self.line;
            let from = self.start;
            self.line += scan.lines;
            self.start += length;
            return Ok(Some((line, Piece::Object(&self.buffer[from..from + length]))));
        }
    }

    fn text(&mut self) -> io::Result<Option<(u64, Piece<'_>)>> {
        let mut length = 0;
        loop {
            let fresh = &self.buffer[self.start + length..];
            if let Some(end) = fresh.iter().position(|byte| *byte == b'\n') {
                length += end;
                break;
            }
            length += fresh.len();
            if length > self.limit {
                return self.give_up(Broken::TooLarge);
            }
            if !self.fill()? {
                break;
            }
        }
        let from = self.start;
        self.start += length;
        if length > self.limit {
            return Ok(Some((self.line, Piece::Broken(Broken::TooLarge))));
        }
        Ok(Some((self.line, Piece::Text(self.buffer[from..from + length].trim_ascii()))))
    }

    /// Leaves out the line at `start`.
    fn give_up(&mut self, why: Broken) -> io::Result<Option<(u64, Piece<'_>)>> {
        loop {
            if let Some(end) = self.buffer[self.start..].iter().position(|byte| *byte == b'\n') {
                self.start += end;
                break;
            }
            self.start = self.buffer.len();
            if !self.fill()? {
                break;
            }
        }
        Ok(Some((self.line, Piece::Broken(why))))
    }

    /// Reads on, and forgets what is behind us. `false` at the end.
    fn fill(&mut self) -> io::Result<bool> {
        self.buffer.drain(..self.start);
        self.start = 0;
        loop {
            match self.reader.fill_buf() {
                Ok(bytes) => {
                    let read = bytes.len();
                    self.buffer.extend_from_slice(bytes);
                    self.reader.consume(read);
                    return Ok(read > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Where in a value its bytes are. Numbers and words are left to the parser proper: this tells where a value
/// ends, and notices at once where it goes on as no value does.
struct Scan {
    depth: usize,
    /// A bit for each open bracket, the innermost the lowest: whether it is a brace.
    braces: u64,
    expect: Expect,
    within: Within,
    values: usize,
    lines: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    CommaOrEnd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    Nothing,
    /// A number or a word.
    Word,
    Text,
    /// Behind a backslash.
    Escape,
}

impl Default for Scan {
    fn default() -> Self {
        Self { depth: 0, braces: 0, expect: Expect::Value, within: Within::Nothing, values: 0, lines: 0 }
    }
}

impl Scan {
    /// Takes in more bytes: `Some` with their number where the value ends among them.
    fn feed(&mut self, bytes: &[u8]) -> Result<Option<usize>, Broken> {
        for (i, byte) in bytes.iter().enumerate() {
            match self.within {
                Within::Text => match byte {
                    b'"' => self.within = Within::Nothing,
                    b'\\' => self.within = Within::Escape,
                    ..b' ' => return Err(Broken::Syntax("a text breaks off")),
                    _ => {}
                },
                Within::Escape if *byte < b' ' => return Err(Broken::Syntax("a text breaks off")),
                Within::Escape => self.within = Within::Text,
                Within::Word if is_of_a_word(*byte) => {}
                Within::Word | Within::Nothing => {
                    self.within = Within::Nothing;
                    self.sign(*byte)?;
                    if self.depth == 0 {
                        return Ok(Some(i + 1));
                    }
                }
            }
        }
        Ok(None)
    }

    fn sign(&mut self, byte: u8) -> Result<(), Broken> {
        use Expect::{Colon, CommaOrEnd, Key, KeyOrEnd, Value, ValueOrEnd};
        let in_braces = self.braces & 1 == 1;
        match (byte, self.expect) {
            (b'\n', _) => self.lines += 1,
            (b' ' | b'\t' | b'\r', _) => {}
            (b'{', Value | ValueOrEnd) => self.open(true)?,
            (b'[', Value | ValueOrEnd) => self.open(false)?,
            (b'}', KeyOrEnd | CommaOrEnd) if in_braces => self.close(),
            (b']', ValueOrEnd | CommaOrEnd) if !in_braces => self.close(),
            (b',', CommaOrEnd) => {
                self.expect = if in_braces { Key } else { Value };
                self.count()?;
            }
            (b':', Colon) => self.expect = Value,
            (b'"', Key | KeyOrEnd) => (self.within, self.expect) = (Within::Text, Colon),
            (b'"', Value | ValueOrEnd) => (self.within, self.expect) = (Within::Text, CommaOrEnd),
            (_, Value | ValueOrEnd) if is_of_a_word(byte) => {
                (self.within, self.expect) = (Within::Word, CommaOrEnd);
            }
            (_, Value | ValueOrEnd) => return Err(Broken::Syntax("a value is expected")),
            (_, Key | KeyOrEnd) => return Err(Broken::Syntax("the name of a field is expected")),
            (_, Colon) => return Err(Broken::Syntax("`:` is expected")),
            (_, CommaOrEnd) => return Err(Broken::Syntax("`,` or the end is expected")),
        }
        Ok(())
    }

    fn open(&mut self, brace: bool) -> Result<(), Broken> {
        if self.depth == MAX_DEPTH {
            return Err(Broken::Syntax("it is nested deeper than any event"));
        }
        self.depth += 1;
        self.braces = self.braces << 1 | u64::from(brace);
        self.expect = if brace { Expect::KeyOrEnd } else { Expect::ValueOrEnd };
        self.count()
    }

    fn close(&mut self) {
        self.depth -= 1;
        self.braces >>= 1;
        self.expect = Expect::CommaOrEnd;
    }

    fn count(&mut self) -> Result<(), Broken> {
        self.values += 1;
        if self.values > MAX_VALUES { Err(Broken::TooLarge) } else { Ok(()) }
    }
}

fn is_of_a_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;

    use super::*;

    /// Line, kind and text of each piece, read in steps of `step` bytes.
    fn cut(text: &[u8], step: usize, limit: usize) -> Vec<String> {
        let mut pieces = Pieces::with_limit(BufReader::with_capacity(step, text), limit);
        let mut all = Vec::new();
        while let Some((line, piece)) = pieces.next().unwrap() {
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            all.push(match piece {
                Piece::Object(bytes) => format!("{line} {}", text(bytes)),
                Piece::Text(bytes) => format!("{line} text {}", text(bytes)),
                Piece::Broken(why) => format!("{line} {why:?}"),
            });
        }
        all
    }

    #[test]
    fn values_and_lines_are_cut_apart_whatever_stands_around_them() {
        let table: &[(&str, &[&str])] = &[
            ("", &[]),
            ("\u{feff}{}", &["1 {}"]),
            ("{}\n{}\r\n\n{}", &["1 {}", "2 {}", "4 {}"]),
            ("{}{} {}", &["1 {}", "1 {}", "1 {}"]),
            ("[{},{}]", &["1 {}", "1 {}"]),
            ("[\n  {\n    \"a\": 1\n  },\n  {}\n]\n", &["2 {\n    \"a\": 1\n  }", "5 {}"]),
            ("{\"a\": \"}{\\\"\"}x", &["1 {\"a\": \"}{\\\"\"}", "1 text x"]),
            ("{\"a\":[{\"b\":[]},-1.5e3,null,true]}", &["1 {\"a\":[{\"b\":[]},-1.5e3,null,true]}"]),
            ("on a b \n{}", &["1 text on a b", "2 {}"]),
            ("[2019 x", &["1 text 2019 x"]),
        ];
        for (text, expected) in table {
            for step in [1, 2, 3, 7, 8192] {
                assert_eq!(cut(text.as_bytes(), step, 1000), *expected, "{text} {step}");
            }
        }
    }

    #[test]
    fn a_line_that_lost_its_end_costs_no_other() {
        let event = r#"{"a":{"b":[1,"x"]},"c":[{"d":"e"}]}"#;
        for end in 1..event.len() {
            let text = format!("{event}\n{}\n{event}\n{event}\n", &event[..end]);
            let pieces = cut(text.as_bytes(), 5, 1000);
            let whole: Vec<_> = [1, 3, 4].iter().map(|line| format!("{line} {event}")).collect();
            for piece in &whole {
                assert!(pieces.contains(piece), "{end}: {pieces:?}");
            }
            assert!(pieces.len() == 4 && pieces[1].starts_with("2 Syntax"), "{end}: {pieces:?}");
        }
        assert_eq!(cut(b"{}\n{\"a\":\n", 3, 1000), ["1 {}", "2 CutOff"]);
    }

    #[test]
    fn what_is_too_long_or_too_deep_is_left_out_and_the_rest_is_read() {
        let long = format!("{{\"a\":\"{}\"}}\n{{}}\n", "x".repeat(200));
        assert_eq!(cut(long.as_bytes(), 16, 100), ["1 TooLarge", "2 {}"]);
        assert_eq!(cut(long.as_bytes(), 8192, 100), ["1 TooLarge", "2 {}"]);
        let long = format!("{}\n{{}}\n", "x".repeat(200));
        assert_eq!(cut(long.as_bytes(), 16, 100), ["1 TooLarge", "2 {}"]);
        assert_eq!(cut(long.as_bytes(), 8192, 100), ["1 TooLarge", "2 {}"]);
        let deep = "{\"a\":".repeat(40) + "\n{}";
        assert_eq!(cut(deep.as_bytes(), 16, 1000).last().unwrap(), "2 {}");
        let many = format!("{{\"a\":[{}0]}}\n{{}}", "0,".repeat(MAX_VALUES));
        assert_eq!(cut(many.as_bytes(), 8192, MAX_PIECE_BYTES), ["1 TooLarge", "2 {}"]);
    }

    #[test]
    fn lines_that_leave_something_open_take_linear_time() {
        for line in ["{\"a\":\n", "{\"a\":[\n", "{\"a\":[{},\n", "{\n", "{\"a\":1,\n", "[{},\n"] {
            let text = line.repeat(400_000 / line.len());
            let started = std::time::Instant::now();
            cut(text.as_bytes(), 8192, MAX_PIECE_BYTES);
            assert!(started.elapsed() < std::time::Duration::from_secs(20), "{line} {:?}", started.elapsed());
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_cut_alike_in_steps_of_any_length(
            text in "([\\[\\]{},:\"\\\\an1 \\n]|\\{\"a\":1\\}){0,60}", step in 1..9_usize
        ) {
            let whole = cut(text.as_bytes(), 8192, 1000);
            prop_assert_eq!(cut(text.as_bytes(), step, 1000), whole);
        }

        #[test]
        fn values_that_are_json_come_out_whole(values in prop::collection::vec("[a-z\\\\\"{}\\[\\]\n]{0,9}", 0..6)) {
            let values: Vec<_> =
                values.iter().map(|text| serde_json::json!({"a": text, "b": [text, {"c": text}]})).collect();
            let read = |text: String| {
                let mut pieces = Pieces::with_limit(text.as_bytes(), 1000);
                let mut all = Vec::new();
                while let Some((_, piece)) = pieces.next().unwrap() {
                    match piece {
                        Piece::Object(bytes) => all.push(serde_json::from_slice::<serde_json::Value>(bytes).unwrap()),
                        other @ (Piece::Text(_) | Piece::Broken(_)) => panic!("{other:?}"),
                    }
                }
                all
            };
            prop_assert_eq!(&read(serde_json::to_string_pretty(&values).unwrap()), &values);
            prop_assert_eq!(&read(serde_json::to_string(&values).unwrap()), &values);
            prop_assert_eq!(&read(values.iter().map(ToString::to_string).collect()), &values);
        }
    }
}
