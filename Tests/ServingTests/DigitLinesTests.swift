import CallControl
import Media
import RTP
import SIPUserAgent
import Testing

@testable import Serving

@Suite struct DigitLinesTests {
  @Test func `a digit is logged with its way and length, and masked without itself`() throws {
    let digit = HeardDigit(try #require(Digit("5")), .rfc4733, milliseconds: 100)
    let event = CallAgentEvent.digit(LegID(1), digit)
    #expect(DigitLines().text(event) == "digit 5 by RFC 4733, 100 ms")
    #expect(DigitLines(isMasked: true).text(event) == "digit (masked) by RFC 4733, 100 ms")
    #expect(DigitLines(isMasked: true).relayed(digit, to: 2, by: .info) == "digit (masked) relayed to leg 2 by INFO")
    #expect(DigitLines().notRelayed(digit, to: 2, "the other leg is not up") == "digit 5 not relayed to leg 2: the other leg is not up")
    let flash = CallAgentEvent.pressFailed(LegID(1), .notTaken(digit.digit))
    #expect(DigitLines(isMasked: true).text(flash)?.contains("5") == false)
  }
}
