import Rules
import SansIO

/// Why an offer or answer cannot be used.
public enum OfferAnswerFailure: Error, Hashable, Sendable {
  case noAudio
  case noCommonCodec
  /// The one codec in common is described so that it is not that codec: `opus/48000` (RFC 7587 §7).
  case misdescribedCodec(String)
  case wrongProfile
  /// The stream has to be SRTP, and none of its keys can be used.
  case noKeys(String)
  /// The description breaks a rule; 399 where it is an offer.
  case broken(PeerViolation)
  /// It cannot be read; 399 where it is an offer.
  case unreadable(SDPError)
  /// The description is lawful and asks for what this side does not do: our choice, and nobody's mistake.
  case limit(String)
  case other(String)

  /// The Warning code of RFC 3261 §20.43 that contract 8.1 asks for.
  public var warningCode: Int {
    switch self {
    case .wrongProfile: 302
    case .noAudio: 304
    case .noCommonCodec, .misdescribedCodec: 305
    case .noKeys, .broken, .unreadable, .limit, .other: 399
    }
  }

  /// Whether it is about how media is protected.
  public var isAboutProtection: Bool {
    switch self {
    case .wrongProfile, .noKeys: true
    case .broken(let violation): [.cryptoMissing, .fingerprintMissing, .dtlsSetup].contains(violation.rule)
    case .noAudio, .noCommonCodec, .misdescribedCodec, .unreadable, .limit, .other: false
    }
  }

  public var warningText: String {
    switch self {
    case .wrongProfile: "Incompatible transport protocol: the media profile cannot be agreed"
    case .noAudio: "Media type not available: no audio stream in the offer"
    case .noCommonCodec: "Incompatible media format: no common codec"
    case .misdescribedCodec(let encoding):
      "Incompatible media format: no common codec; '\(encoding)' is not Opus, which is opus/48000/2 (RFC 7587 section 7)"
        .replacing("\"", with: "'")
    case .noKeys(let text): "No usable SRTP key: \(text)".replacing("\"", with: "'")
    case .broken(let violation): violation.description.replacing("\"", with: "'")
    case .unreadable(let error): "\(error)".replacing("\"", with: "'")
    case .limit(let text), .other(let text): text.replacing("\"", with: "'")
    }
  }
}

extension OfferAnswerFailure: CustomStringConvertible {
  public var description: String { warningText }
}
