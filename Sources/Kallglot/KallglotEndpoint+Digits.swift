import CallControl
import KallglotPolicy
import Media
import RTP
import SIPMessage
import SIPUserAgent
import SansIO

// Digits between the legs of a session: relayed, and never read as session control (contract 3, 8.4, 8.7).
extension KallglotEndpoint {
  /// A digit that one leg sent goes to the other one, once it is over, for as long as it lasted.
  ///
  /// By telephone-event where that was agreed there, else by INFO with application/dtmf-relay where the peer's Allow names INFO, else not
  /// at all: tones in translated audio would be part of nobody's speech. The contract leaves the way to what was agreed on the media path.
  func relay(_ digit: HeardDigit, of id: LegID, at now: Instant, _ out: inout Outbox) {
    guard let other = sessions.partner(of: id) else { return }
    let agreement = agent.agreement(of: other)
    let way: DigitWay
    if let events = agreement?.events, events.taken.contains(digit.digit.code) {
      way = .rfc4733
    } else if agreement != nil, takesInfo[other.rawValue] == true {
      way = .info
    } else {
      let reason = agreement == nil ? "the other leg is not up" : "it has agreed on no telephone-event for it, and does not allow INFO"
      return out.event(EndpointEvent.notRelayed(id, to: other, digit, reason: reason))
    }
    out.event(EndpointEvent.relayed(id, to: other, digit, by: way))
    let length = max(DigitPlan.shortest, digit.milliseconds.map { .milliseconds($0) } ?? Self.relayedLength)
    agent.perform(.press(other, DigitPlan([digit.digit], duration: length, gap: DigitPlan.shortest), by: way, .relay), at: now, &out)
  }

  /// Of a digit that says nothing of its length.
  private static let relayedLength: Duration = .milliseconds(100)

  /// Keeps whether a caller takes INFO.
  func noteAllow(_ id: LegID, _ message: SIPMessage) { takesInfo[id.rawValue] = message.allowsInfo }
}
