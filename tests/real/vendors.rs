//! The vendors' interfaces: a server for each, the settings that lead to it, and the digest it vouches with.

use std::sync::OnceLock;

use bytes::Bytes;
use recfetch_test_support::{
    Checksum, Handle, Keys, KodoOptions, Object, Objects, OssOptions, S3Options, kodo, oss, s3,
};

use crate::program::Case;
use crate::servers::{ACCESS, BUCKET, SECRET, Server, world};

/// An interface by which recordings are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vendor {
    /// S3 by SeaweedFS.
    Seaweed,
    /// S3 by the test kit, whose ETags are of uploads in parts.
    S3,
    /// Aliyun OSS.
    Oss,
    /// Qiniu by Kodo's own interfaces.
    Kodo,
    /// Qiniu by its S3 interface, whose ETags are Kodo's hashes.
    QiniuS3,
}

/// A server of the test kit and what lies in it.
struct Stocked {
    handle: Handle,
    objects: Objects,
}

/// The servers that only these tests use.
struct Own {
    oss: Stocked,
    kodo: Stocked,
    qiniu_s3: Stocked,
}

fn own() -> &'static Own {
    static OWN: OnceLock<Own> = OnceLock::new();
    OWN.get_or_init(|| {
        world().runtime.block_on(async {
            let [of_oss, of_kodo, of_s3] = [(); 3].map(|()| Objects::new());
            // Pages so small that every recording needs more than one.
            let page_size = 5;
            let keys = || Keys::new(ACCESS, SECRET);
            let options = OssOptions { page_size, ..OssOptions::new(BUCKET, keys()) };
            let oss = oss::start(&of_oss, options).await.expect("a server");
            let options = KodoOptions { page_size, ..KodoOptions::new(BUCKET, ACCESS, SECRET) };
            let kodo = kodo::start(&of_kodo, options).await.expect("a server");
            let region = Some("cn-east-1".to_owned());
            let options = S3Options { page_size, region, ..S3Options::new(BUCKET, keys()) };
            let s3 = s3::start(&of_s3, options).await.expect("a server");
            Own {
                oss: Stocked { handle: oss, objects: of_oss },
                kodo: Stocked { handle: kodo, objects: of_kodo },
                qiniu_s3: Stocked { handle: s3, objects: of_s3 },
            }
        })
    })
}

