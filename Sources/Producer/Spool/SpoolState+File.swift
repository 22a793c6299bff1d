import Glibc
import Market

/// The file of a spool's state, as it is found at the start.
extension SpoolState {
    private static let magic = UInt64(littleEndian: 0x324C_5053_4B43_4954)
    private static let firstMagic = UInt64(littleEndian: 0x314C_5053_4B43_4954)

    /// Nothing can be sent without knowing what was sent before, so a person has to decide.
    static func damaged(_ path: String) -> SpoolError {
        SpoolError(
            .unusable,
            "SPOOL_DIRECTORY: \(path) is missing or damaged: move the folder away, which begins a new spool")
    }

    // MARK: - Making

    /// The page of a new spool, or of one with these numbers.
    static func contents(producer: String, _ numbers: [UInt64] = Field.allCases.map { $0.first }) -> [UInt64] {
        var words = [UInt64](repeating: 0, count: bytes / 8)
        words.withUnsafeMutableBytes { bytes in
            bytes.storeBytes(of: magic, as: UInt64.self)
            bytes[name].copyBytes(from: producer.utf8)
            let crc = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[name]))
            bytes.storeBytes(of: UInt64(crc), toByteOffset: 8, as: UInt64.self)
            for (field, number) in zip(Field.allCases, numbers) {
                let word = CheckedNumber.word(number, place: field.rawValue)
                bytes.storeBytes(of: word, toByteOffset: field.offset, as: UInt64.self)
            }
        }
        return words
    }

    /// Puts a page in the place of the file, which is there as it was or as it is to be, whatever happens.
    static func create(_ path: String, _ words: [UInt64], in directory: SpoolDirectory) throws(SpoolError) {
        let descriptor = try directory.create(path, bytes: bytes) { (descriptor) throws(SpoolError) in
            let count = words.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
            guard count == bytes, fsync(descriptor) == 0 else { throw SpoolError(errno, path) }
        }
        close(descriptor)
        try directory.synchronize()
    }

    // MARK: - Reading

    /// Writes the state of the first format anew. Its numbers are the bare ones, without checksums; of what they
    /// cannot have been it is refused.
    static func upgrade(_ path: String, in directory: SpoolDirectory) throws(SpoolError) {
        let (descriptor, page) = try open(path, in: directory)
        defer {
            munmap(page, bytes)
            close(descriptor)
        }
        let old = UnsafeRawBufferPointer(start: page, count: bytes)
        guard old.load(as: UInt64.self) == firstMagic else { return }
        let numbers = Field.allCases.map { old.load(fromByteOffset: $0.offset, as: UInt64.self) }
        guard let producer = producer(old), arePossible(numbers) else { throw damaged(path) }
        var words = contents(producer: producer, numbers)
        // The start of the machine, and the gaps that wait.
        words.withUnsafeMutableBytes { new in
            new[bootWords...].copyBytes(from: old[bootWords...])
        }
        try create(path, words, in: directory)
    }

    /// - Returns: what its owner closes and unmaps, and the name.
    static func map(_ path: String, in directory: SpoolDirectory) throws(SpoolError) -> (
        Int32, UnsafeMutableRawPointer, String
    ) {
        let (descriptor, page) = try open(path, in: directory)
        let found = UnsafeRawBufferPointer(start: page, count: bytes)
        let words = Field.allCases.map { found.load(fromByteOffset: $0.offset, as: UInt64.self) }
        guard found.load(as: UInt64.self) == magic, let producer = producer(found),
            zip(Field.allCases, words).allSatisfy({ CheckedNumber.isWhole($1, place: $0.rawValue) }),
            arePossible(words.map(CheckedNumber.number))
        else {
            munmap(page, bytes)
            close(descriptor)
            throw damaged(path)
        }
        return (descriptor, page, producer)
    }

    /// The page is read once before it is mapped: one that the disk cannot read would end the process with SIGBUS.
    private static func open(
        _ path: String, in directory: SpoolDirectory
    ) throws(SpoolError) -> (Int32, UnsafeMutableRawPointer) {
        let descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw SpoolError(errno, path) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_size == bytes,
            BlockReader(descriptor, bytes: bytes, directory.readBlock).canReadAll()
        else {
            close(descriptor)
            throw damaged(path)
        }
        let page = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        guard let page, page != MAP_FAILED else {
            let error = SpoolError(errno, path)
            close(descriptor)
            throw error
        }
        return (descriptor, page)
    }

    private static func producer(_ bytes: UnsafeRawBufferPointer) -> String? {
        let field = UnsafeRawBufferPointer(rebasing: bytes[name])
        let text = UnsafeRawBufferPointer(rebasing: field.prefix { $0 != 0 })
        guard Gap.isValidProducer(text),
            bytes.load(fromByteOffset: 8, as: UInt64.self) == UInt64(CRC32C.checksum(field))
        else { return nil }
        return String(decoding: text, as: UTF8.self)
    }

    /// A sequence is reserved before it is used, and used before it is delivered. Of a spool that was never
    /// opened nothing is reserved yet.
    private static func arePossible(_ numbers: [UInt64]) -> Bool {
        func number(_ field: Field) -> UInt64 { numbers[field.rawValue] }
        return numbers.allSatisfy { $0 <= CheckedNumber.largest }
            && number(.reservedBelow) <= largestSequence && number(.isClean) <= 1
            && number(.lastSequence) < max(1, number(.reservedBelow))
            && number(.deliveredBelow) <= max(1, number(.reservedBelow))
    }
}

extension SpoolState.Field {
    /// In a new spool. Sequences begin with 1.
    fileprivate var first: UInt64 { self == .deliveredBelow ? 1 : 0 }
}
