//! From a manifest to a plan: what can only be known when the plugins are at hand. Everything wrong is said at once.

mod jobs;
mod loading;

use std::collections::BTreeMap;

use super::plan::{
    CheckpointPlan, DistributionPlan, Origin, Plan, SinkKind, SinkPlan, SourceKind, SourcePlan,
    StagePlan, TransactionPlan,
};
use super::watermark::Strategy;
use crate::config::{
    self, Diagnostic, Diagnostics, Located, Manifest, Name, OutputPort, Place, Reference, nearest,
};
use crate::error::Code;
use crate::plugin::job::JobComponent;
use crate::plugin::{Breach, Component, Failure, Limits, Port, Runtime};

/// Loads the plugins that a manifest names and checks them, their ports and their configurations against it.
///
/// # Errors
/// Everything that does not fit, each with its place in the manifest.
pub fn plan(manifest: &Manifest, runtime: &Runtime) -> Result<Plan, Diagnostics> {
    let mut planner = Planner {
        manifest,
        components: BTreeMap::new(),
        job_components: BTreeMap::new(),
        job_ports: Vec::new(),
        order: Vec::new(),
        found: Diagnostics::new(),
    };
    planner.load(runtime);
    planner.sort();
    let stages = planner.stages();
    let sinks = planner.sinks();
    let jobs = planner.jobs();
    let mut sources: Vec<_> = manifest
        .sources
        .iter()
        .map(|read| source(read, &manifest.pipeline.name))
        .collect();
    sources.extend(planner.emitted());
    let plan = Plan {
        name: manifest.pipeline.name.value.to_string(),
        parallelism: usize::from(manifest.pipeline.parallelism.value),
        checkpoint: CheckpointPlan {
            interval: manifest.checkpoint.interval,
            minimum_pause: manifest.checkpoint.minimum_pause,
        },
        recovery: manifest.recovery,
        sources,
        jobs,
        stages,
        sinks,
        dead_letters: manifest.dead_letters.topic().cloned(),
        transaction: transaction(manifest),
        distribution: distribution(manifest),
        task: None,
    };
    planner.found.into_result(plan)
}

struct Planner<'a> {
    manifest: &'a Manifest,
    /// By the stage's position in the manifest; those whose plugin cannot be used are missing.
    components: BTreeMap<usize, Component>,
    /// By the job's position in the manifest.
    job_components: BTreeMap<usize, JobComponent>,
    /// Ports of jobs that something reads: job and port, by position. Each is a source behind those of the manifest.
    job_ports: Vec<(usize, usize)>,
    /// Positions in the manifest, a stage after those that it reads from.
    order: Vec<usize>,
    found: Diagnostics,
}

