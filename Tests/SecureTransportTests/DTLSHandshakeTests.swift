import SansIO
import Testing

@testable import SecureTransport

@Suite struct DTLSHandshakeTests {
  @Test func `two ends agree on DTLS 1.2, a profile and the same keying material (RFC 5764 §4.2)`() throws {
    let pair = try DTLSLab.pair().handshake()
    let (one, two) = (try #require(pair.end(.active).session), try #require(pair.end(.passive).session))
    #expect(one.version == .dtls12)
    #expect(one.cipher == two.cipher)
    #expect(one.profile == .aeadAES256GCM)
    #expect(one.keyingMaterial.reveal() == two.keyingMaterial.reveal())
    #expect(one.keyingMaterial.count == 88)
    #expect(Set(one.keyingMaterial.reveal()).count > 40)
    #expect(one.isMasterSecretExtended && two.isMasterSecretExtended)
    #expect(one.peerFingerprint == (try DTLSContext(DTLSLab.certificates[1])).fingerprint())
    #expect(two.peerSubject == "CN=kallglot-lab")
    #expect(pair[.active].kinds == ["datagram", "secret", "datagram", "established"])
    #expect(pair[.passive].kinds == ["datagram", "secret", "datagram", "established"])
    #expect(pair.ends.allSatisfy { $0.nextDeadline == nil })
  }

  @Test func `the keying material is shown nowhere`() throws {
    let session = try #require(try DTLSLab.pair().handshake()[.active].session)
    var dumped = ""
    dump(session, to: &dumped)
    let shown = "\(session) \(String(reflecting: session)) \(dumped)"
    #expect(shown.contains("(secret)"))
    let bytes = session.keyingMaterial.reveal()
    #expect(!shown.contains(bytes.prefix(4).map { "\($0)" }.joined(separator: ", ")))
    #expect(Mirror(reflecting: session.keyingMaterial).children.isEmpty)
  }

  @Test func `a secret comes before the first datagram that needs it, the same line at both ends`() throws {
    let pair = try DTLSLab.pair().handshake()
    #expect(pair[.active].secrets == pair[.passive].secrets)
    #expect(pair[.active].secrets.count == 1)
    #expect(pair[.active].secrets[0].hasPrefix("CLIENT_RANDOM "))
    for side in DTLSPair.Side.allCases {
      let secret = try #require(pair[side].firstIndex { if case .secret = $0 { true } else { false } })
      let sealed = pair[side].firstIndex {
        if case .datagram(let bytes) = $0 { DTLSRecord.read(bytes).contains { $0.epoch > 0 } } else { false }
      }
      #expect(secret < (try #require(sealed)))
    }
  }

  @Test func `the server's order chooses among what the client offers (RFC 5764 §4.1.1)`() throws {
    let cases: [([DTLSProtectionProfile], [DTLSProtectionProfile], DTLSProtectionProfile, Int)] = [
      ([.aes128CMHMACSHA1_80], [.aeadAES256GCM, .aes128CMHMACSHA1_80], .aes128CMHMACSHA1_80, 60),
      ([.aes128CMHMACSHA1_80, .aeadAES128GCM], [.aeadAES128GCM, .aes128CMHMACSHA1_80], .aeadAES128GCM, 56),
      ([.aes128CMHMACSHA1_32, .aes128CMHMACSHA1_80], [.aes128CMHMACSHA1_32], .aes128CMHMACSHA1_32, 60),
    ]
    for (active, passive, chosen, length) in cases {
      let contexts = try DTLSLab.contexts(active, passive)
      let pair = DTLSPair(contexts.active, contexts.passive).handshake()
      for end in pair.ends {
        #expect(end.session?.profile == chosen)
        #expect(end.session?.keyingMaterial.count == length)
      }
    }
  }

  @Test func `no profile in common fails by its name, and the peer sees handshake_failure (RFC 5764 §4.1.1)`() throws {
    let contexts = try DTLSLab.contexts([.aeadAES256GCM], [.aes128CMHMACSHA1_80])
    let pair = DTLSPair(contexts.active, contexts.passive).handshake()
    let failure = try #require(pair[.active].failure)
    #expect(failure.reason == .noCommonProfile)
    #expect(failure.alert == .handshakeFailure)
    #expect(pair[.passive].failure?.reason == .refusedByPeer)
    #expect(pair[.passive].failure?.alert == .handshakeFailure)
    #expect(!pair.ends.contains { $0.session != nil })
  }

  @Test func `a context without a profile is refused`() {
    #expect(throws: TLSError.missing(item: "a protection profile for SRTP")) {
      try DTLSContext(DTLSLab.certificates[0], profiles: [])
    }
  }

