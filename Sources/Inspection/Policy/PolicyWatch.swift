import Rules
import SIPMessage
import SansIO
import WireReader

/// Observers of one tap: what its packets show of the policy that is in force, however the endpoint thinks of it.
///
/// ```
///   ledger: which policy for which call ──┐
///   tap ──reader──messages, streams───────┴─► watch ──► findings, and how much they rest on
/// ```
public struct PolicyWatch {
  /// What was looked at.
  struct Counts {
    var messages = 0
    var inClear = 0
    /// Messages of calls and requests whose policy limits transports.
    var limited = 0
    /// Descriptions with keys where keys must not be in clear, and how many were.
    var keyed = 0
    var keysInClear = 0
    /// Requests of sources that are to be dropped, and answers to them.
    var strangers = 0
    var answers = 0
    var wrongTransports = 0
    var passwords = 0
    /// Clients over TLS that had to prove themselves, messages on their connections, and answers to those who had not.
    var clients = 0
    var clientMessages = 0
    var unprovenAnswers = 0
    /// INVITEs that were refused at once.
    var refusals = 0
    var portsOfRefusals = 0
    /// Descriptions with a codec off the list.
    var codecsOffList = 0
  }

  /// An INVITE that the endpoint has not answered.
  private struct Pending {
    var callID: String
    var arrived: Int64
    var ports: Int
  }

  public let ledger: PolicyLedger
  /// The tap is the endpoint's, whose policy it is. At others passwords are looked for, and media.
  public let isEndpoint: Bool
  /// Addresses and ports of the host whose tap it is.
  private var places: Set<TransportAddress> = []
  private var lastPlace: TransportAddress?
  private let signalling: Set<UInt16>
  private(set) var counts = Counts()
  /// Media ports that have been open: what left them is the host's, also when it is looked at later.
  private(set) var ports: Set<TransportAddress> = []
  private var lastPort: TransportAddress?
  private var portsOpened = 0
  private var pending: [Pending] = []
  /// Peers whose connections began although they are to be dropped.
  private var dropped: Set<TransportAddress> = []
  /// Peers whose TLS connection had to begin with a certificate, and what is wrong with that; nil = nothing.
  private var clients: [TransportAddress: (terms: PolicyArms.ClientTerms, objection: String?)] = [:]
  /// Of streams that were let go.
  var left = MediaCounts()

  private static let mostPlaces = 8_192
  private static let mostPending = 256
  /// A refusal that comes later was not the policy's: nanoseconds.
  private static let atOnce: Int64 = 100_000_000

  /// - Parameter signalling: the ports on which the host listens for SIP, beside 5060 and 5061.
  public init(_ ledger: PolicyLedger, isEndpoint: Bool, signalling: Set<UInt16> = []) {
    self.ledger = ledger
    self.isEndpoint = isEndpoint
    self.signalling = signalling.union([5_060, 5_061])
  }

  // MARK: - Packets and ports

  /// Takes a packet that is not media, before what it shows.
  public mutating func take(_ packet: PacketRecord) -> InspectionFinding? {
    let place = packet.direction == .sent ? packet.source : packet.destination
    if place != lastPlace {
      lastPlace = place
      if places.count >= Self.mostPlaces { places = [] }
      places.insert(place)
    }
    guard isEndpoint, case .tcp(let segment) = packet.carrier else { return nil }
    return connection(packet, segment)
  }

  /// A connection of somebody who is to be dropped is reset before a byte (contract 8.1, step 3).
  private mutating func connection(_ packet: PacketRecord, _ segment: TCPSegment) -> InspectionFinding? {
    if packet.direction == .received {
      guard segment.flags.contains(.syn), !segment.flags.contains(.ack) else { return nil }
      if !clients.isEmpty { clients[packet.source] = nil }
      guard let arms = ledger.unanimous, arms.mayDrop else { return nil }
      if arms.drops(packet.source.address), dropped.count < Self.mostPlaces {
        counts.strangers += 1
        dropped.insert(packet.source)
      } else {
        dropped.remove(packet.source)
      }
      return nil
    }
    guard !dropped.isEmpty, !packet.payload.isEmpty, dropped.remove(packet.destination) != nil else { return nil }
    counts.answers += 1
    return InspectionFinding(
      .strangerAnswered, .error, Rule.strangerAnswered.section,
      "\(packet.destination), which is not on the allowlist, gets bytes on its connection (allowlistRefusal: drop)",
      frame: Int(packet.frame), blamed: packet.source)
  }

  /// Takes a record of the host or of its driver: which media ports there are is known before any description names them.
  public mutating func take(_ record: JournalRecord) {
    switch record.body {
    case .bound(let address, .datagram) where !signalling.contains(address.port):
      if ports.count < Self.mostPlaces { ports.insert(address) }
      lastPort = address
      portsOpened += 1
    default: break
    }
  }

