//! Loopback servers, faults and recordings for the tests and the demo.
//!
//! This crate knows nothing of the crate it judges: names, signatures, checksums and the wire are done
//! again here. Every server binds 127.0.0.1 only (port 0 unless a port is given), writes down each request
//! it answered ([`Handle::requests`]) and stops when its [`Handle`] is dropped.

mod bucket;
pub mod fault;
pub mod kodo;
pub mod link;
pub mod make;
pub mod mp4;
pub mod net;
pub mod oss;
pub mod picture;
mod proxy;
pub mod recording;
pub mod s3;
pub mod script;
pub mod sound;
pub mod store;
pub mod thaw;
pub mod tls;
pub mod ts;
pub mod web;
pub mod webm;
mod wire;
pub mod writing;

pub use fault::{Fault, Faults, Script};
pub use kodo::KodoOptions;
pub use link::LinkOptions;
pub use net::{Handle, Logged};
pub use oss::OssOptions;
pub use recording::Plan;
pub use s3::{Keys, S3Options};
pub use store::{Checksum, Object, Objects};
pub use web::WebOptions;
pub use writing::{Step, WriteFault, Writing};
