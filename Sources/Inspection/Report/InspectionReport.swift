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
  /// Those that were forgotten for others.
  let registrationsForgotten: Int
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
  /// Of streams over SRTP, by the stream.
  private var protections: [ObjectIdentifier: Protection] = [:]

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
    registrationsForgotten = reader.dialogs.registrations.forgotten
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
    for stream in streams { protections[ObjectIdentifier(stream)] = Protection(of: stream, reader) }
  }

  /// What SRTP does to a stream, as far as this can be known.
  struct Protection {
    /// How the key is known.
    var source: SRTPKeySource?
    /// Why packets stayed closed.
    var obstacle: SRTPObstacle?
    /// No description says what the stream is, and there is SIP that was not opened.
    var isUnknown = false

    /// nil for a stream in clear.
    init?(of stream: RTPStream, _ reader: PassiveReader) {
      func hasClosedSignalling(_ stream: RTPStream) -> Bool {
        let ends = [stream.key.source.address, stream.key.destination.address]
        return reader.connections.secured.contains {
          $0.closedBytes > 0 && (ends.contains($0.client.address) || ends.contains($0.server.address))
        }
      }
      isUnknown = stream.protection == .clear && !stream.isSignalled && hasClosedSignalling(stream)
      guard stream.protection != .clear || isUnknown else { return nil }
      if stream.openedPackets > 0 { source = reader.streams.keySource(of: stream) }
      obstacle = reader.streams.obstacle(of: stream, hasClosedSignalling: hasClosedSignalling)
    }
  }

  func protection(of stream: RTPStream) -> Protection? { protections[ObjectIdentifier(stream)] }

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
