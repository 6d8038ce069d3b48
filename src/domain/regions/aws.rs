//! Amazon S3.

use super::{Region, Unnamed};
use crate::domain::vendor::Vendor;

pub(super) static TABLE: &[Region] = &[
    row(0, &["US_EAST_1"], "us-east-1").since("2019-04"),
    row(1, &["US_EAST_2"], "us-east-2").since("2019-04"),
    row(2, &["US_WEST_1"], "us-west-1").since("2019-04"),
    row(3, &["US_WEST_2"], "us-west-2").since("2019-04"),
    row(4, &["EU_WEST_1"], "eu-west-1").since("2019-04"),
    row(5, &["EU_WEST_2"], "eu-west-2").since("2019-04"),
    row(6, &["EU_WEST_3"], "eu-west-3").since("2019-04"),
    row(7, &["EU_CENTRAL_1"], "eu-central-1").since("2019-04"),
    row(8, &["AP_SOUTHEAST_1"], "ap-southeast-1").since("2019-04"),
    row(9, &["AP_SOUTHEAST_2"], "ap-southeast-2").since("2019-04"),
    row(10, &["AP_NORTHEAST_1"], "ap-northeast-1").since("2019-04"),
    row(11, &["AP_NORTHEAST_2"], "ap-northeast-2").since("2019-04"),
    row(12, &["SA_EAST_1"], "sa-east-1").since("2019-04"),
    row(13, &["CA_CENTRAL_1"], "ca-central-1").since("2019-04"),
    row(14, &["AP_SOUTH_1"], "ap-south-1").since("2019-04"),
    row(15, &["CN_NORTH_1"], "cn-north-1")
        .since("2019-04")
        .note("mainland China: an account and keys of its own"),
    row(16, &["CN_NORTHWEST_1"], "cn-northwest-1")
        .since("2019-04")
        .note("mainland China: an account and keys of its own"),
    row(17, &["US_GOV_WEST_1"], "us-gov-west-1")
        .since("2019-04")
        .dropped("2024-04")
        .note("government partition; the page of the `update` call still had it on 2024-08-09"),
    row(18, &["AF_SOUTH_1"], "af-south-1").since("2024-05-07"),
    row(19, &["AP_EAST_1"], "ap-east-1").since("2024-05-07"),
    row(20, &["AP_NORTHEAST_3"], "ap-northeast-3").since("2021-07-30"),
    row(21, &["EU_NORTH_1"], "eu-north-1").since("2021-07-30"),
    row(22, &["ME_SOUTH_1"], "me-south-1").since("2021-07-30"),
    row(23, &["US_GOV_EAST_1"], "us-gov-east-1")
        .since("2021-07-30")
        .dropped("2024")
        .note("government partition"),
    row(24, &["AP_SOUTHEAST_3"], "ap-southeast-3")
        .since("2022-08-12")
        .note("in the English documents since 2024"),
    row(25, &["EU_SOUTH_1"], "eu-south-1").since("2022-08-12").note("in the English documents since 2024"),
    row(28, &["IL_CENTRAL_1"], "il-central-1")
        .since("2024-08-09")
        .dropped("2024-08-09")
        .note("seen on the page of the `update` call only"),
];

pub(super) static UNNAMED: &[Unnamed] = &[
    Unnamed {
        vendor: Vendor::Aws,
        code: 26,
        since: Some("2022-10"),
        note: "in the Chinese documents of 2022-10; its name was not seen",
    },
    Unnamed { vendor: Vendor::Aws, code: 27, since: None, note: "its name was not seen" },
];

const fn row(code: u32, names: &'static [&'static str], id: &'static str) -> Region {
    Region::row(Vendor::Aws, code, names, id)
}
