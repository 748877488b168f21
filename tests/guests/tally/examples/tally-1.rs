//! The first release: state of version 1.

jackfield_sdk::stage!(tally::Tally<tally::First>);
