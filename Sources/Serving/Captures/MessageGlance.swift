import SansIO

/// What sorting a SIP message into files needs of it: a message that breaks a rule has its place as well, so nothing is judged here.
struct MessageGlance: Hashable {
  /// The first line: what a message is to a call that may begin with it.
  enum Kind: Hashable {
    case invite
    /// A final response to an INVITE.
    case inviteFinal(status: Int)
    case other
  }

  var kind: Kind
  var callID: String?
  /// Where the body begins.
  var bodyStart: Int
  /// The declared length of the body; nil when it is missing or is not a number.
  var contentLength: Int?

  /// - Returns: nil while the empty line behind the header fields has not come.
  static func whole(_ bytes: Bytes) -> MessageGlance? {
    guard let bodyStart = headerEnd(bytes) else { return nil }
    return header(bytes, bodyStart)
  }

  /// What a datagram or the beginning of a message says so far.
  static func partial(_ bytes: Bytes) -> MessageGlance { header(bytes, headerEnd(bytes) ?? bytes.count) }

  /// Two line ends in a row, whether CRLF or LF alone.
  private static func headerEnd(_ bytes: Bytes) -> Int? {
    bytes.withSpan { span in
      var position = 0
      while position < span.count {
        if span[position] == Self.lineFeed {
          if position + 1 < span.count, span[position + 1] == lineFeed { return position + 2 }
          if position + 2 < span.count, span[position + 1] == carriageReturn, span[position + 2] == lineFeed { return position + 3 }
        }
        position += 1
      }
      return nil
    }
  }

  private static let (carriageReturn, lineFeed, space, tab, colon) = (UInt8(13), UInt8(10), UInt8(32), UInt8(9), UInt8(58))

  private static func header(_ bytes: Bytes, _ end: Int) -> MessageGlance {
    var glance = MessageGlance(kind: .other, callID: nil, bodyStart: end, contentLength: nil)
    var method: Bytes?
    let first = line(bytes, from: 0, end)
    var start = first.next
    while start < end {
      let line = line(bytes, from: start, end)
      start = line.next
      guard let colon = bytes[line.range].firstIndex(of: Self.colon) else { continue }
      let name = trimmed(bytes[line.range][0..<colon])
      let value = trimmed(bytes[line.range][colon + 1..<line.range.count])
      if glance.callID == nil, name.equals("call-id") || name.equals("i") {
        glance.callID = value.text
      } else if glance.contentLength == nil, name.equals("content-length") || name.equals("l") {
        glance.contentLength = number(value)
      } else if method == nil, name.equals("cseq") {
        method = value.split(maxSplits: 1) { $0 == space || $0 == tab }.dropFirst().first.map { trimmed($0) }
      }
    }
    glance.kind = kind(bytes[first.range], method)
    return glance
  }

  private static func kind(_ line: Bytes, _ method: Bytes?) -> Kind {
    let invite = Bytes("INVITE")
    if line.starts(with: Bytes("INVITE ")) { return .invite }
    guard method == invite, line.prefix(8).equals("sip/2.0 "), let status = number(line.dropFirst(8).prefix(3)), status >= 200 else {
      return .other
    }
    return .inviteFinal(status: status)
  }

  /// A line without its end, continuation lines included (RFC 3261 §7.3.1), and where the next one begins.
  private static func line(_ bytes: Bytes, from start: Int, _ end: Int) -> (range: Range<Int>, next: Int) {
    var position = start
    while position < end {
      if bytes[position] == lineFeed {
        let isContinued = start > 0 && position + 1 < end && (bytes[position + 1] == space || bytes[position + 1] == tab)
        if !isContinued { return (start..<position, position + 1) }
      }
      position += 1
    }
    return (start..<end, end)
  }

  private static func trimmed(_ bytes: Bytes) -> Bytes {
    func isWhite(_ byte: UInt8) -> Bool { byte == space || byte == tab || byte == carriageReturn || byte == lineFeed }
    guard let first = bytes.firstIndex(where: { !isWhite($0) }), let last = bytes.lastIndex(where: { !isWhite($0) }) else { return Bytes() }
    return bytes[first..<last + 1]
  }

  private static func number(_ bytes: some Collection<UInt8>) -> Int? {
    guard !bytes.isEmpty, bytes.count <= 9, bytes.allSatisfy({ $0 >= 48 && $0 <= 57 }) else { return nil }
    return bytes.reduce(0) { $0 * 10 + Int($1 - 48) }
  }
}

extension Collection<UInt8> {
  /// Whether these bytes are this lower-case text, in any case.
  fileprivate func equals(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    var index = 0
    for byte in self {
      let other = text.utf8Start[index]
      guard byte == other || byte | 0x20 == other && byte >= 65 && byte <= 90 else { return false }
      index += 1
    }
    return true
  }
}
