import SansIO

/// The hop that a message came from, as it is written in it (RFC 3261 §18.2, RFC 3581).
public struct TopmostVia: Hashable, Sendable {
  /// The hop in full, without what follows it in a list.
  public internal(set) var element: ByteRange
  /// `UDP`, `TCP`, `TLS`, …
  public internal(set) var transport: ByteRange
  var hostPort: HostPortSlot
  /// From the first semicolon on.
  public internal(set) var parameters: ByteRange
  /// Without quotes; nil where it is missing or empty.
  public internal(set) var branch: ByteRange?
  /// ``ByteHash`` of the branch; 0 where there is none.
  public internal(set) var branchHash: UInt64 = 0
  /// Whether the branch identifies a transaction: it has the magic cookie and more (RFC 3261 §8.1.1.7).
  public internal(set) var hasTransactionBranch = false
  /// The sender asked for the port its request came from (RFC 3581), with or without a value filled in.
  public internal(set) var hasResponsePort = false
  /// The value of `rport`, where it is filled in.
  public internal(set) var responsePort: ByteRange?
  public internal(set) var received: ByteRange?
  /// `maddr` is there, with a value or without.
  public internal(set) var hasMulticastAddress = false
  /// nil where it is missing or empty.
  public internal(set) var maddr: ByteRange?

  /// The host of sent-by as written, an IPv6 reference without its brackets.
  public var host: ByteRange { hostPort.host }
  /// The host of sent-by; nil where it is a name.
  public var address: IPAddress? { hostPort.address }
  /// Of sent-by.
  public var port: UInt16? { hostPort.port }

  /// Reads one hop up to a comma or the end.
  static func read(_ span: Span<UInt8>, _ position: inout Int, _ end: Int) -> TopmostVia? {
    let start = position
    guard let transport = readProtocol(span, &position, end) else { return nil }
    Grammar.skipWhite(span, &position, end)
    guard let hostPort = HostPortSlot.read(span, &position, end, allowsSpace: true) else { return nil }
    let none = ByteRange(position, position)
    var via = TopmostVia(element: none, transport: ByteRange(transport), hostPort: hostPort, parameters: none)
    guard via.readParameters(span, &position, end) else { return nil }
    Grammar.skipWhite(span, &position, end)
    guard position == end || span[position] == .comma else { return nil }
    via.element = ByteRange(start, position)
    return via
  }

  /// `SIP / 2.0 / UDP`; the range of the transport.
  private static func readProtocol(_ span: Span<UInt8>, _ position: inout Int, _ end: Int) -> Range<Int>? {
    var parts = 0
    while true {
      Grammar.skipWhite(span, &position, end)
      let start = position
      while position < end, Grammar.isToken(span[position]) { position += 1 }
      guard position > start else { return nil }
      parts += 1
      if parts == 3 { return start..<position }
      Grammar.skipWhite(span, &position, end)
      guard position < end, span[position] == .slash else { return nil }
      position += 1
    }
  }

  /// Of a parameter that appears more than once the first counts.
  private mutating func readParameters(_ span: Span<UInt8>, _ position: inout Int, _ end: Int) -> Bool {
    let start = position
    var cursor = ParameterCursor(position, end)
    var seen: UInt8 = 0
    func isFirst(_ bit: UInt8) -> Bool {
      defer { seen |= bit }
      return seen & bit == 0
    }
    while let parameter = cursor.next(span) {
      switch parameter.name.count {
      case 6 where parameter.isNamed("branch", span): if isFirst(1) { takeBranch(parameter, span) }
      case 5 where parameter.isNamed("rport", span):
        if isFirst(2) { (hasResponsePort, responsePort) = (true, parameter.inner(span)) }
      case 5 where parameter.isNamed("maddr", span):
        if isFirst(4) { (hasMulticastAddress, maddr) = (true, parameter.inner(span).flatMap { $0.count > 0 ? $0 : nil }) }
      case 8 where parameter.isNamed("received", span): if isFirst(8) { received = parameter.inner(span) }
      default: break
      }
    }
    position = cursor.position
    parameters = ByteRange(start, position)
    return !cursor.isBroken
  }

  private mutating func takeBranch(_ parameter: ParameterSlot, _ span: Span<UInt8>) {
    guard let range = parameter.inner(span), range.count > 0 else { return }
    branch = range
    branchHash = ByteHash.of(span, range.range)
    let cookie = range.range.lowerBound..<range.range.lowerBound + min(range.count, 7)
    hasTransactionBranch = range.count > 7 && Grammar.isEqual(span, cookie, "z9hG4bK")
    // Escapes inside quotes: nobody writes that, and it means what it says without them.
    guard let value = parameter.value, range.count < value.count, range.range.contains(where: { span[$0] == .backslash }) else { return }
    hasTransactionBranch = Via.isTransactionBranch(Grammar.unquoted(Grammar.text(span, value)))
  }
}

extension Via {
  init(_ slot: TopmostVia, _ span: Span<UInt8>) {
    self.init(
      transport: Grammar.text(span, slot.transport.range), host: slot.hostPort.typed(span), port: slot.port,
      parameters: slot.parameters.count > 0 ? Parameters(span, slot.parameters.range) : Parameters())
  }
}
