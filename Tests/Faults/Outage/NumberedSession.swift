import TestSupport

extension Session {
    /// Ticks at a steady rate, numbered, over so many markets.
    static func numbered(seed: UInt64, rate: Int, time: Duration, markets: Int = 40) -> Session {
        var settings = SeededSettings(seed: seed, frameCount: max(1, Int(time.inSeconds * Double(rate))))
        settings.isNumbered = true
        settings.wonMarketCount = markets
        return .seeded(settings)
    }
}
