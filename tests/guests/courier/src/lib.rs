//! A job that does what its input says, step by step: what the host makes of each step, and of each misdeed, is for its tests to say.

use std::time::Duration;

use jackfield_sdk::{Failure, Job, Method, Port, Problems, Request, Workflow, job};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What the job leaves behind: records in JSON.
pub const PARCELS: Port = Port::unkeyed(0, "parcels");

/// What the manifest says of the job.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Configuration {
    /// Put into each output, so that two plugins can be told apart.
    greeting: String,
}

impl Default for Configuration {
    fn default() -> Self {
        Self {
            greeting: "done".to_owned(),
        }
    }
}

/// What a job is started with.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// What to do, in this order.
    pub steps: Vec<Step>,
}

/// Something to do.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Step {
    /// A request to the connection `service`.
    Get(String),
    /// A request to the connection `service`, with a body.
    Post(String, Value),
    /// Requests to the connection `service`, so many at a time.
    GetAll(Vec<String>, u32),
    /// Milliseconds.
    Sleep(u64),
    /// A trigger and a correlation.
    Expect(String, Option<String>),
    /// A trigger, a correlation, and for how many milliseconds.
    Await(String, String, Option<u64>),
    /// A record.
    Emit(Value),
    /// Words.
    Progress(String),
    /// What has been done so far becomes a savepoint.
    Save,
    /// The time, which goes nowhere.
    Now,
    /// The job fails.
    Fail(String),
    /// The job panics.
    Panic,
    /// The job computes for ever.
    Spin,
    /// The job takes memory until it gets no more.
    Hoard,
    /// The job talks for ever.
    Chatter,
    /// So many requests one after another, to paths that end with their number.
    Loop(String, u32),
}

/// How far a run has come.
#[derive(Default, Deserialize, Serialize)]
struct Progress {
    done: usize,
    answers: Vec<String>,
}

/// The job.
pub struct Courier {
    configuration: Configuration,
}

impl Job for Courier {
    type Configuration = Configuration;
    type Input = Input;
    type Output = Value;
    const OUTPUTS: &'static [Port] = &[PARCELS];

    fn new(configuration: Configuration) -> Result<Self, String> {
        match configuration.greeting.is_empty() {
            true => Err("`greeting` is empty".to_owned()),
            false => Ok(Self { configuration }),
        }
    }

    fn validate(&self, input: &Input, problems: &mut Problems) {
        if input.steps.is_empty() {
            problems.add("steps", "empty", "there is nothing to do");
        }
        for (place, step) in input.steps.iter().enumerate() {
            if let Step::GetAll(_, 0) = step {
                let field = format!("steps[{place}]");
                problems
                    .add(field, "out-of-range", "nothing can be sent side by side")
                    .value(&0)
                    .allowed(["1", "2", "3"]);
            }
        }
    }

    fn run(&self, input: Input, workflow: &mut Workflow<'_>) -> Result<Value, Failure> {
        let mut progress: Progress = match workflow.savepoint() {
            Some(savepoint) => savepoint.decode()?,
            None => Progress::default(),
        };
        for step in input.steps.iter().skip(progress.done) {
            progress.done += 1;
            self.perform(step, &mut progress, workflow)?;
        }
        Ok(json!({"greeting": self.configuration.greeting, "answers": progress.answers}))
    }
}

impl Courier {
    fn perform(
        &self,
        step: &Step,
        progress: &mut Progress,
        workflow: &mut Workflow<'_>,
    ) -> Result<(), Failure> {
        match step {
            Step::Get(path) => {
                let answer = workflow.connection("service").get(path).send()?.success()?;
                progress.answers.push(text(&answer.body));
            }
            Step::Post(path, body) => {
                let call = workflow.connection("service").post(path).json(body);
                let answer = call.send()?.success()?;
                progress.answers.push(text(&answer.body));
            }
            Step::GetAll(paths, width) => {
                let requests = paths
                    .iter()
                    .map(|path| Request::new(Method::Get, "service", path))
                    .collect();
                for answer in workflow.send_all(requests, *width) {
                    progress.answers.push(text(&answer?.body));
                }
            }
            Step::Sleep(milliseconds) => workflow.sleep(Duration::from_millis(*milliseconds)),
            Step::Expect(trigger, Some(correlation)) => {
                workflow.expect_callback(trigger, correlation);
            }
            Step::Expect(trigger, None) => workflow.expect_any_callback(trigger),
            Step::Await(trigger, correlation, timeout) => {
                let timeout = timeout.map(Duration::from_millis);
                let callback = workflow.await_callback(trigger, correlation, timeout);
                let said =
                    callback.map_or_else(|| "nobody called".to_owned(), |it| text(&it.payload));
                progress.answers.push(said);
            }
            Step::Emit(record) => workflow.emit(PARCELS, record)?,
            Step::Progress(words) => workflow.progress(words),
            Step::Save => workflow.save(progress)?,
            Step::Now => drop(workflow.now()),
            Step::Loop(path, count) => {
                for number in 0..*count {
                    let path = format!("{path}/{number}");
                    workflow.connection("service").get(path).send()?.success()?;
                }
            }
            misdeed => misbehave(misdeed)?,
        }
        Ok(())
    }
}

fn misbehave(step: &Step) -> Result<(), Failure> {
    match step {
        Step::Fail(code) => Err(Failure::new(code, "as the input wants").status(422)),
        Step::Panic => panic!("as the input wants"),
        Step::Spin => loop {
            std::hint::black_box(());
        },
        Step::Chatter => loop {
            eprintln!("and another thing");
        },
        Step::Hoard => {
            let mut hoard = Vec::new();
            loop {
                hoard.push(vec![1_u8; 1 << 20]);
                std::hint::black_box(&hoard);
            }
        }
        _ => Ok(()),
    }
}

fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(body).into_owned()
}

job!(Courier);

#[cfg(test)]
mod tests {
    use super::*;
    use jackfield_sdk::Response;
    use jackfield_sdk::testing::JobDriver;

    #[test]
    fn steps_are_done_in_their_order() {
        let mut driver = JobDriver::<Courier>::new("{}").unwrap();
        driver.respond(Method::Post, "/a", Response::of_json(201, &1));
        driver.respond(Method::Get, "/b", Response::of_json(200, &2));
        driver.call_back("hook", "x", Duration::from_secs(5), "called");
        let output = driver
            .run(&json!({"steps": [
                {"expect": ["hook", "x"]}, {"post": ["/a", {}]}, "save", {"get": "/b"}, {"sleep": 10}, "now",
                {"await": ["hook", "x", 60000]}, {"await": ["hook", "x", 1000]}, {"emit": {"n": 1}}, {"get-all": [["/b", "/b"], 2]},
            ]}))
            .unwrap();
        assert_eq!(
            output,
            json!({"greeting": "done", "answers": ["1", "2", "\"called\"", "nobody called", "2", "2"]})
        );
        assert_eq!(driver.take("parcels")[0].text(), r#"{"n":1}"#);
        assert_eq!(driver.requests().len(), 4);
    }

    #[test]
    fn every_problem_is_told() {
        let driver = JobDriver::<Courier>::new("{}").unwrap();
        let all = json!({"steps": [{"get-all": [[], 0]}, {"get-all": [[], 0]}]});
        assert_eq!(driver.validate(&all).unwrap_err().len(), 2);
        let wrong = driver.validate(&json!({"steps": "none"})).unwrap_err();
        assert_eq!(wrong[0].code, "unexpected");
    }
}
