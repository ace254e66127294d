import RTP
import SansIO

/// `packet: wire, payloadType: 8, payload: "d5", marker: true`
///
/// Counts the packets that a wire member received at its media ports since the step began.
struct PacketExpectation: Expectation {
  static let summary = """
    A wire member has received, since the step began, a packet at its media port (RTP) or at the port above it (RTCP) whose parts are so: \
    read from the bytes, apart from the stacks on stage.
    """
  static let examples = [
    "{ packet: wire, payloadType: 8, payload: \"d5\", times: 10 }", "{ packet: wire, marker: true, within: 200 ms }",
    "{ packet: wire, what: RTCP, within: 6 s }",
  ]

  private enum Kind: String, CaseIterable { case rtp = "RTP", rtcp = "RTCP" }
  private enum Source: String, CaseIterable { case same, other }

  private static let packet = Key.required("packet", .wireMember, "Who received it; a member with `mediaPort`.")
  private static let what = Key.standard("what", ValueType<Kind>.word, "RTP", "What.")
  private static let payloadType = Key.optional("payloadType", .integer(0...127), "The payload type.").with(.key("what", "RTP"))
  private static let marker = Key.optional("marker", .flag, "Whether the marker is set.").with(.key("what", "RTP"))
  private static let payload = Key.optional(
    "payload", .hexadecimal, "The octets of the payload, which are these again and again: `d5` is silence in A-law."
  ).with(.key("what", "RTP"))
  private static let ssrc = Key.optional(
    "ssrc", ValueType<Source>.word, "Whether its SSRC is that of the last packet before the step."
  ).with(.key("what", "RTP"))
  private static let protected = Key.optional(
    "protected", .flag, "Whether it came as SRTP or SRTCP that the keys of the step `keys` opened; what they did not open is neither.")
  private static let times = Key.standard("times", .count, "1", "How many such packets.")
  private static let requirement = Key.optional("rule", .text, "The requirement behind it, for findings.")
  static let fields: [any DescribedField] = [packet, what, payloadType, marker, payload, ssrc, protected, times, requirement]

  private let member: String
  private let kind: Kind
  private let payloadType: Int?
  private let marker: Bool?
  private let payload: Bytes?
  private let source: Source?
  private let isProtected: Bool?
  private let times: Count
  let rule: String

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (member, kind) = (try fields[Self.packet], try fields[Self.what])
    (payloadType, marker) = (try fields[Self.payloadType], try fields[Self.marker])
    rule = try fields[Self.requirement] ?? "RFC 3550 §5.1, RFC 3551 §4"
    isProtected = try fields[Self.protected]
    (payload, source, times) = (try fields[Self.payload], try fields[Self.ssrc], try fields[Self.times])
    guard scope.scenario.member(member)?.mediaPort == nil else { return }
    throw (fields.place(of: Self.packet) ?? fields.place).problem("\(member) has no 'mediaPort', at which packets could arrive")
  }

  var text: String {
    var parts = payloadType.map { ["payload type \($0)"] } ?? []
    if let marker { parts.append(marker ? "marker" : "no marker") }
    if let payload { parts.append("payload \(Self.digits(payload)) repeated") }
    if let source { parts.append("\(source.rawValue) SSRC") }
    if let isProtected { parts.append(isProtected ? "protection that opens" : "no protection") }
    let what = parts.isEmpty ? "" : " with \(parts.joined(separator: ", "))"
    return "\(member) receives \(kind.rawValue)\(what)\(times.text.isEmpty ? "" : " \(times.text)")"
  }
  var inquiry: Inquiry { .messages(to: member) }

  func judge(_ script: Script) -> Judgement {
    let packets = script.wireMedia[member]?.packets.filter { $0.isControl == (kind == .rtcp) } ?? []
    let earlier = script.wireMedia[member]?.earlierSSRC
    let count = packets.count { matches($0, earlier) }
    let last = packets.last
    return times.judge(count, Self.observed(packets, count), last?.evidence ?? script.lastEvidence[member])
  }

  func sighting(_ script: Script) -> (String, FrameCitation?) {
    let media = script.wireMedia[member]
    let found = media?.packets.last { $0.isControl == (kind == .rtcp) && matches($0, media?.earlierSSRC) }
    return (found.map { "\(member) received \(Self.describe($0))" } ?? "it became true", found?.evidence ?? script.newestEvidence)
  }

  private func matches(_ packet: WireMedia.Packet, _ earlier: UInt32?) -> Bool {
    if let isProtected, packet.isProtected != isProtected || packet.failure != nil { return false }
    if kind == .rtcp { return packet.failure == nil }
    guard let rtp = packet.rtp else { return false }
    if let payloadType, rtp.payloadType != payloadType { return false }
    if let marker, rtp.marker != marker { return false }
    if let source, (rtp.ssrc == earlier) != (source == .same) { return false }
    guard let payload, !payload.isEmpty else { return true }
    return !rtp.payload.isEmpty
      && rtp.payload.enumerated().allSatisfy { $0.element == payload[payload.startIndex + $0.offset % payload.count] }
  }

  private static func observed(_ packets: [WireMedia.Packet], _ count: Int) -> String {
    guard let last = packets.last else { return "no packet came" }
    return count == 0 ? "the last one: \(describe(last))" : "\(CountText.of(count, "packet")) came, the last one: \(describe(last))"
  }

  private static func describe(_ packet: WireMedia.Packet) -> String {
    if let failure = packet.failure { return "SRTP that does not open: \(failure)" }
    guard let rtp = packet.rtp else { return packet.isControl ? "RTCP" : "a datagram that is not RTP" }
    let first = digits(rtp.payload.prefix(8))
    return "payload type \(rtp.payloadType), \(rtp.marker ? "marker" : "no marker"), SSRC \(String(rtp.ssrc, radix: 16)), "
      + "\(CountText.of(rtp.payload.count, "octet")) \(first)…"
  }

  private static func digits(_ bytes: Bytes) -> String { bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ") }
}
