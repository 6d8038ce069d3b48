//! From the keys of one store to what the library needs to reach it.

mod kodo;
mod needless;
mod oss;

use std::path::{Path, PathBuf};

use recfetch::agora::SavedKeys;
use recfetch::domain::key::KeyPrefix;
use recfetch::domain::place::SourceName;
use recfetch::domain::regions::{Addressing, Region, RegionError, Unconfirmed, resolve as resolve_region};
use recfetch::domain::vendor::Vendor;
use recfetch::source::{Credentials, Place, S3Place, Secret, StoreSpec};
use url::Url;

use super::Settings;
use super::env::Environment;
use super::file::{StoreTable, Value};
use super::key::{Origin, Sourced, StoreKey, nearest};
use crate::failure::Failure;

/// A store that can be connected to.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    /// What it is.
    pub(crate) spec: StoreSpec,
    /// The names of the stores that are tried for what it lacks, in order.
    pub(crate) fallback: Vec<String>,
}

/// What `vendor` may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A vendor of Agora's.
    Agora(Vendor),
    /// Any store that speaks S3.
    S3,
    /// A web server.
    Http,
    /// A local folder.
    Dir,
}

/// The words that are no vendors of Agora's.
const OTHER_KINDS: [(&str, Kind); 4] =
    [("s3", Kind::S3), ("http", Kind::Http), ("https", Kind::Http), ("dir", Kind::Dir)];

/// The word of a vendor in whatever spelling, or the text itself where it is none.
pub(super) fn vendor_word(text: &str) -> &str {
    match (kind_of(text), Vendor::parse(text)) {
        (Some(kind), _) => {
            OTHER_KINDS.iter().find(|(_, other)| *other == kind).map_or(text, |(word, _)| word)
        }
        (None, Ok(vendor)) => vendor.word(),
        (None, Err(_)) => text,
    }
}

/// Where a store is, for people.
pub(super) fn describe(spec: &StoreSpec) -> String {
    match &spec.place {
        Place::S3(S3Place { label, region, bucket, endpoint, .. }) => match endpoint {
            Some(endpoint) => format!("{label}, {region}, bucket {bucket}, {endpoint}"),
            None => format!("{label}, {region}, bucket {bucket}"),
        },
        Place::Oss(place) => oss::describe(place),
        Place::Kodo(place) => place.to_string(),
        Place::Http { url } => format!("web server {}", recfetch::source::RedactedUrl::new(url.clone())),
        Place::Dir { path } => format!("folder {}", path.display()),
    }
}

/// Resolves a store.
pub(super) fn resolve(table: &StoreTable, settings: &Settings) -> Result<Store, Failure> {
    let saved = settings.saved_keys(&table.name);
    let keys = Keys { table, environment: &settings.environment, saved };
    let kind = keys.kind()?;
    let place = match kind {
        Kind::Agora(Vendor::Qiniu) => keys.qiniu(settings.unconfirmed)?,
        Kind::Agora(Vendor::Aliyun) if oss::interface(&keys)? == oss::Interface::Oss => {
            Place::Oss(oss::place(&keys, settings.unconfirmed)?)
        }
        Kind::Agora(vendor) => Place::S3(keys.agora(vendor, settings.unconfirmed)?),
        Kind::S3 => Place::S3(keys.compatible()?),
        Kind::Http => Place::Http { url: keys.url()? },
        Kind::Dir => Place::Dir { path: keys.folder()? },
    };
    needless::refuse(&keys, kind, &place)?;
    let prefix = match keys.list(StoreKey::Prefix) {
        Some(said) => Some(
            KeyPrefix::from_parts(&said.value)
                .map_err(|why| keys.wrong(StoreKey::Prefix, &why.to_string()))?,
        ),
        None => None,
    };
    let fallback = keys.list(StoreKey::Fallback).map(|said| said.value).unwrap_or_default();
    let name = SourceName::new(&table.name);
    Ok(Store { spec: StoreSpec { name, place, prefix, http: settings.http.clone() }, fallback })
}

struct Keys<'a> {
    table: &'a StoreTable,
    environment: &'a Environment,
    /// Keys of a saved `storageConfig`.
    saved: Option<&'a SavedKeys>,
}

fn kind_of(text: &str) -> Option<Kind> {
    OTHER_KINDS.iter().find(|(word, _)| text.eq_ignore_ascii_case(word)).map(|(_, kind)| *kind)
}

