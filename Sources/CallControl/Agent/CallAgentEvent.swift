import KallglotPolicy
import Mark
import Media
import RTP
import SDP
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO

/// What happened at one user agent, as a stage, a log or a report needs it. Values only: no message, no secret.
public enum CallAgentEvent: HostEvent, Hashable {
  case listening(TransportListener)
  case listenFailed(TransportListener, BindFailure)
  case connectionFailed(remote: TransportAddress, reason: String)
  /// Something was not sent or did not arrive, or a socket could not read or accept: told once for each message, and once for each stream
  /// of media and cause. The socket goes on.
  case socketFailed(LegID?, SocketFailure)
  /// A listener that could not accept does so again.
  case acceptsAgain(TransportListener)
  /// A peer sent what is no SIP message; the text names the rule.
  case malformed(from: TransportAddress, rule: String)
  /// Our INVITE goes to another place (RFC 3261 §8.1.3.4), after this status, or after a place that did not answer.
  case redirected(LegID, status: Int?, uri: String, target: TransportAddress)
  /// A server of a domain did not take our request: it goes to the next one (RFC 3263 §4.3).
  case failedOver(LegID?, from: SIPTarget, reason: String, to: SIPTarget)
  /// No server took our request, or none was found; why, with each that was tried.
  case serversFailed(LegID?, reason: String)
  /// We answered a request with something else than a 2xx, whatever layer decided so.
  case requestRefused(LegID?, RefusedRequest)
  /// An INVITE left or arrived.
  case started(LegID, LegFacts)
  /// The leg asks for this RTP port and the RTCP port above it; for others when they are taken, and for a music server's.
  case mediaPorts(LegID, rtp: TransportAddress)
  case ringing(LegID, status: Int)
  case established(LegID, AudioAgreement)
  /// A provisional response brought or took an answer: media may flow before the 200.
  case earlyMedia(LegID, AudioAgreement)
  /// A re-INVITE of either side changed or confirmed the agreement.
  case renegotiated(LegID, AudioAgreement)
  /// Our re-INVITE failed; the status is nil when it was never answered or never left.
  case reinviteFailed(LegID, status: Int?, reason: String)
  /// The call was refused: the status, its phrase and the text of Warning or Reason.
  case refused(LegID, status: Int, phrase: String, explanation: String?)
  /// The first RTP packet came.
  case mediaStarted(LegID)
  /// RTP goes to another address than SDP named, because it comes from there (contract 8.5).
  case mediaLatched(LegID, TransportAddress)
  /// The handshake of DTLS gave the media its keys.
  case secured(LegID, SecuredMedia)
  /// It came to nothing.
  case securingFailed(LegID, reason: String)
  /// The peer ended the DTLS association by close_notify; the call goes on without media of ours.
  case associationClosed(LegID)
  case toneHeard(LegID, frequency: Int)
  case toneEnded(LegID)
  /// What the marks in the audio tell.
  case markFound(LegID, MarkFinding)
  /// The peer sent a digit, which is over.
  case digit(LegID, HeardDigit)
  /// All digits that we were asked to send have been sent.
  case pressed(LegID)
  /// Digits could not be sent.
  case pressFailed(LegID, DigitRefusal)
  /// The Reason of the peer's BYE or CANCEL, such as `Q.850;cause=16`; the end follows.
  case reason(LegID, String)
  case ended(LegID, EndReason, MediaReport?)
  case registered(aor: String, expires: Int)
  case registrationFailed(aor: String, reason: String)
  case optionsAnswered(status: Int)
  case optionsFailed(reason: String)
  /// Something lawful that is answered in our own way.
  case note(LegID?, PeerNote)
  /// A rule that the peer broke.
  case violation(LegID?, PeerViolation)
  /// No media port is left, or none could be opened: our own want, not the peer's fault.
  case portsMissing(LegID?, reason: String)

