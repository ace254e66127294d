import SansIO

/// Where the parts of a URI are written in a message (RFC 3261 §19.1.1); ``SIPMessage/uri(_:)`` makes the typed ``SIPURI`` of it.
public struct URISlot: Hashable, Sendable {
  public enum Scheme: Hashable, Sendable { case sip, sips, other }
  /// What the `transport` parameter says (RFC 3261 §19.1.1, RFC 7118 §5.2): none where it is missing or has no value.
  public enum Transport: Hashable, Sendable { case none, udp, tcp, tls, ws, wss, other }

  /// The URI in full.
  public internal(set) var whole = ByteRange(0, 0)
  public internal(set) var scheme = Scheme.other
  /// As written, with its escapes.
  public internal(set) var user: ByteRange?
  public internal(set) var password: ByteRange?
  var hostPort = HostPortSlot()
  /// From the first semicolon on; empty where there is none, and in a URI of another scheme.
  public internal(set) var parameters = ByteRange(0, 0)
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
  /// - Parameters:
  ///   - stopsAtSemicolon: an address without angle brackets, whose parameters belong to the field (RFC 3261 §20.10).
  ///   - list: nil, or where the parameters are collected; what a slot knows of them is then left out.
  /// - Returns: false for what is not a URI.
  mutating func read(
    _ span: Span<UInt8>, _ position: inout Int, _ end: Int, stopsAtSemicolon: Bool, into list: inout Parameters?
  ) -> Bool {
    let start = position
    let colon = Grammar.tokenEnd(span, start, end)
    guard colon > start, colon < end, span[colon] == .colon else { return false }
    position = colon + 1
    scheme = Self.scheme(span, start..<colon)
    if scheme == .other {
      guard readForeign(span, &position, end, stopsAtSemicolon) else { return false }
    } else {
      readUser(span, &position, end)
      guard hostPort.read(span, &position, end) else { return false }
      if !stopsAtSemicolon {
        guard readParameters(span, &position, end, into: &list) else { return false }
        if position < end, span[position] == .question { readHeaders(span, &position, end) }
      }
    }
    whole = ByteRange(start, position)
    return true
  }

  private static func scheme(_ span: Span<UInt8>, _ range: Range<Int>) -> Scheme {
    switch ShortName(span, range) {
    case .sip: .sip
    case .sips: .sips
    default: .other
    }
  }

  /// What follows the colon of another scheme.
  private func readForeign(_ span: Span<UInt8>, _ position: inout Int, _ end: Int, _ stopsAtSemicolon: Bool) -> Bool {
    let start = position
    position = WordScan.run(span, position, end) { byte in
      !Grammar.isWhite(byte) && byte != .greater && (!stopsAtSemicolon || (byte != .comma && byte != .semicolon))
    }
    return position > start
  }

  /// Where the `@` of the user part is. It may have escapes, `;` and `?` inside (RFC 3261 §25.1, user-unreserved).
  private static func userInfoEnd(_ span: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
    let position = WordScan.run(span, start, end) { byte in
      byte != .at && byte != .greater && byte != .less && byte != .quote && !Grammar.isWhite(byte)
    }
    return position < end && span[position] == .at ? position : nil
  }

  private mutating func readUser(_ span: Span<UInt8>, _ position: inout Int, _ end: Int) {
    guard let userEnd = Self.userInfoEnd(span, position, end) else { return }
    let colon = WordScan.first(.colon, span, position, userEnd)
    user = ByteRange(position, colon)
    if colon < userEnd { password = ByteRange(colon + 1, userEnd) }
    position = userEnd + 1
  }

  private mutating func readParameters(_ span: Span<UInt8>, _ position: inout Int, _ end: Int, into list: inout Parameters?) -> Bool {
    let start = position
    parameters = ByteRange(start, start)
    guard position < end, span[position] == .semicolon else { return true }
    var cursor = ParameterCursor(position, end, allowsSpace: false)
    var hasTransport = false
    while let parameter = cursor.next(span) {
      guard list == nil else {
        list?.append(parameter, span)
        continue
      }
      if parameter.isNamed(.lr, span) { isLooseRouter = true }
      guard !hasTransport, Grammar.isSame(span, parameter.name, "transport") else { continue }
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
    position = WordScan.run(span, position, end) { !Grammar.isWhite($0) && $0 != .greater }
    headers = ByteRange(start, position)
  }
}

extension SIPURI {
  /// Reads a URI that fills the span.
  static func read(_ span: Span<UInt8>) -> SIPURI? {
    var (slot, position, list) = (URISlot(), 0, Parameters?(Parameters()))
    guard slot.read(span, &position, span.count, stopsAtSemicolon: false, into: &list), position == span.count else { return nil }
    return SIPURI(slot, list, span)
  }

  /// The typed URI of a place whose parameters were collected.
  init(_ slot: URISlot, _ list: Parameters?, _ span: Span<UInt8>) {
    user = slot.user.map { Grammar.text(span, $0.range) }
    password = slot.password.map { Grammar.text(span, $0.range) }
    port = slot.port
    parameters = list ?? Parameters()
    headers = slot.headers.map { Self.headers(Grammar.text(span, $0.range)) } ?? []
    switch slot.scheme {
    case .sip: (scheme, host, opaque) = (.sip, slot.hostPort.typed(span), "")
    case .sips: (scheme, host, opaque) = (.sips, slot.hostPort.typed(span), "")
    case .other:
      let whole = slot.whole.range
      let colon = whole.first { span[$0] == .colon } ?? whole.upperBound - 1
      (scheme, host) = (.other(Grammar.text(span, whole.lowerBound..<colon).lowercased()), .name(""))
      opaque = Grammar.text(span, colon + 1..<whole.upperBound)
    }
  }

  private static func headers(_ text: String) -> [Header] {
    text.split(separator: "&").map { part in
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return Header(name: String(pair[0]), value: pair.count > 1 ? String(pair[1]) : "")
    }
  }
}
