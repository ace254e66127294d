import SansIO

/// Who a user agent is in DTLS-SRTP: a certificate of its own, made when it is first asked for, so that whoever never speaks DTLS pays
/// nothing (RFC 5763 §3).
///
/// Seeded entropy gives the same certificate each time.
// Unchecked: it belongs to one user agent and is asked in its turns alone, one after the other.
public final class DTLSIdentity: @unchecked Sendable {
  private let entropy: Entropy
  private let epoch: Epoch
  private let profiles: [DTLSProtectionProfile]
  /// Also the certificates that cannot be made are made once.
  private lazy var made: DTLSContext? = {
    guard !profiles.isEmpty, let certificate = try? DTLSCertificate(entropy: entropy.fork("certificate"), epoch: epoch) else { return nil }
    return try? DTLSContext(certificate, profiles: profiles)
  }()

  /// - Parameter profiles: what its handshakes agree to, best first.
  public init(profiles: [DTLSProtectionProfile] = DTLSProtectionProfile.preference, entropy: Entropy, epoch: Epoch) {
    (self.profiles, self.entropy, self.epoch) = (profiles, entropy, epoch)
  }

  /// nil where OpenSSL cannot make one.
  public var context: DTLSContext? { made }

  /// For `a=fingerprint`.
  public var fingerprint: CertificateFingerprint? { made?.fingerprint(.sha256) }

  /// One end of an association of the stream `path` names.
  public func connection(_ role: DTLSConnection.Role, expecting fingerprints: [CertificateFingerprint], path: String) -> DTLSConnection? {
    made.map { DTLSConnection($0, role: role, expecting: fingerprints, entropy: entropy.fork(path), epoch: epoch) }
  }
}
