//! What Agora's numbers and names mean, and those of the stores, for whoever wants the files of a recording.
//!
//! One table per family. A number is rarely unique: 32 is an error, a warning and an event. Sources are named with
//! each entry; where documents contradict each other or say nothing, the entry says so.

mod callbacks;
mod rest;
mod sdk;
mod states;
mod stores;

use std::iter;

/// What one code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Whose it is.
    pub family: Family,
    /// Its number, where it has one.
    pub number: Option<i64>,
    /// Its names; the first is the one of the newest document.
    pub names: &'static [&'static str],
    /// What it means.
    pub means: &'static str,
    /// What it implies for the files of the recording.
    pub files: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
    /// Where it is documented, with the date of the document.
    pub source: &'static str,
}

macro_rules! families {
    ($($family:ident $word:literal $title:literal;)*) => {
        /// Whose code something is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Family {
            $(#[doc = $title] $family,)*
        }

        impl Family {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$family),*];

            /// One word for machines; before a code and a colon it names the only family that is meant.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$family => $word,)* }
            }

            /// What it is, for people.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$family => $title,)* }
            }
        }
    };
}

families! {
    SdkError "sdk-error" "error of the SDK of 2019";
    SdkCallback "sdk-callback" "callback of the SDK of 2019";
    Event "event" "event of the notification service";
    Service "service" "error of the recording service (event 1, module 2)";
    Uploader "uploader" "error of the uploader (event 1, module 1)";
    Warning "warning" "warning of the uploader (event 2, module 1)";
    Rest "rest" "code in an answer of the REST interface";
    Http "http" "HTTP status of the REST interface";
    Message "message" "message of the REST interface";
    Status "status" "status of a recording (query, event 3)";
    UploadingStatus "uploading-status" "uploadingStatus in an answer to stop";
    Leave "leave" "bit of leaveCode (event 41)";
    LeaveOld "leave-2019" "bit of leaveCode in the documents of 2019";
    Exit "exit" "exitStatus (event 11)";
    PageStop "page-stop" "why the page recorder stopped (event 71)";
    PageState "page-state" "state of the page recorder (query)";
    PageLimit "page-limit" "limit that a page passed (event 72)";
    Transcoding "transcoding" "result of transcoding (events 81 and 1001)";
    Log "log" "number in a log file";
    S3 "s3" "error of Amazon S3 and stores that speak its protocol";
    Oss "oss" "error of Aliyun OSS";
    Kodo "kodo" "error of Qiniu Kodo";
}

const TABLES: [&[Entry]; 21] = [
    sdk::ERRORS,
    sdk::CALLBACKS,
    callbacks::EVENTS,
    callbacks::SERVICE,
    callbacks::UPLOADER,
    callbacks::WARNINGS,
    rest::CODES,
    rest::HTTP,
    rest::MESSAGES,
    states::STATUS,
    states::UPLOADING,
    states::LEAVE,
    states::LEAVE_OLD,
    states::EXIT,
    states::PAGE_STOP,
    states::PAGE_STATE,
    states::PAGE_LIMIT,
    states::TRANSCODING,
    sdk::LOG,
    stores::S3,
    stores::OSS_AND_KODO,
];

/// All entries, family by family.
pub fn all() -> impl Iterator<Item = &'static Entry> + Clone {
    TABLES.into_iter().flatten()
}

/// All that a code can mean: a number, a name in any case and with any of `_`, `-` and blanks or none between its
/// words, or either behind a family's word and a colon (`event:31`). A `leave` of several bits is each of them.
#[must_use]
pub fn find(text: &str) -> Vec<&'static Entry> {
    let (family, code) = in_family(text);
    let of_family = all().filter(|entry| family.is_none_or(|family| entry.family == family));
    if let Ok(number) = code.trim().parse::<i64>() {
        let bits = matches!(family, Some(Family::Leave | Family::LeaveOld));
        return of_family
            .filter(|entry| match entry.number {
                Some(bit) if bits => bit == number || (bit > 0 && number & bit != 0),
                known => known == Some(number),
            })
            .collect();
    }
    let wanted = folded(code);
    if wanted.is_empty() {
        return Vec::new();
    }
    let bare = recording_error(code).map(folded);
    of_family
        .filter(|entry| {
            let mut names = entry.names.iter().map(|name| folded(name));
            names.any(|name| {
                name == wanted || (entry.family == Family::SdkError && Some(&name) == bare.as_ref())
            })
        })
        .collect()
}