impl Planner<'_> {
    fn load(&mut self, runtime: &Runtime) {
        let plugins = self
            .manifest
            .stages
            .iter()
            .map(|stage| &*stage.plugin.value);
        let loaded = loading::each_once(plugins, |path| runtime.load(path));
        for (index, stage) in self.manifest.stages.iter().enumerate() {
            match loaded.get(&*stage.plugin.value) {
                Some(Ok(component)) => {
                    self.components.insert(index, component.clone());
                }
                Some(Err(error)) => {
                    let code = error.code();
                    self.report(code, &stage.plugin.place, error.to_string(), code.remedy);
                }
                None => {}
            }
        }
        self.load_jobs(runtime);
    }

    /// The manifest has no cycle, so each round finds a stage whose inputs all come from stages found before.
    fn sort(&mut self) {
        let stages = &self.manifest.stages;
        while self.order.len() < stages.len() {
            let before = self.order.len();
            for (index, stage) in stages.iter().enumerate() {
                let known = |reference: &Reference| match reference {
                    Reference::Source(_) => true,
                    Reference::Stage(port) if jobs::named(self.manifest, &port.stage).is_some() => {
                        true
                    }
                    Reference::Stage(port) => self
                        .order
                        .iter()
                        .any(|&known| stages[known].name.as_str() == port.stage),
                };
                let ready = stage
                    .inputs
                    .iter()
                    .flat_map(|input| &input.from)
                    .all(|from| known(&from.value));
                if ready && !self.order.contains(&index) {
                    self.order.push(index);
                }
            }
            if self.order.len() == before {
                return;
            }
        }
    }

    fn stages(&mut self) -> Vec<StagePlan> {
        self.order
            .clone()
            .into_iter()
            .filter_map(|index| self.stage(index))
            .collect()
    }

    fn stage(&mut self, index: usize) -> Option<StagePlan> {
        let stage = &self.manifest.stages[index];
        let component = self.components.get(&index)?.clone();
        let configuration = self.configuration(stage, &component);
        let inputs = self.inputs(stage, &component);
        self.watermark(stage, &component);
        Some(StagePlan {
            name: stage.name.to_string(),
            component,
            configuration: configuration?,
            limits: limits(&stage.limits),
            watermark: stage
                .watermark
                .as_ref()
                .map(|watermark| strategy(&watermark.value)),
            inputs,
        })
    }

    fn configuration(&mut self, stage: &config::Stage, component: &Component) -> Option<String> {
        let schema = &component.description().configuration;
        let json = self.conform(schema, &stage.plugin.place, &stage.configuration)?;
        self.accepted(stage, component, json)
    }

    /// The options of a plugin as JSON that its schema accepts.
    fn conform(
        &mut self,
        schema: &str,
        plugin: &Place,
        configuration: &config::Configuration,
    ) -> Option<String> {
        let schema = match serde_json::from_str(schema) {
            Ok(schema) => schema,
            Err(error) => {
                let problem = format!(
                    "the plugin describes its configuration by something that is not JSON: {error}"
                );
                self.report(
                    Code::PLUGIN_CONTRACT,
                    plugin,
                    problem,
                    Code::PLUGIN_CONTRACT.remedy,
                );
                return None;
            }
        };
        match configuration.conform(&schema) {
            Ok(json) => Some(json.to_string()),
            Err(wrong) => {
                wrong.into_iter().for_each(|wrong| self.found.push(wrong));
                None
            }
        }
    }

    /// A schema cannot say everything: the plugin itself has the last word.
    fn accepted(
        &mut self,
        stage: &config::Stage,
        component: &Component,
        json: String,
    ) -> Option<String> {
        let limits = limits(&stage.limits);
        match component.instantiate_configured(stage.name.as_str(), &limits, &json, &[]) {
            Ok(_) => Some(json),
            Err(failure) => {
                let place = stage.configuration.place_of("");
                let problem = format!("the plugin of the stage `{}` {failure}", stage.name.value);
                let code = code_of_trial(&failure);
                self.report(code, &place, problem, code.remedy);
                None
            }
        }
    }

    /// What feeds each input port of the plugin.
    fn inputs(&mut self, stage: &config::Stage, component: &Component) -> Vec<Vec<Origin>> {
        let ports = &component.description().inputs;
        for input in &stage.inputs {
            if ports.iter().all(|port| port.name != input.port.as_str()) {
                self.no_such_port(
                    &input.port.place,
                    "input",
                    input.port.as_str(),
                    &format!("the stage `{}`", stage.name.value),
                    ports,
                );
            }
        }
        ports
            .iter()
            .map(|port| {
                match stage
                    .inputs
                    .iter()
                    .find(|input| input.port.as_str() == port.name)
                {
                    Some(input) => self.origins(port, &input.from),
                    None => {
                        let problem = format!(
                            "the input `{}` of the stage `{}` is not connected",
                            port.name, stage.name.value
                        );
                        let help = format!("add `inputs.{} = \"…\"` to the stage", port.name);
                        self.report(Code::PLUGIN_UNCONNECTED, &stage.name.place, problem, &help);
                        Vec::new()
                    }
                }
            })
            .collect()
    }

    fn origins(&mut self, port: &Port, from: &[Located<Reference>]) -> Vec<Origin> {
        from.iter()
            .filter_map(|reference| {
                let (origin, keyed) = match &reference.value {
                    Reference::Source(source) => (self.source_named(source)?, false),
                    Reference::Stage(output) => self.output(output, &reference.place)?,
                };
                if port.keyed && !keyed {
                    let problem = format!(
                        "the input `{}` needs records with keys, and those of `{}` have none",
                        port.name, reference.value
                    );
                    self.report(
                        Code::PLUGIN_KEYS,
                        &reference.place,
                        problem,
                        Code::PLUGIN_KEYS.remedy,
                    );
                }
                Some(origin)
            })
            .collect()
    }

    fn source_named(&self, name: &str) -> Option<Origin> {
        self.manifest
            .sources
            .iter()
            .position(|source| source.name.as_str() == name)
            .map(Origin::Source)
    }

    /// An output port of a stage, and whether its records have keys; none where its plugin cannot be used.
    fn output(&mut self, output: &OutputPort, place: &Place) -> Option<(Origin, bool)> {
        if let Some(job) = jobs::named(self.manifest, &output.stage) {
            return Some((self.output_of_job(job, output, place)?, false));
        }
        let index = self
            .manifest
            .stages
            .iter()
            .position(|stage| stage.name.as_str() == output.stage)?;
        let stage = self.order.iter().position(|&known| known == index)?;
        let ports = self.components.get(&index)?.description().outputs.clone();
        match ports.iter().position(|port| port.name == output.port) {
            Some(port) => Some((Origin::Stage { stage, port }, ports[port].keyed)),
            None => {
                let whose = format!("the stage `{}`", output.stage);
                self.no_such_port(place, "output", &output.port, &whose, &ports);
                None
            }
        }
    }

    fn sinks(&mut self) -> Vec<SinkPlan> {
        self.manifest
            .sinks
            .iter()
            .map(|sink| SinkPlan {
                name: sink.name.to_string(),
                kind: SinkKind::Manifest(sink.kind.clone()),
                from: sink
                    .from
                    .iter()
                    .filter_map(|port| Some(self.output(&port.value, &port.place)?.0))
                    .collect(),
            })
            .collect()
    }

    /// Watermarks are made a partition, so they have to be made before records of several partitions come together.
    fn watermark(&mut self, stage: &config::Stage, component: &Component) {
        let Some(watermark) = &stage.watermark else {
            return;
        };
        let keyed = |port: &Port| port.keyed;
        let upstream = stage
            .inputs
            .iter()
            .flat_map(|input| &input.from)
            .filter_map(|from| match &from.value {
                Reference::Stage(output) => {
                    let index = self
                        .manifest
                        .stages
                        .iter()
                        .position(|stage| stage.name.as_str() == output.stage)?;
                    self.components.get(&index)
                }
                Reference::Source(_) => None,
            });
        let behind_keys = component.description().inputs.iter().any(keyed)
            || upstream
                .into_iter()
                .any(|component| component.description().inputs.iter().any(keyed));
        if behind_keys {
            let problem = format!(
                "the stage `{}` cannot make a watermark: it works on keyed records",
                stage.name.value
            );
            let help = "make the watermark at the source, or at the stage that reads from it";
            self.report(Code::WATERMARK_PLACE, &watermark.place, problem, help);
        }
    }

    fn no_such_port(
        &mut self,
        place: &Place,
        kind: &str,
        wrong: &str,
        whose: &str,
        ports: &[Port],
    ) {
        let names = || ports.iter().map(|port| port.name.as_str());
        let allowed = names()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", ");
        let problem = format!("the plugin of {whose} has no {kind} port `{wrong}`");
        let mut diagnostic = Diagnostic::new(&Code::PLUGIN_PORT, place.clone(), problem)
            .expected(format!("one of {allowed}"));
        if let Some(meant) = nearest(wrong, names()) {
            diagnostic = diagnostic.help(format!("did you mean `{meant}`?"));
        }
        self.found.push(diagnostic);
    }

    fn report(&mut self, code: Code, place: &Place, problem: String, help: &str) {
        // Codes are constants of the program, and a diagnostic keeps one for as long as the program runs.
        let code: &'static Code = Code::ALL
            .iter()
            .find(|known| known.id == code.id)
            .unwrap_or(&Code::ALL[0]);
        self.found
            .push(Diagnostic::new(code, place.clone(), problem).help(help));
    }
}

