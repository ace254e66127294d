import Rules
import SansIO
import WireReader

/// RTP comes from one address until something is agreed anew (RFC 4961 §3): a second source that nobody described is a stranger.
struct OneSource: StreamCheck {
  var rule: Rule { .rtpSource }

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

/// The sequence number grows by one for each packet that is sent (RFC 3550 §5.1).
struct SequenceMoves: StreamCheck {
  var rule: Rule { .sequenceStill }

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    guard stream.statistics.packets >= 20, !stream.isProbe else { return [] }
    if stream.skipsNumbers, let first = stream.clock.skipped.first {
      return [
        Remark(
          rule,
          "\(stream.way) skips sequence numbers before \(stream.clock.skipped.count) of "
            + "\(Words.count(stream.statistics.packets, "packet")), while its timestamps miss nothing", first, by: stream.key.source)
      ]
    }
    if let gap = lostAtHome(stream, context) { return [gap] }
    guard stream.course.distinct * 4 <= stream.statistics.packets else { return [] }
    return [
      Remark(
        rule,
        "the sequence number of \(stream.way) does not grow: \(Words.count(stream.statistics.packets, "packet")) have "
          + "\(Words.count(stream.course.distinct, "number"))", stream.first, by: stream.key.source)
    ]
  }

  /// Numbers that are missing at the tap of who sends were skipped, or their packets never left: nothing can lose them before it.
  private func lostAtHome(_ stream: RTPStream, _ context: CheckContext) -> Remark? {
    guard context.own.contains(stream.key.source.address), !context.own.contains(stream.key.destination.address),
      stream.course.restarts.isEmpty, !stream.followsCall, stream.lost >= 5, stream.lost * 50 >= stream.expected,
      context.hiddenFrames == 0,
      // A source that sends to two addresses in turn, to a phone and its music server, has numbers missing at each.
      context.streams.from(stream.key.source).allSatisfy({ $0 === stream || $0.key.ssrc != stream.key.ssrc })
    else { return nil }
    return Remark(
      rule,
      "\(stream.way) leaves its sender without \(stream.lost) of its \(Words.count(stream.expected, "sequence number"))", stream.first,
      by: stream.key.source)
  }
}

extension RTPStream {
  /// Numbers are left out between packets that follow each other: none of them is lost.
  var skipsNumbers: Bool { clock.skipped.count >= 10 && clock.skipped.count * 4 > statistics.packets }
}

/// RTP and RTCP that cannot be read, and RTCP that goes elsewhere than agreed, by their places.
enum MediaOddities {
  /// - Parameter own: the hosts whose tap it is.
  static func examine(_ control: ControlTable, _ conversations: [Int: Conversation], own: Set<IPAddress>) -> [InspectionFinding] {
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
      } + reports(control, own, finding)
  }

  /// What reports are of, and by whom. Only at the tap of one of both ends is known what else that end has sent and got.
  private static func reports(
    _ control: ControlTable, _ own: Set<IPAddress>, _ finding: (Rule, ControlTable.Oddity, String) -> InspectionFinding
  ) -> [InspectionFinding] {
    func isOwn(_ oddity: ControlTable.Oddity) -> Bool {
      own.contains(oddity.source.address) != own.contains(oddity.destination.address)
    }
    func hex(_ ssrc: UInt32?) -> String { ssrc.map { "0x" + String($0, radix: 16) } ?? "?" }
    let unknown = control.unknownSources.filter { own.contains($0.source.address) && isOwn($0) }
    return unknown.map {
      finding(
        .receptionReport, $0,
        "\($0.source) reports to \($0.destination) about the source \(hex($0.ssrc)), of which no packet came to it")
    }
      + control.silentSources.filter(isOwn).map {
        finding(
          .senderReport, $0,
          "the sender report of \($0.source) is of the source \(hex($0.ssrc)), its RTP of \(hex($0.other))")
      }
      + control.nameless.filter(isOwn).map {
        finding(.canonicalName, $0, "\(Words.count($0.count, "RTCP packet")) from \($0.source) to \($0.destination) without a CNAME")
      }
  }
}
