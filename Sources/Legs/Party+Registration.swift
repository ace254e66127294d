import SIPMessage
import SIPTransaction
import SIPTransport
import SIPUserAgent
import SansIO

/// A binding that this party keeps at a registrar (RFC 3261 §10.2).
struct Registration {
  var request: RegisterRequest
  var callID: String
  var fromTag: String
  var sequence: UInt32
  /// Raised when the registrar says 423.
  var expires: Int
  var attempts = 0
}

// Registering, keep-alive: requests of our own outside dialogs.
extension Party {
  func register(_ request: RegisterRequest, at now: Instant, _ out: inout Outbox) {
    let registration = Registration(
      request: request, callID: mediaEntropy.hex(32), fromTag: mediaEntropy.hex(16), sequence: 1, expires: request.expires)
    send(registration, at: now, &out)
  }

  private func send(_ registration: Registration, at now: Instant, _ out: inout Outbox) {
    var from = registration.request.aor
    from.tag = registration.fromTag
    let (id, events) = userAgent.send(
      .register, to: registration.request.target, uri: registration.request.registrar, from: from, to: registration.request.aor,
      callID: registration.callID, sequence: registration.sequence, credentials: registration.request.credentials,
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
    registration.sequence += 2
    if status == 423, registration.attempts == 0, let minimum = message.first(.minExpires).flatMap({ Int($0.text) }),
      (1...86_400).contains(minimum)
    {
      registration.expires = minimum
      registration.attempts = 1
      schedule(registration, at: now)
    } else if (200..<300).contains(status) {
      // Who removes its binding is not in the list any more.
      let granted = registration.expires == 0 ? 0 : grantedExpiry(message, registration.request.target.transport) ?? registration.expires
      tell(.registered(aor: aor, expires: granted))
      guard granted > 0, registration.expires > 0 else { return }
      // Some seconds before the end, so that a lost request can be repeated.
      let lead = min(max(granted / 10, 5), granted / 2)
      schedule(registration, at: now.advanced(by: .seconds(granted - lead)))
    } else {
      tell(.registrationFailed(aor: aor, reason: "\(status) \(message.reasonPhrase?.text ?? "")"))
    }
  }

  func requestFailed(_ id: RequestID, _ failure: TransactionFailure) {
    if pings.remove(id) != nil {
      tell(.optionsFailed(reason: "\(failure)"))
    } else if let registration = registrations.removeValue(forKey: id) {
      tell(.registrationFailed(aor: registration.request.aor.uri.description, reason: "\(failure)"))
    }
  }

  private func schedule(_ registration: Registration, at instant: Instant) {
    lastRegistration += 1
    keptRegistrations[lastRegistration] = registration
    registrationDeadlines.set(lastRegistration, at: instant)
  }

  func refreshRegistration(_ index: Int, at now: Instant, _ out: inout Outbox) {
    if let registration = keptRegistrations.removeValue(forKey: index) { send(registration, at: now, &out) }
  }

  /// Seconds granted: the `expires` of our own Contact among all that are bound (RFC 3261 §10.2.4), else Expires.
  private func grantedExpiry(_ message: SIPMessage, _ transport: SIPTransportProtocol) -> Int? {
    guard case .list(let contacts)? = try? message.contacts() else { return message.expires() }
    let own = contacts.first { isOwn($0.uri, transport) } ?? (contacts.count == 1 ? contacts.first : nil)
    return own?.parameters["expires"].flatMap { Int($0) } ?? message.expires()
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
    let (id, events) = userAgent.send(
      .options, to: target, uri: uri, from: configuration.aor, to: NameAddress(uri: uri),
      fields: [.init(.accept, "application/sdp")], at: now, &out)
    pings.insert(id)
    absorb(events, at: now, &out)
  }
}
