import SansIO

/// A session description (RFC 8866): the bytes as its writer wrote them, and where its lines are.
///
/// What was read is sent on byte for byte as it came: line ends, spacing, text in other character sets, a last line without an end. Only
/// empty lines, which RFC 8866 does not know, are left out. Values are read from the bytes when somebody asks for them.
///
/// ```
///   bytes     v=0␍␊ o=- 1 1 IN IP4 h␍␊ s=-␍␊ m=audio 4000 RTP/AVP 0␍␊ a=sendrecv␍␊
///   lines      0          1              2           3                    4
///   sections                                     [ m= 3 ... up to 5 )
/// ```
public struct SessionDescription: Sendable {
  /// `type=value` (RFC 8866 §5), as offsets.
  struct Line: Sendable {
    /// How a line that was read ended.
    enum Ending: UInt8, Sendable {
      case none, lf, crlf

      /// In bytes.
      var count: Int { Int(rawValue) }
    }

    var type: UInt8
    var ending: Ending
    /// What `a=` names, of what is asked for again and again.
    var attribute: Attribute
    private var lower: UInt32
    private var upper: UInt32

    init(_ type: UInt8, _ value: Range<Int>, _ ending: Ending, _ attribute: Attribute = .other) {
      (self.type, self.ending, self.attribute) = (type, ending, attribute)
      (lower, upper) = (UInt32(value.lowerBound), UInt32(value.upperBound))
    }

    var value: Range<Int> { Int(lower)..<Int(upper) }
    /// With `type=` and its end.
    var whole: Range<Int> { Int(lower) - 2..<Int(upper) + ending.count }
  }

  /// A media section: its m= line and the lines up to the next (RFC 8866 §5.14).
  struct Section: Sendable {
    var line: MediaLine
    /// m= is the first.
    var lines: Range<Int>
  }

  /// Once for all copies of a description.
  private final class Content: Sendable {
    let bytes: Bytes
    let lines: ContiguousArray<Line>
    let sections: ContiguousArray<Section>

    init(_ bytes: Bytes, _ lines: ContiguousArray<Line>, _ sections: ContiguousArray<Section>) {
      (self.bytes, self.lines, self.sections) = (bytes, lines, sections)
    }
  }

  private let content: Content

  /// The description as it is sent.
  var bytes: Bytes { content.bytes }
  var lines: ContiguousArray<Line> { content.lines }
  var sections: ContiguousArray<Section> { content.sections }

  /// A description without a line.
  public init() { self.init(Bytes(), [], []) }

  init(_ bytes: Bytes, _ lines: ContiguousArray<Line>, _ sections: ContiguousArray<Section>) {
    content = Content(bytes, lines, sections)
  }

  private static let maximumBytes = 65_535
  /// More m= lines than this are refused: each would have to be answered (a limit of the Lab).
  public static let maximumMedia = 64

  /// Reads a description. Lines may end in CRLF or LF (RFC 8866 §5), and the last one need not end.
  public static func parse(_ bytes: Bytes) throws(SDPError) -> SessionDescription {
    guard bytes.count <= maximumBytes else { throw .tooLong }
    var parser = DescriptionParser()
    try bytes.withSpan { (span) throws(SDPError) in
      try parser.readLines(span)
      try parser.check(span)
    }
    guard parser.hasEmptyLines else { return SessionDescription(bytes, parser.lines, parser.sections) }
    return try parse(parser.withoutEmptyLines(bytes))
  }

  /// The lines before the first m=.
  var sessionLines: Range<Int> { 0..<(sections.first?.lines.lowerBound ?? lines.count) }

  /// The m= lines and what belongs to them, in order.
  public var media: MediaDescriptions { MediaDescriptions(description: self) }

  /// c= at session level.
  public var connection: IPAddress? { connection(sessionLines) }
  /// The direction attribute at session level, for media that have none.
  public var direction: MediaDirection? { direction(sessionLines) }

  /// Whether there is `a=name` or `a=name:…` at session level.
  public func hasAttribute(_ name: StaticString) -> Bool { attribute(name, in: sessionLines) != nil }

  /// The bytes to send.
  public func serialized() -> Bytes { bytes }

  /// Appends the description to a message's bytes.
  public func write(to output: inout [UInt8]) { bytes.withSpan { output.append($0, 0..<$0.count) } }

  /// The same in an array of its own, for whoever keeps a description longer than the message it came in.
  func compacted() -> SessionDescription { SessionDescription(bytes.compacted(), lines, sections) }

  // MARK: - What either level may have

  func first(_ type: Unicode.Scalar, in range: Range<Int>) -> Line? {
    for index in range where lines[index].type == UInt8(ascii: type) { return lines[index] }
    return nil
  }

