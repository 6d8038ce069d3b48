//! Keys that a store has no use for. A setting that does nothing would let its writer believe in it.

use recfetch::domain::vendor::Vendor;
use recfetch::source::Place;

use super::{Keys, Kind, Value};
use crate::failure::Failure;
use crate::settings::key::{Origin, StoreKey};

/// What the keys of a store are about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Amazon,
    /// A vendor of Agora's by its S3 interface, or any other store that speaks S3.
    S3,
    OssS3,
    Oss,
    KodoS3,
    Kodo,
    Web,
    Folder,
}

impl Way {
    fn of(kind: Kind, place: &Place) -> Self {
        match (place, kind) {
            (Place::Http { .. }, _) => Self::Web,
            (Place::Dir { .. }, _) => Self::Folder,
            (Place::Oss(_), _) => Self::Oss,
            (Place::Kodo(_), _) => Self::Kodo,
            (Place::S3(_), Kind::Agora(Vendor::Aws)) => Self::Amazon,
            (Place::S3(_), Kind::Agora(Vendor::Aliyun)) => Self::OssS3,
            (Place::S3(_), Kind::Agora(Vendor::Qiniu)) => Self::KodoS3,
            (Place::S3(_), _) => Self::S3,
        }
    }

    /// For people.
    fn words(self) -> &'static str {
        match self {
            Self::Amazon => "Amazon S3",
            Self::S3 => "the S3 interface of this store",
            Self::OssS3 => "the S3 interface of Aliyun OSS",
            Self::Oss => "Aliyun OSS",
            Self::KodoS3 => "the S3 interface of Qiniu Kodo",
            Self::Kodo => "Qiniu Kodo by its own interface",
            Self::Web => "a web server",
            Self::Folder => "a local folder",
        }
    }

    fn uses(self, key: StoreKey) -> bool {
        let web = self == Self::Web;
        let bucket = !web && self != Self::Folder;
        match key {
            StoreKey::Vendor | StoreKey::Prefix | StoreKey::Fallback => true,
            StoreKey::Url => web,
            StoreKey::Path => self == Self::Folder,
            // A web server is asked without credentials anyway: it says what is done.
            StoreKey::Anonymous => bucket || web,
            StoreKey::Region
            | StoreKey::Unconfirmed
            | StoreKey::Bucket
            | StoreKey::Endpoint
            | StoreKey::Profile
            | StoreKey::AccessKeyEnv
            | StoreKey::SecretKeyEnv
            | StoreKey::SessionTokenEnv
            | StoreKey::CredentialCommand => bucket,
            StoreKey::PathStyle => bucket && self != Self::Kodo,
            // With both names a store can be read by either interface.
            StoreKey::S3Bucket => matches!(self, Self::KodoS3 | Self::Kodo),
            StoreKey::Domain => self == Self::Kodo,
            StoreKey::Interface => matches!(self, Self::Oss | Self::OssS3 | Self::KodoS3 | Self::Kodo),
            StoreKey::Cname | StoreKey::Signature | StoreKey::Network => self == Self::Oss,
        }
    }

    /// What may have been meant.
    fn instead(self, key: StoreKey) -> &'static str {
        match (key, self) {
            (StoreKey::Domain, Self::Oss) => {
                "at Aliyun a domain that is bound to the bucket is its `endpoint`, with `cname = true`"
            }
            (StoreKey::Cname, Self::Kodo | Self::KodoS3) => {
                "at Qiniu a domain that is bound to the bucket is its `domain`"
            }
            (StoreKey::Domain, _) => {
                "`domain` is for buckets at Qiniu; where a web server gives the objects out, use vendor = \"http\" with `url`"
            }
            (StoreKey::S3Bucket, _) => "`s3_bucket` is for buckets at Qiniu; leave it out and say `bucket`",
            (StoreKey::Cname | StoreKey::Signature | StoreKey::Network, Self::OssS3) => {
                "leave it out, or leave out interface = \"s3\""
            }
            (StoreKey::Cname | StoreKey::Signature | StoreKey::Network, _) => {
                "leave it out: it is for buckets at Aliyun"
            }
            (StoreKey::Interface, _) => "leave it out: it is for buckets at Aliyun and Qiniu",
            (StoreKey::Url, _) => "`url` is for vendor = \"http\"; a bucket's host is its `endpoint`",
            (StoreKey::Path, _) => "`path` is for vendor = \"dir\"; a folder in a bucket is its `prefix`",
            (
                StoreKey::Vendor
                | StoreKey::Region
                | StoreKey::Unconfirmed
                | StoreKey::Bucket
                | StoreKey::Prefix
                | StoreKey::Endpoint
                | StoreKey::PathStyle
                | StoreKey::Anonymous
                | StoreKey::Profile
                | StoreKey::AccessKeyEnv
                | StoreKey::SecretKeyEnv
                | StoreKey::SessionTokenEnv
                | StoreKey::CredentialCommand
                | StoreKey::Fallback,
                _,
            ) => "leave it out",
        }
    }
}

