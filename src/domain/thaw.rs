//! Bringing archived objects back: what can be asked of a store, what it offers for a class, and what it answers.

use std::fmt;
use std::time::Duration;

use super::object::plain_class;
use super::time::SliceTime;

/// How fast a restore is wanted, in the words of Amazon and Aliyun. Faster costs more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Minutes; an hour and more for the coldest classes.
    Expedited,
    /// Hours.
    #[default]
    Standard,
    /// Half a day or two days, for the least money.
    Bulk,
}

/// For how many days an object stays readable that was restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Days(u16);

/// What is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct RestoreRequest {
    /// How fast.
    pub tier: Tier,
    /// For how long.
    pub days: Days,
}

/// What a store made of the request to restore an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestoreAnswer {
    /// It begins now.
    Asked {
        /// How long it takes at the most, by the vendor's own word; `None` for a class that is not known.
        within: Option<Duration>,
    },
    /// It had begun before.
    UnderWay,
    /// The object can be read already.
    Here {
        /// Until then, where the store says when.
        until: Option<SliceTime>,
    },
    /// The class of the object needs no restore.
    NotNeeded,
}

/// Whose rules hold for a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// Those of Amazon S3 and of the vendors who speak its protocol.
    S3,
    /// Those of Aliyun OSS.
    Oss,
    /// Those of Qiniu Kodo.
    Kodo,
}

/// What a store offers for a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// How long a restore takes at the most, by the vendor's own word.
    pub within: Option<Duration>,
    /// Whether the tier is part of the request: where it is not, there is one way only.
    pub tiers: Tiers,
}

/// Whether a class has tiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tiers {
    /// It has.
    Several,
    /// There is one way only.
    One,
}

/// What a class does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotOffered {
    /// This tier; these it has.
    Tier(Tier, &'static [Tier]),
    /// So many days; so many it has at the most.
    Days(Days, u16),
}

impl Days {
    /// The most that any store takes.
    pub const MOST: u16 = 365;

    /// A number of days, where some store takes it.
    #[must_use]
    pub fn new(days: u16) -> Option<Self> {
        (1..=Self::MOST).contains(&days).then_some(Self(days))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }
}

impl Default for Days {
    /// A week: what every class takes, and long enough to come back.
    fn default() -> Self {
        Self(7)
    }
}

impl Tier {
    /// The word for it in requests.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Expedited => "Expedited",
            Self::Standard => "Standard",
            Self::Bulk => "Bulk",
        }
    }
}

/// What the vendor offers for a class (their pages on restoring archived objects, 2026).
///
/// # Errors
/// Where it has no such tier, or not for so many days.
pub fn offer(rules: Rules, class: Option<&str>, request: &RestoreRequest) -> Result<Offer, NotOffered> {
    use Tier::{Bulk, Expedited, Standard};
    const ALL: &[Tier] = &[Expedited, Standard, Bulk];
    let class = class.map(plain_class).unwrap_or_default();
    // The longest times, in minutes, of the three tiers; nothing where there are none.
    let (tiers, minutes, days): (&'static [Tier], [u64; 3], u16) = match (rules, class.as_str()) {
        (Rules::S3, "glacier" | "archive" | "mazarchive" | "archiveaccess") => {
            (ALL, [5, 5 * 60, 12 * 60], Days::MOST)
        }
        (Rules::S3, "deeparchive" | "deeparchiveaccess") => {
            (&[Standard, Bulk], [0, 12 * 60, 48 * 60], Days::MOST)
        }
        // OBS.
        (Rules::S3, "cold") => (&[Expedited, Standard], [5, 5 * 60, 0], 30),
        (Rules::Oss, "archive") => (&[], [1; 3], 7),
        (Rules::Oss, "coldarchive") => (ALL, [60, 5 * 60, 12 * 60], Days::MOST),
        (Rules::Oss, "deepcoldarchive") => (&[Expedited, Standard], [12 * 60, 48 * 60, 0], Days::MOST),
        (Rules::Kodo, "archive") => (&[], [5; 3], 7),
        (Rules::Kodo, "deeparchive") => (&[], [12 * 60; 3], 7),
        (Rules::Kodo, _) => return limited(7, request).map(|()| Offer { within: None, tiers: Tiers::One }),
        (Rules::S3 | Rules::Oss, _) => return Ok(Offer { within: None, tiers: Tiers::Several }),
    };
    limited(days, request)?;
    if !tiers.is_empty() && !tiers.contains(&request.tier) {
        return Err(NotOffered::Tier(request.tier, tiers));
    }
    let [expedited, standard, bulk] = minutes;
    let minutes = match request.tier {
        Expedited => expedited,
        Standard => standard,
        Bulk => bulk,
    };
    let tiers = if tiers.is_empty() { Tiers::One } else { Tiers::Several };
    Ok(Offer { within: Some(Duration::from_secs(minutes * 60)), tiers })
}

