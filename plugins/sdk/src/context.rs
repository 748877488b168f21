//! What a stage can do while it works on a record or a timer.

use crate::batch::NO_TIMESTAMP;
use crate::emission::ports::OutputPorts;
use crate::emission::{Outputs, RecordBuilder};
use crate::state::{KeyedStore, Place};
use crate::{Port, Record, Rejection};

/// State and timers of the key that is being worked on, the outputs, and the watermark.
pub struct Context<'c, S> {
    keyed: Keyed<'c, S>,
    outputs: Outputs<'c>,
    late_output: Option<Port>,
}

impl<'c, S: Default> Context<'c, S> {
    pub(crate) fn new(
        store: &'c mut KeyedStore<S>,
        ports: &'c mut OutputPorts,
        late_output: Option<Port>,
        (key, timestamp, watermark): (&'c [u8], i64, i64),
        place: Option<Place>,
    ) -> Self {
        let keyed = Keyed {
            store,
            key,
            place,
            absent: false,
            watermark,
        };
        Self {
            keyed,
            outputs: Outputs {
                ports,
                key,
                timestamp,
            },
            late_output,
        }
    }

    /// The key of the record or of the timer; empty on a port that is not keyed.
    pub fn key(&self) -> &'c [u8] {
        self.keyed.key
    }

    /// The watermark, milliseconds since the Unix epoch: no record with an event time up to it is expected any more. The least
    /// number as long as there has been none. In [`Stage::on_timer`](crate::Stage::on_timer), the time of the timer.
    pub fn watermark(&self) -> i64 {
        self.keyed.watermark
    }

    /// [`Keyed::state`]
    #[inline]
    pub fn state(&mut self) -> &mut S {
        self.keyed.state()
    }

    /// [`Keyed::peek`]
    #[inline]
    pub fn peek(&mut self) -> Option<&S> {
        self.keyed.peek()
    }

    /// [`Keyed::forget`]
    pub fn forget(&mut self) {
        self.keyed.forget();
    }

    /// [`Keyed::set_timer`]
    #[inline]
    pub fn set_timer(&mut self, time: i64) {
        self.keyed.set_timer(time);
    }

    /// [`Keyed::clear_timer`]
    pub fn clear_timer(&mut self, time: i64) {
        self.keyed.clear_timer(time);
    }

    /// [`Keyed::next_timer`]
    pub fn next_timer(&mut self) -> Option<i64> {
        self.keyed.next_timer()
    }

    /// [`Outputs::emit`]
    #[inline]
    pub fn emit(&mut self, port: Port) -> RecordBuilder<'_> {
        self.outputs.emit(port)
    }

    /// [`Outputs::is_connected`]
    pub fn is_connected(&self, port: Port) -> bool {
        self.outputs.is_connected(port)
    }

    /// State and outputs apart, for emitting what borrows from the state.
    #[inline]
    pub fn split(&mut self) -> (&mut Keyed<'c, S>, &mut Outputs<'c>) {
        (&mut self.keyed, &mut self.outputs)
    }

    /// Does with `record` what is done with records that come too late: it goes out unchanged by the output named `late`, if
    /// the stage has one and the pipeline consumes it.
    ///
    /// # Errors
    /// `late` otherwise.
    pub fn late(&mut self, record: &Record<'_>) -> Result<(), Rejection> {
        match self.late_output {
            Some(port) if self.is_connected(port) => {
                self.emit(port)
                    .key(record.key())
                    .timestamp(record.timestamp().unwrap_or(NO_TIMESTAMP))
                    .bytes(record.value());
                Ok(())
            }
            _ => Err(Rejection::late(
                record.timestamp().unwrap_or(NO_TIMESTAMP),
                self.watermark(),
            )),
        }
    }

    pub(crate) fn into_place(self) -> Option<Place> {
        self.keyed.place
    }
}

/// State and timers of one key.
pub struct Keyed<'c, S> {
    store: &'c mut KeyedStore<S>,
    key: &'c [u8],
    /// Where the key's state is, once it was looked up.
    place: Option<Place>,
    /// It was looked up, and there is none.
    absent: bool,
    watermark: i64,
}

impl<S: Default> Keyed<'_, S> {
    /// The state of the key, for changing: made by `Default` if there is none. It counts as changed from here on.
    #[inline]
    pub fn state(&mut self) -> &mut S {
        let place = self.place();
        self.store.state_mut(place)
    }

    /// The state of the key, if there is any.
    #[inline]
    pub fn peek(&mut self) -> Option<&S> {
        let place = self.find()?;
        self.store.state(place)
    }

    /// Forgets all there is of the key, timers included.
    pub fn forget(&mut self) {
        if let Some(place) = self.find() {
            self.store.clear(place);
        }
    }

    /// Has [`Stage::on_timer`](crate::Stage::on_timer) called for the key once the watermark reaches `time`, milliseconds
    /// since the Unix epoch. A key has one timer at a time at most: setting it again changes nothing.
    ///
    /// A time that the watermark has reached already stands for the millisecond after the watermark: the timer fires at the
    /// watermark's next advance. Once all input has ended there is none, and no timer either.
    #[inline]
    pub fn set_timer(&mut self, time: i64) {
        // After the end of all input there is no advance any more.
        let Some(next) = self.watermark.checked_add(1) else {
            return;
        };
        let place = self.place();
        self.store.set_timer(place, time.max(next));
    }

    /// Takes back the timer at `time`, if there is one.
    pub fn clear_timer(&mut self, time: i64) {
        if let Some(place) = self.find() {
            self.store.clear_timer(place, time);
        }
    }

    /// The time of the key's next timer.
    #[inline]
    pub fn next_timer(&mut self) -> Option<i64> {
        let place = self.find()?;
        self.store.next_timer(place)
    }

    #[inline]
    fn place(&mut self) -> Place {
        *self
            .place
            .get_or_insert_with(|| self.store.find_or_insert(self.key))
    }

    #[inline]
    fn find(&mut self) -> Option<Place> {
        if self.place.is_none() && !self.absent {
            self.place = self.store.find(self.key);
            self.absent = self.place.is_none();
        }
        self.place
    }
}
