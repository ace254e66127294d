import SansIO

/// What happens to a member's host as a whole.
public enum HostAct: Hashable, Sendable {
  /// It does nothing: packets wait in its sockets, timers are late. nil = until it goes on by a step.
  case pause(for: Duration?)
  /// It goes on, with all that has waited at once.
  case goOn
  /// Its program dies: the state is lost, its ports are closed, its connections are reset.
  case crash
  /// Its program is started again and knows nothing of before.
  case restart
  /// Its clocks are fast by so many millionths of real time; below 0 slow.
  case drift(millionths: Int)
  /// Its wall clock is set forward; below 0 back. Timers and media do not depend on it.
  case step(Duration)
}

/// `pause: pbx`, `pause: { who: pbx, for: 3 s }`
struct PauseStep: FieldStep {
  static let keyword = "pause"
  static let summary = """
    A member's host stands still, as a process that is stopped: its connections stay up, what comes waits in its sockets, and its timers \
    are late. When it goes on, it catches up with all of it at once.
    """
  static let examples = ["pause: pbx", "pause: { who: pbx, for: 3 s }"]
  private static let who = Key.required("who", .member, "Whose host.")
  private static let duration = Key.optional("for", .duration, "How long; until `unpause` when missing.")
  static let mapping = MappingShape([who, duration], bare: "who")

  private let member: String
  private let duration: Duration?

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (member, duration) = (try fields[Self.who], try fields[Self.duration])
  }

  var text: String { "\(member) stands still\(duration.map { " for \($0)" } ?? "")" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.commands.append(.host(member, .pause(for: duration)))
    return .done
  }
}

/// `unpause: pbx`
struct UnpauseStep: FieldStep {
  static let keyword = "unpause"
  static let summary = "A member's host goes on after `pause`."
  static let examples = ["unpause: pbx"]
  private static let who = Key.required("who", .member, "Whose host.")
  static let mapping = MappingShape([who], bare: "who")
  private let member: String

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) { member = try fields[Self.who] }

  var text: String { "\(member) goes on" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.commands.append(.host(member, .goOn))
    return .done
  }
}

/// `crash: pbx`
struct CrashStep: FieldStep {
  static let keyword = "crash"
  static let summary = """
    A member's program dies without a word: its state is lost, and its ports are closed. Its TCP connections are reset, and what is sent \
    to it is answered by ICMP port unreachable or RST, as by a machine on which nobody listens. Its legs are over.
    """
  static let examples = ["crash: kallglot"]
  private static let who = Key.required("who", .member, "Whose program.")
  static let mapping = MappingShape([who], bare: "who")
  private let member: String

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) { member = try fields[Self.who] }

  var text: String { "\(member) crashes" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.crash(member, at: now)
    script.commands.append(.host(member, .crash))
    return .done
  }
}

/// `restart: kallglot`
struct RestartStep: FieldStep {
  static let keyword = "restart"
  static let summary = """
    A member's program is started again, after `crash` or at once: it has its configuration and nothing else. Dialogs, bindings and \
    connections of before are unknown to it.
    """
  static let examples = ["restart: kallglot"]
  private static let who = Key.required("who", .member, "Whose program.")
  static let mapping = MappingShape([who], bare: "who")
  private let member: String

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) { member = try fields[Self.who] }

  var text: String { "\(member) is started again" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.crash(member, at: now)
    script.commands.append(.host(member, .restart))
    return .done
  }
}

/// `clock: { of: pbx, drift: 100 ppm }`, `clock: { of: kallglot, step: 1 h }`
struct ClockStep: FieldStep {
  static let keyword = "clock"
  static let summary = """
    A member's clock goes wrong: `fast` or `slow` runs all of it, timers and media too, at another rate; `ahead` or `back` sets its wall \
    clock alone (the time of day in certificates, in RTCP and in logs), as NTP or an administrator does.
    """
  static let examples = ["clock: { of: pbx, fast: 200 }", "clock: { of: kallglot, ahead: 1 h }"]
  private static let of = Key.required("of", .member, "Whose clock.")
  private static let fast = Key.optional("fast", .integer(0...100_000), "By how many millionths (ppm) it is fast from now on.")
  private static let slow = Key.optional("slow", .integer(0...100_000), "By how many millionths (ppm) it is slow from now on.")
  private static let ahead = Key.optional("ahead", .duration, "How far the wall clock is set forward.")
  private static let back = Key.optional("back", .duration, "How far the wall clock is set back.")
  static let mapping = MappingShape([of, fast, slow, ahead, back], exactlyOneOf: [["fast", "slow", "ahead", "back"]])

  private let member: String
  private let act: HostAct

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    member = try fields[Self.of]
    if let fast = try fields[Self.fast] {
      act = .drift(millionths: fast)
    } else if let slow = try fields[Self.slow] {
      act = .drift(millionths: -slow)
    } else if let ahead = try fields[Self.ahead] {
      act = .step(ahead)
    } else {
      act = .step(.zero - (try fields[Self.back] ?? .zero))
    }
  }

  var text: String {
    switch act {
    case .drift(let millionths): "\(member)'s clock is \(millionths < 0 ? "slow" : "fast") by \(abs(millionths)) ppm"
    case .step(let step): "\(member)'s wall clock is set \(step < .zero ? "back by \(.zero - step)" : "forward by \(step)")"
    case .pause, .goOn, .crash, .restart: "\(member)'s clock"
    }
  }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.commands.append(.host(member, act))
    return .done
  }
}
