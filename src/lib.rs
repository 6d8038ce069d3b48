//! recfetch brings Agora Cloud Recording recordings home: it finds a recording in a bucket by its ID, fetches
//! every object of it, proves each one, keeps them as a bag, and joins the segments into one file. What it
//! calls complete is complete; whatever is not says so, in the report and in the outcome.
//!
//! ```
//! # use std::sync::Arc;
//! # use recfetch_test_support::{Plan, ts};
//! use recfetch::domain::{key::ObjectKey, place::SourceName, report::Outcome};
//! use recfetch::engine::{Candidate, FetchOptions, Fetcher, LocateQuery, Store, Target};
//! use recfetch::source::MemorySource;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let plan = Plan::new(&[2000, 2000]);
//! # let slice = |n| ts::SliceSpec { start_pts: 126_000 + n * 180_000, seed: n, ..Default::default() };
//! # let files = plan.files(&[ts::slice(&slice(0)).into(), ts::slice(&slice(1)).into()]);
//! # let folder = tempfile::tempdir()?;
//! # let out = folder.path();
//! let mut source = MemorySource::new(SourceName::new("here"));
//! for (key, bytes) in files {
//!     source.put(ObjectKey::parse(&key)?, bytes);
//! }
//! let store = Store { source: Arc::new(source), prefix: None };
//! let candidates = [Candidate { store, fallbacks: Vec::new() }];
//!
//! let fetcher = Fetcher::new(FetchOptions::default(), Arc::new(()), Default::default());
//! let recording = Target::parse("38f8e3cfdc474cd56fc1ceba380d7e1a")?;
//! let found = fetcher.locate(&recording, &candidates, &LocateQuery::default()).await?;
//! assert_eq!(found.segments(), 2);
//!
//! let fetched = fetcher.fetch(found, out, None).await?;
//! assert_eq!(fetched.report.outcome(), Outcome::Complete);
//! assert!(fetched.dir.join("manifest-sha256.txt").is_file());
//! # Ok(())
//! # }
//! ```
//!
//! # Bird's eye view
//!
//! A *target* (ID, key or URL) is looked for in *candidates* (stores with fallbacks). The listing and the
//! playlists become a *plan*: each object once, with its expected size and digests. Several objects at a time
//! are read from a *source* through a *meter* into the *archive*; each ends with a *verdict* and the
//! *evidence* that it rests on. The verdicts make the *report*, and the report makes the *outcome*.
//!
//! # Code map
//!
//! | module | what it is | what always holds |
//! |---|---|---|
//! | [`domain`] | names, playlists, regions, plans, verdicts | no I/O, clock or wire format; facts in, facts out |
//! | [`media`] | looks into media files and pages | knows no other module; bounded memory, one pass |
//! | [`source`] | the port to stores and its adapters | one call is one request; no text carries a secret |
//! | [`agora`] | saved answers and callbacks, their signatures, the live `query` | all input is hostile until read |
//! | [`archive`] | bag, journal, lock, `report.json` | a final name means proven bytes; foreign files stay |
//! | [`documents`] | JSON, a page, a support request and a playlist of a check | text only, nothing is written anywhere |
//! | [`event`] | what is told while it happens | facts in the past tense; the library draws nothing |
//! | [`engine`] | walks a recording from ID to bag | the only retry, rate, width and time of day |
//! | `batch` | lists of jobs, outcomes, shares of a list, counts | text only, nothing is read or written |
//!
//! `tests/architecture.rs` holds who may import whom and fails on an edge that is not in its table. The
//! program `recfetch` is a user of this crate like any other: settings, environment, terminal and exit codes
//! are its own.
//!
//! # One segment, end to end
//!
//! 1. The line scanner of [`domain::playlist`] lists it, [`domain::filename`] reads its name, and
//!    [`domain::plan`] gives it an expectation from the listing.
//! 2. What an earlier run left is hashed again. If it is as its journal line says, it is kept.
//! 3. Otherwise the engine opens it at offset 0, in its store and then in each fallback. *Absent* goes on to
//!    the next place; a refusal does not, unless [`engine::AfterDenial`] says so.
//! 4. The bytes pass once: hashers, the examiner of the media's form and a file without a name take them as
//!    they come. A body that breaks off goes on at its offset, under the tag of the first answer; another
//!    tag means another object, and it starts again.
//! 5. [`domain::verdict`] compares what was seen with what was expected. Wrong bytes are asked for once more
//!    from zero, then elsewhere; if they stay wrong, the segment is *corrupt*.
//! 6. Proven bytes are synced, get a line in the journal, and only then their name. Across neighbours,
//!    [`domain::continuity`] looks at the time stamps.
//! 7. At the end the tag files are written, `bagit.txt` last: a folder without it is no bag yet.
//!
//! # Adding a store
//!
//! * It speaks S3: a row in [`domain::regions`] with its hosts is all.
//! * It speaks HTTP with another signature: a module in `source` that makes requests and reads answers
//!   through the shared transport; ranges, timeouts and redirects are there already. Then a kind of
//!   [`source::Place`] and an arm in [`source::connect`].
//! * Anything else: implement [`source::Source`], outside this crate if you like ([`source::Body::custom`]).
//!
//! In each case it joins `tests/conformance`, which checks the promises of the port: where reading starts,
//! what a tag guards, how the reasons not to serve are told apart, and that no error shows a secret.
//!
//! # What stays as it is
//!
//! * Bags follow BagIt 1.0 (RFC 8493) and can be read without this program.
//! * `report.json` names its version ([`archive::REPORT_FORMAT`]), and `schema/` describes it. Fields may be
//!   added; one that goes away or changes its meaning makes a new version, and a reader refuses versions
//!   that it does not know.
//! * The journal in `.recfetch/` is for reruns of this and later versions, and for nobody else.
//! * Exit codes, codes of verdicts and of findings are words of the interface; sentences are not.
//! * The Rust API may change until 1.0. New kinds of [`event::Event`] may come in any version.
//!
//! # Features
//!
//! `batch` brings lists of recordings and the ledger of what became of them.
//! `s3` and `oss` (on by default) bring the adapters for S3 and for Aliyun OSS, `cli` (on by default) the
//! program. Without them, the library reads Qiniu's own interfaces, web servers, folders and memory.
//! `aliyun-sdk` lets the crate `aliyun-oss-rust-sdk` sign OSS's old signatures; it brings OpenSSL.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there"))]

pub mod agora;
pub mod archive;
#[cfg(feature = "batch")]
pub mod batch;
pub mod documents;
pub mod domain;
pub mod engine;
pub mod event;
mod hash;
pub mod media;
pub mod source;
