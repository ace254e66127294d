import LabBench
import SIPMessage
import SIPTransport
import SansIO
import Testing

@testable import Kallglot
@testable import SIPUserAgent

@Suite struct RegistrarTests {
  private func register(_ contact: String, expires: Int? = nil, callID: String = "c", sequence: Int = 1) throws -> SIPRequest {
    let fields = ["Call-ID: \(callID)", "CSeq: \(sequence) REGISTER", "Contact: \(contact)"] + (expires.map { ["Expires: \($0)"] } ?? [])
    let message = try SIPMessage.parse(Bytes(SIPText.message("REGISTER sip:k SIP/2.0", fields)))
    let flow = Flow(transport: .udp, local: EndpointBench.caller, remote: EndpointBench.caller, path: .port(PortID(1)))
    let inbound = InboundMessage(message, on: flow)
    return try #require(SIPRequest(ServerID(1), inbound, message.facts(inbound.essentials)))
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
    #expect(registrar.contacts(of: "x", at: Instant(nanoseconds: 59_999_999_999)).count == 1)
    #expect(registrar.contacts(of: "x", at: Instant(nanoseconds: 60_000_000_000)).isEmpty)
  }
}
