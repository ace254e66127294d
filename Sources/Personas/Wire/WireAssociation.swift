import SRTP
import SansIO
import SecureTransport

/// What a wire member brings to a DTLS association for its media.
public struct AssociationTerms: Hashable, Sendable {
  public var role: DTLSConnection.Role
  public var certificate: DTLSCertificate
  /// Of the peer's description; the peer's certificate has to fit.
  public var fingerprints: [CertificateFingerprint]
  /// The protection profiles that it offers or takes.
  public var profiles: [DTLSProtectionProfile]
  /// RTCP has the port of RTP, and needs no association of its own (RFC 5764 §4.1).
  public var isMultiplexed: Bool
  /// Octets that a datagram of the handshake has at most.
  public var mtu: Int

  public init(
    role: DTLSConnection.Role, certificate: DTLSCertificate, fingerprints: [CertificateFingerprint], profiles: [DTLSProtectionProfile],
    isMultiplexed: Bool = true, mtu: Int = DTLSContext.standardMTU
  ) {
    (self.role, self.certificate, self.fingerprints, self.profiles) = (role, certificate, fingerprints, profiles)
    (self.isMultiplexed, self.mtu) = (isMultiplexed, mtu)
  }
}

/// A DTLS association of a wire member: of its media port, or of the port above it, which is RTCP's (RFC 5764 §4.1, RFC 5761).
final class WireAssociation {
  private let connection: DTLSConnection
  let remote: TransportAddress

  init(_ terms: AssociationTerms, with remote: TransportAddress, entropy: Entropy, epoch: Epoch) throws(TLSError) {
    let context = try DTLSContext(terms.certificate, profiles: terms.profiles, mtu: terms.mtu)
    connection = DTLSConnection(context, role: terms.role, expecting: terms.fingerprints, entropy: entropy, epoch: epoch)
    self.remote = remote
  }

  var nextDeadline: Instant? { connection.nextDeadline }

  func start(at now: Instant) -> [DTLSConnection.Output] { connection.start(at: now) }
  func receive(_ datagram: Bytes, at now: Instant) -> [DTLSConnection.Output] { connection.receive(datagram, at: now) }
  func wake(at now: Instant) -> [DTLSConnection.Output] { connection.wake(at: now) }
  func close(at now: Instant) -> [DTLSConnection.Output] { connection.close(at: now) }

  /// The keys of SRTP that a handshake gave (RFC 5764 §4.2); nil where SRTP has no suite for its profile.
  func protection(_ session: DTLSSession) -> WireProtection? {
    guard let suite = SRTPSuite(protectionProfile: session.profile.rawValue),
      let pair = SRTPKey.pair(exported: session.keyingMaterial.reveal(), suite: suite)
    else { return nil }
    let (own, other) = connection.role == .active ? (pair.client, pair.server) : (pair.server, pair.client)
    do { return try WireProtection(send: SRTPKeys(suite, own), receive: SRTPKeys(suite, other)) } catch { return nil }
  }
}
