//! The words by which cases name files.

use recfetch_test_support::Plan;

use crate::clean::Clean;

/// The names of the files that the words mean, in order.
pub(crate) fn names(clean: &Clean, words: &str) -> Vec<String> {
    if let Some(ending) = words.strip_prefix("file ") {
        let named: Vec<_> =
            clean.files.iter().map(|(name, _)| name.clone()).filter(|name| name.ends_with(ending)).collect();
        assert!(!named.is_empty(), "no file ends with `{ending}`");
        return named;
    }
    if let Some(name) = words.strip_prefix("name ") {
        return vec![fill(clean, name)];
    }
    let (list, what) = list(clean, words);
    if what == "playlist" {
        return vec![list.playlist_name()];
    }
    let number = what.strip_prefix("slices ").or(what.strip_prefix("slice "));
    let number = number.unwrap_or_else(|| panic!("`{words}` names no file"));
    let (first, last) = number.split_once('-').unwrap_or((number, number));
    let [first, last] =
        [first, last].map(|text| text.parse::<usize>().unwrap_or_else(|_| panic!("`{words}`")));
    list.slice_names()[first - 1..last].to_vec()
}

/// The name of the one file that the words mean.
pub(crate) fn name(clean: &Clean, words: &str) -> String {
    let mut names = names(clean, words);
    assert_eq!(names.len(), 1, "`{words}` means several files");
    names.remove(0)
}

/// The list that the words start with, and the rest of them.
pub(crate) fn list<'c, 'w>(clean: &'c Clean, words: &'w str) -> (&'c Plan, &'w str) {
    let known = clean.lists.iter().filter_map(|(list, plan)| {
        let rest = words.strip_prefix(list.as_str())?;
        let fits = list.is_empty() || rest.starts_with(' ');
        fits.then(|| (list.len(), plan, rest.trim_start()))
    });
    let (_, plan, rest) =
        known.max_by_key(|(length, ..)| *length).unwrap_or_else(|| panic!("`{words}` names no list"));
    (plan, rest)
}

/// Fills `{sid}`, `{cname}`, `{stem}`, `{+5000}`, `{time+5000}` and `{name slice 2}` into a text.
pub(crate) fn fill(clean: &Clean, text: &str) -> String {
    let plan = &clean.lists[0].1;
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        filled.push_str(before);
        let end = behind.find('}');
        let word = end.map(|end| &behind[..end]);
        let value = match word {
            Some("sid") => Some(plan.sid.clone()),
            Some("cname") => Some(plan.channel.clone()),
            Some("stem") => Some(plan.stem()),
            Some(word) => {
                offset(plan, word).or_else(|| word.strip_prefix("name ").map(|words| name(clean, words)))
            }
            None => None,
        };
        match (value, end) {
            (Some(value), Some(end)) => {
                filled.push_str(&value);
                rest = &behind[end + 1..];
            }
            // JSON has braces of its own.
            _ => {
                filled.push('{');
                rest = behind;
            }
        }
    }
    filled.push_str(rest);
    filled
}

fn offset(plan: &Plan, word: &str) -> Option<String> {
    let (digits, number) = match word.strip_prefix("time") {
        Some(number) => (true, number),
        None => (false, word),
    };
    if !number.starts_with(['+', '-']) {
        return None;
    }
    let ms = start_ms(plan) + number.parse::<i64>().ok()?;
    let time = jiff::Timestamp::from_millisecond(ms).ok()?;
    Some(if digits { time.strftime("%Y%m%d%H%M%S%3f").to_string() } else { ms.to_string() })
}

/// The start of a list in Unix milliseconds.
pub(crate) fn start_ms(plan: &Plan) -> i64 {
    let (seconds, ms) = plan.start.split_at(14);
    let time = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", seconds).unwrap();
    time.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_millisecond() + ms.parse::<i64>().unwrap()
}
