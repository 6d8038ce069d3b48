//! Looking for a recording in the stores of the settings; shared by `fetch` and `locate`.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use recfetch::agora::{Facts, SavedRecording};
use recfetch::domain::finding::Severity;
use recfetch::domain::key::ObjectKey;
use recfetch::domain::only::{Form, Only};
use recfetch::domain::place::SourceName;
use recfetch::domain::plan::ItemPlace;
use recfetch::domain::recording::{ChannelName, RecordingId};
use recfetch::domain::time::SliceTime;
use recfetch::domain::verdict::Verdict;
use recfetch::engine::{
    Candidate, CheckOptions, Checked, Fetcher, Found, ListedRecording, LocateError, LocateQuery, Looked,
    PlaylistUrl, Search, Store, Survey, SurveyError, Surveyed, Target,
};
use recfetch::source::HttpSource;
use serde_json::{Value, json};

use super::outcome::Many;
use crate::args::{OnlyForm, RecordingArgs, StoreArgs};
use crate::context::{self, Context};
use crate::failure::{ExitCode, Failure, hint, printable, saved as hint_of_saved};
use crate::inputs::Input;
use crate::output::{count, playing_time, size, summary, table};
use crate::settings::Settings;

/// How many segments are named that the listing lacks.
const MOST_UNLISTED: usize = 20;

/// What is said of a track without a playlist.
const REBUILT: &str = "no playlist: one is rebuilt from the slices";

/// Where to look, and how.
pub(crate) struct Looking {
    candidates: Arc<Candidates>,
    query: LocateQuery,
}

/// The stores, connected. A URL needs none.
pub(crate) struct Candidates {
    configured: Result<Vec<Candidate>, Failure>,
    /// Asked for what the server of a URL lacks.
    beside_url: Vec<Store>,
}

impl Looking {
    /// Resolves the stores that will be searched. Where there is none, that is a failure only for recordings
    /// that are not given as a URL.
    ///
    /// # Errors
    /// What is wrong with the settings or the flags.
    pub(crate) async fn new(
        context: &Context,
        what: &RecordingArgs,
        flags: &StoreArgs,
    ) -> Result<Self, Failure> {
        let channel = what.channel.as_deref().map(|text| {
            ChannelName::parse(text)
                .ok_or_else(|| Failure::usage(format!("`{text}` cannot be a channel name")))
        });
        let playlist = what.playlist.as_deref().map(|text| {
            ObjectKey::parse(text)
                .map_err(|cause| Failure::usage(format!("`{text}` cannot be a key: {cause}")))
        });
        let query = LocateQuery {
            channel: channel.transpose()?,
            playlist: playlist.transpose()?,
            told: Vec::new(),
            search: if what.search { Search::Bucket } else { Search::Folder },
            only: only(&what.only),
        };
        let recordings = &context.inputs.recordings;
        let urls = recordings.iter().filter(|input| input.is_url()).count();
        let settings = &context.settings;
        let configured = if urls == recordings.len() && urls > 0 {
            Ok(Vec::new())
        } else {
            Ok(candidates(settings, settings.require_stores()?, flags).await?)
        };
        let search = settings.require_stores().unwrap_or_default();
        if search.iter().any(|name| settings.saved_keys_in_use(name).is_some()) {
            let config = context.inputs.stores.config.as_ref();
            let expires = config.and_then(|config| config.store.expires);
            if let Some(hint) = expires.and_then(|expires| hint_of_saved::of_expiry(expires, now())) {
                context.progress.say(&format!("hint: {hint}"));
            }
        }
        let mut beside_url = Vec::new();
        if urls > 0 {
            for name in flags.store.iter().chain(&flags.fallback) {
                beside_url.push(connect(settings, name).await?.store);
            }
        }
        Ok(Self { candidates: Arc::new(Candidates { configured, beside_url }), query })
    }

    /// Looks in stores that are connected already.
    pub(crate) fn within(candidates: Arc<Candidates>, query: LocateQuery) -> Self {
        Self { candidates, query }
    }

    /// Hands every recording of each store to `each`, by their listings alone.
    ///
    /// # Errors
    /// Where a store cannot be listed to its end.
    pub(crate) async fn listed(
        &self,
        fetcher: &Fetcher,
        mut each: impl FnMut(ListedRecording),
    ) -> Result<(), Failure> {
        for candidate in self.candidates.configured()? {
            fetcher.recordings(candidate, self.query.search, &mut each).await.map_err(survey_failure)?;
        }
        Ok(())
    }

