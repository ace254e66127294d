import SIPMessage
import SansIO

/// A record of the zone that a scenario's members resolve names by (RFC 3263).
public struct NameGiven: Sendable, Hashable {
  public var name: String
  public var kind: NameQuestion.Kind
  /// nil = the name service never answers this question.
  public var record: NameRecord?

  public init(_ name: String, _ kind: NameQuestion.Kind, _ value: NameRecord.Value?) {
    (self.name, self.kind, record) = (name, kind, value.map { NameRecord($0) })
  }
}

extension Scenario {
  /// Whether the zone says something of a host: the host itself, or a service of it.
  public func knows(_ host: SIPHost) -> Bool {
    guard case .name(let name) = host, !names.isEmpty else { return false }
    let wanted = name.lowercased()
    return names.contains { $0.name == wanted || $0.name.hasSuffix(".\(wanted)") }
  }
}
