import WireReader

/// Something that is wrong in a capture, or worth knowing, in plain words.
public struct InspectionFinding: Hashable, Sendable {
  public enum Severity: String, Hashable, Sendable, Comparable {
    /// A rule is broken in bytes that the capture shows.
    case error
    /// Probably a fault; the capture alone does not prove it.
    case warning
    case note

    private var weight: Int {
      switch self {
      case .error: 0
      case .warning: 1
      case .note: 2
      }
    }

    public static func < (left: Severity, right: Severity) -> Bool { left.weight < right.weight }
  }

  /// The check's name: stable, for programs.
  public var check: String
  public var severity: Severity
  /// The section that says so; "" where it is no rule of a standard.
  public var rule: String
  public var text: String
  public var frame: Int
  public var callID: String?
  /// How many frames show the same.
  public var count = 1

  public init(_ check: String, _ severity: Severity, _ rule: String, _ text: String, frame: Int, callID: String? = nil) {
    self.check = check
    self.severity = severity
    self.rule = rule
    self.text = text
    self.frame = frame
    self.callID = callID
  }
}

/// Collects findings; the same text about the same Call-ID is counted, not repeated.
struct FindingCollector {
  private struct Identity: Hashable {
    var check: String
    var text: String
    var callID: String?
  }

  /// Findings that are kept one by one.
  private static let capacity = 2_000

  private var index: [Identity: Int] = [:]
  private(set) var list: [InspectionFinding] = []
  private(set) var leftOut = 0

  mutating func add(_ finding: InspectionFinding) {
    let identity = Identity(check: finding.check, text: finding.text, callID: finding.callID)
    if let known = index[identity] {
      list[known].count += 1
      return
    }
    guard list.count < Self.capacity else {
      leftOut += 1
      return
    }
    index[identity] = list.count
    list.append(finding)
  }

  mutating func add(_ findings: [InspectionFinding]) { for finding in findings { add(finding) } }

  /// In the order of the frames.
  var sorted: [InspectionFinding] {
    list.enumerated().sorted { ($0.element.frame, $0.offset) < ($1.element.frame, $1.offset) }.map(\.element)
  }
}
