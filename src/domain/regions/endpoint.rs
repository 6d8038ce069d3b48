//! The hosts of a region.

use super::Region;
use crate::domain::vendor::Vendor;

/// Where a region's S3 interface is, and how buckets are named there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// `https://` and a host, without a bucket and without a final `/`.
    pub url: String,
    /// Where the bucket's name goes.
    pub addressing: Addressing,
}

/// Where a request names its bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Addressing {
    /// Before the host: `https://BUCKET.HOST/KEY`.
    VirtualHost,
    /// At the start of the path: `https://HOST/BUCKET/KEY`.
    Path,
}

/// The separate parts of Amazon's cloud: accounts and keys of one are not known in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Partition {
    /// The public regions.
    Aws,
    /// Mainland China.
    AwsCn,
    /// The United States government.
    AwsUsGov,
}

/// From where an OSS bucket is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OssNetwork {
    /// The internet. Since 2025-03-20 new users of OSS cannot reach buckets in mainland China by these
    /// hosts and need a domain of their own (Alibaba Cloud, OSS "regions and endpoints").
    Public,
    /// A network of the same region, without traffic costs.
    Internal,
    /// The accelerated entry for the whole world; the bucket must have it switched on.
    Accelerate,
    /// The accelerated entry outside mainland China.
    AccelerateOverseas,
}

/// Qiniu's own interfaces in one region, each `https://` and a host.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KodoHosts {
    /// What one object is (`stat`).
    pub rs: String,
    /// What is in a bucket (`list`).
    pub rsf: String,
    /// Reading objects by the region's entry.
    pub io: String,
}

impl Partition {
    /// Amazon's id: `aws`, `aws-cn`, `aws-us-gov`.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::AwsCn => "aws-cn",
            Self::AwsUsGov => "aws-us-gov",
        }
    }

    /// What its host names end with.
    #[must_use]
    pub fn domain(self) -> &'static str {
        match self {
            Self::Aws | Self::AwsUsGov => "amazonaws.com",
            Self::AwsCn => "amazonaws.com.cn",
        }
    }
}

impl Region {
    /// The region that S3 requests (AWS signature version 4) are signed with.
    #[must_use]
    pub fn s3_region(&self) -> &str {
        &self.id
    }

    /// Where the S3 interface is. None for [`Vendor::SelfHosted`], whose host only its owner knows, and
    /// for [`Vendor::Azure`], which has none.
    #[must_use]
    pub fn s3_endpoint(&self) -> Option<Endpoint> {
        use Addressing::{Path, VirtualHost};
        let id = &self.id;
        let (host, addressing) = match self.vendor {
            Vendor::Aws => {
                let domain = self.partition().unwrap_or(Partition::Aws).domain();
                (format!("s3.{id}.{domain}"), VirtualHost)
            }
            // OSS refuses the path form (`SecondLevelDomainForbidden`).
            Vendor::Aliyun => (format!("s3.oss-{id}.aliyuncs.com"), VirtualHost),
            Vendor::Qiniu => (format!("s3.{id}.qiniucs.com"), Path),
            Vendor::Tencent => (format!("cos.{id}.myqcloud.com"), VirtualHost),
            Vendor::Kingsoft => (format!("ks3-{id}.ksyuncs.com"), VirtualHost),
            Vendor::Google => ("storage.googleapis.com".to_owned(), Path),
            Vendor::Huawei => (format!("obs.{id}.myhuaweicloud.com"), VirtualHost),
            Vendor::Baidu => (format!("s3.{id}.bcebos.com"), VirtualHost),
            Vendor::Azure | Vendor::SelfHosted => return None,
        };
        Some(Endpoint { url: format!("https://{host}"), addressing })
    }

    /// The part of Amazon's cloud; none for other vendors.
    #[must_use]
    pub fn partition(&self) -> Option<Partition> {
        if self.vendor != Vendor::Aws {
            None
        } else if self.id.starts_with("cn-") {
            Some(Partition::AwsCn)
        } else if self.id.starts_with("us-gov-") {
            Some(Partition::AwsUsGov)
        } else {
            Some(Partition::Aws)
        }
    }

    /// `https://` and the host of OSS's own interface, to put the bucket before; none for other vendors.
    #[must_use]
    pub fn oss_endpoint(&self, network: OssNetwork) -> Option<String> {
        if self.vendor != Vendor::Aliyun {
            return None;
        }
        let id = &self.id;
        Some(match network {
            OssNetwork::Public => format!("https://oss-{id}.aliyuncs.com"),
            OssNetwork::Internal => format!("https://oss-{id}-internal.aliyuncs.com"),
            OssNetwork::Accelerate => "https://oss-accelerate.aliyuncs.com".to_owned(),
            OssNetwork::AccelerateOverseas => "https://oss-accelerate-overseas.aliyuncs.com".to_owned(),
        })
    }

    /// Kodo's own id of the region (`z0`); none for other vendors. Newer regions have one id for both
    /// interfaces.
    #[must_use]
    pub fn kodo_id(&self) -> Option<&str> {
        (self.vendor == Vendor::Qiniu).then(|| self.aliases.first().copied().unwrap_or(&self.id))
    }

    /// The hosts of Qiniu's own interfaces; none for other vendors.
    #[must_use]
    pub fn kodo_hosts(&self) -> Option<KodoHosts> {
        let id = self.kodo_id()?;
        Some(KodoHosts {
            rs: format!("https://rs-{id}.qiniuapi.com"),
            rsf: format!("https://rsf-{id}.qiniuapi.com"),
            io: format!("https://iovip-{id}.qiniuio.com"),
        })
    }
}
