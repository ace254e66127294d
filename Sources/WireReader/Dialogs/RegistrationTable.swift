import SIPMessage
import SansIO

/// Registrations by address of record and registrar (RFC 3261 §10).
public struct RegistrationTable {
  public struct Registration {
    public enum State: Equatable {
      case asked, challenged, registered, removed
      case refused(Int, String)
    }

    public var addressOfRecord: String
    public var client: TransportAddress
    public var registrar: TransportAddress
    public var transport: ObservedTransport
    public var first: FrameStamp
    public var callID: String
    public var contact: String?
    public var requests = 0
    public var repeated = 0
    public var state = State.asked
    /// Seconds asked for and granted, last.
    public var asked: Int?
    public var granted: Int?
    public var refreshes = 0
    public var challenges = 0
    /// In the order they were first offered.
    public var algorithms: [String] = []
    public var refusals: [(stamp: FrameStamp, status: Int, phrase: String)] = []
    public var lastSuccess: FrameStamp?
    /// Refreshes that came when the binding was gone already.
    public var lateRefreshes: [(stamp: FrameStamp, late: Int64)] = []
    /// Challenges since the last other answer.
    public var challengesInARow = 0
    public var firstOfRow: FrameStamp?
    public var longestRow = 0
    public var conversation: Int
  }

  private struct Key: Hashable {
    public var addressOfRecord: String
    public var client: IPAddress
    public var registrar: TransportAddress
  }

  private static let mostAlgorithms = 8
  private var index: [Key: Int] = [:]
  public private(set) var list: [Registration] = []

  public mutating func take(_ message: ObservedMessage, _ repetition: Int, _ conversation: Conversation) {
    let isRequest = message.message.isRequest
    let (client, registrar) = isRequest ? (message.source, message.destination) : (message.destination, message.source)
    let key = Key(addressOfRecord: message.to?.uri.description ?? "?", client: client.address, registrar: registrar)
    let position = index[key] ?? add(key, message, client, conversation)
    guard repetition == 0 else {
      list[position].repeated += 1
      return
    }
    if isRequest { request(message, position) } else { response(message, position) }
  }

  private mutating func add(_ key: Key, _ message: ObservedMessage, _ client: TransportAddress, _ conversation: Conversation) -> Int {
    index[key] = list.count
    list.append(
      Registration(
        addressOfRecord: key.addressOfRecord, client: client, registrar: key.registrar, transport: message.transport, first: message.stamp,
        callID: message.callID, conversation: conversation.number))
    return list.count - 1
  }

  private mutating func request(_ message: ObservedMessage, _ position: Int) {
    list[position].requests += 1
    // Without Contact it asks what is bound, and refreshes nothing (RFC 3261 §10.2.3).
    guard let contact = message.message.first(.contact)?.text else { return }
    list[position].contact = contact
    list[position].asked = Self.expiry(message)
    guard let success = list[position].lastSuccess, let granted = list[position].granted, list[position].state == .registered else {
      return
    }
    let late = message.stamp.since(success) - Int64(granted) * 1_000_000_000
    if late > 0, granted > 0 { list[position].lateRefreshes.append((message.stamp, late)) }
  }

  private mutating func response(_ message: ObservedMessage, _ position: Int) {
    guard let status = message.status, status >= 200 else { return }
    switch status {
    case 401, 407:
      list[position].challenges += 1
      if list[position].challengesInARow == 0 { list[position].firstOfRow = message.stamp }
      list[position].challengesInARow += 1
      list[position].longestRow = max(list[position].longestRow, list[position].challengesInARow)
      if list[position].state != .registered { list[position].state = .challenged }
      for challenge in message.message.digestChallenges(status == 401 ? .wwwAuthenticate : .proxyAuthenticate) {
        let name = challenge.algorithm ?? "MD5"
        if !list[position].algorithms.contains(name), list[position].algorithms.count < Self.mostAlgorithms {
          list[position].algorithms.append(name)
        }
      }
    case 200..<300:
      list[position].challengesInARow = 0
      success(message, position)
    default:
      list[position].challengesInARow = 0
      list[position].state = .refused(status, message.phrase)
      if list[position].refusals.count < 100 { list[position].refusals.append((message.stamp, status, message.phrase)) }
    }
  }

  private mutating func success(_ message: ObservedMessage, _ position: Int) {
    let asked = list[position].asked
    let granted = Self.granted(message, ours: list[position].contact) ?? (asked == 0 ? 0 : asked)
    if list[position].state == .registered, asked != 0 { list[position].refreshes += 1 }
    list[position].state = asked == 0 ? .removed : .registered
    list[position].granted = granted
    list[position].lastSuccess = message.stamp
  }

  /// What the request asks for: the Contact's expires before Expires (RFC 3261 §10.2.1.1).
  private static func expiry(_ message: ObservedMessage) -> Int? {
    if case .list(let contacts) = (try? message.message.contacts()) ?? .none, let value = contacts.first?.parameters["expires"] {
      return Int(value)
    }
    return message.message.expires()
  }

  /// What the registrar granted to this contact; other bindings of the same address of record do not count (RFC 3261 §10.3).
  private static func granted(_ message: ObservedMessage, ours: String?) -> Int? {
    guard case .list(let contacts) = (try? message.message.contacts()) ?? .none else { return message.message.expires() }
    let own = ours.flatMap { try? NameAddress(parsing: $0).uri }
    let match = contacts.first { contact in own.map { contact.uri.isEquivalent(to: $0) } ?? false } ?? contacts.first
    return match?.parameters["expires"].flatMap { Int($0) } ?? message.message.expires()
  }
}
