import Rules
import SansIO
import WireReader

extension RTPStream {
  /// Its numbers are those of its packets: nothing starts over, nothing is left out on purpose.
  fileprivate var isCounted: Bool { !isProbe && course.restarts.isEmpty && !followsCall && !skipsNumbers && !hasUnverified }

  /// Some of its packets are verified by the agreed keys and others are not: a receiver counts the former alone (RFC 3711 §3.3).
  private var hasUnverified: Bool { openedPackets > 0 && statistics.packets - order.duplicates > openedPackets }
}

extension CheckContext {
  /// A block whose receiver has this tap: nothing comes to it that the tap has not seen. Nil where it is too early to say, or elsewhere.
  fileprivate func ownBlock(_ stream: RTPStream) -> ControlTable.Block? {
    guard own.contains(stream.key.destination.address), !own.contains(stream.key.source.address), stream.isCounted,
      let block = control[stream.key]?.block, block.seenPackets >= 50, hiddenFrames == 0, !streams.hasMoved(stream)
    else { return nil }
    return block
  }

  /// Packets that may have been sent before their receiver was ready for media: who answers may wait for the ACK, who calls for the answer,
  /// and over DTLS both for the end of the handshake, behind which they send as well.
  fileprivate func mayPrecedeReception(_ stream: RTPStream) -> Int {
    var begins = stream.conversations.map { number -> FrameStamp? in
      guard let invite = stories[number]?.decisive, invite.isInitial else { return stream.first }
      return invite.source.address == stream.key.destination.address ? invite.success?.first : invite.acknowledgement
    }
    if stream.receiver?.media.fingerprints.isEmpty == false {
      begins.append(streams.from(stream.key.destination).first { $0.key.destination == stream.key.source }?.first)
    }
    return begins.reduce(0) { max($0, stream.maySend(until: $1 ?? end)) }
  }
}

/// The loss that a receiver reports is that of the stream (RFC 3550 §6.4.1). At its own tap the numbers are equal; elsewhere it is no less
/// than the capture misses, and falls by no more than what came late: more is lost behind the point of capture.
struct ReportedLoss: StreamCheck {
  var rule: Rule { .reportedLoss }

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    guard let reports = context.control[stream.key], let lost = reports.cumulativeLost, stream.statistics.packets >= 50 else {
      return []
    }
    if let block = context.ownBlock(stream) {
      return [own(block, stream, mayPrecede: context.mayPrecedeReception(stream)) ?? fall(reports, block, stream, .error)].compactMap { $0 }
    }
    let beyond = Int(lost) - stream.lost - stream.uncertainPackets
    if beyond * 100 >= stream.statistics.packets {
      return [
        Remark(
          .warning, rule.section,
          "\(stream.key.destination) reports \(Words.count(Int(lost), "packet")) lost from \(stream.key.source), the capture lacks "
            + "\(stream.lost): they are lost beyond the capture point",
          reports.last)
      ]
    }
    return [tooFew(reports, stream, mayPrecede: context.mayPrecedeReception(stream))].compactMap { $0 }
  }

  /// A receiver may begin to count a little later than its packets come.
  private func own(_ block: ControlTable.Block, _ stream: RTPStream, mayPrecede: Int) -> Remark? {
    let reporter = block.reporter
    // What comes twice counts twice (RFC 3550 §6.4.1), but not where SRTP drops it before it is counted (RFC 3711 §3.3.2).
    let seen = stream.protection == .clear ? [block.seenBalance] : [block.seenBalance, block.seenLost]
    // Nor does it count what it cannot open while keys change: how many those are is its own business.
    let margin = max(8, block.seenExpected / 100)
    // What was lost before the first packet that it could open it does not know of.
    // Where packets overtake each other, it may have begun with any of those that came together.
    let unsure = margin + stream.uncertainPackets + min(stream.mayBeOvertaken, stream.order.late)
    if seen.allSatisfy({ block.lost < $0 - unsure - mayPrecede || block.lost > $0 + unsure }) {
      return Remark(
        rule,
        "\(reporter) reports \(Words.count(block.lost, "packet")) lost from \(stream.key.source), \(block.seenBalance) of "
          + "\(block.seenExpected) did not reach it", block.stamp, by: reporter)
    }
    let percent = Int(block.fractionLost) * 100 / 256
    guard percent >= 5, block.seenLost == 0, stream.order.late == 0, stream.uncertainPackets == 0 else { return nil }
    return Remark(
      rule, "\(reporter) reports that \(percent) % of \(stream.way) are lost, none is missing", block.stamp, by: reporter)
  }

  /// What the capture misses did not reach who comes after it. A receiver that begins to count anew says less as well.
  private func tooFew(_ reports: ControlTable.Reports, _ stream: RTPStream, mayPrecede: Int) -> Remark? {
    guard let block = reports.block, !stream.isProbe, stream.course.restarts.isEmpty, stream.order.late * 20 < stream.statistics.packets
    else {
      return nil
    }
    if let fall = fall(reports, block, stream, .warning) { return fall }
    guard block.seenLost >= 10, (block.lost + mayPrecede) * 2 < block.seenLost else { return nil }
    return Remark(
      .warning, rule.section,
      "\(block.reporter) reports \(Words.count(block.lost, "packet")) lost from \(stream.key.source), \(block.seenLost) are missing before "
        + "it already", block.stamp, by: block.reporter)
  }
}

