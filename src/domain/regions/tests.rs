use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn known(vendor: Vendor, text: &str) -> Region {
    resolve(vendor, text, Unconfirmed::Refuse).unwrap()
}

fn s3_url(vendor: Vendor, text: &str) -> String {
    known(vendor, text).s3_endpoint().unwrap().url
}

#[test]
fn a_number_means_one_region_of_its_vendor() {
    for vendor in Vendor::ALL {
        let listed = regions(vendor).iter().filter_map(|row| row.code);
        let mut codes: Vec<u32> = listed.chain(unnamed(vendor).iter().map(|row| row.code)).collect();
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count, "{vendor} has a number twice");
        assert!(regions(vendor).iter().all(|row| row.vendor == vendor));
        assert!(unnamed(vendor).iter().all(|row| row.vendor == vendor));
    }
}

/// The order of `resolve` matters for no text of the tables but the ids of unconfirmed rows.
#[test]
fn no_text_means_two_regions() {
    for vendor in Vendor::ALL {
        let mut seen: BTreeMap<String, &Region> = BTreeMap::new();
        for row in regions(vendor) {
            for word in row.words() {
                if let Some(other) = seen.insert(fold(word), row) {
                    assert_eq!(other, row, "{vendor}: {word} means two regions");
                }
            }
        }
    }
}

#[test]
fn every_number_name_and_id_resolves_to_its_row() {
    for vendor in Vendor::ALL {
        for row in regions(vendor) {
            let code = row.code.map(|code| code.to_string());
            for text in row.names.iter().map(|name| (*name).to_owned()).chain(code) {
                for text in
                    [text.clone(), text.to_uppercase(), format!(" {} ", text.replace(['_', ' '], "-"))]
                {
                    assert_eq!(
                        resolve(vendor, &text, Unconfirmed::Allow).as_ref(),
                        Ok(row),
                        "{vendor} {text}"
                    );
                }
            }
            let is_name = |id: &str| row.names.iter().any(|name| fold(name) == id);
            if row.status == Status::Unconfirmed && is_name(&row.id) {
                assert!(resolve(vendor, &row.id, Unconfirmed::Refuse).is_err(), "{vendor} {row}");
                continue;
            }
            for id in [&*row.id].into_iter().chain(row.aliases.iter().copied()) {
                let found = known(vendor, id);
                if row.status == Status::Unconfirmed {
                    assert_eq!((found.status, found.code, &*found.id), (Status::Unlisted, None, id));
                } else {
                    assert_eq!(&found, row, "{vendor} {id}");
                }
            }
        }
    }
}

#[test]
fn a_row_without_an_end_is_current_and_the_ends_are_in_order() {
    for row in Vendor::ALL.into_iter().flat_map(regions) {
        match row.status {
            Status::Current => assert!(row.until.is_none() && row.since.is_some(), "{row}"),
            Status::Dropped => assert!(row.until.is_some() && row.since <= row.until, "{row}"),
            Status::Unconfirmed => assert!(row.note.is_some(), "{row}"),
            Status::Unlisted => assert_eq!((row.code, row.since, row.until), (None, None, None), "{row}"),
        }
    }
}

#[test]
fn the_texts_of_the_documents_are_read() {
    let table = [
        (Vendor::Aws, "4", "eu-west-1"),
        (Vendor::Aws, "US_EAST_1", "us-east-1"),
        (Vendor::Aws, "us east 1", "us-east-1"),
        (Vendor::Aws, "17", "us-gov-west-1"),
        (Vendor::Aws, "28", "il-central-1"),
        (Vendor::Aliyun, "CN_Beijin", "cn-beijing"),
        (Vendor::Aliyun, "CN_Beijing", "cn-beijing"),
        (Vendor::Aliyun, "3", "cn-beijing"),
        (Vendor::Aliyun, "oss-cn-hangzhou", "cn-hangzhou"),
        (Vendor::Aliyun, "US_East_1", "us-east-1"),
        (Vendor::Aliyun, "13", "ap-southeast-5"),
        (Vendor::Qiniu, "Huadong", "cn-east-1"),
        (Vendor::Qiniu, "east_china", "cn-east-1"),
        (Vendor::Qiniu, "z0", "cn-east-1"),
        (Vendor::Qiniu, "4", "ap-southeast-1"),
        (Vendor::Qiniu, "cn-east-2", "cn-east-2"),
        (Vendor::Tencent, "19", "eu-moscow"),
        (Vendor::Kingsoft, "CN_Hongkong", "cn-hk-1"),
        (Vendor::Google, "0", "auto"),
        (Vendor::Huawei, "15", "sa-chile-1"),
        (Vendor::Baidu, "3", "gz"),
        (Vendor::SelfHosted, "0", "us-east-1"),
    ];
    for (vendor, text, id) in table {
        assert_eq!(known(vendor, text).s3_region(), id, "{vendor} {text}");
    }
}

