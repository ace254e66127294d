import Rules
import SDP
import SIPMessage
import SansIO
import WireReader

/// Why an offer was refused, as far as the capture shows it: what it has, beside what the same host took in another call.
enum OfferRefusal {
  private static let statuses: Set<Int> = [406, 415, 488, 606]

  /// - Parameter refuser: who refused, whatever hops passed it on.
  /// - Returns: nil where nothing can be said of it.
  static func why(
    _ transaction: ObservedTransaction, _ final: ObservedTransaction.Response, by refuser: IPAddress, _ story: DialogStory,
    _ context: CheckContext
  ) -> String? {
    guard statuses.contains(final.status), let offer = transaction.description, offer.error == nil, !offer.media.isEmpty else { return nil }
    if offer.media.allSatisfy({ $0.port == 0 }) {
      return "\(offer.media.count == 1 ? "the m= line" : "each m= line") of the offer has port 0, so that it offers nothing"
    }
    if let fax = offer.media.first(where: { $0.kind == "image" && $0.port != 0 }) { return self.fax(fax, transaction, final, story) }
    guard let audio = offer.audio, audio.port != 0 else { return nil }
    if let taken = final.description?.audio, !names(taken).isEmpty, names(taken).isDisjoint(with: names(audio)) {
      return "the offer has \(list(audio)), the \(final.status) says that \(list(taken)) is taken"
    }
    let offered = offer.media.filter { $0.kind == "audio" && $0.port != 0 }
    if let other = context.accepted.by(refuser, near: final.first.frame, context.stories) {
      if !offered.contains(where: { $0.profile == other.media.profile }) {
        return "the offer has \(audio.profile), the same host took \(other.media.profile) in frame \(other.frame)"
      }
      let common = offered.contains { !names($0).isDisjoint(with: names(other.media)) }
      if !common, !names(other.media).isEmpty {
        return "the offer has \(list(audio)), the same host took \(list(other.media)) in frame \(other.frame)"
      }
    }
    return final.status == 488 || final.status == 606 ? "the offer has \(audio.profile) with \(list(audio))" : nil
  }

  private static func fax(
    _ media: ObservedMedia, _ transaction: ObservedTransaction, _ final: ObservedTransaction.Response, _ story: DialogStory
  ) -> String {
    guard !transaction.isInitial else { return "the offer is T.38 (\(media.profile))" }
    let goesOn = story.bye?.request.map { $0.since(final.first) > 1_000_000_000 } ?? true
    return "T.38 is refused\(goesOn ? ", the call goes on as audio" : "")"
  }

  static func names(_ media: ObservedMedia) -> Set<String> {
    Set(sounds(media).map { "\($0.name.lowercased())/\($0.clockRate)" })
  }

  private static func sounds(_ media: ObservedMedia) -> [Encoding] {
    media.encodings.filter { !$0.isTelephoneEvent && $0.name.uppercased() != "CN" }
  }

  private static func list(_ media: ObservedMedia) -> String {
    let names = sounds(media).map { Words.encoding($0.name) }
    return names.isEmpty ? "no codec" : names.joined(separator: ", ")
  }
}

/// The audio that hosts took in answers, by host. Looked up when the first offer was refused: most captures need none of it.
final class AcceptedOffers {
  struct Entry {
    var media: ObservedMedia
    var frame: Int
  }

  /// Answers of one host that are kept.
  private static let most = 16
  private var byHost: [IPAddress: [Entry]]?

  /// - Returns: the last one before a frame, else the first one after it.
  func by(_ host: IPAddress, near frame: Int, _ stories: [Int: DialogStory]) -> Entry? {
    let known = byHost ?? Self.index(stories)
    byHost = known
    return known[host]?.last { $0.frame < frame } ?? known[host]?.first
  }

  private static func index(_ stories: [Int: DialogStory]) -> [IPAddress: [Entry]] {
    var index: [IPAddress: [Entry]] = [:]
    for (_, story) in stories.sorted(by: { $0.key < $1.key }) {
      for agreement in story.agreements {
        guard let audio = agreement.answer.audio, audio.port != 0 else { continue }
        let host = agreement.answer.owner.address
        guard index[host, default: []].count < most else { continue }
        index[host, default: []].append(Entry(media: audio, frame: agreement.answer.stamp.frame))
      }
    }
    return index
  }
}