extension ReportedLoss {
  private func fall(
    _ reports: ControlTable.Reports, _ block: ControlTable.Block, _ stream: RTPStream, _ severity: InspectionFinding.Severity
  ) -> Remark? {
    // It falls by what comes late or twice (RFC 3550 §6.4.1), and by nothing else.
    guard let fall = reports.fall, Int(fall.from) - Int(fall.to) > 2 + stream.order.late, stream.order.duplicates == 0 else { return nil }
    return Remark(
      severity, rule.section,
      "\(block.reporter) reports \(Words.count(Int(fall.to), "packet")) lost from \(stream.key.source) after it had "
        + "reported \(fall.from): the cumulative number does not fall", fall.stamp, by: block.reporter)
  }
}

/// The jitter that a receiver reports is that of the stream (RFC 3550 §6.4.1): where the tap is its own.
struct ReportedJitter: StreamCheck {
  var rule: Rule { .reportedJitter }

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    guard let block = context.control[stream.key]?.block, let jitter = block.jitter, block.seenPackets >= 50, !stream.isProbe,
      context.own.contains(stream.key.destination.address), !stream.clock.isBroken, stream.clock.jumps.isEmpty,
      stream.course.restarts.isEmpty
    else { return [] }
    let isTooMuch = jitter > 3 * block.seenJitter + 15
    let isTooLittle = block.seenJitter > 30 && jitter * 5 < min(stream.meanJitter, stream.arrivals.mean)
    guard isTooMuch || isTooLittle else { return [] }
    return [
      Remark(
        rule,
        "\(block.reporter) reports a jitter of \(Words.decimal(jitter, 1)) ms for \(stream.way), whose packets reach it with at most "
          + "\(Words.decimal(block.seenJitter, 1)) ms", block.stamp, by: block.reporter)
    ]
  }
}

/// A reception report is of what came: the highest number that it names, and the last sender report (RFC 3550 §6.4.1).
struct ReceptionReported: StreamCheck {
  var rule: Rule { .receptionReport }

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    guard let block = context.ownBlock(stream) else { return [] }
    let ahead = Int(Int16(bitPattern: block.highestSequence &- block.seenHighest))
    if ahead > 0 {
      return [
        Remark(
          rule,
          "\(block.reporter) reports \(block.highestSequence) as the highest sequence number of \(stream.way), \(block.seenHighest) is "
            + "the highest that came", block.stamp, by: block.reporter)
      ]
    }
    guard let echo = context.control[stream.key]?.echo else { return [] }
    var text = "names a sender report that never came (LSR)"
    if let delay = echo.delay {
      func seconds(_ milliseconds: Int) -> String { Words.seconds(Int64(milliseconds) * 1_000_000) }
      text = "says that the last sender report came \(seconds(delay.said)) before it (DLSR), it was \(seconds(delay.passed))"
    }
    return [Remark(rule, "the report of \(echo.reporter) about \(stream.way) \(text)", echo.stamp, by: echo.reporter)]
  }
}