  @Test func `no datagram is longer than the MTU, and fragments are put together (RFC 6347 §4.2.3)`() throws {
    for mtu in [256, 300, 576, 1_200] {
      let pair = try DTLSLab.pair(mtu: mtu).handshake()
      #expect(pair.isEstablished)
      #expect(pair.sent.allSatisfy { $0.bytes.count <= mtu })
    }
    #expect(try DTLSLab.pair(mtu: 300).handshake().sent.count > DTLSLab.pair().handshake().sent.count)
  }

  @Test func `a chain of RSA 4096 goes in fragments of 300 bytes (DTLS-07)`() throws {
    let made = try DTLSCertificate(key: .rsa(bits: 4_096), entropy: Entropy(seed: 40), epoch: .virtual)
    let chain = made.certificate.followed(by: DTLSLab.certificates[0].certificate).followed(by: DTLSLab.certificates[1].certificate)
    let large = try DTLSContext(certificate: chain, privateKey: made.privateKey, mtu: 300)
    let small = try DTLSContext(DTLSLab.certificates[0], mtu: 300)
    for (active, passive) in [(large, small), (small, large)] {
      let pair = DTLSPair(active, passive).handshake()
      #expect(pair.isEstablished)
      #expect(pair.sent.count > 10)
      #expect(pair.sent.allSatisfy { $0.bytes.count <= 300 })
      // The third datagram of the large flight is lost: the whole flight comes again, and the parts that came are kept.
      let lossy = DTLSPair(active, passive) { $0.place == 2 && $0.at < Instant(nanoseconds: 500_000_000) ? [] : [DTLSPair.delay] }
      #expect(lossy.handshake().isEstablished)
    }
  }

  @Test func `close_notify ends the association at both ends (RFC 5246 §7.2.1)`() throws {
    for side in DTLSPair.Side.allCases {
      let other: DTLSPair.Side = side == .active ? .passive : .active
      let pair = try DTLSLab.pair().handshake()
      pair.take(pair.end(side).close(at: pair.now), of: side)
      pair.run()
      #expect(pair[other].kinds.suffix(2) == ["datagram", "closed by peer"])
      #expect(!pair[side].kinds.contains("closed by peer"))
      #expect(pair.end(side).close(at: pair.now).isEmpty)
      #expect(pair.end(other).close(at: pair.now).isEmpty)
      #expect(pair.end(other).receive(pair.sent[0].bytes, at: pair.now).isEmpty)
    }
  }

  @Test func `a handshake is given up without a word`() throws {
    let pair = try DTLSLab.pair()
    pair.start()
    #expect(pair.end(.active).close(at: .zero).isEmpty)
    #expect(pair.end(.active).nextDeadline == nil)
    #expect(pair.end(.active).wake(at: Instant(nanoseconds: 5_000_000_000)).isEmpty)
  }

  @Test func `a cookie is sent back (RFC 6347 §4.2.1)`() throws {
    let context = try DTLSLab.contexts().active
    let end = DTLSConnection(context, role: .active, expecting: [context.fingerprint()], entropy: Entropy(seed: 1), epoch: .virtual)
    let hello = end.start(at: .zero).datagrams
    let cookie = (1...20).map { UInt8($0) }
    let body: [UInt8] = [0xFE, 0xFF, 20] + cookie
    let message: [UInt8] = [3, 0, 0, UInt8(body.count), 0, 0, 0, 0, 0, 0, 0, UInt8(body.count)] + body
    let record: [UInt8] = [22, 0xFE, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0, UInt8(message.count)] + message
    let again = end.receive(Bytes(record), at: .zero).datagrams
    #expect(again.count == 1)
    #expect(again[0].count == hello[0].count + 20)
    #expect(again[0].array.firstRange(of: cookie) != nil)
  }
}

/// The records of a datagram, by their headers (RFC 6347 §4.1).
struct DTLSRecord {
  var type: UInt8
  var epoch: Int
  var body: [UInt8]

  static func read(_ datagram: Bytes) -> [DTLSRecord] {
    let bytes = datagram.array
    var (records, at) = ([DTLSRecord](), 0)
    while at + 13 <= bytes.count {
      let end = min(at + 13 + (Int(bytes[at + 11]) << 8) + Int(bytes[at + 12]), bytes.count)
      records.append(DTLSRecord(type: bytes[at], epoch: (Int(bytes[at + 3]) << 8) + Int(bytes[at + 4]), body: Array(bytes[at + 13..<end])))
      at = end
    }
    return records
  }
}
