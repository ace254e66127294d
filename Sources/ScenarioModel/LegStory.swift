import KallglotPolicy
import CallControl
import Media
import SDP
import SIPUserAgent
import SansIO

/// A tone that a member heard.
public struct HeardTone: Sendable, Hashable {
  /// In hertz.
  public var frequency: Int
  public var from: Instant
  /// nil = it goes on.
  public var to: Instant?
}

/// One leg's story as far as it is known, at one member.
public struct LegStory: Sendable {
  public enum State: String, Sendable, CaseIterable { case placed, ringing, established, ended }

  public var member: String
  public var id: LegID
  public var callID: String
  /// What the step that placed the call named it; nil at the called side.
  public var name: String?
  /// Where the INVITE went or came from.
  public var peer: TransportAddress?
  public var state: State = .placed
  public var refusal: (status: Int, phrase: String, explanation: String?)?
  public var end: EndReason?
  public var agreement: AudioAgreement?
  public var hasEarlyMedia = false
  /// Re-INVITEs of either side that went through.
  public var reinvites = 0
  /// Our last re-INVITE, when it failed.
  public var reinviteFailure: (status: Int?, reason: String)?
  /// What was heard, in the order of the beginnings.
  public var tones: [HeardTone] = []
  /// The same, in hertz alone.
  public var heard: [Int] { tones.map(\.frequency) }
  /// When it was established, and when it ended.
  public var establishedAt: Instant?
  public var endedAt: Instant?
  /// Reason of the BYE or CANCEL that ended it.
  public var reason: String?
  public var report: MediaReport?
  /// Where our RTP goes because the peer's comes from there; nil = where SDP says.
  public var latched: TransportAddress?
  /// The frame that brought the last news of the call, and that of its media.
  public var evidence: FrameCitation?
  public var mediaEvidence: FrameCitation?

  /// The leg as commands name it.
  var leg: StageLeg { StageLeg(member: member, callID: callID, name: name) }

  /// What an event means for this leg.
  mutating func take(_ event: CallAgentEvent, _ frame: FrameCitation?, at now: Instant) {
    switch event {
    case .toneHeard, .toneEnded, .mediaStarted, .mediaLatched: mediaEvidence = frame ?? mediaEvidence
    default: evidence = frame ?? evidence
    }
    switch event {
    case .ringing: if state == .placed { state = .ringing }
    case .established(_, let agreement):
      state = .established
      establishedAt = now
      self.agreement = agreement
    case .earlyMedia(_, let agreement):
      hasEarlyMedia = true
      self.agreement = agreement
    case .renegotiated(_, let agreement):
      self.agreement = agreement
      reinvites += 1
      reinviteFailure = nil
    case .reinviteFailed(_, let status, let reason): reinviteFailure = (status, reason)
    case .refused(_, let status, let phrase, let explanation): refusal = (status, phrase, explanation)
    case .toneHeard(_, let frequency):
      tones.append(HeardTone(frequency: frequency, from: now))
    case .toneEnded: if !tones.isEmpty { tones[tones.count - 1].to = now }
    case .reason(_, let text): reason = text
    case .mediaLatched(_, let source): latched = source
    case .ended(_, let end, let report):
      state = .ended
      endedAt = now
      self.end = end
      self.report = report
    case .redirected, .requestRefused, .mediaStarted, .started, .mediaPorts, .note, .violation, .portsMissing, .listening,
      .listenFailed, .acceptsAgain,
      .socketFailed, .connectionFailed, .malformed, .registered, .registrationFailed,
      .optionsAnswered, .optionsFailed:
      break
    }
  }
}
