import CSRTP

/// How packets of one direction are encrypted and authenticated: a crypto-suite of RFC 4568 §6.2, RFC 6188 §4 or RFC 7714 §14.1.
///
/// Those with AES-192 are missing: libsrtp2 derives their session keys with AES-256, which is not what RFC 6188 §3 says.
public enum SRTPSuite: String, Hashable, Sendable, CaseIterable {
  case aeadAES256GCM = "AEAD_AES_256_GCM"
  case aeadAES128GCM = "AEAD_AES_128_GCM"
  case aes256CMHMACSHA1_80 = "AES_256_CM_HMAC_SHA1_80"
  case aesCM128HMACSHA1_80 = "AES_CM_128_HMAC_SHA1_80"
  case aesCM128HMACSHA1_32 = "AES_CM_128_HMAC_SHA1_32"
  // Neither offered nor taken by default: captures of others have it.
  case aes256CMHMACSHA1_32 = "AES_256_CM_HMAC_SHA1_32"

  /// What is offered, best first, and alone taken (contract 8.5).
  public static let preference: [SRTPSuite] = [
    .aeadAES256GCM, .aeadAES128GCM, .aes256CMHMACSHA1_80, .aesCM128HMACSHA1_80, .aesCM128HMACSHA1_32,
  ]

  /// The registered name, or the spelling `AES_CM_256_…` that some products use for the suites of RFC 6188; case counts. nil for any other.
  public init?(name: String) {
    switch name {
    case "AES_CM_256_HMAC_SHA1_80": self = .aes256CMHMACSHA1_80
    case "AES_CM_256_HMAC_SHA1_32": self = .aes256CMHMACSHA1_32
    default: self.init(rawValue: name)
    }
  }

  /// As it is registered.
  public var name: String { rawValue }

  /// Authenticated encryption, whose tag comes before a master key identifier and not behind it (RFC 7714 §8.2, §9.2).
  public var isAEAD: Bool { self == .aeadAES128GCM || self == .aeadAES256GCM }

  /// Bytes of the master key.
  public var keyLength: Int {
    switch self {
    case .aeadAES128GCM, .aesCM128HMACSHA1_80, .aesCM128HMACSHA1_32: 16
    case .aeadAES256GCM, .aes256CMHMACSHA1_80, .aes256CMHMACSHA1_32: 32
    }
  }

  /// Bytes of the master salt: 14 in counter mode (RFC 3711 §4.3.2), 12 in GCM (RFC 7714 §14.2).
  public var saltLength: Int { isAEAD ? 12 : 14 }

  /// Bytes of both, one after the other, as SDES writes them (RFC 4568 §6.1).
  public var keyAndSaltLength: Int { keyLength + saltLength }

  /// Bytes of the authentication tag. Where SRTP's is short, SRTCP's is whole all the same (RFC 4568 §6.2.2).
  public func tagLength(_ kind: SRTPPacketKind) -> Int {
    switch self {
    case .aeadAES128GCM, .aeadAES256GCM: 16
    case .aes256CMHMACSHA1_80, .aesCM128HMACSHA1_80: 10
    case .aesCM128HMACSHA1_32, .aes256CMHMACSHA1_32: kind == .rtp ? 4 : 10
    }
  }

  /// The SRTP protection profile of DTLS (RFC 5764 §4.1.2, RFC 7714 §14.2); nil where there is none.
  public var protectionProfile: UInt16? {
    switch self {
    case .aesCM128HMACSHA1_80: 0x0001
    case .aesCM128HMACSHA1_32: 0x0002
    case .aeadAES128GCM: 0x0007
    case .aeadAES256GCM: 0x0008
    case .aes256CMHMACSHA1_80, .aes256CMHMACSHA1_32: nil
    }
  }

  /// nil for a profile that is not one of ours.
  public init?(protectionProfile: UInt16) {
    guard let suite = Self.allCases.first(where: { $0.protectionProfile == protectionProfile }) else { return nil }
    self = suite
  }

  /// What libsrtp2 is asked for.
  func fill(_ policy: inout srtp_policy_t) {
    switch self {
    case .aeadAES256GCM:
      srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp)
      srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp)
    case .aeadAES128GCM:
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp)
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp)
    case .aes256CMHMACSHA1_80:
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtp)
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtcp)
    case .aes256CMHMACSHA1_32:
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32(&policy.rtp)
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtcp)
    case .aesCM128HMACSHA1_80:
      srtp_crypto_policy_set_rtp_default(&policy.rtp)
      srtp_crypto_policy_set_rtcp_default(&policy.rtcp)
    case .aesCM128HMACSHA1_32:
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy.rtp)
      srtp_crypto_policy_set_rtcp_default(&policy.rtcp)
    }
  }
}

extension SRTPSuite: CustomStringConvertible {
  public var description: String { name }
}

/// The two kinds of packet, which have keys and counters of their own (RFC 3711 §3.2).
public enum SRTPPacketKind: Hashable, Sendable, CaseIterable {
  case rtp
  case rtcp
}
