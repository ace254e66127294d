import RTP
import SansIO

/// `rtp: { from: wire, to: kallglot, payloadType: 0, payload: "ff ff", packets: 50, ssrc: 7, marker: true }`
struct RTPStep: FieldStep {
  static let keyword = "rtp"
  static let summary = """
    A wire member on UDP sends RTP with a header as it is written, to the media port of another member's newest leg: packets at an \
    interval, or the events of digits (RFC 4733). The step is over with its last packet.
    """
  static let examples = [
    "rtp: { from: wire, to: kallglot, payload: \"ff ff\", sequence: 65534, timestamp: 4294967000, packets: 5 }",
    "rtp: { from: wire, to: kallglot, payloadType: 101, digits: \"12#\" }",
    "rtp: { from: wire, to: kallglot, payload: \"\", padding: \"ff\", every: 0 }",
  ]

  private static let from = Key.required("from", .wireMember, "Who sends.")
  private static let to = Key.required("to", .party, "The member whose stream it is sent to.")
  private static let payload = Key.optional("payload", .hexadecimal, "The octets behind the header of each packet.")
  private static let digits = Key.optional(
    "digits", .text, "Events of these digits, 0 to 9, *, # and A to D: each of 100 ms, with its end three times (RFC 4733 §2.5).")
  private static let payloadType = Key.optional("payloadType", .integer(0...127), "When missing, the agreed one.")
  private static let packets = Key.standard("packets", .integer(1...100_000), "1", "How many.").with(.key("payload"))
  private static let every = Key.standard("every", .duration, "20 ms", "From one packet to the next.")
  private static let sequence = Key.standard("sequence", .integer(0...65_535), "0", "The sequence number of the first packet.")
  private static let timestamp = Key.standard("timestamp", .integer(0...4_294_967_295), "0", "The timestamp of the first packet.")
  private static let ticks = Key.standard("ticks", .integer(0...65_535), "160", "From one packet's timestamp to the next.")
  private static let ssrc = Key.standard("ssrc", .integer(0...4_294_967_295), "1", "The SSRC.")
  private static let marker = Key.standard("marker", .flag, "false", "The first packet has the marker bit.")
  private static let version = Key.standard("version", .integer(0...3), "2", "The version in the header.")
  private static let csrcs = Key.standard(
    "csrcs", .integer(0...15), "0", "How many contributing sources the header claims; they are the first octets of the payload, if any.")
  private static let headerExtension = Key.optional(
    "extension", .hexadecimal, "The X bit is set, and these octets stand between header and payload, whatever they claim.")
  private static let padding = Key.optional(
    "padding", .hexadecimal, "The P bit is set, and these octets stand at the end, whatever the last of them claims.")
  static let mapping = MappingShape(
    [
      from, to, payload, digits, payloadType, packets, every, sequence, timestamp, ticks, ssrc, marker, version, csrcs, headerExtension,
      padding,
    ],
    exactlyOneOf: [["payload", "digits"]])

  private let from: String
  private let to: String
  private let every: Duration
  private let payloadType: UInt8?
  private let isBroken: Bool
  /// Everything but the payload type.
  private let packets: [Packet]

