//! One recording that is to be fetched or mirrored, as a line of JSON.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::agora::SavedRecording;
use crate::domain::only::{Form, Only};
use crate::engine::{Target, TargetError};

/// What the field `format` of a job of this version says.
pub const JOB_FORMAT: &str = "recfetch-job/1";

/// A job as it is written. What it does not say is taken from whoever runs it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobV1 {
    /// `recfetch-job/1`; may be left out in lists that people write.
    #[serde(default = "format_of_jobs")]
    pub format: String,
    /// Recording ID (sid), key or URL of a playlist.
    #[serde(alias = "sid")]
    pub recording: String,
    /// Channel name.
    #[serde(default, alias = "cname", skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Key of the playlist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub playlist: Option<String>,
    /// Files that Agora named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Stores to look in, by their names in the settings.
    #[serde(
        default,
        alias = "from",
        deserialize_with = "one_or_more",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub store: Vec<String>,
    /// Stores that are tried for what the first one lacks.
    #[serde(default, deserialize_with = "one_or_more", skip_serializing_if = "Vec::is_empty")]
    pub fallback: Vec<String>,
    /// Forms that are asked for: `hls`, `mp4`, `audio`, `images`; without any, everything.
    #[serde(default, deserialize_with = "one_or_more", skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// Fetch it into a bag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetch: Option<FetchV1>,
    /// Bring it to another store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirror: Option<MirrorV1>,
    /// Ask the fallback also where a store refused or archived an object.
    #[serde(default, skip_serializing_if = "is_false")]
    pub fallback_on_denied: bool,
    /// Request segments whose URI in the playlist is absolute or names another host.
    #[serde(default, skip_serializing_if = "is_false")]
    pub allow_absolute: bool,
    /// Walk the whole bucket where the prefix is not known.
    #[serde(default, skip_serializing_if = "is_false")]
    pub search: bool,
}

/// A recording becomes a bag.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FetchV1 {
    /// Folder that gets one folder per recording; without it the one of the settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out: Option<String>,
    /// What is kept of segments.
    #[serde(default)]
    pub keep: KeepV1,
    /// Join the segments into one file beside the bag.
    #[serde(default, skip_serializing_if = "is_false")]
    pub join: bool,
    /// Join although segments are missing.
    #[serde(default, skip_serializing_if = "is_false")]
    pub allow_gaps: bool,
}

/// What is kept of segments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeepV1 {
    /// Each as a file.
    #[default]
    Segments,
    /// Only the joined file of each track.
    Joined,
}

/// A recording is brought to another store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MirrorV1 {
    /// The store, by its name in the settings.
    #[serde(default)]
    pub to: String,
    /// Storage class of its objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Encryption by the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sse: Option<String>,
    /// Tags of its objects.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// See [`FetchV1`].
    Fetch(FetchV1),
    /// See [`MirrorV1`].
    Mirror(MirrorV1),
}

/// A job that makes sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The recording.
    pub target: Target,
    /// What is to be done with it.
    pub what: What,
    /// The forms that are asked for.
    pub only: Only,
    /// As it was written, with what it left out.
    pub written: JobV1,
}

/// Why a job makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// Of another version.
    #[error("it is a `{0}`; this program reads `{JOB_FORMAT}`")]
    Format(String),
    /// It names no recording.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// A form that is none.
    #[error("`{0}` is no form: hls, mp4, audio and images are")]
    Form(String),
    /// Both or neither.
    #[error("it has to say either `fetch` or `mirror`, and to which store")]
    What,
}

impl JobV1 {
    /// A job that says no more than the recording.
    #[must_use]
    pub fn new(recording: impl Into<String>) -> Self {
        Self {
            format: format_of_jobs(),
            recording: recording.into(),
            channel: None,
            playlist: None,
            files: Vec::new(),
            store: Vec::new(),
            fallback: Vec::new(),
            only: Vec::new(),
            fetch: None,
            mirror: None,
            fallback_on_denied: false,
            allow_absolute: false,
            search: false,
        }
    }

    /// Takes what this job does not say from another one; what that one allows is allowed.
    #[must_use]
    pub fn or(mut self, other: &Self) -> Self {
        let many = |own: &mut Vec<String>, other: &Vec<String>| {
            if own.is_empty() {
                own.clone_from(other);
            }
        };
        many(&mut self.store, &other.store);
        many(&mut self.fallback, &other.fallback);
        many(&mut self.only, &other.only);
        self.channel = self.channel.or_else(|| other.channel.clone());
        if self.fetch.is_none() && self.mirror.is_none() {
            self.fetch.clone_from(&other.fetch);
            self.mirror.clone_from(&other.mirror);
        } else if let (Some(own), Some(other)) = (&mut self.fetch, &other.fetch) {
            own.out = own.out.take().or_else(|| other.out.clone());
        } else if let (Some(own), Some(other)) = (&mut self.mirror, &other.mirror)
            && (own.to.is_empty() || own.to == other.to)
        {
            own.to.clone_from(&other.to);
            own.class = own.class.take().or_else(|| other.class.clone());
            own.sse = own.sse.take().or_else(|| other.sse.clone());
            if own.tags.is_empty() {
                own.tags.clone_from(&other.tags);
            }
        }
        self.fallback_on_denied |= other.fallback_on_denied;
        self.allow_absolute |= other.allow_absolute;
        self.search |= other.search;
        self
    }

    /// What the recording is called in texts: of a URL, which may be signed, all but its query.
    #[must_use]
    pub fn name(&self) -> &str {
        let text = &self.recording;
        if text.contains("://") { text.split(['?', '#']).next().unwrap_or_default() } else { text }
    }

