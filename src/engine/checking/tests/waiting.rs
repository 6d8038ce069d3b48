use std::sync::Mutex;

use super::*;
use crate::domain::check::{About, Awaited, Diagnosis, Presence, Rule, Stretch};
use crate::event::{Event, Observer};

/// What is told while waiting, and what happens then.
struct Meanwhile<F> {
    rounds: Mutex<Vec<String>>,
    happens: F,
}

impl<F: Fn(usize) + Send + Sync> Observer for Meanwhile<F> {
    fn on_event(&self, event: &Event<'_>) {
        if let Event::Awaiting { recording, awaited, next, left } = event {
            assert_eq!(recording.as_str(), SID);
            assert!(next.is_none_or(|next| next <= *left), "{next:?} {left:?}");
            let mut rounds = self.rounds.lock().unwrap();
            let end = if next.is_some() { "looks again" } else { "gives up" };
            rounds.push(match awaited {
                Some(awaited) => {
                    let names = awaited.segments.iter().map(|name| name.as_str().rsplit('_').next().unwrap());
                    format!("{} {end}", names.collect::<Vec<_>>().join(" "))
                }
                None => format!("all {end}"),
            });
            (self.happens)(rounds.len());
        }
    }
}

/// A recording that ended just now.
fn fresh(count: usize) -> Plan {
    let mut plan = plan(count);
    plan.start = time_of_day().plus_ms(-60_000).digits();
    plan
}

async fn waited(
    stage: &Stage,
    wait: Duration,
    happens: impl Fn(usize) + Send + Sync + 'static,
) -> (Result<Checked, LocateError>, Vec<String>) {
    let watch = Arc::new(Meanwhile { rounds: Mutex::default(), happens });
    let options = fetcher().context.options.clone();
    let fetcher = Fetcher::new(options, watch.clone(), Default::default());
    let wait = WaitOptions {
        first_pause: Duration::from_millis(20),
        longest_pause: Duration::from_millis(60),
        ..WaitOptions::new(wait)
    };
    let options = CheckOptions { wait: Some(wait), ..CheckOptions::default() };
    let candidate = Candidate { store: stage.store().await, fallbacks: Vec::new() };
    let target = Target::parse(SID).unwrap();
    let checked = fetcher.check(&target, &[candidate], &LocateQuery::default(), &options).await;
    let rounds = watch.rounds.lock().unwrap().clone();
    (checked, rounds)
}

