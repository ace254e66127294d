import Rules
import SIPComposition
import SIPMessage
import SIPTransaction
import SIPTransport
import SIPUserAgent
import SansIO

/// A binding that this user agent keeps at a registrar, with what its requests have in common (RFC 3261 §10.2.4).
private struct Registration: Sendable {
  var request: RegisterRequest
  var usage: RegistrationUsage
  /// Call-ID and CSeq of the next REGISTER; nil = new ones, for the first. All REGISTERs of a binding have the same Call-ID (§10.2.4).
  var next: (callID: String, sequence: UInt32)?
  /// The binding's Contact, the same in every refresh and in its removal.
  let contact: ContactForm
  /// That Contact as the last REGISTER had it.
  var written: SIPURI?
  var callID: String?
  var isBound = false

  init(request: RegisterRequest, contact: ContactForm, lead: Int?) {
    self.request = request
    self.contact = contact
    usage = RegistrationUsage(lead: lead)
  }

  var aor: String { request.aor.uri.description }

  /// Its request is over. The next one is of the same binding: the same Call-ID, a higher CSeq (RFC 3261 §10.2.4); challenges and
  /// redirections used numbers of their own.
  mutating func closed(_ sequence: UInt32) {
    if let callID { next = (callID, sequence + 1) }
  }

  /// What the registrar's answer means, and what is wrong with it.
  mutating func read(_ message: SIPMessage, _ sequence: UInt32, _ events: inout [CallAgentEvent]) -> RegistrationUsage.Input {
    closed(sequence)
    return switch message.status {
    case (200..<300)?: .granted(granted(message, &events))
    case 423?: .tooBrief(minimum: message.first(.minExpires).flatMap { Int($0.text) })
    case nil: .failed
    case let status?: .refused(status: status, retryAfter: message.first(.retryAfter).flatMap { Int($0.text.prefix { $0.isNumber }) })
    }
  }

  /// Seconds granted: the `expires` of our own Contact among all that are bound (RFC 3261 §10.2.4), known by the parameters we put into it,
  /// else by its address; else Expires, else what was asked for. Who removes its binding is not in the list any more.
  ///
  /// A list without our Contact, or with one that was removed, is named. A registrar behind something that rewrites Contact lists one
  /// binding that is ours all the same: its time counts.
  private func granted(_ message: SIPMessage, _ events: inout [CallAgentEvent]) -> Int {
    let asked = usage.expires
    let contacts = message.usableContacts
    let own = contacts.first { isOwn($0.uri) }
    if (own == nil) == (asked > 0) {
      let list = contacts.isEmpty ? "no Contact" : contacts.prefix(10).map { "\($0.uri)" }.joined(separator: ", ")
      let detail = "\(written.map { "\($0)" } ?? "our Contact") \(asked > 0 ? "is not" : "is still") in it: \(list)"
      events.append(.violation(nil, PeerViolation(.listedBindings, detail)))
    }
    guard asked > 0 else { return 0 }
    let ours = own ?? (contacts.count == 1 ? contacts.first : nil)
    return ours?.parameters["expires"].flatMap { UInt32($0).map(Int.init) } ?? message.expires() ?? asked
  }

  private func isOwn(_ uri: SIPURI) -> Bool {
    let mark = contact.parameters
    guard mark.isEmpty else { return uri.parameters.description.contains(mark) }
    guard let written else { return false }
    // A registrar may fill in the default port, or leave it out.
    let (theirs, ours) = (uri.transport ?? .udp, written.transport ?? .udp)
    return uri.isEquivalent(to: written)
      || (uri.scheme == written.scheme && uri.unescapedUser == written.unescapedUser && theirs == ours
        && uri.host.text.lowercased() == written.host.text.lowercased()
        && (uri.port ?? theirs.defaultPort) == (written.port ?? ours.defaultPort))
  }
}

extension RegisterRequest {
  /// The same place, or the same name.
  fileprivate func isForSameRegistrar(as other: RegisterRequest) -> Bool {
    switch (hop, other.hop) {
    case (.servers(let mine, others: _), .servers(let theirs, others: _)): mine.address == theirs.address
    case (.name(let mine), .name(let theirs)): mine == theirs
    case (.servers, .name), (.name, .servers): false
    }
  }
}

/// The bindings of one user agent (RFC 3261 §10.2). One for the same address of record at the same registrar is the same binding.
struct Registrations: Sendable {
  /// A REGISTER that has to leave.
  struct Outgoing: Sendable {
    /// Which binding it is for.
    let index: Int
    let request: RegisterRequest
    let contact: ContactForm
    /// Call-ID and CSeq; nil = new ones.
    let next: (callID: String, sequence: UInt32)?
    let expires: Int
  }

