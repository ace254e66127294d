import SansIO

/// Looks for what a message has beside the grammar, in what the other readers have taken (RFC 3261 §25.1). It makes neither text nor list
/// for a message that has nothing of it.
struct FormAudit {
  /// What is told of one message.
  private static let most = 16

  private(set) var found: [Forgiven] = []

  mutating func add(_ kind: Forgiven.Kind, _ place: Forgiven.Place, _ part: String = "", byte: UInt8? = nil, at offset: Int) {
    let forgiven = Forgiven(kind: kind, place: place, part: part, byte: byte, offset: offset)
    guard found.count < Self.most, !found.contains(where: { $0.isSame(as: forgiven) }) else { return }
    found.append(forgiven)
  }

  /// - Parameter isInDialog: the Request-URI, Route and the addresses are the other side's words (RFC 3261 §12.2.1.1).
  mutating func run(_ message: SIPMessage, isInDialog: Bool) {
    let copied = message.isRequest ? isInDialog ? Self.copiedInDialog : [] : Self.copiedInResponses
    message.bytes.withSpan { span in
      let start = scanLines(message, span)
      readStartLine(message.startLine, span, from: start, isInDialog: isInDialog)
      for slot in message.slots where slot.known != .other && !copied.contains(slot.known) { look(at: slot, span) }
    }
    if message.has(.contentType), !message.body.isEmpty { readMultipart(message) }
  }

  /// What a response repeats of its request (RFC 3261 §8.2.6.2, §12.1.1).
  private static let copiedInResponses: [KnownHeader] = [.via, .from, .to, .callID, .recordRoute]
  private static let copiedInDialog: [KnownHeader] = [.to, .from, .callID, .route]

  // MARK: - Lines

  /// - Returns: where the start line begins.
  private mutating func scanLines(_ message: SIPMessage, _ span: Span<UInt8>) -> Int {
    let end = message.bodyRange.range.lowerBound
    var start = 0
    while start < end, span[start] == .carriageReturn || span[start] == .lineFeed { start += 1 }
    if start > 0 { add(.earlyLineEnds, .startLine, at: 0) }
    var position = WordScan.firstControl(span, start, end)
    while position < end {
      let byte = span[position]
      if byte == .carriageReturn, position + 1 < end, span[position + 1] == .lineFeed {
        position += 2
      } else {
        if byte != .tab { add(control: byte, at: position, message) }
        position += 1
      }
      position = WordScan.firstControl(span, position, end)
    }
    return start
  }

  private mutating func add(control byte: UInt8, at position: Int, _ message: SIPMessage) {
    guard byte != .lineFeed else { return add(.lineFeed, .startLine, at: position) }
    let slot = message.slots.last { $0.name.range.lowerBound <= position }
    let place = slot.map { Forgiven.Place.field($0.known) } ?? .startLine
    if byte == .carriageReturn { add(.bareReturn, place, at: position) } else { add(.control, place, byte: byte, at: position) }
  }

  // MARK: - Start line

  private mutating func readStartLine(_ line: SIPMessage.StartLine, _ span: Span<UInt8>, from start: Int, isInDialog: Bool) {
    switch line {
    case .request(_, let uri):
      let place = uri.range.upperBound + 1
      guard place + 7 <= span.count, uri.count > 0 else { return }
      if !Grammar.isEqual(span, place..<place + 7, "SIP/2.0") { add(.versionCase, .startLine, at: place) }
      if !isInDialog { readURI(span, uri.range, .requestURI) }
    case .response(_, let reason):
      guard start + 7 <= span.count else { return }
      if !Grammar.isEqual(span, start..<start + 7, "SIP/2.0") { add(.versionCase, .startLine, at: start) }
      if reason.range.lowerBound == start + 11 { add(.phraseSpace, .startLine, at: start + 11) }
      if let odd = firstOdd(span, reason.range, { Self.isReserved($0) || $0 == .space || $0 == .tab || $0 >= 128 }) {
        add(.phraseCharacter, .startLine, byte: span[odd], at: odd)
      }
    }
  }

