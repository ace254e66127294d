import KallglotPolicy
import Mark
import Media
import RTP
import SDP
import SRTP
import SansIO
import WireReader

/// A tone that a member heard.
public struct HeardTone: Sendable, Hashable {
  /// In hertz.
  public var frequency: Int
  public var from: Instant
  /// nil = it goes on.
  public var to: Instant?
}

/// One side of a call at one member: what its packets show, and of what the member says what no packet can show.
public struct LegStory: Sendable {
  public var member: String
  public var callID: String
  /// What the step that placed the call named it; nil at the called side.
  public var name: String?
  /// As the packets of the member show it; nil while no INVITE has left or come.
  public private(set) var call: CallStory?
  /// What was heard, in the order of the beginnings.
  public var tones: [HeardTone] = []
  /// What the marks in it told.
  public internal(set) var marks = MarkStory()
  /// The digits that came, in their order.
  public private(set) var digits: [HeardDigit] = []
  /// The digits that the last step asked for.
  var press: Press?
  /// RTP packets that the member counted until it ended.
  public private(set) var packetsReceived: Int?
  /// What it could not verify of SRTP until it ended.
  public private(set) var drops: SRTPDropCounts?
  /// What its jitter buffer and its books say, where it has them.
  public private(set) var quality: MediaQuality?
  /// The frame that brought the last news of the call, and that of its media.
  public private(set) var evidence: FrameCitation?
  public private(set) var mediaEvidence: FrameCitation?
  private var forgottenReinvites = 0
  /// The connection that its messages took is gone: what it wanted to send nobody can see.
  private var hasLostConnection = false
  /// Where the INVITE shall go.
  private let target: TransportAddress?
  /// How it ended in the member's own words, and when.
  private var own: OwnEnd?
  /// Our last re-INVITE never left or was never answered: no packet says so.
  private var lostReinvite: String?
  /// Why media that came was not taken.
  private(set) var droppedMedia: [String] = []
  private static let mostDropped = 3

  /// What became of digits that were asked for.
  struct Press: Sendable {
    enum State: Hashable, Sendable {
      case asked, done
      case failed(String)
    }

    /// When the step began.
    var began: Instant
    var isInfo: Bool
    var state = State.asked
  }

  private struct OwnEnd: Sendable {
    var reason: EndReason
    var at: Instant
  }

  /// A call that a member was asked to place.
  init(member: String, callID: String, name: String?, target: TransportAddress?) {
    (self.member, self.callID, self.name, self.target) = (member, callID, name, target)
  }

  /// A call whose INVITE left or came.
  init(member: String, call: CallStory, name: String?, evidence: FrameCitation?) {
    (self.member, callID, self.name, target, self.call, self.evidence) = (member, call.callID, name, nil, call, evidence)
  }

  /// The leg as commands name it.
  var leg: StageLeg { StageLeg(member: member, callID: callID, name: name) }

  // MARK: - What the packets show

  public var state: CallStory.State { end == nil ? call?.state ?? .placed : .ended }
  /// Where the INVITE went or came from.
  public var peer: TransportAddress? { call?.peer ?? target }
  public var agreement: AgreedAudio? { call?.agreement }
  /// What it has agreed on, or has said of its audio so far: where early media comes to.
  var audio: AgreedAudio? { agreement ?? call?.announced }
  public var hasEarlyMedia: Bool { call?.hasEarlyMedia ?? false }
  /// Re-INVITEs of either side that went through.
  public var reinvites: Int { (call?.reinvites ?? 0) - forgottenReinvites }
  public var refusal: CallStory.Refusal? { call?.refusal }
  public var establishedAt: Instant? { call?.establishedAt }
  /// Reason of the BYE or CANCEL that ended it.
  public var reason: String? { call?.reason }
  /// It was refused before anything else was said of it.
  var isTurnedAway: Bool { call?.isTurnedAway ?? false }
  /// What was heard, in hertz.
  public var heard: [Int] { tones.map(\.frequency) }
  public var endedAt: Instant? { end == nil ? nil : call?.endedAt ?? own?.at }

  /// Our last re-INVITE, when it failed.
  public var reinviteFailure: (status: Int?, reason: String)? {
    call?.failedReinvite.map { ($0.status, "\($0.status) \($0.phrase)") } ?? lostReinvite.map { (nil, $0) }
  }

