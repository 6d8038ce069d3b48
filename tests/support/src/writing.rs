//! What is being written to a server: uploads in parts that have not ended, and what goes wrong on purpose.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;

use crate::store::Object;

/// A step of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// An object that comes whole.
    Put,
    /// The beginning of one that comes in parts.
    Begin,
    /// A part.
    Part,
    /// The end of one that came in parts.
    Complete,
    /// A removal.
    Remove,
}

/// What goes wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteFault {
    /// Whoever asks may not.
    Refuse,
    /// The server asks for patience.
    Busy,
    /// Another byte is kept than came; what the server says about the bytes is about those that it keeps.
    Flip,
    /// It is done, and nobody is told: the answer is an error of the server.
    Unanswered,
}

/// Shared by all clones.
#[derive(Clone, Default)]
pub struct Writing {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    faults: Vec<(Step, String, WriteFault, usize)>,
    uploads: BTreeMap<String, Begun>,
    count: usize,
}

/// An upload in parts that has not ended.
#[derive(Clone)]
pub struct Begun {
    /// The key that the object will have.
    pub key: String,
    /// When it was begun, in Unix seconds.
    pub at: u64,
    /// What is known of the object; it has no bytes yet.
    pub object: Object,
    /// The parts by number.
    pub parts: BTreeMap<u32, Bytes>,
}

impl Writing {
    /// Nothing is being written, and nothing goes wrong.
    pub fn new() -> Self {
        Self::default()
    }

    /// This goes wrong so many times with objects whose key ends so.
    pub fn on(&self, step: Step, suffix: &str, fault: WriteFault, times: usize) {
        self.lock().faults.push((step, suffix.to_owned(), fault, times));
    }

    /// Nothing goes wrong any more.
    pub fn heal(&self) {
        self.lock().faults.clear();
    }

    /// The uploads that have not ended, by ID.
    pub fn unfinished(&self) -> Vec<(String, Begun)> {
        self.lock().uploads.iter().map(|(id, begun)| (id.clone(), begun.clone())).collect()
    }

    pub(crate) fn fault(&self, step: Step, key: &str) -> Option<WriteFault> {
        let mut inner = self.lock();
        let mut fits = inner
            .faults
            .iter_mut()
            .filter(|(of, suffix, _, left)| *of == step && *left > 0 && key.ends_with(suffix.as_str()));
        let (_, _, fault, left) = fits.next()?;
        *left -= 1;
        Some(*fault)
    }

    /// The bytes that are kept where these came.
    pub(crate) fn kept(fault: Option<WriteFault>, bytes: Bytes) -> Bytes {
        match fault {
            Some(WriteFault::Flip) if !bytes.is_empty() => {
                let mut changed = bytes.to_vec();
                let middle = changed.len() / 2;
                changed[middle] ^= 1;
                changed.into()
            }
            _ => bytes,
        }
    }

    pub(crate) fn begin(&self, key: &str, at: u64, object: Object) -> String {
        let mut inner = self.lock();
        inner.count += 1;
        let id = format!("{:032X}", 0xA5A5_0000 + inner.count);
        inner.uploads.insert(id.clone(), Begun { key: key.to_owned(), at, object, parts: BTreeMap::new() });
        id
    }

    /// `false` where there is no such upload of this key.
    pub(crate) fn part(&self, id: &str, key: &str, number: u32, bytes: Bytes) -> bool {
        let mut inner = self.lock();
        match inner.uploads.get_mut(id).filter(|begun| begun.key == key) {
            Some(begun) => {
                begun.parts.insert(number, bytes);
                true
            }
            None => false,
        }
    }

    pub(crate) fn begun(&self, id: &str, key: &str) -> Option<Begun> {
        self.lock().uploads.get(id).filter(|begun| begun.key == key).cloned()
    }

    pub(crate) fn end(&self, id: &str, key: &str) -> Option<Begun> {
        let begun = self.begun(id, key)?;
        self.lock().uploads.remove(id);
        Some(begun)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("lock")
    }
}
