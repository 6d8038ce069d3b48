//! What the place can show that results are printed to.

use std::io::IsTerminal as _;

use crate::settings::env::Environment;

/// How wide text is where nobody looks at a terminal.
const PIPED: usize = 80;
/// Below this nothing can be drawn; a terminal that narrow wraps.
const NARROWEST: usize = 30;

/// What the place can show that results are printed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Screen {
    /// In characters.
    pub(crate) width: usize,
    /// Which characters.
    pub(crate) letters: Letters,
}

/// Which characters can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Letters {
    /// All.
    Unicode,
    /// ASCII only.
    Ascii,
}

impl Screen {
    /// That of stdout.
    pub(crate) fn of_stdout(environment: &Environment, letters: Option<Letters>) -> Self {
        let terminal = std::io::stdout().is_terminal();
        let width = terminal.then(|| rustix::termios::tcgetwinsize(std::io::stdout()).ok()).flatten();
        let width = width.map(|size| usize::from(size.ws_col)).filter(|width| *width > 0);
        Self {
            width: width.unwrap_or(PIPED).max(NARROWEST),
            letters: letters.unwrap_or_else(|| Letters::of(environment)),
        }
    }
}

impl Letters {
    /// Those of the locale: the first of `LC_ALL`, `LC_CTYPE` and `LANG` that is set says which (POSIX, "8.2
    /// internationalization variables").
    fn of(environment: &Environment) -> Self {
        if environment.has_dumb_terminal() {
            return Self::Ascii;
        }
        let set = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find(|name| environment.is_set(name));
        let locale = set.and_then(|name| environment.get(name).ok().flatten()).unwrap_or("C");
        let coding =
            locale.split('@').next().and_then(|text| text.split_once('.')).map_or("", |(_, coding)| coding);
        match coding.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" => Self::Unicode,
            _ => Self::Ascii,
        }
    }

    /// The one that can be shown.
    pub(crate) fn pick(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        match self {
            Self::Unicode => unicode,
            Self::Ascii => ascii,
        }
    }
}

/// Breaks text between words so that no line is wider than the screen; later lines are indented. A word that is
/// wider stays whole: a name that is cut cannot be copied.
pub(crate) fn wrapped(line: &str, width: usize, indent: usize) -> String {
    let mut text = String::new();
    let mut column = 0;
    // The first word keeps what stands before it, so that labels and columns stay where they are.
    for (word, blanks) in words(line) {
        // Escape codes, which colour it, have no width.
        let length = anstream::adapter::strip_str(word).to_string().chars().count();
        if column > 0 && column + blanks + length > width && column > indent {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        } else {
            text.extend(std::iter::repeat_n(' ', blanks));
            column += blanks;
        }
        text.push_str(word);
        column += length;
    }
    text.push('\n');
    text
}

/// The words of a line, each with the blanks before it.
fn words(line: &str) -> impl Iterator<Item = (&str, usize)> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let word = rest.trim_start_matches(' ');
        let blanks = rest.len() - word.len();
        let end = word.find(' ').unwrap_or(word.len());
        let (word, tail) = word.split_at(end);
        rest = tail;
        (!word.is_empty()).then_some((word, blanks))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_says_which_letters_can_be_shown() {
        let unicode = [
            Environment::from([("LANG", "de_DE.UTF-8")]),
            Environment::from([("LANG", "C"), ("LC_CTYPE", "C.utf8")]),
            Environment::from([("LC_ALL", "en_GB.UTF-8@euro"), ("LANG", "C")]),
        ];
        let ascii = [
            Environment::from([]),
            Environment::from([("LANG", "C")]),
            Environment::from([("LANG", "de_DE.ISO-8859-1")]),
            Environment::from([("LC_ALL", "POSIX"), ("LANG", "de_DE.UTF-8")]),
            Environment::from([("LANG", "de_DE.UTF-8"), ("TERM", "dumb")]),
        ];
        assert_eq!(unicode.map(|variables| Letters::of(&variables)), [Letters::Unicode; 3]);
        assert_eq!(ascii.map(|variables| Letters::of(&variables)), [Letters::Ascii; 5]);
    }

    #[test]
    fn lines_break_between_words_and_long_words_stay_whole() {
        for (line, width, expected) in [
            ("do         ask them now", 40, "do         ask them now\n"),
            ("do    ask them now", 14, "do    ask them\n      now\n"),
            ("do    https://long.example.com/x y", 10, "do    https://long.example.com/x\n      y\n"),
            ("\u{1b}[31mdo\u{1b}[0m    ask them", 14, "\u{1b}[31mdo\u{1b}[0m    ask them\n"),
            ("", 10, "\n"),
        ] {
            assert_eq!(wrapped(line, width, 6), expected, "{line}");
        }
    }
}
