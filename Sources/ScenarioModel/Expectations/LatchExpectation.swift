import SansIO

/// `latched: kallglot, to: 203.0.113.7`, or with a port; of the newest leg of a member that is not over.
struct LatchExpectation: Expectation {
  static let summary = "A member sends RTP to this address (with or without a port), the source of the peer's RTP, whatever SDP says."
  static let examples = ["{ latched: kallglot, to: 203.0.113.7, within: 1 s }", "{ latched: kallglot, to: \"203.0.113.7:20000\" }"]

  /// An address, with a port or without.
  struct Target: Sendable, Hashable {
    var address: IPAddress
    var port: UInt16?

    init?(_ text: String) {
      if let full = TransportAddress(text) {
        (address, port) = (full.address, full.port)
      } else {
        guard let address = IPAddress(text) else { return nil }
        (self.address, port) = (address, nil)
      }
    }

    var text: String { port.map { TransportAddress(address, port: $0).description } ?? address.description }
  }

  private static let latched = Key.required("latched", .numberedMember, "Who sends.")
  private static let to = Key.required(
    "to",
    ValueType<Target>(.text) { (place, _) throws(SourceProblem) in
      try place.value("an address such as 203.0.113.7, or one with a port such as 203.0.113.7:20000") { Target($0) }
    }, "The source of the peer's RTP.")
  static let fields: [any DescribedField] = [latched, to]

  private let member: NumberedMember
  private let target: Target

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (member, target) = (try fields[Self.latched], try fields[Self.to])
  }

  var text: String { "\(member.name) sends RTP to \(target.text), where it comes from" }
  var rule: String { "contract 8.5: symmetric RTP" }
  var inquiry: Inquiry { .latch(member.name) }

  func judge(_ script: Script) -> Judgement {
    guard let story = script.live(member.name) else { return .open("\(member.name) has no leg", script.lastEvidence[member.name]) }
    let traffic = script.traffic(member.index)
    let frame = traffic.lastRTPFrame.map { FrameCitation(HostID(UInt16(member.index)), $0) } ?? story.evidence
    guard let agreement = story.agreement, let now = traffic.rtpTargets[agreement.local] else {
      return .open("\(member.name) has sent no RTP on its leg", frame)
    }
    // What left before the call was up went where an earlier agreement said.
    if let established = story.establishedAt, traffic.lastRTP.map({ $0 <= established }) ?? true {
      return .open("\(member.name) has sent no RTP since its call is up", frame)
    }
    let isThere = now.address == target.address && (target.port == nil || target.port == now.port)
    if isThere, now != agreement.remote { return .met }
    return .open("\(member.name) sends RTP to \(now)\(now == agreement.remote ? ", as SDP says" : "")", frame)
  }
}
