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
  /// The Request-URI.
  public let uri: SIPURI
  private let callIDRange: ByteRange
  private let audit: MessageAudit

  /// - Parameter audit: without a fatal fault; nil is returned where it has one.
  init?(_ server: ServerID, _ inbound: InboundMessage, _ audit: MessageAudit) {
    guard let method = inbound.message.method, let cseq = inbound.essentials.cseq, let callID = inbound.essentials.callID,
      let uri = audit.requestURI
    else { return nil }
    (self.server, self.inbound, self.method, sequence, self.uri) = (server, inbound, method, cseq.number, uri)
    callIDRange = callID
    self.audit = audit
  }

  public var message: SIPMessage { inbound.message }
  public var flow: Flow { inbound.flow }
  public var callID: Bytes { message[callIDRange] }
  /// nil for a peer of RFC 2543.
  public var fromTag: Bytes? { inbound.essentials.fromTag.map { message[$0] } }
  /// nil outside dialogs.
  public var toTag: Bytes? { inbound.essentials.toTag.map { message[$0] } }
  /// Where requests of the dialog that this one makes go: Contact, or From where there is none (RFC 3261 §12.1.1).
  var remoteTarget: SIPURI { audit.contacts?.firstURI ?? audit.from?.uri ?? uri }
  var recordRoutes: [NameAddress] { audit.recordRoutes ?? [] }
  /// The user that it calls.
  var toUser: String? { audit.to?.uri.user }
}

extension SIPRequest: Hashable {
  public static func == (left: SIPRequest, right: SIPRequest) -> Bool { left === right }
  public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
