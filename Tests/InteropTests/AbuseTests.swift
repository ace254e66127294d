import Foundation
import Testing

/// A twentieth of `make abuse`.
@Suite struct AbuseTests {
  @Test(.enabled(if: Abuse.canHaveNetwork, "no network namespace can be made here (unshare)"))
  func `storms of broken messages, connections and calls leave serve well: calls go through, nothing stays behind`() async throws {
    let result = try await program(
      Abuse.program, ["--program", Place.lab, "--fixtures", "\(Place.root)/fixtures", "--scale", "0.05", "--settle", "1"])
    #expect(result.code == 0, "\(result.output)")
    let storms = result.output.split(separator: "\n").filter { $0.hasPrefix("well ") }
    #expect(storms.count == 7, "\(result.output)")
  }
}

enum Abuse {
  static let program = URL(fileURLWithPath: Place.lab).deletingLastPathComponent().appendingPathComponent("lab-abuse").path

  /// Root may make a network; others where the system lets users have namespaces.
  static let canHaveNetwork: Bool = {
    let unshare = Process()
    unshare.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
    unshare.arguments = [geteuid() == 0 ? "-n" : "-rn", "--", "/bin/true"]
    unshare.standardError = FileHandle.nullDevice
    guard (try? unshare.run()) != nil else { return false }
    unshare.waitUntilExit()
    return unshare.terminationStatus == 0
  }()
}
