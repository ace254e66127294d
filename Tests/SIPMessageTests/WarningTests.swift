import SIPMessage
import SansIO
import Testing

@Suite struct WarningTests {
  @Test func `a Warning quotes what a peer wrote so that it reads back, control characters apart (RFC 3261 §20.43, §25.1)`() throws {
    let warning = WarningValue(refusing: "To '\"a\u{0}b\\ <sip:x@h>' is bad", by: host)
    #expect(warning.fieldValue == #"399 198.51.100.10 "To '\"a%00b\\ <sip:x@h>' is bad""#)
    let message = try parsed("SIP/2.0 400 Bad Request\nWarning: \(warning.fieldValue)")
    #expect(try message.warnings() == [WarningValue(399, agent: "198.51.100.10", "To '\"a%00b\\ <sip:x@h>' is bad")])
  }
}
