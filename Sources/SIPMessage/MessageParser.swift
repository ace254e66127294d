import SansIO

/// Finds the lines of a message.
struct MessageParser {
  private let limits: SIPLimits
  private var slots = ContiguousArray<SIPMessage.Slot>()
  private var present = KnownHeaderSet()
  private var landmarks = SIPMessage.Landmarks()
  private var startLine: SIPMessage.StartLine?
  private var contentLengthSlot = -1
  /// A second Content-Length, which has to say the same.
  private var otherLengthSlot = -1

  init(limits: SIPLimits) {
    self.limits = limits
    slots.reserveCapacity(24)
  }

  /// Reads start line and header; the offset of the first body byte.
  mutating func parseHeader(_ span: Span<UInt8>) throws(SIPParseError) -> Int {
    var position = 0
    // Keep-alives before a message are no part of it (RFC 3261 §7.5).
    while position < span.count, span[position] == .carriageReturn || span[position] == .lineFeed { position += 1 }
    guard position < span.count else { throw .empty }
    let line = Self.lineEnd(span, from: position)
    guard line.end - position <= limits.startLineBytes else { throw .startLineTooLong(limit: limits.startLineBytes) }
    guard line.next > line.end else { throw span.count - position > 8_192 ? .startLine : .noEndOfHeader }
    try parseStartLine(span, position..<line.end)
    position = line.next
    while true {
      guard position < span.count else { throw .noEndOfHeader }
      if span[position] == .lineFeed { return position + 1 }
      if span[position] == .carriageReturn, position + 1 < span.count, span[position + 1] == .lineFeed { return position + 2 }
      if let next = parsePlainField(span, at: position) { position = next } else { position = try parseField(span, at: position) }
    }
  }

  /// Whether one more field may be read.
  var hasRoom: Bool { slots.count < limits.fields }

  /// A field as nearly all are: a known name, its colon right behind it, the value on one line.
  ///
  /// - Returns: where the next line begins; nil for any other field, of which nothing is taken.
  private mutating func parsePlainField(_ span: Span<UInt8>, at start: Int) -> Int? {
    guard let (known, colon) = KnownHeaderTable.name(span, at: start) else { return nil }
    let line = Self.lineEnd(span, from: colon + 1)
    guard line.next < span.count, span[line.next] != .space, span[line.next] != .tab, line.end - start <= limits.fieldBytes,
      slots.count < limits.fields
    else { return nil }
    take(known, span, name: start..<colon, value: colon + 1..<line.end, isFolded: false)
    return line.next
  }

  /// Reads any field; where the next line begins.
  mutating func parseField(_ span: Span<UInt8>, at start: Int) throws(SIPParseError) -> Int {
    let nameEnd = Grammar.tokenEnd(span, start, span.count)
    var colon = nameEnd
    while colon < span.count, span[colon] == .space || span[colon] == .tab { colon += 1 }
    guard colon < span.count else { throw .noEndOfHeader }
    guard span[colon] == .colon else {
      throw span[colon] == .lineFeed || span[colon] == .carriageReturn ? .fieldWithoutColon(offset: start) : .fieldName(offset: start)
    }
    guard nameEnd > start else { throw .fieldName(offset: start) }
    var line = Self.lineEnd(span, from: colon + 1)
    var isFolded = false
    while line.next < span.count, span[line.next] == .space || span[line.next] == .tab {
      isFolded = true
      line = Self.lineEnd(span, from: line.next)
    }
    guard line.next > line.end else { throw .noEndOfHeader }
    guard line.end - start <= limits.fieldBytes else { throw .fieldTooLong(offset: start, limit: limits.fieldBytes) }
    guard slots.count < limits.fields else { throw .tooManyFields(limit: limits.fields) }
    let known = KnownHeader(span, start..<nameEnd)
    take(known, span, name: start..<nameEnd, value: colon + 1..<line.end, isFolded: isFolded)
    return line.next
  }

