import KallglotPolicy
import SansIO

/// The policy keys of contract 8.8: the same in `serve --config` and in a scenario's `policy:`.
public enum PolicySchema {
  /// One key: its description and how its value changes a policy.
  private struct Setting: Sendable {
    let description: FieldDescription
    let apply: @Sendable (FieldSet, inout Policy) throws(SourceProblem) -> Void
  }

  /// In the order of the documentation.
  public static var names: [String] { settings.map(\.description.name) }
  static let descriptions: [FieldDescription] = settings.map(\.description)
  static let shape = MappingShape(descriptions: descriptions)

  /// Those of TLS, which a connection has before it says whose account it is.
  static let tlsNames = ["tlsVersions", "certificates", "clientCertificate", "wildcardNames"]

  /// Keys of the schema that a later version of the Lab will serve. Naming them is not a mistake of spelling, so they get a sentence.
  private static let later = [
    "sessionDefaults", "translationDelay", "utteranceSilence", "rateLimit",
  ]

  /// Applies the policy keys that stand at `place`.
  ///
  /// - Parameter others: the keys that may stand beside them.
  /// - Returns: the fields, for the others to be read.
  @discardableResult
  static func apply(
    _ place: NodeReader, to policy: inout Policy, _ scope: StepScope, others: MappingShape = MappingShape([])
  ) throws(SourceProblem) -> FieldSet {
    for (name, place, _) in try place.pairs() where later.contains(name) {
      throw place.problem("the policy key '\(name)' is not served yet")
    }
    var shape = others
    shape.fields += descriptions
    let fields = try place.fields(shape, scope)
    for setting in settings where fields.has(setting.description.name) {
      scope.notes.attempt { () throws(SourceProblem) in try setting.apply(fields, &policy) }
    }
    return fields
  }

  /// The same for a file without a cast, whose first mistake is thrown.
  package static func read(_ root: NodeReader, into policy: inout Policy, others: MappingShape) throws(SourceProblem) -> FieldSet {
    let scope = StepScope.empty
    let fields = try apply(root, to: &policy, scope, others: others)
    if let problem = scope.notes.problems.first { throw problem }
    return fields
  }

  private static func setting<Value>(
    _ name: String, _ path: any WritableKeyPath<Policy, Value> & Sendable, _ type: ValueType<Value>, _ standard: String?, _ summary: String
  ) -> Setting {
    let field = Key.optional(name, type, summary)
    var description = field.description
    description.standard = standard
    return Setting(description: description) { (fields, policy) throws(SourceProblem) in
      if let value = try fields[field] { policy[keyPath: path] = value }
    }
  }

  /// The older key for one of the three forms of `answerWith`.
  private static let earlyMedia: Setting = {
    let field = Key.optional("earlyMedia", .flag, "The older spelling of `answerWith: earlyMedia`; one of the two may be given.")
    return Setting(description: field.description) { (fields, policy) throws(SourceProblem) in
      guard let value = try fields[field] else { return }
      guard !fields.has("answerWith") else {
        throw (fields.place(of: field) ?? fields.place).problem("answerWith is given too and means the same: remove earlyMedia")
      }
      policy.answerWith = value ? .earlyMedia : .ringing
    }
  }()

