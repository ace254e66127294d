import SansIO

/// `hold: pbx` (as the product does it) or `hold: { who: pbx, by: inactive }`
struct HoldStep: FieldStep {
  static let keyword = "hold"
  static let summary = "A member puts its newest call on hold by a re-INVITE, as its product does it or as the scenario says."
  static let examples = ["hold: pbx", "hold: { who: pbx, by: inactive }", "hold: { who: pbx, by: 0.0.0.0 }"]

  private static let who = Key.required("who", .party, "Who holds.").once("on")
  private static let by = Key.optional(
    "by", ValueType<HoldForm>.word,
    "How: by a direction, by the address of old products, or by inactive and then music; as the product does it when missing.")
  static let mapping = MappingShape([who, by], bare: "who")

  private let member: String
  private let form: HoldForm?

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) { (member, form) = (try fields[Self.who], try fields[Self.by]) }

  var text: String { "\(member) holds\(form.map { " by \($0.rawValue)" } ?? "")" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress { look(&script, at: now) }

  func look(_ script: inout Script, at now: Instant) -> StepProgress { script.change(member, at: now) { .hold($0, form) } }
}

extension Script {
  /// Asks for a change of a member's newest leg, which may still be on its way up: the ACK comes after the 200.
  mutating func change(_ member: String, at now: Instant, _ command: (StageLeg) -> StageCommand) -> StepProgress {
    if let story = live(member), story.state == .established {
      commands.append(command(story.leg))
      return .done
    }
    let deadline = stepBegan.advanced(by: .seconds(2))
    if now < deadline, let story = live(member), story.state != .ended { return .waiting(until: deadline) }
    return .failed(
      Finding(
        rule: "the scenario", expected: "\(member) has a call that is up", observed: "it has none", evidence: lastEvidence[member],
        about: .leg(of: member)))
  }
}
