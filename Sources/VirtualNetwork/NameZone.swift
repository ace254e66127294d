import SansIO

/// The names that a run can resolve.
public struct NameZone: Sendable {
  private var records: [NameQuestion: [NameRecord]] = [:]
  private var names: Set<String> = []

  public static let empty = NameZone()

  public init() {}

  public mutating func add(_ name: String, _ kind: NameQuestion.Kind, _ record: NameRecord) {
    records[NameQuestion(name.lowercased(), kind), default: []].append(record)
    names.insert(name.lowercased())
  }

  func answer(_ question: NameQuestion) -> NameAnswer {
    let name = question.name.lowercased()
    if let found = records[NameQuestion(name, question.kind)] { return .records(found) }
    return names.contains(name) ? .records([]) : .noSuchName
  }
}
