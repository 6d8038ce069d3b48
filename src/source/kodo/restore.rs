//! Restores from the archives of Kodo, which calls them thaws.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use http::Method;
use url::Url;

use super::super::http::Request;
use super::super::secret::RedactedUrl;
use super::{KodoSource, clock};
use crate::domain::object::ObjectInfo;
use crate::domain::place::Obstacle;
use crate::domain::thaw::{RestoreAnswer, RestoreRequest, Rules, offer};
use crate::source::{Error, Operation, Source as _};

impl KodoSource {
    /// (Qiniu, "thawing of archived objects", 2024.) There are no tiers: a class has one way.
    pub(super) async fn ask_for_restore(
        &self,
        object: &ObjectInfo,
        request: &RestoreRequest,
    ) -> Result<RestoreAnswer, Error> {
        let key = object.key.as_str();
        let refused = |obstacle, words: &str| {
            Err(Error::new(obstacle, Operation::Restore, self.name(), key).with_answer(words.to_owned()))
        };
        let offer = match offer(Rules::Kodo, object.class.as_deref(), request) {
            Ok(offer) => offer,
            Err(why) => return refused(Obstacle::Unsupported, &why.to_string()),
        };
        let Some(keys) = self.who.keys(self.name()).await? else {
            return refused(Obstacle::Unsupported, "kodo thaws only for the owner of the bucket");
        };
        let entry = URL_SAFE.encode(format!("{}:{key}", self.place.bucket));
        let days = request.days.get();
        let url = Url::parse(&format!("{}/restoreAr/{entry}/freezeAfterDays/{days}", self.place.hosts.rs));
        let signed = url.ok().and_then(|url| {
            let headers = keys.headers(&Method::POST, &url, clock::unix_seconds())?;
            Some(Request { url: RedactedUrl::new(url), headers })
        });
        let Some(signed) = signed else {
            return refused(Obstacle::Unexpected, "the host of an interface is not a URL");
        };
        match self.transport.ask(Operation::Restore, key, signed, String::new()).await {
            Ok(()) => Ok(RestoreAnswer::Asked { within: offer.within }),
            // Which status and words it has for this is in no document.
            Err(error) if error.answer.as_deref().is_some_and(is_under_way) => Ok(RestoreAnswer::UnderWay),
            Err(error) => Err(error),
        }
    }
}

fn is_under_way(answer: &str) -> bool {
    let said = answer.to_ascii_lowercase();
    ["restoring", "in progress", "thawing", "unfreezing"].iter().any(|word| said.contains(word))
}
