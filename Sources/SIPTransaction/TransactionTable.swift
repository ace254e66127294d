import SansIO

/// What a table of transactions has to know of each.
protocol TransactionEntry: AnyObject {
  associatedtype Invite: TransactionMachine
  associatedtype Other: TransactionMachine where Other.Input == Invite.Input, Other.Output == Invite.Output

  var number: UInt32 { get }
  /// Whose timers they are.
  var timerKey: TransactionLayer.Key { get }
  /// What messages find it by.
  var key: BranchKey { get }
  var machine: EitherMachine<Invite, Other> { get }
}

/// The transactions of one side: by their number, and by what messages are matched by (RFC 3261 §17.1.3, §17.2.3).
struct TransactionTable<Entry: TransactionEntry> {
  private var entries = SerialTable<Entry>()
  private var branches = NumberIndex()
  private var last: UInt32 = 0

  var count: Int { entries.count }

  subscript(number: UInt32) -> Entry? { entries[number] }

  func find(_ key: BranchKey) -> Entry? {
    var found: Entry?
    branches.search(hash: key.hash) { number in
      guard let entry = entries[number], entry.key == key else { return false }
      found = entry
      return true
    }
    return found
  }

  /// Adds a transaction under a number that none has had.
  mutating func add(_ make: (UInt32) -> Entry) -> Entry {
    last += 1
    let entry = make(last)
    entries[last] = entry
    branches.insert(last, hash: entry.key.hash)
    return entry
  }

  @discardableResult
  mutating func remove(_ entry: Entry, _ deadlines: inout TransactionLayer.Deadlines) -> Bool {
    guard entries.remove(entry.number) != nil else { return false }
    branches.remove(entry.number)
    deadlines.remove(entry.timerKey)
    return true
  }

  /// After a machine was told something: its next deadline is armed, or it goes because it is over.
  mutating func settle(_ entry: Entry, _ deadlines: inout TransactionLayer.Deadlines) {
    if entry.machine.isOver {
      remove(entry, &deadlines)
    } else {
      deadlines.set(entry.timerKey, at: entry.machine.nextDeadline)
    }
  }
}
