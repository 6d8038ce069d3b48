//! What the settings say about a store of Qiniu Kodo.

use recfetch::domain::regions::Unconfirmed;
use recfetch::domain::vendor::Vendor;
use recfetch::source::{Credentials, KodoHosts, KodoPlace, Place};
use url::Url;

use super::{Keys, nearest};
use crate::failure::Failure;
use crate::settings::key::StoreKey;

/// Says which domains a bucket has. The same for all regions.
const UC: &str = "https://uc.qiniuapi.com";

/// How Kodo is reached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Interface {
    S3,
    Kodo,
}

const INTERFACES: [(&str, Interface); 2] = [("s3", Interface::S3), ("kodo", Interface::Kodo)];

impl Keys<'_> {
    /// Kodo by its S3 interface, or by its own where that is asked for or a domain is named.
    pub(super) fn qiniu(&self, unconfirmed: Unconfirmed) -> Result<Place, Failure> {
        match self.kodo_interface()? {
            Interface::S3 => Ok(Place::S3(self.agora(Vendor::Qiniu, unconfirmed)?)),
            Interface::Kodo => Ok(Place::Kodo(self.kodo(unconfirmed)?)),
        }
    }

    fn kodo_interface(&self) -> Result<Interface, Failure> {
        let domain = self.list(StoreKey::Domain).is_some();
        let Some(said) = self.text(StoreKey::Interface) else {
            return Ok(if domain { Interface::Kodo } else { Interface::S3 });
        };
        let words = INTERFACES.map(|(word, _)| word);
        match INTERFACES.into_iter().find(|(word, _)| said.value.eq_ignore_ascii_case(word)) {
            Some((_, Interface::S3)) if domain => Err(self
                .wrong(StoreKey::Interface, "a `domain` is not for the S3 interface")
                .hint("leave out `domain` (or --domain), or say interface = \"kodo\"")),
            Some((_, interface)) => Ok(interface),
            None => {
                let failure = self.wrong(StoreKey::Interface, "no such interface of Qiniu's");
                Err(match nearest(said.value, words) {
                    Some(near) => failure.hint(format!("did you mean `{near}`?")),
                    None => failure.hint(format!("one of {}", words.join(", "))),
                })
            }
        }
    }

    fn kodo(&self, unconfirmed: Unconfirmed) -> Result<KodoPlace, Failure> {
        let credentials = self.kodo_credentials()?;
        let anonymous = matches!(credentials, Credentials::Anonymous);
        let domains = self.kodo_domains()?;
        if anonymous && domains.is_empty() {
            return Err(self
                .missing(StoreKey::Domain)
                .hint("only the owner is told a bucket's domains: name one as `domain` or --domain"));
        }
        let hosts = match self.endpoint()? {
            // A private cloud, which has one entry for all.
            Some(endpoint) => KodoHosts { rs: endpoint.clone(), rsf: endpoint.clone(), uc: endpoint },
            // Nothing but the domain is asked then, so the region may stay unknown.
            None if anonymous && self.text(StoreKey::Region).is_none() => KodoHosts {
                rs: "https://rs.qiniuapi.com".to_owned(),
                rsf: "https://rsf.qiniuapi.com".to_owned(),
                uc: UC.to_owned(),
            },
            None => match self.region(Vendor::Qiniu, unconfirmed)?.kodo_hosts() {
                Some(hosts) => KodoHosts { rs: hosts.rs, rsf: hosts.rsf, uc: UC.to_owned() },
                None => return Err(self.missing(StoreKey::Endpoint)),
            },
        };
        Ok(KodoPlace { bucket: self.bucket(StoreKey::Bucket)?, domains, hosts, credentials })
    }

    fn kodo_domains(&self) -> Result<Vec<Url>, Failure> {
        let said = self.list(StoreKey::Domain).map(|said| said.value).unwrap_or_default();
        let one = |text: &String| {
            // Whoever wants a signed URL to go over the network unprotected has to say so.
            let text = if text.contains("://") { text.clone() } else { format!("https://{text}") };
            let url = self.web_url(StoreKey::Domain, &text)?;
            let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
            match bare && url.path() == "/" && url.fragment().is_none() {
                true => Ok(url),
                false => Err(self.wrong(StoreKey::Domain, "only a host, or scheme and host, is wanted")),
            }
        };
        said.iter().map(one).collect()
    }

    /// Kodo has no session tokens, and Amazon's profiles hold no keys of its.
    fn kodo_credentials(&self) -> Result<Credentials, Failure> {
        let hint = "set QINIU_ACCESS_KEY and QINIU_SECRET_KEY, or name other variables with `access_key_env` \
                    and `secret_key_env`; for a public bucket say anonymous = true";
        match self.credentials(Some(Vendor::Qiniu))? {
            Credentials::Keys { session_token: Some(_), .. } => {
                Err(self.wrong(StoreKey::SessionTokenEnv, "Kodo's own interface knows no session tokens"))
            }
            Credentials::Chain { profile: Some(_) } => Err(self
                .wrong(StoreKey::Profile, "Kodo's own interface takes no keys from Amazon's profiles")
                .hint(hint)),
            Credentials::Chain { profile: None } => Err(self.missing(StoreKey::AccessKeyEnv).hint(hint)),
            credentials @ (Credentials::Anonymous
            | Credentials::Keys { session_token: None, .. }
            | Credentials::Command(_)) => Ok(credentials),
        }
    }
}
