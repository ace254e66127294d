import Media
import RTP
import SansIO

/// `inject: { from: stranger, to: kallglot, tone: 1000 Hz, packets: 10 }`
struct InjectStep: FieldStep {
  static let keyword = "inject"
  static let summary = """
    A wire member on UDP sends RTP of an SSRC of its own to the media port of another member's newest leg, all at once: with a tone, or \
    with octets as they stand in the file.
    """
  static let examples = [
    "inject: { from: wire, to: kallglot, tone: 1000 Hz, packets: 10 }",
    "inject: { from: wire, to: kallglot, payload: \"1e 0b 0b 1e 9e 8b 8b 9e\", payloadType: 0, packets: 50 }",
  ]

  private static let from = Key.required("from", .wireMember, "Who sends.")
  private static let to = Key.required("to", .party, "The member whose stream it is sent to.")
  private static let tone = Key.optional("tone", .frequency, "The frequency of the tone.")
  private static let payload = Key.optional("payload", .hexadecimal, "Octets that fill each packet of 20 ms again and again.")
  private static let payloadType = Key.optional("payloadType", .integer(0...127), "Its payload type; the agreed one when missing.")
    .with(.key("payload"))
  private static let packets = Key.standard("packets", .integer(1...1_000), "10", "How many packets of 20 ms.")
  static let mapping = MappingShape([from, to, tone, payload, payloadType, packets], exactlyOneOf: [["tone", "payload"]])

  /// What the packets carry.
  private enum Content: Sendable {
    case tone(Int)
    case octets(Bytes, payloadType: UInt8?)
  }

  private let from: String
  private let to: String
  private let content: Content
  private let packets: Int

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (from, to) = (try fields[Self.from], try fields[Self.to])
    packets = try fields[Self.packets]
    if let octets = try fields[Self.payload] {
      guard !octets.isEmpty else { throw (fields.place(of: Self.payload) ?? fields.place).problem("there are no octets") }
      content = .octets(octets, payloadType: try fields[Self.payloadType].map(UInt8.init))
    } else {
      content = .tone(try fields[Self.tone] ?? 0)
    }
    guard scope.scenario.member(from)?.transport == .udp else {
      throw (fields.place(of: Self.from) ?? fields.place).problem("\(from) is on TCP: RTP is sent over UDP")
    }
  }

  /// A number of the member's own, the same in each run: FNV-1a of its name.
  private var ssrc: UInt32 { from.utf8.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 } }

  var text: String {
    let what = if case .tone(let frequency) = content { "\(frequency) Hz" } else { "given octets" }
    return "\(from) injects \(packets) RTP packets with \(what) into the stream to \(to)"
  }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    guard let story = script.live(to), let agreement = story.agreement, story.state != .ended, let agreed = agreement.receivePayloadType
    else {
      return .failed(
        Finding(
          rule: "the scenario", expected: "\(to) has a call with media", observed: "it has none", evidence: script.lastEvidence[to],
          about: .leg(of: to)))
    }
    switch content {
    case .tone(let frequency):
      guard let codec = agreement.codec, var speech = ToneSpeech(Tone(frequency: frequency), codec: codec) else { return .done }
      send(&script, agreement.local.port, agreed, speech.ticksPerPacket) { speech.next() }
    case .octets(let octets, let payloadType):
      let payload = Bytes((0..<160).map { octets[octets.startIndex + $0 % octets.count] })
      send(&script, agreement.local.port, payloadType ?? agreed, 160) { payload }
    }
    return .done
  }

  private func send(_ script: inout Script, _ port: UInt16, _ payloadType: UInt8, _ ticks: UInt32, _ payload: () -> Bytes) {
    for index in 0..<packets {
      let packet = RTPPacket(
        payloadType: payloadType, marker: index == 0, sequenceNumber: UInt16(truncatingIfNeeded: index), timestamp: UInt32(index) * ticks,
        ssrc: ssrc, payload: payload())
      script.commands.append(.inject(from: from, to: to, port: port, packet.serialized()))
    }
  }
}
