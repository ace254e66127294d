import Rules
import SansIO
import WireReader

/// Judges what a host sends and receives while it runs, for taps that are read for weeks: each message as it comes, what a call's messages
/// and streams make together soon after, and once more when nothing more can come of it.
///
/// ```
///   quiet ──message──► due within a second ──judged──► goes on: due again within ten seconds
///     ▲                                        │
///     └──────── 64·T1 after its last message ◄─┴─ ended: told once, with its streams
/// ```
///
/// What it keeps is what the reader keeps: what is live, and what has ended for 64·T1 (RFC 3261 §17.1.1.2).
public struct LiveInspection {
  /// What there is to say.
  public enum News: Sendable, Hashable {
    /// Said once of a call, however often it is seen.
    case finding(InspectionFinding)
    case ended(JudgedCall)
    /// Said once, at the end of the tap.
    case proven(PolicyProof)
  }

  /// Nanoseconds, as all of these: from a message until what it is part of is looked at.
  private static let soon: Int64 = 1_000_000_000
  /// A call that has ended is told when it was quiet for so long.
  private static let settling: Int64 = 500_000_000
  /// Between looks at a call that goes on.
  private static let pace: Int64 = 10_000_000_000
  /// Between looks at what may be let go.
  private static let sweep: Int64 = 10_000_000_000
  /// From its last message until nothing more comes of it.
  private static let last: Int64 = 32_000_000_000

  public let reader: PassiveReader
  private var inspection: CaptureInspection
  private let epoch: Epoch
  private var watched: [Int: WatchedConversation] = [:]
  private var due = DeadlineQueue<ConversationNumber>()
  private var holes = HoleTable()
  /// Findings that belong to no conversation.
  private var loose = ToldFindings()
  private var nextSweep: Instant
  private var forgotten = 0
  private var news: [News] = []
  /// Calls that were told as ended.
  public private(set) var judged = 0

  /// - Parameters:
  ///   - path: what the tap is called.
  ///   - epoch: wall time of the run's beginning.
  ///   - watch: observers of the policy in force.
  public init(path: String, epoch: Epoch, watch: PolicyWatch? = nil) {
    reader = PassiveReader(path: path, keeps: .live)
    inspection = CaptureInspection(reader, watch: watch)
    self.epoch = epoch
    nextSweep = Instant(nanoseconds: Self.sweep)
  }

  /// Conversations that are looked at, those that ended a moment ago among them.
  public var held: Int { watched.count }

  // MARK: - Packets

  public mutating func take(_ packet: PacketRecord) {
    if inspection.watch != nil, packet.payload.first.map({ $0 < 0x80 }) ?? true { inspection.observe(packet) }
    for observed in reader.take(packet, epoch: epoch) { take(observed, at: packet.at) }
  }

  public mutating func takeSecrets(_ line: KeyLogLine, at now: Instant) {
    for observed in reader.takeSecrets(line) { take(observed, at: now) }
  }

  /// The host opened or closed a port.
  public mutating func take(_ record: JournalRecord) { inspection.observe(record) }

  /// Packets came that nobody could read: nobody is accused of what they may hold.
  public mutating func miss(_ packets: Int, at now: Instant) { holes.miss(packets, at: epoch.unixNanoseconds(at: now)) }

  private mutating func take(_ observed: Observed, at now: Instant) {
    inspection.judge(observed)
    var conversation: Conversation?
    switch observed {
    case .message(_, let found, _):
      conversation = found
      touch(found, at: now)
    case .incomplete(_, _, let origin, _), .unreadable(_, _, let origin, _): holes.add(origin.source.address, at: origin.stamp.time)
    case .gap(let gap): holes.add(gap.source.address, at: gap.stamp.time)
    case .unframed, .cut, .notSIP, .tlsAlert, .tlsEstablished: break
    }
    for finding in inspection.takeImmediate() { tell(finding, of: conversation?.number) }
  }

  private mutating func touch(_ conversation: Conversation, at now: Instant) {
    let number = ConversationNumber(conversation.number)
    let soon = now.adding(nanoseconds: Self.soon)
    if watched[conversation.number] == nil {
      watched[conversation.number] = WatchedConversation(conversation)
    } else if let known = due[number], known <= soon {
      return
    }
    due.set(number, at: soon)
  }

  private mutating func tell(_ finding: InspectionFinding, of number: Int?) {
    let isNew = number.flatMap { watched[$0]?.told.isNew(finding) } ?? loose.isNew(finding)
    if isNew { news.append(.finding(finding)) }
  }

  // MARK: - Time

  /// Looks at what is due, and lets go of what is over. For a timer of the owner's, a few times a second.
  /// - Returns: what was found since the last time, in its order.
  public mutating func judge(at now: Instant) -> [News] {
    var numbers: [Int] = []
    while let number = due.takeExpired(at: now) { numbers.append(Int(number.number)) }
    examine(numbers, at: now)
    if now >= nextSweep { release(at: now) }
    defer { news = [] }
    return news
  }

  /// The tap ends: everything is looked at once more.
  public mutating func finish(at now: Instant) -> [News] {
    for observed in reader.finish(problem: nil) { take(observed, at: now) }
    let numbers = watched.keys.sorted()
    examine(numbers, at: now, isEnd: true)
    sweepUp(at: now)
    if var proof = inspection.proof {
      proof.isOneSided = true
      news.append(.proven(proof))
    }
    defer { news = [] }
    return news
  }

