import SIPMessage
import SIPTransaction
import SIPTransport
import SIPUserAgent
import SansIO

/// A binding that this party keeps at a registrar, with what its requests have in common (RFC 3261 §10.2.4).
final class Registration {
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
  /// The request that waits for its answer.
  var open: RequestID?

  init(request: RegisterRequest, contact: ContactForm, lead: Int?) {
    self.request = request
    self.contact = contact
    usage = RegistrationUsage(lead: lead)
  }

  var aor: String { request.aor.uri.description }
}

// Registering, keep-alive: requests of our own outside dialogs.
extension Party {
  /// Makes, changes or removes a binding. One for the same address of record at the same registrar is the same binding.
  func register(_ request: RegisterRequest, at now: Instant, _ out: inout Outbox) {
    let known = registrations.firstIndex { $0.request.aor.uri == request.aor.uri && $0.request.target.address == request.target.address }
    if let known {
      registrations[known].request = request
    } else {
      let contact = ContactForm(user: request.contactUser, parameters: userAgent.registrationContactParameters())
      registrations.append(Registration(request: request, contact: contact, lead: configuration.habits.registrationLead))
    }
    handleRegistration(known ?? registrations.count - 1, .register(expires: request.expires), reason: "", at: now, &out)
  }

  private func send(_ registration: Registration, expires: Int, at now: Instant, _ out: inout Outbox) {
    let request = registration.request
    var register = OutOfDialogRequest(.register, to: request.target, uri: request.registrar, from: request.aor, to: request.aor)
    (register.callID, register.sequence) = (registration.next?.callID, registration.next?.sequence)
    (register.contact, register.credentials) = (registration.contact, request.credentials)
    register.fields = [.init(.expires, String(expires))]
    let (id, events) = userAgent.send(register, at: now, &out)
    registration.open = id
    (registration.written, registration.callID) = (userAgent.contact(of: id), userAgent.callID(of: id))
    absorb(events, at: now, &out)
  }

  func requestAnswered(_ id: RequestID, _ message: SIPMessage, at now: Instant, _ out: inout Outbox) {
    let status = message.status ?? 0
    if pings.remove(id) != nil { return tell(.optionsAnswered(status: status)) }
    guard let index = registrations.firstIndex(where: { $0.open == id }) else { return }
    let registration = registrations[index]
    registration.open = nil
    // Challenges and redirections used numbers of their own.
    if let callID = try? message.callID(), let sequence = try? message.cseq().number { registration.next = (callID, sequence + 1) }
    let input: RegistrationUsage.Input =
      switch status {
      case 200..<300: .granted(granted(message, registration))
      case 423: .tooBrief(minimum: message.first(.minExpires).flatMap { Int($0.text) })
      default: .refused(status: status, retryAfter: message.first(.retryAfter).flatMap { Int($0.text.prefix { $0.isNumber }) })
      }
    handleRegistration(index, input, reason: "\(status) \(message.reasonPhrase?.text ?? "")", at: now, &out)
  }

  func requestFailed(_ id: RequestID, _ failure: TransactionFailure, _ sequence: UInt32, at now: Instant, _ out: inout Outbox) {
    if pings.remove(id) != nil { return tell(.optionsFailed(reason: "\(failure)")) }
    guard let index = registrations.firstIndex(where: { $0.open == id }) else { return }
    registrations[index].open = nil
    // The next attempt is one of the same binding: the same Call-ID, a higher CSeq (RFC 3261 §10.2.4).
    if let callID = registrations[index].callID { registrations[index].next = (callID, sequence + 1) }
    handleRegistration(index, .failed, reason: "\(failure)", at: now, &out)
  }

  func refreshRegistration(_ index: Int, at now: Instant, _ out: inout Outbox) {
    handleRegistration(index, .timer, reason: "", at: now, &out)
  }

