//! The storage vendors that Agora Cloud Recording uploads to, by the numbers of its documents.
//!
//! Numbers and dates: Agora, "start" and "region and vendor" pages from 2019-04 to 2026-06 and the
//! release notes. The numbers 9 and 10 are in none of them.

use std::fmt;

use super::spelling::{excerpt, fold, nearest};

/// Who runs the bucket that a recording was uploaded to: `vendor` of Agora's `storageConfig`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Vendor {
    /// 0: Qiniu Kodo. In the documents until 2023-07-04; recordings made before are still there.
    Qiniu,
    /// 1: Amazon S3.
    Aws,
    /// 2: Alibaba Cloud OSS.
    Aliyun,
    /// 3: Tencent COS, since 2019-10-24.
    Tencent,
    /// 4: Kingsoft KS3, from 2020-05-09 until 2024.
    Kingsoft,
    /// 5: Microsoft Azure Blob Storage, since 2021-06-10. It has no S3 interface.
    Azure,
    /// 6: Google Cloud Storage, since 2021-10-29.
    Google,
    /// 7: Huawei OBS, since 2021-10-29.
    Huawei,
    /// 8: Baidu BOS, since 2021-10-29.
    Baidu,
    /// 11: an S3-compatible store of the customer's own, since 2025-06-27. Its host is in
    /// `storageConfig.extensionParams.endpoint`, not in any table.
    SelfHosted,
}

/// How far the way to a vendor's stores was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Against servers of its protocol that the vendor's own clients accept; for Amazon's and S3-compatible
    /// ones against servers that others made.
    Tested,
    /// Its hosts and errors are taken from documents; nothing that plays the vendor was there to try.
    Documented,
}

impl Standing {
    /// For people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Tested => "tested on servers of its protocol",
            Self::Documented => "documented, not proven",
        }
    }
}

/// A text that names no vendor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no storage vendor of Agora")]
pub struct UnknownVendor {
    /// The start of the text.
    pub text: String,
    /// The [`Vendor::word`] that was perhaps meant.
    pub nearest: Option<&'static str>,
}

impl Vendor {
    /// Every vendor, by its number.
    pub const ALL: [Self; 10] = [
        Self::Qiniu,
        Self::Aws,
        Self::Aliyun,
        Self::Tencent,
        Self::Kingsoft,
        Self::Azure,
        Self::Google,
        Self::Huawei,
        Self::Baidu,
        Self::SelfHosted,
    ];

    /// Agora's number.
    #[must_use]
    pub fn code(self) -> u32 {
        match self {
            Self::Qiniu => 0,
            Self::Aws => 1,
            Self::Aliyun => 2,
            Self::Tencent => 3,
            Self::Kingsoft => 4,
            Self::Azure => 5,
            Self::Google => 6,
            Self::Huawei => 7,
            Self::Baidu => 8,
            Self::SelfHosted => 11,
        }
    }

    /// How far the way to its stores was tried.
    #[must_use]
    pub fn standing(self) -> Standing {
        match self {
            Self::Qiniu | Self::Aws | Self::Aliyun | Self::SelfHosted => Standing::Tested,
            Self::Tencent | Self::Kingsoft | Self::Azure | Self::Google | Self::Huawei | Self::Baidu => {
                Standing::Documented
            }
        }
    }

