import LabBench
import SansIO
import SecureTransport
import Testing

@testable import Inspection
@testable import WireReader

/// Connections of a real TLS library, their records as packets, read from outside with the secrets.
@Suite struct TLSTests {
  private struct Wire {
    var packets = Packets()
    var secrets = Bytes()
    private var sent: (client: UInt32, server: UInt32) = (1, 1)

    mutating func open() { packets.tcp(alice, 40_000, to: bob, 5_061, .syn, at: 0) }

    mutating func carry(_ bytes: Bytes, fromClient: Bool) {
      if fromClient {
        packets.tcp(alice, 40_000, to: bob, 5_061, at: sent.client, ack: sent.server, bytes)
        sent.client += UInt32(bytes.count)
      } else {
        packets.tcp(bob, 5_061, to: alice, 40_000, at: sent.server, ack: sent.client, bytes)
        sent.server += UInt32(bytes.count)
      }
    }

    mutating func skip(_ count: Int) { sent.client += UInt32(count) }
    mutating func know(_ line: KeyLogLine) { secrets = Bytes(secrets.array + Array(line.line.utf8) + [10]) }
  }

  private static let authority = try? LabAuthority(entropy: Entropy(seed: 7), epoch: .virtual)

  /// An INVITE from Alice and Bob's 486 over TLS, and an alert where the session ends.
  private func talk(
    _ version: TLSVersion, cipherList: String? = nil, losing lost: Int = 0, trusting anchors: PEM? = nil
  ) throws -> Wire {
    let authority = try #require(Self.authority)
    let leaf = try authority.issue(
      CertificateRequest(commonName: "bob.example", sipDomains: ["bob.example"], dnsNames: ["bob.example"]), entropy: Entropy(seed: 8))
    func context(_ role: TLSConfiguration.Role) throws -> TLSContext {
      try TLSContext(
        TLSConfiguration(
          role: role, certificateChain: role == .server ? leaf.certificate : nil, privateKey: role == .server ? leaf.privateKey : nil,
          trustAnchors: anchors, minimumVersion: version, maximumVersion: version,
          verification: role == .client && anchors != nil ? .peer : .none, cipherList: cipherList))
    }
    let client = TLSConnection(try context(.client), serverName: "bob.example", entropy: Entropy(seed: 1).fork("client"), epoch: .virtual)
    let server = TLSConnection(try context(.server), serverName: nil, entropy: Entropy(seed: 1).fork("server"), epoch: .virtual)
    var wire = Wire()
    wire.open()
    var queue: [(outputs: [TLSConnection.Output], fromClient: Bool)] = [(server.start(at: .zero), false), (client.start(at: .zero), true)]
    func settle(_ wire: inout Wire) {
      while !queue.isEmpty {
        let (outputs, fromClient) = queue.removeFirst()
        for output in outputs {
          if case .secret(let line) = output { wire.know(line) }
          guard case .ciphertext(let bytes, _) = output else { continue }
          wire.carry(bytes, fromClient: fromClient)
          queue.append((fromClient ? server.receive(bytes, at: .zero) : client.receive(bytes, at: .zero), !fromClient))
        }
      }
    }
    settle(&wire)
    queue.append(
      (client.send(Talk(transport: "TLS").request("INVITE", cseq: 1, branch: "x", sdp: Talk.sdp(alice, 10_000)), at: .zero), true))
    settle(&wire)
    wire.skip(lost)
    queue.append((server.send(Talk(transport: "TLS").response("486 Busy Here", cseq: 1, "INVITE", branch: "x"), at: .zero), false))
    queue.append((client.send(Talk(transport: "TLS").request("ACK", cseq: 1, branch: "x", inDialog: true), at: .zero), true))
    settle(&wire)
    return wire
  }

