//! The third release: state of version 3.

jackfield_sdk::stage!(tally::Tally<tally::Third>);
