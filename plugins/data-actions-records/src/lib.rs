//! The records that travel between the stages of the data actions pipeline.
//!
//! They are parsed and validated once, by the first stage, and then passed on as compact as postcard makes them: what the
//! record's key or event time says already is not repeated, the usual states take one byte, and text is borrowed from the
//! batch when it is read.

use serde::{Deserialize, Serialize};

/// What happened to a customer, keyed by the customer's identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CustomerRecord<'a> {
    /// The customer got in touch.
    #[serde(borrow)]
    Interaction(Interaction<'a>),
    /// What is known of the customer has changed.
    Profile(Profile<'a>),
}

/// An interaction with a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interaction<'a> {
    /// How it ended.
    #[serde(borrow)]
    pub status: Status<'a>,
    /// Which one.
    pub interaction_id: &'a str,
    /// By which way it came: voice, chat and so on.
    pub channel: &'a str,
}

/// What is known of a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile<'a> {
    /// The service level that the customer pays for.
    pub tier: &'a str,
    /// Where the customer is.
    pub region: &'a str,
}

/// How an interaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status<'a> {
    /// With what the customer wanted.
    Success,
    /// Without.
    Failure,
    /// With the wish to be called back.
    CallbackRequest,
    /// In a way that means nothing to this pipeline.
    Other(&'a str),
}

impl<'a> Status<'a> {
    /// The name that CXone uses.
    pub fn name(self) -> &'a str {
        match self {
            Self::Success => "SUCCESS",
            Self::Failure => "FAILURE",
            Self::CallbackRequest => "CALLBACK_REQUEST",
            Self::Other(name) => name,
        }
    }
}

impl<'a> From<&'a str> for Status<'a> {
    fn from(name: &'a str) -> Self {
        match name {
            "SUCCESS" => Self::Success,
            "FAILURE" => Self::Failure,
            "CALLBACK_REQUEST" => Self::CallbackRequest,
            other => Self::Other(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interaction_is_little_more_than_its_text() {
        let interaction = Interaction {
            status: Status::Failure,
            interaction_id: "i000000001",
            channel: "voice",
        };
        let bytes = postcard::to_allocvec(&CustomerRecord::Interaction(interaction)).unwrap();
        assert_eq!(bytes.len(), "i000000001voice".len() + 4);
        assert_eq!(
            postcard::from_bytes(&bytes),
            Ok(CustomerRecord::Interaction(interaction))
        );
    }

    #[test]
    fn a_status_keeps_its_name() {
        for name in [
            "SUCCESS",
            "FAILURE",
            "CALLBACK_REQUEST",
            "success",
            "TRANSFERRED",
        ] {
            assert_eq!(Status::from(name).name(), name);
        }
    }
}
