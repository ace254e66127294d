import SIPComposition
import SIPMessage
import SIPTransport
import SansIO

/// A request that passed the audit: what RFC 3261 §8.1.1 asks of it is there and can be read. It is passed up by reference, with the number
/// of its server transaction.
public final class SIPRequest: Sendable {
  public let server: ServerID
  public let inbound: InboundMessage
  public let method: SIPMethod
  /// The number of CSeq.
  public let sequence: UInt32
  public let facts: MessageFacts
  private let callIDRange: ByteRange
  private let uriRange: ByteRange

  /// - Parameter facts: without a fatal fault; nil is returned where they have one.
  init?(_ server: ServerID, _ inbound: InboundMessage, _ facts: MessageFacts) {
    guard let method = inbound.message.method, let cseq = inbound.essentials.cseq, let callID = inbound.essentials.callID,
      let uri = inbound.message.requestURIRange
    else { return nil }
    (self.server, self.inbound, self.method, sequence, self.facts) = (server, inbound, method, cseq.number, facts)
    (callIDRange, uriRange) = (callID, uri)
  }

  public var message: SIPMessage { inbound.message }
  public var flow: Flow { inbound.flow }
  public var callID: Bytes { message[callIDRange] }
  /// nil for a peer of RFC 2543.
  public var fromTag: Bytes? { inbound.essentials.fromTag.map { message[$0] } }
  /// nil outside dialogs.
  public var toTag: Bytes? { inbound.essentials.toTag.map { message[$0] } }
  /// The Request-URI as it is written.
  public var uriText: Bytes { message[uriRange] }
  /// The Request-URI; made when it is asked for.
  public var uri: SIPURI? { facts.requestURI.flatMap { message.uri($0) } }
  /// Whether the Request-URI is a sips URI.
  var isSecure: Bool { facts.requestURI?.isSIPS == true }
  /// Where requests of the dialog that this one makes go: Contact, or From where there is none (RFC 3261 §12.1.1).
  var remoteTarget: SIPURI? { (facts.contact ?? facts.from).flatMap { message.uri($0.uri) } }
  var recordRoutes: [NameAddress] { message.usableRecordRoutes }
  /// The URI of To: what a REGISTER is for (RFC 3261 §10.2).
  public var addressOfRecord: SIPURI? { facts.to.flatMap { message.uri($0.uri) } }
  /// The user that it calls.
  var calledUser: String? { facts.to?.uri.user.map { message.text($0) } }
  /// Whether the Contact of a response has to be a sips URI: the Request-URI is one, or the topmost Record-Route, or, where no proxy stays
  /// in the path, the Contact (RFC 3261 §12.1.1).
  var wantsSecureContact: Bool { isSecure || (facts.recordRoute ?? facts.contact)?.uri.isSIPS == true }
}

extension SIPRequest: Hashable {
  public static func == (left: SIPRequest, right: SIPRequest) -> Bool { left === right }
  public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