  private static let settings: [Setting] = [
    setting("sipAccess", \.sipAccess, .flag, "true", "The portal's toggle: off refuses all requests of the account."),
    setting(
      "allow", \.allow, .oneOrMore(.range), "[]",
      "Source addresses that may call: addresses, CIDR ranges, names of the cast; empty = "
        + "all."),
    setting("allowlistRefusal", \.allowlistRefusal, .word, "403", "The response to a source that is not on the list: 403, or none."),
    setting("transports", \.transports, .oneOrMore(.word), "[tls, tcp, udp]", "The transports that are allowed."),
    setting("requireTLS", \.requireTLS, .flag, "false", "Signalling must use TLS."),
    setting(
      "tlsVersions", \.tls.versions, .oneOrMore(.word), "[1.2, 1.3]", "The TLS versions that may be agreed on; what is older gets an alert."
    ),
    setting(
      "certificates", \.tls.certificates, .oneOrMore(.policyCertificate), "[]",
      "The certificates that are shown, chosen by the name that a client asks for; the first also to those who ask for none of them. "
        + "Established connections keep theirs."),
    setting(
      "clientCertificate", \.tls.clientCertificate, .clientCertificate, "off",
      "Whether peers that connect over TLS have to show a certificate, and whose (RFC 5922 §7.4)."),
    setting(
      "wildcardNames", \.tls.wildcardNames, .word, "none",
      "Whether `*.example.com` in a peer's certificate stands for one label; RFC 5922 §7.2 forbids it."),
    setting("requireSRTP", \.requireSRTP, .flag, "false", "Media must be SRTP."),
    setting(
      "sdesOverClear", \.sdesOverClear, .word, "accept", "What becomes of SRTP keys that come over UDP or TCP, where anybody reads them."),
    setting(
      "srtpOffer", \.srtpOffer, .word, "sdes",
      "How our offers ask for SRTP: `sdes` = RTP/SAVP when it is required, else RTP/AVP; `osrtp` = RTP/AVP with keys (RFC 8643); `dtls` = "
        + "UDP/TLS/RTP/SAVP (RFC 5763)."),
    setting(
      "rekey", \.rekey, .word, "keepROC",
      "What a new key on another address does to the rollover counter: `keepROC` (RFC 3711 §3.3.1) or `restartROC` (RFC 4568 §7.1.4)."),
    setting(
      "earlyRTP", \.earlyRTP, .word, "drop",
      "What becomes of RTP that comes before the answer, the ACK or the keys that open it: `drop`, or `buffer` = it is kept for a second "
        + "at most, and taken with them (RFC 3264 §5.1, RFC 5763 §5)."),
    setting(
      "jitterBuffer", \.jitterBuffer, .jitterBuffer, "none",
      "How long received frames wait for those behind them: `none`, `fixed 60 ms`, `adaptive` = from 40 to 300 ms, or `adaptive 20 ms to "
        + "200 ms`. `serve` has `adaptive` when it is missing."),
    setting("voipMetrics", \.voipMetrics, .flag, "false", "RTCP has an XR packet with VoIP metrics (RFC 3611 §4.7)."),
    setting("codecs", \.codecs, .oneOrMore(.word), "[opus, G722, PCMU, PCMA]", "In order of preference."),
    setting(
      "maxConcurrentCalls", \.maxConcurrentCalls, .integer(0...100_000), "10", "The maximum number of concurrent calls of the account."),
    setting(
      "capReachedStatus", \.capReachedStatus, .words([("486", 486), ("503", 503)]), "486", "The response to a call beyond the maximum."),
    setting("inboundFirst", \.inboundFirst, .flag, "true", "A call that names no session creates one."),
    setting("authentication", \.authentication, .word, "digest", "`none` is for tools that cannot authenticate."),
    setting(
      "digestAlgorithms", \.digestAlgorithms, .oneOrMore(.word), "[SHA-256, MD5]", "The algorithms of the challenges, in the order offered."
    ),
    setting("anyDomain", \.anyDomain, .flag, "false", "Request-URIs of other domains are accepted as ours."),
    setting("mediaPorts", \.mediaPorts, .ports, "20000-20100", "Ports for RTP and RTCP."),
    setting("rtpTimeout", \.rtpTimeout, .duration, "60 s", "A leg ends after this time without RTP."),
    setting("byeGrace", \.byeGrace, .duration, "0", "How long a session waits for another leg after its last one is gone."),
    setting("maxCallDuration", \.maxCallDuration, .some(.duration), nil, "A call ends by BYE after this time."),
    setting("natContact", \.natContact, .word, "flow", "Where requests to a peer behind NAT are sent: its source address, or its Contact."),
    setting(
      "answerWith", \.answerWith, .word, "ringing",
      "The responses before the 200: `ringing` = 180, `nothing` = the 200 alone, `earlyMedia` = 183 with the answer."),
    earlyMedia,
    setting("referStatus", \.referStatus, .words([("405", 405), ("501", 501), ("603", 603)]), "405", "The answer to REFER."),
    setting("contactHost", \.contactHost, .some(.text), nil, "Host of our Contact instead of the address."),
  ]
}

extension ValueType where Value == AddressRange {
  /// An address, a CIDR range or a name of the cast.
  static var range: ValueType {
    ValueType(.quantity(.range)) { (place, scope) throws(SourceProblem) in
      let text = try place.text()
      if let member = scope.scenario.member(text), let range = AddressRange(member.address.description) {
        scope.notes.use(.member, member.name)
        return range
      }
      if let range = AddressRange(text) {
        if let fault = fault(of: range, text) { throw place.problem("'\(text)' \(fault)") }
        return range
      }
      if let fault = faultOfPrefix(text) { throw place.problem("'\(text)' \(fault)") }
      let hint = Spelling.hint(for: text, among: scope.scenario.cast.map(\.name))
      throw place.problem("'\(text)' is neither an address, a CIDR range nor a name of the cast\(hint)")
    }
  }

  /// What makes a range that can be read mean something else to others, or nothing at all; nil where it is clear.
  private static func fault(of range: AddressRange, _ text: String) -> String? {
    let parts = text.split(separator: "/")
    let numbers = text.contains(":") ? parts.dropFirst() : parts.flatMap { $0.split(separator: ".") }[...]
    if numbers.contains(where: { $0.count > 1 && $0.hasPrefix("0") }) {
      return "has a number with a leading zero, which some read as octal (RFC 6943 §3.1.1)"
    }
    guard range.address.isIPv6, !range.address.unmapped.isIPv6 else { return nil }
    return "holds no IPv4 address: the prefix of an IPv4-mapped range has 96 bits or more (RFC 4291 §2.5.5.2)"
  }

  private static func faultOfPrefix(_ text: String) -> String? {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let address = IPAddress(parts[0]) else { return nil }
    let width = address.isIPv6 ? 128 : 32
    return "is not a CIDR range: the prefix of an IPv\(address.isIPv6 ? 6 : 4) range is a number from 0 to \(width)"
  }
}

extension ValueType where Value == ClosedRange<UInt16> {
  static var ports: ValueType {
    ValueType(.quantity(.ports)) { (place, _) throws(SourceProblem) in
      try place.value("a range of ports such as 20000-20100", ScalarText.ports)
    }
  }
}

extension ValueType {
  /// For settings that can be without a value.
  static func some<Wrapped>(_ type: ValueType<Wrapped>) -> ValueType where Value == Wrapped? {
    ValueType(type.shape) { (place, scope) throws(SourceProblem) in try type.read(place, scope) }
  }
}