impl Keys<'_> {
    fn kind(&self) -> Result<Kind, Failure> {
        let Some(said) = self.text(StoreKey::Vendor) else {
            return Err(self
                .missing(StoreKey::Vendor)
                .hint("say one of qiniu, aws, aliyun, s3 (any S3-compatible endpoint), http, dir"));
        };
        if let Some(kind) = kind_of(said.value) {
            return Ok(kind);
        }
        Vendor::parse(said.value).map(Kind::Agora).map_err(|error| {
            let near = nearest(said.value, OTHER_KINDS.map(|(word, _)| word)).or(error.nearest);
            let words: Vec<&str> =
                Vendor::ALL.into_iter().map(Vendor::word).chain(["s3", "http", "dir"]).collect();
            let failure = self.wrong(StoreKey::Vendor, "no such vendor");
            match near {
                Some(near) => failure.hint(format!("did you mean `{near}`?")),
                None => failure.hint(format!("vendors are {}, or Agora's numbers", words.join(", "))),
            }
        })
    }

    fn agora(&self, vendor: Vendor, unconfirmed: Unconfirmed) -> Result<S3Place, Failure> {
        let region = self.region(vendor, unconfirmed)?;
        let of_region = region.s3_endpoint();
        let given = self.endpoint()?;
        let addressing = match (self.switch(StoreKey::PathStyle), &given, &of_region) {
            (Some(path_style), _, _) => addressing(path_style),
            // Hosts of people's own rarely answer under names below them, but OSS and its like refuse the
            // path form everywhere.
            (None, Some(_), Some(known)) if vendor != Vendor::Aws => known.addressing,
            (None, Some(_), _) => Addressing::Path,
            (None, None, Some(known)) => known.addressing,
            (None, None, None) => {
                return Err(self.missing(StoreKey::Endpoint).hint(format!(
                    "the host of a {vendor} store is in no table: say it as `endpoint` or --endpoint"
                )));
            }
        };
        // The SDK knows Amazon's own hosts from the region.
        let endpoint = match vendor {
            Vendor::Aws => given,
            Vendor::Qiniu
            | Vendor::Aliyun
            | Vendor::Tencent
            | Vendor::Kingsoft
            | Vendor::Azure
            | Vendor::Google
            | Vendor::Huawei
            | Vendor::Baidu
            | Vendor::SelfHosted => given.or_else(|| of_region.map(|known| known.url)),
        };
        let label = match vendor {
            Vendor::Aws => vendor.name().to_owned(),
            Vendor::SelfHosted => "S3-compatible".to_owned(),
            Vendor::Aliyun => "Aliyun OSS (S3 interface)".to_owned(),
            Vendor::Qiniu => format!("{vendor} (S3 interface)"),
            Vendor::Tencent
            | Vendor::Kingsoft
            | Vendor::Azure
            | Vendor::Google
            | Vendor::Huawei
            | Vendor::Baidu => format!("{vendor} (S3 interface, {})", vendor.standing().words()),
        };
        let bucket = match (vendor, self.text(StoreKey::S3Bucket)) {
            // Kodo's S3 interface can have another name for a bucket than Kodo itself.
            (Vendor::Qiniu, Some(_)) => self.bucket(StoreKey::S3Bucket)?,
            (_, _) => self.bucket(StoreKey::Bucket)?,
        };
        let credentials = self.credentials(Some(vendor))?;
        Ok(S3Place {
            label,
            region: region.s3_region().to_owned(),
            bucket,
            endpoint,
            addressing,
            credentials,
        })
    }

    fn compatible(&self) -> Result<S3Place, Failure> {
        let endpoint = self.endpoint()?.ok_or_else(|| {
            self.missing(StoreKey::Endpoint)
                .hint("say scheme and host, such as https://s3.example.com, or use vendor = \"aws\"")
        })?;
        Ok(S3Place {
            label: "S3-compatible".to_owned(),
            // What most of them sign with when nothing else is set up.
            region: self.text(StoreKey::Region).map_or("us-east-1", |said| said.value).to_owned(),
            bucket: self.bucket(StoreKey::Bucket)?,
            endpoint: Some(endpoint),
            addressing: addressing(self.switch(StoreKey::PathStyle).unwrap_or(true)),
            credentials: self.credentials(None)?,
        })
    }

    fn region(&self, vendor: Vendor, unconfirmed: Unconfirmed) -> Result<Region, Failure> {
        let by_key = self.text(StoreKey::Region).map(|said| said.value);
        let mut usual = None;
        if by_key.is_none() && vendor == Vendor::Aws {
            for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
                usual = usual.or(self.variable(name)?);
            }
        }
        let only_one = match vendor {
            Vendor::Google | Vendor::SelfHosted => Some("0"),
            Vendor::Qiniu
            | Vendor::Aws
            | Vendor::Aliyun
            | Vendor::Tencent
            | Vendor::Kingsoft
            | Vendor::Azure
            | Vendor::Huawei
            | Vendor::Baidu => None,
        };
        let list = format!("recfetch regions {} lists them", vendor.word());
        let Some(text) = by_key.or(usual).or(only_one) else {
            return match resolve_region(vendor, "", unconfirmed) {
                Err(error @ RegionError::NoS3 { .. }) => Err(self.no_s3(&error)),
                Ok(_) | Err(RegionError::Unknown { .. } | RegionError::Unconfirmed { .. }) => {
                    Err(self.missing(StoreKey::Region).hint(list))
                }
            };
        };
        let allowed = match self.switch(StoreKey::Unconfirmed) {
            Some(true) => Unconfirmed::Allow,
            Some(false) | None => unconfirmed,
        };
        resolve_region(vendor, text, allowed).map_err(|error| match &error {
            RegionError::Unknown { nearest: Some(near), .. } => {
                self.wrong(StoreKey::Region, &error.to_string()).hint(format!("did you mean `{near}`?")).hint(list)
            }
            RegionError::Unknown { nearest: None, .. } => self.wrong(StoreKey::Region, &error.to_string()).hint(list),
            RegionError::Unconfirmed { likely: Some(likely), .. } => {
                self.wrong(StoreKey::Region, &error.to_string()).hint(format!(
                    "if it is {likely}, say so; --unconfirmed-region, or `unconfirmed = true` in the store's \
                     settings, takes the guess"
                ))
            }
            RegionError::Unconfirmed { likely: None, .. } => self
                .wrong(StoreKey::Region, &error.to_string())
                .hint("say the vendor's own id of the region; there is nothing that --unconfirmed-region could take"),
            RegionError::NoS3 { .. } => self.no_s3(&error),
        })
    }

    fn no_s3(&self, error: &RegionError) -> Failure {
        self.wrong(StoreKey::Vendor, &error.to_string())
            .hint("where the bucket is public, vendor = \"http\" with `url` reaches it")
    }

    fn bucket(&self, key: StoreKey) -> Result<String, Failure> {
        let said = self.text(key).ok_or_else(|| self.missing(key))?;
        if said.value.contains('/') {
            return Err(self
                .wrong(key, "a bucket has no `/`")
                .hint("folders in the bucket go into `prefix`"));
        }
        if said.value.is_empty() || said.value.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(self.wrong(key, "not a name of a bucket"));
        }
        Ok(said.value.to_owned())
    }

    fn endpoint(&self) -> Result<Option<String>, Failure> {
        let Some(said) = self.text(StoreKey::Endpoint) else { return Ok(None) };
        let url = self.web_url(StoreKey::Endpoint, said.value)?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            return Err(self
                .wrong(StoreKey::Endpoint, "only scheme, host and port are wanted")
                .hint("keys go into the variables that `access_key_env` and `secret_key_env` name"));
        }
        Ok(Some(said.value.trim_end_matches('/').to_owned()))
    }

    fn url(&self) -> Result<Url, Failure> {
        let said = self.text(StoreKey::Url).ok_or_else(|| self.missing(StoreKey::Url))?;
        self.web_url(StoreKey::Url, said.value)
    }

    fn web_url(&self, key: StoreKey, text: &str) -> Result<Url, Failure> {
        let hint = "say it with its scheme, such as https://files.example.com/";
        match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
            Ok(_) => Err(self.wrong(key, "not the URL of a web server").hint(hint)),
            Err(why) => Err(self.wrong(key, &why.to_string()).hint(hint)),
        }
    }

    fn folder(&self) -> Result<PathBuf, Failure> {
        let said = self.text(StoreKey::Path).ok_or_else(|| self.missing(StoreKey::Path))?;
        // What a file says is meant from where the file is, not from wherever the call is made.
        Ok(match said.from {
            Origin::File { path: file, .. } => file.parent().unwrap_or(Path::new("")).join(said.value),
            Origin::Flag(_) | Origin::Env(_) | Origin::Saved(_) | Origin::Default => {
                PathBuf::from(said.value)
            }
        })
    }

    fn credentials(&self, vendor: Option<Vendor>) -> Result<Credentials, Failure> {
        use StoreKey::{AccessKeyEnv, Anonymous, CredentialCommand, Profile, SecretKeyEnv, SessionTokenEnv};
        let anonymous = self.switch(Anonymous) == Some(true);
        let keys = self.text(AccessKeyEnv).or(self.text(SecretKeyEnv));
        let ways = [
            anonymous.then_some("anonymous"),
            keys.as_ref().map(|_| "access_key_env"),
            self.text(CredentialCommand).map(|_| "credential_command"),
            self.text(Profile).map(|_| "profile"),
        ];
        let ways: Vec<&str> = ways.into_iter().flatten().collect();
        if let [first, second, ..] = ways[..] {
            return Err(Failure::usage(format!(
                "store {}: `{first}` and `{second}` exclude each other",
                self.table.name
            )));
        }
        if anonymous {
            return Ok(Credentials::Anonymous);
        }
        if keys.is_some() {
            return Ok(Credentials::Keys {
                access_key: self.named_variable(AccessKeyEnv)?.to_owned(),
                secret_key: Secret::new(self.named_variable(SecretKeyEnv)?),
                session_token: match self.text(SessionTokenEnv) {
                    Some(_) => Some(Secret::new(self.named_variable(SessionTokenEnv)?)),
                    None => None,
                },
            });
        }
        if let Some(command) = self.text(CredentialCommand) {
            return Ok(Credentials::Command(command.value.to_owned()));
        }
        if let Some(profile) = self.text(Profile) {
            return Ok(Credentials::Chain { profile: Some(profile.value.to_owned()) });
        }
        if let Some(keys) = self.saved {
            return Ok(Credentials::Keys {
                access_key: keys.access_key.expose().to_owned(),
                secret_key: keys.secret_key.clone(),
                session_token: keys.session_token.clone(),
            });
        }
        Ok(self.usual_keys(vendor)?.unwrap_or(Credentials::Chain { profile: None }))
    }

    /// Keys in the variables that the vendor's own tools read.
    fn usual_keys(&self, vendor: Option<Vendor>) -> Result<Option<Credentials>, Failure> {
        let names: &[[&str; 3]] = match vendor {
            Some(Vendor::Qiniu) => &[["QINIU_ACCESS_KEY", "QINIU_SECRET_KEY", ""]],
            Some(Vendor::Aliyun) => &[
                ["OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN"],
                [
                    "ALIBABA_CLOUD_ACCESS_KEY_ID",
                    "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
                    "ALIBABA_CLOUD_SECURITY_TOKEN",
                ],
            ],
            Some(
                Vendor::Aws
                | Vendor::Tencent
                | Vendor::Kingsoft
                | Vendor::Azure
                | Vendor::Google
                | Vendor::Huawei
                | Vendor::Baidu
                | Vendor::SelfHosted,
            )
            | None => &[],
        };
        for [access, secret, token] in names {
            if let (Some(access), Some(secret)) = (self.variable(access)?, self.variable(secret)?) {
                return Ok(Some(Credentials::Keys {
                    access_key: access.to_owned(),
                    secret_key: Secret::new(secret),
                    session_token: self.variable(token)?.map(Secret::new),
                }));
            }
        }
        Ok(None)
    }

    fn named_variable(&self, key: StoreKey) -> Result<&str, Failure> {
        let name = self.text(key).ok_or_else(|| self.missing(key))?;
        self.variable(name.value)?.ok_or_else(|| {
            self.wrong(key, "this environment variable is not set").hint(format!(
                "`{}` is the name of a variable that holds the key, not the key itself; set it before the call",
                key.name()
            ))
        })
    }

    fn variable(&self, name: &str) -> Result<Option<&str>, Failure> {
        self.environment.get(name).map_err(Failure::usage)
    }

    fn text(&self, key: StoreKey) -> Option<Sourced<&str>> {
        let said = self.table.keys.get(&key)?;
        match &said.value {
            Value::Text(text) => Some(Sourced { value: text.as_str(), from: said.from.clone() }),
            Value::List(_) | Value::Switch(_) => None,
        }
    }

    fn list(&self, key: StoreKey) -> Option<Sourced<Vec<String>>> {
        let said = self.table.keys.get(&key)?;
        match &said.value {
            Value::List(parts) => Some(Sourced { value: parts.clone(), from: said.from.clone() }),
            Value::Text(_) | Value::Switch(_) => None,
        }
    }

    fn switch(&self, key: StoreKey) -> Option<bool> {
        match self.table.keys.get(&key)?.value {
            Value::Switch(switch) => Some(switch),
            Value::Text(_) | Value::List(_) => None,
        }
    }

    fn missing(&self, key: StoreKey) -> Failure {
        Failure::usage(format!("store {} has no `{}`", self.table.name, key.name()))
    }

    fn wrong(&self, key: StoreKey, why: &str) -> Failure {
        let Some(said) = self.table.keys.get(&key) else {
            return Failure::usage(format!("store {}: `{}`: {why}", self.table.name, key.name()));
        };
        let shown = super::show::masked(key, &said.value);
        let text =
            format!("store {}: `{}` cannot be `{shown}` ({}): {why}", self.table.name, key.name(), said.from);
        Failure::usage(text)
    }
}

fn addressing(path_style: bool) -> Addressing {
    if path_style { Addressing::Path } else { Addressing::VirtualHost }
}