  public var leg: LegID? {
    switch self {
    case .started(let leg, _), .mediaPorts(let leg, _), .ringing(let leg, _), .established(let leg, _), .earlyMedia(let leg, _),
      .renegotiated(let leg, _), .reinviteFailed(let leg, _, _), .refused(let leg, _, _, _), .mediaStarted(let leg),
      .mediaLatched(let leg, _), .toneHeard(let leg, _), .toneEnded(let leg), .markFound(let leg, _), .digit(let leg, _),
      .pressed(let leg), .pressFailed(let leg, _), .reason(let leg, _), .ended(let leg, _, _):
      leg
    case .redirected(let leg, _, _, _): leg
    case .secured(let leg, _), .securingFailed(let leg, _), .associationClosed(let leg): leg
    case .failedOver(let leg, _, _, _), .serversFailed(let leg, _): leg
    case .note(let leg, _), .violation(let leg, _), .portsMissing(let leg, _), .socketFailed(let leg, _), .requestRefused(let leg, _): leg
    case .listening, .listenFailed, .acceptsAgain, .connectionFailed, .malformed, .registered, .registrationFailed, .optionsAnswered,
      .optionsFailed:
      nil
    }
  }
}

/// What is known of a leg when it begins.
public struct LegFacts: Hashable, Sendable {
  public enum Direction: String, Hashable, Sendable { case outgoing, incoming }

  public var direction: Direction
  public var callID: String
  /// URI of From, without tag.
  public var from: String
  /// URI of To.
  public var to: String
  public var transport: SIPTransportProtocol
  public var peer: TransportAddress
  /// The name that the command which started the call gave it.
  public var name: String?

  public init(
    direction: Direction, callID: String, from: String, to: String, transport: SIPTransportProtocol, peer: TransportAddress, name: String?
  ) {
    self.direction = direction
    self.callID = callID
    self.from = from
    self.to = to
    self.transport = transport
    self.peer = peer
    self.name = name
  }
}

extension LegFacts {
  /// The facts of an INVITE that arrived.
  public init(incoming request: SIPRequest) {
    let from = request.facts.from.flatMap { request.message.uri($0.uri) }
    self.init(
      direction: .incoming, callID: request.callID.text, from: from?.description ?? "",
      to: request.uriText.text, transport: request.flow.transport, peer: request.flow.remote, name: nil)
  }
}

extension CallAgentEvent {
  public var journalName: String {
    switch self {
    case .listening: "listening"
    case .listenFailed: "listen-failed"
    case .connectionFailed: "connection-failed"
    case .socketFailed(_, let failure): failure.journalName
    case .acceptsAgain: "accepts-again"
    case .malformed: "malformed"
    case .started: "leg-started"
    case .mediaPorts: "media-ports"
    case .ringing: "leg-ringing"
    case .established: "leg-established"
    case .earlyMedia: "leg-early-media"
    case .renegotiated: "leg-modified"
    case .reinviteFailed: "leg-modification-failed"
    case .refused: "leg-refused"
    case .mediaStarted: "media-started"
    case .mediaLatched: "media-latched"
    case .secured: "media-secured"
    case .securingFailed: "media-securing-failed"
    case .associationClosed: "media-association-closed"
    case .toneHeard: "tone-heard"
    case .toneEnded: "tone-ended"
    case .markFound(_, let finding): finding.journalName
    case .digit: "digit"
    case .pressed: "digits-sent"
    case .pressFailed: "digits-not-sent"
    case .reason: "leg-reason"
    case .ended: "leg-ended"
    case .registered: "registered"
    case .registrationFailed: "registration-failed"
    case .optionsAnswered: "options-answered"
    case .optionsFailed: "options-failed"
    case .note: "note"
    case .violation: "violation"
    case .portsMissing: "media-ports-missing"
    case .requestRefused: "request-refused"
    case .redirected: "leg-redirected"
    case .failedOver: "failed-over"
    case .serversFailed: "servers-failed"
    }
  }