  /// `IN IP4 192.0.2.1`, `IN IP6 ::1`, with or without a multicast TTL.
  func connection(_ range: Range<Int>) -> IPAddress? {
    guard let line = first("c", in: range) else { return nil }
    return bytes.withSpan { span in
      var position = line.value.lowerBound
      guard let network = SDPText.word(span, &position, line.value.upperBound), SDPText.isEqual(span, network, "IN"),
        SDPText.word(span, &position, line.value.upperBound) != nil,
        let word = SDPText.word(span, &position, line.value.upperBound)
      else { return nil }
      // A group's TTL (RFC 8866 §5.7).
      var end = word.lowerBound
      while end < word.upperBound, span[end] != UInt8(ascii: "/") { end += 1 }
      return span.extracting(word.lowerBound..<end).withUnsafeBufferPointer { IPAddress(utf8: $0) }
    }
  }

  func direction(_ range: Range<Int>) -> MediaDirection? {
    for index in range { if let direction = lines[index].attribute.direction { return direction } }
    return nil
  }

  /// The first line with this attribute.
  func first(_ attribute: Attribute, in range: Range<Int>) -> Line? {
    for index in range where lines[index].attribute == attribute { return lines[index] }
    return nil
  }

  /// Where the value of the first `a=name:…` is; empty for a flag, nil where there is none.
  func attribute(_ name: StaticString, in range: Range<Int>) -> Range<Int>? {
    bytes.withSpan { span in
      for index in range where lines[index].type == UInt8(ascii: "a") {
        if let value = Self.attribute(name, span, lines[index].value) { return value }
      }
      return nil
    }
  }

  static func attribute(_ name: StaticString, _ span: Span<UInt8>, _ line: Range<Int>) -> Range<Int>? {
    guard SDPText.hasPrefix(span, line, name) else { return nil }
    let end = line.lowerBound + name.utf8CodeUnitCount
    if end == line.upperBound { return end..<end }
    return span[end] == UInt8(ascii: ":") ? end + 1..<line.upperBound : nil
  }

  /// The text of a line's value; what is no UTF-8 comes with replacement characters.
  func text(_ range: Range<Int>) -> String { bytes[range].text }

  // MARK: - o=

  /// A digest of what the version in o= vouches for (RFC 3264 §8): all m= sections, and the session's c= and direction. Runs of spaces
  /// count as one.
  public var contentDigest: UInt64 {
    bytes.withSpan { span in
      var digest: UInt64 = 0xCBF2_9CE4_8422_2325
      for line in lines[sessionLines] where line.type == UInt8(ascii: "c") || line.attribute.direction != nil {
        SDPText.digest(span, line.value, into: &digest)
      }
      if let first = sections.first?.lines.lowerBound, let last = lines.last {
        SDPText.digest(span, lines[first].whole.lowerBound..<last.value.upperBound, into: &digest)
      }
      return digest
    }
  }

  var originLine: OriginLine? {
    guard let line = first("o", in: sessionLines) else { return nil }
    return bytes.withSpan { OriginLine($0, line.value) }
  }

  /// Session id and version as numbers; nil where one is none.
  var originNumbers: (sessionID: UInt64, version: UInt64)? {
    guard let line = originLine else { return nil }
    return bytes.withSpan { span in
      guard let id = SDPText.number(span, line.sessionID, UInt64.self), let version = SDPText.number(span, line.version, UInt64.self)
      else { return nil }
      return (id, version)
    }
  }

  /// What is wrong with o= beside the description before it from the same writer; nil when nothing is.
  func originChange(since before: SessionDescription) -> String? {
    guard let old = before.originLine, let new = originLine else { return nil }
    let (isSameID, isSameVersion) = before.bytes.withSpan { left in
      bytes.withSpan { right in
        (SDPText.isEqual(left, old.sessionID, right, new.sessionID), SDPText.isEqual(left, old.version, right, new.version))
      }
    }
    if !isSameID { return "session id \(text(new.sessionID)) instead of \(before.text(old.sessionID))" }
    guard isSameVersion, !hasSameMedia(as: before) || connection != before.connection || direction != before.direction else { return nil }
    return "changed, still version \(text(new.version))"
  }
}

/// Descriptions are the same when their lines say the same, whatever ends them and however m= is spaced.
extension SessionDescription: Equatable {
  public static func == (left: Self, right: Self) -> Bool {
    left.hasSameLines(left.sessionLines, as: right, right.sessionLines) && left.hasSameMedia(as: right)
  }

  func hasSameMedia(as other: SessionDescription) -> Bool {
    guard sections.count == other.sections.count else { return false }
    return zip(sections, other.sections).allSatisfy { one, two in
      bytes.withSpan { left in other.bytes.withSpan { right in one.line.isSame(left, two.line, right) } }
        && hasSameLines(one.lines.dropFirst(), as: other, two.lines.dropFirst())
    }
  }

  private func hasSameLines(_ range: Range<Int>, as other: SessionDescription, _ others: Range<Int>) -> Bool {
    guard range.count == others.count else { return false }
    return bytes.withSpan { left in
      other.bytes.withSpan { right in
        zip(range, others).allSatisfy { one, two in
          lines[one].type == other.lines[two].type && SDPText.isEqual(left, lines[one].value, right, other.lines[two].value)
        }
      }
    }
  }
}
