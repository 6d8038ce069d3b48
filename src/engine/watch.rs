//! Single requests, with the patience of the policy.

use std::future::Future;

use super::Context;
use super::retry::Retries;
use crate::domain::finding::Finding;
use crate::domain::key::ObjectKey;
use crate::domain::place::Obstacle;
use crate::source::{Error, Operation, Source};

impl Context {
    /// Repeats a request while another try may help, and follows the bucket to its region.
    pub(super) async fn patiently<T, F>(
        &self,
        source: &dyn Source,
        mut request: impl FnMut() -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut retries = Retries::new(self.options.retry, self.now());
        let mut moved = false;
        loop {
            let error = match request().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            if self.follow_region(source, &error, &mut moved).await {
                continue;
            }
            self.before_another_try(error, &mut retries).await?;
        }
    }

    /// Refuses to write where another may have the recording by now. Asked before each request, not once: time
    /// passes between two tries.
    ///
    /// # Errors
    /// Where the claim is lost; trying again cannot help.
    pub(super) fn require_claim(&self, destination: &dyn Source, key: &ObjectKey) -> Result<(), Error> {
        match &self.claim {
            Some(holds) if !holds() => {
                Err(Error::new(Obstacle::Unexpected, Operation::Write, destination.name(), key.as_str())
                    .with_answer("not sent: another may have the recording by now"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Waits until the same may be tried again, where that may help.
    pub(super) async fn before_another_try(&self, error: Error, retries: &mut Retries) -> Result<(), Error> {
        if !error.obstacle.is_temporary() || error.is_disk_full() {
            return Err(error);
        }
        match retries.wait_after_failure(self.now(), error.retry_after) {
            Some(wait) => tokio::time::sleep(wait).await,
            None => return Err(error),
        }
        Ok(())
    }

    /// Goes to the region that an answer names, once: `moved` remembers. `true` where the request is worth
    /// repeating.
    pub(super) async fn follow_region(&self, source: &dyn Source, error: &Error, moved: &mut bool) -> bool {
        let Obstacle::WrongRegion { right: Some(region) } = &error.obstacle else { return false };
        if *moved || !source.move_to_region(region).await {
            return false;
        }
        *moved = true;
        self.noticed(Finding::RegionFollowed { from: source.name().clone(), region: region.clone() });
        true
    }
}
