import Media
import RTP
import SansIO

/// `inject: { from: stranger, to: kallglot, tone: 1000 Hz, packets: 10 }`
struct InjectStep: FieldStep {
  static let keyword = "inject"
  static let summary =
    "A wire member on UDP sends RTP of an SSRC of its own, with a tone, to the media port of another member's newest leg, all at once."
  static let examples = ["inject: { from: wire, to: kallglot, tone: 1000 Hz, packets: 10 }"]

  private static let from = Key.required("from", .wireMember, "Who sends.")
  private static let to = Key.required("to", .party, "The member whose stream it is sent to.")
  private static let tone = Key.required("tone", .frequency, "The frequency of the tone.")
  private static let packets = Key.standard("packets", .integer(1...1_000), "10", "How many packets of 20 ms.")
  static let mapping = MappingShape([from, to, tone, packets])

  private let from: String
  private let to: String
  private let frequency: Int
  private let packets: Int

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (from, to) = (try fields[Self.from], try fields[Self.to])
    (frequency, packets) = (try fields[Self.tone], try fields[Self.packets])
    guard scope.scenario.member(from)?.transport == .udp else {
      throw (fields.place(of: Self.from) ?? fields.place).problem("\(from) is on TCP: RTP is sent over UDP")
    }
  }

  /// A number of the member's own, the same in each run: FNV-1a of its name.
  private var ssrc: UInt32 { from.utf8.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 } }

  var text: String { "\(from) injects \(packets) RTP packets with \(frequency) Hz into the stream to \(to)" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    guard let story = script.live(to), let agreement = story.agreement, story.state != .ended, let codec = agreement.codec,
      let payloadType = agreement.receivePayloadType, var speech = ToneSpeech(Tone(frequency: frequency), codec: codec)
    else {
      return .failed(
        Finding(
          rule: "the scenario", expected: "\(to) has a call with media", observed: "it has none", evidence: script.lastEvidence[to],
          about: .leg(of: to)))
    }
    for index in 0..<packets {
      let packet = RTPPacket(
        payloadType: payloadType, marker: index == 0, sequenceNumber: UInt16(truncatingIfNeeded: index),
        timestamp: UInt32(index) * speech.ticksPerPacket, ssrc: ssrc, payload: speech.next())
      script.commands.append(.inject(from: from, to: to, port: agreement.local.port, packet.serialized()))
    }
    return .done
  }
}
