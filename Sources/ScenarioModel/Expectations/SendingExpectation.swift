import SansIO

/// `sends: kallglot, what: RTP`: since the step began; most useful as `never`.
struct SendingExpectation: Expectation {
  static let summary = "A member has sent RTP (or RTCP) since the step began."
  static let examples = ["{ sends: kallglot, what: RTP }"]

  private enum Kind: String, CaseIterable { case rtp = "RTP", rtcp = "RTCP" }

  private static let sends = Key.required("sends", .numberedMember, "Who sends.")
  private static let what = Key.standard("what", ValueType<Kind>.word, "RTP", "What.")
  static let fields: [any DescribedField] = [sends, what]

  private let member: NumberedMember
  private let kind: Kind

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (member, kind) = (try fields[Self.sends], try fields[Self.what])
  }

  var text: String { "\(member.name) sends \(kind.rawValue)" }
  var rule: String { "RFC 3264 §5.1: the direction that was agreed" }
  var inquiry: Inquiry { .sending(member.name) }

  func judge(_ script: Script) -> Judgement {
    let traffic = script.traffic(member.index)
    let last = kind == .rtp ? traffic.lastRTP : traffic.lastRTCP
    // What leaves at the very instant of the step was due before it.
    if let last, last > script.stepBegan { return .met }
    return .open("\(member.name) sent no \(kind.rawValue)\(last.map { " after \($0)" } ?? "")", citation(traffic))
  }

  func sighting(_ script: Script) -> (String, FrameCitation?) {
    let traffic = script.traffic(member.index)
    let last = kind == .rtp ? traffic.lastRTP : traffic.lastRTCP
    return ("\(member.name) sent \(kind.rawValue), last\(last.map { " at \($0)" } ?? "")", citation(traffic))
  }

  private func citation(_ traffic: MemberTraffic) -> FrameCitation? {
    (kind == .rtp ? traffic.lastRTPFrame : traffic.lastRTCPFrame).map { FrameCitation(HostID(UInt16(member.index)), $0) }
  }
}
