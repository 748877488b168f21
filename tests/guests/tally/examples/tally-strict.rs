//! A release that says it can go on from version 1, and then cannot.

jackfield_sdk::stage!(tally::Tally<tally::Strict>);
