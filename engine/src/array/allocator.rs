//! What the allocator does with memory that is let go of. Left to itself it keeps large buffers, in a heap of its own
//! for each thread, and a process with little memory comes to take twice what it holds.

/// From this length on, memory goes back to the system when it is let go of.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: libc::c_int = 256 << 10;

/// So many heaps there are then. Every thread that reads a file would have one of its own, with what it was once used for.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const HEAPS: libc::c_int = 2;

/// Has the allocator give large buffers back: for processes that have little memory, as clearing new pages each
/// time takes a while.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the allocator is set up by a call")]
pub(super) fn gives_back() {
    // SAFETY: the allocator takes both at any time, and by itself would change the first.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
        libc::mallopt(libc::M_ARENA_MAX, HEAPS);
    }
}

/// Other allocators do as they see fit.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(super) fn gives_back() {}
