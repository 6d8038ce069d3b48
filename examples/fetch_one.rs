//! Fetches one recording from a public S3-compatible bucket, with a progress of its own.
//!
//! ```text
//! cargo run --example fetch_one -- ENDPOINT BUCKET RECORDING OUT
//! ```
//! Keys are taken from the environment as AWS's tools take them; without any, use a public bucket.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program prints")]
#![allow(clippy::wildcard_enum_match_arm, reason = "events are open: more kinds may come")]

use std::path::Path;
use std::sync::Arc;

use recfetch::domain::place::SourceName;
use recfetch::domain::regions::Addressing;
use recfetch::engine::{Candidate, FetchOptions, Fetcher, LocateQuery, Store, Target};
use recfetch::event::{Event, Observer};
use recfetch::source::{Credentials, HttpOptions, Place, S3Place, StoreSpec};

struct Dots;

impl Observer for Dots {
    fn on_event(&self, event: &Event<'_>) {
        match event {
            Event::Located { segments, from, .. } => eprintln!("{segments} segments in {from}"),
            Event::Judged { name, verdict, .. } => eprintln!("{name}: {verdict}"),
            _ => {}
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [endpoint, bucket, recording, out] = arguments.as_slice() else {
        return Err("usage: fetch_one ENDPOINT BUCKET RECORDING OUT".into());
    };
    let spec = StoreSpec {
        name: SourceName::new("bucket"),
        place: Place::S3(S3Place {
            label: "S3-compatible".to_owned(),
            region: "us-east-1".to_owned(),
            bucket: bucket.clone(),
            endpoint: Some(endpoint.clone()),
            addressing: Addressing::Path,
            credentials: Credentials::Chain { profile: None },
        }),
        prefix: None,
        http: HttpOptions::default(),
    };
    let store = Store::connect(&spec).await?;
    let candidates = [Candidate { store, fallbacks: Vec::new() }];

    let fetcher = Fetcher::new(FetchOptions::default(), Arc::new(Dots), Default::default());
    let found = fetcher.locate(&Target::parse(recording)?, &candidates, &LocateQuery::default()).await?;
    let fetched = fetcher.fetch(found, Path::new(out), None).await?;

    println!("{}: {}", fetched.dir.display(), fetched.report.outcome());
    Ok(())
}
