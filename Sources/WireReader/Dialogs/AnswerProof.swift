import SIPMessage
import SansIO

/// What shows that an INVITE was answered, although its answer is not in the capture.
public enum AnswerProof {
  /// An ACK that has a To tag and a branch of its own, as that of a 2xx has (RFC 3261 §13.2.2.4).
  case acknowledgement(FrameStamp)
  /// A request that only an established dialog has: BYE, or another INVITE.
  case request(SIPMethod, FrameStamp)
  /// RTP from the address that the offer names: its sender has an answer (RFC 3264 §5.1).
  case media(FrameStamp)

  public var stamp: FrameStamp {
    switch self {
    case .acknowledgement(let stamp), .request(_, let stamp), .media(let stamp): stamp
    }
  }

  /// - Parameter media: the last RTP packet from an address that the conversation describes.
  static func find(_ invite: ObservedTransaction, _ transactions: [ObservedTransaction], _ media: FrameStamp?) -> AnswerProof? {
    guard invite.final == nil, invite.cancel == nil, let sent = invite.request else { return nil }
    let acks = transactions.filter { $0.isInvite(invite.key.number, invite.fromTag) }.flatMap(\.acknowledgements)
    if let ack = acks.first(where: { $0.toTag != nil && !$0.hasInvitesBranch }) { return .acknowledgement(ack.first) }
    // Progress that was captured tells of an early dialog, which may have requests and media as well (RFC 3261 §12.1, §15).
    guard !invite.responses.contains(where: { $0.status > 100 }) else { return nil }
    for transaction in transactions where transaction.method == .bye || transaction.method == .invite {
      guard let stamp = transaction.request, stamp.frame > sent.frame, !transaction.isInitial,
        transaction.fromTag == invite.fromTag || transaction.toTag == invite.fromTag
      else { continue }
      return .request(transaction.method, stamp)
    }
    guard invite.description != nil, let media, media.frame > sent.frame else { return nil }
    return .media(media)
  }
}