#[test]
fn a_guess_is_refused_until_it_is_allowed() {
    let table = [
        (Vendor::Aliyun, "18", Some("me-east-1")),
        (Vendor::Aliyun, "eu-east-1", Some("me-east-1")),
        (Vendor::Aliyun, "26", Some("ap-northeast-2")),
        (Vendor::Aliyun, "CN_Southeast_7", Some("ap-southeast-7")),
        (Vendor::Kingsoft, "0", Some("cn-hangzhou")),
        (Vendor::Aws, "26", None),
        (Vendor::Aws, "27", None),
    ];
    for (vendor, text, expected) in table {
        let Err(RegionError::Unconfirmed { likely, text: given, .. }) =
            resolve(vendor, text, Unconfirmed::Refuse)
        else {
            panic!("{vendor} {text} was not refused");
        };
        assert_eq!((likely, &*given), (expected, text));
        let allowed = resolve(vendor, text, Unconfirmed::Allow).ok();
        assert_eq!(allowed.as_ref().map(Region::s3_region), expected, "{vendor} {text}");
        assert!(allowed.is_none_or(|region| region.status == Status::Unconfirmed && region.code.is_some()));
    }
}

#[test]
fn the_vendors_own_id_is_never_a_guess() {
    for text in ["ap-northeast-2", "me-east-1", "oss-ap-southeast-7", "oss-cn-northeast-2"] {
        let region = known(Vendor::Aliyun, text);
        assert_eq!((region.status, region.code), (Status::Unlisted, None), "{text}");
        assert_eq!(region.s3_region(), text.trim_start_matches("oss-"));
    }
}

#[test]
fn a_region_newer_than_the_tables_can_be_used() {
    let table = [
        (Vendor::Aws, "mx-central-1", "https://s3.mx-central-1.amazonaws.com"),
        (Vendor::Aws, "AP_SOUTHEAST_7", "https://s3.ap-southeast-7.amazonaws.com"),
        (Vendor::Aws, "cn-south-1", "https://s3.cn-south-1.amazonaws.com.cn"),
        (Vendor::Aliyun, "cn-zhongwei", "https://s3.oss-cn-zhongwei.aliyuncs.com"),
        (Vendor::Aliyun, "oss-cn-hangzhou-finance", "https://s3.oss-cn-hangzhou-finance.aliyuncs.com"),
        (Vendor::Aliyun, "me-central-1", "https://s3.oss-me-central-1.aliyuncs.com"),
        (Vendor::Qiniu, "ap-southeast-2", "https://s3.ap-southeast-2.qiniucs.com"),
        (Vendor::Tencent, "ap-jakarta", "https://cos.ap-jakarta.myqcloud.com"),
        (Vendor::Huawei, "tr-west-1", "https://obs.tr-west-1.myhuaweicloud.com"),
    ];
    for (vendor, text, url) in table {
        assert_eq!(s3_url(vendor, text), url);
        let region = known(vendor, text);
        assert_eq!((region.status, region.code, region.name()), (Status::Unlisted, None, region.s3_region()));
    }
}

#[test]
fn a_typing_error_is_no_new_region() {
    let table = [
        (Vendor::Aws, "us-esat-1", Some("us-east-1")),
        (Vendor::Aws, "us-east1", Some("us-east-1")),
        (Vendor::Aws, "nowhere", None),
        (Vendor::Aws, "us-east-0", Some("us-east-1")),
        (Vendor::Aws, "us-east-1.evil.example", None),
        (Vendor::Aws, "99", None),
        (Vendor::Aws, "4294967300", None),
        (Vendor::Aws, "", None),
        (Vendor::Aliyun, "cn-hangzou", Some("cn-hangzhou")),
        (Vendor::Aliyun, "hangzhou", Some("CN_Hangzhou")),
        (Vendor::Aliyun, "oss-cn-shangai", Some("cn-shanghai")),
        (Vendor::Aliyun, "cn-hangzhou/../x", None),
        (Vendor::Qiniu, "Hauadong", Some("Huadong")),
        (Vendor::Qiniu, "z9", None),
        (Vendor::Tencent, "ap-guangzhuo", Some("ap-guangzhou")),
        (Vendor::Baidu, "Bejing", Some("Beijing")),
        (Vendor::Google, "1", None),
        (Vendor::SelfHosted, "7", None),
        (Vendor::SelfHosted, "a/b", None),
    ];
    for (vendor, text, expected) in table {
        let error = resolve(vendor, text, Unconfirmed::Allow).unwrap_err();
        let RegionError::Unknown { nearest, .. } = error else { panic!("{vendor} {text}: {error}") };
        assert_eq!(nearest, expected, "{vendor} {text}");
    }
}