    /// The vendor with this number.
    #[must_use]
    pub fn from_code(code: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|vendor| vendor.code() == code)
    }

    /// The product's name, for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Qiniu => "Qiniu Kodo",
            Self::Aws => "Amazon S3",
            Self::Aliyun => "Alibaba Cloud OSS",
            Self::Tencent => "Tencent COS",
            Self::Kingsoft => "Kingsoft KS3",
            Self::Azure => "Azure Blob Storage",
            Self::Google => "Google Cloud Storage",
            Self::Huawei => "Huawei OBS",
            Self::Baidu => "Baidu BOS",
            Self::SelfHosted => "self-hosted S3",
        }
    }

    /// The one word for settings and reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Qiniu => "qiniu",
            Self::Aws => "aws",
            Self::Aliyun => "aliyun",
            Self::Tencent => "tencent",
            Self::Kingsoft => "kingsoft",
            Self::Azure => "azure",
            Self::Google => "google",
            Self::Huawei => "huawei",
            Self::Baidu => "baidu",
            Self::SelfHosted => "self-hosted",
        }
    }

    /// Reads a number of Agora's, a word, a product's name, or an identifier of the 2019 SDKs
    /// (`CloudStorageVendorAws`, also with `CloudStorageVendor.` before it), in any case.
    ///
    /// `s3` is not a vendor: it is the protocol that nearly all of them speak.
    ///
    /// # Errors
    /// When the text names none.
    pub fn parse(text: &str) -> Result<Self, UnknownVendor> {
        let folded = fold(text);
        if !folded.is_empty() && folded.bytes().all(|b| b.is_ascii_digit()) {
            return folded
                .parse()
                .ok()
                .and_then(Self::from_code)
                .ok_or_else(|| UnknownVendor { text: excerpt(text), nearest: None });
        }
        let folded = folded.strip_prefix("cloudstoragevendor.").unwrap_or(&folded);
        let folded = folded.strip_prefix("cloudstoragevendor").unwrap_or(folded);
        Self::words().find(|(_, word)| fold(word) == folded).map(|(vendor, _)| vendor).ok_or_else(|| {
            // "ks3" is one letter away, but it is not what people mean.
            let near =
                if folded == "s3" { Some("aws") } else { nearest(folded, Self::words().map(|(_, w)| w)) };
            let vendor = Self::words().find(|(_, word)| Some(*word) == near).map(|(vendor, _)| vendor.word());
            UnknownVendor { text: excerpt(text), nearest: vendor }
        })
    }

    /// Every text but numbers that names a vendor.
    fn words() -> impl Iterator<Item = (Self, &'static str)> + Clone {
        Self::ALL.into_iter().flat_map(|vendor| {
            [vendor.word(), vendor.name()]
                .into_iter()
                .chain(vendor.aliases().iter().copied())
                .map(move |word| (vendor, word))
        })
    }

    /// What the vendor and its store are called besides [`word`](Self::word) and [`name`](Self::name).
    fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::Qiniu => &["kodo", "qiniu cloud"],
            Self::Aws => &["amazon", "aws s3"],
            Self::Aliyun => &["oss", "alibaba", "alibaba cloud", "alibaba oss", "aliyun oss"],
            Self::Tencent => &["cos", "tencent cloud", "tencent cloud cos"],
            Self::Kingsoft => &["ks3", "ksyun", "kingsoft cloud"],
            Self::Azure => &["azure blob", "microsoft azure", "microsoft azure blob", "microsoft"],
            Self::Google => &["gcs", "google cloud"],
            Self::Huawei => &["obs", "huawei cloud", "huawei cloud obs"],
            Self::Baidu => &["bos", "baidu cloud", "baidu ai cloud", "baidu cloud bos"],
            Self::SelfHosted => &["selfhosted", "self built", "self-built s3"],
        }
    }
}

impl fmt::Display for Vendor {
    /// The product's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_spelling_names_one_vendor() {
        let mut seen = BTreeMap::new();
        for (vendor, word) in Vendor::words() {
            assert_eq!(Vendor::parse(word), Ok(vendor), "{word}");
            assert_eq!(Vendor::parse(&word.to_uppercase().replace(['-', ' '], "_")), Ok(vendor), "{word}");
            if let Some(other) = seen.insert(fold(word), vendor) {
                assert_eq!(other, vendor, "{word} names two vendors");
            }
        }
        for vendor in Vendor::ALL {
            assert_eq!(Vendor::parse(&vendor.code().to_string()), Ok(vendor));
        }
    }

    #[test]
    fn the_identifiers_of_2019_are_read() {
        let table = [
            ("CloudStorageVendorQiniu", Vendor::Qiniu),
            ("CloudStorageVendor.CloudStorageVendorAws", Vendor::Aws),
            ("cloudstoragevendoraliyun", Vendor::Aliyun),
            (" 11 ", Vendor::SelfHosted),
            ("01", Vendor::Aws),
        ];
        for (text, expected) in table {
            assert_eq!(Vendor::parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_vendor_is_refused_with_the_nearest_word() {
        let table = [
            ("s3", Some("aws")),
            ("amazn", Some("aws")),
            ("qinu", Some("qiniu")),
            ("ailyun", Some("aliyun")),
            ("dropbox", None),
            ("9", None),
            ("10", None),
            ("99999999999999999999", None),
            ("+1", None),
            ("", None),
        ];
        for (text, nearest) in table {
            assert_eq!(Vendor::parse(text), Err(UnknownVendor { text: text.to_owned(), nearest }), "{text}");
        }
    }
}
