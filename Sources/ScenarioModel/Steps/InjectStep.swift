import Media
import RTP
import SansIO

/// `inject: { from: stranger, to: kallglot, tone: 1000 Hz, packets: 10 }`
struct InjectStep: FieldStep {
  static let keyword = "inject"
  static let summary = """
    A wire member on UDP sends RTP of an SSRC of its own to the media port of another member's newest leg, all at once: with a tone, or \
    with octets as they stand in the file; or reports of RTCP to the port of that.
    """
  static let examples = [
    "inject: { from: wire, to: kallglot, tone: 1000 Hz, packets: 10 }",
    "inject: { from: wire, to: kallglot, payload: \"1e 0b 0b 1e 9e 8b 8b 9e\", payloadType: 0, packets: 50 }",
    "inject: { from: wire, to: kallglot, report: sender }",
  ]

  private static let from = Key.required("from", .wireMember, "Who sends.")
  private static let to = Key.required("to", .party, "The member whose stream it is sent to.")
  private static let tone = Key.optional("tone", .frequency, "The frequency of the tone.")
  private static let payload = Key.optional("payload", .hexadecimal, "Octets that fill each packet of 20 ms again and again.")
  private static let datagram = Key.optional("datagram", .hexadecimal, "A datagram as it stands, whatever it is.")
  private static let report = Key.optional(
    "report", ValueType<ReportKind>.word,
    "A compound packet of RTCP: the report of a sender, with what it has sent, or of a receiver, and its CNAME (RFC 3550 §6.1).")
  private static let payloadType = Key.optional("payloadType", .integer(0...127), "Its payload type; the agreed one when missing.")
    .with(.key("payload"))
  private static let packets = Key.standard("packets", .integer(1...1_000), "10", "How many packets of 20 ms.")
  private static let sequence = Key.standard(
    "sequence", .integer(0...65_535), "0",
    "The sequence number of the first packet; of a report that leaves once more, how many left before it."
  )
  private static let source = Key.standard("source", .integer(1...9), "1", "Which of its SSRCs.")
  private static let form = Key.standard(
    "as", ValueType<PacketForm>.word, "srtp",
    "What is done to the packets of a member that has `keys`: `srtp` protects them, `clear` does not; `wrong-tag` changes the tag, "
      + "`other-key` protects with a key that nobody knows, `old-rollover` with a rollover counter of 0, and `replay` sends what left with "
      + "these sequence numbers once more. For reports alone: `unencrypted` clears the E flag, with a tag that fits, and `old-index` has "
      + "the SRTCP index 1 again (RFC 3711 §3.4).")
  static let mapping = MappingShape(
    [from, to, tone, payload, datagram, report, payloadType, packets, sequence, source, form],
    exactlyOneOf: [["tone", "payload", "datagram", "report"]])

  /// What the packets carry.
  private enum Content: Sendable {
    case tone(Int)
    case octets(Bytes, payloadType: UInt8?)
    case datagram(Bytes)
    case report(ReportKind)
  }

  private let from: String
  private let to: String
  private let content: Content
  private let packets: Int
  private let sequence: Int
  private let source: Int
  private let form: PacketForm

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (from, to) = (try fields[Self.from], try fields[Self.to])
    packets = try fields[Self.packets]
    (sequence, source, form) = (try fields[Self.sequence], try fields[Self.source], try fields[Self.form])
    if fields.has("as"), !scope.keyed.contains(from) {
      throw (fields.place(of: Self.form) ?? fields.place).problem("\(from) has no keys: no earlier step 'keys' gives it any")
    }
    if let octets = try fields[Self.payload] {
      guard !octets.isEmpty else { throw (fields.place(of: Self.payload) ?? fields.place).problem("there are no octets") }
      content = .octets(octets, payloadType: try fields[Self.payloadType].map(UInt8.init))
    } else if let datagram = try fields[Self.datagram] {
      content = .datagram(datagram)
    } else if let report = try fields[Self.report] {
      content = .report(report)
    } else {
      content = .tone(try fields[Self.tone] ?? 0)
    }
    if case .report = content { try Self.check(fields, form, isReport: true) } else { try Self.check(fields, form, isReport: false) }
    guard scope.scenario.member(from)?.transport == .udp else {
      throw (fields.place(of: Self.from) ?? fields.place).problem("\(from) is on TCP: RTP is sent over UDP")
    }
  }

  private static func check(_ fields: FieldSet, _ form: PacketForm, isReport: Bool) throws(SourceProblem) {
    guard isReport ? form.isForMedia : form.isForReports else { return }
    throw (fields.place(of: Self.form) ?? fields.place).problem(
      isReport
        ? "'\(form.rawValue)' is for RTP: RTCP has no rollover counter" : "'\(form.rawValue)' is for a 'report': RTP has no such field")
  }

  /// A number of the member's own, the same in each run: FNV-1a of its name.
  private var ssrc: UInt32 { from.utf8.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 } &+ UInt32(source - 1) }

  var text: String {
    let what =
      switch content {
      case .tone(let frequency): "\(CountText.of(packets, "RTP packet")) with \(frequency) Hz"
      case .octets: "\(CountText.of(packets, "RTP packet")) with given octets"
      case .report(let kind): "\(CountText.of(packets, "report")) of a \(kind.rawValue)"
      case .datagram(let bytes): "\(CountText.of(packets, "datagram")) of \(CountText.of(bytes.count, "octet"))"
      }
    return "\(from) injects \(what) into the stream to \(to)\(form == .srtp ? "" : ", as \(form.rawValue)")"
  }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    guard let story = script.live(to), let agreement = story.audio, story.state != .ended, let agreed = agreement.receivePayloadType
    else {
      return .failed(
        Finding(
          rule: "the scenario", expected: "\(to) has a call with media", observed: "it has none", evidence: script.lastEvidence[to],
          about: .leg(of: to)))
    }
    switch content {
    case .report(let kind):
      let port = agreement.isMultiplexed ? agreement.local.port : agreement.local.port + 1
      for index in 0..<packets {
        script.commands.append(.wire(from, .report(kind, ssrc: ssrc, to: to, port: port, form, number: sequence + index)))
      }
    case .datagram(let bytes):
      for _ in 0..<packets { script.commands.append(.wire(from, .inject(bytes, to: to, port: agreement.local.port, .clear))) }
    case .tone(let frequency):
      guard let codec = agreement.codec else { return .done }
      var speech = ToneSpeech(Tone(frequency: frequency), codec: codec)
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
        payloadType: payloadType, marker: index == 0, sequenceNumber: UInt16(truncatingIfNeeded: sequence + index),
        timestamp: UInt32(sequence + index) * ticks, ssrc: ssrc, payload: payload())
      script.commands.append(.wire(from, .inject(packet.serialized(), to: to, port: port, form)))
    }
  }
}
