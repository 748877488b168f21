//! What is broken where the host stands between servers.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::time::Duration;

use jackfield_tests::random::Xorshift;
use jackfield_tests::services::{Cassandra, Kafka};

/// A server that the host depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Server {
    Kafka,
    Cassandra,
}

/// Something that breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The host is killed and started again.
    HostKilled,
    /// The host stands still for a while.
    HostStopped,
    /// A server is killed, and started again while the host works.
    ServerKilled(Server),
    /// A server is killed, then the host; the host is started again before the server is.
    BothKilled(Server),
    /// A server stands still for a while, with its connections open.
    ServerStopped(Server),
}

/// Each kind comes once before one comes again; the host is killed between any two others.
const ROTATION: [Fault; 14] = [
    Fault::HostKilled,
    Fault::ServerKilled(Server::Kafka),
    Fault::HostKilled,
    Fault::HostStopped,
    Fault::HostKilled,
    Fault::ServerKilled(Server::Cassandra),
    Fault::HostKilled,
    Fault::ServerStopped(Server::Kafka),
    Fault::HostKilled,
    Fault::BothKilled(Server::Cassandra),
    Fault::HostKilled,
    Fault::ServerStopped(Server::Cassandra),
    Fault::HostKilled,
    Fault::BothKilled(Server::Kafka),
];

impl Fault {
    /// Which comes as the given one of all.
    pub fn number(number: u64) -> Self {
        ROTATION[(number % ROTATION.len() as u64) as usize]
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HostKilled => formatter.write_str("host killed"),
            Self::HostStopped => formatter.write_str("host stopped"),
            Self::ServerKilled(server) => write!(formatter, "{server:?} killed"),
            Self::BothKilled(server) => write!(formatter, "{server:?} and host killed"),
            Self::ServerStopped(server) => write!(formatter, "{server:?} stopped"),
        }
    }
}

/// How often what was broken.
#[derive(Default)]
pub struct Faults(BTreeMap<Fault, u64>);

impl Faults {
    pub fn add(&mut self, fault: Fault) {
        *self.0.entry(fault).or_default() += 1;
    }

    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self
            .0
            .iter()
            .map(|(fault, count)| format!("{fault} {count}"))
            .collect();
        write!(formatter, " ({})", words.join(", "))
    }
}

/// The servers of all rounds.
pub struct Servers {
    pub kafka: Kafka,
    pub cassandra: Cassandra,
}

impl Servers {
    pub fn kill(&self, server: Server) -> io::Result<()> {
        match server {
            Server::Kafka => self.kafka.kill(),
            Server::Cassandra => self.cassandra.kill(),
        }
    }

    pub fn restart(&self, server: Server) -> io::Result<()> {
        match server {
            Server::Kafka => self.kafka.restart(),
            Server::Cassandra => self.cassandra.restart(),
        }
    }

    pub fn suspend(&self, server: Server) -> io::Result<()> {
        match server {
            Server::Kafka => self.kafka.suspend(),
            Server::Cassandra => self.cassandra.suspend(),
        }
    }

    pub fn resume(&self, server: Server) -> io::Result<()> {
        match server {
            Server::Kafka => self.kafka.resume(),
            Server::Cassandra => self.cassandra.resume(),
        }
    }
}

/// How long something stands still: sometimes for longer than a client waits for an answer.
pub fn draw_standstill(random: &mut Xorshift) -> Duration {
    match random.below(8) {
        0 => Duration::from_millis(10_500 + random.below(2_000)),
        _ => Duration::from_millis(100 + random.below(2_000)),
    }
}