  enum Output: Sendable {
    case send(Outgoing)
    case event(CallAgentEvent)
  }

  /// One of ``all``; none is ever removed.
  private struct Place: SerialKey {
    let index: Int
    var number: UInt32 { UInt32(index) }
  }

  private var all: [Registration] = []
  private var deadlines = DeadlineQueue<Place>()
  /// Seconds before the expiry at which a binding is refreshed; nil = a tenth of it, at least 5.
  private let lead: Int?

  init(lead: Int?) { self.lead = lead }

  var nextDeadline: Instant? { deadlines.next }

  // MARK: - What is asked

  /// Makes, changes or removes a binding.
  ///
  /// - Parameter parameters: makes those of the Contact of a new binding.
  mutating func register(
    _ request: RegisterRequest, parameters: () -> String, at now: Instant, using entropy: inout Entropy
  ) -> [Output] {
    let known = all.firstIndex { $0.request.aor.uri == request.aor.uri && $0.request.isForSameRegistrar(as: request) }
    if let known {
      all[known].request = request
    } else {
      all.append(Registration(request: request, contact: ContactForm(user: request.contactUser, parameters: parameters()), lead: lead))
    }
    return handle(known ?? all.count - 1, .register(expires: request.expires), reason: "", at: now, using: &entropy)
  }

  /// A REGISTER left with this Contact and Call-ID.
  mutating func sent(_ index: Int, contact: SIPURI?, callID: String?) {
    (all[index].written, all[index].callID) = (contact, callID)
  }

  /// Refreshes that are due.
  mutating func wake(at now: Instant, using entropy: inout Entropy) -> [Output]? {
    guard let index = deadlines.takeExpired(at: now)?.index else { return nil }
    return handle(index, .timer, reason: "", at: now, using: &entropy)
  }

  // MARK: - What comes

  /// The answer to a binding's REGISTER.
  ///
  /// - Parameter sequence: the CSeq number it was sent with last.
  mutating func answered(
    _ index: Int, _ message: SIPMessage, _ sequence: UInt32, at now: Instant, using entropy: inout Entropy
  ) -> [Output] {
    var events: [CallAgentEvent] = []
    let input = all[index].read(message, sequence, &events)
    return events.map(Output.event) + handle(index, input, reason: "\(message)", at: now, using: &entropy)
  }

  /// - Parameter sequence: the CSeq number it was sent with last.
  mutating func failed(
    _ index: Int, _ failure: TransactionFailure, _ sequence: UInt32, at now: Instant, using entropy: inout Entropy
  ) -> [Output] {
    all[index].closed(sequence)
    return handle(index, .failed, reason: "\(failure)", at: now, using: &entropy)
  }

  /// Its REGISTER never left: nobody is there to take it.
  mutating func notSent(_ index: Int, _ reason: String, at now: Instant, using entropy: inout Entropy) -> [Output] {
    handle(index, .failed, reason: reason, at: now, using: &entropy)
  }

  private mutating func handle(
    _ index: Int, _ input: RegistrationUsage.Input, reason: String, at now: Instant, using entropy: inout Entropy
  ) -> [Output] {
    let outputs = all[index].usage.handle(input, at: now) { Int64.random(in: $0, using: &entropy) }
    deadlines.set(Place(index: index), at: all[index].usage.nextDeadline)
    let aor = all[index].aor
    return outputs.map { output in
      switch output {
      case .send(let expires):
        return .send(
          Outgoing(index: index, request: all[index].request, contact: all[index].contact, next: all[index].next, expires: expires))
      case .bound(let seconds):
        all[index].isBound = seconds > 0
        return .event(.registered(aor: aor, expires: seconds))
      case .absurdMinimum(let minimum, let asked):
        let detail = "\(minimum.map { "\($0) s" } ?? "none") for \(asked) s"
        return .event(.violation(nil, PeerViolation(.minimumExpires, detail)))
      case .failed(let retry):
        all[index].isBound = false
        return .event(.registrationFailed(aor: aor, reason: retry.map { "\(reason); next attempt in \($0) s" } ?? reason))
      }
    }
  }

  /// Whether a call to this URI came to a Contact that was registered, by the parameters in it. True while no binding has any.
  func isRegisteredContact(_ uri: SIPURI) -> Bool {
    let marks = all.filter(\.isBound).map(\.contact.parameters).filter { !$0.isEmpty }
    return marks.isEmpty || marks.contains { uri.parameters.description.contains($0) }
  }
}
