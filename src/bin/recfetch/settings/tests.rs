use std::io::Write as _;

use recfetch::domain::regions::Addressing;
use recfetch::source::{
    Credentials, KodoHosts, KodoPlace, OssAddressing, OssPlace, OssSignature, Place, S3Place,
};
use url::Url;

use super::*;
use crate::failure::ExitCode;

const CONFIG: &str = r#"
[defaults]
jobs = 4
patience = "2m"
out = "/bags"

[store.prod]
vendor = "aws"
region = 4
bucket = "lessons"
prefix = ["school", "math"]
fallback = ["backup"]
access_key_env = "PROD_KEY"
secret_key_env = "PROD_SECRET"

[store.backup]
vendor = "http"
url = "https://user:hunter2@files.example.com/copy?sig=hunter3"

[store.broken]
vendor = "amazn"
"#;

fn load_text(config: &str, flags: Flags, environment: Environment) -> Result<Settings, Failure> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(config.as_bytes()).unwrap();
    Settings::load(&Flags { config: Some(file.path().to_owned()), ..flags }, environment)
}

fn load(flags: Flags) -> Result<Settings, Failure> {
    load_text(CONFIG, flags, Environment::from([("PROD_KEY", "AK"), ("PROD_SECRET", "hunter1")]))
}

fn store_flags(store: StoreArgs) -> Flags {
    Flags { store, ..Flags::default() }
}

fn said(failure: &Failure) -> String {
    anstream::adapter::strip_str(&failure.render()).to_string()
}

fn s3(settings: &Settings, name: &str) -> S3Place {
    match settings.store(name).unwrap().spec.place {
        Place::S3(place) => place,
        other => panic!("{other:?}"),
    }
}

#[test]
fn flags_go_over_environment_over_file_over_defaults() {
    let flag =
        || Flags { transfer: TransferArgs { jobs: Some(9), ..Default::default() }, ..Flags::default() };
    let env = || Environment::from([("RECFETCH_JOBS", "7")]);
    let empty = || Environment::default();
    for (config, flags, environment, jobs, from) in [
        ("", Flags::default(), empty(), 64, "default"),
        (CONFIG, Flags::default(), empty(), 4, ":3"),
        (CONFIG, Flags::default(), env(), 7, "env RECFETCH_JOBS"),
        (CONFIG, flag(), env(), 9, "flag --jobs"),
        ("", flag(), empty(), 9, "flag --jobs"),
    ] {
        let settings = load_text(config, flags, environment).unwrap();
        assert_eq!(settings.jobs, jobs, "{from}");
        let shown = settings.show_json()["settings"]["jobs"]["from"].as_str().unwrap().to_owned();
        assert!(shown.ends_with(from), "{shown} {from}");
    }
    let settings = load(Flags::default()).unwrap();
    assert_eq!(settings.patience, Duration::from_secs(120));
    assert_eq!(settings.out, PathBuf::from("/bags"));
    assert_eq!(settings.http.stall_timeout, Duration::from_secs(30));
}

#[test]
fn a_value_that_makes_no_sense_is_refused_with_the_place_where_it_was_said() {
    for (config, environment, start) in [
        ("[defaults]\njobs = 0", Environment::default(), "`jobs` cannot be `0`"),
        ("[defaults]\nlimit_rate = \"fast\"", Environment::default(), "`limit_rate` cannot be `fast`"),
        (
            "",
            Environment::from([("RECFETCH_PATIENCE", "long")]),
            "`patience` cannot be `long` (env RECFETCH_PATIENCE)",
        ),
        (
            "",
            Environment::from([("RECFETCH_PROXY", "tor")]),
            "`proxy` cannot be `tor` (env RECFETCH_PROXY): one of system, none",
        ),
    ] {
        // Also where a flag would win: the mistake is there all the same.
        let flags =
            Flags { transfer: TransferArgs { jobs: Some(9), ..Default::default() }, ..Flags::default() };
        let failure = load_text(config, flags, environment).unwrap_err();
        assert_eq!(failure.code, ExitCode::Usage);
        assert!(said(&failure).starts_with(&format!("error: {start}")), "{}", said(&failure));
    }
}

