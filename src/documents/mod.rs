//! What a check says, as documents: JSON of a documented form, one page that shows it, a request to Agora's
//! support, and the best playlist that the facts allow. Text only; writing it somewhere is for others.

mod check_json;
#[cfg(test)]
mod kit;
mod page;
mod playlist;
mod ticket;
mod totals;

pub use check_json::{
    AboutV1, CHECK_FORMAT, CheckV1, CheckedFileV1, CheckedSegmentV1, CheckedStoreV1, CheckedTrackV1,
    DiagnosisV1, MediaV1, StretchV1, TotalsV1,
};
pub use page::{InBag, page, page_of_bag};
pub use playlist::{TrackPlaylist, has_ended, playlists};
pub use ticket::{TICKET_LINES, ticket};
