//! The records that travel between the stages of the data actions pipeline.
//!
//! They are parsed and validated once, by the first stage, and then passed on as compact as postcard makes them: what the
//! record's key or event time says already is not repeated, the usual states take one byte, and text is borrowed from the
//! batch when it is read. `Text` is `&str`, or `&[u8]` for a stage that need not look at it: the encoding is the same, and
//! reading it is cheaper.

use serde::{Deserialize, Serialize};

/// What happened to a customer, keyed by the customer's identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CustomerRecord<Text> {
    /// The customer got in touch.
    Interaction(Interaction<Text>),
    /// What is known of the customer has changed.
    Profile(Profile<Text>),
}

/// An interaction with a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interaction<Text> {
    /// How it ended.
    pub status: Status<Text>,
    /// Which one.
    pub interaction_id: Text,
    /// By which way it came: voice, chat and so on.
    pub channel: Text,
}

/// What is known of a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile<Text> {
    /// The service level that the customer pays for.
    pub tier: Text,
    /// Where the customer is.
    pub region: Text,
}

/// How an interaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status<Text> {
    /// With what the customer wanted.
    Success,
    /// Without.
    Failure,
    /// With the wish to be called back.
    CallbackRequest,
    /// In a way that means nothing to this pipeline.
    Other(Text),
}

impl<'a> Status<&'a str> {
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

impl<'a> From<&'a str> for Status<&'a str> {
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
    fn text_that_is_not_looked_at_is_read_as_bytes() {
        let status = Status::Other("TRANSFERRED");
        let interaction = Interaction {
            status,
            interaction_id: "i1",
            channel: "voice",
        };
        let bytes = postcard::to_allocvec(&CustomerRecord::Interaction(interaction)).unwrap();
        let read: CustomerRecord<&[u8]> = postcard::from_bytes(&bytes).unwrap();
        let expected = Interaction {
            status: Status::Other(&b"TRANSFERRED"[..]),
            interaction_id: b"i1",
            channel: b"voice",
        };
        assert_eq!(read, CustomerRecord::Interaction(expected));
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
