//! Version 0.1 of the contract: between the host's types and those generated from `wit/`.

use wasmtime::component::{HasSelf, InstancePre, Linker};
use wasmtime::{Engine, Store};

use super::sandbox::Sandbox;
use super::words::presentable;
use super::{Changes, Description, Emission, Entries, Output, Port, Rejection};
use crate::record::{Batch, Column, Mark};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "stage-plugin",
        ownership: Borrowing { duplicate_if_necessary: true },
        imports: { default: trappable },
    });
}

use bindings::exports::jackfield::plugin::stage as exported;
pub use bindings::jackfield::plugin::log;
use bindings::jackfield::plugin::records;
use log::Level;

/// The interface that a stage of this version exports.
pub(super) const INTERFACE: &str = "jackfield:plugin/stage@0.1.0";

/// What an instance of this version can be asked.
pub(super) struct Stage(bindings::StagePlugin);

/// Everything that a guest of this version can call.
pub(super) fn linker(engine: &Engine) -> wasmtime::Result<Linker<Sandbox>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    bindings::StagePlugin::add_to_linker::<_, HasSelf<_>>(&mut linker, |sandbox| sandbox)?;
    refuse_to_wait(&mut linker)?;
    Ok(linker)
}

/// A guest that waited for a clock would hold its worker for as long as it likes, and no tick interrupts a call of the host.
pub(super) fn refuse_to_wait(linker: &mut Linker<Sandbox>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut poll = linker.instance("wasi:io/poll@0.2.12")?;
    let refusal = || wasmtime::Error::msg("a plugin may not wait by itself: it has no clock");
    poll.func_new("poll", move |_, _, _, _| Err(refusal()))?;
    poll.func_new("[method]pollable.block", move |_, _, _, _| Err(refusal()))?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Whether the exports have the contract's types.
pub(super) fn check(pre: &InstancePre<Sandbox>) -> wasmtime::Result<()> {
    bindings::StagePluginPre::new(pre.clone()).map(drop)
}

impl Stage {
    pub(super) fn instantiate(
        store: &mut Store<Sandbox>,
        pre: &InstancePre<Sandbox>,
    ) -> wasmtime::Result<Self> {
        bindings::StagePluginPre::new(pre.clone())?
            .instantiate(store)
            .map(Self)
    }

    fn guest(&self) -> &exported::Guest {
        self.0.jackfield_plugin_stage()
    }

    pub(super) fn describe(&self, store: &mut Store<Sandbox>) -> wasmtime::Result<Description> {
        let ports = |ports: Vec<exported::Port>| {
            ports
                .into_iter()
                .map(|port| Port {
                    name: port.name,
                    keyed: port.keyed,
                })
                .collect()
        };
        let described = self.guest().call_describe(store)?;
        Ok(Description {
            name: described.name,
            version: described.version,
            inputs: ports(described.inputs),
            outputs: ports(described.outputs),
            state_version: described.state_version,
            oldest_state_version: described.oldest_state_version,
            configuration: described.configuration,
        })
    }

    pub(super) fn configure(
        &self,
        store: &mut Store<Sandbox>,
        configuration: &str,
        connected: &[u32],
    ) -> wasmtime::Result<Result<(), String>> {
        self.guest().call_configure(store, configuration, connected)
    }

    pub(super) fn load(
        &self,
        store: &mut Store<Sandbox>,
        entries: &Entries,
    ) -> wasmtime::Result<Result<(), String>> {
        let entries = exported::Entries {
            keys: lower(&entries.keys),
            versions: &entries.versions,
            values: lower(&entries.values),
        };
        self.guest().call_load(store, entries)
    }

    pub(super) fn forget(&self, store: &mut Store<Sandbox>, keys: &Column) -> wasmtime::Result<()> {
        self.guest().call_forget(store, lower(keys))
    }

    pub(super) fn process(
        &self,
        store: &mut Store<Sandbox>,
        input: usize,
        batch: &Batch,
        marks: &[Mark],
    ) -> wasmtime::Result<Result<Output, String>> {
        let marks: Vec<_> = marks
            .iter()
            .map(|mark| records::Mark {
                index: mark.index,
                watermark: mark.watermark,
            })
            .collect();
        let lowered = records::BatchParam {
            values: lower(&batch.values),
            keys: lower(&batch.keys),
            timestamps: &batch.timestamps,
            marks: &marks,
        };
        let input = u32::try_from(input)?;
        Ok(lift_output(
            self.guest().call_process(store, input, lowered)?,
        ))
    }

    pub(super) fn flush(
        &self,
        store: &mut Store<Sandbox>,
    ) -> wasmtime::Result<Result<Changes, String>> {
        Ok(lift_changes(self.guest().call_flush(store)?))
    }
}

fn lower(column: &Column) -> records::ColumnParam<'_> {
    records::ColumnParam {
        data: column.data(),
        ends: column.ends(),
    }
}

fn lift(column: records::ColumnResult, name: &str) -> Result<Column, String> {
    Column::from_parts(column.data, column.ends)
        .map_err(|found| format!("the column of {name} is malformed: {found}"))
}

fn lift_output(output: exported::Output) -> Result<Output, String> {
    let mut emissions = Vec::with_capacity(output.emissions.len());
    for exported::Emission {
        port,
        records: batch,
        origins,
    } in output.emissions
    {
        let batch = Batch {
            values: lift(batch.values, "values")?,
            keys: lift(batch.keys, "keys")?,
            timestamps: batch.timestamps,
            marks: batch
                .marks
                .iter()
                .map(|mark| Mark {
                    index: mark.index,
                    watermark: mark.watermark,
                })
                .collect(),
        };
        emissions.push(Emission {
            port: port as usize,
            batch,
            origins,
        });
    }
    let rejections = output
        .rejections
        .into_iter()
        .map(|rejection| Rejection {
            index: rejection.index as usize,
            code: rejection.code,
            message: presentable(rejection.message),
        })
        .collect();
    Ok(Output {
        emissions,
        rejections,
    })
}

fn lift_changes(changes: exported::Changes) -> Result<Changes, String> {
    let lifted = Changes {
        keys: lift(changes.keys, "keys")?,
        values: lift(changes.values, "values")?,
        forgotten: lift(changes.forgotten, "forgotten keys")?,
    };
    if lifted.keys.len() == lifted.values.len() {
        return Ok(lifted);
    }
    Err(format!(
        "there are {} keys for {} values",
        lifted.keys.len(),
        lifted.values.len()
    ))
}

impl log::Host for Sandbox {
    fn write(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        let level = match level {
            Level::Debug => tracing::Level::DEBUG,
            Level::Info => tracing::Level::INFO,
            Level::Warn => tracing::Level::WARN,
            Level::Error => tracing::Level::ERROR,
        };
        self.write_log(level, message);
        Ok(())
    }
}

impl records::Host for Sandbox {}
