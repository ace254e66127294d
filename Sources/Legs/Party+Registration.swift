import SIPMessage
import SIPTransaction
import SIPTransport
import SIPUserAgent
import SansIO

/// A binding that this party keeps at a registrar (RFC 3261 §10.2).
struct Registration {
  let number: Int
  var request: RegisterRequest
  /// Call-ID and CSeq of the next REGISTER; nil = new ones. All REGISTERs of a binding have the same Call-ID (§10.2.4).
  var next: (callID: String, sequence: UInt32)?
  /// The binding's Contact, the same in every refresh and in its removal.
  var contact: ContactForm
  /// Raised when the registrar says 423.
  var expires: Int
  var attempts = 0
  var isBound = false
}

// Registering, keep-alive: requests of our own outside dialogs.
extension Party {
  func register(_ request: RegisterRequest, at now: Instant, _ out: inout Outbox) {
    let key = "\(request.aor.uri) at \(request.target.address)"
    let number = registrationNumbers[key] ?? registrationNumbers.count + 1
    registrationNumbers[key] = number
    registrationDeadlines.remove(number)
    var registration =
      keptRegistrations[number]
      ?? Registration(
        number: number, request: request,
        contact: ContactForm(user: request.contactUser, parameters: userAgent.registrationContactParameters()), expires: request.expires)
    (registration.request, registration.expires, registration.attempts) = (request, request.expires, 0)
    send(registration, at: now, &out)
  }

  private func send(_ registration: Registration, at now: Instant, _ out: inout Outbox) {
    let request = registration.request
    let (id, events) = userAgent.send(
      .register, to: request.target, uri: request.registrar, from: request.aor, to: request.aor, callID: registration.next?.callID,
      sequence: registration.next?.sequence, contact: registration.contact, credentials: request.credentials,
      fields: [.init(.expires, String(registration.expires))], at: now, &out)
    registrations[id] = registration
    absorb(events, at: now, &out)
  }

  func requestAnswered(_ id: RequestID, _ message: SIPMessage, at now: Instant) {
    let status = message.status ?? 0
    if pings.remove(id) != nil {
      tell(.optionsAnswered(status: status))
      return
    }
    guard var registration = registrations.removeValue(forKey: id) else { return }
    let aor = registration.request.aor.uri.description
    if let callID = try? message.callID(), let sequence = try? message.cseq().number { registration.next = (callID, sequence + 1) }
    if status == 423, registration.attempts == 0, let minimum = message.first(.minExpires).flatMap({ Int($0.text) }),
      (1...86_400).contains(minimum)
    {
      registration.expires = minimum
      registration.attempts = 1
      registrationDeadlines.set(registration.number, at: now)
    } else if (200..<300).contains(status) {
      // Who removes its binding is not in the list any more.
      let granted = registration.expires == 0 ? 0 : grantedExpiry(message, registration) ?? registration.expires
      registration.isBound = granted > 0
      tell(.registered(aor: aor, expires: granted))
      if registration.isBound {
        registrationDeadlines.set(registration.number, at: now.advanced(by: .seconds(granted - lead(granted))))
      }
    } else {
      registration.isBound = false
      tell(.registrationFailed(aor: aor, reason: "\(status) \(message.reasonPhrase?.text ?? "")"))
    }
    keptRegistrations[registration.number] = registration
  }

  /// Some seconds before the end, so that a lost request can be repeated.
  private func lead(_ granted: Int) -> Int { min(configuration.habits.registrationLead ?? max(granted / 10, 5), granted / 2) }

  func requestFailed(_ id: RequestID, _ failure: TransactionFailure) {
    if pings.remove(id) != nil {
      tell(.optionsFailed(reason: "\(failure)"))
    } else if var registration = registrations.removeValue(forKey: id) {
      // How far the CSeq got is not known.
      (registration.next, registration.isBound) = (nil, false)
      keptRegistrations[registration.number] = registration
      tell(.registrationFailed(aor: registration.request.aor.uri.description, reason: "\(failure)"))
    }
  }

  func refreshRegistration(_ number: Int, at now: Instant, _ out: inout Outbox) {
    if let registration = keptRegistrations[number] { send(registration, at: now, &out) }
  }

  /// Whether a call to this URI came to a Contact that we registered, by the parameters we put into it. True while no binding of ours has
  /// any.
  public func isRegisteredContact(_ uri: SIPURI) -> Bool {
    let bound = (1..<registrationNumbers.count + 1).compactMap { keptRegistrations[$0] }.filter(\.isBound)
    let marks = bound.map(\.contact.parameters).filter { !$0.isEmpty }
    return marks.isEmpty || marks.contains { uri.parameters.description.contains($0) }
  }

  /// Seconds granted: the `expires` of our own Contact among all that are bound (RFC 3261 §10.2.4), known by the parameters we put into it,
  /// else by its address; else Expires.
  private func grantedExpiry(_ message: SIPMessage, _ registration: Registration) -> Int? {
    guard case .list(let contacts)? = try? message.contacts() else { return message.expires() }
    let mark = registration.contact.parameters
    let own = contacts.first { mark.isEmpty ? isOwn($0.uri, registration.request.target.transport) : $0.uri.parameters.description.contains(mark) }
    return (own ?? (contacts.count == 1 ? contacts.first : nil))?.parameters["expires"].flatMap { Int($0) } ?? message.expires()
  }

  private func isOwn(_ contact: SIPURI, _ transport: SIPTransportProtocol) -> Bool {
    let written = contact.parameters["transport"].flatMap { SIPTransportProtocol(rawValue: $0.lowercased()) } ?? .udp
    return written == transport
      && configuration.userAgent.listeners.contains { listener in
        listener.transport == transport && contact.host.address == listener.address.address
          && (contact.port ?? transport.defaultPort) == listener.address.port
      }
  }

  func sendOptions(to target: SIPTarget, uri: SIPURI, at now: Instant, _ out: inout Outbox) {
    let form = configuration.userAgent.style.options
    let (id, events) = userAgent.send(
      .options, to: target, uri: uri, from: configuration.aor, to: NameAddress(uri: uri),
      fields: form.hasAccept ? [.init(.accept, "application/sdp")] : [], at: now, &out)
    pings.insert(id)
    absorb(events, at: now, &out)
  }
}
