import SansIO

/// The hop that a message came from, as it is written in it (RFC 3261 §18.2, RFC 3581).
public struct TopmostVia: Hashable, Sendable {
  /// The hop in full, without what follows it in a list.
  public internal(set) var element = ByteRange(0, 0)
  /// `UDP`, `TCP`, `TLS`, …
  public internal(set) var transport = ByteRange(0, 0)
  var hostPort = HostPortSlot()
  /// From the first semicolon on.
  public internal(set) var parameters = ByteRange(0, 0)
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
  ///
  /// - Parameter list: nil, or where the parameters are collected; what is known of them here is then left out.
  /// - Returns: false for what is not a hop.
  mutating func read(_ span: Span<UInt8>, _ position: inout Int, _ end: Int, into list: inout Parameters?) -> Bool {
    let start = position
    guard let transport = Self.readProtocol(span, &position, end) else { return false }
    self.transport = ByteRange(transport)
    Grammar.skipWhite(span, &position, end)
    guard hostPort.read(span, &position, end, allowsSpace: true), readParameters(span, &position, end, into: &list) else { return false }
    Grammar.skipWhite(span, &position, end)
    element = ByteRange(start, position)
    return position == end || span[position] == .comma
  }

  /// `SIP / 2.0 / UDP`; the range of the transport.
  private static func readProtocol(_ span: Span<UInt8>, _ position: inout Int, _ end: Int) -> Range<Int>? {
    // As nearly everybody writes it.
    if position + 8 <= end, WordScan.load(span, position) == plainProtocol {
      let start = position + 8
      let behind = Grammar.tokenEnd(span, start, end)
      if behind > start {
        position = behind
        return start..<behind
      }
    }
    var parts = 0
    while true {
      Grammar.skipWhite(span, &position, end)
      let start = position
      position = Grammar.tokenEnd(span, start, end)
      guard position > start else { return nil }
      parts += 1
      if parts == 3 { return start..<position }
      Grammar.skipWhite(span, &position, end)
      guard position < end, span[position] == .slash else { return nil }
      position += 1
    }
  }

  /// `SIP/2.0/`, as it is loaded.
  private static let plainProtocol: UInt64 = 0x2F30_2E32_2F50_4953

  private mutating func readParameters(_ span: Span<UInt8>, _ position: inout Int, _ end: Int, into list: inout Parameters?) -> Bool {
    let start = position
    var cursor = ParameterCursor(position, end)
    var seen: UInt8 = 0
    while let parameter = cursor.next(span) {
      if list != nil { list?.append(parameter, span) } else { take(parameter, &seen, span) }
    }
    position = cursor.position
    parameters = ByteRange(start, position)
    return !cursor.isBroken
  }

  /// Of a parameter that appears more than once the first counts.
  private mutating func take(_ parameter: ParameterSlot, _ seen: inout UInt8, _ span: Span<UInt8>) {
    func isFirst(_ bit: UInt8) -> Bool {
      defer { seen |= bit }
      return seen & bit == 0
    }
    switch ShortName(span, parameter.name) {
    case .branch: if isFirst(1) { takeBranch(parameter, span) }
    case .rport: if isFirst(2) { (hasResponsePort, responsePort) = (true, parameter.inner(span)) }
    case .maddr: if isFirst(4) { (hasMulticastAddress, maddr) = (true, parameter.inner(span).flatMap { $0.count > 0 ? $0 : nil }) }
    case .received: if isFirst(8) { received = parameter.inner(span) }
    default: break
    }
  }

  private mutating func takeBranch(_ parameter: ParameterSlot, _ span: Span<UInt8>) {
    guard let range = parameter.inner(span), range.count > 0 else { return }
    branch = range
    branchHash = ByteHash.of(span, range.range)
    let cookie = range.range.lowerBound..<range.range.lowerBound + min(range.count, 7)
    hasTransactionBranch = range.count > 7 && Grammar.isEqual(span, cookie, "z9hG4bK")
    // Escapes inside quotes: nobody writes that, and it means what it says without them.
    guard let value = parameter.value, range.count < value.count, range.range.contains(where: { span[$0] == .backslash }) else { return }
    hasTransactionBranch = Via.isTransactionBranch(Grammar.unquoted(span, value))
  }
}

extension Via {
  /// Reads the hop at the beginning of the span.
  static func read(_ span: Span<UInt8>) -> Via? {
    var (slot, position, list) = (TopmostVia(), 0, Parameters?(Parameters()))
    guard slot.read(span, &position, span.count, into: &list) else { return nil }
    return Via(
      transport: Grammar.text(span, slot.transport.range), host: slot.hostPort.typed(span), port: slot.port,
      parameters: list ?? Parameters())
  }
}
