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
  /// The CSeq number of the peer's last request that was accepted; nil while there was none.
  public private(set) var remoteSequence: UInt32?
  /// Where requests within the dialog go: the Contact the peer gave last.
  public private(set) var remoteTarget: SIPURI
  /// The proxies that asked to stay in the path, nearest first.
  public let routeSet: [NameAddress]
  /// It was made by a request for a sips URI (the secure flag of RFC 3261 §12.1): our Contact in it is a sips URI.
  public let isSecure: Bool

  /// The caller's dialog, from the response that made it (RFC 3261 §12.1.2): Record-Route reversed, target from Contact.
  ///
  /// - Parameter requestURI: that of the INVITE; the remote target where the response names none.
  public init(callerOf response: SIPMessage, sequence: UInt32, requestURI: SIPURI) throws(SIPHeaderError) {
    let from = try response.from()
    let to = try response.to()
    callID = try response.callID()
    localTag = from.tag ?? ""
    remoteTag = to.tag ?? ""
    local = response.first(.from)?.text ?? from.description
    remote = response.first(.to)?.text ?? to.description
    localSequence = sequence
    remoteSequence = nil
    remoteTarget = try response.contacts().firstURI ?? requestURI
    routeSet = try response.recordRoutes().reversed()
    isSecure = requestURI.scheme == .sips
  }

  /// The callee's dialog, from the INVITE and the tag we put into our response (RFC 3261 §12.1.1): Record-Route in order.
  ///
  /// - Parameter audit: the INVITE's; nil is returned where a field that every request has is missing in it.
  public init?(calleeOf request: SIPMessage, _ audit: MessageAudit, localTag: String, localSequence: UInt32) {
    guard let from = audit.from, let to = audit.to, let cseq = audit.cseq, let requestURI = audit.requestURI,
      let callID = try? request.callID()
    else { return nil }
    self.callID = callID
    self.localTag = localTag
    // A peer of RFC 2543 may have no tag; RFC 3261 §12.1.1 asks us to take it as empty.
    remoteTag = from.tag ?? ""
    local = "\(request.first(.to)?.text ?? to.description);tag=\(localTag)"
    remote = request.first(.from)?.text ?? from.description
    self.localSequence = localSequence
    remoteSequence = cseq.number
    remoteTarget = audit.contacts?.firstURI ?? from.uri
    routeSet = audit.recordRoutes ?? []
    isSecure = requestURI.scheme == .sips
  }

  /// The number for our next request.
  public mutating func nextSequence() -> UInt32 {
    localSequence += 1
    return localSequence
  }

  /// Whether a request within the dialog comes after those accepted before it (RFC 3261 §12.2.2: else answer 500).
  public func isInOrder(_ sequence: UInt32) -> Bool { remoteSequence.map { sequence > $0 } ?? true }

  /// A request with this CSeq was accepted. One that is refused changes nothing (RFC 3261 §12.2.2).
  public mutating func accept(sequence: UInt32) { remoteSequence = max(remoteSequence ?? 0, sequence) }

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

  /// Whether our Contact in a request of this dialog has to be a sips URI (RFC 3261 §8.1.1.8, §12.2.1.1).
  public var wantsSecureContact: Bool { isSecure || nextHop.scheme == .sips || remoteTarget.scheme == .sips }

  /// Where the next hop of a request within the dialog stands.
  public var nextHop: SIPURI { routeSet.first?.uri ?? remoteTarget }
}

extension SIPMessage {
  /// Whether the Contact of a response to this request has to be a sips URI: its Request-URI is one, or the topmost Record-Route, or, where
  /// no proxy stays in the path, its Contact (RFC 3261 §12.1.1).
  var wantsSecureContact: Bool {
    if requestURIBytes?.isSecureURI == true { return true }
    if let route = try? recordRoutes().first { return route.uri.scheme == .sips }
    guard first(.contact)?.mentionsSecureURI == true else { return false }
    return (try? contacts().firstURI)?.scheme == .sips
  }

  /// Whether Contact is there and no sips URI.
  var hasClearContact: Bool { (try? contacts().firstURI).map { $0.scheme != .sips } ?? false }
}

extension Bytes {
  fileprivate var isSecureURI: Bool { prefix(5).text.lowercased() == "sips:" }

  /// False: there is no need to read the addresses.
  fileprivate var mentionsSecureURI: Bool {
    withSpan { span in
      for index in span.indices.dropLast(4) where span[index] | 0x20 == UInt8(ascii: "s") {
        if span[index + 4] == UInt8(ascii: ":"), span[index + 3] | 0x20 == UInt8(ascii: "s") { return true }
      }
      return false
    }
  }
}

extension ContactList {
  /// The first contact's URI.
  var firstURI: SIPURI? {
    if case .list(let contacts) = self { contacts.first?.uri } else { nil }
  }
}
