/// All kinds of steps, in the order of the documentation.
public enum StepRegistry {
  public static let kinds: [any Step.Type] = [
    CallStep.self, ExpectStep.self, InAnyOrderStep.self, NeverStep.self, SpeakStep.self, PlayStep.self, PressStep.self,
    SwitchCodecStep.self, HangUpStep.self, CancelStep.self, HoldStep.self, ResumeStep.self, ReinviteStep.self, RegisterStep.self,
    UnregisterStep.self, OptionsStep.self, FaultStep.self, ImpairStep.self, HealStep.self, PauseStep.self, UnpauseStep.self,
    CrashStep.self, RestartStep.self, ClockStep.self, RebootStep.self, MoveStep.self, WaitStep.self, SendStep.self, ReplyStep.self,
    RequestStep.self, InjectStep.self, RTPStep.self, KeysStep.self, AssociateStep.self, ConnectStep.self, AcceptStep.self,
    RecordStep.self, RenegotiateStep.self, CloseStep.self,
    RegeneratePasswordStep.self, ChangePasswordStep.self, ChangePolicyStep.self, DeactivateStep.self, EndSessionStep.self, IncludeStep.self,
  ]

  static func read(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem) -> any Step {
    let pairs = try place.pairs()
    guard pairs.count == 1, let (keyword, keyPlace, value) = pairs.first else {
      throw place.problem(
        "a step is one keyword with its value, found \(pairs.isEmpty ? "none" : pairs.map(\.key).joined(separator: ", "))")
    }
    guard let kind = kinds.first(where: { $0.keyword == keyword }) else {
      let words = kinds.map { $0.keyword }
      let hint = Spelling.hint(for: keyword, among: words)
      throw keyPlace.problem("unknown step '\(keyword)'\(hint.isEmpty ? "." : hint) Known: \(words.joined(separator: ", "))")
    }
    return try kind.init(value, &scope)
  }

  /// Keeps the names that a step with a mistake would have given, so that what refers to them is no second mistake.
  static func keepNames(of place: NodeReader, _ scope: inout StepScope) {
    if let call = place.node[CallStep.keyword] { scope.legs.append(call["as"]?.scalar ?? CallStep.defaultLeg) }
    if let expect = place.node[ExpectStep.keyword], let name = expect["as"]?.scalar { scope.messages.append(name) }
  }
}
