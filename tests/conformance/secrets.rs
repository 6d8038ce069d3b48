//! Nothing secret comes out of a run: not in an event, not in an error, not in a file of the bag.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use recfetch::domain::key::ObjectKey;
use recfetch::domain::object::ObjectInfo;
use recfetch::domain::place::{Denial, Obstacle, SourceName};
use recfetch::engine::{Candidate, FetchOptions, Fetcher, LocateQuery, RetryPolicy, Store, Target};
use recfetch::event::{Event, Observer};
use recfetch::source::{
    Capabilities, Error, HttpOptions, HttpSource, Opened, Operation, Page, PageToken, Read, Source,
};
use recfetch_test_support::ts::{SliceSpec, slice};
use recfetch_test_support::{Fault, Faults, Objects, Plan, Script, fault, web};
use url::Url;

use super::makers::{self, name};

/// What the query of a presigned URL carries here.
pub(crate) const QUERY_SECRET: &str = "d34dbeefS1gn4tur3";

/// Everything that an error and its causes can be made to print.
pub(crate) fn words_of(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words = String::new();
    let mut link = Some(error);
    while let Some(error) = link {
        words.push_str(&format!("{error}\n{error:?}\n{error:#?}\n"));
        link = error.source();
    }
    words
}

/// Writes down everything that is told.
#[derive(Default)]
struct Listener(Mutex<Vec<String>>);

impl Observer for Listener {
    fn on_event(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push(format!("{event:?}"));
    }
}

/// Fetches, and gives back whatever of what was said or written contains one of the secrets.
async fn leaks(source: Arc<dyn Source>, target: &Target, secrets: &[&str]) -> (Vec<String>, usize) {
    let out = tempfile::tempdir().unwrap();
    let listener = Arc::new(Listener::default());
    let retry = RetryPolicy {
        tries: 2,
        patience: Duration::from_secs(2),
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(5),
    };
    let options = FetchOptions { retry, ..FetchOptions::default() };
    let fetcher = Fetcher::new(options, listener.clone(), Default::default());
    let mut said = vec![source.describe()];
    let candidates = [Candidate { store: Store { source, prefix: None }, fallbacks: Vec::new() }];
    said.push(format!("{target:?}"));
    match fetcher.locate(target, &candidates, &LocateQuery::default()).await {
        Err(error) => said.push(words_of(&error)),
        Ok(found) => {
            said.push(format!("{:?} {:?} {:?}", found.recording(), found.plan(), found.findings()));
            match fetcher.fetch(found, out.path(), None).await {
                Err(error) => said.push(words_of(&error)),
                Ok(fetched) => said.push(format!("{fetched:?} {}", fetched.written.to_json())),
            }
        }
    }
    said.append(&mut listener.0.lock().unwrap());
    read_all(out.path(), &mut said);
    let heard = said.len();
    said.retain(|text| secrets.iter().any(|secret| text.contains(secret)));
    (said, heard)
}

/// The names and texts of all files.
fn read_all(folder: &Path, texts: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        texts.push(path.file_name().unwrap().to_string_lossy().into_owned());
        if path.is_dir() {
            read_all(&path, texts);
        } else {
            texts.push(String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned());
        }
    }
}

/// A recording of six slices.
fn recording() -> (Objects, Plan) {
    let plan = Plan::new(&[2000; 6]);
    let segments: Vec<_> = (0..6_u64)
        .map(|n| {
            let start_pts = 126_000 + n * 180_000;
            slice(&SliceSpec { start_pts, seed: n, ..SliceSpec::default() }).into()
        })
        .collect();
    let objects = Objects::new();
    plan.put(&objects, "", &segments);
    (objects, plan)
}

/// Something of everything goes wrong, so that much is said.
fn troubles(plan: &Plan, objects: &Objects) -> Faults {
    let names = plan.slice_names();
    objects.remove(&names[0]);
    Faults::new()
        .on(&names[1], Script::always(Fault::Denied))
        .on(&names[2], Script::once(Fault::Cut(5000)))
        .on(&names[3], Script::always(Fault::Html))
        .on(&names[4], Script::once(Fault::SlowDown).then(Script::always(Fault::Reset(10))))
        .with_objects(objects)
}

#[cfg(feature = "s3")]
#[tokio::test]
async fn a_run_with_keys_says_nothing_of_them() {
    use makers::s3::{SECRET, connect, options, place};
    let (objects, plan) = recording();
    let faults = troubles(&plan, &objects);
    let server = recfetch_test_support::s3::start(&objects, options()).await.unwrap();
    let proxy = fault::start(&server.url(), &faults).await.unwrap();
    let source = Arc::new(connect(place(&proxy.url())).await);
    let secrets = [SECRET, "X-Amz-Signature", "X-Amz-Credential=", "Authorization"];
    let (leaks, heard) = leaks(source, &Target::parse(&plan.sid).unwrap(), &secrets).await;
    assert!(leaks.is_empty(), "{leaks:#?}");
    assert!(heard > 40, "only {heard} things were said: nothing was fetched");
    let signed = proxy.requests().iter().filter(|r| r.query.contains("X-Amz-Signature")).count();
    assert!(signed > 0 || server.requests().iter().any(|r| r.query.contains("X-Amz-Signature")));
}