/// The name that the Java interface of 2019 gives a `RecordingErrorCode`, from any of its spellings: with the
/// prefix or without it, with its enum before it, as C++ has it.
#[must_use]
pub fn recording_error(text: &str) -> Option<&'static str> {
    // More than any of them has, with all that can stand before it.
    if text.len() > 128 {
        return None;
    }
    let name = folded(text.rsplit(['.', ':']).next().unwrap_or(text));
    let name = name.strip_prefix("krecordingerror").or(name.strip_prefix("recordingerror")).unwrap_or(&name);
    let bare = |known: &str| folded(known).trim_start_matches('k').replace("recordingerror", "");
    let entry = sdk::ERRORS.iter().find(|entry| entry.names.iter().any(|known| bare(known) == name))?;
    entry.names.first().copied()
}

impl Entry {
    /// What it is called: its names, and its number where it has one.
    pub fn words(&self) -> impl Iterator<Item = String> + '_ {
        let number = self.number.map(|number| number.to_string());
        number.into_iter().chain(self.names.iter().map(|name| (*name).to_owned()))
    }
}

/// A family's word before a colon, and what follows.
fn in_family(text: &str) -> (Option<Family>, &str) {
    let split = text.split_once(':').and_then(|(word, code)| {
        let family = Family::ALL.iter().find(|family| word.trim().eq_ignore_ascii_case(family.word()))?;
        Some((Some(*family), code))
    });
    split.unwrap_or((None, text))
}

