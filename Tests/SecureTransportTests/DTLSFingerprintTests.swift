import SansIO
import Testing

@testable import SecureTransport

@Suite struct DTLSFingerprintTests {
  private typealias Hash = CertificateFingerprint.HashFunction

  private func pair(
    activeExpects: (DTLSContext) -> [CertificateFingerprint]?,
    passiveExpects: (DTLSContext) -> [CertificateFingerprint]? = { [$0.fingerprint()] }
  ) throws -> DTLSPair {
    let contexts = try DTLSLab.contexts()
    return DTLSPair(
      active: contexts.active, passive: contexts.passive, activeExpects: activeExpects(contexts.passive),
      passiveExpects: passiveExpects(contexts.active))
  }

  private func wrong(_ hash: CertificateFingerprint.HashFunction = .sha256) -> CertificateFingerprint {
    CertificateFingerprint(hash: hash, digest: [UInt8](repeating: 1, count: hash.length ?? 8))
  }

  @Test(arguments: [Hash.sha224, .sha256, .sha384, .sha512])
  func `a certificate is known by its fingerprint (RFC 8122 §5)`(hash: CertificateFingerprint.HashFunction) throws {
    let pair = try pair(activeExpects: { [$0.fingerprint(hash)] }, passiveExpects: { [$0.fingerprint(hash)] }).handshake()
    #expect(pair.isEstablished)
    let text = pair.end(.active).session.map { "\($0.peerFingerprint)" }
    #expect(text?.hasPrefix("sha-256 ") == true)
  }

  @Test func `another certificate is refused with bad_certificate, by either end (RFC 8122 §6.2)`() throws {
    let presented = try DTLSLab.contexts().passive.fingerprint()
    let client = try pair(activeExpects: { _ in [self.wrong()] }).handshake()
    let failure = try #require(client[.active].failure)
    #expect(failure.reason == .fingerprintMismatch(presented: presented))
    #expect(failure.endedBy == .local)
    #expect(failure.alert == .badCertificate)
    #expect(client[.passive].failure?.reason == .refusedByPeer)
    #expect(client[.passive].failure?.alert == .badCertificate)
    let server = try pair(activeExpects: { [$0.fingerprint()] }, passiveExpects: { _ in [self.wrong()] }).handshake()
    #expect(server[.passive].failure?.alert == .badCertificate)
    #expect(server[.active].failure?.alert == .badCertificate)
    #expect(!(client.ends + server.ends).contains { $0.session != nil })
  }

  @Test func `one bit of a fingerprint counts`() throws {
    let pair = try pair(activeExpects: {
      var fingerprint = $0.fingerprint()
      fingerprint.digest[31] ^= 1
      return [fingerprint]
    }).handshake()
    #expect(pair[.active].failure?.alert == .badCertificate)
  }

  @Test(arguments: [Hash.sha1, .md5, .other("md2")])
  func `a fingerprint of a broken hash function is refused by its name before a byte is sent`(
    hash: CertificateFingerprint.HashFunction
  ) throws {
    let pair = try pair(activeExpects: { [$0.fingerprint(hash)] }, passiveExpects: { _ in nil }).handshake()
    #expect(pair[.active].kinds == ["failed"])
    #expect(pair[.active].failure?.reason == .fingerprintTooWeak(hash: "\(hash)"))
    #expect(pair[.active].failure?.text.contains("\(hash)") == true)
  }

  @Test func `no fingerprint, or unknown ones alone, are refused (RFC 5763 §5)`() throws {
    #expect(try pair(activeExpects: { _ in [] }).handshake()[.active].failure?.reason == .fingerprintMissing)
    let unknown = try #require(CertificateFingerprint("sha3-256 01:02:03"))
    #expect(try pair(activeExpects: { _ in [unknown] }).handshake()[.active].failure?.reason == .fingerprintUnknown(hash: "sha3-256"))
  }

  @Test func `of several fingerprints the strongest hash function decides (RFC 8122 §5)`() throws {
    // Old certificate and new one of the same function: either.
    #expect(try pair(activeExpects: { [self.wrong(), $0.fingerprint()] }).handshake().isEstablished)
    #expect(try pair(activeExpects: { [$0.fingerprint(.sha1), $0.fingerprint(.sha512)] }).handshake().isEstablished)
    #expect(try pair(activeExpects: { [self.wrong(.sha1), self.wrong(.other("x")), $0.fingerprint()] }).handshake().isEstablished)
    // A weaker one that matches saves nothing.
    let refused = try pair(activeExpects: { [$0.fingerprint(.sha256), self.wrong(.sha512)] }).handshake()
    #expect(refused[.active].failure?.alert == .badCertificate)
  }

