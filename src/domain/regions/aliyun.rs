//! Alibaba Cloud OSS.

use super::Region;
use crate::domain::vendor::Vendor;

pub(super) static TABLE: &[Region] = &[
    row(0, &["CN_Hangzhou"], "cn-hangzhou").since("2019-04"),
    row(1, &["CN_Shanghai"], "cn-shanghai").since("2019-04"),
    row(2, &["CN_Qingdao"], "cn-qingdao").since("2019-04"),
    row(3, &["CN_Beijing", "CN_Beijin"], "cn-beijing")
        .since("2019-04")
        .note("the documents of 2019 leave out the g"),
    row(4, &["CN_Zhangjiakou"], "cn-zhangjiakou").since("2019-04"),
    row(5, &["CN_Huhehaote"], "cn-huhehaote")
        .since("2019-04")
        .note("Hohhot; Alibaba spells the id this way too"),
    row(6, &["CN_Shenzhen"], "cn-shenzhen").since("2019-04"),
    row(7, &["CN_Hongkong"], "cn-hongkong").since("2019-04"),
    row(8, &["US_West_1"], "us-west-1").since("2019-04").note("Silicon Valley"),
    row(9, &["US_East_1"], "us-east-1").since("2019-04").note("Virginia"),
    row(10, &["AP_Southeast_1"], "ap-southeast-1").since("2019-04").note("Singapore"),
    row(11, &["AP_Southeast_2"], "ap-southeast-2")
        .since("2019-04")
        .note("Sydney; Alibaba marks it as decommissioned"),
    row(12, &["AP_Southeast_3"], "ap-southeast-3").since("2019-04").note("Kuala Lumpur"),
    row(13, &["AP_Southeast_5"], "ap-southeast-5").since("2019-04").note("Jakarta"),
    row(14, &["AP_Northeast_1"], "ap-northeast-1").since("2019-04").note("Tokyo"),
    row(15, &["AP_South_1"], "ap-south-1")
        .since("2019-04")
        .note("Mumbai; newer lists of Alibaba's do not have it"),
    row(16, &["EU_Central_1"], "eu-central-1").since("2019-04").note("Frankfurt"),
    row(17, &["EU_West_1"], "eu-west-1").since("2019-04").note("London"),
    row(18, &["EU_East_1"], "me-east-1")
        .since("2019-04")
        .unconfirmed("OSS has no eu-east-1; me-east-1, Dubai, is the one left over"),
    row(19, &["AP_Southeast_6"], "ap-southeast-6").since("2021-12").note("Manila"),
    row(20, &["CN_Heyuan"], "cn-heyuan").since("2021-12"),
    row(21, &["CN_Guangzhou"], "cn-guangzhou").since("2021-12"),
    row(22, &["CN_Chengdu"], "cn-chengdu").since("2021-12"),
    row(23, &["CN_Nanjing"], "cn-nanjing").since("2023-07").note("a local region that Alibaba is closing"),
    row(24, &["CN_Fuzhou"], "cn-fuzhou").since("2023-07").note("a local region that Alibaba is closing"),
    row(25, &["CN_Wulanchabu"], "cn-wulanchabu").since("2023-07"),
    row(26, &["CN_Northeast_2"], "ap-northeast-2")
        .unconfirmed("OSS has no cn-northeast-2; ap-northeast-2 is Seoul"),
    row(27, &["CN_Southeast_7"], "ap-southeast-7")
        .unconfirmed("OSS has no cn-southeast-7; ap-southeast-7 is Bangkok"),
];

const fn row(code: u32, names: &'static [&'static str], id: &'static str) -> Region {
    Region::row(Vendor::Aliyun, code, names, id)
}
