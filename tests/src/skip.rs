//! Tests that need what a machine may lack.

/// Says that a test is left out, and why. Where nothing may be left out (`STRATA_REQUIRE_ALL=1`), that
/// is a failure.
pub fn skipped(why: &str) {
    assert!(std::env::var("STRATA_REQUIRE_ALL").as_deref() != Ok("1"), "skipped: {why}");
    eprintln!("skipped: {why}");
}
