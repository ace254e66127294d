import SansIO

// A message as a whole: how it comes of bytes, where its parts are, and what is wrong with it.
extension SIPMessage {
  // MARK: - From bytes

  /// Reads one message that fills a datagram (RFC 3261 §18.3): a body beyond Content-Length is cut off, a shorter one is an error, and
  /// without Content-Length the body goes to the end.
  public static func parse(_ datagram: Bytes, limits: SIPLimits = .standard) throws(SIPParseError) -> SIPMessage {
    guard datagram.count <= limits.messageBytes else { throw .messageTooLong(limit: limits.messageBytes) }
    var parser = MessageParser(limits: limits)
    let bodyStart = try datagram.withSpan { (span) throws(SIPParseError) in try parser.parseHeader(span) }
    let present = datagram.count - bodyStart
    let declared = try parser.contentLength(datagram) ?? present
    guard declared <= present else { throw .bodyShort(declared: declared, present: present) }
    return try parser.message(datagram, from: bodyStart, bodyCount: declared)
  }

  /// What can still be read of a request that broke a rule of ``SIPParseError``, so that its sender can be told which (RFC 3261 §8.2,
  /// §18.3: 400).
  ///
  /// - Returns: nil for what does not look like a request, for ACK, which is never answered, and where no Via says whom to answer.
  public static func salvage(_ bytes: Bytes, limits: SIPLimits = .standard) -> SIPMessage? {
    let end = min(bytes.count, limits.messageBytes)
    guard let message = MessageParser.salvage(bytes[0..<end], limits: limits), message.method != .ack, (try? message.via()) != nil
    else { return nil }
    return message
  }

  // MARK: - Places and rules

  /// Reads the ``Essentials``; of a field that appears more than once the first counts.
  public func essentials() -> Essentials {
    let landmarks = landmarks
    return bytes.withSpan { span in
      var result = Essentials()
      if let slot = slot(at: landmarks.from) { result.fromTag = Self.tagRange(span, slot.value.range) }
      if let slot = slot(at: landmarks.to) { result.toTag = Self.tagRange(span, slot.value.range) }
      if let slot = slot(at: landmarks.callID), Self.isCallID(span, slot.value.range) { result.callID = slot.value }
      if let slot = slot(at: landmarks.cseq) { result.cseq = Self.readCSeq(span, slot.value.range) }
      guard let slot = slot(at: landmarks.via) else { return result }
      let value = slot.value.range
      var (via, position, none) = (TopmostVia(), value.lowerBound, Parameters?.none)
      if via.read(span, &position, value.upperBound, into: &none) { result.via = via }
      var hops = Self.elementCount(span, value, from: result.via?.element)
      if landmarks.viaCount > 1 {
        for other in slots[(landmarks.via + 1)...] where other.known == .via {
          hops += Self.elementCount(span, other.value.range, from: nil)
        }
      }
      result.hasSeveralVias = hops > 1
      return result
    }
  }

  /// The address in sent-by of the topmost Via (RFC 3261 §18.2.1); nil where it is a name, or cannot be read.
  public var sentByAddress: IPAddress? {
    guard let value = slot(at: landmarks.via)?.value.range else { return nil }
    return bytes.withSpan { span in
      var (via, position, none) = (TopmostVia(), value.lowerBound, Parameters?.none)
      return via.read(span, &position, value.upperBound, into: &none) ? via.address : nil
    }
  }

  /// The elements of a list that are not empty.
  ///
  /// - Parameter first: the first of them, where it has been read.
  private static func elementCount(_ span: Span<UInt8>, _ value: Range<Int>, from first: ByteRange?) -> Int {
    var count = first == nil ? 0 : 1
    var start = first.map { $0.range.upperBound + 1 } ?? value.lowerBound
    while start < value.upperBound {
      let end = Grammar.elementEnd(span, start, value.upperBound)
      if !Grammar.trimmed(span, start..<end).isEmpty { count += 1 }
      start = end + 1
    }
    return count
  }

  /// One word (RFC 3261 §20.8).
  static func isCallID(_ span: Span<UInt8>, _ value: Range<Int>) -> Bool {
    !value.isEmpty && WordScan.run(span, value.lowerBound, value.upperBound) { !Grammar.isWhite($0) } == value.upperBound
  }