  @inline(__always)
  private mutating func take(_ known: KnownHeader, _ span: Span<UInt8>, name: Range<Int>, value: Range<Int>, isFolded: Bool) {
    if known == .contentLength {
      if contentLengthSlot < 0 { contentLengthSlot = slots.count } else { otherLengthSlot = slots.count }
    }
    landmarks.note(known, at: slots.count)
    present.insert(known)
    slots.append(.init(known: known, isFolded: isFolded, name: ByteRange(name), value: ByteRange(Self.trimmed(span, value))))
  }

  /// The value without white space at its ends; nearly always that is one space.
  @inline(__always)
  private static func trimmed(_ span: Span<UInt8>, _ value: Range<Int>) -> Range<Int> {
    let (start, end) = (value.lowerBound &+ 1, value.upperBound)
    guard start < end, span[start &- 1] == .space, !Grammar.isWhite(span[start]), !Grammar.isWhite(span[end &- 1]) else {
      return Grammar.trimmed(span, value)
    }
    return start..<end
  }

  /// Where the line ends, without its CRLF or LF, and where the next begins; both equal when no line end was found.
  @inline(__always)
  static func lineEnd(_ span: Span<UInt8>, from start: Int) -> (end: Int, next: Int) {
    let found = span.withUnsafeBufferPointer { buffer -> Int in
      guard let base = buffer.baseAddress, start < buffer.count else { return -1 }
      return Grammar.offset(of: .lineFeed, base + start, buffer.count - start)
    }
    guard found >= 0 else { return (span.count, span.count) }
    let feed = start + found
    return (feed > start && span[feed - 1] == .carriageReturn ? feed - 1 : feed, feed + 1)
  }

  // MARK: - Start line

  private mutating func parseStartLine(_ span: Span<UInt8>, _ line: Range<Int>) throws(SIPParseError) {
    if Self.hasVersion(span, at: line.lowerBound, end: line.upperBound), line.count > 8, span[line.lowerBound + 7] == .space {
      startLine = try Self.statusLine(span, line)
    } else {
      startLine = try Self.requestLine(span, line)
    }
  }

  /// `SIP/2.0 200 OK`; the phrase may be empty, and its space may then be missing.
  private static func statusLine(_ span: Span<UInt8>, _ line: Range<Int>) throws(SIPParseError) -> SIPMessage.StartLine {
    var position = line.lowerBound + 8
    var status = 0
    let start = position
    while position < line.upperBound, span[position] &- 48 < 10, position - start < 4 {
      status = status * 10 + Int(span[position] - 48)
      position += 1
    }
    guard position - start == 3, (100...699).contains(status), position == line.upperBound || span[position] == .space else {
      throw .statusCode(Grammar.text(span, start..<min(line.upperBound, start + 16)))
    }
    if position < line.upperBound { position += 1 }
    return .response(status: UInt16(status), reason: .init(position, line.upperBound))
  }

  private static func requestLine(_ span: Span<UInt8>, _ line: Range<Int>) throws(SIPParseError) -> SIPMessage.StartLine {
    let methodEnd = Grammar.tokenEnd(span, line.lowerBound, line.upperBound)
    guard methodEnd > line.lowerBound, methodEnd < line.upperBound, span[methodEnd] == .space else { throw .startLine }
    let uri = methodEnd + 1
    var last = line.upperBound
    while last > uri, span[last - 1] != .space { last -= 1 }
    guard last - 1 > uri else { throw .startLine }
    guard hasVersion(span, at: last, end: line.upperBound), line.upperBound - last == 7 else {
      throw versionError(span, last..<line.upperBound, line: uri..<line.upperBound)
    }
    guard WordScan.run(span, uri, last - 1, while: { !Grammar.isWhite($0) }) == last - 1 else { throw .requestLineSpacing }
    return .request(SIPMethod(span, line.lowerBound..<methodEnd), uri: .init(uri, last - 1))
  }

