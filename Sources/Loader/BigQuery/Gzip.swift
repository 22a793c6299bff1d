import CZlib

/// `bytes` as gzip (RFC 1952), at the level that takes the least time; nil when memory is short.
///
/// Rows repeat their names and ids, so that a tenth of them is left. Higher levels take twice the time for little.
func gzipped(_ bytes: [UInt8]) -> [UInt8]? {
    var stream = z_stream()
    let (level, gzipWindowBits, memoryLevel): (CInt, CInt, CInt) = (1, 16 + MAX_WBITS, 8)
    guard
        deflateInit2_(
            &stream, level, Z_DEFLATED, gzipWindowBits, memoryLevel, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            CInt(MemoryLayout<z_stream>.size)) == Z_OK
    else { return nil }
    defer { deflateEnd(&stream) }
    let limit = Int(deflateBound(&stream, uLong(bytes.count)))
    return [UInt8](unsafeUninitializedCapacity: limit) { output, count in
        bytes.withUnsafeBufferPointer { input in
            // zlib does not write to its input; its interface is older than `const`.
            stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.avail_in = uInt(input.count)
            stream.next_out = output.baseAddress
            stream.avail_out = uInt(limit)
            // With room for the worst case one call is enough.
            let result = deflate(&stream, Z_FINISH)
            assert(result == Z_STREAM_END)
        }
        count = limit - Int(stream.avail_out)
    }
}
