import Rules
import SIPMessage
import SansIO
import WireReader

/// A request inside a dialog has the dialog's route set (RFC 3261 §12.2.1.1): for the caller Record-Route of the 2xx backwards (§12.1.2),
/// for the callee that of the INVITE (§12.1.1). Only what a side wrote itself is judged; proxies take their own routes out.
struct RouteSet: DialogCheck {
  var rule: Rule { .routeSet }
  var needs: StoryTraits { .success }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    let invites = story.conversation.transactions.filter { $0.method == .invite && $0.isInitial && $0.request != nil && $0.success != nil }
    guard invites.contains(where: { $0.path.recordRoutes?.isEmpty == false || $0.responses.contains { !$0.recordRoutes.isEmpty } }) else {
      return []
    }
    return DialogRequest.all(story).compactMap { request in
      guard request.path.isOriginal, let found = request.path.routes, let (expected, frame) = Self.routeSet(of: request, invites),
        let first = expected.first, first.uri.parameters.contains("lr")
      else { return nil }
      let isSame = found.count == expected.count && zip(found, expected).allSatisfy { $0.uri.isEquivalent(to: $1.uri) }
      guard !isSame else { return nil }
      // One route alone, and the request goes there all the same: nobody is left out.
      let isHarmless = found.isEmpty && expected.count == 1 && first.uri.host.address == request.destination.address
      let has = found.isEmpty ? "no Route" : "Route \(Self.text(found))"
      return Remark(
        isHarmless ? .note : found.isEmpty ? .error : .warning, "RFC 3261 §12.2.1.1",
        "\(request.method.token) from \(request.source) has \(has); the dialog's route set is \(Self.text(expected)), by Record-Route in "
          + "frame \(frame)",
        request.stamp)
    }
  }

  /// The routes that its sender has learnt, and the frame they stand in.
  private static func routeSet(of request: DialogRequest, _ invites: [ObservedTransaction]) -> (routes: [NameAddress], frame: Int)? {
    for invite in invites where invite.fromTag == request.fromTag && invite.path.isOriginal {
      guard invite.source.address == request.source.address,
        let success = invite.responses.first(where: { $0.isSuccess && $0.toTag == request.toTag && $0.first.frame < request.stamp.frame })
      else { continue }
      return (success.recordRoutes.reversed(), success.first.frame)
    }
    let answered = invites.compactMap { invite -> (invite: ObservedTransaction, frame: Int)? in
      guard invite.fromTag == request.toTag else { return nil }
      return invite.responses.first { $0.isSuccess && $0.toTag == request.fromTag }.map { (invite, $0.first.frame) }
    }
    // The callee's hop shows its answer before all others.
    guard let (invite, frame) = answered.min(by: { $0.frame < $1.frame }), invite.destination.address == request.source.address,
      frame < request.stamp.frame, let stamp = invite.request, let routes = invite.path.recordRoutes
    else { return nil }
    return (routes, stamp.frame)
  }

  private static func text(_ routes: [NameAddress]) -> String { routes.map { "<\($0.uri)>" }.joined(separator: ", ") }
}

/// A request inside a dialog, ACK among them.
struct DialogRequest {
  var method: SIPMethod
  var stamp: FrameStamp
  var source: TransportAddress
  var destination: TransportAddress
  var fromTag: String?
  var toTag: String?
  var path: ObservedPath
  var requestURI: String

  /// In the order in which they were sent.
  static func all(_ story: DialogStory) -> [DialogRequest] {
    let transactions = story.conversation.transactions
    let own = transactions.compactMap { transaction -> DialogRequest? in
      guard let stamp = transaction.request, !transaction.isInitial, transaction.method != .cancel else { return nil }
      return DialogRequest(
        method: transaction.method, stamp: stamp, source: transaction.source, destination: transaction.destination,
        fromTag: transaction.fromTag, toTag: transaction.toTag, path: transaction.path, requestURI: transaction.requestURI)
    }
    let acks = transactions.flatMap { invite in
      invite.acknowledgements.map { ack in
        DialogRequest(
          method: .ack, stamp: ack.first, source: ack.source, destination: ack.destination, fromTag: invite.fromTag, toTag: ack.toTag,
          path: ack.path, requestURI: ack.requestURI)
      }
    }
    return (own + acks).sorted { $0.stamp.frame < $1.stamp.frame }
  }
}