  /// A number below 2³¹ and a method (RFC 3261 §8.1.1.5, §20.16).
  static func readCSeq(_ span: Span<UInt8>, _ value: Range<Int>) -> CSeq? {
    let end = value.upperBound
    var (number, position) = (UInt32(0), value.lowerBound)
    while position < end, position - value.lowerBound < 10, span[position] &- 48 < 10 {
      let (product, isTooLarge) = number.multipliedReportingOverflow(by: 10)
      let (sum, overflows) = product.addingReportingOverflow(UInt32(span[position] &- 48))
      guard !isTooLarge, !overflows else { return nil }
      number = sum
      position += 1
    }
    guard position > value.lowerBound, number < 1 << 31, position < end, Grammar.isWhite(span[position]) else { return nil }
    Grammar.skipWhite(span, &position, end)
    let method = position
    position = Grammar.tokenEnd(span, method, end)
    guard position > method, position == end else { return nil }
    return CSeq(number: number, method: SIPMethod(span, method..<position))
  }

  /// Reads the ``MessageFacts``. A sound header is skimmed once; anything unusual in it is read field by field for its faults.
  ///
  /// - Parameter essentials: those of this message.
  public func facts(_ essentials: Essentials) -> MessageFacts {
    var skim = HeaderSkim()
    skim.run(self, essentials)
    if !skim.isSound { skim.facts.faults = checkedFaults() }
    return skim.facts
  }

  /// What is wrong with the header, in the order in which it is looked at; empty for a message as RFC 3261 wants it.
  ///
  /// Fatal is what leaves unknown to whom, in which dialog or transaction, or for whom a message is: RFC 3261 §8.1.1's fields missing,
  /// doubled or unreadable. What old or careless peers leave out without harm is tolerated (RFC 3261 §8.1.1, RFC 2543 peers; RFC 4475), and
  /// so is what nobody needs to serve the request, readable or not (RFC 3261 §16.3 item 1): a Route, a Max-Forwards at the end of the path
  /// (RFC 4475 §3.1.2.4), a Contact where none is used.
  public func faults() -> [MessageFault] { facts(essentials()).faults }

  /// ``facts(_:)`` with typed values.
  public func audit() -> MessageAudit {
    let essentials = essentials()
    return MessageAudit(message: self, essentials: essentials, facts: facts(essentials))
  }

  /// The faults as the full checker finds them, whether the header is sound or not.
  func checkedFaults() -> [MessageFault] {
    var checker = FaultChecker(message: self)
    checker.checkFields()
    if isRequest { checker.checkRequest() } else { checker.checkResponse() }
    return checker.faults
  }

  // MARK: - Tags alone: what tells dialogs apart is asked for many times a message

  /// The tag of From; nil when there is none (RFC 2543 peers).
  public var fromTag: String? { firstValue(.from).flatMap(Self.tag) }

  /// The tag of To; nil when there is none, as in a request outside a dialog.
  public var toTag: String? { firstValue(.to).flatMap(Self.tag) }

  /// Whether To has a tag.
  public var hasToTag: Bool {
    guard let range = slot(at: landmarks.to)?.value.range else { return false }
    return bytes.withSpan { Self.tagRange($0, range) != nil }
  }

  /// Whether there is one Via field with one value.
  public var hasOneVia: Bool {
    guard landmarks.viaCount == 1, let range = slot(at: landmarks.via)?.value.range else { return false }
    return bytes.withSpan { WordScan.first(.comma, $0, range.lowerBound, range.upperBound) == range.upperBound }
  }

  /// The first `tag` behind an address, in angle brackets or without (RFC 3261 §20.10, §20.39).
  private static func tag(_ value: Bytes) -> String? {
    value.withSpan { span in tagRange(span, 0..<span.count).map { Grammar.text(span, $0.range) } }
  }

