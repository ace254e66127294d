import Rules
import SansIO
import WireReader

/// The loss that a receiver reports is that of the stream (RFC 3550 §6.4.1): no less than the capture misses, and it never falls. More is
/// lost behind the point of capture.
struct ReportedLoss: StreamCheck {
  let rule = Rule.reportedLoss

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    guard let reports = context.control[stream.key], let lost = reports.cumulativeLost, stream.statistics.packets >= 50 else {
      return []
    }
    let beyond = Int(lost) - stream.lost
    if beyond * 100 >= stream.statistics.packets {
      return [
        Remark(
          .warning, rule.section,
          "\(stream.key.destination) reports \(Words.count(Int(lost), "packet")) lost from \(stream.key.source), the capture lacks "
            + "\(stream.lost): they are lost beyond the capture point",
          reports.last)
      ]
    }
    return [tooFew(reports, stream)].compactMap { $0 }
  }

  /// What the capture misses did not reach who comes after it. A receiver that begins to count anew says less as well.
  private func tooFew(_ reports: ControlTable.Reports, _ stream: RTPStream) -> Remark? {
    guard let block = reports.block, !stream.isProbe, stream.course.restarts.isEmpty, stream.order.late * 20 < stream.statistics.packets
    else {
      return nil
    }
    if let fall = reports.fall, Int(fall.from) - Int(fall.to) > 2, stream.order.duplicates == 0 {
      return Remark(
        rule,
        "\(block.reporter) reports \(Words.count(Int(fall.to), "packet")) lost from \(stream.key.source) after it had "
          + "reported \(fall.from): the cumulative number does not fall", fall.stamp, by: block.reporter)
    }
    guard block.seenLost >= 10, block.lost * 2 < block.seenLost else { return nil }
    return Remark(
      rule,
      "\(block.reporter) reports \(Words.count(block.lost, "packet")) lost from \(stream.key.source), \(block.seenLost) are missing before "
        + "it already", block.stamp, by: block.reporter)
  }
}

/// The jitter that a receiver reports is that of the stream (RFC 3550 §6.4.1): where the tap is its own.
struct ReportedJitter: StreamCheck {
  let rule = Rule.reportedJitter

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    guard let block = context.control[stream.key]?.block, let jitter = block.jitter, block.seenPackets >= 50, !stream.isProbe,
      context.own.contains(stream.key.destination.address), !stream.clock.isBroken, stream.clock.jumps.isEmpty,
      stream.course.restarts.isEmpty
    else { return [] }
    let isTooMuch = jitter > 3 * block.seenJitter + 15
    let isTooLittle = block.seenJitter > 30 && jitter * 5 < stream.meanJitter
    guard isTooMuch || isTooLittle else { return [] }
    return [
      Remark(
        rule,
        "\(block.reporter) reports a jitter of \(Words.decimal(jitter, 1)) ms for \(stream.way), whose packets reach it with at most "
          + "\(Words.decimal(block.seenJitter, 1)) ms", block.stamp, by: block.reporter)
    ]
  }
}

/// A sender report counts what was sent (RFC 3550 §6.4.1).
struct SenderCounts: StreamCheck {
  let rule = Rule.senderReport

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    guard let reports = context.control[stream.key], !stream.isProbe, stream.course.restarts.isEmpty else { return [] }
    let sender = stream.key.source
    if let miscount = reports.miscount {
      return [Remark(rule, "the sender report of \(sender) \(Self.words(miscount))", miscount.stamp, by: sender)]
    }
    // From the beginning, where the capture has it and the source has no other stream.
    guard let begin = reports.begin, begin.seenPackets >= 50, let use = stream.receiver, use.description.frame < stream.first.frame,
      !stream.followsCall, context.streams.from(sender).allSatisfy({ $0 === stream || $0.key.ssrc != stream.key.ssrc }),
      context.stories[use.conversation]?.beginsInTheMiddle == false,
      abs(begin.packets - begin.seenPackets) > max(10, begin.seenPackets / 5)
    else { return [] }
    return [
      Remark(
        rule, "the sender report of \(sender) counts \(Words.count(begin.packets, "packet")), \(begin.seenPackets) were sent", reports.last,
        by: sender)
    ]
  }
}

