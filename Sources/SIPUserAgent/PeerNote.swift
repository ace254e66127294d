import SansIO

/// Something lawful that a peer asked for and that this side answers in its own way: worth a line in the log, and nobody's mistake.
public struct PeerNote: Hashable, Sendable {
  public enum Subject: String, Hashable, Sendable, CaseIterable {
    /// The `maddr` of a Via names another host than the one that the request came from.
    case responseAddress = "via-maddr"
  }

  public var subject: Subject
  /// What was seen, and what was done.
  public var detail: String

  public init(_ subject: Subject, _ detail: String) {
    self.subject = subject
    self.detail = detail
  }
}

extension PeerNote: CustomStringConvertible {
  public var description: String { "\(subject.rawValue): \(detail)" }
}

extension PeerNote {
  public func writeFields(to json: inout JSONWriter) {
    json.member("subject", subject.rawValue)
    json.member("detail", detail)
  }
}