  /// What is wrong with a line whose last word is not SIP/2.0.
  private static func versionError(_ span: Span<UInt8>, _ word: Range<Int>, line: Range<Int>) -> SIPParseError {
    if word.count > 4, Grammar.text(span, word.lowerBound..<word.lowerBound + 4).uppercased() == "SIP/" {
      return .version(Grammar.text(span, word.lowerBound..<min(word.upperBound, word.lowerBound + 32)))
    }
    var end = line.upperBound
    while end > line.lowerBound, Grammar.isWhite(span[end - 1]) { end -= 1 }
    let isSpaced = end < line.upperBound && end - line.lowerBound > 8 && hasVersion(span, at: end - 7, end: end)
    return isSpaced ? .requestLineSpacing : .startLine
  }

  /// `SIP/2.0` in any case (RFC 3261 §7.1).
  private static func hasVersion(_ span: Span<UInt8>, at start: Int, end: Int) -> Bool {
    guard end - start >= 7 else { return false }
    return lowercase(span[start]) == UInt8(ascii: "s") && lowercase(span[start + 1]) == UInt8(ascii: "i")
      && lowercase(span[start + 2]) == UInt8(ascii: "p") && span[start + 3] == .slash && span[start + 4] == UInt8(ascii: "2")
      && span[start + 5] == UInt8(ascii: ".") && span[start + 6] == UInt8(ascii: "0")
  }

  // MARK: - Body

  /// The value of Content-Length; nil when there is none.
  func contentLength(_ bytes: Bytes) throws(SIPParseError) -> Int? {
    guard contentLengthSlot >= 0 else { return nil }
    let value = try length(bytes, contentLengthSlot)
    if otherLengthSlot >= 0 {
      for slot in slots where slot.known == .contentLength && slot.value.range != slots[contentLengthSlot].value.range {
        let other = bytes[slot.value.range]
        guard Self.decimal(other) == value else { throw .contentLengths(value, other.prefix(16).text) }
      }
    }
    return value
  }

  private func length(_ bytes: Bytes, _ slot: Int) throws(SIPParseError) -> Int {
    let value = bytes[slots[slot].value.range]
    guard let length = Self.decimal(value) else { throw .contentLength(value.prefix(16).text) }
    return length
  }

  private static func decimal(_ text: Bytes) -> Int? {
    guard !text.isEmpty, text.count <= 9 else { return nil }
    var value = 0
    for byte in text {
      guard byte &- 48 < 10 else { return nil }
      value = value * 10 + Int(byte &- 48)
    }
    return value
  }

  func message(_ bytes: Bytes, salvaged method: SIPMethod) -> SIPMessage {
    SIPMessage(
      bytes: bytes, startLine: .request(method, uri: .init(0, 0)), slots: slots, present: present, landmarks: landmarks,
      bodyRange: .init(bytes.count, bytes.count))
  }

  /// The fields at the beginning of a body part up to an empty line, and where its body begins. Lines that are no fields are passed over.
  static func readFields(_ bytes: Bytes) -> (fields: [SIPMessage.Field], bodyStart: Int) {
    var parser = MessageParser(limits: .standard)
    let bodyStart = bytes.withSpan { span -> Int in
      var position = 0
      while position < span.count, parser.hasRoom {
        if span[position] == .lineFeed { return position + 1 }
        if span[position] == .carriageReturn, position + 1 < span.count, span[position + 1] == .lineFeed { return position + 2 }
        position = (try? parser.parseField(span, at: position)) ?? lineEnd(span, from: position).next
      }
      return position
    }
    return (parser.message(bytes, salvaged: .options).fields, bodyStart)
  }

  func message(_ bytes: Bytes, from bodyStart: Int, bodyCount: Int) throws(SIPParseError) -> SIPMessage {
    guard let startLine else { throw .startLine }
    let end = bodyStart + bodyCount
    return SIPMessage(
      bytes: end == bytes.count ? bytes : bytes[0..<end], startLine: startLine, slots: slots, present: present, landmarks: landmarks,
      bodyRange: .init(bodyStart, end))
  }
}
