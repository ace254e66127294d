import Foundation
import LabBench
import SansIO
import Testing
import WireReader

@testable import Inspection

extension Packets {
  func report() throws -> InspectionReport { try Inspector().inspect(file) }
}

extension InspectionReport {
  /// The checks that spoke, without notes.
  var accusations: [String] { findings.filter { $0.severity != .note }.map(\.check) }
  func finding(_ check: String) -> InspectionFinding? { findings.first { $0.check == check } }
}
