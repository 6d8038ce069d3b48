//! How much is where, and what it all comes to, as they are written down.

use super::check_json::TotalsV1;
use crate::domain::check::{Standing, Totals};

impl From<Totals> for TotalsV1 {
    fn from(totals: Totals) -> Self {
        let Totals {
            segments,
            present,
            elsewhere,
            lost,
            unknown,
            frozen,
            bytes,
            present_ms,
            elsewhere_ms,
            lost_ms,
            unlisted_ms,
            never_recorded_ms,
            unknown_ms,
        } = totals;
        Self {
            segments,
            present,
            elsewhere,
            lost,
            unknown,
            frozen,
            bytes,
            present_ms,
            elsewhere_ms,
            lost_ms,
            unlisted_ms,
            never_recorded_ms,
            unknown_ms,
        }
    }
}

/// The exit code that goes with it; those of a report where both have the word.
pub(super) fn exit_code(standing: Standing) -> u8 {
    match standing {
        Standing::NothingMissing | Standing::Elsewhere => 0,
        Standing::Incomplete => 3,
        Standing::Corrupt => 4,
        Standing::Unknown => 5,
        Standing::Denied => 6,
        Standing::Frozen => 8,
    }
}

#[cfg(test)]
mod tests {
    use crate::documents::CheckV1;
    use crate::documents::kit::Kit;
    use crate::domain::check::Presence;

    #[test]
    fn what_is_missing_decides_the_code_and_what_can_be_had_is_a_success() {
        for (presence, standing, code) in [
            (Presence::Present, "nothing-missing", 0),
            (Presence::Elsewhere { store: 1 }, "elsewhere", 0),
            (Presence::Lost, "incomplete", 3),
            (Presence::Unknown, "unknown", 5),
        ] {
            let written = CheckV1::of(&Kit::new().segments(3, Presence::Present).segments(1, presence).check);
            assert_eq!((written.standing.as_str(), written.exit_code), (standing, code));
        }
    }
}
