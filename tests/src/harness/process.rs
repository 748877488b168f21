//! A host process, and what the kernel knows of it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{io, thread};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

/// No run of a test or a measurement takes longer; a host that does hangs.
const PATIENCE: Duration = Duration::from_secs(900);
/// Between two looks at a process.
const LOOK: Duration = Duration::from_millis(5);
/// Between two looks at what passes quickly.
const CLOSE_LOOK: Duration = Duration::from_micros(100);
/// `_SC_CLK_TCK`, the unit of CPU time in `/proc`, is a hundredth of a second on every Linux.
const TICKS_A_SECOND: f64 = 100.0;

/// A running host. It is killed if it is dropped before it ended.
#[derive(Debug)]
pub struct Host {
    child: Child,
    started: Instant,
    log: Option<PathBuf>,
    peak_memory: u64,
}

/// A host that ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to its standard output, unless it had the terminal.
    pub stdout: String,
    /// What it wrote to its standard error, unless it had the terminal.
    pub stderr: String,
    /// From start to end.
    pub wall: Duration,
    /// CPU time of all its threads, in user and kernel mode, to a hundredth of a second.
    pub cpu: Duration,
    /// The most resident memory that it had, in bytes.
    pub peak_memory: u64,
}

impl Finished {
    /// The exit code; none after a signal.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Passes the run on if it ended well.
    ///
    /// # Panics
    /// With what the host wrote, if not.
    pub fn expect_success(self) -> Self {
        assert!(
            self.status.success(),
            "{}\n{}{}",
            self.status,
            self.stdout,
            self.stderr
        );
        self
    }
}

impl Host {
    pub(super) fn start(mut command: Command, log: &Path) -> io::Result<Self> {
        let (stdout, stderr) = logs(log);
        command
            .stdin(Stdio::null())
            .stdout(File::create(stdout)?)
            .stderr(File::create(stderr)?);
        Self::spawn(command, Some(log.to_path_buf()))
    }

    pub(super) fn start_in_terminal(command: Command) -> io::Result<Self> {
        Self::spawn(command, None)
    }

    fn spawn(mut command: Command, log: Option<PathBuf>) -> io::Result<Self> {
        Ok(Self {
            child: command.spawn()?,
            started: Instant::now(),
            log,
            peak_memory: 0,
        })
    }

    /// Its number.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Time since the start.
    pub fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// Ends it as a crash would, with no chance to do anything. Nothing happens if it ended before.
    ///
    /// # Errors
    /// When the process does not end.
    pub fn kill(mut self) -> io::Result<Finished> {
        self.child.kill()?;
        self.wait()
    }

    /// Asks it to end, as an operator does (SIGTERM).
    ///
    /// # Errors
    /// When there is no such process any more.
    pub fn terminate(&self) -> io::Result<()> {
        Ok(kill_process(self.pid()?, Signal::TERM)?)
    }

    /// Asks it to read its manifest again (SIGHUP).
    ///
    /// # Errors
    /// When there is no such process any more.
    pub fn hang_up(&self) -> io::Result<()> {
        Ok(kill_process(self.pid()?, Signal::HUP)?)
    }

    /// Makes it stand still (SIGSTOP), as a machine does that swaps or whose clock is taken away.
    ///
    /// # Errors
    /// When there is no such process any more.
    pub fn suspend(&self) -> io::Result<()> {
        Ok(kill_process(self.pid()?, Signal::STOP)?)
    }

    /// Lets it go on (SIGCONT).
    ///
    /// # Errors
    /// When there is no such process any more.
    pub fn resume(&self) -> io::Result<()> {
        Ok(kill_process(self.pid()?, Signal::CONT)?)
    }

    /// Whether it has not ended yet.
    ///
    /// # Errors
    /// When the kernel does not know the process.
    pub fn is_running(&mut self) -> io::Result<bool> {
        self.peak_memory = self
            .peak_memory
            .max(status_bytes(self.child.id(), "VmHWM:").unwrap_or(0));
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        Ok(waitid(WaitId::Pid(self.pid()?), options)?.is_none())
    }

    /// Resident memory now, in bytes; nothing once it has ended.
    pub fn memory(&self) -> Option<u64> {
        status_bytes(self.child.id(), "VmRSS:")
    }

    /// Looks again and again until `condition` holds or the host has ended; answers whether the condition held.
    ///
    /// # Errors
    /// When neither happens for a quarter of an hour.
    pub fn wait_until(&mut self, condition: impl FnMut(&Self) -> bool) -> io::Result<bool> {
        self.look_until(condition, LOOK)
    }

    /// As [`Host::wait_until`], for conditions that do not hold for long.
    ///
    /// # Errors
    /// As there.
    pub fn wait_until_closely(&mut self, condition: impl FnMut(&Self) -> bool) -> io::Result<bool> {
        self.look_until(condition, CLOSE_LOOK)
    }

    fn look_until(
        &mut self,
        mut condition: impl FnMut(&Self) -> bool,
        pause: Duration,
    ) -> io::Result<bool> {
        loop {
            if condition(self) {
                return Ok(true);
            }
            if !self.is_running()? {
                return Ok(false);
            }
            if self.age() > PATIENCE {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("the host hangs\n{}", self.output().1),
                ));
            }
            thread::sleep(pause);
        }
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it does not end within a quarter of an hour.
    pub fn wait(mut self) -> io::Result<Finished> {
        self.wait_until(|_| false)?;
        let wall = self.age();
        // The kernel keeps a process's CPU time until its end is taken note of, and not longer.
        let cpu = cpu_time(self.child.id())?;
        let status = self.child.wait()?;
        let (stdout, stderr) = self.output();
        Ok(Finished {
            status,
            stdout,
            stderr,
            wall,
            cpu,
            peak_memory: self.peak_memory,
        })
    }

    fn output(&self) -> (String, String) {
        let Some(log) = &self.log else {
            return Default::default();
        };
        let (stdout, stderr) = logs(log);
        let read = |path| {
            fs::read(path)
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
                .unwrap_or_default()
        };
        (read(stdout), read(stderr))
    }

    fn pid(&self) -> io::Result<Pid> {
        Pid::from_raw(self.child.id().cast_signed())
            .ok_or_else(|| io::Error::other("a process has no number"))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            _ = self.child.kill();
            _ = self.child.wait();
        }
    }
}

fn logs(log: &Path) -> (PathBuf, PathBuf) {
    (log.with_extension("stdout"), log.with_extension("stderr"))
}

/// A size of `/proc/PID/status`, which is in KiB there.
fn status_bytes(pid: u32, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(value.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

/// User and system time of `/proc/PID/stat`: the 14th and 15th field, of which the second may hold spaces.
fn cpu_time(pid: u32) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields = stat
        .rsplit_once(')')
        .map_or("", |(_, fields)| fields)
        .split_whitespace();
    let ticks: u64 = fields
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Ok(Duration::from_secs_f64(ticks as f64 / TICKS_A_SECOND))
}
