import SIPMessage
import SansIO

/// A dialog (RFC 3261 §12): the peer-to-peer relation that an INVITE's 2xx confirms, as one side keeps it.
public struct Dialog: Sendable {
  public let callID: String
  public let localTag: String
  public let remoteTag: String
  /// From of our requests, To of theirs, with its tag, as it goes into a header.
  public let local: String
  /// To of our requests, with its tag.
  public let remote: String
  /// The CSeq number of our last request.
  public private(set) var localSequence: UInt32
  /// The CSeq number of the peer's last request; nil while it sent none.
  public private(set) var remoteSequence: UInt32?
  /// Where requests within the dialog go: the Contact the peer gave last.
  public private(set) var remoteTarget: SIPURI
  /// The proxies that asked to stay in the path, nearest first.
  public let routeSet: [NameAddress]

  /// The caller's dialog, from the response that made it (RFC 3261 §12.1.2): Record-Route reversed, target from Contact.
  public init(callerOf response: SIPMessage, sequence: UInt32, fallbackTarget: SIPURI) throws(SIPHeaderError) {
    let from = try response.from()
    let to = try response.to()
    callID = try response.callID()
    localTag = from.tag ?? ""
    remoteTag = to.tag ?? ""
    local = response.first(.from)?.text ?? from.description
    remote = response.first(.to)?.text ?? to.description
    localSequence = sequence
    remoteSequence = nil
    remoteTarget = try response.contacts().firstURI ?? fallbackTarget
    routeSet = try response.recordRoutes().reversed()
  }

  /// The callee's dialog, from the INVITE and the tag we put into our response (RFC 3261 §12.1.1): Record-Route in order.
  public init(calleeOf request: SIPMessage, localTag: String, localSequence: UInt32) throws(SIPHeaderError) {
    let from = try request.from()
    let to = try request.to()
    callID = try request.callID()
    self.localTag = localTag
    // A peer of RFC 2543 may have no tag; RFC 3261 §12.1.1 asks us to take it as empty.
    remoteTag = from.tag ?? ""
    local = "\(request.first(.to)?.text ?? to.description);tag=\(localTag)"
    remote = request.first(.from)?.text ?? from.description
    self.localSequence = localSequence
    remoteSequence = try request.cseq().number
    remoteTarget = try request.contacts().firstURI ?? from.uri
    routeSet = try request.recordRoutes()
  }

  /// The number for our next request.
  public mutating func nextSequence() -> UInt32 {
    localSequence += 1
    return localSequence
  }

  /// Takes the CSeq of a request within the dialog; false when it is lower than the last one (RFC 3261 §12.2.2: answer 500).
  public mutating func accepts(sequence: UInt32) -> Bool {
    if let last = remoteSequence, sequence <= last { return false }
    remoteSequence = sequence
    return true
  }

  /// A target refresh (RFC 3261 §12.2): the Contact of a re-INVITE or of its 2xx.
  public mutating func refreshTarget(_ message: SIPMessage) {
    if let contact = try? message.contacts().firstURI { remoteTarget = contact }
  }

  /// Request-URI and Route of a request within the dialog (RFC 3261 §12.2.1.1), with a strict first router put into the Request-URI.
  public var requestPath: (uri: SIPURI, routes: [NameAddress]) {
    guard let first = routeSet.first else { return (remoteTarget, []) }
    if first.uri.parameters.contains("lr") { return (remoteTarget, routeSet) }
    var strict = first.uri
    strict.parameters.remove("method")
    strict.headers = []
    return (strict, Array(routeSet.dropFirst()) + [NameAddress(uri: remoteTarget)])
  }

  /// Where the next hop of a request within the dialog stands.
  public var nextHop: SIPURI { routeSet.first?.uri ?? remoteTarget }
}

extension ContactList {
  /// The first contact's URI.
  var firstURI: SIPURI? {
    if case .list(let contacts) = self { contacts.first?.uri } else { nil }
  }
}
