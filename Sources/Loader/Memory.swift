import CMalloc

/// Lets the allocator give large blocks back when they are freed, so that an hour's size does not tell in the
/// process's. Belongs before the first thread.
///
/// Rows go through a few buffers of a megabyte or so (a batch, what gzip made of it, what the socket has not taken
/// yet), each freed by another thread than made it. By default glibc takes a block that was freed once for a size
/// that is usual from then on, and keeps it in one of several heaps a core, in which they no longer fit each other.
func giveLargeBlocksBack() {
    mallopt(M_MMAP_THRESHOLD, 128 << 10)
    mallopt(M_ARENA_MAX, 1)
}