/// Letters and digits alone, in lower case.
fn folded(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// An entry of a table.
const fn entry(
    (family, source): (Family, &'static str),
    number: Option<i64>,
    names: &'static [&'static str],
    [means, files, remedy]: [&'static str; 3],
) -> Entry {
    Entry { family, number, names, means, files, remedy, source }
}

/// What is a heading in lists: each family with its entries.
pub fn by_family() -> impl Iterator<Item = (Family, Vec<&'static Entry>)> {
    let mut families = Family::ALL.iter();
    iter::from_fn(move || {
        let family = *families.next()?;
        Some((family, all().filter(|entry| entry.family == family).collect()))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn families_of(text: &str) -> Vec<&'static str> {
        find(text).iter().map(|entry| entry.family.word()).collect()
    }

    #[test]
    fn every_entry_says_all_of_it_in_sentences() {
        assert!(by_family().all(|(_, entries)| !entries.is_empty()), "a family without a code");
        for entry in all() {
            assert!(entry.number.is_some() || !entry.names.is_empty(), "{entry:?}");
            for text in [entry.means, entry.files, entry.remedy] {
                assert!(text.len() > 10 && !text.ends_with('.') && !text.contains("  "), "{entry:?}: {text}");
                let first = text.chars().next().unwrap();
                assert!(
                    !first.is_uppercase()
                        || ["MP4", "Agora", "App ID"].iter().any(|word| text.starts_with(word)),
                    "{text}"
                );
            }
            assert!(entry.source.contains("20"), "a source has a date: {}", entry.source);
        }
    }

    #[test]
    fn a_code_is_in_its_family_once_and_finds_itself() {
        let mut seen = BTreeSet::new();
        for entry in all() {
            for word in entry.words() {
                assert!(seen.insert((entry.family, folded(&word))), "{} {word}", entry.family.word());
                assert!(find(&word).contains(&entry), "{word}");
                assert!(
                    find(&format!("{}:{}", entry.family.word(), word.to_uppercase())).contains(&entry),
                    "{word}"
                );
            }
        }
    }

    #[test]
    fn every_recording_error_code_of_2019_is_found_in_all_its_spellings() {
        let names = [
            "Ok",
            "ConnectError",
            "Disconnected",
            "InvalidParameter",
            "InvalidOperation",
            "NoUsers",
            "NoRecordedData",
            "RecorderInit",
            "RecorderFailed",
            "UploaderInit",
            "UploaderFailed",
            "BackupFailed",
            "RecorderExpireExit",
            "GeneralError",
        ];
        for name in names {
            let java = format!("RecordingError{name}");
            let qualified = format!("RecordingErrorCode.{java}");
            for text in [name.to_owned(), java.clone(), format!("k{java}"), qualified, java.to_lowercase()] {
                assert_eq!(recording_error(&text), Some(java.as_str()), "{text}");
                assert!(families_of(&text).contains(&"sdk-error"), "{text}");
            }
        }
        assert_eq!(recording_error("kRecordingErrorUploaderInitFailed"), Some("RecordingErrorUploaderInit"));
        assert_eq!(recording_error("RecordingErrorRecorderExit"), Some("RecordingErrorRecorderExpireExit"));
        for text in ["", "RecordingError", "k", "Backup", &"x".repeat(1000)] {
            assert_eq!(recording_error(text), None, "{text}");
        }
    }

    #[test]
    fn every_number_of_the_documents_is_found_in_its_families() {
        let table: &[(&str, &[i64])] = &[
            (
                "rest",
                &[
                    2, 7, 8, 15, 49, 50, 52, 53, 62, 65, 109, 110, 404, 405, 406, 432, 433, 435, 501, 1001,
                    1003, 1013, 1028,
                ],
            ),
            ("http", &[200, 201, 206, 400, 401, 404, 429, 500, 501, 502, 504]),
            ("uploader", &[32, 47, 51]),
            ("service", &[50, 52]),
            ("warning", &[31, 32]),
            ("status", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 20]),
            ("leave", &[0, 2, 4, 8, 16]),
            ("leave-2019", &[1, 2, 4, 8]),
            ("exit", &[0, 1]),
            ("page-stop", &[0, 1, 2, 3, 4, 5, 6]),
            (
                "event",
                &[
                    1, 2, 3, 4, 11, 12, 13, 30, 31, 32, 33, 34, 40, 41, 42, 43, 44, 45, 46, 47, 60, 61, 70,
                    71, 72, 73, 80, 81, 90, 100, 1001,
                ],
            ),
            ("log", &[101]),
            ("kodo", &[612, 631]),
        ];
        for (family, numbers) in table {
            for number in *numbers {
                assert!(families_of(&number.to_string()).contains(family), "{family} {number}");
            }
        }
        assert_eq!(families_of("32"), ["event", "uploader", "warning"]);
        assert_eq!(families_of("uploader:32"), ["uploader"]);
        assert_eq!(families_of("ErrorUint32:101"), ["log"]);
        let bits: Vec<_> = find("leave:6").iter().filter_map(|entry| entry.number).collect();
        assert_eq!(bits, [2, 4]);
        for text in ["", "  ", "9999", "no such thing", "moon:31", "-", "\u{0}"] {
            assert_eq!(find(text), [] as [&Entry; 0], "{text:?}");
        }
    }

    #[test]
    fn names_are_found_in_any_case_and_spelling() {
        let table = [
            ("backuped", &["event", "uploading-status"][..]),
            ("Cloud Recording Error", &["event"]),
            ("onUploaderFaliure", &["sdk-callback"]),
            ("LEAVE_CODE_NO_USERS", &["leave", "leave-2019"]),
            ("max-recording-hour", &["page-stop"]),
            ("failed to find worker", &["rest"]),
            ("nosuchkey", &["s3", "oss"]),
            ("InvalidObjectState", &["s3", "oss"]),
            ("inProgress", &["page-state"]),
        ];
        for (text, expected) in table {
            assert_eq!(families_of(text), expected, "{text}");
        }
    }
}
