/// The records of one partition, in the batches in which they came: a broker looks into a batch no further
/// than its header, and hands it out as it is.
struct PartitionLog {
    private struct Batch {
        /// One behind its last record.
        let next: Int64
        let bytes: [UInt8]
    }

    /// What a producer said of its latest batch, to recognise the same one when it comes again.
    private struct Origin: Equatable {
        let producer: Int64
        let sequence: Int32
    }

    private var batches: [Batch] = []
    /// Batches before this one are dropped; moved up together now and then.
    private var first = 0
    private var keptBytes = 0
    private var latest: (origin: Origin, offset: Int64)?
    private(set) var low: Int64 = 0
    private(set) var high: Int64 = 0

    /// Appends a record batch of format 2 and returns the offset of its first record; nil when it is none.
    ///
    /// ```
    /// 0 base offset  8 length  12 leader epoch  16 magic  17 checksum  21 attributes  23 last offset delta
    /// 27 first timestamp  35 last timestamp  43 producer  51 epoch  53 sequence  57 number of records
    /// ```
    ///
    /// The checksum begins behind what a broker writes into a batch (Kafka protocol guide, "Record Batch").
    ///
    /// - Parameter limitBytes: what the partition keeps; the oldest batches go first.
    mutating func append(_ bytes: ArraySlice<UInt8>, limitBytes: Int) -> Int64? {
        guard bytes.count >= 61, bytes[bytes.startIndex + 16] == 2 else { return nil }
        let delta: Int32 = integer(in: bytes, at: 23)
        let origin = Origin(producer: integer(in: bytes, at: 43), sequence: integer(in: bytes, at: 53))
        if let latest, origin.producer >= 0, latest.origin == origin { return latest.offset }
        var batch = Array(bytes)
        withUnsafeBytes(of: high.bigEndian) { batch.replaceSubrange(0..<8, with: $0) }
        latest = (origin, high)
        defer { high += Int64(delta) + 1 }
        batches.append(Batch(next: high + Int64(delta) + 1, bytes: batch))
        keptBytes += batch.count
        dropOldest(limitBytes)
        return high
    }

    /// The batches from the one with `offset` on: at least one when there is one, and no more than `limitBytes`.
    func batches(from offset: Int64, limitBytes: Int) -> [[UInt8]] {
        var index = firstBatch(endingBehind: offset)
        var found: [[UInt8]] = []
        var size = 0
        while index < batches.count, found.isEmpty || size + batches[index].bytes.count <= limitBytes {
            found.append(batches[index].bytes)
            size += batches[index].bytes.count
            index += 1
        }
        return found
    }

    /// Changes the bytes of a batch, counted from the oldest that was ever there, as a broken disk does: nothing
    /// else of it changes, its checksum neither.
    mutating func damage(batch index: Int, _ change: (inout [UInt8]) -> Void) {
        var bytes = batches[index].bytes
        change(&bytes)
        batches[index] = Batch(next: batches[index].next, bytes: bytes)
    }

    private func firstBatch(endingBehind offset: Int64) -> Int {
        var (lower, upper) = (first, batches.count)
        while lower < upper {
            let middle = (lower + upper) / 2
            if batches[middle].next > offset { upper = middle } else { lower = middle + 1 }
        }
        return lower
    }

    private mutating func dropOldest(_ limitBytes: Int) {
        while keptBytes > limitBytes, first < batches.count - 1 {
            keptBytes -= batches[first].bytes.count
            low = batches[first].next
            batches[first] = Batch(next: low, bytes: [])
            first += 1
        }
        if first > 1_024, first > batches.count / 2 {
            batches.removeFirst(first)
            first = 0
        }
    }
}

private func integer<Value: FixedWidthInteger>(in bytes: ArraySlice<UInt8>, at position: Int) -> Value {
    bytes[bytes.startIndex + position..<bytes.startIndex + position + Value.bitWidth / 8]
        .reduce(0) { $0 << 8 | Value(truncatingIfNeeded: $1) }
}