  private struct Packet: Sendable {
    var header: RawRTPHeader
    var body: Bytes
  }

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (from, to, every) = (try fields[Self.from], try fields[Self.to], try fields[Self.every])
    payloadType = try fields[Self.payloadType].map(UInt8.init)
    var header = RawRTPHeader(
      version: try fields[Self.version], csrcs: try fields[Self.csrcs], hasExtension: fields.has("extension"),
      hasPadding: fields.has("padding"), sequence: try fields[Self.sequence], timestamp: try fields[Self.timestamp],
      ssrc: try fields[Self.ssrc])
    isBroken = header.version != 2 || header.csrcs > 0 || header.hasExtension || header.hasPadding
    let (before, after) = (try fields[Self.headerExtension]?.array ?? [], try fields[Self.padding]?.array ?? [])
    let (marker, ticks) = (try fields[Self.marker], try fields[Self.ticks])
    var packets: [Packet] = []
    if let digits = try fields[Self.digits] {
      let place = fields.place(of: Self.digits) ?? fields.place
      for event in try RawEvent.events(of: digits, place) {
        (header.marker, header.timestampOffset) = (event.isFirst, event.timestamp)
        packets.append(Packet(header: header, body: Bytes(before + event.octets + after)))
        header.sequence += 1
      }
    } else {
      let payload = try fields[Self.payload]?.array ?? []
      for index in 0..<(try fields[Self.packets]) {
        (header.marker, header.timestampOffset) = (marker && index == 0, index * ticks)
        packets.append(Packet(header: header, body: Bytes(before + payload + after)))
        header.sequence += 1
      }
    }
    self.packets = packets
    guard scope.scenario.member(from)?.transport == .udp else {
      throw (fields.place(of: Self.from) ?? fields.place).problem("\(from) is on TCP: RTP is sent over UDP")
    }
  }

  var text: String { "\(from) sends \(CountText.of(packets.count, "RTP packet")) as written into the stream to \(to)" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress { look(&script, at: now) }

  func look(_ script: inout Script, at now: Instant) -> StepProgress {
    guard let story = script.live(to), let agreement = story.audio, story.state != .ended, let agreed = agreement.receivePayloadType else {
      return .failed(
        Finding(
          rule: "the scenario", expected: "\(to) has a call with media", observed: "it has none", evidence: script.lastEvidence[to],
          about: .leg(of: to)))
    }
    while script.packetsOfStep < packets.count {
      let due = script.stepBegan.advanced(by: every * script.packetsOfStep)
      guard due <= now else { return .waiting(until: due) }
      let packet = packets[script.packetsOfStep]
      let bytes = Bytes(packet.header.octets(payloadType: payloadType ?? agreed) + packet.body.array)
      script.commands.append(.wire(from, .inject(bytes, to: to, port: agreement.local.port, isBroken ? .clear : .srtp)))
      script.packetsOfStep += 1
    }
    return .done
  }
}

/// A header of RTP as somebody wants it (RFC 3550 §5.1).
private struct RawRTPHeader: Sendable {
  var version: Int
  var csrcs: Int
  var hasExtension: Bool
  var hasPadding: Bool
  var sequence: Int
  var timestamp: Int
  var ssrc: Int
  var marker = false
  var timestampOffset = 0

  func octets(payloadType: UInt8) -> [UInt8] {
    let first = UInt8(version) << 6 | (hasPadding ? 0x20 : 0) | (hasExtension ? 0x10 : 0) | UInt8(csrcs)
    let (number, time) = (UInt16(truncatingIfNeeded: sequence), UInt32(truncatingIfNeeded: timestamp + timestampOffset))
    var octets = [first, (marker ? 0x80 : 0) | payloadType, UInt8(number >> 8), UInt8(truncatingIfNeeded: number)]
    for word in [time, UInt32(truncatingIfNeeded: ssrc)] {
      for shift in [24, 16, 8, 0] as [UInt32] { octets.append(UInt8(truncatingIfNeeded: word >> shift)) }
    }
    return octets
  }
}

/// A packet of a telephone-event (RFC 4733 §2.3).
private struct RawEvent {
  private static let names = Array("0123456789*#ABCD")
  /// Of 20 ms each.
  private static let packets = 5
  /// Between two digits.
  private static let pause = 400

  var octets: [UInt8]
  var timestamp: Int
  var isFirst: Bool

  static func events(of digits: String, _ place: NodeReader) throws(SourceProblem) -> [RawEvent] {
    var (events, timestamp): ([RawEvent], Int) = ([], 0)
    for digit in digits {
      guard let code = names.firstIndex(of: digit) else { throw place.problem("'\(digit)' is not a digit: 0 to 9, *, # and A to D are") }
      for number in 1...packets + 2 {
        let duration = min(number, packets) * 160
        let end: UInt8 = number >= packets ? 0x80 : 0
        let octets: [UInt8] = [UInt8(code), end | 10, UInt8(duration >> 8), UInt8(truncatingIfNeeded: duration)]
        events.append(RawEvent(octets: octets, timestamp: timestamp, isFirst: number == 1))
      }
      timestamp += packets * 160 + pause
    }
    guard !events.isEmpty else { throw place.problem("there are no digits") }
    return events
  }
}
