import SansIO

/// A line `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:…|2^31|1:4 WSH=64` that can be used (RFC 4568 §9.1).
///
/// It holds keys, so descriptions show none: ``serialized()`` does.
public struct CryptoAttribute: Hashable, Sendable {
  /// Of one to nine digits; an answer repeats it (RFC 4568 §4.1).
  public var tag: UInt32
  public var suite: SRTPSuite
  /// As it is written, which an answer repeats; products spell the suites of RFC 6188 in two ways.
  public var suiteName: String
  /// At least one.
  public var keys: [SRTPKey]
  public var parameters: [SessionParameter]

  /// - Parameter suiteName: nil for the registered name.
  public init(tag: UInt32, suite: SRTPSuite, suiteName: String? = nil, keys: [SRTPKey], parameters: [SessionParameter] = []) {
    self.tag = tag
    self.suite = suite
    self.suiteName = suiteName ?? suite.name
    self.keys = keys
    self.parameters = parameters
  }

  /// An offer of some suites in their order, tags from 1 on, with a key of its own for each (RFC 4568 §5.1.1).
  public static func offer(_ suites: [SRTPSuite] = SRTPSuite.preference, entropy: inout Entropy) -> [CryptoAttribute] {
    var offer: [CryptoAttribute] = []
    for suite in suites {
      offer.append(CryptoAttribute(tag: UInt32(offer.count + 1), suite: suite, keys: [SRTPKey(for: suite, entropy: &entropy)]))
    }
    return offer
  }

  /// The answer that takes this line of an offer: its tag and its suite as it spells it, and our key (RFC 4568 §5.1.2).
  public func answer(with key: SRTPKey) -> CryptoAttribute {
    CryptoAttribute(tag: tag, suite: suite, suiteName: suiteName, keys: [key])
  }

  /// What a sender or receiver is made of.
  public func keying() throws(SRTPKeyError) -> SRTPKeys { try SRTPKeys(suite, keys) }

  /// What comes behind `a=crypto:`, keys included.
  public func serialized() -> Bytes { Bytes(text({ $0.revealBase64() + $0.suffix }, \.text)) }

  private func text(_ key: (SRTPKey) -> String, _ parameter: (SessionParameter) -> String) -> String {
    let keys = keys.map { "inline:\(key($0))" }.joined(separator: ";")
    return (["\(tag) \(suiteName) \(keys)"] + parameters.map(parameter)).joined(separator: " ")
  }
}

extension CryptoAttribute: CustomStringConvertible, CustomDebugStringConvertible {
  /// `1 AES_CM_128_HMAC_SHA1_80 inline:(secret)|2^31`.
  public var description: String { text(\.description, \.description) }
  public var debugDescription: String { description }
}

/// What a crypto attribute may say behind its keys without being refused (RFC 4568 §6.3).
public enum SessionParameter: Hashable, Sendable {
  /// `KDR=0`: session keys are derived once, as without it (§6.3.1).
  case keyDerivationOnce
  /// `WSH=n`: the replay window that the sender suggests, 64 packets at least (§6.3.6).
  case windowSizeHint(Int)
  /// `-name`, which may be ignored where it is not known (§6.3.7), with its hyphen.
  case optionalExtension(String)
}

extension SessionParameter: CustomStringConvertible {
  /// As it is written.
  var text: String {
    switch self {
    case .keyDerivationOnce: "KDR=0"
    case .windowSizeHint(let size): "WSH=\(size)"
    case .optionalExtension(let text): text
    }
  }

  /// Of an extension no more than the beginning of its name: nobody knows what its value is.
  public var description: String {
    guard case .optionalExtension(let text) = self else { return text }
    return String(text.prefix { $0 != "=" && $0 != ":" }.prefix(20))
  }
}
