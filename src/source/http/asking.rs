//! Requests that ask a store to do something, with at most a short text.

use http::Method;

use super::{Dialect, Request, Transport, transport_error};
use crate::source::{Error, Operation};

impl<D: Dialect> Transport<D> {
    /// Sends a POST. That it was taken is all that its answer says.
    pub(in crate::source) async fn ask(
        &self,
        operation: Operation,
        target: &str,
        request: Request,
        text: String,
    ) -> Result<(), Error> {
        let asked = self.client.request(Method::POST, request.url.expose().clone());
        let answer = asked.headers(request.headers).body(text).send().await;
        let answer = answer.map_err(|cause| transport_error(&self.name, operation, target, cause))?;
        tracing::debug!(store = %self.name, %operation, target, status = answer.status().as_u16());
        if answer.status().is_success() {
            return Ok(());
        }
        Err(self.refused(operation, target, answer).await)
    }
}
