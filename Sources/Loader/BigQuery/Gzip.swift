import CZlib

/// `parts`, one behind the other, as gzip (RFC 1952) at the level that takes the least time; nil when memory is
/// short.
///
/// Rows repeat their names and ids, so that a tenth of them is left. Higher levels take twice the time for little.
func gzipped(_ parts: [ArraySlice<UInt8>]) -> [UInt8]? {
    var stream = z_stream()
    let (level, gzipWindowBits, memoryLevel): (CInt, CInt, CInt) = (1, 16 + MAX_WBITS, 8)
    guard
        deflateInit2_(
            &stream, level, Z_DEFLATED, gzipWindowBits, memoryLevel, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            CInt(MemoryLayout<z_stream>.size)) == Z_OK
    else { return nil }
    defer { deflateEnd(&stream) }
    var output: [UInt8] = []
    for part in parts {
        part.withUnsafeBufferPointer { input in
            // zlib does not write to its input; its interface is older than `const`.
            stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.avail_in = uInt(input.count)
            compress(&stream, Z_NO_FLUSH, to: &output)
        }
    }
    compress(&stream, Z_FINISH, to: &output)
    return output
}

/// Goes on until zlib leaves room in the output, by which it says that it wants more input or is at the end.
private func compress(_ stream: inout z_stream, _ flush: CInt, to output: inout [UInt8]) {
    let chunkBytes = 1 << 16
    repeat {
        output.append(addingCapacity: chunkBytes) { span in
            span.withUnsafeMutableBufferPointer { buffer, count in
                stream.next_out = buffer.baseAddress.map { $0 + count }
                stream.avail_out = uInt(chunkBytes)
                // Its only error, without progress, is no error where there is no input left.
                _ = deflate(&stream, flush)
                count += chunkBytes - Int(stream.avail_out)
            }
        }
    } while stream.avail_out == 0
}
