//! The contract with the host, as a component: everything here is for the macro [`stage!`](crate::stage) to use.
//!
//! The columns are moved between the types of the contract and those of [`Runner`], never copied.

use std::cell::RefCell;

use crate::{Runner, Stage, batch, log, runner};
use wit::exports::jackfield::plugin::stage::{self as contract, Guest};
use wit::jackfield::plugin::records;

#[expect(missing_docs, reason = "generated")]
#[allow(
    unsafe_code,
    clippy::all,
    reason = "generated: the canonical ABI is spoken in pointers"
)]
pub mod wit {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "stage-plugin",
        pub_export_macro: true,
        default_bindings_module: "jackfield_sdk::component::wit",
    });
}

/// The one instance of a component.
pub type Instance<S> = RefCell<Option<Runner<S>>>;

/// A plugin as the macro makes it: where its instance is, and what it is called.
pub trait Plugin {
    /// What the author wrote.
    type Stage: Stage;
    /// The name of the crate.
    const NAME: &'static str;
    /// The version of the crate.
    const VERSION: &'static str;
    /// Calls `use_instance` with the instance.
    fn with_instance<R>(use_instance: impl FnOnce(&Instance<Self::Stage>) -> R) -> R;
}

fn with_runner<P: Plugin, R>(use_runner: impl FnOnce(&mut Runner<P::Stage>) -> R) -> R {
    P::with_instance(|instance| match instance.borrow_mut().as_mut() {
        Some(runner) => use_runner(runner),
        None => panic!("the host has to call `configure` first"),
    })
}

impl<P: Plugin> Guest for P {
    fn describe() -> contract::Description {
        let description = Runner::<P::Stage>::describe();
        let ports = |ports: &[crate::Port]| {
            ports
                .iter()
                .map(|port| contract::Port {
                    name: port.name().to_owned(),
                    keyed: port.is_keyed(),
                })
                .collect()
        };
        contract::Description {
            name: P::NAME.to_owned(),
            version: P::VERSION.to_owned(),
            inputs: ports(description.inputs),
            outputs: ports(description.outputs),
            state_version: description.state_version,
            oldest_state_version: description.oldest_state_version,
            configuration: description.configuration,
        }
    }

    fn configure(configuration: String, connected: Vec<u32>) -> Result<(), String> {
        std::panic::set_hook(Box::new(|panic| log::error(panic)));
        let runner = Runner::configure(&configuration, &connected)?;
        P::with_instance(|instance| *instance.borrow_mut() = Some(runner));
        Ok(())
    }

    fn load(entries: contract::Entries) -> Result<(), String> {
        let contract::Entries {
            keys,
            versions,
            values,
        } = entries;
        let entries = runner::Entries {
            keys: from_column(keys),
            versions,
            values: from_column(values),
        };
        with_runner::<P, _>(|runner| runner.load(&entries))
    }

    fn forget(keys: records::Column) {
        with_runner::<P, _>(|runner| runner.forget(&from_column(keys)));
    }

    fn process(input: u32, records: contract::Batch) -> contract::Output {
        let batch = from_batch(records);
        let output = with_runner::<P, _>(|runner| runner.process(input, &batch));
        contract::Output {
            emissions: output.emissions.into_iter().map(to_emission).collect(),
            rejections: output.rejections.into_iter().map(to_rejection).collect(),
        }
    }

    fn flush() -> contract::Changes {
        let runner::Changes {
            keys,
            values,
            forgotten,
        } = with_runner::<P, _>(Runner::flush);
        contract::Changes {
            keys: to_column(keys),
            values: to_column(values),
            forgotten: to_column(forgotten),
        }
    }
}

fn from_column(records::Column { data, ends }: records::Column) -> batch::Column {
    batch::Column { data, ends }
}

fn to_column(batch::Column { data, ends }: batch::Column) -> records::Column {
    records::Column { data, ends }
}

fn from_batch(batch: records::Batch) -> batch::Batch {
    let mark = |mark: records::Mark| batch::Mark {
        index: mark.index,
        watermark: mark.watermark,
    };
    batch::Batch {
        values: from_column(batch.values),
        keys: from_column(batch.keys),
        timestamps: batch.timestamps,
        marks: batch.marks.into_iter().map(mark).collect(),
    }
}

fn to_batch(batch: batch::Batch) -> records::Batch {
    let mark = |mark: batch::Mark| records::Mark {
        index: mark.index,
        watermark: mark.watermark,
    };
    records::Batch {
        values: to_column(batch.values),
        keys: to_column(batch.keys),
        timestamps: batch.timestamps,
        marks: batch.marks.into_iter().map(mark).collect(),
    }
}

fn to_emission(
    runner::Emission {
        port,
        records,
        origins,
    }: runner::Emission,
) -> contract::Emission {
    contract::Emission {
        port,
        records: to_batch(records),
        origins,
    }
}

fn to_rejection(refused: runner::Refused) -> records::Rejection {
    let (code, message) = refused.rejection.into_parts();
    records::Rejection {
        index: refused.index,
        code,
        message,
    }
}
