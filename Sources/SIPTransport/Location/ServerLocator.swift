import SIPMessage
import SansIO

/// The searches of one host that wait for the name service, and for whom each is.
public struct ServerLocator<Owner: Sendable> {
  /// What came of a search.
  public enum Location: Hashable, Sendable {
    /// In the order in which they are tried; never empty.
    case found([SIPTarget])
    case failed(String)
  }

  private struct Entry {
    var search: ServerSearch
    let owner: Owner
  }

  private let means: ServerSearch.Means
  private var entropy: Entropy
  private var entries: [UInt32: Entry] = [:]
  private var questions: [QueryID: (entry: UInt32, question: NameQuestion)] = [:]
  private var last: UInt32 = 0
  private var lastQuery: UInt32

  /// - Parameter firstQuery: its questions are numbered from behind it; two locators of one host have ranges of their own.
  public init(_ means: ServerSearch.Means, _ entropy: Entropy, firstQuery: UInt32 = 0) {
    (self.means, self.entropy, lastQuery) = (means, entropy, firstQuery)
  }

  /// Searches that wait.
  public var count: Int { entries.count }

  /// Whether an answer is to a question of this locator.
  public func owns(_ query: QueryID) -> Bool { questions[query] != nil }

  /// Begins a search; what came of it where nothing had to be asked.
  public mutating func locate(_ uri: SIPURI, for owner: Owner, _ out: inout Outbox) -> (Owner, Location)? {
    let (search, outputs) = ServerSearch.begin(uri, means)
    last += 1
    entries[last] = Entry(search: search, owner: owner)
    return carryOut(outputs, last, &out)
  }

  /// The name service answered; what came of the search that asked, where it is over.
  public mutating func receive(_ answer: NameAnswer, _ query: QueryID, _ out: inout Outbox) -> (Owner, Location)? {
    guard let (number, question) = questions.removeValue(forKey: query), var entry = entries[number] else { return nil }
    let outputs = entry.search.receive(answer, to: question, using: &entropy)
    entries[number] = entry
    return carryOut(outputs, number, &out)
  }

  private mutating func carryOut(_ outputs: [ServerSearch.Output], _ number: UInt32, _ out: inout Outbox) -> (Owner, Location)? {
    for output in outputs {
      switch output {
      case .ask(let question):
        lastQuery += 1
        questions[QueryID(lastQuery)] = (number, question)
        out.resolve(QueryID(lastQuery), question)
      case .found(let targets): return entries.removeValue(forKey: number).map { ($0.owner, .found(targets)) }
      case .failed(let reason): return entries.removeValue(forKey: number).map { ($0.owner, .failed(reason)) }
      }
    }
    return nil
  }
}
