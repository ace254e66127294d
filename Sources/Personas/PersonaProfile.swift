import Codecs
import CallControl
import SDP
import SIPComposition
import SIPMessage
import SIPUserAgent
import SansIO
import SecureTransport

/// A product as data: the base that any caller has, and what the product does differently, each habit with its source.
public struct PersonaProfile: Sendable {
  /// The word a scenario uses: `asterisk-22`.
  public let id: String
  public let summary: String
  /// What it speaks of what the product claims.
  public let features: Features
  /// In the order they are applied.
  public let quirks: [Quirk]
  /// What the quirks make of the base.
  public let habits: Habits

  public init(id: String, summary: String, features: Features = [], quirks: [Quirk]) {
    self.id = id
    self.summary = summary
    self.features = features
    self.quirks = quirks
    var habits = Habits()
    for quirk in quirks { quirk.change(&habits) }
    self.habits = habits
  }

  /// The product without one of its habits.
  public func without(_ quirk: String) -> PersonaProfile {
    PersonaProfile(id: id, summary: summary, features: features, quirks: quirks.filter { $0.id != quirk })
  }

  /// The product as it claims to be, including what this program does not speak: to compare what is written with the real product's
  /// messages. Nobody should call with it.
  public var claimingEverything: PersonaProfile { PersonaProfile(id: id, summary: summary, features: .all, quirks: quirks) }
}

/// One habit of a product: what it does, where that was seen or documented, and the change it makes.
public struct Quirk: Sendable {
  /// A word of its profile: `content-length-padding`.
  public let id: String
  public let habit: String
  public let source: String
  let change: @Sendable (inout Habits) -> Void

  public init(_ id: String, _ habit: String, source: String, _ change: @escaping @Sendable (inout Habits) -> Void) {
    self.id = id
    self.habit = habit
    self.source = source
    self.change = change
  }
}

/// All that products differ in: how they write, and what they do.
public struct Habits: Hashable, Sendable, Codable {
  public var style = MessageStyle.plain
  public var descriptions = DescriptionStyle.plain
  /// In order of preference.
  public var codecs: [AudioCodec] = [.pcmu, .pcma]
  /// Answers name every codec that both sides have, not the chosen one alone.
  public var answersEveryCodec = false
  public var calls = CallHabits()
  /// What it does where products differ.
  public var behaviour = Behaviour()
  /// The first that fits answers a request; without any OPTIONS gets 200 and everything else 501.
  public var reactions: [Reaction] = []
  /// The TLS versions that it agrees on.
  public var tlsVersions: ClosedRange<TLSVersion> = .tls12 ... .tls13

  public init() {}
}

/// How a product answers one kind of request other than INVITE, ACK, CANCEL and BYE.
public struct Reaction: Hashable, Sendable, Codable {
  public enum Place: String, Hashable, Sendable, Codable { case outside, inDialog }

  public var method: SIPMethod
  public var place: Place
  /// What Content-Type begins with; nil = any, or none.
  public var contentType: String?
  /// nil = never answered.
  public var status: Int?

  public init(_ method: SIPMethod, _ place: Place, contentType: String? = nil, status: Int?) {
    self.method = method
    self.place = place
    self.contentType = contentType
    self.status = status
  }

  func fits(_ message: SIPMessage, _ place: Place) -> Bool {
    guard message.method == method, self.place == place else { return false }
    return contentType.map { message.first(.contentType)?.text.lowercased().hasPrefix($0) == true } ?? true
  }
}

extension PersonaProfile {
  /// A caller without habits: it writes what RFC 3261's own examples write.
  public static let plainCaller = PersonaProfile(
    id: "plain-caller", summary: "A caller that follows the RFCs and has no habits of its own", quirks: [])

  /// Every profile that a scenario can name, in the order of the documentation.
  public static let all = [plainCaller, asterisk22, cucm14]

  public static func named(_ id: String) -> PersonaProfile? { all.first { $0.id == id } }
}
