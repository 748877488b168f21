//! The plugin as it was released again and again.

use jackfield_sdk::StateVersions;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::state::{Count, Dated, Remember, StrictlySummed, Summed};

/// What differs between one release and another.
pub trait Edition: 'static {
    /// What is remembered of a key.
    type State: Remember + Default + Serialize + DeserializeOwned;

    /// What it reads.
    const STATE_VERSIONS: StateVersions<Self::State>;
}

/// Writes version 1.
pub struct First;

/// Writes version 2.
pub struct Second;

/// Writes version 3.
pub struct Third;

/// Writes version 3, and reads nothing else.
pub struct FromThird;

/// Writes version 3, and reads all, as long as it knows the time of each key.
pub struct Strict;

impl Edition for First {
    type State = Count;
    const STATE_VERSIONS: StateVersions<Count> = StateVersions::only(1);
}

impl Edition for Second {
    type State = Dated;
    const STATE_VERSIONS: StateVersions<Dated> = StateVersions::since::<Count>(1).now(2);
}

impl Edition for Third {
    type State = Summed;
    const STATE_VERSIONS: StateVersions<Summed> =
        StateVersions::since::<Count>(1).then::<Dated>(2).now(3);
}

impl Edition for FromThird {
    type State = Summed;
    const STATE_VERSIONS: StateVersions<Summed> = StateVersions::only(3);
}

impl Edition for Strict {
    type State = StrictlySummed;
    const STATE_VERSIONS: StateVersions<StrictlySummed> =
        StateVersions::since::<Count>(1).then::<Dated>(2).now(3);
}
