//! What went wrong with one request, in the words of [`Obstacle`].

use std::fmt;
use std::time::Duration;

use crate::domain::place::{Obstacle, SourceName};

/// The cause below an [`Error`], where there is one.
pub type Cause = Box<dyn std::error::Error + Send + Sync + 'static>;

/// One request that did not succeed.
///
/// Its text says what was being done to what; it never carries a URL, because URLs can be signed.
#[derive(Debug)]
pub struct Error {
    /// Why, in the common vocabulary.
    pub obstacle: Obstacle,
    /// What was being done.
    pub operation: Operation,
    /// The place that was asked.
    pub from: SourceName,
    /// The key or prefix that it was asked about.
    pub target: String,
    /// How long the place asked to wait.
    pub retry_after: Option<Duration>,
    /// What the place said in its own words: status, code, request ID.
    pub answer: Option<String>,
    /// What lies below.
    pub cause: Option<Cause>,
}

/// What was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Asking for facts about one object.
    Stat,
    /// Reading the bytes of one object.
    Read,
    /// Listing keys.
    List,
    /// Getting credentials or a signature.
    Sign,
    /// Storing an object, or a part of one.
    Write,
    /// Removing an object, or parts that nobody needs any more.
    Remove,
    /// Asking for the restore of an archived object.
    Restore,
}

impl Error {
    /// An error without an answer or a cause.
    #[must_use]
    pub fn new(
        obstacle: Obstacle,
        operation: Operation,
        from: &SourceName,
        target: impl Into<String>,
    ) -> Self {
        Self {
            obstacle,
            operation,
            from: from.clone(),
            target: target.into(),
            retry_after: None,
            answer: None,
            cause: None,
        }
    }

    /// Adds what the place said.
    #[must_use]
    pub fn with_answer(mut self, answer: impl Into<String>) -> Self {
        self.answer = Some(answer.into());
        self
    }

    /// Adds what lies below.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<Cause>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Whether the disk that is written to is full, or a quota is reached: asking again does not help.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        let cause = self.cause.as_ref().and_then(|cause| cause.downcast_ref::<std::io::Error>());
        cause.is_some_and(|cause| matches!(cause.kind(), StorageFull | QuotaExceeded | FileTooLarge))
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stat => "ask about",
            Self::Read => "read",
            Self::List => "list",
            Self::Sign => "sign a request for",
            Self::Write => "write",
            Self::Remove => "remove",
            Self::Restore => "have the store restore",
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = if self.target.is_empty() { "/" } else { &self.target };
        write!(f, "could not {} `{target}` in {}: {}", self.operation, self.from, self.obstacle)?;
        if let Some(answer) = &self.answer {
            write!(f, " ({answer})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_ref().map(|cause| &**cause as &(dyn std::error::Error + 'static))
    }
}
