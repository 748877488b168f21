//! A plugin that counts the records of each key, and came to remember more of them from version to version.
//!
//! Each [`Edition`] of it is a component of its own, in the folder `examples`. Records are JSON, `{"kind": "call", "amount": 5}`.

mod edition;
mod state;

use std::marker::PhantomData;

use jackfield_sdk::{Context, Duration, Port, Record, Rejection, Stage, StateVersions};
use serde::{Deserialize, Serialize};

pub use edition::{Edition, First, FromThird, Second, Strict, Third};
pub use state::{Count, Dated, Remember, StrictlySummed, Summed};

/// Records with keys.
pub const RECORDS: Port = Port::keyed(0, "records");
/// One record a record: its key, and what is remembered of that now.
pub const TALLIES: Port = Port::unkeyed(0, "tallies");
/// One record whenever a key has had none for [`QUIET`]: the key, and what is remembered of it.
pub const QUIET_KEYS: Port = Port::unkeyed(1, "quiet-keys");

/// How long a key is without records until it is told.
pub const QUIET: Duration = Duration::from_millis(60 * 60 * 1000).unwrap();

/// The stage.
pub struct Tally<E>(PhantomData<E>);

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    kind: &'a str,
    amount: i64,
}

#[derive(Serialize)]
struct Told<'a, S> {
    key: &'a str,
    state: &'a S,
}

impl<E: Edition> Stage for Tally<E> {
    type Configuration = jackfield_sdk::NoConfiguration;
    type State = E::State;
    const INPUTS: &'static [Port] = &[RECORDS];
    const OUTPUTS: &'static [Port] = &[TALLIES, QUIET_KEYS];
    const STATE_VERSIONS: StateVersions<E::State> = E::STATE_VERSIONS;

    fn new(_: Self::Configuration) -> Result<Self, String> {
        Ok(Self(PhantomData))
    }

    fn process(
        &mut self,
        record: Record<'_>,
        context: &mut Context<'_, E::State>,
    ) -> Result<(), Rejection> {
        let Event { kind, amount } = record.json()?;
        let (key, time) = (record.key_text()?, record.event_time()?);
        if let Some(timer) = context.next_timer() {
            context.clear_timer(timer);
        }
        context.set_timer(time.saturating_add(QUIET.as_millis()));
        let (keyed, outputs) = context.split();
        let state = keyed.state();
        state.add(kind, amount, time);
        outputs.emit(TALLIES).json(&Told { key, state })
    }

    fn on_timer(&mut self, _: i64, context: &mut Context<'_, E::State>) -> Result<(), Rejection> {
        // It is text: what came in was looked at.
        let key = &String::from_utf8_lossy(context.key());
        let (keyed, outputs) = context.split();
        let state = keyed.state();
        outputs.emit(QUIET_KEYS).json(&Told { key, state })
    }
}
