import SansIO

/// The parameters of a digest header (RFC 7616 §3.3 to §3.5, RFC 7615): the header's bytes, and where the known ones are.
///
/// `Digest a=b, c="d"`: names without regard to case; the first of a repeated name counts. Others are passed over.
public struct DigestParameters: Sendable {
  public enum Name: Int, Sendable, CaseIterable {
    case username, realm, nonce, uri, response, algorithm, cnonce, opaque, qop, nc, stale, nextnonce, rspauth

    var text: StaticString {
      switch self {
      case .username: "username"
      case .realm: "realm"
      case .nonce: "nonce"
      case .uri: "uri"
      case .response: "response"
      case .algorithm: "algorithm"
      case .cnonce: "cnonce"
      case .opaque: "opaque"
      case .qop: "qop"
      case .nc: "nc"
      case .stale: "stale"
      case .nextnonce: "nextnonce"
      case .rspauth: "rspauth"
      }
    }

    fileprivate init?(_ span: Span<UInt8>, _ range: Range<Int>) {
      let first: Name
      var second: Name?
      var third: Name?
      switch range.count {
      case 2: first = .nc
      case 3: (first, second) = (.uri, .qop)
      case 5: (first, second, third) = (.realm, .nonce, .stale)
      case 6: (first, second) = (.cnonce, .opaque)
      case 7: first = .rspauth
      case 8: (first, second) = (.username, .response)
      case 9: (first, second) = (.algorithm, .nextnonce)
      default: return nil
      }
      if Grammar.isSame(span, range, first.text) {
        self = first
      } else if let second, Grammar.isSame(span, range, second.text) {
        self = second
      } else if let third, Grammar.isSame(span, range, third.text) {
        self = third
      } else {
        return nil
      }
    }

    /// `algorithm`, `qop` and `nc` of credentials stand without quotes (RFC 7616 §3.4).
    fileprivate var isToken: Bool { self == .algorithm || self == .qop || self == .nc || self == .stale }
  }

  /// Where a value is, with its quotes; `upper` is 0 for a parameter that is missing.
  fileprivate struct Place {
    var lower: UInt32 = 0
    var upper: UInt32 = 0
  }

  /// The header's value.
  let value: Bytes
  private var places = InlineArray<13, Place>(repeating: Place())

  /// Reads a value with the scheme `Digest`; nil for another scheme.
  init?(_ value: Bytes) {
    let isDigest = value.withSpan { span in
      span.count > 7 && Grammar.isWhite(span[6]) && Grammar.isSame(span, 0..<6, "digest")
    }
    guard isDigest else { return nil }
    self.init(list: value, from: 7)
  }

  /// - Parameter start: where the first parameter begins, behind the scheme.
  init(list value: Bytes, from start: Int = 0) {
    self.value = value
    value.withSpan { span in
      var start = start
      while start <= span.count {
        let end = Grammar.elementEnd(span, start, span.count)
        take(span, start..<end)
        start = end + 1
      }
    }
  }

  private mutating func take(_ span: Span<UInt8>, _ element: Range<Int>) {
    var equals = element.lowerBound
    while equals < element.upperBound, span[equals] != .equals { equals += 1 }
    guard equals < element.upperBound else { return }
    let written = Grammar.trimmed(span, element.lowerBound..<equals)
    guard let name = Name(span, written), places[name.rawValue].upper == 0 else { return }
    let range = Grammar.trimmed(span, equals + 1..<element.upperBound)
    places[name.rawValue] = Place(lower: UInt32(range.lowerBound), upper: UInt32(range.upperBound))
  }

  /// A value without quotes and escapes; nil for a parameter that is missing.
  public subscript(name: Name) -> Bytes? {
    let place = places[name.rawValue]
    guard place.upper > 0 else { return nil }
    let written = value[Int(place.lower)..<Int(place.upper)]
    guard written.count >= 2, written[0] == .quote, written[written.count - 1] == .quote else { return written }
    let inner = written[1..<written.count - 1]
    return inner.contains(.backslash) ? Bytes(Grammar.unquoted(written.text)) : inner
  }

  /// Whether a value is this word, without regard to case.
  public func isSame(_ name: Name, _ word: StaticString) -> Bool {
    self[name]?.withSpan { Grammar.isSame($0, 0..<$0.count, word) } == true
  }

  // MARK: - Writing

  /// Writes the value of a header into one buffer.
  public struct Writer {
    private let separator: StaticString
    fileprivate var bytes: [UInt8] = []
    fileprivate var places = InlineArray<13, Place>(repeating: Place())

