//! The adapters, each over the same objects.

use std::any::Any;
use std::sync::Arc;

use recfetch::domain::key::ObjectKey;
use recfetch::domain::object::ObjectInfo;
use recfetch::domain::place::{ETag, SourceName};
use recfetch::source::{DirSource, HttpOptions, HttpSource, MemorySource, Source};
use recfetch_test_support::{Object, Objects, web};
use url::Url;

/// A source, and what has to live as long as it is used.
pub(crate) struct Made {
    pub(crate) source: Arc<dyn Source>,
    _keep: Box<dyn Any + Send>,
}

impl Made {
    pub(crate) fn new(source: impl Source, keep: impl Any + Send) -> Self {
        Self { source: Arc::new(source), _keep: Box::new(keep) }
    }
}

pub(crate) fn name() -> SourceName {
    SourceName::new("place")
}

pub(crate) fn key(text: &str) -> ObjectKey {
    ObjectKey::parse(text).unwrap()
}

/// The port of a server that is gone.
pub(crate) fn closed_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

pub(crate) async fn memory(objects: Objects) -> Made {
    let mut source = MemorySource::new(name());
    for (text, object) in all(&objects) {
        let info = ObjectInfo {
            size: Some(object.len()),
            etag: Some(ETag::new(&object.etag())),
            ..ObjectInfo::bare(key(&text))
        };
        source.put_with(info, object.bytes());
    }
    Made::new(source, ())
}