  /// How it ended: as the messages show it. The member's own word tells what a BYE of its own does not, and what has no message at all.
  public var end: EndReason? {
    guard let call else { return own?.reason }
    switch call.end {
    case .hungUpHere: return own.flatMap { Self.explainsBye($0.reason) ? $0.reason : nil } ?? .hungUpHere
    case .hungUpByPeer: return .hungUpByPeer
    case .cancelledHere: return own.flatMap { $0.reason == .noFinalResponse ? $0.reason : nil } ?? .cancelledHere
    case .cancelledByPeer: return .cancelledByPeer
    case .refused(let status): return own.flatMap { $0.reason == .expired && status == 487 ? $0.reason : nil } ?? .refused(status: status)
    case .notAcknowledged: return .ackMissing
    case .dialogLost: return .dialogLost
    case nil: return own.flatMap { needsNoMessage($0.reason, call) ? $0.reason : nil }
    }
  }

  /// Why a member hangs up, which its BYE does not say.
  private static func explainsBye(_ reason: EndReason) -> Bool {
    switch reason {
    case .mediaSilence, .durationReached, .violation, .unsupported, .unsecured, .dialogLost, .transportFailed: true
    case .hungUpHere, .hungUpByPeer, .cancelledHere, .cancelledByPeer, .refused, .timerB, .ackMissing, .noFinalResponse, .expired: false
    }
  }

  /// Ends of which nothing is sent or comes, as far as the messages do not say otherwise.
  private func needsNoMessage(_ reason: EndReason, _ call: CallStory) -> Bool {
    switch reason {
    case .transportFailed, .dialogLost: true
    case .timerB: call.state == .placed && call.refusal == nil
    case .noFinalResponse, .expired, .violation, .unsupported, .unsecured: call.state != .established
    case .hungUpHere, .mediaSilence, .durationReached: hasLostConnection
    case .hungUpByPeer, .cancelledHere, .cancelledByPeer, .refused, .ackMissing: false
    }
  }

  // MARK: - News

  mutating func take(_ seen: SeenMessage, _ message: ObservedMessage, at now: Instant) {
    guard call?.take(message, isSent: seen.isSent, isCopy: seen.isCopy, at: now) == true, let call else { return }
    evidence = seen.frame.map { FrameCitation($0.host, UInt32(clamping: call.frame)) }
    if message.method == .invite { lostReinvite = nil }
  }

  /// The INVITE of a call that was asked for.
  mutating func begin(_ call: CallStory, _ frame: FrameCitation?) {
    self.call = call
    evidence = frame
  }

  mutating func take(_ word: MemberWord, _ frame: FrameCitation?, at now: Instant) {
    switch word {
    case .toneHeard(_, let frequency):
      tones.append(HeardTone(frequency: frequency, from: now))
      mediaEvidence = frame ?? mediaEvidence
    case .toneEnded:
      if !tones.isEmpty { tones[tones.count - 1].to = now }
      mediaEvidence = frame ?? mediaEvidence
    case .markFound(_, let finding):
      marks.take(finding)
      mediaEvidence = frame ?? mediaEvidence
    case .digit(_, let digit):
      digits.append(digit)
      mediaEvidence = frame ?? mediaEvidence
    case .pressed: press?.state = .done
    case .notPressed(_, let reason): press?.state = .failed(reason)
    case .ended(_, let reason, let packets, let drops, let quality):
      own = OwnEnd(reason: reason, at: now)
      (packetsReceived, self.drops, self.quality) = (packets, drops, quality)
      call?.close(at: now)
      if call == nil { evidence = frame ?? evidence }
    case .reinviteLost(_, let reason): lostReinvite = reason
    case .mediaDropped(_, let reason): if droppedMedia.count < Self.mostDropped { droppedMedia.append(reason) }
    case .called, .registrationFailed, .optionsFailed, .connectionFailed, .serversFailed, .portsMissing: break
    }
  }

  mutating func loseConnection(to remote: TransportAddress) { if peer?.address == remote.address { hasLostConnection = true } }

  /// What was before does not count.
  mutating func forgetReinvites(_ count: Int) { forgottenReinvites += count }

  /// A refusal that asked for another attempt may be the end by now.
  mutating func settle(at now: Instant) { call?.settle(at: now) }
}

extension AgreedAudio {
  /// As the Lab writes it: `PCMU`, `opus`.
  var codecName: String { codec?.rawValue ?? encoding?.name ?? "?" }

  func sends(_ codec: AudioCodec) -> Bool { sendable.contains { $0.audioCodec == codec } }
  var sendableText: String { sendable.map(\.name).joined(separator: ", ") }
}
