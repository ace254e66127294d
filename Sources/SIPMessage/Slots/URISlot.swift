import SansIO

/// Where the parts of a URI are written in a message (RFC 3261 §19.1.1); ``SIPMessage/uri(_:)`` makes the typed ``SIPURI`` of it.
public struct URISlot: Hashable, Sendable {
  public enum Scheme: Hashable, Sendable { case sip, sips, other }
  /// What the `transport` parameter says (RFC 3261 §19.1.1, RFC 7118 §5.2): none where it is missing or has no value.
  public enum Transport: Hashable, Sendable { case none, udp, tcp, tls, ws, wss, other }

  /// The URI in full.
  public internal(set) var whole: ByteRange
  public internal(set) var scheme: Scheme
  /// As written, with its escapes.
  public internal(set) var user: ByteRange?
  public internal(set) var password: ByteRange?
  var hostPort: HostPortSlot
  /// From the first semicolon on; empty where there is none, and in a URI of another scheme.
  public internal(set) var parameters: ByteRange
  /// Behind the question mark.
  public internal(set) var headers: ByteRange?
  /// `lr`: a router that leaves the Request-URI alone (RFC 3261 §16.4, §19.1.1).
  public internal(set) var isLooseRouter = false
  public internal(set) var transport = Transport.none

  /// As written, an IPv6 reference without its brackets; empty in a URI of another scheme.
  public var host: ByteRange { hostPort.host }
  /// nil where the host is a name.
  public var address: IPAddress? { hostPort.address }
  public var port: UInt16? { hostPort.port }
  public var isSIPS: Bool { scheme == .sips }

  /// Reads a URI from `position` on, up to a byte that cannot belong to one.
  ///
  /// - Parameter stopsAtSemicolon: an address without angle brackets, whose parameters belong to the field (RFC 3261 §20.10).
  static func read(_ span: Span<UInt8>, _ position: inout Int, _ end: Int, stopsAtSemicolon: Bool) -> URISlot? {
    let start = position
    var colon = start
    while colon < end, Grammar.isToken(span[colon]) { colon += 1 }
    guard colon > start, colon < end, span[colon] == .colon else { return nil }
    position = colon + 1
    let scheme = scheme(span, start..<colon)
    guard scheme != .other else { return readForeign(span, start, &position, end, stopsAtSemicolon) }
    let none = ByteRange(0, 0)
    var slot = URISlot(whole: none, scheme: scheme, hostPort: HostPortSlot(host: none), parameters: none)
    if let userEnd = userInfoEnd(span, position, end) {
      slot.readUser(span, position..<userEnd)
      position = userEnd + 1
    }
    guard let hostPort = HostPortSlot.read(span, &position, end) else { return nil }
    slot.hostPort = hostPort
    if !stopsAtSemicolon {
      guard slot.readParameters(span, &position, end) else { return nil }
      if position < end, span[position] == .question { slot.readHeaders(span, &position, end) }
    }
    slot.whole = ByteRange(start, position)
    return slot
  }

  private static func scheme(_ span: Span<UInt8>, _ range: Range<Int>) -> Scheme {
    if Grammar.isSame(span, range, "sip") { return .sip }
    return Grammar.isSame(span, range, "sips") ? .sips : .other
  }

  private static func readForeign(
    _ span: Span<UInt8>, _ start: Int, _ position: inout Int, _ end: Int, _ stopsAtSemicolon: Bool
  ) -> URISlot? {
    let opaque = position
    while position < end, !Grammar.isWhite(span[position]), span[position] != .greater, span[position] != .comma || !stopsAtSemicolon,
      span[position] != .semicolon || !stopsAtSemicolon
    { position += 1 }
    guard position > opaque else { return nil }
    let none = ByteRange(position, position)
    return URISlot(whole: ByteRange(start, position), scheme: .other, hostPort: HostPortSlot(host: none), parameters: none)
  }

  /// Where the `@` of the user part is. It may have escapes, `;` and `?` inside (RFC 3261 §25.1, user-unreserved).
  private static func userInfoEnd(_ span: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
    var position = start
    while position < end {
      switch span[position] {
      case .at: return position
      case .greater, .less, .quote, .space, .tab, .carriageReturn, .lineFeed: return nil
      default: position += 1
      }
    }
    return nil
  }

  private mutating func readUser(_ span: Span<UInt8>, _ range: Range<Int>) {
    var colon = range.lowerBound
    while colon < range.upperBound, span[colon] != .colon { colon += 1 }
    user = ByteRange(range.lowerBound, colon)
    if colon < range.upperBound { password = ByteRange(colon + 1, range.upperBound) }
  }

  private mutating func readParameters(_ span: Span<UInt8>, _ position: inout Int, _ end: Int) -> Bool {
    let start = position
    var cursor = ParameterCursor(position, end, allowsSpace: false)
    var hasTransport = false
    while let parameter = cursor.next(span) {
      if parameter.isNamed("lr", span) { isLooseRouter = true }
      guard !hasTransport, parameter.isNamed("transport", span) else { continue }
      hasTransport = true
      if let value = parameter.value { transport = Self.transport(span, value) }
    }
    position = cursor.position
    parameters = ByteRange(start, position)
    return !cursor.isBroken
  }

  private static func transport(_ span: Span<UInt8>, _ value: Range<Int>) -> Transport {
    func isNamed(_ text: StaticString) -> Bool { Grammar.isSame(span, value, text) }
    if isNamed("udp") { return .udp }
    if isNamed("tcp") { return .tcp }
    if isNamed("tls") { return .tls }
    if isNamed("ws") { return .ws }
    if isNamed("wss") { return .wss }
    guard !value.isEmpty, span[value.lowerBound] == .quote else { return .other }
    // Nobody quotes it.
    let inner = Bytes(Grammar.unquoted(Grammar.text(span, value)))
    return inner.first == .quote ? .other : inner.withSpan { transport($0, 0..<$0.count) }
  }

  private mutating func readHeaders(_ span: Span<UInt8>, _ position: inout Int, _ end: Int) {
    position += 1
    let start = position
    while position < end, !Grammar.isWhite(span[position]), span[position] != .greater { position += 1 }
    headers = ByteRange(start, position)
  }
}

extension SIPURI {
  init(_ slot: URISlot, _ span: Span<UInt8>) {
    switch slot.scheme {
    case .sip: self.init(.sip, host: slot.hostPort.typed(span), port: slot.port)
    case .sips: self.init(.sips, host: slot.hostPort.typed(span), port: slot.port)
    case .other:
      var colon = slot.whole.range.lowerBound
      while span[colon] != .colon { colon += 1 }
      self.init(.other(Grammar.text(span, slot.whole.range.lowerBound..<colon).lowercased()), host: .name(""))
      opaque = Grammar.text(span, colon + 1..<slot.whole.range.upperBound)
      return
    }
    user = slot.user.map { Grammar.text(span, $0.range) }
    password = slot.password.map { Grammar.text(span, $0.range) }
    if slot.parameters.count > 0 { parameters = Parameters(span, slot.parameters.range, allowsSpace: false) }
    if let headers = slot.headers { self.headers = Self.headers(Grammar.text(span, headers.range)) }
  }

  private static func headers(_ text: String) -> [Header] {
    text.split(separator: "&").map { part in
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return Header(name: String(pair[0]), value: pair.count > 1 ? String(pair[1]) : "")
    }
  }
}
