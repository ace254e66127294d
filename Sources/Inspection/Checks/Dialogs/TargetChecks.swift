import Rules
import SIPMessage
import SansIO
import WireReader

/// A request inside a dialog goes to the remote target: its Request-URI is the Contact that the other side named last (RFC 3261
/// §12.2.1.1, §12.2.1.2). Only what a side wrote itself is judged, by what that side was told; who takes the address that packets come from
/// instead of a Contact behind a NAT means well.
struct RemoteTarget: DialogCheck {
  var rule: Rule { .remoteTarget }
  var needs: StoryTraits { .success }

  /// A Contact that a side was told.
  private struct Target {
    var owner: String?
    var uri: SIPURI
    var stamp: FrameStamp
    var writer: TransportAddress
    var reader: TransportAddress
  }

  /// What is on its way when a target changes goes to the one before.
  private static let crossing: Int64 = 2_000_000_000

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    guard !story.beginsInTheMiddle else { return [] }
    let requests = DialogRequest.all(story)
    guard !requests.isEmpty else { return [] }
    let targets = Self.targets(story)
    var seen: Set<String> = []
    return requests.compactMap { request in
      guard request.path.isOriginal, request.path.routes != nil, let asked = try? SIPURI(parsing: request.requestURI) else { return nil }
      let known = targets.filter {
        $0.owner == request.toTag && $0.reader.address == request.source.address && $0.stamp.frame < request.stamp.frame
      }
      guard let last = known.last, !known.contains(where: { Self.isFit(asked, $0) && isCurrent($0, known, request.stamp) }),
        let difference = Self.difference(asked, last.uri), seen.insert("\(request.fromTag ?? "") \(asked)").inserted
      else { return nil }
      let former = known.dropLast().last { Self.isFit(asked, $0) }
      let older = former.map { ", the one of frame \($0.stamp.frame)" } ?? ""
      return Remark(
        difference == .user ? .note : rule.severity, rule.section,
        "\(request.method.token) from \(request.source) asks for <\(asked)>\(older); the other side's Contact is <\(last.uri)>, by frame "
          + "\(last.stamp.frame)", request.stamp, by: request.source)
    }
  }

  /// Whether it was the last one, or was until a moment before.
  private func isCurrent(_ target: Target, _ known: [Target], _ now: FrameStamp) -> Bool {
    guard let next = known.first(where: { $0.stamp.frame > target.stamp.frame && Self.difference(target.uri, $0.uri) != nil }) else {
      return true
    }
    return now.since(next.stamp) < Self.crossing
  }

  private static func isFit(_ asked: SIPURI, _ target: Target) -> Bool {
    guard difference(asked, target.uri) != nil else { return true }
    return asked.host.address.map { $0 == target.writer.address && $0 != target.uri.host.address } ?? false
  }

  private enum Difference { case user, place }

  private static func difference(_ asked: SIPURI, _ target: SIPURI) -> Difference? {
    // A name may stand for the address.
    if asked.host.address != nil, target.host.address == nil { return nil }
    let isSameHost =
      asked.host.address.map { $0 == target.host.address }
      ?? ("\(asked.host)".lowercased() == "\(target.host)".lowercased())
    guard isSameHost else { return .place }
    if let one = asked.port, let other = target.port, one != other { return .place }
    if let one = asked.user, let other = target.user, one != other { return .user }
    return nil
  }

  private static func targets(_ story: DialogStory) -> [Target] {
    let transactions = story.conversation.transactions.filter { $0.method == .invite || $0.method == .update }
    // Strict routers put themselves into the Request-URI (§12.2.1.1).
    let routes = transactions.flatMap { ($0.path.recordRoutes ?? []) + $0.responses.flatMap(\.recordRoutes) }
    guard routes.allSatisfy({ $0.uri.parameters.contains("lr") }) else { return [] }
    var targets: [Target] = []
    func add(_ contact: String?, _ owner: String?, _ stamp: FrameStamp, _ writer: TransportAddress, _ reader: TransportAddress) {
      guard let uri = contact.flatMap({ try? SIPURI(parsing: $0) }) else { return }
      targets.append(Target(owner: owner, uri: uri, stamp: stamp, writer: writer, reader: reader))
    }
    for transaction in transactions {
      // What is refused changes no target.
      if let sent = transaction.request, transaction.isInitial || transaction.success != nil {
        add(transaction.contact, transaction.fromTag, sent, transaction.source, transaction.destination)
      }
      for response in transaction.responses where response.status > 100 && response.status < 300 {
        add(response.contact, response.toTag, response.first, response.source, transaction.source)
      }
    }
    return targets.sorted { $0.stamp.frame < $1.stamp.frame }
  }
}
