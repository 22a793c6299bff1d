import Glibc

/// C strings that live as long as this object: libwebsockets keeps pointers to what it is given.
final class CStrings {
    private let pointers: [UnsafeMutablePointer<CChar>?]

    init(_ strings: [String?]) { pointers = strings.map { $0.flatMap { strdup($0) } } }

    deinit { for pointer in pointers { free(pointer) } }

    subscript(index: Int) -> UnsafePointer<CChar>? { pointers[index].map { UnsafePointer($0) } }
}
