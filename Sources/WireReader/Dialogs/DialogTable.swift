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

  /// Conversations that are kept; the oldest are forgotten for more, and said to be.
  private static let mostConversations = 50_000
  public private(set) var forgotten = 0

  /// Finished OPTIONS whose copies may still come.
  private static let patience = 512

  public var conversations: [Conversation] { order.filter { $0.kind != .options || byCallID[$0.callID] === $0 } }

  public mutating func take(_ message: ObservedMessage) -> (conversation: Conversation, repetition: Int) {
    let conversation = byCallID[message.callID] ?? make(message)
    let repetition = conversation.take(message)
    if conversation.kind == .options { ping(conversation, message, repetition) }
    if message.cseq.method == .register { registrations.take(message, repetition, conversation) }
    return (conversation, repetition)
  }

  public mutating func finish() {
    for conversation in order where conversation.kind == .options && byCallID[conversation.callID] === conversation {
      pings.unanswered(conversation)
    }
  }

  private mutating func make(_ message: ObservedMessage) -> Conversation {
    if order.count >= Self.mostConversations {
      for old in order.prefix(Self.mostConversations / 10) { byCallID[old.callID] = nil }
      order.removeFirst(Self.mostConversations / 10)
      forgotten += Self.mostConversations / 10
    }
    created += 1
    let conversation = Conversation(message, number: created)
    byCallID[message.callID] = conversation
    order.append(conversation)
    return conversation
  }

  private mutating func ping(_ conversation: Conversation, _ message: ObservedMessage, _ repetition: Int) {
    guard pings.take(message, repetition, conversation) else { return }
    finishedPings.append(conversation.callID)
    guard finishedPings.count > 2 * Self.patience else { return }
    let old = Set(finishedPings.prefix(Self.patience))
    finishedPings.removeFirst(Self.patience)
    for callID in old { byCallID[callID] = nil }
    order.removeAll { $0.kind == .options && old.contains($0.callID) }
  }
}
