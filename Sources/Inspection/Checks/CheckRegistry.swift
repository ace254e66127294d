import SansIO
import WireReader

/// A check of one message as it passes.
protocol MessageCheck: Sendable {
  /// Stable, for programs.
  var name: String { get }
  func check(_ message: ObservedMessage) -> [Remark]
}

/// A check of a dialog when the capture has been read.
protocol DialogCheck: Sendable {
  var name: String { get }
  /// It speaks of messages that are not there: no proof where parts of the capture are missing.
  var judgesAbsence: Bool { get }
  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark]
}

extension DialogCheck {
  var judgesAbsence: Bool { false }
}

/// A check of an RTP stream when the capture has been read.
protocol StreamCheck: Sendable {
  var name: String { get }
  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark]
}

/// What a check says; name, Call-ID and *deliberately broken* are added by whoever runs it.
struct Remark {
  var severity: InspectionFinding.Severity
  var rule: String
  var text: String
  var frame: Int

  init(_ severity: InspectionFinding.Severity, _ rule: String, _ text: String, _ stamp: FrameStamp) {
    self.severity = severity
    self.rule = rule
    self.text = text
    frame = stamp.frame
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
  /// SIP may be missing: a gap in a stream, a cut or unreadable message, TLS that stayed closed, a damaged file, frames that are not read.
  var hasHoles: Bool
  /// Frames that were not read and may carry SIP or RTP.
  var hiddenFrames: Int
}

/// All checks, in the order in which they speak. A new one is a file, a line here and its declaration in ``InspectionChecks``.
enum CheckRegistry {
  static let messages: [any MessageCheck] = [
    MandatoryHeaders(), CSeqMethod(), BranchCookie(), TagPresence(), ContactPresence(), BodyType(), ReadableDescription(), ViaTransport(),
    DatagramSize(), PrivateContact(),
  ]

  static let dialogs: [any DialogCheck] = [
    BeginsInTheMiddle(), AnswerNotCaptured(), FinalResponse(), CallRefused(), Acknowledgement(), RepeatedSuccess(), AnswerAfterCancel(),
    ChallengeLoop(), NonceExpired(), SequenceOrder(), RouteSet(), UnansweredRequest(), RefusedRequest(), AnswerMatchesOffer(),
    MissingAnswer(), OriginVersion(), PrivateMediaAddress(), AudioBothWays(), AudioBeginsLate(), AudioStops(),
    TelephoneEventAgreed(),
  ]

  static let streams: [any StreamCheck] = [
    PayloadNegotiated(), MediaPlace(), MediaPort(), MediaAfterEnd(), StreamQuality(), ReportedLoss(), TimestampJump(), TimestampStep(),
    ClockPace(), SequenceRestart(), MarkerUse(), PacketTime(), SourceChange(),
  ]

  static func examine(_ message: ObservedMessage) -> [InspectionFinding] {
    messages.flatMap { check in
      check.check(message).map { finding($0, check.name, message.callID, isDeliberatelyBroken: message.isDeliberatelyBroken) }
    }
  }

  static func examine(_ story: DialogStory, _ context: CheckContext) -> [InspectionFinding] {
    dialogs.flatMap { examine(story, $0, context) }
  }

  private static func examine(_ story: DialogStory, _ check: any DialogCheck, _ context: CheckContext) -> [InspectionFinding] {
    check.check(story, context).map { remark in
      let found = finding(remark, check.name, story.conversation.callID, isDeliberatelyBroken: story.conversation.isDeliberatelyBroken)
      return check.judgesAbsence && context.hasHoles ? found.softened() : found
    }
  }

  /// What holds for requests outside INVITE dialogs as well.
  static func examineLone(_ story: DialogStory, _ context: CheckContext) -> [InspectionFinding] {
    examine(story, UnansweredRequest(), context)
  }

  static func examine(_ stream: RTPStream, _ context: CheckContext) -> [InspectionFinding] {
    let callID = stream.conversation.flatMap { context.stories[$0]?.conversation.callID }
    // So many lost packets may be in frames that were not read.
    let mayBeHidden = context.hiddenFrames > 0 && stream.lost <= context.hiddenFrames
    return streams.flatMap { check in
      check.check(stream, context).map { remark in
        let found = finding(remark, check.name, callID, isDeliberatelyBroken: false)
        return mayBeHidden && check is StreamQuality ? found.softened() : found
      }
    }
  }

  /// What registrations and keep-alives show.
  static func weighed(_ findings: [InspectionFinding], hasHoles: Bool) -> [InspectionFinding] {
    guard hasHoles else { return findings }
    return findings.map { InspectionChecks.check($0.check)?.judgesAbsence == true ? $0.softened() : $0 }
  }

  /// Nobody is accused of what a test does on purpose.
  private static func finding(_ remark: Remark, _ name: String, _ callID: String?, isDeliberatelyBroken: Bool) -> InspectionFinding {
    InspectionFinding(
      name, isDeliberatelyBroken ? .note : remark.severity, remark.rule,
      remark.text + (isDeliberatelyBroken ? " (deliberately broken)" : ""),
      frame: remark.frame, callID: callID)
  }
}