  /// Whether an address is the host's own, for media.
  func isOwnPort(_ address: TransportAddress) -> Bool {
    ports.contains(address) || address.port % 2 == 1 && ports.contains(TransportAddress(address.address, port: address.port - 1))
  }

  /// A handshake of TLS is complete. What is asked of a client is what was in force then (contract 8.8).
  mutating func take(_ handshake: Carried<TLSFacts>) {
    let facts = handshake.value
    // What goes on from an earlier session has shown its certificate in that.
    guard isEndpoint, isOwn(facts.server), !isOwn(facts.client), !facts.isResumed, let terms = ledger.unanimous?.clientCertificate else {
      return
    }
    counts.clients += 1
    if clients.count >= Self.mostPlaces { clients = [:] }
    let isExcused = !terms.isRequired && facts.clientChain.isEmpty
    let objection = isExcused ? nil : terms.proof.objection(to: facts.clientChain, at: handshake.stamp.time / 1_000_000_000)
    clients[facts.client] = (terms, objection)
  }

  // MARK: - Messages

  func isOwn(_ place: TransportAddress) -> Bool { places.contains(place) }

  /// Takes a message as it passes.
  mutating func take(_ message: ObservedMessage, _ conversation: Conversation, repetition: Int) -> [InspectionFinding] {
    let isSent = isOwn(message.source)
    if isEndpoint, isBeginning(message), repetition == 0 || !isAnswered(message, conversation) { begin(message, isSent, repetition) }
    guard repetition == 0 else { return [] }
    counts.messages += 1
    if !message.transport.isSecure { counts.inClear += 1 }
    var found = password(message).map { [$0] } ?? []
    guard isEndpoint, let arms = ledger.arms(of: message.callID) else { return found }
    if arms.limitsTransports { counts.limited += 1 }
    if arms.refusesKeysInClear, message.description?.hasKeys == true {
      counts.keyed += 1
      if !message.transport.isSecure { counts.keysInClear += 1 }
    }
    if let unproven = client(message, isSent) { found.append(unproven) }
    guard isSent else { return found }
    if let wrong = transport(message, conversation, arms) { found.append(wrong) }
    if let answer = answer(message, conversation, arms) { found.append(answer) }
    if let codec = codec(message, arms) { found.append(codec) }
    if let port = port(message) { found.append(port) }
    return found
  }

  /// What checks found in a message, as bad as its policy makes it.
  func weighed(_ findings: [InspectionFinding], _ message: ObservedMessage) -> [InspectionFinding] {
    guard isEndpoint, !message.isDeliberatelyBroken, findings.contains(where: { $0.breach == .keysInClear }),
      ledger.arms(of: message.callID)?.refusesKeysInClear == true
    else { return findings }
    return findings.map { finding in
      guard finding.breach == .keysInClear else { return finding }
      var finding = finding
      (finding.severity, finding.text) = (.error, "\(finding.text) (sdesOverClear: refuse)")
      return finding
    }
  }

  private func isBeginning(_ message: ObservedMessage) -> Bool {
    message.status == nil && message.toTag == nil && message.method != .ack && message.method != .cancel
  }

  /// A copy of what nobody has answered is judged anew.
  private func isAnswered(_ message: ObservedMessage, _ conversation: Conversation) -> Bool {
    let key = message.transactionKey(message.method)
    return conversation.transactions.contains { $0.key == key && !$0.responses.isEmpty }
  }

  private mutating func begin(_ message: ObservedMessage, _ isSent: Bool, _ repetition: Int) {
    ledger.begin(message)
    guard !isSent, repetition == 0 else { return }
    // Over a connection the one who opened it was counted.
    if message.transport == .udp, ledger.arms(of: message.callID)?.drops(message.source.address) == true { counts.strangers += 1 }
    guard message.method == .invite, pending.count < Self.mostPending else { return }
    pending.removeAll { $0.callID == message.callID }
    pending.append(Pending(callID: message.callID, arrived: message.stamp.time, ports: portsOpened))
  }

  private func finding(_ rule: Rule, _ message: ObservedMessage, _ text: String) -> InspectionFinding {
    InspectionFinding(
      rule, message.isDeliberatelyBroken ? .note : rule.severity, rule.section,
      text + (message.isDeliberatelyBroken ? " (deliberately broken)" : ""), frame: message.stamp.frame, callID: message.callID,
      blamed: message.source)
  }

  // MARK: - One observer each

  /// A response to a request within a dialog, and to CANCEL, belongs to what was judged before.
  private func answersBeginning(_ message: ObservedMessage, _ conversation: Conversation) -> Bool {
    guard message.cseq.method != .cancel, let request = conversation.transaction(ofResponse: message) else { return false }
    return request.isInitial && request.source == message.destination
  }

