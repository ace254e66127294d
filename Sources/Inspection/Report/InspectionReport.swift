import SansIO
import WireReader

/// What was found in one capture. As lines for people, or as JSON.
public struct InspectionReport {
  /// How the report is written.
  public struct Style: Sendable {
    /// Columns of text.
    public var width: Int
    public var hasLadders: Bool
    /// Only what belongs to Call-IDs that contain this; ``Inspector`` takes it as well, so that they are kept.
    public var filter: String?

    public init(width: Int = 120, hasLadders: Bool = true, filter: String? = nil) {
      self.width = width
      self.hasLadders = hasLadders
      self.filter = filter
    }
  }

  let facts: CaptureFacts
  let counts: MessageCounts
  let stories: [DialogStory]
  let others: [Conversation]
  let registrations: [RegistrationTable.Registration]
  let pings: [PingTable.Ping]
  let streams: [RTPStream]
  let control: ControlTable
  let connections: StreamTotals
  let secured: [TLSFacts]
  let dtlsPackets: Int
  let stunPackets: Int
  /// Errors, warnings, notes, each in the order of the frames.
  public let findings: [InspectionFinding]
  let findingsLeftOut: Int
  let conversations: [Int: Conversation]
  let forgotten: Int
  /// Of all dialogs that were there.
  let outcomes: OutcomeCounts
  /// Call-IDs that were there.
  let callIDs: Int

  init(_ inspection: CaptureInspection) {
    let reader = inspection.reader
    let judgement = CaptureJudgement(inspection)
    facts = reader.facts
    counts = reader.counts
    conversations = Dictionary(judgement.conversations.map { ($0.number, $0) }) { first, _ in first }
    forgotten = reader.dialogs.forgotten
    streams = judgement.streams
    stories = judgement.stories
    others = judgement.others
    registrations = judgement.registrations
    pings = judgement.pings
    control = reader.streams.control
    connections = reader.connections.totals
    secured = reader.connections.secured
    dtlsPackets = reader.streams.dtlsPackets
    stunPackets = reader.streams.stunPackets
    callIDs = reader.dialogs.seen
    var outcomes = reader.dialogs.forgottenOutcomes
    for story in stories { outcomes.take(story.outcome) }
    self.outcomes = outcomes
    findings = judgement.collector.sorted
    findingsLeftOut = judgement.collector.leftOut
  }

  public var frameCount: Int { facts.frames }
  /// SIP messages, copies included.
  public var messageCount: Int { counts.total }
  /// Why the file could not be read to its end; nil when it could.
  public var problem: String? { facts.problem }

  /// Seconds since the first frame, with six digits.
  func time(_ stamp: FrameStamp, digits: Int = 3) -> String {
    Words.decimal(Double(stamp.time &- (facts.first?.time ?? stamp.time)) / 1e9, digits)
  }

  func streams(of conversation: Conversation) -> [RTPStream] { streams.filter { $0.conversations.contains(conversation.number) } }
}
