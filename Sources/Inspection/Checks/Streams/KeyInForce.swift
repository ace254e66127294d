import Rules
import SansIO
import WireReader

/// Who brings another key of SDES sends with it as soon as both sides have the agreement (RFC 4568 §7.1.4). The last packet of a stream
/// shows whether that was done.
struct KeyInForce: StreamCheck {
  var rule: Rule { .srtpFormerKey }

  /// What may still be on its way under the key before, or about to be sent: nanoseconds.
  private static let grace: Int64 = 1_000_000_000

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    guard stream.openedPackets > 0, stream.closedPackets == 0, stream.conversations.count == 1, let number = stream.conversation,
      let agreements = context.stories[number]?.agreements, agreements.count > 1, let last = agreements.last, let known = last.known,
      stream.last.since(known) > Self.grace,
      let own = [last.offer.audio, last.answer.audio].compactMap(\.self).first(where: { $0.address == stream.key.source }),
      !own.crypto.isEmpty, context.table.hasOtherKey(stream, than: own)
    else { return [] }
    let description = own.address == last.offer.audio?.address ? last.offer : last.answer
    return [
      Remark(
        rule, "\(stream.key.source) still sends SRTP with a key that its description of frame \(description.stamp.frame) has not",
        stream.last, by: stream.key.source)
    ]
  }
}
