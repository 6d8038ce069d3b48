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
