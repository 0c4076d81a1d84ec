//! Memory in huge pages. An array of a gigabyte is a quarter of a million pages, and asking the system for one
//! after the other takes as long as computing what is put into them; and who looks at values far from each other
//! waits for each page to be found.

/// From so many bytes on the system is asked. Its allocator keeps nothing that is as large, so that no other memory
/// comes to lie in huge pages.
const LARGE: usize = (32 << 20) + 1;

/// Asks the system for huge pages, for memory that was not written yet. What it does not have, or does not know of,
/// it gives in small ones.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the system's call takes an address")]
pub(crate) fn ask_for<T>(memory: &mut [T]) {
    const HUGE: usize = 2 << 20;
    let bytes = size_of_val(memory);
    if bytes < LARGE {
        return;
    }
    let start = memory.as_mut_ptr().cast::<libc::c_void>();
    let before = start.addr().next_multiple_of(HUGE) - start.addr();
    let whole = bytes.saturating_sub(before) / HUGE * HUGE;
    // SAFETY: the pages lie within what is borrowed for us alone, and this advice changes nothing that they hold.
    unsafe { libc::madvise(start.wrapping_byte_add(before), whole, libc::MADV_HUGEPAGE) };
}

/// Only Linux is asked.
#[cfg(not(target_os = "linux"))]
pub(crate) fn ask_for<T>(_: &mut [T]) {}
