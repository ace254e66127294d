import SansIO

/// One m= line and what belongs to it (RFC 8866 §5.14).
public struct MediaDescription: Hashable, Sendable {
  /// `audio`, `video`, `image`, …
  public var kind: String
  /// 0 = rejected or not used (RFC 3264 §5.1, §6).
  public var port: UInt16
  /// `/2` behind the port; nil when not there.
  public var portCount: Int?
  /// `RTP/AVP`, `RTP/SAVP`, `udptl`, …
  public var profile: String
  public var formats: [String]
  public var lines: [SessionDescription.Line]

  public init(kind: String, port: UInt16, profile: String, formats: [String], lines: [SessionDescription.Line] = []) {
    self.kind = kind
    self.port = port
    self.profile = profile
    self.formats = formats
    self.lines = lines
  }

  /// The m= line as it came.
  private var written: SessionDescription.Line?

  init?(_ line: SessionDescription.Line) {
    guard let parts = MediaDescription.read(line.value) else { return nil }
    self = parts
    written = line
  }

  private static func read(_ value: String) -> MediaDescription? {
    let parts = value.utf8.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
    guard parts.count >= 4 else { return nil }
    let ports = parts[1].split(separator: "/", omittingEmptySubsequences: false)
    guard ports.count <= 2, let port = UInt16(ports[0]) else { return nil }
    var result = MediaDescription(kind: parts[0], port: port, profile: parts[2], formats: Array(parts[3...]))
    if ports.count == 2 {
      guard let count = Int(ports[1]), count > 0 else { return nil }
      result.portCount = count
    }
    return result
  }

  /// What stands behind `m=`.
  var value: String {
    "\(kind) \(port)\(portCount.map { "/\($0)" } ?? "") \(profile) \(formats.joined(separator: " "))"
  }

  /// The m= line: as it came while it still says what the values say, else written anew.
  var line: SessionDescription.Line {
    if let written, let read = Self.read(written.value), read.kind == kind, read.port == port, read.portCount == portCount,
      read.profile == profile, read.formats == formats
    {
      return written
    }
    return SessionDescription.Line("m", value)
  }

  public static func == (left: MediaDescription, right: MediaDescription) -> Bool {
    left.kind == right.kind && left.port == right.port && left.portCount == right.portCount && left.profile == right.profile
      && left.formats == right.formats && left.lines == right.lines
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(kind)
    hasher.combine(port)
    hasher.combine(formats)
  }

  /// What c= says, also where it is a name or a kind of address we do not know (RFC 8866 §5.7).
  public var connectionLines: [ConnectionLine] { lines.compactMap(ConnectionLine.init) }
  public var bandwidths: [Bandwidth] { lines.compactMap(Bandwidth.init) }

  public var connection: IPAddress? { SDPLines.connection(lines) }
  public var direction: MediaDirection? { SDPLines.direction(lines) }

  /// The values of `a=name:…`, and "" for a flag.
  public func attributes(_ name: String) -> [String] { SDPLines.attributes(lines, name) }

  /// Milliseconds of audio in a packet that the writer wants to get (RFC 8866 §6.4).
  public var packetTime: Int? { attributes("ptime").first.flatMap { Int($0.split(separator: ".").first ?? "") } }

  /// Milliseconds of audio in a packet that the writer can take at most (RFC 8866 §6.5).
  public var maximumPacketTime: Int? { attributes("maxptime").first.flatMap { Int($0.split(separator: ".").first ?? "") } }

  /// Where RTCP goes when it is not the next port (RFC 3605).
  public var rtcpPort: UInt16? { attributes("rtcp").first.flatMap { UInt16($0.split(separator: " ").first ?? "") } }

  /// The formats in their order with what they mean; a static number needs no rtpmap (RFC 3551 §6).
  public var encodings: [Encoding] {
    let maps = attributes("rtpmap").compactMap(Encoding.init(map:))
    return formats.compactMap { format in
      guard let number = UInt8(format), number < 128 else { return nil }
      return maps.first { $0.payloadType == number } ?? Encoding.standard(number)
    }
  }
}

/// What a payload type number stands for.
public struct Encoding: Hashable, Sendable {
  public var payloadType: UInt8
  /// As written; names compare without regard to case (RFC 8866 §6.6).
  public var name: String
  public var clockRate: Int
  public var channels: Int