  private mutating func examine(_ numbers: [Int], at now: Instant, isEnd: Bool = false) {
    let time = epoch.unixNanoseconds(at: now)
    let ready = numbers.filter { number in isEnd || !isSettling(number, time, at: now) }
    guard !ready.isEmpty else { return }
    let judgement = LiveJudgement(reader, ready.compactMap { watched[$0] }, inspection.watch, at: time, isEnd: isEnd, holes) {
      watched[$0]?.conversation
    }
    for (number, finding) in judgement.findings { tell(finding, of: number) }
    for number in ready {
      let isEnded = watched[number]?.conversation.ended != nil
      if isEnded || isEnd, let call = judgement.call(number), isEnd || !call.isOpen { conclude(number, call) }
      watched[number]?.wasJudged(at: time)
      due.set(ConversationNumber(number), at: next(number, time, at: now))
    }
  }

  /// It has ended this very moment: what belongs to its end may still come.
  private mutating func isSettling(_ number: Int, _ time: Int64, at now: Instant) -> Bool {
    guard let conversation = watched[number]?.conversation, conversation.ended != nil else { return false }
    let quiet = time - conversation.last.time
    guard quiet < Self.settling else { return false }
    due.set(ConversationNumber(number), at: now.adding(nanoseconds: Self.settling - max(quiet, 0)))
    return true
  }

  /// When it is looked at again; nil where nothing more can come of it.
  private func next(_ number: Int, _ time: Int64, at now: Instant) -> Instant? {
    guard let conversation = watched[number]?.conversation else { return nil }
    let rest = Self.last - (time - conversation.last.time)
    let goesOn = conversation.kind == .dialog && conversation.ended == nil
    if rest > 0 { return now.adding(nanoseconds: goesOn ? min(rest, Self.pace) : rest) }
    return goesOn ? now.adding(nanoseconds: Self.pace) : nil
  }

  private mutating func conclude(_ number: Int, _ call: JudgedCall) {
    guard let known = watched[number], !known.isConcluded else { return }
    watched[number]?.isConcluded = true
    judged += 1
    var call = call
    call.findings = known.told.grave
    news.append(.ended(call))
  }

  // MARK: - What is over

  private mutating func release(at now: Instant) {
    nextSweep = now.adding(nanoseconds: Self.sweep)
    sweepUp(at: now)
    let ended = reader.release(at: now, epoch: epoch)
    for observed in ended.observed { take(observed, at: now) }
    leave(ended)
    for facts in ended.connections { for finding in CaptureJudgement.secrets([facts]) { tell(finding, of: nil) } }
    for conversation in ended.conversations { leave(conversation, at: now) }
    // Keep-alives are not handed over one by one, and what was forgotten is not at all.
    let quiet = watched.filter { $0.value.conversation.kind == .options && due[ConversationNumber($0.key)] == nil }
    for number in quiet.keys { forget(number) }
    guard reader.dialogs.forgotten > forgotten else { return }
    forgotten = reader.dialogs.forgotten
    let kept = Set(reader.dialogs.conversations.map(\.number))
    for number in watched.keys where !kept.contains(number) { forget(number) }
  }

  /// What observers have seen of what is let go counts on.
  private mutating func leave(_ ended: Ended) {
    guard let watch = inspection.watch else { return }
    let callIDs = Dictionary(ended.conversations.map { ($0.number, $0.callID) }) { first, _ in first }
    let index = StreamIndex(ended.streams.map(\.stream) + reader.streams.credible)
    for (stream, _) in ended.streams {
      let callID = stream.conversation.flatMap { callIDs[$0] ?? watched[$0]?.conversation.callID }
      inspection.leave(stream, callID: callID, incoming: index.to)
    }
    for conversation in ended.conversations { watch.ledger.forget(conversation.callID) }
  }

  /// Nothing more comes of it. What nobody ended is told now: a challenge that was not answered, an INVITE without a final response.
  private mutating func leave(_ conversation: Conversation, at now: Instant) {
    if conversation.kind == .dialog, watched[conversation.number]?.isConcluded == false {
      let end = FrameStamp(frame: conversation.last.frame, time: epoch.unixNanoseconds(at: now))
      conclude(conversation.number, JudgedCall(DialogStory(conversation, end: end), []))
    }
    forget(conversation.number)
  }

  private mutating func forget(_ number: Int) {
    watched[number] = nil
    due.remove(ConversationNumber(number))
  }

  /// What belongs to no call.
  private mutating func sweepUp(at now: Instant) {
    let time = epoch.unixNanoseconds(at: now)
    let end = FrameStamp(frame: reader.facts.last?.frame ?? 0, time: time)
    let pings = reader.dialogs.pingsSoFar.list.flatMap { ping in
      CheckRegistry.weighed(
        RegistrationChecks.examine(ping, end), hasHoles: holes.cover(ping.source.address, ping.destination.address, time))
    }
    for finding in pings { tell(finding, of: nil) }
    if !reader.delivery.isEmpty {
      let subjects = DeliveryChecks.Subjects(
        conversations: watched.keys.sorted().compactMap { watched[$0]?.conversation }, stories: [:], streams: StreamIndex([]))
      for finding in DeliveryChecks.examine(reader.delivery, subjects) { tell(finding, of: nil) }
    }
    if let watch = inspection.watch {
      let streams = reader.streams.credible
      let index = StreamIndex(streams)
      for stream in streams where stream.conversation == nil {
        for finding in watch.examine(stream, callID: nil, incoming: index.to) { tell(finding, of: nil) }
      }
    }
    let control = reader.streams.control
    guard control.hasOddities else { return }
    for finding in MediaOddities.examine(control, watched.mapValues(\.conversation), own: reader.facts.own) { tell(finding, of: nil) }
  }
}

/// ``Conversation/number``, for tables by number.
struct ConversationNumber: SerialKey {
  let number: UInt32
  init(_ number: Int) { self.number = UInt32(truncatingIfNeeded: number) }
}
