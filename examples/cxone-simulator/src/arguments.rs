//! The command line: each option of the library by name, with the library's defaults.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use cxone_simulator::{ExtensionSchema, FaultRates, Options, Pace, RetryAfter, SCOPES};
use jiff::SignedDuration;
use serde_json::{Map, Value};

/// Stands in for the CXone platform and its neighbours, over HTTP.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Arguments {
    /// Where to listen; port 0 lets the system choose.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Writes the port into this file once the simulator listens.
    #[arg(long, value_name = "FILE")]
    pub port_file: Option<PathBuf>,
    /// The client that the token endpoints know.
    #[arg(long, default_value = "demo-client")]
    client_id: String,
    /// The secret of that client.
    #[arg(long, default_value = "demo-secret")]
    client_secret: String,
    /// Scopes that the client may have, separated by commas; an empty text grants none.
    #[arg(long, value_delimiter = ',', default_values = SCOPES, hide_default_value = true)]
    scopes: Vec<String>,
    /// How long a token is accepted, such as 3600s or 1h.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "3600s")]
    token_lifetime: Duration,
    /// Requests a second beyond which 429 is answered, such as 50/s.
    #[arg(long, value_name = "N/s", value_parser = rate)]
    rate_limit: Option<NonZeroU32>,
    /// How a refusal of the rate limit says when to come back.
    #[arg(long, value_enum, default_value = "seconds")]
    retry_after: RetryAfterForm,
    /// Of all rows and identifiers: the same seed, the same rows.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How long a step of an execution, a query, an export or a sync takes; `poll` for until it is looked at again.
    #[arg(long, value_name = "DURATION", value_parser = pace, default_value = "poll")]
    step: Pace,
    /// Carries out requests whose idempotency key was seen before as if they had none.
    #[arg(long)]
    ignore_idempotency_keys: bool,
    /// How many of the latest requests are remembered.
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    kept_requests: usize,
    /// Faults by chance, such as seed=7,server-error=0.1,cut=0.05; every=0.05 is 0.05 for all that a client can get over.
    #[arg(long, value_name = "NAME=RATE,…", value_parser = fault_rates)]
    fault_rates: Option<FaultRates>,
    /// A data action that exists; may be given several times.
    #[arg(
        long = "data-action",
        value_name = "ID",
        default_value = "cxone-data-actions"
    )]
    data_actions: Vec<String>,
    /// Rows of a report, of which up to 2 % are missing in its executions.
    #[arg(long, value_name = "N", default_value_t = 2_500_000)]
    report_rows: u64,
    /// How many analytics queries may run at once.
    #[arg(long, value_name = "N")]
    concurrent_queries: Option<usize>,
    /// Answers a query with a whole URL as its location, not with a path.
    #[arg(long)]
    absolute_locations: bool,
    /// How many journeys the analytics know.
    #[arg(long, value_name = "N", default_value_t = 40)]
    journeys: u32,
    /// A data extension that exists, and its fields, the key first: ID or ID=NAME:TYPE,…; may be given several times.
    #[arg(
        long = "data-extension",
        value_name = "ID=FIELDS",
        default_value = "customer-profiles"
    )]
    data_extensions: Vec<ExtensionSchema>,
    /// How many bytes of JSON a data extension can hold.
    #[arg(long, value_name = "BYTES", default_value_t = 1024 * 1024 * 1024)]
    extension_storage: u64,
    /// The bearer token with which a sync authenticates itself at its source.
    #[arg(long, default_value = "demo-source-token")]
    source_token: String,
    /// Signs callbacks: `X-Webhook-Signature` with the HMAC-SHA-256 of the body.
    #[arg(long, value_name = "SECRET")]
    webhook_secret: Option<String>,
    /// How often a callback or a page of a source is tried.
    #[arg(long, value_name = "N", default_value_t = 10)]
    outbound_attempts: usize,
    /// The wait before the second try, which doubles with each try up to five seconds.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "100ms")]
    outbound_first_wait: Duration,
    /// How long a callback that shall be overtaken waits for another, at most.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "1s")]
    late_callback_wait: Duration,
    /// Records of an export.
    #[arg(long, value_name = "N", default_value_t = 12_000)]
    export_rows: u64,
    /// How many steps an export takes before its records are there.
    #[arg(long, value_name = "N", default_value_t = 0)]
    export_steps: u32,
    /// An export that exists from the start; may be given several times.
    #[arg(long = "export", value_name = "ID")]
    exports: Vec<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RetryAfterForm {
    Seconds,
    Date,
    Absent,
}

