import Codecs
import SDP
import SIPMessage
import SIPUserAgent
import SansIO

/// A product as data: how it writes and what it habitually does, each habit with its source.
public struct PersonaProfile: Hashable, Sendable, Codable {
  /// One habit and where it was seen or documented.
  public struct Quirk: Hashable, Sendable, Codable {
    public var habit: String
    public var source: String
    public init(_ habit: String, source: String) {
      self.habit = habit
      self.source = source
    }
  }

  /// The word a scenario uses: `asterisk-22`.
  public var id: String
  public var summary: String
  public var style: MessageStyle
  /// In order of preference.
  public var codecs: [AudioCodec]
  public var descriptions: DescriptionStyle
  /// INVITEs leave without an offer.
  public var delaysOffers: Bool
  public var quirks: [Quirk]

  public init(
    id: String, summary: String, style: MessageStyle, codecs: [AudioCodec], descriptions: DescriptionStyle,
    delaysOffers: Bool = false, quirks: [Quirk]
  ) {
    self.delaysOffers = delaysOffers
    self.id = id
    self.summary = summary
    self.style = style
    self.codecs = codecs
    self.descriptions = descriptions
    self.quirks = quirks
  }
}

extension PersonaProfile {
  /// A caller without habits: it writes what RFC 3261's own examples write.
  public static let plainCaller = PersonaProfile(
    id: "plain-caller", summary: "A caller that follows the RFCs and has no habits of its own", style: .plain, codecs: [.pcmu, .pcma],
    descriptions: .plain, quirks: [])

  /// Every profile that a scenario can name, in the order of the documentation.
  public static let all = [plainCaller, asterisk22]

  public static func named(_ id: String) -> PersonaProfile? { all.first { $0.id == id } }
}
