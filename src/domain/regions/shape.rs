//! Which texts look like a vendor's region id, so that a region newer than the tables can be used.
//!
//! The shapes are narrow enough that a typing error in a known id is still told as one, and they let
//! nothing through that could not stand in a host name.

use super::regions;
use crate::domain::spelling::distance;
use crate::domain::vendor::Vendor;

/// The words that Amazon, Alibaba, Huawei and Qiniu number their regions by.
const COMPASS: [&str; 9] =
    ["central", "east", "north", "northeast", "northwest", "south", "southeast", "southwest", "west"];

/// No id of a vendor comes near this length, and a host label has at most 63 bytes.
const LONGEST: usize = 48;

/// The id to use for a text that is in no table. `folded` is the text in lower case with hyphens.
pub(super) fn free_id(vendor: Vendor, text: &str, folded: &str) -> Option<String> {
    let fits = match vendor {
        Vendor::Aws => is_compass(folded) || folded.strip_prefix("us-gov").is_some_and(is_numbered_compass),
        Vendor::Qiniu | Vendor::Huawei => is_compass(folded),
        Vendor::Aliyun => is_compass(folded) || (folded.starts_with("cn-") && is_place(vendor, folded)),
        Vendor::Tencent => is_place(vendor, folded),
        Vendor::Kingsoft | Vendor::Azure | Vendor::Google | Vendor::Baidu => false,
        // Servers choose their own word, and signatures compare its case.
        Vendor::SelfHosted => return is_signing_word(text.trim()).then(|| text.trim().to_owned()),
    };
    fits.then(|| folded.to_owned())
}

/// `mx-central-1`: two letters for the place, a direction, a number.
fn is_compass(text: &str) -> bool {
    text.get(..2).is_some_and(|place| place.bytes().all(|b| b.is_ascii_lowercase()))
        && text.get(2..).is_some_and(is_numbered_compass)
}

/// `-central-1`.
fn is_numbered_compass(text: &str) -> bool {
    let Some((direction, number)) = text.strip_prefix('-').and_then(|rest| rest.split_once('-')) else {
        return false;
    };
    COMPASS.contains(&direction)
        && (1..=2).contains(&number.len())
        && number.bytes().all(|b| b.is_ascii_digit())
        && !number.starts_with('0')
}

/// `cn-hangzhou-finance`, `ap-jakarta`: two letters for the place, then words; and not one letter away
/// from a known id, because that is a typing error far more often than a new region.
fn is_place(vendor: Vendor, text: &str) -> bool {
    let mut words = text.split('-');
    text.len() <= LONGEST
        && words.next().is_some_and(|place| place.len() == 2 && place.bytes().all(|b| b.is_ascii_lowercase()))
        && words.next().is_some_and(|city| city.len() >= 4 && city.bytes().all(|b| b.is_ascii_lowercase()))
        && words.all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric()))
        && regions(vendor).iter().all(|row| distance(&row.id, text) > 1)
}

/// A word that may stand in the scope of a signature.
fn is_signing_word(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}
