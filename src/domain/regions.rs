//! Which region of which vendor a recording's `region` setting means, and the hosts that serve it.
//!
//! Agora numbers the regions of each vendor, and its documents changed over the years: names were
//! corrected, rows came and went. Recordings outlive documents, so the tables here hold every row that
//! any edition from 2019-04 to 2026-06 had, with dates; nothing is removed.
//!
//! Not in here: whether a bucket really is in a region. Only its store can say that.

mod aliyun;
mod aws;
mod endpoint;
mod others;
mod qiniu;
mod shape;

use std::borrow::Cow;
use std::fmt;

pub use endpoint::{Addressing, Endpoint, KodoHosts, OssNetwork, Partition};

use super::spelling::{excerpt, fold, nearest};
use super::vendor::Vendor;

/// What Agora's documents say about a region today (2026-06).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// The documents have it.
    Current,
    /// Earlier documents had it. Its number keeps its meaning for the recordings of that time.
    Dropped,
    /// The documents have it, but no such region of the vendor, or no host of it, was found.
    Unconfirmed,
    /// The vendor has it, as far as its id tells; Agora has no number for it.
    Unlisted,
}

/// A region of one vendor.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Region {
    /// Whose region.
    pub vendor: Vendor,
    /// Agora's number; none for [`Status::Unlisted`].
    pub code: Option<u32>,
    /// The names in Agora's documents, the newest first.
    pub names: &'static [&'static str],
    /// The vendor's own id, the one that S3 requests are signed with. For [`Status::Unconfirmed`] a guess.
    pub id: Cow<'static, str>,
    /// Other ids the vendor has for it.
    pub aliases: &'static [&'static str],
    /// What the documents say.
    pub status: Status,
    /// When the documents got it, as exactly as known: `2021-07-30`, `2019-04`, `2022`.
    pub since: Option<&'static str>,
    /// When the documents last had it, as exactly as known; none while they have it.
    pub until: Option<&'static str>,
    /// What a user of this region should know.
    pub note: Option<&'static str>,
}

/// A number that is in Agora's documents, of which not even the name was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unnamed {
    /// Whose region.
    pub vendor: Vendor,
    /// Agora's number.
    pub code: u32,
    /// When the documents got it.
    pub since: Option<&'static str>,
    /// What is known.
    pub note: &'static str,
}

/// What to do with a number or name whose region is a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unconfirmed {
    /// Give [`RegionError::Unconfirmed`].
    Refuse,
    /// Take the guess, where there is one.
    Allow,
}

/// Why a text gives no region.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegionError {
    /// No edition has this number or name, and it does not look like an id of the vendor's.
    #[error("`{text}` is no known region of {vendor}")]
    Unknown {
        /// The vendor.
        vendor: Vendor,
        /// The start of the text.
        text: String,
        /// The name or id that was perhaps meant.
        nearest: Option<&'static str>,
    },
    /// The documents have it, but which region of the vendor it means is not certain.
    #[error("which region of {vendor} is meant by `{text}` is not confirmed ({note})")]
    Unconfirmed {
        /// The vendor.
        vendor: Vendor,
        /// The number or name as it was given.
        text: String,
        /// The vendor's id that it likely means.
        likely: Option<&'static str>,
        /// What is known.
        note: &'static str,
    },
    /// The vendor has no S3 interface, so that no region leads to a host that could be used.
    #[error("{vendor} has no s3 interface")]
    NoS3 {
        /// The vendor.
        vendor: Vendor,
    },
}

/// Every region of a vendor that any document names, by Agora's number, then the unlisted ones. Empty
/// for [`Vendor::Azure`], where `region` has no meaning.
#[must_use]
pub fn regions(vendor: Vendor) -> &'static [Region] {
    match vendor {
        Vendor::Qiniu => qiniu::TABLE,
        Vendor::Aws => aws::TABLE,
        Vendor::Aliyun => aliyun::TABLE,
        Vendor::Tencent => others::TENCENT,
        Vendor::Kingsoft => others::KINGSOFT,
        Vendor::Azure => &[],
        Vendor::Google => others::GOOGLE,
        Vendor::Huawei => others::HUAWEI,
        Vendor::Baidu => others::BAIDU,
        Vendor::SelfHosted => others::SELF_HOSTED,
    }
}

/// The numbers of a vendor's regions of which only the number is known.
#[must_use]
pub fn unnamed(vendor: Vendor) -> &'static [Unnamed] {
    match vendor {
        Vendor::Aws => aws::UNNAMED,
        Vendor::Qiniu
        | Vendor::Aliyun
        | Vendor::Tencent
        | Vendor::Kingsoft
        | Vendor::Azure
        | Vendor::Google
        | Vendor::Huawei
        | Vendor::Baidu
        | Vendor::SelfHosted => &[],
    }
}

