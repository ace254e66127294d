import SDP
import SIPMessage
import SansIO

/// An offer with its answer (RFC 3264), wherever the two stood: INVITE and 200, 200 and ACK, UPDATE, PRACK.
public struct MediaAgreement {
  public let offer: ObservedDescription
  public let answer: ObservedDescription
  /// The transaction that carried it.
  public let method: SIPMethod
  public let isInitial: Bool
  /// When both sides have it: the 2xx, or the message with the answer where that comes later.
  public let since: FrameStamp
  /// When the offerer has the answer for certain: the ACK of an INVITE, else ``since``; nil while it has not come.
  public let known: FrameStamp?

  /// In the order of the answers; copies on further hops are left out when they say the same.
  public static func all(_ transactions: [ObservedTransaction]) -> [MediaAgreement] {
    var list: [MediaAgreement] = []
    var seen: Set<String> = []
    for transaction in transactions {
      guard let found = find(transaction) else { continue }
      let identity = "\(transaction.method.token) \(transaction.fromTag ?? "") \(transaction.key.number)"
      guard seen.insert(identity).inserted else { continue }
      list.append(found)
    }
    return list.sorted { $0.answer.stamp.frame < $1.answer.stamp.frame }
  }

  private static func find(_ transaction: ObservedTransaction) -> MediaAgreement? {
    let carriers = transaction.responses.filter { $0.status > 100 && $0.status < 300 && $0.description != nil }
    // The 2xx decides; a provisional answer has to say the same, and other forks' answers are theirs.
    let answering = carriers.first { $0.status >= 200 } ?? carriers.first
    if let offer = transaction.description {
      guard let answer = answering?.description else { return nil }
      return MediaAgreement(transaction, offer: offer, answer: answer)
    }
    guard transaction.method == .invite, let offer = answering?.description, let answer = transaction.acknowledgedDescription else {
      return nil
    }
    return MediaAgreement(transaction, offer: offer, answer: answer)
  }

  private init(_ transaction: ObservedTransaction, offer: ObservedDescription, answer: ObservedDescription) {
    self.offer = offer
    self.answer = answer
    method = transaction.method
    isInitial = transaction.isInitial
    let success = transaction.success?.first ?? answer.stamp
    since = success.frame > answer.stamp.frame ? success : answer.stamp
    known = transaction.method == .invite ? transaction.acknowledgement : since
  }

  /// The codec that both sides list first: the answer's order decides (RFC 3264 §6.1).
  public var codec: Encoding? {
    guard let answer = answer.audio, answer.port != 0 else { return nil }
    return answer.mainEncoding
  }

  /// Both sides have telephone-event (RFC 4733).
  public var hasTelephoneEvent: Bool {
    [offer.audio, answer.audio].allSatisfy { media in media?.encodings.contains { $0.isTelephoneEvent } == true }
  }

  /// SRTP by its profile, or by keys on both sides (RFC 8643).
  public var isSecure: Bool {
    answer.audio?.isSecure == true || [offer.audio, answer.audio].allSatisfy { $0.map { !$0.crypto.isEmpty } ?? false }
  }

  /// Audio goes both ways by it.
  public var isBothWays: Bool {
    guard let offer = offer.audio, let answer = answer.audio, answer.port != 0, offer.port != 0 else { return false }
    return offer.direction == .sendrecv && answer.direction == .sendrecv && !offer.isHold && !answer.isHold
  }
}

// MARK: - Periods

extension MediaAgreement {
  /// An agreement on audio from when it holds until the next one, or the dialog's end.
  public struct Period {
    public let agreement: MediaAgreement
    public let begin: FrameStamp
    public let end: FrameStamp
    /// Nothing came after it: it ends with the dialog or the capture.
    public let isLast: Bool
    public var duration: Int64 { end.since(begin) }

    /// A side of it.
    public enum Side { case offerer, answerer }

    public func audio(of side: Side) -> ObservedMedia? { side == .offerer ? agreement.offer.audio : agreement.answer.audio }

    /// Whether a side may send audio (RFC 3264 §5.1, §6.1): it says so, and the other takes it.
    public func maySend(_ side: Side) -> Bool {
      guard let own = audio(of: side), let other = audio(of: side == .offerer ? .answerer : .offerer), own.port != 0, other.port != 0
      else { return false }
      return own.direction.sends && !other.isHold
    }
  }

  /// The agreements of a dialog from its answer on.
  /// - Parameters:
  ///   - list: in the order of their answers.
  ///   - answered: the first 2xx to the INVITE.
  ///   - end: the BYE, or the capture's end.
  public static func periods(_ list: [MediaAgreement], answered: FrameStamp, end: FrameStamp) -> [Period] {
    list.indices.compactMap { index in
      let begin = list[index].since.frame > answered.frame ? list[index].since : answered
      let next = list[(index + 1)...].first?.since
      let end = next.map { $0.frame < end.frame ? $0 : end } ?? end
      guard begin.frame < end.frame else { return nil }
      return Period(agreement: list[index], begin: begin, end: end, isLast: next == nil)
    }
  }
}

extension Encoding {
  /// `PCMU/8000`, `opus/48000/2`.
  public var text: String { "\(name)/\(clockRate)\(channels > 1 ? "/\(channels)" : "")" }
}