fn presences(checked: &Checked) -> Vec<Presence> {
    checked.check.tracks.iter().flat_map(|track| &track.segments).map(|segment| segment.presence).collect()
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn slices_and_transferred_playlists_that_come_end_the_waiting() {
    let plan = fresh(3);
    let mut longer = fresh(4);
    longer.start.clone_from(&plan.start);
    longer.transfer = Some((22_194_679_897, 0));
    let names = longer.slice_names();
    let ends: Vec<_> = names.iter().map(|name| name.rsplit('_').next().unwrap().to_owned()).collect();
    let stage = Stage::of(Vendor::S3, Keeps::Open, "prod", &plan).await;
    stage.remove(&names[1]);
    stage.remove(&names[2]);
    let (objects, all) = (stage.objects.clone(), longer.files(&[Bytes::from(vec![0x47; 188])]));
    let happens = move |round| {
        let (name, bytes) = match round {
            1 => &all[2],
            // The list first, and what it lists later.
            2 => &all[0],
            3 => &all[3],
            _ => &all[4],
        };
        objects.put(format!("{FOLDER}{name}"), bytes.clone());
    };
    let (checked, rounds) = waited(&stage, LONG, happens).await;
    let expected = [
        format!("{} {} looks again", ends[1], ends[2]),
        format!("{} looks again", ends[2]),
        format!("{} {} looks again", ends[2], ends[3]),
        format!("{} looks again", ends[3]),
    ];
    assert_eq!(rounds, expected);
    let checked = checked.unwrap();
    assert_eq!(presences(&checked), [Presence::Present; 4]);
    assert_eq!(checked.found.segments(), 4, "what is fetched then is what came");
}

#[tokio::test]
async fn the_time_ends_it_too_and_then_the_rest_is_told() {
    let plan = fresh(2);
    let name = plan.slice_names()[1].clone();
    let stage = Stage::of(Vendor::S3, Keeps::Open, "prod", &plan).await;
    stage.remove(&name);
    let (checked, rounds) = waited(&stage, Duration::from_secs(3), |_| ()).await;
    assert_eq!(presences(&checked.unwrap()), [Presence::Present, Presence::Lost]);
    assert!(rounds.len() >= 2, "{rounds:?}");
    let (last, before) = rounds.split_last().unwrap();
    assert!(
        last.ends_with("gives up") && before.iter().all(|round| round.ends_with("looks again")),
        "{rounds:?}"
    );
}

#[tokio::test]
async fn after_ten_days_nothing_is_awaited_any_more() {
    let mut plan = plan(2);
    for (days, looks) in [(11, 1), (9, 2)] {
        plan.start = time_of_day().plus_ms(-days * 24 * 60 * 60 * 1000).digits();
        let name = plan.slice_names()[1].clone();
        let stage = Stage::of(Vendor::S3, Keeps::Open, "prod", &plan).await;
        stage.remove(&name);
        let (objects, happens) = (stage.objects.clone(), format!("{FOLDER}{name}"));
        let happens = move |_| {
            objects.put(happens.clone(), Bytes::from_static(b"late"));
        };
        let (checked, rounds) = waited(&stage, LONG, happens).await;
        let there = presences(&checked.unwrap())[1] == Presence::Present;
        assert_eq!((rounds.len(), there), (1, looks == 2), "{days} {rounds:?}");
    }
}

#[tokio::test]
async fn a_recording_of_which_nothing_is_there_yet_is_awaited_and_a_refusal_is_not() {
    let plan = fresh(1);
    let stage = Stage::new(Vendor::S3, Keeps::Open, "prod").await;
    let (objects, all) = (stage.objects.clone(), plan.files(&[Bytes::from(vec![0x47; 188])]));
    let happens = move |_| {
        for (name, bytes) in all.clone() {
            objects.put(format!("{FOLDER}{name}"), bytes);
        }
    };
    let (checked, rounds) = waited(&stage, LONG, happens).await;
    assert_eq!(
        (presences(&checked.unwrap()), rounds),
        (vec![Presence::Present], vec!["all looks again".into()])
    );

    let (checked, rounds) = waited(&stage_that_refuses().await, LONG, |_| ()).await;
    assert!(matches!(checked, Err(LocateError::Source { .. })));
    assert_eq!(rounds, [""; 0]);
}

async fn stage_that_refuses() -> Stage {
    Stage::new(Vendor::S3, Keeps::WrongSecret, "prod").await
}

#[test]
fn pauses_start_at_half_a_minute_and_end_at_a_quarter_of_an_hour() {
    let wait = WaitOptions::new(LONG);
    assert_eq!((wait.first_pause.as_secs(), wait.longest_pause.as_secs(), wait.until), (30, 900, LONG));
}

#[tokio::test]
async fn what_may_pass_is_awaited_and_what_a_store_refuses_is_not() {
    let stage = Stage::of(Vendor::S3, Keeps::Open, "prod", &fresh(2)).await;
    let (checked, _) = waited(&stage, LONG, |_| ()).await;
    let mut check = checked.unwrap().check;
    assert!(check.awaited().is_nothing());
    let segment = &mut check.tracks[0].segments[0];
    segment.presence = Presence::Unknown;
    segment.obstacle = Some(Obstacle::Denied(Denial::NotAllowed));
    assert!(check.awaited().is_nothing());
    let segment = &mut check.tracks[0].segments[0];
    segment.obstacle = Some(Obstacle::Unreachable);
    let name = segment.name.clone();
    assert_eq!(check.awaited(), Awaited { segments: vec![name], ..Awaited::default() });
    check.tracks[0].segments[0].presence = Presence::Elsewhere { store: 1 };
    let (from, until) = (check.first.unwrap(), check.last.unwrap());
    check.tracks[0].stretches = [Presence::Unlisted, Presence::NeverRecorded]
        .map(|presence| Stretch { from, until, presence })
        .to_vec();
    check.diagnoses = [Rule::NotEnded, Rule::ListDenied, Rule::NotEnded].map(diagnosis).to_vec();
    let expected = Awaited { segments: Vec::new(), gaps: 1, rules: vec![Rule::NotEnded] };
    assert_eq!(check.awaited(), expected);
}

fn diagnosis(rule: Rule) -> Diagnosis {
    Diagnosis {
        rule,
        severity: rule.severity(),
        about: About::default(),
        expected: None,
        found: None,
        text: String::new(),
    }
}
