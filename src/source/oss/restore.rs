//! Restores from the archives of OSS.

use http::{HeaderMap, HeaderValue, Method, header};

use super::super::http::encode_path;
use super::OssSource;
use crate::domain::object::ObjectInfo;
use crate::domain::place::Obstacle;
use crate::domain::thaw::{RestoreAnswer, RestoreRequest, Rules, Tiers, offer};
use crate::source::connect::OssSignature;
use crate::source::{Error, Operation, Source as _};

impl OssSource {
    /// (Alibaba Cloud, OSS API reference, "RestoreObject", 2026.)
    pub(super) async fn ask_for_restore(
        &self,
        object: &ObjectInfo,
        request: &RestoreRequest,
    ) -> Result<RestoreAnswer, Error> {
        let key = object.key.as_str();
        let offer = offer(Rules::Oss, object.class.as_deref(), request).map_err(|why| {
            Error::new(Obstacle::Unsupported, Operation::Restore, self.name(), key)
                .with_answer(why.to_string())
        })?;
        let text = document(request, offer.tiers);
        let version = self.version();
        let answer = match self.send_restore(version, key, &text).await {
            Err(error) if self.learns(version, &error).await => {
                self.send_restore(self.version(), key, &text).await
            }
            answer => answer,
        };
        match answer {
            Ok(()) => Ok(RestoreAnswer::Asked { within: offer.within }),
            Err(error) => {
                let says = |code: &str| error.answer.as_ref().is_some_and(|answer| answer.contains(code));
                if says("409 RestoreAlreadyInProgress") {
                    Ok(RestoreAnswer::UnderWay)
                } else if says("400 OperationNotSupported") {
                    Ok(RestoreAnswer::NotNeeded)
                } else {
                    Err(error)
                }
            }
        }
    }

    async fn send_restore(&self, version: OssSignature, key: &str, text: &str) -> Result<(), Error> {
        let path = format!("/{}", encode_path(key));
        let headers =
            HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"))]);
        let request = self.request(version, Method::POST, key, &path, "restore", headers).await?;
        self.transport.ask(Operation::Restore, key, request, text.to_owned()).await
    }
}

fn document(request: &RestoreRequest, tiers: Tiers) -> String {
    let tier = match tiers {
        Tiers::Several => format!("<JobParameters><Tier>{}</Tier></JobParameters>", request.tier),
        Tiers::One => String::new(),
    };
    format!("<RestoreRequest><Days>{}</Days>{tier}</RestoreRequest>", request.days.get())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::thaw::{Days, Tier};

    #[test]
    fn a_tier_is_named_only_where_the_class_has_some() {
        let request = RestoreRequest { tier: Tier::Bulk, days: Days::new(3).unwrap() };
        assert_eq!(document(&request, Tiers::One), "<RestoreRequest><Days>3</Days></RestoreRequest>");
        assert_eq!(
            document(&request, Tiers::Several),
            "<RestoreRequest><Days>3</Days><JobParameters><Tier>Bulk</Tier></JobParameters></RestoreRequest>"
        );
    }
}
