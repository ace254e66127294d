import Rules
import SansIO
import WireReader

/// A check of one message as it passes.
protocol MessageCheck: Sendable {
  /// What most of its findings are of.
  var rule: Rule { get }
  /// - Parameter request: what a response answers, where the capture has it.
  func check(_ message: ObservedMessage, _ request: ObservedTransaction?) -> [Remark]
}

/// A check of a dialog when the capture has been read.
protocol DialogCheck: Sendable {
  var rule: Rule { get }
  /// What a dialog has to have, so that there is something to look at.
  var needs: StoryTraits { get }
  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark]
}

extension DialogCheck {
  var needs: StoryTraits { [] }
}

/// A check of an RTP stream when the capture has been read.
protocol StreamCheck: Sendable {
  var rule: Rule { get }
  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark]
}

/// What a check says; Call-ID and *deliberately broken* are added by whoever runs it.
struct Remark {
  /// nil = the check's.
  var breach: Rule?
  var severity: InspectionFinding.Severity
  var section: String
  var text: String
  var frame: Int
  var blamed: TransportAddress?
  /// The address that it is about, where that is one: what else is wrong there may be its cause.
  var place: TransportAddress?

  /// - Parameters:
  ///   - breach: another rule than the check's.
  ///   - blamed: who broke it.
  init(
    _ severity: InspectionFinding.Severity, _ section: String, _ text: String, _ stamp: FrameStamp, of breach: Rule? = nil,
    by blamed: TransportAddress? = nil, at place: TransportAddress? = nil
  ) {
    (self.severity, self.section, self.text, self.breach, self.blamed) = (severity, section, text, breach, blamed)
    (frame, self.place) = (stamp.frame, place)
  }

  /// A breach of a rule, as bad as the rule says, by its section.
  init(_ breach: Rule, _ text: String, _ stamp: FrameStamp, by blamed: TransportAddress?) {
    self.init(breach.severity, breach.section, text, stamp, of: breach, by: blamed)
  }
}

/// What a check may know beside its subject.
struct CheckContext {
  var begin: FrameStamp
  var end: FrameStamp
  var stories: [Int: DialogStory]
  var streams: StreamIndex
  /// The capture has RTP of anybody: where it has none, nothing is said about missing audio.
  var hasRTP: Bool
  var control: ControlTable
  /// What handshakes of DTLS showed.
  var dtls: DTLSTable
  /// SIP may be missing: a gap in a stream, a cut or unreadable message, TLS that stayed closed, a damaged file, frames that are not read.
  var hasHoles: Bool
  /// What opened streams over SRTP.
  var table: StreamTable
  /// Frames that were not read and may carry SIP or RTP.
  var hiddenFrames: Int
  /// What hosts took of other offers.
  var accepted = AcceptedOffers()
  /// The hosts whose own tap it is; empty where nobody knows.
  var own: Set<IPAddress> = []
}

/// All checks, in the order in which they speak. A new one is a file, a line here and the declaration of its rule in the module `Rules`.
enum CheckRegistry {
  static let messages: [any MessageCheck] = [
    MessageForm(), TagPresence(), ContactPresence(), BodyType(), ReadableDescription(), ViaTransport(),
    DatagramSize(), PrivateContact(), ResponsePath(), SecureContact(), SecureWay(), SecureRoute(), SuccessMakesDialog(), KeyLines(),
    FingerprintLines(), HeaderForm(), DescriptionGrammar(),
  ]

  static let dialogs: [any DialogCheck] = [
    BeginsInTheMiddle(), AnswerNotCaptured(), FinalResponse(), CallRefused(), Acknowledgement(), RepeatedSuccess(), AnswerAfterCancel(),
    ChallengeLoop(), CredentialsSent(), NonceExpired(), SequenceOrder(), RouteSet(), UnansweredRequest(), RefusedRequest(),
    AnswerMatchesOffer(),
    MissingAnswer(), OriginVersion(), PrivateMediaAddress(), AudioBothWays(), AudioBeginsLate(), AudioStops(),
    TelephoneEventAgreed(), CancelMatchesInvite(), AcknowledgementNumber(), AcknowledgementBranch(), RetransmissionIntervals(),
    SuccessRepeated(), AcknowledgementRepeated(), ByeInEarlyDialog(), InviteOverlaps(), RequiredExtension(), ToTagStays(),
    RecordRouteEchoed(), ResponseConnection(), NeedlessConnection(), ContactPlace(), UsableDescriptions(), SecondAnswer(),
    AnswerFollowsOffer(), OfferKeepsStreams(), MediaWhileHeld(), MediaFollowsAgreement(), TryingInTime(), DialogTags(), GlareRefused(),
    GlareWait(), CredentialsFit(), AnswerTakesKey(), AnswerTakesRole(), CertificateShown(), HandshakeAnswered(), ReliableProgress(),
    SessionRefreshed(), DeadBranch(), CancelEndsInvite(), PrivateFromInside(), RemoteTarget(),
  ]

