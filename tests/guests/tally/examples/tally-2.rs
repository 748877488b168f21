//! The second release: state of version 2.

jackfield_sdk::stage!(tally::Tally<tally::Second>);
