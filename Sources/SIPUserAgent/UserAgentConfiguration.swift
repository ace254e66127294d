import SDP
import SIPComposition
import SIPMessage
import SIPTransaction
import SIPTransport
import SansIO

/// Declines the offer of a 2xx that nobody wants and that has to be acknowledged all the same (RFC 3261 §13.2.2.4).
public struct OfferDecliner: Sendable {
  private let style: DescriptionStyle
  private let address: IPAddress

  /// - Parameter address: of o= and c=.
  public init(style: DescriptionStyle = .plain, address: IPAddress = .anyV4) { (self.style, self.address) = (style, address) }

  /// Every stream rejected (RFC 3264 §6); empty where the offer cannot be read.
  public func answer(to offer: Bytes) -> Bytes {
    guard let description = try? SessionDescription.parse(offer) else { return Bytes() }
    return OfferAnswerSession.declining(description, style: style, address: address).serialized()
  }
}

extension UserAgent {
  public struct Configuration: Sendable {
    /// How it writes; what the product claims beyond its features is left out.
    public var style: MessageStyle
    public var behaviour: Behaviour
    public var timers: SIPTimers
    public var listeners: [TransportListener]
    public var limits: SIPLimits
    /// Over what it opens connections though it does not listen there.
    public var opens: Set<SIPTransportProtocol> = []
    /// Send requests of a dialog without Route over the flow it came by when Contact names another address (contract: `natContact`).
    public var prefersFlowOverContact: Bool
    /// The host of Contact; nil = the address the message leaves from.
    public var contactHost: String?
    /// URI schemes besides sip and sips that a Request-URI may have; others get 416 (RFC 3261 §8.2.2.1).
    public var foreignSchemes: Set<String> = []
    /// Requests over UDP that are longer, in bytes, go over TCP (RFC 3261 §18.1.1); nil = never.
    public var datagramLimit: Int? = 1_300
    /// How often connections that we opened are kept alive by CRLF (RFC 5626 §4.4.1); nil = never.
    public var keepAlive: Duration?
    /// How offers are declined.
    public var declining = OfferDecliner()
    /// Follow a 3xx to its contacts (RFC 3261 §8.1.3.4).
    public var followsRedirections = true

    /// What the servers of a name may need of it.
    public var means: ServerSearch.Means {
      var means = ServerSearch.Means(listeners)
      means.transports.formUnion(opens)
      return means
    }

    public init(
      style: MessageStyle = .plain, features: Features = [], behaviour: Behaviour = Behaviour(), timers: SIPTimers = .standard,
      listeners: [TransportListener], limits: SIPLimits = .standard,
      prefersFlowOverContact: Bool = true, contactHost: String? = nil
    ) {
      self.style = style.speaking(features)
      self.behaviour = behaviour
      self.timers = timers
      self.listeners = listeners
      self.limits = limits
      self.prefersFlowOverContact = prefersFlowOverContact
      self.contactHost = contactHost
    }
  }
}
