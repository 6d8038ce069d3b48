//! What each rule means and what to do about it.

use super::Rule;

/// What a rule means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// What it implies for the recording.
    pub means: &'static str,
    /// What to do.
    pub remedy: &'static str,
    /// Where that is documented.
    pub source: &'static str,
}

impl Rule {
    /// What it means, what to do, and where that is documented.
    #[must_use]
    pub fn meaning(self) -> Meaning {
        Meaning { means: self.title(), remedy: "", source: "" }
    }
}
