//! A run of the data-actions pipeline in a folder of its own, and what is expected of it.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::comparison::compare;
use crate::harness::{Finished, Pipeline};
use crate::model::Model;
use crate::table::{Observation, Table};

/// An input, the pipeline that reads it, and the output that it should have. The folder goes with it.
#[derive(Debug)]
pub struct Scenario {
    folder: TempDir,
    pipeline: Pipeline,
    lines: Vec<u8>,
}

/// A test that cannot make its files has failed.
const FILES: &str = "the temporary folder takes files";

#[expect(clippy::expect_used, reason = "a test that cannot run has to fail")]
impl Scenario {
    /// One plain file of these lines.
    pub fn new(lines: &[u8]) -> Self {
        Self::with_input_file("input.jsonl", lines, lines)
    }

    /// A file of this name and these bytes, which stand for these lines.
    pub fn with_input_file(name: &str, bytes: &[u8], lines: &[u8]) -> Self {
        let folder = tempfile::tempdir().expect(FILES);
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect(FILES);
        let pipeline = Pipeline::data_actions(folder.path().join("data")).input(&path);
        Self {
            folder,
            pipeline,
            lines: lines.to_vec(),
        }
    }

    /// A file a partition, all together these lines.
    pub fn with_partitions(partitions: &[Vec<u8>], lines: &[u8]) -> Self {
        let folder = tempfile::tempdir().expect(FILES);
        let paths: Vec<PathBuf> = (0..partitions.len())
            .map(|number| folder.path().join(format!("{number}.jsonl")))
            .collect();
        for (path, partition) in paths.iter().zip(partitions) {
            fs::write(path, partition).expect(FILES);
        }
        let pipeline = Pipeline::data_actions(folder.path().join("data")).inputs(&paths);
        Self {
            folder,
            pipeline,
            lines: lines.to_vec(),
        }
    }

    /// Changes the pipeline before it is run.
    pub fn with(mut self, change: impl FnOnce(Pipeline) -> Pipeline) -> Self {
        self.pipeline = change(self.pipeline);
        self
    }

    /// The pipeline.
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// The file that [`Scenario::new`] made.
    pub fn input(&self) -> PathBuf {
        self.folder.path().join("input.jsonl")
    }

    /// What the pipeline wrote.
    pub fn observation(&self) -> Observation {
        Observation::of(self.pipeline.folder())
    }

    /// The tables that it wrote.
    ///
    /// # Panics
    /// When they cannot be read.
    pub fn tables(&self) -> Vec<Table> {
        self.observation()
            .tables()
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// Runs the pipeline to its end.
    ///
    /// # Panics
    /// When it does not end well.
    pub fn run(&self) -> Finished {
        self.run_to_any_end().expect_success()
    }

    /// Runs the pipeline to an end of any kind.
    ///
    /// # Panics
    /// When it cannot be started or hangs.
    pub fn run_to_any_end(&self) -> Finished {
        self.pipeline
            .run()
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// Compares every row that was written with the model's.
    ///
    /// # Panics
    /// When they differ.
    pub fn assert_model_output(&self) {
        let differences = compare(&Model::of(&self.lines).tables(), &self.tables());
        assert!(
            differences.is_empty(),
            "{differences}\n{}",
            differences.examples.join("\n")
        );
    }
}
