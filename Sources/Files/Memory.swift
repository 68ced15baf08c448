import CFiles

/// Gives memory that this process has freed back to the system; takes some milliseconds.
///
/// By itself `free` gives back only what is at the end of its heaps, so that a process of many threads keeps the most that it
/// ever used.
package func returnFreedMemory() { cfiles_trim() }