  private func handleRegistration(
    _ index: Int, _ input: RegistrationUsage.Input, reason: String, at now: Instant, _ out: inout Outbox
  ) {
    let registration = registrations[index]
    let outputs = registration.usage.handle(input, at: now) { Int64.random(in: $0, using: &mediaEntropy) }
    registrationDeadlines.set(index, at: registration.usage.nextDeadline)
    for output in outputs {
      switch output {
      case .send(let expires): send(registration, expires: expires, at: now, &out)
      case .bound(let seconds):
        registration.isBound = seconds > 0
        tell(.registered(aor: registration.aor, expires: seconds))
      case .absurdMinimum(let minimum):
        tell(.violation(nil, PeerViolation(.minimumExpires, "\(minimum.map { "\($0) s" } ?? "none") for \(registration.usage.expires) s")))
      case .failed(let retry):
        registration.isBound = false
        tell(.registrationFailed(aor: registration.aor, reason: retry.map { "\(reason); next attempt in \($0) s" } ?? reason))
      }
    }
  }

  /// Whether a call to this URI came to a Contact that we registered, by the parameters we put into it. True while no binding of ours has
  /// any.
  public func isRegisteredContact(_ uri: SIPURI) -> Bool {
    let marks = registrations.filter(\.isBound).map(\.contact.parameters).filter { !$0.isEmpty }
    return marks.isEmpty || marks.contains { uri.parameters.description.contains($0) }
  }

  /// Seconds granted: the `expires` of our own Contact among all that are bound (RFC 3261 §10.2.4), known by the parameters we put into it,
  /// else by its address; else Expires, else what was asked for. Who removes its binding is not in the list any more.
  ///
  /// A list without our Contact, or with one that was removed, is named. A registrar behind something that rewrites Contact lists one
  /// binding that is ours all the same: its time counts.
  private func granted(_ message: SIPMessage, _ registration: Registration) -> Int {
    let asked = registration.usage.expires
    let contacts: [NameAddress] = if case .list(let list)? = try? message.contacts() { list } else { [] }
    let own = contacts.first { isOwn($0.uri, registration) }
    if (own == nil) == (asked > 0) {
      let list = contacts.isEmpty ? "no Contact" : contacts.prefix(10).map { "\($0.uri)" }.joined(separator: ", ")
      let detail = "\(registration.written.map { "\($0)" } ?? "our Contact") \(asked > 0 ? "is not" : "is still") in it: \(list)"
      tell(.violation(nil, PeerViolation(.listedBindings, detail)))
    }
    guard asked > 0 else { return 0 }
    let ours = own ?? (contacts.count == 1 ? contacts.first : nil)
    return ours?.parameters["expires"].flatMap { UInt32($0).map(Int.init) } ?? message.expires() ?? asked
  }

  private func isOwn(_ contact: SIPURI, _ registration: Registration) -> Bool {
    let mark = registration.contact.parameters
    guard mark.isEmpty else { return contact.parameters.description.contains(mark) }
    guard let written = registration.written else { return false }
    // A registrar may fill in the default port, or leave it out.
    let (theirs, ours) = (contact.transport ?? .udp, written.transport ?? .udp)
    return contact.isEquivalent(to: written)
      || (contact.scheme == written.scheme && contact.unescapedUser == written.unescapedUser && theirs == ours
        && contact.host.text.lowercased() == written.host.text.lowercased()
        && (contact.port ?? theirs.defaultPort) == (written.port ?? ours.defaultPort))
  }

  func sendOptions(to target: SIPTarget, uri: SIPURI, at now: Instant, _ out: inout Outbox) {
    let form = configuration.userAgent.style.options
    var request = OutOfDialogRequest(.options, to: target, uri: uri, from: configuration.aor, to: NameAddress(uri: uri))
    if form.hasAccept { request.fields = [.init(.accept, "application/sdp")] }
    let (id, events) = userAgent.send(request, at: now, &out)
    pings.insert(id)
    absorb(events, at: now, &out)
  }
}
