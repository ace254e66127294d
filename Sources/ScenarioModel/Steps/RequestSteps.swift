import SansIO

/// `options: pbx`
struct OptionsStep: Step {
  static let keyword = "options"
  static let summary = "A member pings the endpoint by OPTIONS."

  private let member: String

  init(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem) { member = try scope.member(place) }

  var text: String { "\(member) sends OPTIONS" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.forgetPing(member)
    script.commands.append(.options(member))
    return .done
  }
}

/// `register: pbx`, `register: { member: pbx, expires: 120 }`
struct RegisterStep: Step {
  static let keyword = "register"
  static let summary = "A member registers its account at the endpoint and keeps it refreshed."

  private let member: String
  private let expires: Int

  init(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem) {
    guard place.isMapping else {
      (member, expires) = (try scope.member(place), 3_600)
      return
    }
    let fields = try place.fields(["member", "expires"])
    member = try scope.member(try fields.required("member"))
    expires = try fields["expires"]?.integer(0...86_400) ?? 3_600
  }

  var text: String { "\(member) registers for \(expires) s" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.forgetRegistration(member)
    script.commands.append(.register(member, expires: expires))
    return .done
  }
}

/// `unregister: pbx`
struct UnregisterStep: Step {
  static let keyword = "unregister"
  static let summary = "A member removes its binding: REGISTER with Expires 0."

  private let member: String

  init(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem) { member = try scope.member(place) }

  var text: String { "\(member) unregisters" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.forgetRegistration(member)
    script.commands.append(.register(member, expires: 0))
    return .done
  }
}
