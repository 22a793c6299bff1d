/// Random numbers from a seed, the same on every machine and in every release of the toolchain.
///
/// The algorithm is Sebastiano Vigna's SplitMix64. The standard library's `random(in:using:)` may
/// change how it uses a generator, so bounded numbers are drawn by ``below(_:)`` alone.
package struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `bound` - 1; 0 for a bound below 1.
    package mutating func below(_ bound: Int) -> Int {
        guard bound > 1 else { return 0 }
        return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// True once in `count` draws.
    package mutating func oneIn(_ count: Int) -> Bool { below(count) == 0 }
}