/// What is wrong where a plugin did not take its configuration. One that there was no room for has not even seen it.
fn code_of_trial(failure: &Failure) -> Code {
    match failure.breach {
        Breach::NoRoom(_) => failure.code(),
        _ => Code::PLUGIN_CONFIGURATION,
    }
}

fn source(source: &config::Source, pipeline: &Located<Name>) -> SourcePlan {
    let mut kind = source.kind.clone();
    if let config::SourceKind::Kafka(options) = &mut kind {
        let own_group = || Located::new(pipeline.to_string(), pipeline.place.clone());
        options.group.get_or_insert_with(own_group);
    }
    SourcePlan {
        name: source.name.to_string(),
        kind: SourceKind::Manifest(kind, None),
        watermark: source
            .watermark
            .as_ref()
            .map(|watermark| strategy(&watermark.value)),
        rate_limit: source.rate_limit,
    }
}

/// One transaction makes all that is written to Kafka true; which topic its mark is kept with makes no difference as long as it stays the same.
fn transaction(manifest: &Manifest) -> Option<TransactionPlan> {
    let sink = manifest.sinks.iter().find_map(|sink| match &sink.kind {
        config::SinkKind::Kafka(options) => Some((&options.connection, &options.topic)),
        _ => None,
    });
    let letters = || {
        let options = manifest.dead_letters.topic()?;
        Some((&options.connection, &options.topic))
    };
    let (connection, topic) = sink.or_else(letters)?;
    Some(TransactionPlan {
        connection: connection.value.clone(),
        id: format!("jackfield-{}", manifest.pipeline.name.value),
        topic: topic.value.clone(),
    })
}

