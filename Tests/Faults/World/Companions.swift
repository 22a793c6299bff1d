/// Does `work` while `companions` run beside it; they are cancelled when it is done.
///
/// When one of them fails, everything ends with its error.
func whileRunning<Result: Sendable>(
    _ companions: [@Sendable () async throws -> Void], _ work: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    try await withThrowingTaskGroup(of: Result?.self) { group in
        for companion in companions {
            group.addTask {
                try await companion()
                return nil
            }
        }
        group.addTask { try await work() }
        defer { group.cancelAll() }
        while let result = try await group.next() { if let result { return result } }
        throw CancellationError()
    }
}
