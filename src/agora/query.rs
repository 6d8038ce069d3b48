//! The live `query`: what Agora knows about a recording while its session lives.

use std::fmt;

use reqwest::StatusCode;
use url::Url;

use super::saved::{Facts, SavedError, State, read};
use crate::domain::recording::{Mode, RecordingId};
use crate::source::{HttpOptions, Secret, client};

/// The hosts of the REST interface in the order in which they are asked (Agora, REST overview, 2026-06).
pub const DEFAULT_BASES: [&str; 2] = ["https://api.sd-rtn.com", "https://api.agora.io"];

/// Longest answer that is read, in bytes. Real ones have a few hundred for each file.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// What is asked about.
#[derive(Debug, Clone)]
pub struct Query {
    /// The App ID of the project.
    pub app_id: String,
    /// Who asks.
    pub customer: Customer,
    /// The resource ID that `acquire` gave.
    pub resource_id: String,
    /// The recording.
    pub recording: RecordingId,
    /// How it is recorded.
    pub mode: Mode,
    /// The hosts to ask, in order; see [`DEFAULT_BASES`]. The next one is asked where one cannot be reached or
    /// answers with 5xx.
    pub bases: Vec<Url>,
}

/// The customer's ID and secret for the REST interface.
#[derive(Debug, Clone)]
pub struct Customer {
    /// The customer ID (key).
    pub id: Secret,
    /// The customer secret.
    pub secret: Secret,
}

/// Why nothing could be learnt.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// 404: the session has ended, the resource has expired, or a failover is going on.
    #[error("Agora knows no running session of recording {recording}{}", told(.answer))]
    NotFound {
        /// The recording.
        recording: RecordingId,
        /// What was answered.
        answer: Answer,
    },
    /// 401 or 403: the customer ID and its secret are not accepted, or not for this project.
    #[error("Agora does not accept the customer ID and secret{}", told(.answer))]
    Denied {
        /// What was answered.
        answer: Answer,
    },
    /// 429: more than ten requests a second for this App ID.
    #[error("Agora asks for patience{}", told(.answer))]
    Throttled {
        /// What was answered.
        answer: Answer,
    },
    /// Another 4xx: Agora does not take the request as it is.
    #[error("Agora refused the request{}", told(.answer))]
    Refused {
        /// What was answered.
        answer: Answer,
    },
    /// Every host answered with 5xx.
    #[error("Agora could not answer{}", told(.answer))]
    Unavailable {
        /// What the last one answered.
        answer: Answer,
    },
    /// No host could be reached.
    #[error("no host of Agora's REST interface could be reached")]
    Unreachable(#[source] reqwest::Error),
    /// A success that is no answer to `query`.
    #[error("the answer is none that `query` gives")]
    Unreadable(#[source] SavedError),
    /// A success that is about something else, or a redirect.
    #[error("the answer is none that `query` gives{}", told(.answer))]
    Unexpected {
        /// What was answered.
        answer: Answer,
    },
    /// No request could be made: no host, or no TLS.
    #[error("no request could be made")]
    Client(#[source] Option<reqwest::Error>),
}

/// What was answered, cut to what helps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status of HTTP.
    pub status: u16,
    /// Agora's own number.
    pub code: Option<i64>,
    /// Agora's own words.
    pub words: Option<String>,
}

/// Asks once. There is no waiting and no second try but that at the next host.
///
/// # Errors
/// Where no host answers, or the answer is not that of a session that lives.
pub async fn query(about: &Query, options: &HttpOptions) -> Result<Facts, QueryError> {
    let client = client(options).map_err(|cause| QueryError::Client(Some(cause)))?;
    let mut last = QueryError::Client(None);
    for base in &about.bases {
        let request = client
            .get(address(base, about))
            .basic_auth(about.customer.id.expose(), Some(about.customer.secret.expose()))
            .header("Content-Type", "application/json;charset=utf-8")
            // A host that answers nothing must not keep the next one from being asked.
            .timeout(options.connect_timeout + options.stall_timeout);
        let (status, body) = match receive(request).await {
            Ok(answer) => answer,
            // The address has the App ID and the resource ID, which are nobody's business.
            Err(cause) => {
                last = QueryError::Unreachable(cause.without_url());
                continue;
            }
        };
        tracing::debug!(host = base.host_str(), status = status.as_u16(), "query");
        if status.is_server_error() {
            last = QueryError::Unavailable { answer: answer(status, &body) };
            continue;
        }
        return judge(about, status, &body);
    }
    Err(last)
}

fn address(base: &Url, about: &Query) -> Url {
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Only a URL that cannot have a path refuses, and such a base has no host to ask either.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty();
        path.extend(["v1", "apps", &about.app_id, "cloud_recording", "resourceid", &about.resource_id]);
        path.extend(["sid", about.recording.as_str(), "mode", about.mode.word(), "query"]);
    }
    url
}

async fn receive(request: reqwest::RequestBuilder) -> reqwest::Result<(StatusCode, Vec<u8>)> {
    let mut answer = request.send().await?;
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ANSWER {
            // What is read of it cannot be JSON any more, and is told so.
            break;
        }
    }
    Ok((answer.status(), body))
}

