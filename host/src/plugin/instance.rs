//! One copy of a plugin at work.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::Store;
use wasmtime::component::InstancePre;

use super::allowance::thread_cpu_time;
use super::contract_0_1::Stage;
use super::sandbox::Sandbox;
use super::state_account::StateAccount;
use super::words::presentable;
use super::{
    Breach, Changes, Description, Emission, Entries, Failure, Limits, Output, Port, Rejection,
};
use crate::record::{Batch, Column, Mark};

/// What an instance is doing before its first function is called.
pub(super) const STARTING: &str = "start";

/// Bytes of the code of a rejection.
const LONGEST_CODE: usize = 64;

/// One copy of a plugin: its memory, its limits and what it remembers. After a [`Failure`] it is to be dropped.
pub struct Instance {
    store: Store<Sandbox>,
    stage: Stage,
    /// As described at load: the rest of the host relies on that one.
    outputs: Arc<[Port]>,
    cpu_time: Duration,
    limits: Limits,
    state: StateAccount,
}

impl Instance {
    pub(super) fn start(
        pre: &InstancePre<Sandbox>,
        outputs: Arc<[Port]>,
        name: &str,
        limits: &Limits,
    ) -> Result<Self, Failure> {
        let mut store = Sandbox::new(name, limits).into_store(pre.engine());
        let stage = Stage::instantiate(&mut store, pre)
            .map_err(|error| store.data().explain(&error, STARTING))?;
        Ok(Self {
            store,
            stage,
            outputs,
            cpu_time: Duration::ZERO,
            limits: limits.clone(),
            state: StateAccount::new(limits.state_bytes),
        })
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
        self.call("configure", |stage, store| {
            stage.configure(store, configuration, connected)
        })?
        .map_err(|reason| Failure::of(Breach::Refusal(presentable(reason)), "configure"))
    }

    /// Gives a part of the state that this instance works with.
    ///
    /// # Errors
    /// [`Failure`], a [`Breach::Refusal`] where the plugin cannot read an entry, a [`Breach::StateBytes`] where there is more of it
    /// than the instance may remember.
    pub fn load(&mut self, entries: &Entries) -> Result<(), Failure> {
        self.state
            .load(entries)
            .map_err(|breach| Failure::of(breach, "load"))?;
        self.call("load", |stage, store| stage.load(store, entries))?
            .map_err(|reason| Failure::of(Breach::Refusal(presentable(reason)), "load"))
    }

    /// Takes back, before the first batch, what was loaded of these keys: they were forgotten since, or are loaded again after it.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn forget(&mut self, keys: &Column) -> Result<(), Failure> {
        self.call("forget", |stage, store| stage.forget(store, keys))
    }

    /// Lets it work on a batch of the input port with that index; `marks` stand for those that the batch has itself.
    ///
    /// # Errors
    /// [`Failure`], a [`Breach::Contract`] where what it returned does not fit its description or the input.
    pub fn process(
        &mut self,
        input: usize,
        batch: &Batch,
        marks: &[Mark],
    ) -> Result<Output, Failure> {
        let before = thread_cpu_time();
        let result = self.call_within(self.limits.output_bytes, "process", |stage, store| {
            stage.process(store, input, batch, marks)
        })?;
        let output = result
            .and_then(|output| self.check(output, batch.len(), marks))
            .map_err(|found| Failure::contract("process", found));
        self.cpu_time += thread_cpu_time().saturating_sub(before);
        output
    }

    /// What has become of its state since the last flush.
    ///
    /// # Errors
    /// [`Failure`], a [`Breach::StateBytes`] where it wants to remember more than it may.
    pub fn flush(&mut self) -> Result<Changes, Failure> {
        let changes = self
            .call("flush", |stage, store| stage.flush(store))?
            .map_err(|found| Failure::contract("flush", found))?;
        self.state
            .change(&changes)
            .map_err(|breach| Failure::of(breach, "flush"))?;
        Ok(changes)
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
        self.call_within(self.limits.memory, function, call)
    }

    fn call_within<R>(
        &mut self,
        returnable: u64,
        function: &'static str,
        call: impl FnOnce(&Stage, &mut Store<Sandbox>) -> wasmtime::Result<R>,
    ) -> Result<R, Failure> {
        Sandbox::start_call(&mut self.store, returnable);
        let returned = call(&self.stage, &mut self.store);
        Sandbox::end_call(&self.store, returned, function)
    }

    /// What comes from a guest is a claim until it was compared with the contract.
    fn check(&self, output: Output, records: usize, marks: &[Mark]) -> Result<Output, String> {
        let ports = &self.outputs;
        let mut seen = vec![false; ports.len()];
        for emission in &output.emissions {
            let Some(port) = ports.get(emission.port) else {
                return Err(format!(
                    "it wrote to output {}, but it described {} outputs",
                    emission.port,
                    ports.len()
                ));
            };
            if std::mem::replace(&mut seen[emission.port], true) {
                return Err(format!(
                    "it returned two emissions for its output `{}`",
                    port.name
                ));
            }
            check_emission(emission, port, records, marks)
                .map_err(|found| format!("on its output `{}`, {found}", port.name))?;
        }
        check_rejections(&output.rejections, records)?;
        Ok(output)
    }
}

/// A record is refused once, and with a code that can be searched for.
fn check_rejections(rejections: &[Rejection], records: usize) -> Result<(), String> {
    if rejections.is_empty() {
        return Ok(());
    }
    let mut refused = vec![false; records];
    for rejection in rejections {
        match refused.get_mut(rejection.index) {
            None => {
                return Err(format!(
                    "it rejected record {} of a batch of {records}",
                    rejection.index
                ));
            }
            Some(true) => return Err(format!("it rejected record {} twice", rejection.index)),
            Some(refused) => *refused = true,
        }
        if !is_code(&rejection.code) {
            let code = presentable(rejection.code.chars().take(LONGEST_CODE).collect());
            return Err(format!(
                "it rejected a record with the code `{code}`, which is not 1 to {LONGEST_CODE} letters, digits and hyphens"
            ));
        }
    }
    Ok(())
}

fn is_code(code: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=LONGEST_CODE).contains(&code.len()) && code.bytes().all(allowed)
}

fn check_emission(
    emission: &Emission,
    port: &Port,
    records: usize,
    marks: &[Mark],
) -> Result<(), String> {
    emission
        .batch
        .check(port.keyed, marks)
        .map_err(|found| found.to_string())?;
    let (origins, written) = (&emission.origins, emission.batch.len());
    if origins.len() != written {
        return Err(format!(
            "there are {} origins for {written} values",
            origins.len()
        ));
    }
    if !origins.is_sorted() || origins.last().is_some_and(|&last| last as usize > records) {
        return Err(format!(
            "the origins fall, or lie behind the {records} records of the input"
        ));
    }
    Ok(())
}
