//! Which recordings of a list are whose, where several machines are given the same one.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// One of several shares of a list: number `index` of `count`, from 0.
///
/// A recording belongs to a share by its ID alone, so that it stays there however the list grows or is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u32,
    count: u32,
}

/// Why a text is no share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a share is INDEX/COUNT, from 0/4 to 3/4 for four of them")]
pub struct ShardError;

impl Shard {
    /// All of the list.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// Share number `index` of `count`, from 0.
    ///
    /// # Errors
    /// Where there is no such share.
    pub fn new(index: u32, count: u32) -> Result<Self, ShardError> {
        if index < count { Ok(Self { index, count }) } else { Err(ShardError) }
    }

    /// Reads `0/4`.
    ///
    /// # Errors
    /// Where it is no share.
    pub fn parse(text: &str) -> Result<Self, ShardError> {
        let number = |text: &str| text.parse::<u32>().map_err(|_| ShardError);
        let (index, count) = text.split_once('/').ok_or(ShardError)?;
        Self::new(number(index)?, number(count)?)
    }

    /// Whether a recording belongs to it, by its ID.
    #[must_use]
    pub fn has(self, recording: &str) -> bool {
        let digest = Sha256::digest(recording.as_bytes());
        let start = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        start % u64::from(self.count) == u64::from(self.index)
    }

    /// Whether it is all of the list.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.count == 1
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(count: usize) -> Vec<String> {
        let hex = |n: usize| hex::encode(Sha256::digest(n.to_be_bytes()));
        (0..count).map(|n| hex(n)[..32].to_owned()).collect()
    }

    #[test]
    fn each_recording_is_in_one_share_and_the_shares_are_alike() {
        let ids = ids(4000);
        let shares: Vec<_> = (0..7).map(|index| Shard::new(index, 7).unwrap()).collect();
        for id in &ids {
            assert_eq!(shares.iter().filter(|share| share.has(id)).count(), 1, "{id}");
        }
        for share in shares {
            let has = ids.iter().filter(|id| share.has(id)).count();
            assert!((470..=680).contains(&has), "{share} has {has}");
        }
    }

    #[test]
    fn a_recording_stays_in_its_share_for_good() {
        // Written down: another version of this program on another machine has to say the same.
        let id = "38f8e3cfdc474cd56fc1ceba380d7e1a";
        let of = |count| (0..count).find(|index| Shard::new(*index, count).unwrap().has(id)).unwrap();
        assert_eq!([1, 2, 3, 8, 100].map(of), [0, 0, 1, 0, 92]);
    }

    #[test]
    fn a_share_is_read_from_its_text() {
        assert_eq!(Shard::parse("3/4").unwrap().to_string(), "3/4");
        assert!(Shard::parse("0/1").unwrap().is_whole());
        for text in ["4/4", "0/0", "1", "a/b", "-1/4", "1/4/5", ""] {
            assert_eq!(Shard::parse(text), Err(ShardError), "{text}");
        }
    }
}