/// The region that a text means. Case does not count, and `_`, `-` and blanks are equal. The first of
/// these that fits decides:
///
/// 1. digits are always Agora's number;
/// 2. a name of any edition of Agora's documents (`US_EAST_1`, `CN_Beijin`, `East China`). Aliyun texts
///    that start with `oss-` skip this step, as they are the vendor's;
/// 3. the vendor's id (`us-east-1`, `cn-hangzhou`) or another id of its (`z0`);
/// 4. a text with the shape of the vendor's ids, for regions newer than the tables (`mx-central-1`): it
///    gives a [`Status::Unlisted`] region. For [`Vendor::SelfHosted`] any word will do.
///
/// Numbers and names of unconfirmed rows are refused unless allowed. The vendor's own id needs no
/// allowance, and gives an unlisted region there: that the id exists was said by the user, that Agora's
/// number means it was not. (Step 2 goes first: an id spelled like such a name is refused with it.)
///
/// # Errors
/// [`RegionError`] when the text gives no region, or only a guess.
pub fn resolve(vendor: Vendor, text: &str, unconfirmed: Unconfirmed) -> Result<Region, RegionError> {
    if vendor == Vendor::Azure {
        return Err(RegionError::NoS3 { vendor });
    }
    let rows = regions(vendor);
    let folded = fold(text);
    if !folded.is_empty() && folded.bytes().all(|b| b.is_ascii_digit()) {
        return by_code(vendor, text, folded.parse().ok(), unconfirmed);
    }
    let vendors_own = folded.strip_prefix("oss-").filter(|_| vendor == Vendor::Aliyun);
    if vendors_own.is_none() {
        let named = |row: &&Region| row.names.iter().any(|name| fold(name) == folded);
        if let Some(row) = rows.iter().find(named) {
            return row.confirmed(text, unconfirmed);
        }
    }
    let id = vendors_own.unwrap_or(&folded);
    if let Some(row) = rows.iter().find(|row| row.has_id(id)) {
        return Ok(match row.status {
            Status::Current | Status::Dropped | Status::Unlisted => row.clone(),
            Status::Unconfirmed => Region::unlisted(vendor, id),
        });
    }
    match shape::free_id(vendor, text, id) {
        Some(id) => Ok(Region::unlisted(vendor, id)),
        None => Err(RegionError::Unknown {
            vendor,
            text: excerpt(text),
            nearest: nearest(id, rows.iter().flat_map(Region::words)),
        }),
    }
}

fn by_code(
    vendor: Vendor,
    text: &str,
    code: Option<u32>,
    unconfirmed: Unconfirmed,
) -> Result<Region, RegionError> {
    if let Some(row) = regions(vendor).iter().find(|row| row.code.is_some() && row.code == code) {
        return row.confirmed(text, unconfirmed);
    }
    Err(match unnamed(vendor).iter().find(|row| Some(row.code) == code) {
        Some(row) => RegionError::Unconfirmed { vendor, text: excerpt(text), likely: None, note: row.note },
        None => RegionError::Unknown { vendor, text: excerpt(text), nearest: None },
    })
}

impl Region {
    /// The newest name in Agora's documents, else the vendor's id.
    #[must_use]
    pub fn name(&self) -> &str {
        self.names.first().copied().unwrap_or(&self.id)
    }

    /// A row of a table, current and undated.
    const fn row(vendor: Vendor, code: u32, names: &'static [&'static str], id: &'static str) -> Self {
        Self {
            vendor,
            code: Some(code),
            names,
            id: Cow::Borrowed(id),
            aliases: &[],
            status: Status::Current,
            since: None,
            until: None,
            note: None,
        }
    }

    const fn since(mut self, since: &'static str) -> Self {
        self.since = Some(since);
        self
    }

    const fn dropped(mut self, until: &'static str) -> Self {
        self.status = Status::Dropped;
        self.until = Some(until);
        self
    }

    const fn unconfirmed(mut self, note: &'static str) -> Self {
        self.status = Status::Unconfirmed;
        self.note = Some(note);
        self
    }

    const fn note(mut self, note: &'static str) -> Self {
        self.note = Some(note);
        self
    }

    const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// A region that Agora has no number for.
    fn unlisted(vendor: Vendor, id: impl Into<String>) -> Self {
        Self {
            vendor,
            code: None,
            names: &[],
            id: Cow::Owned(id.into()),
            aliases: &[],
            status: Status::Unlisted,
            since: None,
            until: None,
            note: Some("not in Agora's tables: taken as the vendor's own id"),
        }
    }

    /// Every text by which the region is known.
    fn words(&'static self) -> impl Iterator<Item = &'static str> + Clone {
        self.names.iter().copied().chain([&*self.id]).chain(self.aliases.iter().copied())
    }

    fn has_id(&self, folded: &str) -> bool {
        self.id == folded || self.aliases.contains(&folded)
    }

    fn confirmed(&'static self, text: &str, unconfirmed: Unconfirmed) -> Result<Self, RegionError> {
        match (self.status, unconfirmed) {
            (Status::Unconfirmed, Unconfirmed::Refuse) => Err(RegionError::Unconfirmed {
                vendor: self.vendor,
                text: excerpt(text),
                likely: Some(&self.id),
                note: self.note.unwrap_or("no such region of the vendor was found"),
            }),
            (Status::Unconfirmed, Unconfirmed::Allow)
            | (Status::Current | Status::Dropped | Status::Unlisted, _) => Ok(self.clone()),
        }
    }
}

impl Status {
    /// The word for tables and reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Dropped => "dropped",
            Self::Unconfirmed => "unconfirmed",
            Self::Unlisted => "unlisted",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl fmt::Display for Region {
    /// `US_EAST_1 (us-east-1)`, or the id alone where Agora has no name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.names.first() {
            Some(name) => write!(f, "{name} ({})", self.id),
            None => f.write_str(&self.id),
        }
    }
}

#[cfg(test)]
mod tests;
