//! Records posted to a service, one request each.
//!
//! A request cannot be taken back, so none is made before its record is committed: the records of an epoch are rows of an outbox that the checkpoint's own transaction
//! commits, and a [delivery](delivery) beside the pipeline posts what is committed, in its order. What the service has taken leaves the outbox with the next
//! checkpoint; after a crash in between it is posted again, by the same `Idempotency-Key`.

mod delivery;
mod ledger;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{Misfit, Opening, Sink, SinkError};
use crate::checkpoint::{DeadLetter, Store};
use crate::config;
use crate::connection::http::{ConnectionError, ConnectionFailure};
use crate::pipeline::clock::now;
use crate::pipeline::epoch::EpochClock;
use crate::pipeline::progress::{Progress, TaskState};
use crate::pipeline::{Halt, Waits};
use crate::record::Batch;
use delivery::{Delivery, Route};
use ledger::Ledger;

/// How often somebody who waits for room looks whether the pipeline is stopping.
const LOOK: Duration = Duration::from_millis(20);

/// A service that records are posted to.
pub(super) struct WebhookSink {
    name: String,
    store: Arc<Mutex<Store>>,
    epoch: Arc<EpochClock>,
    progress: Arc<Progress>,
    waits: Arc<Waits>,
    halt: Halt,
    maximum_pending: u64,
    /// The largest record that the connection sends, bytes.
    maximum_bytes: usize,
    /// Records of the epoch that is under way.
    fresh: u64,
    ledger: Arc<Ledger>,
    /// Refused records whose letters have been handed over in this epoch.
    refused: Vec<i64>,
    /// None while dead letters are replayed: what these add is delivered by the next run.
    delivery: Option<Delivery>,
}

impl WebhookSink {
    pub(super) fn open(
        options: &config::WebhookSink,
        opening: Opening<'_>,
    ) -> Result<Self, SinkError> {
        let name = opening.name.to_owned();
        let connection = opening.services.http(&options.connection).ok_or_else(|| {
            // The manifest's checks leave no way here.
            ConnectionError {
                connection: options.connection.value.clone(),
                request: "setting up".to_owned(),
                tries: 0,
                failure: ConnectionFailure::Options("there is no such connection".to_owned()),
            }
        })?;
        let mut store = opening.store.lock().unwrap_or_else(PoisonError::into_inner);
        let outbox = store.database()?.outbox(&name)?;
        drop(store);
        let committed = opening.progress.committed().epoch;
        let ledger = Arc::new(Ledger::new(
            opening.progress,
            opening.index,
            outbox.count(committed)?,
        ));
        let maximum_bytes = connection.maximum_request();
        let route = Route {
            sink: name.clone(),
            connection: Arc::clone(connection),
            path: options.path.to_string(),
            headers: options.headers.clone(),
            key: format!("{}/{name}/{}", opening.pipeline, opening.epoch.origin()),
            give_up_after: options.give_up_after,
            in_flight: options.maximum_requests_in_flight.into(),
        };
        let delivery = match opening.is_replay {
            true => None,
            false => Some(Delivery::start(route, outbox, &ledger, opening)?),
        };
        Ok(Self {
            name,
            store: Arc::clone(opening.store),
            epoch: Arc::clone(opening.epoch),
            progress: Arc::clone(opening.progress),
            waits: Arc::clone(opening.waits),
            halt: opening.halt.clone(),
            maximum_pending: options.maximum_pending.into(),
            maximum_bytes,
            fresh: 0,
            ledger,
            refused: Vec::new(),
            delivery,
        })
    }

    /// Waits while too many committed records are not delivered. Those of the epoch under way do not count: nothing can become of them before its checkpoint. Nor does
    /// a pipeline wait that is told to stop: what it has taken is safe.
    fn wait_for_room(&self) -> Result<(), SinkError> {
        let who = format!("outbox of {}", self.name);
        let mut waits = false;
        loop {
            let owed = self.ledger.check()?.saturating_sub(self.fresh);
            let is_stopping = self.progress.state.get() == TaskState::Stopping;
            if owed < self.maximum_pending || is_stopping || self.delivery.is_none() {
                break;
            }
            if self.halt.is_halted() {
                return Err(SinkError::Halted);
            }
            let most = self.maximum_pending;
            let what = format!("{owed} records wait to be delivered, of at most {most}");
            self.waits.begin(&who, &what);
            waits = true;
            self.ledger.wait(LOOK);
        }
        if waits {
            self.waits.end(&who);
        }
        Ok(())
    }
}

impl Sink for WebhookSink {
    fn write(&mut self, _from: usize, batch: &Batch) -> Result<Vec<Misfit>, SinkError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        self.wait_for_room()?;
        let most = self.maximum_bytes;
        let mut misfits = Vec::new();
        for (index, value) in batch.values.iter().enumerate() {
            if value.len() > most {
                let size = value.len();
                let message =
                    format!("the record has {size} bytes, and the connection sends at most {most}");
                misfits.push(Misfit { index, message });
            }
        }
        let fits = |index: usize| {
            let found = misfits.binary_search_by_key(&index, |misfit: &Misfit| misfit.index);
            found.is_err()
        };
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let about = (&*self.name, self.epoch.epoch(), now());
        store.database()?.owe(about, batch, fits)?;
        drop(store);
        let taken = (batch.len() - misfits.len()) as u64;
        self.fresh += taken;
        self.ledger.owe(taken);
        Ok(misfits)
    }

    fn wants_checkpoint(&self) -> bool {
        self.fresh >= self.maximum_pending
    }

    fn refused(&mut self) -> Vec<DeadLetter> {
        let (ids, letters): (Vec<i64>, Vec<DeadLetter>) =
            self.ledger.take_refused().into_iter().unzip();
        self.refused.extend(ids);
        letters
    }

    fn prepare(&mut self) -> Result<serde_json::Value, SinkError> {
        self.ledger.check()?;
        let mut done = self.ledger.take_delivered();
        done.append(&mut self.refused);
        if !done.is_empty() {
            let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
            store.database()?.owe_no_longer(&done, self.epoch.epoch())?;
        }
        self.fresh = 0;
        Ok(serde_json::Value::Null)
    }
}