fn distribution(manifest: &Manifest) -> Option<DistributionPlan> {
    let exchange = &manifest.pipeline.exchange;
    let connection = manifest
        .sources
        .iter()
        .find_map(|source| match &source.kind {
            config::SourceKind::Kafka(kafka) => Some(kafka.connection.value.clone()),
            config::SourceKind::File(_) => None,
        })?;
    (exchange.kind.value == config::ExchangeKind::Kafka).then(|| DistributionPlan {
        connection,
        partitions: exchange.partitions.value,
        replication_factor: exchange
            .replication_factor
            .as_ref()
            .map(|factor| factor.value),
    })
}

fn limits(limits: &config::Limits) -> Limits {
    Limits {
        memory: limits.memory.value,
        cpu_time: limits.cpu_time.value,
        output_bytes: limits.output_bytes.value,
        state_bytes: limits.state_bytes.value,
        host_calls: limits.host_calls.value,
    }
}

fn strategy(watermark: &config::Watermark) -> Strategy {
    let out_of_orderness =
        i64::try_from(watermark.out_of_orderness.as_millis()).unwrap_or(i64::MAX);
    Strategy {
        out_of_orderness,
        idle_timeout: watermark.idle_timeout,
    }
}

/// The name of a stage, source or sink as text.
trait AsText {
    fn as_str(&self) -> &str;
}

impl AsText for Located<Name> {
    fn as_str(&self) -> &str {
        &self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(breach: Breach) -> Code {
        code_of_trial(&Failure {
            breach,
            function: "configure",
            last_words: String::new(),
            backtrace: None,
        })
    }

    #[test]
    fn a_configuration_is_not_to_blame_where_the_host_has_no_room() {
        let no_memory = "mmap failed: Cannot allocate memory".to_owned();
        assert_eq!(code_of(Breach::NoRoom(no_memory)), Code::ENGINE_FULL);
        let refused = Breach::Refusal("`failures` must be positive".to_owned());
        assert_eq!(code_of(refused), Code::PLUGIN_CONFIGURATION);
    }
}
