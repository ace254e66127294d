/// How SRTP is protected by what a DTLS handshake agrees on (RFC 5764 §4.1.2, RFC 7714 §14.2).
public enum DTLSProtectionProfile: UInt16, Hashable, Sendable, CaseIterable {
  case aes128CMHMACSHA1_80 = 0x0001
  case aes128CMHMACSHA1_32 = 0x0002
  case aeadAES128GCM = 0x0007
  case aeadAES256GCM = 0x0008

  /// Best first.
  public static let preference: [DTLSProtectionProfile] = [
    .aeadAES256GCM, .aeadAES128GCM, .aes128CMHMACSHA1_80, .aes128CMHMACSHA1_32,
  ]

  /// Bytes that the exporter gives: a key and a salt for each end (RFC 5764 §4.2).
  public var keyingMaterialLength: Int {
    switch self {
    case .aes128CMHMACSHA1_80, .aes128CMHMACSHA1_32: 2 * (16 + 14)
    case .aeadAES128GCM: 2 * (16 + 12)
    case .aeadAES256GCM: 2 * (32 + 12)
    }
  }

  /// OpenSSL's spelling.
  var listName: String {
    switch self {
    case .aes128CMHMACSHA1_80: "SRTP_AES128_CM_SHA1_80"
    case .aes128CMHMACSHA1_32: "SRTP_AES128_CM_SHA1_32"
    case .aeadAES128GCM: "SRTP_AEAD_AES_128_GCM"
    case .aeadAES256GCM: "SRTP_AEAD_AES_256_GCM"
    }
  }
}

extension DTLSProtectionProfile: CustomStringConvertible {
  /// As it is registered: `SRTP_AES128_CM_HMAC_SHA1_80`.
  public var description: String {
    switch self {
    case .aes128CMHMACSHA1_80: "SRTP_AES128_CM_HMAC_SHA1_80"
    case .aes128CMHMACSHA1_32: "SRTP_AES128_CM_HMAC_SHA1_32"
    case .aeadAES128GCM: "SRTP_AEAD_AES_128_GCM"
    case .aeadAES256GCM: "SRTP_AEAD_AES_256_GCM"
    }
  }
}

/// A version of DTLS by its number on the wire. 1.0 is forbidden by RFC 8996; a peer that knows only that is refused.
public enum DTLSVersion: UInt16, Hashable, Sendable, CaseIterable {
  case dtls10 = 0xFEFF
  case dtls12 = 0xFEFD
}

extension DTLSVersion: CustomStringConvertible {
  public var description: String { self == .dtls10 ? "DTLS 1.0" : "DTLS 1.2" }
}
