import Capture
import SansIO
import WireReader

/// Reads capture files of any writer and says what is in them.
///
/// It knows nothing of the stack that sends: what it says of our own packets is an independent reading.
public struct Inspector {
  /// TLS secrets beside those that a capture carries itself.
  private let secrets: [Bytes]
  private let filter: String?

  /// - Parameters:
  ///   - secrets: contents of SSLKEYLOGFILEs.
  ///   - filter: part of the Call-IDs that are asked for: of a capture with more of them than are kept these are, and of findings only
  ///     theirs.
  public init(secrets: [Bytes] = [], filter: String? = nil) {
    self.secrets = secrets
    self.filter = filter
  }

  /// Reads a file, as far as it goes.
  /// - Throws: when it is no capture, or cannot be opened.
  public func inspect(path: String) throws(CaptureReadError) -> InspectionReport { try inspect(ByteInput(path: path), name: path) }

  /// Reads a capture in memory.
  public func inspect(_ bytes: Bytes, name: String = "memory") throws(CaptureReadError) -> InspectionReport {
    try inspect(ByteInput(bytes), name: name)
  }

  private func inspect(_ input: ByteInput, name: String) throws(CaptureReadError) -> InspectionReport {
    let keyLog = KeyLog()
    for text in secrets { keyLog.add(text) }
    var reader = try CaptureReader(input)
    var inspection = CaptureInspection(PassiveReader(path: name, keyLog: keyLog, filter: filter, hearsDigits: true))
    var problem: String?
    var hasItems = false
    do {
      while let item = try reader.next() {
        hasItems = true
        switch item {
        case .packet(let packet): inspection.take(packet)
        case .secrets(let secrets): inspection.reader.takeSecrets(secrets)
        case .interface(let interface): inspection.reader.take(interface)
        case .statistics(let time): inspection.reader.watched(until: time)
        case .other: if item.isNumberedRecord { inspection.reader.takeRecord() }
        }
      }
    } catch {
      if !hasItems, case .version = error.rule { throw error }
      problem = error.description
    }
    inspection.finish(problem: problem)
    return InspectionReport(inspection)
  }
}
