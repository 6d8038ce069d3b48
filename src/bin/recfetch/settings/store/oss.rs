//! What the settings say about a store of Aliyun OSS that is reached by its own interface.

use std::io::Read as _;
use std::path::PathBuf;

use recfetch::domain::regions::{OssNetwork, Unconfirmed};
use recfetch::domain::vendor::Vendor;
use recfetch::source::{Credentials, OssAddressing, OssPlace, OssSignature, Secret};
use url::{Host, Url};

use super::super::key::{StoreKey, nearest};
use super::Keys;
use crate::failure::Failure;

/// More than this is no file of ossutil's.
const MOST_BYTES: u64 = 1024 * 1024;

/// Which interface of a bucket at Aliyun is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interface {
    /// Its own.
    Oss,
    /// The one that speaks S3.
    S3,
}

/// Which interface the store says.
pub(super) fn interface(keys: &Keys<'_>) -> Result<Interface, Failure> {
    let words = [("oss", Interface::Oss), ("s3", Interface::S3)];
    Ok(word(keys, StoreKey::Interface, &words)?.unwrap_or(Interface::Oss))
}

/// Where the store is, for people.
pub(super) fn describe(place: &OssPlace) -> String {
    let OssPlace { region, bucket, endpoint, .. } = place;
    format!("Aliyun OSS, {region}, bucket {bucket}, {endpoint}")
}

/// The store as the library needs it.
pub(super) fn place(keys: &Keys<'_>, unconfirmed: Unconfirmed) -> Result<OssPlace, Failure> {
    let networks = [
        ("public", OssNetwork::Public),
        ("internal", OssNetwork::Internal),
        ("accelerate", OssNetwork::Accelerate),
        ("accelerate-overseas", OssNetwork::AccelerateOverseas),
    ];
    let network = word(keys, StoreKey::Network, &networks)?;
    let signatures = [("v4", OssSignature::V4), ("v1", OssSignature::V1)];
    let signature = word(keys, StoreKey::Signature, &signatures)?.unwrap_or(OssSignature::V4);
    let region = keys.region(Vendor::Aliyun, unconfirmed)?;
    let bucket = keys.bucket(StoreKey::Bucket)?;
    let given = keys.endpoint()?;
    if given.is_some() && network.is_some() {
        return Err(keys.excluded("endpoint", "network"));
    }
    let addressing = addressing(keys, given.as_deref(), &bucket)?;
    // A region of Aliyun always has one.
    let of_region = region.oss_endpoint(network.unwrap_or(OssNetwork::Public));
    let endpoint = given.or(of_region).ok_or_else(|| keys.missing(StoreKey::Endpoint))?;
    let region = region.s3_region().to_owned();
    Ok(OssPlace { region, bucket, endpoint, addressing, signature, credentials: credentials(keys)? })
}

fn addressing(keys: &Keys<'_>, endpoint: Option<&str>, bucket: &str) -> Result<OssAddressing, Failure> {
    let on = |key| keys.switch(key) == Some(true);
    let url = endpoint.and_then(|text| Url::parse(text).ok());
    match (on(StoreKey::Cname), on(StoreKey::PathStyle), url) {
        (true, true, _) => Err(keys.excluded("cname", "path_style")),
        (true, false, None) => Err(keys
            .missing(StoreKey::Endpoint)
            .hint("`cname = true` says that `endpoint` is a domain that is bound to the bucket")),
        (true, false, Some(_)) => Ok(OssAddressing::BoundDomain),
        (false, true, _) => Ok(OssAddressing::Path),
        (false, false, Some(url)) => match url.host() {
            // No name can go before an address.
            Some(Host::Ipv4(_) | Host::Ipv6(_)) => Ok(OssAddressing::Path),
            Some(Host::Domain(host)) if host.starts_with(&format!("{bucket}.")) => {
                Err(keys.wrong(StoreKey::Endpoint, "the bucket goes before it by itself").hint(format!(
                    "leave out `{bucket}.`, or say `cname = true` where this is a domain of your own"
                )))
            }
            Some(Host::Domain(_)) | None => Ok(OssAddressing::VirtualHost),
        },
        (false, false, None) => Ok(OssAddressing::VirtualHost),
    }
}

/// One of a few words, in either case; an unknown one gets the nearest.
fn word<T: Copy>(keys: &Keys<'_>, key: StoreKey, words: &[(&str, T)]) -> Result<Option<T>, Failure> {
    let Some(said) = keys.text(key) else { return Ok(None) };
    if let Some((_, value)) = words.iter().find(|(word, _)| said.value.eq_ignore_ascii_case(word)) {
        return Ok(Some(*value));
    }
    let all = words.iter().map(|(word, _)| *word);
    let failure = keys.wrong(key, "no such word");
    Err(match nearest(said.value, all.clone()) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint(format!("it is one of {}", all.collect::<Vec<_>>().join(", "))),
    })
}

