//! The vendors that Agora added after the first three, by their S3 interfaces.

use super::Region;
use crate::domain::vendor::Vendor;

/// Tencent COS. Buckets are called `name-APPID`.
pub(super) static TENCENT: &[Region] = &[
    named_by_id(Vendor::Tencent, 0, &["ap-beijing-1"]).since("2019-10-24"),
    named_by_id(Vendor::Tencent, 1, &["ap-beijing"]).since("2019-10-24"),
    named_by_id(Vendor::Tencent, 2, &["ap-shanghai"]).since("2019-10-24"),
    named_by_id(Vendor::Tencent, 3, &["ap-guangzhou"]).since("2019-10-24"),
    named_by_id(Vendor::Tencent, 4, &["ap-chengdu"]).since("2019-10-24"),
    named_by_id(Vendor::Tencent, 5, &["ap-chongqing"]).since("2019-10-24"),
    named_by_id(Vendor::Tencent, 6, &["ap-shenzhen-fsi"]).since("2019-10-24"),
    named_by_id(Vendor::Tencent, 7, &["ap-shanghai-fsi"]).since("2019-10-24"),
    named_by_id(Vendor::Tencent, 8, &["ap-beijing-fsi"]).since("2019-10-24"),
    named_by_id(Vendor::Tencent, 9, &["ap-hongkong"]).since("2019-10-24"),
    named_by_id(Vendor::Tencent, 10, &["ap-singapore"]).since("2019-10-24"),
    named_by_id(Vendor::Tencent, 11, &["ap-mumbai"]).since("2019-10-24"),
    named_by_id(Vendor::Tencent, 12, &["ap-seoul"]).since("2019-10-24"),
    named_by_id(Vendor::Tencent, 13, &["ap-bangkok"]).since("2019-10-24"),
    named_by_id(Vendor::Tencent, 14, &["ap-tokyo"]).since("2019-10-24"),
    named_by_id(Vendor::Tencent, 15, &["na-siliconvalley"]).since("2019-10-24"),
    named_by_id(Vendor::Tencent, 16, &["na-ashburn"]).since("2019-10-24"),
    named_by_id(Vendor::Tencent, 17, &["na-toronto"]).since("2019-10-24"),
    named_by_id(Vendor::Tencent, 18, &["eu-frankfurt"]).since("2019-10-24"),
    named_by_id(Vendor::Tencent, 19, &["eu-moscow"]).since("2019-10-24"),
];

/// Kingsoft KS3, gone from the documents of 2025. Ids are the middle of `ks3-ID.ksyuncs.com`.
pub(super) static KINGSOFT: &[Region] = &[
    row(Vendor::Kingsoft, 0, &["CN_Hangzhou"], "cn-hangzhou")
        .since("2020-05-09")
        .dropped("2024")
        .unconfirmed("newer lists of Kingsoft's have no host for it"),
    row(Vendor::Kingsoft, 1, &["CN_Shanghai"], "cn-shanghai").since("2020-05-09").dropped("2024"),
    row(Vendor::Kingsoft, 2, &["CN_Qingdao"], "cn-qingdao")
        .since("2020-05-09")
        .dropped("2024")
        .unconfirmed("newer lists of Kingsoft's have no host for it"),
    row(Vendor::Kingsoft, 3, &["CN_Beijing"], "cn-beijing").since("2020-05-09").dropped("2024"),
    row(Vendor::Kingsoft, 4, &["CN_Guangzhou"], "cn-guangzhou").since("2020-05-09").dropped("2024"),
    row(Vendor::Kingsoft, 5, &["CN_Hongkong"], "cn-hk-1").since("2020-05-09").dropped("2024"),
    row(Vendor::Kingsoft, 6, &["JR_Beijing"], "jr-beijing").since("2020-05-09").dropped("2024"),
    row(Vendor::Kingsoft, 7, &["JR_Shanghai"], "jr-shanghai").since("2020-05-09").dropped("2024"),
    row(Vendor::Kingsoft, 8, &["NA_Russia_1"], "rus").since("2020-05-09").dropped("2024"),
    row(Vendor::Kingsoft, 9, &["NA_Singapore_1"], "sgp").since("2020-05-09").dropped("2024"),
];

