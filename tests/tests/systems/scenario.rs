//! A system at work, in a folder that goes with it, on a platform that can be told what to do.

#![allow(dead_code, reason = "each test uses a part of it")]
#![allow(dead_code, reason = "each test uses what it needs of it")]

use std::ops::Deref;

use cxone_simulator::{Fault, Options, PlannedFault, RecordedRequest};
use jackfield_tests::harness::{Host, Pipeline};
use jackfield_tests::systems::{Answer, Client, Site, System};
use serde_json::Value;
use tempfile::TempDir;

pub struct Scenario {
    host: Option<Host>,
    site: Site,
    pub client: Client,
    _folder: TempDir,
}

impl Scenario {
    pub fn start(system: &dyn System) -> Self {
        Self::start_with(system, system.platform(), |pipeline| pipeline)
    }

    /// On a certain platform, and with certain settings.
    pub fn start_with(
        system: &dyn System,
        platform: Options,
        change: impl FnOnce(Pipeline) -> Pipeline,
    ) -> Self {
        let folder = TempDir::new().unwrap();
        let quick = |pipeline: Pipeline| change(pipeline.environment("POLL_INTERVAL", "20ms"));
        let site = Site::open(system, folder.path(), platform)
            .unwrap()
            .with(quick);
        Self {
            host: Some(site.pipeline().start().unwrap()),
            client: site.client().unwrap(),
            site,
            _folder: folder,
        }
    }

    /// Makes the next requests of a method to paths that begin so go wrong.
    pub fn plan(&self, (method, path): (&str, &str), times: u32, fault: Fault) {
        self.simulator().plan_fault(PlannedFault {
            path: path.to_owned(),
            method: Some(method.to_owned()),
            times,
            fault,
        });
    }

    /// Requests of a method to paths that begin so.
    pub fn requests(&self, (method, path): (&str, &str)) -> Vec<RecordedRequest> {
        let mut requests = self.simulator().requests();
        requests.retain(|request| request.method == method && request.path.starts_with(path));
        requests
    }

    /// Kills the host, and starts another one.
    pub fn crash(&mut self) {
        self.host.take().unwrap().kill().unwrap();
        self.host = Some(self.site.pipeline().start().unwrap());
    }

    /// Asks the host to end.
    pub fn terminate(&self) {
        self.host.as_ref().unwrap().terminate().unwrap();
    }

    /// Ends the host; afterwards everything is written that there is to write, and the audit log is verified.
    pub fn stop(&mut self) {
        let host = self.host.take().unwrap();
        host.terminate().unwrap();
        host.wait().unwrap().expect_success();
        self.site.finish().unwrap();
    }
}

impl Deref for Scenario {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

/// What a job failed with.
pub fn failure(document: &Value) -> (&str, u64) {
    let problem = &document["problem"];
    let code = problem["code"].as_str().unwrap_or_default();
    (code, problem["status"].as_u64().unwrap_or_default())
}

/// Field and code of each problem of an answer.
pub fn problems(answer: &Answer) -> Vec<(String, String)> {
    let body = answer.json();
    let problems = body["problems"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let told = problems.iter();
    told.map(|problem| (text(&problem["field"]), text(&problem["code"])))
        .collect()
}

/// A 429, with or without the time to come again.
pub fn too_many(retry_after: Option<&str>) -> Fault {
    Fault::Status {
        status: 429,
        retry_after: retry_after.map(str::to_owned),
    }
}
