//! The plugins of the data-actions pipeline compiled for this machine and called directly, one after the other: to see
//! what they make of an input without any host, and what the sandbox costs them.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use count_interactions::CountInteractions;
use detect_callbacks::DetectCallbacks;
use jackfield_sdk::{Batch, Mark, NO_TIMESTAMP, Output, Runner, Stage};
use join_profiles::JoinProfiles;
use parse_interactions::ParseInteractions;
use rustix::time::{ClockId, clock_gettime};

use crate::model::OUT_OF_ORDERNESS;

/// Records that go through a stage at once.
const BATCH: usize = 1024;

/// The stages of the data-actions pipeline, chained as its manifest says.
pub struct NativePipeline {
    parse: Timed<ParseInteractions>,
    count: Timed<CountInteractions>,
    join: Timed<JoinProfiles>,
    detect: Timed<DetectCallbacks>,
    clock: EventClock,
}

/// What one stage made of one batch.
pub struct StageOutput<'a> {
    /// The stage's name in the manifest.
    pub stage: &'static str,
    /// What went in.
    pub input: &'a Batch,
    /// What came out.
    pub output: &'a Output,
}

impl NativePipeline {
    /// Stages without any state, configured as in the manifest.
    ///
    /// # Errors
    /// When a plugin does not take its configuration.
    pub fn new() -> Result<Self, String> {
        Ok(Self {
            parse: Timed::new("{}", &[0, 1])?,
            count: Timed::new(r#"{"window":"10s"}"#, &[0])?,
            join: Timed::new("{}", &[0])?,
            detect: Timed::new(r#"{"failures":3,"within":"30s"}"#, &[0])?,
            clock: EventClock { latest: i64::MIN },
        })
    }

    /// Works on all lines and shows `observe` what each stage makes of each batch.
    ///
    /// # Errors
    /// Those of reading the lines.
    pub fn run(
        &mut self,
        lines: &mut impl BufRead,
        mut observe: impl FnMut(StageOutput<'_>),
    ) -> io::Result<()> {
        loop {
            let batch = read_batch(lines)?;
            let ended = batch.timestamps.is_empty();
            let output = self.parse.process(&batch);
            observe(StageOutput {
                stage: "parse",
                input: &batch,
                output: &output,
            });
            let mut outputs = Outputs::of(output);
            self.clock.mark(&mut outputs, ended);
            let Outputs {
                channels,
                customers,
                ..
            } = &outputs;
            observe(StageOutput {
                stage: "count",
                input: channels,
                output: &self.count.process(channels),
            });
            observe(StageOutput {
                stage: "join",
                input: customers,
                output: &self.join.process(customers),
            });
            observe(StageOutput {
                stage: "detect",
                input: customers,
                output: &self.detect.process(customers),
            });
            if ended {
                return Ok(());
            }
        }
    }

    /// Seconds of CPU time that each stage has taken, by the name that it has in the manifest.
    pub fn stage_times(&self) -> BTreeMap<String, f64> {
        let times = [
            ("parse", self.parse.seconds),
            ("count", self.count.seconds),
            ("join", self.join.seconds),
            ("detect", self.detect.seconds),
        ];
        times
            .map(|(name, seconds)| (name.to_owned(), seconds))
            .into()
    }
}

struct Timed<S: Stage> {
    runner: Runner<S>,
    seconds: f64,
}

impl<S: Stage> Timed<S> {
    fn new(configuration: &str, connected: &[u32]) -> Result<Self, String> {
        Ok(Self {
            runner: Runner::configure(configuration, connected)?,
            seconds: 0.0,
        })
    }

    fn process(&mut self, batch: &Batch) -> Output {
        let begun = cpu_seconds();
        let output = self.runner.process(0, batch);
        self.seconds += cpu_seconds() - begun;
        output
    }
}

fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn read_batch(lines: &mut impl BufRead) -> io::Result<Batch> {
    let mut batch = Batch::default();
    while batch.timestamps.len() < BATCH {
        let start = batch.values.data.len();
        if lines.read_until(b'\n', &mut batch.values.data)? == 0 {
            break;
        }
        batch.values.data.pop_if(|last| *last == b'\n');
        // The end of a line may be two bytes.
        if batch.values.data.len() > start {
            batch.values.data.pop_if(|last| *last == b'\r');
        }
        if batch.values.data.len() > start {
            batch.values.ends.push(batch.values.data.len() as u32);
            batch.timestamps.push(NO_TIMESTAMP);
        }
    }
    Ok(batch)
}

/// What the parser puts out, each record with the place in the batch that it comes from.
struct Outputs {
    channels: Batch,
    channel_origins: Vec<u32>,
    customers: Batch,
    customer_origins: Vec<u32>,
}

impl Outputs {
    fn of(output: Output) -> Self {
        let [mut channels, mut customers] = [
            (Batch::default(), Vec::new()),
            (Batch::default(), Vec::new()),
        ];
        for emission in output.emissions {
            match emission.port {
                0 => channels = (emission.records, emission.origins),
                _ => customers = (emission.records, emission.origins),
            }
        }
        Self {
            channels: channels.0,
            channel_origins: channels.1,
            customers: customers.0,
            customer_origins: customers.1,
        }
    }
}

/// The watermark record by record, as the host sets it.
struct EventClock {
    latest: i64,
}

impl EventClock {
    fn mark(&mut self, outputs: &mut Outputs, ended: bool) {
        for index in 0..outputs.customers.timestamps.len() {
            let timestamp = outputs.customers.timestamps[index];
            if timestamp > self.latest {
                self.latest = timestamp;
                let watermark = timestamp - OUT_OF_ORDERNESS - 1;
                let origin = outputs.customer_origins[index];
                let channels = outputs
                    .channel_origins
                    .partition_point(|other| *other <= origin);
                outputs.customers.marks.push(Mark {
                    index: index as u32 + 1,
                    watermark,
                });
                outputs.channels.marks.push(Mark {
                    index: channels as u32,
                    watermark,
                });
            }
        }
        if ended {
            for batch in [&mut outputs.channels, &mut outputs.customers] {
                batch.marks.push(Mark {
                    index: batch.timestamps.len() as u32,
                    watermark: i64::MAX,
                });
            }
        }
    }
}
