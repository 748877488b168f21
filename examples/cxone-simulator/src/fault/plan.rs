//! Faults that are meant for certain requests.

use std::collections::VecDeque;
use std::mem::{Discriminant, discriminant};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::Fault;

/// A fault and the requests that it waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedFault {
    /// Requests whose path begins with this are meant.
    pub path: String,
    /// Only requests with this method, such as `POST`; any, if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// How many of them.
    #[serde(default = "once")]
    pub times: u32,
    /// What happens to them.
    pub fault: Fault,
}

const fn once() -> u32 {
    1
}

impl PlannedFault {
    fn is_for(&self, method: &str, path: &str) -> bool {
        let wanted = self.method.as_deref();
        self.times > 0 && path.starts_with(&self.path) && wanted.is_none_or(|m| m == method)
    }
}

/// The faults to come, oldest first.
#[derive(Debug, Default)]
pub(crate) struct FaultPlan(Mutex<VecDeque<PlannedFault>>);

impl FaultPlan {
    pub fn add(&self, planned: PlannedFault) {
        let mut plan = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        plan.push_back(planned);
    }

    /// Uses up the oldest fault that this request meets.
    pub fn take(&self, method: &str, path: &str) -> Option<Fault> {
        let mut plan = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        plan.retain(|planned| planned.times > 0);
        let planned = plan
            .iter_mut()
            .find(|planned| !planned.fault.is_later() && planned.is_for(method, path))?;
        planned.times -= 1;
        Some(planned.fault.clone())
    }

    /// Uses up the oldest fault of each kind that the work meets which this request starts.
    pub fn take_later(&self, method: &str, path: &str) -> Vec<Fault> {
        let mut plan = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken: Vec<Fault> = Vec::new();
        for planned in &mut *plan {
            let kinds: Vec<Discriminant<Fault>> = taken.iter().map(discriminant).collect();
            let another = !kinds.contains(&discriminant(&planned.fault));
            if another && planned.fault.is_later() && planned.is_for(method, path) {
                planned.times -= 1;
                taken.push(planned.fault.clone());
            }
        }
        taken
    }

    /// What is still to come.
    pub fn outstanding(&self) -> Vec<PlannedFault> {
        let plan = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        plan.iter()
            .filter(|planned| planned.times > 0)
            .cloned()
            .collect()
    }

    pub fn clear(&self) {
        let mut plan = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        plan.clear();
    }
}
