import CallControl
import Media
import SIPUserAgent
import SansIO
import ScenarioModel

extension MemberWord {
  /// What of a party's event its packets do not show.
  init?(_ event: CallAgentEvent, callID: (LegID?) -> String?) {
    switch event {
    case .started(_, let facts):
      guard facts.direction == .outgoing else { return nil }
      self = .called(callID: facts.callID, name: facts.name, target: facts.peer)
    case .toneHeard(let leg, let frequency):
      if let id = callID(leg) { self = .toneHeard(callID: id, frequency: frequency) } else { return nil }
    case .markFound(let leg, let finding):
      if let id = callID(leg) { self = .markFound(callID: id, finding) } else { return nil }
    case .toneEnded(let leg): if let id = callID(leg) { self = .toneEnded(callID: id) } else { return nil }
    case .digit(let leg, let digit): if let id = callID(leg) { self = .digit(callID: id, digit) } else { return nil }
    case .pressed(let leg): if let id = callID(leg) { self = .pressed(callID: id) } else { return nil }
    case .pressFailed(let leg, let refusal):
      if let id = callID(leg) { self = .notPressed(callID: id, reason: "\(refusal)") } else { return nil }
    case .violation(let leg, let violation):
      guard [.rtpSource, .srtpUnverified, .rtpPayloadType, .rtpMalformed].contains(violation.rule), let id = callID(leg) else { return nil }
      self = .mediaDropped(callID: id, reason: "\(violation)")
    case .ended(let leg, let reason, let report):
      guard let id = callID(leg) else { return nil }
      let packets = report.map { Int($0.packetsReceived) }
      self = .ended(callID: id, reason, packetsReceived: packets, drops: report?.drops, quality: report?.quality)
    case .reinviteFailed(let leg, nil, let reason):
      guard let id = callID(leg) else { return nil }
      self = .reinviteLost(callID: id, reason: reason)
    case .registrationFailed(_, let reason): self = .registrationFailed(reason: reason)
    case .optionsFailed(let reason): self = .optionsFailed(reason: reason)
    case .connectionFailed(let remote, let reason): self = .connectionFailed(remote: remote, reason: reason)
    case .serversFailed(let leg, let reason): self = .serversFailed(callID: callID(leg), reason: reason)
    case .portsMissing(let leg, let reason): self = .portsMissing(callID: callID(leg), reason: reason)
    case .listening, .listenFailed, .acceptsAgain, .socketFailed, .redirected, .failedOver, .requestRefused, .mediaPorts, .ringing,
      .established,
      .earlyMedia, .renegotiated, .reinviteFailed, .refused, .mediaStarted, .mediaLatched, .reason, .registered, .optionsAnswered, .note,
      .secured, .securingFailed, .associationClosed,
      .malformed:
      return nil
    }
  }
}
