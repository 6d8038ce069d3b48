//! Cases of a table: a clean recording, one damage, and exactly what comes of it.

use super::kit::{Kit, SID, slice, time};
use crate::domain::check::{Check, Happened, Severity, Standing, ToldEvent};

pub(super) const LIST: &str = "SID_room.m3u8";

/// `RF101! name` for a loss, `RF102 name` for a warning, `RF109. name` for a note.
pub(super) fn told(check: &Check) -> Vec<String> {
    let words = check.diagnoses.iter().map(|diagnosis| {
        let mark = match diagnosis.severity {
            Severity::Loss => "!",
            Severity::Warning => "",
            Severity::Note => ".",
        };
        let object = diagnosis.about.object.as_deref().unwrap_or("-").replace(SID, "SID");
        assert!(!diagnosis.text.ends_with('.') && !diagnosis.text.is_empty(), "{diagnosis:?}");
        format!("{}{mark} {object}", diagnosis.rule.code())
    });
    words.collect()
}

pub(super) fn ts(ms: i64) -> String {
    slice(ms).replace(SID, "SID")
}

pub(super) struct Case {
    what: &'static str,
    kit: Kit,
    expected: Vec<String>,
    standing: Standing,
}

pub(super) fn case(
    what: &'static str,
    clean: Kit,
    damage: impl FnOnce(&mut Kit),
    expected: &[String],
    standing: Standing,
) -> Case {
    let check = clean.check();
    let wrong = check.diagnoses.iter().filter(|found| found.severity > Severity::Note).count();
    assert_eq!((wrong, check.standing()), (0, Standing::NothingMissing), "{what} {:?}", check.diagnoses);
    let mut kit = clean;
    damage(&mut kit);
    Case { what, kit, expected: expected.to_vec(), standing }
}

pub(super) fn prove(cases: Vec<Case>) {
    for Case { what, kit, expected, standing } in cases {
        let check = kit.check();
        assert_eq!(told(&check), expected, "{what}: {:#?}", check.diagnoses);
        assert_eq!(check.standing(), standing, "{what}");
    }
}

pub(super) fn one(code: &str, object: &str) -> Vec<String> {
    vec![format!("{code} {object}")]
}

pub(super) fn event(ms: i64, what: Happened) -> ToldEvent {
    ToldEvent { at: Some(time(ms)), recorder: None, what }
}