impl Arguments {
    pub fn into_options(self) -> Options {
        Options {
            listen: self.listen,
            client_id: self.client_id,
            client_secret: self.client_secret,
            scopes: self.scopes.into_iter().filter(|s| !s.is_empty()).collect(),
            token_lifetime: self.token_lifetime,
            rate_limit: self.rate_limit,
            retry_after: match self.retry_after {
                RetryAfterForm::Seconds => RetryAfter::Seconds,
                RetryAfterForm::Date => RetryAfter::Date,
                RetryAfterForm::Absent => RetryAfter::Absent,
            },
            seed: self.seed,
            pace: self.step,
            idempotency_keys_honoured: !self.ignore_idempotency_keys,
            kept_requests: self.kept_requests,
            fault_rates: self.fault_rates,
            data_actions: self.data_actions,
            report_rows: self.report_rows,
            concurrent_queries: self.concurrent_queries,
            absolute_locations: self.absolute_locations,
            journeys: self.journeys,
            data_extensions: self.data_extensions,
            extension_storage: self.extension_storage,
            source_token: self.source_token,
            webhook_secret: self.webhook_secret,
            outbound_attempts: self.outbound_attempts,
            outbound_first_wait: self.outbound_first_wait,
            late_callback_wait: self.late_callback_wait,
            export_rows: self.export_rows,
            export_steps: self.export_steps,
            exports: self.exports,
        }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed: SignedDuration = text.parse().map_err(|error| format!("{error}"))?;
    Duration::try_from(parsed).map_err(|_| "expected a duration that is not negative".into())
}

fn rate(text: &str) -> Result<NonZeroU32, String> {
    let number = text.strip_suffix("/s").unwrap_or(text);
    number
        .parse()
        .map_err(|_| "expected a number of requests a second from 1, such as 50/s".into())
}

fn pace(text: &str) -> Result<Pace, String> {
    match text {
        "poll" => Ok(Pace::EachPoll),
        _ => duration(text).map(Pace::Every),
    }
}

/// Names and rates, read as the JSON that the path for rates takes.
fn fault_rates(text: &str) -> Result<FaultRates, String> {
    let mut members = Map::new();
    for pair in text.split(',') {
        let (name, value) = pair.split_once('=').ok_or("expected NAME=RATE,…")?;
        // A path is no JSON by itself.
        let value = value.parse().unwrap_or_else(|_| Value::from(value));
        members.insert(name.into(), value);
    }
    if let Some(every) = members.remove("every") {
        let rate = every.as_f64().ok_or("every: expected a rate")?;
        let seed = members.get("seed").and_then(Value::as_u64).unwrap_or(1);
        let all = serde_json::to_value(FaultRates::every(rate, seed));
        let all = all.map_err(|error| error.to_string())?;
        for (name, value) in all.as_object().into_iter().flatten() {
            members.entry(name).or_insert_with(|| value.clone());
        }
    }
    let rates: FaultRates =
        serde_json::from_value(Value::Object(members)).map_err(|error| error.to_string())?;
    rates.check()?;
    Ok(rates)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn defaults_are_those_of_the_library() {
        let options = Arguments::parse_from(["cxone-simulator"]).into_options();
        assert_eq!(format!("{options:?}"), format!("{:?}", Options::default()));
    }

    #[test]
    fn a_rate_is_a_number_a_second() {
        assert_eq!(rate("50/s"), Ok(NonZeroU32::MIN.saturating_add(49)));
        assert!(rate("0/s").is_err());
        assert!(rate("50/m").is_err());
    }

    #[test]
    fn fault_rates_are_named() {
        let rates = fault_rates("seed=7,cut=0.25,path=/api").unwrap();
        let expected = FaultRates {
            seed: 7,
            cut: 0.25,
            path: "/api".into(),
            ..FaultRates::default()
        };
        assert_eq!(rates, expected);
    }

    #[test]
    fn every_is_all_rates_that_are_not_named() {
        let rates = fault_rates("every=0.1,seed=3,cut=0").unwrap();
        let expected = FaultRates {
            cut: 0.0,
            ..FaultRates::every(0.1, 3)
        };
        assert_eq!(rates, expected);
    }

    #[test]
    fn rates_that_make_no_sense_are_told() {
        for wrong in ["cut", "cut=2", "explode=0.1", "every=0.3", "cut=often"] {
            assert!(fault_rates(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_step_is_a_poll_or_a_time() {
        assert_eq!(pace("poll"), Ok(Pace::EachPoll));
        assert_eq!(pace("2s"), Ok(Pace::Every(Duration::from_secs(2))));
        assert!(pace("-2s").is_err());
    }
}
