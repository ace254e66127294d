import ScenarioModel

/// Why a run says nothing about anybody: a command that could not be carried out, or a stage that spoiled what it should only have watched.
public struct StageFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// What becomes of the run.
  public let verdict: Verdict
  public let reason: String

  private init(_ verdict: Verdict, _ reason: String) { (self.verdict, self.reason) = (verdict, reason) }

  /// The harness itself broke; nothing is said about the peer.
  public static func void(_ reason: String) -> StageFailure { StageFailure(.void, reason) }

  /// Something that the run needs is missing here.
  public static func couldNotRun(_ reason: String) -> StageFailure { StageFailure(.couldNotRun, reason) }

  /// The scenario asks for what this stage does not have.
  public static func notApplicable(_ reason: String) -> StageFailure { StageFailure(.notApplicable, reason) }

  public var description: String { reason }
}