  @Test(
    arguments: [
      (TLSVersion.tls13, nil, "TLS 1.3"), (.tls12, "ECDHE+AES128+AESGCM", "TLS 1.2"), (.tls12, "ECDHE+AES256+AESGCM", "TLS 1.2"),
      (.tls12, "ECDHE+CHACHA20", "TLS 1.2"),
    ] as [(TLSVersion, String?, String)])
  func `SIP is read through TLS with the session's secrets (RFC 8446 §5.2, RFC 5246 §6.2.3.3)`(
    version: TLSVersion, ciphers: String?, name: String
  ) throws {
    let wire = try talk(version, cipherList: ciphers)
    let report = try Inspector(secrets: [wire.secrets]).inspect(wire.packets.file)
    #expect(report.counts.total == 3 && report.stories.first?.conversation.transports == [.tls])
    let facts = try #require(report.secured.first)
    #expect(facts.versionName == name && facts.serverName == "bob.example" && facts.closedBytes == 0 && facts.openedBytes > 800)
    #expect(facts.certificates.server?.commonName == "bob.example" && facts.certificates.server?.count == 1)
    #expect(facts.certificates.client == nil)
    #expect(report.text().contains { $0.contains("refused with 486 Busy Here") })
  }

  @Test(arguments: [TLSVersion.tls12, .tls13])
  func `an alert says what its sender thinks of the other end, and proves neither wrong: nobody is accused (RFC 8446 §6.2)`(
    version: TLSVersion
  ) throws {
    let stranger = try LabAuthority(entropy: Entropy(seed: 99), epoch: .virtual)
    let wire = try talk(version, trusting: stranger.certificate)
    let report = try Inspector(secrets: [wire.secrets]).inspect(wire.packets.file)
    let finding = try #require(report.finding("tls-alert"))
    #expect(finding.text.contains("by the alert unknown_ca (fatal)") && finding.blamed == nil)
    #expect(report.secured.first?.alerts == ["client: unknown_ca (fatal)"])
  }

  @Test func `without secrets it says what it could not read, and what the hellos say`() throws {
    let report = try talk(.tls13).packets.report()
    let facts = try #require(report.secured.first)
    #expect(report.counts.total == 0 && facts.closedBytes > 800 && facts.obstacle == "the capture has no secrets for it")
    #expect(report.text().contains { $0.contains("TLS 1.3") && $0.contains("for bob.example") && $0.contains("bytes not read") })
  }

  @Test func `a suite that cannot be opened is named`() throws {
    let wire = try talk(.tls12, cipherList: "ECDHE-ECDSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:AES128-SHA")
    let report = try Inspector(secrets: [wire.secrets]).inspect(wire.packets.file)
    #expect(report.secured.first?.obstacle?.contains("is not supported for decryption") == true && report.counts.total == 0)
  }

  @Test func `secrets of another session open nothing and are never shown`() throws {
    let wire = try talk(.tls13)
    let lines = wire.secrets.text.split(separator: "\n").map { "\($0.dropLast(4))0000" }
    let report = try Inspector(secrets: [Bytes(lines.joined(separator: "\n"))]).inspect(wire.packets.file)
    #expect(report.secured.first?.obstacle == "the secrets do not match" && report.counts.total == 0)
    let secret = try #require(wire.secrets.text.split(separator: "\n").first?.split(separator: " ").last)
    let full = try Inspector(secrets: [wire.secrets]).inspect(wire.packets.file)
    #expect(!full.text().joined().contains(secret) && !InspectionReport.json([full]).contains(secret))
  }

  @Test func `a record that is not in the capture closes its direction, not the other`() throws {
    let wire = try talk(.tls13, losing: 100)
    let report = try Inspector(secrets: [wire.secrets]).inspect(wire.packets.file)
    #expect(report.counts.requests.map(\.method) == ["INVITE"] && report.counts.responses.map(\.status) == [486])
    #expect(report.finding("tcp-gap")?.text.hasPrefix("100 bytes") == true && report.accusations.isEmpty, "\(report.findings)")
  }
}