extension SenderCounts {
  private static func words(_ miscount: ControlTable.Miscount) -> String {
    func seconds(_ milliseconds: Int) -> String { Words.seconds(Int64(milliseconds) * 1_000_000) }
    return switch miscount.kind {
    case .packets: "counts \(Words.count(miscount.said, "packet")) since its first one, \(miscount.seen) were sent"
    case .octets: "counts \(Words.count(miscount.said, "octet")) in a packet, \(miscount.seen) were sent"
    case .clock: "has a clock that went on by \(seconds(miscount.said)) in \(seconds(miscount.seen)) since its first one"
    case .timestamp: "has RTP timestamps that went on by \(seconds(miscount.said)) in \(seconds(miscount.seen)) since its first one"
    }
  }
}

/// RTP comes from one address until something is agreed anew (RFC 4961 §3): a second source that nobody described is a stranger.
struct OneSource: StreamCheck {
  let rule = Rule.rtpSource

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    guard stream.sender == nil, let receiver = stream.receiver, !receiver.media.hasICE, stream.statistics.packets >= 3, !stream.isProbe,
      let answered = stream.conversations.lazy.compactMap({ context.stories[$0]?.success?.first }).first,
      stream.first.frame > answered.frame || stream.last.since(answered) > 1_000_000_000
    else { return [] }
    let others = context.streams.to(stream.key.destination).filter { other in
      other !== stream && other.key.source != stream.key.source && other.last.frame > answered.frame
        && (other.sender != nil || other.first.frame < stream.first.frame)
    }
    // One after the other is a NAT that gave the sender another port, or a hand-over.
    guard let other = others.first(where: { $0.first.frame < stream.last.frame && stream.first.frame < $0.last.frame }) else { return [] }
    return [
      Remark(
        rule,
        "RTP from \(stream.key.source) comes to \(stream.key.destination) beside that of \(other.key.source), and no description names it",
        stream.first, by: stream.key.source)
    ]
  }
}

/// The sequence number grows by one for each packet (RFC 3550 §5.1).
struct SequenceMoves: StreamCheck {
  let rule = Rule.sequenceStill

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    guard stream.statistics.packets >= 20, !stream.isProbe, stream.course.distinct * 4 <= stream.statistics.packets else { return [] }
    return [
      Remark(
        rule,
        "the sequence number of \(stream.way) does not grow: \(Words.count(stream.statistics.packets, "packet")) have "
          + "\(Words.count(stream.course.distinct, "number"))", stream.first, by: stream.key.source)
    ]
  }
}

/// RTP and RTCP that cannot be read, and RTCP that goes elsewhere than agreed, by their places.
enum MediaOddities {
  static func examine(_ control: ControlTable, _ conversations: [Int: Conversation]) -> [InspectionFinding] {
    func finding(_ breach: Rule, _ oddity: ControlTable.Oddity, _ text: String) -> InspectionFinding {
      let conversation = oddity.conversation.flatMap { conversations[$0] }
      let isBroken = conversation?.isDeliberatelyBroken == true
      return InspectionFinding(
        breach, isBroken ? .note : breach.severity, breach.section, text, frame: oddity.first.frame, callID: conversation?.callID,
        blamed: oddity.source)
    }
    func unreadable(_ what: String, _ oddity: ControlTable.Oddity) -> String {
      "\(Words.count(oddity.count, "\(what) packet")) from \(oddity.source) to \(oddity.destination) cannot be read: \(oddity.reason)"
    }
    return control.malformedRTP.map { finding(.rtpMalformed, $0, unreadable("RTP", $0)) }
      + control.malformedRTCP.map { finding(.rtcpMalformed, $0, unreadable("RTCP", $0)) }
      + control.misplaced.map { oddity in
        let wanted = oddity.expected.map { ", \($0) was agreed for it" } ?? ""
        return finding(.controlPort, oddity, "RTCP from \(oddity.source) goes to \(oddity.destination)\(wanted)")
      }
  }
}