  init(_ payloadType: UInt8, _ name: String, clockRate: Int, channels: Int = 1) {
    self.payloadType = payloadType
    self.name = name
    self.clockRate = clockRate
    self.channels = channels
  }

  /// Reads `96 opus/48000/2`.
  init?(map: String) {
    var words = WordReader(map, separator: UInt8(ascii: "/"))
    guard let number = words.next().flatMap({ UInt8($0) }), number < 128, let name = words.next(),
      let rate = words.next().flatMap({ Int($0) }), rate > 0
    else { return nil }
    self.init(number, name, clockRate: rate, channels: words.next().flatMap { Int($0) } ?? 1)
  }

  /// The static assignments of RFC 3551 that trunks use.
  static func standard(_ number: UInt8) -> Encoding? {
    switch number {
    case 0: Encoding(0, "PCMU", clockRate: 8000)
    case 3: Encoding(3, "GSM", clockRate: 8000)
    case 4: Encoding(4, "G723", clockRate: 8000)
    case 8: Encoding(8, "PCMA", clockRate: 8000)
    case 9: Encoding(9, "G722", clockRate: 8000)
    case 13: Encoding(13, "CN", clockRate: 8000)
    case 18: Encoding(18, "G729", clockRate: 8000)
    default: nil
    }
  }

  public func isCodec(_ codec: AudioCodec) -> Bool {
    clockRate == codec.clockRate && (name == codec.encodingName || name.lowercased() == codec.encodingName.lowercased())
  }

  public var isTelephoneEvent: Bool { name == "telephone-event" || name.lowercased() == "telephone-event" }
}

/// Which way media flows, as the writer of the description sees it (RFC 8866 §6.7).
public enum MediaDirection: String, Hashable, Sendable, Codable, CaseIterable {
  case sendrecv, sendonly, recvonly, inactive

  public init(sends: Bool, receives: Bool) {
    self = sends ? (receives ? .sendrecv : .sendonly) : (receives ? .recvonly : .inactive)
  }

  public var sends: Bool { self == .sendrecv || self == .sendonly }
  public var receives: Bool { self == .sendrecv || self == .recvonly }
  /// The same as the other side sees it.
  public var reversed: MediaDirection { MediaDirection(sends: receives, receives: sends) }
}

/// What the lines of either level share.
enum SDPLines {
  /// `IN IP4 192.0.2.1`, `IN IP6 ::1`, with or without a multicast TTL.
  static func connection(_ lines: [SessionDescription.Line]) -> IPAddress? {
    guard let value = lines.first(where: { $0.type == "c" })?.value else { return nil }
    var words = WordReader(value)
    guard words.next() == "IN", words.next() != nil, let address = words.next() else { return nil }
    // A group's TTL (RFC 8866 §5.7).
    return IPAddress(address.utf8.contains(UInt8(ascii: "/")) ? String(address.prefix { $0 != "/" }) : address)
  }

  static func direction(_ lines: [SessionDescription.Line]) -> MediaDirection? {
    for line in lines where line.type == "a" && (8...9).contains(line.value.utf8.count) {
      if let direction = MediaDirection(rawValue: line.value) { return direction }
    }
    return nil
  }

  static func attributes(_ lines: [SessionDescription.Line], _ name: String) -> [String] {
    var values: [String] = []
    for line in lines where line.type == "a" {
      let text = line.value.utf8
      guard text.starts(with: name.utf8) else { continue }
      let rest = text.dropFirst(name.utf8.count)
      if rest.isEmpty {
        values.append("")
      } else if rest.first == UInt8(ascii: ":") {
        values.append(String(decoding: rest.dropFirst(), as: UTF8.self))
      }
    }
    return values
  }
}

/// Reads a value word by word: what is between spaces, or another separator.
private struct WordReader {
  private let text: String.UTF8View
  private let separator: UInt8
  private var position: String.Index

  init(_ text: String, separator: UInt8 = UInt8(ascii: " ")) {
    self.text = text.utf8
    self.separator = separator
    position = text.startIndex
  }

  /// nil at the end.
  mutating func next() -> String? {
    while position < text.endIndex, isSeparator(text[position]) { position = text.index(after: position) }
    let start = position
    while position < text.endIndex, !isSeparator(text[position]) { position = text.index(after: position) }
    return start < position ? String(Substring(text[start..<position])) : nil
  }

  private func isSeparator(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == separator }
}
