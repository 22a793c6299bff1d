import Market

/// What the exchange's running sums prove of the ticks on their way into one transaction: figures for
/// each market and hour that got any, to be merged into `market_hours`.
///
/// A tick is judged by those of its market's UTC day that came before it. Of a day that is new here
/// the database knows them: its ticks wait until ``resume(_:)`` tells where it ended.
///
/// ```
/// add, add, add … ─▶ unknownDays ─▶ resume ─▶ lines ─▶ the transaction ─▶ written
/// ```
///
/// Whoever throws a batch away makes a new value: what it remembers would be ahead of the database.
struct MarketHours {
    private var index = MarketDayIndex()
    /// By their numbers in `index`.
    private var days: [Day] = []
    /// The hours of this batch, in the order in which they first came.
    private var hours: [Hour] = []
    private var unknown: [Int] = []
    private var waiting: [WaitingTick] = []
    private var oversized: [OversizedTick] = []

    private struct Day {
        /// nil until the database was asked.
        var sums: MarketDay?
        var isAsked = false
        /// The place in `hours` of the one that began last in this batch.
        var hour: Int?
    }

    private struct Hour {
        let day: Int
        /// Hours since 1970.
        let hour: Int
        /// The place in `hours` of the same day's one that began before it in this batch.
        let previous: Int?
        var figures = HourFigures()
    }

    private struct WaitingTick {
        let day: Int
        let place: Int
        let volume: Int128
        let sum: Int128
    }

    /// A volume that no sum can hold, as text: the database can add it.
    private struct OversizedTick {
        let place: Int
        let volume: [UInt8]
    }

    /// Days that are remembered over batches; more are forgotten all together, and asked for again.
    private static let dayLimit = 4_096

    /// Adds a tick of `frame` that becomes a row. Ticks of one market come in the order of their arrival.
    mutating func add(_ tick: Tick, of frame: UnsafeRawBufferPointer) {
        add(
            code: MarketCode.column(UnsafeRawBufferPointer(rebasing: frame[tick.code])),
            milliseconds: tick.timestampMilliseconds, volume: UnsafeRawBufferPointer(rebasing: frame[tick.volume]),
            sum: tick.accumulatedVolume.map { UnsafeRawBufferPointer(rebasing: frame[$0]) })
    }

    /// Adds a tick by its values.
    ///
    /// - Parameters:
    ///   - code: as in the column `code`.
    ///   - milliseconds: when the trade happened, since 1970.
    ///   - volume: of the trade, decimal text.
    ///   - sum: the market's volume since 00:00 UTC with this trade, when the frame has it.
    mutating func add(
        code: UnsafeRawBufferPointer, milliseconds: Int64, volume: UnsafeRawBufferPointer, sum: UnsafeRawBufferPointer?
    ) {
        let hour = Int(milliseconds / 3_600_000)
        let day = index.number(of: code, day: hour / 24)
        if day == days.count { days.append(Day()) }
        let place = place(of: hour, in: day)
        guard let volumeUnits = Volume.units(volume) else {
            oversized.append(OversizedTick(place: place, volume: Array(volume)))
            return
        }
        guard let sumUnits = sum.flatMap(Volume.units), sumUnits >= volumeUnits else {
            hours[place].figures.addUnsummed(volume: volumeUnits)
            return
        }
        guard let arrival = days[day].sums?.take(volume: volumeUnits, sum: sumUnits) else {
            return wait(WaitingTick(day: day, place: place, volume: volumeUnits, sum: sumUnits))
        }
        hours[place].figures.add(volume: volumeUnits, sum: sumUnits, arrival)
    }

    /// The place of `hour` in `hours`. Ticks come in the order of time but for a few, so it is nearly
    /// always the one that the day had before.
    private mutating func place(of hour: Int, in day: Int) -> Int {
        var place = days[day].hour
        while let found = place {
            if hours[found].hour == hour { return found }
            place = hours[found].previous
        }
        hours.append(Hour(day: day, hour: hour, previous: days[day].hour))
        days[day].hour = hours.count - 1
        return hours.count - 1
    }

    private mutating func wait(_ tick: WaitingTick) {
        if !days[tick.day].isAsked {
            days[tick.day].isAsked = true
            unknown.append(tick.day)
        }
        waiting.append(tick)
    }
}

extension MarketHours {
    /// The days whose earlier ticks the database has to tell, as code and days since 1970. Empty in
    /// nearly every batch.
    var unknownDays: [(code: ArraySlice<UInt8>, day: Int)] {
        unknown.map { (index.code(of: $0), index.day(of: $0)) }
    }

    /// Takes in the ticks that waited.
    ///
    /// - Parameter known: for each of ``unknownDays`` what the database has of it.
    mutating func resume(_ known: [MarketDay]) {
        for (day, sums) in zip(unknown, known) { days[day].sums = sums }
        for tick in waiting {
            guard let arrival = days[tick.day].sums?.take(volume: tick.volume, sum: tick.sum) else { continue }
            hours[tick.place].figures.add(volume: tick.volume, sum: tick.sum, arrival)
        }
        unknown.removeAll(keepingCapacity: true)
        waiting.removeAll(keepingCapacity: true)
    }

    /// Calls `body` with what has to be merged into `market_hours`: the code, the hour since 1970, its
    /// figures, and the text of a volume when it is none that figures can hold.
    func forEachLine(_ body: (ArraySlice<UInt8>, Int, HourFigures, [UInt8]?) -> Void) {
        for hour in hours where hour.figures.ticks > 0 {
            body(index.code(of: hour.day), hour.hour, hour.figures, nil)
        }
        for tick in oversized {
            let hour = hours[tick.place]
            body(index.code(of: hour.day), hour.hour, HourFigures(ticks: 1, unsummed: 1), tick.volume)
        }
    }

    /// Begins the next batch, once this one is in the database.
    mutating func written() {
        if index.count > Self.dayLimit {
            self = MarketHours()
            return
        }
        for hour in hours { days[hour.day].hour = nil }
        hours.removeAll(keepingCapacity: true)
        oversized.removeAll()
    }
}
