import SIPComposition
import SIPMessage
import SIPTransport
import SansIO

/// A dialog (RFC 3261 §12): the peer-to-peer relation that an INVITE's 2xx confirms, as one side keeps it.
public struct Dialog: Sendable {
  public let localTag: String
  public let remoteTag: RemoteTag
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
  /// From, To and Call-ID of our requests.
  private let identity: HeaderLines
  /// Request-URI and header of our requests: made with the first of them, since many a callee sends none, and anew when the target moves.
  private var template: RequestDraft?

  /// The caller's dialog, from the response that made it (RFC 3261 §12.1.2): Record-Route reversed, target from Contact.
  ///
  /// - Parameters:
  ///   - localTag: that of the INVITE's From.
  ///   - requestURI: that of the INVITE; the remote target where the response names none.
  public init(callerOf response: InboundMessage, localTag: String, sequence: UInt32, requestURI: SIPURI) throws(SIPHeaderError) {
    let (message, essentials) = (response.message, response.essentials)
    let facts = message.facts(essentials)
    // What is not among the facts is missing or broken: the typed readers say how.
    if facts.from == nil { _ = try message.from() }
    if facts.to == nil { _ = try message.to() }
    if essentials.callID == nil { _ = try message.callID() }
    if facts.contact == nil { _ = try message.contacts() }
    var lines = HeaderLines()
    lines.reserve(bytes: 256)
    for known in [KnownHeader.from, .to, .callID] { if let value = message.value(known) { lines.append(known, value) } }
    self.init(
      localTag: localTag, remoteTag: RemoteTag(ofCalleeIn: response).compacted(), localSequence: sequence, remoteSequence: nil,
      remoteTarget: facts.contact.flatMap { message.uri($0.uri) } ?? requestURI, routeSet: try message.recordRoutes().reversed(),
      isSecure: requestURI.scheme == .sips, identity: lines)
  }

  /// The callee's dialog, from the INVITE and the tag we put into our response (RFC 3261 §12.1.1): Record-Route in order.
  ///
  /// nil is returned where nobody can be reached: an audited request has a From at least.
  public init?(calleeOf request: SIPRequest, localTag: String, localSequence: UInt32) {
    guard let remoteTarget = request.remoteTarget else { return nil }
    let message = request.message
    var lines = HeaderLines()
    lines.reserve(bytes: 256)
    lines.append(.from, message.value(.to) ?? Bytes(), tag: localTag)
    if let value = message.value(.from) { lines.append(.to, value) }
    if let value = message.value(.callID) { lines.append(.callID, value) }
    self.init(
      localTag: localTag, remoteTag: RemoteTag(ofCallerIn: request.inbound).compacted(), localSequence: localSequence,
      remoteSequence: request.sequence, remoteTarget: remoteTarget, routeSet: request.recordRoutes, isSecure: request.isSecure,
      identity: lines)
  }

  private init(
    localTag: String, remoteTag: RemoteTag, localSequence: UInt32, remoteSequence: UInt32?, remoteTarget: SIPURI, routeSet: [NameAddress],
    isSecure: Bool, identity: HeaderLines
  ) {
    (self.localTag, self.remoteTag, self.localSequence, self.remoteSequence) = (localTag, remoteTag, localSequence, remoteSequence)
    (self.remoteTarget, self.routeSet, self.isSecure, self.identity) = (remoteTarget, routeSet, isSecure, identity)
  }

  /// Request-URI and Route (RFC 3261 §12.2.1.1), with a strict first router put into the Request-URI.
  private static func template(_ target: SIPURI, _ routeSet: [NameAddress], _ identity: HeaderLines) -> RequestDraft {
    guard let first = routeSet.first else { return RequestDraft(.bye, uri: Bytes(target.description), identity: identity, sequence: 0) }
    var (uri, routes) = (target, routeSet)
    if !first.uri.parameters.contains("lr") {
      uri = first.uri
      uri.parameters.remove("method")
      uri.headers = []
      routes = Array(routeSet.dropFirst()) + [NameAddress(uri: target)]
    }
    var lines = HeaderLines(routes.map { HeaderField(.route, $0.description) })
    lines.append(identity)
    return RequestDraft(.bye, uri: Bytes(uri.description), identity: lines, sequence: 0)
  }

  // MARK: - Our requests

  /// Our next request.
  public mutating func nextRequest(_ method: SIPMethod) -> RequestDraft {
    localSequence += 1
    return request(method, sequence: localSequence)
  }

  /// A request with a number of its own: the ACK of an INVITE has the INVITE's.
  public mutating func request(_ method: SIPMethod, sequence: UInt32) -> RequestDraft {
    var draft = template ?? Self.template(remoteTarget, routeSet, identity)
    template = draft
    (draft.method, draft.sequence) = (method, sequence)
    return draft
  }

  /// The Request-URI of our requests, over which a digest is made.
  public var requestURI: String { (template ?? Self.template(remoteTarget, routeSet, identity)).uri.text }

  /// Whether our Contact in a request of this dialog has to be a sips URI (RFC 3261 §8.1.1.8, §12.2.1.1).
  public var wantsSecureContact: Bool { isSecure || nextHop.scheme == .sips || remoteTarget.scheme == .sips }

  /// Where the next hop of a request within the dialog is.
  public var nextHop: SIPURI { routeSet.first?.uri ?? remoteTarget }

  // MARK: - The peer's requests

  /// Whether a request within the dialog comes after those accepted before it (RFC 3261 §12.2.2: else answer 500).
  public func isInOrder(_ sequence: UInt32) -> Bool { remoteSequence.map { sequence > $0 } ?? true }

  /// A request with this CSeq was accepted. One that is refused changes nothing (RFC 3261 §12.2.2).
  public mutating func accept(sequence: UInt32) { remoteSequence = max(remoteSequence ?? 0, sequence) }

  /// A target refresh (RFC 3261 §12.2): the Contact of a re-INVITE or of its 2xx.
  public mutating func refreshTarget(_ message: SIPMessage) {
    guard let contact = message.usableContacts.first?.uri, contact != remoteTarget else { return }
    remoteTarget = contact
    template = nil
  }
}
