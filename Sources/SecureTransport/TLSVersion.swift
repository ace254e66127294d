/// A version of TLS. 1.0 and 1.1 are forbidden by RFC 8996; they exist here so that a peer which still speaks them can be played.
public enum TLSVersion: UInt16, Hashable, Sendable, Codable, CaseIterable, Comparable {
  case tls10 = 0x0301
  case tls11 = 0x0302
  case tls12 = 0x0303
  case tls13 = 0x0304

  public static func < (left: TLSVersion, right: TLSVersion) -> Bool { left.rawValue < right.rawValue }
}

extension TLSVersion: CustomStringConvertible {
  public var description: String {
    switch self {
    case .tls10: "TLS 1.0"
    case .tls11: "TLS 1.1"
    case .tls12: "TLS 1.2"
    case .tls13: "TLS 1.3"
    }
  }
}
