//! The jobs of a plan, and what they emit: each port that something reads is a source, behind those of the manifest.

use std::collections::BTreeSet;

use super::super::plan::{JobsPlan, Origin, SourceKind, SourcePlan};
use super::{AsText, Planner, code_of_trial, loading};
use crate::config::{self, Manifest, OutputPort, Place};
use crate::job::Definition;
use crate::plugin::job::JobComponent;
use crate::plugin::{Limits, Port, Runtime};

/// The position of a job in the manifest.
pub(super) fn named(manifest: &Manifest, name: &str) -> Option<usize> {
    manifest
        .jobs
        .iter()
        .position(|job| job.name.as_str() == name)
}

impl Planner<'_> {
    pub(super) fn load_jobs(&mut self, runtime: &Runtime) {
        let plugins = self.manifest.jobs.iter().map(|job| &*job.plugin.value);
        let loaded = loading::each_once(plugins, |path| runtime.load_job(path));
        for (index, job) in self.manifest.jobs.iter().enumerate() {
            match loaded.get(&*job.plugin.value) {
                Some(Ok(component)) => {
                    self.job_components.insert(index, component.clone());
                }
                Some(Err(error)) => {
                    let code = error.code();
                    self.report(code, &job.plugin.place, error.to_string(), code.remedy);
                }
                None => {}
            }
        }
    }

    /// An output port of a job; none where its plugin cannot be used.
    pub(super) fn output_of_job(
        &mut self,
        job: usize,
        output: &OutputPort,
        place: &Place,
    ) -> Option<Origin> {
        let names = self.job_components.get(&job)?.description().outputs.clone();
        let Some(port) = names.iter().position(|name| *name == output.port) else {
            let ports: Vec<_> = names
                .into_iter()
                .map(|name| Port { name, keyed: false })
                .collect();
            let whose = format!("the job `{}`", output.stage);
            self.no_such_port(place, "output", &output.port, &whose, &ports);
            return None;
        };
        let known = self
            .job_ports
            .iter()
            .position(|known| *known == (job, port));
        let place = known.unwrap_or_else(|| {
            self.job_ports.push((job, port));
            self.job_ports.len() - 1
        });
        Some(Origin::Source(self.manifest.sources.len() + place))
    }

    /// What jobs emit, as sources. Where nothing reads any of it, one of which nothing comes: the pipeline lasts as long as its jobs may.
    pub(super) fn emitted(&self) -> Vec<SourcePlan> {
        let source = |name: String, job: String, port| SourcePlan {
            name,
            kind: SourceKind::Job { job, port },
            watermark: None,
            rate_limit: None,
        };
        let read = self.job_ports.iter().filter_map(|&(job, port)| {
            let name = self.manifest.jobs[job].name.to_string();
            let description = self.job_components.get(&job)?.description();
            let port = description.outputs[port].clone();
            Some(source(format!("{name}.{port}"), name, Some(port)))
        });
        let mut sources: Vec<_> = read.collect();
        if let (true, Some(job)) = (sources.is_empty(), self.manifest.jobs.first()) {
            let name = job.name.to_string();
            sources.push(source(name.clone(), name, None));
        }
        sources
    }

    pub(super) fn jobs(&mut self) -> Option<JobsPlan> {
        let manifest = self.manifest;
        let definitions: Vec<_> = (0..manifest.jobs.len())
            .filter_map(|index| self.job(index))
            .collect();
        let path = manifest.job_store_path()?;
        // Tables are served by the same server, also where no job is.
        let is_needed = !definitions.is_empty() || !manifest.triggers.is_empty();
        is_needed.then_some(JobsPlan { path, definitions })
    }

    fn job(&mut self, index: usize) -> Option<Definition> {
        let job = &self.manifest.jobs[index];
        let component = self.job_components.get(&index)?.clone();
        let schema = &component.description().configuration;
        let configuration = self.conform(schema, &job.plugin.place, &job.configuration)?;
        let limits = Limits {
            host_calls: job.limits.host_calls.value,
            ..Limits::within(job.limits.memory.value, job.limits.cpu_time.value)
        };
        self.accepts(job, &component, &limits, &configuration)?;
        let ports = self.job_ports.iter().filter(|(of, _)| *of == index);
        let connected: BTreeSet<u32> = ports
            .filter_map(|(_, port)| u32::try_from(*port).ok())
            .collect();
        let streamed = self.streamed(job, &component);
        let connections = job.connections.iter();
        Some(Definition {
            name: job.name.to_string(),
            component,
            configuration,
            connected,
            streamed,
            connections: connections
                .map(|granted| (granted.connection.value.clone(), granted.grant.clone()))
                .collect(),
            limits,
            steps: job.limits.steps.value,
            wall_time: job.limits.wall_time.value,
            output: job.limits.output.value,
            concurrency: usize::from(job.concurrency.value),
            queue: job.queue.value.into(),
            keep_finished: job.keep_finished.value,
        })
    }

    /// Ports of a job that clients read who stay connected.
    fn streamed(&mut self, job: &config::Job, component: &JobComponent) -> BTreeSet<u32> {
        let names = &component.description().outputs;
        let mut streamed = BTreeSet::new();
        for trigger in &self.manifest.triggers {
            let config::TriggerKind::WebSocket(options) = &trigger.kind else {
                continue;
            };
            if options.job.value != job.name.as_str() {
                continue;
            }
            let port = &options.port;
            match names.iter().position(|name| name == port.as_str()) {
                Some(index) => streamed.extend(u32::try_from(index).ok()),
                None => {
                    let unkeyed = |name: &String| Port {
                        name: name.clone(),
                        keyed: false,
                    };
                    let ports: Vec<_> = names.iter().map(unkeyed).collect();
                    let whose = format!("the job `{}`", job.name.value);
                    self.no_such_port(&port.place, "output", port.as_str(), &whose, &ports);
                }
            }
        }
        streamed
    }

    /// A schema cannot say everything: the plugin itself has the last word.
    fn accepts(
        &mut self,
        job: &config::Job,
        component: &JobComponent,
        limits: &Limits,
        configuration: &str,
    ) -> Option<()> {
        let Err(failure) = component.instantiate(job.name.as_str(), limits, configuration, &[])
        else {
            return Some(());
        };
        let place = job.configuration.place_of("");
        let problem = format!("the plugin of the job `{}` {failure}", job.name.value);
        let code = code_of_trial(&failure);
        self.report(code, &place, problem, code.remedy);
        None
    }
}
