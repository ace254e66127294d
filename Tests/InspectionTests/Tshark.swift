import Foundation
import SansIO
import Testing

@testable import lab_foreign

typealias Tshark = lab_foreign.Tshark
typealias Folder = lab_foreign.Folder

extension Tshark {
  static let isRequired = (ProcessInfo.processInfo.environment["LAB_REQUIRE_PEERS"] ?? "").split(separator: ",").contains {
    $0.filter { $0 != " " } == "tshark"
  }
  /// True when its tests run: it is there, or its absence has to fail them.
  static var runs: Bool { isInstalled || isRequired }
  static let reason: Comment = "tshark is not installed (Debian package tshark); LAB_REQUIRE_PEERS=tshark would make this a failure"
}

extension Folder {
  func write(_ bytes: Bytes, to name: String) -> String {
    _ = FileManager.default.createFile(atPath: file(name), contents: Data(bytes))
    return file(name)
  }
}
