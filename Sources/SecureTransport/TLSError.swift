/// A configuration, certificate or key that cannot be used. The text names which one and why, and never shows a key.
public enum TLSError: Error, Hashable, Sendable {
  /// The text holds no block of the kind that is needed, or one that does not parse. `item` says which: `"trust anchors"`.
  case unreadable(item: String, reason: String)
  /// The private key is protected by a pass phrase.
  case keyIsEncrypted
  /// The private key belongs to another certificate.
  case keyDoesNotMatch
  /// A server needs a certificate chain and a key; a certificate needs its key and the other way round.
  case missing(item: String)
  /// The cipher list selects nothing or is not in OpenSSL's notation.
  case badCipherList(String)
  /// ``TLSConfiguration/minimumVersion`` is above ``TLSConfiguration/maximumVersion``.
  case noVersion
  /// A name that cannot stand in a certificate.
  case badName(String)
  /// OpenSSL refused for a reason that none of the above covers.
  case library(String)
}

extension TLSError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unreadable(let item, let reason): "the \(item) cannot be read: \(reason)"
    case .keyIsEncrypted: "the private key has a pass phrase; give it without one"
    case .keyDoesNotMatch: "the private key does not belong to the first certificate of the chain"
    case .missing(let item): "\(item) is missing"
    case .badCipherList(let list): "no cipher suite is selected by '\(list)'"
    case .noVersion: "the minimum TLS version is above the maximum"
    case .badName(let name): "'\(name)' is not valid in a certificate: letters, digits, '.', '-', '_' and '*' only"
    case .library(let text): "OpenSSL: \(text)"
    }
  }
}
