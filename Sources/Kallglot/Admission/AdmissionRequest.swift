import KallglotPolicy
import SDP
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO

/// What the rules of admission look at in a request outside dialogs.
struct AdmissionRequest {
  var method: SIPMethod
  var flow: Flow
  /// nil where it cannot be read.
  var target: SIPURI?
  /// The Request-URI as it was written.
  var targetText: Bytes
  /// The digest credentials for our realm.
  var credentials: DigestCredentials?

  init(method: SIPMethod, flow: Flow, target: SIPURI?, targetText: Bytes = Bytes(), credentials: DigestCredentials? = nil) {
    self.method = method
    self.flow = flow
    self.target = target
    self.targetText = targetText
    self.credentials = credentials
  }

  /// - Returns: nil for a response.
  init?(_ served: ServedRequest, realm: String) {
    guard let method = served.message.method, let targetText = served.message.requestURIBytes else { return nil }
    let target = served.request.map(\.uri) ?? (try? served.message.requestURI())
    self.init(
      method: method, flow: served.flow, target: target, targetText: targetText,
      credentials: Self.credentials(of: served.message, realm: realm))
  }

  /// The id of the session that the Request-URI names; nil where it names none.
  var sessionID: String? {
    guard let user = target?.unescapedUser, user.hasPrefix("sess_") else { return nil }
    return user
  }

  /// A client may answer each challenge of ours (RFC 7235 §4.2): credentials with an algorithm that can be checked come first.
  private static func credentials(of message: SIPMessage, realm: String) -> DigestCredentials? {
    guard message.has(.authorization) else { return nil }
    let ours = message.digestCredentials(.authorization).filter { $0.isFor(realm: realm) }
    guard ours.count > 1 else { return ours.first }
    return ours.first { DigestAlgorithm(parameter: $0.algorithm) != nil } ?? ours.first
  }
}

/// What the rules of admission know beside the request.
struct AdmissionContext {
  /// What came of the digest.
  enum Proof {
    /// The policy asks for none, or it is not this rule's turn yet.
    case notAsked
    case verdict(DigestVerdict, Account?)
  }

  /// What the Request-URI of an INVITE leads to.
  enum SessionChoice: Hashable {
    case inbound
    case named(String, SessionCore<LegID>.Lookup)
  }

  /// Whether the call can be taken in.
  enum Reception: Hashable {
    case possible
    case noMediaPort
    case description(OfferAnswerFailure)
  }

  var place: EndpointPlace
  /// The policy that judges: the account's, or the listener's where no account can be told.
  var policy: Policy
  /// Whose request it is, as far as that is proven.
  var account: Account?
  var proof: Proof = .notAsked
  var session: SessionChoice = .inbound
  /// Calls of the account that are up or being set up.
  var calls = 0
  var reception: Reception = .possible

  init(place: EndpointPlace, policy: Policy, account: Account? = nil) {
    self.place = place
    self.policy = policy
    self.account = account
  }
}

/// Where the endpoint is: what URIs it takes for its own.
struct EndpointPlace: Hashable, Sendable {
  /// Also the realm.
  var domain: String
  /// The host that our own Contact names instead of an address.
  var contactHost: String?
  var listeners: [TransportListener]

  /// Our domain, an address we listen on, or the host that our own Contact names.
  func isOurs(_ uri: SIPURI) -> Bool {
    let host = uri.host.text.lowercased()
    if host == domain.lowercased() || host == contactHost?.lowercased() { return true }
    guard let address = uri.host.address else { return false }
    return listeners.contains { $0.address.address == address || $0.address.address.isUnspecified }
  }
}
