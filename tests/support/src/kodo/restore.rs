//! Thaws of archived objects (Qiniu, "thawing of archived objects"): `POST /restoreAr/<entry>/freezeAfterDays/<N>`.

use http::Response;
use serde_json::json;

use super::{Asked, Body, KodoOptions, Refused, class, document, entry_of, sign};
use crate::store::Objects;
use crate::thaw::Answer;

pub(super) fn take(
    objects: &Objects,
    options: &KodoOptions,
    asked: &Asked,
    rest: &str,
) -> Result<Response<Body>, Refused> {
    sign::check(options, asked)?;
    let invalid = || Refused::new(400, "invalid argument");
    let (entry, days) = rest.split_once("/freezeAfterDays/").ok_or_else(invalid)?;
    let days: u64 = days.parse().map_err(|_| invalid())?;
    if !(1..=7).contains(&days) {
        return Err(invalid());
    }
    let (key, object) = entry_of(objects, options, entry)?;
    let archived = [2, 3].contains(&class(&object));
    match objects.thaws.ask(objects, (&key, object), (None, Some(days)), archived, &[]) {
        Answer::Begun | Answer::Done => Ok(document(200, &json!({}))),
        Answer::UnderWay => Err(Refused::new(400, "the file is restoring")),
        Answer::NotArchived | Answer::NoSuchTier => Err(Refused::new(400, "the file is not archived")),
    }
}
