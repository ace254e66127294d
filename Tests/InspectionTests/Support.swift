import Foundation
import LabBench
import LabTesting
import SansIO
import ScenarioModel
import Testing
import WireReader

@testable import Inspection

/// The repository's scenarios, read once: they are many.
enum Library {
  static let scenarios = Result {
    let root = (0..<3).reduce(URL(fileURLWithPath: #filePath)) { place, _ in place.deletingLastPathComponent() }
    return try ScenarioSuite("\(root.path)/scenarios").scenarios
  }
}

extension Packets {
  func report() throws -> InspectionReport { try Inspector().inspect(file) }
}

extension InspectionReport {
  /// The checks that spoke, without notes.
  var accusations: [String] { findings.filter { $0.severity != .note }.map(\.check) }
  func finding(_ check: String) -> InspectionFinding? { findings.first { $0.check == check } }
}

extension Packets {
  /// A capture in which a rule is broken: it is named with the frame that shows it and the host that broke it.
  func expect(
    _ check: String, frame: Int, by host: IPAddress?, _ severity: InspectionFinding.Severity? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let findings = try report().findings
    let found = try #require(findings.first { $0.check == check }, "\(findings)", sourceLocation: sourceLocation)
    #expect(found.frame == frame && found.blamed?.address == host, "\(found)", sourceLocation: sourceLocation)
    #expect(found.severity == severity ?? found.breach.severity, "\(found)", sourceLocation: sourceLocation)
  }

  /// A healthy neighbour: no error and no warning, and nothing of this rule.
  func expectNo(_ check: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let findings = try report().findings
    #expect(!findings.contains { $0.check == check }, "\(findings)", sourceLocation: sourceLocation)
    #expect(findings.allSatisfy { $0.severity == .note }, "\(findings)", sourceLocation: sourceLocation)
  }
}

extension Bytes {
  /// A message with other words in it, and the Content-Length of its body.
  func replacing(_ old: String, _ new: String) -> Bytes {
    let parts = text.replacing(old, with: new).components("\r\n\r\n")
    let body = parts.dropFirst().joined(separator: "\r\n\r\n")
    let head = parts[0].components("\r\n").map { $0.hasPrefix("Content-Length:") ? "Content-Length: \(body.utf8.count)" : $0 }
    return Bytes(head.joined(separator: "\r\n") + "\r\n\r\n" + body)
  }
}
