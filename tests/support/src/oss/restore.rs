//! Restores of archived objects (Alibaba Cloud, OSS API reference, "RestoreObject").

use bytes::Bytes;
use http::{Response, StatusCode};

use super::{Body, Refusal, Server, class, is_frozen, net};
use crate::thaw::{Answer, element};

impl Server {
    pub(super) fn restore(&self, key: &str, body: &Bytes) -> Result<Response<Body>, Refusal> {
        let object = self.object(key)?;
        let document = String::from_utf8_lossy(body);
        let malformed = || {
            Refusal::new(400, "MalformedXML", "The XML you provided was not well-formed.").ec("0024-00000701")
        };
        let (tier, days) = (element(&document, "Tier"), element(&document, "Days"));
        let days = days.map(|days| days.parse::<u64>().map_err(|_| malformed())).transpose()?;
        let (tiers, most): (&[&str], u64) = match class(&object) {
            "ColdArchive" => (&["Expedited", "Standard", "Bulk"], 365),
            "DeepColdArchive" => (&["Expedited", "Standard"], 365),
            _ => (&[], 7),
        };
        if days.is_some_and(|days| !(1..=most).contains(&days)) || tier.is_some() && tiers.is_empty() {
            return Err(malformed());
        }
        let frozen = is_frozen(&object);
        match self.objects.thaws.ask(&self.objects, (key, object), (tier, days), frozen, tiers) {
            Answer::Begun => Ok(net::plain(StatusCode::ACCEPTED, "")),
            Answer::Done => Ok(net::plain(StatusCode::OK, "")),
            Answer::UnderWay => {
                Err(Refusal::new(409, "RestoreAlreadyInProgress", "The restore operation is in progress.")
                    .ec("0024-00000702"))
            }
            Answer::NotArchived => {
                let message = "The operation is not supported for this resource";
                Err(Refusal::new(400, "OperationNotSupported", message).ec("0024-00000704"))
            }
            Answer::NoSuchTier => Err(malformed()),
        }
    }
}
