//! Memory in huge pages. An array of a gigabyte is a quarter of a million pages, and asking the system for one
//! after the other takes as long as computing what is put into them.

/// Asks the system for huge pages. What it does not have, or does not know of, it gives in small ones.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the system's call takes an address")]
pub(super) fn ask_for(memory: &mut [u8]) {
    const HUGE: usize = 2 << 20;
    let first = memory.as_ptr().align_offset(HUGE).min(memory.len());
    let whole = (memory.len() - first) / HUGE * HUGE;
    let Some(pages) = memory.get_mut(first..first + whole).filter(|pages| !pages.is_empty()) else {
        return;
    };
    // SAFETY: the pages are borrowed for us alone, and this advice changes nothing that they hold.
    unsafe { libc::madvise(pages.as_mut_ptr().cast(), pages.len(), libc::MADV_HUGEPAGE) };
}

/// Only Linux is asked.
#[cfg(not(target_os = "linux"))]
pub(super) fn ask_for(_: &mut [u8]) {}
