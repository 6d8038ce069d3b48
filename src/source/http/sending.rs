//! Requests that carry bytes.

use std::time::Duration;

use http::Method;

use super::{Dialect, Request, Transport, transport_error};
use crate::source::destination::{Pieces, PiecesBody};
use crate::source::{Error, Operation};

/// Whoever takes bytes more slowly than this counts as stalled.
const SLOWEST_BYTES_PER_SECOND: u64 = 32 << 10;

impl<D: Dialect> Transport<D> {
    /// Sends bytes, or asks for what else changes something there.
    pub(in crate::source) async fn act(
        &self,
        operation: Operation,
        method: Method,
        target: &str,
        request: Request,
        bytes: &Pieces,
    ) -> Result<reqwest::Response, Error> {
        let timeout = self.stall_timeout + Duration::from_secs(bytes.size() / SLOWEST_BYTES_PER_SECOND);
        let sent = self.sender.request(method.clone(), request.url.expose().clone());
        let sent = sent.headers(request.headers).timeout(timeout);
        let sent = sent.body(reqwest::Body::wrap(PiecesBody::new(bytes))).send().await;
        let answer = sent.map_err(|cause| transport_error(&self.name, operation, target, cause))?;
        tracing::debug!(store = %self.name, %method, target, status = answer.status().as_u16());
        // A redirect would have to be signed anew: where the bucket is elsewhere, its store says so.
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(self.refused(operation, target, answer).await)
    }
}
