import SansIO

/// The names that a run can resolve.
public struct NameZone: Sendable {
  private var records: [NameQuestion: [NameRecord]] = [:]
  private var names: Set<String> = []
  private var silent: Set<NameQuestion> = []

  public static let empty = NameZone()

  public init() {}

  public mutating func add(_ name: String, _ kind: NameQuestion.Kind, _ record: NameRecord) {
    records[NameQuestion(name.lowercased(), kind), default: []].append(record)
    names.insert(name.lowercased())
  }

  /// From now on the name service does not answer this question.
  public mutating func addSilence(_ name: String, _ kind: NameQuestion.Kind) {
    silent.insert(NameQuestion(name.lowercased(), kind))
    names.insert(name.lowercased())
  }

  func answer(_ question: NameQuestion) -> NameAnswer {
    let name = question.name.lowercased()
    if silent.contains(NameQuestion(name, question.kind)) { return .noAnswer }
    if let found = records[NameQuestion(name, question.kind)] { return .records(found) }
    return names.contains(name) ? .records([]) : .noSuchName
  }
}
