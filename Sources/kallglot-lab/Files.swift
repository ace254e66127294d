import Foundation
import Reports
import ScenarioEngine
import ScenarioModel

/// The reports that a user named files for.
struct RunReports {
  let json: String?
  let junit: String?

  /// Before a run: whoever waited for hours is not told then that there was no place for the report.
  func prepare() throws { for path in [junit, json].compactMap(\.self) { try Output.makeRoom(for: path) } }

  func write(_ record: RunRecord) throws {
    if let junit { try Output.write(JUnitReport.document(record), to: junit) }
    if let json { try Output.write(JSONReport.document(record), to: json) }
  }
}

/// Files that a user named for us to read.
enum Input {
  static func data(of path: String) throws -> Data {
    do { return try Data(contentsOf: URL(filePath: path)) } catch {
      throw Complaint("the file \(path) cannot be read: \(FileFailure.reason(error))")
    }
  }
}

/// Files that a user named for us to write.
enum Output {
  static func makeFolder(_ path: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw Complaint("the folder \(path) cannot be made: \(FileFailure.reason(error))")
    }
  }

  /// A folder for each, also when two have one name.
  static func folders(of scenarios: [Scenario], in out: String) -> [String] {
    var taken: [String: Int] = [:]
    return scenarios.map { scenario in
      let count = taken[scenario.folderName, default: 0] + 1
      taken[scenario.folderName] = count
      return "\(out)/\(scenario.folderName)\(count == 1 ? "" : "-\(count)")"
    }
  }

  /// Makes the folder of a file that will be written.
  static func makeRoom(for path: String) throws {
    let folder = (path as NSString).deletingLastPathComponent
    if !folder.isEmpty { try makeFolder(folder) }
    guard FileManager.default.isWritableFile(atPath: folder.isEmpty ? "." : folder) else {
      throw Complaint("the file \(path) cannot be written: its folder cannot be written to")
    }
  }

  static func write(_ text: String, to path: String) throws {
    try makeRoom(for: path)
    do {
      try text.write(toFile: path, atomically: true, encoding: .utf8)
    } catch {
      throw Complaint("the file \(path) cannot be written: \(FileFailure.reason(error))")
    }
  }

  /// Adds to a file, which is made when it is not there.
  static func append(_ text: String, to path: String) throws {
    guard let file = fopen(path, "a") else {
      throw Complaint("the file \(path) cannot be written: \(String(cString: strerror(errno)))")
    }
    let written = fputs(text, file)
    guard fclose(file) == 0, written >= 0 else {
      throw Complaint("the file \(path) cannot be written: \(String(cString: strerror(errno)))")
    }
  }
}
