//! A plugin that keeps the contract, except where its configuration says otherwise.
//!
//! It speaks the contract without the SDK, which would not let it misbehave. Its records are JSON, `{"n": 7, "key": "k1"}`:
//! each goes out unchanged by `echo`, and by `keyed` with its key and the event time `n` seconds. What it does wrong is
//! told by name: a `Misdeed` while it works, an `appearance` when it is asked what it is.

#![cfg(target_family = "wasm")]

mod appearance;
mod configuration;
mod lie;
mod misdeed;
mod well_behaved;

#[allow(
    unsafe_code,
    clippy::all,
    reason = "generated: the canonical ABI is spoken in pointers"
)]
mod contract {
    wit_bindgen::generate!({ path: "../../../wit", world: "stage-plugin" });
}

use std::cell::RefCell;

use configuration::{Configuration, Moment};
use contract::exports::jackfield::plugin::stage::{Changes, Description, Entries, Guest, Output};
use contract::jackfield::plugin::records::{Batch, Column};

thread_local! {
    static CONFIGURATION: RefCell<Configuration> = RefCell::default();
}

struct Misbehave;

/// Does what is to be done wrong at this moment, if anything is.
fn at(moment: Moment) {
    let misdeed = CONFIGURATION.with_borrow(|configuration| configuration.misdeed_at(moment));
    if let Some(misdeed) = misdeed {
        misdeed::commit(
            misdeed,
            CONFIGURATION.with_borrow(|configuration| configuration.bytes),
        );
    }
}

impl Guest for Misbehave {
    fn describe() -> Description {
        appearance::describe()
    }

    fn configure(configuration: String, _connected: Vec<u32>) -> Result<(), String> {
        let configuration = Configuration::read(&configuration)?;
        CONFIGURATION.set(configuration);
        at(Moment::Configure);
        Ok(())
    }

    fn load(_entries: Entries) -> Result<(), String> {
        at(Moment::Load);
        Ok(())
    }

    fn forget(_keys: Column) {
        at(Moment::Forget);
    }

    fn process(_input: u32, batch: Batch) -> Output {
        let (meant, lie) = CONFIGURATION.with_borrow(|configuration| {
            let meant = configuration.is_meant(&batch);
            (meant, configuration.lie.filter(|_| meant))
        });
        if meant {
            at(Moment::Record);
        }
        if !batch.marks.is_empty() {
            at(Moment::Mark);
        }
        let (marks, records) = (batch.marks.clone(), batch.timestamps.len());
        let observed = CONFIGURATION.with_borrow(|configuration| configuration.observe);
        let honest = well_behaved::process(&batch, observed);
        match lie {
            Some(lie) => lie::tell(lie, honest, &marks, records),
            None => honest,
        }
    }

    fn flush() -> Changes {
        at(Moment::Flush);
        CONFIGURATION
            .with_borrow(|configuration| lie::changes(configuration.lie, configuration.bytes))
    }
}

#[allow(
    unsafe_code,
    reason = "generated: the canonical ABI is spoken in pointers"
)]
mod component {
    use super::{Misbehave, contract};

    contract::export!(Misbehave with_types_in contract);
}
