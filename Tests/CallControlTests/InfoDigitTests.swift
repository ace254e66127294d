import Media
import RTP
import SIPUserAgent
import SansIO
import Testing

@testable import CallControl

@Suite struct InfoDigitTests {
  private func heard(_ character: Character, _ milliseconds: Int?) -> InfoDigit.Reading {
    Digit(character).map { .digit(HeardDigit($0, .info, milliseconds: milliseconds)) } ?? .otherType
  }

  @Test func `application/dtmf-relay is read however products write it`() {
    #expect(InfoDigit.relay(Bytes("Signal=5\r\nDuration=160\r\n")) == heard("5", 160))
    #expect(InfoDigit.relay(Bytes("Signal= *\nDuration= 250")) == heard("*", 250))
    #expect(InfoDigit.relay(Bytes("signal=d\r\n")) == heard("D", nil))
    #expect(InfoDigit.relay(Bytes("Duration=90\r\nSignal=11\r\nX=1\r\n")) == heard("#", 90))
    #expect(InfoDigit.relay(Bytes("Signal=10\r\n")) == heard("*", nil))
  }

  @Test(arguments: ["", "Duration=160", "Signal=", "Signal=55", "Signal=E", "Signal=5\r\nDuration=-1", "Signal=5\r\nDuration=1e3", "5"])
  func `a body that is none says why`(body: String) {
    guard case .broken(.relay, let reason) = InfoDigit.relay(Bytes(body)) else {
      Issue.record("\(body) was read")
      return
    }
    #expect(reason.contains("Signal") || reason.contains("Duration"))
  }

  @Test func `application/dtmf is the digit alone`() {
    #expect(InfoDigit.plain(Bytes("#")) == heard("#", nil))
    #expect(InfoDigit.plain(Bytes(" 7\r\n")) == heard("7", nil))
    #expect(InfoDigit.plain(Bytes("77")) == .broken(.plain, reason: "'77' is not a digit"))
  }

  @Test func `the next INFO leaves when the answer is there and the digit and its gap are over`() throws {
    var presses = InfoPresses()
    let digits = try #require(Digit.list("12"))
    let body = { (text: String) in InfoBody("application/dtmf-relay", Bytes(text)) }
    let start = Instant.zero
    #expect(
      presses.handle(.press(DigitPlan(digits, duration: .milliseconds(100), gap: .milliseconds(60)), .relay), at: start)
        == [.send(body("Signal=1\r\nDuration=100\r\n"))])
    #expect(presses.handle(.answered(200), at: start.advanced(by: .milliseconds(5))) == [.wake(at: start.advanced(by: .milliseconds(160)))])
    #expect(
      presses.handle(.due, at: start.advanced(by: .milliseconds(160))) == [.send(body("Signal=2\r\nDuration=100\r\n"))])
    #expect(presses.handle(.answered(200), at: start.advanced(by: .seconds(1))) == [.pressed])
    #expect(presses.handle(.answered(200), at: start.advanced(by: .seconds(1))) == [], "an answer that nobody waits for changes nothing")
  }

  @Test(arguments: [Int?.some(415), 481, nil]) func `another answer, or none, ends it`(status: Int?) throws {
    var presses = InfoPresses()
    let digits = try #require(Digit.list("123"))
    _ = presses.handle(.press(DigitPlan(digits), .plain), at: .zero)
    #expect(presses.handle(.answered(status), at: .zero) == [.failed(.info(status: status))])
    #expect(presses.handle(.due, at: .zero) == [])
  }
}