    fileprivate init(separator: StaticString) {
      self.separator = separator
      bytes.reserveCapacity(320)
      append("Digest ")
    }

    private mutating func append(_ text: StaticString) {
      bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends a parameter.
    ///
    /// - Parameter quoted: nil = as RFC 7616 §3.4 wants it in credentials.
    public mutating func add(_ name: Name, _ text: UnsafeBufferPointer<UInt8>, quoted: Bool? = nil) {
      if bytes.count > 7 { append(separator) }
      append(name.text)
      bytes.append(.equals)
      let start = bytes.count
      if quoted ?? !name.isToken {
        bytes.append(.quote)
        if text.contains(where: { $0 == .quote || $0 == .backslash }) {
          for byte in text {
            if byte == .quote || byte == .backslash { bytes.append(.backslash) }
            bytes.append(byte)
          }
        } else {
          bytes.append(contentsOf: text)
        }
        bytes.append(.quote)
      } else {
        bytes.append(contentsOf: text)
      }
      places[name.rawValue] = Place(lower: UInt32(start), upper: UInt32(bytes.count))
    }

    public mutating func add(_ name: Name, _ text: String, quoted: Bool? = nil) {
      var text = text
      text.withUTF8 { add(name, $0, quoted: quoted) }
    }

    public mutating func add(_ name: Name, _ bytes: Bytes, quoted: Bool? = nil) {
      bytes.withSpan { span in span.withUnsafeBufferPointer { add(name, $0, quoted: quoted) } }
    }
  }

  fileprivate init(separator: StaticString, _ write: (inout Writer) -> Void) {
    var writer = Writer(separator: separator)
    write(&writer)
    value = Bytes(writer.bytes)
    places = writer.places
  }
}

/// Parameters are the same when they say the same.
extension DigestParameters: Hashable {
  public static func == (left: Self, right: Self) -> Bool { Name.allCases.allSatisfy { left[$0] == right[$0] } }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(self[.nonce])
    hasher.combine(self[.response])
  }
}

/// One `Digest` challenge of WWW-Authenticate or Proxy-Authenticate (RFC 7616 §3.3).
public struct DigestChallenge: Hashable, Sendable {
  public let parameters: DigestParameters

  /// A challenge that is written, parameters in the order in which they are added.
  public init(_ write: (inout DigestParameters.Writer) -> Void) { parameters = DigestParameters(separator: ",", write) }

  init?(_ value: Bytes) {
    guard let parameters = DigestParameters(value) else { return nil }
    self.parameters = parameters
  }

  public var realm: String? { parameters[.realm]?.text }
  public var nonce: String? { parameters[.nonce]?.text }
  /// As written; nil means MD5.
  public var algorithm: String? { parameters[.algorithm]?.text }
  public var isStale: Bool { parameters.isSame(.stale, "true") }

  /// The options in order; empty for RFC 2069's form.
  public var qop: [String] { (parameters[.qop] ?? Bytes()).split { $0 == .comma || $0 == .space }.map(\.text) }

  /// The protection of an answer.
  public enum Protection: Hashable, Sendable {
    /// RFC 2069's form, without options.
    case none
    case auth
    /// Only options other than `auth` are offered.
    case other
  }

  /// What of the options an answer can take.
  public var protection: Protection {
    guard let options = parameters[.qop] else { return .none }
    return options.withSpan { span in
      var (start, found) = (0, Protection.none)
      while start < span.count {
        var end = start
        while end < span.count, span[end] != .comma, span[end] != .space { end += 1 }
        if Grammar.isSame(span, start..<end, "auth") { return .auth }
        if end > start { found = .other }
        start = end + 1
      }
      return found
    }
  }
}

/// The value of Authorization or Proxy-Authorization (RFC 7616 §3.4).
public struct DigestCredentials: Hashable, Sendable {
  public let parameters: DigestParameters

  /// Credentials that are written, parameters in the order in which they are added.
  public init(_ write: (inout DigestParameters.Writer) -> Void) { parameters = DigestParameters(separator: ", ", write) }

  init?(_ value: Bytes) {
    guard let parameters = DigestParameters(value) else { return nil }
    self.parameters = parameters
  }

  public var username: String? { parameters[.username]?.text }
  public func isFor(realm: String) -> Bool { parameters[.realm]?.elementsEqual(realm.utf8) == true }
  public var realm: String? { parameters[.realm]?.text }
  public var algorithm: String? { parameters[.algorithm]?.text }
}

extension DigestChallenge: CustomStringConvertible {
  public var description: String { parameters.value.text }
}

extension DigestCredentials: CustomStringConvertible {
  /// The header's value.
  public var description: String { parameters.value.text }
}
