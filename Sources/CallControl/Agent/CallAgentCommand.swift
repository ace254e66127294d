import Media
import RTP
import SDP
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO

/// What a stage or a command line asks of a ``CallAgent``.
public enum CallAgentCommand: Sendable {
  /// Calls; the leg's `started` event carries `name` back.
  case call(CallRequest)
  case cancel(LegID)
  case hangUp(LegID)
  /// Hold, resume and other re-INVITEs on a call that is up.
  case reinvite(LegID, SessionChange)
  /// Sends a tone on the leg for so long; nil = until the leg ends.
  case speak(LegID, SpokenAudio, for: Duration?)
  /// Sends digits; nil = by what was agreed, which is RFC 4733 or nothing. ``CallAgentEvent/pressed(_:)`` or
  /// ``CallAgentEvent/pressFailed(_:_:)`` follows. The form is that of INFO.
  case press(LegID, DigitPlan, by: DigitWay?, InfoDigit.Form)
  /// What each of the two legs hears is sent on the other, in its own codec; nil = on the same one, an echo.
  case bridge(LegID, LegID?)
  /// Sends another codec of the leg's agreement from the next packet on, without a re-INVITE (RFC 3264 §5.1).
  case send(LegID, AudioCodec)
  case register(RegisterRequest)
  case options(to: NextHop, uri: SIPURI)
  /// Ends every leg: BYE, CANCEL or a refusal.
  case hangUpAll
}

/// A call to be placed.
public struct CallRequest: Hashable, Sendable {
  public var name: String?
  public var uri: SIPURI
  public var hop: NextHop
  /// From; nil = the user agent's own address of record.
  public var from: NameAddress?
  public var credentials: Credentials?
  public var fields: [HeaderField]
  /// The INVITE has no offer; the answer to the one in the 2xx goes into the ACK (RFC 3261 §13.2.1).
  public var isOfferDelayed: Bool
  /// The flow that the callee registered over; nil = a way to the target is found or opened.
  public var flow: Flow?
  /// Whether requests within the call go over its flow rather than to Contact (contract 8.5); nil = as the user agent does.
  public var prefersFlow: Bool?
  /// What the call may use; nil = what the user agent can do.
  public var capability: AudioCapability?

  public init(
    name: String? = nil, uri: SIPURI, target: SIPTarget, from: NameAddress? = nil, credentials: Credentials? = nil,
    fields: [HeaderField] = [], isOfferDelayed: Bool = false, flow: Flow? = nil
  ) {
    self.init(
      name: name, uri: uri, hop: NextHop(target), from: from, credentials: credentials, fields: fields, isOfferDelayed: isOfferDelayed,
      flow: flow)
  }

  public init(
    name: String? = nil, uri: SIPURI, hop: NextHop, from: NameAddress? = nil, credentials: Credentials? = nil, fields: [HeaderField] = [],
    isOfferDelayed: Bool = false, flow: Flow? = nil
  ) {
    self.flow = flow
    self.isOfferDelayed = isOfferDelayed
    self.name = name
    self.uri = uri
    self.hop = hop
    self.from = from
    self.credentials = credentials
    self.fields = fields
  }
}

/// A binding to be made at a registrar.
public struct RegisterRequest: Sendable {
  public var registrar: SIPURI
  public var hop: NextHop
  public var aor: NameAddress
  public var credentials: Credentials?
  /// Seconds asked for; 0 removes the binding.
  public var expires: Int
  /// The user part of Contact; nil = the address of record's.
  public var contactUser: String?

  public init(registrar: SIPURI, target: SIPTarget, aor: NameAddress, credentials: Credentials? = nil, expires: Int = 3600) {
    self.init(registrar: registrar, hop: NextHop(target), aor: aor, credentials: credentials, expires: expires)
  }

  public init(registrar: SIPURI, hop: NextHop, aor: NameAddress, credentials: Credentials? = nil, expires: Int = 3600) {
    self.registrar = registrar
    self.hop = hop
    self.aor = aor
    self.credentials = credentials
    self.expires = expires
  }
}