pub(crate) async fn folder(objects: Objects) -> Made {
    let dir = tempfile::tempdir().unwrap();
    for (key, object) in all(&objects) {
        let path = dir.path().join(&key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = std::fs::File::create(path).unwrap();
        for chunk in object.chunks(0..object.len()) {
            std::io::Write::write_all(&mut file, &chunk.unwrap()).unwrap();
        }
    }
    Made::new(DirSource::new(name(), dir.path()), dir)
}

pub(crate) async fn http(objects: Objects) -> Made {
    let server = web::start(&objects).await.unwrap();
    let base = Url::parse(&server.url()).unwrap();
    Made::new(HttpSource::new(name(), base, &HttpOptions::default()).unwrap(), server)
}

fn all(objects: &Objects) -> Vec<(String, Object)> {
    objects.keys().into_iter().map(|key| (key.clone(), objects.get(&key).unwrap())).collect()
}

#[cfg(feature = "s3")]
pub(crate) mod s3 {
    use recfetch::domain::regions::Addressing;
    use recfetch::source::{Credentials, S3Place, S3Source, Secret};
    use recfetch_test_support::{Keys, S3Options, s3};

    use super::*;

    pub(crate) const BUCKET: &str = "lessons";
    pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    pub(crate) fn options() -> S3Options {
        // Three keys to a page, so that every listing has several.
        S3Options { page_size: 3, ..S3Options::new(BUCKET, Keys::new("AKIDEXAMPLE", SECRET)) }
    }

    pub(crate) fn keys() -> Credentials {
        Credentials::Keys {
            access_key: "AKIDEXAMPLE".to_owned(),
            secret_key: Secret::new(SECRET),
            session_token: None,
        }
    }

    pub(crate) fn place(endpoint: &str) -> S3Place {
        S3Place {
            label: "S3-compatible".to_owned(),
            region: "eu-west-1".to_owned(),
            bucket: BUCKET.to_owned(),
            endpoint: Some(endpoint.to_owned()),
            addressing: Addressing::Path,
            credentials: keys(),
        }
    }

    pub(crate) async fn connect(place: S3Place) -> S3Source {
        S3Source::connect(name(), place, &HttpOptions::default()).await.unwrap()
    }

    pub(crate) async fn bucket(objects: Objects) -> Made {
        let server = s3::start(&objects, options()).await.unwrap();
        Made::new(connect(place(&server.url())).await, server)
    }
}

pub(crate) mod kodo {
    use recfetch::source::{Credentials, KodoHosts, KodoPlace, KodoSource, Secret};
    use recfetch_test_support::{Handle, KodoOptions, kodo};

    use super::*;

    pub(crate) const BUCKET: &str = "lessons";
    pub(crate) const ACCESS: &str = "QINIUEXAMPLE";
    pub(crate) const SECRET: &str = "kodo-wJalrXUtnFEMI_K7MDENG-bPxRfiCYEXAMPLEKEY";

    pub(crate) fn options() -> KodoOptions {
        KodoOptions { page_size: 3, ..KodoOptions::new(BUCKET, ACCESS, SECRET) }
    }

    pub(crate) fn keys(secret: &str) -> Credentials {
        Credentials::Keys {
            access_key: ACCESS.to_owned(),
            secret_key: Secret::new(secret),
            session_token: None,
        }
    }

    /// A bucket whose interfaces are at `url`, and whose domains the account is asked for.
    pub(crate) fn place(url: &str) -> KodoPlace {
        let host = url.to_owned();
        KodoPlace {
            bucket: BUCKET.to_owned(),
            domains: Vec::new(),
            hosts: KodoHosts { rs: host.clone(), rsf: host.clone(), uc: host },
            credentials: keys(SECRET),
        }
    }

    pub(crate) fn connect(place: KodoPlace) -> KodoSource {
        KodoSource::connect(name(), place, &HttpOptions::default()).unwrap()
    }

    pub(crate) async fn start(objects: &Objects, options: KodoOptions) -> Handle {
        kodo::start(objects, options).await.unwrap()
    }

    pub(crate) async fn bucket(objects: Objects) -> Made {
        let server = start(&objects, options()).await;
        Made::new(connect(place(&server.url())), server)
    }

    /// A public bucket: nobody signs, and the domain has to be known.
    pub(crate) async fn public(objects: Objects) -> Made {
        let access = kodo::Access::Public;
        let server = start(&objects, KodoOptions { access, ..options() }).await;
        let mut place = place(&server.url());
        place.domains.push(Url::parse(&server.url()).unwrap());
        place.credentials = Credentials::Anonymous;
        Made::new(connect(place), server)
    }
}

#[cfg(feature = "oss")]
pub(crate) mod oss {
    use recfetch::source::{Credentials, OssAddressing, OssPlace, OssSignature, OssSource, Secret};
    use recfetch_test_support::oss::Signatures;
    use recfetch_test_support::{Keys, OssOptions, oss};

    use super::*;

    pub(crate) const BUCKET: &str = "lessons";
    pub(crate) const ACCESS: &str = "LTAIEXAMPLE";
    pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    pub(crate) fn options() -> OssOptions {
        // Three keys to a page, so that every listing has several.
        OssOptions { page_size: 3, ..OssOptions::new(BUCKET, Keys::new(ACCESS, SECRET)) }
    }

    pub(crate) fn keys(token: Option<&str>) -> Credentials {
        Credentials::Keys {
            access_key: ACCESS.to_owned(),
            secret_key: Secret::new(SECRET),
            session_token: token.map(Secret::new),
        }
    }

    pub(crate) fn place(endpoint: &str) -> OssPlace {
        OssPlace {
            region: "cn-hangzhou".to_owned(),
            bucket: BUCKET.to_owned(),
            endpoint: endpoint.to_owned(),
            addressing: OssAddressing::Path,
            signature: OssSignature::V4,
            credentials: keys(None),
        }
    }

    pub(crate) fn connect(place: OssPlace) -> OssSource {
        OssSource::new(name(), place, &HttpOptions::default()).unwrap()
    }

    async fn made(objects: Objects, signatures: Signatures, signature: OssSignature) -> Made {
        let server = oss::start(&objects, OssOptions { signatures, ..options() }).await.unwrap();
        Made::new(connect(OssPlace { signature, ..place(&server.url()) }), server)
    }

    pub(crate) async fn v4(objects: Objects) -> Made {
        made(objects, Signatures::OnlyV4, OssSignature::V4).await
    }

    pub(crate) async fn v1(objects: Objects) -> Made {
        made(objects, Signatures::OnlyV1, OssSignature::V1).await
    }

    /// Version 4 is tried first and never taken.
    pub(crate) async fn v1_when_asked(objects: Objects) -> Made {
        made(objects, Signatures::OnlyV1, OssSignature::V4).await
    }
}