/// Google Cloud Storage: one host for all locations.
pub(super) static GOOGLE: &[Region] =
    &[named_by_id(Vendor::Google, 0, &["auto"]).since("2021-10-29").note("any location; needs HMAC keys")];

/// Huawei OBS.
pub(super) static HUAWEI: &[Region] = &[
    named_by_id(Vendor::Huawei, 0, &["cn-north-1"]).since("2021-10-29"),
    named_by_id(Vendor::Huawei, 1, &["cn-north-4"]).since("2021-10-29"),
    named_by_id(Vendor::Huawei, 2, &["cn-east-2"]).since("2021-10-29"),
    named_by_id(Vendor::Huawei, 3, &["cn-east-3"]).since("2021-10-29"),
    named_by_id(Vendor::Huawei, 4, &["cn-south-1"]).since("2021-10-29"),
    named_by_id(Vendor::Huawei, 5, &["cn-southwest-2"]).since("2021-10-29"),
    named_by_id(Vendor::Huawei, 6, &["ap-southeast-1"]).since("2021-10-29"),
    named_by_id(Vendor::Huawei, 7, &["ap-southeast-2"]).since("2021-10-29"),
    named_by_id(Vendor::Huawei, 8, &["ap-southeast-3"]).since("2021-10-29"),
    named_by_id(Vendor::Huawei, 9, &["af-south-1"]).since("2021-10-29"),
    named_by_id(Vendor::Huawei, 10, &["sa-argentina-1"]).since("2021-10-29"),
    named_by_id(Vendor::Huawei, 11, &["sa-peru-1"]).since("2021-10-29"),
    named_by_id(Vendor::Huawei, 12, &["na-mexico-1"]).since("2021-10-29"),
    named_by_id(Vendor::Huawei, 13, &["sa-brazil-1"]).since("2021-10-29"),
    named_by_id(Vendor::Huawei, 14, &["la-south-2"]).since("2021-10-29"),
    named_by_id(Vendor::Huawei, 15, &["sa-chile-1"]).since("2021-10-29"),
];

/// Baidu BOS. The list of 2026 starts at 1.
pub(super) static BAIDU: &[Region] = &[
    row(Vendor::Baidu, 0, &["Beijing"], "bj").since("2022").dropped("2024"),
    row(Vendor::Baidu, 1, &["Baoding"], "bd").since("2021-10-29"),
    row(Vendor::Baidu, 2, &["Suzhou"], "su").since("2021-10-29"),
    row(Vendor::Baidu, 3, &["Guangzhou"], "gz").since("2021-10-29"),
    row(Vendor::Baidu, 4, &["Hongkong"], "hkg").since("2021-10-29"),
    row(Vendor::Baidu, 5, &["Singapore"], "sin")
        .since("2021-10-29")
        .unconfirmed("no list with its host was seen"),
    row(Vendor::Baidu, 6, &["Wuhan"], "fwh").since("2021-10-29").note("in Baidu's cloud for finance"),
    row(Vendor::Baidu, 7, &["Shanghai"], "fsh").since("2021-10-29").note("in Baidu's cloud for finance"),
];

/// A store of the customer's own: Agora's number is always 0, the host comes from the settings.
pub(super) static SELF_HOSTED: &[Region] = &[row(Vendor::SelfHosted, 0, &[], "us-east-1")
    .since("2025-06-27")
    .note("the id is what most S3-compatible servers sign with; the server may have another")];

const fn row(vendor: Vendor, code: u32, names: &'static [&'static str], id: &'static str) -> Region {
    Region::row(vendor, code, names, id)
}

/// A row whose name in the documents is the vendor's id.
const fn named_by_id(vendor: Vendor, code: u32, names: &'static [&'static str; 1]) -> Region {
    Region::row(vendor, code, names, names[0])
}
