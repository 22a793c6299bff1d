import Market
import Testing

@Suite("A NUMERIC is exact or refused")
struct NumericTests {
    @Test(
        "Every number spelling of the wire that fits becomes plain decimal text",
        arguments: [
            ("122720000.00000000", "122720000"), ("46810000.0", "46810000"), ("103160000", "103160000"),
            ("0E-8", "0"), ("0", "0"), ("0.00020372", "0.00020372"), ("1.16539E8", "116539000"),
            ("7.9276E-4", "0.00079276"), ("5.0E-4", "0.0005"), ("1E-8", "0.00000001"), ("5e-07", "0.0000005"),
            ("1e-08", "0.00000001"), ("19699800600.2538100000000000", "19699800600.25381"), ("-1.5", "-1.5"),
            ("10355647827.38891", "10355647827.38891"), ("1E+2", "100"), ("1E28", "10000000000000000000000000000"),
            ("99999999999999999999999999999.999999999", "99999999999999999999999999999.999999999"),
        ])
    func spellings(_ spelling: String, _ plain: String) throws {
        #expect(try Numeric(spelling).description == plain)
    }

    @Test(
        "What does not fit is refused with its reason and never rounded",
        arguments: [
            ("0.1234567891", .tooManyDecimals), ("1E-10", .tooManyDecimals), ("0.0000000001", .tooManyDecimals),
            ("100000000000000000000000000000", .tooManyIntegerDigits), ("1E29", .tooManyIntegerDigits),
            ("NaN", .notANumber), ("", .notANumber), ("1 ", .notANumber), ("Infinity", .notANumber),
        ] as [(String, Numeric.Refusal)])
    func refusals(_ spelling: String, _ reason: Numeric.Refusal) {
        #expect(throws: reason) { try Numeric(spelling) }
    }

    @Test("Zeros behind the ninth decimal carry no value")
    func trailingZeros() throws {
        #expect(try Numeric("1.1000000000000") == Numeric("1.1"))
    }

    @Test("Order is that of the values")
    func order() throws {
        #expect(try Numeric("-2") < Numeric("1E-9") && Numeric("9") < Numeric("10"))
    }
}
