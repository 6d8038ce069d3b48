//! From what a store is to a [`Source`]: the only place that knows all adapters.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use url::Url;

use super::{Destination, DirSource, Error, HttpOptions, HttpSource, Operation, RedactedUrl, Secret, Source};
use crate::domain::key::KeyPrefix;
use crate::domain::place::{Obstacle, SourceName};
use crate::domain::regions::Addressing;

/// A store as the settings describe it, after vendor and region are resolved.
#[derive(Debug, Clone)]
pub struct StoreSpec {
    /// Its name in reports.
    pub name: SourceName,
    /// What it is.
    pub place: Place,
    /// The folder below which recordings lie; `None` where nothing was said, which for a fallback means
    /// the same folder as in the first store, or none.
    pub prefix: Option<KeyPrefix>,
    /// Timeouts and proxies.
    pub http: HttpOptions,
}

/// What a store is.
#[derive(Clone)]
pub enum Place {
    /// Amazon S3 or a store that speaks its protocol.
    S3(S3Place),
    /// Aliyun OSS by its own interface.
    Oss(OssPlace),
    /// Qiniu Kodo by its own interface.
    Kodo(KodoPlace),
    /// A web server.
    Http {
        /// The folder that keys are below.
        url: Url,
    },
    /// A local folder.
    Dir {
        /// The folder that keys are below.
        path: PathBuf,
    },
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::S3(place) => f.debug_tuple("S3").field(place).finish(),
            Self::Oss(place) => f.debug_tuple("Oss").field(place).finish(),
            Self::Kodo(place) => f.debug_tuple("Kodo").field(place).finish(),
            // It may carry a password.
            Self::Http { url } => {
                f.debug_struct("Http").field("url", &RedactedUrl::new(url.clone())).finish()
            }
            Self::Dir { path } => f.debug_struct("Dir").field("path", path).finish(),
        }
    }
}

/// A bucket that speaks S3.
#[derive(Debug, Clone)]
pub struct S3Place {
    /// The vendor for people: `Amazon S3`, `S3-compatible`.
    pub label: String,
    /// The region that signatures name.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// Scheme and host, where they do not follow from the region.
    pub endpoint: Option<String>,
    /// Where the bucket goes in a URL.
    pub addressing: Addressing,
    /// Who asks.
    pub credentials: Credentials,
}

/// A bucket of Aliyun OSS.
#[derive(Debug, Clone)]
pub struct OssPlace {
    /// The region's id without `oss-`, which signatures of version 4 name: `cn-hangzhou`.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// Scheme and host, with a port where it is not the usual one.
    pub endpoint: String,
    /// What the host of the endpoint is to the bucket.
    pub addressing: OssAddressing,
    /// How requests are signed first.
    pub signature: OssSignature,
    /// Who asks. [`Credentials::Chain`] stands for nobody: OSS has no chain of Amazon's.
    pub credentials: Credentials,
}

/// What the host of an endpoint is to a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OssAddressing {
    /// The region's: the bucket goes before it.
    VirtualHost,
    /// A domain that is bound to the bucket (CNAME): nothing is added to it.
    BoundDomain,
    /// An address that takes the bucket in the path, as no public endpoint does.
    Path,
}

/// A version of OSS's signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OssSignature {
    /// Version 4, and version 1 from then on where the store asks for it.
    V4,
    /// Version 1, for buckets that know no other.
    V1,
}

/// A bucket of Qiniu Kodo, read through a domain that is bound to it.
#[derive(Debug, Clone)]
pub struct KodoPlace {
    /// The bucket, by Kodo's own name for it.
    pub bucket: String,
    /// The domains to read from, in order, with their scheme. Where there is none the account is asked.
    pub domains: Vec<Url>,
    /// The hosts of the interfaces.
    pub hosts: KodoHosts,
    /// Who asks. Only [`Credentials::Keys`], [`Credentials::Command`] and [`Credentials::Anonymous`] fit.
    pub credentials: Credentials,
}

/// What it is, for people.
impl fmt::Display for KodoPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bucket, domains, hosts, .. } = self;
        write!(f, "Qiniu Kodo, bucket {bucket}")?;
        // Where one host is all interfaces, it is one of the user's own.
        if hosts.rs == hosts.uc {
            write!(f, ", {}", hosts.uc)?;
        }
        if domains.is_empty() {
            return f.write_str(", domains asked from the account");
        }
        for (n, domain) in domains.iter().enumerate() {
            let domain = RedactedUrl::new(domain.clone()).to_string();
            // The scheme says itself where it is not the one that is taken by default.
            let domain = domain.trim_end_matches('/').trim_start_matches("https://");
            write!(f, "{}{domain}", if n == 0 { ", by " } else { ", " })?;
        }
        Ok(())
    }
}

/// The hosts of Kodo's interfaces, each with its scheme and without a final `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KodoHosts {
    /// What one object is (`stat`).
    pub rs: String,
    /// What is in a bucket (`list`).
    pub rsf: String,
    /// What domains a bucket has.
    pub uc: String,
}

