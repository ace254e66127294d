import Rules
import SDP
import SIPMessage
import SansIO
import WireReader

/// A changed description has a new version in o=, the next one, and all else of the line stays (RFC 3264 §8): who trusts the version does
/// not see the change otherwise. Only what was agreed is compared, with what its writer agreed to before in the same dialog and on the
/// same hop.
struct OriginVersion: DialogCheck {
  var rule: Rule { .originVersion }
  var needs: StoryTraits { .descriptions }

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
    /// Who sends it wrote it.
    var isOwn = true
  }

  private struct Change: Hashable {
    var tag: String?
    var origin: ObservedOrigin
  }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    let transactions = story.conversation.transactions
    let all = transactions.flatMap { Self.written($0, isForwarded: transactions.forward($0)) }
    guard all.count > 1 else { return [] }
    // Two sides, and everything that they wrote.
    let isWhole =
      !context.hasHoles && Set(all.compactMap(\.writer.partner)).count <= 2
      && transactions.allSatisfy { $0.description == nil || $0.final != nil }
    var last: [Writer: ObservedDescription] = [:]
    var newest: [Writer: ObservedDescription] = [:]
    var seen: Set<Change> = []
    return all.sorted { $0.description.stamp.frame < $1.description.stamp.frame }.compactMap { written in
      var start = written.writer
      start.partner = nil
      let before = last[written.writer] ?? last[start]
      let latest = newest[written.writer] ?? newest[start]
      if written.isAgreed { last[written.writer] = written.description }
      newest[written.writer] = written.description
      guard written.isChange, let new = written.description.origin else { return nil }
      if let old = before?.origin, let frame = before?.stamp.frame, old.line == new.line, old.content != new.content {
        guard seen.insert(Change(tag: written.writer.tag, origin: new)).inserted else { return nil }
        return Remark(
          .error, "RFC 3264 §8",
          "\(written.title) from \(written.description.owner) changes the description of frame \(frame) and keeps version "
            + "\(new.line.version) in o=",
          written.description.stamp)
      }
      guard let latest, let old = latest.origin, let text = Self.difference(new.line, old.line),
        seen.insert(Change(tag: written.writer.tag, origin: new)).inserted
      else { return nil }
      let isOwn = isWhole && written.isOwn && context.own.contains(written.description.owner.address)
      return Remark(
        isOwn ? .warning : .note, "RFC 3264 §8",
        "\(written.title) from \(written.description.owner) \(text) of the description in frame \(latest.stamp.frame)",
        written.description.stamp, by: written.description.owner)
    }
  }

  /// What of an o= line may not differ from the one before, and does. Who writes for several sides, as gateways do, hands on what they
  /// wrote: its own tap alone shows whose it is.
  private static func difference(_ new: Origin, _ old: Origin) -> String? {
    if new.sessionID != old.sessionID {
      return "has the session id \(new.sessionID) in o=, another than \(old.sessionID)"
    }
    guard let version = UInt64(new.version), let before = UInt64(old.version), version != before, version != before &+ 1 else { return nil }
    return "has version \(version) in o=, not the one after version \(before)"
  }

  /// What both sides of a transaction wrote, as far as it was agreed.
  private static func written(_ transaction: ObservedTransaction, isForwarded: Bool) -> [Written] {
    let (source, destination) = (transaction.source.address, transaction.destination.address)
    let isAgreed = transaction.isInitial || transaction.success != nil
    guard isAgreed || transaction.final != nil else { return [] }
    var list: [Written] = []
    if let offer = transaction.description {
      let writer = Writer(tag: transaction.fromTag, partner: transaction.toTag, source: source, destination: destination)
      list.append(
        Written(
          title: transaction.method.token, writer: writer, description: offer, isChange: !transaction.isInitial, isAgreed: isAgreed,
          isOwn: transaction.path.isOriginal))
    }
    guard isAgreed else { return list }
    var tags: [String?] = []
    for response in transaction.responses where !tags.contains(response.toTag) { tags.append(response.toTag) }
    for tag in tags {
      let carriers = transaction.responses.filter { $0.toTag == tag && $0.status > 100 && $0.status < 300 && $0.description != nil }
      guard let carrier = carriers.first(where: \.isSuccess) ?? carriers.first, let description = carrier.description else { continue }
      let writer = Writer(tag: tag, partner: transaction.fromTag, source: destination, destination: source)
      list.append(Written(title: "\(carrier.status)", writer: writer, description: description, isChange: true, isOwn: !isForwarded))
    }
    if let answer = transaction.acknowledgedDescription, answer.owner.address == source {
      let writer = Writer(tag: transaction.fromTag, partner: transaction.success?.toTag, source: source, destination: destination)
      list.append(Written(title: "ACK", writer: writer, description: answer, isChange: true))
    }
    return list
  }
}
