//! What a stage remembers, a key at a time.
//!
//! The host owns this state; what is here is a cache that knows what has changed since the last flush. One look-up a record
//! finds the slot of its key, and everything else works on the slot's number. Slots of forgotten keys are used again, so that
//! keys which come and go between two flushes leave nothing behind.

mod entry;
mod key;
mod timers;
mod versions;

use hashbrown::HashTable;
use serde::Serialize;

use crate::runner::Changes;
use crate::timer_queue::TimerQueue;
pub(crate) use key::Key;
use timers::Timers;
pub use versions::{FormerVersions, StateVersions};

/// The number of a slot.
pub(crate) type Place = u32;

/// State and timers of every key of an instance.
pub(crate) struct KeyedStore<S> {
    places: HashTable<Place>,
    slots: Vec<Slot<S>>,
    vacant: Vec<Place>,
    /// Slots whose `dirty` is set, and others: those that were unloaded since, and those that have become vacant.
    dirty: Vec<Place>,
    /// Keys that the host has an entry of and that were forgotten since the last flush; some may have come back.
    forgotten: Vec<Key>,
    queue: TimerQueue,
    due: Vec<Place>,
}

struct Slot<S> {
    key: Key,
    state: Option<S>,
    timers: Timers,
    /// Whether the host has an entry of the key.
    persisted: bool,
    dirty: bool,
}

impl<S> Slot<S> {
    fn is_empty(&self) -> bool {
        self.state.is_none() && self.timers.is_empty()
    }
}

impl<S> KeyedStore<S> {
    pub(crate) fn new() -> Self {
        Self {
            places: HashTable::new(),
            slots: Vec::new(),
            vacant: Vec::new(),
            dirty: Vec::new(),
            forgotten: Vec::new(),
            queue: TimerQueue::default(),
            due: Vec::new(),
        }
    }

    /// The slot of `key`, if anything is remembered of it.
    pub(crate) fn find(&self, key: &[u8]) -> Option<Place> {
        let same = |place: &Place| self.slots[*place as usize].key.is(key);
        self.places.find(key::hash(key), same).copied()
    }

    /// The slot of `key`, made if there is none.
    pub(crate) fn find_or_insert(&mut self, key: &[u8]) -> Place {
        let slots = &self.slots;
        let same = |place: &Place| slots[*place as usize].key.is(key);
        let rehash = |place: &Place| key::hash(slots[*place as usize].key.bytes());
        let entry = match self.places.entry(key::hash(key), same, rehash) {
            hashbrown::hash_table::Entry::Occupied(entry) => return *entry.get(),
            hashbrown::hash_table::Entry::Vacant(entry) => entry,
        };
        let key = Key::new(key);
        if let Some(place) = self.vacant.pop() {
            entry.insert(place);
            self.slots[place as usize].key = key;
            return place;
        }
        #[expect(
            clippy::expect_used,
            reason = "a slot takes more than a byte, and memory in the sandbox ends at 4 GiB"
        )]
        let place = Place::try_from(self.slots.len()).expect("there are less than 2^32 keys");
        entry.insert(place);
        self.slots.push(Slot {
            key,
            state: None,
            timers: Timers::None,
            persisted: false,
            dirty: false,
        });
        place
    }

    pub(crate) fn state(&self, place: Place) -> Option<&S> {
        self.slots[place as usize].state.as_ref()
    }

    /// The state of a slot for changing, made if there is none.
    pub(crate) fn state_mut(&mut self, place: Place) -> &mut S
    where
        S: Default,
    {
        self.touch(place);
        self.slots[place as usize].state.get_or_insert_default()
    }

    pub(crate) fn key(&self, place: Place) -> &Key {
        &self.slots[place as usize].key
    }

    /// Drops state and timers of a slot. The slot stays the key's until [`settle`](Self::settle).
    pub(crate) fn clear(&mut self, place: Place) {
        self.touch(place);
        let slot = &mut self.slots[place as usize];
        slot.state = None;
        self.queue.abandon(slot.timers.len());
        slot.timers = Timers::None;
    }

    /// Gives up a slot of which nothing is left.
    pub(crate) fn settle(&mut self, place: Place) {
        let slot = &mut self.slots[place as usize];
        if !slot.is_empty() {
            return;
        }
        let key = std::mem::take(&mut slot.key);
        let persisted = std::mem::take(&mut slot.persisted);
        if let Ok(entry) = self
            .places
            .find_entry(key::hash(key.bytes()), |other| *other == place)
        {
            entry.remove();
        }
        self.vacant.push(place);
        if persisted {
            self.forgotten.push(key);
        }
    }

    pub(crate) fn set_timer(&mut self, place: Place, time: i64) {
        if self.slots[place as usize].timers.insert(time) {
            self.touch(place);
            self.queue.push(time, place);
        }
    }

    pub(crate) fn clear_timer(&mut self, place: Place, time: i64) {
        if self.slots[place as usize].timers.remove(time) {
            self.touch(place);
            self.queue.abandon(1);
            self.compact_queue();
        }
    }

    pub(crate) fn next_timer(&self, place: Place) -> Option<i64> {
        self.slots[place as usize].timers.first()
    }

    /// Takes the earliest time up to `watermark` that timers were set for, and hands their slots to `due` by rising key; each
    /// of them still has to be taken by [`take_timer`](Self::take_timer), for timers may have been cleared.
    pub(crate) fn take_due(&mut self, watermark: i64, due: &mut Vec<Place>) -> Option<i64> {
        due.clear();
        let time = self.queue.pop_due(watermark, due)?;
        if due.len() > 1 {
            due.sort_unstable_by(|a, b| {
                let by_key = self.slots[*a as usize]
                    .key
                    .bytes()
                    .cmp(self.slots[*b as usize].key.bytes());
                by_key.then(a.cmp(b))
            });
            due.dedup();
        }
        Some(time)
    }

    /// Takes the timer that a slot has at `time`; whether it had one.
    pub(crate) fn take_timer(&mut self, place: Place, time: i64) -> bool {
        let had = self.slots[place as usize].timers.remove(time);
        if had {
            self.touch(place);
        } else {
            self.queue.found_abandoned();
        }
        had
    }

    /// The scratch vector for [`take_due`](Self::take_due), to be given back.
    pub(crate) fn due_mut(&mut self) -> &mut Vec<Place> {
        &mut self.due
    }

    fn touch(&mut self, place: Place) {
        let slot = &mut self.slots[place as usize];
        if !slot.dirty {
            slot.dirty = true;
            self.dirty.push(place);
        }
    }

    fn compact_queue(&mut self) {
        if self.queue.is_mostly_abandoned() {
            let slots = &self.slots;
            self.queue
                .retain(|time, place| slots[place as usize].timers.contains(time));
        }
    }
}

