//! One copy of a plugin at work.

use std::time::Duration;

use wasmtime::Store;
use wasmtime::component::InstancePre;

use super::contract_0_1::Stage;
use super::sandbox::{Sandbox, thread_cpu_time};
use super::{Breach, Changes, Description, Emission, Entries, Failure, Limits, Output, Port};
use crate::record::{Batch, Mark};

/// One copy of a plugin: its memory, its limits and what it remembers. After a [`Failure`] it is to be dropped.
pub struct Instance {
    store: Store<Sandbox>,
    stage: Stage,
    description: Option<Description>,
    cpu_time: Duration,
}

impl Instance {
    pub(super) fn start(pre: &InstancePre<Sandbox>, name: &str, limits: &Limits) -> Result<Self, Failure> {
        let mut store = Store::new(pre.engine(), Sandbox::new(name, limits));
        store.limiter(Sandbox::limiter);
        store.epoch_deadline_callback(Sandbox::on_tick);
        store.set_epoch_deadline(1);
        store.data_mut().start_call();
        let stage = Stage::instantiate(&mut store, pre)
            .map_err(|error| store.data().explain(&error, "start"))?;
        Ok(Self { store, stage, description: None, cpu_time: Duration::ZERO })
    }

    /// What the plugin says of itself.
    pub(super) fn describe(&mut self) -> Result<Description, Failure> {
        self.call("describe", |stage, store| stage.describe(store))
    }

    /// Gives the configuration, JSON, and says which outputs, by index, are consumed. Once, first.
    ///
    /// # Errors
    /// [`Failure`], a [`Breach::Refusal`] where the plugin does not accept the configuration.
    pub fn configure(&mut self, configuration: &str, connected: &[u32]) -> Result<(), Failure> {
        let description = self.describe()?;
        self.description = Some(description);
        self.call("configure", |stage, store| stage.configure(store, configuration, connected))?
            .map_err(|reason| Failure::of(Breach::Refusal(reason), "configure"))
    }

    /// Gives a part of the state that this instance works with.
    ///
    /// # Errors
    /// [`Failure`], a [`Breach::Refusal`] where the plugin cannot read an entry.
    pub fn load(&mut self, entries: &Entries) -> Result<(), Failure> {
        self.call("load", |stage, store| stage.load(store, entries))?
            .map_err(|reason| Failure::of(Breach::Refusal(reason), "load"))
    }

    /// Lets it work on a batch of the input port with that index; `marks` stand for those that the batch has itself.
    ///
    /// # Errors
    /// [`Failure`], a [`Breach::Contract`] where what it returned does not fit its description or the input.
    pub fn process(&mut self, input: usize, batch: &Batch, marks: &[Mark]) -> Result<Output, Failure> {
        let before = thread_cpu_time();
        let result = self.call("process", |stage, store| stage.process(store, input, batch, marks))?;
        let output = result
            .and_then(|output| self.check(output, batch.len(), marks))
            .map_err(|found| Failure::contract("process", found));
        self.cpu_time += thread_cpu_time().saturating_sub(before);
        output
    }

    /// What has become of its state since the last flush.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn flush(&mut self) -> Result<Changes, Failure> {
        self.call("flush", |stage, store| stage.flush(store))?.map_err(|found| Failure::contract("flush", found))
    }

    /// CPU time that its calls of `process` have taken so far, the crossing included.
    #[must_use]
    pub fn cpu_time(&self) -> Duration {
        self.cpu_time
    }

    fn call<R>(
        &mut self,
        function: &'static str,
        call: impl FnOnce(&Stage, &mut Store<Sandbox>) -> wasmtime::Result<R>,
    ) -> Result<R, Failure> {
        self.store.set_epoch_deadline(1);
        self.store.data_mut().start_call();
        call(&self.stage, &mut self.store).map_err(|error| self.store.data().explain(&error, function))
    }

    /// What comes from a guest is a claim until it was compared with the contract.
    fn check(&self, output: Output, records: usize, marks: &[Mark]) -> Result<Output, String> {
        let ports = self.description.as_ref().map_or(&[][..], |description| &description.outputs);
        let mut seen = vec![false; ports.len()];
        for emission in &output.emissions {
            let Some(port) = ports.get(emission.port) else {
                return Err(format!("it wrote to output {}, but it described {} outputs", emission.port, ports.len()));
            };
            if std::mem::replace(&mut seen[emission.port], true) {
                return Err(format!("it returned two emissions for its output `{}`", port.name));
            }
            check_emission(emission, port, records, marks)
                .map_err(|found| format!("on its output `{}`, {found}", port.name))?;
        }
        match output.rejections.iter().find(|rejection| rejection.index >= records) {
            Some(rejection) => Err(format!("it rejected record {} of a batch of {records}", rejection.index)),
            None => Ok(output),
        }
    }
}

fn check_emission(emission: &Emission, port: &Port, records: usize, marks: &[Mark]) -> Result<(), String> {
    emission.batch.check(port.keyed, marks).map_err(|found| found.to_string())?;
    let (origins, written) = (&emission.origins, emission.batch.len());
    if origins.len() != written {
        return Err(format!("there are {} origins for {written} values", origins.len()));
    }
    if !origins.is_sorted() || origins.last().is_some_and(|&last| last as usize > records) {
        return Err(format!("the origins fall, or lie behind the {records} records of the input"));
    }
    Ok(())
}
