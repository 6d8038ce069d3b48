use recfetch_test_support::WebOptions;

use super::super::players::ask;
use super::*;
use crate::domain::check::{Answer, PlayerAnswer};

const ORIGIN: &str = "https://player.example";

async fn asked(stage: &Stage, target: &str) -> Vec<PlayerAnswer> {
    let (fetcher, target) = (fetcher(), Target::parse(target).unwrap());
    let candidate = Candidate { store: stage.store().await, fallbacks: Vec::new() };
    let found = fetcher.locate(&target, &[candidate], &LocateQuery::default()).await.unwrap();
    let context = &*fetcher.context;
    let sightings = gather(context, &found, AskFallbacks::Always, &GivenUp::default()).await;
    stage.front.forget();
    ask(context, &found, &lists::seen(context, &found), &sightings, ORIGIN).await
}

fn said(answers: &[PlayerAnswer]) -> Vec<(&str, &Answer)> {
    answers.iter().map(|answer| (answer.name.as_str(), &answer.answer)).collect()
}

#[tokio::test]
async fn players_are_asked_for_at_each_playlist_and_the_first_segment_that_is_there() {
    let plan = plan(3);
    let names = plan.slice_names();
    let mut stage = Stage::new(Vendor::Web, Keeps::Open, "prod").await;
    let allows_origin = Some("*".to_owned());
    let options = WebOptions { allows_origin, ..WebOptions::default() };
    let back = web::start_with(&stage.objects, options).await.unwrap();
    stage.front = fault::start(&back.url(), &stage.faults).await.unwrap();
    stage.spec.place = Place::Http { url: format!("{}/", stage.front.url()).parse().unwrap() };
    stage.put(&plan);
    stage.remove(&names[0]);
    let answers = asked(&stage, &playlist_key(&plan)).await;
    let playlist = plan.playlist_name();
    assert_eq!(said(&answers), [(playlist.as_str(), &Answer::Part), (names[1].as_str(), &Answer::Part)]);
    for answer in &answers {
        assert_eq!(answer.allows_origin.as_deref(), Some("*"), "only who names an origin is told so");
        assert_eq!(answer.origin, ORIGIN);
    }
    assert_eq!(answers[1].content_type.as_deref(), Some("video/MP2T"));
    let requests = stage.front.requests();
    let ranges: Vec<_> = requests.iter().filter_map(|request| request.range.as_deref()).collect();
    assert_eq!((requests.len(), ranges), (2, vec!["bytes=0-0"; 2]));

    stage.faults.on(&names[1], Script::always(Fault::IgnoreRange));
    stage.faults.on(&playlist, Script::once(Fault::Pass).then(Script::always(Fault::SlowDown)));
    let answers = asked(&stage, &playlist_key(&plan)).await;
    let throttled = Answer::Refused(Obstacle::Throttled);
    assert_eq!(said(&answers), [(playlist.as_str(), &throttled), (names[1].as_str(), &Answer::Whole)]);
    assert_eq!((&answers[0].content_type, &answers[0].allows_origin), (&None, &None));
}

#[tokio::test]
async fn a_private_bucket_refuses_players_and_no_key_goes_to_them() {
    for vendor in [Vendor::S3, Vendor::Oss, Vendor::Kodo] {
        let plan = plan(1);
        let stage = Stage::of(vendor, Keeps::Open, "prod", &plan).await;
        let answers = asked(&stage, SID).await;
        let anonymous = Answer::Refused(Obstacle::Denied(Denial::Anonymous));
        assert_eq!(answers.len(), 2, "{vendor:?}");
        for answer in &answers {
            assert_eq!(answer.answer, anonymous, "{vendor:?}");
        }
        let key = ObjectKey::parse(&playlist_key(&plan)).unwrap();
        let url = stage.store().await.source.public_url(&key).await.unwrap();
        assert!(url.as_str().ends_with(&playlist_key(&plan)), "{url}");
        assert_eq!((url.query(), url.username(), url.password()), (None, "", None));
        for request in stage.front.requests() {
            assert_eq!((request.query.as_str(), &request.credential), ("", &None), "{vendor:?}");
        }
    }
}

#[tokio::test]
async fn a_public_bucket_serves_them() {
    let plan = plan(1);
    let stage = Stage::of(Vendor::Kodo, Keeps::NoListing, "prod", &plan).await;
    let answers = asked(&stage, &playlist_key(&plan)).await;
    assert_eq!(answers.len(), 2);
    for answer in &answers {
        assert_eq!((&answer.answer, &answer.allows_origin), (&Answer::Part, &None), "no page may read it");
    }
}

#[tokio::test]
async fn a_url_for_players_carries_no_password_and_no_signature() {
    let mut stage = Stage::new(Vendor::Web, Keeps::Open, "prod").await;
    stage.spec.place = Place::Http { url: "https://u:p@h.example/a/?sig=x#f".parse().unwrap() };
    let key = ObjectKey::parse("b c.ts").unwrap();
    let url = stage.store().await.source.public_url(&key).await;
    assert_eq!(url.unwrap().as_str(), "https://h.example/a/b%20c.ts");
}
