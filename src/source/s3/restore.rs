//! Restores from the archives of Amazon S3 and of the vendors who speak its protocol.

use aws_sdk_s3::types::{GlacierJobParameters, RestoreRequest as Body, Tier as SdkTier};

use super::{S3Source, sdk_error};
use crate::domain::object::ObjectInfo;
use crate::domain::place::Obstacle;
use crate::domain::thaw::{RestoreAnswer, RestoreRequest, Rules, Tier, offer};
use crate::source::{Error, Operation, Source as _, s3_answer};

impl S3Source {
    /// (Amazon S3 API reference, "RestoreObject", 2026.)
    pub(super) async fn ask_for_restore(
        &self,
        object: &ObjectInfo,
        request: &RestoreRequest,
    ) -> Result<RestoreAnswer, Error> {
        let key = object.key.as_str();
        let class = object.class.as_deref();
        let refused = |obstacle| Error::new(obstacle, Operation::Restore, self.name(), key);
        let offer = offer(Rules::S3, class, request)
            .map_err(|why| refused(Obstacle::Unsupported).with_answer(why.to_string()))?;
        let tier = match request.tier {
            Tier::Expedited => SdkTier::Expedited,
            Tier::Standard => SdkTier::Standard,
            Tier::Bulk => SdkTier::Bulk,
        };
        let unbuilt = |cause| refused(Obstacle::Unexpected).with_cause(cause);
        let parameters = GlacierJobParameters::builder().tier(tier).build().map_err(unbuilt)?;
        // What the store archived by itself comes back for good.
        let for_good = class.is_some_and(|class| class.ends_with("_ACCESS"));
        let days = (!for_good).then(|| i32::from(request.days.get()));
        let body = Body::builder().set_days(days).glacier_job_parameters(parameters).build();
        let ask = self.client().restore_object().bucket(&self.place.bucket).key(key).restore_request(body);
        let cause = match ask.send().await {
            Ok(_) => return Ok(RestoreAnswer::Asked { within: offer.within }),
            Err(cause) => cause,
        };
        let said = cause.raw_response().and_then(|answer| answer.body().bytes());
        let code = said.and_then(s3_answer::read_error).map(|error| error.code).unwrap_or_default();
        match code.as_str() {
            "RestoreAlreadyInProgress" => Ok(RestoreAnswer::UnderWay),
            // Of a read it says that the object is archived, of a restore that it is not.
            "InvalidObjectState" | "ObjectAlreadyInActiveTierError" => Ok(RestoreAnswer::NotNeeded),
            "GlacierExpeditedRetrievalNotAvailable" => Err(refused(Obstacle::Unsupported).with_answer(
                format!("{code}: the store has no room for Expedited now; Standard has room always"),
            )),
            _ => Err(sdk_error(self.name(), Operation::Restore, key, &cause)),
        }
    }
}
