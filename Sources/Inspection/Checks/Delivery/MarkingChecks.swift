import Rules
import SansIO
import WireReader

/// The DSCP of a stream stays as it is (RFC 4594 §4.1): a change is a router's, or another way; none where the other direction has one is
/// a network that clears it.
struct MarkingStays: StreamCheck {
  var rule: Rule { .markingChanges }

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    guard let first = stream.markings.first, stream.statistics.packets >= 20 else { return [] }
    if let change = stream.markings.change {
      let again = stream.markings.changes > 1 ? ", and \(Words.times(stream.markings.changes - 1)) again" : ""
      let text = "the DSCP of \(stream.way) changes from \(Markings.name(change.from)) to \(Markings.name(change.to))\(again)"
      return [Remark(.note, rule.section, text, change.stamp)]
    }
    let back = context.streams.from(stream.key.destination).first { $0.key.destination == stream.key.source }
    guard first == 0, let back, let other = back.markings.first, other != 0, back.statistics.packets >= 20 else { return [] }
    let text =
      "\(stream.way) has DSCP \(Markings.name(first)), the other direction \(Markings.name(other)): not marked, or cleared on the way"
    return [Remark(.note, rule.section, text, stream.first)]
  }
}

/// A DTLS handshake for SRTP is answered (RFC 5763 §5, RFC 6347 §4.2.4): without it neither side has keys.
struct HandshakeAnswered: DialogCheck {
  var rule: Rule { .handshakeUnanswered }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    let waiting = context.dtls.unanswered
    guard !waiting.isEmpty else { return [] }
    let media = story.agreements.flatMap { [$0.offer, $0.answer] }.flatMap(\.media)
    let places = Set(media.filter { !$0.fingerprints.isEmpty }.compactMap(\.address))
    return waiting.compactMap { handshake in
      guard handshake.datagrams >= 3, places.contains(handshake.client) || places.contains(handshake.server) else { return nil }
      let text =
        "the DTLS handshake from \(handshake.client) to \(handshake.server) is not answered: it was begun "
        + "\(Words.times(handshake.datagrams)), and neither side has keys for SRTP"
      return Remark(rule, text, handshake.first, by: nil)
    }
  }
}
