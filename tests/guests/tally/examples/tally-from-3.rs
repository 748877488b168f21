//! A release that can go on from version 3 alone.

jackfield_sdk::stage!(tally::Tally<tally::FromThird>);
