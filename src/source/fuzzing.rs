//! The readers of stores' answers, for the fuzz targets alone. No build but theirs has this module.

#![allow(missing_docs, reason = "for the fuzz targets alone")]

use http::{HeaderMap, StatusCode};

use super::Page;
use super::kodo::documents::Listed;
use super::oss::{answer, listing};
use super::{kodo_answer, s3_answer};
use crate::domain::place::Obstacle;

/// A listing of OSS.
pub fn oss_page(body: &[u8]) -> Option<Page> {
    listing::page(body).ok()
}

/// A listing of Kodo.
pub fn kodo_page(body: &[u8]) -> Option<Page> {
    serde_json::from_slice::<Listed>(body).ok().map(Listed::into_page)
}

/// An error of S3: what it means and its words.
pub fn s3_error(status: u16, body: &[u8]) -> (Obstacle, Option<String>) {
    let error = s3_answer::read_error(body);
    (s3_answer::obstacle(code(status), &HeaderMap::new(), error.as_ref()), error.map(|error| error.words))
}

/// An error of OSS.
pub fn oss_error(status: u16, body: &[u8]) -> (Obstacle, Option<String>) {
    let headers = HeaderMap::new();
    let error = answer::read_error(&headers, body);
    (answer::obstacle(code(status), &headers, error.as_ref()), error.map(|error| error.words))
}

/// An error of Kodo.
pub fn kodo_error(status: u16, body: &[u8]) -> (Obstacle, Option<String>) {
    kodo_answer::obstacle(code(status), &HeaderMap::new(), body, kodo_answer::Asked::Signed)
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
