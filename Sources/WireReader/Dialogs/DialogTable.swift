import SIPMessage
import SansIO

/// The conversations of a capture by Call-ID. Finished OPTIONS are folded into their statistics, so that keep-alives of days cost nothing.
public struct DialogTable {
  private var byCallID: [CallID: Conversation] = [:]
  /// In the order they began, behind `spared`. Those before `oldest` were forgotten.
  private var order: [Conversation?] = []
  private var oldest = 0
  /// The oldest that somebody asks for, which outlived younger ones.
  private var spared: [Conversation] = []
  private var finishedPings: [String] = []
  public private(set) var pings = PingTable()
  public private(set) var registrations: RegistrationTable
  private var created = 0
  private var isFinished = false

  /// Conversations that are kept; the oldest are forgotten for more, and said to be.
  private let mostConversations: Int
  public private(set) var forgotten = 0
  /// How the forgotten ones with an INVITE went, as far as they had come.
  public private(set) var forgottenOutcomes = OutcomeCounts()

  /// Part of the Call-IDs that somebody asks for: they are forgotten last.
  public let filter: String?
  /// Call-IDs that have it, of all that were there.
  public private(set) var matching = 0
  /// All Call-IDs that were there.
  public var seen: Int { created }

  /// Finished OPTIONS whose copies may still come.
  private static let patience = 512

  public var conversations: [Conversation] { kept.filter { $0.kind != .options || self[$0.callID] === $0 } }

  private var kept: [Conversation] { spared + order[oldest...].compactMap(\.self) }

  private subscript(callID: String) -> Conversation? {
    get { byCallID[CallID(callID)] }
    set { byCallID[CallID(callID)] = newValue }
  }

  private let keeps: Keeping

  public init(filter: String? = nil, mostConversations: Int = 50_000, keeps: Keeping = .everything) {
    self.filter = filter
    self.keeps = keeps
    self.mostConversations = mostConversations
    registrations = RegistrationTable(filter: filter, mostKept: mostConversations)
  }

  private func isWanted(_ callID: String) -> Bool { filter.map { callID.contains($0) } ?? false }

  mutating func take(_ message: ObservedMessage, _ spellings: Spellings) -> (conversation: Conversation, repetition: Int) {
    let conversation = self[message.callID] ?? make(message, spellings)
    let repetition = conversation.take(message, spellings)
    if conversation.kind == .options { ping(conversation, message, repetition) }
    if message.cseq.method == .register { registrations.take(message, repetition, conversation) }
    return (conversation, repetition)
  }

  public mutating func finish() {
    pings = pingsSoFar
    isFinished = true
  }

  /// The keep-alives with those that are open now as unanswered.
  public var pingsSoFar: PingTable {
    guard !isFinished else { return pings }
    var pings = pings
    for conversation in kept where conversation.kind == .options && self[conversation.callID] === conversation {
      pings.unanswered(conversation)
    }
    return pings
  }

  /// Numbers of the conversations that are kept.
  var live: Set<Int> { Set(kept.map(\.number)) }

  /// Takes out what is over.
  /// - Parameter heard: when a conversation's streams had their last packet, by its number.
  mutating func release(at now: Int64, heard: [Int: Int64], to ended: inout Ended) {
    let bound = registrations.bound(at: now - Keeping.copies)
    var gone: Set<Int> = []
    for conversation in kept {
      if conversation.isOver(at: now, heard: heard[conversation.number] ?? .min, isBound: bound.contains(conversation.number)) {
        gone.insert(conversation.number)
        if self[conversation.callID] === conversation {
          if conversation.kind == .options { pings.unanswered(conversation) }
          self[conversation.callID] = nil
        }
        if conversation.kind != .options { ended.conversations.append(conversation) }
      } else {
        conversation.thin(at: now)
      }
    }
    ended.pings = pings.release(before: now - Keeping.pings)
    guard !gone.isEmpty else { return }
    takeOut { gone.contains($0.number) }
    finishedPings.removeAll { byCallID[CallID($0)] == nil }
    ended.registrations = registrations.release(gone)
  }

  private mutating func make(_ message: ObservedMessage, _ spellings: Spellings) -> Conversation {
    if spared.count + order.count - oldest >= mostConversations { forgetOldest(message.stamp) }
    created += 1
    if isWanted(message.callID) { matching += 1 }
    let conversation = Conversation(
      message, number: created, mostRows: keeps == .live ? Conversation.fewRows : Conversation.mostRows, spellings)
    self[message.callID] = conversation
    order.append(conversation)
    return conversation
  }

  /// One for each that comes, so that its memory is used again at once; those that somebody asks for last.
  private mutating func forgetOldest(_ now: FrameStamp) {
    forgotten += 1
    while oldest < order.count {
      let conversation = order[oldest].take()
      oldest += 1
      guard let conversation else { continue }
      guard isWanted(conversation.callID) else {
        // Half of the list is enough to move at a time.
        if oldest > order.count / 2 {
          order.removeFirst(oldest)
          oldest = 0
        }
        return drop(conversation, now)
      }
      spared.append(conversation)
    }
    drop(spared.removeFirst(), now)
  }

  private mutating func drop(_ conversation: Conversation, _ now: FrameStamp) {
    self[conversation.callID] = nil
    if conversation.kind == .dialog { forgottenOutcomes.take(DialogStory(conversation, end: now).outcome) }
  }

  private mutating func takeOut(_ isGone: (Conversation) -> Bool) {
    order = order[oldest...].filter { $0.map { !isGone($0) } ?? false }
    oldest = 0
    spared.removeAll(where: isGone)
  }

  private mutating func ping(_ conversation: Conversation, _ message: ObservedMessage, _ repetition: Int) {
    guard pings.take(message, repetition, conversation), !isWanted(conversation.callID) else { return }
    finishedPings.append(conversation.callID)
    guard finishedPings.count > 2 * Self.patience else { return }
    let old = Set(finishedPings.prefix(Self.patience))
    finishedPings.removeFirst(Self.patience)
    for callID in old { self[callID] = nil }
    takeOut { $0.kind == .options && old.contains($0.callID) }
  }
}

/// A Call-ID with its number, which is quicker to look up than text.
private struct CallID: Hashable {
  let text: String
  private let hash: UInt64

  init(_ text: String) {
    var text = text
    hash = text.withUTF8 { ByteHash.of(UnsafeRawBufferPointer($0)) }
    self.text = text
  }

  static func == (one: CallID, other: CallID) -> Bool { one.hash == other.hash && one.text == other.text }

  func hash(into hasher: inout Hasher) { hasher.combine(hash) }
}
