import SIPMessage
import SansIO

/// Registrations by Call-ID, address of record and client (RFC 3261 §10.2): each has a Contact and a result of its own. What a proxy passes
/// on is the same registration on its next hop, and no other one.
public struct RegistrationTable {
  private struct Key: Hashable {
    var callID: String
    var addressOfRecord: String
    var client: IPAddress
    var registrar: TransportAddress
  }

  /// Registrations that are kept; the oldest are forgotten for more, as their conversations are.
  private static let most = 50_000
  private var index: [Key: Place] = [:]
  public private(set) var list: [Registration] = []
  /// How many were forgotten.
  public private(set) var forgotten = 0
  private let mostKept: Int
  /// Part of the Call-IDs that somebody asks for: they are forgotten last.
  private let filter: String?

  /// Where the registration of a hop is.
  private struct Place {
    var position: Int
    /// It is what a proxy passed on, and told by the hop before.
    var isFurtherHop: Bool
  }

  init(filter: String? = nil, mostKept: Int = Self.most) { (self.filter, self.mostKept) = (filter, mostKept) }

  public mutating func take(_ message: ObservedMessage, _ repetition: Int, _ conversation: Conversation) {
    let isRequest = message.message.isRequest
    let (client, registrar) = isRequest ? (message.source, message.destination) : (message.destination, message.source)
    let key = Key(
      callID: message.callID, addressOfRecord: message.to?.uri.description ?? "?", client: client.address, registrar: registrar)
    let place = index[key] ?? add(key, message, client, conversation)
    let position = place.position
    list[position].last = message.stamp
    list[position].add(message.stamp.frame)
    guard !place.isFurtherHop else { return }
    guard repetition == 0 else {
      list[position].repeated += 1
      return
    }
    if isRequest {
      list[position].take(request: message)
    } else if let status = message.status, status >= 200 {
      list[position].take(status, message, to: conversation.transaction(ofResponse: message))
    }
  }

  private mutating func add(_ key: Key, _ message: ObservedMessage, _ client: TransportAddress, _ conversation: Conversation) -> Place {
    if conversation.messageCount > 1, let known = hopBefore(key, message, conversation) {
      let place = Place(position: known, isFurtherHop: true)
      index[key] = place
      return place
    }
    if list.count >= mostKept { forgetOldest() }
    let place = Place(position: list.count, isFurtherHop: false)
    index[key] = place
    list.append(
      Registration(
        addressOfRecord: key.addressOfRecord, client: client, registrar: key.registrar, transport: message.transport, first: message.stamp,
        last: message.stamp,
        callID: message.callID, conversation: conversation.number))
    return place
  }

  /// The registration that a request with more than one Via passes on: what came to who sends it now.
  private func hopBefore(_ key: Key, _ message: ObservedMessage, _ conversation: Conversation) -> Int? {
    guard message.message.isRequest, !message.message.hasOneVia else { return nil }
    return list.lastIndex { known in
      known.conversation == conversation.number && known.registrar.address == key.client && known.addressOfRecord == key.addressOfRecord
    }
  }

  /// A tenth, so that it is seldom; those that somebody asks for last.
  private mutating func forgetOldest() {
    let excess = max(mostKept / 10, 1)
    var gone: Set<Int> = []
    for index in list.indices where gone.count < excess && !isWanted(list[index].callID) { gone.insert(index) }
    if gone.isEmpty { gone = Set(list.indices.prefix(excess)) }
    forgotten += gone.count
    takeOut { gone.contains($0) }
  }

  private func isWanted(_ callID: String) -> Bool { filter.map { callID.contains($0) } ?? false }

  private mutating func takeOut(_ isGone: (Int) -> Bool) {
    var moved: [Int: Int] = [:]
    for old in list.indices where !isGone(old) { moved[old] = moved.count }
    list = list.indices.compactMap { isGone($0) ? nil : list[$0] }
    index = index.compactMapValues { place in moved[place.position].map { Place(position: $0, isFurtherHop: place.isFurtherHop) } }
  }

  /// Numbers of the conversations with a binding that had not expired at that time.
  func bound(at time: Int64) -> Set<Int> {
    Set(
      list.compactMap { registration in
        guard registration.state == .registered, let success = registration.lastSuccess, let granted = registration.granted else {
          return nil
        }
        // Seconds of an Expires fill 32 bits (RFC 3261 §20.19).
        return success.time &+ Int64(min(max(granted, 0), 1 << 32)) * 1_000_000_000 > time ? registration.conversation : nil
      })
  }

