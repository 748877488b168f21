//! What another plugin makes of a capture, compared with what the running version made.
//!
//! A file is from outside: what contradicts itself in it is said, and nothing else happens.

use std::time::Duration;

use super::{CapturedBatch, CapturedStage, FlatBatch};
use crate::checkpoint::Parts;
use crate::pipeline::reload::{Comparison, Sides};
use crate::plugin::{
    Component, Description, Emission, Failure, Instance, Limits, Output, Port, Rejection,
};
use crate::record::{Batch, Column, KEY_GROUPS, Malformed, Mark};

/// A capture cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The plugin fails on it.
    #[error("the plugin {0}")]
    Plugin(Box<Failure>),
    /// It contradicts itself.
    #[error("the capture is damaged: {0}")]
    Form(String),
}

impl From<Failure> for ReplayError {
    fn from(failure: Failure) -> Self {
        Self::Plugin(Box::new(failure))
    }
}

impl From<Malformed> for ReplayError {
    fn from(malformed: Malformed) -> Self {
        Self::Form(malformed.to_string())
    }
}

impl CapturedStage {
    /// Lets another plugin, or another configuration of it, work on the batches, and compares what it makes with what the running version made.
    ///
    /// # Errors
    /// [`ReplayError`] where the plugin fails.
    pub fn replay(
        &self,
        component: &Component,
        configuration: &str,
    ) -> Result<Comparison, ReplayError> {
        let mut instances = self.instances(component, configuration)?;
        let running = self.description();
        let sides = Sides {
            stage: &self.name,
            running: &running,
            new: component.description(),
        };
        let mut comparison = Comparison::default();
        for captured in &self.batches {
            let batch = captured.records.batch()?;
            let Some(instance) = instances.get_mut(captured.worker) else {
                return Err(ReplayError::Form("a worker is missing".to_owned()));
            };
            let before = instance.cpu_time();
            let made = instance.process(captured.input, &batch, &batch.marks)?;
            let spent = instance.cpu_time().saturating_sub(before);
            comparison.new_cpu_nanos += u64::try_from(spent.as_nanos()).unwrap_or(u64::MAX);
            comparison.running_cpu_nanos += captured.cpu_nanos;
            comparison.add(
                &sides,
                batch.len(),
                &captured.output(self.outputs.len())?,
                &made,
            );
        }
        Ok(comparison)
    }

    /// Instances of a plugin that remember what was captured, by worker.
    fn instances(
        &self,
        component: &Component,
        configuration: &str,
    ) -> Result<Vec<Instance>, ReplayError> {
        if !(1..=usize::from(KEY_GROUPS)).contains(&self.workers) {
            return Err(ReplayError::Form(format!(
                "no stage has {} workers",
                self.workers
            )));
        }
        let limits = Limits {
            memory: self.limits.0,
            cpu_time: Duration::from_millis(self.limits.1),
            ..Limits::default()
        };
        let instance = |_| {
            component.instantiate_configured(&self.name, &limits, configuration, &self.connected)
        };
        let mut instances: Vec<Instance> =
            (0..self.workers).map(instance).collect::<Result<_, _>>()?;
        let entries = self.state.iter();
        let entries = entries.map(|(key, version, value)| (&key[..], *version, &value[..]));
        Parts::deal(self.workers, entries, |worker, part| {
            instances[worker].load(part)
        })?;
        Ok(instances)
    }

    /// How the running version was described, as far as it counts here.
    fn description(&self) -> Description {
        let port = |(name, keyed): &(String, bool)| Port {
            name: name.clone(),
            keyed: *keyed,
        };
        Description {
            name: self.plugin.0.clone(),
            version: self.plugin.1.clone(),
            inputs: Vec::new(),
            outputs: self.outputs.iter().map(port).collect(),
            state_version: 0,
            oldest_state_version: 0,
            configuration: String::new(),
        }
    }
}

impl CapturedBatch {
    /// What was made of it, by a plugin of so many outputs.
    fn output(&self, outputs: usize) -> Result<Output, ReplayError> {
        let records = self.records.timestamps.len();
        let mut emissions = Vec::new();
        for (port, batch, origins) in &self.emissions {
            let batch = batch.batch()?;
            if *port >= outputs {
                return Err(ReplayError::Form(format!("there is no output {port}")));
            }
            if origins.len() != batch.len() {
                return Err(ReplayError::Form("origins are missing".to_owned()));
            }
            emissions.push(Emission {
                port: *port,
                batch,
                origins: origins.clone(),
            });
        }
        if let Some((index, _)) = self.rejections.iter().find(|(index, _)| *index >= records) {
            return Err(ReplayError::Form(format!("there is no record {index}")));
        }
        let rejections = self.rejections.iter().map(|(index, code)| Rejection {
            index: *index,
            code: code.clone(),
            message: String::new(),
        });
        Ok(Output {
            emissions,
            rejections: rejections.collect(),
        })
    }
}

impl FlatBatch {
    fn batch(&self) -> Result<Batch, ReplayError> {
        let values = Column::from_parts(self.values.0.clone(), self.values.1.clone())?;
        let keys = Column::from_parts(self.keys.0.clone(), self.keys.1.clone())?;
        let lengths_fit = values.len() == self.timestamps.len()
            && (keys.is_empty() || keys.len() == values.len());
        if !lengths_fit {
            return Err(ReplayError::Form(
                "columns are of different length".to_owned(),
            ));
        }
        let marks = self
            .marks
            .iter()
            .map(|&(index, watermark)| Mark { index, watermark });
        Ok(Batch {
            values,
            keys,
            timestamps: self.timestamps.clone(),
            marks: marks.collect(),
        })
    }
}