impl Vendor {
    pub(crate) const ALL: [Self; 5] = [Self::Seaweed, Self::S3, Self::Oss, Self::Kodo, Self::QiniuS3];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Seaweed => "seaweedfs",
            Self::S3 => "s3s",
            Self::Oss => "oss",
            Self::Kodo => "kodo",
            Self::QiniuS3 => "qiniu_s3",
        }
    }

    /// What it publishes of each object.
    pub(crate) fn digest(self) -> &'static str {
        match self {
            // Amazon's client sends it with each upload.
            Self::Seaweed => "crc32",
            Self::S3 => "crc64nvme",
            Self::Oss => "crc64xz",
            Self::Kodo | Self::QiniuS3 => "qetag",
        }
    }

    /// Puts files below a prefix (with a slash at its end).
    pub(crate) fn upload(self, prefix: &str, files: &[(String, Bytes)]) {
        if self == Self::Seaweed {
            Server::Seaweed.upload(prefix, files);
            return;
        }
        for (n, (name, bytes)) in files.iter().enumerate() {
            let object = Object::new(bytes.clone());
            // An ETag of this form proves nothing: the vendor's own digest has to.
            let in_parts = format!("0123456789abcdef0123456789{n:06x}-2");
            let object = match self {
                Self::Seaweed | Self::Kodo => object,
                Self::S3 => object.with_checksum(Checksum::Crc64Nvme).with_etag(&in_parts),
                Self::Oss => object.with_etag(&in_parts),
                Self::QiniuS3 => {
                    let hash = object.kodo_hash();
                    object.with_etag(&hash)
                }
            };
            self.objects().put(format!("{prefix}{name}"), object);
        }
    }

    /// Puts other bytes than those that the store vouches for. Only servers of the test kit can be made to.
    pub(crate) fn upload_changed(self, key: &str, right: &Bytes, changed: Bytes) {
        let (right, changed) = (Object::new(right.clone()), Object::new(changed));
        let (algorithm, in_parts) = match self {
            Self::Seaweed => panic!("it finds its digests out by itself"),
            Self::S3 => (Checksum::Crc64Nvme, "0123456789abcdef0123456789abcdef-2"),
            Self::Oss => (Checksum::Crc64Xz, "0123456789abcdef0123456789abcdef-2"),
            Self::Kodo | Self::QiniuS3 => {
                self.objects().put(key, changed.with_etag(&right.kodo_hash()));
                return;
            }
        };
        let changed = changed.with_checksum_value(algorithm, &right.checksum(algorithm));
        self.objects().put(key, changed.with_etag(in_parts));
    }

    /// A place to run in whose store `prod` is this one.
    pub(crate) fn case(self, word: &str, prefix: &str) -> Case {
        let case = Case::new(word);
        match self {
            Self::Seaweed => case.s3(Server::Seaweed, prefix, ""),
            Self::S3 => case.s3(Server::Loopback, prefix, ""),
            Self::Oss => case
                .settings(&self.settings("aliyun", "interface = \"oss\"\nregion = 0", prefix))
                .env("OSS_ACCESS_KEY_ID", ACCESS)
                .env("OSS_ACCESS_KEY_SECRET", SECRET),
            Self::Kodo => of_qiniu(case, &self.settings("qiniu", "interface = \"kodo\"", prefix)),
            Self::QiniuS3 => of_qiniu(case, &self.settings("qiniu", "region = 0", prefix)),
        }
    }

    /// A store `cold` that recordings are brought to.
    pub(crate) fn destination(self, case: Case, prefix: &str) -> Case {
        let cold = |vendor, keys| self.settings(vendor, keys, prefix).replace("store.prod", "store.cold");
        match self {
            Self::Seaweed => case.store("cold", &Server::Seaweed.endpoint(), BUCKET, prefix, ""),
            Self::S3 => case.store("cold", &Server::Loopback.endpoint(), BUCKET, prefix, ""),
            Self::Oss => case
                .settings(&cold("aliyun", "interface = \"oss\"\nregion = 0"))
                .env("OSS_ACCESS_KEY_ID", ACCESS)
                .env("OSS_ACCESS_KEY_SECRET", SECRET),
            Self::Kodo => of_qiniu(case, &cold("qiniu", "interface = \"kodo\"")),
            Self::QiniuS3 => of_qiniu(case, &cold("qiniu", "region = 0")),
        }
    }

    fn settings(self, vendor: &str, keys: &str, prefix: &str) -> String {
        let prefix: Vec<_> = prefix.split('/').filter(|part| !part.is_empty()).collect();
        let endpoint = self.handle().map(Handle::url).unwrap_or_default();
        format!(
            "[store.prod]\nvendor = \"{vendor}\"\n{keys}\nendpoint = \"{endpoint}\"\nbucket = \"{BUCKET}\"\n\
             prefix = {prefix:?}\n"
        )
    }

    fn objects(self) -> &'static Objects {
        match self {
            Self::Seaweed => panic!("its objects are its own"),
            Self::S3 => &world().loopback.objects,
            Self::Oss => &own().oss.objects,
            Self::Kodo => &own().kodo.objects,
            Self::QiniuS3 => &own().qiniu_s3.objects,
        }
    }

    /// The server, where it tells what it was asked.
    pub(crate) fn handle(self) -> Option<&'static Handle> {
        match self {
            Self::Seaweed => None,
            Self::S3 => Some(&world().loopback.handle),
            Self::Oss => Some(&own().oss.handle),
            Self::Kodo => Some(&own().kodo.handle),
            Self::QiniuS3 => Some(&own().qiniu_s3.handle),
        }
    }
}

/// Only the keys that Qiniu's tools use: Amazon's are not for this vendor.
fn of_qiniu(case: Case, settings: &str) -> Case {
    case.settings(settings).env("QINIU_ACCESS_KEY", ACCESS).env("QINIU_SECRET_KEY", SECRET)
}
