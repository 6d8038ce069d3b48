//! Reading what lies beside the objects of a bag in a store.

use futures_util::stream::{self, StreamExt as _};

use super::Context;
use super::listing::next_page;
use crate::archive::{Contents, JOURNAL, MARK, MarkV1, NEEDED, TAG_FILES, Texts, tag_names};
use crate::domain::key::{KeyError, KeyPrefix, ObjectKey};
use crate::domain::object::ObjectInfo;
use crate::domain::place::Obstacle;
use crate::source::{Error, Operation, Read, Source};

/// The longest text that is read of what lies beside objects.
const MOST: usize = 256 << 20;
/// So many of them at once.
const AT_ONCE: usize = 8;

/// Which texts are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Those that tell what the payload is.
    Payload,
    /// Every tag file.
    All,
}

/// The key of a file in a folder of a store.
pub(super) fn key(
    source: &dyn Source,
    folder: &KeyPrefix,
    path: &str,
    operation: Operation,
) -> Result<ObjectKey, Error> {
    ObjectKey::parse(&format!("{}{path}", folder.as_str())).map_err(|why: KeyError| {
        Error::new(Obstacle::Unsupported, operation, source.name(), path).with_answer(why.to_string())
    })
}

/// The bytes of an object, or `None` where it is not there.
pub(super) async fn read(
    context: &Context,
    source: &dyn Source,
    key: &ObjectKey,
) -> Result<Option<Vec<u8>>, Error> {
    let read = || async {
        let mut opened = source.open(key, Read::default()).await?;
        let mut text = Vec::new();
        while let Some(chunk) = opened.body.next().await {
            text.extend_from_slice(&chunk?);
            if text.len() > MOST {
                let error = Error::new(Obstacle::Unexpected, Operation::Read, source.name(), key.as_str());
                return Err(error.with_answer("larger than anything that is kept there"));
            }
        }
        Ok(text)
    };
    match context.patiently(source, read).await {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.obstacle == Obstacle::Absent => Ok(None),
        Err(error) => Err(error),
    }
}

/// Everything below a prefix.
pub(super) async fn list(
    context: &Context,
    source: &dyn Source,
    prefix: &str,
) -> Result<Vec<ObjectInfo>, Error> {
    let (mut objects, mut after) = (Vec::new(), None);
    loop {
        let page = context.patiently(source, || source.list(prefix, after.as_ref())).await?;
        objects.extend(page.objects);
        after = next_page(source, prefix, after, page.next)?;
        if after.is_none() {
            return Ok(objects);
        }
    }
}

/// What the bag in `folder` says of itself.
pub(super) async fn contents(
    context: &Context,
    source: &dyn Source,
    folder: &KeyPrefix,
    wanted: Wanted,
) -> Result<Contents, Error> {
    let get = |path: String| async move {
        let key = key(source, folder, &path, Operation::Read)?;
        let text = read(context, source, &key).await?;
        Ok::<_, Error>((path, text))
    };
    let (_, mark) = get(MARK.to_owned()).await?;
    let (_, tag_manifest) = get(TAG_FILES.to_owned()).await?;
    let mut texts = Texts { mark, tag_manifest, ..Texts::default() };
    let Some(tag_manifest) = &texts.tag_manifest else { return Ok(Contents::read(&texts)) };
    let mut names = tag_names(tag_manifest);
    names.retain(|name| wanted == Wanted::All || NEEDED.contains(&name.as_str()));
    let mut read = stream::iter(names.into_iter().map(&get)).buffered(AT_ONCE);
    while let Some(tag) = read.next().await {
        let (name, text) = tag?;
        texts.tags.insert(name, text);
    }
    drop(read);
    if let Some(pack) = texts.mark.as_deref().and_then(MarkV1::read).and_then(|mark| mark.pack) {
        texts.index = get(pack.index).await?.1;
    } else if wanted == Wanted::All {
        texts.journal = get(JOURNAL.to_owned()).await?.1;
    }
    // Of a long recording these are large, and what they are put together to is too.
    let read = tokio::task::spawn_blocking(move || Contents::read(&texts)).await;
    read.map_err(|cause| {
        Error::new(Obstacle::Unexpected, Operation::Read, source.name(), folder.as_str()).with_cause(cause)
    })
}
