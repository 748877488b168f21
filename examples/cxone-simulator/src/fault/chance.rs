//! Faults that strike by chance, and yet the same ones in every run: whether a request meets one depends on the seed, on
//! what it asks for, and on how often that was asked for before; not on the clock, and not on other requests.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Fault;
use super::consequence::{Consequences, DriftChange, DriftPlan, Outcome, Rejected};
use crate::options::RetryAfter;
use crate::platform::retry_after;
use crate::random::Random;
use crate::request_log::RecordedRequest;

/// How often what goes wrong. Rates are shares of the requests, or of the pieces of work, from 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct FaultRates {
    /// The same seed, the same faults.
    pub seed: u64,
    /// Only requests whose path begins with this.
    pub path: String,
    /// How many requests for the same thing may meet a fault one after the other, at most. With 2, a client that tries
    /// three times gets through.
    pub in_a_row: u32,
    /// 500, 502, 503 or 504 instead of what was asked for.
    pub server_error: f64,
    /// 429, a third of them each with `Retry-After` in seconds, with it as a date, and without it.
    pub rate_limited: f64,
    /// How long those with `Retry-After` are told to wait, in seconds.
    pub retry_after_seconds: u64,
    /// The right answer, late.
    pub slow: f64,
    /// How late, in milliseconds.
    pub slow_milliseconds: u64,
    /// What was asked for is done; the connection is cut in the middle of the answer.
    pub cut: f64,
    /// What was asked for is done; the answer is half a body.
    pub malformed: f64,
    /// What was asked for is done; the answer is 502.
    pub answer_lost: f64,
    /// Of pieces of work: they fail in the end.
    pub failed: f64,
    /// Of exports: their records change their shape.
    pub drift: f64,
    /// Of records of a sync: they are found wrong when they come for the first time.
    pub rejected_record: f64,
    /// Of callbacks: they are made twice.
    pub duplicate_callback: f64,
    /// Of callbacks: the next one overtakes them.
    pub late_callback: f64,
}

impl Default for FaultRates {
    fn default() -> Self {
        Self {
            seed: 1,
            path: "/".into(),
            in_a_row: 2,
            server_error: 0.0,
            rate_limited: 0.0,
            retry_after_seconds: 1,
            slow: 0.0,
            slow_milliseconds: 200,
            cut: 0.0,
            malformed: 0.0,
            answer_lost: 0.0,
            failed: 0.0,
            drift: 0.0,
            rejected_record: 0.0,
            duplicate_callback: 0.0,
            late_callback: 0.0,
        }
    }
}

impl FaultRates {
    /// Every fault that a client can get over, at the same rate: all but `failed` and `drift`, which change what comes out.
    #[must_use]
    pub fn every(rate: f64, seed: u64) -> Self {
        Self {
            seed,
            server_error: rate,
            rate_limited: rate,
            slow: rate,
            cut: rate,
            malformed: rate,
            answer_lost: rate,
            rejected_record: rate,
            duplicate_callback: rate,
            late_callback: rate,
            ..Self::default()
        }
    }

    /// # Errors
    /// What is wrong, if a rate is not from 0 to 1 or those that meet requests add up to more than 1.
    pub fn check(&self) -> Result<(), String> {
        let requests = [
            ("server-error", self.server_error),
            ("rate-limited", self.rate_limited),
            ("slow", self.slow),
            ("cut", self.cut),
            ("malformed", self.malformed),
            ("answer-lost", self.answer_lost),
        ];
        let work = [
            ("failed", self.failed),
            ("drift", self.drift),
            ("rejected-record", self.rejected_record),
            ("duplicate-callback", self.duplicate_callback),
            ("late-callback", self.late_callback),
        ];
        let mut rates = requests.iter().chain(&work);
        if let Some((name, rate)) = rates.find(|(_, rate)| !(0.0..=1.0).contains(rate)) {
            return Err(format!("{name}: {rate} is not a rate from 0 to 1"));
        }
        let sum: f64 = requests.iter().map(|(_, rate)| rate).sum();
        if sum > 1.0 {
            return Err(format!(
                "the rates of faults that meet requests add up to {sum}, which is more than 1"
            ));
        }
        Ok(())
    }

