//! What earlier runs left, before anything is fetched.

use std::collections::HashMap;

use super::home::Home;
use super::run::{Failed, Run};
use crate::archive::{Presence, Record};
use crate::domain::key::ObjectName;
use crate::domain::plan::Item;
use crate::event::Event;

impl Run {
    /// Proves again what an earlier run left here.
    pub(super) async fn recheck(&self, items: &[Item]) -> Result<HashMap<ObjectName, Record>, Failed> {
        let known: Vec<_> = items.iter().filter_map(|item| self.home.record(&item.name)).collect();
        if known.is_empty() {
            return Ok(HashMap::new());
        }
        let (home, context) = (self.home.clone(), self.context.clone());
        let examined = tokio::task::spawn_blocking(move || {
            let told = |record: &Record, presence: Presence| {
                let proven = presence == Presence::Proven;
                context.tell(&Event::Rechecked { name: &record.name, bytes: record.size, proven });
            };
            let stop = || context.cancel.is_cancelled();
            home.examine_each(known, context.options.trust, &stop, &told)
        });
        let mut kept = HashMap::new();
        for (record, presence) in examined.await.map_err(Failed::Task)?? {
            if presence == Presence::Proven {
                kept.insert(record.name.clone(), record);
            } else {
                self.home.forget(&record.name);
            }
        }
        Ok(kept)
    }

    /// What lies in a joined file and is to be a file of its own now, as another choice for overlaps or
    /// another playlist has it, is copied out.
    pub(super) async fn take_out(
        &self,
        items: &[Item],
        kept: &mut HashMap<ObjectName, Record>,
    ) -> Result<(), Failed> {
        let Home::Bag(archive) = &self.home else { return Ok(()) };
        for item in items {
            let Some(record) = kept.remove(&item.name) else { continue };
            let archive = archive.clone();
            let file = match record.offset {
                None => Some(record),
                Some(_) => {
                    let taken = tokio::task::spawn_blocking(move || archive.take_out(&record)).await;
                    taken.map_err(Failed::Task)??
                }
            };
            kept.extend(file.map(|record| (record.name.clone(), record)));
        }
        Ok(())
    }
}
