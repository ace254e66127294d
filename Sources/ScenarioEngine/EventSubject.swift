import CallControl
import Kallglot
import KallglotPolicy
import Personas
import Rules
import SIPMessage
import SIPUserAgent
import SansIO

/// The message that an event of a host speaks of, as far as the event tells.
struct EventSubject {
  enum What {
    /// The newest message of the host that fits one of these.
    case messages([MessageKind])
    /// The newest media that the host received.
    case media
    /// What came at the instant of the event.
    case newest
  }

  var what: What
  /// Whose Call-ID the message has.
  var leg: LegID?
  var callID: String?

  init(_ event: any HostEvent) {
    if let event = event as? CallAgentEvent {
      self.init(party: event)
    } else if let event = event as? EndpointEvent {
      self.init(endpoint: event)
    } else {
      self.init(what: .newest)
    }
  }

  private init(endpoint event: EndpointEvent) {
    switch event {
    case .party(let event): self.init(party: event)
    case .decision(let leg, _, let request):
      let kind = MessageKind(isSent: request.isOurs, .request(SIPMethod(request.method)))
      self.init(what: .messages([kind]), leg: leg, callID: request.callID.isEmpty ? nil : request.callID)
    case .joined, .carried, .relayed, .notRelayed, .sessionEnded, .notCalled, .tlsKept: self.init(what: .newest)
    }
  }

  private init(what: What, leg: LegID? = nil, callID: String? = nil) { (self.what, self.leg, self.callID) = (what, leg, callID) }

  static func partyEvent(_ event: any HostEvent) -> CallAgentEvent? {
    if case EndpointEvent.party(let event)? = event as? EndpointEvent { return event }
    return event as? CallAgentEvent
  }

  private init(party event: CallAgentEvent) {
    switch event {
    case .digit(_, let digit) where digit.way == .info: self.init(what: .newest, leg: event.leg)
    case .toneHeard, .toneEnded, .markFound, .digit, .mediaStarted, .mediaLatched: self.init(what: .media, leg: event.leg)
    default: self.init(what: .newest, leg: event.leg)
    }
  }
}

/// A kind of message by direction and start line.
struct MessageKind {
  enum Start {
    case request(SIPMethod)
    /// nil = whatever it answers.
    case response(ClosedRange<Int>, SIPMethod?)
    case any
  }

  var isSent: Bool
  var start: Start

  init(isSent: Bool, _ start: Start) { (self.isSent, self.start) = (isSent, start) }

  static func sent(_ start: Start) -> MessageKind { MessageKind(isSent: true, start) }
  static func received(_ start: Start) -> MessageKind { MessageKind(isSent: false, start) }

  /// - Parameter callID: what the message's Call-ID is; nil = it does not matter.
  func matches(_ seen: MessageTrace.Entry, callID: String?) -> Bool {
    guard seen.isSent == isSent, callID == nil || seen.callID == callID else { return false }
    switch start {
    case .any: return true
    case .request(let method): return seen.status == nil && seen.method == method
    case .response(let statuses, let method):
      return seen.status.map { statuses.contains($0) } ?? false && (method == nil || method == seen.method)
    }
  }
}
