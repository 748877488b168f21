//! The promise that batches and restarts cannot be seen in what a stage emits.

use crate::batch::{Batch, Mark};
use crate::testing::driver::{Driver, Received, Sent, find};
use crate::{Emission, Output, Stage};

/// A piece of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A record.
    Record(Sent),
    /// The watermark moves, in milliseconds since the Unix epoch; each time further than before.
    Watermark(i64),
}

/// Sends `stream` to `input`, once step by step to one instance, and once in batches that end at `cuts`, each to a new
/// instance which the last one's state was loaded into wherever `reload` says so of the cut. Everything that comes out has
/// to be the same: the records and watermarks of each output in their order, what each record was made from, and the
/// rejections.
///
/// # Panics
/// If it is not, or the stage refuses the configuration or its own state.
pub fn assert_batching_is_invisible<S: Stage>(
    configuration: &str,
    input: &str,
    stream: &[Step],
    cuts: &[usize],
    reload: impl Fn(usize) -> bool,
) {
    let every_step: Vec<usize> = (1..=stream.len()).collect();
    let expected = emitted::<S>(configuration, input, stream, &every_step, |_| false);
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
    cuts.push(stream.len());
    cuts.sort_unstable();
    let found = emitted::<S>(configuration, input, stream, &cuts, reload);
    assert_eq!(
        found, expected,
        "batches that end at {cuts:?} show in the output"
    );
}

#[derive(Debug, Default, PartialEq)]
struct Emitted {
    /// Of each output, in order.
    outputs: Vec<Vec<EmittedStep>>,
    /// By the record's place in the stream.
    rejections: Vec<(usize, String)>,
}

#[derive(Debug, PartialEq)]
enum EmittedStep {
    /// With the place in the stream of what it was made from.
    Record(Received, usize),
    Watermark(i64),
}

fn emitted<S: Stage>(
    configuration: &str,
    input: &str,
    stream: &[Step],
    cuts: &[usize],
    reload: impl Fn(usize) -> bool,
) -> Emitted {
    let port = find(S::INPUTS, input);
    let mut driver = match Driver::<S>::new(configuration) {
        Ok(driver) => driver,
        Err(error) => panic!("{error}"),
    };
    let mut emitted = Emitted {
        outputs: S::OUTPUTS.iter().map(|_| Vec::new()).collect(),
        ..Emitted::default()
    };
    let (mut start, mut records_before) = (0, 0);
    for cut in cuts {
        let mut batch = Batch::default();
        for step in &stream[start..*cut] {
            match step {
                Step::Record(record) => record.push_to(port, &mut batch),
                Step::Watermark(watermark) => {
                    let index = batch.timestamps.len() as u32;
                    batch.marks.push(Mark {
                        index,
                        watermark: *watermark,
                    });
                }
            }
        }
        let output = driver.run(port, &batch);
        emitted.add(output, &batch, records_before);
        records_before += batch.timestamps.len();
        start = *cut;
        if reload(*cut)
            && let Err(error) = driver.reload()
        {
            panic!("{error}");
        }
    }
    emitted
}

impl Emitted {
    fn add(&mut self, output: Output, batch: &Batch, records_before: usize) {
        for (index, steps) in (0..).zip(&mut self.outputs) {
            match output
                .emissions
                .iter()
                .find(|emission| emission.port == index)
            {
                Some(emission) => add_emission(steps, emission, records_before),
                None => steps.extend(
                    batch
                        .marks
                        .iter()
                        .map(|mark| EmittedStep::Watermark(mark.watermark)),
                ),
            }
        }
        let rejections = output.rejections.into_iter();
        self.rejections.extend(rejections.map(|refused| {
            (
                records_before + refused.index as usize,
                refused.rejection.to_string(),
            )
        }));
    }
}

fn add_emission(steps: &mut Vec<EmittedStep>, emission: &Emission, records_before: usize) {
    let records = &emission.records;
    assert_eq!(emission.origins.len(), records.timestamps.len());
    let mut marks = records.marks.iter().peekable();
    for index in 0..=records.timestamps.len() {
        while let Some(mark) = marks.next_if(|mark| mark.index as usize == index) {
            steps.push(EmittedStep::Watermark(mark.watermark));
        }
        if let Some(origin) = emission.origins.get(index) {
            steps.push(EmittedStep::Record(
                Received::from_batch(records, index),
                records_before + *origin as usize,
            ));
        }
    }
    assert_eq!(
        marks.next(),
        None,
        "the marks of an output rise with its records"
    );
}
