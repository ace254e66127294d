import SIPMessage
import SIPTransport
import SIPUserAgent
import Legs
import SansIO
import Testing

@testable import Personas

/// What the persona writes, beside what a real Asterisk 22.10.1 wrote on loopback.
@Suite struct Asterisk22Tests {
  /// The INVITE of a persona, from its outbox.
  private func invite(_ transport: SIPTransportProtocol = .udp) throws -> SIPMessage {
    let here = IPAddress(v4: 0x7F00_0001)
    let persona = Persona(
      Persona.Configuration(
        profile: .asterisk22, listeners: [TransportListener(transport, .init(here, port: 5060))], mediaAddress: here,
        aor: NameAddress(uri: SIPURI(host: "127.0.0.1", user: "6001"))),
      serverTLS: nil, clientTLS: nil, entropy: Entropy(seed: 4), epoch: .virtual)
    var out = Outbox()
    persona.start(at: .zero, &out)
    let target = SIPTarget(transport: transport, address: .init(here, port: 7001))
    persona.perform(.call(CallRequest(uri: SIPURI(host: "127.0.0.1", user: "x"), target: target)), at: .zero, &out)
    for departure in out.departures { if case .bind(let port, let address, .datagram) = departure { persona.receive(.bound(port, address), at: .zero, &out) } }
    for departure in out.departures {
      if case .datagram(_, to: _, let bytes, let label) = departure, label.subject == .request(.invite) { return try SIPMessage.parse(bytes) }
      if case .open(let id, _, let remote) = departure { persona.receive(.opened(id, local: .init(here, port: 40_000), remote: remote), at: .zero, &out) }
    }
    for departure in out.departures {
      if case .bytes(_, let bytes, _) = departure { return try SIPMessage.parse(bytes) }
    }
    throw SIPHeaderError.missing(.via)
  }

  @Test func `the header stands in chan_pjsip's order`() throws {
    let names = try invite().fields.map { $0.name.text }
    #expect(
      names == [
        "Via", "From", "To", "Contact", "Call-ID", "CSeq", "Allow", "Max-Forwards", "User-Agent", "Content-Type", "Content-Length",
      ])
  }

  @Test func `rport stands before branch, the branch is z9hG4bKPj and a UUID`() throws {
    let via = try #require(try invite().first(.via)?.text)
    #expect(via.contains(";rport;branch=z9hG4bKPj"))
    #expect(via.split(separator: "z9hG4bKPj").last?.split(separator: "-").map(\.count) == [8, 4, 4, 4, 12])
  }

  @Test func `over TCP Via carries alias`() throws {
    #expect(try invite(.tcp).first(.via)?.text.hasSuffix(";alias") == true)
    #expect(try invite().first(.via)?.text.contains("alias") == false)
  }

  @Test func `Call-ID and tag are bare UUIDs, the first CSeq is below 32,000`() throws {
    let message = try invite()
    #expect(try message.callID().split(separator: "-").map(\.count) == [8, 4, 4, 4, 12])
    #expect(try message.from().tag?.split(separator: "-").map(\.count) == [8, 4, 4, 4, 12])
    #expect(try (1...32_000).contains(message.cseq().number))
  }

  @Test func `Content-Length is padded with three spaces before a body`() throws {
    #expect(try invite().bytes.text.contains("Content-Length:   "))
  }

  @Test func `Contact's user is the word asterisk, the SDP says Asterisk`() throws {
    let message = try invite()
    #expect(message.first(.contact)?.text.hasPrefix("<sip:asterisk@") == true)
    #expect(message.body.text.contains("\r\ns=Asterisk\r\n"))
  }

  @Test func `what the persona does not speak it does not claim`() throws {
    let allow = try invite().first(.allow)?.text ?? ""
    for method in ["PRACK", "UPDATE", "SUBSCRIBE", "REFER"] { #expect(!allow.contains(method)) }
  }

  @Test func `every habit names its source`() {
    for profile in PersonaProfile.all { #expect(profile.quirks.allSatisfy { !$0.source.isEmpty }) }
  }
}
