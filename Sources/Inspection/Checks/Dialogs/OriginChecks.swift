import Rules
import SIPMessage
import SansIO
import WireReader

/// A changed description has a new version in o= (RFC 3264 §8): who trusts the version does not see the change. Only what was agreed is
/// compared, with what its writer agreed to before in the same dialog and on the same hop.
struct OriginVersion: DialogCheck {
  let rule = Rule.originVersion
  let needs = StoryTraits.descriptions

  private struct Writer: Hashable {
    var tag: String?
    /// Nil for the offer of an INVITE, which all its forks have.
    var partner: String?
    var source: IPAddress
    var destination: IPAddress
  }

  private struct Written {
    var title: String
    var writer: Writer
    var description: ObservedDescription
    /// Offers before a dialog begin what others change.
    var isChange: Bool
    /// Of an offer that was refused what it says never held.
    var isAgreed = true
  }

  private struct Change: Hashable {
    var tag: String?
    var origin: ObservedOrigin
  }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    let all = story.conversation.transactions.flatMap(Self.written)
    guard all.count > 1 else { return [] }
    var last: [Writer: ObservedDescription] = [:]
    var seen: Set<Change> = []
    return all.sorted { $0.description.stamp.frame < $1.description.stamp.frame }.compactMap { written in
      var start = written.writer
      start.partner = nil
      let before = last[written.writer] ?? last[start]
      if written.isAgreed { last[written.writer] = written.description }
      guard written.isChange, let old = before?.origin, let new = written.description.origin, let frame = before?.stamp.frame,
        old.line == new.line, old.content != new.content, seen.insert(Change(tag: written.writer.tag, origin: new)).inserted
      else { return nil }
      return Remark(
        .error, "RFC 3264 §8",
        "\(written.title) from \(written.description.owner) changes the description of frame \(frame) and keeps version "
          + "\(new.line.version) in o=",
        written.description.stamp)
    }
  }

  /// What both sides of a transaction wrote, as far as it was agreed.
  private static func written(_ transaction: ObservedTransaction) -> [Written] {
    let (source, destination) = (transaction.source.address, transaction.destination.address)
    let isAgreed = transaction.isInitial || transaction.success != nil
    guard isAgreed || transaction.final != nil else { return [] }
    var list: [Written] = []
    if let offer = transaction.description {
      let writer = Writer(tag: transaction.fromTag, partner: transaction.toTag, source: source, destination: destination)
      list.append(
        Written(title: transaction.method.token, writer: writer, description: offer, isChange: !transaction.isInitial, isAgreed: isAgreed))
    }
    guard isAgreed else { return list }
    var tags: [String?] = []
    for response in transaction.responses where !tags.contains(response.toTag) { tags.append(response.toTag) }
    for tag in tags {
      let carriers = transaction.responses.filter { $0.toTag == tag && $0.status > 100 && $0.status < 300 && $0.description != nil }
      guard let carrier = carriers.first(where: \.isSuccess) ?? carriers.first, let description = carrier.description else { continue }
      let writer = Writer(tag: tag, partner: transaction.fromTag, source: destination, destination: source)
      list.append(Written(title: "\(carrier.status)", writer: writer, description: description, isChange: true))
    }
    if let answer = transaction.acknowledgedDescription, answer.owner.address == source {
      let writer = Writer(tag: transaction.fromTag, partner: transaction.success?.toTag, source: source, destination: destination)
      list.append(Written(title: "ACK", writer: writer, description: answer, isChange: true))
    }
    return list
  }
}
