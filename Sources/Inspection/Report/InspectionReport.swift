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
    let observer = inspection.reader
    facts = observer.facts
    counts = observer.counts
    let end = observer.facts.last ?? FrameStamp(frame: 0, time: 0)
    let all = observer.dialogs.conversations
    conversations = Dictionary(all.map { ($0.number, $0) }) { first, _ in first }
    forgotten = observer.dialogs.forgotten
    streams = observer.streams.credible
    let media = Self.lastMedia(streams)
    stories = all.filter { $0.kind == .dialog }.map { DialogStory($0, end: end, media: media[$0.number]) }
    others = all.filter { $0.kind == .other }
    registrations = observer.dialogs.registrations.list
    pings = observer.dialogs.pings.list
    control = observer.streams.control
    connections = observer.connections.totals
    secured = observer.connections.secured
    dtlsPackets = observer.streams.dtlsPackets
    stunPackets = observer.streams.stunPackets
    callIDs = observer.dialogs.seen
    var outcomes = observer.dialogs.forgottenOutcomes
    for story in stories { outcomes.take(story.outcome) }
    self.outcomes = outcomes
    let context = CheckContext(
      begin: observer.facts.first ?? end, end: end, stories: Dictionary(stories.map { ($0.conversation.number, $0) }) { first, _ in first },
      streams: StreamIndex(streams),
      hasRTP: !streams.isEmpty, control: observer.streams.control, hasHoles: Self.hasHoles(observer),
      hiddenFrames: observer.facts.hiddenFrames)
    for stream in streams { HeldNumbers.explain(stream, context) }
    var collector = inspection.findings
    for story in stories { collector.add(CheckRegistry.examine(story, context)) }
    for conversation in others { collector.add(CheckRegistry.examineLone(DialogStory(conversation, end: end), context)) }
    for stream in streams { collector.add(CheckRegistry.examine(stream, context)) }
    for registration in registrations {
      collector.add(CheckRegistry.weighed(RegistrationChecks.examine(registration, end), hasHoles: context.hasHoles))
    }
    for ping in pings { collector.add(CheckRegistry.weighed(RegistrationChecks.examine(ping, end), hasHoles: context.hasHoles)) }
    findings = collector.sorted
    findingsLeftOut = collector.leftOut
  }

  /// The last packet from an address that a conversation describes, by its number.
  private static func lastMedia(_ streams: [RTPStream]) -> [Int: FrameStamp] {
    let senders = streams.flatMap(\.periods).compactMap { period in period.sender.map { ($0.conversation, period.last) } }
    return Dictionary(senders) { $0.frame > $1.frame ? $0 : $1 }
  }

  private static func hasHoles(_ observer: PassiveReader) -> Bool {
    observer.connections.totals.lost > 0 || observer.counts.unreadable > 0 || observer.facts.problem != nil
      || observer.facts.fragmentsIncomplete > 0 || observer.facts.hiddenFrames > 0
      || observer.facts.cutMessages > 0 || observer.connections.secured.contains { $0.closedBytes > 0 }
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