    /// The fault that a request meets which draws these numbers.
    fn draw(&self, random: &mut Random) -> Option<Fault> {
        let mut share = random.share();
        let mut falls_into = |rate: f64| {
            share -= rate;
            share < 0.0
        };
        if falls_into(self.server_error) {
            let status = *random.pick(&[&500, &502, &503, &504]);
            Some(Fault::status(status))
        } else if falls_into(self.rate_limited) {
            let forms = [&RetryAfter::Seconds, &RetryAfter::Date, &RetryAfter::Absent];
            let wait = Duration::from_secs(self.retry_after_seconds);
            Some(Fault::Status {
                status: 429,
                retry_after: retry_after(*random.pick(&forms), wait),
            })
        } else if falls_into(self.slow) {
            let milliseconds = self.slow_milliseconds;
            Some(Fault::Delay { milliseconds })
        } else if falls_into(self.cut) {
            Some(Fault::Cut)
        } else if falls_into(self.malformed) {
            Some(Fault::Malformed)
        } else if falls_into(self.answer_lost) {
            Some(Fault::AnswerLost)
        } else {
            None
        }
    }
}

/// The rates in force, and what was asked for so far.
#[derive(Debug)]
pub(crate) struct FaultChance(Mutex<State>);

#[derive(Debug)]
struct State {
    rates: Option<FaultRates>,
    asked: HashMap<String, Asked>,
}

/// How often the same was asked for since the rates are in force.
#[derive(Debug, Default)]
struct Asked {
    times: u64,
    faults_in_a_row: u32,
}

impl FaultChance {
    pub fn new(rates: Option<FaultRates>) -> Self {
        let asked = HashMap::new();
        Self(Mutex::new(State { rates, asked }))
    }

    /// Puts other rates in force, from which on counting begins anew.
    pub fn set(&self, rates: Option<FaultRates>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.rates = rates;
        state.asked.clear();
    }

    pub fn rates(&self) -> Option<FaultRates> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.rates.clone()
    }

    /// The fault that this request meets.
    pub fn strike(&self, request: &RecordedRequest) -> Option<Fault> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let State { rates, asked } = &mut *state;
        let rates = rates.as_ref()?;
        if !request.path.starts_with(&rates.path) {
            return None;
        }
        let key = request.idempotency_key.as_deref().unwrap_or_default();
        let subject = format!("{} {} {key}", request.method, request.path);
        let asked = asked.entry(subject.clone()).or_default();
        let mut random = Random::new(rates.seed, "fault", &subject, asked.times);
        asked.times += 1;
        let fault = rates.draw(&mut random);
        let harmful = fault
            .as_ref()
            .is_some_and(|fault| !matches!(fault, Fault::Delay { .. }));
        if harmful && asked.faults_in_a_row >= rates.in_a_row {
            asked.faults_in_a_row = 0;
            return None;
        }
        asked.faults_in_a_row = if harmful {
            asked.faults_in_a_row + 1
        } else {
            0
        };
        fault
    }

    /// What goes wrong by chance with the work for this subject, whenever it is started.
    pub fn consequences(&self, subject: &str) -> Consequences {
        let Some(rates) = self.rates() else {
            return Consequences::default();
        };
        let draw = |kind| Random::new(rates.seed, kind, subject, 0);
        let mut drift = draw("drift");
        let drifts = drift.share() < rates.drift;
        let drift = DriftPlan::After(0.25 + drift.share() / 2.0, *drift.pick(&DriftChange::ALL));
        Consequences {
            outcome: if draw("failed").share() < rates.failed {
                Outcome::Fails
            } else {
                Outcome::Succeeds
            },
            drift: drifts.then_some(drift),
            rejected: match rates.rejected_record {
                0.0 => Rejected::None,
                rate => Rejected::ByChance {
                    seed: rates.seed,
                    rate,
                },
            },
            duplicate_callback: draw("duplicate").share() < rates.duplicate_callback,
            late_callback: draw("late").share() < rates.late_callback,
        }
    }
}
