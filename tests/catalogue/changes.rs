//! What can be done to a clean recording.

use bytes::Bytes;
use recfetch_test_support::store::Restore;
use recfetch_test_support::{Object, Objects, Plan};

use crate::case::Change;
use crate::clean::Clean;
use crate::names::{fill, list, name, names};
use crate::stage::{FOLDER, span};

/// The objects of both stores.
pub(crate) struct Stores {
    pub(crate) own: Objects,
    pub(crate) backup: Objects,
}

/// Does one thing.
pub(crate) fn apply(change: &Change, clean: &Clean, stores: &Stores) {
    let objects = match change.r#in.as_str() {
        "own" => &stores.own,
        "backup" => &stores.backup,
        other => panic!("no store `{other}`"),
    };
    let key = |name: &str| format!("{FOLDER}{name}");
    let to = || change.to.as_deref().unwrap_or_else(|| panic!("`{}` needs `to`", change.r#do));
    let bytes = || change.bytes.unwrap_or_else(|| panic!("`{}` needs `bytes`", change.r#do));
    let rewrite = |key: &str, text: String| objects.change(key, |object| again(&object, text.into()));
    // A new file has no old one.
    if change.r#do == "put" {
        let content = match (&change.to, change.bytes) {
            (Some(text), _) => Bytes::from(fill(clean, text)),
            (None, Some(count)) => Bytes::from(vec![0x47; count]),
            (None, None) => panic!("`put` needs `to` or `bytes`"),
        };
        objects.put(key(&name(clean, &change.what)), Object::new(content));
        return;
    }
    for name in names(clean, &change.what) {
        let key = key(&name);
        match change.r#do.as_str() {
            "remove" => assert!(objects.remove(&key).is_some(), "no {key}"),
            "empty" => objects.change(&key, |object| again(&object, Bytes::new())),
            "cut" => objects.change(&key, |object| again(&object, all(&object).slice(..bytes()))),
            "grow" => objects.change(&key, |object| {
                again(&object, [&all(&object)[..], &vec![0_u8; bytes()]].concat().into())
            }),
            "class" => objects.change(&key, |object| object.storage_class(to())),
            "restoring" => objects.change(&key, |object| object.restored(Restore::Running)),
            "restored" => objects.change(&key, |object| object.restored(Restore::Until(4_102_444_800))),
            "type" => objects.change(&key, |object| object.content_type(to())),
            // So long before it was.
            "older" => objects.change(&key, |object| {
                let when = object.last_modified - span(to()).unsigned_abs() / 1000;
                object.modified(when)
            }),
            "now" => objects.change(&key, |object| object.modified(now())),
            "to-backup" => {
                let object = objects.remove(&key).unwrap_or_else(|| panic!("no {key}"));
                stores.backup.put(key, object);
            }
            "copy-to-backup" => {
                stores.backup.put(key.clone(), objects.get(&key).unwrap_or_else(|| panic!("no {key}")));
            }
            "move" => {
                let object = objects.remove(&key).unwrap_or_else(|| panic!("no {key}"));
                objects.put(format!("{}{name}", to()), object);
            }
            "rename" => {
                let object = objects.remove(&key).unwrap_or_else(|| panic!("no {key}"));
                objects.put(format!("{FOLDER}{}", fill(clean, to())), object);
            }
            "copy" => {
                let object = objects.get(&key).unwrap_or_else(|| panic!("no {key}"));
                objects.put(format!("{FOLDER}{}", fill(clean, to())), object);
            }
            // The bytes of another one.
            "bytes-of" => {
                let other = objects
                    .get(&format!("{FOLDER}{}", crate::names::name(clean, to())))
                    .expect("the other one");
                objects.change(&key, |object| again(&object, all(&other)));
            }
            "unlist" => {
                let playlist = format!("{FOLDER}{}", list(clean, &change.what).0.playlist_name());
                let text = text_of(objects, &playlist);
                let entry = entry(&text, &name);
                objects.change(&playlist, |object| again(&object, text.replacen(&entry, "", 1).into()));
            }
            "list-twice" => {
                let playlist = format!("{FOLDER}{}", list(clean, &change.what).0.playlist_name());
                let text = text_of(objects, &playlist);
                let entry = entry(&text, &name);
                let twice = text.replacen(&entry, &entry.repeat(2), 1);
                objects.change(&playlist, |object| again(&object, twice.into()));
            }
            "write" => rewrite(&key, fill(clean, to())),
            "append" => rewrite(&key, text_of(objects, &key) + &fill(clean, to())),
            "replace" => {
                let from = fill(clean, change.from.as_deref().expect("`replace` needs `from`"));
                let text = text_of(objects, &key);
                assert!(text.contains(&from), "{key} has no `{from}`");
                rewrite(&key, text.replacen(&from, &fill(clean, to()), 1));
            }
            // The list as the backup pushes it later.
            "transfer" => {
                let (tick, index) = to().split_once('_').expect("tick_index");
                let transfer = Some((tick.parse().unwrap(), index.parse().unwrap()));
                let copy = Plan { transfer, ..list(clean, &change.what).0.clone() };
                objects.put(
                    format!("{FOLDER}{}", copy.playlist_name()),
                    Object::new(copy.playlist()).content_type("application/x-mpegURL"),
                );
            }
            other => panic!("nobody knows how to `{other}`"),
        }
    }
}

/// The same object with other bytes, as a new upload.
fn again(object: &Object, bytes: Bytes) -> Object {
    let new = Object::new(bytes).content_type(&object.content_type).modified(object.last_modified);
    match &object.class {
        Some(class) => new.storage_class(class),
        None => new,
    }
}

fn all(object: &Object) -> Bytes {
    object.bytes()
}

fn text_of(objects: &Objects, key: &str) -> String {
    let object = objects.get(key).unwrap_or_else(|| panic!("no {key}"));
    String::from_utf8(all(&object).to_vec()).expect("UTF-8")
}

/// The lines that list a slice.
fn entry(text: &str, name: &str) -> String {
    let at = text.find(&format!("{name}\n")).unwrap_or_else(|| panic!("{name} is not listed"));
    let start = text[..at].rfind("#EXTINF").expect("a duration");
    text[start..at + name.len() + 1].to_owned()
}

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}
