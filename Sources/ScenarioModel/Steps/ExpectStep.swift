import Kallglot
import SIPUserAgent
import SansIO

/// `expect: { leg: leg, is: refused, status: 403, within: 2 s }`, `expect: { hears: pbx, tone: 440 Hz }`,
/// `expect: { decision: allowlist, is: refused }`, `expect: { registered: pbx }`
struct ExpectStep: Step {
  static let keyword = "expect"
  static let summary = "Waits until something is so; a finding when it is not so in time."

  private enum Wish: Sendable {
    case leg(String, LegExpectation)
    case hears(String, tone: Int)
    case decision(String, refused: Bool)
    case registered(String)
  }

  private let wish: Wish
  private let within: Duration

  init(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem) {
    let fields = try place.fields(["leg", "is", "status", "because", "within", "hears", "tone", "decision", "registered"])
    within = try fields["within"]?.duration() ?? .seconds(5)
    if let leg = fields["leg"] {
      wish = .leg(try scope.leg(leg), try LegExpectation(fields))
    } else if let member = fields["hears"] {
      wish = .hears(try scope.member(member), tone: try ToneText.read(try fields.required("tone")))
    } else if let decision = fields["decision"] {
      let rules = PolicyDecision.Rule.allCases.map { ($0.shortName, $0.shortName) }
      wish = .decision(try decision.word(rules), refused: try fields["is"]?.word([("refused", true), ("passed", false)]) ?? true)
    } else if let member = fields["registered"] {
      wish = .registered(try scope.member(member))
    } else {
      throw place.problem("an expectation names a leg, who hears, a decision or who is registered")
    }
  }

  var text: String { "expect \(wanted) within \(within)" }

  private var wanted: String {
    switch wish {
    case .leg(let name, let expectation): "\(name) is \(expectation.text)"
    case .hears(let member, let tone): "\(member) hears \(tone) Hz"
    case .decision(let rule, let refused): "policy step \(rule) \(refused ? "refuses" : "passes")"
    case .registered(let member): "\(member) is registered"
    }
  }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress { look(&script, at: now) }

  func look(_ script: inout Script, at now: Instant) -> StepProgress {
    let deadline = script.stepBegan.advanced(by: within)
    switch judge(script) {
    case .met: return .done
    case .impossible(let observed, let evidence): return fail(observed, evidence)
    case .open(let observed, let evidence):
      return now >= deadline ? fail("\(observed) after \(within)", evidence) : .waiting(until: deadline)
    }
  }

  private func fail(_ observed: String, _ evidence: FrameCitation?) -> StepProgress {
    .failed(Finding(rule: rule, expected: "\(wanted) within \(within)", observed: observed, evidence: evidence))
  }

  private var rule: String {
    switch wish {
    case .leg(_, let expectation): expectation.rule
    case .hears: "RFC 3264 §6: the audio that was agreed arrives"
    case .decision: "contract 8.1: order of the policy checks"
    case .registered: "RFC 3261 §10"
    }
  }

  private func judge(_ script: Script) -> Judgement {
    switch wish {
    case .leg(let name, let expectation):
      guard let story = script.story(name) else { return .open("\(name) has not begun", nil) }
      return expectation.judge(story)
    case .hears(let member, let tone): return judgeTone(script, member, tone)
    case .decision(let rule, let refused):
      let found = script.decisions.last { $0.decision.rule.shortName == rule && $0.decision.isRefusal == refused }
      if found != nil { return .met }
      let last = script.decisions.last
      return .open(last.map { "the last decision was: \($0.decision)" } ?? "no policy step spoke", last?.evidence)
    case .registered(let member):
      guard let state = script.registered[member] else { return .open("no answer to REGISTER", script.lastEvidence[member]) }
      if let failure = state.failure { return .impossible("registration failed: \(failure)", script.lastEvidence[member]) }
      return .met
    }
  }

