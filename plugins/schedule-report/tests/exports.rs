//! The job, natively, against answers that are told to it.

mod exports {
    mod creation;
    mod input;
    mod outcome;
    mod scenario;
    mod simulator;
    mod watching;
}
