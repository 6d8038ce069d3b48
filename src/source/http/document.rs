//! Answers that are documents: listings and facts, read whole and with a bound.

use http::Method;

use super::{Dialect, Request, Transport, transport_error};
use crate::domain::place::Obstacle;
use crate::source::{Error, Operation};

impl<D: Dialect> Transport<D> {
    /// Asks for a document about `target` (a key or a prefix) and reads all of it.
    ///
    /// # Errors
    /// As for every request, and [`Obstacle::Unexpected`] where it is longer than `most` bytes.
    pub(in crate::source) async fn document(
        &self,
        operation: Operation,
        target: &str,
        request: Request,
        most: usize,
    ) -> Result<Vec<u8>, Error> {
        let answer = self.send(Method::GET, operation, target, request).await?;
        self.body_of(operation, target, answer, most).await
    }

    /// All of an answer.
    ///
    /// # Errors
    /// [`Obstacle::Unexpected`] where it is longer than `most` bytes.
    pub(in crate::source) async fn body_of(
        &self,
        operation: Operation,
        target: &str,
        mut answer: reqwest::Response,
        most: usize,
    ) -> Result<Vec<u8>, Error> {
        let mut document = Vec::new();
        loop {
            match answer.chunk().await {
                Ok(Some(chunk)) if document.len() + chunk.len() > most => {
                    let error = Error::new(Obstacle::Unexpected, operation, self.name(), target);
                    return Err(error.with_answer(format!("a document of more than {most} bytes")));
                }
                Ok(Some(chunk)) => document.extend_from_slice(&chunk),
                Ok(None) => return Ok(document),
                Err(cause) => return Err(transport_error(self.name(), operation, target, cause)),
            }
        }
    }
}
