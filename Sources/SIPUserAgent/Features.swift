import SIPComposition
import SIPMessage

/// What a user agent speaks beyond RFC 3261: each feature with the methods, option tags and header fields that only it has.
///
/// A product's ``MessageStyle`` says what the product *claims*; what belongs to a feature that is not spoken is left out of Allow,
/// Supported and the message, and a Require of it gets 420 (RFC 3261 §8.2.2.3).
public struct Features: OptionSet, Hashable, Sendable, Codable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// RFC 3262.
  public static let reliableProvisionals = Features(rawValue: 1 << 0)
  /// RFC 3311.
  public static let update = Features(rawValue: 1 << 1)
  /// RFC 4028.
  public static let sessionTimers = Features(rawValue: 1 << 2)
  /// RFC 3891.
  public static let replaces = Features(rawValue: 1 << 3)
  /// RFC 3515, RFC 4488.
  public static let referral = Features(rawValue: 1 << 4)
  /// RFC 6665.
  public static let subscriptions = Features(rawValue: 1 << 5)

  public static let all = table.reduce(into: Features()) { $0.formUnion($1.feature) }

  struct Signs {
    let feature: Features
    var methods: [SIPMethod] = []
    /// Option tags, in lower case.
    var options: [String] = []
    var headers: [HeaderName] = []
  }

  static let table = [
    Signs(feature: .reliableProvisionals, methods: [.prack], options: ["100rel"]),
    Signs(feature: .update, methods: [.update]),
    Signs(feature: .sessionTimers, options: ["timer"], headers: [HeaderName(.sessionExpires), HeaderName(.minSE)]),
    Signs(feature: .replaces, options: ["replaces"]),
    Signs(feature: .referral, methods: [.refer], options: ["norefersub"]),
    Signs(feature: .subscriptions, methods: [.subscribe]),
  ]

  /// The signs of the features that are not in the set.
  private var missing: [Signs] { Self.table.filter { !contains($0.feature) } }

  /// What is left of a claim.
  func spoken(_ methods: [SIPMethod]) -> [SIPMethod] {
    let missing = missing.flatMap(\.methods)
    return methods.filter { !missing.contains($0) }
  }

  /// Option tags are tokens, so their case does not count (RFC 3261 §7.3.1).
  func spoken(_ options: [String]) -> [String] {
    let missing = missing.flatMap(\.options)
    return options.filter { !missing.contains($0.lowercased()) }
  }

  func spoken(_ headers: [StyledHeader]) -> [StyledHeader] {
    let missing = missing.flatMap(\.headers)
    return headers.filter { header in !missing.contains(HeaderName(header.name)) }
  }
}

extension MessageStyle {
  /// The style of a product that speaks these features: what it claims beyond them is left out.
  public func speaking(_ features: Features) -> MessageStyle {
    var style = self
    style.allow = features.spoken(allow)
    style.supported = supported.map { features.spoken($0) }
    style.requestOptions = features.spoken(requestOptions)
    style.headers = features.spoken(headers)
    return style
  }
}