    /// Finds a recording.
    ///
    /// # Errors
    /// Where it is not found, or a store could not be asked.
    pub(crate) async fn find(
        &self,
        context: &Context,
        fetcher: &Fetcher,
        input: &Input,
    ) -> Result<Found, Failure> {
        let asked = self.asked(context, input)?;
        let found = fetcher.locate(&asked.target, &asked.candidates, &asked.query).await;
        asked.explain(context, found)
    }

    /// Finds a recording. `thaw` brings back the playlist without which nothing is known of it, where that is
    /// archived: it says whether another look is worth while.
    ///
    /// # Errors
    /// As [`Looking::find`].
    pub(crate) async fn find_thawed(
        &self,
        context: &Context,
        fetcher: &Fetcher,
        input: &Input,
        mut thaw: impl AsyncFnMut(&RecordingId, &[Candidate], &SourceName, &ObjectKey) -> bool,
    ) -> Result<Found, Failure> {
        let asked = self.asked(context, input)?;
        let found = loop {
            let found = fetcher.locate(&asked.target, &asked.candidates, &asked.query).await;
            match &found {
                Err(LocateError::Playlist { key, verdict: Verdict::Frozen { from, .. }, .. })
                    if thaw(&asked.target.recording(), &asked.candidates, from, key).await => {}
                Ok(_) | Err(_) => break found,
            }
        };
        asked.explain(context, found)
    }

    /// Finds a recording and tells what of it is where.
    ///
    /// # Errors
    /// As [`Looking::find`].
    pub(crate) async fn check(
        &self,
        context: &Context,
        fetcher: &Fetcher,
        input: &Input,
        options: &CheckOptions,
    ) -> Result<Checked, Failure> {
        let asked = self.asked(context, input)?;
        let checked = fetcher.check(&asked.target, &asked.candidates, &asked.query, options).await;
        asked.explain(context, checked)
    }

    /// Checks every recording of each store in turn, and hands each to `each`.
    ///
    /// # Errors
    /// Where a store cannot be listed to its end.
    pub(crate) async fn survey(
        &self,
        context: &Context,
        fetcher: &Fetcher,
        options: &CheckOptions,
        mut each: impl AsyncFnMut(Surveyed),
    ) -> Result<(), Failure> {
        for candidate in self.candidates.configured()? {
            let survey = fetcher.survey(candidate, &self.query, options, &mut each).await;
            let Survey { recordings, objects, others } = survey.map_err(survey_failure)?;
            let count =
                |number: u64, one: &str| format!("{number} {one}{}", if number == 1 { "" } else { "s" });
            context.progress.say(&format!(
                "surveyed   {}: {} of {}; {} of none",
                printable(candidate.store.source.name().as_str()),
                count(recordings, "recording"),
                count(objects, "object"),
                count(others, "object"),
            ));
        }
        Ok(())
    }

    /// Why a recording of a survey could not be checked.
    pub(crate) fn explain(&self, error: LocateError) -> Failure {
        locate_failure(error, &self.query)
    }

    /// What is looked for, and where.
    fn asked<'a>(&'a self, context: &Context, input: &'a Input) -> Result<Asked<'a>, Failure> {
        match input {
            Input::Typed(text) => self.typed(context, text),
            Input::Saved(saved) => self.saved(saved),
        }
    }

    /// What a saved text is about, and what it says besides.
    fn saved<'a>(&'a self, saved: &'a SavedRecording) -> Result<Asked<'a>, Failure> {
        let SavedRecording { id, facts } = saved;
        let query = LocateQuery {
            channel: self.query.channel.clone().or_else(|| facts.channel.clone()),
            told: facts.files.iter().map(|file| file.name.clone()).collect(),
            ..self.query.clone()
        };
        Ok(Asked {
            target: Target::Recording(id.clone()),
            candidates: Cow::Borrowed(self.candidates.configured()?),
            query,
            facts: Some(facts),
            hints: hint_of_saved::of_facts(id, facts),
        })
    }

