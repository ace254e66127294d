import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO

/// The bindings of the endpoint's accounts (RFC 3261 §10.3, limits of contract 8.2).
struct Registrar {
  struct Binding: Hashable {
    var contact: SIPURI
    var parameters: Parameters
    var callID: String
    var sequence: UInt32
    var expires: Instant
    /// Where the REGISTER came from.
    var flow: Flow?
  }

  /// A binding as the 200 lists it.
  struct Granted: Equatable {
    var contact: SIPURI
    /// `q` and the feature tags of the Contact that made it, such as `+sip.instance` (RFC 3261 §10.3 step 8, RFC 3840 §9).
    var parameters: Parameters
    /// Seconds left.
    var seconds: Int

    var fieldValue: String { "<\(contact)>\(parameters);expires=\(seconds)" }
  }

  enum Outcome: Equatable {
    /// The bindings that hold now.
    case bound([Granted])
    case intervalTooBrief
    case tooManyContacts
    /// An older request of the same client (§10.3 step 6).
    case outOfOrder
    case badRequest(String)
  }

  static let minimumSeconds = 60
  static let defaultSeconds = 3600
  static let maximumSeconds = 7200
  static let maximumContacts = 10

  private var bindings: [String: [Binding]] = [:]

  /// Carries out a REGISTER for an account; all of it or nothing.
  mutating func register(_ request: SIPRequest, account: String, at now: Instant) -> Outcome {
    let contacts: ContactList
    do { contacts = try request.message.contacts() } catch { return .badRequest("Call-ID, CSeq or Contact cannot be parsed") }
    let (callID, sequence) = (request.callID.text, request.sequence)
    var current = (bindings[account] ?? []).filter { $0.expires > now }
    let general = request.message.expires()
    switch contacts {
    case .none: break
    case .star:
      guard request.message.all(.contact).count == 1 else { return .badRequest("Contact * must be the only Contact (RFC 3261 §10.2.2)") }
      guard general == 0 else { return .badRequest("Contact * needs Expires: 0 (RFC 3261 §10.2.2)") }
      if current.contains(where: { $0.callID == callID && $0.sequence >= sequence }) { return .outOfOrder }
      current = []
    case .list(let list):
      for contact in list {
        // What is not a number of seconds counts as not given (RFC 3261 §20.10).
        let asked = contact.parameters["expires"].flatMap { UInt32($0).map(Int.init) } ?? general ?? Self.defaultSeconds
        guard asked == 0 || asked >= Self.minimumSeconds else { return .intervalTooBrief }
        let known = current.firstIndex { $0.contact.isEquivalent(to: contact.uri) }
        if let known, current[known].callID == callID, current[known].sequence >= sequence { return .outOfOrder }
        if let known { current.remove(at: known) }
        guard asked > 0 else { continue }
        let expires = now.advanced(by: .seconds(min(asked, Self.maximumSeconds)))
        let parameters = Parameters(contact.parameters.list.filter { $0.name.lowercased() == "q" || $0.name.hasPrefix("+") })
        let binding = Binding(
          contact: contact.uri, parameters: parameters, callID: callID, sequence: sequence, expires: expires, flow: request.flow)
        current.insert(binding, at: known ?? current.count)
      }
      guard current.count <= Self.maximumContacts else { return .tooManyContacts }
    }
    bindings[account] = current.isEmpty ? nil : current
    return .bound(
      current.map { Granted(contact: $0.contact, parameters: $0.parameters, seconds: Int(now.duration(to: $0.expires).components.seconds)) }
    )
  }

  /// The contacts of an account, in the order they were bound.
  func contacts(of account: String, at now: Instant) -> [SIPURI] { valid(account, now).map(\.contact) }

  /// The binding that calls to an account go to: the one made last.
  func latestBinding(of account: String, at now: Instant) -> Binding? { valid(account, now).max { $0.expires < $1.expires } }

  private func valid(_ account: String, _ now: Instant) -> [Binding] { (bindings[account] ?? []).filter { $0.expires > now } }
}
