import Capture
import Decryption
import Impairments
import SansIO
import ScenarioModel

/// One scenario in virtual time with its captures and its journal.
public enum VirtualRun {
  /// Runs the scenario.
  ///
  /// - Parameters:
  ///   - folder: gets a pcapng a host, its clear twin where it has TLS or SRTP, and `journal.ndjson`; nil = nothing is written.
  ///   - keepsSecrets: whether the captures have their secrets and twins.
  ///   - fates: where what becomes of packets on impaired links comes from; recorded ones are in the result.
  ///   - observers: see every packet and record of the run besides.
  public static func run(
    _ scenario: Scenario, seed: UInt64, folder: String? = nil, keepsSecrets: Bool = true, fates: FateUse = .drawn,
    observers: [any JournalSink] = []
  ) -> ScenarioResult {
    guard scenario.isReadable else {
      return couldNotRun(scenario, seed: seed, scenario.mistakes.map(\.description).joined(separator: "\n"))
    }
    let scenario = RunRecordings.prepared(scenario, folder: folder)
    let started = ContinuousClock.now
    let captures = folder.map { RunCaptures(folder: $0, keepsSecrets: keepsSecrets) }
    let journal = folder.map { JournalFile(path: "\($0)/journal.ndjson") }
    let sinks: [any JournalSink] = (captures?.sinks ?? []) + (journal.map { [$0] } ?? [])
    var result: ScenarioResult
    do {
      let stage = try VirtualStage(scenario, seed: seed, fates: fates, sinks: sinks + observers)
      result = stage.run()
      if case .recorded = fates { result.fates = stage.fates }
    } catch let failure as StageFailure {
      result = couldNotRun(scenario, seed: seed, failure.reason)
      result.verdict = failure.verdict
    } catch {
      result = couldNotRun(scenario, seed: seed, "\(error)")
    }
    captures?.writeTwins()
    if let failure = RunRecordings.write(scenario, folder: folder) { result = couldNotRun(scenario, seed: seed, failure) }
    if let failure = captures?.failure ?? journal?.failure { result = couldNotRun(scenario, seed: seed, "\(failure)") }
    result.folder = folder
    result.captures = captures?.paths ?? []
    result.elapsed = ContinuousClock.now - started
    return result
  }

  private static func couldNotRun(_ scenario: Scenario, seed: UInt64, _ reason: String) -> ScenarioResult {
    ScenarioResult(
      name: scenario.name, file: scenario.file, summary: scenario.summary, proves: scenario.proves, seed: seed, verdict: .couldNotRun,
      reason: reason)
  }
}