    fn typed<'a>(&'a self, context: &Context, text: &str) -> Result<Asked<'a>, Failure> {
        let target = Target::parse(text).map_err(|error| {
            Failure::new(ExitCode::Usage, error).hint(
                "a recording is named by its ID (sid), by the key of its playlist (dir/name.m3u8), or by the \
                 playlist's URL",
            )
        })?;
        let candidates = match &target {
            Target::Url(url) => Cow::Owned(vec![self.server_of(context, url)?]),
            Target::Recording(_) | Target::Playlist(_) => Cow::Borrowed(self.candidates.configured()?),
        };
        Ok(Asked { target, candidates, query: self.query.clone(), facts: None, hints: Vec::new() })
    }

    fn server_of(&self, context: &Context, url: &PlaylistUrl) -> Result<Candidate, Failure> {
        let name = SourceName::new(url.origin.host_str().unwrap_or("url"));
        let source = HttpSource::new(name, url.origin.clone(), &context.settings.http)?;
        let source = source.with_presigned(url.key.clone(), url.url.expose().clone());
        let store = Store { source: Arc::new(source), prefix: None };
        Ok(Candidate { store, fallbacks: self.candidates.beside_url.clone() })
    }
}

/// One recording that is looked for.
struct Asked<'a> {
    target: Target,
    candidates: Cow<'a, [Candidate]>,
    query: LocateQuery,
    /// What a saved text says about it.
    facts: Option<&'a Facts>,
    /// What to do about that.
    hints: Vec<String>,
}

impl Asked<'_> {
    /// Tells the hints, behind the failure where there is one.
    fn explain<T>(self, context: &Context, result: Result<T, LocateError>) -> Result<T, Failure> {
        match result {
            Ok(found) => {
                for hint in &self.hints {
                    context.progress.say(&format!("hint: {}", printable(hint)));
                }
                Ok(found)
            }
            Err(error) => {
                let mut failure = locate_failure(error, &self.query);
                let store = self.facts.and_then(|facts| facts.store.as_ref());
                failure.hints.extend(store.and_then(hint_of_saved::of_store));
                failure.hints.extend(self.hints);
                Err(failure)
            }
        }
    }
}

impl Candidates {
    /// Connects the stores of these names, or those of the settings where none is named.
    ///
    /// # Errors
    /// What is wrong with their settings. That there is no store at all is told to whoever needs one.
    pub(crate) async fn connect(
        settings: &Settings,
        stores: &[String],
        fallback: &[String],
    ) -> Result<Self, Failure> {
        let flags = StoreArgs { store: stores.to_vec(), fallback: fallback.to_vec(), ..StoreArgs::default() };
        let names = if stores.is_empty() { settings.require_stores() } else { Ok(stores) };
        let configured = match names {
            Ok(names) => Ok(candidates(settings, names, &flags).await?),
            Err(failure) => Err(failure),
        };
        let mut beside_url = Vec::new();
        for name in stores.iter().chain(fallback) {
            beside_url.push(connect(settings, name).await?.store);
        }
        Ok(Self { configured, beside_url })
    }

    fn configured(&self) -> Result<&[Candidate], Failure> {
        self.configured.as_deref().map_err(|failure| Failure::usage(&failure.error))
    }
}

fn now() -> SliceTime {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).ok().and_then(SliceTime::from_unix_ms).unwrap_or_default()
}

/// The forms that were named.
pub(super) fn only(forms: &[OnlyForm]) -> Only {
    Only::these(forms.iter().map(|form| match form {
        OnlyForm::Hls => Form::Hls,
        OnlyForm::Mp4 => Form::Mp4,
        OnlyForm::Audio => Form::Audio,
        OnlyForm::Images => Form::Images,
    }))
}

async fn candidates(
    settings: &Settings,
    names: &[String],
    flags: &StoreArgs,
) -> Result<Vec<Candidate>, Failure> {
    let mut candidates = Vec::new();
    for name in names {
        let mut candidate = connect(settings, name).await?;
        for fallback in &flags.fallback {
            candidate.fallbacks.push(connect(settings, fallback).await?.store);
        }
        candidates.push(candidate);
    }
    Ok(candidates)
}

/// The stores of these names with their fallbacks, in the order in which they are asked.
///
/// # Errors
/// What is wrong with their settings.
pub(super) async fn stores(
    settings: &Settings,
    names: &[String],
    flags: &StoreArgs,
) -> Result<Vec<Store>, Failure> {
    let candidates = candidates(settings, names, flags).await?;
    Ok(candidates.into_iter().flat_map(|one| std::iter::once(one.store).chain(one.fallbacks)).collect())
}

/// A store with its own fallbacks; those of the fallbacks are not followed.
async fn connect(settings: &Settings, name: &str) -> Result<Candidate, Failure> {
    let said = settings.store(name)?;
    let mut fallbacks = Vec::new();
    for fallback in said.fallback.iter().filter(|fallback| *fallback != name) {
        fallbacks.push(Store::connect(&settings.store(fallback)?.spec).await?);
    }
    Ok(Candidate { store: Store::connect(&said.spec).await?, fallbacks })
}

