import Rules
import SIPMessage
import SansIO
import WireReader

/// A request for a sips URI leaves over TLS (RFC 3261 §26.2.2). Over UDP it is never right; over TCP in clear it may have come through a
/// proxy that ends TLS, of which a capture behind it knows nothing.
struct SecureWay: MessageCheck {
  var rule: Rule { .secureOverDatagrams }

  func check(_ message: ObservedMessage, _ request: ObservedTransaction?) -> [Remark] {
    guard message.transport == .udp, message.message.isRequest, message.message.isForSecureURI else { return [] }
    return [Remark(rule, "\(message.title) for a sips URI goes over UDP to \(message.destination)", message.stamp, by: message.source)]
  }
}

/// A proxy on the way of a request for a sips URI puts itself into the route by a sips URI (RFC 3261 §16.6 step 4): else later requests
/// leave TLS. The topmost Record-Route is the sender's where it names the sender's address.
struct SecureRoute: MessageCheck {
  var rule: Rule { .recordRouteSecure }

  func check(_ message: ObservedMessage, _ request: ObservedTransaction?) -> [Remark] {
    guard message.method == .invite, message.message.isRequest, message.message.isForSecureURI,
      let route = message.message.usableRecordRoutes.first(where: { $0.uri.scheme == .sip })
    else { return [] }
    let text = "\(message.title) for a sips URI has the Record-Route <\(route.uri)>"
    let isSender = route.uri.host.address?.unmapped == message.source.address.unmapped
    return [Remark(rule, text, message.stamp, by: isSender ? message.source : nil)]
  }
}

extension SIPMessage {
  fileprivate var isForSecureURI: Bool { requestURIBytes?.prefix(5).text.lowercased() == "sips:" }
}
