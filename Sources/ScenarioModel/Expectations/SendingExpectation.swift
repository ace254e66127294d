import SDP
import SansIO

/// `sends: kallglot, what: RTP`: since the step began; most useful as `never`. `sends: pbx, codec: PCMA` says what it is.
struct SendingExpectation: Expectation {
  static let summary = """
    A member has sent RTP (or RTCP) since the step began: its newest packet, read from the bytes, in this codec and with so much \
    audio in it.
    """
  static let examples = ["{ sends: kallglot, what: RTP }", "{ sends: pbx, codec: opus, packetTime: 60 ms, within: 1 s }"]

  private enum Kind: String, CaseIterable { case rtp = "RTP", rtcp = "RTCP" }

  private static let sends = Key.required("sends", .numberedMember, "Who sends.")
  private static let what = Key.standard("what", ValueType<Kind>.word, "RTP", "What.")
  private static let codec = Key.optional(
    "codec", ValueType<AudioCodec>.word, "What its payload type stands for in the other side's description (RFC 3264 §5.1)."
  ).with(.key("what", "RTP"))
  private static let packetTime = Key.optional(
    "packetTime", .duration, "How much audio is in it, by the timestamps and the clock of its codec."
  ).with(.key("what", "RTP"))
  private static let octets = Key.optional(
    "octets", .integer(0...1_500), "How many octets are behind its fixed header: the payload, with the tag of SRTP where it has one."
  ).with(.key("what", "RTP"))
  static let fields: [any DescribedField] = [sends, what, codec, packetTime, octets]

  private let member: NumberedMember
  private let kind: Kind
  private let codec: AudioCodec?
  private let packetTime: Duration?
  private let octets: Int?

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (member, kind) = (try fields[Self.sends], try fields[Self.what])
    (codec, packetTime, octets) = (try fields[Self.codec], try fields[Self.packetTime], try fields[Self.octets])
  }

  var text: String {
    let parts = [
      codec.map { "in \($0.rawValue)" }, packetTime.map { "of \($0) a packet" }, octets.map { CountText.of($0, "octet") },
    ].compactMap(\.self)
    return "\(member.name) sends \(kind.rawValue)\(parts.isEmpty ? "" : " \(parts.joined(separator: ", "))")"
  }
  var rule: String {
    !isAboutContent ? "RFC 3264 §5.1: the direction that was agreed" : "RFC 3264 §5.1, §6.1: what was agreed is sent"
  }
  var inquiry: Inquiry { .sending(member.name) }

  func judge(_ script: Script) -> Judgement {
    let traffic = script.traffic(member.index)
    let last = kind == .rtp ? traffic.lastRTP : traffic.lastRTCP
    // What leaves at the very instant of the step was due before it.
    if let last, last > script.stepBegan {
      let seen = sent(traffic, script)
      guard codec == nil || seen.codec == codec, packetTime == nil || seen.time == packetTime, octets == nil || traffic.lastOctets == octets
      else {
        return .open(describe(traffic, seen), citation(traffic))
      }
      return .met
    }
    return .open("\(member.name) sent no \(kind.rawValue)\(last.map { " after \($0)" } ?? "")", citation(traffic))
  }

  func sighting(_ script: Script) -> (String, FrameCitation?) {
    let traffic = script.traffic(member.index)
    let last = kind == .rtp ? traffic.lastRTP : traffic.lastRTCP
    if isAboutContent { return (describe(traffic, sent(traffic, script)), citation(traffic)) }
    return ("\(member.name) sent \(kind.rawValue), last\(last.map { " at \($0)" } ?? "")", citation(traffic))
  }

  private var isAboutContent: Bool { codec != nil || packetTime != nil || octets != nil }

  /// What the newest packet is, as far as the description of whoever receives it tells.
  private func sent(_ traffic: MemberTraffic, _ script: Script) -> (codec: AudioCodec?, time: Duration?) {
    let encoding = traffic.lastPayloadType.flatMap { script.live(member.name)?.audio?.sent($0) }
    let time = encoding.flatMap { encoding in
      traffic.lastStep.map { Duration.nanoseconds(Int64($0) * 1_000_000_000 / Int64(max(1, encoding.clockRate))) }
    }
    return (encoding?.audioCodec, time)
  }

  private func describe(_ traffic: MemberTraffic, _ seen: (codec: AudioCodec?, time: Duration?)) -> String {
    let name = seen.codec?.rawValue ?? traffic.lastPayloadType.map { "payload type \($0)" } ?? "nothing"
    return "\(member.name) sends \(name)\(seen.time.map { ", \($0) a packet" } ?? ""), \(CountText.of(traffic.lastOctets, "octet"))"
  }

  private func citation(_ traffic: MemberTraffic) -> FrameCitation? {
    (kind == .rtp ? traffic.lastRTPFrame : traffic.lastRTCPFrame).map { FrameCitation(HostID(UInt16(member.index)), $0) }
  }
}