fn survey_failure(error: SurveyError) -> Failure {
    let by_name = "name the recordings instead: their IDs, or saved callbacks (@FILE)";
    match error {
        SurveyError::CannotList { .. } | SurveyError::Unsorted { .. } => {
            Failure::new(ExitCode::Usage, error).hint(by_name)
        }
        SurveyError::Source { from, cause } => {
            Failure::from(cause).context(format!("could not list {from} to its end"))
        }
        SurveyError::Interrupted => Failure::new(ExitCode::Temporary, error),
    }
}

fn locate_failure(error: LocateError, query: &LocateQuery) -> Failure {
    match error {
        LocateError::NotFound { recording, looked } => {
            let mut failure = Failure::not_found(format!("recording {recording} was not found"));
            for place in &looked {
                failure = failure.hint(seen(place));
            }
            if looked.iter().any(|place| place.listed.is_none()) && query.channel.is_none() {
                failure = failure.hint("where nothing can be listed, name the channel with --channel or the playlist's key with --playlist");
            }
            if query.search == Search::Folder && looked.iter().any(|place| place.listed.is_some()) {
                failure = failure.hint("if the prefix is not known, --search walks the whole bucket");
            }
            failure
        }
        LocateError::Source { recording, cause, looked } => {
            let mut failure =
                Failure::from(cause).context(format!("could not look for recording {recording}"));
            for place in &looked {
                failure = failure.hint(seen(place));
            }
            failure
        }
        LocateError::Playlist { ref verdict, ref tries, .. } => {
            let code = error.outcome().map_or(ExitCode::Internal, |o| ExitCode::from_number(o.exit_code()));
            let hints = hint::of_verdict(verdict);
            let last = tries.last().map(|t| t.why.clone());
            let mut failure = match last {
                Some(why) => Failure::new(code, anyhow::Error::msg(why).context(error.to_string())),
                None => Failure::new(code, error),
            };
            failure.hints = hints;
            failure
        }
        LocateError::NoStore => Failure::usage("no store to look in"),
        LocateError::Interrupted => Failure::new(ExitCode::Temporary, error),
    }
}

/// What was looked at, so that the user sees where not to look again.
fn seen(place: &Looked) -> String {
    let Looked { from, place, within, listed, folder_is_empty } = place;
    match (listed, folder_is_empty) {
        (None, _) => {
            format!("{from} ({place}) cannot list; nothing was there under the names that were tried")
        }
        (Some(_), Some(true)) => {
            format!("{from} ({place}): the folder {within} is empty or does not exist; check the prefix")
        }
        (Some(_), Some(false) | None) => {
            format!("{from} ({place}): {within} has objects, but none of this recording")
        }
    }
}

/// The line `located`.
pub(crate) fn located_line(found: &Found) -> String {
    let (store, place) = found.from();
    summary::located(&summary::Found {
        recording: &found.recording().id,
        store: store.as_str(),
        place: &place,
        playlists: found.playlists().count(),
        segments: found.segments(),
        playing: found.plan().tracks.iter().map(|track| track.playing()).max().unwrap_or_default(),
        bytes: Some(found.known_bytes()).filter(|bytes| *bytes > 0),
    })
}

/// Prints what was found.
///
/// # Errors
/// Where stdout cannot be written.
pub(crate) fn tell(context: &Context, found: &Found, many: Many) -> Result<ExitCode, Failure> {
    match context.form {
        context::Form::Json => many.print(context, &Ok(as_json(found)))?,
        context::Form::Text => context.print(&(located_line(found) + &details(found)))?,
    }
    Ok(code_of(found))
}

/// A playlist that could not be read, or one that lists less than there was, is no success.
pub(crate) fn code_of(found: &Found) -> ExitCode {
    let unread = found.playlists().map(|(_, _, verdict)| {
        ExitCode::from_number(recfetch::domain::report::Outcome::of(verdict).exit_code())
    });
    let lost = found.findings().iter().any(|finding| finding.severity() == Severity::Loss);
    let lost = if lost { ExitCode::Incomplete } else { ExitCode::Complete };
    unread.fold(lost, ExitCode::worse)
}

