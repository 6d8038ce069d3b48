//! Qiniu Kodo. All rows left the documents on 2023-07-04, with the remark that cloud recording does not
//! support Qiniu for the time being.

use std::borrow::Cow;

use super::{Region, Status};
use crate::domain::vendor::Vendor;

const LAST: &str = "2023-07-04";

/// The first alias of a row is Kodo's own id; `kodo_id` relies on it.
pub(super) static TABLE: &[Region] = &[
    row(0, &["East China", "Huadong"], "cn-east-1", &["z0"]).since("2019-04"),
    row(1, &["North China", "Huabei"], "cn-north-1", &["z1"]).since("2019-04"),
    row(2, &["South China", "Huanan"], "cn-south-1", &["z2"]).since("2019-04"),
    row(3, &["North America", "Beimei"], "us-north-1", &["na0"]).since("2019-04"),
    row(4, &["Southeast Asia"], "ap-southeast-1", &["as0"]).since("2022"),
    Region {
        vendor: Vendor::Qiniu,
        code: None,
        names: &[],
        id: Cow::Borrowed("cn-east-2"),
        aliases: &[],
        status: Status::Unlisted,
        since: None,
        until: None,
        note: Some("Zhejiang 2: Agora never had a number for it"),
    },
];

const fn row(
    code: u32,
    names: &'static [&'static str],
    id: &'static str,
    aliases: &'static [&'static str],
) -> Region {
    Region::row(Vendor::Qiniu, code, names, id).aliases(aliases).dropped(LAST)
}
