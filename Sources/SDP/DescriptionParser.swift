import SansIO

/// Finds the lines of a description.
struct DescriptionParser {
  private(set) var lines = ContiguousArray<SessionDescription.Line>()
  private(set) var sections = ContiguousArray<SessionDescription.Section>()
  private(set) var hasEmptyLines = false

  init() { lines.reserveCapacity(16) }

  mutating func readLines(_ span: Span<UInt8>) throws(SDPError) {
    var (number, start) = (0, 0)
    while start < span.count {
      let feed = WordScan.first(10, span, start, span.count)
      var end = feed
      var ending: SessionDescription.Line.Ending = feed < span.count ? .lf : .none
      if ending == .lf, end > start, span[end - 1] == 13 {
        end -= 1
        ending = .crlf
      }
      number += 1
      if end > start { try take(span, start..<end, ending, number) } else { hasEmptyLines = true }
      start = feed + 1
    }
  }

  /// What every description begins with.
  func check(_ span: Span<UInt8>) throws(SDPError) {
    let session = 0..<(sections.first?.lines.lowerBound ?? lines.count)
    guard let first = session.first.map({ lines[$0] }), first.type == UInt8(ascii: "v") else { throw .noVersion }
    guard SDPText.isEqual(span, first.value, "0") else { throw .version(SDPText.text(span, first.value)) }
    for index in session where lines[index].type == UInt8(ascii: "o") {
      guard OriginLine(span, lines[index].value) != nil else { break }
      return
    }
    throw .origin
  }

  private mutating func take(
    _ span: Span<UInt8>, _ line: Range<Int>, _ ending: SessionDescription.Line.Ending, _ number: Int
  ) throws(SDPError) {
    let type = span[line.lowerBound]
    guard line.count >= 2, span[line.lowerBound + 1] == UInt8(ascii: "="), type > 32, type < 127 else {
      throw .line(number, SDPText.text(span, line.prefix(64)))
    }
    let value = line.dropFirst(2)
    if type == UInt8(ascii: "m") {
      guard let media = MediaLine(span, value) else { throw .media(number, String(SDPText.text(span, value).prefix(64))) }
      guard sections.count < SessionDescription.maximumMedia else { throw .tooManyMedia }
      sections.append(.init(line: media, lines: lines.count..<lines.count + 1))
    } else if !sections.isEmpty {
      let section = sections.count - 1
      sections[section].lines = sections[section].lines.lowerBound..<lines.count + 1
    }
    lines.append(.init(type, value, ending, type == UInt8(ascii: "a") ? Attribute(span, value) : .other))
  }

  func withoutEmptyLines(_ bytes: Bytes) -> Bytes {
    Bytes(capacity: bytes.count) { output in for line in lines { output.append(bytes[line.whole]) } }
  }
}

/// Why bytes are no usable session description. Line numbers count from 1.
public enum SDPError: Error, Hashable, Sendable {
  case tooLong
  case line(Int, String)
  case media(Int, String)
  case tooManyMedia
  case noVersion
  case version(String)
  case origin
}

extension SDPError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .tooLong: "SDP is longer than 65,535 bytes (a limit of the Lab)"
    case .line(let number, let text): "SDP line \(number) '\(text)' is not of the form type=value (RFC 8866 §5)"
    case .media(let number, let text): "SDP line \(number) 'm=\(text)' does not have media, port, protocol and formats (RFC 8866 §5.14)"
    case .tooManyMedia: "SDP has more than \(SessionDescription.maximumMedia) m= lines (a limit of the Lab)"
    case .noVersion: "SDP does not begin with v= (RFC 8866 §5.1)"
    case .version(let text): "SDP version '\(text)' is not 0 (RFC 8866 §5.1)"
    case .origin: "SDP has no readable o= line (RFC 8866 §5.2)"
    }
  }
}