/// Keys by the settings, by the variables of the vendor's tools, then from ossutil's file.
fn credentials(keys: &Keys<'_>) -> Result<Credentials, Failure> {
    match keys.credentials(Some(Vendor::Aliyun))? {
        Credentials::Chain { profile } => of_ossutil(keys, profile.as_deref()),
        found @ (Credentials::Anonymous | Credentials::Keys { .. } | Credentials::Command(_)) => Ok(found),
    }
}

fn of_ossutil(keys: &Keys<'_>, profile: Option<&str>) -> Result<Credentials, Failure> {
    let path = match (keys.variable("OSSUTIL_CONFIG_FILE")?, keys.variable("HOME")?) {
        (Some(path), _) => Some(PathBuf::from(path)),
        (None, home) => home.map(|home| PathBuf::from(home).join(".ossutilconfig")),
    };
    let profile = profile.or(keys.variable("OSSUTIL_PROFILE")?);
    let shown =
        path.as_ref().map_or_else(|| "~/.ossutilconfig".to_owned(), |path| path.display().to_string());
    let text = match &path {
        Some(path) => read(path).map_err(|why| Failure::usage(format!("{shown} cannot be read: {why}")))?,
        None => None,
    };
    let Some(text) = text else {
        return Err(match profile {
            Some(name) => keys.without_keys(&format!("profile `{name}`: there is no {shown}")),
            None => keys.without_keys("no credentials for Aliyun OSS"),
        });
    };
    let sections = sections(&text);
    let wanted: Vec<String> = match profile {
        // ossutil 2, then ossutil 1.
        None => vec!["default".to_owned(), "credentials".to_owned()],
        Some(name) => vec![format!("profile {}", name.to_lowercase()), name.to_lowercase()],
    };
    let found = wanted.iter().find_map(|name| sections.iter().find(|section| section.name == *name));
    let Some(section) = found else {
        let names = sections.iter().map(|section| section.name.trim_start_matches("profile "));
        let near = profile.and_then(|name| nearest(name, names));
        let failure = keys.without_keys(&format!("{shown} has no [{}]", wanted[0]));
        return Err(match near {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure,
        });
    };
    match (section.value("accesskeyid"), section.value("accesskeysecret")) {
        (Some(access), Some(secret)) => Ok(Credentials::Keys {
            access_key: access.to_owned(),
            secret_key: Secret::new(secret),
            session_token: section.value("ststoken").map(Secret::new),
        }),
        (_, _) => {
            let what = format!("{shown}: [{}] has no accessKeyID and accessKeySecret", section.name);
            Err(keys.without_keys(&what))
        }
    }
}

/// `None` where there is no such file.
fn read(path: &std::path::Path) -> Result<Option<String>, std::io::Error> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(why),
    };
    let mut text = String::new();
    file.take(MOST_BYTES).read_to_string(&mut text)?;
    Ok(Some(text))
}

/// A section of an INI file; names are in lower case.
struct Section<'a> {
    name: String,
    pairs: Vec<(String, &'a str)>,
}

impl Section<'_> {
    fn value(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| *value).filter(|value| !value.is_empty())
    }
}

fn sections(text: &str) -> Vec<Section<'_>> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with(['#', ';'])) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            sections.push(Section { name: name.trim().to_lowercase(), pairs: Vec::new() });
        } else if let (Some(section), Some((name, value))) = (sections.last_mut(), line.split_once('=')) {
            section.pairs.push((name.trim().to_lowercase(), value.trim()));
        }
    }
    sections
}

impl Keys<'_> {
    fn excluded(&self, first: &str, second: &str) -> Failure {
        Failure::usage(format!("store {}: `{first}` and `{second}` exclude each other", self.table.name))
    }

    fn without_keys(&self, what: &str) -> Failure {
        Failure::usage(format!("store {}: {what}", self.table.name))
            .hint(
                "set OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET (and OSS_SESSION_TOKEN for temporary keys), \
                 or ALIBABA_CLOUD_ACCESS_KEY_ID and its like, name variables of your own with \
                 `access_key_env` and `secret_key_env`, or have them in ossutil's file",
            )
            .hint("`anonymous = true` asks without credentials: a public bucket")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_generations_of_ossutils_file_are_read() {
        let text = "\u{feff}# a comment\n[Credentials]\nlanguage=CH\naccessKeyID=id1\naccessKeySecret = s=1 \n\
                    [profile dev]\r\naccessKeyId=id2\r\naccessKeySecret=\r\nnonsense\n[broken";
        let sections = sections(text);
        assert_eq!(
            sections.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(),
            ["credentials", "profile dev"]
        );
        assert_eq!(sections[0].value("accesskeyid"), Some("id1"));
        assert_eq!(sections[0].value("accesskeysecret"), Some("s=1"));
        assert_eq!(sections[1].value("accesskeyid"), Some("id2"));
        assert_eq!(sections[1].value("accesskeysecret"), None, "an empty value is none");
    }
}