fn limited(most: u16, request: &RestoreRequest) -> Result<(), NotOffered> {
    if request.days.get() > most { Err(NotOffered::Days(request.days, most)) } else { Ok(()) }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl fmt::Display for NotOffered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tier(tier, known) => {
                let known: Vec<_> = known.iter().map(|tier| tier.word()).collect();
                write!(f, "its class is not restored as {tier}, but as {}", known.join(" or "))
            }
            Self::Days(days, most) => {
                write!(f, "its class is restored for {most} days at the most, not for {}", days.get())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_is_restored_as_its_vendor_offers() {
        use Rules::{Kodo, Oss, S3};
        use Tier::{Bulk, Expedited, Standard};
        for (rules, class, tier, days, expected) in [
            (S3, "GLACIER", Expedited, 7, "5 min"),
            (S3, "GLACIER", Standard, 365, "300 min"),
            (S3, "GLACIER", Bulk, 7, "720 min"),
            (S3, "DEEP_ARCHIVE", Standard, 7, "720 min"),
            (S3, "DEEP_ARCHIVE", Bulk, 7, "2880 min"),
            (
                S3,
                "DEEP_ARCHIVE",
                Expedited,
                7,
                "its class is not restored as Expedited, but as Standard or Bulk",
            ),
            (Oss, "Archive", Bulk, 7, "1 min, no tiers"),
            (Oss, "Archive", Standard, 8, "its class is restored for 7 days at the most, not for 8"),
            (Oss, "ColdArchive", Expedited, 30, "60 min"),
            (Oss, "DeepColdArchive", Standard, 7, "2880 min"),
            (
                Oss,
                "DeepColdArchive",
                Bulk,
                7,
                "its class is not restored as Bulk, but as Expedited or Standard",
            ),
            (Kodo, "archive", Standard, 7, "5 min, no tiers"),
            (Kodo, "deep archive", Expedited, 1, "720 min, no tiers"),
            (Kodo, "deep archive", Standard, 8, "its class is restored for 7 days at the most, not for 8"),
            (S3, "SOMETHING_NEW", Bulk, 7, "unknown"),
        ] {
            let request = RestoreRequest { tier, days: Days::new(days).unwrap() };
            let said = match offer(rules, Some(class), &request) {
                Ok(Offer { within: None, .. }) => "unknown".to_owned(),
                Ok(Offer { within: Some(within), tiers }) => {
                    let more = if tiers == Tiers::One { ", no tiers" } else { "" };
                    format!("{} min{more}", within.as_secs() / 60)
                }
                Err(why) => why.to_string(),
            };
            assert_eq!(said, expected, "{rules:?} {class} {tier}");
        }
    }

    #[test]
    fn days_are_those_that_some_store_takes() {
        assert_eq!([0, 1, 365, 366].map(|n| Days::new(n).map(Days::get)), [None, Some(1), Some(365), None]);
    }
}
