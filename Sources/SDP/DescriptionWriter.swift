import SRTP
import SansIO
import SecureTransport

/// Writes a description of ours line by line into one buffer, and keeps where its lines are.
struct DescriptionWriter {
  private var output: ByteWriter
  private var lines = ContiguousArray<SessionDescription.Line>()
  private var sections = ContiguousArray<SessionDescription.Section>()

  /// A description of what is written.
  static func describe(_ write: (inout DescriptionWriter) -> Void) -> SessionDescription {
    var (lines, sections) = (ContiguousArray<SessionDescription.Line>(), ContiguousArray<SessionDescription.Section>())
    let bytes = Bytes(capacity: 384) { output in
      var writer = DescriptionWriter(output)
      write(&writer)
      (output, lines, sections) = (writer.output, writer.lines, writer.sections)
    }
    return SessionDescription(bytes, lines, sections)
  }

  private init(_ output: ByteWriter) {
    self.output = output
    lines.reserveCapacity(16)
  }

  @inline(__always)
  mutating func line(_ type: Unicode.Scalar, _ attribute: Attribute = .other, _ value: (inout ByteWriter) -> Void) {
    let start = begin(type)
    value(&output)
    end(type, start, attribute)
  }

  mutating func line(_ type: Unicode.Scalar, _ value: StaticString) { line(type) { $0.append(value) } }
  mutating func line(_ type: Unicode.Scalar, _ value: String) { line(type) { $0.append(value) } }

  /// `IN IP4 192.0.2.1`
  static func append(_ address: IPAddress, to output: inout ByteWriter) {
    output.append(address.isIPv6 ? "IN IP6 " : "IN IP4 " as StaticString)
    output.append(address)
  }

  /// `a=name:number`.
  private mutating func attribute(_ attribute: Attribute, _ number: Int) {
    line("a", attribute) { output in
      output.append(attribute.name)
      output.append(UInt8(ascii: ":"))
      output.append(decimal: UInt64(max(0, number)))
    }
  }

  private mutating func direction(_ direction: MediaDirection) { line("a", Attribute(direction)) { $0.append(direction.name) } }

  /// - Returns: where the value begins.
  private mutating func begin(_ type: Unicode.Scalar) -> Int {
    output.append(UInt8(ascii: type))
    output.append(UInt8(ascii: "="))
    return output.count
  }

  private mutating func end(_ type: Unicode.Scalar, _ start: Int, _ attribute: Attribute) {
    let value = start..<output.count
    output.append("\r\n" as StaticString)
    if !sections.isEmpty {
      let section = sections.count - 1
      sections[section].lines = sections[section].lines.lowerBound..<lines.count + 1
    }
    lines.append(.init(UInt8(ascii: type), value, .crlf, attribute))
  }

  // MARK: - Streams

  /// m= with what `kind`, `profile` and `formats` write; each format begins with its space.
  @inline(__always)
  private mutating func media(
    port: UInt16, kind: (inout ByteWriter) -> Void, profile: (inout ByteWriter) -> Void, formats: (inout ByteWriter) -> Void
  ) {
    let start = begin("m")
    kind(&output)
    let kindEnd = output.count
    output.append(SDPText.space)
    output.append(decimal: UInt64(port))
    output.append(SDPText.space)
    let profileStart = output.count
    profile(&output)
    let profileEnd = output.count
    formats(&output)
    let line = MediaLine(kind: start..<kindEnd, port: port, profile: profileStart..<profileEnd, end: output.count)
    sections.append(.init(line: line, lines: lines.count..<lines.count))
    end("m", start, .other)
  }

  /// A stream that is not used: port 0, the rest of m= as it was offered (RFC 3264 §6).
  mutating func rejected(_ stream: MediaDescription) {
    let (bytes, line) = (stream.description.bytes, stream.section.line)
    media(port: 0) {
      $0.append(bytes[line.kind])
    } profile: {
      $0.append(bytes[line.profile])
    } formats: { output in
      bytes.withSpan { span in
        var position = line.formats.lowerBound
        while let format = SDPText.word(span, &position, line.formats.upperBound) {
          output.append(SDPText.space)
          output.append(span, format)
        }
      }
    }
  }

  /// A stream of ours.
  mutating func audio(_ stream: AudioStream, _ style: DescriptionStyle) {
    media(port: stream.port) {
      $0.append("audio" as StaticString)
    } profile: {
      $0.append(stream.profile.name)
    } formats: { output in
      for payload in stream.payloads {
        output.append(SDPText.space)
        output.append(decimal: UInt64(payload.number))
      }
    }
    for line in stream.crypto { crypto(line) }
    if let dtls = stream.dtls { self.dtls(dtls) }
    if stream.isMultiplexed { line("a", .rtcpMux) { $0.append(Attribute.rtcpMux.name) } }
    if style.putsDirectionBeforeEvents {
      attribute(.ptime, stream.packetTime)
      if let maximum = style.maximumPacketTime(stream.payloads) { attribute(.maxptime, maximum) }
    }
    for payload in stream.payloads where !payload.format.isEvent {
      map(payload)
      if payload.format == .codec(.opus), !style.opusParameters.isEmpty { parameters(payload.number, style.opusParameters) }
    }
    if style.putsDirectionBeforeEvents { direction(stream.direction) }
    for payload in stream.payloads where payload.format.isEvent {
      map(payload)
      parameters(payload.number, style.events)
    }
    guard !style.putsDirectionBeforeEvents else { return }
    attribute(.ptime, stream.packetTime)
    if let maximum = style.maximumPacketTime(stream.payloads) { attribute(.maxptime, maximum) }
    direction(stream.direction)
  }

  /// a=crypto, with its key (RFC 4568 §9.1).
  private mutating func crypto(_ attribute: CryptoAttribute) {
    line("a", .crypto) { output in
      output.append("crypto:" as StaticString)
      output.append(attribute.serialized())
    }
  }

  /// a=setup and a=fingerprint (RFC 5763 §5).
  private mutating func dtls(_ stream: AudioStream.DTLS) {
    line("a", .setup) { output in
      output.append("setup:" as StaticString)
      output.append(stream.setup.name)
    }
    line("a", .fingerprint) { output in
      output.append("fingerprint:" as StaticString)
      output.append("\(stream.fingerprint)")
    }
  }

  /// a=fmtp.
  private mutating func parameters(_ number: UInt8, _ text: String) {
    line("a", .fmtp) { output in
      output.append("fmtp:" as StaticString)
      output.append(decimal: UInt64(number))
      output.append(SDPText.space)
      output.append(text)
    }
  }

  /// a=rtpmap.
  private mutating func map(_ payload: AudioPayload) {
    line("a", .rtpmap) { output in
      output.append("rtpmap:" as StaticString)
      output.append(decimal: UInt64(payload.number))
      output.append(SDPText.space)
      payload.format.writeMap(to: &output)
    }
  }
}

/// An audio stream as a description of ours names it.
struct AudioStream {
  /// In order of preference; events last.
  var payloads: [AudioPayload]
  var port: UInt16
  var profile: MediaProfile
  /// The keys that are offered, or the one of an answer; none: in clear.
  var crypto: [CryptoAttribute] = []
  /// What is said of DTLS.
  var dtls: DTLS?
  /// RTP and RTCP on one port is offered, or agreed to (RFC 5761 §5.1.1).
  var isMultiplexed = false
  var direction: MediaDirection
  /// Milliseconds.
  var packetTime: Int

  struct DTLS: Sendable {
    var setup: DTLSSetup
    /// Of our certificate.
    var fingerprint: CertificateFingerprint
  }
}