/// Refuses the first key that does nothing here.
pub(super) fn refuse(keys: &Keys<'_>, kind: Kind, place: &Place) -> Result<(), Failure> {
    let way = Way::of(kind, place);
    let idle = keys.table.keys.iter().find(|(key, said)| {
        // What is switched off asks for nothing, and nobody wrote for this program what Agora saved.
        let asks = said.value != Value::Switch(false) && !matches!(said.from, Origin::Saved(_));
        asks && !way.uses(**key)
    });
    match idle {
        Some((key, _)) => {
            Err(keys.wrong(*key, &format!("{} has no use for it", way.words())).hint(way.instead(*key)))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::args::StoreArgs;
    use crate::settings::env::Environment;
    use crate::settings::{Flags, Settings};

    fn resolve(keys: &str, store: StoreArgs) -> Result<(), String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("[store.a]\n{keys}\n")).unwrap();
        let flags = Flags { config: Some(file.path().into()), store, ..Flags::default() };
        let settings = Settings::load(&flags, Environment::default()).unwrap();
        settings
            .store("a")
            .map(drop)
            .map_err(|failure| anstream::adapter::strip_str(&failure.render()).to_string())
    }

    const AWS: &str = "vendor = \"aws\"\nregion = 4\nbucket = \"b\"\n";
    const COS: &str = "vendor = \"tencent\"\nregion = 3\nbucket = \"b\"\n";
    const OSS: &str = "vendor = \"aliyun\"\nregion = 0\nbucket = \"b\"\nanonymous = true\n";
    const KODO: &str = "vendor = \"qiniu\"\nregion = 0\nbucket = \"b\"\nanonymous = true\n";
    const WEB: &str = "vendor = \"http\"\nurl = \"https://w.example/\"\n";
    const DIR: &str = "vendor = \"dir\"\npath = \"/x\"\n";

    #[test]
    fn a_setting_that_does_nothing_is_refused_with_what_was_meant() {
        for (store, key, who, hint) in [
            (AWS, "network = \"internal\"", "Amazon S3", "Aliyun"),
            (AWS, "signature = \"v1\"", "Amazon S3", "Aliyun"),
            (AWS, "s3_bucket = \"c\"", "Amazon S3", "say `bucket`"),
            (AWS, "url = \"https://w.example/\"", "Amazon S3", "`endpoint`"),
            (COS, "cname = true", "the S3 interface of this store", "Aliyun"),
            (COS, "interface = \"s3\"", "the S3 interface of this store", "Aliyun and Qiniu"),
            (COS, "domain = \"v.example\"", "the S3 interface of this store", "vendor = \"http\""),
            (OSS, "domain = \"v.example\"", "Aliyun OSS", "`cname = true`"),
            (
                OSS,
                "interface = \"s3\"\nnetwork = \"internal\"",
                "S3 interface of Aliyun",
                "interface = \"s3\"",
            ),
            (KODO, "cname = true", "the S3 interface of Qiniu Kodo", "its `domain`"),
            (KODO, "domain = \"v.example\"\npath_style = true", "Qiniu Kodo by its own", "leave it out"),
            (WEB, "bucket = \"b\"", "a web server", "leave it out"),
            (WEB, "profile = \"p\"", "a web server", "leave it out"),
            (DIR, "anonymous = true", "a local folder", "leave it out"),
            (DIR, "region = 4", "a local folder", "leave it out"),
        ] {
            let text = resolve(&format!("{store}{key}"), StoreArgs::default()).unwrap_err();
            let name = key.rsplit('\n').next().unwrap().split(' ').next().unwrap();
            assert!(text.contains(&format!("`{name}` cannot be")), "{store}{key}\n{text}");
            assert!(text.contains(who) && text.contains("has no use for it"), "{store}{key}\n{text}");
            assert!(text.contains(hint), "{store}{key}\n{text}");
        }
        let flag = StoreArgs { domain: Some("v.example".into()), ..StoreArgs::default() };
        let text = resolve(COS, flag).unwrap_err();
        assert!(text.contains("(flag --domain)"), "{text}");
    }

    #[test]
    fn what_a_store_uses_or_what_is_switched_off_is_taken() {
        for (store, key) in [
            (AWS, "cname = false\npath_style = true"),
            (OSS, "network = \"internal\"\nsignature = \"v1\""),
            (OSS, "interface = \"s3\""),
            (KODO, "s3_bucket = \"c\""),
            (KODO, "s3_bucket = \"c\"\ndomain = \"v.example\""),
            (WEB, "anonymous = true\nprefix = \"x\""),
        ] {
            assert_eq!(resolve(&format!("{store}{key}"), StoreArgs::default()), Ok(()), "{store}{key}");
        }
    }
}
