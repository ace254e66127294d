import Kallglot
import SDP
import SIPMessage
import SIPUserAgent
import SansIO

/// The policy keys of contract 8.8: the same in `serve --config` and in a scenario's `policy:`.
public enum PolicySchema {
  /// One key: its name and how its value changes a policy.
  private struct Key: Sendable {
    let name: String
    let apply: @Sendable (NodeReader, [String: IPAddress], inout Policy) throws(SourceProblem) -> Void
  }

  /// In the order of the documentation.
  public static var names: [String] { keys.map(\.name) }

  /// Keys of the schema that a later version of the Lab will serve. Naming them is not a mistake of spelling, so they get a sentence.
  private static let later = [
    "clientCertificate", "sdesOverClear", "srtpOffer", "sessionDefaults", "translationDelay", "utteranceSilence", "rateLimit",
  ]

  /// Applies the policy keys among `pairs`, in their order.
  ///
  /// - Parameter cast: names that may stand in `allow` instead of addresses.
  public static func apply(
    _ pairs: [(key: String, keyPlace: NodeReader, value: NodeReader)], to policy: inout Policy, cast: [String: IPAddress],
    others: [String] = []
  ) throws(SourceProblem) {
    for (name, place, value) in pairs where !others.contains(name) {
      if let key = keys.first(where: { $0.name == name }) {
        try key.apply(value, cast, &policy)
      } else if later.contains(name) {
        throw place.problem("the policy key '\(name)' is not served yet")
      } else {
        let known = names + others
        throw place.problem("unknown key '\(name)'\(Spelling.hint(for: name, among: known)) Known: \(known.joined(separator: ", "))")
      }
    }
  }

  private static let keys: [Key] = [
    Key(name: "sipAccess") { (value, _, policy) throws(SourceProblem) in policy.sipAccess = try value.flag() },
    Key(name: "allow") { (value, cast, policy) throws(SourceProblem) in
      policy.allow = []
      for element in try value.elementsOrOne() { policy.allow.append(try range(element, cast)) }
    },
    Key(name: "allowlistRefusal") { (value, _, policy) throws(SourceProblem) in policy.allowlistRefusal = try value.word(Policy.AllowlistRefusal.allCases.map { ($0.rawValue, $0) }) },
    Key(name: "transports") { (value, _, policy) throws(SourceProblem) in
      policy.transports = []
      for element in try value.elementsOrOne() { policy.transports.append(try transport(element)) }
    },
    Key(name: "requireTLS") { (value, _, policy) throws(SourceProblem) in policy.requireTLS = try value.flag() },
    Key(name: "requireSRTP") { (value, _, policy) throws(SourceProblem) in policy.requireSRTP = try value.flag() },
    Key(name: "codecs") { (value, _, policy) throws(SourceProblem) in
      policy.codecs = []
      for element in try value.elementsOrOne() { policy.codecs.append(try element.word(AudioCodec.allCases.map { ($0.rawValue, $0) })) }
    },
    Key(name: "maxConcurrentCalls") { (value, _, policy) throws(SourceProblem) in policy.maxConcurrentCalls = try value.integer(0...100_000) },
    Key(name: "capReachedStatus") { (value, _, policy) throws(SourceProblem) in policy.capReachedStatus = try value.word([("486", 486), ("503", 503)]) },
    Key(name: "inboundFirst") { (value, _, policy) throws(SourceProblem) in policy.inboundFirst = try value.flag() },
    Key(name: "authentication") { (value, _, policy) throws(SourceProblem) in policy.authentication = try value.word(Policy.Authentication.allCases.map { ($0.rawValue, $0) }) },
    Key(name: "digestAlgorithms") { (value, _, policy) throws(SourceProblem) in
      policy.digestAlgorithms = []
      for element in try value.elementsOrOne() { policy.digestAlgorithms.append(try element.word(DigestAlgorithm.allCases.map { ($0.rawValue, $0) })) }
    },
    Key(name: "anyDomain") { (value, _, policy) throws(SourceProblem) in policy.anyDomain = try value.flag() },
    Key(name: "mediaPorts") { (value, _, policy) throws(SourceProblem) in policy.mediaPorts = try value.value("a range of ports such as 20000-20100", ports) },
    Key(name: "rtpTimeout") { (value, _, policy) throws(SourceProblem) in policy.rtpTimeout = try value.duration() },
    Key(name: "byeGrace") { (value, _, policy) throws(SourceProblem) in policy.byeGrace = try value.duration() },
    Key(name: "natContact") { (value, _, policy) throws(SourceProblem) in policy.natContact = try value.word(Policy.NATContact.allCases.map { ($0.rawValue, $0) }) },
    Key(name: "earlyMedia") { (value, _, policy) throws(SourceProblem) in policy.earlyMedia = try value.flag() },
    Key(name: "referStatus") { (value, _, policy) throws(SourceProblem) in policy.referStatus = try value.word([("405", 405), ("501", 501), ("603", 603)]) },
    Key(name: "contactHost") { (value, _, policy) throws(SourceProblem) in policy.contactHost = try value.text() },
  ]

  private static func range(_ place: NodeReader, _ cast: [String: IPAddress]) throws(SourceProblem) -> AddressRange {
    let text = try place.text()
    if let address = cast[text], let range = AddressRange(address.description) { return range }
    if let range = AddressRange(text) { return range }
    throw place.problem("'\(text)' is neither an address, a CIDR range nor a name of the cast\(Spelling.hint(for: text, among: cast.keys.sorted()))")
  }

  /// A transport the Lab speaks.
  static func transport(_ place: NodeReader) throws(SourceProblem) -> SIPTransportProtocol {
    try place.word([("udp", .udp), ("tcp", .tcp), ("tls", .tls)])
  }

  static func ports(_ text: String) -> ClosedRange<UInt16>? {
    let parts = text.split(separator: "-").map { UInt16($0.filter { $0 != " " }) }
    guard parts.count == 2, let first = parts[0], let last = parts[1], first > 0, last > first else { return nil }
    return first...last
  }
}
