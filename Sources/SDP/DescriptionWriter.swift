import SansIO

/// Writes a description of ours line by line into one buffer, and keeps where its lines are.
struct DescriptionWriter {
  private var bytes: [UInt8] = []
  private var lines = ContiguousArray<SessionDescription.Line>()
  private var sections = ContiguousArray<SessionDescription.Section>()

  init() {
    bytes.reserveCapacity(384)
    lines.reserveCapacity(16)
  }

  func finish() -> SessionDescription { SessionDescription(Bytes(bytes), lines, sections) }

  mutating func line(_ type: Unicode.Scalar, _ value: (inout [UInt8]) -> Void) {
    let type = UInt8(ascii: type)
    bytes.append(type)
    bytes.append(UInt8(ascii: "="))
    let start = bytes.count
    value(&bytes)
    end(type, start..<bytes.count)
  }

  mutating func line(_ type: Unicode.Scalar, _ value: StaticString) { line(type) { $0.append(text: value) } }
  mutating func line(_ type: Unicode.Scalar, _ value: String) { line(type) { $0.append(contentsOf: value.utf8) } }

  /// `IN IP4 192.0.2.1`
  static func append(_ address: IPAddress, to bytes: inout [UInt8]) {
    bytes.append(text: address.isIPv6 ? "IN IP6 " : "IN IP4 ")
    address.write(to: &bytes)
  }

  /// `a=name:number`.
  mutating func attribute(_ name: StaticString, _ number: Int) {
    line("a") { bytes in
      bytes.append(text: name)
      bytes.append(UInt8(ascii: ":"))
      bytes.append(decimal: UInt64(max(0, number)))
    }
  }

  private mutating func end(_ type: UInt8, _ value: Range<Int>) {
    bytes.append(13)
    bytes.append(10)
    if type == UInt8(ascii: "m"), let media = MediaLine(bytes.span, value) {
      sections.append(.init(line: media, lines: lines.count..<lines.count + 1))
    } else if !sections.isEmpty {
      let section = sections.count - 1
      sections[section].lines = sections[section].lines.lowerBound..<lines.count + 1
    }
    lines.append(.init(type, value, .crlf))
  }

  // MARK: - Streams

  /// A stream that is not used: port 0, the rest of m= as it was offered (RFC 3264 §6).
  mutating func rejected(_ media: MediaDescription) {
    media.description.bytes.withSpan { span in
      line("m") { bytes in
        bytes.append(span, media.section.line.kind)
        bytes.append(text: " 0 ")
        bytes.append(span, media.section.line.profile)
        let formats = media.section.line.formats
        var position = formats.lowerBound
        while let format = SDPText.word(span, &position, formats.upperBound) {
          bytes.append(SDPText.space)
          bytes.append(span, format)
        }
      }
    }
  }

  /// A stream of ours.
  mutating func audio(_ stream: AudioStream, _ style: DescriptionStyle) {
    line("m") { bytes in
      bytes.append(text: "audio ")
      bytes.append(decimal: UInt64(stream.port))
      bytes.append(SDPText.space)
      bytes.append(text: stream.profile.name)
      for payload in stream.payloads {
        bytes.append(SDPText.space)
        bytes.append(decimal: UInt64(payload.number))
      }
    }
    if style.putsDirectionBeforeEvents { attribute("ptime", stream.packetTime) }
    for payload in stream.payloads where payload.format != .telephoneEvent { map(payload) }
    if style.putsDirectionBeforeEvents { line("a", stream.direction.name) }
    for payload in stream.payloads where payload.format == .telephoneEvent {
      map(payload)
      line("a") { bytes in
        bytes.append(text: "fmtp:")
        bytes.append(decimal: UInt64(payload.number))
        bytes.append(SDPText.space)
        bytes.append(contentsOf: style.events.utf8)
      }
    }
    guard !style.putsDirectionBeforeEvents else { return }
    attribute("ptime", stream.packetTime)
    if let maximum = style.maximumPacketTime { attribute("maxptime", maximum) }
    line("a", stream.direction.name)
  }

  /// a=rtpmap.
  private mutating func map(_ payload: AudioPayload) {
    line("a") { bytes in
      bytes.append(text: "rtpmap:")
      bytes.append(decimal: UInt64(payload.number))
      bytes.append(SDPText.space)
      payload.format.writeMap(to: &bytes)
    }
  }
}

/// An audio stream as a description of ours names it.
struct AudioStream {
  /// In order of preference; events last.
  var payloads: [AudioPayload]
  var port: UInt16
  var profile: MediaProfile
  var direction: MediaDirection
  /// Milliseconds.
  var packetTime: Int
}
