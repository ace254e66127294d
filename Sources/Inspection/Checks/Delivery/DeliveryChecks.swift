import Capture
import Rules
import SIPMessage
import SansIO
import WireReader

/// What the network says of packets that did not arrive: the reason of what is not answered, or not heard.
enum DeliveryChecks {
  static func examine(_ table: DeliveryTable, _ judgement: Subjects) -> [InspectionFinding] {
    let signalling = Signalling(table.undelivered, judgement.conversations)
    return table.undelivered.compactMap { unreachable($0, signalling, judgement) }
      + table.refused.compactMap { refused($0, table, judgement) }
      + table.unanswered.compactMap { silent($0, table, judgement) } + table.names.misses.compactMap { missing($0, table, judgement) }
  }

  /// What there is to be delivered.
  struct Subjects {
    var conversations: [Conversation]
    var stories: [Int: DialogStory]
    var streams: StreamIndex
  }

  // MARK: - ICMP

  private static func unreachable(
    _ found: DeliveryTable.Undelivered, _ signalling: Signalling, _ subjects: Subjects
  ) -> InspectionFinding? {
    if let (conversation, transaction, isResponse) = signalling[found] {
      let what = isResponse ? "the response to \(transaction.method.token)" : transaction.method.token
      let isUnanswered = isResponse || transaction.responses.isEmpty
      return finding(found, what, conversation.callID, isUnanswered ? .error : .note)
    }
    if let finding = media(found, subjects) { return finding }
    guard found.error.protocolNumber == 17, [5_060, 5_061].contains(found.error.destination.port) else { return nil }
    return finding(found, "a packet", nil, .warning)
  }

  /// Whose requests and responses went the ways of what did not arrive; a capture may have a hundred thousand others.
  private struct Signalling {
    typealias Exchange = (conversation: Conversation, transaction: ObservedTransaction)
    private struct Way: Hashable {
      var source: TransportAddress
      var destination: TransportAddress
    }

    private var exchanges: [Way: [Exchange]] = [:]

    init(_ undelivered: [DeliveryTable.Undelivered], _ conversations: [Conversation]) {
      guard !undelivered.isEmpty else { return }
      let ways = Set(undelivered.map { Way(source: $0.error.source, destination: $0.error.destination) })
      for conversation in conversations {
        for transaction in conversation.transactions {
          let there = Way(source: transaction.source, destination: transaction.destination)
          let back = Way(source: transaction.destination, destination: transaction.source)
          if ways.contains(there) { exchanges[there, default: []].append((conversation, transaction)) }
          if ways.contains(back) { exchanges[back, default: []].append((conversation, transaction)) }
        }
      }
    }

    /// Whose request, or response, was sent last before the error.
    subscript(found: DeliveryTable.Undelivered) -> (Conversation, ObservedTransaction, isResponse: Bool)? {
      let known = exchanges[Way(source: found.error.source, destination: found.error.destination)] ?? []
      let sent = known.compactMap { exchange -> (Exchange, frame: Int, isResponse: Bool)? in
        let isResponse = exchange.transaction.source != found.error.source
        let stamps = isResponse ? exchange.transaction.responses.map(\.first) : [exchange.transaction.request].compactMap(\.self)
        return stamps.last { $0.frame < found.first.frame }.map { (exchange, $0.frame, isResponse) }
      }
      return sent.max { $0.frame < $1.frame }.map { ($0.0.conversation, $0.0.transaction, $0.isResponse) }
    }
  }

  /// RTP that nobody takes while the call is up. Before the answer a port may not be open yet, and after the end it is closed.
  private static func media(_ found: DeliveryTable.Undelivered, _ subjects: Subjects) -> InspectionFinding? {
    let streams = subjects.streams.to(found.error.destination).filter { $0.key.source == found.error.source }
    guard let stream = streams.first else { return nil }
    let story = stream.conversations.lazy.compactMap { subjects.stories[$0] }.first
    guard found.count >= 2, isDuringCall(found, story) else { return nil }
    let what = "RTP" + (found.count > 1 ? ", " + Words.count(found.count, "packet") + " of it," : "")
    return finding(found, what, story?.conversation.callID, .error)
  }