  private func judgeTone(_ script: Script, _ member: String, _ tone: Int) -> Judgement {
    guard let story = script.newest(member) else { return .open("\(member) has no leg", nil) }
    // 2 % and at least 5 Hz: what 40 ms of G.711 can tell.
    if story.heard.contains(where: { abs($0 - tone) <= max(5, tone / 50) }) { return .met }
    let heard = story.heard.isEmpty ? "no tone" : story.heard.map { "\($0) Hz" }.joined(separator: ", ")
    let packets = story.report.map { " in \($0.packetsReceived) packets" } ?? ""
    return .open("\(member) heard \(heard)\(packets)", story.evidence)
  }
}

/// Whether a wish is fulfilled, and what is seen instead.
enum Judgement {
  case met
  case open(String, FrameCitation?)
  /// It cannot come true any more.
  case impossible(String, FrameCitation?)
}

/// What a leg is expected to be.
struct LegExpectation: Sendable {
  private enum Kind: String, CaseIterable { case ringing, established, refused, ended }

  private let kind: Kind
  private let status: Int?
  private let because: EndWord?

  init(_ fields: FieldSet) throws(SourceProblem) {
    kind = try fields.required("is").word(Kind.allCases.map { ($0.rawValue, $0) })
    status = try fields["status"]?.integer(300...699)
    because = try fields["because"]?.word(EndWord.allCases.map { ($0.rawValue, $0) })
  }

  var text: String { kind.rawValue + (status.map { " with \($0)" } ?? "") + (because.map { " because of \($0.rawValue)" } ?? "") }

  var rule: String {
    switch kind {
    case .ringing, .established: "RFC 3261 §13"
    case .refused: "RFC 3261 §13.2.2, contract 8.1"
    case .ended: because?.rule ?? "RFC 3261 §15"
    }
  }

  func judge(_ story: LegStory) -> Judgement {
    let seen = Self.observed(story)
    switch kind {
    case .ringing:
      if story.state != .placed, story.state != .ended { return .met }
      return story.state == .ended ? .impossible(seen, story.evidence) : .open(seen, story.evidence)
    case .established:
      if story.state == .established { return .met }
      return story.state == .ended ? .impossible(seen, story.evidence) : .open(seen, story.evidence)
    case .refused:
      guard story.state == .ended else { return story.state == .established ? .impossible(seen, story.evidence) : .open(seen, story.evidence) }
      guard case .refused(let actual)? = story.end, status == nil || status == actual else { return .impossible(seen, story.evidence) }
      return .met
    case .ended:
      guard story.state == .ended, let end = story.end else { return .open(seen, story.evidence) }
      return because == nil || because?.matches(end) == true ? .met : .impossible(seen, story.evidence)
    }
  }

  private static func observed(_ story: LegStory) -> String {
    guard let end = story.end else { return "the leg is \(story.state.rawValue)" }
    guard let refusal = story.refusal else { return "the leg ended: \(end)" }
    return "refused with \(refusal.status) \(refusal.phrase)\(refusal.explanation.map { " (\($0))" } ?? "")"
  }
}

/// Why a leg ended, as a scenario says it.
enum EndWord: String, CaseIterable, Sendable {
  case hangUp = "hang-up"
  case cancel
  case refusal
  case timerB = "timer-b"
  case missingACK = "missing-ack"
  case transport
  case silence

  func matches(_ end: LegEnd) -> Bool {
    switch (self, end) {
    case (.hangUp, .hungUpHere), (.hangUp, .hungUpByPeer), (.cancel, .cancelledHere), (.cancel, .cancelledByPeer), (.refusal, .refused),
      (.timerB, .timerB), (.missingACK, .ackMissing), (.transport, .transportFailed), (.silence, .mediaSilence):
      true
    default: false
    }
  }

  var rule: String {
    switch self {
    case .hangUp: "RFC 3261 §15.1"
    case .cancel: "RFC 3261 §9"
    case .refusal: "RFC 3261 §13.2.2"
    case .timerB: "RFC 3261 §17.1.1.2, Timer B"
    case .missingACK: "RFC 3261 §13.3.1.4"
    case .transport: "RFC 3261 §18.4"
    case .silence: "contract 8.3: no RTP on a leg"
    }
  }
}

extension PolicyDecision {
  var isRefusal: Bool {
    switch verdict {
    case .refused, .dropped: true
    case .passed, .challenged: false
    }
  }
}
