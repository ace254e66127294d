import Rules
import SIPMessage
import SansIO
import WireReader

/// A response has the Vias of its request (RFC 3261 §8.2.6.2), says where the request came from (§18.2.1, RFC 3581 §4) and goes there
/// (§18.2.2). Only what the hop of the request shows is judged.
struct ResponsePath: MessageCheck {
  var rule: Rule { .responseVias }

  func check(_ message: ObservedMessage, _ request: ObservedTransaction?) -> [Remark] {
    guard message.status != nil, let request, let sent = request.request,
      let asked = request.via, let answered = message.answeredVia, message.source.address == request.destination.address
    else { return [] }
    let hop = Hop(message: message, request: request, frame: sent.frame, asked: asked, answered: answered)
    return [hop.vias, hop.received, hop.port, hop.destination].compactMap { $0 }
  }

  /// A response whose topmost Via is not its request's: that stands below it.
  /// - Parameter found: what the topmost Via leads to.
  static func strayed(_ message: ObservedMessage, _ found: ObservedTransaction?, _ conversation: Conversation) -> Remark? {
    guard message.status != nil, found?.request == nil, !message.message.hasOneVia else { return nil }
    let lower = ObservedVia.lower(message.message)
    guard !lower.isEmpty else { return nil }
    let request = conversation.transactions.first { asked in
      asked.request != nil && asked.method == message.cseq.method && asked.key.number == message.cseq.number
        && asked.destination.address == message.source.address && lower.contains { $0.hasSuffix(" \(asked.key.branch)") }
        && asked.via?.lower.contains { $0.hasSuffix(" \(message.branch)") } == true
    }
    guard let request, let sent = request.request else { return nil }
    return Remark(
      .responseVias,
      "the Via fields of \(message.title) to \(request.method.token) are not in the order of the request in frame \(sent.frame)",
      message.stamp, by: message.source)
  }

  private struct Hop {
    let message: ObservedMessage
    let request: ObservedTransaction
    let frame: Int
    let asked: ObservedVia
    let answered: (received: String?, responsePort: String?)

    var title: String { "\(message.title) to \(request.method.token)" }
    var isBack: Bool { message.destination.address == request.source.address }

    var vias: Remark? {
      let lower = ObservedVia.lower(message.message)
      guard lower != asked.lower else { return nil }
      if asked.lower.isEmpty {
        let text = "\(title) has \(lower.count + 1) Via fields, the request in frame \(frame) has one"
        return Remark(.severalVias, text, message.stamp, by: message.source)
      }
      let text = "the Via fields of \(title) are not those of the request in frame \(frame)"
      return Remark(.responseVias, text, message.stamp, by: message.source)
    }

    /// A NAT between the capture and the server may have given the request another source: what the response says is then right.
    var received: Remark? {
      guard isBack else { return nil }
      let source = request.source.address.unmapped
      if let said = answered.received {
        guard let address = IPAddress(said), address.unmapped != source, !source.isPrivate else { return nil }
        // So may a NAT64 (RFC 6146), which gives it one of the other family.
        guard address.unmapped.isIPv6 == source.isIPv6 else { return nil }
        return Remark(
          .viaReceived, "\(title) says received=\(said) in Via, the request in frame \(frame) came from \(source)", message.stamp,
          by: message.source)
      }
      guard let host = asked.host.address, host.unmapped != source else { return nil }
      return Remark(
        .viaReceived, "\(title) has no received in Via: the request in frame \(frame) names \(host) there and came from \(source)",
        message.stamp, by: message.source)
    }

    var port: Remark? {
      guard isBack, asked.hasResponsePort, message.transport == .udp else { return nil }
      guard let text = answered.responsePort, let said = UInt16(text) else {
        // Who does not know it sends it back as it is.
        let text = "\(title) has no value for rport in Via, which the request in frame \(frame) asks for"
        return Remark(.note, "RFC 3581 §4", text, message.stamp, of: .viaReceived, by: message.source)
      }
      let source = request.source
      let seen = answered.received.flatMap { IPAddress($0) } ?? asked.host.address
      guard said != source.port, seen?.unmapped == source.address.unmapped else { return nil }
      return remark(
        .viaReceived, "\(title) says rport=\(said) in Via, the request in frame \(frame) came from port \(source.port)", "RFC 3581 §4")
    }

    var destination: Remark? {
      guard message.transport == .udp, request.transport == .udp, !asked.hasMaddr, let host = asked.host.address else { return nil }
      let source = request.source
      let isToSource = isBack && message.destination.port == source.port
      let isToVia = isBack && !asked.hasResponsePort && message.destination.port == asked.port ?? 5_060
      guard !isToSource, !isToVia else { return nil }
      let place = asked.hasResponsePort ? "\(source), as its rport asks" : "\(source.address):\(asked.port ?? 5_060), as its Via asks"
      // Where addresses are translated on the way, the capture sees one side of it.
      guard isBack || host.unmapped == source.address.unmapped else { return nil }
      // The port of the Via is the one of who does not know rport.
      let isOfVia = isBack && message.destination.port == asked.port ?? 5_060
      return remark(
        .responseDestination, "\(title) goes to \(message.destination), the request in frame \(frame) came from \(place)",
        asked.hasResponsePort && isOfVia ? "RFC 3581 §4" : "RFC 3261 §18.2.2")
    }

    private func remark(_ breach: Rule, _ text: String, _ section: String) -> Remark {
      Remark(breach.severity, section, text, message.stamp, of: breach, by: message.source)
    }
  }
}

/// Who was asked by a sips URI names one as its Contact (RFC 3261 §8.1.1.8, §12.1.1).
struct SecureContact: MessageCheck {
  var rule: Rule { .requestContactSecure }

  func check(_ message: ObservedMessage, _ request: ObservedTransaction?) -> [Remark] {
    guard message.cseq.method == .invite, message.method == .invite else { return [] }
    guard let status = message.status else {
      guard Self.isSecure(message.message.requestURIBytes?.prefix(5).text ?? ""), message.message.hasClearContact else { return [] }
      return [Remark(rule, "\(message.title) for a sips URI has the Contact \(Self.contact(message))", message.stamp, by: message.source)]
    }
    guard (200..<300).contains(status), let request, Self.isSecure(request.requestURI), message.message.hasClearContact else { return [] }
    return [
      Remark(
        .responseContactSecure, "\(message.title) to an INVITE for a sips URI has the Contact \(Self.contact(message))", message.stamp,
        by: message.source)
    ]
  }

  private static func contact(_ message: ObservedMessage) -> String { message.message.first(.contact)?.prefix(80).text ?? "" }

  private static func isSecure(_ uri: String) -> Bool { uri.lowercased().hasPrefix("sips:") }
}
