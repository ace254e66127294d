import SansIO

/// One `Digest` challenge of WWW-Authenticate or Proxy-Authenticate (RFC 7616 §3.3).
public struct DigestChallenge: Hashable, Sendable {
  public var realm: String?
  public var nonce: String?
  public var opaque: String?
  /// As written; nil means MD5.
  public var algorithm: String?
  /// The options in order; empty for RFC 2069's form.
  public var qop: [String] = []
  public var isStale = false

  public init() {}
}

extension DigestChallenge: CustomStringConvertible {
  public var description: String {
    var parts = ["realm=\(Grammar.quoted(realm ?? ""))", "nonce=\(Grammar.quoted(nonce ?? ""))"]
    if let opaque { parts.append("opaque=\(Grammar.quoted(opaque))") }
    if isStale { parts.append("stale=true") }
    if let algorithm { parts.append("algorithm=\(algorithm)") }
    if !qop.isEmpty { parts.append("qop=\(Grammar.quoted(qop.joined(separator: ",")))") }
    return "Digest " + parts.joined(separator: ",")
  }
}

/// The value of Authorization or Proxy-Authorization (RFC 7616 §3.4).
public struct DigestCredentials: Hashable, Sendable {
  public var username: String?
  public var realm: String?
  public var nonce: String?
  public var uri: String?
  public var response: String?
  public var algorithm: String?
  public var opaque: String?
  public var qop: String?
  /// `nc`: eight hexadecimal digits.
  public var nonceCount: String?
  /// `cnonce`.
  public var clientNonce: String?

  public init() {}
}

extension DigestCredentials: CustomStringConvertible {
  /// The header's value. `algorithm`, `qop` and `nc` stand without quotes (RFC 7616 §3.4).
  public var description: String {
    var parts: [String] = []
    func add(_ name: String, _ value: String?, quoted: Bool = true) {
      if let value { parts.append("\(name)=\(quoted ? Grammar.quoted(value) : value)") }
    }
    add("username", username)
    add("realm", realm)
    add("nonce", nonce)
    add("uri", uri)
    add("response", response)
    add("algorithm", algorithm, quoted: false)
    add("cnonce", clientNonce)
    add("opaque", opaque)
    add("qop", qop, quoted: false)
    add("nc", nonceCount, quoted: false)
    return "Digest " + parts.joined(separator: ", ")
  }
}

extension SIPMessage {
  /// The digest challenges of a response in their order; other schemes are passed over.
  public func digestChallenges(_ name: HeaderName) -> [DigestChallenge] {
    all(name).compactMap { value in
      guard let parameters = DigestParameters(value) else { return nil }
      var challenge = DigestChallenge()
      challenge.realm = parameters["realm"]
      challenge.nonce = parameters["nonce"]
      challenge.opaque = parameters["opaque"]
      challenge.algorithm = parameters["algorithm"]
      challenge.qop = (parameters["qop"] ?? "").utf8.split { $0 == .comma || $0 == .space }.map { String(decoding: $0, as: UTF8.self) }
      challenge.isStale = parameters["stale"]?.lowercased() == "true"
      return challenge
    }
  }

  /// The digest credentials of a request, one a header line.
  public func digestCredentials(_ name: HeaderName) -> [DigestCredentials] {
    all(name).compactMap { value in
      guard let parameters = DigestParameters(value) else { return nil }
      var credentials = DigestCredentials()
      credentials.username = parameters["username"]
      credentials.realm = parameters["realm"]
      credentials.nonce = parameters["nonce"]
      credentials.uri = parameters["uri"]
      credentials.response = parameters["response"]
      credentials.algorithm = parameters["algorithm"]
      credentials.opaque = parameters["opaque"]
      credentials.qop = parameters["qop"]
      credentials.nonceCount = parameters["nc"]
      credentials.clientNonce = parameters["cnonce"]
      return credentials
    }
  }
}

/// `Digest a=b, c="d"`: names without regard to case, values without quotes; the first of a repeated name counts.
struct DigestParameters {
  private var list: [(name: String, value: String)] = []

  init?(_ value: Bytes) {
    let scheme = value.prefix(6).text.lowercased()
    guard scheme == "digest", value.count > 7, Grammar.isWhite(value[6]) else { return nil }
    self.init(list: value[7..<value.count])
  }

  /// Without a scheme in front.
  init(list value: Bytes) {
    var parts: [Bytes] = []
    Grammar.splitAtCommas(value, into: &parts)
    list.reserveCapacity(parts.count)
    for part in parts {
      if let pair = part.withSpan(Self.pair) { list.append(pair) }
    }
  }

  private static func pair(_ span: Span<UInt8>) -> (name: String, value: String)? {
    var equals = 0
    while equals < span.count, span[equals] != .equals { equals += 1 }
    guard equals < span.count else { return nil }
    let value = trimmed(span, equals + 1..<span.count)
    let isQuoted = value.count >= 2 && span[value.lowerBound] == .quote && span[value.upperBound - 1] == .quote
    var isPlain = isQuoted
    if isQuoted { for index in value where span[index] == .backslash { isPlain = false } }
    let name = Grammar.text(span, trimmed(span, 0..<equals))
    if isPlain { return (name, Grammar.text(span, value.lowerBound + 1..<value.upperBound - 1)) }
    return (name, Grammar.unquoted(Grammar.text(span, value)))
  }

  private static func trimmed(_ span: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
    var (lower, upper) = (range.lowerBound, range.upperBound)
    while lower < upper, Grammar.isWhite(span[lower]) { lower += 1 }
    while upper > lower, Grammar.isWhite(span[upper - 1]) { upper -= 1 }
    return lower..<upper
  }

  subscript(name: String) -> String? { list.first { Parameters.isSame($0.name, name) }?.value }
}