fn judge(about: &Query, status: StatusCode, body: &[u8]) -> Result<Facts, QueryError> {
    let recording = about.recording.clone();
    match status.as_u16() {
        // 206 comes with an error number, such as 435 (no recorded data), and sometimes with files.
        200 | 201 | 206 => facts(&about.recording, status, body),
        404 => Err(QueryError::NotFound { recording, answer: answer(status, body) }),
        401 | 403 => Err(QueryError::Denied { answer: answer(status, body) }),
        429 => Err(QueryError::Throttled { answer: answer(status, body) }),
        400..=499 => Err(QueryError::Refused { answer: answer(status, body) }),
        _ => Err(QueryError::Unexpected { answer: answer(status, body) }),
    }
}

fn facts(recording: &RecordingId, status: StatusCode, body: &[u8]) -> Result<Facts, QueryError> {
    let mut saved = read(body).map_err(QueryError::Unreadable)?;
    let place = saved.recordings.iter().position(|known| known.id == *recording);
    match (place, saved.unnamed.is_empty()) {
        (Some(place), _) => Ok(saved.recordings.swap_remove(place).facts),
        // Nothing but what is inside was sent: it is the answer to what was asked.
        (None, false) if saved.recordings.is_empty() => Ok(saved.unnamed.swap_remove(0)),
        (None, _) => Err(QueryError::Unexpected { answer: answer(status, body) }),
    }
}

fn answer(status: StatusCode, body: &[u8]) -> Answer {
    let status = status.as_u16();
    let Ok(saved) = read(body) else { return Answer { status, ..Answer::default() } };
    let recordings = saved.recordings.into_iter().map(|recording| recording.facts);
    match recordings.chain(saved.unnamed).next().map(|facts| facts.state) {
        Some(State::Failed { code, words }) => Answer { status, code, words },
        Some(State::Untold | State::Running | State::Stopped | State::Uploaded | State::Backuped) | None => {
            Answer { status, ..Answer::default() }
        }
    }
}

fn told(answer: &Answer) -> String {
    format!(" ({answer})")
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP {}", self.status)?;
        if let Some(code) = self.code {
            write!(f, ", code {code}")?;
        }
        if let Some(words) = &self.words {
            write!(f, ": {words}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(base: &str) -> Query {
        Query {
            app_id: "app/1".into(),
            customer: Customer { id: Secret::new("id"), secret: Secret::new("hunter2") },
            resource_id: "R?/1".into(),
            recording: RecordingId::parse("sid1").unwrap(),
            mode: Mode::Mix,
            bases: vec![Url::parse(base).unwrap()],
        }
    }

    #[test]
    fn the_address_is_the_documented_one_and_ids_stay_in_their_place() {
        for base in ["https://api.agora.io", "https://api.agora.io/", "https://api.agora.io/?x#y"] {
            let about = about(base);
            assert_eq!(
                address(&about.bases[0], &about).as_str(),
                "https://api.agora.io/v1/apps/app%2F1/cloud_recording/resourceid/R%3F%2F1/sid/sid1/mode/mix/query"
            );
        }
        let under = about("http://127.0.0.1:1/private/");
        assert!(address(&under.bases[0], &under).path().starts_with("/private/v1/apps/"));
        assert!(!format!("{under:?}").contains("hunter2"));
    }

    #[test]
    fn each_status_has_its_own_word() {
        let about = about("https://api.agora.io");
        let judged =
            |status: u16, body: &str| judge(&about, StatusCode::from_u16(status).unwrap(), body.as_bytes());
        let running = r#"{"sid":"sid1","resourceId":"r","serverResponse":{"status":"5","fileList":[]}}"#;
        assert_eq!(judged(200, running).unwrap().state, State::Running);
        assert_eq!(judged(200, r#"{"serverResponse":{"status":5}}"#).unwrap().state, State::Running);
        let no_data =
            r#"{"resourceId":"r","sid":"sid1","code":435,"serverResponse":{"command":"StopCloudRecorder"}}"#;
        let facts = judged(206, no_data).unwrap();
        assert!(matches!(facts.state, State::Failed { code: Some(435), .. }), "{facts:?}");
        let words = |error: QueryError| error.to_string();
        let not_found = judged(404, r#"{"code":404,"reason":"failed to find worker"}"#).unwrap_err();
        assert!(matches!(not_found, QueryError::NotFound { .. }));
        assert_eq!(
            words(not_found),
            "Agora knows no running session of recording sid1 (HTTP 404, code 404: failed to find worker)"
        );
        for status in [401, 403] {
            let error = judged(status, r#"{"message":"Invalid authentication credentials"}"#).unwrap_err();
            assert!(matches!(error, QueryError::Denied { .. }), "{error:?}");
        }
        assert!(matches!(judged(429, "").unwrap_err(), QueryError::Throttled { .. }));
        let refused = judged(400, r#"{"code":2,"reason":"invalid parameter"}"#).unwrap_err();
        assert_eq!(words(refused), "Agora refused the request (HTTP 400, code 2: invalid parameter)");
        assert!(matches!(judged(302, "").unwrap_err(), QueryError::Unexpected { .. }));
        assert!(matches!(judged(200, "<html>").unwrap_err(), QueryError::Unreadable(_)));
        let other = r#"{"sid":"other","serverResponse":{"status":5}}"#;
        assert!(matches!(judged(200, other).unwrap_err(), QueryError::Unexpected { .. }));
    }
}
