import SansIO

/// What of a member's traffic expectations ask for: counted where its packets leave and its ports open, whatever the member says of itself.
public struct MemberTraffic: Sendable, Hashable {
  /// Port pairs opened for media so far in the run.
  public var mediaPortsOpened = 0
  /// Port pairs that are open now.
  public var mediaPortsOpen = 0
  /// When the last packet of the kind left; nil = none did.
  public var lastRTP: Instant?
  public var lastRTCP: Instant?
  /// The last frame of the kind, in the member's own capture.
  public var lastRTPFrame: UInt32?
  public var lastRTCPFrame: UInt32?

  public init() {}
}

/// `ports: kallglot, opened: 0`, `ports: kallglot, open: 2`; without a number: at least one has been opened.
struct PortExpectation: Expectation {
  static let key = "ports"
  static let summary = "How many pairs of media ports a member has opened so far, or has open now; without a number: at least one so far."
  static let fields = ["opened", "open"]

  private let member: String
  private let index: Int
  private let opened: Int?
  private let open: Int?

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (member, index) = try scope.numbered(try fields.required(Self.key))
    opened = try fields["opened"]?.integer(0...100_000)
    open = try fields["open"]?.integer(0...100_000)
  }

  var text: String {
    guard opened != nil || open != nil else { return "\(member) has opened media ports" }
    return "\(member) has \([opened.map { "opened \($0)" }, open.map { "\($0) open" }].compactMap(\.self).joined(separator: " and ")) pairs of media ports"
  }
  var rule: String { "contract 8.1: what is refused opens no media port" }

  func judge(_ script: Script) -> Judgement {
    let traffic = script.traffic(index)
    let isMet = opened.map { $0 == traffic.mediaPortsOpened } ?? (open != nil || traffic.mediaPortsOpened > 0)
    if isMet, open.map({ $0 == traffic.mediaPortsOpen }) ?? true { return .met }
    return .open(observed(script), script.lastEvidence[member])
  }

  func sighting(_ script: Script) -> (String, FrameCitation?) { (observed(script), script.lastEvidence[member]) }

  private func observed(_ script: Script) -> String {
    let traffic = script.traffic(index)
    return "\(member) opened \(traffic.mediaPortsOpened) so far, \(traffic.mediaPortsOpen) are open"
  }
}

/// `sends: kallglot, what: RTP`: since the step began; most useful as `never`.
struct SendingExpectation: Expectation {
  static let key = "sends"
  static let summary = "A member has sent RTP (or RTCP) since the step began."
  static let fields = ["what"]

  private enum Kind: String, CaseIterable { case rtp = "RTP", rtcp = "RTCP" }

  private let member: String
  private let index: Int
  private let kind: Kind

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (member, index) = try scope.numbered(try fields.required(Self.key))
    kind = try fields["what"]?.word(Kind.allCases.map { ($0.rawValue, $0) }) ?? .rtp
  }

  var text: String { "\(member) sends \(kind.rawValue)" }
  var rule: String { "RFC 3264 §5.1: the direction that was agreed" }

  func judge(_ script: Script) -> Judgement {
    let traffic = script.traffic(index)
    let last = kind == .rtp ? traffic.lastRTP : traffic.lastRTCP
    // What leaves at the very instant of the step was due before it.
    if let last, last > script.stepBegan { return .met }
    return .open("\(member) sent no \(kind.rawValue)\(last.map { " after \($0)" } ?? "")", citation(traffic))
  }

  func sighting(_ script: Script) -> (String, FrameCitation?) {
    let traffic = script.traffic(index)
    let last = kind == .rtp ? traffic.lastRTP : traffic.lastRTCP
    return ("\(member) sent \(kind.rawValue), last\(last.map { " at \($0)" } ?? "")", citation(traffic))
  }

  private func citation(_ traffic: MemberTraffic) -> FrameCitation? {
    (kind == .rtp ? traffic.lastRTPFrame : traffic.lastRTCPFrame).map { FrameCitation(HostID(UInt16(index)), $0) }
  }
}
