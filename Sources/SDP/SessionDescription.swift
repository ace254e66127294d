import SansIO

/// A session description (RFC 8866) as the peer wrote it: every line in its place, known ones readable as values.
public struct SessionDescription: Hashable, Sendable {
  /// `type=value`.
  public struct Line: Hashable, Sendable {
    public var type: Character
    public var value: String
    public init(_ type: Character, _ value: String) {
      self.type = type
      self.value = value
    }
  }

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

  /// Reads a description. Lines may end in CRLF or LF (RFC 8866 §5).
  public static func parse(_ bytes: Bytes) throws(SDPError) -> SessionDescription {
    guard bytes.count <= 65_535 else { throw .tooLong }
    var description = SessionDescription()
    var number = 0
    var start = 0
    while start < bytes.count {
      var end = start
      while end < bytes.count, bytes[end] != 10 { end += 1 }
      let next = end + 1
      if end > start, bytes[end - 1] == 13 { end -= 1 }
      number += 1
      if end > start { try description.take(bytes[start..<end], number) }
      start = next
    }
    guard let first = description.lines.first, first.type == "v" else { throw .noVersion }
    guard first.value == "0" else { throw .version(first.value) }
    guard description.origin != nil else { throw .origin }
    return description
  }

  private mutating func take(_ bytes: Bytes, _ number: Int) throws(SDPError) {
    guard bytes.count >= 2, bytes[1] == UInt8(ascii: "="), bytes[0] < 128 else { throw .line(number, bytes.prefix(64).text) }
    let line = Line(Character(UnicodeScalar(bytes[0])), bytes[2..<bytes.count].text)
    if line.type == "m" {
      guard let part = MediaDescription(line.value) else { throw .media(number, String(line.value.prefix(64))) }
      media.append(part)
    } else if media.isEmpty {
      lines.append(line)
    } else {
      media[media.count - 1].lines.append(line)
    }
  }

  /// The bytes to send, with CRLF.
  public func serialized() -> Bytes {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(512)
    func add(_ type: Character, _ value: String) {
      bytes.append(type.asciiValue ?? UInt8(ascii: "?"))
      bytes.append(UInt8(ascii: "="))
      bytes += value.utf8
      bytes += [13, 10]
    }
    for line in lines { add(line.type, line.value) }
    for part in media {
      add("m", part.value)
      for line in part.lines { add(line.type, line.value) }
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
    guard parts.count == 6, parts[3] == "IN" else { return nil }
    self.init(username: parts[0], sessionID: parts[1], version: parts[2], address: parts[5])
  }
}

/// Why bytes are no usable session description. Line numbers count from 1.
public enum SDPError: Error, Hashable, Sendable {
  case tooLong
  case line(Int, String)
  case media(Int, String)
  case noVersion
  case version(String)
  case origin
}

extension SDPError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .tooLong: "SDP is longer than 65,535 bytes (a limit of the Lab)"
    case .line(let number, let text): "SDP line \(number) '\(text)' is no type=value (RFC 8866 §5)"
    case .media(let number, let text): "SDP line \(number) 'm=\(text)' is no media, port, protocol and formats (RFC 8866 §5.14)"
    case .noVersion: "SDP does not begin with v= (RFC 8866 §5.1)"
    case .version(let text): "SDP version '\(text)' is not 0 (RFC 8866 §5.1)"
    case .origin: "SDP has no readable o= line (RFC 8866 §5.2)"
    }
  }
}
