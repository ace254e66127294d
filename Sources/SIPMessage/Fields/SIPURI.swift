import SansIO

/// The host of a URI or of Via: a name or an address.
public enum SIPHost: Hashable, Sendable {
  case name(String)
  case address(IPAddress)

  public init(_ text: String) { self = IPAddress(text).map(SIPHost.address) ?? .name(text) }

  /// Without the brackets of an IPv6 reference.
  public var text: String {
    switch self {
    case .name(let name): name
    case .address(let address): address.description
    }
  }

  public var address: IPAddress? { if case .address(let address) = self { address } else { nil } }
}

extension SIPHost: CustomStringConvertible {
  public var description: String {
    switch self {
    case .name(let name): name
    case .address(let address): address.isIPv6 ? "[\(address)]" : address.description
    }
  }
}

/// A SIP or SIPS URI (RFC 3261 §19.1). URIs of other schemes are kept as text and have an empty host.
public struct SIPURI: Hashable, Sendable {
  public enum Scheme: Hashable, Sendable {
    case sip
    case sips
    /// `tel`, `urn`, …; the rest of the URI stands in ``SIPURI/opaque``.
    case other(String)
  }

  public struct Header: Hashable, Sendable {
    public var name: String
    public var value: String
  }

  public var scheme: Scheme
  /// As written, with its escapes.
  public var user: String?
  public var password: String?
  public var host: SIPHost
  public var port: UInt16?
  public var parameters: Parameters
  public var headers: [Header]
  /// What follows the colon of a foreign scheme.
  public var opaque: String

  public init(
    _ scheme: Scheme = .sip, host: SIPHost, user: String? = nil, port: UInt16? = nil, parameters: Parameters = Parameters()
  ) {
    self.scheme = scheme
    self.user = user
    self.host = host
    self.port = port
    self.parameters = parameters
    headers = []
    opaque = ""
  }

  public init(host: String, user: String? = nil) { self.init(host: SIPHost(host), user: user) }

  public init(parsing text: String) throws(SIPHeaderError) { self = try Self.parse(Bytes(text)) }

  /// Reads a URI that stands alone.
  public static func parse(_ bytes: Bytes) throws(SIPHeaderError) -> SIPURI {
    let uri = bytes.withSpan { read($0) }
    guard let uri else { throw .uri(value: bytes.prefix(128).text, expected: "a SIP URI (RFC 3261 §19.1.1)") }
    return uri
  }
}

extension SIPURI: CustomStringConvertible {
  public var description: String {
    var text = ""
    text.reserveCapacity(64)
    append(to: &text)
    return text
  }

  /// Into text that goes on, since a URI is written into Contact, From and To of every call.
  func append(to text: inout String) {
    switch scheme {
    case .sip: text += "sip:"
    case .sips: text += "sips:"
    case .other(let name):
      text += name
      text += ":"
      text += opaque
      return
    }
    if let user {
      text += user
      if let password {
        text += ":"
        text += password
      }
      text += "@"
    }
    text += host.description
    if let port {
      text += ":"
      text += String(port)
    }
    parameters.append(to: &text)
    for (index, header) in headers.enumerated() { text += "\(index == 0 ? "?" : "&")\(header.name)=\(header.value)" }
  }
}

extension SIPURI {
  /// Whether two URIs mean the same (RFC 3261 §19.1.4): user with case, host without; `user`, `ttl`, `method`, `maddr` and `transport`
  /// count even on one side only, other parameters only when both have them; headers have to be equal.
  public func isEquivalent(to other: SIPURI) -> Bool {
    guard scheme == other.scheme, opaque == other.opaque, password == other.password, port == other.port,
      Self.unescaped(user) == Self.unescaped(other.user), Self.folded(host) == Self.folded(other.host)
    else { return false }
    for name in ["user", "ttl", "method", "maddr", "transport"] where parameters.contains(name) || other.parameters.contains(name) {
      guard parameters.contains(name), other.parameters.contains(name),
        Parameters.isSame(parameters[name] ?? "", other.parameters[name] ?? "")
      else { return false }
    }
    for parameter in parameters.list where other.parameters.contains(parameter.name) {
      // A parameter may stand once (§19.1.1); of a doubled one the first counts, on both sides.
      guard Parameters.isSame(parameters[parameter.name] ?? "", other.parameters[parameter.name] ?? "") else { return false }
    }
    let left = headers.map { "\($0.name.lowercased())=\($0.value)" }.sorted()
    return left == other.headers.map { "\($0.name.lowercased())=\($0.value)" }.sorted()
  }

  private static func folded(_ host: SIPHost) -> SIPHost {
    if case .name(let name) = host { .name(name.lowercased()) } else { host }
  }

  /// `%41` as `A`, where the escape is well formed.
  /// The user with its escapes resolved: what it means rather than how it is written (RFC 3261 §19.1.4).
  public var unescapedUser: String? {
    guard let user, user.utf8.contains(UInt8(ascii: "%")) else { return user }
    return Self.unescaped(user).map { String(decoding: $0, as: UTF8.self) }
  }

  private static func unescaped(_ text: String?) -> [UInt8]? {
    guard let text else { return nil }
    let bytes = Array(text.utf8)
    var result: [UInt8] = []
    var index = 0
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count, let high = Grammar.hexadecimal(bytes[index + 1]),
        let low = Grammar.hexadecimal(bytes[index + 2])
      {
        result.append(high << 4 | low)
        index += 3
      } else {
        result.append(bytes[index])
        index += 1
      }
    }
    return result
  }
}