    /// Reads what it says.
    ///
    /// # Errors
    /// Where that makes no sense.
    pub fn read(self) -> Result<Job, JobError> {
        if self.format != JOB_FORMAT {
            return Err(JobError::Format(self.format.escape_debug().to_string()));
        }
        let target = Target::parse(self.recording.trim())?;
        let form = |word: &String| match word.as_str() {
            "hls" => Ok(Form::Hls),
            "mp4" => Ok(Form::Mp4),
            "audio" => Ok(Form::Audio),
            "images" => Ok(Form::Images),
            other => Err(JobError::Form(other.escape_debug().to_string())),
        };
        let only = Only::these(self.only.iter().map(form).collect::<Result<Vec<_>, _>>()?);
        let what = match (&self.fetch, &self.mirror) {
            (Some(fetch), None) => What::Fetch(fetch.clone()),
            (None, Some(mirror)) if !mirror.to.is_empty() => What::Mirror(mirror.clone()),
            (Some(_), Some(_)) | (None, None | Some(_)) => return Err(JobError::What),
        };
        Ok(Job { target, what, only, written: self })
    }

    /// The line, without a line feed.
    #[must_use]
    pub fn to_json(&self) -> String {
        // A plain struct with string keys: serde_json has no way to fail on it.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Job {
    /// What was asked for, as a text that is the same for two jobs that ask for the same of a recording.
    #[must_use]
    pub fn asked(&self) -> String {
        #[derive(Serialize)]
        struct Asked<'a> {
            #[serde(skip_serializing_if = "Vec::is_empty")]
            only: Vec<&'static str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            fetch: Option<FetchV1>,
            #[serde(skip_serializing_if = "Option::is_none")]
            mirror: Option<&'a MirrorV1>,
        }
        let (fetch, mirror) = match &self.what {
            // Where it goes is told by the place.
            What::Fetch(fetch) => (Some(FetchV1 { out: None, ..fetch.clone() }), None),
            What::Mirror(mirror) => (None, Some(mirror)),
        };
        let asked = Asked { only: self.only.forms().map(Form::word).collect(), fetch, mirror };
        // As above.
        serde_json::to_string(&asked).unwrap_or_default()
    }
}

impl From<&SavedRecording> for JobV1 {
    fn from(saved: &SavedRecording) -> Self {
        let SavedRecording { id, facts } = saved;
        Self {
            channel: facts.channel.as_ref().map(|channel| channel.as_str().to_owned()),
            files: facts.files.iter().map(|file| file.name.as_str().to_owned()).collect(),
            ..Self::new(id.as_str())
        }
    }
}

impl fmt::Debug for JobV1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobV1")
            .field("recording", &self.name())
            .field("fetch", &self.fetch)
            .field("mirror", &self.mirror)
            .finish_non_exhaustive()
    }
}

fn format_of_jobs() -> String {
    JOB_FORMAT.to_owned()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

fn one_or_more<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Texts {
        One(String),
        More(Vec<String>),
    }
    Ok(match Texts::deserialize(from)? {
        Texts::One(text) => vec![text],
        Texts::More(texts) => texts,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SID: &str = "38f8e3cfdc474cd56fc1ceba380d7e1a";

    #[test]
    fn a_line_may_say_as_little_as_the_recording_and_takes_the_rest_from_the_command() {
        let line = format!("{{\"sid\":\"{SID}\",\"from\":\"prod\",\"only\":\"mp4\"}}");
        let job: JobV1 = serde_json::from_str(&line).unwrap();
        let flags = JobV1 {
            store: vec!["other".to_owned()],
            fallback: vec!["backup".to_owned()],
            mirror: Some(MirrorV1 { to: "cold".to_owned(), ..MirrorV1::default() }),
            ..JobV1::new("")
        };
        let job = job.or(&flags).read().unwrap();
        assert_eq!(job.written.store, ["prod"]);
        assert_eq!(job.written.fallback, ["backup"]);
        assert!(matches!(&job.what, What::Mirror(mirror) if mirror.to == "cold"));
        assert_eq!(job.asked(), "{\"only\":[\"mp4\"],\"mirror\":{\"to\":\"cold\"}}");
        let again: JobV1 = serde_json::from_str(&job.written.to_json()).unwrap();
        assert_eq!(again, job.written);
    }

    #[test]
    fn what_is_not_known_or_makes_no_sense_is_refused() {
        let read = |text: &str| {
            let job = serde_json::from_str::<JobV1>(text).map_err(|error| error.to_string())?;
            job.read().map_err(|error| error.to_string())
        };
        for (text, why) in [
            (r#"{"recording":"a","onyl":"mp4"}"#, "unknown field `onyl`"),
            (r#"{"recording":"a","fetch":{"class":"GLACIER"}}"#, "unknown field `class`"),
            (r#"{"recording":"a","only":["film"],"fetch":{}}"#, "`film` is no form"),
            (r#"{"recording":"a"}"#, "either `fetch` or `mirror`"),
            (r#"{"recording":"a","fetch":{},"mirror":{"to":"b"}}"#, "either `fetch` or `mirror`"),
            (r#"{"recording":"a b","fetch":{}}"#, "`a b` is no recording ID"),
            (r#"{"format":"recfetch-job/2","recording":"a","fetch":{}}"#, "`recfetch-job/2`"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn no_text_about_a_job_has_the_query_of_a_url() {
        let job = JobV1::new(format!("https://v.example.com/math/{SID}_room.m3u8?sign=secret"));
        assert_eq!(job.name(), format!("https://v.example.com/math/{SID}_room.m3u8"));
        assert!(!format!("{job:?}").contains("secret"));
    }
}