#[test]
fn each_part_of_amazons_cloud_has_its_own_hosts() {
    let table = [
        ("0", "https://s3.us-east-1.amazonaws.com", Partition::Aws),
        ("EU_WEST_1", "https://s3.eu-west-1.amazonaws.com", Partition::Aws),
        ("15", "https://s3.cn-north-1.amazonaws.com.cn", Partition::AwsCn),
        ("16", "https://s3.cn-northwest-1.amazonaws.com.cn", Partition::AwsCn),
        ("17", "https://s3.us-gov-west-1.amazonaws.com", Partition::AwsUsGov),
        ("23", "https://s3.us-gov-east-1.amazonaws.com", Partition::AwsUsGov),
    ];
    for (text, url, partition) in table {
        let region = known(Vendor::Aws, text);
        assert_eq!(region.partition(), Some(partition), "{text}");
        let endpoint = Endpoint { url: url.to_owned(), addressing: Addressing::VirtualHost };
        assert_eq!(region.s3_endpoint(), Some(endpoint), "{text}");
    }
    assert_eq!(known(Vendor::Aliyun, "cn-beijing").partition(), None);
}

#[test]
fn every_vendor_but_azure_has_s3_hosts() {
    let table = [
        (Vendor::Qiniu, "0", "https://s3.cn-east-1.qiniucs.com"),
        (Vendor::Aliyun, "5", "https://s3.oss-cn-huhehaote.aliyuncs.com"),
        (Vendor::Tencent, "0", "https://cos.ap-beijing-1.myqcloud.com"),
        (Vendor::Kingsoft, "3", "https://ks3-cn-beijing.ksyuncs.com"),
        (Vendor::Google, "0", "https://storage.googleapis.com"),
        (Vendor::Huawei, "1", "https://obs.cn-north-4.myhuaweicloud.com"),
        (Vendor::Baidu, "2", "https://s3.su.bcebos.com"),
    ];
    for (vendor, text, url) in table {
        assert_eq!(s3_url(vendor, text), url);
    }
    let own = known(Vendor::SelfHosted, "garage_EU");
    assert_eq!((own.s3_region(), own.s3_endpoint()), ("garage_EU", None));
    let azure = resolve(Vendor::Azure, "0", Unconfirmed::Allow);
    assert_eq!(azure, Err(RegionError::NoS3 { vendor: Vendor::Azure }));
    assert_eq!(azure.unwrap_err().to_string(), "Azure Blob Storage has no s3 interface");
}

#[test]
fn oss_has_hosts_for_each_network() {
    let region = known(Vendor::Aliyun, "CN_Huhehaote");
    let table = [
        (OssNetwork::Public, "https://oss-cn-huhehaote.aliyuncs.com"),
        (OssNetwork::Internal, "https://oss-cn-huhehaote-internal.aliyuncs.com"),
        (OssNetwork::Accelerate, "https://oss-accelerate.aliyuncs.com"),
        (OssNetwork::AccelerateOverseas, "https://oss-accelerate-overseas.aliyuncs.com"),
    ];
    for (network, url) in table {
        assert_eq!(region.oss_endpoint(network).as_deref(), Some(url));
        assert_eq!(known(Vendor::Aws, "0").oss_endpoint(network), None);
    }
}

#[test]
fn kodo_hosts_carry_kodos_own_id() {
    let table = [("Huanan", "z2"), ("3", "na0"), ("as0", "as0"), ("cn-east-2", "cn-east-2")];
    for (text, id) in table {
        let hosts = known(Vendor::Qiniu, text).kodo_hosts().unwrap();
        let expected = KodoHosts {
            rs: format!("https://rs-{id}.qiniuapi.com"),
            rsf: format!("https://rsf-{id}.qiniuapi.com"),
            io: format!("https://iovip-{id}.qiniuio.com"),
        };
        assert_eq!(hosts, expected, "{text}");
    }
    assert_eq!(known(Vendor::Aws, "0").kodo_hosts(), None);
}

#[test]
fn errors_say_what_was_meant_without_advice() {
    let table = [
        (Vendor::Aws, "us-esat-1", "`us-esat-1` is no known region of Amazon S3"),
        (
            Vendor::Aws,
            "27",
            "which region of Amazon S3 is meant by `27` is not confirmed (its name was not seen)",
        ),
    ];
    for (vendor, text, expected) in table {
        assert_eq!(resolve(vendor, text, Unconfirmed::Refuse).unwrap_err().to_string(), expected);
    }
}

proptest! {
    #[test]
    fn whatever_resolves_makes_a_host_name(vendor in 0..Vendor::ALL.len(), text in "\\PC*|[a-z]{2}-[a-z0-9-]{1,60}") {
        if let Ok(region) = resolve(Vendor::ALL[vendor], &text, Unconfirmed::Allow)
            && let Some(endpoint) = region.s3_endpoint()
        {
            let host = endpoint.url.strip_prefix("https://").unwrap();
            prop_assert!(host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.'));
            prop_assert!(host.split('.').all(|label| (1..=63).contains(&label.len())));
        }
    }
}
