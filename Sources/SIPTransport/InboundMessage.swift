import SIPMessage
import SansIO

/// A message that arrived: its bytes, what every floor needs of it, and the way it came. It is read once and passed up by reference.
public final class InboundMessage: Sendable {
  public let message: SIPMessage
  public let essentials: Essentials
  public let flow: Flow

  public init(_ message: SIPMessage, on flow: Flow) {
    self.message = message
    self.flow = flow
    essentials = message.essentials()
  }
}

extension InboundMessage {
  /// The way of a response to a request that came on this flow: a connection answers on itself; UDP to the source address, and to the
  /// source port where the peer asked for it, else to the Via's (RFC 3261 §18.2.2, RFC 3581 §4). Port 0 in a Via names none: the source
  /// port again (contract 8.7).
  ///
  /// A `maddr` that names the source address is honoured: the port is that of sent-by then, whatever rport says. One that names another
  /// host is not, although §18.2.2 says so: it was made for multicast (§18.1.1), and would let anybody turn our answers, repetitions and
  /// all, on a third party (a decision of the Lab). ``isTurnedAway`` tells so.
  public var replyFlow: Flow {
    guard let via = essentials.via, flow.transport == .udp, via.port != 0, !via.hasResponsePort || leadsToMulticastAddress(via) else {
      return flow
    }
    var reply = flow
    reply.remote.port = via.port ?? flow.transport.defaultPort
    return reply
  }

  /// Whether a `maddr` of Via would have our answers go to a host that did not ask for them.
  public var isTurnedAway: Bool {
    guard let via = essentials.via, via.maddr != nil else { return false }
    return flow.transport == .udp && !leadsToMulticastAddress(via)
  }

  private func leadsToMulticastAddress(_ via: TopmostVia) -> Bool {
    guard let text = via.maddr.map({ message[$0].text }), case .address(let address) = SIPHost(text) else { return false }
    return address.unmapped == flow.remote.address.unmapped
  }
}

extension InboundMessage {
  /// What the write of a response to this request is labelled with.
  public func responseLabel(_ status: Int, dialog: UInt32 = 0) -> Label {
    Label(
      .response(status: UInt16(clamping: status), message.method?.label ?? .unnamed), dialog: dialog, sequence: essentials.cseq?.number ?? 0
    )
  }

  /// The Call-ID for a log; empty where it is missing or cannot be read.
  public var callIDText: String { essentials.callID.map { message[$0].text } ?? "" }
}

extension InboundMessage: CustomStringConvertible {
  public var description: String { message.description }
}

/// One that arrived is the same as itself.
extension InboundMessage: Hashable {
  public static func == (left: InboundMessage, right: InboundMessage) -> Bool { left === right }
  public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