  public func writeFields(to json: inout JSONWriter) {
    if let leg { json.member("leg", leg.rawValue) }
    switch self {
    case .started(_, let facts): facts.writeFields(to: &json)
    case .mediaPorts(_, let rtp): json.member("rtp", rtp)
    case .established(_, let agreement): agreement.writeFields(to: &json)
    case .earlyMedia(_, let agreement), .renegotiated(_, let agreement):
      agreement.writeFields(to: &json)
      json.member("direction", agreement.direction.rawValue)
    case .refused(_, let status, let phrase, let explanation):
      json.member("status", status)
      json.member("phrase", phrase)
      if let explanation { json.member("explanation", explanation) }
    case .mediaStarted, .toneEnded, .pressed: break
    case .digit(_, let digit): digit.writeFields(to: &json)
    case .pressFailed(_, let refusal): json.member("reason", "\(refusal)")
    case .mediaLatched(_, let source): json.member("source", source)
    case .toneHeard(_, let frequency): json.member("hertz", frequency)
    case .reason(_, let text): json.member("text", text)
    case .ended(_, let reason, let report):
      json.member("reason", "\(reason)")
      report?.writeFields(to: &json)
    case .ringing(_, let status), .optionsAnswered(let status): json.member("status", status)
    case .reinviteFailed(_, let status, let reason):
      if let status { json.member("status", status) }
      json.member("reason", reason)
    case .redirected(_, let status, let uri, let target):
      if let status { json.member("status", status) }
      json.member("uri", uri)
      json.member("target", target)
    default: writeOtherFields(to: &json)
    }
  }

  /// Of what may concern no call.
  private func writeOtherFields(to json: inout JSONWriter) {
    switch self {
    case .socketFailed(_, let failure): failure.writeFields(to: &json)
    case .listening(let listener), .acceptsAgain(let listener): listener.writeFields(to: &json)
    case .listenFailed(let listener, let failure):
      listener.writeFields(to: &json)
      json.member("reason", "\(failure)")
    case .connectionFailed(let remote, let reason):
      json.member("remote", remote)
      json.member("reason", reason)
    case .malformed(let source, let rule):
      json.member("remote", source)
      json.member("rule", rule)
    case .registered(let aor, let expires):
      json.member("aor", aor)
      json.member("expires", expires)
    case .registrationFailed(let aor, let reason):
      json.member("aor", aor)
      json.member("reason", reason)
    case .markFound(_, let finding): finding.writeFields(to: &json)
    case .secured(_, let media): media.writeFields(to: &json)
    case .failedOver(_, let failed, let reason, let next):
      json.member("from", "\(failed)")
      json.member("reason", reason)
      json.member("to", "\(next)")
    case .optionsFailed(let reason), .portsMissing(_, let reason), .serversFailed(_, let reason),
      .securingFailed(_, let reason):
      json.member("reason", reason)
    case .note(_, let note): note.writeFields(to: &json)
    case .violation(_, let violation): violation.writeFields(to: &json)
    case .requestRefused(_, let request): request.writeFields(to: &json)
    default: break
    }
  }
}

extension TransportListener {
  fileprivate func writeFields(to json: inout JSONWriter) {
    json.member("transport", transport.rawValue)
    json.member("address", address)
  }
}

extension AudioAgreement {
  fileprivate func writeFields(to json: inout JSONWriter) {
    json.member("codec", codec.rawValue)
    json.member("local", local)
    json.member("remote", remote)
  }
}

extension HeardDigit {
  public func writeFields(to json: inout JSONWriter) {
    json.member("digit", "\(digit)")
    json.member("way", way.rawValue)
    if let milliseconds { json.member("milliseconds", milliseconds) }
  }
}

extension SecuredMedia {
  fileprivate func writeFields(to json: inout JSONWriter) {
    json.member("version", "\(version)")
    json.member("cipher", cipher)
    json.member("suite", suite.name)
  }
}

extension LegFacts {
  fileprivate func writeFields(to json: inout JSONWriter) {
    json.member("direction", direction.rawValue)
    json.member("callID", callID)
    json.member("from", from)
    json.member("to", to)
    json.member("transport", transport.rawValue)
    json.member("peer", peer)
  }
}

extension MediaReport {
  fileprivate func writeFields(to json: inout JSONWriter) {
    json.member("packetsSent", packetsSent)
    json.member("packetsReceived", packetsReceived)
    json.member("packetsLost", packetsLost)
    json.member("jitterNanoseconds", jitter.wholeNanoseconds)
    guard let quality else { return }
    json.name("quality")
    json.object(.compact) { quality.writeFields(to: &$0) }
  }
}