fn details(found: &Found) -> String {
    let mut text = String::new();
    let recording = found.recording();
    let mut rows = Vec::new();
    for (key, bytes, verdict) in found.playlists() {
        let said = if verdict.is_verified() { String::new() } else { verdict.to_string() };
        let is_master = recording.masters.iter().any(|master| master.set.chosen.key == *key);
        rows.push(row(if is_master { "master" } else { "playlist" }, key.as_str(), bytes, &said));
    }
    for track in &found.plan().tracks {
        let times = match (track.timeline.first, track.timeline.last) {
            (Some(first), Some(last)) => format!("{first} → {last}"),
            (_, _) => String::new(),
        };
        let mut segments = count(track.segments.len(), "segment");
        // How long slices without a playlist play is known when their bytes are.
        if !track.is_rebuilt() || !track.playing().is_zero() {
            let _ = write!(segments, ", {}", playing_time(track.playing()));
        }
        let said = match (track.is_rebuilt(), times.is_empty()) {
            (false, _) => times,
            (true, true) => REBUILT.to_owned(),
            (true, false) => format!("{times}  {REBUILT}"),
        };
        rows.push([label("track"), track.id.to_string(), segments, said]);
    }
    for other in &recording.others {
        rows.push(row(
            "file",
            other.info.key.as_str(),
            other.info.size,
            other.info.class.as_deref().unwrap_or(""),
        ));
    }
    text.push_str(&table(&rows));
    let unlisted: Vec<_> = found.unlisted().collect();
    for item in unlisted.iter().take(MOST_UNLISTED) {
        let starts = item.starts.map(|t| format!("{t}  ")).unwrap_or_default();
        let _ = writeln!(
            text,
            "unlisted   {starts}{}  not in the bucket's listing",
            printable(item.name.as_str())
        );
    }
    if unlisted.len() > MOST_UNLISTED {
        let _ = writeln!(text, "           and {} more, see --json", unlisted.len() - MOST_UNLISTED);
    }
    for finding in found.findings() {
        let word = match finding.severity() {
            Severity::Loss => "loss",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let _ = writeln!(text, "{word:<10} {}", printable(&finding.to_string()));
    }
    text
}

/// As wide as the words that other lines start with.
fn label(word: &str) -> String {
    format!("{word:<9}")
}

fn row(kind: &str, name: &str, bytes: Option<u64>, said: &str) -> [String; 4] {
    let bytes = bytes.map(size).unwrap_or_default();
    [label(kind), printable(name).into_owned(), bytes, printable(said).into_owned()]
}

/// What was found, for machines.
pub(crate) fn as_json(found: &Found) -> Value {
    let (store, place) = found.from();
    let recording = found.recording();
    let time = |t: Option<SliceTime>| t.map(|t| t.to_string());
    json!({
        "format": "recfetch-locate/1",
        "recording": recording.id.as_str(),
        "channel": recording.channel.as_ref().map(|c| c.as_str()),
        "store": { "name": store.as_str(), "description": place },
        "folder": recording.folder.as_str(),
        "known_bytes": found.known_bytes(),
        "only": found.only().forms().map(Form::word).collect::<Vec<_>>(),
        "left_out": { "objects": found.left_out().objects, "bytes": found.left_out().bytes },
        "masters": recording.masters.iter().map(|master| json!({
            "key": master.set.chosen.key.as_str(),
            "uid": master.track.uid.map(|uid| uid.0.get()),
        })).collect::<Vec<_>>(),
        "playlists": found.playlists().map(|(key, bytes, verdict)| json!({
            "key": key.as_str(),
            "size": bytes,
            "verdict": verdict.code(),
            "detail": verdict.to_string(),
        })).collect::<Vec<_>>(),
        "tracks": found.plan().tracks.iter().map(|track| json!({
            "uid": track.id.uid.map(|uid| uid.0.get()),
            "kind": track.id.kind.to_string(),
            "segments": track.segments.len(),
            "playing_ms": u64::try_from(track.playing().as_millis()).unwrap_or(u64::MAX),
            "first_slice": time(track.timeline.first),
            "last_slice_end": time(track.timeline.last),
            "synthetic": track.is_rebuilt(),
        })).collect::<Vec<_>>(),
        "objects": found.plan().items.iter().map(|item| json!({
            "name": item.name.as_str(),
            "key": match &item.place {
                ItemPlace::Key(key) => Some(key.as_str()),
                ItemPlace::Url(_) | ItemPlace::Refused => None,
            },
            "size": item.expected.size,
            "class": item.listed.as_ref().and_then(|info| info.class.as_deref()),
            "listed": item.listed.is_some(),
        })).collect::<Vec<_>>(),
        "findings": found.findings().iter().map(|finding| json!({
            "code": finding.code(),
            "text": finding.to_string(),
        })).collect::<Vec<_>>(),
    })
}
