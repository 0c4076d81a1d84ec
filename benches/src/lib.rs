//! Strata beside other engines. The comparison is `compare.py` in this folder, since the peers are
//! Python packages; this crate is the place for measurements of Strata's own parts, each named by
//! the question it answers. There is none yet.