impl<S: Serialize> KeyedStore<S> {
    /// Makes room for so many keys more.
    pub(crate) fn reserve(&mut self, keys: usize) {
        let slots = &self.slots;
        self.places
            .reserve(keys, |place| key::hash(slots[*place as usize].key.bytes()));
        self.slots.reserve(keys.saturating_sub(self.vacant.len()));
    }

    /// Takes over an entry of the host whose state was written in this version, and returns its slot.
    pub(crate) fn load(
        &mut self,
        key: &[u8],
        value: &[u8],
        version: u32,
        versions: &StateVersions<S>,
    ) -> Result<Place, String> {
        let (times, state) = entry::decode(value, version, versions)?;
        let place = self.find_or_insert(key);
        let slot = &mut self.slots[place as usize];
        if slot.persisted {
            return Err("the key was loaded before".to_owned());
        }
        slot.persisted = true;
        slot.state = state;
        for time in times {
            if slot.timers.insert(time) {
                self.queue.push(time, place);
            }
        }
        if version != versions.newest() {
            self.touch(place);
        }
        Ok(place)
    }

    /// Takes back an entry of the host that was loaded, timers included, and returns its state. The host knows what became
    /// of the key: nothing of this is a change.
    pub(crate) fn unload(&mut self, key: &[u8]) -> Option<S> {
        let place = self.find(key)?;
        let slot = &mut self.slots[place as usize];
        slot.persisted = false;
        slot.dirty = false;
        let state = slot.state.take();
        self.queue.abandon(slot.timers.len());
        slot.timers = Timers::None;
        self.settle(place);
        self.compact_queue();
        state
    }

    /// What has changed since the last flush, by rising key.
    pub(crate) fn flush(&mut self) -> Result<Changes, postcard::Error> {
        let mut dirty = std::mem::take(&mut self.dirty);
        dirty.retain(|place| {
            let slot = &mut self.slots[*place as usize];
            std::mem::take(&mut slot.dirty) && !slot.is_empty()
        });
        dirty.sort_unstable_by(|a, b| self.key(*a).bytes().cmp(self.key(*b).bytes()));
        let mut changes = Changes::default();
        for place in &dirty {
            let slot = &mut self.slots[*place as usize];
            slot.persisted = true;
            changes.keys.push(slot.key.bytes());
            entry::encode(
                slot.timers.as_slice(),
                slot.state.as_ref(),
                &mut changes.values,
            )?;
        }
        let mut forgotten = std::mem::take(&mut self.forgotten);
        forgotten.retain(|key| self.find(key.bytes()).is_none());
        forgotten.sort_unstable_by(|a, b| a.bytes().cmp(b.bytes()));
        changes.forgotten = forgotten.iter().map(Key::bytes).collect();
        dirty.clear();
        self.dirty = dirty;
        Ok(changes)
    }
}
