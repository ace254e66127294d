/// Why a line `a=crypto` cannot be used. No key is ever shown by one.
public enum CryptoRefusal: Error, Hashable, Sendable {
  /// What should be the tag (RFC 4568 §9.1).
  case tag(String)
  case noSuite
  case noKey
  /// A suite that we do not have, or do not take here (§6.2).
  case suite(String)
  /// Another method than `inline` (§6.1).
  case keyMethod(String)
  case base64(Base64Fault)
  /// Lengths and MKIs of the keys (§6.1).
  case keys(SRTPKeyError, SRTPSuite)
  case lifetime(String)
  case identifier(String)
  /// A part of the key that is neither lifetime nor MKI, or not in this order (§9.2).
  case keyInformation
  /// `KDR` other than 0 (§6.3.1).
  case keyDerivationRate(String)
  case unencryptedSRTP
  case unencryptedSRTCP
  case unauthenticatedSRTP
  /// `FEC_ORDER`, `FEC_KEY` (§6.3.4, §6.3.5).
  case forwardErrorCorrection(String)
  case windowSizeHint(String)
  /// A session parameter that is not known and has no hyphen (§6.3.7).
  case parameter(String)
  /// The tag of a line before (§4.1).
  case repeatedTag(UInt32)

  /// Where the rule is: `RFC 4568 §6.1`.
  public var section: String {
    switch self {
    case .tag, .noSuite, .noKey: "RFC 4568 §9.1"
    case .suite: "RFC 4568 §6.2"
    case .keyMethod, .base64, .lifetime, .identifier: "RFC 4568 §6.1"
    case .keys(.length, let suite): suite.isAEAD ? "RFC 7714 §14.2" : suite.keyLength == 16 ? "RFC 4568 §6.2" : "RFC 6188 §4"
    case .keys: "RFC 4568 §6.1"
    case .keyInformation: "RFC 4568 §9.2"
    case .keyDerivationRate: "RFC 4568 §6.3.1"
    case .unencryptedSRTP, .unencryptedSRTCP: "RFC 4568 §6.3.2"
    case .unauthenticatedSRTP: "RFC 4568 §6.3.3"
    case .forwardErrorCorrection(let text): text.hasPrefix("FEC_KEY") ? "RFC 4568 §6.3.5" : "RFC 4568 §6.3.4"
    case .windowSizeHint: "RFC 4568 §6.3.6"
    case .parameter: "RFC 4568 §6.3.7"
    case .repeatedTag: "RFC 4568 §4.1"
    }
  }

  /// Whether who wrote the line broke a rule. Otherwise the line is lawful, and asks for what this side does not do.
  public var isViolation: Bool {
    switch self {
    case .tag, .noSuite, .noKey, .base64, .keys, .lifetime, .identifier, .keyInformation, .windowSizeHint, .repeatedTag: true
    case .keyDerivationRate(let rate): !CryptoRefusal.isRate(rate)
    case .suite, .keyMethod, .unencryptedSRTP, .unencryptedSRTCP, .unauthenticatedSRTP, .forwardErrorCorrection, .parameter: false
    }
  }

  /// A power of two from 1 to 24, without leading zeros (RFC 4568 §6.3.1).
  private static func isRate(_ text: String) -> Bool { Int(digits: text[...]).map { (0...24).contains($0) && String($0) == text } == true }
}

extension CryptoRefusal: CustomStringConvertible {
  /// `the tag is 'x' instead of one to nine digits (RFC 4568 §9.1)`.
  public var description: String { "\(sentence) (\(section))" }

  private var sentence: String {
    switch self {
    case .tag(let text): "the tag is '\(text)' instead of one to nine digits"
    case .noSuite: "there is no crypto-suite"
    case .noKey: "there is no key"
    case .suite(let name): "the crypto-suite '\(name)' is not supported"
    case .keyMethod(let name): "the key method '\(name)' is not supported, only 'inline' is"
    case .base64(.character): "the key has a character that base64 does not have"
    case .base64(.length): "the key has one base64 character more than whole bytes need"
    case .base64(.padding): "the padding of the key is not what its length asks for"
    case .keys(let error, let suite): "\(error) for \(suite)"
    case .lifetime(let text): "the lifetime '\(text)' is not a number of packets from 1 to 2^48"
    case .identifier(let text): "the MKI '\(text)' is not a number with its length of 1 to 128 bytes"
    case .keyInformation: "the key has more than a lifetime and an MKI behind it, in this order"
    case .keyDerivationRate(let rate): "the key derivation rate KDR=\(rate) is not supported, only one derivation is"
    case .unencryptedSRTP: "UNENCRYPTED_SRTP is refused: RTP would be sent in clear"
    case .unencryptedSRTCP: "UNENCRYPTED_SRTCP is refused: RTCP would be sent in clear"
    case .unauthenticatedSRTP: "UNAUTHENTICATED_SRTP is refused: anybody could change packets"
    case .forwardErrorCorrection(let text): "forward error correction is not supported: '\(text)'"
    case .windowSizeHint(let text): "the window size hint WSH=\(text) is not a number of at least 64"
    case .parameter(let text): "the session parameter '\(text)' is not known, and has no hyphen"
    case .repeatedTag(let tag): "the tag \(tag) appears more than once"
    }
  }
}
