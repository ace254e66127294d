import Media
import RTP
import SansIO

/// `press: { who: pbx, digits: "12#", as: rfc4733, duration: 100 ms, gap: 60 ms }`
struct PressStep: FieldStep {
  static let keyword = "press"
  static let summary = """
    A member sends digits on its newest leg that is not over, or on its side of a named call; the next step begins when the last of them \
    has been sent. As telephone-event they leave at the packet time of the audio, three end packets each, and no audio beside them.
    """
  static let examples = [
    "press: { who: pbx, digits: \"12#\" }", "press: { who: kallglot, digits: \"5\", as: info, body: dtmf }",
    "press: { who: pbx, digits: \"0\", as: in-band, duration: 40 ms, gap: 40 ms, leg: leg }",
  ]

  private static let who = Key.required("who", .party, "Who presses.").once("on")
  private static let digits = Key.required("digits", .digits, "0–9, `*`, `#`, A–D and `!` for flash; in quotes.")
  private static let way = Key.optional(
    "as", ValueType<DigitWay>.word, "How: as telephone-event, by INFO, or as tones in the audio; as telephone-event when missing.")
  private static let body = Key.standard("body", ValueType<InfoBodyForm>.word, "dtmf-relay", "The body of INFO.")
  private static let duration = Key.standard("duration", .duration, "100 ms", "Of each digit.")
  private static let gap = Key.standard("gap", .duration, "60 ms", "Between two digits; ends that are still to be sent make it longer.")
  private static let leg = Key.optional("leg", .leg, "On which call.")
  private static let refused = Key.standard(
    "refused", .flag, "false", "The agreement must not let it be sent: nothing is, and the step fails where it is sent.")
  static let mapping = MappingShape([who, digits, way, body, duration, gap, leg, refused])

  private let member: String
  private let press: DigitPress
  private let leg: String?
  private let isRefused: Bool

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (member, leg) = (try fields[Self.who], try fields[Self.leg])
    let plan = DigitPlan(try fields[Self.digits], duration: try fields[Self.duration], gap: try fields[Self.gap])
    press = DigitPress(plan: plan, way: try fields[Self.way], form: try fields[Self.body])
    isRefused = try fields[Self.refused]
    guard plan.duration > .zero, plan.duration <= .seconds(60) else {
      throw (fields.place(of: Self.duration) ?? fields.place).problem("a digit lasts from 1 ms to 60 s")
    }
    if fields.place(of: Self.body) != nil, press.way != .info {
      throw (fields.place(of: Self.body) ?? fields.place).problem("'body' is that of INFO: it needs 'as: info'")
    }
    if press.way == .inBand, plan.digits.contains(where: \.isFlash) {
      throw (fields.place(of: Self.digits) ?? fields.place).problem("'!' is a flash, which is no tone: it cannot be sent in-band")
    }
  }

  var text: String {
    "\(member) presses \(press.plan.digits.text)\(press.way.map { " as \($0.rawValue)" } ?? "")\(leg.map { " on \($0)" } ?? "")"
      + (isRefused ? ", which is refused" : "")
  }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress { look(&script, at: now) }

  func look(_ script: inout Script, at now: Instant) -> StepProgress {
    let story = leg.map({ script.story($0, at: member) }) ?? script.live(member)
    guard let story, story.state != .ended else { return fail("it has no call that is up", script.lastEvidence[member]) }
    if let sent = story.press, sent.began == script.stepBegan {
      switch sent.state {
      case .done: return isRefused ? fail("they were sent", story.mediaEvidence ?? story.evidence) : .done
      case .failed(let reason): return isRefused ? .done : fail("none was sent: \(reason)", story.evidence)
      case .asked:
        let deadline = script.stepBegan.advanced(by: press.plan.length + .seconds(sent.isInfo ? 34 : 4))
        return now < deadline ? .waiting(until: deadline) : fail("it has not sent them to the end", story.mediaEvidence ?? story.evidence)
      }
    }
    let deadline = script.stepBegan.advanced(by: .seconds(2))
    guard story.state == .established else {
      return now < deadline ? .waiting(until: deadline) : fail("its call is not up", story.evidence)
    }
    script.ask(story, press)
    return .waiting(until: now.advanced(by: press.plan.length + .seconds(4)))
  }

  private func fail(_ observed: String, _ evidence: FrameCitation?) -> StepProgress {
    .failed(
      Finding(
        rule: "RFC 4733 §2.4.1: digits are sent as they were agreed", expected: text, observed: observed, evidence: evidence,
        about: .pressing(member, call: leg)))
  }
}

/// Digits that a step wants a member to send.
public struct DigitPress: Hashable, Sendable {
  public var plan: DigitPlan
  /// nil = as telephone-event.
  public var way: DigitWay?
  public var form: InfoBodyForm
}

/// The two bodies that INFO brings digits in.
public enum InfoBodyForm: String, Hashable, Sendable, CaseIterable {
  /// application/dtmf-relay
  case relay = "dtmf-relay"
  /// application/dtmf
  case plain = "dtmf"
}

extension ValueType where Value == [Digit] {
  static var digits: ValueType {
    ValueType(.text) { (place, _) throws(SourceProblem) in
      try place.value("digits such as '12#': 0–9, *, #, A–D and ! for flash", Digit.list)
    }
  }

  /// The same, or `none`.
  static var digitsOrNone: ValueType {
    ValueType(.text) { (place, _) throws(SourceProblem) in
      try place.value("digits such as '12#', or 'none'") { $0 == "none" ? [] : Digit.list($0) }
    }
  }
}