  // MARK: - Header fields

  private mutating func look(at slot: SIPMessage.Slot, _ span: Span<UInt8>) {
    let (value, place) = (slot.value.range, Forgiven.Place.field(slot.known))
    switch slot.known {
    case .from, .to, .referTo, .referredBy: readAddress(span, value, place)
    case .contact, .route, .recordRoute, .path, .serviceRoute, .replyTo, .pAssertedIdentity, .pPreferredIdentity, .remotePartyID,
      .diversion, .historyInfo:
      if value.count == 1, span[value.lowerBound] == UInt8(ascii: "*") { return }
      forEachElement(span, value, place) { audit, element in audit.readAddress(span, element, place) }
    case .via: forEachElement(span, value, place) { audit, element in audit.readVia(span, element) }
    case .allow, .supported, .require, .proxyRequire, .unsupported, .allowEvents:
      if !value.isEmpty { forEachElement(span, value, place) { _, _ in } }
    case .callID: readCallID(span, value)
    case .contentType, .contentDisposition, .event, .subscriptionState, .sessionExpires, .minSE:
      let semicolon = WordScan.first(.semicolon, span, value.lowerBound, value.upperBound)
      readParameters(span, semicolon..<value.upperBound, place, isURI: false)
    case .authorization, .proxyAuthorization, .wwwAuthenticate, .proxyAuthenticate, .authenticationInfo:
      DigestForm(slot.known).read(span, value, &self)
    default: break
    }
  }

  private mutating func forEachElement(
    _ span: Span<UInt8>, _ value: Range<Int>, _ place: Forgiven.Place, _ body: (inout FormAudit, Range<Int>) -> Void
  ) {
    var start = value.lowerBound
    while start <= value.upperBound {
      let end = Grammar.elementEnd(span, start, value.upperBound)
      let element = Grammar.trimmed(span, start..<end)
      if element.isEmpty { add(.emptyElement, place, at: start) } else { body(&self, element) }
      start = end + 1
    }
  }

  /// `word ["@" word]` (RFC 3261 §25.1).
  private mutating func readCallID(_ span: Span<UInt8>, _ value: Range<Int>) {
    var hasAt = false
    for position in value where !Grammar.isToken(span[position]) {
      let byte = span[position]
      if byte == .at, !hasAt {
        hasAt = true
      } else if !Grammar.isMember(byte, 0xD400_8304_0000_0000, 0x2800_0000_3800_0000) {
        return add(.callID, .field(.callID), byte: byte, at: position)
      }
    }
  }

  // MARK: - Multipart

  private mutating func readMultipart(_ message: SIPMessage) {
    guard let value = message.firstValue(.contentType), value.withSpan({ Self.isMultipart($0) }), let type = try? message.contentType(),
      let boundary = type.parameters["boundary"], !boundary.isEmpty
    else { return }
    let (delimiter, body) = (Array("--\(boundary)".utf8), message.body)
    var (position, isClosed) = (0, false)
    while position < body.count {
      let feed = body.withSpan { WordScan.first(.lineFeed, $0, position, body.count) }
      let line = body[position..<feed]
      if line.count >= delimiter.count, line[0..<delimiter.count].elementsEqual(delimiter) {
        let offset = message.bodyRange.range.lowerBound + position
        if feed < body.count, line.last != .carriageReturn { add(.multipartLineFeed, .body, at: offset) }
        isClosed = line[delimiter.count...].starts(with: "--".utf8)
      }
      position = feed + 1
    }
    if !isClosed { add(.multipartEnd, .body, at: message.bytes.count) }
  }

  private static func isMultipart(_ span: Span<UInt8>) -> Bool { span.count > 10 && Grammar.isSame(span, 0..<9, "multipart") }
}
