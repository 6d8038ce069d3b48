//! Restores of archived objects that take their time: what was asked for, what it came to, and how far it is.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::store::{Object, Objects, Restore};

/// How restores go in a bucket, and which were asked for. Clones share the same.
#[derive(Clone, Default)]
pub struct Thaws {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    takes: Option<Duration>,
    keeps: Option<Duration>,
    asks: Vec<Ask>,
}

/// One request to restore an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The object.
    pub key: String,
    /// The tier, where one was named.
    pub tier: Option<String>,
    /// The days, where they were named.
    pub days: Option<u64>,
    /// What was answered.
    pub answer: Answer,
}

/// What a request to restore comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It begins.
    Begun,
    /// It had begun.
    UnderWay,
    /// It was done before.
    Done,
    /// The object is in no archive.
    NotArchived,
    /// Its class has no such tier.
    NoSuchTier,
}

impl Thaws {
    /// From now on a restore takes so long. Without this it never ends by itself.
    pub fn take(&self, takes: Duration) {
        self.state.lock().expect("lock").takes = Some(takes);
    }

    /// From now on what was restored is archived again after so long, whatever days were asked for.
    pub fn keep(&self, keeps: Duration) {
        self.state.lock().expect("lock").keeps = Some(keeps);
    }

    /// What was asked for since this was asked last.
    pub fn take_asks(&self) -> Vec<Ask> {
        std::mem::take(&mut self.state.lock().expect("lock").asks)
    }

    /// Answers a request. `tiers` are those that the class of the object has; none where there is one way only.
    pub(crate) fn ask(
        &self,
        objects: &Objects,
        (key, object): (&str, Object),
        (tier, days): (Option<String>, Option<u64>),
        frozen: bool,
        tiers: &[&str],
    ) -> Answer {
        let mut state = self.state.lock().expect("lock");
        let known = tier.as_deref().is_none_or(|tier| tiers.is_empty() || tiers.contains(&tier));
        let answer = match object.restore_now() {
            Restore::Running | Restore::Due { .. } => Answer::UnderWay,
            Restore::Until(_) => Answer::Done,
            Restore::Never if !frozen => Answer::NotArchived,
            Restore::Never if !known => Answer::NoSuchTier,
            Restore::Never => Answer::Begun,
        };
        if answer == Answer::Begun {
            let restore = match state.takes {
                None => Restore::Running,
                Some(takes) => {
                    let kept = state.keeps.unwrap_or(Duration::from_secs(days.unwrap_or(1) * 24 * 3600));
                    let at = SystemTime::now() + takes;
                    Restore::Due { at, until: at + kept }
                }
            };
            objects.put(key, object.restored(restore));
        }
        state.asks.push(Ask { key: key.to_owned(), tier, days, answer });
        answer
    }
}

impl Object {
    /// What became of a restore by now.
    pub fn restore_now(&self) -> Restore {
        let now = SystemTime::now();
        let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        match self.restore {
            Restore::Due { at, .. } if now < at => Restore::Running,
            Restore::Due { until, .. } if now < until => Restore::Until(seconds(until)),
            Restore::Due { .. } => Restore::Never,
            Restore::Until(end) if end <= seconds(now) => Restore::Never,
            Restore::Never | Restore::Running | Restore::Until(_) => self.restore.clone(),
        }
    }
}

/// The text of an element in a short document.
pub(crate) fn element(document: &str, name: &str) -> Option<String> {
    let (_, rest) = document.split_once(&format!("<{name}>"))?;
    Some(rest.split_once(&format!("</{name}>"))?.0.trim().to_owned())
}