  /// Where it is; a quoted one without its quotes.
  static func tagRange(_ span: Span<UInt8>, _ value: Range<Int>) -> ByteRange? {
    let end = value.upperBound
    var position = value.lowerBound
    while true {
      position = WordScan.first(.quote, .less, .semicolon, span, position, end)
      guard position < end else { return nil }
      switch span[position] {
      case .quote:
        guard let behind = Grammar.quotedEnd(span, position, end) else { return nil }
        position = behind
        continue
      case .less:
        position = WordScan.first(.greater, span, position, end) &+ 1
        guard position < end, span[position] == .semicolon else { continue }
      default: break
      }
      position &+= 1
      guard let value = tagValue(span, position, end) else { continue }
      let isQuoted = !value.isEmpty && span[value.lowerBound] == .quote
      return isQuoted ? ByteRange(value.lowerBound + 1, value.upperBound - 1) : ByteRange(value)
    }
  }

  /// Where the value of a `tag` parameter is, when it begins here.
  private static func tagValue(_ span: Span<UInt8>, _ start: Int, _ end: Int) -> Range<Int>? {
    var position = start
    Grammar.skipWhite(span, &position, end)
    guard position + 3 < end, span[position] | 0x20 == UInt8(ascii: "t"), span[position + 1] | 0x20 == UInt8(ascii: "a"),
      span[position + 2] | 0x20 == UInt8(ascii: "g")
    else { return nil }
    position += 3
    Grammar.skipWhite(span, &position, end)
    guard position < end, span[position] == .equals else { return nil }
    position += 1
    Grammar.skipWhite(span, &position, end)
    let value = position
    if position < end, span[position] == .quote {
      return Grammar.quotedEnd(span, position, end).map { value..<$0 }
    }
    return value..<ParameterCursor.valueEnd(span, value, end)
  }

  // MARK: - What stands at a place

  /// The typed URI at a place of this message; nil for a place of another one.
  public func uri(_ slot: URISlot) -> SIPURI? {
    guard slot.whole.range.upperBound <= bytes.count else { return nil }
    return bytes[slot.whole.range].withSpan { SIPURI.read($0) }
  }

  /// The typed address at a place of this message; nil for a place of another one.
  public func address(_ slot: AddressSlot) -> NameAddress? {
    guard slot.element.range.upperBound <= bytes.count else { return nil }
    let element = bytes[slot.element.range]
    return (slot.isFolded ? Self.unfolded(element) : element).withSpan { NameAddress.read($0) }
  }

  /// The text at a place of this message, as written.
  public func text(_ part: ByteRange) -> String { bytes[part.range].text }

  // MARK: - Bodies

  /// The parts of a multipart body; nil when Content-Type is not multipart or names no boundary.
  public func multipart() -> MultipartBody? {
    guard let type = try? contentType(), type.type == "multipart", let boundary = type.parameters["boundary"], !boundary.isEmpty
    else { return nil }
    return MultipartBody(body, boundary: boundary)
  }

  /// The body of this type: the whole, or the first part of a multipart body that has it, wherever it stands (RFC 5621 §3.1).
  ///
  /// - Parameter name: in lower case, `application/sdp`.
  public func body(ofType name: String) -> Bytes? {
    guard let value = firstValue(.contentType) else { return nil }
    // As nearly every peer writes it; everything else is read.
    if value.withSpan({ Self.isWritten($0, name.utf8.span) }) { return body }
    guard let type = try? contentType() else { return nil }
    if type.name == name { return body }
    return multipart().flatMap { Self.find(name, in: $0, depth: 0) }
  }

  private static func isWritten(_ value: Span<UInt8>, _ name: Span<UInt8>) -> Bool {
    guard value.count == name.count else { return false }
    for index in name.indices where value[index] != name[index] { return false }
    return true
  }

  private static func find(_ name: String, in multipart: MultipartBody, depth: Int) -> Bytes? {
    for part in multipart.parts {
      if part.contentType == name { return part.body }
      guard depth < 4, let value = part.fields.first(where: { $0.known == .contentType })?.value,
        let type = try? MediaType.parse(value, as: .contentType), type.type == "multipart", let boundary = type.parameters["boundary"]
      else { continue }
      if let found = find(name, in: MultipartBody(part.body, boundary: boundary), depth: depth + 1) { return found }
    }
    return nil
  }
}