#[test]
fn a_store_becomes_what_the_library_needs() {
    let settings = load(Flags::default()).unwrap();
    assert_eq!(settings.require_stores().unwrap(), ["prod", "backup", "broken"]);
    let prod = settings.store("prod").unwrap();
    assert_eq!(prod.fallback, ["backup"]);
    assert_eq!(prod.spec.prefix.unwrap().as_str(), "school/math/");
    let place = s3(&settings, "prod");
    assert_eq!((place.label.as_str(), place.region.as_str()), ("Amazon S3", "eu-west-1"));
    assert_eq!((place.endpoint, place.addressing), (None, Addressing::VirtualHost));
    match place.credentials {
        Credentials::Keys { access_key, secret_key, session_token: None } => {
            assert_eq!((access_key.as_str(), secret_key.expose()), ("AK", "hunter1"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_broken_store_stops_only_itself() {
    let settings = load(Flags::default()).unwrap();
    assert!(settings.store("prod").is_ok());
    let text = said(&settings.store("broken").unwrap_err());
    assert!(text.contains("store broken: `vendor` cannot be `amazn`"), "{text}");
    assert!(text.contains("did you mean `aws`?"), "{text}");
}

#[test]
fn each_vendor_has_its_host_and_its_way_to_name_a_bucket() {
    for (keys, region, endpoint, addressing) in [
        (
            "vendor = 0\nregion = \"Huadong\"",
            "cn-east-1",
            Some("https://s3.cn-east-1.qiniucs.com"),
            Addressing::Path,
        ),
        (
            "vendor = \"aliyun\"\nregion = \"CN_Beijin\"\ninterface = \"S3\"",
            "cn-beijing",
            Some("https://s3.oss-cn-beijing.aliyuncs.com"),
            Addressing::VirtualHost,
        ),
        ("vendor = \"Amazon S3\"\nregion = \"us-east-1\"", "us-east-1", None, Addressing::VirtualHost),
        (
            "vendor = \"aws\"\nregion = 0\nendpoint = \"http://127.0.0.1:9000/\"",
            "us-east-1",
            Some("http://127.0.0.1:9000"),
            Addressing::Path,
        ),
        (
            "vendor = \"s3\"\nendpoint = \"https://s3.example.com\"\npath_style = false",
            "us-east-1",
            Some("https://s3.example.com"),
            Addressing::VirtualHost,
        ),
        (
            "vendor = 3\nregion = 3",
            "ap-guangzhou",
            Some("https://cos.ap-guangzhou.myqcloud.com"),
            Addressing::VirtualHost,
        ),
        (
            "vendor = \"kingsoft\"\nregion = \"CN_Beijing\"",
            "cn-beijing",
            Some("https://ks3-cn-beijing.ksyuncs.com"),
            Addressing::VirtualHost,
        ),
        ("vendor = 6\nregion = 0", "auto", Some("https://storage.googleapis.com"), Addressing::Path),
        (
            "vendor = \"huawei\"\nregion = 1",
            "cn-north-4",
            Some("https://obs.cn-north-4.myhuaweicloud.com"),
            Addressing::VirtualHost,
        ),
        (
            "vendor = 8\nregion = \"Guangzhou\"",
            "gz",
            Some("https://s3.gz.bcebos.com"),
            Addressing::VirtualHost,
        ),
        (
            "vendor = 11\nregion = 0\nendpoint = \"https://s3.example.com\"",
            "us-east-1",
            Some("https://s3.example.com"),
            Addressing::Path,
        ),
    ] {
        let config = format!("[store.a]\nbucket = \"b\"\nanonymous = true\n{keys}\n");
        let settings = load_text(&config, Flags::default(), Environment::default()).unwrap();
        let place = s3(&settings, "a");
        assert_eq!((place.region.as_str(), place.endpoint.as_deref()), (region, endpoint), "{keys}");
        assert_eq!(place.addressing, addressing, "{keys}");
        assert!(matches!(place.credentials, Credentials::Anonymous));
    }
}

#[test]
fn a_vendor_that_is_only_documented_says_so() {
    for (vendor, label) in [
        ("tencent", "Tencent COS (S3 interface, documented, not proven)"),
        ("kingsoft", "Kingsoft KS3 (S3 interface, documented, not proven)"),
        ("google", "Google Cloud Storage (S3 interface, documented, not proven)"),
        ("huawei", "Huawei OBS (S3 interface, documented, not proven)"),
        ("baidu", "Baidu BOS (S3 interface, documented, not proven)"),
        ("qiniu", "Qiniu Kodo (S3 interface)"),
    ] {
        let region = if vendor == "google" { 0 } else { 1 };
        let config = format!(
            "[store.a]\nvendor = \"{vendor}\"\nregion = {region}\nbucket = \"b\"\nanonymous = true\n"
        );
        let settings = load_text(&config, Flags::default(), Environment::default()).unwrap();
        assert_eq!(s3(&settings, "a").label, label);
    }
}

const KODO: &str = "[store.a]\nvendor = \"qiniu\"\nbucket = \"b\"\n";

fn kodo(keys: &str, flags: StoreArgs) -> Result<KodoPlace, Failure> {
    let environment = Environment::from([
        ("QINIU_ACCESS_KEY", "AK"),
        ("QINIU_SECRET_KEY", "hunter9"),
        ("TOKEN", "t"),
        ("OTHER_KEY", "other"),
    ]);
    let settings = load_text(&format!("{KODO}{keys}\n"), store_flags(flags), environment).unwrap();
    settings.store("a").map(|store| match store.spec.place {
        Place::Kodo(place) => place,
        other => panic!("{keys}: {other:?}"),
    })
}

#[test]
fn kodo_is_reached_by_its_own_interface_where_that_is_said_or_a_domain_is_named() {
    let none = StoreArgs::default;
    let hosts = |rs: &str, rsf: &str, uc: &str| KodoHosts { rs: rs.into(), rsf: rsf.into(), uc: uc.into() };
    let of_z0 = hosts("https://rs-z0.qiniuapi.com", "https://rsf-z0.qiniuapi.com", "https://uc.qiniuapi.com");
    let local = "http://127.0.0.1:8720";
    for (keys, flags, domains, expected) in [
        ("region = 0\ninterface = \"kodo\"", none(), vec![], of_z0.clone()),
        (
            "region = \"z0\"\ndomain = \"v.example.com\"",
            none(),
            vec!["https://v.example.com/"],
            of_z0.clone(),
        ),
        (
            "region = 0\ndomain = [\"http://a.example\", \"https://b.example:8443/\"]",
            none(),
            vec!["http://a.example/", "https://b.example:8443/"],
            of_z0.clone(),
        ),
        (
            "region = 0\ninterface = \"Kodo\"\ns3_bucket = \"of-s3\"",
            StoreArgs { domain: Some("c.example".into()), store: vec!["a".into()], ..none() },
            vec!["https://c.example/"],
            of_z0,
        ),
        (
            "interface = \"kodo\"\nendpoint = \"http://127.0.0.1:8720/\"",
            none(),
            vec![],
            hosts(local, local, local),
        ),
    ] {
        let place = kodo(keys, flags).unwrap_or_else(|failure| panic!("{keys}: {}", said(&failure)));
        assert_eq!(place.domains.iter().map(Url::as_str).collect::<Vec<_>>(), domains, "{keys}");
        assert_eq!((place.hosts, place.bucket.as_str()), (expected, "b"), "{keys}");
        match place.credentials {
            Credentials::Keys { access_key, secret_key, session_token: None } => {
                assert_eq!((access_key.as_str(), secret_key.expose()), ("AK", "hunter9"));
            }
            other => panic!("{other:?}"),
        }
    }
    // Nothing but the domain of a public bucket is asked, so its region need not be known.
    let public = kodo("anonymous = true\ndomain = \"v.example.com\"", none()).unwrap();
    assert!(matches!(public.credentials, Credentials::Anonymous));
    // The S3 interface has a bucket's S3 name.
    let config = format!("{KODO}region = 0\ninterface = \"s3\"\ns3_bucket = \"of-s3\"\nanonymous = true\n");
    let settings = load_text(&config, Flags::default(), Environment::default()).unwrap();
    assert_eq!(s3(&settings, "a").bucket, "of-s3");
}

#[test]
fn what_is_wrong_with_a_store_of_kodo_is_said_with_a_hint() {
    for (keys, error, hint) in [
        ("region = 0\ninterface = \"koda\"", "`interface` cannot be `koda`", "did you mean `kodo`?"),
        ("region = 0\ninterface = \"grpc\"", "`interface` cannot be `grpc`", "one of s3, kodo"),
        ("region = 0\ninterface = \"s3\"\ndomain = \"d.example\"", "not for the S3 interface", "kodo"),
        ("interface = \"kodo\"", "store a has no `region`", "recfetch regions qiniu"),
        ("region = 0\nanonymous = true\ninterface = \"kodo\"", "store a has no `domain`", "--domain"),
        ("region = 0\ndomain = \"ftp://d.example\"", "`domain` cannot be", "scheme"),
        ("region = 0\ndomain = \"d.example/folder\"", "only a host", ""),
        ("region = 0\ndomain = \"https://d.example/?token=x\"", "only a host", ""),
        (
            "region = 0\ndomain = \"d.example\"\nprofile = \"p\"",
            "`profile` cannot be `p`",
            "QINIU_ACCESS_KEY",
        ),
        (
            "region = 0\ndomain = \"d.example\"\naccess_key_env = \"OTHER_KEY\"\nsecret_key_env = \"OTHER_KEY\"\n\
             session_token_env = \"TOKEN\"",
            "no session tokens",
            "",
        ),
    ] {
        let failure = kodo(keys, StoreArgs::default()).unwrap_err();
        let text = said(&failure);
        assert_eq!(failure.code, ExitCode::Usage);
        assert!(text.contains(error) && text.contains(hint), "{keys}\n{text}");
    }
    let config = format!("{KODO}region = 0\ndomain = \"d.example\"\n");
    let settings = load_text(&config, Flags::default(), Environment::default()).unwrap();
    let text = said(&settings.store("a").unwrap_err());
    assert!(text.contains("QINIU_ACCESS_KEY") && text.contains("anonymous = true"), "{text}");
}

#[test]
fn what_is_wrong_with_a_store_is_said_with_a_hint() {
    for (keys, error, hint) in [
        ("bucket = \"b\"", "store a has no `vendor`", "qiniu, aws"),
        ("vendor = \"aws\"\nbucket = \"b\"", "store a has no `region`", "recfetch regions aws"),
        (
            "vendor = \"aws\"\nregion = \"us-esat-1\"\nbucket = \"b\"",
            "no known region of Amazon S3",
            "`us-east-1`",
        ),
        ("vendor = \"aliyun\"\nregion = 18\nbucket = \"b\"", "not confirmed", "--unconfirmed-region"),
        ("vendor = \"aws\"\nregion = 26\nbucket = \"b\"", "not confirmed", "the vendor's own id"),
        ("vendor = \"azure\"\nbucket = \"b\"", "no s3 interface", "vendor = \"http\""),
        ("vendor = \"aws\"\nregion = 4", "store a has no `bucket`", ""),
        ("vendor = \"aws\"\nregion = 4\nbucket = \"b/c\"", "a bucket has no `/`", "`prefix`"),
        ("vendor = \"s3\"\nbucket = \"b\"", "store a has no `endpoint`", "https://"),
        ("vendor = \"s3\"\nbucket = \"b\"\nendpoint = \"localhost:9000\"", "`endpoint` cannot be", "scheme"),
        ("vendor = \"http\"", "store a has no `url`", ""),
        ("vendor = \"dir\"", "store a has no `path`", ""),
        ("vendor = \"dir\"\npath = \"/x\"\nfallback = [\"bakup\"]", "no store is called `bakup`", ""),
        ("vendor = \"dir\"\npath = \"/x\"\nprefix = \"a/../b\"", "`prefix` cannot be `a/../b`", ""),
        (
            "vendor = \"aws\"\nregion = 4\nbucket = \"b\"\naccess_key_env = \"NO_KEY\"\nsecret_key_env = \"NO\"",
            "`access_key_env` cannot be `NO_KEY`",
            "not the key itself",
        ),
        (
            "vendor = \"aws\"\nregion = 4\nbucket = \"b\"\nsecret_key_env = \"NO\"",
            "store a has no `access_key_env`",
            "",
        ),
        (
            "vendor = \"aws\"\nregion = 4\nbucket = \"b\"\nanonymous = true\nprofile = \"x\"",
            "exclude each other",
            "",
        ),
    ] {
        let settings =
            load_text(&format!("[store.a]\n{keys}\n"), Flags::default(), Environment::default()).unwrap();
        let failure = settings.store("a").unwrap_err();
        let text = said(&failure);
        assert_eq!(failure.code, ExitCode::Usage);
        assert!(text.contains(error) && text.contains(hint), "{keys}\n{text}");
    }
}

#[test]
fn a_guess_is_taken_only_where_it_is_allowed() {
    let config =
        "[store.a]\nvendor = \"aliyun\"\nregion = 18\nbucket = \"b\"\nanonymous = true\ninterface = \"s3\"\n";
    let allowed = store_flags(StoreArgs { unconfirmed_region: true, ..Default::default() });
    let by_flag = load_text(config, allowed, Environment::default()).unwrap();
    assert_eq!(s3(&by_flag, "a").region, "me-east-1");
    let by_key =
        load_text(&format!("{config}unconfirmed = true\n"), Flags::default(), Environment::default())
            .unwrap();
    assert_eq!(s3(&by_key, "a").region, "me-east-1");
}

#[test]
fn flags_choose_describe_or_correct_a_store() {
    let text = |text: &str| Some(text.to_owned());
    let chosen =
        load(store_flags(StoreArgs { store: vec!["backup".into(), "prod".into()], ..Default::default() }));
    assert_eq!(chosen.unwrap().require_stores().unwrap(), ["backup", "prod"]);

    let described = StoreArgs {
        vendor: text("1"),
        region: text("4"),
        bucket: text("b"),
        prefix: text("school/math"),
        anonymous: true,
        fallback: vec!["backup".into()],
        ..Default::default()
    };
    let settings = load(store_flags(described)).unwrap();
    assert_eq!(settings.require_stores().unwrap(), ["aws"]);
    let store = settings.store("aws").unwrap();
    assert_eq!(
        (store.spec.prefix.unwrap().as_str(), store.fallback),
        ("school/math/", vec!["backup".to_owned()])
    );

    let corrected = StoreArgs {
        store: vec!["prod".into()],
        bucket: text("other"),
        anonymous: true,
        ..Default::default()
    };
    let settings = load(store_flags(corrected)).unwrap();
    let place = s3(&settings, "prod");
    assert_eq!(place.bucket, "other");
    assert!(matches!(place.credentials, Credentials::Anonymous), "the flag replaces the keys of the file");

    let web =
        load(store_flags(StoreArgs { url: text("https://x.example/y"), ..Default::default() })).unwrap();
    assert_eq!(web.require_stores().unwrap(), ["http"]);
    assert!(matches!(web.store("http").unwrap().spec.place, Place::Http { .. }));
}

#[test]
fn flags_about_an_unclear_store_and_unknown_names_are_refused() {
    let failure =
        load(store_flags(StoreArgs { bucket: Some("b".into()), ..Default::default() })).unwrap_err();
    assert!(said(&failure).contains("flag --bucket is about one store, and it is not clear which"));
    let failure =
        load(store_flags(StoreArgs { store: vec!["pord".into()], ..Default::default() })).unwrap_err();
    assert!(said(&failure).contains("no store is called `pord`"), "{}", said(&failure));
    assert!(said(&failure).contains("did you mean `prod`?"));
    let none = load_text("", Flags::default(), Environment::default()).unwrap();
    assert!(said(none.require_stores().as_ref().unwrap_err()).contains("[store.NAME]"));
}

#[test]
fn the_keys_of_the_vendors_own_tools_are_used_where_the_store_has_none() {
    let config = "[store.a]\nvendor = \"aliyun\"\ninterface = \"s3\"\nregion = 0\nbucket = \"b\"\n";
    let environment = Environment::from([("OSS_ACCESS_KEY_ID", "id"), ("OSS_ACCESS_KEY_SECRET", "hunter4")]);
    let place = s3(&load_text(config, Flags::default(), environment).unwrap(), "a");
    assert!(matches!(place.credentials, Credentials::Keys { access_key, .. } if access_key == "id"));
    let place = s3(&load_text(config, Flags::default(), Environment::default()).unwrap(), "a");
    assert!(matches!(place.credentials, Credentials::Chain { profile: None }));
}

fn oss(keys: &str, environment: Environment) -> Result<OssPlace, Failure> {
    let config = format!("[store.a]\nvendor = \"aliyun\"\nregion = 0\nbucket = \"b\"\n{keys}\n");
    let store = load_text(&config, Flags::default(), environment)?.store("a")?;
    match store.spec.place {
        Place::Oss(place) => Ok(place),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_bucket_at_aliyun_is_reached_by_its_own_interface() {
    use OssAddressing::{BoundDomain, Path, VirtualHost};
    for (keys, endpoint, addressing) in [
        ("", "https://oss-cn-hangzhou.aliyuncs.com", VirtualHost),
        ("interface = \"oss\"", "https://oss-cn-hangzhou.aliyuncs.com", VirtualHost),
        ("network = \"Internal\"", "https://oss-cn-hangzhou-internal.aliyuncs.com", VirtualHost),
        ("network = \"accelerate\"", "https://oss-accelerate.aliyuncs.com", VirtualHost),
        ("network = \"accelerate-overseas\"", "https://oss-accelerate-overseas.aliyuncs.com", VirtualHost),
        ("endpoint = \"https://media.example.com/\"\ncname = true", "https://media.example.com", BoundDomain),
        ("endpoint = \"https://oss.example.com\"", "https://oss.example.com", VirtualHost),
        ("endpoint = \"https://oss.example.com\"\npath_style = true", "https://oss.example.com", Path),
        ("endpoint = \"http://127.0.0.1:9000\"", "http://127.0.0.1:9000", Path),
    ] {
        let place = oss(&format!("anonymous = true\n{keys}"), Environment::default()).unwrap();
        assert_eq!((place.endpoint.as_str(), place.addressing), (endpoint, addressing), "{keys}");
        assert_eq!((place.region.as_str(), place.signature), ("cn-hangzhou", OssSignature::V4), "{keys}");
    }
    let old = oss("anonymous = true\nsignature = \"V1\"", Environment::default()).unwrap();
    assert_eq!(old.signature, OssSignature::V1);
    let settings = load_text(
        "[store.a]\nvendor = 2\nregion = 3\nbucket = \"b\"\nanonymous = true\nnetwork = \"internal\"\n",
        Flags::default(),
        Environment::default(),
    );
    let shown = settings.unwrap().show();
    let leads = "Aliyun OSS, cn-beijing, bucket b, https://oss-cn-beijing-internal.aliyuncs.com";
    assert!(shown.contains(leads), "{shown}");
}

#[test]
fn what_is_wrong_with_a_bucket_at_aliyun_is_said_with_a_hint() {
    for (keys, error, hint) in [
        ("network = \"publik\"", "`network` cannot be `publik`", "did you mean `public`?"),
        ("network = \"moon\"", "no such word", "public, internal, accelerate, accelerate-overseas"),
        ("signature = \"v2\"", "`signature` cannot be `v2`", ""),
        ("interface = \"azure\"", "`interface` cannot be `azure`", "oss, s3"),
        ("cname = true", "store a has no `endpoint`", "bound to the bucket"),
        (
            "cname = true\npath_style = true\nendpoint = \"https://x.example\"",
            "`cname` and `path_style` exclude each other",
            "",
        ),
        (
            "network = \"public\"\nendpoint = \"https://x.example\"",
            "`endpoint` and `network` exclude each other",
            "",
        ),
        (
            "endpoint = \"https://b.oss-cn-hangzhou.aliyuncs.com\"",
            "the bucket goes before it by itself",
            "leave out `b.`",
        ),
    ] {
        let failure = oss(&format!("anonymous = true\n{keys}"), Environment::default()).unwrap_err();
        let text = said(&failure);
        assert_eq!(failure.code, ExitCode::Usage);
        assert!(text.contains(error) && text.contains(hint), "{keys}\n{text}");
    }
}

#[test]
fn the_keys_of_aliyuns_tools_are_found_in_their_order() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(".ossutilconfig");
    std::fs::write(
        &file,
        "[default]\naccessKeyID = of-file\naccessKeySecret = hunter0\n\
         [profile dev]\naccessKeyID = of-dev\naccessKeySecret = hunter1\nstsToken = hunter2\n\
         [profile role]\nmode = EcsRamRole\n",
    )
    .unwrap();
    let old = home.path().join("old");
    std::fs::write(&old, "[Credentials]\naccessKeyID=of-old\naccessKeySecret=hunter3\n").unwrap();
    let [home, old] = [home.path(), old.as_path()].map(|path| path.to_str().unwrap());
    let found = |keys: &str, environment: Environment| match oss(keys, environment).unwrap().credentials {
        Credentials::Keys { access_key, session_token, .. } => (access_key, session_token.is_some()),
        other => panic!("{other:?}"),
    };
    let both = [
        ("OSS_ACCESS_KEY_ID", "of-oss"),
        ("OSS_ACCESS_KEY_SECRET", "hunter4"),
        ("OSS_SESSION_TOKEN", "hunter5"),
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", "of-cloud"),
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "hunter6"),
        ("HOME", home),
    ];
    assert_eq!(found("", Environment::from(both)), ("of-oss".to_owned(), true));
    let cloud = [both[3], both[4], both[5], ("ALIBABA_CLOUD_SECURITY_TOKEN", "hunter7")];
    assert_eq!(found("", Environment::from(cloud)), ("of-cloud".to_owned(), true));
    assert_eq!(found("", Environment::from([("HOME", home)])), ("of-file".to_owned(), false));
    assert_eq!(found("profile = \"dev\"", Environment::from([("HOME", home)])), ("of-dev".to_owned(), true));
    let elsewhere = Environment::from([("HOME", home), ("OSSUTIL_CONFIG_FILE", old)]);
    assert_eq!(found("", elsewhere), ("of-old".to_owned(), false));
    assert!(matches!(
        oss("anonymous = true", Environment::from(both)).unwrap().credentials,
        Credentials::Anonymous
    ));

    let nowhere = tempfile::tempdir().unwrap();
    let nowhere = nowhere.path().to_str().unwrap();
    for (keys, home, error, hint) in [
        ("", nowhere, "no credentials for Aliyun OSS", "OSS_ACCESS_KEY_ID"),
        ("", nowhere, "no credentials for Aliyun OSS", "`anonymous = true`"),
        ("profile = \"dev\"", nowhere, "profile `dev`: there is no", ".ossutilconfig"),
        ("profile = \"dve\"", home, "has no [profile dve]", "did you mean `dev`?"),
        ("profile = \"role\"", home, "[profile role] has no accessKeyID", ""),
    ] {
        let failure = oss(keys, Environment::from([("HOME", home)])).unwrap_err();
        let text = said(&failure);
        assert_eq!(failure.code, ExitCode::Usage);
        assert!(text.contains(error) && text.contains(hint) && !text.contains("hunter"), "{keys}\n{text}");
    }
}

#[test]
fn nothing_secret_is_ever_shown() {
    let mistaken = format!(
        "{CONFIG}\n[store.mistaken]\nvendor = \"aws\"\nregion = 4\nbucket = \"b\"\n\
         access_key_env = \"AK\"\nsecret_key_env = \"hunter5/Aa+\"\n\
         [store.command]\nvendor = \"s3\"\nendpoint = \"https://u:hunter6@h.example\"\nbucket = \"b\"\n\
         credential_command = \"vault --token hunter7\"\n"
    );
    let environment =
        Environment::from([("PROD_KEY", "hunter0"), ("PROD_SECRET", "hunter1"), ("AK", "hunter8")]);
    let settings = load_text(&mistaken, Flags::default(), environment).unwrap();
    let shown = format!("{}{}", settings.show(), settings.show_json());
    assert!(!shown.contains("hunter"), "{shown}");
    assert!(shown.contains("PROD_SECRET (set)") && shown.contains("vault ****"), "{shown}");
    for name in ["mistaken", "command"] {
        let failure = settings.store(name).unwrap_err();
        assert!(!format!("{} {failure:?}", failure.render()).contains("hunter"), "{failure:?}");
    }
}