  private mutating func transport(
    _ message: ObservedMessage, _ conversation: Conversation, _ arms: PolicyArms
  ) -> InspectionFinding? {
    guard !arms.serves(message.transport) else { return nil }
    if let status = message.status {
      // A refusal is what the policy asks for; a challenge asks for credentials in clear.
      guard answersBeginning(message, conversation), status > 100, status < 400 || status == 401 || status == 407 else { return nil }
    } else {
      guard isBeginning(message) else { return nil }
    }
    counts.wrongTransports += 1
    return finding(
      .signallingTransport, message,
      "\(message.title) is sent over \(message.transport.rawValue.uppercased()), and the policy allows \(arms.servedText) "
        + "(\(arms.transportSetting))")
  }

  /// Whether a client that did not prove itself is served.
  private mutating func client(_ message: ObservedMessage, _ isSent: Bool) -> InspectionFinding? {
    guard message.transport == .tls, !clients.isEmpty,
      let client = clients[isSent ? message.destination : message.source]
    else { return nil }
    counts.clientMessages += 1
    guard isSent, message.status != nil, let objection = client.objection else { return nil }
    counts.unprovenAnswers += 1
    return finding(
      .clientUnproven, message,
      "\(message.title) answers \(message.destination) over TLS, and \(objection) (\(client.terms.setting))")
  }

  private mutating func answer(_ message: ObservedMessage, _ conversation: Conversation, _ arms: PolicyArms) -> InspectionFinding? {
    guard message.status != nil, arms.drops(message.destination.address), answersBeginning(message, conversation) else { return nil }
    counts.answers += 1
    return finding(
      .strangerAnswered, message,
      "\(message.title) answers \(message.destination), which is not on the allowlist (allowlistRefusal: drop)")
  }

  private mutating func codec(_ message: ObservedMessage, _ arms: PolicyArms) -> InspectionFinding? {
    let encodings = message.description?.media.filter { $0.kind == "audio" && $0.port != 0 }.flatMap(\.encodings) ?? []
    guard let wrong = encodings.first(where: { !$0.isTelephoneEvent && $0.name.uppercased() != "CN" && !arms.lists($0.name) }) else {
      return nil
    }
    counts.codecsOffList += 1
    return finding(
      .codecOffList, message,
      "\(message.title) names \(wrong.name), and the policy's list is \(arms.codecs.joined(separator: ", ")) (codecs)")
  }

  /// What of secrets a message shows, whatever carries it; nil where it shows none. The response of a digest is none.
  public static func secret(in message: ObservedMessage, _ secrets: SecretList) -> String? {
    let isBasic =
      message.message.has(.authorization) && isBasic(message.message, .authorization)
      || message.message.has(.proxyAuthorization) && isBasic(message.message, .proxyAuthorization)
    return isBasic ? "Basic credentials, which hold a password as it is," : secrets.name(in: message.message.bytes)
  }

  private static func isBasic(_ message: SIPMessage, _ name: HeaderName) -> Bool {
    message.all(name).contains { $0.text.lowercased().hasPrefix("basic ") }
  }

  private mutating func password(_ message: ObservedMessage) -> InspectionFinding? {
    guard !message.transport.isSecure, let what = Self.secret(in: message, ledger.secrets) else { return nil }
    counts.passwords += 1
    return finding(.passwordInClear, message, "\(message.title) shows \(what) over \(message.transport.rawValue.uppercased())")
  }

  /// Only where no other call can have opened it.
  private mutating func port(_ message: ObservedMessage) -> InspectionFinding? {
    guard let status = message.status, status > 100, message.cseq.method == .invite,
      let index = pending.firstIndex(where: { $0.callID == message.callID })
    else { return nil }
    let isAlone = pending.count == 1
    let call = pending.remove(at: index)
    let isRefusal = [401, 403, 404, 407, 410, 486, 488, 503].contains(status) && message.stamp.time - call.arrived < Self.atOnce
    guard isRefusal else { return nil }
    counts.refusals += 1
    guard isAlone, portsOpened > call.ports else { return nil }
    counts.portsOfRefusals += 1
    let port = lastPort.map { ", the last one \($0)" } ?? ""
    return finding(
      .refusedCallsPort, message,
      "\(message.title) refuses a call for which \(Words.count(portsOpened - call.ports, "port")) "
        + "of media had been opened\(port)")
  }
}

extension ObservedDescription {
  /// Whoever reads it has a key of SRTP, also one that cannot be used.
  public var hasKeys: Bool { media.contains { !$0.cryptoLines.isEmpty } }
}
