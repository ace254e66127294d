import KallglotPolicy
import Kallglot
import CallControl
import Personas
import Rules
import SIPMessage
import SIPUserAgent
import SansIO

/// The message that an event of a host speaks of, as far as the event tells.
struct EventSubject {
  enum What {
    /// The newest packet of the host that fits one of these.
    case messages([MessageKind])
    /// The newest media that the host received.
    case media
    /// What came at the instant of the event.
    case newest
  }

  var what: What
  /// Whose Call-ID the message has.
  var leg: LegID?
  var callID: Bytes?
  /// How long ago it was there at least.
  var age: Duration = .zero

  /// 64·T1: how old a refusal is at least when Timer H fires (RFC 3261 §17.2.1).
  private static let timerH: Duration = .seconds(32)

  init(_ event: any HostEvent) {
    if let event = event as? CallAgentEvent {
      self.init(party: event)
    } else if let event = event as? EndpointEvent {
      self.init(endpoint: event)
    } else if case .received(let message)? = event as? WireHost.Event {
      self.init(what: .messages([.received(.exactly(message.bytes))]))
    } else {
      self.init(what: .newest)
    }
  }

  private init(endpoint event: EndpointEvent) {
    switch event {
    case .party(let event): self.init(party: event)
    case .decision(let leg, _, let request):
      let message = MessageKind.Start.request(SIPMethod(request.method))
      self.init(what: .messages([request.isOurs ? .sent(message) : .received(message)]), leg: leg)
    case .joined, .carried, .digit, .sessionEnded, .notCalled: self.init(what: .newest)
    }
  }

  private init(what: What, leg: LegID? = nil, callID: Bytes? = nil) { (self.what, self.leg, self.callID) = (what, leg, callID) }

  static func partyEvent(_ event: any HostEvent) -> CallAgentEvent? {
    if case EndpointEvent.party(let event)? = event as? EndpointEvent { return event }
    return event as? CallAgentEvent
  }

  private init(party event: CallAgentEvent) {
    self.init(what: Self.what(event), leg: event.leg)
    if case .started(_, let facts) = event { callID = Bytes(facts.callID) }
    if case .violation(_, let violation) = event, violation.rule == .refusalNotAcknowledged { age = Self.timerH }
  }

  private static func what(_ event: CallAgentEvent) -> What {
    switch event {
    case .started(_, let facts):
      .messages([facts.direction == .outgoing ? .sent(.request(.invite)) : .received(.request(.invite))])
    case .ringing(_, let status): .messages(MessageKind.both(.response(status...status, .invite)))
    case .refused(_, let status, _, _), .ended(_, .refused(let status), _): .messages(MessageKind.both(.response(status...status, .invite)))
    case .established, .renegotiated: .messages(MessageKind.both(.response(200...299, .invite)) + [.received(.request(.ack))])
    case .earlyMedia: .messages(MessageKind.both(.response(100...299, .invite)))
    case .reinviteFailed(_, let status?, _): .messages([.received(.response(status...status, .invite))])
    case .reinviteFailed(_, nil, _): .messages([.sent(.request(.invite))])
    case .ended(_, let end, _): what(end)
    case .reason: .messages([.received(.request(.bye)), .received(.request(.cancel))])
    case .toneHeard, .toneEnded, .mediaStarted, .mediaLatched: .media
    case .registered, .registrationFailed: .messages([.received(.response(100...699, .register)), .sent(.request(.register))])
    case .optionsAnswered, .optionsFailed: .messages([.received(.response(100...699, .options)), .sent(.request(.options))])
    case .violation(_, let violation): what(violation)
    default: .newest
    }
  }

  private static func what(_ end: EndReason) -> What {
    switch end {
    case .hungUpHere, .mediaSilence, .durationReached: .messages([.sent(.request(.bye))])
    case .hungUpByPeer: .messages([.received(.request(.bye))])
    case .cancelledHere, .noFinalResponse: .messages([.sent(.request(.cancel))])
    case .cancelledByPeer: .messages([.received(.request(.cancel))])
    case .timerB: .messages([.sent(.request(.invite))])
    case .expired: .messages(MessageKind.both(.response(487...487, .invite)))
    case .ackMissing: .messages([.sent(.response(200...299, .invite))])
    case .dialogLost: .messages([.received(.response(408...481, nil))])
    case .refused(let status): .messages(MessageKind.both(.response(status...status, .invite)))
    case .violation(let violation): what(violation)
    case .unsupported: .messages([.received(.any)])
    case .transportFailed: .newest
    }
  }

  /// The message that broke a rule: what came, except where nothing did.
  private static func what(_ violation: PeerViolation) -> What {
    switch violation.rule {
    case .rtpPayloadType, .rtpWhileHeld, .rtpSource: .media
    case .rtpMalformed, .rtcpMalformed: .newest
    // Timer H: no ACK came for this one.
    case .refusalNotAcknowledged: .messages([.sent(.response(300...699, .invite))])
    case .listedBindings: .messages([.received(.response(200...299, .register))])
    case .byeInEarlyDialog: .messages([.received(.request(.bye))])
    case .responseContactSecure: .messages([.received(.response(200...299, .invite))])
    case .minimumExpires: .messages([.received(.response(423...423, nil))])
    case .acknowledgementSequence: .messages([.received(.request(.ack))])
    case .successWithoutDialog: .messages([.received(.response(200...299, .invite))])
    default: .messages([.received(.any)])
    }
  }
}

/// A kind of message by direction and start line.
struct MessageKind {
  enum Start {
    case request(SIPMethod)
    /// nil = whatever it answers.
    case response(ClosedRange<Int>, SIPMethod?)
    case exactly(Bytes)
    case any
  }

  var direction: PacketRecord.Direction
  var start: Start

  static func sent(_ start: Start) -> MessageKind { MessageKind(direction: .sent, start: start) }
  static func received(_ start: Start) -> MessageKind { MessageKind(direction: .received, start: start) }
  static func both(_ start: Start) -> [MessageKind] { [.sent(start), .received(start)] }

  /// - Parameter callID: what the message's Call-ID is; nil = it does not matter. Under TLS it cannot be seen.
  func matches(_ packet: PacketRecord, callID: Bytes?) -> Bool {
    guard packet.direction == direction else { return false }
    switch (start, Self.subject(packet)) {
    case (.any, .request), (.any, .response): break
    case (.request(let wanted), .request(let method)): guard wanted.label == method else { return false }
    case (.response(let statuses, let wanted), .response(let status, let method)):
      guard statuses.contains(Int(status)), wanted == nil || wanted?.label == method else { return false }
    case (.exactly(let bytes), _): return packet.payload == bytes
    default: return false
    }
    guard let callID, let message = try? SIPMessage.parse(packet.payload) else { return true }
    return (try? message.callID()).map { Bytes($0) == callID } ?? true
  }

  /// What the packet carries: its label, and where it has none, as on real sockets and from wire members, its bytes.
  private static func subject(_ packet: PacketRecord) -> Label.Subject {
    switch packet.label.subject {
    case .none, .raw: break
    case .request, .response, .keepAlive, .rtp, .rtcp, .tlsHandshake, .tlsClose: return packet.label.subject
    }
    guard let message = try? SIPMessage.parse(packet.payload) else { return packet.label.subject }
    if let status = message.status {
      return .response(status: UInt16(clamping: status), (try? message.cseq().method.label) ?? .unnamed)
    }
    return .request(message.method?.label ?? .unnamed)
  }
}
