import FoundationEssentials
import ScenarioModel

/// Writes what the legs of a run heard beside its captures.
public enum RunRecordings {
  /// - Returns: the scenario with a place for its recordings, where they are asked for and there is a folder.
  public static func prepared(_ scenario: Scenario, folder: String?) -> Scenario {
    var scenario = scenario
    scenario.recordings = scenario.recordsAudio && folder != nil ? AudioRecordings() : nil
    return scenario
  }

  /// - Returns: why a file could not be written; nil = all were, or none was asked for.
  public static func write(_ scenario: Scenario, folder: String?) -> String? {
    guard let folder, let recordings = scenario.recordings else { return nil }
    for (name, content) in recordings.files {
      let path = "\(folder)/\(name)"
      do { try Data(content).write(to: URL(filePath: path)) } catch { return "\(path) cannot be written: \(FileFailure.reason(error))" }
    }
    return nil
  }
}
