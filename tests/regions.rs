//! Every region that an edition of Agora's documents names still resolves as that edition meant it.

use recfetch::domain::regions::{RegionError, Unconfirmed, resolve};
use recfetch::domain::vendor::Vendor;

const EDITIONS: &str = include_str!("../fixtures/regions/editions.tsv");

#[test]
fn every_row_of_every_edition_resolves_as_the_fixture_says() {
    let mut rows = 0;
    for line in EDITIONS.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [edition, vendor, code, name, id, outcome] = fields[..] else {
            panic!("not six fields: {line}");
        };
        let vendor = Vendor::parse(vendor).expect("a vendor's number");
        for text in [code, name].into_iter().filter(|text| *text != "-") {
            check(&format!("{edition}: {vendor} {text}"), vendor, text, code, id, outcome);
        }
        rows += 1;
    }
    assert!(rows > 150, "only {rows} rows were read");
}

#[test]
fn the_editions_cover_every_row_of_the_three_first_vendors() {
    for vendor in [Vendor::Qiniu, Vendor::Aws, Vendor::Aliyun] {
        for row in recfetch::domain::regions::regions(vendor) {
            for (name, code) in row.names.iter().zip(row.code.into_iter().cycle()) {
                let cells = format!("\t{}\t{code}\t{name}\t{}\t", vendor.code(), row.id);
                assert!(EDITIONS.contains(&cells), "{vendor}: no edition has {code} {name}");
            }
        }
    }
}

fn check(what: &str, vendor: Vendor, text: &str, code: &str, id: &str, outcome: &str) {
    match (outcome, resolve(vendor, text, Unconfirmed::Refuse)) {
        ("resolved", Ok(region)) => {
            assert_eq!(region.s3_region(), id, "{what}");
            assert_eq!(region.code.map(|code| code.to_string()).as_deref(), Some(code), "{what}");
        }
        ("unconfirmed", Err(RegionError::Unconfirmed { likely, .. })) => {
            assert_eq!(likely.unwrap_or("-"), id, "{what}");
            let allowed = resolve(vendor, text, Unconfirmed::Allow).ok();
            assert_eq!(allowed.as_ref().map_or("-", |region| region.s3_region()), id, "{what}");
        }
        (outcome, other) => panic!("{what}: expected {outcome}, got {other:?}"),
    }
}

#[test]
fn the_vendors_of_the_s3_protocol_have_the_hosts_of_their_documents() {
    // Vendor, Agora's number, the host of the vendor's endpoint list (2026).
    for (vendor, code, host) in [
        (Vendor::Tencent, "0", "cos.ap-beijing-1.myqcloud.com"),
        (Vendor::Tencent, "19", "cos.eu-moscow.myqcloud.com"),
        (Vendor::Kingsoft, "1", "ks3-cn-shanghai.ksyuncs.com"),
        (Vendor::Kingsoft, "3", "ks3-cn-beijing.ksyuncs.com"),
        (Vendor::Google, "0", "storage.googleapis.com"),
        (Vendor::Huawei, "1", "obs.cn-north-4.myhuaweicloud.com"),
        (Vendor::Huawei, "15", "obs.sa-chile-1.myhuaweicloud.com"),
        (Vendor::Baidu, "0", "s3.bj.bcebos.com"),
        (Vendor::Baidu, "3", "s3.gz.bcebos.com"),
    ] {
        let region = resolve(vendor, code, Unconfirmed::Refuse).expect("a region");
        let endpoint = region.s3_endpoint().expect("an endpoint");
        assert_eq!(endpoint.url, format!("https://{host}"), "{vendor} {code}");
        assert_eq!(vendor.standing().words(), "documented, not proven", "{vendor}");
    }
    // Each row of each such vendor leads to a host; the host of a self-hosted store is its owner's.
    for vendor in [Vendor::Tencent, Vendor::Kingsoft, Vendor::Google, Vendor::Huawei, Vendor::Baidu] {
        for row in recfetch::domain::regions::regions(vendor) {
            let url = row.s3_endpoint().expect("an endpoint").url;
            assert!(vendor == Vendor::Google || url.contains(&*row.id), "{url}");
        }
    }
    let own = resolve(Vendor::SelfHosted, "0", Unconfirmed::Refuse).expect("a region");
    assert_eq!(own.s3_endpoint(), None);
}
