import SIPMessage
import SIPUserAgent
import SansIO
import Testing

@testable import Kallglot

@Suite struct AddressRangeTests {
  @Test(arguments: [
    ("192.0.2.20", "192.0.2.20", true), ("192.0.2.20", "192.0.2.21", false), ("192.0.2.0/24", "192.0.2.255", true),
    ("192.0.2.77/24", "192.0.2.1", true), ("192.0.2.0/24", "192.0.3.0", false), ("0.0.0.0/0", "8.8.8.8", true),
    ("192.0.2.20/32", "::ffff:192.0.2.20", true), ("::ffff:192.0.2.0/120", "192.0.2.9", true), ("2001:db8::/32", "2001:db8:ffff::1", true),
    ("2001:db8::/32", "2001:db9::1", false), ("2001:db8::1/127", "2001:db8::", true), ("0.0.0.0/0", "2001:db8::1", false),
  ])
  func `ranges hold what CIDR says, host bits ignored, mapped addresses as IPv4 (RFC 4632, RFC 4291)`(
    range: String, address: String, holds: Bool
  ) throws {
    let range = try #require(AddressRange(range))
    let address = try #require(IPAddress(address))
    #expect(range.contains(address) == holds)
  }

  @Test(arguments: ["", "192.0.2", "192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/", "2001:db8::/129", "pbx", "192.0.2.0/2/4"])
  func `what is no range is nil`(text: String) { #expect(AddressRange(text) == nil) }
}

@Suite struct SessionTableTests {
  @Test func `a session holds two legs, ends with its last active one and is then gone (contract 8.3)`() {
    var table = SessionTable([Session(id: "sess_a", account: "acme")])
    #expect(table.lookUp("sess_x", account: "acme") == .unknown)
    #expect(table.lookUp("sess_a", account: "other") == .unknown)
    for leg in [LegID(1), LegID(2)] {
      _ = table.join(leg, "sess_a", role: nil)
      table.activate(leg)
    }
    #expect(table.lookUp("sess_a", account: "acme") == .full)
    let first = table.leave(LegID(1))
    #expect(first == nil)
    guard case .found = table.lookUp("sess_a", account: "acme") else {
      Issue.record("one leg is left")
      return
    }
    let last = table.leave(LegID(2))
    #expect(last == "sess_a")
    #expect(table.lookUp("sess_a", account: "acme") != .ended, "it waits for its grace")
    let isOver = table.complete("sess_a")
    #expect(isOver)
    #expect(table.lookUp("sess_a", account: "acme") == .ended)
  }

  @Test func `a leg that never was up leaves the session as it was`() {
    var table = SessionTable([Session(id: "sess_a", account: "acme")])
    _ = table.join(LegID(1), "sess_a", role: nil)
    _ = table.leave(LegID(1))
    #expect(table.lookUp("sess_a", account: "acme") != .ended)
  }
}

@Suite struct RegistrarTests {
  private func register(_ contact: String, expires: Int? = nil, callID: String = "c", sequence: Int = 1) throws -> SIPMessage {
    let header = expires.map { "Expires: \($0)\r\n" } ?? ""
    return try SIPMessage.parse(
      Bytes("REGISTER sip:k SIP/2.0\r\nCall-ID: \(callID)\r\nCSeq: \(sequence) REGISTER\r\nContact: \(contact)\r\n\(header)\r\n"))
  }

  private func seconds(_ outcome: Registrar.Outcome) -> [Int]? {
    if case .bound(let contacts) = outcome { contacts.map(\.seconds) } else { nil }
  }

  @Test func `expiry is 3600 s, at most 7200, below 60 it is refused with 423, 0 removes (contract 8.2)`() throws {
    var registrar = Registrar()
    #expect(seconds(registrar.register(try register("<sip:a@h>"), account: "x", at: .zero)) == [3600])
    #expect(seconds(registrar.register(try register("<sip:a@h>;expires=9000", sequence: 2), account: "x", at: .zero)) == [7200])
    #expect(registrar.register(try register("<sip:a@h>", expires: 30, sequence: 3), account: "x", at: .zero) == .intervalTooBrief)
    #expect(seconds(registrar.register(try register("<sip:a@h>", expires: 0, sequence: 4), account: "x", at: .zero)) == [])
  }

  @Test func `the eleventh contact is refused and the ten stay (contract 8.7)`() throws {
    var registrar = Registrar()
    for index in 1...10 { _ = registrar.register(try register("<sip:a\(index)@h>", callID: "c\(index)"), account: "x", at: .zero) }
    #expect(registrar.register(try register("<sip:a11@h>", callID: "c11"), account: "x", at: .zero) == .tooManyContacts)
    #expect(registrar.contacts(of: "x", at: .zero).count == 10)
  }

  @Test func `an older request of the same client changes nothing (RFC 3261 §10.3)`() throws {
    var registrar = Registrar()
    _ = registrar.register(try register("<sip:a@h>", sequence: 5), account: "x", at: .zero)
    #expect(registrar.register(try register("<sip:a@h>", expires: 0, sequence: 4), account: "x", at: .zero) == .outOfOrder)
    #expect(registrar.contacts(of: "x", at: .zero).count == 1)
  }

  @Test func `Contact * removes all bindings, and needs Expires 0 (RFC 3261 §10.2.2)`() throws {
    var registrar = Registrar()
    _ = registrar.register(try register("<sip:a@h>, <sip:b@h>"), account: "x", at: .zero)
    #expect(seconds(registrar.register(try register("*", expires: 0, sequence: 2), account: "x", at: .zero)) == [])
    guard case .badRequest = registrar.register(try register("*", sequence: 3), account: "x", at: .zero) else {
      Issue.record("Contact * without Expires: 0 was taken")
      return
    }
  }

  @Test func `a binding is gone when its time is over`() throws {
    var registrar = Registrar()
    _ = registrar.register(try register("<sip:a@h>", expires: 60), account: "x", at: .zero)
    #expect(registrar.contacts(of: "x", at: Instant(nanoseconds: 60_000_000_000)).isEmpty)
  }
}