  /// Takes out those of conversations that are over.
  mutating func release(_ conversations: Set<Int>) -> [Registration] {
    let gone = list.filter { conversations.contains($0.conversation) }
    guard !gone.isEmpty else { return [] }
    let before = list
    takeOut { conversations.contains(before[$0].conversation) }
    return gone
  }

  /// One client's registration of one address of record.
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
    public var last: FrameStamp
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
    public var credentials = CredentialHistory()
    /// 423 with what it asks for: seconds, nil where there are none that can be read.
    public var briefs: [(stamp: FrameStamp, minimum: Int?, asked: Int)] = []
    /// 2xx that list other bindings than there are: without the client's own, or with one that was removed.
    public var misfits: [(stamp: FrameStamp, listed: [String], isRemoval: Bool)] = []
    /// Its REGISTER requests, each with its number.
    public var numbers: [(stamp: FrameStamp, number: UInt32)] = []
    private(set) var hasContact = false
    public var conversation: Int
    /// Its first messages, on each hop; a Call-ID may hold those of other registrations as well.
    public private(set) var frames: [Int] = []
    /// All of them.
    public private(set) var messages = 0
    /// As many as a ladder of it shows.
    public static let mostFrames = 24

    fileprivate mutating func add(_ frame: Int) {
      messages += 1
      if frames.count < Self.mostFrames { frames.append(frame) }
    }
  }
}

extension RegistrationTable.Registration {
  private static let mostAlgorithms = 8
  private static let mostListed = 100

  mutating func take(request message: ObservedMessage) {
    requests += 1
    if message.message.first(.authorization) != nil || message.message.first(.proxyAuthorization) != nil { credentials.sent() }
    // Without Contact it asks what is bound, and refreshes nothing (RFC 3261 §10.2.3).
    if numbers.count < Self.mostListed { numbers.append((message.stamp, message.cseq.number)) }
    hasContact = message.message.has(.contact)
    guard let contact = message.message.first(.contact)?.text else { return }
    self.contact = contact
    asked = Self.expiry(message)
    guard let success = lastSuccess, let granted, state == .registered else { return }
    let late = message.stamp.since(success) - Int64(granted) * 1_000_000_000
    if late > 0, granted > 0, lateRefreshes.count < Self.mostListed { lateRefreshes.append((message.stamp, late)) }
  }

  /// - Parameter request: the REGISTER that is answered, where the capture has it.
  mutating func take(_ status: Int, _ message: ObservedMessage, to request: ObservedTransaction?) {
    switch status {
    case 401, 407:
      challenges += 1
      if state != .registered { state = .challenged }
      let offered = message.message.digestChallenges(status == 401 ? .wwwAuthenticate : .proxyAuthenticate)
      for challenge in offered {
        let name = challenge.algorithm ?? "MD5"
        if !algorithms.contains(name), algorithms.count < Self.mostAlgorithms { algorithms.append(name) }
      }
      if let request { credentials.take(status, message, offered, to: request) }
    case 200..<300:
      if let request { credentials.accepted(request, message.stamp) }
      success(message)
    default:
      credentials.interrupted()
      state = .refused(status, message.phrase)
      if status == 423, let asked, briefs.count < Self.mostListed {
        briefs.append((message.stamp, message.message.first(.minExpires).flatMap { Int($0.text.trimmingSpaces) }, asked))
      }
      if refusals.count < Self.mostListed { refusals.append((message.stamp, status, message.phrase)) }
    }
  }

  private mutating func success(_ message: ObservedMessage) {
    if state == .registered, asked != 0 { refreshes += 1 }
    state = asked == 0 ? .removed : .registered
    granted = Self.granted(message, ours: contact) ?? (asked == 0 ? 0 : asked)
    lastSuccess = message.stamp
    compareBindings(message)
  }

  /// A 2xx lists all bindings, the client's own among them unless it was removed (RFC 3261 §10.3).
  private mutating func compareBindings(_ message: ObservedMessage) {
    guard hasContact, let contact, misfits.count < Self.mostListed, let own = try? NameAddress(parsing: contact).uri else { return }
    let bound = message.message.usableContacts.filter { $0.parameters["expires"] != "0" }
    let isListed = bound.contains { Self.isSame($0.uri, own) }
    guard isListed == (asked == 0) else { return }
    misfits.append((message.stamp, bound.prefix(8).map(\.uri.description), asked == 0))
  }

  /// A registrar may fill in the default port and transport, or leave them out.
  private static func isSame(_ one: SIPURI, _ other: SIPURI) -> Bool {
    one.user == other.user && one.host == other.host && (one.port ?? 5_060) == (other.port ?? 5_060)
      && (one.parameters["transport"] ?? "udp").lowercased() == (other.parameters["transport"] ?? "udp").lowercased()
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
