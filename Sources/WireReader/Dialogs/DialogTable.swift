import SIPMessage
import SansIO

/// The conversations of a capture by Call-ID. Finished OPTIONS are folded into their statistics, so that keep-alives of days cost nothing.
public struct DialogTable {
  private var byCallID: [String: Conversation] = [:]
  private var order: [Conversation] = []
  private var finishedPings: [String] = []
  public private(set) var pings = PingTable()
  public private(set) var registrations = RegistrationTable()
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

  public var conversations: [Conversation] { order.filter { $0.kind != .options || byCallID[$0.callID] === $0 } }

  private let keeps: Keeping

  public init(filter: String? = nil, mostConversations: Int = 50_000, keeps: Keeping = .everything) {
    self.filter = filter
    self.keeps = keeps
    self.mostConversations = mostConversations
  }

  private func isWanted(_ callID: String) -> Bool { filter.map { callID.contains($0) } ?? false }

  public mutating func take(_ message: ObservedMessage) -> (conversation: Conversation, repetition: Int) {
    let conversation = byCallID[message.callID] ?? make(message)
    let repetition = conversation.take(message)
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
    for conversation in order where conversation.kind == .options && byCallID[conversation.callID] === conversation {
      pings.unanswered(conversation)
    }
    return pings
  }

  /// Numbers of the conversations that are kept.
  var live: Set<Int> { Set(order.map(\.number)) }

  /// Takes out what is over.
  /// - Parameter heard: when a conversation's streams had their last packet, by its number.
  mutating func release(at now: Int64, heard: [Int: Int64], to ended: inout Ended) {
    let bound = registrations.bound(at: now - Keeping.copies)
    var gone: Set<Int> = []
    for conversation in order {
      if conversation.isOver(at: now, heard: heard[conversation.number] ?? .min, isBound: bound.contains(conversation.number)) {
        gone.insert(conversation.number)
        if byCallID[conversation.callID] === conversation {
          if conversation.kind == .options { pings.unanswered(conversation) }
          byCallID[conversation.callID] = nil
        }
        if conversation.kind != .options { ended.conversations.append(conversation) }
      } else {
        conversation.thin(at: now)
      }
    }
    ended.pings = pings.release(before: now - Keeping.pings)
    guard !gone.isEmpty else { return }
    order.removeAll { gone.contains($0.number) }
    finishedPings.removeAll { byCallID[$0] == nil }
    ended.registrations = registrations.release(gone)
  }

  private mutating func make(_ message: ObservedMessage) -> Conversation {
    if order.count >= mostConversations { forget(mostConversations / 10, message.stamp) }
    created += 1
    if isWanted(message.callID) { matching += 1 }
    let conversation = Conversation(message, number: created, mostRows: keeps == .live ? Conversation.fewRows : Conversation.mostRows)
    byCallID[message.callID] = conversation
    order.append(conversation)
    return conversation
  }

  /// The oldest, those that somebody asks for last.
  private mutating func forget(_ count: Int, _ now: FrameStamp) {
    var rest = count
    var kept: [Conversation] = []
    kept.reserveCapacity(order.count)
    for conversation in order {
      guard rest > 0, !isWanted(conversation.callID) else {
        kept.append(conversation)
        continue
      }
      rest -= 1
      drop(conversation, now)
    }
    for conversation in kept.prefix(rest) { drop(conversation, now) }
    kept.removeFirst(rest)
    order = kept
    forgotten += count
  }

  private mutating func drop(_ conversation: Conversation, _ now: FrameStamp) {
    byCallID[conversation.callID] = nil
    if conversation.kind == .dialog { forgottenOutcomes.take(DialogStory(conversation, end: now).outcome) }
  }

  private mutating func ping(_ conversation: Conversation, _ message: ObservedMessage, _ repetition: Int) {
    guard pings.take(message, repetition, conversation), !isWanted(conversation.callID) else { return }
    finishedPings.append(conversation.callID)
    guard finishedPings.count > 2 * Self.patience else { return }
    let old = Set(finishedPings.prefix(Self.patience))
    finishedPings.removeFirst(Self.patience)
    for callID in old { byCallID[callID] = nil }
    order.removeAll { $0.kind == .options && old.contains($0.callID) }
  }
}