  private static func isDuringCall(_ found: DeliveryTable.Undelivered, _ story: DialogStory?) -> Bool {
    guard let story, let answered = story.success?.first else { return true }
    let end = story.bye?.request
    return found.last.since(answered) > 1_000_000_000 && (end.map { found.first.frame < $0.frame } ?? true)
  }

  private static func finding(
    _ found: DeliveryTable.Undelivered, _ what: String, _ callID: String?, _ severity: InspectionFinding.Severity
  ) -> InspectionFinding {
    let error = found.error
    let who = error.reporter == error.destination.address ? "\(error.reporter) itself" : "\(error.reporter)"
    let times = found.count > 1 ? " \(Words.times(found.count))" : ""
    return InspectionFinding(
      .icmpUnreachable, severity, Rule.icmpUnreachable.section,
      "\(what) from \(error.source) to \(error.destination) did not arrive: \(who) says '\(error.kind)'\(times) (ICMP): \(why(error))",
      frame: found.first.frame, callID: callID)
  }

  private static func why(_ error: ICMPError) -> String {
    switch error.kind {
    case .portUnreachable: "nothing listens there"
    case .protocolUnreachable: "the host does not speak \(error.protocolNumber == 17 ? "UDP" : "TCP")"
    case .hostUnreachable: "the host is down, or not in its network"
    case .networkUnreachable: "there is no route"
    case .prohibited: "a filter rejects it"
    case .timeToLiveExceeded: "it went in a circle, or over too many hops"
    case .packetTooBig: "it is larger than the path takes, and may not be fragmented"
    case .other: "the way does not take it"
    }
  }

  // MARK: - TCP

  private static let ports = 5_060...5_091

  /// Whether a connection was for SIP: by its port, or by whom the capture has SIP with.
  private static func isForSIP(_ server: TransportAddress, _ conversations: [Conversation]) -> Bool {
    ports.contains(Int(server.port))
      || conversations.contains { $0.transactions.contains { $0.destination == server || $0.source == server } }
  }

  private static func refused(_ opening: DeliveryTable.Opening, _ table: DeliveryTable, _ subjects: Subjects) -> InspectionFinding? {
    guard isForSIP(opening.server, subjects.conversations), let refusal = opening.refusal else { return nil }
    let times = opening.attempts > 1 ? " \(Words.times(opening.attempts))" : ""
    let other = table.accepting.contains(opening.server) ? "it accepted others" : "nothing listens there"
    return InspectionFinding(
      .connectionRefused, table.accepting.contains(opening.server) ? .warning : .error, Rule.connectionRefused.section,
      "a TCP connection from \(opening.client.address) to \(opening.server) is refused\(times) (RST): \(other)", frame: refusal.frame,
      blamed: opening.server)
  }

  /// Three SYNs are seven seconds on most systems: that long nobody waits for an answer.
  private static func silent(_ opening: DeliveryTable.Opening, _ table: DeliveryTable, _ subjects: Subjects) -> InspectionFinding? {
    guard opening.attempts >= 3, isForSIP(opening.server, subjects.conversations), !table.accepting.contains(opening.server) else {
      return nil
    }
    return InspectionFinding(
      .connectionRefused, .warning, Rule.connectionRefused.section,
      "a TCP connection from \(opening.client.address) to \(opening.server) is not answered: SYN was sent "
        + "\(Words.times(opening.attempts)); a filter on the way, or no such host", frame: opening.first.frame)
  }

  // MARK: - DNS

  private static func missing(_ miss: NameTable.Miss, _ table: DeliveryTable, _ subjects: Subjects) -> InspectionFinding? {
    let isAsked = miss.isOfSIP || miss.kind != .srv && table.names.misses.contains { $0.isOfSIP && $0.domain == miss.name }
    guard isAsked else { return nil }
    // Who found a server by another name goes on from there (RFC 3263 §4.2).
    let wentOn = subjects.conversations.contains { conversation in
      conversation.transactions.contains { $0.source.address == miss.asker && $0.request.map { $0.frame > miss.first.frame } ?? false }
    }
    let isFatal = !wentOn && !table.names.hasOther(than: miss)
    return InspectionFinding(
      .nameUnknown, isFatal ? .warning : .note, "RFC 3263 §4.1",
      "\(miss.asker) asked for the \(miss.kind.name) record of \(miss.name): \(miss.reason)"
        + (isFatal ? ", and it sent no request afterwards" : ""), frame: miss.first.frame)
  }
}
