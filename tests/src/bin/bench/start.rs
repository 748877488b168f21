//! How long a host with many plugins takes to start: when it compiles them, and when it has done so before.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jackfield_tests::harness::{Finished, Pipeline, repository};

use super::{Measured, output};

/// The most that a start may take whose plugins were compiled before.
const WARM: Duration = Duration::from_secs(2);

#[derive(clap::Args)]
pub struct Options {
    /// Plugins, each with a digest of its own, and each a stage.
    #[arg(long, default_value_t = 200)]
    plugins: u32,
    /// Measurements, of which the median counts.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

pub fn measure(options: &Options) -> Measured {
    let folder = output("start")?;
    let template = fs::read(repository().join("target/plugins/parse-interactions.wasm"))?;
    for number in 0..options.plugins {
        fs::write(plugin(&folder, number), distinct(&template, number))?;
    }
    fs::write(folder.join("records.jsonl"), "")?;
    let manifest = folder.join("start.toml");
    fs::write(&manifest, text(&folder, options.plugins))?;
    let pipeline = Pipeline::new(manifest, folder.join("work")).code_cache(&folder.join("cache"));

    println!(
        "{} plugins of {} KiB",
        options.plugins,
        template.len() / 1024
    );
    let cold = check(&pipeline)?;
    println!("check, compiling all     {:6.2} s", cold.as_secs_f64());
    let warm = median(options.rounds, || check(&pipeline))?;
    println!("check, compiled before   {:6.2} s", warm.as_secs_f64());
    let run = median(options.rounds, || run(&pipeline))?;
    println!(
        "run to the end of empty input, compiled before  {:6.2} s",
        run.as_secs_f64()
    );
    match warm.max(run) <= WARM {
        true => Ok(()),
        false => Err(format!("a warm start took longer than {WARM:?}").into()),
    }
}

fn check(pipeline: &Pipeline) -> Result<Duration, std::io::Error> {
    let finished = pipeline.run_command(&["check"], &[])?;
    Ok(wall_time(finished))
}

fn run(pipeline: &Pipeline) -> Result<Duration, std::io::Error> {
    // Each run is the first one.
    match fs::remove_dir_all(pipeline.folder()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    Ok(wall_time(pipeline.run()?))
}

fn wall_time(finished: Finished) -> Duration {
    finished.expect_success().wall
}

fn median(
    rounds: usize,
    mut measure: impl FnMut() -> Result<Duration, std::io::Error>,
) -> Result<Duration, std::io::Error> {
    let mut times = (0..rounds.max(1))
        .map(|_| measure())
        .collect::<Result<Vec<_>, _>>()?;
    times.sort_unstable();
    Ok(times[times.len() / 2])
}

fn plugin(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("plugin-{number}.wasm"))
}

/// The component with a section at its end that means nothing, and makes it another file.
fn distinct(component: &[u8], number: u32) -> Vec<u8> {
    const NAME: &[u8] = b"number";
    let number = number.to_le_bytes();
    let mut section = vec![0, (1 + NAME.len() + number.len()) as u8, NAME.len() as u8];
    section.extend_from_slice(NAME);
    section.extend_from_slice(&number);
    [component, &section].concat()
}

/// A pipeline in which every plugin reads the same source.
fn text(folder: &Path, plugins: u32) -> String {
    let stage = |number| {
        let plugin = plugin(folder, number);
        format!("[stages.parse-{number}]\nplugin = {plugin:?}\ninputs.lines = \"records\"\n")
    };
    let stages: String = (0..plugins).map(stage).collect();
    let input = folder.join("records.jsonl");
    format!(
        r#"
        [pipeline]
        name = "start"
        [checkpoint]
        path = "work/start.db"
        [sources.records]
        type = "file"
        paths = [{input:?}]
        [sinks.customers]
        type = "jsonl"
        from = "parse-0.customers"
        path = "work/customers.jsonl"
        {stages}"#
    )
}
