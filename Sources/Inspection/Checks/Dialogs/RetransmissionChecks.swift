import Rules
import SIPMessage
import SansIO
import WireReader

/// Copies over UDP follow each other at intervals that double, those of an INVITE without end (Timer A, RFC 3261 §17.1.1.2), others up to
/// T2 (Timers E and G, §17.1.2.2, §17.2.1; §13.3.1.4). What was lost before the capture makes intervals longer, never shorter.
struct RetransmissionIntervals: DialogCheck {
  var rule: Rule { .retransmissionInterval }
  var needs: StoryTraits { .copies }
  /// T2, in nanoseconds.
  private static let longest: Int64 = 4_000_000_000

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    story.conversation.transactions.flatMap { transaction -> [Remark] in
      [request(transaction, context)].compactMap { $0 } + transaction.responses.compactMap { success(transaction, $0, context) }
    }
  }

  private func request(_ transaction: ObservedTransaction, _ context: CheckContext) -> Remark? {
    guard let sent = transaction.request, transaction.requestTimes.count > 1, transaction.method != .ack else { return nil }
    let text = "\(transaction.method.token) from \(transaction.source)"
    guard transaction.transport == .udp else {
      return remark(
        transaction.method,
        "\(text) is sent \(Words.times(transaction.copies)) over \(transaction.transport.rawValue.uppercased()), which "
          + "loses nothing", sent, transaction.source)
    }
    let heard = transaction.responses.map(\.first.time).min() ?? .max
    let times = transaction.requestTimes.filter { $0 < heard }
    let isOwn = context.own.contains(transaction.source.address)
    let mistake = Self.mistake(times, hasLimit: transaction.method != .invite, isOwn: isOwn)
    return mistake.flatMap { remark(transaction.method, "\(text) is repeated after \($0)", sent, transaction.source) }
  }

  private func success(
    _ transaction: ObservedTransaction, _ response: ObservedTransaction.Response, _ context: CheckContext
  ) -> Remark? {
    guard transaction.method == .invite, response.isSuccess, response.times.count > 2, transaction.transport == .udp else { return nil }
    let end = response.acknowledgement?.time ?? .max
    let isOwn = context.own.contains(response.source.address)
    guard let mistake = Self.mistake(response.times.filter { $0 < end }, hasLimit: true, isOwn: isOwn) else { return nil }
    return Remark(
      .warning, "RFC 3261 §13.3.1.4", "\(response.status) to INVITE from \(response.source) is repeated after \(mistake)", response.first,
      by: response.source)
  }

  private func remark(_ method: SIPMethod, _ text: String, _ stamp: FrameStamp, _ source: TransportAddress) -> Remark? {
    Remark(.warning, method == .invite ? "RFC 3261 §17.1.1.2" : "RFC 3261 §17.1.2.2", text, stamp, by: source)
  }

  /// The intervals, and what is wrong with them; nil where nothing is.
  private static func mistake(_ times: [Int64], hasLimit: Bool, isOwn: Bool) -> String? {
    let intervals = zip(times.dropFirst(), times).map { $0 - $1 }
    guard intervals.count > 1, intervals.allSatisfy({ $0 > 50_000_000 }) else { return nil }
    func words() -> String { intervals.prefix(8).map { Words.seconds($0) }.joined(separator: ", ") }
    for (now, before) in zip(intervals.dropFirst(), intervals) where now * 100 <= before * 105 {
      // At T2 they stay as they are.
      if hasLimit, now * 100 > longest * 85 { continue }
      return "\(words()): the interval does not double"
    }
    let long = intervals.count { $0 * 10 > longest * 11 }
    guard hasLimit, long > (isOwn ? 0 : 1) else { return nil }
    return "\(words()): the interval grows beyond T2 of 4 s"
  }
}

/// A 2xx to INVITE is repeated until its ACK comes, over any transport (RFC 3261 §13.3.1.4).
struct SuccessRepeated: DialogCheck {
  var rule: Rule { .successNotRepeated }
  var needs: StoryTraits { .success }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    var seen: Set<String> = []
    let invites = story.conversation.transactions.filter { $0.method == .invite && $0.request != nil && $0.transport == .udp }
    let all = invites.flatMap { invite in invite.responses.filter(\.isSuccess).map { (invite, $0) } }
    return all.sorted { $0.1.first.frame < $1.1.first.frame }.compactMap { invite, success in
      // The hop that shows it first is its sender's.
      guard seen.insert("\(invite.key.number) \(invite.fromTag ?? "") \(success.toTag ?? "")").inserted else { return nil }
      let bye = story.conversation.transactions.filter { $0.method == .bye }.compactMap(\.request).first { $0.frame > success.first.frame }
      let end = min(success.acknowledgement?.time ?? .max, bye?.time ?? .max, context.end.time, success.first.time + patience)
      let interval = success.times.count > 1 ? max(success.times[1] - success.times[0], 500_000_000) : 500_000_000
      let wanted = Self.copies(until: end - 400_000_000 - success.first.time, interval)
      let sent = success.times.isEmpty ? 1 : success.times.count { $0 <= end }
      let isOwn = context.own.contains(success.source.address)
      // What was lost before the capture is missing in it.
      let isLess = wanted - sent >= (isOwn && sent > 1 ? 1 : 2)
      guard isLess || wanted > sent && sent == 1 && end - success.first.time > 2_000_000_000 else { return nil }
      guard isOwn || context.own.isEmpty else { return nil }
      let waited = Words.seconds(end - success.first.time)
      return Remark(
        isOwn ? .error : .warning, rule.section,
        "\(success.status) to INVITE from \(success.source) is sent \(Words.times(sent)) in \(waited) without an ACK, where T1 and T2 "
          + "make \(wanted)", success.first, by: success.source)
    }
  }

  /// The first among them: T1, doubled up to T2.
  private static func copies(until end: Int64, _ first: Int64) -> Int {
    var (time, interval, count) = (Int64(0), first, 1)
    while time + interval <= end {
      time += interval
      interval = min(interval * 2, 4_000_000_000)
      count += 1
    }
    return count
  }
}

/// Each copy of a 2xx has its ACK (RFC 3261 §13.2.2.4). Only the tap of whoever acknowledges knows what it got and sent.
struct AcknowledgementRepeated: DialogCheck {
  var rule: Rule { .acknowledgementNotRepeated }
  var needs: StoryTraits { .success }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    story.conversation.transactions.filter { $0.method == .invite && context.own.contains($0.source.address) }.flatMap { invite in
      invite.responses.compactMap { success -> Remark? in
        guard success.isSuccess, let first = success.acknowledgement, success.copiesAfterAcknowledgement > 0,
          context.end.since(success.last) > 500_000_000
        else { return nil }
        let acks = invite.acknowledgements.filter { $0.toTag == success.toTag && $0.source.address == invite.source.address }
        let sent = acks.reduce(0) { $0 + $1.copies }
        guard sent > 0, sent < 1 + success.copiesAfterAcknowledgement else { return nil }
        return Remark(
          rule,
          "\(success.status) to INVITE comes again after the ACK in frame \(first.frame), the last time in frame "
            + "\(success.last.frame), and \(invite.source) does not acknowledge it again", success.last, by: invite.source)
      }
    }
  }
}