  /// What holds for requests outside INVITE dialogs as well.
  static let lone: [any DialogCheck] = [
    UnansweredRequest(), RetransmissionIntervals(), ResponseConnection(), NeedlessConnection(), CredentialsFit(),
  ]
  /// Registrations and keep-alives have checks of their own for what is not answered.
  static let exchanges: [any DialogCheck] = [RetransmissionIntervals(), ResponseConnection(), CredentialsFit()]

  static let streams: [any StreamCheck] = [
    PayloadNegotiated(), MediaPlace(), MediaPort(), MediaAfterEnd(), StreamQuality(), ReportedLoss(), TimestampJump(), TimestampStep(),
    ClockPace(), SequenceRestart(), MarkerUse(), PacketTime(), SourceChange(), ReportedJitter(), SenderCounts(), OneSource(),
    SequenceMoves(), ReceptionReported(), GoodbyeSaid(), PacketBursts(), AudioLaw(), PacketsVerified(), KeyInForce(), EventPackets(),
    EventClocks(), MarkingStays(),
  ]

  static func examine(_ message: ObservedMessage, _ conversation: Conversation) -> [InspectionFinding] {
    let request = message.status == nil ? nil : conversation.transaction(ofResponse: message)
    // Without lists of lists: nearly every check of nearly every message has nothing to say.
    var found: [InspectionFinding] = []
    for check in messages {
      for remark in check.check(message, request) {
        found.append(finding(remark, check.rule, message.callID, isDeliberatelyBroken: message.isDeliberatelyBroken))
      }
    }
    if let strayed = ResponsePath.strayed(message, request, conversation) {
      found.append(finding(strayed, .responseVias, message.callID, isDeliberatelyBroken: message.isDeliberatelyBroken))
    }
    return found
  }

  static func examine(_ story: DialogStory, _ context: CheckContext) -> [InspectionFinding] {
    let traits = StoryTraits(story.conversation)
    return dialogs.flatMap { traits.isSuperset(of: $0.needs) ? examine(story, $0, context) : [] }
  }

  private static func examine(_ story: DialogStory, _ check: any DialogCheck, _ context: CheckContext) -> [InspectionFinding] {
    let found = check.check(story, context).map { remark in
      finding(remark, check.rule, story.conversation.callID, isDeliberatelyBroken: story.conversation.isDeliberatelyBroken)
    }
    return weighed(found, hasHoles: context.hasHoles)
  }

  static func examineLone(_ story: DialogStory, _ context: CheckContext) -> [InspectionFinding] {
    let traits = StoryTraits(story.conversation)
    return (story.conversation.kind == .other ? lone : exchanges).flatMap {
      traits.isSuperset(of: $0.needs) ? examine(story, $0, context) : []
    }
  }

  static func examine(_ stream: RTPStream, _ context: CheckContext) -> [InspectionFinding] {
    let callID = stream.conversation.flatMap { context.stories[$0]?.conversation.callID }
    // So many lost packets may be in frames that were not read.
    let mayBeHidden = context.hiddenFrames > 0 && stream.lost <= context.hiddenFrames
    return streams.flatMap { check in
      check.check(stream, context).map { remark in
        let found = finding(remark, check.rule, callID, isDeliberatelyBroken: false)
        return mayBeHidden && check is StreamQuality ? found.softened() : found
      }
    }
  }

  /// Nobody is accused of what may be in a part that is missing.
  static func weighed(_ findings: [InspectionFinding], hasHoles: Bool) -> [InspectionFinding] {
    guard hasHoles else { return findings }
    return findings.map { $0.breach.judgesAbsence ? $0.softened() : $0 }
  }

  /// Nobody is accused of what a test does on purpose.
  static func finding(_ remark: Remark, _ rule: Rule, _ callID: String?, isDeliberatelyBroken: Bool) -> InspectionFinding {
    InspectionFinding(
      remark.breach ?? rule, isDeliberatelyBroken ? .note : remark.severity, remark.section,
      remark.text + (isDeliberatelyBroken ? " (deliberately broken)" : ""),
      frame: remark.frame, callID: callID, blamed: remark.blamed, place: remark.place)
  }
}
