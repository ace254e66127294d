import SIPMessage
import SansIO
import Testing

@testable import ScenarioModel

@Suite struct HeaderPatternTests {
  private func message(_ fields: [String]) throws -> SIPMessage {
    let lines = ["SIP/2.0 200 OK"] + fields + ["Content-Length: 0", "", ""]
    return try SIPMessage.parse(Bytes(lines.joined(separator: "\r\n")))
  }

  private func difference(_ demand: HeaderPattern.Demand, _ name: String, _ fields: [String], named: [String: [String]] = [:]) throws
    -> String?
  {
    var messages: [String: SIPMessage] = [:]
    for (name, fields) in named { messages[name] = try message(fields) }
    return HeaderPattern(name: name, demand: demand).difference(try message(fields), messages)
  }

  private static let oneLine = ["Record-Route: <sip:near;lr>, <sip:far;lr>"]
  private static let twoLines = ["Record-Route: <sip:near;lr>", "Record-Route: <sip:far;lr>"]

  @Test(arguments: [oneLine, twoLines])
  func `a list is met by exactly these values in this order, on one line or on several (RFC 3261 §7.3.1)`(fields: [String]) throws {
    #expect(try difference(.exactly(["<sip:near;lr>", "<sip:far;lr>"]), "Record-Route", fields) == nil)
    #expect(
      try difference(.exactly(["<sip:far;lr>", "<sip:near;lr>"]), "Record-Route", fields)
        == "Record-Route is '<sip:near;lr>', '<sip:far;lr>' instead of '<sip:far;lr>', '<sip:near;lr>'")
    #expect(try difference(.exactly(["<sip:near;lr>"]), "Record-Route", fields) != nil)
    #expect(try difference(.exactly(["*", "*", "*"]), "Record-Route", fields) != nil)
  }

  @Test(arguments: [oneLine, twoLines])
  func `the first and the last value are told apart, on one line or on several (RFC 3261 §7.3.1)`(fields: [String]) throws {
    #expect(try difference(.first("<sip:near;*"), "Record-Route", fields) == nil)
    #expect(try difference(.last("<sip:far;*"), "Record-Route", fields) == nil)
    #expect(
      try difference(.first("<sip:far;*"), "Record-Route", fields) == "first Record-Route is '<sip:near;lr>' instead of '<sip:far;*'")
    #expect(try difference(.last("<sip:near;*"), "Record-Route", fields) == "last Record-Route is '<sip:far;lr>' instead of '<sip:near;*'")
    #expect(try difference(.first("*"), "Route", fields) == "first Route is missing instead of '*'")
  }

  @Test func `an empty list is an absent field, and none asks that no value is so`() throws {
    #expect(try difference(.exactly([]), "Route", Self.oneLine) == nil)
    #expect(
      try difference(.exactly([]), "Record-Route", ["Record-Route: <sip:near;lr>"]) == "Record-Route is '<sip:near;lr>' instead of none")
    #expect(try difference(.none("*far*"), "Record-Route", ["Record-Route: <sip:near;lr>"]) == nil)
    #expect(
      try difference(.none("*far*"), "Record-Route", Self.twoLines) == "Record-Route is '<sip:far;lr>', which must not be '*far*'")
  }

  @Test func `values are counted, and a field with commas of its own is one value (RFC 3261 §20.17)`() throws {
    #expect(try difference(.times(.exactly(2)), "Record-Route", Self.oneLine) == nil)
    #expect(
      try difference(.times(.exactly(3)), "Record-Route", Self.oneLine)
        == "Record-Route is '<sip:near;lr>', '<sip:far;lr>', which is 2 values")
    let date = ["Date: Sat, 13 Nov 2010 23:29:00 GMT", #"WWW-Authenticate: Digest realm="a", nonce="b""#]
    #expect(try difference(.times(.exactly(1)), "Date", date) == nil)
    #expect(try difference(.times(.exactly(1)), "WWW-Authenticate", date) == nil)
  }

  @Test func `compact names mean the same field (RFC 3261 §7.3.3)`() throws {
    #expect(try difference(.first("SIP/2.0/UDP a*"), "Via", ["v: SIP/2.0/UDP a;branch=1, SIP/2.0/UDP b;branch=2"]) == nil)
  }

  @Test func `values are compared with those of an earlier message`() throws {
    let old = ["first": ["Call-ID: a@b", "Via: SIP/2.0/UDP a;branch=z9hG4bK1"]]
    #expect(try difference(.same("first"), "Call-ID", ["Call-ID: a@b"], named: old) == nil)
    #expect(
      try difference(.same("first"), "Call-ID", ["Call-ID: c@d"], named: old) == "Call-ID is 'c@d' instead of that of 'first', 'a@b'")
    #expect(try difference(.other("first"), "Via", ["Via: SIP/2.0/UDP a;branch=z9hG4bK2"], named: old) == nil)
    #expect(
      try difference(.other("first"), "Via", ["Via: SIP/2.0/UDP a;branch=z9hG4bK1"], named: old)
        == "Via is 'SIP/2.0/UDP a;branch=z9hG4bK1' as in 'first'")
  }
}
