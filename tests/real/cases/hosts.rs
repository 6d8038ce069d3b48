//! Region numbers lead to the hosts that the vendors document: over https, with the vendors' real names
//! resolved to loopback under a test authority.

use std::sync::OnceLock;

use recfetch_test_support::kodo::{self, Domains, KodoOptions};
use recfetch_test_support::s3::Permission;
use recfetch_test_support::tls::{Authority, Shown};
use recfetch_test_support::{Checksum, Handle, Keys, Object, Objects, OssOptions, S3Options, oss, s3};
use serde_json::Value;

use crate::hosts::Hosts;
use crate::judge;
use crate::media::composite;
use crate::program::{Case, Ran};
use crate::servers::{ACCESS, BUCKET, SECRET, world};

const BOUND_AT_QINIU: &str = "video.school.example";
const BOUND_AT_ALIYUN: &str = "media.school.example";

/// The servers behind the names.
struct Behind {
    hosts: &'static Hosts,
    servers: Vec<(&'static str, Handle)>,
}

fn behind() -> &'static Behind {
    static BEHIND: OnceLock<Behind> = OnceLock::new();
    BEHIND.get_or_init(|| {
        let objects = Objects::new();
        for (name, bytes) in composite().files {
            objects.put(format!("math/{name}"), Object::new(bytes).with_checksum(Checksum::Crc64Nvme));
        }
        let keys = || Keys::new(ACCESS, SECRET);
        let s3_of = |region: &str, domain: &str| {
            let options = S3Options {
                region: Some(region.to_owned()),
                domains: vec![domain.to_owned()],
                ..S3Options::new(BUCKET, keys())
            };
            world().runtime.block_on(s3::start(&objects, options)).expect("a server")
        };
        let oss_of = |public_endpoint: Permission, bound: &[&str]| {
            let bound = bound.iter().map(|name| (*name).to_owned()).collect();
            let options = OssOptions { public_endpoint, bound, ..OssOptions::new(BUCKET, keys()) };
            world().runtime.block_on(oss::start(&objects, options)).expect("a server")
        };
        let options = KodoOptions {
            domains: Domains::Named(vec![BOUND_AT_QINIU.to_owned()]),
            // The scheme is a part of what its signatures sign.
            tls: Some(Authority::new().and_then(|one| one.acceptor(Shown::Right)).expect("a certificate")),
            ..KodoOptions::new(BUCKET, ACCESS, SECRET)
        };
        let kodo = world().runtime.block_on(kodo::start(&objects, options)).expect("a server");
        // Server, and the names that lead to it; a hosts file and a certificate know no wildcards.
        let servers = [
            (
                s3_of("cn-north-1", "s3.cn-north-1.amazonaws.com.cn"),
                &["lessons.s3.cn-north-1.amazonaws.com.cn"][..],
            ),
            (
                s3_of("us-gov-west-1", "s3.us-gov-west-1.amazonaws.com"),
                &["lessons.s3.us-gov-west-1.amazonaws.com"],
            ),
            (s3_of("cn-east-1", "s3.cn-east-1.qiniucs.com"), &["s3.cn-east-1.qiniucs.com"]),
            (
                s3_of("cn-hangzhou", "s3.oss-cn-hangzhou.aliyuncs.com"),
                &["lessons.s3.oss-cn-hangzhou.aliyuncs.com"],
            ),
            (kodo, &["rs-z0.qiniuapi.com", "rsf-z0.qiniuapi.com", "uc.qiniuapi.com", BOUND_AT_QINIU]),
            (
                oss_of(Permission::Allowed, &[]),
                &[
                    "lessons.oss-cn-hangzhou.aliyuncs.com",
                    "lessons.oss-cn-hangzhou-internal.aliyuncs.com",
                    "lessons.oss-accelerate.aliyuncs.com",
                    "lessons.oss-accelerate-overseas.aliyuncs.com",
                ],
            ),
            // A new user's bucket: reached by its own domain only.
            (oss_of(Permission::Denied, &[BOUND_AT_ALIYUN]), &[BOUND_AT_ALIYUN]),
        ];
        let routes: Vec<_> = servers
            .iter()
            .flat_map(|(server, names)| names.iter().map(|name| (*name, server.url())))
            .collect();
        let hosts = Hosts::start(&routes);
        let servers = servers.into_iter().map(|(server, names)| (names[0], server)).collect();
        Behind { hosts, servers }
    })
}

/// A store by vendor and Agora's number of the region: nothing that names a host.
fn case(word: &str, keys: &str) -> Case {
    Case::new(word)
        .settings(&format!(
            "[store.prod]\nbucket = \"{BUCKET}\"\nprefix = \"math\"\naccess_key_env = \"READER\"\n\
             secret_key_env = \"READER_SECRET\"\n{keys}\n"
        ))
        .env("READER", ACCESS)
        .env("READER_SECRET", SECRET)
        .env("SSL_CERT_FILE", &behind().hosts.authority())
}

fn fetch(case: &Case) -> Ran {
    let script = format!("\"$recfetch\" fetch {} --store prod --json --join --retries 1", composite().sid);
    among_the_names(case, &script)
}

fn among_the_names(case: &Case, script: &str) -> Ran {
    let wrapper = behind().hosts.wrapper();
    let wrapper: Vec<&str> = wrapper.iter().map(String::as_str).collect();
    case.shell(&wrapper, script)
}

/// How often a host was asked, by the log of the server behind it.
fn asked(server: &str, host: &str) -> usize {
    let (_, handle) = behind().servers.iter().find(|(name, _)| *name == server).expect("a server");
    handle.requests().iter().filter(|request| request.host == host).count()
}