/// A source that leaves says goodbye (RFC 3550 §6.6, §6.3.7), as the tap of its host shows.
struct GoodbyeSaid: StreamCheck {
  var rule: Rule { .controlGoodbye }

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    let (host, ssrc) = (stream.key.source.address, stream.key.ssrc)
    guard context.own.contains(host), !context.own.contains(stream.key.destination.address), !context.hasHoles, !stream.isProbe,
      context.control.hasReported(ssrc, from: host), !context.control.saidGoodbye(ssrc, from: host),
      let end = end(of: stream, context), abs(stream.last.since(end)) < 1_000_000_000,
      // It may leave a moment later.
      context.end.since(end) >= 100_000_000
    else { return [] }
    return [
      Remark(
        rule, "\(stream.key.source) sent RTCP of its stream, and none that says BYE when the call of frame \(end.frame) ended", end,
        by: stream.key.source)
    ]
  }

  /// When the last of its dialogs ended; nil while one of them has not.
  private func end(of stream: RTPStream, _ context: CheckContext) -> FrameStamp? {
    var last: FrameStamp?
    for number in stream.conversations {
      guard let story = context.stories[number], let done = story.bye?.final?.first else { return nil }
      if last.map({ done.frame > $0.frame }) ?? true { last = done }
    }
    return last
  }
}

/// A sender report counts what was sent (RFC 3550 §6.4.1).
struct SenderCounts: StreamCheck {
  var rule: Rule { .senderReport }

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    guard let reports = context.control[stream.key], !stream.isProbe, stream.course.restarts.isEmpty, !stream.skipsNumbers,
      !context.streams.hasMoved(stream)
    else { return [] }
    let sender = stream.key.source
    if let miscount = reports.miscount {
      return [Remark(rule, "the sender report of \(sender) \(Self.words(miscount))", miscount.stamp, by: sender)]
    }
    // From the beginning, where the capture has it and the source has no other stream.
    guard let begin = reports.begin, begin.seenPackets >= 50, let use = stream.receiver, use.description.frame < stream.first.frame,
      !stream.followsCall, context.stories[use.conversation]?.beginsInTheMiddle == false,
      !context.streams.isOneOfSeveral(stream)
    else { return [] }
    // At its own tap nothing is lost yet; elsewhere what came before the first packet, and behind the last one, may be.
    let lost = context.own.contains(sender.address) ? 0 : begin.unseen + stream.mayBeMissing(since: use.description)
    let margin = max(10, begin.seenPackets / 5) + stream.mayBeOvertaken
    let isTooFew = begin.distinct - begin.packets > margin
    guard begin.packets - begin.seenPackets > margin + lost || isTooFew else { return [] }
    let sent = isTooFew ? begin.distinct : begin.seenPackets
    let text = "the sender report of \(sender) counts \(Words.count(begin.packets, "packet")), \(sent) were sent"
    return [Remark(rule, text, reports.last, by: sender)]
  }
}

extension SenderCounts {
  private static func words(_ miscount: ControlTable.Miscount) -> String {
    func seconds(_ milliseconds: Int) -> String { Words.seconds(Int64(milliseconds) * 1_000_000) }
    return switch miscount.kind {
    case .packets: "counts \(Words.count(miscount.said, "packet")) since its first one, \(miscount.seen) were sent"
    case .octets: "counts \(Words.count(miscount.said, "octet")) in a packet, \(miscount.seen) were sent"
    case .clock: "has a clock that went on by \(seconds(miscount.said)) in \(seconds(miscount.seen)) since its first one"
    case .offset:
      "has an RTP timestamp that is \(seconds(abs(miscount.said))) \(miscount.said > 0 ? "ahead of" : "behind") that of its stream"
    case .timestamp: "has RTP timestamps that went on by \(seconds(miscount.said)) in \(seconds(miscount.seen)) since its first one"
    }
  }
}
