import SansIO
import WireReader

/// What some conversations of a live tap come to at a moment, each with its streams.
struct LiveJudgement {
  /// In the order of the checks, each with the number of the conversation that it is of.
  private(set) var findings: [(conversation: Int?, finding: InspectionFinding)] = []
  private let stories: [Int: DialogStory]
  /// Streams by the conversation that they are of.
  private let streams: [Int: [RTPStream]]

  /// - Parameters:
  ///   - watch: observers of the policy in force.
  ///   - now: nanoseconds since 1970.
  ///   - isEnd: nothing comes after it.
  ///   - other: a conversation by its number.
  init(
    _ reader: PassiveReader, _ watched: [WatchedConversation], _ watch: PolicyWatch?, at now: Int64, isEnd: Bool, _ holes: HoleTable,
    _ other: (Int) -> Conversation?
  ) {
    let last = reader.facts.last ?? FrameStamp(frame: 0, time: 0)
    let end = FrameStamp(frame: last.frame, time: max(last.time, now))
    let all = reader.streams.credible
    let numbers = Set(watched.map(\.conversation.number))
    let near = all.filter { $0.touches(numbers) }
    let streams = Self.described(near, numbers)
    let changed = watched.filter { $0.mayChange(by: streams[$0.conversation.number] ?? []) }
    let told = Set(changed.map(\.conversation.number))
    let ours = near.filter { $0.describer.map(told.contains) ?? false }
    let stories = Self.stories(watched.filter { !$0.isConcluded || told.contains($0.conversation.number) }, ours, end, other)
    (self.streams, self.stories) = (streams, stories)
    var context = CheckContext(
      begin: reader.facts.first ?? end, end: end, stories: stories, streams: StreamIndex(near), hasRTP: !all.isEmpty,
      control: reader.streams.control, dtls: reader.streams.dtls, hasHoles: false, table: reader.streams,
      hiddenFrames: holes.missed, own: reader.facts.own)
    for one in changed {
      context.hasHoles = holes.cover(one.conversation)
      examine(one, context, reader)
    }
    for stream in ours {
      HeldNumbers.explain(stream, context)
      findings += CheckRegistry.examine(stream, context).map { (stream.conversation, $0) }
      let callID = stream.conversation.flatMap { (stories[$0]?.conversation ?? other($0))?.callID }
      let seen = watch?.examine(stream, callID: callID, incoming: context.streams.to) ?? []
      findings += CheckRegistry.weighed(seen, hasHoles: context.hiddenFrames > 0).map { (stream.conversation, $0) }
    }
    if !isEnd { findings = findings.filter { !isEarly($0.finding, $0.conversation, end) } }
    linkCauses()
  }

  private mutating func linkCauses() {
    var index = CauseIndex()
    for (position, one) in findings.enumerated() { index.add(one.finding, at: position) }
    for position in findings.indices {
      guard let cause = index.cause(of: findings[position].finding).map({ findings[$0].finding }),
        cause.severity != .note || findings[position].finding.severity == .note
      else { continue }
      findings[position].finding.cause = InspectionFinding.Cause(check: cause.check, frame: cause.frame, level: 1)
    }
  }

  /// Whether what is still to come may show that it is not so: a call that rings is answered, a BYE that was lost is sent again.
  private func isEarly(_ finding: InspectionFinding, _ number: Int?, _ end: FrameStamp) -> Bool {
    guard let story = number.flatMap({ stories[$0] }) else { return false }
    switch finding.breach {
    case .noFinalResponse: return finding.severity == .warning && end.since(story.conversation.last) < Self.longestRinging
    case .mediaAfterBye: return story.bye.map { $0.final == nil && end.since(story.conversation.last) < patience } ?? false
    default: return false
    }
  }

  /// As long as a reader keeps a call that rings, but for the time until it is looked at again.
  private static let longestRinging: Int64 = 580_000_000_000

  private static func described(_ streams: [RTPStream], _ numbers: Set<Int>) -> [Int: [RTPStream]] {
    var described: [Int: [RTPStream]] = [:]
    for stream in streams {
      if let number = stream.describer, numbers.contains(number) { described[number, default: []].append(stream) }
    }
    return described
  }

  private static func stories(
    _ watched: [WatchedConversation], _ streams: [RTPStream], _ end: FrameStamp, _ other: (Int) -> Conversation?
  ) -> [Int: DialogStory] {
    let media = CaptureJudgement.lastMedia(streams)
    var stories: [Int: DialogStory] = [:]
    for one in watched where one.conversation.kind == .dialog {
      stories[one.conversation.number] = DialogStory(one.conversation, end: end, media: media[one.conversation.number])
    }
    // Streams are judged by all that was agreed for their addresses.
    for number in streams.flatMap(\.conversations) where stories[number] == nil {
      if let other = other(number) { stories[number] = DialogStory(other, end: end) }
    }
    return stories
  }

  private mutating func examine(_ one: WatchedConversation, _ context: CheckContext, _ reader: PassiveReader) {
    let conversation = one.conversation
    var found: [InspectionFinding]
    if let story = stories[conversation.number], conversation.kind == .dialog {
      found = CheckRegistry.examine(story, context)
      let registrations = reader.dialogs.registrations.list
      if one.judgedAt == nil, !registrations.isEmpty { found += RegistrationChecks.strangers([story], registrations) }
    } else {
      found = CheckRegistry.examineLone(DialogStory(conversation, end: context.end), context)
    }
    if conversation.kind == .registration {
      let registrations = reader.dialogs.registrations.list
      for registration in registrations where registration.conversation == conversation.number {
        found += CheckRegistry.weighed(RegistrationChecks.examine(registration, context.end), hasHoles: context.hasHoles)
      }
      if one.judgedAt == nil {
        found += RegistrationChecks.changes(registrations).filter { $0.callID == conversation.callID }
      }
    }
    findings += found.map { (conversation.number, $0) }
  }

  /// A call as far as it has come; nil for what is not one.
  func call(_ number: Int) -> JudgedCall? { stories[number].map { JudgedCall($0, streams[number] ?? []) } }
}

extension RTPStream {
  /// Of calls that share an address, only those that the stream is of are looked at: a caller may use one for all of its calls.
  fileprivate func touches(_ numbers: Set<Int>) -> Bool {
    guard conversations.count > 4 else { return conversations.contains(where: numbers.contains) }
    return describer.map(numbers.contains) ?? false
  }

  /// ``Conversation/number`` of whoever described an end of it: where several calls share an address, that of the other end.
  fileprivate var describer: Int? {
    guard let receiver else { return sender?.conversation }
    guard let sender, sender.conversations.count < receiver.conversations.count else { return receiver.conversation }
    return sender.conversation
  }
}