#[cfg(feature = "oss")]
#[tokio::test]
async fn a_run_over_oss_says_nothing_of_its_keys() {
    use makers::oss::{SECRET, connect, keys, options, place};
    use recfetch::source::{OssPlace, OssSignature};
    use recfetch_test_support::s3::Token;
    const TOKEN: &str = "CAISt0kenOfOneHour";
    for signature in [OssSignature::V4, OssSignature::V1] {
        let (objects, plan) = recording();
        let faults = troubles(&plan, &objects);
        let mut options = options();
        options.keys[0].token = Token::Required(TOKEN.to_owned());
        let server = recfetch_test_support::oss::start(&objects, options).await.unwrap();
        let proxy = fault::start(&server.url(), &faults).await.unwrap();
        let place = OssPlace { signature, credentials: keys(Some(TOKEN)), ..place(&proxy.url()) };
        let secrets = [SECRET, TOKEN, "Signature=", "OSSAccessKeyId", "uthorization", "x-oss-security-token"];
        let source = Arc::new(connect(place));
        let (leaks, heard) = leaks(source, &Target::parse(&plan.sid).unwrap(), &secrets).await;
        assert!(leaks.is_empty(), "{leaks:#?}");
        assert!(heard > 40, "only {heard} things were said: nothing was fetched");
        let signed = |r: &recfetch_test_support::Logged| {
            r.credential.as_ref().is_some_and(|text| text.starts_with("OSS"))
                || r.query.contains("OSSAccessKeyId")
        };
        assert!(server.requests().iter().all(signed), "{:?}", server.requests());
    }
}

#[tokio::test]
async fn a_run_with_kodos_keys_says_nothing_of_them() {
    use makers::kodo::{ACCESS, SECRET, connect, options, place, start};
    let (objects, plan) = recording();
    let faults = troubles(&plan, &objects);
    let server = start(&objects, options()).await;
    let proxy = fault::start(&server.url(), &faults).await.unwrap();
    let source = Arc::new(connect(place(&proxy.url())));
    let access = format!("{ACCESS}:");
    let secrets = [SECRET, "token=", &access, "Authorization", "authorization"];
    let (leaks, heard) = leaks(source, &Target::parse(&plan.sid).unwrap(), &secrets).await;
    assert!(leaks.is_empty(), "{leaks:#?}");
    assert!(heard > 40, "only {heard} things were said: nothing was fetched");
    assert!(server.requests().iter().any(|r| r.query.contains("&token=")), "it was sent");
    assert!(server.requests().iter().any(|r| r.credential.is_some()), "it was sent");
}

#[tokio::test]
async fn a_run_with_a_presigned_playlist_says_nothing_of_its_query() {
    let (objects, plan) = recording();
    let faults = troubles(&plan, &objects);
    let server = web::start(&objects).await.unwrap();
    let proxy = fault::start(&server.url(), &faults).await.unwrap();
    for playlist in [plan.playlist_name(), "38f8e3cf_nowhere.m3u8".to_owned()] {
        let url = format!("{}/{playlist}?X-Amz-Signature={QUERY_SECRET}", proxy.url());
        let target = Target::parse(&url).unwrap();
        let Target::Url(parsed) = &target else { panic!("a URL") };
        let source = HttpSource::new(name(), parsed.origin.clone(), &HttpOptions::default()).unwrap();
        let source = source.with_presigned(parsed.key.clone(), Url::parse(&url).unwrap());
        let (leaks, _) = leaks(Arc::new(source), &target, &[QUERY_SECRET, "X-Amz-Signature"]).await;
        assert!(leaks.is_empty(), "{leaks:#?}");
    }
    assert!(server.requests().iter().any(|r| r.query.contains(QUERY_SECRET)), "it was sent");
}

/// A careless adapter: the secret is in what it says about one object.
struct Careless(Arc<dyn Source>, String);

#[async_trait]
impl Source for Careless {
    fn name(&self) -> &SourceName {
        self.0.name()
    }

    fn describe(&self) -> String {
        self.0.describe()
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn stat(&self, key: &ObjectKey) -> Result<ObjectInfo, Error> {
        self.0.stat(key).await
    }

    async fn open(&self, key: &ObjectKey, read: Read<'_>) -> Result<Opened, Error> {
        if key.as_str() == self.1 {
            let refused = Obstacle::Denied(Denial::NotAllowed);
            return Err(Error::new(refused, Operation::Read, self.name(), key.as_str())
                .with_answer(format!("GET /x?sig={QUERY_SECRET}")));
        }
        self.0.open(key, read).await
    }

    async fn list(&self, prefix: &str, after: Option<&PageToken>) -> Result<Page, Error> {
        self.0.list(prefix, after).await
    }
}

#[tokio::test]
async fn the_search_for_leaks_finds_one() {
    let (objects, plan) = recording();
    let made = makers::memory(objects).await;
    let target = Target::parse(&plan.sid).unwrap();
    let (none, _) = leaks(made.source.clone(), &target, &[QUERY_SECRET]).await;
    assert!(none.is_empty(), "{none:#?}");
    let careless = Careless(made.source, plan.slice_names()[2].clone());
    let (found, _) = leaks(Arc::new(careless), &target, &[QUERY_SECRET]).await;
    // In the event of the try, and in the report.
    assert!(found.len() >= 2, "{found:#?}");
}
