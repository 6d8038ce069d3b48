//! What the settings say about a store of Aliyun OSS.

use recfetch::source::OssPlace;

/// Where the store is, for people.
pub(super) fn describe(place: &OssPlace) -> String {
    let OssPlace { region, bucket, endpoint, .. } = place;
    format!("Aliyun OSS, {region}, bucket {bucket}, {endpoint}")
}