fn comes_home(word: &str, keys: &str) {
    let case = case(word, keys);
    let report = fetch(&case).expect(0).json();
    assert_eq!(report["outcome"], "complete", "{report:#}");
    for object in judge::objects(&report, "segment") {
        assert_eq!(object["evidence"]["kind"], "store-digest", "{object:#}");
    }
    judge::bag_has_every_byte(&case.out().join(&composite().sid), &report, &composite());
}

pub(crate) fn amazons_partition_of_mainland_china() {
    comes_home("aws-cn", "vendor = 1\nregion = 15");
}

pub(crate) fn amazons_partition_of_the_government() {
    comes_home("aws-gov", "vendor = 1\nregion = 17");
}

pub(crate) fn qinius_s3_interface() {
    comes_home("qiniu-s3", "vendor = 0\nregion = 0");
}

pub(crate) fn qinius_own_interface_and_a_bound_domain() {
    comes_home("qiniu-kodo", &format!("vendor = 0\nregion = 0\ndomain = \"{BOUND_AT_QINIU}\""));
    // Nobody said which domains there are: the account is asked.
    comes_home("qiniu-asked", "vendor = 0\nregion = 0\ninterface = \"kodo\"");
    for host in ["rsf-z0.qiniuapi.com", "uc.qiniuapi.com", BOUND_AT_QINIU] {
        assert!(asked("rs-z0.qiniuapi.com", host) > 0, "{host} was not asked");
    }
}

pub(crate) fn aliyuns_networks_by_either_signature() {
    const PUBLIC: &str = "lessons.oss-cn-hangzhou.aliyuncs.com";
    for (network, host) in [
        (None, PUBLIC),
        (Some("internal"), "lessons.oss-cn-hangzhou-internal.aliyuncs.com"),
        (Some("accelerate"), "lessons.oss-accelerate.aliyuncs.com"),
        (Some("accelerate-overseas"), "lessons.oss-accelerate-overseas.aliyuncs.com"),
    ] {
        for signature in ["v4", "v1"] {
            let network = network.map(|network| format!("network = \"{network}\"\n")).unwrap_or_default();
            let before = asked(PUBLIC, host);
            comes_home("aliyun", &format!("vendor = 2\nregion = 0\n{network}signature = \"{signature}\""));
            assert!(asked(PUBLIC, host) > before, "{host} was not asked");
        }
    }
}

/// The region's host would refuse a new user's data.
pub(crate) fn a_domain_bound_to_a_bucket_at_aliyun() {
    for signature in ["v4", "v1"] {
        let keys = format!(
            "vendor = 2\nregion = 0\nendpoint = \"https://{BOUND_AT_ALIYUN}\"\ncname = true\n\
             signature = \"{signature}\""
        );
        comes_home("aliyun-bound", &keys);
    }
    assert!(asked(BOUND_AT_ALIYUN, BOUND_AT_ALIYUN) > 0, "the domain was not asked");
}

pub(crate) fn aliyuns_s3_interface() {
    comes_home("aliyun-s3", "vendor = 2\nregion = 0\ninterface = \"s3\"");
}

/// What the table prints are the hosts that the other cases here reach, with the bucket where it says.
pub(crate) fn the_table_of_regions_names_the_hosts_that_are_used() {
    let table = Case::new("regions").run(&["regions", "--json"]).expect(0).json();
    let vendors = table["vendors"].as_array().expect("vendors");
    for (vendor, code, host) in [
        (1, 15, "lessons.s3.cn-north-1.amazonaws.com.cn"),
        (1, 17, "lessons.s3.us-gov-west-1.amazonaws.com"),
        (0, 0, "s3.cn-east-1.qiniucs.com"),
        (2, 0, "lessons.s3.oss-cn-hangzhou.aliyuncs.com"),
    ] {
        let of_vendor = vendors.iter().find(|one| one["code"] == vendor).expect("the vendor");
        let rows = of_vendor["regions"].as_array().expect("rows");
        let row = rows.iter().find(|row| row["code"] == code).expect("the row");
        assert_eq!(url_of(row), format!("https://{host}"), "{row:#}");
        assert!(behind().hosts.leads(host), "{host} is not among the names that are tried");
    }
}

fn url_of(row: &Value) -> String {
    let endpoint = row["s3_endpoint"].as_str().expect("an endpoint");
    match row["addressing"].as_str() {
        Some("virtual-host") => endpoint.replace("https://", &format!("https://{BUCKET}.")),
        _ => endpoint.to_owned(),
    }
}

/// What shows that the names and the certificates are looked at: another region has no such host here, and
/// without the authority the certificate is nobody's.
pub(crate) fn another_region_or_authority_leads_nowhere() {
    for (vendor, here, elsewhere) in [
        ("aws", "vendor = 1\nregion = 15", "vendor = 1\nregion = 16"),
        ("aliyun", "vendor = 2\nregion = 0", "vendor = 2\nregion = 1"),
        ("qiniu", "vendor = 0\nregion = 0", "vendor = 0\nregion = 1"),
        (
            "kodo",
            "vendor = 0\nregion = 0\ninterface = \"kodo\"",
            "vendor = 0\nregion = 1\ninterface = \"kodo\"",
        ),
    ] {
        let elsewhere = fetch(&case(&format!("{vendor}-elsewhere"), elsewhere));
        assert!(elsewhere.expect(5).said().contains("unreachable"), "{vendor}: {}", elsewhere.said());
        let untrusted = case(&format!("{vendor}-untrusted"), here).env("SSL_CERT_FILE", "/dev/null");
        let untrusted = fetch(&untrusted);
        assert!(untrusted.expect(6).said().contains("certificate"), "{vendor}: {}", untrusted.said());
    }
}
