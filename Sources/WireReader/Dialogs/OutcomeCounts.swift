/// How the dialogs of a capture went, counted.
public struct OutcomeCounts {
  public struct Row: Sendable {
    /// ``Outcome/name``.
    public var kind: String
    /// Of a refusal, a redirection or a challenge.
    public var status: Int?
    /// As the first of them has it.
    public var phrase: String
    public var count: Int
  }

  private struct Key: Hashable {
    var kind: String
    var status: Int?
  }

  private var index: [Key: Int] = [:]
  private var list: [Row] = []
  public private(set) var total = 0

  public init() {}

  public mutating func take(_ outcome: Outcome) {
    total += 1
    var (status, phrase): (Int?, String) = (nil, "")
    if case .refused(let code, let text, _, _) = outcome { (status, phrase) = (code, text) }
    if case .redirected(let code, _, _) = outcome { status = code }
    if case .challenged(let code, _) = outcome { status = code }
    let key = Key(kind: outcome.name, status: status)
    if let known = index[key] {
      list[known].count += 1
    } else {
      index[key] = list.count
      list.append(Row(kind: key.kind, status: status, phrase: phrase, count: 1))
    }
  }

  /// The most frequent first; of equals the one that came first.
  public var rows: [Row] { list.enumerated().sorted { ($1.element.count, $0.offset) < ($0.element.count, $1.offset) }.map(\.element) }
}
