//! Region numbers lead to the hosts that the vendors document: over https, with the vendors' real names
//! resolved to loopback under a test authority.

use std::sync::OnceLock;

use recfetch_test_support::kodo::{self, Domains, KodoOptions};
use recfetch_test_support::{Checksum, Handle, Keys, Object, Objects, S3Options, s3};

use crate::hosts::Hosts;
use crate::judge;
use crate::media::composite;
use crate::program::{Case, Ran};
use crate::servers::{ACCESS, BUCKET, SECRET, world};

const BOUND_AT_QINIU: &str = "video.school.example";

/// The servers behind the names.
struct Behind {
    hosts: &'static Hosts,
    _servers: Vec<Handle>,
}

/// All names that the cases ask for.
const NAMES: [&str; 7] = [
    "lessons.s3.cn-north-1.amazonaws.com.cn",
    "lessons.s3.us-gov-west-1.amazonaws.com",
    "s3.cn-east-1.qiniucs.com",
    "rs-z0.qiniuapi.com",
    "rsf-z0.qiniuapi.com",
    "uc.qiniuapi.com",
    BOUND_AT_QINIU,
];

fn behind() -> &'static Behind {
    static BEHIND: OnceLock<Behind> = OnceLock::new();
    BEHIND.get_or_init(|| {
        let objects = Objects::new();
        for (name, bytes) in composite().files {
            objects.put(format!("math/{name}"), Object::new(bytes).with_checksum(Checksum::Crc64Nvme));
        }
        let bucket = |region: &str, domain: &str| {
            let options = S3Options {
                region: Some(region.to_owned()),
                domains: vec![domain.to_owned()],
                ..S3Options::new(BUCKET, Keys::new(ACCESS, SECRET))
            };
            world().runtime.block_on(s3::start(&objects, options)).expect("a server")
        };
        let beijing = bucket("cn-north-1", "s3.cn-north-1.amazonaws.com.cn");
        let government = bucket("us-gov-west-1", "s3.us-gov-west-1.amazonaws.com");
        let qiniu = bucket("cn-east-1", "s3.cn-east-1.qiniucs.com");
        let options = KodoOptions {
            domains: Domains::Named(vec![BOUND_AT_QINIU.to_owned()]),
            ..KodoOptions::new(BUCKET, ACCESS, SECRET)
        };
        let kodo = world().runtime.block_on(kodo::start(&objects, options)).expect("a server");
        let port = |handle: &Handle| handle.port();
        let routes = [
            ("lessons.s3.cn-north-1.amazonaws.com.cn", port(&beijing)),
            ("lessons.s3.us-gov-west-1.amazonaws.com", port(&government)),
            ("s3.cn-east-1.qiniucs.com", port(&qiniu)),
            ("rs-z0.qiniuapi.com", port(&kodo)),
            ("rsf-z0.qiniuapi.com", port(&kodo)),
            ("uc.qiniuapi.com", port(&kodo)),
            (BOUND_AT_QINIU, port(&kodo)),
        ];
        let hosts = Hosts::start(&routes, &NAMES);
        Behind { hosts, _servers: vec![beijing, government, qiniu, kodo] }
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
    let wrapper = behind().hosts.wrapper();
    let wrapper: Vec<&str> = wrapper.iter().map(String::as_str).collect();
    let script = format!("\"$recfetch\" fetch {} --store prod --json --join --retries 1", composite().sid);
    case.shell(&wrapper, &script)
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
}

/// What shows that the names and the certificates are looked at: another region has no such host here, and
/// without the authority the certificate is nobody's.
pub(crate) fn another_region_or_authority_leads_nowhere() {
    let elsewhere = case("aws-elsewhere", "vendor = 1\nregion = 16");
    assert!(fetch(&elsewhere).expect(5).said().contains("unreachable"));
    let untrusted = case("aws-untrusted", "vendor = 1\nregion = 15").env("SSL_CERT_FILE", "/dev/null");
    let ran = fetch(&untrusted);
    assert!(ran.expect(6).said().contains("certificate"), "{}", ran.said());
}
