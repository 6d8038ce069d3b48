//! What it implies for a recording that something happened.

use super::facts::{Facts, Note, State};
use crate::domain::check::{ErrorCode, Happened, ToldEvent};
use crate::domain::time::SliceTime;

impl Facts {
    /// Takes in what happened, and what that implies.
    pub(super) fn tell(&mut self, at: Option<SliceTime>, what: Happened) {
        self.imply(&what);
        self.events.push(ToldEvent { at, recorder: self.uid, what });
    }

    fn imply(&mut self, what: &Happened) {
        match what {
            Happened::Started | Happened::UploadStarted | Happened::Progress { .. } => {
                self.reach(State::Running)
            }
            Happened::Left { .. } => self.reach(State::Stopped),
            Happened::Exited { status: 0 } => self.reach(State::Stopped),
            Happened::Exited { status } => self.end_abnormally(*status),
            Happened::FailedOver { uid } => self.note(Note::Failover { uid: *uid }),
            Happened::Status { number } => self.take_status(*number),
            Happened::Uploaded => self.reach(State::Uploaded),
            Happened::BackedUp => self.reach(State::Backuped),
            Happened::Reuploaded { code } => self.note(Note::Reuploaded { code: *code }),
            Happened::KeysExpired => self.note(Note::KeysExpired),
            Happened::SliceStarted { starts, lost_from, .. } => {
                self.reach(State::Running);
                if let Some(from) = lost_from {
                    self.note(Note::Hole { from: *from, until: *starts });
                }
            }
            Happened::Vod => self.note(Note::Vod),
            Happened::PageStopped { code, words } => {
                self.reach(State::Stopped);
                if *code != 0 {
                    self.note(Note::PageStopped { code: *code, words: words.clone() });
                }
            }
            Happened::Transcoded { result } => {
                if !result.ends_with("success") || result.contains("partial") {
                    self.note(Note::Transcoding { result: result.clone() });
                }
            }
            Happened::Failed(error) => {
                if let ErrorCode::Number(code) = error.code {
                    self.note(Note::Error { module: error.module, code, words: error.words.clone() });
                }
            }
            Happened::FilesNamed
            | Happened::StreamChanged { .. }
            | Happened::Snapshot
            | Happened::InfoChanged
            | Happened::PageLimited
            | Happened::PageReloaded
            | Happened::DownloadFailed
            | Happened::Other { .. } => {}
        }
    }

    /// The states of a recorder, as `query` and event 3 number them.
    fn take_status(&mut self, number: i64) {
        self.status = self.status.max(Some(number));
        match number {
            // 6: a stop was asked for, and it still runs.
            0..=6 => self.reach(State::Running),
            7 | 8 => self.reach(State::Stopped),
            20 => self.end_abnormally(20),
            _ => {}
        }
    }

    fn end_abnormally(&mut self, code: i64) {
        self.note(Note::AbnormalExit);
        self.reach(State::Failed { code: Some(code), words: None });
    }
}
