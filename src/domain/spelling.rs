//! How words of the settings are compared, and which known word an unknown one was likely meant to be.

/// Longer texts are not compared with anything: no known word comes near this length.
const LONGEST: usize = 64;

/// The form in which words are compared: lower case, with `-` for each run of `_`, `-` and blanks.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.trim().chars() {
        if c != '_' && c != '-' && !c.is_whitespace() {
            folded.push(c.to_ascii_lowercase());
        } else if !folded.ends_with('-') {
            folded.push('-');
        }
    }
    folded
}

/// The start of a text that may be long or hostile, fit to be kept in an error.
pub(super) fn excerpt(text: &str) -> String {
    text.chars().take(LONGEST).map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// The known word that `text` is closest to, where one is close enough to be worth mentioning: it ends
/// with `-text`, or few letters differ (one in three, at most three). The first of equals wins.
pub(super) fn nearest(text: &str, known: impl Iterator<Item = &'static str> + Clone) -> Option<&'static str> {
    let folded = fold(text);
    if folded.len() > LONGEST {
        return None;
    }
    if folded.len() >= 4 {
        let ending = format!("-{folded}");
        if let Some(word) = known.clone().find(|word| fold(word).ends_with(&ending)) {
            return Some(word);
        }
    }
    let most = (folded.chars().count() / 3).min(3);
    known
        .map(|word| (distance(&folded, &fold(word)), word))
        .filter(|(distance, _)| *distance <= most)
        // Of words that mean the same, the one in the user's own spelling.
        .min_by_key(|(folded, word)| (*folded, distance(text.trim(), word)))
        .map(|(_, word)| word)
}

/// How many letters must be added, removed, replaced or swapped with their neighbour to get from one
/// word to the other (each pair of letters swapped once at most). Takes time by the product of the
/// lengths: callers bound them.
pub(super) fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut row = vec![i + 1];
        for j in 0..b.len() {
            let replaced = last[j] + usize::from(a[i] != b[j]);
            let mut cost = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                cost = cost.min(before_last[j - 1] + 1);
            }
            row.push(cost);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn underscore_hyphen_and_blank_are_equal_and_case_does_not_count() {
        for text in ["US_EAST_1", "us-east-1", " Us East 1 ", "us__east- 1"] {
            assert_eq!(fold(text), "us-east-1", "{text}");
        }
    }

    #[test]
    fn distance_counts_letters() {
        let table = [
            ("", "", 0),
            ("abc", "", 3),
            ("", "abc", 3),
            ("esat", "east", 1),
            ("kitten", "sitting", 3),
            ("a", "a", 0),
        ];
        for (a, b, expected) in table {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn the_nearest_word_is_near() {
        let known = ["us-east-1", "cn-hangzhou", "cn-beijing"];
        let table = [
            ("us-esat-1", Some("us-east-1")),
            ("Hangzhou", Some("cn-hangzhou")),
            ("cn_bejing", Some("cn-beijing")),
            ("moon", None),
            ("", None),
            ("x", None),
        ];
        for (text, expected) in table {
            assert_eq!(nearest(text, known.into_iter()), expected, "{text}");
        }
        assert_eq!(nearest(&"x".repeat(1_000_000), known.into_iter()), None);
    }

    #[test]
    fn an_excerpt_is_short_and_printable() {
        assert_eq!(excerpt("a\u{1b}[31m\n"), "a?[31m?");
        assert_eq!(excerpt(&"é".repeat(1000)).chars().count(), LONGEST);
    }
}