/// Who asks.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// Nobody: a public bucket.
    Anonymous,
    /// Keys that are at hand, with a token where they are temporary.
    Keys {
        /// The access key ID.
        access_key: String,
        /// The secret.
        secret_key: Secret,
        /// The token of temporary keys.
        session_token: Option<Secret>,
    },
    /// A program that prints them as AWS's `credential_process` does. It is asked again when they run out.
    Command(String),
    /// What AWS's tools would use: environment, profiles, SSO, web identity, container and instance roles.
    Chain {
        /// The profile, if not the default one.
        profile: Option<String>,
    },
}

/// The public endpoint of Amazon S3 in a region.
#[cfg(feature = "s3")]
#[must_use]
pub(super) fn aws_endpoint(region: &str) -> String {
    // The partition of mainland China has a top-level domain of its own.
    let end = if region.starts_with("cn-") { ".com.cn" } else { ".com" };
    format!("https://s3.{region}.amazonaws{end}")
}

/// Makes the source of a store.
///
/// # Errors
/// Where a client cannot be set up, or the store needs a feature that this build lacks.
pub async fn connect(spec: &StoreSpec) -> Result<Arc<dyn Source>, Error> {
    Ok(match &spec.place {
        #[cfg(feature = "s3")]
        Place::S3(place) => {
            Arc::new(super::S3Source::connect(spec.name.clone(), place.clone(), &spec.http).await?)
        }
        #[cfg(not(feature = "s3"))]
        Place::S3(_) => {
            return Err(unsupported(spec, "built without the feature `s3`"));
        }
        Place::Kodo(place) => {
            Arc::new(super::KodoSource::connect(spec.name.clone(), place.clone(), &spec.http)?)
        }
        #[cfg(feature = "oss")]
        Place::Oss(place) => Arc::new(super::OssSource::new(spec.name.clone(), place.clone(), &spec.http)?),
        #[cfg(not(feature = "oss"))]
        Place::Oss(_) => {
            return Err(unsupported(spec, "built without the feature `oss`"));
        }
        Place::Http { url } => Arc::new(HttpSource::new(spec.name.clone(), url.clone(), &spec.http)?),
        Place::Dir { path } => Arc::new(DirSource::new(spec.name.clone(), path)),
    })
}

/// Makes the destination of a store that can be written to.
///
/// # Errors
/// As [`connect`]; [`Obstacle::Unsupported`](crate::domain::place::Obstacle::Unsupported) where a store of this kind
/// takes nothing.
pub async fn connect_destination(spec: &StoreSpec) -> Result<Arc<dyn Destination>, Error> {
    match &spec.place {
        #[cfg(feature = "s3")]
        Place::S3(place) => {
            Ok(Arc::new(super::S3Source::connect(spec.name.clone(), place.clone(), &spec.http).await?))
        }
        Place::Dir { path } => Ok(Arc::new(DirSource::new(spec.name.clone(), path))),
        #[cfg(not(feature = "s3"))]
        Place::S3(_) => Err(unsupported(spec, "built without the feature `s3`")),
        Place::Http { .. } => Err(unsupported(spec, "a web server takes nothing")),
        #[cfg(feature = "oss")]
        Place::Oss(place) => {
            Ok(Arc::new(super::OssSource::new(spec.name.clone(), place.clone(), &spec.http)?))
        }
        #[cfg(not(feature = "oss"))]
        Place::Oss(_) => Err(unsupported(spec, "built without the feature `oss`")),
        Place::Kodo(place) => {
            let kodo = super::KodoSource::connect(spec.name.clone(), place.clone(), &spec.http)?;
            Ok(Arc::new(kodo.as_stored()))
        }
    }
}

fn unsupported(spec: &StoreSpec, why: &str) -> Error {
    Error::new(Obstacle::Unsupported, Operation::Write, &spec.name, "").with_answer(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_at_kodo_is_told_by_its_domains_and_a_host_of_ones_own() {
        let of = |own: bool, domains: &[&str]| {
            let host = |usual: &str| if own { "https://kodo.corp" } else { usual }.to_owned();
            let hosts = KodoHosts {
                rs: host("https://rs.qiniuapi.com"),
                rsf: host("https://rsf.qiniuapi.com"),
                uc: host("https://uc.qiniuapi.com"),
            };
            let domains = domains.iter().map(|text| Url::parse(text).unwrap()).collect();
            let credentials = Credentials::Anonymous;
            KodoPlace { bucket: "b".into(), domains, hosts, credentials }.to_string()
        };
        for (own, domains, expected) in [
            (false, &[][..], "Qiniu Kodo, bucket b, domains asked from the account"),
            (true, &[], "Qiniu Kodo, bucket b, https://kodo.corp, domains asked from the account"),
            (true, &["https://v.example"], "Qiniu Kodo, bucket b, https://kodo.corp, by v.example"),
            (
                false,
                &["https://v.example", "http://w.example:81"],
                "Qiniu Kodo, bucket b, by v.example, http://w.example:81",
            ),
        ] {
            assert_eq!(of(own, domains), expected);
        }
    }
}
