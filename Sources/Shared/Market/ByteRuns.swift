/// Where runs of bytes end, looked for sixteen at a time: most of a frame is digits and plain text.
extension UnsafeRawBufferPointer {
    /// The position of the first byte from `start` on that is no decimal digit; `count` when all are.
    @inline(__always)
    func endOfDigits(from start: Int) -> Int {
        endOfRun(from: start, where: { !isDigit($0) }) { bytes in
            bytes &- SIMD16(repeating: UInt8(ascii: "0")) .>= SIMD16(repeating: 10)
        }
    }

    /// The position of the first byte from `start` on that does not stand for itself in a JSON string, or
    /// is not ASCII: a quote, a backslash, a control character, part of a longer character. `count` without one.
    @inline(__always)
    func endOfPlainText(from start: Int) -> Int {
        endOfRun(from: start, where: { !(0x20..<0x80).contains($0) || $0 == quote || $0 == backslash }) { bytes in
            (bytes &- SIMD16(repeating: 0x20) .>= SIMD16(repeating: 0x60))
                .| (bytes .== SIMD16(repeating: quote)) .| (bytes .== SIMD16(repeating: backslash))
        }
    }

    /// - Parameters:
    ///   - isEnd: whether a byte ends the run; for the last ones, which are fewer than sixteen.
    ///   - areEnds: the same of sixteen bytes.
    @inline(__always)
    private func endOfRun(
        from start: Int, where isEnd: (UInt8) -> Bool, _ areEnds: (SIMD16<UInt8>) -> SIMDMask<SIMD16<Int8>>
    ) -> Int {
        var position = start
        while position &+ 16 <= count {
            // A byte of the mask is all ones or all zeros; the first one is the lowest of a little-endian word.
            let mask = areEnds(loadUnaligned(fromByteOffset: position, as: SIMD16<UInt8>.self))
            let halves = unsafeBitCast(mask, to: SIMD2<UInt64>.self)
            if halves[0] != 0 { return position &+ UInt64(littleEndian: halves[0]).trailingZeroBitCount / 8 }
            if halves[1] != 0 { return position &+ 8 &+ UInt64(littleEndian: halves[1]).trailingZeroBitCount / 8 }
            position &+= 16
        }
        while position < count, !isEnd(self[position]) { position &+= 1 }
        return position
    }
}

private let quote = UInt8(ascii: "\"")
private let backslash = UInt8(ascii: "\\")
