import SansIO
import WireReader

/// What a reader has at a moment, and all that is wrong with it.
struct CaptureJudgement {
  let end: FrameStamp
  let conversations: [Conversation]
  /// INVITE dialogs.
  let stories: [DialogStory]
  /// Call-IDs without an INVITE that are neither registrations nor keep-alives.
  let others: [Conversation]
  let registrations: [RegistrationTable.Registration]
  let pings: [PingTable.Ping]
  let streams: [RTPStream]
  /// Of registrations and keep-alives.
  let exchanges: [Conversation]
  private(set) var collector: FindingCollector

  /// - Parameter now: nanoseconds since 1970; nil = until when the capture was watched, else when the last packet came.
  init(_ inspection: CaptureInspection, at now: Int64? = nil) {
    let reader = inspection.reader
    let last = reader.facts.last ?? FrameStamp(frame: 0, time: 0)
    end = FrameStamp(frame: last.frame, time: max(last.time, now ?? reader.facts.watchedUntil ?? last.time))
    conversations = reader.dialogs.conversations
    streams = reader.streams.credible
    let (media, end) = (Self.lastMedia(streams), end)
    stories = conversations.filter { $0.kind == .dialog }.map { DialogStory($0, end: end, media: media[$0.number]) }
    others = conversations.filter { $0.kind == .other }
    exchanges = conversations.filter { $0.kind == .registration || $0.kind == .options }
    registrations = reader.dialogs.registrations.list
    pings = reader.dialogs.pingsSoFar.list
    collector = inspection.immediate
    let context = context(reader)
    collect(context, reader)
    if let watch = inspection.watch { collect(watch, context) }
    collector.settle()
    collector.excuse(reader.facts.isDamaged)
  }

  /// What observers see of media.
  private mutating func collect(_ watch: PolicyWatch, _ context: CheckContext) {
    let callIDs = Dictionary(conversations.map { ($0.number, $0.callID) }) { first, _ in first }
    for stream in streams {
      let found = watch.examine(stream, callID: stream.conversation.flatMap { callIDs[$0] }, incoming: context.streams.to)
      collector.add(CheckRegistry.weighed(found, hasHoles: context.hasHoles))
    }
  }

  private func context(_ reader: PassiveReader) -> CheckContext {
    CheckContext(
      begin: reader.facts.first ?? end, end: end, stories: Dictionary(stories.map { ($0.conversation.number, $0) }) { first, _ in first },
      streams: StreamIndex(streams), hasRTP: !streams.isEmpty, control: reader.streams.control, dtls: reader.streams.dtls,
      hasHoles: Self.hasHoles(reader), table: reader.streams, hiddenFrames: reader.facts.hiddenFrames, own: reader.facts.own)
  }

  private mutating func collect(_ context: CheckContext, _ reader: PassiveReader) {
    for stream in streams { HeldNumbers.explain(stream, context) }
    for story in stories { collector.add(CheckRegistry.examine(story, context)) }
    for conversation in others + exchanges { collector.add(CheckRegistry.examineLone(DialogStory(conversation, end: end), context)) }
    for stream in streams { collector.add(CheckRegistry.examine(stream, context)) }
    for registration in registrations {
      collector.add(CheckRegistry.weighed(RegistrationChecks.examine(registration, end), hasHoles: context.hasHoles))
    }
    collector.add(RegistrationChecks.changes(registrations))
    collector.add(RegistrationChecks.strangers(stories, registrations))
    let byNumber = Dictionary(conversations.map { ($0.number, $0) }) { first, _ in first }
    collector.add(MediaOddities.examine(context.control, byNumber, own: context.own))
    collector.add(Self.secrets(reader))
    collector.add(
      DeliveryChecks.examine(
        reader.delivery,
        DeliveryChecks.Subjects(conversations: conversations, stories: context.stories, streams: context.streams)))
    for ping in pings { collector.add(CheckRegistry.weighed(RegistrationChecks.examine(ping, end), hasHoles: context.hasHoles)) }
  }

  /// The last packet from an address that a conversation describes, by its number.
  static func lastMedia(_ streams: [RTPStream]) -> [Int: FrameStamp] {
    let senders = streams.flatMap(\.periods).compactMap { period in period.sender.map { ($0.conversation, period.last) } }
    return Dictionary(senders) { $0.frame > $1.frame ? $0 : $1 }
  }

  /// Where a capture has keys, a connection that none of them opens is worth knowing.
  private static func secrets(_ reader: PassiveReader) -> [InspectionFinding] {
    guard reader.connections.keyLog.count > 0 else { return [] }
    return secrets(reader.connections.securedSoFar)
  }

  static func secrets(_ connections: [TLSFacts]) -> [InspectionFinding] {
    connections.filter { $0.closedBytes > 0 }.map { facts in
      InspectionFinding(
        .tlsSecrets, .note, "",
        "no TLS secret opens the connection from \(facts.client) to \(facts.server): \(facts.obstacle ?? "unknown")",
        frame: facts.first.frame)
    }
  }

  private static func hasHoles(_ reader: PassiveReader) -> Bool {
    reader.connections.lostSoFar > 0 || reader.counts.unreadable > 0 || reader.facts.problem != nil
      || reader.facts.fragmentsIncomplete > 0 || reader.facts.hiddenFrames > 0
      || reader.facts.cutMessages > 0 || reader.connections.securedSoFar.contains { $0.closedBytes > 0 }
  }
}
