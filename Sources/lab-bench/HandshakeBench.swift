import COpenSSL
import Foundation
import SansIO
import SecureTransport

/// Full handshakes, both ends, beside libssl alone with the same certificates, version and checks.
enum HandshakeBench {
  private static let count = 100
  private static let name = "sip.kallglot.com"

  static func tls() throws -> [Row] {
    let made = try LabCertificates.make(names: [name], addresses: [], entropy: Entropy(seed: 1), epoch: .virtual)
    let client = try TLSContext(TLSConfiguration(role: .client, trustAnchors: made.authority, verification: .peer))
    return try [TLSVersion.tls12, .tls13].flatMap { version in
      let server = try TLSContext(
        TLSConfiguration(
          role: .server, certificateChain: made.certificate, privateKey: made.privateKey, minimumVersion: version, maximumVersion: version))
      let raw = try RawPair(
        server: RawContext(TLS_method(), [made.certificate], made.privateKey, Int32(version.rawValue), anchor: nil),
        client: RawContext(TLS_method(), [], nil, Int32(version.rawValue), anchor: made.authority))
      return try rows("\(version), EC P-256", raw) { entropy in tls(server, client, entropy) }
    }
  }

  static func dtls() throws -> [Row] {
    let kinds: [(String, DTLSCertificate.KeyKind)] = [("EC P-256", .ecP256), ("RSA 2048", .rsa(bits: 2_048))]
    return try kinds.flatMap { label, kind in
      let made = try [1, 2].map { try DTLSCertificate(key: kind, entropy: Entropy(seed: $0), epoch: .virtual) }
      let contexts = try made.map { try DTLSContext($0) }
      let raw = try made.map { try RawContext(DTLS_method(), [$0.certificate], $0.privateKey, DTLS1_2_VERSION, anchor: nil) }
      return try rows("DTLS 1.2, both ends \(label)", RawPair(server: raw[1], client: raw[0])) { entropy in
        dtls(contexts[0], contexts[1], entropy)
      }
    }
  }

  private static func rows(_ title: String, _ raw: RawPair, _ handshake: (Entropy) -> Void) throws -> [Row] {
    var (virtual, live, theirs) = (Double.infinity, Double.infinity, Double.infinity)
    // In turns, and short ones, so that all see the same machine.
    for round in 0..<12 {
      theirs = min(theirs, try Stopwatch.processor { for _ in 0..<count { try raw.handshake() } })
      virtual = min(virtual, Stopwatch.processor { for index in 0..<count { handshake(Entropy(seed: UInt64(round * count + index))) } })
      live = min(live, Stopwatch.processor { for _ in 0..<count { handshake(.system) } })
    }
    return [
      Row(name: "\(title): handshakes in virtual time", value: Double(count) / virtual, unit: "/s"),
      Row(name: "  live", value: Double(count) / live, unit: "/s"),
      Row(name: "  libssl alone", value: Double(count) / theirs, unit: "/s"),
      Row(name: "  virtual over libssl's time", value: virtual / theirs, unit: "×", bar: 1.2, isCeiling: true),
      Row(name: "  live over libssl's time", value: live / theirs, unit: "×", bar: 1.2, isCeiling: true),
    ]
  }

  // MARK: - Ours

  private static func tls(_ server: TLSContext, _ client: TLSContext, _ entropy: Entropy) {
    let first = TLSConnection(client, serverName: name, entropy: entropy.fork("client"), epoch: .virtual)
    let second = TLSConnection(server, serverName: nil, entropy: entropy.fork("server"), epoch: .virtual)
    var toServer = first.start(at: .zero)
    var toClient = second.start(at: .zero)
    for _ in 0..<6 where !(toServer.isEmpty && toClient.isEmpty) {
      let up = toServer
      let down = toClient
      (toServer, toClient) = ([], [])
      for case .ciphertext(let bytes, _) in up { toClient += second.receive(bytes, at: .zero) }
      for case .ciphertext(let bytes, _) in down { toServer += first.receive(bytes, at: .zero) }
    }
    precondition(first.session != nil && second.session != nil, "no handshake")
  }

  private static func dtls(_ active: DTLSContext, _ passive: DTLSContext, _ entropy: Entropy) {
    let first = DTLSConnection(
      active, role: .active, expecting: [passive.fingerprint()], entropy: entropy.fork("active"), epoch: .virtual)
    let second = DTLSConnection(
      passive, role: .passive, expecting: [active.fingerprint()], entropy: entropy.fork("passive"), epoch: .virtual)
    var toPassive = first.start(at: .zero)
    _ = second.start(at: .zero)
    for _ in 0..<6 where !toPassive.isEmpty {
      let up = toPassive
      toPassive = []
      var toActive: [DTLSConnection.Output] = []
      for case .datagram(let bytes) in up { toActive += second.receive(bytes, at: .zero) }
      for case .datagram(let bytes) in toActive { toPassive += first.receive(bytes, at: .zero) }
    }
    precondition(first.session != nil && second.session != nil, "no handshake")
  }
}
