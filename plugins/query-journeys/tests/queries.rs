//! The job, natively, against answers that are told to it.

mod queries {
    mod calendar;
    mod engine;
    mod input;
    mod pages;
    mod result;
    mod scenario;
    mod simulator;
}
