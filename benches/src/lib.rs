//! Strata beside other engines. `strata-benches arrays` compares arrays: it measures Strata in processes
//! of its own, and its peers by the Python programs in `peers/arrays`. What is compared as SQL text is
//! `compare.py`, pools are `pool.py`, and servers are `flight.py`, which [`flight`] is a part of.

pub mod arrays;
pub mod flight;