  @Test func `a passive end serves a handshake before the answer and is established by it (RFC 5763 §5)`() throws {
    let pair = try pair(activeExpects: { [$0.fingerprint()] }, passiveExpects: { _ in nil }).handshake()
    #expect(pair[.active].session != nil)
    #expect(pair[.passive].session == nil)
    #expect(pair.end(.passive).awaitsFingerprints)
    let own = try DTLSLab.contexts().active.fingerprint()
    pair.take(pair.end(.passive).expect([own], at: pair.now), of: .passive)
    #expect(pair.isEstablished)
    #expect(!pair.end(.passive).awaitsFingerprints)
    #expect(pair.end(.passive).session?.keyingMaterial == pair.end(.active).session?.keyingMaterial)
    // Another description of the same association is another's matter.
    #expect(pair.end(.passive).expect([wrong()], at: pair.now).isEmpty)
  }

  @Test func `an answer in mid-handshake counts for the certificate to come`() throws {
    let contexts = try DTLSLab.contexts()
    for (fingerprint, isRight) in [(contexts.active.fingerprint(), true), (wrong(), false)] {
      let pair = try pair(activeExpects: { [$0.fingerprint()] }, passiveExpects: { _ in nil })
      pair.start()
      pair.run(limit: .milliseconds(30))
      #expect(pair.end(.passive).expect([fingerprint], at: pair.now).isEmpty)
      pair.run()
      #expect(pair.isEstablished == isRight)
      #expect((pair[.passive].failure?.alert == .badCertificate) == !isRight)
    }
  }

  @Test func `an answer that comes late with another fingerprint ends the association with close_notify`() throws {
    let pair = try pair(activeExpects: { [$0.fingerprint()] }, passiveExpects: { _ in nil }).handshake()
    pair.take(pair.end(.passive).expect([wrong()], at: pair.now), of: .passive)
    #expect(pair[.passive].session == nil)
    let presented = try DTLSLab.contexts().active.fingerprint()
    #expect(pair[.passive].failure?.reason == .fingerprintMismatch(presented: presented))
    pair.run()
    #expect(pair[.active].kinds.last == "closed by peer")
  }

  @Test func `fingerprints are read and written as RFC 8122 §5 has them`() throws {
    let text = "sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB"
    let fingerprint = try #require(CertificateFingerprint(text))
    #expect(fingerprint.hash == .sha1)
    #expect(fingerprint.description == text)
    #expect(CertificateFingerprint(text.lowercased()) == fingerprint)
    #expect(CertificateFingerprint("SHA-1" + text.dropFirst(5)) == fingerprint)
    #expect(CertificateFingerprint("sha3-256 01:0f")?.description == "sha3-256 01:0F")
  }

  @Test(arguments: [
    "", "sha-256", "sha-256 ", " 01:02", "sha-256 01:02", "sha-1 4A:AD", "x 1:02", "x 01:0g", "x 01:", "x 01 02", "x +1:02", "x 001:02",
    "x 01::02",
  ])
  func `what is not a fingerprint is not read (RFC 8122 §5)`(text: String) {
    #expect(CertificateFingerprint(text) == nil)
  }

  @Test(arguments: [
    ("sha-256 01:02", "the length in bytes of a digest of sha-256 is 32, of this one 2"),
    ("SHA-1 4A", "the length in bytes of a digest of sha-1 is 20, of this one 1"),
    ("sha-256  01", "it is not a hash function and a digest with one space between them"),
    ("sha-256", "it is not a hash function and a digest with one space between them"),
    ("sha-256 0102", "its digest is not pairs of hexadecimal digits with colons between them"),
  ])
  func `what is wrong with a fingerprint is named (RFC 8122 §5)`(text: String, fault: String) {
    #expect(CertificateFingerprint.fault(in: text) == fault)
    #expect(CertificateFingerprint.fault(in: "x 01:02") == nil)
  }

  @Test func `a certificate of one seed has one fingerprint, of another seed another`() throws {
    let again = try DTLSCertificate(entropy: Entropy(seed: 1), epoch: .virtual)
    #expect(again.certificate == DTLSLab.certificates[0].certificate)
    #expect(again.certificate != DTLSLab.certificates[1].certificate)
  }
}
