extension BigQuery {
    /// Sends the rows of `batch` to the staging table until each has landed or was refused for good;
    /// returns the refused ones.
    ///
    /// - Parameter isTableNew: a table that was created moments ago answers 404 for a while.
    func insert(_ batch: InsertBatch, isTableNew: Bool) async throws -> [RefusedRow] {
        var refused: [RefusedRow] = []
        var pending = [batch]
        while let next = pending.popLast() {
            switch try await insertWhole(next, isTableNew: isTableNew) {
            case .landed(let rows): refused += rows
            case .tooLarge(let rest, let error, let rows):
                refused += rows
                if rest.rowCount > 1 {
                    let (first, second) = rest.halves()
                    pending += [second, first]
                } else {
                    refused += rest.refuseAll(reason: "BigQuery: \(error.message)")
                }
            }
        }
        return refused
    }

    private enum Insertion {
        case landed(refused: [RefusedRow])
        case tooLarge(InsertBatch, BigQueryError, refused: [RefusedRow])
    }

    private func insertWhole(_ batch: InsertBatch, isTableNew: Bool) async throws -> Insertion {
        let path = "\(target.datasetPath)/tables/\(target.stagingTable)/insertAll?prettyPrint=false"
        var batch = batch
        var refused: [RefusedRow] = []
        var policy = RetryPolicy(limits, isTableNew: isTableNew)
        while batch.rowCount > 0 {
            let rows = batch.rowCount
            let bytes = batch.bodyBytes
            do {
                let answer = try await send(batch, to: path)
                let outcome = batch.receive(answer.insertErrors ?? [])
                refused += outcome.refused
                if let failure = outcome.failure { throw failure }
            } catch let error as BigQueryError {
                let step = policy.step(after: error, rows: rows, bytes: bytes)
                let isLoneRow = rows == 1 && error.isAboutSize(bytes: bytes)
                if step == .split || isLoneRow { return .tooLarge(batch, error, refused: refused) }
                guard try await recover(step, from: error) else { throw error }
            }
        }
        return .landed(refused: refused)
    }

    private func send(_ batch: InsertBatch, to path: String) async throws -> InsertAllAnswer {
        if gzipsRows, let body = gzipped(batch.bodyParts) {
            return try await callOnce(.post, path, body: body, headers: [("Content-Encoding", "gzip")])
        }
        return try await callOnce(.post, path, body: batch.body())
    }
}

extension BigQueryError {
    /// True when a request with one row failed because of that row's size.
    fileprivate func isAboutSize(bytes: Int) -> Bool {
        kind == .tooLarge || (kind == .badRequest && bytes > RetryPolicy.recommendedBytes)
    }
}
