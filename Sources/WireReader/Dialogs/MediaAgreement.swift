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
      return MediaAgreement(offer: offer, answer: answer, method: transaction.method, isInitial: transaction.isInitial)
    }
    guard transaction.method == .invite, let offer = answering?.description, let answer = transaction.acknowledgedDescription else {
      return nil
    }
    return MediaAgreement(offer: offer, answer: answer, method: .invite, isInitial: transaction.isInitial)
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

  public var isSecure: Bool { answer.audio?.isSecure == true }

  /// Audio goes both ways by it.
  public var isBothWays: Bool {
    guard let offer = offer.audio, let answer = answer.audio, answer.port != 0, offer.port != 0 else { return false }
    return offer.direction == .sendrecv && answer.direction == .sendrecv && !offer.isHold && !answer.isHold
  }
}

extension Encoding {
  /// `PCMU/8000`, `opus/48000/2`.
  public var text: String { "\(name)/\(clockRate)\(channels > 1 ? "/\(channels)" : "")" }
}
