import SRTP
import SansIO

/// The media sections of a description, in order.
public struct MediaDescriptions: RandomAccessCollection, Sendable {
  let description: SessionDescription

  public var startIndex: Int { 0 }
  public var endIndex: Int { description.sections.count }
  public subscript(index: Int) -> MediaDescription { MediaDescription(description: description, section: description.sections[index]) }
}

/// One m= line and what belongs to it (RFC 8866 §5.14), read from its description's bytes when asked.
public struct MediaDescription: Sendable {
  let description: SessionDescription
  let section: SessionDescription.Section

  private var line: MediaLine { section.line }
  /// Those behind m=.
  var lines: Range<Int> { section.lines.dropFirst() }

  // MARK: - m=

  /// `audio`, `video`, `image`, …
  public var kind: String { description.text(line.kind) }
  /// 0 = rejected or not used (RFC 3264 §5.1, §6).
  public var port: UInt16 { line.port }
  /// `/2` behind the port; nil when not there.
  public var portCount: Int? { line.portCount }
  /// `RTP/AVP`, `RTP/SAVP`, `udptl`, …
  public var profile: String { description.text(line.profile) }
  public var formats: [String] { description.bytes[line.formats].split(separator: SDPText.space).map(\.text) }

  /// The whole section but its port: its kind, and all from its profile on.
  public var wording: (kind: Bytes, rest: Bytes) {
    let end = description.lines[section.lines.upperBound - 1].whole.upperBound
    return (description.bytes[line.kind], description.bytes[line.profile.lowerBound..<end])
  }

  var isAudio: Bool { isKind("audio") }

  func isKind(_ kind: StaticString) -> Bool { description.bytes.withSpan { SDPText.isEqual($0, line.kind, kind) } }

  func isSameKind(as other: MediaDescription) -> Bool {
    description.bytes.withSpan { left in
      other.description.bytes.withSpan { right in SDPText.isEqual(left, line.kind, right, other.line.kind) }
    }
  }

  /// nil for any other transport.
  var mediaProfile: MediaProfile? {
    has(.avp) ? .avp : has(.savp) ? .savp : has(.dtls) ? .dtls : has(.dtlsFeedback) ? .dtlsFeedback : nil
  }

  /// Whether there is a line `a=crypto`.
  var hasCrypto: Bool {
    for index in lines where description.lines[index].attribute == .crypto { return true }
    return false
  }

  func has(_ profile: MediaProfile) -> Bool { description.bytes.withSpan { SDPText.isEqual($0, line.profile, profile.name) } }

  // MARK: - Its lines

  public var connection: IPAddress? { description.connection(lines) }
  public var direction: MediaDirection? { description.direction(lines) }

  /// What its writer does, by itself or by its session; hold by 0.0.0.0 means it takes nothing (RFC 3264 §8.4).
  var effectiveDirection: MediaDirection {
    let written = direction ?? description.direction ?? .sendrecv
    return written.at((connection ?? description.connection)?.isUnspecified == true)
  }

  /// Whether there is `a=name` or `a=name:…`.
  public func hasAttribute(_ name: StaticString) -> Bool { description.attribute(name, in: lines) != nil }

  /// The values of every `a=name:…`, in order.
  public func values(ofAttribute name: StaticString) -> [String] {
    lines.compactMap { description.attribute(name, in: $0..<$0 + 1).map(description.text) }
  }

  /// The keys that a stream is offered or answered with (RFC 4568 §4).
  public var crypto: CryptoOffer {
    CryptoOffer(parsing: cryptoLines)
  }

  /// What comes behind `a=crypto:`, line by line.
  public var cryptoLines: [Bytes] {
    lines.compactMap { line in
      let line = description.lines[line]
      return line.attribute == .crypto ? description.bytes[line.attributeValue] : nil
    }
  }

  /// Milliseconds of audio in a packet that the writer wants to get (RFC 8866 §6.4).
  public var packetTime: Int? { wholeNumber(.ptime, endingAt: UInt8(ascii: ".")) }

  /// Milliseconds of audio in a packet that the writer can take at most (RFC 8866 §6.5).
  public var maximumPacketTime: Int? { wholeNumber(.maxptime, endingAt: UInt8(ascii: ".")) }

  /// Where RTCP goes when it is not the next port (RFC 3605).
  public var rtcpPort: UInt16? { wholeNumber(.rtcp, endingAt: SDPText.space) }

  /// The digits that an attribute's value begins with, up to a separator.
  private func wholeNumber<Number: FixedWidthInteger>(_ attribute: Attribute, endingAt separator: UInt8) -> Number? {
    guard let value = description.first(attribute, in: lines)?.attributeValue else { return nil }
    return description.bytes.withSpan { span in
      var end = value.lowerBound
      while end < value.upperBound, span[end] != separator { end += 1 }
      return SDPText.number(span, value.lowerBound..<end)
    }
  }
}

/// Where the words of an m= line are.
struct MediaLine: Sendable {
  private var start: UInt32
  private var kindEnd: UInt32
  private var profileStart: UInt32
  private var profileEnd: UInt32
  private var formatsStart: UInt32
  private var end: UInt32
  private(set) var port: UInt16
  private(set) var portCount: Int?

  var kind: Range<Int> { Int(start)..<Int(kindEnd) }
  var profile: Range<Int> { Int(profileStart)..<Int(profileEnd) }
  /// From the first format to the end of the line.
  var formats: Range<Int> { Int(formatsStart)..<Int(end) }

  /// That of a line which is written; its formats end with it.
  init(kind: Range<Int>, port: UInt16, profile: Range<Int>, end: Int) {
    (start, kindEnd) = (UInt32(kind.lowerBound), UInt32(kind.upperBound))
    (profileStart, profileEnd) = (UInt32(profile.lowerBound), UInt32(profile.upperBound))
    (formatsStart, self.end) = (UInt32(profile.upperBound + 1), UInt32(end))
    self.port = port
  }

  /// Reads what stands behind `m=`: media, port, protocol, formats; nil where one of them is missing.
  init?(_ span: Span<UInt8>, _ value: Range<Int>) {
    var position = value.lowerBound
    guard let kind = SDPText.word(span, &position, value.upperBound), let ports = SDPText.word(span, &position, value.upperBound),
      let profile = SDPText.word(span, &position, value.upperBound), let format = SDPText.word(span, &position, value.upperBound)
    else { return nil }
    var slash = ports.lowerBound
    while slash < ports.upperBound, span[slash] != UInt8(ascii: "/") { slash += 1 }
    guard let port = SDPText.number(span, ports.lowerBound..<slash, UInt16.self) else { return nil }
    if slash < ports.upperBound {
      guard let count = SDPText.number(span, slash + 1..<ports.upperBound, Int.self), count > 0 else { return nil }
      portCount = count
    }
    self.port = port
    (start, kindEnd) = (UInt32(kind.lowerBound), UInt32(kind.upperBound))
    (profileStart, profileEnd) = (UInt32(profile.lowerBound), UInt32(profile.upperBound))
    (formatsStart, end) = (UInt32(format.lowerBound), UInt32(value.upperBound))
  }

  /// Whether both say the same, whatever their spacing.
  func isSame(_ span: Span<UInt8>, _ other: MediaLine, _ others: Span<UInt8>) -> Bool {
    port == other.port && portCount == other.portCount && SDPText.isEqual(span, kind, others, other.kind)
      && SDPText.isEqual(span, profile, others, other.profile) && SDPText.hasSameWords(span, formats, others, other.formats)
  }
}
