import KallglotPolicy
import CallControl
import RTP
import SIPUserAgent
import SansIO

/// What the endpoint tells its owner.
public enum EndpointEvent: HostEvent, Hashable {
  case party(CallAgentEvent)
  /// A policy step spoke about a request.
  case decision(LegID?, PolicyDecision, JudgedRequest)
  /// A leg joined a session.
  case joined(LegID, session: String, account: String, role: SessionRole)
  /// The `X-` header fields of an INVITE, as `Name: value`, in their order (contract 8.7).
  case carried(LegID, session: String, headers: [String])
  /// A digit of one leg goes on to the other leg of its session, unread, by this way (contract 3, 8.4).
  case relayed(LegID, to: LegID, HeardDigit, by: DigitWay)
  /// It cannot go on, and why.
  case notRelayed(LegID, to: LegID, HeardDigit, reason: String)
  /// A session is over: its last leg is gone and its grace has passed, or the API ended it.
  case sessionEnded(String, reason: String)
  /// A call to an account was asked for and cannot be placed.
  case notCalled(account: String, reason: String)
  /// A changed policy asks for TLS that cannot be made: what there was goes on.
  case tlsKept(reason: String)

  public var journalName: String {
    switch self {
    case .party(let event): event.journalName
    case .decision: "policy-decision"
    case .joined: "session-joined"
    case .carried: "headers-carried"
    case .relayed: "digit-relayed"
    case .notRelayed: "digit-not-relayed"
    case .sessionEnded: "session-ended"
    case .notCalled: "account-not-called"
    case .tlsKept: "tls-kept"
    }
  }

  public func writeFields(to json: inout JSONWriter) {
    switch self {
    case .party(let event): event.writeFields(to: &json)
    case .decision(let leg, let decision, let request):
      if let leg { json.member("leg", leg.rawValue) }
      json.member("method", request.method)
      if let peer = request.peer { json.member(request.isOurs ? "target" : "source", peer) }
      json.member("callID", request.callID)
      json.member("rule", decision.rule.rawValue)
      json.member("setting", decision.setting)
      json.member("decision", decision.description)
      json.member("labDecision", decision.isLabDecision)
    case .joined(let leg, let session, let account, let role):
      json.member("leg", leg.rawValue)
      json.member("session", session)
      json.member("account", account)
      json.member("role", role.rawValue)
    case .carried(let leg, let session, let headers):
      json.member("leg", leg.rawValue)
      json.member("session", session)
      for header in headers { json.member("header", header) }
    case .relayed(let leg, let other, let digit, let way):
      json.member("leg", leg.rawValue)
      json.member("toLeg", other.rawValue)
      digit.writeFields(to: &json)
      json.member("by", way.rawValue)
    case .notRelayed(let leg, let other, let digit, let reason):
      json.member("leg", leg.rawValue)
      json.member("toLeg", other.rawValue)
      digit.writeFields(to: &json)
      json.member("reason", reason)
    case .sessionEnded(let session, let reason):
      json.member("session", session)
      json.member("reason", reason)
    case .notCalled(let account, let reason):
      json.member("account", account)
      json.member("reason", reason)
    case .tlsKept(let reason): json.member("reason", reason)
    }
  }
}

/// The request that a policy step spoke about.
public struct JudgedRequest: Hashable, Sendable {
  /// Empty where a connection was judged before anything was read from it.
  public var method: String
  /// Who sent it, or whom we send it to; nil where the servers of a name have to be looked up first.
  public var peer: TransportAddress?
  /// Empty where it is not known.
  public var callID: String
  /// We send it.
  public var isOurs: Bool

  public init(method: String, peer: TransportAddress?, callID: String = "", isOurs: Bool = false) {
    self.method = method
    self.peer = peer
    self.callID = callID
    self.isOurs = isOurs
  }
}
