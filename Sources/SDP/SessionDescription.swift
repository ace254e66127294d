import SansIO

/// A session description (RFC 8866) as the peer wrote it: every line in its place, known ones readable as values.
///
/// What was read is printed byte for byte as it came: line ends, spacing, text in other character sets, a last line without an end. Only
/// empty lines, which RFC 8866 does not know, are left out. What is set or added here is written with CRLF.
public struct SessionDescription: Hashable, Sendable {
  /// The lines before the first m=.
  public var lines: [Line]
  public var media: [MediaDescription]

  public init(lines: [Line] = [], media: [MediaDescription] = []) {
    self.lines = lines
    self.media = media
  }

  public var origin: Origin? { lines.first { $0.type == "o" }.flatMap { Origin($0.value) } }
  public var sessionName: String? { lines.first { $0.type == "s" }?.value }
  /// c= at session level.
  public var connection: IPAddress? { SDPLines.connection(lines) }
  /// The direction attribute at session level, for media that have none.
  public var direction: MediaDirection? { SDPLines.direction(lines) }

  /// Reads a description. Lines may end in CRLF or LF (RFC 8866 §5), and the last one need not end.
  public static func parse(_ bytes: Bytes) throws(SDPError) -> SessionDescription {
    guard bytes.count <= maximumBytes else { throw .tooLong }
    var description = SessionDescription()
    var number = 0
    var start = 0
    while start < bytes.count {
      var end = start
      while end < bytes.count, bytes[end] != 10 { end += 1 }
      let next = end + 1
      var ending: Line.Ending = end < bytes.count ? .lf : .none
      if ending == .lf, end > start, bytes[end - 1] == 13 {
        end -= 1
        ending = .crlf
      }
      number += 1
      if end > start { try description.take(bytes[start..<end], ending, number) }
      start = next
    }
    guard let first = description.lines.first, first.type == "v" else { throw .noVersion }
    guard first.value == "0" else { throw .version(first.value) }
    guard description.origin != nil else { throw .origin }
    return description
  }

  private static let maximumBytes = 65_535
  /// More m= lines than this are refused: each would have to be answered (a limit of the Lab).
  public static let maximumMedia = 64

  private mutating func take(_ bytes: Bytes, _ ending: Line.Ending, _ number: Int) throws(SDPError) {
    guard let line = Line(bytes, ending) else { throw .line(number, bytes.prefix(64).text) }
    if line.type == "m" {
      guard let part = MediaDescription(line) else { throw .media(number, String(line.value.prefix(64))) }
      guard media.count < Self.maximumMedia else { throw .tooManyMedia }
      media.append(part)
    } else if media.isEmpty {
      lines.append(line)
    } else {
      media[media.count - 1].lines.append(line)
    }
  }

  /// The bytes to send.
  public func serialized() -> Bytes {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(512)
    for line in lines { line.write(to: &bytes) }
    for part in media {
      part.line.write(to: &bytes)
      for line in part.lines { line.write(to: &bytes) }
    }
    return Bytes(bytes)
  }
}

/// o= (RFC 8866 §5.2).
public struct Origin: Hashable, Sendable {
  public var username: String
  public var sessionID: String
  public var version: String
  public var address: String

  public init(username: String, sessionID: String, version: String, address: String) {
    self.username = username
    self.sessionID = sessionID
    self.version = version
    self.address = address
  }

  init?(_ value: String) {
    let parts = value.utf8.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
    // The last five are sure; products also write a username with spaces, or none.
    guard parts.count >= 5, parts[parts.count - 3] == "IN" else { return nil }
    let username = parts.dropLast(5).joined(separator: " ")
    self.init(username: username, sessionID: parts[parts.count - 5], version: parts[parts.count - 4], address: parts[parts.count - 1])
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
